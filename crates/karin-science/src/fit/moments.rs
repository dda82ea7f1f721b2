//! Weighted sums over the window of every pixel of a line, as products of sums along and across.
//!
//! A sum of `w(di) w(dj) a^p l^q z` over a window is, row by row of the window, `w(di) a^p` times the sum of
//! `w(dj) l^q z` along the row. The latter are made once per line and width of row, and serve all windows that hold the row.

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
        let count = if same_gaps { TERMS } else { TERMS + MASK };
        self.sums[..count * width].fill(0.0);
        for other in line.saturating_sub(half)..=last {
            let distance = other.abs_diff(line);
            let place = (other as f64 - line as f64) / half as f64;
            let class = self.kernel.width_at[distance];
            let slot = &self.rows[other % self.rows.len()];
            let sums = &slot[class * ROW_SUMS * width..(class + 1) * ROW_SUMS * width];
            let weight = self.kernel.weight[distance];
            let (of_field, of_mask) = self.sums.split_at_mut(TERMS * width);
            add_field(of_field, sums, weight, place);
            if !same_gaps {
                add_mask(of_mask, &sums[3 * width..], weight, place);
            }
        }
        same_gaps
    }

    /// Weighted sums of the field times 1, a, l, a2, al, l2 over the window of a pixel.
    pub(crate) fn field_moments(&self, pixel: usize) -> [f64; TERMS] {
        std::array::from_fn(|term| self.sums[term * self.extent.num_pixels + pixel])
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
        self.rows[slot].fill(0.0);
        for (class, reach) in self.kernel.widths.iter().enumerate() {
            let sums = &mut self.rows[slot][class * ROW_SUMS * width..(class + 1) * ROW_SUMS * width];
            for step in 0..=2 * reach {
                let offset = half + step - reach;
                let weight = self.kernel.weight[offset.abs_diff(half)];
                // Pixels count to the right.
                let place = (half as f64 - offset as f64) / half as f64;
                add_along_row(
                    sums,
                    &self.padded[0][offset..][..width],
                    &self.padded[1][offset..][..width],
                    weight,
                    place,
                );
            }
        }
        self.held[slot] = Some(line);
    }
}

/// Adds one sample of every row sum.
#[multiversion(targets("x86_64+avx2"))]
fn add_along_row(sums: &mut [f64], field: &[f64], mask: &[f64], weight: f64, place: f64) {
    let width = field.len();
    let mask = &mask[..width];
    let (f0, rest) = sums.split_at_mut(width);
    let (f1, rest) = rest.split_at_mut(width);
    let (f2, rest) = rest.split_at_mut(width);
    let (m0, rest) = rest.split_at_mut(width);
    let (m1, rest) = rest.split_at_mut(width);
    let (m2, rest) = rest.split_at_mut(width);
    let (m3, rest) = rest.split_at_mut(width);
    let m4 = &mut rest[..width];
    let w = [1.0, place, place * place, place.powi(3), place.powi(4)].map(|power| weight * power);
    for pixel in 0..width {
        f0[pixel] += w[0] * field[pixel];
        f1[pixel] += w[1] * field[pixel];
        f2[pixel] += w[2] * field[pixel];
    }
    for pixel in 0..width {
        m0[pixel] += w[0] * mask[pixel];
        m1[pixel] += w[1] * mask[pixel];
        m2[pixel] += w[2] * mask[pixel];
        m3[pixel] += w[3] * mask[pixel];
        m4[pixel] += w[4] * mask[pixel];
    }
}

/// Adds one row of the window to the sums of the field: 1, a, l, a2, al, l2.
#[multiversion(targets("x86_64+avx2"))]
fn add_field(sums: &mut [f64], rows: &[f64], weight: f64, place: f64) {
    let width = sums.len() / TERMS;
    let (r0, rest) = rows.split_at(width);
    let (r1, rest) = rest.split_at(width);
    let r2 = &rest[..width];
    let (one, rest) = sums.split_at_mut(width);
    let (a, rest) = rest.split_at_mut(width);
    let (l, rest) = rest.split_at_mut(width);
    let (aa, rest) = rest.split_at_mut(width);
    let (al, rest) = rest.split_at_mut(width);
    let ll = &mut rest[..width];
    let (w0, w1, w2) = (weight, weight * place, weight * place * place);
    for pixel in 0..width {
        one[pixel] += w0 * r0[pixel];
        a[pixel] += w1 * r0[pixel];
        l[pixel] += w0 * r1[pixel];
        aa[pixel] += w2 * r0[pixel];
        al[pixel] += w1 * r1[pixel];
        ll[pixel] += w0 * r2[pixel];
    }
}

/// Adds one row of the window to the sums of the valid pixels, in the order of [`moment`].
#[multiversion(targets("x86_64+avx2"))]
fn add_mask(sums: &mut [f64], rows: &[f64], weight: f64, place: f64) {
    let width = sums.len() / MASK;
    let powers = [1.0, place, place * place, place.powi(3), place.powi(4)];
    for degree in 0..5 {
        for q in 0..=degree {
            let at = moment(degree - q, q) * width;
            let factor = weight * powers[degree - q];
            let row = &rows[q * width..][..width];
            for (sum, value) in sums[at..at + width].iter_mut().zip(row) {
                *sum += factor * value;
            }
        }
    }
}
