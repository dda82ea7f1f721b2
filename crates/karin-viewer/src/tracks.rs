//! Which parts of which passes lie near a place, by the orbit model: nothing is read.

use std::ops::Range;

use karin_core::geo::wrap_180;
use karin_core::orbit::{FixedGrid, Lines, SwathSide};
use karin_core::{LonLatBox, Orbit, PassNumber, Phase, Product};

use crate::archive::Group;

/// Metres between samples of the track.
pub const STEP_M: f64 = 64e3;
/// Half the width of the swath that is drawn, in metres.
pub const HALF_WIDTH_M: f64 = 60e3;
/// How far from the samples of a pass its cells may lie: half the swath (pixels reach to 68 km) and half a step, with
/// room for granules that lie a little beside the model.
const REACH_M: f64 = 90e3;
const METRES_PER_DEGREE: f64 = 111_195.0;

/// The tracks of the passes of a phase, sampled: ascending ones are all alike but for their longitude, and so are
/// descending ones.
#[derive(Debug)]
pub struct Tracks {
    halves: [Half; 2],
    /// Degrees by which each pass lies east of the first one of its direction.
    turns: Vec<f64>,
}

/// Samples of a track and of the edges of its swath, of the first pass of a direction.
#[derive(Debug)]
pub struct Half {
    /// Metres along.
    pub along: Vec<f64>,
    /// Seconds since the start of the pass.
    pub seconds: Vec<f64>,
    /// Degrees east and north: left edge, nadir, right edge. Longitudes run on across the antimeridian.
    pub places: [Vec<(f64, f64)>; 3],
}

/// A part of the globe between meridians and parallels.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Degrees east of its western edge.
    pub west: f64,
    /// Degrees that it is wide.
    pub width: f64,
    /// Degrees north of its southern edge.
    pub south: f64,
    /// Degrees north of its northern edge.
    pub north: f64,
}

impl Window {
    /// That place alone.
    pub fn at(longitude: f64, latitude: f64) -> Self {
        Self {
            west: longitude,
            width: 0.0,
            south: latitude,
            north: latitude,
        }
    }

    /// The inside of a box.
    pub fn of(bounds: &LonLatBox) -> Self {
        Self {
            west: bounds.west(),
            width: bounds.width(),
            south: bounds.south(),
            north: bounds.north(),
        }
    }
}

impl Half {
    fn of(orbit: &Orbit, pass: PassNumber) -> Self {
        let length = orbit.length_m(pass);
        let steps = (length / STEP_M).ceil() as usize;
        let along: Vec<f64> = (0..=steps)
            .map(|step| length * step as f64 / steps as f64)
            .collect();
        let seconds = along
            .iter()
            .map(|along| orbit.position(pass, *along).seconds)
            .collect();
        let mut start = None;
        let places = [-HALF_WIDTH_M, 0.0, HALF_WIDTH_M].map(|across| {
            // Every edge begins on the turn that the first one begins on.
            let mut before = start;
            let place = |along: &f64| {
                let (longitude, latitude) = orbit.point(pass, *along, across);
                let continued = before.map_or(wrap_180(longitude), |before| continued(longitude, before));
                before = Some(continued);
                (continued, latitude)
            };
            let places: Vec<(f64, f64)> = along.iter().map(place).collect();
            start = start.or(places.first().map(|place| place.0));
            places
        });
        Self {
            along,
            seconds,
            places,
        }
    }
}

/// The same longitude on the turn on which another one lies.
pub fn continued(longitude: f64, before: f64) -> f64 {
    longitude - 360.0 * ((longitude - before) / 360.0).round()
}

impl Tracks {
    /// Of a phase.
    pub fn of(phase: Phase) -> Self {
        let orbit = Orbit::of(phase);
        let start = |pass: u16| orbit.point(PassNumber(pass), 0.0, 0.0).0;
        let first = [start(1), start(2)];
        let turn = |pass: u16| wrap_180(start(pass) - if pass % 2 == 1 { first[0] } else { first[1] });
        Self {
            halves: [1, 2].map(|pass| Half::of(orbit, PassNumber(pass))),
            turns: (1..=phase.pass_count()).map(turn).collect(),
        }
    }

    /// The samples of a pass, and the degrees by which it lies east of them.
    pub fn of_pass(&self, pass: u16) -> (&Half, f64) {
        let [ascending, descending] = &self.halves;
        let turn = pass.checked_sub(1).and_then(|at| self.turns.get(usize::from(at)));
        (
            if pass % 2 == 1 { ascending } else { descending },
            turn.copied().unwrap_or(f64::NAN),
        )
    }

    /// The passes that come near a window, with the metres along them between which they do.
    pub fn near(&self, window: &Window) -> Vec<(u16, Range<f64>)> {
        let margin = REACH_M / METRES_PER_DEGREE;
        let (south, north) = (window.south - margin, window.north + margin);
        let mut found = Vec::new();
        for pass in 1..=self.turns.len() as u16 {
            let (half, turn) = self.of_pass(pass);
            let is_near = |&&(longitude, latitude): &&(f64, f64)| {
                if !(south..=north).contains(&latitude) {
                    return false;
                }
                let wide = margin / latitude.to_radians().cos().max(0.05);
                (longitude + turn - window.west + wide).rem_euclid(360.0) <= window.width + 2.0 * wide
            };
            let [_, nadir, _] = &half.places;
            let first = nadir.iter().position(|place| is_near(&place));
            let last = nadir.iter().rposition(|place| is_near(&place));
            let along = |at: Option<usize>| half.along.get(at?).copied();
            if let (Some(first), Some(last)) = (along(first), along(last)) {
                found.push((pass, first - STEP_M..last + STEP_M));
            }
        }
        found
    }
}

/// The lines of a group's granules along a pass, where the model knows them: `None` for crops and other grids.
pub fn lines_of(group: &Group, pass: u16) -> Option<Lines> {
    let swath = group.swaths.first()?;
    let orbit = Orbit::of(group.phase);
    let product = group.product?;
    let grid =
        |grid: FixedGrid| (swath.num_lines == grid.lines()).then(|| orbit.grid_lines(PassNumber(pass), grid));
    match product {
        _ if product.is_level2_ssh() && product.has_fixed_grid() => grid(FixedGrid::L2),
        _ if product.is_level3_ssh() && product.has_fixed_grid() => grid(FixedGrid::L3),
        // Lines of a side are spread from turn to turn, whatever their number.
        Product::L2Unsmoothed if swath.num_lines.abs_diff(SwathSide::LINES) < 2000 => Some(SwathSide::lines(
            orbit.length_m(PassNumber(pass)),
            swath.num_lines,
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_of_a_swath_lies_near_its_track() {
        let orbit = Orbit::of(Phase::Science);
        let tracks = Tracks::of(Phase::Science);
        for (pass, along, across) in [
            (1, 3.1e6, -68e3),
            (290, 9.8e6, 68e3),
            (583, 19.7e6, 60e3),
            (584, 1e4, -60e3),
            (7, 0.0, 0.0),
        ] {
            let (longitude, latitude) = orbit.point(PassNumber(pass), along, across);
            let window = Window {
                west: longitude - 0.001,
                width: 0.002,
                south: latitude - 0.001,
                north: latitude + 0.001,
            };
            let near = tracks.near(&window);
            assert!(
                near.iter()
                    .any(|(other, range)| *other == pass && range.contains(&along)),
                "{pass} {along}"
            );
            assert!(near.len() < 60, "{}", near.len());
        }
    }

    #[test]
    fn samples_of_a_pass_are_where_the_orbit_says() {
        let orbit = Orbit::of(Phase::Science);
        let tracks = Tracks::of(Phase::Science);
        for pass in [1, 2, 100, 291, 584] {
            let (half, turn) = tracks.of_pass(pass);
            for (across, places) in [-HALF_WIDTH_M, 0.0, HALF_WIDTH_M].into_iter().zip(&half.places) {
                for (along, (longitude, latitude)) in half.along.iter().zip(places).step_by(50) {
                    let (east, north) = orbit.point(PassNumber(pass), *along, across);
                    let off = continued(longitude + turn, east) - east;
                    assert!(
                        off.abs() < 1e-6 && (latitude - north).abs() < 1e-9,
                        "pass {pass}: {off}"
                    );
                }
            }
        }
    }
}
