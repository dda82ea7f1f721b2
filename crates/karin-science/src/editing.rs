//! Which pixels of a field are outliers, and which rule of a chain rejected each first.
//!
//! A rule is a condition on other variables (evaluated by the caller), or one of the tests here, which look at what the rules
//! before have left. [`Chain`] keeps for every pixel the number of the rule that rejected it first.

mod spline;

pub use spline::smoothing_spline;

use crate::Extent;
use crate::filter::{Gaps, median, middle};

/// Pixels farther than `n` standard deviations from the mean, found again and again among what is left until no more are or
/// `iterations` are done. NaN is no value. Cost: three passes over the field per iteration.
pub fn mean_std_outliers(field: &[f64], n: f64, iterations: usize) -> Vec<bool> {
    let mut rejected: Vec<bool> = field.iter().map(|value| value.is_nan()).collect();
    for _ in 0..iterations {
        let left = || {
            field
                .iter()
                .zip(&rejected)
                .filter(|(_, rejected)| !**rejected)
                .map(|(value, _)| *value)
        };
        let count = left().count();
        if count == 0 {
            break;
        }
        let mean = left().sum::<f64>() / count as f64;
        let deviation = (left().map(|value| (value - mean).powi(2)).sum::<f64>() / count as f64).sqrt();
        let mut more = false;
        for (value, rejected) in field.iter().zip(&mut rejected) {
            if !*rejected && (value - mean).abs() > n * deviation {
                (*rejected, more) = (true, true);
            }
        }
        if !more {
            break;
        }
    }
    only_values(field, rejected)
}

/// Pixels whose distance from the median of their window (`half` lines and pixels to each side) is more than `n` standard
/// deviations of these distances (1.4826 times their median absolute value). NaN is no value.
pub fn median_outliers(field: &[f64], extent: Extent, half: (usize, usize), n: f64) -> Vec<bool> {
    beyond(field, &median(field, extent, half, Gaps::Kept), n)
}

/// Pixels whose distance from a smoothing spline along their column (see [`smoothing_spline`], half amplitude at `wavelength`
/// lines) is more than `n` standard deviations of these distances (1.4826 times their median absolute value).
///
/// A spike bends the spline around it: of the pixels within half a wavelength only the farthest is rejected, and the
/// spline is drawn again without it, at most twenty times. NaN is no value.
pub fn spline_outliers(field: &[f64], extent: Extent, wavelength: f64, n: f64) -> Vec<bool> {
    let mut left = field.to_vec();
    let mut rejected = vec![false; field.len()];
    let reach = (wavelength / 2.0).ceil() as usize;
    for _ in 0..20 {
        let distances = spline_distances(&left, extent, wavelength);
        let limit = limit(&distances, n);
        let is_peak = |line: usize, pixel: usize| {
            let own = distances[extent.index(line, pixel)];
            let near = line.saturating_sub(reach)..(line + reach + 1).min(extent.num_lines);
            own > limit
                && near
                    .into_iter()
                    .all(|other| distances[extent.index(other, pixel)].max(own) == own)
        };
        let mut more = false;
        for line in 0..extent.num_lines {
            for pixel in 0..extent.num_pixels {
                if is_peak(line, pixel) {
                    let at = extent.index(line, pixel);
                    (rejected[at], left[at], more) = (true, f64::NAN, true);
                }
            }
        }
        if !more {
            break;
        }
    }
    rejected
}

fn spline_distances(field: &[f64], extent: Extent, wavelength: f64) -> Vec<f64> {
    let mut distances = vec![f64::NAN; field.len()];
    for pixel in 0..extent.num_pixels {
        let column: Vec<f64> = (0..extent.num_lines)
            .map(|line| field[extent.index(line, pixel)])
            .collect();
        for (line, smooth) in smoothing_spline(&column, wavelength).into_iter().enumerate() {
            distances[extent.index(line, pixel)] = (column[line] - smooth).abs();
        }
    }
    distances
}

fn beyond(field: &[f64], smooth: &[f64], n: f64) -> Vec<bool> {
    let distances: Vec<f64> = field
        .iter()
        .zip(smooth)
        .map(|(value, smooth)| (value - smooth).abs())
        .collect();
    let limit = limit(&distances, n);
    distances.iter().map(|distance| *distance > limit).collect()
}

/// `n` standard deviations, each 1.4826 times the median of absolute distances, of those that are finite.
fn limit(distances: &[f64], n: f64) -> f64 {
    let mut finite: Vec<f64> = distances
        .iter()
        .copied()
        .filter(|distance| distance.is_finite())
        .collect();
    n * 1.4826 * middle(&mut finite)
}

fn only_values(field: &[f64], mut rejected: Vec<bool>) -> Vec<bool> {
    for (rejected, value) in rejected.iter_mut().zip(field) {
        *rejected &= !value.is_nan();
    }
    rejected
}

/// The rule that rejected each pixel first: 0 is kept, `n` the `n`-th rule, [`Chain::NO_VALUE`] where there is nothing to reject.
///
/// What conditions alone keep does not depend on their order; to which rule a loss is put down does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    first: Vec<u8>,
    rules: u8,
}

impl Chain {
    /// Mark of pixels without a value.
    pub const NO_VALUE: u8 = 255;
    /// Most rules of a chain.
    pub const MOST_RULES: usize = 254;

    /// Before any rule.
    pub fn new(field: &[f64]) -> Self {
        let mark = |value: &f64| if value.is_nan() { Self::NO_VALUE } else { 0 };
        Self {
            first: field.iter().map(mark).collect(),
            rules: 0,
        }
    }

    /// Applies the next rule: what it rejects, if nothing rejected it before. Rules beyond [`Chain::MOST_RULES`] share a number.
    pub fn reject(&mut self, rejected: impl IntoIterator<Item = bool>) {
        self.rules = self.rules.saturating_add(1).min(Self::MOST_RULES as u8);
        for (first, rejected) in self.first.iter_mut().zip(rejected) {
            if rejected && *first == 0 {
                *first = self.rules;
            }
        }
    }

    /// The marks.
    pub fn marks(&self) -> &[u8] {
        &self.first
    }

    /// What is left of a field: NaN elsewhere.
    pub fn kept(&self, field: &[f64]) -> Vec<f64> {
        let kept = |(value, mark): (&f64, &u8)| if *mark == 0 { *value } else { f64::NAN };
        field.iter().zip(&self.first).map(kept).collect()
    }

    /// Pixels per mark: kept, then rejected by the first, second, … rule.
    pub fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; usize::from(self.rules) + 1];
        for mark in &self.first {
            if let Some(count) = counts.get_mut(usize::from(*mark)) {
                *count += 1;
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests;
