//! Rotation, divergence and strain of a current.

use std::ops::Range;

use multiversion::multiversion;

use crate::equator::{PURE, fade};
use crate::fit::Surface;
use crate::sphere::{GRAVITY, RADIUS, ROTATION};
use crate::{Current, Derivative, Extent, Fit, Metric, ScienceError, curvilinear, fit, stencil};

/// Slopes of a field along the flight and to its left.
pub(crate) type Slopes = (Vec<f64>, Vec<f64>);

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
    /// The deformation of the geostrophic current of a quadratic surface fitted to a height in metres.
    ///
    /// With `r = g/f`: `u_x = -r h_xy`, `u_y = -r h_yy + r (beta/f) h_y`, `v_x = r h_xx`,
    /// `v_y = r h_xy - r (beta/f) h_x`, faded between 8 and 5 degrees of latitude into [`Deformation::of`] the current
    /// (that of the beta plane has no such form).
    ///
    /// # Errors
    /// If the surface or the current does not fill the extent of the metric.
    pub fn of_surface(
        surface: &Surface,
        current: &Current,
        metric: &Metric,
        fit: &Fit,
    ) -> Result<Self, ScienceError> {
        let extent = metric.extent();
        ScienceError::check("surface", surface.north_north.len(), extent)?;
        check(current, extent)?;
        let mut deformation: Self = (0..extent.len())
            .map(|index| of_surface(surface, metric, index))
            .collect();
        let lines = metric.equatorial.clone();
        if !lines.is_empty() {
            let first = lines.start * extent.num_pixels;
            let of_current = Self::fitted(current, metric, lines, fit)?;
            for offset in 0..of_current.vorticity.len() {
                let latitude = metric.latitude()[first + offset];
                if latitude.abs() < PURE {
                    deformation.blend(first + offset, &of_current, offset, fade(latitude));
                }
            }
        }
        Ok(deformation)
    }

    /// The deformation of a current by the derivatives of a method.
    ///
    /// The components are turned into the frame of the flight and derived there, as the authors of the L3 product do
    /// (the frame runs straight on, unlike meridians), and the strains are turned back: vorticity, divergence and
    /// total strain do not depend on the frame. NaN where a derivative has no neighbours.
    ///
    /// Cost: two gradients.
    ///
    /// # Errors
    /// If the current does not fill the extent of the metric.
    pub fn of(current: &Current, metric: &Metric, derivative: &Derivative) -> Result<Self, ScienceError> {
        check(current, metric.extent())?;
        let (along, left) = into_flight_frame(&current.east, &current.north, metric);
        if *derivative == Derivative::L3 {
            return Self::by_stencil(&along, &left, metric);
        }
        let slopes = (
            slopes(&along, metric, derivative)?,
            slopes(&left, metric, derivative)?,
        );
        Ok(Self::in_flight_frame(slopes, metric, 0))
    }

    /// From the components along and left by the stencil, line by line.
    fn by_stencil(along: &[f64], left: &[f64], metric: &Metric) -> Result<Self, ScienceError> {
        let width = metric.extent().num_pixels;
        let mut deformation = Self::with_capacity(along.len());
        let mut out = std::array::from_fn(|_| vec![0.0; width]);
        stencil::slopes_of_two([along, left], metric, |line, slopes| {
            let row = line * width..(line + 1) * width;
            combine(slopes, (&metric.cosine[row.clone()], &metric.sine[row]), &mut out);
            let [vorticity, divergence, normal, shear] = &out;
            deformation.vorticity.extend_from_slice(vorticity);
            deformation.divergence.extend_from_slice(divergence);
            deformation.normal_strain.extend_from_slice(normal);
            deformation.shear_strain.extend_from_slice(shear);
        })?;
        Ok(deformation)
    }

    /// The deformation of a current on some lines, by a fit to its components.
    fn fitted(
        current: &Current,
        metric: &Metric,
        lines: Range<usize>,
        fit: &Fit,
    ) -> Result<Self, ScienceError> {
        let (along, left) = into_flight_frame(&current.east, &current.north, metric);
        let slopes = |field: &[f64]| fit::slopes(field, metric, lines.clone(), fit);
        let first = lines.start * metric.extent().num_pixels;
        Ok(Self::in_flight_frame(
            (slopes(&along)?, slopes(&left)?),
            metric,
            first,
        ))
    }

    /// From the slopes of the components along and left, from a pixel on.
    fn in_flight_frame((along, left): (Slopes, Slopes), metric: &Metric, first: usize) -> Self {
        let slopes = along.0.iter().zip(&along.1).zip(left.0.iter().zip(&left.1));
        let frames = metric.cosine[first..].iter().zip(&metric.sine[first..]);
        slopes
            .zip(frames)
            .map(|(((along_a, along_l), (left_a, left_l)), (cosine, sine))| {
                let own = [
                    left_a - along_l,
                    along_a + left_l,
                    along_a - left_l,
                    left_a + along_l,
                ];
                from_flight_frame(own, (*cosine, *sine))
            })
            .collect()
    }

    /// Mixes in a share of what another one has at its own place.
    fn blend(&mut self, index: usize, other: &Self, at: usize, share: f64) {
        let mix = |own: &mut [f64], other: &[f64]| {
            own[index] = if share >= 1.0 {
                other[at]
            } else {
                (1.0 - share) * own[index] + share * other[at]
            };
        };
        mix(&mut self.vorticity, &other.vorticity);
        mix(&mut self.divergence, &other.divergence);
        mix(&mut self.normal_strain, &other.normal_strain);
        mix(&mut self.shear_strain, &other.shear_strain);
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

/// Vorticity, divergence, normal and shear strain of the geostrophic current of a surface.
fn of_surface(surface: &Surface, metric: &Metric, index: usize) -> [f64; 4] {
    let coriolis = metric.coriolis()[index];
    let ratio = GRAVITY / coriolis;
    // beta = 2 Omega cos(lat) / R, from the sine that f holds.
    let cosine = (1.0 - (coriolis / (2.0 * ROTATION)).powi(2)).max(0.0).sqrt();
    let bend = ratio * (2.0 * ROTATION * cosine / RADIUS) / coriolis;
    let mixed = ratio * surface.east_north[index];
    let u_y = -ratio * surface.north_north[index] + bend * surface.north[index];
    let v_x = ratio * surface.east_east[index];
    let v_y = mixed - bend * surface.east[index];
    [v_x - u_y, v_y - mixed, -mixed - v_y, v_x + u_y]
}

fn check(current: &Current, extent: Extent) -> Result<(), ScienceError> {
    ScienceError::check("current", current.east.len(), extent)?;
    ScienceError::check("current", current.north.len(), extent)
}

/// Slopes of a field along the flight and to its left by a method.
pub(crate) fn slopes(
    field: &[f64],
    metric: &Metric,
    derivative: &Derivative,
) -> Result<Slopes, ScienceError> {
    match derivative {
        Derivative::L3 => stencil::both_slopes(field, metric),
        Derivative::Fit(fit) => fit::slopes(field, metric, 0..metric.extent().num_lines, fit),
        Derivative::Curvilinear => {
            let (east, north) = curvilinear::gradient(field, metric)?;
            Ok(into_flight_frame(&east, &north, metric))
        }
    }
}

/// Components along and left of the flight.
pub(crate) fn into_flight_frame(east: &[f64], north: &[f64], metric: &Metric) -> (Vec<f64>, Vec<f64>) {
    let components = east.iter().zip(north);
    components
        .zip(metric.cosine.iter().zip(&metric.sine))
        .map(|((u, v), (cosine, sine))| (u * cosine + v * sine, v * cosine - u * sine))
        .unzip()
}

/// Vorticity, divergence, normal and shear strain of a line from the slopes along and left of the component along, then of
/// that to the left.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn combine(slopes: [&[f64]; 4], heading: (&[f64], &[f64]), out: &mut [Vec<f64>; 4]) {
    let width = heading.0.len();
    let [along_a, along_l, left_a, left_l] = slopes.map(|slope| &slope[..width]);
    let (cosine, sine) = (&heading.0[..width], &heading.1[..width]);
    let [vorticity, divergence, normal, shear] = out.each_mut().map(|out| &mut out[..width]);
    for pixel in 0..width {
        let own = [
            left_a[pixel] - along_l[pixel],
            along_a[pixel] + left_l[pixel],
            along_a[pixel] - left_l[pixel],
            left_a[pixel] + along_l[pixel],
        ];
        let turned = from_flight_frame(own, (cosine[pixel], sine[pixel]));
        vorticity[pixel] = turned[0];
        divergence[pixel] = turned[1];
        normal[pixel] = turned[2];
        shear[pixel] = turned[3];
    }
}

/// Vorticity, divergence, normal and shear strain in the axes east and north: the strains turn by twice the angle.
#[inline]
fn from_flight_frame(
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
