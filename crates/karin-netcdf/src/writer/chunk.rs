//! One chunk: gathered out of an array, padded with fill, filtered.

use std::cell::RefCell;

use karin_core::shuffle::shuffle;
use libdeflater::{CompressionError, CompressionLvl, Compressor};

use super::btree::StoredChunk;
use super::datatype;
use super::plan::{DatasetPlan, Fill};
use crate::fletcher32::fletcher32;

/// A chunk as it goes to the file.
#[derive(Debug)]
pub(super) struct EncodedChunk {
    pub(super) start: Vec<u64>,
    pub(super) bytes: Vec<u8>,
}

impl EncodedChunk {
    /// Its entry in the index, once it lies at `address`.
    pub(super) fn stored_at(self, address: u64) -> StoredChunk {
        StoredChunk {
            start: self.start,
            address,
            len: self.bytes.len() as u32,
        }
    }
}

/// A part of an array in memory: `count` elements from `start` along every dimension, in native byte order
/// (strings: descriptors as stored).
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    pub(super) start: &'a [u64],
    pub(super) count: &'a [u64],
    pub(super) bytes: &'a [u8],
}

/// Encodes the chunk that begins at `start`, whose elements inside the array are all in `part`.
pub(super) fn encode(plan: &DatasetPlan, chunks: &[u64], start: Vec<u64>, part: Part<'_>) -> EncodedChunk {
    let element = datatype::stored_size(plan.dtype);
    let is_as_stored = !plan.fletcher32 && !swaps(plan, element);
    if is_as_stored && plan.shuffle && element > 1 && part.start == start && part.count == chunks {
        // The part is the chunk: no copy is needed before the first filter.
        let mut planes = vec![0; part.bytes.len()];
        shuffle(part.bytes, element, &mut planes);
        let bytes = match plan.deflate {
            Some(level) => deflate(&planes, level),
            None => planes,
        };
        return EncodedChunk { start, bytes };
    }
    let mut raw = gather(plan, chunks, &start, part, element);
    to_stored_order(plan, element, &mut raw);
    if plan.fletcher32 {
        let sum = fletcher32(&raw);
        raw.extend_from_slice(&sum.to_le_bytes());
    }
    if plan.shuffle && element > 1 {
        let mut planes = vec![0; raw.len()];
        shuffle(&raw, element, &mut planes);
        raw = planes;
    }
    if let Some(level) = plan.deflate {
        raw = deflate(&raw, level);
    }
    EncodedChunk { start, bytes: raw }
}

/// Turns native byte order into the stored one.
pub(super) fn to_stored_order(plan: &DatasetPlan, element: usize, bytes: &mut [u8]) {
    if swaps(plan, element) {
        bytes.chunks_exact_mut(element).for_each(<[u8]>::reverse);
    }
}

/// True if the stored byte order is not the native one.
fn swaps(plan: &DatasetPlan, element: usize) -> bool {
    plan.dtype.is_numeric() && element > 1 && plan.big_endian != cfg!(target_endian = "big")
}

/// Bytes of `fill` in native order, repeated over `len` bytes.
pub(super) fn filled(plan: &DatasetPlan, element: usize, len: usize) -> Vec<u8> {
    match &plan.fill {
        Fill::Value(value) if value.iter().any(|&byte| byte != 0) => {
            let mut value = value.clone();
            to_stored_order(plan, element, &mut value);
            let mut out = Vec::with_capacity(len);
            while out.len() < len {
                out.extend_from_slice(&value);
            }
            out.truncate(len);
            out
        }
        _ => vec![0; len],
    }
}

fn gather(plan: &DatasetPlan, chunks: &[u64], start: &[u64], part: Part<'_>, element: usize) -> Vec<u8> {
    let size = chunks.iter().product::<u64>() as usize * element;
    if part.start == start && part.count == chunks {
        return part.bytes.to_vec();
    }
    let inside: Vec<u64> = (chunks.iter().zip(start).zip(&plan.shape))
        .map(|((chunk, start), size)| (*chunk).min(size.saturating_sub(*start)))
        .collect();
    let mut out = if inside == chunks {
        vec![0; size]
    } else {
        filled(plan, element, size)
    };
    let offset: Vec<u64> = start
        .iter()
        .zip(part.start)
        .map(|(at, first)| at - first)
        .collect();
    copy_rows(&mut out, chunks, part, &offset, &inside, element);
    out
}

/// Copies `inside` elements from `offset` of `part` to the beginning of a chunk, row by row.
fn copy_rows(out: &mut [u8], chunks: &[u64], part: Part<'_>, offset: &[u64], inside: &[u64], element: usize) {
    let Some(&row) = inside.last() else { return };
    let row_bytes = row as usize * element;
    let outer = inside.len() - 1;
    let rows: u64 = inside.iter().take(outer).product();
    let mut index = vec![0_u64; outer];
    for _ in 0..rows {
        let (mut to, mut from) = (0_u64, 0_u64);
        for axis in 0..inside.len() {
            let at = index.get(axis).copied().unwrap_or(0);
            to = to * chunks[axis] + at;
            from = from * part.count[axis] + offset[axis] + at;
        }
        let (to, from) = (to as usize * element, from as usize * element);
        if let (Some(to), Some(from)) = (
            out.get_mut(to..to + row_bytes),
            part.bytes.get(from..from + row_bytes),
        ) {
            to.copy_from_slice(from);
        }
        for axis in (0..outer).rev() {
            index[axis] += 1;
            if index[axis] < inside[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
}

fn deflate(bytes: &[u8], level: u8) -> Vec<u8> {
    thread_local! {
        static COMPRESSOR: RefCell<Option<(u8, Compressor)>> = const { RefCell::new(None) };
    }
    COMPRESSOR.with_borrow_mut(|kept| {
        let (_, compressor) = match kept {
            Some(kept) if kept.0 == level => kept,
            _ => {
                // Every level from 0 to 9 exists in libdeflate.
                let known = CompressionLvl::new(i32::from(level)).unwrap_or_default();
                kept.insert((level, Compressor::new(known)))
            }
        };
        let mut out = vec![0; compressor.zlib_compress_bound(bytes.len())];
        loop {
            match compressor.zlib_compress(bytes, &mut out) {
                Ok(len) => {
                    out.truncate(len);
                    return out;
                }
                // The bound makes this impossible; should it ever be wrong, more room is the answer.
                Err(CompressionError::InsufficientSpace) => out.resize(out.len() * 2 + 64, 0),
            }
        }
    })
}
