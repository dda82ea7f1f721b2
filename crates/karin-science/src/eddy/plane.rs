//! Places around an eddy as metres east and north on the plane that touches the sphere there.

use crate::Metric;
use crate::sphere::Position;

/// The azimuthal equidistant plane around one place after the other; what was computed of a pixel is kept for that place.
pub(super) struct Plane<'a> {
    metric: &'a Metric,
    origin: Position,
    round: u32,
    rounds: Vec<u32>,
    known: Vec<(f64, f64)>,
}

impl<'a> Plane<'a> {
    pub(super) fn new(metric: &'a Metric) -> Self {
        let count = metric.extent().len();
        Self {
            metric,
            origin: Position::new(0.0, 0.0),
            round: 0,
            rounds: vec![0; count],
            known: vec![(0.0, 0.0); count],
        }
    }

    pub(super) fn metric(&self) -> &'a Metric {
        self.metric
    }

    /// Moves to where a pixel is.
    pub(super) fn centre_on(&mut self, index: usize) {
        self.origin = Position::new(self.metric.latitude()[index], self.metric.longitude()[index]);
        self.round += 1;
    }

    /// Metres east and north of a pixel; NaN where it has no place.
    pub(super) fn at(&mut self, index: usize) -> (f64, f64) {
        if self.rounds[index] != self.round {
            let there = Position::new(self.metric.latitude()[index], self.metric.longitude()[index]);
            self.rounds[index] = self.round;
            self.known[index] = self.origin.bearing_offset(&there);
        }
        self.known[index]
    }

    /// Degrees east and north of a place on the plane.
    pub(super) fn degrees(&self, (east, north): (f64, f64)) -> (f64, f64) {
        self.origin.displaced(east, north)
    }
}
