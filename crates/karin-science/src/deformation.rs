//! Rotation, divergence and strain of a current.

use crate::{Current, Derivative, Metric, ScienceError, curvilinear, stencil};

/// The four independent combinations of the velocity derivatives, 1/s.
///
/// Sign: vorticity is positive counter-clockwise; the strains are those of the axes east and north.
#[derive(Clone, Debug, PartialEq)]
pub struct Deformation {
    /// dv/dx - du/dy.
    pub vorticity: Vec<f64>,
    /// du/dx + dv/dy.
    pub divergence: Vec<f64>,
    /// Normal (stretching) strain du/dx - dv/dy.
    pub normal_strain: Vec<f64>,
    /// Shear strain dv/dx + du/dy.
    pub shear_strain: Vec<f64>,
}

impl Deformation {
    /// The deformation of a current by the derivatives of a method.
    ///
    /// For the L3 stencil the components are turned into the frame of the flight and derived there, as the
    /// product's authors do (the frame runs straight on, unlike meridians), and the strains are turned back:
    /// vorticity, divergence and total strain do not depend on the frame. NaN where a derivative has no neighbours.
    ///
    /// Cost: two gradients.
    ///
    /// # Errors
    /// If the current does not fill the extent of the metric.
    pub fn of(current: &Current, metric: &Metric, derivative: &Derivative) -> Result<Self, ScienceError> {
        match derivative {
            Derivative::L3 => Self::in_flight_frame(current, metric),
            Derivative::Curvilinear => {
                let u = curvilinear::gradient(&current.east, metric)?;
                let v = curvilinear::gradient(&current.north, metric)?;
                let slopes = u.0.iter().zip(&u.1).zip(v.0.iter().zip(&v.1));
                Ok(slopes
                    .map(|((u_x, u_y), (v_x, v_y))| [v_x - u_y, u_x + v_y, u_x - v_y, v_x + u_y])
                    .collect())
            }
        }
    }

    fn in_flight_frame(current: &Current, metric: &Metric) -> Result<Self, ScienceError> {
        let (along, left) = into_flight_frame(current, metric)?;
        let mut slopes_of_along: Vec<[f64; 2]> = Vec::with_capacity(along.len());
        stencil::slopes(&along, metric, |_, by_along, by_left| {
            slopes_of_along.extend(by_along.iter().zip(by_left).map(|(a, l)| [*a, *l]));
        })?;
        let width = metric.extent().num_pixels;
        let mut deformation = Self::with_capacity(along.len());
        stencil::slopes(&left, metric, |line, by_along, by_left| {
            for (pixel, (left_a, left_l)) in by_along.iter().zip(by_left).enumerate() {
                let index = line * width + pixel;
                let [along_a, along_l] = slopes_of_along[index];
                deformation.push(from_flight_frame(
                    [
                        left_a - along_l,
                        along_a + left_l,
                        along_a - left_l,
                        left_a + along_l,
                    ],
                    (metric.cosine[index], metric.sine[index]),
                ));
            }
        })?;
        Ok(deformation)
    }

    /// Total strain, the root of the squares of normal and shear strain, 1/s.
    pub fn strain(&self) -> Vec<f64> {
        let strains = self.normal_strain.iter().zip(&self.shear_strain);
        strains
            .map(|(normal, shear)| (normal * normal + shear * shear).sqrt())
            .collect()
    }

    /// Okubo-Weiss parameter: squared strain less squared vorticity, 1/s2; negative where rotation rules.
    pub fn okubo_weiss(&self) -> Vec<f64> {
        let strains = self.normal_strain.iter().zip(&self.shear_strain);
        strains
            .zip(&self.vorticity)
            .map(|((normal, shear), vorticity)| normal * normal + shear * shear - vorticity * vorticity)
            .collect()
    }

    fn with_capacity(count: usize) -> Self {
        Self {
            vorticity: Vec::with_capacity(count),
            divergence: Vec::with_capacity(count),
            normal_strain: Vec::with_capacity(count),
            shear_strain: Vec::with_capacity(count),
        }
    }

    fn push(&mut self, [vorticity, divergence, normal, shear]: [f64; 4]) {
        self.vorticity.push(vorticity);
        self.divergence.push(divergence);
        self.normal_strain.push(normal);
        self.shear_strain.push(shear);
    }
}

impl FromIterator<[f64; 4]> for Deformation {
    fn from_iter<I: IntoIterator<Item = [f64; 4]>>(values: I) -> Self {
        let mut deformation = Self::with_capacity(0);
        for one in values {
            deformation.push(one);
        }
        deformation
    }
}

/// Components along and left of the flight.
fn into_flight_frame(current: &Current, metric: &Metric) -> Result<(Vec<f64>, Vec<f64>), ScienceError> {
    ScienceError::check("current", current.east.len(), metric.extent())?;
    ScienceError::check("current", current.north.len(), metric.extent())?;
    let components = current.east.iter().zip(&current.north);
    Ok(components
        .zip(metric.cosine.iter().zip(&metric.sine))
        .map(|((u, v), (cosine, sine))| (u * cosine + v * sine, v * cosine - u * sine))
        .unzip())
}

/// Vorticity, divergence, normal and shear strain in the axes east and north: the strains turn by twice the angle.
pub(crate) fn from_flight_frame(
    [vorticity, divergence, normal, shear]: [f64; 4],
    (cosine, sine): (f64, f64),
) -> [f64; 4] {
    let (cosine2, sine2) = (cosine * cosine - sine * sine, 2.0 * sine * cosine);
    [
        vorticity,
        divergence,
        normal * cosine2 - shear * sine2,
        normal * sine2 + shear * cosine2,
    ]
}
