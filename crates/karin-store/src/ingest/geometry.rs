//! Does a granule lie where its pass lies?

use karin_core::{HalfOrbit, Orbit, Phase};

use super::granule::Refusal;

/// How far from the track of its pass a line may lie, in metres across it.
const TOLERANCE_M: f64 = 2000.0;

/// How far from the track the inner edge of a side of the 250 m swath may lie.
const INNER_EDGE_M: f64 = 15_000.0;

/// Which column of the swath is looked at, and where it has to lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guide {
    /// The middle of the swath: within 2 km of the track.
    Centre,
    /// Pixel 0 of the left side: left of the track, within 15 km.
    LeftEdge,
    /// Pixel 0 of the right side.
    RightEdge,
}

impl Guide {
    /// The guide of a swath group.
    pub(super) fn of(group: &str) -> Self {
        match group {
            "left" => Self::LeftEdge,
            "right" => Self::RightEdge,
            _ => Self::Centre,
        }
    }

    /// Its column in a swath of that many pixels.
    pub(super) const fn column(self, pixels: usize) -> usize {
        match self {
            Self::Centre => pixels / 2,
            Self::LeftEdge | Self::RightEdge => 0,
        }
    }

    /// Metres by which a point that far right of the track, `shift_m` metres right of the guiding column, misses where
    /// it has to lie.
    fn miss_m(self, across_m: f64, shift_m: f64) -> f64 {
        let outside = |from: f64, to: f64| (from + shift_m - across_m).max(across_m - to - shift_m).max(0.0);
        match self {
            Self::Centre => outside(-TOLERANCE_M, TOLERANCE_M),
            Self::LeftEdge => outside(-INNER_EDGE_M, 0.0),
            Self::RightEdge => outside(0.0, INNER_EDGE_M),
        }
    }

    /// Metres to the right from one pixel of a swath of that many pixels to the next.
    const fn spacing_m(self, pixels: usize) -> f64 {
        match self {
            Self::Centre if pixels < 100 => 2000.0,
            Self::Centre | Self::RightEdge => 250.0,
            Self::LeftEdge => -250.0,
        }
    }

    /// How far right of the guiding column `pixel` lies.
    pub(super) fn shift_m(self, pixel: usize, pixels: usize) -> f64 {
        (pixel as f64 - self.column(pixels) as f64) * self.spacing_m(pixels)
    }
}

/// One column of coordinates in degrees, NaN where there are none, with the line of each.
#[derive(Clone, Debug, Default)]
pub(super) struct Column {
    /// How far right of the guiding column it lies, in metres: 0 unless a crop lacks that one.
    pub shift_m: f64,
    pub longitudes: Vec<f64>,
    pub latitudes: Vec<f64>,
}

/// Lines that are compared with the track at both ends only, if they lie close to the great circle between these.
const STRETCH: usize = 64;

/// How much less than the tolerance is allowed to lines between such ends: the track bends away from the great circle, by
/// 46 m over 128 km, and the figure of the Earth adds metres.
const BEND_M: f64 = 250.0;

/// Metres between the two ends at most.
const STRETCH_M: f64 = 200_000.0;

const EARTH_RADIUS_M: f64 = 6_371_000.0;

/// Checks a column line by line.
///
/// The track is smooth, and so is a column of a sound granule: most lines need no comparison of their own. A line that lies
/// anywhere else than close to the great circle between two that were compared is compared itself.
///
/// # Errors
/// [`Refusal::Geometry`] with the largest distance and where it is.
pub(super) fn check(
    phase: Phase,
    half_orbit: HalfOrbit,
    guide: Guide,
    column: &Column,
) -> Result<(), Refusal> {
    let orbit = Orbit::of(phase);
    let is_sane = |longitude: f64, latitude: f64| longitude.abs() <= 720.0 && latitude.abs() <= 90.0;
    let across_m = |longitude: f64, latitude: f64| {
        if is_sane(longitude, latitude) {
            orbit.cross_track(half_orbit.pass, longitude, latitude).1
        } else {
            f64::INFINITY
        }
    };
    let places = column.longitudes.iter().zip(&column.latitudes).enumerate();
    let places: Vec<(usize, f64, f64)> = places
        .map(|(line, (&longitude, &latitude))| (line, longitude, latitude))
        .filter(|(_, longitude, latitude)| !longitude.is_nan() && !latitude.is_nan())
        .collect();
    let mut worst = (0.0, 0, 0.0);
    let mut compare = |(line, longitude, latitude): (usize, f64, f64)| {
        let across_m = across_m(longitude, latitude);
        let miss = guide.miss_m(across_m, column.shift_m);
        if miss > worst.0 {
            worst = (miss, line, across_m);
        }
        across_m
    };
    let mut before = None;
    for lines in places.chunks(STRETCH) {
        let [between @ .., last] = lines else { continue };
        let end = (compare(*last), direction(last.1, last.2));
        let stretch = before.and_then(|before| Stretch::between(before, end));
        for place in between {
            let is_close = stretch.as_ref().filter(|_| is_sane(place.1, place.2));
            let is_close = is_close.is_some_and(|stretch| {
                let (low, high) = stretch.across_m(direction(place.1, place.2));
                let miss = |across_m: f64| guide.miss_m(across_m, column.shift_m);
                miss(low) <= 0.0 && miss(high) <= 0.0
            });
            if !is_close {
                compare(*place);
            }
        }
        before = Some(end);
    }
    let (miss, line, across_m) = worst;
    if miss <= 0.0 {
        return Ok(());
    }
    let at = |values: &[f64]| values.get(line).copied().unwrap_or(f64::NAN);
    let expected = match guide {
        Guide::Centre => "its middle has to lie within 2 km of the track",
        Guide::LeftEdge => "its inner edge has to lie within 15 km left of the track",
        Guide::RightEdge => "its inner edge has to lie within 15 km right of the track",
    };
    Err(Refusal::Geometry(format!(
        "it does not lie on pass {} of the {phase} orbit: line {line} at {:.4} E, {:.4} N is {:.1} km from the track, \
         and {expected}",
        half_orbit.pass,
        at(&column.longitudes),
        at(&column.latitudes),
        across_m.abs() / 1000.0,
    )))
}

/// A place as a unit vector.
type Vector = [f64; 3];

fn direction(longitude: f64, latitude: f64) -> Vector {
    let (lon, lat) = (longitude.to_radians(), latitude.to_radians());
    [lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()]
}

fn dot(a: Vector, b: Vector) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn scaled(vector: Vector) -> Option<Vector> {
    let length = dot(vector, vector).sqrt();
    (length > 1e-9).then(|| vector.map(|part| part / length))
}

/// The great circle between two places that were compared with the track.
struct Stretch {
    normal: Vector,
    middle: Vector,
    /// Cosine of the angle from the middle to either end.
    reach: f64,
    /// The least and the greatest distance of its ends from the track.
    ends_m: (f64, f64),
}

impl Stretch {
    /// Between two places, each with its distance from the track; `None` if they lie too far apart, or on one another.
    fn between((a_m, a): (f64, Vector), (b_m, b): (f64, Vector)) -> Option<Self> {
        let normal = scaled([
            a[1] * b[2] - a[2] * b[1],
            a[2] * b[0] - a[0] * b[2],
            a[0] * b[1] - a[1] * b[0],
        ])?;
        let middle = scaled([a[0] + b[0], a[1] + b[1], a[2] + b[2]])?;
        let reach = dot(a, middle).min(dot(b, middle));
        let is_short = reach >= (STRETCH_M / 2.0 / EARTH_RADIUS_M).cos();
        let ends_m = (a_m.min(b_m), a_m.max(b_m));
        (is_short && ends_m.0.is_finite() && ends_m.1.is_finite()).then_some(Self {
            normal,
            middle,
            reach,
            ends_m,
        })
    }

    /// Between which distances from the track a place lies; all of them, if it does not lie between the ends.
    fn across_m(&self, place: Vector) -> (f64, f64) {
        if dot(place, self.middle) < self.reach {
            return (f64::NEG_INFINITY, f64::INFINITY);
        }
        let aside_m = dot(place, self.normal).abs() * EARTH_RADIUS_M + BEND_M;
        (self.ends_m.0 - aside_m, self.ends_m.1 + aside_m)
    }
}

#[cfg(test)]
mod tests;
