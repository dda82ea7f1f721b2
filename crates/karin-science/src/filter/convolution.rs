//! Normalised convolution with separable kernels.

use super::{Band, Gaps, check, lanczos};
use crate::{Extent, Refused};

/// A kernel along the flight times one across it; both symmetric, of odd length. `[1.0]` leaves a direction alone, so that
/// filters of unlike lengths along and across are made of two kernels.
#[derive(Clone, Debug, PartialEq)]
pub struct Separable {
    along: Vec<f64>,
    across: Vec<f64>,
    /// Which part of the field remains: what passes the kernel, or what does not.
    is_high_pass: bool,
    /// A second kernel whose result is subtracted (band pass).
    minus: Option<Box<Separable>>,
}

impl Separable {
    /// The low-pass of two kernels.
    ///
    /// # Errors
    /// If one is of even length.
    pub fn new(along: Vec<f64>, across: Vec<f64>) -> Result<Self, Refused> {
        if along.len().is_multiple_of(2) || across.len().is_multiple_of(2) {
            let reason = format!("expected odd lengths, found {} and {}", along.len(), across.len());
            return Err(Refused::new("kernel", reason));
        }
        Ok(Self {
            along,
            across,
            is_high_pass: false,
            minus: None,
        })
    }

    /// The filter of Lanczos for a band of wavelengths, with lengths and spacings (along, across) in the same unit. Kernels
    /// reach one and a half cut-off wavelengths to each side. A spacing across that is NaN stands for tracks without width.
    ///
    /// # Errors
    /// If the band makes no sense at these spacings.
    pub fn lanczos(band: Band, spacing: (f64, f64)) -> Result<Self, Refused> {
        let along = band.frequencies(spacing.0)?;
        let across = if spacing.1.is_nan() {
            Vec::new()
        } else {
            band.frequencies(spacing.1)?
        };
        let low = |index: usize| {
            let kernel = |frequency: &f64| lanczos(*frequency, (1.5 / frequency).ceil() as usize);
            Self::new(
                kernel(&along[index]),
                across.get(index).map_or_else(|| vec![1.0], kernel),
            )
        };
        let mut filter = low(along.len() - 1)?;
        match band {
            Band::Low(_) => {}
            Band::High(_) => filter.is_high_pass = true,
            Band::Between(..) => filter.minus = Some(Box::new(low(0)?)),
        }
        Ok(filter)
    }

    /// Lines that it reaches before and after a pixel.
    pub fn half_along(&self) -> usize {
        let other = self.minus.as_ref().map_or(0, |minus| minus.half_along());
        other.max(self.along.len() / 2)
    }

    /// The same, with what it lets pass taken away instead of kept.
    pub fn into_high_pass(mut self) -> Self {
        self.is_high_pass = !self.is_high_pass;
        self
    }
}

/// Least share of a kernel's weight that must lie on values: with less, a mean says little (and the alternating weights of
/// Lanczos may cancel).
const LEAST_WEIGHT: f64 = 0.05;

/// Filters a field: at every pixel `Σ w v / Σ w` over the values that the kernel reaches (normalised convolution: Knutsson and
/// Westin 1993), so that gaps, the nadir and the edges of the swath weigh nothing. High-passes are the field minus that.
///
/// NaN stays where gaps are kept, and where values make up less than a twentieth of the kernel. Cost: the sum of
/// the lengths of the kernels per pixel, twice (values and weights).
pub fn filter(field: &[f64], extent: Extent, kernel: &Separable, gaps: Gaps) -> Vec<f64> {
    check(field, extent);
    let mut filtered = low_pass(field, extent, kernel);
    if let Some(minus) = &kernel.minus {
        let low = low_pass(field, extent, minus);
        filtered
            .iter_mut()
            .zip(low)
            .for_each(|(value, low)| *value -= low);
    }
    if kernel.is_high_pass {
        filtered
            .iter_mut()
            .zip(field)
            .for_each(|(low, value)| *low = value - *low);
    }
    gaps.apply(field, &mut filtered);
    filtered
}

fn low_pass(field: &[f64], extent: Extent, kernel: &Separable) -> Vec<f64> {
    let is_value = |value: &f64| !value.is_nan();
    let values: Vec<f64> = field.iter().map(|v| if is_value(v) { *v } else { 0.0 }).collect();
    let weights: Vec<f64> = field.iter().map(|v| f64::from(u8::from(is_value(v)))).collect();
    let both = |field: Vec<f64>| {
        let across = convolve_across(&field, extent, &kernel.across);
        convolve_along(&across, extent, &kernel.along)
    };
    let (mut sums, weights) = (both(values), both(weights));
    let least = LEAST_WEIGHT * kernel.along.iter().sum::<f64>() * kernel.across.iter().sum::<f64>();
    for (sum, weight) in sums.iter_mut().zip(weights) {
        *sum = if weight > least { *sum / weight } else { f64::NAN };
    }
    sums
}

/// Zero beyond the edges.
fn convolve_across(field: &[f64], extent: Extent, kernel: &[f64]) -> Vec<f64> {
    let half = kernel.len() / 2;
    let width = extent.num_pixels;
    let mut out = vec![0.0; field.len()];
    for (row, out) in field.chunks(width.max(1)).zip(out.chunks_mut(width.max(1))) {
        for (pixel, out) in out.iter_mut().enumerate() {
            let first = pixel.saturating_sub(half);
            let last = (pixel + half + 1).min(width);
            let weights = &kernel[first + half - pixel..];
            *out = row[first..last]
                .iter()
                .zip(weights)
                .map(|(value, weight)| value * weight)
                .sum();
        }
    }
    out
}

/// Zero beyond the ends. Whole lines are added at a time, which the processor does several pixels at once.
fn convolve_along(field: &[f64], extent: Extent, kernel: &[f64]) -> Vec<f64> {
    let half = kernel.len() / 2;
    let (lines, width) = (extent.num_lines, extent.num_pixels);
    let mut out = vec![0.0; field.len()];
    for (line, out) in out.chunks_mut(width.max(1)).enumerate() {
        let first = line.saturating_sub(half);
        let last = (line + half + 1).min(lines);
        for from in first..last {
            let weight = kernel[from + half - line];
            let row = &field[from * width..(from + 1) * width];
            out.iter_mut()
                .zip(row)
                .for_each(|(out, value)| *out += weight * value);
        }
    }
    out
}
