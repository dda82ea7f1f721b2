//! Joining arrays that hold parts of the same thing.

use icechunk::format::manifest::ChunkPayload;

use super::shared::Claim;
use crate::collection::chunks::ChunkReader;
use crate::layout::ArrayLayout;
use crate::{ObjectWriter, Repository, StoreError};

/// Joins chunks during a commit; what comes of it goes into an object of its own.
pub(super) struct Merge<'a> {
    repository: &'a Repository,
    chunks: &'a ChunkReader,
    writer: Option<ObjectWriter<'a>>,
    /// Chunks that the writer has taken, which nobody can read from storage yet.
    fresh: Vec<(ChunkPayload, Vec<u8>)>,
}

/// How a claim compares with the shared values that are there.
pub(super) enum Shared {
    /// Nothing to do.
    Same,
    /// The values there, or the claim, or both joined, at this place.
    Grown(ChunkPayload),
    /// The granule has to keep its own.
    Differs,
}

impl<'a> Merge<'a> {
    pub(super) fn new(repository: &'a Repository, chunks: &'a ChunkReader) -> Self {
        Self {
            repository,
            chunks,
            writer: None,
            fresh: Vec::new(),
        }
    }

    /// Puts what was joined on stable storage.
    pub(super) fn finish(&mut self) -> Result<(), StoreError> {
        self.fresh.clear();
        self.writer
            .take()
            .map(ObjectWriter::finish)
            .transpose()
            .map(|_| ())
    }

    /// Appends an encoded chunk.
    pub(super) fn push(&mut self, stored: &[u8]) -> Result<ChunkPayload, StoreError> {
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.repository.object_writer()?,
        };
        let payload = ChunkPayload::Ref(writer.push(stored)?);
        self.writer = Some(writer);
        self.fresh.push((payload.clone(), stored.to_vec()));
        Ok(payload)
    }

    fn decode(&self, array: &ArrayLayout, payload: &ChunkPayload) -> Result<Vec<u8>, StoreError> {
        match self.fresh.iter().find(|(of, _)| of == payload) {
            Some((_, stored)) => self
                .chunks
                .decode(&ChunkPayload::Inline(stored.clone().into()), &array.codec),
            None => self.chunks.decode(payload, &array.codec),
        }
    }

    /// The values of `new`, and those of `old` where `new` has none.
    pub(super) fn chunks(
        &mut self,
        array: &ArrayLayout,
        old: &ChunkPayload,
        new: &ChunkPayload,
    ) -> Result<ChunkPayload, StoreError> {
        let (before, mut joined) = (self.decode(array, old)?, self.decode(array, new)?);
        let size = array.fill.len().max(1);
        for (value, before) in joined.chunks_exact_mut(size).zip(before.chunks_exact(size)) {
            if value == array.fill {
                value.copy_from_slice(before);
            }
        }
        self.encode(array, &joined)
    }

    /// True if an element of a chunk is fill.
    pub(super) fn has_fill(&self, array: &ArrayLayout, payload: &ChunkPayload) -> Result<bool, StoreError> {
        let raw = self.decode(array, payload)?;
        Ok(raw
            .chunks_exact(array.fill.len().max(1))
            .any(|element| element == array.fill))
    }

    /// Compares the values of a claim with those that are there (`whole`: there for good).
    pub(super) fn shared(
        &mut self,
        array: &ArrayLayout,
        there: &ChunkPayload,
        whole: bool,
        claim: &Claim,
    ) -> Result<Shared, StoreError> {
        if *there == claim.payload {
            return Ok(Shared::Same);
        }
        let old = self.decode(array, there)?;
        if blake3::hash(&old).as_bytes() == &claim.hash {
            return Ok(Shared::Same);
        }
        if whole && claim.whole {
            return Ok(Shared::Differs);
        }
        let new = self.decode(array, &claim.payload)?;
        let size = array.fill.len().max(1);
        let pairs = || old.chunks_exact(size).zip(new.chunks_exact(size));
        let fits = pairs().all(|(old, new)| old == new || old == array.fill || new == array.fill);
        let adds = pairs().any(|(old, new)| old == array.fill && new != array.fill);
        Ok(match (fits, whole, claim.whole) {
            (false, _, _) => Shared::Differs,
            (true, true, _) if adds => Shared::Differs,
            (true, true, _) => Shared::Same,
            (true, false, true) => Shared::Grown(claim.payload.clone()),
            (true, false, false) if !adds => Shared::Same,
            (true, false, false) => {
                let joined: Vec<u8> = pairs()
                    .flat_map(|(old, new)| if new == array.fill { old } else { new })
                    .copied()
                    .collect();
                Shared::Grown(self.encode(array, &joined)?)
            }
        })
    }

    fn encode(&mut self, array: &ArrayLayout, raw: &[u8]) -> Result<ChunkPayload, StoreError> {
        let stored = array
            .codec
            .encode(raw)
            .map_err(|error| StoreError::InvalidArgument(error.to_string()))?;
        self.push(&stored)
    }
}
