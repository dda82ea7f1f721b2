//! From finished chunks to a commit: facts and references on the newest snapshot.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use icechunk::format::manifest::ChunkPayload;
use icechunk::format::snapshot::SnapshotProperties;
use icechunk::session::Session;
use karin_core::{DType, counted};

use super::decide::{Decision, Outcome, beside, decide};
use super::known::{is_known, is_lost, lies_elsewhere};
use super::merge::Merge;
use super::nodes::{self, set};
use super::shared::Claim;
use super::{IngestCommit, IngestOptions, Pending};
use crate::codec::{ChunkCodec, CodecError};
use crate::collection::chunks::ChunkReader;
use crate::facts::document::Document;
use crate::facts::view::{At, View};
use crate::facts::{DOCUMENT, DOCUMENT_CHUNK, DOCUMENT_LIMIT, document_codec};
use crate::layout::{GroupLayout, Placement};
use crate::{GranuleFacts, GroupKey, Repository, StoreError};

/// Commits what is pending on top of whatever the newest snapshot holds.
///
/// # Errors
/// What writing met; nothing is committed then.
pub(super) fn commit(
    repository: &Repository,
    chunks: &ChunkReader,
    pending: &[Pending],
    options: &IngestOptions,
) -> Result<IngestCommit, StoreError> {
    let committed = repository.transact(&message(pending), |session| {
        let mut work = Work {
            repository,
            chunks,
            options,
            session,
            merge: Merge::new(repository, chunks),
            beside: HashMap::new(),
        };
        work.ensure_groups(pending)?;
        let mut granules = Vec::with_capacity(pending.len());
        for one in pending {
            granules.push((one.layout.key, one.facts.half_orbit, work.register(one)?));
        }
        work.merge.finish()?;
        Ok((granules, SnapshotProperties::new()))
    })?;
    Ok(IngestCommit {
        snapshot: committed.snapshot.to_string(),
        granules: committed.value,
    })
}

/// What the commit says in the history.
fn message(pending: &[Pending]) -> String {
    let mut groups: BTreeMap<GroupKey, usize> = BTreeMap::new();
    for one in pending {
        *groups.entry(one.layout.key).or_default() += 1;
    }
    let parts: Vec<String> = groups
        .into_iter()
        .map(|(key, count)| format!("{} of {key}", counted(count, "granule")))
        .collect();
    format!("ingest {}", parts.join(", "))
}

struct Work<'a> {
    repository: &'a Repository,
    chunks: &'a ChunkReader,
    options: &'a IngestOptions,
    session: &'a mut Session,
    merge: Merge<'a>,
    /// Groups for the same granules, virtual beside copied, as far as they were asked for and are there.
    beside: HashMap<GroupKey, Option<Arc<GroupLayout>>>,
}

/// Sets chunks of one granule; what is not set of what was there is removed in the end.
struct Place {
    cycle: u32,
    pass: u32,
}

impl Work<'_> {
    fn view<'v>(&'v self, one: &'v Pending) -> View<'v> {
        self.view_of(&one.layout)
    }

    fn view_of<'v>(&'v self, layout: &'v GroupLayout) -> View<'v> {
        View {
            at: At::Session(self.session),
            chunks: self.chunks,
            layout,
        }
    }

    /// The other group for the granules of a group, if it is there.
    fn beside(&mut self, key: GroupKey) -> Result<Option<Arc<GroupLayout>>, StoreError> {
        let key = key.beside();
        if let Some(known) = self.beside.get(&key) {
            return Ok(known.clone());
        }
        let found = nodes::find_layout(self.repository, self.session, key)?.map(Arc::new);
        self.beside.insert(key, found.clone());
        Ok(found)
    }

    fn ensure_groups(&mut self, pending: &[Pending]) -> Result<(), StoreError> {
        let mut done = HashSet::new();
        for one in pending.iter().filter(|one| done.insert(one.layout.key)) {
            let phase = one.layout.key.phase;
            let same = pending.iter().filter(|other| other.layout.key == one.layout.key);
            let last = same
                .filter_map(|other| other.facts.half_orbit.cycle.index(phase))
                .max()
                .unwrap_or(0);
            nodes::ensure(self.repository, self.session, &one.layout, last + 1)?;
        }
        Ok(())
    }

    fn register(&mut self, one: &Pending) -> Result<Outcome, StoreError> {
        let half_orbit = one.facts.half_orbit;
        let view = self.view(one);
        let Some((cycle, pass)) = view.position(half_orbit) else {
            return Err(StoreError::InvalidArgument(format!(
                "{half_orbit} lies outside its phase"
            )));
        };
        let there = view.facts(half_orbit)?;
        let known = is_known(&view, there.as_ref(), &one.facts.checksum)?;
        let decision = decide(
            there.as_ref(),
            one.facts.state,
            &one.facts.version,
            known,
            self.options.replace,
        );
        let again = || Outcome::Replaced {
            there: one.facts.version.clone(),
        };
        let origin = one.document.origin();
        let moved = |origin| lies_elsewhere(&view, half_orbit, origin);
        let mut outcome = match decision {
            Decision::Take(Outcome::AlreadyThere) if origin.map_or(Ok(false), moved)? => again(),
            Decision::Take(outcome) => outcome,
            Decision::Refuse if is_lost(&view, half_orbit, origin)? => again(),
            Decision::Refuse => Outcome::OtherThere,
        };
        let place = Place { cycle, pass };
        if outcome.is_stored()
            && let Some(layout) = self.beside(one.layout.key)?
            && let Some(other) = self.view_of(&layout).facts(half_orbit)?
        {
            if let Some(outcome) = beside(&other, one.facts.state, &one.facts.version, origin.is_some()) {
                return Ok(outcome);
            }
            self.remove(&layout, &place)?;
            if outcome == Outcome::Added {
                outcome = Outcome::Replaced { there: other.version };
            }
        }
        match (&outcome, there) {
            (Outcome::Merged, Some(there)) => self.merge_in(one, &place, &there)?,
            (Outcome::Added | Outcome::Replaced { .. }, there) => self.store(one, &place, there.is_some())?,
            _ => {}
        }
        Ok(outcome)
    }

    /// Refers to all chunks of a granule; removes those of the one before.
    fn store(&mut self, one: &Pending, place: &Place, replaces: bool) -> Result<(), StoreError> {
        let mut kept: HashSet<(usize, bool, u32)> = HashSet::new();
        for (array, block, payload) in &one.chunks {
            self.set(one, place, (*array, false, *block), Some(payload.clone()))?;
            kept.insert((*array, false, *block));
        }
        let mut facts = one.facts.clone();
        for claim in &one.claims {
            if self.settle(one, place, claim)? {
                facts.own_geometry = true;
                kept.insert((claim.array, true, 0));
            }
        }
        if replaces {
            self.remove_others(&one.layout, place, &kept)?;
        }
        self.set_document(&one.layout, place, &one.document_chunks, replaces)?;
        self.set_facts(one, place, &facts)
    }

    /// Settles the word of a granule about a shared array; true if it keeps values of its own.
    fn settle(&mut self, one: &Pending, place: &Place, claim: &Claim) -> Result<bool, StoreError> {
        let Some(array) = one.layout.arrays.get(claim.array) else {
            return Ok(false);
        };
        let coordinates = array.coordinates(false, place.cycle, place.pass, 0);
        let there = self.view(one).reference(&array.array, coordinates)?;
        let whole = array.placement == Placement::Group || self.view(one).has_whole_grid(place.pass)?;
        let settled = match there {
            // What is stored once for all cannot be completed later, so a part of it does not count.
            None if array.placement == Placement::Group && self.merge.has_fill(array, &claim.payload)? => {
                self.set(one, place, (claim.array, true, 0), Some(claim.payload.clone()))?;
                return Ok(true);
            }
            None => Some((claim.payload.clone(), claim.whole)),
            Some(there) => match self.merge.shared(array, &there, whole, claim)? {
                super::merge::Shared::Same if claim.whole && !whole => Some((there, true)),
                super::merge::Shared::Same => None,
                super::merge::Shared::Grown(payload) => Some((payload, claim.whole)),
                super::merge::Shared::Differs => {
                    self.set(one, place, (claim.array, true, 0), Some(claim.payload.clone()))?;
                    return Ok(true);
                }
            },
        };
        if let Some((payload, whole)) = settled {
            self.set(one, place, (claim.array, false, 0), Some(payload))?;
            // Of a whole grid, which stays as it is; what would be said of a part would not hold for what is added.
            if let Some(bounds) = claim.bounds.as_ref().filter(|_| whole) {
                let (path, bounds) = (one.layout.latitude_bounds_path(), seal(bounds)?);
                let at = vec![place.pass, 0, 0];
                set(self.repository, self.session, &path, at, Some(bounds))?;
            }
            if array.placement == Placement::Pass {
                // Latitude and longitude come together; the last of them says it for both.
                let state = seal(&[if whole { 2 } else { 1 }])?;
                let is_last = one.claims.iter().rev().find(|other| {
                    one.layout
                        .arrays
                        .get(other.array)
                        .is_some_and(|array| array.placement == Placement::Pass)
                });
                if is_last.is_some_and(|last| last.array == claim.array) {
                    set(
                        self.repository,
                        self.session,
                        &one.layout.grid_state_path(),
                        vec![place.pass],
                        Some(state),
                    )?;
                }
            }
        }
        Ok(false)
    }

    /// Joins a part with the part that is there: fill never takes the place of a value.
    fn merge_in(&mut self, one: &Pending, place: &Place, there: &GranuleFacts) -> Result<(), StoreError> {
        for (index, block, payload) in &one.chunks {
            let Some(array) = one.layout.arrays.get(*index) else {
                continue;
            };
            let coordinates = array.coordinates(false, place.cycle, place.pass, *block as usize);
            let merged = match self.view(one).reference(&array.array, coordinates)? {
                Some(old) => self.merge.chunks(array, &old, payload)?,
                None => payload.clone(),
            };
            self.set(one, place, (*index, false, *block), Some(merged))?;
        }
        let mut facts = one.facts.clone();
        facts.own_geometry = there.own_geometry;
        for claim in &one.claims {
            let own = self.settle(one, place, claim)?;
            facts.own_geometry |= own;
        }
        facts.time_start = facts.time_start.min(there.time_start);
        facts.time_end = facts.time_end.max(there.time_end);
        for (count, old) in facts.counts.iter_mut().zip(&there.counts) {
            *count = (*count).max(*old);
        }
        let old = self.view(one).document(there)?;
        let document = old.joined(&one.document, &one.layout.blueprint.structure);
        let (size, chunks) = encode_document(&document)?;
        facts.document_size = size;
        let payloads: Result<Vec<_>, _> = chunks.iter().map(|stored| self.merge.push(stored)).collect();
        self.set_document(&one.layout, place, &payloads?, true)?;
        self.set_facts(one, place, &facts)
    }

    fn set(
        &mut self,
        one: &Pending,
        place: &Place,
        (index, own, block): (usize, bool, u32),
        payload: Option<ChunkPayload>,
    ) -> Result<(), StoreError> {
        self.set_in(&one.layout, place, (index, own, block), payload)
    }

    fn set_in(
        &mut self,
        layout: &GroupLayout,
        place: &Place,
        (index, own, block): (usize, bool, u32),
        payload: Option<ChunkPayload>,
    ) -> Result<(), StoreError> {
        let Some(array) = layout.arrays.get(index) else {
            return Ok(());
        };
        let coordinates = array.coordinates(own, place.cycle, place.pass, block as usize);
        let path = if own {
            array.own_array.as_deref().unwrap_or_default()
        } else {
            &array.array
        };
        set(self.repository, self.session, path, coordinates, payload)
    }

    /// Removes the chunks of a granule that are not among `kept`.
    fn remove_others(
        &mut self,
        layout: &GroupLayout,
        place: &Place,
        kept: &HashSet<(usize, bool, u32)>,
    ) -> Result<(), StoreError> {
        for (index, array) in layout.arrays.iter().enumerate() {
            let own = array.placement != Placement::Granule;
            let path = array.own_array.as_deref().unwrap_or(&array.array);
            for block in 0..array.blocks() {
                let chunk = (index, own, block as u32);
                let coordinates = array.coordinates(own, place.cycle, place.pass, block);
                if !kept.contains(&chunk) && self.view_of(layout).reference(path, coordinates)?.is_some() {
                    self.set_in(layout, place, chunk, None)?;
                }
            }
        }
        Ok(())
    }

    /// Removes a granule, all of it.
    fn remove(&mut self, layout: &GroupLayout, place: &Place) -> Result<(), StoreError> {
        self.remove_others(layout, place, &HashSet::new())?;
        self.set_document(layout, place, &[], true)?;
        let view = self.view_of(layout);
        let position = (place.cycle, place.pass);
        let at = |name: &str| (view.fact_path(name), view.fact_coordinates(name, position));
        let facts: Vec<_> = view.fact_names().map(at).collect();
        for (path, coordinates) in facts {
            set(self.repository, self.session, &path, coordinates, None)?;
        }
        Ok(())
    }

    fn set_document(
        &mut self,
        layout: &GroupLayout,
        place: &Place,
        chunks: &[ChunkPayload],
        replaces: bool,
    ) -> Result<(), StoreError> {
        let path = self.view_of(layout).fact_path(DOCUMENT);
        let at = |block: usize| vec![place.cycle, place.pass, block as u32];
        for (block, payload) in chunks.iter().enumerate() {
            set(
                self.repository,
                self.session,
                &path,
                at(block),
                Some(payload.clone()),
            )?;
        }
        let mut block = chunks.len();
        while replaces && self.view_of(layout).reference(&path, at(block))?.is_some() {
            set(self.repository, self.session, &path, at(block), None)?;
            block += 1;
        }
        Ok(())
    }

    fn set_facts(&mut self, one: &Pending, place: &Place, facts: &GranuleFacts) -> Result<(), StoreError> {
        let stored = facts.encode(&one.layout).map_err(|error| internal(&error))?;
        for (name, stored) in stored {
            let view = self.view(one);
            let (path, at) = (
                view.fact_path(&name),
                view.fact_coordinates(&name, (place.cycle, place.pass)),
            );
            set(
                self.repository,
                self.session,
                &path,
                at,
                Some(ChunkPayload::Inline(stored.into())),
            )?;
        }
        Ok(())
    }
}

/// A document as encoded chunks, and its size.
///
/// # Errors
/// If it is larger than the array has room for.
pub(super) fn encode_document(document: &Document) -> Result<(u32, Vec<Vec<u8>>), StoreError> {
    let text =
        serde_json::to_vec(document).map_err(|error| StoreError::InvalidArgument(error.to_string()))?;
    if text.len() > DOCUMENT_LIMIT {
        let size = text.len();
        return Err(StoreError::InvalidArgument(format!(
            "its attributes take {size} bytes, more than 16 MiB"
        )));
    }
    let encode = |part: &[u8]| {
        let mut padded = part.to_vec();
        padded.resize(DOCUMENT_CHUNK, 0);
        document_codec().encode(&padded).map_err(|error| internal(&error))
    };
    let chunks: Result<Vec<_>, _> = text.chunks(DOCUMENT_CHUNK).map(encode).collect();
    Ok((text.len() as u32, chunks?))
}

/// A small fact as an inline chunk.
fn seal(bytes: &[u8]) -> Result<ChunkPayload, StoreError> {
    let stored = ChunkCodec::plain(DType::UInt8, bytes.len())
        .encode(bytes)
        .map_err(|error| internal(&error))?;
    Ok(ChunkPayload::Inline(stored.into()))
}

fn internal(error: &CodecError) -> StoreError {
    StoreError::InvalidArgument(error.to_string())
}

/// Bytes as hexadecimal digits.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
