//! Which pixel of a granule lies nearest to a place.

use std::ops::Range;

use karin::engine::{Engine, Piece};
use karin_core::{Orbit, PassNumber};

use crate::archive::Group;
use crate::ask::distance_m;
use crate::http::problem::Problem;
use crate::tracks::{Tracks, Window, lines_of};

/// How far from nadir places are looked for, in metres: the outermost pixels lie at 68 km.
const SWATH_M: f64 = 77e3;
/// Lines before and after the one that the model says: 60 km.
const AROUND_M: f64 = 60e3;
/// Lines that are read at a time where the model knows nothing.
const BLOCK: usize = 4096;

/// A pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pixel {
    /// Line of the granule.
    pub line: usize,
    /// Pixel of the line.
    pub pixel: usize,
    /// Degrees east of its centre, as stored.
    pub longitude: f64,
    /// Degrees north.
    pub latitude: f64,
    /// Metres from the place that was asked for.
    pub distance_m: f64,
}

/// The passes whose swath may see a place, in order; also a little beyond the turns, where granules begin and end.
pub fn passes_seeing(tracks: &Tracks, group: &Group, longitude: f64, latitude: f64) -> Vec<u16> {
    let orbit = Orbit::of(group.phase);
    let near = tracks.near(&Window::at(longitude, latitude));
    let sees = |pass: &u16| {
        let (_, across) = orbit.cross_track(PassNumber(*pass), longitude, latitude);
        across.abs() <= SWATH_M
    };
    near.into_iter().map(|(pass, _)| pass).filter(sees).collect()
}

/// The pixel nearest to a place, if its centre lies within reach: three quarters of a diagonal.
///
/// # Errors
/// If the granule cannot be read.
pub fn nearest(
    group: &Group,
    engine: &Engine<'_>,
    piece: &Piece,
    swath: &str,
    (longitude, latitude): (f64, f64),
) -> Result<Option<Pixel>, Problem> {
    let (dataset, swath) = engine.swath_of(piece, swath)?;
    let mut best: Option<Pixel> = None;
    for lines in candidates(group, piece, swath.num_lines, (longitude, latitude)) {
        let (longitudes, latitudes) = swath.positions(dataset.as_ref(), lines.clone())?;
        let near_m = best.map_or(f64::INFINITY, |best| best.distance_m);
        let found = scan(&longitudes, &latitudes, (longitude, latitude), near_m);
        if let Some((at, distance_m)) = found {
            best = Some(Pixel {
                line: lines.start + at / swath.num_pixels,
                pixel: at % swath.num_pixels,
                longitude: longitudes.get(at).copied().unwrap_or(f64::NAN),
                latitude: latitudes.get(at).copied().unwrap_or(f64::NAN),
                distance_m,
            });
        }
    }
    let reach = 1.5 * group.resolution_m();
    Ok(best.filter(|best| best.distance_m <= reach))
}

/// The lines that may hold it: few where the model knows them, else all, block by block.
fn candidates(
    group: &Group,
    piece: &Piece,
    count: usize,
    (longitude, latitude): (f64, f64),
) -> Vec<Range<usize>> {
    let model = piece.half_orbit.and_then(|half_orbit| {
        let lines = lines_of(group, half_orbit.pass.0)?;
        let (along, _) =
            Orbit::of(group.phase).cross_track(PassNumber(half_orbit.pass.0), longitude, latitude);
        let line = |metres: f64| ((metres - lines.first_m) / lines.step_m).clamp(0.0, count as f64) as usize;
        Some(line(along - AROUND_M)..(line(along + AROUND_M) + 1).min(count))
    });
    match model {
        Some(lines) => vec![lines],
        None => (0..count)
            .step_by(BLOCK)
            .map(|start| start..count.min(start + BLOCK))
            .collect(),
    }
}

/// The nearest of some places, if nearer than that.
fn scan(longitudes: &[f64], latitudes: &[f64], place: (f64, f64), near_m: f64) -> Option<(usize, f64)> {
    // The square of the distance in degrees is enough to choose by; only what is near is measured.
    let scale = place.1.to_radians().cos();
    let rough = |longitude: f64, latitude: f64| {
        let turn = (longitude - place.0) / 360.0;
        let east = 360.0 * (turn - turn.round()) * scale;
        east * east + (latitude - place.1) * (latitude - place.1)
    };
    let mut best: Option<(usize, f64)> = None;
    for (at, (&longitude, &latitude)) in longitudes.iter().zip(latitudes).enumerate() {
        let square = rough(longitude, latitude);
        if square.is_finite() && best.is_none_or(|(_, least)| square < least) {
            best = Some((at, square));
        }
    }
    let (at, _) = best?;
    let distance = distance_m(place, (longitudes.get(at).copied()?, latitudes.get(at).copied()?));
    (distance < near_m).then_some((at, distance))
}
