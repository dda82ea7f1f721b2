//! Several quantities at once, sharing slopes, currents and their derivatives.

use std::cell::OnceCell;

use super::Quantity;
use crate::currents::{geostrophic, gradient};
use crate::{Current, Deformation, Method, Metric, ScienceError, laplacian};

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
        current: OnceCell::new(),
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
    current: OnceCell<Current>,
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
                let (east, north) = gradient(self.height, self.metric, &self.method.derivative)?;
                let slopes = east.iter().zip(&north);
                slopes
                    .map(|(east, north)| (east * east + north * north).sqrt())
                    .collect()
            }
            Q::SshLaplacian => laplacian(self.height, self.metric, &self.method.derivative)?,
        })
    }

    fn current(&self) -> Result<&Current, ScienceError> {
        kept(&self.current, || {
            geostrophic(self.height, self.metric, &self.method.derivative)
        })
    }

    fn deformation(&self) -> Result<&Deformation, ScienceError> {
        kept(&self.deformation, || {
            Deformation::of(self.current()?, self.metric, &self.method.derivative)
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
