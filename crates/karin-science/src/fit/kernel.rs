//! The window of a fit: size, shape, weights, degree.

use super::TERMS;
use crate::ScienceError;

/// Outline of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// Pixels within half the size of the centre.
    #[default]
    Disc,
    /// All of the square.
    Square,
}

/// Weights of the pixels of a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weights {
    /// All the same.
    #[default]
    Flat,
    /// `exp(-r2 / 2 s2)` with r in pixels and s a quarter of the size.
    Gaussian,
}

/// Degree of the fitted surface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Degree {
    /// A plane.
    Plane,
    /// A quadratic surface.
    #[default]
    Quadratic,
}

/// A least-squares fit around every pixel: an odd size of 3 to 25 pixels, and how the window is used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    size: usize,
    shape: Shape,
    weights: Weights,
    degree: Degree,
    min_valid: f64,
}

impl Default for Fit {
    /// Nine pixels, disc, flat, quadratic, at least half of the window valid.
    fn default() -> Self {
        Self {
            size: 9,
            shape: Shape::default(),
            weights: Weights::default(),
            degree: Degree::default(),
            min_valid: 0.5,
        }
    }
}

impl Fit {
    /// A fit over a window of so many pixels, else as the default.
    ///
    /// # Errors
    /// If the size is even or not within 3 to 25.
    pub fn new(size: usize) -> Result<Self, ScienceError> {
        if size % 2 == 1 && (3..=25).contains(&size) {
            return Ok(Self {
                size,
                ..Self::default()
            });
        }
        Err(ScienceError::OutOfRange {
            what: "the size of a fit's window",
            found: size.to_string(),
            expected: "an odd number from 3 to 25",
        })
    }

    /// The window of the beta plane at the equator.
    pub(crate) fn equatorial() -> Self {
        Self {
            size: 25,
            shape: Shape::Square,
            min_valid: 0.25,
            ..Self::default()
        }
    }

    /// With another outline.
    pub fn with_shape(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }

    /// With other weights.
    pub fn with_weights(self, weights: Weights) -> Self {
        Self { weights, ..self }
    }

    /// With another degree.
    pub fn with_degree(self, degree: Degree) -> Self {
        Self { degree, ..self }
    }

    /// With another least share of the window's weight that must be valid; 0 leaves it to whether the surface is
    /// determined.
    ///
    /// # Errors
    /// If the share is not within 0 to 1.
    pub fn with_min_valid(self, min_valid: f64) -> Result<Self, ScienceError> {
        if (0.0..=1.0).contains(&min_valid) {
            return Ok(Self { min_valid, ..self });
        }
        Err(ScienceError::OutOfRange {
            what: "the valid share of a fit's window",
            found: min_valid.to_string(),
            expected: "a number from 0 to 1",
        })
    }

    /// Pixels of the window, across.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Outline of the window.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Weights within the window.
    pub fn weights(&self) -> Weights {
        self.weights
    }

    /// Degree of the surface.
    pub fn degree(&self) -> Degree {
        self.degree
    }

    /// Least share of the window's weight that must be valid.
    pub fn min_valid(&self) -> f64 {
        self.min_valid
    }
}

/// A fit made ready: one-dimensional weights, widths of the rows, places scaled to -1..1.
pub(crate) struct Kernel {
    /// Pixels on either side of the centre.
    pub half: usize,
    /// Half widths that rows of the window have.
    pub widths: Vec<usize>,
    /// Which of the widths the row at a distance has.
    pub width_at: Vec<usize>,
    /// Weight by distance along one axis; those of both axes multiply.
    pub weight: Vec<f64>,
    /// Coefficients of the surface.
    pub terms: usize,
    /// Least sum of weights.
    pub least: f64,
}

impl Kernel {
    pub(crate) fn new(fit: &Fit) -> Self {
        let half = fit.size / 2;
        let radius = 0.5 * fit.size as f64;
        let width = |distance: usize| match fit.shape {
            Shape::Square => half,
            Shape::Disc => (radius * radius - (distance * distance) as f64).sqrt() as usize,
        };
        let mut widths: Vec<usize> = (0..=half).map(width).collect();
        widths.dedup();
        let width_at = (0..=half)
            .map(|distance| {
                widths
                    .iter()
                    .position(|known| *known == width(distance))
                    .unwrap_or(0)
            })
            .collect();
        let scale = 0.25 * fit.size as f64;
        let weight: Vec<f64> = (0..=half)
            .map(|distance| match fit.weights {
                Weights::Flat => 1.0,
                Weights::Gaussian => (-0.5 * (distance as f64 / scale).powi(2)).exp(),
            })
            .collect();
        let along_axis = |reach: usize| 2.0 * weight[1..=reach].iter().sum::<f64>() + weight[0];
        let row = |distance: usize| weight[distance] * along_axis(width(distance));
        let whole = row(0) + 2.0 * (1..=half).map(row).sum::<f64>();
        Self {
            half,
            terms: match fit.degree {
                Degree::Plane => 3,
                Degree::Quadratic => TERMS,
            },
            // A hair less, so that the sum of exactly this share is enough in any order of summation.
            least: fit.min_valid * whole * (1.0 - 1e-12),
            widths,
            width_at,
            weight,
        }
    }

    /// The same window with squared weights: those with which the variance of noise propagates.
    pub(crate) fn squared(&self) -> Self {
        Self {
            half: self.half,
            widths: self.widths.clone(),
            width_at: self.width_at.clone(),
            weight: self.weight.iter().map(|weight| weight * weight).collect(),
            terms: self.terms,
            least: 0.0,
        }
    }

    /// The weight of the sample at a step along a row times the powers 0 to 4 of its place to the left.
    pub(crate) fn powers(&self, step: usize) -> [f64; 5] {
        // Pixels count to the right.
        let place = (self.half as f64 - step as f64) / self.half as f64;
        let weight = self.weight[step.abs_diff(self.half)];
        [0, 1, 2, 3, 4].map(|power| weight * place.powi(power))
    }

    /// What turns the coefficients in scaled places into value and derivatives per line and pixel.
    pub(crate) fn per_index(&self) -> [f64; TERMS] {
        let once = 1.0 / self.half as f64;
        let twice = once * once;
        [1.0, once, once, 2.0 * twice, twice, 2.0 * twice]
    }
}
