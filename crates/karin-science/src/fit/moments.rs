//! Weighted sums over the window of every pixel of a line, as products of sums along and across.
//!
//! A sum of `w(di) w(dj) a^p l^q z` over a window is, row by row of the window, `w(di) a^p` times the sum of
//! `w(dj) l^q z` along the row. The latter are made once per line and width of row, and serve all windows that hold the row.

use std::ops::Range;

use multiversion::multiversion;

use super::TERMS;
use super::kernel::Kernel;
use crate::Extent;

/// Moments of the valid pixels up to degree 4.
pub(crate) const MASK: usize = 15;
/// See [`MASK`].
pub(crate) type MaskMoments = [f64; MASK];
/// Sums along a row: l^0 to l^2 of the field, l^0 to l^4 of the valid pixels.
const ROW_SUMS: usize = 8;

/// Where the sum of a^p l^q is.
pub(crate) const fn moment(p: usize, q: usize) -> usize {
    let degree = p + q;
    degree * (degree + 1) / 2 + q
}

/// A window that moves along the lines of a field.
pub(crate) struct Window<'a> {
    field: &'a [f64],
    extent: Extent,
    kernel: &'a Kernel,
    /// What valid pixels count for, 1 without it.
    counts: Option<&'a [f64]>,
    /// Sums along the rows of the lines in reach: line modulo size, then width of row, then sum, then pixel.
    rows: Vec<Vec<f64>>,
    /// Which line each of these holds.
    held: Vec<Option<usize>>,
    /// For how many lines up to the last one added the gaps have been the same.
    same: usize,
    /// Scratch: field and mask with margins.
    padded: [Vec<f64>; 2],
    /// Weights of the samples along a row times powers of their places.
    steps: Vec<[f64; 5]>,
    /// Sums over the window of each pixel: those of the field, then of the mask.
    sums: Vec<f64>,
    line: Option<usize>,
}

impl<'a> Window<'a> {
    pub(crate) fn new(field: &'a [f64], extent: Extent, kernel: &'a Kernel) -> Self {
        Self::counting(field, None, extent, kernel)
    }

    /// A window whose valid pixels count for what is given instead of 1 in the moments of the mask.
    pub(crate) fn counting(
        field: &'a [f64],
        counts: Option<&'a [f64]>,
        extent: Extent,
        kernel: &'a Kernel,
    ) -> Self {
        let size = 2 * kernel.half + 1;
        let width = extent.num_pixels;
        let row = vec![0.0; kernel.widths.len() * ROW_SUMS * width];
        let padded = vec![0.0; width + 2 * kernel.half];
        Self {
            field,
            extent,
            kernel,
            counts,
            rows: vec![row; size],
            held: vec![None; size],
            same: 0,
            padded: [padded.clone(), padded],
            steps: (0..size).map(|step| kernel.powers(step)).collect(),
            sums: vec![0.0; (TERMS + MASK) * width],
            line: None,
        }
    }

    /// Makes the sums of the windows of a line; true if their gaps are those of the line before.
    pub(crate) fn move_to(&mut self, line: usize) -> bool {
        let half = self.kernel.half;
        let last = (line + half).min(self.extent.num_lines - 1);
        for other in line.saturating_sub(half)..=last {
            self.add(other);
        }
        // All lines of this window and of the one before have the same gaps, and neither is cut by an end.
        let same_gaps = self.line == line.checked_sub(1)
            && line > half
            && line + half < self.extent.num_lines
            && self.same > 2 * half
            && self.counts.is_none();
        self.line = Some(line);
        let width = self.extent.num_pixels;
        let rows: Vec<Row> = (line.saturating_sub(half)..=last)
            .map(|other| {
                let distance = other.abs_diff(line);
                let class = self.kernel.width_at[distance] * ROW_SUMS * width;
                let place = (other as f64 - line as f64) / half as f64;
                Row {
                    sums: &self.rows[other % self.rows.len()][class..class + ROW_SUMS * width],
                    powers: [0, 1, 2, 3, 4].map(|power| self.kernel.weight[distance] * place.powi(power)),
                }
            })
            .collect();
        let (of_field, of_mask) = self.sums.split_at_mut(TERMS * width);
        add_field(of_field, &rows, width);
        if !same_gaps {
            add_mask(of_mask, &rows, width);
        }
        same_gaps
    }

    /// Weighted sums over the windows of the line: of the field times 1, a, l, a2, al, l2, to be solved in place, and of the valid
    /// pixels in the order of [`moment`] (stale while the gaps stay the same), pixel by pixel.
    pub(crate) fn sums(&mut self) -> (&mut [f64], &[f64]) {
        let (of_field, of_mask) = self.sums.split_at_mut(TERMS * self.extent.num_pixels);
        (of_field, of_mask)
    }

    /// Weighted sums of the valid pixels times a^p l^q over the window of a pixel. Stale while the gaps stay the same.
    pub(crate) fn mask_moments(&self, pixel: usize) -> MaskMoments {
        std::array::from_fn(|term| self.sums[(TERMS + term) * self.extent.num_pixels + pixel])
    }

    /// Makes the sums along the rows of a line, unless they are there.
    fn add(&mut self, line: usize) {
        let slot = line % self.rows.len();
        if self.held[slot] == Some(line) {
            return;
        }
        let width = self.extent.num_pixels;
        let row = &self.field[line * width..(line + 1) * width];
        let before = line
            .checked_sub(1)
            .map(|before| &self.field[before * width..line * width]);
        let is_same = before.is_some_and(|before| {
            before
                .iter()
                .zip(row)
                .all(|(one, other)| one.is_nan() == other.is_nan())
        });
        self.same = if is_same { self.same + 1 } else { 0 };
        let half = self.kernel.half;
        for (pixel, value) in row.iter().enumerate() {
            let is_valid = !value.is_nan();
            self.padded[0][half + pixel] = if is_valid { *value } else { 0.0 };
            let count = self.counts.map_or(1.0, |counts| counts[line * width + pixel]);
            self.padded[1][half + pixel] = if is_valid { count } else { 0.0 };
        }
        for (class, reach) in self.kernel.widths.iter().enumerate() {
            let sums = &mut self.rows[slot][class * ROW_SUMS * width..(class + 1) * ROW_SUMS * width];
            let window = half - reach..half + reach + 1;
            add_along_row(sums, &self.padded, window.clone(), &self.steps[window]);
        }
        self.held[slot] = Some(line);
    }
}

/// A line of the window: its sums along rows, its weight times the powers of its place along the flight.
struct Row<'a> {
    sums: &'a [f64],
    powers: [f64; 5],
}

/// Pixels that are summed side by side.
const LANES: usize = 8;

/// First pixels of groups of lanes; the last group overlaps the one before where the width is no multiple, and does the
/// same again. Lines narrower than a group have none: they go pixel by pixel.
fn groups(width: usize) -> impl Iterator<Item = usize> {
    let last = (width >= LANES && !width.is_multiple_of(LANES)).then(|| width - LANES);
    (0..width / LANES).map(|place| place * LANES).chain(last)
}

/// `L` values from a pixel on.
#[inline(always)]
fn lanes<const L: usize>(values: &[f64], pixel: usize) -> [f64; L] {
    let mut out = [0.0; L];
    out.copy_from_slice(&values[pixel..pixel + L]);
    out
}

#[inline(always)]
fn add<const L: usize>(sum: &mut [f64; L], factor: f64, values: &[f64; L]) {
    for (sum, value) in sum.iter_mut().zip(values) {
        *sum += factor * value;
    }
}

#[inline(always)]
fn store<const L: usize>(sums: &mut [f64], width: usize, pixel: usize, from: usize, values: &[[f64; L]]) {
    for (place, values) in (from..).zip(values) {
        sums[place * width + pixel..][..L].copy_from_slice(values);
    }
}

/// Sums along the rows of a line: l^0 to l^2 of the field, l^0 to l^4 of the mask, both with margins.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn add_along_row(sums: &mut [f64], padded: &[Vec<f64>; 2], window: Range<usize>, steps: &[[f64; 5]]) {
    let width = sums.len() / ROW_SUMS;
    if width < LANES {
        (0..width).for_each(|pixel| along_row::<1>(sums, padded, pixel, (window.start, steps)));
    }
    for pixel in groups(width) {
        along_row::<LANES>(sums, padded, pixel, (window.start, steps));
    }
}

#[inline(always)]
fn along_row<const L: usize>(
    sums: &mut [f64],
    [field, mask]: &[Vec<f64>; 2],
    pixel: usize,
    (first, steps): (usize, &[[f64; 5]]),
) {
    let width = sums.len() / ROW_SUMS;
    let mut of_field = [[0.0; L]; 3];
    let mut of_mask = [[0.0; L]; 5];
    for (place, powers) in (first + pixel..).zip(steps) {
        let (value, valid) = (lanes::<L>(field, place), lanes::<L>(mask, place));
        for (sum, power) in of_field.iter_mut().zip(powers) {
            add(sum, *power, &value);
        }
        for (sum, power) in of_mask.iter_mut().zip(powers) {
            add(sum, *power, &valid);
        }
    }
    store(sums, width, pixel, 0, &of_field);
    store(sums, width, pixel, of_field.len(), &of_mask);
}

/// Sums of the field over windows, from those along their rows: 1, a, l, a2, al, l2.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn add_field(sums: &mut [f64], rows: &[Row<'_>], width: usize) {
    if width < LANES {
        (0..width).for_each(|pixel| field_at::<1>(sums, rows, width, pixel));
    }
    for pixel in groups(width) {
        field_at::<LANES>(sums, rows, width, pixel);
    }
}

#[inline(always)]
fn field_at<const L: usize>(sums: &mut [f64], rows: &[Row<'_>], width: usize, pixel: usize) {
    let mut sum = [[0.0; L]; TERMS];
    for row in rows {
        let along: [[f64; L]; 3] = std::array::from_fn(|q| lanes(row.sums, q * width + pixel));
        for (sum, (p, q)) in sum
            .iter_mut()
            .zip([(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2)])
        {
            add(sum, row.powers[p], &along[q]);
        }
    }
    store(sums, width, pixel, 0, &sum);
}

/// Sums of the valid pixels over windows, in the order of [`moment`]. Two rounds, so that sums stay in registers.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn add_mask(sums: &mut [f64], rows: &[Row<'_>], width: usize) {
    if width < LANES {
        for pixel in 0..width {
            mask_at::<1, 0, 8>(sums, rows, width, pixel);
            mask_at::<1, 8, 7>(sums, rows, width, pixel);
        }
    }
    for pixel in groups(width) {
        mask_at::<LANES, 0, 8>(sums, rows, width, pixel);
        mask_at::<LANES, 8, 7>(sums, rows, width, pixel);
    }
}

/// Powers of the places along and left of the moments, in the order of [`moment`].
const MOMENTS: [(usize, usize); MASK] = {
    let mut powers = [(0, 0); MASK];
    let mut degree = 0;
    while degree < 5 {
        let mut q = 0;
        while q <= degree {
            powers[moment(degree - q, q)] = (degree - q, q);
            q += 1;
        }
        degree += 1;
    }
    powers
};

/// The sums of `M` moments from one on.
#[inline(always)]
fn mask_at<const L: usize, const FROM: usize, const M: usize>(
    sums: &mut [f64],
    rows: &[Row<'_>],
    width: usize,
    pixel: usize,
) {
    let mut sum = [[0.0; L]; M];
    for row in rows {
        let along: [[f64; L]; 5] = std::array::from_fn(|q| lanes(row.sums, (3 + q) * width + pixel));
        for (place, sum) in sum.iter_mut().enumerate() {
            let (p, q) = MOMENTS[FROM + place];
            add(sum, row.powers[p], &along[q]);
        }
    }
    store(sums, width, pixel, FROM, &sum);
}
