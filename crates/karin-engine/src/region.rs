//! Which passes may touch a region, from the orbit alone.

use std::collections::HashMap;

use karin_core::{HalfOrbit, LonLatBox, Orbit, PassNumber, Phase, Region};

/// Metres from nadir that every swath stays within, with room for what the outline leaves out between its corners.
const HALF_WIDTH: f64 = 90_000.0;
/// Metres between corners of the outline.
const STEP: f64 = 50_000.0;

/// Remembers which passes of a region's phase are near it.
pub(crate) struct PassFilter<'a> {
    region: Option<&'a Region>,
    known: HashMap<(Phase, PassNumber), bool>,
}

impl<'a> PassFilter<'a> {
    pub(crate) fn new(region: Option<&'a Region>) -> Self {
        Self {
            region,
            known: HashMap::new(),
        }
    }

    /// False only if no pixel of the pass can lie in the region.
    pub(crate) fn may_touch(&mut self, half_orbit: HalfOrbit) -> bool {
        let (Some(region), Some(phase)) = (self.region, half_orbit.phase()) else {
            return true;
        };
        let touches = || touches(region, Orbit::of(phase), half_orbit.pass);
        *self.known.entry((phase, half_orbit.pass)).or_insert_with(touches)
    }
}

fn touches(region: &Region, orbit: &Orbit, pass: PassNumber) -> bool {
    let mut ring = orbit.outline(pass, HALF_WIDTH, STEP);
    ring.pop();
    let half = ring.len() / 2;
    let (left, right) = ring.split_at(half);
    let right: Vec<(f64, f64)> = right.iter().rev().copied().collect();
    let count = left.len().min(right.len());
    (1..count).any(|k| {
        let corners = [left[k - 1], left[k], right[k - 1], right[k]];
        let Some(part) = LonLatBox::around(corners) else {
            return true;
        };
        // Between corners the edge bulges by less than a kilometre; meridians converge towards the turns.
        let padded = LonLatBox::new(
            part.west() - 1.0,
            (part.south() - 0.2).max(-90.0),
            part.west() + part.width() + 1.0,
            (part.north() + 0.2).min(90.0),
        );
        padded.map_or(true, |padded| region.may_touch(&padded))
    })
}
