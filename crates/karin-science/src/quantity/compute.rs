//! Several quantities at once, sharing slopes, currents and their derivatives.

use std::cell::{Cell, OnceCell};
use std::ops::Range;

use super::Quantity;
use super::facts::Level;
use crate::currents::{from_slope, geostrophic_on, gradient};
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
    let all = 0..metric.extent().num_lines;
    compute_all_on(all, quantities, method, height, metric, &mut Vec::new())
}

/// [`compute_all`] for some lines, as many as the quantities reach ([`Quantity::reach`]) away from the ends: on others values are those of
/// [`compute_all`], or of what is left of these. In the memory of vectors that nobody needs any more, block after block of lines: results
/// given back there, and what is left over of the shared ones.
///
/// # Errors
/// As [`compute_all`].
pub fn compute_all_on(
    lines: Range<usize>,
    quantities: &[Quantity],
    method: &Method,
    height: &[f64],
    metric: &Metric,
    spare: &mut Vec<Vec<f64>>,
) -> Result<Vec<Vec<f64>>, ScienceError> {
    let mut room = || spare.pop().unwrap_or_default();
    let room = Current {
        east: room(),
        north: room(),
    };
    let is_curved =
        |quantity: &Quantity| matches!(quantity.facts().level, Level::Curvature | Level::Deformation);
    let mut shared = Shared {
        lines: lines_of_currents(lines, quantities, method, metric),
        needs_surface: quantities.iter().any(is_curved),
        method,
        height,
        metric,
        surface: OnceCell::new(),
        current: OnceCell::new(),
        room: Cell::new(room),
        cyclo: OnceCell::new(),
        uncertainty: OnceCell::new(),
        deformation: OnceCell::new(),
    };
    let mut results: Vec<Option<Vec<f64>>> = Vec::with_capacity(quantities.len());
    for quantity in quantities {
        results.push(shared.compute(*quantity)?);
    }
    // What is shared as it is goes to the first that asks for it, now that nothing else is computed from it.
    for (place, quantity) in quantities.iter().enumerate() {
        if results[place].is_none() {
            let earlier = quantities[..place]
                .iter()
                .position(|other| other.component() == quantity.component());
            results[place] = match earlier {
                Some(earlier) => results[earlier].clone(),
                None => Some(shared.take(*quantity)),
            };
        }
    }
    for left in [shared.current.take().unwrap_or_default(), shared.room.take()] {
        let vectors = [left.east, left.north].into_iter();
        spare.extend(vectors.filter(|vector| vector.capacity() > 0));
    }
    Ok(results.into_iter().flatten().collect())
}

/// The lines of currents that quantities on some lines are made of.
fn lines_of_currents(
    lines: Range<usize>,
    quantities: &[Quantity],
    method: &Method,
    metric: &Metric,
) -> Range<usize> {
    let num_lines = metric.extent().num_lines;
    let reach_of = |quantity: &Quantity| match quantity.facts().level {
        Level::Slope | Level::Current => 0,
        Level::Curvature | Level::Deformation => method.derivative.half(),
        Level::Balance => num_lines,
    };
    let reach = quantities.iter().map(reach_of).max().unwrap_or(0);
    lines.start.saturating_sub(reach)..num_lines.min(lines.end.saturating_add(reach))
}

/// A component that several quantities share as it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Component {
    CurrentEast,
    CurrentNorth,
    CycloEast,
    CycloNorth,
    UncertaintyEast,
    UncertaintyNorth,
    Vorticity,
    Divergence,
    NormalStrain,
    ShearStrain,
}

impl Quantity {
    /// The shared component that the quantity is, if it is one.
    fn component(self) -> Option<Component> {
        Some(match self {
            Self::UGeo | Self::UGeoAbs => Component::CurrentEast,
            Self::VGeo | Self::VGeoAbs => Component::CurrentNorth,
            Self::UCyclo => Component::CycloEast,
            Self::VCyclo => Component::CycloNorth,
            Self::UGeoUncertainty => Component::UncertaintyEast,
            Self::VGeoUncertainty => Component::UncertaintyNorth,
            Self::Vorticity => Component::Vorticity,
            Self::Divergence => Component::Divergence,
            Self::NormalStrain => Component::NormalStrain,
            Self::ShearStrain => Component::ShearStrain,
            _ => return None,
        })
    }
}

/// What quantities of one height share, computed when first needed.
struct Shared<'a> {
    method: &'a Method,
    height: &'a [f64],
    /// Second derivatives are asked for: a fit then makes all derivatives at once.
    needs_surface: bool,
    metric: &'a Metric,
    /// Lines on which currents are wanted.
    lines: Range<usize>,
    surface: OnceCell<Surface>,
    current: OnceCell<Current>,
    /// Memory for it.
    room: Cell<Current>,
    cyclo: OnceCell<Current>,
    uncertainty: OnceCell<Current>,
    deformation: OnceCell<Deformation>,
}

impl Shared<'_> {
    /// Computes a quantity; one that is a shared component is only made ready, and `None`.
    fn compute(&self, quantity: Quantity) -> Result<Option<Vec<f64>>, ScienceError> {
        use Quantity as Q;
        let coriolis = self.metric.coriolis();
        Ok(Some(match quantity {
            Q::UGeo | Q::UGeoAbs | Q::VGeo | Q::VGeoAbs => return self.current().map(|_| None),
            Q::Vorticity | Q::Divergence | Q::NormalStrain | Q::ShearStrain => {
                return self.deformation().map(|_| None);
            }
            Q::UCyclo | Q::VCyclo => return self.cyclo().map(|_| None),
            Q::UGeoUncertainty | Q::VGeoUncertainty => return self.uncertainty(quantity).map(|_| None),
            Q::Speed | Q::SpeedAbs => self.current()?.speed(),
            Q::Ke | Q::Eke => self.current()?.kinetic_energy(),
            Q::VorticityOverF | Q::RossbyNumber => over(&self.deformation()?.vorticity, coriolis, |f| f),
            Q::Strain => self.deformation()?.strain(),
            Q::StrainOverF => over(&self.deformation()?.strain(), coriolis, f64::abs),
            Q::OkuboWeiss => self.deformation()?.okubo_weiss(),
            Q::OkuboWeissOverF2 => over(&self.deformation()?.okubo_weiss(), coriolis, |f| f * f),
            Q::SshGradient => {
                let (east, north) = self.slope()?;
                lengths(&east, &north)
            }
            Q::SshLaplacian => match self.surface()? {
                Some(surface) => surface.laplacian(),
                None => laplacian(self.height, self.metric, &self.method.derivative)?,
            },
            Q::SpeedCyclo => self.cyclo()?.speed(),
            Q::CycloImbalance => cyclogeostrophy::imbalance(self.cyclo()?, self.current()?, self.metric)?,
            Q::VorticityUncertainty => self.vorticity_uncertainty(quantity)?,
        }))
    }

    /// Takes a shared component out of what was made ready.
    fn take(&mut self, quantity: Quantity) -> Vec<f64> {
        use Component as C;
        let of = |current: &mut OnceCell<Current>, is_east: bool| {
            let current = current.get_mut();
            current.map(|current| {
                std::mem::take(if is_east {
                    &mut current.east
                } else {
                    &mut current.north
                })
            })
        };
        let mut of_deformation = |which: fn(&mut Deformation) -> &mut Vec<f64>| {
            self.deformation
                .get_mut()
                .map(|deformation| std::mem::take(which(deformation)))
        };
        let taken = match quantity.component() {
            Some(C::CurrentEast) => of(&mut self.current, true),
            Some(C::CurrentNorth) => of(&mut self.current, false),
            Some(C::CycloEast) => of(&mut self.cyclo, true),
            Some(C::CycloNorth) => of(&mut self.cyclo, false),
            Some(C::UncertaintyEast) => of(&mut self.uncertainty, true),
            Some(C::UncertaintyNorth) => of(&mut self.uncertainty, false),
            Some(C::Vorticity) => of_deformation(|deformation| &mut deformation.vorticity),
            Some(C::Divergence) => of_deformation(|deformation| &mut deformation.divergence),
            Some(C::NormalStrain) => of_deformation(|deformation| &mut deformation.normal_strain),
            Some(C::ShearStrain) => of_deformation(|deformation| &mut deformation.shear_strain),
            None => None,
        };
        taken.unwrap_or_default()
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

    /// The fitted surface, if the method is a quadratic fit and more than slopes are asked for.
    fn surface(&self) -> Result<Option<&Surface>, ScienceError> {
        let fit = self.method.derivative.quadratic_fit();
        let Some(fit) = fit.filter(|_| self.needs_surface) else {
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
        kept(&self.current, || match self.surface()? {
            Some(_) => Ok(from_slope(self.height, self.metric, self.slope()?)),
            None => {
                let mut current = self.room.take();
                geostrophic_on(
                    self.lines.clone(),
                    self.height,
                    self.metric,
                    &self.method.derivative,
                    &mut current,
                )?;
                Ok(current)
            }
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

fn lengths(east: &[f64], north: &[f64]) -> Vec<f64> {
    let slopes = east.iter().zip(north);
    slopes
        .map(|(east, north)| (east * east + north * north).sqrt())
        .collect()
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
