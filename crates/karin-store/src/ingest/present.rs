//! What becomes of a granule, as far as the snapshot and what waits for the commit tell. The commit asks again.

use karin_core::{GranuleName, HalfOrbit};

use super::decide::{Decision, Outcome, beside, decide};
use super::granule::Refusal;
use super::{IncomingGranule, Ingest, Pending, known};
use crate::facts::view::{At, View};
use crate::{GranuleFacts, GranuleState, GroupKey, Origin, StoreError};

impl Ingest<'_> {
    /// What putting a granule comes to.
    ///
    /// # Errors
    /// If another one of its version is there, or the collection cannot be read.
    pub(super) fn outcome(
        &self,
        key: GroupKey,
        granule: &IncomingGranule<'_>,
        state: GranuleState,
    ) -> Result<Outcome, Refusal> {
        let (half_orbit, version) = (granule.name.half_orbit, &granule.name.version);
        let (there, known) = self.there(key, half_orbit, &granule.checksum)?;
        let again = || Outcome::Replaced {
            there: version.clone(),
        };
        let outcome = match decide(there.as_ref(), state, version, known, self.options.replace) {
            Decision::Take(Outcome::AlreadyThere)
                if self.lies_elsewhere(key, half_orbit, granule.origin)? =>
            {
                again()
            }
            Decision::Take(outcome) => outcome,
            Decision::Refuse if self.is_lost(key, half_orbit, granule.origin)? => again(),
            Decision::Refuse => return Err(conflict(granule.name)),
        };
        let Some(other) = self.beside(key, half_orbit)? else {
            return Ok(outcome);
        };
        let stays = beside(&other, state, version, key.is_virtual);
        Ok(match (stays, outcome) {
            (Some(stays), _) => stays,
            (None, Outcome::Added) => Outcome::Replaced { there: other.version },
            (None, outcome) => outcome,
        })
    }

    /// A group as it is in the snapshot, if it is there.
    fn view(&self, key: GroupKey) -> Option<View<'_>> {
        let group = self.groups.get(&key).filter(|group| group.shared.exists())?;
        Some(View {
            at: At::Session(group.shared.session()),
            chunks: &self.chunks,
            layout: &group.layout,
        })
    }

    /// The granule that the other group has, virtual beside copied.
    fn beside(&self, key: GroupKey, half_orbit: HalfOrbit) -> Result<Option<GranuleFacts>, StoreError> {
        let Some(group) = self.groups.get(&key) else {
            return Ok(None);
        };
        let Some(layout) = &group.beside else {
            return Ok(None);
        };
        let view = View {
            at: At::Session(group.shared.session()),
            chunks: &self.chunks,
            layout,
        };
        view.facts(half_orbit)
    }

    /// True if the virtual granule that is there refers to another file, or the same one with another stamp.
    fn lies_elsewhere(
        &self,
        key: GroupKey,
        half_orbit: HalfOrbit,
        origin: Option<&Origin>,
    ) -> Result<bool, StoreError> {
        let Some(origin) = origin else { return Ok(false) };
        if let Some(waiting) = self.waiting(key, half_orbit) {
            return Ok(waiting.document.origin() != Some(origin));
        }
        self.view(key)
            .map_or(Ok(false), |view| known::lies_elsewhere(&view, half_orbit, origin))
    }

    /// True if the file of the virtual granule that is there is gone or was changed.
    fn is_lost(
        &self,
        key: GroupKey,
        half_orbit: HalfOrbit,
        found: Option<&Origin>,
    ) -> Result<bool, StoreError> {
        if self.waiting(key, half_orbit).is_some() {
            return Ok(false);
        }
        self.view(key)
            .map_or(Ok(false), |view| known::is_lost(&view, half_orbit, found))
    }

    /// The granule that waits for the commit.
    fn waiting(&self, key: GroupKey, half_orbit: HalfOrbit) -> Option<&Pending> {
        let waits = |one: &&Pending| one.layout.key == key && one.facts.half_orbit == half_orbit;
        self.pending.iter().rev().find(waits)
    }

    /// The granule that is there or waits for the commit, and whether it came from the file of that checksum.
    pub(super) fn there(
        &self,
        key: GroupKey,
        half_orbit: HalfOrbit,
        checksum: &[u8; 32],
    ) -> Result<(Option<GranuleFacts>, bool), StoreError> {
        if let Some(waiting) = self.waiting(key, half_orbit) {
            return Ok((Some(waiting.facts.clone()), waiting.facts.checksum == *checksum));
        }
        let Some(view) = self.view(key) else {
            return Ok((None, false));
        };
        let there = view.facts(half_orbit)?;
        let known = known::is_known(&view, there.as_ref(), checksum)?;
        Ok((there, known))
    }
}

fn conflict(name: &GranuleName) -> Refusal {
    Refusal::Conflict(format!(
        "{} of version {} is there with other content; --replace puts this one in its place",
        name.half_orbit, name.version
    ))
}
