//! Cross-swath calibration: what of a height looks like bias, roll or phase, fitted and taken off.
//!
//! Errors of the instrument's attitude appear as polynomials of the cross-track distance, of each side by itself (phase) or of both
//! together (roll), that change slowly along the flight. The fit takes slopes of the ocean of the scale of the window with
//! them: what is left is calibrated against itself, not against other data. In the manner of the global method
//! of Dibarboure et al. (2022), Remote Sens. 14, 6070, in small.

use crate::linear::solve_symmetric;
use crate::{Extent, Refused};

/// Which pixels share their coefficients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sides {
    /// The left (negative cross-track distances) and the right side each have their own.
    #[default]
    Each,
    /// Both sides have the same.
    Together,
}

/// How values far from the fit are treated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Robust {
    /// Like all others.
    No,
    /// Weighted `k σ / |residual|` beyond `k` standard deviations (Huber), by iteration.
    Huber(f64),
    /// Left out beyond so many standard deviations, by iteration.
    Clip(f64),
}

/// What is fitted.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct CalibrationOptions {
    /// 0: bias, 1: and tilt, 2: and quadratic.
    pub degree: usize,
    /// Which pixels share coefficients.
    pub sides: Sides,
    /// Lines of a window; windows overlap by half, and coefficients run linearly between their centres. `None`: one for all.
    pub window: Option<usize>,
    /// Outliers.
    pub robust: Robust,
    /// Least share of a window's pixels with a value.
    pub minimum_valid: f64,
}

impl CalibrationOptions {
    /// Bias and more up to that degree, of each side, over all lines, by Huber's weights of 1.345, from 10 % of the pixels on.
    pub fn new(degree: usize) -> Self {
        Self {
            degree,
            sides: Sides::Each,
            window: None,
            robust: Robust::Huber(1.345),
            minimum_valid: 0.1,
        }
    }

    /// The same with other sharing of coefficients.
    pub fn with_sides(mut self, sides: Sides) -> Self {
        self.sides = sides;
        self
    }

    /// The same in windows of so many lines.
    pub fn with_window(mut self, lines: usize) -> Self {
        self.window = Some(lines);
        self
    }

    /// The same with other treatment of outliers.
    pub fn with_robust(mut self, robust: Robust) -> Self {
        self.robust = robust;
        self
    }
}

/// Coefficients of a window of one side (or both).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WindowFit {
    /// Line of its centre (lines counted from 0; halves are between lines).
    pub line: f64,
    /// Bias in metres, tilt in metres per metre, quadratic in 1/metre; 0 beyond the degree, NaN where too few values are.
    pub coefficients: [f64; 3],
    /// Root mean square of the weighted residuals in metres.
    pub residual: f64,
    /// Values used.
    pub count: usize,
}

/// A fitted calibration: left side, then right (both the same where they share).
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// Windows along the flight.
    pub windows: [Vec<WindowFit>; 2],
}

/// Cross-track distances are scaled by this (metres) while equations are solved.
const SCALE: f64 = 5e4;
/// Most iterations of robust fits, and the change of coefficients (in metres at 50 km) at which they stop.
const ITERATIONS: usize = 30;
const SMALL: f64 = 1e-9;

impl Calibration {
    /// Fits heights (metres) at cross-track distances (metres, negative on the left; one per pixel). NaN is no value. Cost: some
    /// twenty operations per pixel and iteration, at most 30 of them.
    ///
    /// # Errors
    /// If the degree is above 2, or windows have less than two lines.
    pub fn fit(
        height: &[f64],
        cross_track: &[f64],
        extent: Extent,
        options: &CalibrationOptions,
    ) -> Result<Self, Refused> {
        assert_eq!(
            height.len(),
            extent.len(),
            "a field of another length than its extent"
        );
        assert_eq!(cross_track.len(), extent.num_pixels, "a distance per pixel");
        if options.degree > 2 {
            return Err(Refused::new(
                "degree",
                format!("expected 0, 1 or 2, found {}", options.degree),
            ));
        }
        if options.window.is_some_and(|lines| lines < 2) {
            return Err(Refused::new("window", "expected at least 2 lines"));
        }
        let of_side = |is_left: Option<bool>| {
            let belongs = |x: f64| is_left.is_none_or(|is_left| (x < 0.0) == is_left) && x.is_finite();
            let pixels: Vec<usize> = (0..extent.num_pixels)
                .filter(|pixel| belongs(cross_track[*pixel]))
                .collect();
            windows(extent.num_lines, options.window)
                .map(|lines| fit_window(height, cross_track, extent, (lines, &pixels), options))
                .collect::<Vec<_>>()
        };
        let windows = match options.sides {
            Sides::Each => [of_side(Some(true)), of_side(Some(false))],
            Sides::Together => {
                let both = of_side(None);
                [both.clone(), both]
            }
        };
        Ok(Self { windows })
    }

    /// The fitted error at every pixel, in metres; NaN where no window of a side could be fitted.
    pub fn error(&self, cross_track: &[f64], extent: Extent) -> Vec<f64> {
        self.at_pixels(cross_track, extent, |own, x| own[0] + x * (own[1] + x * own[2]))
    }

    /// What coefficients and cross-track distance of each pixel give.
    fn at_pixels(
        &self,
        cross_track: &[f64],
        extent: Extent,
        value: impl Fn([f64; 3], f64) -> f64,
    ) -> Vec<f64> {
        let mut out = Vec::with_capacity(extent.len());
        for line in 0..extent.num_lines {
            let [left, right] = [0, 1].map(|side: usize| coefficients_at(&self.windows[side], line as f64));
            let own = |x: f64| if x < 0.0 { left } else { right };
            out.extend(cross_track.iter().map(|x| value(own(*x), *x)));
        }
        out
    }

    /// A coefficient (0: bias in metres, 1: tilt in metres per metre, 2: quadratic in 1/metre) at every pixel: that of its side on its
    /// line; NaN where no window of a side could be fitted.
    pub fn coefficient(&self, power: usize, cross_track: &[f64], extent: Extent) -> Vec<f64> {
        self.at_pixels(cross_track, extent, |own, _| {
            own.get(power).copied().unwrap_or(f64::NAN)
        })
    }

    /// The heights without the fitted error.
    pub fn apply(&self, height: &[f64], cross_track: &[f64], extent: Extent) -> Vec<f64> {
        let error = self.error(cross_track, extent);
        height
            .iter()
            .zip(error)
            .map(|(height, error)| height - error)
            .collect()
    }
}

/// Windows of so many lines that overlap by half and cover all.
fn windows(num_lines: usize, window: Option<usize>) -> impl Iterator<Item = std::ops::Range<usize>> {
    let length = window.unwrap_or(num_lines).clamp(1, num_lines.max(1));
    let step = length.div_ceil(2);
    let last = num_lines - length.min(num_lines);
    let starts = (0..last).step_by(step).chain(std::iter::once(last));
    starts.map(move |start| start..start + length.min(num_lines))
}

/// Coefficients between the centres of windows; beyond the first and last those of the nearest.
fn coefficients_at(windows: &[WindowFit], line: f64) -> [f64; 3] {
    let known = || windows.iter().filter(|window| window.coefficients[0].is_finite());
    let before = known().take_while(|window| window.line <= line).last();
    let after = known().find(|window| window.line > line);
    match (before, after) {
        (Some(before), Some(after)) => {
            let part = (line - before.line) / (after.line - before.line);
            [0, 1, 2].map(|k: usize| {
                before.coefficients[k] + part * (after.coefficients[k] - before.coefficients[k])
            })
        }
        (Some(one), None) | (None, Some(one)) => one.coefficients,
        (None, None) => [f64::NAN; 3],
    }
}

fn fit_window(
    height: &[f64],
    cross_track: &[f64],
    extent: Extent,
    (lines, pixels): (std::ops::Range<usize>, &[usize]),
    options: &CalibrationOptions,
) -> WindowFit {
    let mut points = Vec::new();
    for line in lines.clone() {
        for &pixel in pixels {
            let value = height[extent.index(line, pixel)];
            if value.is_finite() {
                points.push((cross_track[pixel] / SCALE, value));
            }
        }
    }
    let mut fit = WindowFit {
        line: (lines.start + lines.end).saturating_sub(1) as f64 / 2.0,
        coefficients: [f64::NAN; 3],
        residual: f64::NAN,
        count: points.len(),
    };
    let least = options.minimum_valid * (lines.len() * pixels.len()) as f64;
    if points.is_empty() || (points.len() as f64) < least {
        return fit;
    }
    let mut weights = vec![1.0; points.len()];
    let mut last = [f64::INFINITY; 3];
    for _ in 0..ITERATIONS {
        let Some(own) = weighted(&points, &weights, options.degree + 1) else {
            return fit;
        };
        let change = own
            .iter()
            .zip(&last)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f64::max);
        last = own;
        let residuals: Vec<f64> = points
            .iter()
            .map(|(x, y)| y - (own[0] + x * (own[1] + x * own[2])))
            .collect();
        fit.residual = root_mean_square(&residuals, &weights);
        if change < SMALL || !reweigh(&residuals, &mut weights, options.robust) {
            break;
        }
    }
    fit.count = weights.iter().filter(|weight| **weight > 0.0).count();
    fit.coefficients = [last[0], last[1] / SCALE, last[2] / SCALE / SCALE];
    fit
}

/// Coefficients of least squares.
fn weighted(points: &[(f64, f64)], weights: &[f64], terms: usize) -> Option<[f64; 3]> {
    let (mut moments, mut right) = ([0.0; 5], [0.0; 3]);
    for ((x, y), weight) in points.iter().zip(weights) {
        let mut power = *weight;
        for k in 0..5 {
            moments[k] += power;
            if k < 3 {
                right[k] += power * y;
            }
            power *= x;
        }
    }
    let mut matrix: Vec<f64> = (0..terms * terms)
        .map(|at| moments[at / terms + at % terms])
        .collect();
    solve_symmetric(&mut matrix, &mut right[..terms])?;
    right[terms..].fill(0.0);
    Some(right)
}

fn root_mean_square(residuals: &[f64], weights: &[f64]) -> f64 {
    let sum: f64 = residuals
        .iter()
        .zip(weights)
        .map(|(residual, weight)| weight * residual * residual)
        .sum();
    (sum / weights.iter().sum::<f64>()).sqrt()
}

/// New weights; false if they need no iteration. The standard deviation is 1.4826 median absolute deviations.
fn reweigh(residuals: &[f64], weights: &mut [f64], robust: Robust) -> bool {
    let mut sizes: Vec<f64> = residuals.iter().map(|residual| residual.abs()).collect();
    let deviation = 1.4826 * crate::filter::middle(&mut sizes);
    let limit = match robust {
        Robust::No => return false,
        Robust::Huber(limit) | Robust::Clip(limit) => limit * deviation,
    };
    if limit.is_nan() || limit <= 0.0 {
        return false;
    }
    for (residual, weight) in residuals.iter().zip(weights) {
        let size = residual.abs();
        *weight = match robust {
            _ if size <= limit => 1.0,
            Robust::Clip(_) => 0.0,
            Robust::No | Robust::Huber(_) => limit / size,
        };
    }
    true
}

#[cfg(test)]
mod tests;
