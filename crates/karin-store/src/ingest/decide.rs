//! What becomes of a granule that meets another one of its half orbit.

use karin_core::Version;

use crate::{GranuleFacts, GranuleState};

/// What became of a granule.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// There was none of its half orbit.
    Added,
    /// It took the place of an older one, or of a partial one.
    Replaced {
        /// Version that was there.
        there: Version,
    },
    /// Its lines joined those of another part of the same granule.
    Merged,
    /// The same file is there already.
    AlreadyThere,
    /// A later version is there; this one was not stored.
    Older {
        /// Version that is there.
        there: Version,
    },
    /// The whole granule is there; this part of it was not stored.
    WholeThere,
    /// Another writer stored the same version with other content since it was put; this one was not stored.
    OtherThere,
}

impl Outcome {
    /// True if the collection holds its values because of it.
    pub const fn is_stored(&self) -> bool {
        matches!(self, Self::Added | Self::Replaced { .. } | Self::Merged)
    }
}

/// What to do with a granule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Store it (merge it for [`Outcome::Merged`]) or leave it.
    Take(Outcome),
    /// Same version, other content.
    Refuse,
}

/// The rules of versions. `known` tells whether the file is one that the granule there came from.
pub(super) fn decide(
    there: Option<&GranuleFacts>,
    state: GranuleState,
    version: &Version,
    known: bool,
    replace: bool,
) -> Decision {
    let Some(there) = there else {
        return Decision::Take(Outcome::Added);
    };
    let old = || there.version.clone();
    let order = version.cmp(&there.version);
    let outcome = match (there.state, state) {
        _ if order.is_eq() && known => Outcome::AlreadyThere,
        (GranuleState::Whole, GranuleState::Partial) => Outcome::WholeThere,
        (GranuleState::Partial, GranuleState::Whole) => Outcome::Replaced { there: old() },
        _ if order.is_gt() => Outcome::Replaced { there: old() },
        _ if order.is_lt() => Outcome::Older { there: old() },
        (GranuleState::Partial, GranuleState::Partial) => Outcome::Merged,
        (GranuleState::Whole, GranuleState::Whole) if replace => Outcome::Replaced { there: old() },
        (GranuleState::Whole, GranuleState::Whole) => return Decision::Refuse,
    };
    Decision::Take(outcome)
}

/// What becomes of a granule that meets one of its half orbit in the other group, virtual beside copied; `None` if it
/// takes its place. A half orbit is in one of both groups only; of one version, the copy is kept.
pub(super) fn beside(
    there: &GranuleFacts,
    state: GranuleState,
    version: &Version,
    is_virtual: bool,
) -> Option<Outcome> {
    let old = || there.version.clone();
    match (there.state, state) {
        (GranuleState::Partial, GranuleState::Whole) => None,
        (GranuleState::Whole, GranuleState::Partial) => Some(Outcome::WholeThere),
        _ if *version < there.version => Some(Outcome::Older { there: old() }),
        _ if *version == there.version && is_virtual => Some(Outcome::AlreadyThere),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use karin_core::HalfOrbit;

    use super::*;

    fn there(state: GranuleState, version: &str) -> GranuleFacts {
        GranuleFacts {
            half_orbit: HalfOrbit::new(1, 1),
            state,
            version: Version::parse(version),
            size: 1,
            checksum: [0; 32],
            time_start: 0.0,
            time_end: 1.0,
            ingested: 2.0,
            own_geometry: false,
            counts: Vec::new(),
            document_size: 0,
        }
    }

    #[test]
    fn a_half_orbit_is_virtual_or_copied() {
        use GranuleState::{Partial, Whole};
        let meets = |old: (GranuleState, &str), state, version: &str, is_virtual| {
            beside(&there(old.0, old.1), state, &Version::parse(version), is_virtual)
        };
        let already = Some(Outcome::AlreadyThere);
        assert_eq!(
            meets((Whole, "PIC0_01"), Whole, "PIC0_01", true),
            already,
            "copied stays"
        );
        assert_eq!(
            meets((Whole, "PIC0_01"), Whole, "PIC0_01", false),
            None,
            "a copy takes the place"
        );
        assert_eq!(
            meets((Whole, "PIC0_01"), Whole, "PGC0_01", true),
            None,
            "a later version too"
        );
        let older = Outcome::Older {
            there: Version::parse("PGC0_01"),
        };
        assert_eq!(meets((Whole, "PGC0_01"), Whole, "PIC0_01", false), Some(older));
        assert_eq!(meets((Partial, "PGC0_01"), Whole, "PIC0_01", true), None);
        assert_eq!(
            meets((Whole, "PIC0_01"), Partial, "PGC0_01", false),
            Some(Outcome::WholeThere)
        );
    }

    #[test]
    fn the_rules_of_the_contract() {
        use GranuleState::{Partial, Whole};
        let take = |old: (GranuleState, &str), new: (GranuleState, &str), known, replace| {
            decide(
                Some(&there(old.0, old.1)),
                new.0,
                &Version::parse(new.1),
                known,
                replace,
            )
        };
        let replaced = |word: &str| {
            Decision::Take(Outcome::Replaced {
                there: Version::parse(word),
            })
        };
        let older = |word: &str| {
            Decision::Take(Outcome::Older {
                there: Version::parse(word),
            })
        };
        assert_eq!(
            decide(None, Whole, &Version::parse("PIC0_01"), false, false),
            Decision::Take(Outcome::Added)
        );
        assert_eq!(
            take((Whole, "PIC0_01"), (Whole, "PGC0_01"), false, false),
            replaced("PIC0_01")
        );
        assert_eq!(
            take((Whole, "PIC0_01"), (Whole, "PIC0_02"), false, false),
            replaced("PIC0_01")
        );
        assert_eq!(
            take((Whole, "v2.0.1"), (Whole, "v2.0"), false, true),
            older("v2.0.1")
        );
        assert_eq!(
            take((Whole, "v2.0"), (Whole, "v2.0"), true, true),
            Decision::Take(Outcome::AlreadyThere)
        );
        assert_eq!(
            take((Whole, "v2.0"), (Whole, "v2.0"), false, false),
            Decision::Refuse
        );
        assert_eq!(
            take((Whole, "v2.0"), (Whole, "v2.0"), false, true),
            replaced("v2.0")
        );
        assert_eq!(
            take((Whole, "v2.0"), (Partial, "v2.0.1"), false, false),
            Decision::Take(Outcome::WholeThere)
        );
        assert_eq!(
            take((Partial, "v2.0.1"), (Whole, "v2.0"), false, false),
            replaced("v2.0.1")
        );
        assert_eq!(
            take((Partial, "v2.0"), (Partial, "v2.0"), false, false),
            Decision::Take(Outcome::Merged)
        );
        assert_eq!(
            take((Partial, "v2.0"), (Partial, "v2.0"), true, false),
            Decision::Take(Outcome::AlreadyThere)
        );
        assert_eq!(
            take((Partial, "v2.0"), (Partial, "v2.0.1"), false, false),
            replaced("v2.0")
        );
    }
}
