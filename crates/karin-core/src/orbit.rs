//! Where SWOT is, without a data file: the ground track of every pass of both phases, the swath around it, and the
//! time of every cycle, pass and line.
//!
//! Every revolution of a phase repeats the same curve, turned about the Earth's axis by a constant angle, to
//! centimetres; the curve is a Fourier series of order 6 (`template.rs`, fitted by `fit_orbit.py`). Against real
//! granules and footprints the track is off by less than a metre: `docs/reference/orbit.md` has the figures.
//!
//! ```text
//!   Template --(arc length)--> half tracks --(turned to its pass)--> position, swath point, fixed grid
//!   CycleStarts -------------> time of cycle, pass, line
//!   point on Earth ----------> metres along and across a pass ----> passes over a region
//! ```
//!
//! Distances along are metres on the ellipsoid from the first turn of the pass (southern if it ascends); distances
//! across are metres from nadir along the ellipsoid, negative left of the flight direction as in the products.

mod cycle_starts;
mod geodesy;
mod grid;
mod half_track;
mod passes;
mod template;
mod times;
mod track;

use std::sync::OnceLock;

use crate::{PassNumber, Phase};
use half_track::HalfTrack;
use times::CycleStarts;
use track::Template;

pub use grid::{FixedGrid, Lattice, Lines, SwathSide};
pub use passes::{PassHit, PassView, Target};

/// The orbit of one phase. Pass numbers outside the phase stand for the pass of the next or last cycle that
/// continues the count.
#[derive(Debug)]
pub struct Orbit {
    phase: Phase,
    template: &'static Template,
    starts: &'static CycleStarts,
    /// The ascending and the descending half of a revolution.
    halves: [HalfTrack; 2],
}

/// A place on the ground track.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrackPoint {
    /// Degrees east, 0 to 360.
    pub longitude: f64,
    /// Degrees north.
    pub latitude: f64,
    /// Direction of the ground track, degrees clockwise from north, 0 to 360.
    pub heading: f64,
    /// Height of the satellite above the ellipsoid in metres.
    pub altitude_m: f64,
    /// Seconds since the start of the pass.
    pub seconds: f64,
}

impl Orbit {
    /// The orbit of that phase.
    pub fn of(phase: Phase) -> &'static Self {
        static CALVAL: OnceLock<Orbit> = OnceLock::new();
        static SCIENCE: OnceLock<Orbit> = OnceLock::new();
        match phase {
            Phase::CalVal => {
                CALVAL.get_or_init(|| Self::new(phase, &template::CALVAL, &cycle_starts::CALVAL))
            }
            Phase::Science => {
                SCIENCE.get_or_init(|| Self::new(phase, &template::SCIENCE, &cycle_starts::SCIENCE))
            }
        }
    }

    fn new(phase: Phase, template: &'static Template, starts: &'static CycleStarts) -> Self {
        Self {
            phase,
            template,
            starts,
            halves: [HalfTrack::new(template, 0.0), HalfTrack::new(template, 0.5)],
        }
    }

    /// The phase.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// Metres along a pass from its first turn to its last: 19,721 km in the science phase.
    pub fn length_m(&self, pass: PassNumber) -> f64 {
        self.half(pass).length_m()
    }

    /// The ground track `along_m` metres from the first turn of a pass (also some way before and after it).
    pub fn position(&self, pass: PassNumber, along_m: f64) -> TrackPoint {
        let half = self.half(pass);
        let revolution = half.revolution_at(along_m);
        let frame = self.template.frame(revolution);
        let (longitude, latitude) = geodesy::lon_lat(frame.position);
        TrackPoint {
            longitude: (longitude + self.turn(pass)).rem_euclid(360.0),
            latitude,
            heading: frame.heading_deg(),
            altitude_m: self.template.altitude_m(revolution),
            seconds: half.seconds_at(revolution),
        }
    }

    /// Longitude (0 to 360) and latitude of the point `across_m` metres right of the track, `along_m` metres on.
    pub fn point(&self, pass: PassNumber, along_m: f64, across_m: f64) -> (f64, f64) {
        let frame = self.template.frame(self.half(pass).revolution_at(along_m));
        let (longitude, latitude) = frame.across(across_m);
        ((longitude + self.turn(pass)).rem_euclid(360.0), latitude)
    }

    /// Where a point lies in the frame of a pass: metres along it and metres across it (right positive).
    ///
    /// Exact to a metre within the swath; farther away both are great-circle distances that only say how far.
    /// Beyond the turns `along_m` runs on below 0 and above [`Orbit::length_m`] for 300 km, then straight.
    pub fn cross_track(&self, pass: PassNumber, longitude: f64, latitude: f64) -> (f64, f64) {
        self.half(pass).locate(
            self.template,
            geodesy::ecef(longitude - self.turn(pass), latitude),
        )
    }

    /// A ring around the swath of a pass, from turn to turn, `half_width_m` to each side, with a corner about every
    /// `step_m` metres: first corner left, last corner left, last corner right, first corner right, and the first
    /// again. Longitudes run from 0 to 360 and jump where the ring crosses Greenwich.
    pub fn outline(&self, pass: PassNumber, half_width_m: f64, step_m: f64) -> Vec<(f64, f64)> {
        let length = self.length_m(pass);
        let steps = (length / step_m.max(100.0)).ceil().max(1.0) as usize;
        let along = |step: usize| length * step as f64 / steps as f64;
        let left = (0..=steps).map(|step| self.point(pass, along(step), -half_width_m));
        let right = (0..=steps)
            .rev()
            .map(|step| self.point(pass, along(step), half_width_m));
        let close = std::iter::once_with(|| self.point(pass, 0.0, -half_width_m));
        left.chain(right).chain(close).collect()
    }

    fn half(&self, pass: PassNumber) -> &HalfTrack {
        let [ascending, descending] = &self.halves;
        if pass.is_ascending() {
            ascending
        } else {
            descending
        }
    }

    /// Degrees that the template is turned eastward to lie on a pass, 0 to 360.
    fn turn(&self, pass: PassNumber) -> f64 {
        let revolution = (i64::from(pass.0) - 1).div_euclid(2);
        let (days, revolutions) = (
            i64::from(self.template.days),
            i64::from(self.template.revolutions),
        );
        // Whole turns are taken out before the division, so that every pass is as exact as the first.
        -360.0 * (revolution * days).rem_euclid(revolutions) as f64 / revolutions as f64 + 360.0
    }
}
