//! Differences of the L3 stencil per line and per pixel, for several lines at a time.

use std::ops::Range;

use multiversion::multiversion;

use super::HALF;
use crate::Extent;

/// Lines worked on at a time: whatever their width, their pixels fill the registers of a processor without a rest.
const BLOCK: usize = 8;
/// Values, and how many of them lie from a sample of a stencil to the next; the first sample of the first place comes first.
type Samples<'a> = (&'a [f64], usize);

/// Shows the differences per line and per pixel, block of lines by block of lines, with the range of values that they stand
/// for.
pub(super) fn for_each_block(
    field: &[f64],
    extent: Extent,
    mut visit: impl FnMut(Range<usize>, &mut [f64], &mut [f64]),
) {
    let mut blocks = Blocks::new(field, extent);
    for first in (0..extent.num_lines).step_by(BLOCK) {
        let lines = first..extent.num_lines.min(first + BLOCK);
        let (along, across) = blocks.move_to(lines.clone());
        visit(
            lines.start * extent.num_pixels..lines.end * extent.num_pixels,
            along,
            across,
        );
    }
}

/// The differences of a block of lines, in buffers that serve all blocks.
pub(super) struct Blocks<'a> {
    field: &'a [f64],
    extent: Extent,
    along: Vec<f64>,
    across: Vec<f64>,
    /// Lines with as many missing pixels between them as the stencil has on either side.
    padded: Vec<f64>,
    /// Differences across of these.
    padded_across: Vec<f64>,
    /// Lines at an end of the pass, with as many missing ones beyond it.
    beyond: Vec<f64>,
    /// The block before had pixels beside gaps along the flight.
    has_gaps: bool,
}

impl<'a> Blocks<'a> {
    pub(super) fn new(field: &'a [f64], extent: Extent) -> Self {
        let width = extent.num_pixels;
        let padded = BLOCK * (width + HALF);
        Self {
            field,
            extent,
            along: vec![0.0; BLOCK * width],
            across: vec![0.0; BLOCK * width],
            padded: vec![f64::NAN; padded + 2 * HALF],
            padded_across: vec![0.0; padded],
            beyond: vec![f64::NAN; (BLOCK + 2 * HALF) * width],
            has_gaps: false,
        }
    }

    /// Differences per line and per pixel at the pixels of no more than a block of lines.
    pub(super) fn move_to(&mut self, lines: Range<usize>) -> (&mut [f64], &mut [f64]) {
        let count = lines.len() * self.extent.num_pixels;
        self.find_along(lines.clone());
        self.find_across(lines);
        (&mut self.along[..count], &mut self.across[..count])
    }

    fn find_along(&mut self, lines: Range<usize>) {
        let width = self.extent.num_pixels;
        let out = &mut self.along[..lines.len() * width];
        let samples = if lines.start >= HALF && lines.end + HALF <= self.extent.num_lines {
            &self.field[(lines.start - HALF) * width..(lines.end + HALF) * width]
        } else {
            let known = lines.start.saturating_sub(HALF)..self.extent.num_lines.min(lines.end + HALF);
            let first = (known.start + HALF - lines.start) * width;
            self.beyond.fill(f64::NAN);
            self.beyond[first..first + known.len() * width]
                .copy_from_slice(&self.field[known.start * width..known.end * width]);
            &self.beyond
        };
        // Gaps follow gaps: what was in vain in one block is not tried in the next.
        self.has_gaps = self.has_gaps || whole((samples, width), out);
        if self.has_gaps {
            self.has_gaps = widest((samples, width), out);
        }
    }

    fn find_across(&mut self, lines: Range<usize>) {
        let width = self.extent.num_pixels;
        if width == 0 {
            return;
        }
        let stride = width + HALF;
        let rows = self.field[lines.start * width..lines.end * width].chunks_exact(width);
        for (row, padded) in rows.zip(self.padded[HALF..].chunks_mut(stride)) {
            padded[..width].copy_from_slice(row);
        }
        let count = lines.len() * stride;
        widest((&self.padded, 1), &mut self.padded_across[..count]);
        let rows = self.padded_across.chunks_exact(stride);
        for (row, out) in rows.zip(self.across[..lines.len() * width].chunks_exact_mut(width)) {
            out.copy_from_slice(&row[..width]);
        }
    }
}

/// The difference of 9 points from those of samples at distance 1 to 4; NaN where one is.
#[inline(always)]
fn of_nine(one: f64, two: f64, three: f64, four: f64) -> f64 {
    (4.0 / 5.0) * one - (1.0 / 5.0) * two + (4.0 / 105.0) * three - (1.0 / 280.0) * four
}

/// The whole stencil at every place, from the samples 4 before it to 4 after it, NaN where a sample is; true if that leaves out a
/// place with a sample of its own.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn whole(samples: Samples<'_>, out: &mut [f64]) -> bool {
    let count = out.len();
    let at = |sample: usize| &samples.0[sample * samples.1..][..count];
    let (b4, b3, b2, b1) = (at(0), at(1), at(2), at(3));
    let (here, a1, a2, a3, a4) = (at(4), at(5), at(6), at(7), at(8));
    let mut lacks = false;
    for place in 0..count {
        let found = of_nine(
            a1[place] - b1[place],
            a2[place] - b2[place],
            a3[place] - b3[place],
            a4[place] - b4[place],
        );
        lacks |= found.is_nan() & !here[place].is_nan();
        // The sample here has no weight, but without it there is no derivative.
        out[place] = found + 0.0 * here[place];
    }
    lacks
}

/// The widest difference whose samples all exist at every place, NaN without any neighbour; true if it is narrower than the whole
/// stencil at a place.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn widest(samples: Samples<'_>, out: &mut [f64]) -> bool {
    let count = out.len();
    let at = |sample: usize| &samples.0[sample * samples.1..][..count];
    let (b4, b3, b2, b1) = (at(0), at(1), at(2), at(3));
    let (here, a1, a2, a3, a4) = (at(4), at(5), at(6), at(7), at(8));
    let mut lacks = false;
    for place in 0..count {
        let or = |wide: f64, narrow: f64| if wide.is_nan() { narrow } else { wide };
        let (before, after) = (here[place] - b1[place], a1[place] - here[place]);
        let one = a1[place] - b1[place];
        let two = a2[place] - b2[place];
        let three = a3[place] - b3[place];
        let nine = of_nine(one, two, three, a4[place] - b4[place]);
        let found = or(before, after);
        let found = or(one * (1.0 / 2.0), found);
        let found = or((2.0 / 3.0) * one - (1.0 / 12.0) * two, found);
        let found = or(
            (3.0 / 4.0) * one - (3.0 / 20.0) * two + (1.0 / 60.0) * three,
            found,
        );
        let found = or(nine, found);
        lacks |= nine.is_nan() & !here[place].is_nan();
        out[place] = found + 0.0 * here[place];
    }
    lacks
}
