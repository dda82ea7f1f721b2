//! Eddies on a pass: by closed contours of height, or by the Okubo-Weiss parameter.
//!
//! Both give the same [`Eddy`]: where it is, how large and high, which way it turns, how fast, and its outline.
//!
//! ```text
//!   height ──> peaks (one per hill, down to where it meets another) ──> contours, level by level ──> Eddy
//!   Okubo-Weiss / its deviation ──> regions of one sense below a threshold ────────────────────────^
//! ```

mod circle;
mod contours;
mod okubo_weiss;
mod outline;
mod peaks;
mod plane;

use crate::{Extent, Metric, Refused, ScienceError};

pub use contours::closed_contours;
pub use okubo_weiss::{OkuboWeissOptions, Rotation, okubo_weiss};

/// Which way an eddy turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sense {
    /// With the Earth: counter-clockwise in the north, clockwise in the south; low sea level in its middle.
    Cyclonic,
    /// Against the Earth; high sea level in its middle.
    Anticyclonic,
}

impl Sense {
    /// `cyclonic` or `anticyclonic`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cyclonic => "cyclonic",
            Self::Anticyclonic => "anticyclonic",
        }
    }
}

/// One eddy. Lengths in metres, places in degrees east (from -180 to 180) and north.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Eddy {
    /// Which way it turns.
    pub sense: Sense,
    /// Centre of the circle that fits its outline best.
    pub centre: (f64, f64),
    /// Pixel of its highest (anticyclone) or lowest height.
    pub extremum_index: usize,
    /// Where that pixel is.
    pub extremum: (f64, f64),
    /// Height there, less that of the outline, without sign; m.
    pub amplitude: f64,
    /// Height of the outline, m.
    pub level: f64,
    /// Area inside the outline, m2.
    pub area: f64,
    /// Radius of the circle of that area, m.
    pub radius: f64,
    /// Mean speed along the contour where it is largest, m/s; along the outline for Okubo-Weiss regions. NaN without speeds.
    pub speed: f64,
    /// Radius of the circle of the area inside that contour, m; NaN for Okubo-Weiss regions.
    pub speed_radius: f64,
    /// Area between outline and fitted circle as a share of the circle's.
    pub shape_error: f64,
    /// Pixels inside, values of their own or filled ones.
    pub pixels: usize,
    /// Share of the outline that runs along an edge of the swath or a gap.
    pub edge_fraction: f64,
    /// An edge or gap cuts the eddy: its outline runs along one or would at the next level. Amplitude, area and radius are then
    /// those of what is seen: lower bounds.
    pub is_partial: bool,
    /// Outline: longitudes and latitudes, not closed (the last vertex is not the first again).
    pub outline: Vec<(f64, f64)>,
}

/// What makes a hill or hollow an eddy. Bounds hold for the outline.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct EddyOptions {
    /// Height between contours, m.
    pub step: f64,
    /// Least amplitude, m; bumps lower than that are no peaks of their own.
    pub minimum_amplitude: f64,
    /// Least number of pixels.
    pub minimum_pixels: usize,
    /// Least radius, m.
    pub minimum_radius: f64,
    /// Largest radius, m.
    pub maximum_radius: f64,
    /// Largest [`Eddy::shape_error`].
    pub shape_error: f64,
    /// Largest [`Eddy::edge_fraction`]; 0: only contours that are closed by themselves.
    pub edge_fraction: f64,
}

impl Default for EddyOptions {
    fn default() -> Self {
        Self {
            step: 0.002,
            minimum_amplitude: 0.01,
            minimum_pixels: 8,
            minimum_radius: 5e3,
            maximum_radius: 100e3,
            shape_error: 0.55,
            edge_fraction: 0.5,
        }
    }
}

impl EddyOptions {
    /// Refuses what makes no sense.
    ///
    /// # Errors
    /// If a bound is negative or no number, or the bounds of the radius exclude each other.
    pub fn check(&self) -> Result<(), Refused> {
        let positive = |option, value: f64, expected: &str| {
            let reason = || format!("expected {expected}, found {value}");
            (value > 0.0 && value.is_finite())
                .then_some(())
                .ok_or_else(|| Refused::new(option, reason()))
        };
        positive("step", self.step, "a height in metres")?;
        if !(self.minimum_amplitude >= self.step && self.minimum_amplitude.is_finite()) {
            let reason = format!(
                "expected at least a step, {} m, found {} m",
                self.step, self.minimum_amplitude
            );
            return Err(Refused::new("min amplitude", reason));
        }
        positive("max radius", self.maximum_radius, "a length")?;
        if !(self.minimum_radius >= 0.0 && self.minimum_radius < self.maximum_radius) {
            let reason = format!(
                "expected a length below the largest radius, {} km, found {} km",
                self.maximum_radius / 1e3,
                self.minimum_radius / 1e3
            );
            return Err(Refused::new("min radius", reason));
        }
        positive("shape error", self.shape_error, "a share, as 0.55")?;
        if !(0.0..1.0).contains(&self.edge_fraction) {
            let reason = format!("expected a share from 0 to below 1, found {}", self.edge_fraction);
            return Err(Refused::new("edge fraction", reason));
        }
        Ok(())
    }
}

/// Fails early where a field does not fill the extent of the metric.
fn check(fields: &[(&'static str, &[f64])], metric: &Metric) -> Result<Extent, ScienceError> {
    let extent = metric.extent();
    for (what, field) in fields {
        ScienceError::check(what, field.len(), extent)?;
    }
    Ok(extent)
}

/// A height where it has a place; NaN elsewhere. Turned upside down for hollows.
fn placed(height: &[f64], metric: &Metric, sign: f64) -> Vec<f64> {
    let places = metric.latitude().iter().zip(metric.longitude());
    let known = |(latitude, longitude): (&f64, &f64)| latitude.is_finite() && longitude.is_finite();
    let pairs = height.iter().zip(places);
    pairs
        .map(|(height, place)| {
            if known(place) && height.is_finite() {
                sign * height
            } else {
                f64::NAN
            }
        })
        .collect()
}
