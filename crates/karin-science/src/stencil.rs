//! The finite differences of the AVISO L3 product: nine points, fewer at gaps and edges.

mod differences;

use multiversion::multiversion;

use crate::{Metric, ScienceError};
use differences::{Blocks, for_each_block};

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
/// Cost: one multiply-add per sample and axis, over blocks of whole lines (vectorised). Across the flight, where every line has
/// edges and the nadir, all widths are computed side by side and the widest is chosen; along it only in blocks with gaps.
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
    let width = extent.num_pixels.max(1);
    for_each_block(field, extent, |row, along, left| {
        scale(along, &metric.per_along[row.clone()], 1.0);
        scale(left, &metric.per_across[row.clone()], -1.0);
        let lines = along.chunks_exact(width).zip(left.chunks_exact(width));
        for (line, (along, left)) in (row.start / width..).zip(lines) {
            visit(line, along, left);
        }
    });
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
    let width = extent.num_pixels.max(1);
    let mut second = Blocks::new(fields[1], extent);
    for_each_block(fields[0], extent, |row, along, left| {
        let first_line = row.start / width;
        let (other_along, other_left) = second.move_to(first_line..row.end / width);
        for (along, left) in [(&mut *along, &mut *left), (&mut *other_along, &mut *other_left)] {
            scale(along, &metric.per_along[row.clone()], 1.0);
            scale(left, &metric.per_across[row.clone()], -1.0);
        }
        let all: [&[f64]; 4] = [along, left, other_along, other_left];
        for line in 0..row.len() / width {
            let own = line * width..(line + 1) * width;
            visit(first_line + line, all.map(|values| &values[own.clone()]));
        }
    });
    Ok(())
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
    let extent = metric.extent();
    ScienceError::check("field", field.len(), extent)?;
    let (mut east, mut north) = (vec![0.0; field.len()], vec![0.0; field.len()]);
    for_each_block(field, extent, |row, along, left| {
        scale(along, &metric.per_along[row.clone()], 1.0);
        scale(left, &metric.per_across[row.clone()], -1.0);
        let heading = (&metric.cosine[row.clone()], &metric.sine[row.clone()]);
        rotate(along, left, heading, (&mut east[row.clone()], &mut north[row]));
    });
    Ok((east, north))
}

/// The geostrophic current towards east and north of a height, into vectors of any length.
pub(crate) fn current(height: &[f64], metric: &Metric, out: [&mut Vec<f64>; 2]) -> Result<(), ScienceError> {
    let extent = metric.extent();
    ScienceError::check("field", height.len(), extent)?;
    let [east, north] = out.map(|out| {
        out.resize(height.len(), 0.0);
        out
    });
    let turns = &metric.turns;
    for_each_block(height, extent, |row, along, across| {
        let factors = [
            &turns.east_along,
            &turns.east_across,
            &turns.north_along,
            &turns.north_across,
        ];
        let factors = factors.map(|own| &own[row.clone()]);
        turn(along, across, factors, (&mut east[row.clone()], &mut north[row]));
    });
    Ok(())
}

/// Differences per line and per pixel as the current along the contours, east and north.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn turn(along: &[f64], across: &[f64], factors: [&[f32]; 4], out: (&mut [f64], &mut [f64])) {
    let count = along.len();
    let (east_along, east_across) = (&factors[0][..count], &factors[1][..count]);
    let (north_along, north_across) = (&factors[2][..count], &factors[3][..count]);
    let (across, east, north) = (&across[..count], &mut out.0[..count], &mut out.1[..count]);
    for place in 0..count {
        let (along, across) = (along[place], across[place]);
        east[place] = along * f64::from(east_along[place]) + across * f64::from(east_across[place]);
        north[place] = along * f64::from(north_along[place]) + across * f64::from(north_across[place]);
    }
}

/// Components along and left of a heading as components east and north.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn rotate(along: &[f64], left: &[f64], heading: (&[f64], &[f64]), out: (&mut [f64], &mut [f64])) {
    let count = along.len();
    let (cosine, sine) = (&heading.0[..count], &heading.1[..count]);
    let (left, east, north) = (&left[..count], &mut out.0[..count], &mut out.1[..count]);
    for place in 0..count {
        east[place] = along[place] * cosine[place] - left[place] * sine[place];
        north[place] = along[place] * sine[place] + left[place] * cosine[place];
    }
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn scale(values: &mut [f64], per_spacing: &[f64], sign: f64) {
    for (value, factor) in values.iter_mut().zip(per_spacing) {
        *value *= sign * factor;
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
