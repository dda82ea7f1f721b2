//! Distances, directions and rotation of the sphere on which heights are derived.
//!
//! The constants are those of the AVISO L3 product, found by reproducing its velocities: other radii or gravities move
//! them by more than their packing step.

use karin_core::geo::wrap_180;
use multiversion::multiversion;

/// Mean radius of the Earth (WGS84, (2a + b) / 3) in metres.
pub const RADIUS: f64 = 6_371_008.771_415_059;
/// Gravity in m/s2.
pub const GRAVITY: f64 = 9.81;
/// Rotation of the Earth in rad/s.
pub const ROTATION: f64 = 7.2921e-5;

/// Squares of steps up to this (radians; some 60 km) have their distances by series, exact to the last bit or two.
const SHORT: f64 = 1e-4;
/// Degrees from which a step in longitude times cos(latitude) is a poor direction; beyond what SWOT sees.
const POLAR: f64 = 80.0;

/// Metres between two places, each degrees east and north, along the great circle (haversine); longitudes in any convention.
pub fn distance(from: (f64, f64), to: (f64, f64)) -> f64 {
    Position::new(from.1, from.0).distance(&Position::new(to.1, to.0))
}

/// One position, with what every distance from it needs.
#[derive(Clone, Copy)]
pub(crate) struct Position {
    pub latitude: f64,
    pub longitude: f64,
    pub sine: f64,
    pub cosine: f64,
}

impl Position {
    /// The position at degrees north and east.
    pub(crate) fn new(latitude: f64, longitude: f64) -> Self {
        let (sine, cosine) = latitude.to_radians().sin_cos();
        Self {
            latitude,
            longitude,
            sine,
            cosine,
        }
    }

    /// Radians of latitude, and of longitude the short way round, to another position.
    fn step(&self, other: &Self) -> (f64, f64) {
        short_step(other.latitude - self.latitude, other.longitude - self.longitude)
    }

    /// Metres to another position along the great circle (haversine).
    pub(crate) fn distance(&self, other: &Self) -> f64 {
        let (north, east) = self.step(other);
        let cosines = self.cosine * other.cosine;
        if north * north <= SHORT && east * east <= SHORT {
            return RADIUS * short_arc_squared(north, east, cosines).sqrt();
        }
        let (half_north, half_east) = ((0.5 * north).sin(), (0.5 * east).sin());
        let square = half_north * half_north + cosines * half_east * half_east;
        2.0 * RADIUS * square.sqrt().clamp(0.0, 1.0).asin()
    }

    /// Metres east and north to a neighbour, on the plane that touches here: R dlon cos(lat), R dlat. Near the poles the
    /// components of the great circle instead.
    pub(crate) fn offset(&self, other: &Self) -> (f64, f64) {
        let (north, east) = self.step(other);
        if self.latitude.abs() < POLAR {
            return (RADIUS * east * self.cosine, RADIUS * north);
        }
        self.bearing_offset(other)
    }

    /// Degrees east and north of the place so many metres east and north along the great circle: what
    /// [`Position::bearing_offset`] leads to. Longitudes lie from -180 to 180.
    pub(crate) fn displaced(&self, east: f64, north: f64) -> (f64, f64) {
        let length = east.hypot(north);
        if length == 0.0 {
            return (wrap_180(self.longitude), self.latitude);
        }
        let (sine, cosine) = (length / RADIUS).sin_cos();
        let (to_east, to_north) = (east / length, north / length);
        let height = (self.sine * cosine + self.cosine * sine * to_north).clamp(-1.0, 1.0);
        let turn = (to_east * sine).atan2(self.cosine * cosine - self.sine * sine * to_north);
        (
            wrap_180(self.longitude + turn.to_degrees()),
            height.asin().to_degrees(),
        )
    }

    /// Metres east and north to a neighbour: distance times sine and cosine of the bearing of the great circle.
    pub(crate) fn bearing_offset(&self, other: &Self) -> (f64, f64) {
        let (_, east) = self.step(other);
        let (sin_east, cos_east) = east.sin_cos();
        let x = other.cosine * sin_east;
        let y = other.sine * self.cosine - self.sine * other.cosine * cos_east;
        let length = x.hypot(y);
        if length == 0.0 {
            return (0.0, 0.0);
        }
        let distance = self.distance(other);
        (distance * x / length, distance * y / length)
    }
}

/// Sines and cosines of latitudes in degrees, by their series about 0: exact to a few units of the last bit (of 1, for
/// cosines) up to the poles.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
pub(crate) fn sines_and_cosines(latitude: &[f64], sines: &mut [f64], cosines: &mut [f64]) {
    let count = latitude.len();
    let (sines, cosines) = (&mut sines[..count], &mut cosines[..count]);
    for place in 0..count {
        let angle = latitude[place].to_radians();
        let square = angle * angle;
        let (mut odd, mut even) = (0.0, 0.0);
        for term in (0..TERMS).rev() {
            odd = SERIES[term][1] + square * odd;
            even = SERIES[term][0] + square * even;
        }
        sines[place] = angle * odd;
        cosines[place] = even;
    }
}

/// Terms of the series of sine and cosine; the first ones left out are 1e-18 and 5e-19 at the poles.
const TERMS: usize = 12;
/// Their coefficients: `(-1)^k / (2k)!` and `(-1)^k / (2k + 1)!`.
const SERIES: [[f64; 2]; TERMS] = {
    let mut series = [[1.0; 2]; TERMS];
    let mut term = 1;
    while term < TERMS {
        let even = (2 * term) as f64;
        series[term][0] = -series[term - 1][1] / even;
        series[term][1] = series[term][0] / (even + 1.0);
        term += 1;
    }
    series
};

/// 1 / metres from every position to the one `stride` places on, where the step is short and not zero; NaN elsewhere. What
/// [`Position::distance`] says, to the bit.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
pub(crate) fn per_short_distance(degrees: (&[f64], &[f64]), cosine: &[f64], stride: usize, out: &mut [f64]) {
    let count = cosine.len().saturating_sub(stride);
    out[count..].fill(f64::NAN);
    let next = |values: &'_ [f64]| values.len() - count..values.len();
    let (latitude, longitude) = degrees;
    let here = (&latitude[..count], &longitude[..count], &cosine[..count]);
    let there = (
        &latitude[next(latitude)],
        &longitude[next(longitude)],
        &cosine[next(cosine)],
    );
    for (index, out) in out[..count].iter_mut().enumerate() {
        let (north, east) = short_step(there.0[index] - here.0[index], there.1[index] - here.1[index]);
        let square = short_arc_squared(north, east, here.2[index] * there.2[index]);
        let is_short = (north * north <= SHORT) & (east * east <= SHORT) & (square > 0.0);
        let per_metre = 1.0 / (RADIUS * square.sqrt());
        *out = if is_short { per_metre } else { f64::NAN };
    }
}

/// Cosine and sine of the direction from the positions `stride` places before to those as far on, at those with both
/// and away from the poles; NaN elsewhere. That of the sum of both [`Position::offset`]s.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
pub(crate) fn directions(
    degrees: (&[f64], &[f64]),
    cosine: &[f64],
    stride: usize,
    out: (&mut [f64], &mut [f64]),
) {
    let count = cosine.len().saturating_sub(2 * stride);
    if count == 0 {
        out.0.fill(f64::NAN);
        out.1.fill(f64::NAN);
        return;
    }
    for out in [&mut *out.0, &mut *out.1] {
        out[..stride].fill(f64::NAN);
        out[stride + count..].fill(f64::NAN);
    }
    let (latitude, longitude) = degrees;
    let three =
        |values: &'_ [f64]| [0, stride, 2 * stride].map(|from| from..from + values.len() - 2 * stride);
    let [before, here, after] = three(cosine);
    let latitudes = (
        &latitude[before.clone()],
        &latitude[here.clone()],
        &latitude[after.clone()],
    );
    let longitudes = (&longitude[before], &longitude[here.clone()], &longitude[after]);
    let cosine = &cosine[here.clone()];
    let (out_cosine, out_sine) = (&mut out.0[here.clone()], &mut out.1[here]);
    for index in 0..count {
        let longitude = longitudes.1[index];
        // Degrees: only the direction counts.
        let turn = short_turn(longitudes.2[index] - longitude) - short_turn(longitudes.0[index] - longitude);
        let (east, north) = (turn * cosine[index], latitudes.2[index] - latitudes.0[index]);
        let per_length = 1.0 / (east * east + north * north).sqrt();
        let is_fit = latitudes.1[index].abs() < POLAR;
        out_cosine[index] = if is_fit { east * per_length } else { f64::NAN };
        out_sine[index] = if is_fit { north * per_length } else { f64::NAN };
    }
}

/// A difference of longitudes in degrees, the short way round.
#[inline(always)]
fn short_turn(turn: f64) -> f64 {
    turn - 360.0 * (turn * (1.0 / 360.0)).round_ties_even()
}

/// Differences of latitude and longitude in degrees as radians, the latter the short way round.
#[inline(always)]
fn short_step(north: f64, turn: f64) -> (f64, f64) {
    (north.to_radians(), short_turn(turn).to_radians())
}

/// The square of the angle (radians) that a short step north and east spans, by the haversine formula: `sin2(x/2)` of the steps and
/// `4 asin2` of the root of their sum, by their series in squares. `cosines` is the product of those of both latitudes.
#[inline(always)]
fn short_arc_squared(north: f64, east: f64, cosines: f64) -> f64 {
    let haversine = |angle: f64| {
        let square = angle * angle;
        square * (1.0 / 4.0 - square * (1.0 / 48.0 - square * (1.0 / 1440.0)))
    };
    let whole = haversine(north) + cosines * haversine(east);
    whole * (4.0 + whole * (4.0 / 3.0 + whole * (32.0 / 45.0 + whole * (16.0 / 35.0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_cross_the_antimeridian() {
        let degree = RADIUS.to_radians();
        assert!((distance((179.5, 0.0), (-179.5, 0.0)) - degree).abs() < 1e-6);
        assert!((distance((10.0, 50.0), (10.0, 51.0)) - degree).abs() < 1e-6);
    }

    fn haversine(a: (f64, f64), b: (f64, f64)) -> f64 {
        let (north, east) = ((b.0 - a.0).to_radians(), (b.1 - a.1).to_radians());
        let square = (0.5 * north).sin().powi(2)
            + a.0.to_radians().cos() * b.0.to_radians().cos() * (0.5 * east).sin().powi(2);
        2.0 * RADIUS * square.sqrt().asin()
    }

    #[test]
    fn short_and_long_distances_are_those_of_the_formula() {
        for step in [1e-6, 0.01, 0.018, 0.5, 1.0, 1.2, 5.0, 60.0] {
            for latitude in [-78.0, -20.0, 0.0, 45.0] {
                let (from, to) = ((latitude, 10.0), (latitude + 0.3 * step, 10.0 + step));
                let expected = haversine(from, to);
                let got = Position::new(from.0, from.1).distance(&Position::new(to.0, to.1));
                assert!(
                    (got / expected - 1.0).abs() < 1e-9,
                    "{step} {latitude}: {got} {expected}"
                );
            }
        }
    }

    #[test]
    fn series_of_latitudes_are_sines_and_cosines() {
        let latitudes: Vec<f64> = (-9000..=9000).map(|step| f64::from(step) * 0.01).collect();
        let (mut sines, mut cosines) = (latitudes.clone(), latitudes.clone());
        sines_and_cosines(&latitudes, &mut sines, &mut cosines);
        for ((latitude, sine), cosine) in latitudes.iter().zip(sines).zip(cosines) {
            let expected = latitude.to_radians().sin_cos();
            assert!(
                (sine - expected.0).abs() <= 1e-15 * expected.0.abs(),
                "{latitude}"
            );
            assert!((cosine - expected.1).abs() <= 1e-15, "{latitude}");
        }
        let (mut sine, mut cosine) = ([0.0], [0.0]);
        sines_and_cosines(&[f64::NAN], &mut sine, &mut cosine);
        assert!(sine[0].is_nan() && cosine[0].is_nan());
    }

    #[test]
    fn the_dateline_is_no_place() {
        for turn in [-360.0, 0.0, 360.0] {
            let (distance, (east, north)) = {
                let from = Position::new(30.0, 179.99);
                let to = Position::new(30.01, -179.99 + turn);
                (from.distance(&to), from.offset(&to))
            };
            assert!((distance - haversine((30.0, 0.0), (30.01, 0.02))).abs() < 1e-6);
            assert!(east > 0.0 && north > 0.0);
            assert!((east.hypot(north) - distance).abs() < 1.0);
        }
    }

    #[test]
    fn places_lie_where_their_offsets_lead() {
        for (from, to) in [
            ((179.9, 10.0), (-179.2, 10.5)),
            ((-20.0, -65.0), (-18.0, -64.0)),
            ((3.0, 77.0), (3.0, 78.0)),
        ] {
            let (start, end) = (Position::new(from.1, from.0), Position::new(to.1, to.0));
            let (east, north) = start.bearing_offset(&end);
            let (longitude, latitude) = start.displaced(east, north);
            assert!(
                (longitude - to.0).abs() < 1e-9 && (latitude - to.1).abs() < 1e-9,
                "{longitude} {latitude}"
            );
        }
    }

    #[test]
    fn over_the_pole_is_straight_on() {
        let from = Position::new(89.99, 10.0);
        let to = Position::new(89.99, -170.0);
        let (east, north) = from.offset(&to);
        assert!(east.abs() < 1e-6, "{east}");
        assert!((north - RADIUS * 0.02_f64.to_radians()).abs() < 1e-3, "{north}");
    }
}
