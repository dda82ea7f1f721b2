//! A selection as cycles and passes, told by the orbit alone before any server is asked.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use karin_core::orbit::Target;
use karin_core::{
    CycleNumber, GranuleName, HalfOrbit, NumberList, Orbit, PassNumber, Phase, Product, Region, Selection,
    TimeRange, Version, VersionChoice,
};

use crate::AccessError;

/// How far from nadir a pass still sees a place, in metres: the swath ends at 60 km (64 km at the corners of 250 m
/// pixels), and the orbit is kept within a kilometre or two.
const HALF_WIDTH_M: f64 = 66e3;

/// Granules begin and end within so many seconds of the turns of their pass.
const MARGIN_S: f64 = 60.0;

/// This moment, in seconds since 2000-01-01 UTC.
pub fn now() -> f64 {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    unix.as_secs_f64() - 946_684_800.0
}

/// Which granules of a product are looked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The product.
    pub product: Product,
    /// Which processing.
    pub version: VersionChoice,
    /// The passes of each cycle that may hold something.
    cycles: BTreeMap<u16, NumberList>,
    time: Option<TimeRange>,
    pub(crate) region: Option<Region>,
    /// True if every pass of each cycle is wanted.
    pub(crate) is_whole: bool,
}

impl Wanted {
    /// What a selection asks for, as far as there were cycles until `now` (seconds since 2000-01-01). A place and a
    /// time become cycles and passes here.
    ///
    /// # Errors
    /// If the selection names no product.
    pub fn of(selection: &Selection, now: f64) -> Result<Self, AccessError> {
        let Some(product) = selection.product else {
            return Err(AccessError::option(
                "PRODUCT",
                "name a product, as L2_LR_SSH_Expert",
            ));
        };
        let mut wanted = Self {
            product,
            version: selection.version.clone(),
            cycles: BTreeMap::new(),
            time: selection.time,
            region: selection.region.clone(),
            is_whole: selection.passes.is_none() && selection.region.is_none() && selection.time.is_none(),
        };
        for phase in [Phase::Science, Phase::CalVal] {
            if selection.phase.is_none_or(|asked| asked == phase) {
                wanted.add(phase, selection, now);
            }
        }
        Ok(wanted)
    }

    fn add(&mut self, phase: Phase, selection: &Selection, now: f64) {
        let orbit = Orbit::of(phase);
        let seen: Vec<PassNumber> = match &selection.region {
            Some(region) => {
                let views = orbit.passes_seeing(Target::Region(region), HALF_WIDTH_M);
                views.iter().map(|view| view.pass).collect()
            }
            None => (1..=phase.pass_count()).map(PassNumber).collect(),
        };
        let time = selection.time.unwrap_or(TimeRange {
            start: None,
            end: None,
        });
        for cycle in (phase.first_cycle().0..=phase.last_cycle().0).map(CycleNumber) {
            let is_listed = selection
                .cycles
                .as_ref()
                .is_none_or(|list| list.contains(cycle.0));
            if !is_listed || orbit.cycle_start(cycle) > now {
                continue;
            }
            let passes: NumberList = (seen.iter().copied())
                .map(|pass| HalfOrbit { cycle, pass })
                .filter(|half_orbit| selection.includes(*half_orbit))
                .filter(|half_orbit| {
                    let (from, to) = (orbit.pass_start(*half_orbit), orbit.pass_end(*half_orbit));
                    time.overlaps(from - MARGIN_S, to + MARGIN_S)
                })
                .map(|half_orbit| half_orbit.pass.0)
                .collect();
            if !passes.is_empty() {
                self.cycles.insert(cycle.0, passes);
            }
        }
    }

    /// The cycles, and the passes of each.
    pub fn cycles(&self) -> impl ExactSizeIterator<Item = (u16, &NumberList)> {
        self.cycles.iter().map(|(cycle, passes)| (*cycle, passes))
    }

    /// True if a cycle may hold something.
    pub(crate) fn has_cycle(&self, cycle: u16) -> bool {
        self.cycles.contains_key(&cycle)
    }

    /// True if a granule is looked for: product, cycle, pass and time; and its version, if one is asked for.
    pub(crate) fn includes(&self, name: &GranuleName) -> bool {
        let half_orbit = name.half_orbit;
        let is_listed =
            (self.cycles.get(&half_orbit.cycle.0)).is_some_and(|list| list.contains(half_orbit.pass.0));
        // The end that a name tells is rounded down to the second.
        let overlaps = self
            .time
            .is_none_or(|time| time.overlaps(name.start, name.end + 1.0));
        name.product == self.product && is_listed && overlaps && self.takes(&name.version)
    }

    /// True if a granule of a product and version is not ruled out by them.
    pub fn may_be(&self, product: Product, version: &Version) -> bool {
        product == self.product && self.takes(version)
    }

    /// True if a version is not ruled out.
    pub(crate) fn takes(&self, version: &Version) -> bool {
        match &self.version {
            VersionChoice::Matching(pattern) => pattern.matches(version),
            VersionChoice::Best | VersionChoice::All => true,
        }
    }

    /// First and last moment of what is looked for; `None` without any.
    pub(crate) fn period(&self) -> Option<(f64, f64)> {
        let starts = self.cycles.keys().flat_map(|cycle| {
            let orbit = Phase::of_cycle(CycleNumber(*cycle)).map(Orbit::of);
            let edges = [CycleNumber(*cycle), CycleNumber(cycle + 1)];
            orbit
                .into_iter()
                .flat_map(move |orbit| edges.map(|cycle| orbit.cycle_start(cycle)))
        });
        // Cal/val comes first in time and last in numbers.
        let (from, to) = starts.fold((f64::INFINITY, f64::NEG_INFINITY), |(from, to), start| {
            (from.min(start), to.max(start))
        });
        if from > to {
            return None;
        }
        let asked = self.time.unwrap_or(TimeRange {
            start: None,
            end: None,
        });
        Some((
            asked.start.map_or(from, |start| start.max(from)),
            asked.end.map_or(to, |end| end.min(to)),
        ))
    }
}

#[cfg(test)]
mod tests {
    use karin_core::time::format_instant;

    use super::*;

    const NOW: f64 = 820e6;

    fn wanted(selection: Selection) -> Wanted {
        Wanted::of(&selection, NOW).unwrap()
    }

    fn builder() -> karin_core::SelectionBuilder {
        Selection::builder().product("L2_LR_SSH_Expert").unwrap()
    }

    #[test]
    fn a_place_and_a_time_become_cycles_and_passes() {
        let selection = builder()
            .bbox("10,-45,30,-30")
            .unwrap()
            .time("2024-01")
            .unwrap()
            .build()
            .unwrap();
        let wanted = wanted(selection.clone());
        let cycles: Vec<u16> = wanted.cycles().map(|(cycle, _)| cycle).collect();
        assert_eq!(cycles, [8, 9, 10]);
        // Every time that the orbit sees the place then, and no pass that never does.
        let region = selection.region.as_ref().unwrap();
        let orbit = Orbit::of(Phase::Science);
        let hits = orbit.passes_over(Target::Region(region), selection.time.unwrap(), 60e3);
        assert!(hits.len() > 50);
        for hit in hits {
            let cycle = wanted.cycles.get(&hit.half_orbit.cycle.0).unwrap();
            assert!(cycle.contains(hit.half_orbit.pass.0), "{}", hit.half_orbit);
        }
        let all: usize = wanted.cycles().map(|(_, passes)| passes.len()).sum();
        assert!(all < 150, "{all} passes are many for 20 degrees in a month");
    }

    #[test]
    fn nothing_lies_in_the_future() {
        let whole = wanted(builder().build().unwrap());
        assert!(whole.is_whole);
        let last = whole
            .cycles()
            .map(|(cycle, _)| cycle)
            .filter(|cycle| *cycle < 400)
            .max()
            .unwrap();
        assert!(Orbit::of(Phase::Science).cycle_start(CycleNumber(last)) <= NOW);
        assert!(Orbit::of(Phase::Science).cycle_start(CycleNumber(last + 1)) > NOW);
        let (from, to) = whole.period().unwrap();
        assert!(from < Orbit::of(Phase::CalVal).cycle_start(CycleNumber(403)) && to > NOW - 1e6);
    }

    #[test]
    fn a_granule_is_wanted_by_product_half_orbit_time_and_version() {
        let half_orbit = HalfOrbit::new(10, 13);
        let orbit = Orbit::of(Phase::Science);
        let (start, end) = (
            orbit.pass_start(half_orbit).floor(),
            orbit.pass_end(half_orbit).floor(),
        );
        let granule = GranuleName {
            product: Product::L2Expert,
            half_orbit,
            start,
            end,
            version: Version::parse("PIC0_01"),
            variant: String::new(),
        };
        let between = |from: f64, to: f64| format!("{}..{}", format_instant(from), format_instant(to));
        let is_wanted =
            |builder: karin_core::SelectionBuilder| wanted(builder.build().unwrap()).includes(&granule);
        assert!(is_wanted(builder()));
        assert!(is_wanted(builder().cycles("10").unwrap().passes("13").unwrap()));
        assert!(!is_wanted(builder().passes("14").unwrap()));
        assert!(is_wanted(builder().time(&between(end - 9.0, end + 9e4)).unwrap()));
        assert!(!is_wanted(
            builder().time(&between(end + 9.0, end + 9e4)).unwrap()
        ));
        assert!(is_wanted(builder().version("PIC?").unwrap()));
        assert!(!is_wanted(builder().version("D").unwrap()));
        assert!(!is_wanted(
            Selection::builder().product("L2_LR_SSH_Basic").unwrap()
        ));
    }

    #[test]
    fn a_product_is_needed() {
        assert!(Wanted::of(&Selection::default(), NOW).is_err());
    }
}
