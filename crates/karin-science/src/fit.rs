//! Least-squares planes and quadratic surfaces in a window around every pixel.

mod kernel;
mod line;
mod moments;
mod solve;

use std::ops::Range;

pub use kernel::{Degree, Fit, Shape, Weights};
use line::Factors;
pub(crate) use moments::Window;
pub(crate) use solve::Normal;

use crate::{Extent, Metric, ScienceError};
pub(crate) use kernel::Kernel;

/// Most coefficients of a surface: those of a quadratic one.
pub(crate) const TERMS: usize = 6;

/// A surface fitted at every pixel of a field: its value and derivatives towards east and north. A plane's second
/// derivatives are empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Surface {
    /// The fitted value at the pixel.
    pub value: Vec<f64>,
    /// First derivative towards east, per metre.
    pub east: Vec<f64>,
    /// First derivative towards north, per metre.
    pub north: Vec<f64>,
    /// Second derivative towards east, per square metre.
    pub east_east: Vec<f64>,
    /// Mixed second derivative, per square metre.
    pub east_north: Vec<f64>,
    /// Second derivative towards north, per square metre.
    pub north_north: Vec<f64>,
}

impl Surface {
    /// Sum of both second derivatives; empty for a plane.
    pub fn laplacian(&self) -> Vec<f64> {
        let second = self.east_east.iter().zip(&self.north_north);
        second.map(|(east, north)| east + north).collect()
    }
}

/// Value and derivatives at the pixels of one line, per line and per pixel to the left.
pub(crate) struct Coefficients {
    /// Value, along, left, along twice, mixed, left twice.
    terms: [Vec<f64>; TERMS],
}

impl Coefficients {
    fn new(width: usize) -> Self {
        Self {
            terms: std::array::from_fn(|_| vec![f64::NAN; width]),
        }
    }

    /// Value (0), slope along (1) and left (2), second derivative along (3), mixed (4), left (5).
    pub(crate) fn term(&self, term: usize) -> &[f64] {
        &self.terms[term]
    }
}

/// Fits a surface at every pixel and turns its derivatives into the axes east and north.
///
/// Minimises the weighted squares of `z - (c0 + c1 a + c2 l + c3 a2 + c4 al + c5 l2)` over the valid pixels of a window,
/// with a and l the places along the flight and to its left; a polynomial of the fit's degree comes back exactly for any
/// heading and any gaps. All three second derivatives are rotated by the heading t:
/// `h_xx = h_aa cos2 t - 2 h_al sin t cos t + h_ll sin2 t`, `h_xy = (h_aa - h_ll) sin t cos t + h_al cos 2t`,
/// `h_yy = h_aa sin2 t + 2 h_al sin t cos t + h_ll cos2 t` (SwotDiag leaves the mixed one unrotated).
///
/// Source: Tranchant et al. 2025 (doi:10.22541/essoar.173655552.25945463/v1) for kernels and sizes.
/// NaN where the pixel itself is NaN, where fewer than `min_valid` of the window's weight is valid, or where the valid
/// pixels do not determine the surface. Windows are cut at edges and gaps, and reach across the nadir gap where they are
/// wide enough. Spacings are those at the pixel.
///
/// Cost: sums over the window are separable, some n (8 + 21) multiply-adds per pixel vectorised over a line; lines
/// whose gaps differ from those of the line before cost as much again for the normal matrices.
///
/// # Errors
/// If the field does not fill the extent of the metric.
pub fn surface(field: &[f64], metric: &Metric, fit: &Fit) -> Result<Surface, ScienceError> {
    let extent = metric.extent();
    ScienceError::check("field", field.len(), extent)?;
    let count = field.len();
    let empty = |wanted: bool| vec![f64::NAN; if wanted { count } else { 0 }];
    let second = fit.degree() == Degree::Quadratic;
    let mut surface = Surface {
        value: empty(true),
        east: empty(true),
        north: empty(true),
        east_east: empty(second),
        east_north: empty(second),
        north_north: empty(second),
    };
    for_each_line(field, extent, 0..extent.num_lines, fit, |line, coefficients| {
        for pixel in 0..extent.num_pixels {
            let index = extent.index(line, pixel);
            let at = |term: usize| coefficients.term(term)[pixel];
            surface.value[index] = at(0);
            let frame = Frame::at(metric, index);
            (surface.east[index], surface.north[index]) = frame.first(at(1), at(2));
            if second {
                let [east_east, east_north, north_north] = frame.second([at(3), at(4), at(5)]);
                surface.east_east[index] = east_east;
                surface.east_north[index] = east_north;
                surface.north_north[index] = north_north;
            }
        }
    });
    Ok(surface)
}

/// Slopes along the flight and to its left, per metre, of the fitted surface, on some lines.
pub(crate) fn slopes(
    field: &[f64],
    metric: &Metric,
    lines: Range<usize>,
    fit: &Fit,
) -> Result<(Vec<f64>, Vec<f64>), ScienceError> {
    let extent = metric.extent();
    ScienceError::check("field", field.len(), extent)?;
    let count = lines.len() * extent.num_pixels;
    let (mut along, mut left) = (Vec::with_capacity(count), Vec::with_capacity(count));
    for_each_line(field, extent, lines, fit, |line, coefficients| {
        let row = line * extent.num_pixels..(line + 1) * extent.num_pixels;
        let scaled = |out: &mut Vec<f64>, term: &[f64], factor: &[f64]| {
            out.extend(term.iter().zip(factor).map(|(slope, factor)| slope * factor));
        };
        scaled(&mut along, coefficients.term(1), &metric.per_along[row.clone()]);
        scaled(&mut left, coefficients.term(2), &metric.per_across[row]);
    });
    Ok((along, left))
}

/// The local frame of a pixel: scales and heading.
pub(crate) struct Frame {
    pub(crate) per_along: f64,
    pub(crate) per_across: f64,
    pub(crate) cosine: f64,
    pub(crate) sine: f64,
}

impl Frame {
    pub(crate) fn at(metric: &Metric, index: usize) -> Self {
        Self {
            per_along: metric.per_along[index],
            per_across: metric.per_across[index],
            cosine: metric.cosine[index],
            sine: metric.sine[index],
        }
    }

    /// Slopes per line and pixel as slopes per metre east and north.
    pub(crate) fn first(&self, along: f64, left: f64) -> (f64, f64) {
        let (along, left) = (along * self.per_along, left * self.per_across);
        (
            along * self.cosine - left * self.sine,
            along * self.sine + left * self.cosine,
        )
    }

    /// Second derivatives (along, mixed, left) per line and pixel as (east, mixed, north) per square metre.
    #[inline(always)]
    pub(crate) fn second(&self, [along, mixed, left]: [f64; 3]) -> [f64; 3] {
        let along = along * self.per_along * self.per_along;
        let mixed = mixed * self.per_along * self.per_across;
        let left = left * self.per_across * self.per_across;
        let (cos2, sin2) = (self.cosine * self.cosine, self.sine * self.sine);
        let both = self.sine * self.cosine;
        [
            along * cos2 - 2.0 * mixed * both + left * sin2,
            (along - left) * both + mixed * (cos2 - sin2),
            along * sin2 + 2.0 * mixed * both + left * cos2,
        ]
    }
}

/// Fits the surface at every pixel of some lines, and shows each line its coefficients.
pub(crate) fn for_each_line(
    field: &[f64],
    extent: Extent,
    lines: Range<usize>,
    fit: &Fit,
    mut visit: impl FnMut(usize, &Coefficients),
) {
    let kernel = Kernel::new(fit);
    let width = extent.num_pixels;
    if width == 0 {
        return;
    }
    let mut window = Window::new(field, extent, &kernel);
    let mut factors = Factors::new(width, &kernel);
    let mut coefficients = Coefficients::new(width);
    for line in lines {
        let here = &field[line * width..(line + 1) * width];
        // Land: nothing is fitted there.
        if here.iter().fold(true, |all, value| all & value.is_nan()) {
            coefficients.terms.iter_mut().for_each(|term| term.fill(f64::NAN));
            visit(line, &coefficients);
            continue;
        }
        let same_gaps = window.move_to(line);
        let (of_field, of_mask) = window.sums();
        if !same_gaps {
            factors.factor(of_mask);
        }
        factors.solve(of_field);
        let terms = coefficients.terms.iter_mut().zip(of_field.chunks_exact(width));
        for ((term, solved), factor) in terms.zip(kernel.per_index()).take(kernel.terms) {
            for ((out, solved), here) in term.iter_mut().zip(solved).zip(here) {
                *out = if here.is_nan() { f64::NAN } else { factor * solved };
            }
        }
        visit(line, &coefficients);
    }
}
