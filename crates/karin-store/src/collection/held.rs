//! Rows of a variable whose stored bytes are in memory and checked, to be decoded part by part.

use std::ops::Range;
use std::sync::Arc;

use icechunk::format::manifest::ChunkPayload;
use karin_core::{Count, DatasetError, ErrorKind, Held, InOrder};

use super::chunks::Snapshot;
use super::granule::fill;
use crate::StoreError;
use crate::codec::{ChunkCodec, CodecError, Elements};
use crate::stored::Stored;

/// Consecutive rows, chunk by chunk.
pub(super) struct HeldRows {
    label: String,
    variable: String,
    codec: ChunkCodec,
    /// Bytes of an element.
    size: usize,
    fill: Vec<u8>,
    snapshot: Arc<Snapshot>,
    parts: Vec<Part>,
    len: usize,
}

/// Rows of one chunk.
struct Part {
    /// First element among all that are held.
    at: usize,
    /// Elements.
    len: usize,
    /// Elements of the chunk before them.
    before: usize,
    /// Where the chunk lies and its bytes; `None` if it was never written.
    chunk: Option<(ChunkPayload, Stored)>,
}

impl HeldRows {
    pub(super) fn new(
        snapshot: &Arc<Snapshot>,
        (label, variable): (&str, &str),
        codec: ChunkCodec,
        (size, fill): (usize, &[u8]),
    ) -> Self {
        Self {
            label: label.to_owned(),
            variable: variable.to_owned(),
            codec,
            size,
            fill: fill.to_vec(),
            snapshot: Arc::clone(snapshot),
            parts: Vec::new(),
            len: 0,
        }
    }

    /// Adds elements `elements` of a chunk.
    ///
    /// # Errors
    /// If its bytes cannot be read, or are damaged.
    pub(super) fn push(
        &mut self,
        elements: Range<usize>,
        chunk: Option<ChunkPayload>,
    ) -> Result<(), StoreError> {
        let chunk = match chunk {
            Some(payload) => {
                let stored = self.snapshot.chunks.stored(&payload, &self.codec)?;
                Some((payload, stored))
            }
            None => None,
        };
        self.parts.push(Part {
            at: self.len,
            len: elements.len(),
            before: elements.start,
            chunk,
        });
        self.len += elements.len();
        Ok(())
    }

    fn failed(&self, payload: &ChunkPayload, error: &CodecError) -> DatasetError {
        let error = self.snapshot.chunks.damaged(payload, error);
        let reason = "cannot be read from the collection";
        DatasetError::new(error.kind(), &self.label, &self.variable, reason).caused_by(error)
    }
}

impl Held for HeldRows {
    fn len(&self) -> usize {
        self.len
    }

    fn bytes(&self) -> usize {
        let chunks = self.parts.iter().filter_map(|part| part.chunk.as_ref());
        chunks.map(|(_, stored)| stored.len()).sum()
    }

    fn count(&self) -> Count {
        match self.codec.is_by_columns() {
            true => Count::Columns,
            false => Count::Rows,
        }
    }

    fn stored(&self, elements: Range<usize>) -> Option<[&[u8]; 2]> {
        let end = elements.end;
        let holds = |part: &&Part| (part.at..part.at + part.len).contains(&elements.start);
        let part = self.parts.iter().find(holds)?;
        if end > part.at + part.len {
            return None;
        }
        let of_chunk = part.before + elements.start - part.at..part.before + end - part.at;
        let (_, stored) = part.chunk.as_ref()?;
        self.codec.part(stored, of_chunk)
    }

    fn in_order(&self) -> Result<Option<Box<dyn InOrder + '_>>, DatasetError> {
        let [only] = self.parts.as_slice() else {
            return Ok(None);
        };
        if !self.codec.opens_in_order() {
            return Ok(None);
        }
        Ok(Some(match &only.chunk {
            None => Box::new(Fill(&self.fill)),
            Some((payload, stored)) => {
                let elements = self.codec.in_order(stored);
                let elements = elements.map_err(|error| self.failed(payload, &error))?;
                Box::new(OfChunk {
                    held: self,
                    payload,
                    elements,
                })
            }
        }))
    }

    fn cuts(&self) -> Vec<usize> {
        let mut cuts = Vec::new();
        for part in &self.parts {
            cuts.push(part.at);
            let block = match &part.chunk {
                Some((_, stored)) => self.codec.block_elements(stored),
                None => None,
            };
            let Some(block) = block else { continue };
            let end = part.before + part.len;
            let inner = (1..)
                .map(|number| number * block)
                .take_while(|begin| *begin < end);
            let inner = inner.filter(|begin| *begin > part.before);
            cuts.extend(inner.map(|begin| part.at + begin - part.before));
        }
        cuts
    }

    fn decode(&self, elements: Range<usize>, out: &mut [u8]) -> Result<(), DatasetError> {
        if elements.end > self.len || elements.len() * self.size != out.len() {
            let reason = format!("{elements:?} lie outside the {} that are held", self.len);
            return Err(DatasetError::new(
                ErrorKind::InvalidArgument,
                &self.label,
                &self.variable,
                reason,
            ));
        }
        let mut rest = out;
        for part in &self.parts {
            let start = elements.start.max(part.at);
            let end = elements.end.min(part.at + part.len);
            if start >= end {
                continue;
            }
            let (target, next) = std::mem::take(&mut rest).split_at_mut((end - start) * self.size);
            rest = next;
            let of_chunk = part.before + start - part.at..part.before + end - part.at;
            match &part.chunk {
                Some((payload, stored)) => self
                    .codec
                    .decode_checked(stored, of_chunk, target)
                    .map_err(|error| self.failed(payload, &error))?,
                None => fill(target, &self.fill),
            }
        }
        Ok(())
    }
}

/// A chunk that was never written.
struct Fill<'h>(&'h [u8]);

impl InOrder for Fill<'_> {
    fn next_into(&mut self, out: &mut [u8]) -> Result<(), DatasetError> {
        fill(out, self.0);
        Ok(())
    }
}

/// A chunk that is decoded from its first element on.
struct OfChunk<'h> {
    held: &'h HeldRows,
    payload: &'h ChunkPayload,
    elements: Box<dyn Elements + 'h>,
}

impl InOrder for OfChunk<'_> {
    fn next_into(&mut self, out: &mut [u8]) -> Result<(), DatasetError> {
        let decoded = self.elements.next_into(out);
        decoded.map_err(|error| self.held.failed(self.payload, &error))
    }
}

impl Drop for HeldRows {
    fn drop(&mut self) {
        for part in self.parts.drain(..) {
            if let Some((_, stored)) = part.chunk {
                self.snapshot.chunks.give_back(stored);
            }
        }
    }
}
