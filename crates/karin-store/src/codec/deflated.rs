//! Chunks as they lie in netCDF-4 files: elements shuffled, then deflated (RFC 1950). The Adler-32 of the stream is its
//! checksum, of the shuffled bytes.

use std::cell::RefCell;
use std::ops::Range;

use karin_core::shuffle::unshuffle;
use libdeflater::Decompressor;

use super::{ChunkCodec, CodecError};

/// Decoded chunks larger than this are not kept for the next one.
const KEPT: usize = 64 << 20;

/// The most that deflate makes of a byte.
const RATIO: usize = 1032;

thread_local! {
    static SCRATCH: RefCell<(Decompressor, Vec<u8>)> = RefCell::new((Decompressor::new(), Vec::new()));
}

/// Decodes columns `columns` of lines `rows`, which lie inside the chunk, into `out`, which has their length.
pub(super) fn decode(
    codec: &ChunkCodec,
    stored: &[u8],
    shuffle: bool,
    rows: Range<usize>,
    columns: Range<usize>,
    out: &mut [u8],
) -> Result<(), CodecError> {
    let size = codec.dtype.size();
    let shuffle = shuffle && size > 1;
    SCRATCH.with_borrow_mut(|(inflater, whole)| {
        if !shuffle && out.len() == codec.len() {
            return inflate(inflater, stored, out);
        }
        if codec.len() > stored.len().saturating_mul(RATIO).saturating_add(64) {
            return Err(CodecError::new(format!(
                "{} deflated bytes cannot hold a chunk of {}",
                stored.len(),
                codec.len()
            )));
        }
        whole.resize(codec.len(), 0);
        inflate(inflater, stored, whole)?;
        let copy = |first: usize, target: &mut [u8]| {
            if shuffle {
                unshuffle(whole, size, first, target);
            } else if let Some(part) = whole.get(first * size..first * size + target.len()) {
                target.copy_from_slice(part);
            }
        };
        if columns.len() == codec.columns {
            copy(rows.start * codec.columns, out);
        } else {
            let lines = rows.zip(out.chunks_exact_mut((columns.len() * size).max(1)));
            lines.for_each(|(row, line)| copy(row * codec.columns + columns.start, line));
        }
        if whole.capacity() > KEPT {
            *whole = Vec::new();
        }
        Ok(())
    })
}

fn inflate(inflater: &mut Decompressor, stored: &[u8], out: &mut [u8]) -> Result<(), CodecError> {
    match inflater.zlib_decompress(stored, out) {
        Ok(written) if written == out.len() => Ok(()),
        Ok(written) => Err(CodecError::new(format!(
            "it inflates to {written} bytes instead of {}",
            out.len()
        ))),
        Err(error) => Err(CodecError::new(format!("no valid deflate stream: {error}"))),
    }
}
