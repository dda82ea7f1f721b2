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

/// Checks a column line by line.
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
    let mut worst = (0.0, 0, 0.0);
    for (line, (&longitude, &latitude)) in column.longitudes.iter().zip(&column.latitudes).enumerate() {
        if longitude.is_nan() || latitude.is_nan() {
            continue;
        }
        let sane = longitude.abs() <= 720.0 && latitude.abs() <= 90.0;
        let across_m = if sane {
            orbit.cross_track(half_orbit.pass, longitude, latitude).1
        } else {
            f64::INFINITY
        };
        let miss = guide.miss_m(across_m, column.shift_m);
        if miss > worst.0 {
            worst = (miss, line, across_m);
        }
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
