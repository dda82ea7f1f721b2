//! Half a revolution by its length: from metres along to time and back, and from a point to its foot on the track.

use super::geodesy::{self, Vector};
use super::track::{Frame, Template};

/// Revolutions that the table runs on beyond each turn: 160 km.
const MARGIN: f64 = 0.004;
const STEPS: usize = 1024;
const STEP: f64 = (0.5 + 2.0 * MARGIN) / STEPS as f64;
/// Places where the search for a foot may begin: every 420 km.
const GUESSES: usize = 48;
/// Revolutions that the search may leave the half track by: 300 km.
const SEARCH_MARGIN: f64 = 0.0075;

/// The track from one turn to the next.
#[derive(Debug)]
pub(super) struct HalfTrack {
    /// Revolution of the first turn: 0 or 1/2.
    first: f64,
    period: f64,
    length_m: f64,
    /// Metres from the first turn, and metres per revolution, at every step.
    knots: Vec<(f64, f64)>,
    guesses: Vec<(f64, Vector)>,
}

impl HalfTrack {
    pub(super) fn new(template: &Template, first: f64) -> Self {
        let start = first - MARGIN;
        let speed = |revolution: f64| template.frame(revolution).speed;
        let mut along = 0.0;
        let mut knots = Vec::with_capacity(STEPS + 1);
        for step in 0..=STEPS {
            let revolution = start + STEP * step as f64;
            let here = speed(revolution);
            knots.push((along, here));
            // Simpson's rule: exact to nanometres on a curve this smooth.
            along += STEP / 6.0 * (here + 4.0 * speed(revolution + STEP / 2.0) + speed(revolution + STEP));
        }
        let guesses = (0..=GUESSES).map(|guess| {
            let revolution = first + 0.5 * guess as f64 / GUESSES as f64;
            (revolution, template.frame(revolution).up)
        });
        let mut half = Self {
            first,
            period: template.period,
            length_m: 0.0,
            knots,
            guesses: guesses.collect(),
        };
        let (from, to) = (half.along(first), half.along(first + 0.5));
        half.knots.iter_mut().for_each(|knot| knot.0 -= from);
        half.length_m = to - from;
        half
    }

    pub(super) const fn length_m(&self) -> f64 {
        self.length_m
    }

    /// Seconds from the first turn to that revolution.
    pub(super) fn seconds_at(&self, revolution: f64) -> f64 {
        (revolution - self.first) * self.period
    }

    /// Metres from the first turn to that revolution.
    fn along(&self, revolution: f64) -> f64 {
        let steps = (revolution - self.first + MARGIN) / STEP;
        let index = (steps.floor().max(0.0) as usize).min(STEPS - 1);
        let (Some(&left), Some(&right)) = (self.knots.get(index), self.knots.get(index + 1)) else {
            return 0.0;
        };
        hermite(left, right, steps - index as f64).0
    }

    /// The revolution at that many metres from the first turn.
    pub(super) fn revolution_at(&self, along_m: f64) -> f64 {
        let index = self
            .knots
            .partition_point(|knot| knot.0 <= along_m)
            .clamp(1, STEPS)
            - 1;
        let (Some(&left), Some(&right)) = (self.knots.get(index), self.knots.get(index + 1)) else {
            return self.first;
        };
        let mut x = (along_m - left.0) / (right.0 - left.0);
        if (0.0..=1.0).contains(&x) {
            for _ in 0..2 {
                let (value, slope) = hermite(left, right, x);
                x += (along_m - value) / slope;
            }
        }
        self.first - MARGIN + STEP * (index as f64 + x)
    }

    /// Metres along and across of a point on the ellipsoid.
    pub(super) fn locate(&self, template: &Template, point: Vector) -> (f64, f64) {
        let nearest = self
            .guesses
            .iter()
            .map(|&(revolution, up)| (geodesy::dot(up, point), revolution));
        let mut revolution = nearest
            .fold((f64::MIN, self.first), |a, b| if b.0 > a.0 { b } else { a })
            .1;
        let (low, high) = (self.first - SEARCH_MARGIN, self.first + 0.5 + SEARCH_MARGIN);
        let mut frame = template.frame(revolution);
        for _ in 0..8 {
            let next = (revolution + arc(&frame, frame.forward, point).0 / frame.speed).clamp(low, high);
            let moved = (next - revolution).abs();
            revolution = next;
            frame = template.frame(revolution);
            // A millimetre.
            if moved < 2.5e-11 {
                break;
            }
        }
        let ahead = arc(&frame, frame.forward, point).0;
        (
            self.along(revolution) + ahead,
            arc(&frame, frame.right(), point).0,
        )
    }
}

/// Metres along the ellipsoid from the frame towards a direction, and the radius of that arc.
fn arc(frame: &Frame, direction: Vector, point: Vector) -> (f64, f64) {
    let offset = geodesy::minus(point, frame.position);
    let radius = frame.radius(direction);
    let angle = geodesy::dot(offset, direction).atan2(radius + geodesy::dot(offset, frame.up));
    (radius * angle, radius)
}

/// Metres and metres per step at `x` steps between two knots.
fn hermite(left: (f64, f64), right: (f64, f64), x: f64) -> (f64, f64) {
    let rise = right.0 - left.0;
    let (from, to) = (left.1 * STEP, right.1 * STEP);
    let (square, cube) = (3.0 * rise - 2.0 * from - to, from + to - 2.0 * rise);
    (
        left.0 + x * (from + x * (square + x * cube)),
        from + x * (2.0 * square + 3.0 * x * cube),
    )
}
