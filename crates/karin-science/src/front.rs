//! Fronts: lines along which a field changes most.
//!
//! ```text
//!   field ──> gradient ──> ridge (largest along the gradient, weak and strong) ──> lines ──> Front
//! ```

mod line;
mod ridge;

use crate::currents::gradient;
use crate::{Derivative, Metric, Refused, ScienceError};
use line::lines;
use ridge::Ridge;

/// How steep a field has to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Steepness {
    /// The gradient that this share of the pixels stays below.
    Quantile(f64),
    /// A gradient in units of the field per metre.
    Gradient(f64),
}

impl Steepness {
    /// `90%` (a share of the pixels), or a number of units of the field per kilometre.
    ///
    /// # Errors
    /// If it is neither.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let text = text.trim();
        let (number, share) = (text.strip_suffix('%').unwrap_or(text), text.ends_with('%'));
        let number: Option<f64> = number.trim().parse().ok();
        let steepness = match number {
            Some(percent) if share && (0.0..100.0).contains(&percent) => {
                Some(Self::Quantile(percent / 100.0))
            }
            Some(per_km) if !share && per_km > 0.0 && per_km.is_finite() => {
                Some(Self::Gradient(per_km / 1e3))
            }
            _ => None,
        };
        let reason = || {
            format!("`{text}` is no gradient: try 90% (of the pixels are less steep) or 0.004 (units per km)")
        };
        steepness.ok_or_else(|| Refused::new("gradient", reason()))
    }
}

/// What makes a line a front.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct FrontOptions {
    /// Every front is as steep as that somewhere.
    pub strong: Steepness,
    /// And nowhere less steep than that.
    pub weak: Steepness,
    /// Least length, m.
    pub minimum_length: f64,
}

impl Default for FrontOptions {
    fn default() -> Self {
        Self {
            strong: Steepness::Quantile(0.9),
            weak: Steepness::Quantile(0.75),
            minimum_length: 20e3,
        }
    }
}

impl FrontOptions {
    /// Refuses what makes no sense.
    ///
    /// # Errors
    /// If a number is out of bounds, or weak is more than strong.
    pub fn check(&self) -> Result<(), Refused> {
        for (option, steepness) in [("strong", self.strong), ("weak", self.weak)] {
            let (is_fit, found) = match steepness {
                Steepness::Quantile(share) => ((0.0..1.0).contains(&share), 100.0 * share),
                Steepness::Gradient(value) => (value > 0.0 && value.is_finite(), value),
            };
            if !is_fit {
                let reason = format!("expected a gradient above 0 or a share of 0% to 99.9%, found {found}");
                return Err(Refused::new(option, reason));
            }
        }
        let is_reversed = match (self.strong, self.weak) {
            (Steepness::Quantile(strong), Steepness::Quantile(weak))
            | (Steepness::Gradient(strong), Steepness::Gradient(weak)) => weak > strong,
            _ => false,
        };
        if is_reversed {
            return Err(Refused::new("weak", "expected less than strong"));
        }
        if !(self.minimum_length >= 0.0 && self.minimum_length.is_finite()) {
            return Err(Refused::new(
                "min length",
                format!("expected a length, found {}", self.minimum_length),
            ));
        }
        Ok(())
    }
}

/// One front. Lengths in metres, gradients in units of the field per metre, places in degrees east (-180 to 180) and north.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Front {
    /// Its points, in an order that has the higher values on the right hand.
    pub line: Vec<(f64, f64)>,
    /// Pixels that the points lie in, in the same order.
    pub indices: Vec<usize>,
    /// Length of the line, m.
    pub length: f64,
    /// Mean gradient along the line.
    pub mean_gradient: f64,
    /// Largest gradient on it.
    pub maximum_gradient: f64,
    /// Direction of the line, degrees clockwise from north, from 0 to below 180.
    pub orientation: f64,
    /// Direction in which the field rises, degrees clockwise from north, from 0 to below 360.
    pub gradient_direction: f64,
    /// An end lies beside an edge of the swath or a gap: the line may go on where nothing is known.
    pub is_partial: bool,
}

impl Front {
    /// The point in the middle of its points.
    pub fn middle(&self) -> (f64, f64) {
        self.line
            .get(self.line.len() / 2)
            .copied()
            .unwrap_or((f64::NAN, f64::NAN))
    }
}

/// Finds the fronts of a field, in the order of their first pixels.
///
/// Canny (1986) on the geometry of the pass: a pixel lies on a ridge where its gradient is larger than one pixel on and one
/// pixel back in the direction of the gradient, in metres (between pixels it is interpolated; beside an edge or a gap nothing is
/// known of one side, and nothing is found); a parabola through the three gives the place between them. Ridge pixels that
/// touch and whose gradients differ by less than 60 degrees are linked; what is nowhere as steep as `strong`, or less steep than
/// `weak`, falls away. Of what is linked the longest way is a front, then the longest way of what is left beside it, down to
/// the least length. Points are smoothed once by (1, 2, 1)/4 along the line, which takes off the steps from pixel to pixel.
///
/// Quantiles are those of the gradients of the field given. Smooth a noisy field first: a difference over nine pixels of noise is steep everywhere.
///
/// Cost: a gradient and some 20 ns per pixel.
///
/// # Errors
/// If the field does not fill the extent of the metric.
pub fn fronts(
    field: &[f64],
    metric: &Metric,
    derivative: &Derivative,
    options: &FrontOptions,
) -> Result<Vec<Front>, ScienceError> {
    let (east, north) = gradient(field, metric, derivative)?;
    let steepness: Vec<f64> = east
        .iter()
        .zip(&north)
        .map(|(east, north)| east.hypot(*north))
        .collect();
    let Some((strong, weak)) = thresholds(&steepness, options) else {
        return Ok(Vec::new());
    };
    let ridge = Ridge::new((&east, &north), &steepness, metric, weak);
    Ok(lines(&ridge, metric, strong, options.minimum_length))
}

/// Gradients of strong and weak fronts; `None` without any gradient.
fn thresholds(steepness: &[f64], options: &FrontOptions) -> Option<(f64, f64)> {
    let mut known: Vec<f64> = steepness
        .iter()
        .copied()
        .filter(|value| value.is_finite())
        .collect();
    let mut of = |steepness: Steepness| match steepness {
        Steepness::Gradient(value) => Some(value),
        Steepness::Quantile(share) => {
            let place = (share * known.len() as f64) as usize;
            (place < known.len()).then(|| *known.select_nth_unstable_by(place, f64::total_cmp).1)
        }
    };
    let (strong, weak) = (of(options.strong)?, of(options.weak)?);
    // Where the field is flat nothing is a front, whatever the share.
    (strong > 0.0).then_some((strong, weak.min(strong)))
}
