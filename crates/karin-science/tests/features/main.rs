//! Eddies and fronts against closed forms, on swaths in any direction, with noise, cuts and random gaps.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod eddies;
mod fronts;
mod random_gaps;
#[allow(dead_code, reason = "the tests of derivatives use the rest")]
#[path = "../derivatives/swath.rs"]
mod swath;

use karin_science::sphere::RADIUS;
use swath::{Swath, Vector, axes, dot};

/// Metres between pixels.
const SPACING: f64 = 2000.0;

/// The place of a pixel as degrees east and north.
fn place(swath: &Swath, line: usize, pixel: usize) -> (f64, f64) {
    let index = swath.extent.index(line, pixel);
    (swath.longitude[index], swath.latitude[index])
}

/// Metres from a place on the sphere.
fn distance(from: (f64, f64), to: Vector) -> f64 {
    RADIUS * dot(axes(from.1, from.0)[0], to).clamp(-1.0, 1.0).acos()
}

/// A Gaussian hill `amplitude exp(-r²/radius²)` around a place.
fn gaussian(swath: &Swath, centre: (f64, f64), amplitude: f64, radius: f64) -> Vec<f64> {
    swath.field(|here| amplitude * (-(distance(centre, here) / radius).powi(2)).exp())
}

/// The columns of a field in reverse order; the lines as well, if asked for.
fn flipped(values: &[f64], width: usize, lines_too: bool) -> Vec<f64> {
    let rows: Vec<Vec<f64>> = values
        .chunks(width)
        .map(|row| row.iter().rev().copied().collect())
        .collect();
    if lines_too {
        rows.into_iter().rev().flatten().collect()
    } else {
        rows.into_iter().flatten().collect()
    }
}
