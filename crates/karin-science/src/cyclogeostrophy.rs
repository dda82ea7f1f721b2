//! Currents in balance with their own curvature.
//!
//! Geostrophy leaves out the acceleration of water that turns. With it the current `(u, v)` obeys
//! `u = u_g - (u . grad v) / f`, `v = v_g + (u . grad u) / f` (steady, without friction). Three ways to solve this:
//!
//! | method | how | where it fails |
//! |---|---|---|
//! | [`Cyclogeostrophy::GradientWind`] | closed form for circular flow with the curvature of the geostrophic current | NaN where anticyclones are too strong for a balance |
//! | [`Cyclogeostrophy::FixedPoint`] | iteration of Penven et al. 2014 (Ocean Sci. 10), stopped pixel by pixel | keeps what it had before it began to diverge |
//! | [`Cyclogeostrophy::Variational`] | least squares of the imbalance over the pass (Bertrand et al. 2025) | nowhere; leaves an imbalance where there is no balance |
//!
//! All are computed in the frame of the flight, with 1/f tamed like the geostrophic current at the equator (`(1 - w)/f`:
//! nothing is corrected on the equator itself, all of it from 8 degrees on).

mod differences;
mod fixed_point;
mod gradient_wind;
mod variational;

use std::fmt;
use std::str::FromStr;

use crate::deformation::into_flight_frame;
use crate::sphere::GRAVITY;
use crate::{Current, Derivative, Metric, ScienceError};
use differences::Differences;

/// How the balance is solved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cyclogeostrophy {
    /// Closed form of circular flow.
    GradientWind,
    /// Penven's fixed point.
    #[default]
    FixedPoint,
    /// Least squares of the imbalance.
    Variational,
}

impl Cyclogeostrophy {
    /// The words.
    pub const NAMES: &[&str] = &["gradient_wind", "fixed_point", "variational"];

    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::GradientWind => "gradient_wind",
            Self::FixedPoint => "fixed_point",
            Self::Variational => "variational",
        }
    }

    /// Lines of the geostrophic current needed on either side; `None`: all of the pass.
    pub(crate) fn reach(self, derivative: &Derivative) -> Option<usize> {
        match self {
            Self::GradientWind => Some(derivative.half()),
            Self::FixedPoint => Some(fixed_point::ITERATIONS),
            Self::Variational => None,
        }
    }
}

impl fmt::Display for Cyclogeostrophy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Cyclogeostrophy {
    type Err = ScienceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().to_ascii_lowercase().as_str() {
            "gradient_wind" => Ok(Self::GradientWind),
            "fixed_point" => Ok(Self::FixedPoint),
            "variational" => Ok(Self::Variational),
            other => Err(ScienceError::UnknownWord {
                word: other.to_owned(),
                what: "cyclogeostrophic method",
                known: Self::NAMES,
            }),
        }
    }
}

/// The cyclogeostrophic current of a geostrophic one, m/s; NaN where that is NaN or has no neighbours, and where the
/// gradient wind has no solution.
///
/// The gradient wind takes its curvature by the derivatives of the method; the other two difference two points.
/// Cost per pass of 9860 x 69: gradient wind as a deformation, fixed point 20 gradients, variational seconds.
///
/// # Errors
/// If the current does not fill the extent of the metric.
pub fn solve(
    geostrophic: &Current,
    metric: &Metric,
    derivative: &Derivative,
    method: Cyclogeostrophy,
) -> Result<Current, ScienceError> {
    let flow = Flow::new(geostrophic, metric)?;
    let (along, left) = match method {
        Cyclogeostrophy::GradientWind => gradient_wind::solve(&flow, metric, derivative)?,
        Cyclogeostrophy::FixedPoint => fixed_point::solve(&flow, &Differences::pair(&flow.along, metric)),
        Cyclogeostrophy::Variational => variational::solve(&flow, &Differences::pair(&flow.along, metric)),
    };
    let components = along
        .iter()
        .zip(&left)
        .zip(metric.cosine.iter().zip(&metric.sine));
    let (east, north) = components
        .map(|((along, left), (cosine, sine))| (along * cosine - left * sine, along * sine + left * cosine))
        .unzip();
    Ok(Current { east, north })
}

/// What is missing to the balance, m/s: the length of `(u - u_g + (u . grad v)/f, v - v_g - (u . grad u)/f)`, by two-point
/// differences. Large where a method found no solution.
///
/// # Errors
/// If a current does not fill the extent of the metric.
pub fn imbalance(
    current: &Current,
    geostrophic: &Current,
    metric: &Metric,
) -> Result<Vec<f64>, ScienceError> {
    let balanced = Flow::new(geostrophic, metric)?;
    let flow = Flow::new(current, metric)?;
    let [by_line, by_pixel] = Differences::pair(&flow.along, metric);
    let (along, left) = (zero_filled(&flow.along), zero_filled(&flow.left));
    let slopes = [
        by_line.apply(&along),
        by_pixel.apply(&along),
        by_line.apply(&left),
        by_pixel.apply(&left),
    ];
    let one = |index: usize| {
        if !(by_line.is_known[index] && by_pixel.is_known[index]) {
            return f64::NAN;
        }
        let (a, l, factor) = (flow.along[index], flow.left[index], flow.per_coriolis[index]);
        let first = a - balanced.along[index] + factor * (a * slopes[2][index] + l * slopes[3][index]);
        let second = l - balanced.left[index] - factor * (a * slopes[0][index] + l * slopes[1][index]);
        first.hypot(second)
    };
    Ok((0..flow.along.len()).map(one).collect())
}

/// A current in the frame of the flight, with what divides its acceleration.
struct Flow {
    along: Vec<f64>,
    left: Vec<f64>,
    /// 1/f, tamed at the equator, s.
    per_coriolis: Vec<f64>,
}

impl Flow {
    fn new(current: &Current, metric: &Metric) -> Result<Self, ScienceError> {
        let extent = metric.extent();
        ScienceError::check("current", current.east.len(), extent)?;
        ScienceError::check("current", current.north.len(), extent)?;
        let (along, left) = into_flight_frame(&current.east, &current.north, metric);
        Ok(Self {
            along,
            left,
            per_coriolis: metric.geostrophic.iter().map(|factor| factor / GRAVITY).collect(),
        })
    }
}

/// NaN becomes zero, which no difference looks at.
fn zero_filled(values: &[f64]) -> Vec<f64> {
    let filled = values
        .iter()
        .map(|value| if value.is_nan() { 0.0 } else { *value });
    filled.collect()
}
