//! Which parts of which passes lie near a place, by the orbit model: nothing is read.

use std::ops::Range;

use karin_core::orbit::{FixedGrid, Lines, SwathSide};
use karin_core::{Orbit, PassNumber, Phase, Product};

use crate::archive::Group;

/// Metres between samples of the track.
pub const STEP_M: f64 = 64e3;
/// Half the width of the swath that is drawn, in metres.
pub const HALF_WIDTH_M: f64 = 60e3;
/// How far from the samples of a pass its cells may lie: half the swath (pixels reach to 68 km) and half a step, with
/// room for granules that lie a little beside the model.
const REACH_M: f64 = 90e3;
const METRES_PER_DEGREE: f64 = 111_195.0;

/// The tracks of the passes of a phase, sampled.
#[derive(Debug)]
pub struct Tracks {
    passes: Vec<Track>,
}

/// Samples of one track: metres along it, degrees east and north.
#[derive(Debug)]
pub struct Track {
    /// The pass.
    pub pass: u16,
    /// Samples.
    pub samples: Vec<(f64, f64, f64)>,
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

impl Tracks {
    /// Of a phase.
    pub fn of(phase: Phase) -> Self {
        let orbit = Orbit::of(phase);
        let track = |pass: u16| {
            let length = orbit.length_m(PassNumber(pass));
            let steps = (length / STEP_M).ceil() as usize;
            let samples = (0..=steps).map(|step| {
                let along = length * step as f64 / steps as f64;
                let (longitude, latitude) = orbit.point(PassNumber(pass), along, 0.0);
                (along, longitude, latitude)
            });
            Track {
                pass,
                samples: samples.collect(),
            }
        };
        Self {
            passes: (1..=phase.pass_count()).map(track).collect(),
        }
    }

    /// Samples of the longest track.
    pub fn samples(&self) -> usize {
        self.passes
            .iter()
            .map(|track| track.samples.len())
            .max()
            .unwrap_or(0)
    }

    /// The passes that come near a window, with the metres along them between which they do.
    pub fn near(&self, window: &Window) -> Vec<(u16, Range<f64>)> {
        let margin = REACH_M / METRES_PER_DEGREE;
        let (south, north) = (window.south - margin, window.north + margin);
        let near = |&(_, longitude, latitude): &&(f64, f64, f64)| {
            if !(south..=north).contains(&latitude) {
                return false;
            }
            let wide = margin / latitude.to_radians().cos().max(0.05);
            (longitude - window.west + wide).rem_euclid(360.0) <= window.width + 2.0 * wide
        };
        let found = self.passes.iter().filter_map(|track| {
            let first = track.samples.iter().find(near)?;
            let last = track.samples.iter().rfind(near)?;
            Some((track.pass, first.0 - STEP_M..last.0 + STEP_M))
        });
        found.collect()
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
}
