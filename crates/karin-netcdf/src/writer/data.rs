//! The data part of a file: chunks, contiguous arrays, strings, in the order in which they are committed.

use std::collections::BTreeMap;

use karin_core::Slab;

use super::btree::{self, StoredChunk};
use super::chunk::{self, EncodedChunk, Part};
use super::datatype;
use super::error::WriteError;
use super::heap::Heap;
use super::metadata::SUPERBLOCK;
use super::pipeline::{self, Limits};
use super::plan::{DatasetPlan, FilePlan};
use super::temporary::Temporary;

/// Contiguous data are filled, and swapped, in pieces of this size.
const PIECE: usize = 4 << 20;

/// What is stored of a dataset.
#[derive(Debug, Default)]
struct Stored {
    /// Chunks by their start.
    chunks: BTreeMap<Vec<u64>, StoredChunk>,
    /// Where contiguous data lie.
    address: Option<u64>,
}

/// Where data were put, and where the next will be.
#[derive(Debug)]
pub(super) struct DataFile {
    end: u64,
    stored: Vec<Stored>,
}

impl DataFile {
    pub(super) fn new(datasets: usize) -> Self {
        Self {
            end: SUPERBLOCK,
            stored: (0..datasets).map(|_| Stored::default()).collect(),
        }
    }

    /// Where the next byte goes.
    pub(super) const fn end(&self) -> u64 {
        self.end
    }

    /// Writes behind all that is there; returns where.
    pub(super) fn append(&mut self, file: &Temporary, bytes: &[u8]) -> Result<u64, WriteError> {
        let at = self.end;
        file.write_at(bytes, at)?;
        self.end += bytes.len() as u64;
        Ok(at)
    }

    fn align(&mut self) {
        self.end = self.end.next_multiple_of(8);
    }

    /// Writes a slab that was checked against the dataset.
    pub(super) fn write(
        &mut self,
        file: &Temporary,
        number: usize,
        plan: &DatasetPlan,
        limits: Limits,
        slab: &Slab,
        values: &[u8],
    ) -> Result<(), WriteError> {
        if values.is_empty() {
            return Ok(());
        }
        let Some(chunks) = &plan.chunks else {
            return self.write_contiguous(file, number, plan, slab, values);
        };
        let (first, count) = (wide(&slab.start), wide(&slab.count));
        let part = Part {
            start: &first,
            count: &count,
            bytes: values,
        };
        let starts = chunk_starts(chunks, &first, &count);
        let size = chunk_bytes(plan, chunks);
        pipeline::ordered(
            limits,
            starts.len(),
            |_| size * 2,
            |index| {
                Ok(chunk::encode(
                    plan,
                    chunks,
                    starts.get(index).cloned().unwrap_or_default(),
                    part,
                ))
            },
            |_, chunk| self.commit_chunk(file, number, chunk),
        )
    }

    /// Appends a finished chunk.
    pub(super) fn commit_chunk(
        &mut self,
        file: &Temporary,
        number: usize,
        chunk: EncodedChunk,
    ) -> Result<(), WriteError> {
        let address = self.append(file, &chunk.bytes)?;
        if let Some(stored) = self.stored.get_mut(number) {
            stored
                .chunks
                .insert(chunk.start.clone(), chunk.stored_at(address));
        }
        Ok(())
    }

    /// Writes a slab of an array that lies in one piece. Its room is taken at the first call, and filled if the slab is
    /// not all of it.
    pub(super) fn write_contiguous(
        &mut self,
        file: &Temporary,
        number: usize,
        plan: &DatasetPlan,
        slab: &Slab,
        values: &[u8],
    ) -> Result<(), WriteError> {
        let element = datatype::stored_size(plan.dtype);
        let place = match self.stored.get(number).and_then(|stored| stored.address) {
            Some(place) => place,
            None => self.reserve(file, number, plan, element, slab)?,
        };
        for (offset, row) in rows(plan, slab, values, element) {
            for (index, piece) in row.chunks(PIECE).enumerate() {
                let at = place + offset + (index * PIECE) as u64;
                let mut swapped = piece.to_vec();
                chunk::to_stored_order(plan, element, &mut swapped);
                file.write_at(&swapped, at)?;
            }
        }
        Ok(())
    }

    fn reserve(
        &mut self,
        file: &Temporary,
        number: usize,
        plan: &DatasetPlan,
        element: usize,
        slab: &Slab,
    ) -> Result<u64, WriteError> {
        self.align();
        let place = self.end;
        let total: u64 = plan.shape.iter().product();
        self.end += total * element as u64;
        if let Some(stored) = self.stored.get_mut(number) {
            stored.address = Some(place);
        }
        if (slab.len() as u64) < total {
            let mut fill = chunk::filled(plan, element, PIECE);
            chunk::to_stored_order(plan, element, &mut fill);
            let mut at = place;
            while at < self.end {
                let len = (self.end - at).min(PIECE as u64) as usize;
                file.write_at(fill.get(..len).unwrap_or(&fill), at)?;
                at += len as u64;
            }
        }
        Ok(place)
    }

    /// Stores strings; returns their descriptors.
    pub(super) fn write_heap(&mut self, file: &Temporary, strings: &[String]) -> Result<Vec<u8>, WriteError> {
        self.align();
        let mut heap = Heap::at(self.end);
        let mut descriptors = Vec::with_capacity(strings.len() * datatype::DESCRIPTOR);
        for string in strings {
            heap.push(string.as_bytes())
                .put_descriptor(string.len() as u32, &mut descriptors);
        }
        self.append(file, &heap.finish())?;
        Ok(descriptors)
    }

    /// Writes the chunk indices; returns where each dataset has its data, `None` for those without any.
    pub(super) fn write_indices(
        &mut self,
        file: &Temporary,
        plan: &FilePlan,
    ) -> Result<Vec<Option<u64>>, WriteError> {
        let mut places = Vec::with_capacity(self.stored.len());
        for (stored, dataset) in std::mem::take(&mut self.stored).into_iter().zip(&plan.datasets) {
            let chunks: Vec<StoredChunk> = stored.chunks.into_values().collect();
            self.align();
            let lengths = dataset.chunks.as_deref().unwrap_or(&[]);
            let tree = btree::encode(&chunks, lengths, self.end);
            places.push(match tree {
                Some((bytes, root)) => {
                    self.append(file, &bytes)?;
                    Some(root)
                }
                None => stored.address,
            });
        }
        self.align();
        Ok(places)
    }
}

/// Bytes of one chunk before compression.
pub(super) fn chunk_bytes(plan: &DatasetPlan, chunks: &[u64]) -> u64 {
    chunks.iter().product::<u64>() * datatype::stored_size(plan.dtype) as u64
}

/// Starts of the chunks that a slab covers, in row-major order. The slab begins at a chunk.
pub(super) fn chunk_starts(chunks: &[u64], first: &[u64], count: &[u64]) -> Vec<Vec<u64>> {
    let mut starts = vec![Vec::new()];
    for ((&chunk, &first), &count) in chunks.iter().zip(first).zip(count) {
        let along: Vec<u64> = (first..first + count).step_by(chunk as usize).collect();
        starts = (starts.iter())
            .flat_map(|start| along.iter().map(move |&at| [start.as_slice(), &[at]].concat()))
            .collect();
    }
    starts
}

pub(super) fn wide(indices: &[usize]) -> Vec<u64> {
    indices.iter().map(|&index| index as u64).collect()
}

/// The runs of a slab that are contiguous in the array: byte offset and bytes of each.
fn rows<'a>(plan: &DatasetPlan, slab: &Slab, values: &'a [u8], element: usize) -> Vec<(u64, &'a [u8])> {
    // Trailing dimensions that the slab covers whole join the run.
    let rank = plan.shape.len();
    let whole = (0..rank)
        .rev()
        .take_while(|&axis| slab.count[axis] as u64 == plan.shape[axis])
        .count();
    let outer = rank.saturating_sub(whole + 1);
    let run: usize = slab.count.iter().skip(outer).product::<usize>() * element;
    if run == 0 {
        return Vec::new();
    }
    let mut index = vec![0; outer];
    let mut out = Vec::with_capacity(values.len() / run);
    for row in values.chunks_exact(run) {
        let at = (0..rank).fold(0, |at, axis| {
            let inner = slab.start[axis] + index.get(axis).copied().unwrap_or(0);
            at * plan.shape[axis] + inner as u64
        });
        out.push((at * element as u64, row));
        for axis in (0..outer).rev() {
            index[axis] += 1;
            if index[axis] < slab.count[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    out
}
