//! One array: its chunks, and how they are encoded.

use karin_core::fill::fill_bytes;
use karin_core::{DType, Slab, VariableMeta};

use crate::StoreError;
use crate::codec::{ChunkCodec, Profile};

/// Chunks of variables that have none are at most this large.
const CHUNK_BYTES: usize = 16 << 20;
/// Blosc counts bytes in 31 bits; half of that leaves room for what does not shrink.
const LARGEST_CHUNK: usize = 1 << 30;

/// Shape, chunks and codec of a variable.
#[derive(Clone, Debug)]
pub(super) struct ZarrArray {
    pub(super) dtype: DType,
    pub(super) shape: Vec<usize>,
    pub(super) chunks: Vec<usize>,
    /// One element that was never written, in native order.
    pub(super) fill: Vec<u8>,
    pub(super) codec: ChunkCodec,
}

/// A part that cannot be written.
pub(super) fn refused(path: &str, reason: impl std::fmt::Display) -> StoreError {
    StoreError::InvalidArgument(format!("{path}: {reason}"))
}

impl ZarrArray {
    pub(super) fn of(variable: &VariableMeta, shape: Vec<usize>, path: &str) -> Result<Self, StoreError> {
        let element = variable.dtype.size().max(1);
        let asked = variable
            .storage
            .chunks
            .as_ref()
            .filter(|chunks| chunks.len() == shape.len());
        let chunks: Vec<usize> = match asked {
            _ if variable.dtype == DType::String => shape.iter().map(|&size| size.max(1)).collect(),
            Some(chunks) => chunks
                .iter()
                .zip(&shape)
                .map(|(&chunk, &size)| chunk.min(size).max(1))
                .collect(),
            None => whole_row_chunks(&shape, element),
        };
        let bytes = chunks
            .iter()
            .try_fold(element, |product, &chunk| product.checked_mul(chunk));
        if bytes.is_none_or(|bytes| bytes > LARGEST_CHUNK) {
            return Err(refused(
                path,
                format!("a chunk of {chunks:?} elements is larger than 1 GiB"),
            ));
        }
        let columns = chunks.last().copied().unwrap_or(1);
        let rows = chunks.iter().rev().skip(1).product();
        let codec = ChunkCodec::new(Profile::Portable, variable.dtype, rows, columns).row_major();
        Ok(Self {
            dtype: variable.dtype,
            shape,
            chunks,
            fill: fill_bytes(variable),
            codec,
        })
    }

    /// Refuses slabs that do not fit.
    pub(super) fn check(
        &self,
        path: &str,
        slab: &Slab,
        given: usize,
        element: usize,
    ) -> Result<(), StoreError> {
        let Slab { start, count } = slab;
        if !slab.fits(&self.shape) {
            return Err(refused(
                path,
                format!("the part {start:?} + {count:?} lies outside {:?}", self.shape),
            ));
        }
        if given != slab.len() * element {
            return Err(refused(
                path,
                format!("{given} bytes or strings for a part of {count:?} elements"),
            ));
        }
        let aligned = (start.iter().zip(count).zip(&self.chunks).zip(&self.shape)).all(
            |(((start, count), chunk), size)| {
                let end = start + count;
                start.is_multiple_of(*chunk) && (end.is_multiple_of(*chunk) || end == *size)
            },
        );
        if aligned {
            return Ok(());
        }
        Err(refused(
            path,
            format!(
                "the part {start:?} + {count:?} cuts through chunks of {:?}",
                self.chunks
            ),
        ))
    }

    /// The chunks in a slab that begins at a chunk, in order; each cut to the shape.
    pub(super) fn chunks_of(&self, slab: &Slab) -> Vec<Slab> {
        let mut parts = vec![Slab {
            start: Vec::new(),
            count: Vec::new(),
        }];
        if slab.is_empty() {
            return Vec::new();
        }
        for ((&start, &count), &chunk) in slab.start.iter().zip(&slab.count).zip(&self.chunks) {
            let end = start + count;
            parts = (parts.iter())
                .flat_map(|part| {
                    (start..end).step_by(chunk).map(move |at| Slab {
                        start: [part.start.as_slice(), &[at]].concat(),
                        count: [part.count.as_slice(), &[chunk.min(end - at)]].concat(),
                    })
                })
                .collect();
        }
        parts
    }

    /// The elements of `chunk` out of `slab`.
    pub(super) fn part_of(&self, slab: &Slab, chunk: &Slab, values: &[u8]) -> Vec<u8> {
        if slab == chunk {
            return values.to_vec();
        }
        let size = self.dtype.size();
        let start = chunk
            .start
            .iter()
            .zip(&slab.start)
            .map(|(at, first)| at - first)
            .collect();
        let inner = Slab {
            start,
            count: chunk.count.clone(),
        };
        let mut part = Vec::with_capacity(chunk.len() * size);
        for_each_run(&slab.count, &inner, |at, length| {
            part.extend_from_slice(values.get(at * size..(at + length) * size).unwrap_or(&[]));
        });
        part
    }

    /// The stored bytes of a chunk, padded with fill where it reaches beyond the array.
    pub(super) fn encode(&self, path: &str, chunk: &Slab, values: &[u8]) -> Result<Vec<u8>, StoreError> {
        let encoded = if chunk.count == self.chunks {
            self.codec.encode(values)
        } else {
            let size = self.dtype.size();
            let mut padded = self.fill.repeat(self.chunks.iter().product());
            let inner = Slab {
                start: vec![0; chunk.count.len()],
                count: chunk.count.clone(),
            };
            let mut rest = values;
            for_each_run(&self.chunks, &inner, |at, length| {
                let (run, after) = rest.split_at((length * size).min(rest.len()));
                if let Some(target) = padded.get_mut(at * size..at * size + run.len()) {
                    target.copy_from_slice(run);
                }
                rest = after;
            });
            self.codec.encode(&padded)
        };
        encoded.map_err(|error| refused(path, error))
    }
}

/// Calls `run(position in the whole, length)` for every contiguous run of a slab of an array of that shape.
fn for_each_run(shape: &[usize], slab: &Slab, mut run: impl FnMut(usize, usize)) {
    let Some((&length, outer)) = slab.count.split_last() else {
        return run(0, 1);
    };
    let mut index = vec![0; outer.len()];
    for _ in 0..outer.iter().product() {
        let at = (shape.iter().zip(&slab.start).enumerate()).fold(0, |at, (axis, (size, start))| {
            at * size + start + index.get(axis).copied().unwrap_or(0)
        });
        run(at, length);
        for (index, &count) in index.iter_mut().zip(outer).rev() {
            *index += 1;
            if *index < count {
                break;
            }
            *index = 0;
        }
    }
}

/// One chunk up to 16 MiB; beyond, as many whole rows of the first dimensions as fit.
fn whole_row_chunks(shape: &[usize], element: usize) -> Vec<usize> {
    let mut chunks: Vec<usize> = shape.iter().map(|&size| size.max(1)).collect();
    for axis in 0..chunks.len() {
        let inner = chunks
            .iter()
            .skip(axis + 1)
            .fold(element, |bytes, &size| bytes.saturating_mul(size));
        if let Some(chunk) = chunks.get_mut(axis) {
            *chunk = (CHUNK_BYTES / inner).clamp(1, *chunk);
            if *chunk > 1 {
                break;
            }
        }
    }
    chunks
}

/// Strings as `vlen-utf8` has them, with the checksum of the codec behind it.
pub(super) fn encode_strings(path: &str, strings: &[String]) -> Result<Vec<u8>, StoreError> {
    let count = |len: usize| u32::try_from(len).map_err(|_| refused(path, "more than 4 GiB of strings"));
    let mut out = count(strings.len())?.to_le_bytes().to_vec();
    for string in strings {
        out.extend_from_slice(&count(string.len())?.to_le_bytes());
        out.extend_from_slice(string.as_bytes());
    }
    out.extend_from_slice(&crc32c::crc32c(&out).to_le_bytes());
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_row_chunks_are_whole_rows_up_to_16_mib() {
        assert_eq!(whole_row_chunks(&[9866, 69], 4), [9866, 69]);
        assert_eq!(whole_row_chunks(&[584, 9866, 69], 4), [6, 9866, 69]);
        assert_eq!(whole_row_chunks(&[10, 5000, 5000], 8), [1, 419, 5000]);
        assert_eq!(whole_row_chunks(&[0, 3], 8), [1, 3]);
        assert_eq!(whole_row_chunks(&[], 8), [0_usize; 0]);
    }
}
