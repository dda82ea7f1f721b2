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
/// Cost: one multiply-add per sample and axis, over whole lines (vectorised) with the stepping down at gaps only.
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
    for line in 0..extent.num_lines {
        slopes_of_line(field, metric, line, (&mut along, &mut left));
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
    for line in 0..extent.num_lines {
        let [a, b, c, d] = &mut lines;
        slopes_of_line(fields[0], metric, line, (a, b));
        slopes_of_line(fields[1], metric, line, (c, d));
        visit(line, lines.each_ref().map(Vec::as_slice));
    }
    Ok(())
}

/// Slopes along and left at the pixels of a line.
fn slopes_of_line(field: &[f64], metric: &Metric, line: usize, (along, left): (&mut [f64], &mut [f64])) {
    let extent = metric.extent();
    let row = line * extent.num_pixels..(line + 1) * extent.num_pixels;
    difference_along(field, extent, line, along);
    difference_across(&field[row.clone()], left);
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

/// The geostrophic current towards east and north of a height whose slopes these are: `factor` is g/f.
pub(crate) fn current(height: &[f64], metric: &Metric) -> Result<(Vec<f64>, Vec<f64>), ScienceError> {
    let width = metric.extent().num_pixels;
    let (mut east, mut north) = (Vec::with_capacity(height.len()), Vec::with_capacity(height.len()));
    let (mut east_line, mut north_line) = (vec![0.0; width], vec![0.0; width]);
    slopes(height, metric, |line, along, left| {
        let row = line * width..(line + 1) * width;
        let heading = (&metric.cosine[row.clone()], &metric.sine[row.clone()]);
        let out = (&mut east_line[..], &mut north_line[..]);
        turn(along, left, heading, &metric.geostrophic[row], out);
        east.extend_from_slice(&east_line);
        north.extend_from_slice(&north_line);
    })?;
    Ok((east, north))
}

/// Slopes along and left of a heading as the current along their contours, east and north.
#[multiversion(targets("x86_64+avx2"))]
fn turn(
    along: &[f64],
    left: &[f64],
    heading: (&[f64], &[f64]),
    factor: &[f64],
    out: (&mut [f64], &mut [f64]),
) {
    let width = along.len();
    let (cosine, sine, factor) = (&heading.0[..width], &heading.1[..width], &factor[..width]);
    let (left, east, north) = (&left[..width], &mut out.0[..width], &mut out.1[..width]);
    for pixel in 0..width {
        east[pixel] = -factor[pixel] * (along[pixel] * sine[pixel] + left[pixel] * cosine[pixel]);
        north[pixel] = factor[pixel] * (along[pixel] * cosine[pixel] - left[pixel] * sine[pixel]);
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

/// Difference per line at every pixel of a line.
fn difference_along(field: &[f64], extent: Extent, line: usize, out: &mut [f64]) {
    let width = extent.num_pixels;
    if line >= HALF && line + HALF < extent.num_lines {
        nine_lines(&field[(line - HALF) * width..(line + HALF + 1) * width], out);
    } else {
        out.fill(f64::NAN);
    }
    for (pixel, value) in out.iter_mut().enumerate() {
        let here = field[line * width + pixel];
        if value.is_nan() && !here.is_nan() {
            let before = |steps: usize| (line >= steps).then(|| field[(line - steps) * width + pixel]);
            let after = |steps: usize| {
                (line + steps < extent.num_lines).then(|| field[(line + steps) * width + pixel])
            };
            *value = step_down(here, before, after);
        }
    }
}

/// Difference per pixel at every pixel of a line.
fn difference_across(row: &[f64], out: &mut [f64]) {
    out.fill(f64::NAN);
    if row.len() > 2 * HALF {
        nine_pixels(row, out);
    }
    for (pixel, value) in out.iter_mut().enumerate() {
        let here = row[pixel];
        if here.is_nan() {
            *value = f64::NAN;
        } else if value.is_nan() {
            let before = |steps: usize| pixel.checked_sub(steps).map(|place| row[place]);
            let after = |steps: usize| row.get(pixel + steps).copied();
            *value = step_down(here, before, after);
        }
    }
}

/// The whole stencil over nine lines, at the fifth; NaN where a sample is.
#[multiversion(targets("x86_64+avx2"))]
fn nine_lines(lines: &[f64], out: &mut [f64]) {
    let width = out.len();
    let (first, rest) = lines.split_at(HALF * width);
    let (here, last) = rest.split_at(width);
    let before = |steps: usize| &first[(HALF - steps) * width..][..width];
    let after = |steps: usize| &last[(steps - 1) * width..][..width];
    let (b1, b2, b3, b4) = (before(1), before(2), before(3), before(4));
    let (a1, a2, a3, a4) = (after(1), after(2), after(3), after(4));
    for pixel in 0..width {
        let sum = 672.0 * (a1[pixel] - b1[pixel]) - 168.0 * (a2[pixel] - b2[pixel])
            + 32.0 * (a3[pixel] - b3[pixel])
            - 3.0 * (a4[pixel] - b4[pixel]);
        // The sample here has no weight, but without it there is no derivative.
        out[pixel] = (sum + 0.0 * here[pixel]) * (1.0 / 840.0);
    }
}

/// The whole stencil along a line, where it fits; NaN where a sample is.
#[multiversion(targets("x86_64+avx2"))]
fn nine_pixels(row: &[f64], out: &mut [f64]) {
    let width = row.len() - 2 * HALF;
    let at = |offset: usize| &row[offset..][..width];
    let (b4, b3, b2, b1) = (at(0), at(1), at(2), at(3));
    let (a1, a2, a3, a4) = (at(5), at(6), at(7), at(8));
    let out = &mut out[HALF..][..width];
    for pixel in 0..width {
        let sum = 672.0 * (a1[pixel] - b1[pixel]) - 168.0 * (a2[pixel] - b2[pixel])
            + 32.0 * (a3[pixel] - b3[pixel])
            - 3.0 * (a4[pixel] - b4[pixel]);
        out[pixel] = sum * (1.0 / 840.0);
    }
}

/// The widest difference whose samples all exist; NaN without any neighbour.
fn step_down(here: f64, before: impl Fn(usize) -> Option<f64>, after: impl Fn(usize) -> Option<f64>) -> f64 {
    let mut differences = [0.0; HALF];
    let mut whole = 0;
    while whole < HALF {
        let difference = match (before(whole + 1), after(whole + 1)) {
            (Some(before), Some(after)) => after - before,
            _ => f64::NAN,
        };
        if difference.is_nan() {
            break;
        }
        differences[whole] = difference;
        whole += 1;
    }
    if whole > 0 {
        let terms = CENTRED[whole - 1].iter().zip(&differences);
        let sum: f64 = terms.map(|(weight, difference)| weight * difference).sum();
        return sum / CENTRED_DIVISOR[whole - 1];
    }
    let known = |value: &f64| !value.is_nan();
    match (before(1).filter(known), after(1).filter(known)) {
        (Some(before), _) => here - before,
        (None, Some(after)) => after - here,
        (None, None) => f64::NAN,
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
