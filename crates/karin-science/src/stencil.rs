//! The finite differences of the AVISO L3 product: nine points, fewer at gaps and edges.

use multiversion::multiversion;

use crate::{Extent, Metric, ScienceError};

/// Points on either side of the full stencil.
pub const HALF: usize = 4;

/// Centred weights of the samples at distance 1, 2, ... for a stencil of that half size; antisymmetric, divided by
/// [`CENTRED_DIVISOR`]. Fornberg (1988): exact for polynomials of degree 8, 6, 4, 2.
pub(crate) const CENTRED: [&[f64]; 4] = [
    &[1.0],
    &[8.0, -1.0],
    &[45.0, -9.0, 1.0],
    &[672.0, -168.0, 32.0, -3.0],
];
/// See [`CENTRED`].
pub(crate) const CENTRED_DIVISOR: [f64; 4] = [2.0, 12.0, 60.0, 840.0];

/// Slopes of a field in the frame of the flight: `along` the flight and to its `left`, per metre.
///
/// Source: the AVISO L3 recipe (`ugosa`, `vgosa` of L3 v1.0.2 come out to their packing step, edges and gaps included).
/// Along each axis the derivative is the centred difference of 9 points, `(3, -32, 168, -672, 0, 672, -168, 32, -3)/840`,
/// over the local spacing. Where one of the 9 is NaN or outside, 7, 5, then 3 points are tried, then the difference to the
/// one before, then to the next; a pixel without neighbours on an axis, or that is NaN itself, is NaN. The two axes are
/// independent of each other. Pixels count to the right of the flight, which is why `left` has the opposite sign.
/// The nadir gap and the edges of the swath are gaps like others; nothing is differenced across them.
///
/// Cost: one multiply-add per sample and axis, over whole lines (vectorised). Across the flight, where every line has edges and the
/// nadir, all widths are computed side by side and the widest is chosen; along it only on lines beside gaps.
///
/// `visit` is called line by line with its number and its slopes along and left.
///
/// # Errors
/// If the field does not fill the extent of the metric.
pub fn slopes(
    field: &[f64],
    metric: &Metric,
    mut visit: impl FnMut(usize, &[f64], &[f64]),
) -> Result<(), ScienceError> {
    let extent = metric.extent();
    ScienceError::check("field", field.len(), extent)?;
    let width = extent.num_pixels;
    let (mut along, mut left) = (vec![0.0; width], vec![0.0; width]);
    let mut edges = Edges::new(width);
    for line in 0..extent.num_lines {
        slopes_of_line(field, metric, line, &mut edges, (&mut along, &mut left));
        visit(line, &along, &left);
    }
    Ok(())
}

/// [`slopes`] of two fields side by side: along and left of the first, along and left of the second.
pub(crate) fn slopes_of_two(
    fields: [&[f64]; 2],
    metric: &Metric,
    mut visit: impl FnMut(usize, [&[f64]; 4]),
) -> Result<(), ScienceError> {
    let extent = metric.extent();
    for field in fields {
        ScienceError::check("field", field.len(), extent)?;
    }
    let mut lines: [Vec<f64>; 4] = std::array::from_fn(|_| vec![0.0; extent.num_pixels]);
    let mut edges = Edges::new(extent.num_pixels);
    for line in 0..extent.num_lines {
        let [a, b, c, d] = &mut lines;
        slopes_of_line(fields[0], metric, line, &mut edges, (a, b));
        slopes_of_line(fields[1], metric, line, &mut edges, (c, d));
        visit(line, lines.each_ref().map(Vec::as_slice));
    }
    Ok(())
}

/// Slopes along and left at the pixels of a line.
fn slopes_of_line(
    field: &[f64],
    metric: &Metric,
    line: usize,
    edges: &mut Edges,
    (along, left): (&mut [f64], &mut [f64]),
) {
    let extent = metric.extent();
    let row = line * extent.num_pixels..(line + 1) * extent.num_pixels;
    edges.along(field, extent, line, along);
    edges.across(&field[row.clone()], left);
    scale(along, &metric.per_along[row.clone()], 1.0);
    scale(left, &metric.per_across[row], -1.0);
}

/// The slopes of a whole field along the flight and to its left, as [`slopes`].
pub(crate) fn both_slopes(field: &[f64], metric: &Metric) -> Result<(Vec<f64>, Vec<f64>), ScienceError> {
    let (mut along, mut left) = (Vec::with_capacity(field.len()), Vec::with_capacity(field.len()));
    slopes(field, metric, |_, by_along, by_left| {
        along.extend_from_slice(by_along);
        left.extend_from_slice(by_left);
    })?;
    Ok((along, left))
}

/// Slopes of a field towards east and north, per metre: those of [`slopes`] rotated by the heading.
///
/// # Errors
/// If the field does not fill the extent of the metric.
pub fn gradient(field: &[f64], metric: &Metric) -> Result<(Vec<f64>, Vec<f64>), ScienceError> {
    let width = metric.extent().num_pixels;
    let (mut east, mut north) = (vec![0.0; field.len()], vec![0.0; field.len()]);
    slopes(field, metric, |line, along, left| {
        let row = line * width..(line + 1) * width;
        let heading = (&metric.cosine[row.clone()], &metric.sine[row.clone()]);
        rotate(along, left, heading, (&mut east[row.clone()], &mut north[row]));
    })?;
    Ok((east, north))
}

/// The geostrophic current towards east and north of a height, into what is cleared before.
pub(crate) fn current(height: &[f64], metric: &Metric, out: [&mut Vec<f64>; 2]) -> Result<(), ScienceError> {
    let extent = metric.extent();
    ScienceError::check("field", height.len(), extent)?;
    let width = extent.num_pixels;
    let mut lines: [Vec<f64>; 4] = std::array::from_fn(|_| vec![0.0; width]);
    let [along, across, east_line, north_line] = &mut lines;
    let mut edges = Edges::new(width);
    let [east, north] = out;
    for out in [&mut *east, &mut *north] {
        out.clear();
        out.reserve_exact(height.len());
    }
    for line in 0..extent.num_lines {
        let row = line * width..(line + 1) * width;
        edges.along(height, extent, line, along);
        edges.across(&height[row.clone()], across);
        let geometry = [
            &metric.per_along,
            &metric.per_across,
            &metric.cosine,
            &metric.sine,
            &metric.geostrophic,
        ];
        turn(
            along,
            across,
            geometry.map(|own| &own[row.clone()]),
            (east_line, north_line),
        );
        east.extend_from_slice(east_line);
        north.extend_from_slice(north_line);
    }
    Ok(())
}

/// Differences per line and per pixel as the current along the contours, east and north. The geometry is 1 / spacing along and
/// across, cosine and sine of the heading, and g/f.
#[multiversion(targets("x86_64+avx2"))]
fn turn(along: &[f64], across: &[f64], geometry: [&[f64]; 5], out: (&mut [f64], &mut [f64])) {
    let width = along.len();
    let [per_along, per_across, cosine, sine, factor] = geometry.map(|own| &own[..width]);
    let (across, east, north) = (&across[..width], &mut out.0[..width], &mut out.1[..width]);
    for pixel in 0..width {
        let along = along[pixel] * per_along[pixel];
        // Pixels count to the right of the flight.
        let left = -across[pixel] * per_across[pixel];
        east[pixel] = -factor[pixel] * (along * sine[pixel] + left * cosine[pixel]);
        north[pixel] = factor[pixel] * (along * cosine[pixel] - left * sine[pixel]);
    }
}

/// Components along and left of a heading as components east and north.
#[multiversion(targets("x86_64+avx2"))]
fn rotate(along: &[f64], left: &[f64], heading: (&[f64], &[f64]), out: (&mut [f64], &mut [f64])) {
    let width = along.len();
    let (cosine, sine) = (&heading.0[..width], &heading.1[..width]);
    let (left, east, north) = (&left[..width], &mut out.0[..width], &mut out.1[..width]);
    for pixel in 0..width {
        east[pixel] = along[pixel] * cosine[pixel] - left[pixel] * sine[pixel];
        north[pixel] = along[pixel] * sine[pixel] + left[pixel] * cosine[pixel];
    }
}

#[multiversion(targets("x86_64+avx2"))]
fn scale(values: &mut [f64], per_spacing: &[f64], sign: f64) {
    for (value, factor) in values.iter_mut().zip(per_spacing) {
        *value *= sign * factor;
    }
}

/// What lies beyond the ends of lines and passes.
struct Edges {
    /// A line with as many missing pixels as the stencil has on either side of it.
    padded: Vec<f64>,
    /// A line that is not there.
    missing: Vec<f64>,
}

impl Edges {
    fn new(width: usize) -> Self {
        Self {
            padded: vec![f64::NAN; width + 2 * HALF],
            missing: vec![f64::NAN; width],
        }
    }

    /// Difference per line at every pixel of a line.
    fn along(&self, field: &[f64], extent: Extent, line: usize, out: &mut [f64]) {
        let width = extent.num_pixels;
        let samples: [&[f64]; 2 * HALF + 1] = std::array::from_fn(|offset| {
            let own = (line + offset)
                .checked_sub(HALF)
                .filter(|own| *own < extent.num_lines);
            own.map_or(&self.missing[..], |own| &field[own * width..][..width])
        });
        nine(samples, out);
        let here = samples[HALF].iter();
        // Without an early end the compiler looks at several at once.
        let lacks = |any, (value, here): (&f64, &f64)| any | (value.is_nan() & !here.is_nan());
        if out.iter().zip(here).fold(false, lacks) {
            widest(samples, out);
        }
    }

    /// Difference per pixel at every pixel of a line.
    fn across(&mut self, row: &[f64], out: &mut [f64]) {
        self.padded[HALF..][..row.len()].copy_from_slice(row);
        widest(
            std::array::from_fn(|offset| &self.padded[offset..][..row.len()]),
            out,
        );
    }
}

/// The whole stencil at every place of a line, from the samples 4 before it to 4 after it; NaN where a sample is.
#[multiversion(targets("x86_64+avx2"))]
fn nine(samples: [&[f64]; 2 * HALF + 1], out: &mut [f64]) {
    let width = out.len();
    let [b4, b3, b2, b1, here, a1, a2, a3, a4] = samples.map(|own| &own[..width]);
    for place in 0..width {
        let sum = 672.0 * (a1[place] - b1[place]) - 168.0 * (a2[place] - b2[place])
            + 32.0 * (a3[place] - b3[place])
            - 3.0 * (a4[place] - b4[place]);
        // The sample here has no weight, but without it there is no derivative.
        out[place] = (sum + 0.0 * here[place]) * (1.0 / 840.0);
    }
}

/// The widest difference whose samples all exist at every place of a line; NaN without any neighbour.
#[multiversion(targets("x86_64+avx2"))]
fn widest(samples: [&[f64]; 2 * HALF + 1], out: &mut [f64]) {
    let width = out.len();
    let [b4, b3, b2, b1, here, a1, a2, a3, a4] = samples.map(|own| &own[..width]);
    for place in 0..width {
        let or = |wide: f64, narrow: f64| if wide.is_nan() { narrow } else { wide };
        let (before, after) = (here[place] - b1[place], a1[place] - here[place]);
        let one = a1[place] - b1[place];
        let two = a2[place] - b2[place];
        let three = a3[place] - b3[place];
        let four = a4[place] - b4[place];
        let found = or(before, after);
        let found = or(one * (1.0 / 2.0), found);
        let found = or((8.0 * one - two) * (1.0 / 12.0), found);
        let found = or((45.0 * one - 9.0 * two + three) * (1.0 / 60.0), found);
        let found = or(
            (672.0 * one - 168.0 * two + 32.0 * three - 3.0 * four) * (1.0 / 840.0),
            found,
        );
        out[place] = found + 0.0 * here[place];
    }
}

/// Weights of the samples from 4 before to 4 after a place on one axis, as [`slopes`] uses them; `None` where it has no
/// derivative.
pub(crate) fn weights(
    place: usize,
    count: usize,
    is_valid: impl Fn(usize) -> bool,
) -> Option<[f64; 2 * HALF + 1]> {
    let exists = |place: Option<usize>| place.is_some_and(|place| place < count && is_valid(place));
    let before = |steps: usize| exists(place.checked_sub(steps));
    let after = |steps: usize| exists(Some(place + steps));
    if !is_valid(place) {
        return None;
    }
    let whole = (1..=HALF)
        .take_while(|steps| before(*steps) && after(*steps))
        .count();
    let mut weights = [0.0; 2 * HALF + 1];
    if whole > 0 {
        for (steps, weight) in (1..).zip(CENTRED[whole - 1]) {
            weights[HALF + steps] = weight / CENTRED_DIVISOR[whole - 1];
            weights[HALF - steps] = -weights[HALF + steps];
        }
    } else if before(1) {
        (weights[HALF - 1], weights[HALF]) = (-1.0, 1.0);
    } else if after(1) {
        (weights[HALF], weights[HALF + 1]) = (-1.0, 1.0);
    } else {
        return None;
    }
    Some(weights)
}
