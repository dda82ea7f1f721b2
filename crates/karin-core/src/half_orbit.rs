//! Cycles, passes, and the two phases of the mission.

use serde::{Deserialize, Serialize};

/// Number of a repeat cycle: 1.. in the science phase, 402..=578 in cal/val.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CycleNumber(pub u16);

/// Number of a pass (half orbit) within its cycle: 1..=584 (science), 1..=28 (cal/val); odd = ascending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PassNumber(pub u16);

/// One half orbit: the identity of a granule within its product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HalfOrbit {
    /// Cycle.
    pub cycle: CycleNumber,
    /// Pass.
    pub pass: PassNumber,
}

/// The two orbits that SWOT has flown. A pass number means another track in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// One-day repeat, 28 passes, cycles 402 to 578 (until 2023-07-10).
    CalVal,
    /// 21-day repeat, 584 passes, cycles from 1 (since 2023-07-21).
    Science,
}

impl Phase {
    /// First cycle number: cycle index 0.
    pub const fn first_cycle(self) -> CycleNumber {
        match self {
            Self::CalVal => CycleNumber(402),
            Self::Science => CycleNumber(1),
        }
    }

    /// Last cycle number that belongs to the phase (science: by convention of the mission, 399).
    pub const fn last_cycle(self) -> CycleNumber {
        match self {
            Self::CalVal => CycleNumber(578),
            Self::Science => CycleNumber(399),
        }
    }

    /// Passes in a cycle: the length of the pass axis.
    pub const fn pass_count(self) -> u16 {
        match self {
            Self::CalVal => 28,
            Self::Science => 584,
        }
    }

    /// `calval` or `science`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CalVal => "calval",
            Self::Science => "science",
        }
    }

    /// The phase that a cycle belongs to; `None` for numbers that neither has.
    pub const fn of_cycle(cycle: CycleNumber) -> Option<Self> {
        match cycle.0 {
            1..=399 => Some(Self::Science),
            402..=578 => Some(Self::CalVal),
            _ => None,
        }
    }
}

impl std::fmt::Display for Phase {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

impl CycleNumber {
    /// Index on the cycle axis of its phase; `None` outside it.
    pub fn index(self, phase: Phase) -> Option<usize> {
        let inside = (phase.first_cycle()..=phase.last_cycle()).contains(&self);
        inside.then(|| usize::from(self.0 - phase.first_cycle().0))
    }
}

impl PassNumber {
    /// Index on the pass axis; `None` outside it.
    pub fn index(self, phase: Phase) -> Option<usize> {
        (1..=phase.pass_count())
            .contains(&self.0)
            .then(|| usize::from(self.0 - 1))
    }

    /// Odd passes ascend, from south to north.
    pub const fn is_ascending(self) -> bool {
        self.0 % 2 == 1
    }
}

impl HalfOrbit {
    /// Cycle and pass.
    pub const fn new(cycle: u16, pass: u16) -> Self {
        Self {
            cycle: CycleNumber(cycle),
            pass: PassNumber(pass),
        }
    }

    /// The phase of its cycle.
    pub const fn phase(self) -> Option<Phase> {
        Phase::of_cycle(self.cycle)
    }
}

impl std::fmt::Display for CycleNumber {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:03}", self.0)
    }
}

impl std::fmt::Display for PassNumber {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:03}", self.0)
    }
}

/// `026_165`, as in granule names.
impl std::fmt::Display for HalfOrbit {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}_{}", self.cycle, self.pass)
    }
}
