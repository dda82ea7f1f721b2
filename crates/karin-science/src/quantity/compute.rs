//! Several quantities at once, sharing slopes, currents and their derivatives.

use std::cell::OnceCell;

use super::Quantity;
use crate::currents::{from_slope, gradient};
use crate::fit::Surface;
use crate::{
    Current, Deformation, Method, Metric, Noise, ScienceError, cyclogeostrophy, fit, laplacian, noise,
};

/// Computes quantities from one height in metres, in the order asked for; what they share is computed once.
///
/// Every quantity is computed from the height given, whatever its default ([`Quantity::height`]): callers group the
/// quantities by the height that they want.
///
/// # Errors
/// If the height does not fill the extent of the metric, or the method cannot give a quantity.
pub fn compute_all(
    quantities: &[Quantity],
    method: &Method,
    height: &[f64],
    metric: &Metric,
) -> Result<Vec<Vec<f64>>, ScienceError> {
    let shared = Shared {
        method,
        height,
        metric,
        surface: OnceCell::new(),
        current: OnceCell::new(),
        cyclo: OnceCell::new(),
        uncertainty: OnceCell::new(),
        deformation: OnceCell::new(),
    };
    quantities
        .iter()
        .map(|quantity| shared.compute(*quantity))
        .collect()
}

/// What quantities of one height share, computed when first needed.
struct Shared<'a> {
    method: &'a Method,
    height: &'a [f64],
    metric: &'a Metric,
    surface: OnceCell<Surface>,
    current: OnceCell<Current>,
    cyclo: OnceCell<Current>,
    uncertainty: OnceCell<Current>,
    deformation: OnceCell<Deformation>,
}

impl Shared<'_> {
    fn compute(&self, quantity: Quantity) -> Result<Vec<f64>, ScienceError> {
        use Quantity as Q;
        let coriolis = self.metric.coriolis();
        Ok(match quantity {
            Q::UGeo | Q::UGeoAbs => self.current()?.east.clone(),
            Q::VGeo | Q::VGeoAbs => self.current()?.north.clone(),
            Q::Speed | Q::SpeedAbs => self.current()?.speed(),
            Q::Ke | Q::Eke => self.current()?.kinetic_energy(),
            Q::Vorticity => self.deformation()?.vorticity.clone(),
            Q::VorticityOverF | Q::RossbyNumber => over(&self.deformation()?.vorticity, coriolis, |f| f),
            Q::Divergence => self.deformation()?.divergence.clone(),
            Q::NormalStrain => self.deformation()?.normal_strain.clone(),
            Q::ShearStrain => self.deformation()?.shear_strain.clone(),
            Q::Strain => self.deformation()?.strain(),
            Q::StrainOverF => over(&self.deformation()?.strain(), coriolis, f64::abs),
            Q::OkuboWeiss => self.deformation()?.okubo_weiss(),
            Q::OkuboWeissOverF2 => over(&self.deformation()?.okubo_weiss(), coriolis, |f| f * f),
            Q::SshGradient => {
                let (east, north) = self.slope()?;
                let slopes = east.iter().zip(&north);
                slopes
                    .map(|(east, north)| (east * east + north * north).sqrt())
                    .collect()
            }
            Q::SshLaplacian => match self.surface()? {
                Some(surface) => surface.laplacian(),
                None => laplacian(self.height, self.metric, &self.method.derivative)?,
            },
            Q::UCyclo => self.cyclo()?.east.clone(),
            Q::VCyclo => self.cyclo()?.north.clone(),
            Q::SpeedCyclo => self.cyclo()?.speed(),
            Q::CycloImbalance => cyclogeostrophy::imbalance(self.cyclo()?, self.current()?, self.metric)?,
            Q::UGeoUncertainty => self.uncertainty(quantity)?.east.clone(),
            Q::VGeoUncertainty => self.uncertainty(quantity)?.north.clone(),
            Q::VorticityUncertainty => self.vorticity_uncertainty(quantity)?,
        })
    }

    fn cyclo(&self) -> Result<&Current, ScienceError> {
        kept(&self.cyclo, || {
            let method = self.method;
            cyclogeostrophy::solve(
                self.current()?,
                self.metric,
                &method.derivative,
                method.cyclogeostrophy,
            )
        })
    }

    fn uncertainty(&self, quantity: Quantity) -> Result<&Current, ScienceError> {
        kept(&self.uncertainty, || {
            let noise = Noise::Constant(self.method.noise);
            noise::of_current(self.height, noise, self.metric, &self.method.derivative)?.ok_or_else(|| {
                self.refused(
                    quantity,
                    "its noise is propagated for l3 and fits: take one of these",
                )
            })
        })
    }

    fn vorticity_uncertainty(&self, quantity: Quantity) -> Result<Vec<f64>, ScienceError> {
        let reason = "its noise is propagated for l3 and quadratic fits: take one of these";
        let noise = Noise::Constant(self.method.noise);
        noise::of_vorticity(self.height, noise, self.metric, &self.method.derivative)?
            .ok_or_else(|| self.refused(quantity, reason))
    }

    fn refused(&self, quantity: Quantity, reason: &'static str) -> ScienceError {
        ScienceError::Method {
            quantity,
            method: Box::new(self.method.clone()),
            reason,
        }
    }

    /// The fitted surface, if the method is a quadratic fit.
    fn surface(&self) -> Result<Option<&Surface>, ScienceError> {
        let Some(fit) = self.method.derivative.quadratic_fit() else {
            return Ok(None);
        };
        kept(&self.surface, || fit::surface(self.height, self.metric, fit)).map(Some)
    }

    fn slope(&self) -> Result<(Vec<f64>, Vec<f64>), ScienceError> {
        match self.surface()? {
            Some(surface) => Ok((surface.east.clone(), surface.north.clone())),
            None => gradient(self.height, self.metric, &self.method.derivative),
        }
    }

    fn current(&self) -> Result<&Current, ScienceError> {
        kept(&self.current, || {
            Ok(from_slope(self.height, self.metric, self.slope()?))
        })
    }

    fn deformation(&self) -> Result<&Deformation, ScienceError> {
        kept(&self.deformation, || {
            let current = self.current()?;
            match (self.surface()?, self.method.derivative.quadratic_fit()) {
                (Some(surface), Some(fit)) => Deformation::of_surface(surface, current, self.metric, fit),
                _ => Deformation::of(current, self.metric, &self.method.derivative),
            }
        })
    }
}

/// The value of a cell, made when first asked for.
fn kept<T>(cell: &OnceCell<T>, make: impl FnOnce() -> Result<T, ScienceError>) -> Result<&T, ScienceError> {
    if let Some(value) = cell.get() {
        return Ok(value);
    }
    let value = make()?;
    Ok(cell.get_or_init(|| value))
}

/// Divided by a function of the Coriolis parameter; NaN where that is zero.
fn over(values: &[f64], coriolis: &[f64], of: impl Fn(f64) -> f64) -> Vec<f64> {
    let pairs = values.iter().zip(coriolis);
    pairs
        .map(|(value, coriolis)| match of(*coriolis) {
            0.0 => f64::NAN,
            divisor => value / divisor,
        })
        .collect()
}
