//! The curve that every revolution of a phase repeats.

use super::geodesy::{self, Vector};

/// Order of the Fourier series.
const ORDER: usize = 6;
const TERMS: usize = 2 * ORDER + 1;

/// One revolution, from southern turn to southern turn, of a ground track.
///
/// The outward normal of the ellipsoid at nadir, in a frame that turns with the node, is a Fourier series of the
/// time since the turn; the node turns by `-days / revolutions` of a circle per revolution.
#[derive(Debug)]
pub(super) struct Template {
    /// Seconds of a revolution.
    pub period: f64,
    /// Revolutions in a cycle.
    pub revolutions: u32,
    /// Turns of the Earth under the orbit in a cycle.
    pub days: u32,
    /// Constant, then cosine and sine of each order.
    pub normal: [Vector; TERMS],
    /// The same for the height above the ellipsoid, metres.
    pub altitude: [f64; TERMS],
    /// Metres from the first turn to the first line of the fixed 2 km grid (L3), ascending and descending.
    pub first_line: [f64; 2],
}

/// The place under the satellite and the directions there, in the Earth-fixed frame of the template.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    /// On the ellipsoid, metres.
    pub position: Vector,
    /// Outward normal.
    pub up: Vector,
    /// Direction of the ground track.
    pub forward: Vector,
    /// Metres of ground track per revolution.
    pub speed: f64,
}

impl Template {
    /// The place after that many revolutions since the southern turn.
    pub(super) fn frame(&self, revolution: f64) -> Frame {
        let (value, rate) = self.normal_and_rate(revolution);
        let turn_rate = -std::f64::consts::TAU * f64::from(self.days) / f64::from(self.revolutions);
        let (sin, cos) = (turn_rate * revolution).sin_cos();
        let turned = |[x, y, z]: Vector| [cos * x - sin * y, sin * x + cos * y, z];
        let up = geodesy::unit(turned(value));
        let [up_x, up_y, up_z] = up;
        let [rate_x, rate_y, rate_z] = turned(rate);
        // The curve itself moves, and the Earth turns beneath it.
        let rate = [rate_x - turn_rate * up_y, rate_y + turn_rate * up_x, rate_z];
        let n = geodesy::transverse_radius(up_z);
        let level = up_x.hypot(up_y);
        let east = [-up_y / level, up_x / level, 0.0];
        let north = geodesy::cross(up, east);
        let eastward = geodesy::scaled(n * geodesy::dot(rate, east), east);
        let velocity = geodesy::plus(
            eastward,
            geodesy::meridian_radius(n) * geodesy::dot(rate, north),
            north,
        );
        let speed = geodesy::dot(velocity, velocity).sqrt();
        Frame {
            position: geodesy::on_ellipsoid(up),
            up,
            forward: geodesy::scaled(speed.recip(), velocity),
            speed,
        }
    }

    /// Height of the satellite above the ellipsoid, metres.
    pub(super) fn altitude_m(&self, revolution: f64) -> f64 {
        let angle = std::f64::consts::TAU * revolution;
        let [constant, rest @ ..] = &self.altitude;
        let pairs = rest.chunks_exact(2).zip(1..);
        pairs.fold(*constant, |sum, (pair, order)| match pair {
            [cosine, sine] => {
                let (sin, cos) = (angle * f64::from(order)).sin_cos();
                sum + cosine * cos + sine * sin
            }
            _ => sum,
        })
    }

    fn normal_and_rate(&self, revolution: f64) -> (Vector, Vector) {
        let (sin_1, cos_1) = (std::f64::consts::TAU * revolution).sin_cos();
        let (mut sin, mut cos) = (0.0, 1.0);
        let [constant, rest @ ..] = &self.normal;
        let (mut value, mut rate) = (*constant, [0.0; 3]);
        let mut order = 0.0;
        let (pairs, _) = rest.as_chunks::<2>();
        for [cosine, sine] in pairs {
            (sin, cos) = (sin * cos_1 + cos * sin_1, cos * cos_1 - sin * sin_1);
            order += std::f64::consts::TAU;
            value = geodesy::plus(geodesy::plus(value, cos, *cosine), sin, *sine);
            rate = geodesy::plus(geodesy::plus(rate, -order * sin, *cosine), order * cos, *sine);
        }
        (value, rate)
    }
}

impl Frame {
    /// To the right of flight.
    pub(super) fn right(&self) -> Vector {
        geodesy::cross(self.forward, self.up)
    }

    /// Radius of curvature of the ellipsoid towards a horizontal direction (Euler's formula).
    pub(super) fn radius(&self, direction: Vector) -> f64 {
        let [up_x, up_y, up_z] = self.up;
        let [x, y, _] = direction;
        let east = (x * -up_y + y * up_x) / up_x.hypot(up_y);
        let n = geodesy::transverse_radius(up_z);
        let east = east * east;
        (east / n + (1.0 - east) / geodesy::meridian_radius(n)).recip()
    }

    /// Longitude (-180 to 180) and latitude `across_m` metres to the right.
    pub(super) fn across(&self, across_m: f64) -> (f64, f64) {
        let right = self.right();
        self.across_by(across_m, right, self.radius(right))
    }

    /// The same with `right` and the radius there known.
    pub(super) fn across_by(&self, across_m: f64, right: Vector, radius: f64) -> (f64, f64) {
        let (sin, cos) = (across_m / radius).sin_cos();
        let point = geodesy::plus(self.position, radius * sin, right);
        geodesy::lon_lat(geodesy::plus(point, radius * (cos - 1.0), self.up))
    }

    /// Degrees clockwise from north.
    pub(super) fn heading_deg(&self) -> f64 {
        let [up_x, up_y, _] = self.up;
        let east = geodesy::unit([-up_y, up_x, 0.0]);
        let north = geodesy::cross(self.up, east);
        let heading = geodesy::dot(self.forward, east).atan2(geodesy::dot(self.forward, north));
        heading.to_degrees().rem_euclid(360.0)
    }
}
