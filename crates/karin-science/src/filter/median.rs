//! The median of a window.

use super::{Gaps, check};
use crate::Extent;

/// The median of the values in a window of `2a + 1` lines by `2b + 1` pixels round every pixel (`half` is `(a, b)`), as
/// `numpy.nanmedian`: of an even number of values the mean of the two in the middle. At edges the window is what is left
/// of it. Robust against single outliers; edges of features stay sharp.
///
/// NaN where no value is in the window, or gaps are kept. Cost: a selection among at most `(2a+1)(2b+1)` values per pixel.
pub fn median(field: &[f64], extent: Extent, half: (usize, usize), gaps: Gaps) -> Vec<f64> {
    check(field, extent);
    let (lines, width) = (extent.num_lines, extent.num_pixels);
    let mut out = vec![f64::NAN; field.len()];
    // Windows of a line share their lines: the values of each column of the window are gathered once and slide.
    let height = 2 * half.0 + 1;
    let mut columns: Vec<f64> = vec![0.0; height * width];
    let mut counts = vec![0usize; width];
    let mut window = Vec::with_capacity(height * (2 * half.1 + 1));
    for (line, out) in out.chunks_mut(width.max(1)).enumerate() {
        let rows = line.saturating_sub(half.0)..(line + half.0 + 1).min(lines);
        gather(field, width, rows, height, &mut columns, &mut counts);
        for (pixel, out) in out.iter_mut().enumerate() {
            if gaps == Gaps::Kept && field[line * width + pixel].is_nan() {
                continue;
            }
            window.clear();
            for column in pixel.saturating_sub(half.1)..(pixel + half.1 + 1).min(width) {
                let start = column * height;
                window.extend_from_slice(&columns[start..start + counts[column]]);
            }
            *out = middle(&mut window);
        }
    }
    out
}

/// Values of every pixel column over some lines, packed without holes.
fn gather(
    field: &[f64],
    width: usize,
    rows: std::ops::Range<usize>,
    height: usize,
    columns: &mut [f64],
    counts: &mut [usize],
) {
    counts.fill(0);
    for row in rows {
        let values = &field[row * width..(row + 1) * width];
        for (column, (value, count)) in values.iter().zip(counts.iter_mut()).enumerate() {
            // Written whether it is a value or not, counted if it is: no branch.
            columns[column * height + *count] = *value;
            *count += usize::from(!value.is_nan());
        }
    }
}

/// The median; NaN of nothing. Disturbs the order.
pub(crate) fn middle(values: &mut [f64]) -> f64 {
    let count = values.len();
    if count == 0 {
        return f64::NAN;
    }
    let (below, upper, _) = values.select_nth_unstable_by(count / 2, f64::total_cmp);
    if count % 2 == 1 {
        return *upper;
    }
    let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    0.5 * (lower + *upper)
}
