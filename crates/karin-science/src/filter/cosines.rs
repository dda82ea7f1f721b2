//! A field as a sum of cosines, on which differences of neighbours are multiplications.

use std::sync::Arc;

use rustdct::{DctPlanner, TransformType2And3};

use crate::Extent;

/// The operator `1 + λ₁ K + λ₂ K² + λ₃ K³` of a field without gaps, and its inverse: `K`, the differences to the neighbours with
/// none over the edges, has the cosines of half steps as its eigenvectors, with `4 sin²(πi/2n)` along each axis.
///
/// Cost of the inverse: two transforms along and two across, `O(n log n)`. Memory: the eigenvalues and two fields.
pub(super) struct Cosines {
    extent: Extent,
    lines: Arc<dyn TransformType2And3<f64>>,
    pixels: Arc<dyn TransformType2And3<f64>>,
    /// One over the eigenvalues, with the scale of the transforms; pixel columns one behind the other.
    inverse: Vec<f64>,
    scratch: Vec<f64>,
    columns: Vec<f64>,
}

impl Cosines {
    pub(super) fn new(extent: Extent, weights: [f64; 3]) -> Self {
        let (lines, width) = (extent.num_lines, extent.num_pixels);
        let mut planner = DctPlanner::new();
        let (along, across) = (planner.plan_dct2(lines), planner.plan_dct2(width));
        let squares = |count: usize| {
            let sine = move |index: usize| (std::f64::consts::FRAC_PI_2 * index as f64 / count as f64).sin();
            (0..count).map(move |index| 4.0 * sine(index).powi(2))
        };
        // The inverse of each transform gives half its length times what was transformed.
        let scale = 4.0 / extent.len().max(1) as f64;
        let eigenvalue = |k: f64| 1.0 + k * (weights[0] + k * (weights[1] + k * weights[2]));
        let inverse = squares(width).flat_map(|a| squares(lines).map(move |b| scale / eigenvalue(a + b)));
        Self {
            extent,
            inverse: inverse.collect(),
            scratch: vec![0.0; along.get_scratch_len().max(across.get_scratch_len())],
            columns: vec![0.0; extent.len()],
            lines: along,
            pixels: across,
        }
    }

    /// Applies the inverse to `field`, into `out`.
    pub(super) fn invert(&mut self, field: &[f64], out: &mut [f64]) {
        let (lines, width) = (self.extent.num_lines, self.extent.num_pixels);
        out.copy_from_slice(field);
        for row in out.chunks_mut(width) {
            let scratch = &mut self.scratch[..self.pixels.get_scratch_len()];
            self.pixels.process_dct2_with_scratch(row, scratch);
        }
        transpose(out, &mut self.columns, width);
        for (column, inverse) in self.columns.chunks_mut(lines).zip(self.inverse.chunks(lines)) {
            let scratch = &mut self.scratch[..self.lines.get_scratch_len()];
            self.lines.process_dct2_with_scratch(column, scratch);
            column
                .iter_mut()
                .zip(inverse)
                .for_each(|(value, inverse)| *value *= inverse);
            self.lines.process_dct3_with_scratch(column, scratch);
        }
        transpose(&self.columns, out, lines);
        for row in out.chunks_mut(width) {
            let scratch = &mut self.scratch[..self.pixels.get_scratch_len()];
            self.pixels.process_dct3_with_scratch(row, scratch);
        }
    }
}

/// Rows of that width become columns, tile by tile, so that both stay in the cache.
fn transpose(from: &[f64], to: &mut [f64], width: usize) {
    const TILE: usize = 16;
    let height = from.len() / width.max(1);
    for first in (0..height).step_by(TILE) {
        for left in (0..width).step_by(TILE) {
            for row in first..height.min(first + TILE) {
                for column in left..width.min(left + TILE) {
                    to[column * height + row] = from[row * width + column];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inverse_undoes_the_operator() {
        for (lines, width) in [(1, 1), (1, 7), (12, 5), (9, 16), (30, 1)] {
            let extent = Extent::new(lines, width);
            let field: Vec<f64> = (0..extent.len())
                .map(|at| ((at * at) as f64 * 0.37).sin())
                .collect();
            let weights = [0.7, 3.0, 0.1];
            let mut image = field.clone();
            let mut power = field.clone();
            for weight in weights {
                power = differences(&power, extent);
                image
                    .iter_mut()
                    .zip(&power)
                    .for_each(|(image, power)| *image += weight * power);
            }
            let mut found = vec![0.0; field.len()];
            Cosines::new(extent, weights).invert(&image, &mut found);
            for (found, field) in found.iter().zip(&field) {
                assert!((found - field).abs() < 1e-12, "{lines} {width}: {found} {field}");
            }
        }
    }

    fn differences(field: &[f64], extent: Extent) -> Vec<f64> {
        let at = |line: usize, pixel: usize| field[extent.index(line, pixel)];
        let mut out = Vec::new();
        for line in 0..extent.num_lines {
            for pixel in 0..extent.num_pixels {
                let here = at(line, pixel);
                let mut sum = 0.0;
                if line > 0 {
                    sum += here - at(line - 1, pixel);
                }
                if pixel > 0 {
                    sum += here - at(line, pixel - 1);
                }
                if line + 1 < extent.num_lines {
                    sum += here - at(line + 1, pixel);
                }
                if pixel + 1 < extent.num_pixels {
                    sum += here - at(line, pixel + 1);
                }
                out.push(sum);
            }
        }
        out
    }
}
