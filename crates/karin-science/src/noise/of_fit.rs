//! The noise of least-squares surfaces: covariances of their coefficients.

use std::ops::Range;

use crate::fit::{Kernel, Normal, TERMS, Window};
use crate::sphere::{RADIUS, ROTATION};
use crate::{Current, Extent, Fit, Metric};

/// Covariances of the coefficients of a surface, per line and per pixel to the left: value, slopes along and left, second
/// derivatives along, mixed, left.
pub(super) struct Spread {
    covariances: [[f64; TERMS]; TERMS],
}

impl Spread {
    /// The variance of a combination of coefficients.
    fn of(&self, weights: &[(usize, f64)]) -> f64 {
        let pairs = weights
            .iter()
            .flat_map(|one| weights.iter().map(move |other| (one, other)));
        pairs
            .map(|((row, one), (column, other))| one * other * self.covariances[*row][*column])
            .sum()
    }

    /// Variance of the slope towards east.
    fn east(&self, metric: &Metric, index: usize) -> f64 {
        let (along, across) = (metric.per_along[index], metric.per_across[index]);
        self.of(&[
            (1, along * metric.cosine[index]),
            (2, -across * metric.sine[index]),
        ])
    }

    /// Variance of the slope towards north.
    fn north(&self, metric: &Metric, index: usize) -> f64 {
        self.of(&north(metric, index))
    }

    /// Variance of the mixed second derivative east and north.
    pub(super) fn mixed(&self, metric: &Metric, index: usize) -> f64 {
        let (along, across) = (metric.per_along[index], metric.per_across[index]);
        let (cosine, sine) = (metric.cosine[index], metric.sine[index]);
        self.of(&[
            (3, along * along * sine * cosine),
            (4, along * across * (cosine * cosine - sine * sine)),
            (5, -across * across * sine * cosine),
        ])
    }

    /// Variance of the second derivative towards north.
    pub(super) fn north_north(&self, metric: &Metric, index: usize) -> f64 {
        let (along, across) = (metric.per_along[index], metric.per_across[index]);
        let (cosine, sine) = (metric.cosine[index], metric.sine[index]);
        self.of(&[
            (3, along * along * sine * sine),
            (4, along * across * 2.0 * sine * cosine),
            (5, across * across * cosine * cosine),
        ])
    }
}

/// The slope towards north as a combination of coefficients.
fn north(metric: &Metric, index: usize) -> [(usize, f64); 2] {
    [
        (1, metric.per_along[index] * metric.sine[index]),
        (2, metric.per_across[index] * metric.cosine[index]),
    ]
}

/// Variances of the components.
pub(super) fn current(height: &[f64], variances: &[f64], metric: &Metric, fit: &Fit) -> Current {
    let extent = metric.extent();
    let missing = vec![f64::NAN; extent.len()];
    let mut squares = Current {
        east: missing.clone(),
        north: missing,
    };
    for_each_pixel(
        height,
        variances,
        extent,
        0..extent.num_lines,
        fit,
        |index, spread| {
            let factor = metric.geostrophic[index].powi(2);
            squares.east[index] = factor * spread.north(metric, index);
            squares.north[index] = factor * spread.east(metric, index);
        },
    );
    squares
}

/// Variance of the vorticity `r (h_aa + h_ll - (beta/f) h_north)` with r = g/f.
pub(super) fn vorticity(height: &[f64], variances: &[f64], metric: &Metric, fit: &Fit) -> Vec<f64> {
    let extent = metric.extent();
    let mut squares = vec![f64::NAN; extent.len()];
    for_each_pixel(
        height,
        variances,
        extent,
        0..extent.num_lines,
        fit,
        |index, spread| {
            let cosine = metric.latitude()[index].to_radians().cos();
            let bend = 2.0 * ROTATION * cosine / RADIUS / metric.coriolis()[index];
            let [along, left] = north(metric, index).map(|(term, weight)| (term, -bend * weight));
            let curved = [
                (3, metric.per_along[index].powi(2)),
                (5, metric.per_across[index].powi(2)),
                along,
                left,
            ];
            squares[index] = metric.geostrophic[index].powi(2) * spread.of(&curved);
        },
    );
    squares
}

/// Shows the covariances of every pixel that has a surface.
pub(super) fn for_each_pixel(
    height: &[f64],
    variances: &[f64],
    extent: Extent,
    lines: Range<usize>,
    fit: &Fit,
    mut visit: impl FnMut(usize, &Spread),
) {
    let kernel = Kernel::new(fit);
    let squared = kernel.squared();
    let ones = vec![1.0; extent.len()];
    let mut window = Window::counting(height, Some(&ones), extent, &kernel);
    let mut noise = Window::counting(height, Some(variances), extent, &squared);
    let unit = kernel.per_index();
    for line in lines {
        window.move_to(line);
        noise.move_to(line);
        for pixel in 0..extent.num_pixels {
            let index = extent.index(line, pixel);
            if height[index].is_nan() {
                continue;
            }
            let normal = Normal::new(&window.mask_moments(pixel), &kernel);
            if let Some(mut covariances) = normal.covariances(&noise.mask_moments(pixel)) {
                for (row, factor) in covariances.iter_mut().zip(unit) {
                    for (value, other) in row.iter_mut().zip(unit) {
                        *value *= factor * other;
                    }
                }
                visit(index, &Spread { covariances });
            }
        }
    }
}
