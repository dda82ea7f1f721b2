//! Facts and documents as a session shows them: a snapshot that is read, or the changes of a commit in the making.

use std::collections::HashMap;

use icechunk::format::manifest::ChunkPayload;
use icechunk::session::Session;
use karin_core::{CycleNumber, DType, HalfOrbit, PassNumber};

use super::document::Document;
use super::{DOCUMENT, DOCUMENT_CHUNK, FACTS, document_codec};
use crate::codec::{ChunkCodec, CodecError};
use crate::collection::chunks::{ChunkReader, Snapshot, reference_of_session};
use crate::layout::GroupLayout;
use crate::{GranuleFacts, StoreError};

/// Where references come from.
#[derive(Clone, Copy)]
pub(crate) enum At<'a> {
    /// A snapshot that is read.
    Snapshot(&'a Snapshot),
    /// A session, its uncommitted changes included.
    Session(&'a Session),
}

/// A group as it is there.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub at: At<'a>,
    pub chunks: &'a ChunkReader,
    pub layout: &'a GroupLayout,
}

impl View<'_> {
    /// Where a chunk lies.
    pub(crate) fn reference(
        &self,
        array: &str,
        coordinates: Vec<u32>,
    ) -> Result<Option<ChunkPayload>, StoreError> {
        match self.at {
            At::Snapshot(snapshot) => snapshot.reference(array, coordinates),
            At::Session(session) => {
                reference_of_session(self.chunks.repository(), session, array, coordinates)
            }
        }
    }

    /// Indices of cycle and pass.
    pub(crate) fn position(&self, half_orbit: HalfOrbit) -> Option<(u32, u32)> {
        let phase = self.layout.key.phase;
        let cycle = half_orbit.cycle.index(phase)?;
        let pass = half_orbit.pass.index(phase)?;
        Some((u32::try_from(cycle).ok()?, u32::try_from(pass).ok()?))
    }

    /// The granule at chunk coordinates of a fact.
    pub(crate) fn half_orbit(&self, coordinates: &[u32]) -> Option<HalfOrbit> {
        let &[cycle, pass, ..] = coordinates else {
            return None;
        };
        let first = self.layout.key.phase.first_cycle().0;
        let cycle = first.checked_add(u16::try_from(cycle).ok()?)?;
        let pass = u16::try_from(pass).ok()?.checked_add(1)?;
        Some(HalfOrbit {
            cycle: CycleNumber(cycle),
            pass: PassNumber(pass),
        })
    }

    /// Names of the numeric facts.
    pub(crate) fn fact_names(&self) -> impl Iterator<Item = &str> {
        let fixed = FACTS
            .iter()
            .map(|fact| fact.name)
            .filter(|name| *name != DOCUMENT);
        fixed.chain(self.layout.counts.iter().map(|count| count.fact.as_str()))
    }

    /// Path of a fact array.
    pub(crate) fn fact_path(&self, name: &str) -> String {
        format!("{}/{name}", self.layout.granules_path())
    }

    /// Chunk coordinates of a fact of a granule.
    pub(crate) fn fact_coordinates(&self, name: &str, (cycle, pass): (u32, u32)) -> Vec<u32> {
        let third = FACTS.iter().any(|fact| fact.name == name && fact.tail.is_some());
        if third {
            vec![cycle, pass, 0]
        } else {
            vec![cycle, pass]
        }
    }

    /// Facts of one granule; `None` if it is not there.
    ///
    /// # Errors
    /// If a manifest cannot be read, or a fact is damaged.
    pub(crate) fn facts(&self, half_orbit: HalfOrbit) -> Result<Option<GranuleFacts>, StoreError> {
        let Some(position) = self.position(half_orbit) else {
            return Ok(None);
        };
        let mut chunks = HashMap::new();
        for name in self.fact_names() {
            match self.reference(&self.fact_path(name), self.fact_coordinates(name, position))? {
                Some(payload) => {
                    let stored = self.chunks.with_stored(&payload, |stored| Ok(stored.to_vec()))?;
                    chunks.insert(name, stored);
                }
                None if chunks.is_empty() => return Ok(None),
                None => {}
            }
        }
        let facts = GranuleFacts::decode(self.layout, half_orbit, |name| chunks.remove(name));
        facts.map(Some).map_err(|error| self.damaged(half_orbit, &error))
    }

    /// The document of a granule.
    ///
    /// # Errors
    /// If it is missing or damaged.
    pub(crate) fn document(&self, facts: &GranuleFacts) -> Result<Document, StoreError> {
        let damaged = |reason: String| self.damaged(facts.half_orbit, &CodecError::new(reason));
        let (cycle, pass) = self
            .position(facts.half_orbit)
            .ok_or_else(|| damaged("outside its phase".into()))?;
        let size = facts.document_size as usize;
        let mut text = Vec::new();
        for block in 0..size.div_ceil(DOCUMENT_CHUNK) {
            let payload = self.reference(&self.fact_path(DOCUMENT), vec![cycle, pass, block as u32])?;
            let payload = payload.ok_or_else(|| damaged("the document is not there".into()))?;
            text.extend(self.chunks.decode(&payload, &document_codec())?);
        }
        text.truncate(size);
        serde_json::from_slice(&text)
            .map_err(|error| damaged(format!("the document is no JSON of ours: {error}")))
    }

    /// True if the coordinates of a pass are those of a whole granule, which stay as they are for good.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn has_whole_grid(&self, pass: u32) -> Result<bool, StoreError> {
        let Some(payload) = self.reference(&self.layout.grid_state_path(), vec![pass])? else {
            return Ok(false);
        };
        let state = self
            .chunks
            .decode(&payload, &ChunkCodec::plain(DType::UInt8, 1))?;
        Ok(state == [2])
    }

    /// Facts that do not fit.
    pub(crate) fn damaged(&self, half_orbit: HalfOrbit, error: &CodecError) -> StoreError {
        StoreError::Corrupt {
            location: self.chunks.repository().label().into(),
            object: format!("facts of {half_orbit} in {}", self.layout.key),
            reason: error.to_string(),
        }
    }
}
