//! Uncertainties of currents and vorticity: height noise carried through the weights that made them.

mod of_fit;
mod of_stencil;

use crate::currents::beta_fit;
use crate::equator::{self, PURE};
use crate::{Current, Derivative, Metric, ScienceError};

/// Standard deviation of the noise of a height in metres, independent from pixel to pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Noise<'a> {
    /// The same everywhere.
    Constant(f64),
    /// One per pixel; NaN counts as no noise known, so that what depends on it is NaN.
    PerPixel(&'a [f64]),
}

impl Noise<'_> {
    /// The variance at every pixel, m2.
    fn variances(&self, metric: &Metric) -> Result<Vec<f64>, ScienceError> {
        match self {
            Self::Constant(sigma) => Ok(vec![sigma * sigma; metric.extent().len()]),
            Self::PerPixel(sigma) => {
                ScienceError::check("noise", sigma.len(), metric.extent())?;
                Ok(sigma.iter().map(|sigma| sigma * sigma).collect())
            }
        }
    }
}

/// Standard deviations of the components of the geostrophic current of a height, m/s.
///
/// The variance is the sum over pixels of squared weight times variance of the noise, with the weights used at each
/// pixel, gaps and edges included. For whole windows: centred difference of 3 points `g s / (sqrt(2) f d)`, plane of n x n
/// pixels `(g/f) s / (d sqrt(n n (n2 - 1) / 12))` (Chelton et al. 2022, JTECH-D-21-0167). Equatorward of 8 degrees the
/// variance of the beta plane's part is added as if independent of the other, which it is in whole windows.
///
/// The height itself only says where there are values. Cost: some 0.1 us per pixel for the stencil, 1 us for a fit.
///
/// # Errors
/// If a slice does not fill the extent of the metric. `None` for the curvilinear method.
pub fn of_current(
    height: &[f64],
    noise: Noise<'_>,
    metric: &Metric,
    derivative: &Derivative,
) -> Result<Option<Current>, ScienceError> {
    ScienceError::check("height", height.len(), metric.extent())?;
    let variances = noise.variances(metric)?;
    let mut squares = match derivative {
        Derivative::L3 => of_stencil::current(height, &variances, metric),
        Derivative::Fit(fit) => of_fit::current(height, &variances, metric, fit),
        Derivative::Curvilinear => return Ok(None),
    };
    add_beta_plane(height, &variances, metric, &mut squares);
    for value in squares.east.iter_mut().chain(&mut squares.north) {
        *value = value.sqrt();
    }
    Ok(Some(squares))
}

/// Standard deviation of the vorticity of the geostrophic current of a height, 1/s; NaN equatorward of 8 degrees.
///
/// As [`of_current`], with the weights of the derivatives of the current's components (stencil of stencils), or of the second
/// derivatives of a quadratic fit.
///
/// # Errors
/// If a slice does not fill the extent of the metric. `None` if the noise is not propagated for the method: the
/// curvilinear one, and planes, which have no second derivatives.
pub fn of_vorticity(
    height: &[f64],
    noise: Noise<'_>,
    metric: &Metric,
    derivative: &Derivative,
) -> Result<Option<Vec<f64>>, ScienceError> {
    ScienceError::check("height", height.len(), metric.extent())?;
    let variances = noise.variances(metric)?;
    let mut squares = match (derivative, derivative.quadratic_fit()) {
        (Derivative::L3, _) => of_stencil::vorticity(height, &variances, metric),
        (_, Some(fit)) => of_fit::vorticity(height, &variances, metric, fit),
        _ => return Ok(None),
    };
    for (value, latitude) in squares.iter_mut().zip(metric.latitude()) {
        *value = if latitude.abs() < PURE {
            f64::NAN
        } else {
            value.sqrt()
        };
    }
    Ok(Some(squares))
}

/// Adds the variances of the part of the beta plane to those of the components.
fn add_beta_plane(height: &[f64], variances: &[f64], metric: &Metric, squares: &mut Current) {
    let lines = metric.equatorial.clone();
    if lines.is_empty() {
        return;
    }
    // Without the fit there is no current either.
    let plain = squares.clone();
    for (index, latitude) in metric.latitude().iter().enumerate() {
        if latitude.abs() < PURE {
            (squares.east[index], squares.north[index]) = (f64::NAN, f64::NAN);
        }
    }
    let extent = metric.extent();
    of_fit::for_each_pixel(height, variances, extent, lines, &beta_fit(), |index, spread| {
        let latitude = metric.latitude()[index];
        if latitude.abs() < PURE {
            let factor = equator::beta_factor(latitude, metric.cosine_latitude[index]).powi(2);
            squares.north[index] = plain.north[index] + factor * spread.mixed(metric, index);
            squares.east[index] = plain.east[index] + factor * spread.north_north(metric, index);
        }
    });
}
