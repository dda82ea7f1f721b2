//! The gap between the sides of a swath.

use std::ops::Range;

use super::check;
use crate::Extent;

/// Fills, line by line, the hole that covers the middle of `gap` (pixels) by a straight line between the values on either side of
/// it. Only holes inside `gap` widened by `reach` pixels on both sides are filled; where a side has no value there, the hole
/// stays. Other holes and all values stay as they are.
///
/// The filled pixels are a guess that derivatives and spectra should not take for measurements.
pub fn fill_nadir_gap(field: &[f64], extent: Extent, gap: Range<usize>, reach: usize) -> Vec<f64> {
    check(field, extent);
    let mut filled = field.to_vec();
    let width = extent.num_pixels;
    let middle = (gap.start + gap.end) / 2;
    if middle >= width {
        return filled;
    }
    let (first, last) = (gap.start.saturating_sub(reach), (gap.end + reach).min(width));
    for row in filled.chunks_mut(width.max(1)) {
        if !row[middle].is_nan() {
            continue;
        }
        let left = (first..middle).rev().find(|pixel| !row[*pixel].is_nan());
        let right = (middle + 1..last).find(|pixel| !row[*pixel].is_nan());
        let (Some(left), Some(right)) = (left, right) else {
            continue;
        };
        let (from, to) = (row[left], row[right]);
        for (index, value) in row[left + 1..right].iter_mut().enumerate() {
            let part = (index + 1) as f64 / (right - left) as f64;
            *value = from + part * (to - from);
        }
    }
    filled
}
