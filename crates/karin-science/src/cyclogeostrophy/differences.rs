//! Two-point differences on one axis as a matrix of three diagonals, and its transpose.

use multiversion::multiversion;

use crate::{Extent, Metric};

/// Centred differences per metre where both neighbours are, one-sided where one is, none where none is.
pub(super) struct Differences {
    stride: usize,
    before: Vec<f64>,
    here: Vec<f64>,
    after: Vec<f64>,
    /// Where there is a difference.
    pub is_known: Vec<bool>,
}

impl Differences {
    /// Along the flight and to its left, over the pixels that are not NaN.
    pub(super) fn pair(field: &[f64], metric: &Metric) -> [Self; 2] {
        let extent = metric.extent();
        [
            Self::new(field, extent, extent.num_pixels, &metric.per_along, 1.0),
            Self::new(field, extent, 1, &metric.per_across, -1.0),
        ]
    }

    fn new(field: &[f64], extent: Extent, stride: usize, per_spacing: &[f64], sign: f64) -> Self {
        let count = field.len();
        let mut differences = Self {
            stride,
            before: vec![0.0; count],
            here: vec![0.0; count],
            after: vec![0.0; count],
            is_known: vec![false; count],
        };
        for index in 0..count {
            let (place, places) = if stride == 1 {
                (index % extent.num_pixels, extent.num_pixels)
            } else {
                (index / extent.num_pixels, extent.num_lines)
            };
            let factor = sign * per_spacing[index];
            if field[index].is_nan() || factor.is_nan() {
                continue;
            }
            let has_before = place > 0 && !field[index - stride].is_nan();
            let has_after = place + 1 < places && !field[index + stride].is_nan();
            let (before, here, after) = match (has_before, has_after) {
                (true, true) => (-0.5, 0.0, 0.5),
                (true, false) => (-1.0, 1.0, 0.0),
                (false, true) => (0.0, -1.0, 1.0),
                (false, false) => continue,
            };
            differences.before[index] = before * factor;
            differences.here[index] = here * factor;
            differences.after[index] = after * factor;
            differences.is_known[index] = true;
        }
        differences
    }

    /// Differences of a field without NaN; zero where there is none.
    pub(super) fn apply(&self, field: &[f64]) -> Vec<f64> {
        let mut out = vec![0.0; field.len()];
        multiply(&mut out, &self.here, field);
        if let Some(rest) = field.len().checked_sub(self.stride) {
            multiply(
                &mut out[self.stride..],
                &self.before[self.stride..],
                &field[..rest],
            );
            multiply(&mut out[..rest], &self.after[..rest], &field[self.stride..]);
        }
        out
    }

    /// Adds the transpose applied to a field to `out`.
    pub(super) fn add_transposed(&self, field: &[f64], out: &mut [f64]) {
        multiply(out, &self.here, field);
        if let Some(rest) = field.len().checked_sub(self.stride) {
            multiply(
                &mut out[..rest],
                &self.before[self.stride..],
                &field[self.stride..],
            );
            multiply(&mut out[self.stride..], &self.after[..rest], &field[..rest]);
        }
    }
}

/// Adds products element by element.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn multiply(out: &mut [f64], weights: &[f64], field: &[f64]) {
    for ((out, weight), value) in out.iter_mut().zip(weights).zip(field) {
        *out += weight * value;
    }
}
