//! Which passes see a place, past and future: by the orbit alone.

use std::time::{SystemTime, UNIX_EPOCH};

use karin_core::orbit::{PassHit, Target};
use karin_core::time::format_instant;
use karin_core::{CycleNumber, Orbit, Phase, Selection, TimeRange};
use serde::Serialize;

/// One time that the place is seen.
#[derive(Clone, Debug, Serialize)]
pub struct PassRow {
    /// Phase of the mission.
    pub phase: Phase,
    /// Cycle.
    pub cycle_number: u16,
    /// Pass.
    pub pass_number: u16,
    /// When it is nearest, ISO 8601 to the second.
    pub time: String,
    /// `ascending` or `descending`.
    pub direction: &'static str,
    /// How far from nadir, in kilometres.
    pub distance_km: f64,
    /// `nadir` (within 10 km), `left` or `right` of the direction of flight.
    pub side: &'static str,
}

/// The passes that see a place, by phase and time: in the phases and the time of a selection, or as [`bounded`] where it
/// leaves the time open. `half_width` in metres: how far from nadir a place counts as seen.
pub fn passes_over(target: Target<'_>, selection: &Selection, half_width: f64) -> Vec<PassRow> {
    let (from, to) = bounded(selection.time);
    let range = TimeRange::new(from, to);
    let phases = selection
        .phase
        .map_or(vec![Phase::CalVal, Phase::Science], |phase| vec![phase]);
    let rows = phases.into_iter().flat_map(|phase| {
        let hits = Orbit::of(phase).passes_over(target, range, half_width);
        hits.into_iter().map(move |hit| row(phase, &hit))
    });
    rows.collect()
}

/// From when to when to look. Where the range is open at an end, or none is given: from the first cycle of the mission
/// or from now, to one cycle of the science phase later (counted from now, if the start lies before).
pub fn bounded(range: Option<TimeRange>) -> (f64, f64) {
    const EPOCH: f64 = 946_684_800.0;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64() - EPOCH);
    let science = Orbit::of(Phase::Science);
    let cycle = science.cycle_start(CycleNumber(2)) - science.cycle_start(CycleNumber(1));
    let start = range.map_or(now, |range| range.start.unwrap_or_else(first_cycle));
    (
        start,
        range
            .and_then(|range| range.end)
            .unwrap_or(start.max(now) + cycle),
    )
}

/// When the first cycle of the mission begins, in seconds since 2000-01-01.
pub fn first_cycle() -> f64 {
    Orbit::of(Phase::CalVal).cycle_start(Phase::CalVal.first_cycle())
}

fn row(phase: Phase, hit: &PassHit) -> PassRow {
    // A tenth of a kilometre is what a reader can use.
    let distance_km = (hit.across_m.abs() / 100.0).round() / 10.0;
    let side = match hit.across_m {
        across if across.abs() < 10e3 => "nadir",
        across if across < 0.0 => "left",
        _ => "right",
    };
    PassRow {
        phase,
        cycle_number: hit.half_orbit.cycle.0,
        pass_number: hit.half_orbit.pass.0,
        time: format_instant(hit.time.round()),
        direction: if hit.half_orbit.pass.is_ascending() {
            "ascending"
        } else {
            "descending"
        },
        distance_km,
        side,
    }
}
