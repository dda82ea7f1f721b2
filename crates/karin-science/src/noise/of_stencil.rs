//! The noise of the L3 stencil.

use crate::stencil::{HALF, weights};
use crate::{Current, Extent, Metric};

/// Weights of one axis at a pixel, per metre, from 4 before to 4 after.
type Axis = [f64; 2 * HALF + 1];
/// Weights of a difference of differences, from 8 before to 8 after.
type Twice = [f64; 4 * HALF + 1];

struct Stencil<'a> {
    extent: Extent,
    metric: &'a Metric,
    /// Where the field is valid.
    is_valid: Vec<bool>,
}

impl Stencil<'_> {
    fn along(&self, line: usize, pixel: usize) -> Option<Axis> {
        let is_valid = |line: usize| self.is_valid[self.extent.index(line, pixel)];
        let factor = self.metric.per_along[self.extent.index(line, pixel)];
        weights(line, self.extent.num_lines, is_valid).map(|axis| axis.map(|weight| weight * factor))
    }

    fn left(&self, line: usize, pixel: usize) -> Option<Axis> {
        let is_valid = |pixel: usize| self.is_valid[self.extent.index(line, pixel)];
        let factor = -self.metric.per_across[self.extent.index(line, pixel)];
        weights(pixel, self.extent.num_pixels, is_valid).map(|axis| axis.map(|weight| weight * factor))
    }

    fn both(&self, line: usize, pixel: usize) -> Option<(Axis, Axis)> {
        Some((self.along(line, pixel)?, self.left(line, pixel)?))
    }
}

/// Places of the samples with a weight: index of the weight, index of the sample.
fn samples(weights: &[f64], middle: usize, stride: usize) -> impl Iterator<Item = (usize, usize)> {
    let half = weights.len() / 2;
    let used = weights.iter().enumerate().filter(|(_, weight)| **weight != 0.0);
    used.map(move |(place, _)| (place, middle + place * stride - half * stride))
}

/// Sum of squared weights times variances, without the pixel in the middle.
fn spread(weights: &[f64], variances: &[f64], middle: usize, stride: usize) -> f64 {
    samples(weights, middle, stride)
        .filter(|(_, sample)| *sample != middle)
        .map(|(place, sample)| weights[place] * weights[place] * variances[sample])
        .sum()
}

/// Variances of the components.
pub(super) fn current(height: &[f64], variances: &[f64], metric: &Metric) -> Current {
    let extent = metric.extent();
    let stencil = Stencil {
        extent,
        metric,
        is_valid: height.iter().map(|value| !value.is_nan()).collect(),
    };
    let one = |index: usize| {
        let (line, pixel) = (index / extent.num_pixels, index % extent.num_pixels);
        let Some((along, left)) = stencil.both(line, pixel) else {
            return (f64::NAN, f64::NAN);
        };
        let by_along = spread(&along, variances, index, extent.num_pixels);
        let by_left = spread(&left, variances, index, 1);
        let (cosine, sine, factor) = (
            metric.cosine[index],
            metric.sine[index],
            metric.geostrophic[index],
        );
        // The pixel itself is a sample of both axes.
        let here = variances[index];
        let (own_along, own_left) = (along[HALF], left[HALF]);
        let north = sine * sine * by_along
            + cosine * cosine * by_left
            + (sine * own_along + cosine * own_left).powi(2) * here;
        let east = cosine * cosine * by_along
            + sine * sine * by_left
            + (cosine * own_along - sine * own_left).powi(2) * here;
        (factor * factor * north, factor * factor * east)
    };
    let (east, north) = (0..extent.len()).map(one).unzip();
    Current { east, north }
}

/// Variance of the vorticity. In the frame of the flight the current is `(-r h_l, r h_a)` with r = g/f, so that its
/// vorticity is `d(r h_a)/da + d(r h_l)/dl`: one difference of differences on each axis, with the pixel in common.
pub(super) fn vorticity(height: &[f64], variances: &[f64], metric: &Metric) -> Vec<f64> {
    let extent = metric.extent();
    let of_height = Stencil {
        extent,
        metric,
        is_valid: height.iter().map(|value| !value.is_nan()).collect(),
    };
    let pixels = |index: usize| (index / extent.num_pixels, index % extent.num_pixels);
    let has_current = |index: usize| {
        let (line, pixel) = pixels(index);
        of_height.both(line, pixel).is_some_and(|(along, left)| {
            (along[HALF] + left[HALF] + metric.cosine[index] + metric.geostrophic[index]).is_finite()
        })
    };
    let of_current = Stencil {
        extent,
        metric,
        is_valid: (0..extent.len()).map(has_current).collect(),
    };
    let one = |index: usize| {
        let (line, pixel) = pixels(index);
        let Some((along, left)) = of_current.both(line, pixel) else {
            return f64::NAN;
        };
        let twice_along = compose(&along, &metric.geostrophic, index, extent.num_pixels, |sample| {
            of_height.along(pixels(sample).0, pixel)
        });
        let twice_left = compose(&left, &metric.geostrophic, index, 1, |sample| {
            of_height.left(line, pixels(sample).1)
        });
        let own = twice_along[2 * HALF] + twice_left[2 * HALF];
        spread(&twice_along, variances, index, extent.num_pixels)
            + spread(&twice_left, variances, index, 1)
            + own * own * variances[index]
    };
    (0..extent.len()).map(one).collect()
}

/// Weights of a difference of `factor` times differences along one axis.
fn compose(
    outer: &Axis,
    factor: &[f64],
    middle: usize,
    stride: usize,
    inner: impl Fn(usize) -> Option<Axis>,
) -> Twice {
    let mut twice = [0.0; 4 * HALF + 1];
    for (place, sample) in samples(outer, middle, stride) {
        let Some(inner) = inner(sample) else {
            return [f64::NAN; 4 * HALF + 1];
        };
        for (offset, weight) in inner.iter().enumerate() {
            twice[place + offset] += outer[place] * factor[sample] * weight;
        }
    }
    twice
}
