//! Diffusion, plain or slowed where gradients are steep.

use super::{Gaps, check};
use crate::{Extent, Refused};

/// How a field diffuses.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct DiffusionOptions {
    /// Steps of time.
    pub steps: usize,
    /// Length of a step, at most 0.25 (explicit scheme on pixels): after `n` steps of `t` as a Gaussian of `√(2nt)` pixels.
    pub step: f64,
    /// Difference of neighbouring pixels beyond which little flows, `c = exp(−(Δ/κ)²)` (Perona and Malik 1990); `None`: plain
    /// diffusion.
    pub steepness: Option<f64>,
}

impl DiffusionOptions {
    /// So many steps of 0.2.
    pub fn new(steps: usize) -> Self {
        Self {
            steps,
            step: 0.2,
            steepness: None,
        }
    }

    /// The same with another length of a step.
    pub fn with_step(mut self, step: f64) -> Self {
        self.step = step;
        self
    }

    /// The same, slowed beyond that difference.
    pub fn with_steepness(mut self, steepness: f64) -> Self {
        self.steepness = Some(steepness);
        self
    }
}

/// Lets a field diffuse between neighbouring pixels that both have a value: nothing flows over edges and gaps, and the sum of the
/// values stays. Gaps are kept. Cost: some ten operations per pixel and step, with an exponential if slowed.
///
/// # Errors
/// If a step is not between 0 and 0.25, or the steepness is not positive.
pub fn diffuse(field: &[f64], extent: Extent, options: &DiffusionOptions) -> Result<Vec<f64>, Refused> {
    check(field, extent);
    if !(options.step > 0.0 && options.step <= 0.25) {
        return Err(Refused::new(
            "step",
            format!("expected more than 0, at most 0.25, found {}", options.step),
        ));
    }
    if options
        .steepness
        .is_some_and(|steepness| steepness.is_nan() || steepness <= 0.0)
    {
        return Err(Refused::new("steepness", "expected more than 0"));
    }
    let width = extent.num_pixels;
    let flow = |from: f64, to: f64| {
        let difference = to - from;
        let conductance = options
            .steepness
            .map_or(1.0, |steepness| (-(difference / steepness).powi(2)).exp());
        let flow = conductance * difference;
        if flow.is_nan() { 0.0 } else { flow }
    };
    let mut now = field.to_vec();
    let mut change = vec![0.0; field.len()];
    for _ in 0..options.steps {
        change.fill(0.0);
        for line in 0..extent.num_lines {
            for pixel in 0..width {
                let at = line * width + pixel;
                let mut exchange = |other: usize| {
                    let flow = flow(now[at], now[other]);
                    change[at] += flow;
                    change[other] -= flow;
                };
                if pixel + 1 < width {
                    exchange(at + 1);
                }
                if line + 1 < extent.num_lines {
                    exchange(at + width);
                }
            }
        }
        for (value, change) in now.iter_mut().zip(&change) {
            *value += options.step * change;
        }
    }
    Gaps::Kept.apply(field, &mut now);
    Ok(now)
}
