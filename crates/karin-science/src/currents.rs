//! Geostrophic currents of a height field.

use multiversion::multiversion;

use crate::{Deformation, Derivative, Metric, ScienceError, curvilinear, stencil};

/// Components of a current towards east and north in m/s.
#[derive(Clone, Debug, PartialEq)]
pub struct Current {
    /// Eastward, m/s.
    pub east: Vec<f64>,
    /// Northward, m/s.
    pub north: Vec<f64>,
}

impl Current {
    /// Its speed in m/s.
    pub fn speed(&self) -> Vec<f64> {
        self.of_squares(|square| square.sqrt())
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
    }
}

/// The geostrophic current `u = -(g/f) dh/dnorth, v = (g/f) dh/deast` of a height in metres, m/s.
///
/// g = 9.81 m/s2, f = 2 x 7.2921e-5 sin(latitude) as in the L3 product. NaN where a slope is NaN.
///
/// # Errors
/// If the height does not fill the extent of the metric.
pub fn geostrophic(
    height: &[f64],
    metric: &Metric,
    derivative: &Derivative,
) -> Result<Current, ScienceError> {
    let (mut east, mut north) = gradient(height, metric, derivative)?;
    turn(&mut east, &mut north, &metric.geostrophic);
    Ok(Current { east, north })
}

/// A slope (east, north) becomes the current along its contours.
#[multiversion(targets("x86_64+avx2"))]
fn turn(east: &mut [f64], north: &mut [f64], factor: &[f64]) {
    for ((east, north), factor) in east.iter_mut().zip(north).zip(factor) {
        let (slope_east, slope_north) = (*east, *north);
        *east = -factor * slope_north;
        *north = factor * slope_east;
    }
}

/// Laplacian of a height (m), 1/m: the divergence of its gradient by the same method. NaN where a second derivative is.
///
/// # Errors
/// If the height does not fill the extent of the metric.
pub fn laplacian(height: &[f64], metric: &Metric, derivative: &Derivative) -> Result<Vec<f64>, ScienceError> {
    let (east, north) = gradient(height, metric, derivative)?;
    let slope = Current { east, north };
    Ok(Deformation::of(&slope, metric, derivative)?.divergence)
}
