//! Geostrophic currents of a height field.

use std::ops::Range;

use multiversion::multiversion;

use crate::fit::{self, Frame};
use crate::{Deformation, Derivative, Metric, ScienceError, curvilinear, stencil};

/// Components of a current towards east and north in m/s.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Current {
    /// Eastward, m/s.
    pub east: Vec<f64>,
    /// Northward, m/s.
    pub north: Vec<f64>,
}

impl Current {
    /// Its speed in m/s.
    pub fn speed(&self) -> Vec<f64> {
        self.of_squares(f64::sqrt)
    }

    /// Kinetic energy per mass, (u2 + v2) / 2 in m2/s2.
    pub fn kinetic_energy(&self) -> Vec<f64> {
        self.of_squares(|square| 0.5 * square)
    }

    fn of_squares(&self, of: impl Fn(f64) -> f64) -> Vec<f64> {
        let components = self.east.iter().zip(&self.north);
        components.map(|(u, v)| of(u * u + v * v)).collect()
    }
}

/// Slopes of a height (m) towards east and north by a method; dimensionless, NaN where the method has none.
///
/// # Errors
/// If the height does not fill the extent of the metric.
pub fn gradient(
    height: &[f64],
    metric: &Metric,
    derivative: &Derivative,
) -> Result<(Vec<f64>, Vec<f64>), ScienceError> {
    match derivative {
        Derivative::L3 => stencil::gradient(height, metric),
        Derivative::Curvilinear => curvilinear::gradient(height, metric),
        Derivative::Fit(fit) => {
            let (mut along, mut left) = fit::slopes(height, metric, 0..metric.extent().num_lines, fit)?;
            let frames = metric.cosine.iter().zip(&metric.sine);
            for ((along, left), (cosine, sine)) in along.iter_mut().zip(&mut left).zip(frames) {
                (*along, *left) = (*along * cosine - *left * sine, *along * sine + *left * cosine);
            }
            Ok((along, left))
        }
    }
}

/// Laplacian of a height (m), 1/m. NaN where a second derivative is.
///
/// Of a quadratic fit the sum of its second derivatives, else the divergence of the gradient by the same method.
///
/// # Errors
/// If the height does not fill the extent of the metric.
pub fn laplacian(height: &[f64], metric: &Metric, derivative: &Derivative) -> Result<Vec<f64>, ScienceError> {
    if let Some(fit) = derivative.quadratic_fit() {
        return Ok(fit::surface(height, metric, fit)?.laplacian());
    }
    let (east, north) = gradient(height, metric, derivative)?;
    let slope = Current { east, north };
    Ok(Deformation::of(&slope, metric, derivative)?.divergence)
}

/// The geostrophic current of a height in metres, m/s.
///
/// `u = -(g/f) dh/dnorth, v = (g/f) dh/deast` with g = 9.81 m/s2 and f = 2 x 7.2921e-5 sin(latitude), as in the L3
/// product, from 8 degrees of latitude on. Equatorward of that the beta plane takes over (Lagerloef et al. 1999):
/// `u = -(1 - w)(g/f) dh/dnorth - w (g/beta) d2h/dnorth2`, `v = (1 - w)(g/f) dh/deast + w (g/beta) d2h/deast dnorth`,
/// with the weight w of [`crate::equator::beta_weight`]. Its second derivatives are those of a quadratic fit over 25 x 25
/// pixels ([`beta_fit`]), whatever the method: those of narrower stencils drown in noise.
///
/// NaN where a slope is NaN, and where w is not zero and the fit is undetermined.
///
/// # Errors
/// If the height does not fill the extent of the metric.
pub fn geostrophic(
    height: &[f64],
    metric: &Metric,
    derivative: &Derivative,
) -> Result<Current, ScienceError> {
    let mut current = Current::default();
    geostrophic_into(height, metric, derivative, &mut current)?;
    Ok(current)
}

/// [`geostrophic`] into vectors that are used again, pass after pass: fresh memory costs as much as the stencil of L3.
///
/// # Errors
/// As [`geostrophic`].
pub fn geostrophic_into(
    height: &[f64],
    metric: &Metric,
    derivative: &Derivative,
    current: &mut Current,
) -> Result<(), ScienceError> {
    let all = 0..metric.extent().num_lines;
    geostrophic_on(all, height, metric, derivative, current)
}

/// [`geostrophic_into`], but equatorward of 8 degrees only on some lines: on others the part of the beta plane is left out there, whose
/// wide fit costs more than all else.
pub(crate) fn geostrophic_on(
    lines: Range<usize>,
    height: &[f64],
    metric: &Metric,
    derivative: &Derivative,
    current: &mut Current,
) -> Result<(), ScienceError> {
    if *derivative == Derivative::L3 {
        stencil::current(height, metric, [&mut current.east, &mut current.north])?;
    } else {
        let (mut east, mut north) = gradient(height, metric, derivative)?;
        turn(&mut east, &mut north, &metric.geostrophic);
        *current = Current { east, north };
    }
    add_beta_plane(lines, height, metric, current);
    Ok(())
}

/// The geostrophic current of a height whose slope east and north is known.
pub(crate) fn from_slope(height: &[f64], metric: &Metric, slope: (Vec<f64>, Vec<f64>)) -> Current {
    let (mut east, mut north) = slope;
    turn(&mut east, &mut north, &metric.geostrophic);
    let mut current = Current { east, north };
    add_beta_plane(0..metric.extent().num_lines, height, metric, &mut current);
    current
}

/// A slope (east, north) becomes the current along its contours.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn turn(east: &mut [f64], north: &mut [f64], factor: &[f64]) {
    for ((east, north), factor) in east.iter_mut().zip(north).zip(factor) {
        let (slope_east, slope_north) = (*east, *north);
        *east = -factor * slope_north;
        *north = factor * slope_east;
    }
}

/// The fit that gives the curvature of the beta plane: 25 x 25 pixels, flat, at least a quarter of them valid.
pub fn beta_fit() -> fit::Fit {
    fit::Fit::equatorial()
}

/// Adds the current of the beta plane on those of the lines that lie near the equator.
fn add_beta_plane(lines: Range<usize>, height: &[f64], metric: &Metric, current: &mut Current) {
    let extent = metric.extent();
    let (first, width) = (metric.equatorial.start, extent.num_pixels);
    let lines = lines.start.max(first)..lines.end.min(metric.equatorial.end);
    if lines.is_empty() {
        return;
    }
    fit::for_each_line(height, extent, lines, &beta_fit(), |line, coefficients| {
        let row = line * width..(line + 1) * width;
        let frame = [
            &metric.per_along,
            &metric.per_across,
            &metric.cosine,
            &metric.sine,
        ];
        add_curvature(
            [3, 4, 5].map(|term| coefficients.term(term)),
            frame.map(|own| &own[row.clone()]),
            &metric.beta[(line - first) * width..(line - first + 1) * width],
            (&mut current.east[row.clone()], &mut current.north[row]),
        );
    });
}

/// Adds the current of the beta plane to that of a line: second derivatives along, mixed and to the left, per line and pixel; what
/// [`Frame`] is made of at every pixel; the factors of the beta plane, 0 where it has no part.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn add_curvature(
    second: [&[f64]; 3],
    frame: [&[f64]; 4],
    factors: &[f64],
    current: (&mut [f64], &mut [f64]),
) {
    let count = factors.len();
    let second = second.map(|own| &own[..count]);
    let [per_along, per_across, cosine, sine] = frame.map(|own| &own[..count]);
    let (east, north) = (&mut current.0[..count], &mut current.1[..count]);
    for pixel in 0..count {
        let frame = Frame {
            per_along: per_along[pixel],
            per_across: per_across[pixel],
            cosine: cosine[pixel],
            sine: sine[pixel],
        };
        let factor = factors[pixel];
        let [_, mixed, north_north] = frame.second(second.map(|own| own[pixel]));
        let (to_east, to_north) = (east[pixel] - factor * north_north, north[pixel] + factor * mixed);
        // Where a fit is undetermined its derivatives are NaN, which 0 does not take away.
        east[pixel] = if factor == 0.0 { east[pixel] } else { to_east };
        north[pixel] = if factor == 0.0 { north[pixel] } else { to_north };
    }
}
