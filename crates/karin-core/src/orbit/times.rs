//! When cycles, passes and lines were, and will be.

use super::Orbit;
use crate::{CycleNumber, HalfOrbit, PassNumber};

/// Seconds since 2000-01-01 at which the cycles of a phase start (at the southern turn that begins pass 1).
#[derive(Debug)]
pub(super) struct CycleStarts {
    /// Cycle of the first entry.
    pub first: u16,
    /// One entry per cycle; NaN where the mission's table has none.
    pub seconds: &'static [f64],
}

impl CycleStarts {
    /// Mean length of a cycle.
    fn length(&self) -> f64 {
        let (Some(first), Some(last)) = (self.seconds.first(), self.seconds.last()) else {
            return f64::NAN;
        };
        (last - first) / (self.seconds.len() - 1) as f64
    }

    /// Tabulated, interpolated where the table has a gap, extrapolated before and after it.
    fn start(&self, cycle: i64) -> f64 {
        let (Some(&first), Some(&last)) = (self.seconds.first(), self.seconds.last()) else {
            return f64::NAN;
        };
        let index = cycle - i64::from(self.first);
        let count = self.seconds.len() as i64;
        if index < 0 {
            return first + index as f64 * self.length();
        }
        if index >= count {
            return last + (index - count + 1) as f64 * self.length();
        }
        let known = |index: i64| {
            let seconds = usize::try_from(index)
                .ok()
                .and_then(|index| self.seconds.get(index))
                .copied();
            seconds
                .filter(|seconds| seconds.is_finite())
                .map(|seconds| (index, seconds))
        };
        let before = (0..=index).rev().find_map(known).unwrap_or((0, first));
        let after = (index..count).find_map(known).unwrap_or((count - 1, last));
        if before.0 == after.0 {
            return before.1;
        }
        let part = (index - before.0) as f64 / (after.0 - before.0) as f64;
        before.1 + part * (after.1 - before.1)
    }
}

impl Orbit {
    /// When a cycle starts: seconds since 2000-01-01T00:00:00 UTC, at the southern turn that begins its pass 1.
    ///
    /// From the mission's own table where it has the cycle (cal/val 475 to 578, science 1 to 52); between entries
    /// interpolated; before and after by the mean length of a cycle.
    pub fn cycle_start(&self, cycle: CycleNumber) -> f64 {
        self.starts.start(i64::from(cycle.0))
    }

    /// When a pass starts: at its first turn.
    pub fn pass_start(&self, half_orbit: HalfOrbit) -> f64 {
        self.turn_time(half_orbit.cycle, i64::from(half_orbit.pass.0) - 1)
    }

    /// When a pass ends, which is when the next one starts.
    pub fn pass_end(&self, half_orbit: HalfOrbit) -> f64 {
        self.turn_time(half_orbit.cycle, i64::from(half_orbit.pass.0))
    }

    /// When the satellite is `along_m` metres from the first turn of a pass.
    pub fn time_along(&self, half_orbit: HalfOrbit, along_m: f64) -> f64 {
        let half = self.half(half_orbit.pass);
        let seconds = half.seconds_at(half.revolution_at(along_m));
        let (start, end) = (self.pass_start(half_orbit), self.pass_end(half_orbit));
        start + seconds * (end - start) / (0.5 * self.template.period)
    }

    /// The half orbits that overlap the time from `from` to `to` (seconds since 2000-01-01), in order.
    pub fn half_orbits(&self, from: f64, to: f64) -> impl Iterator<Item = HalfOrbit> {
        let last_cycle = self.phase.last_cycle();
        let passes = self.phase.pass_count();
        let cycles = (self.phase.first_cycle().0..=last_cycle.0).map(CycleNumber);
        let inside = cycles.filter(move |&cycle| {
            self.cycle_start(cycle) < to && self.turn_time(cycle, i64::from(passes)) > from
        });
        let half_orbits = inside.flat_map(move |cycle| {
            (1..=passes).map(move |pass| HalfOrbit {
                cycle,
                pass: PassNumber(pass),
            })
        });
        half_orbits
            .filter(move |&half_orbit| self.pass_start(half_orbit) < to && self.pass_end(half_orbit) > from)
    }

    /// Time of turn `turn` of a cycle (0 = its start): the cycle is divided evenly, so that the drift of its start
    /// (which real granules follow to 0.4 s) is shared by all passes.
    fn turn_time(&self, cycle: CycleNumber, turn: i64) -> f64 {
        let (start, end) = (
            self.starts.start(i64::from(cycle.0)),
            self.starts.start(i64::from(cycle.0) + 1),
        );
        start + (end - start) * turn as f64 / f64::from(self.phase.pass_count())
    }
}
