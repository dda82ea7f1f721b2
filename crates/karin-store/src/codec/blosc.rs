//! The Blosc 1 container with zstd and byte shuffle, as Zarr's core `blosc` codec has it.
//!
//! Own code, because the C library has no way to decode a range of elements safely from bytes that are not trusted,
//! and because a block can be decoded straight into the caller's buffer. Layout, all integers little-endian:
//! `[version=2][codec version=1][flags][element size][bytes u32][block size u32][container size u32]`, then the
//! start of every block (u32), then per block its compressed size (u32) and one zstd frame; a block that does not
//! shrink is stored as it is. Blocks are never split by byte plane.

use std::cell::RefCell;
use std::ops::Range;

use karin_core::shuffle::{shuffle, unshuffle};
use zstd::bulk::{Compressor, Decompressor};

use super::CodecError;

const HEADER: usize = 16;
const SHUFFLED: u8 = 0x01;
const COPIED: u8 = 0x02;
const BIT_SHUFFLED: u8 = 0x04;
const UNSPLIT: u8 = 0x10;
const ZSTD: u8 = 4 << 5;

/// Lines of a chunk beyond which its blocks are small.
const MANY_LINES: usize = 4096;

/// Bytes of a block, for chunks of so many lines. At 512 KiB a read of few lines, which decodes a whole block, costs half of
/// what it costs at 1 MiB, and zstd stores 1 % more; at 256 KiB again 1 %. For chunks of few lines, those of the 250 m
/// products, that would be more than netCDF stores.
pub(super) const fn block_of(lines: usize) -> usize {
    if lines > MANY_LINES { 512 << 10 } else { 1 << 20 }
}

thread_local! {
    static COMPRESSOR: RefCell<Option<(i32, Compressor<'static>)>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static BLOCK: RefCell<(Vec<u8>, Vec<u8>)> = const { RefCell::new((Vec::new(), Vec::new())) };
}

/// Packs `raw` (elements of `size` bytes) at zstd `level` in blocks of `block` bytes.
///
/// # Errors
/// If there are 2 GiB or more, or zstd fails.
pub(super) fn encode(raw: &[u8], size: usize, level: i32, block: usize) -> Result<Vec<u8>, CodecError> {
    let total = u32::try_from(raw.len()).ok().filter(|&len| len < 1 << 31);
    let total = total.ok_or_else(|| CodecError::new("a chunk has 2 GiB or more"))?;
    let block_size = block.min(raw.len()).max(1);
    let blocks = raw.len().div_ceil(block_size);
    let mut out = Vec::with_capacity(HEADER + 4 * blocks + raw.len() / 3);
    out.extend_from_slice(&[
        2,
        1,
        ZSTD | UNSPLIT | if size > 1 { SHUFFLED } else { 0 },
        size as u8,
    ]);
    out.extend_from_slice(&total.to_le_bytes());
    out.extend_from_slice(&(block_size as u32).to_le_bytes());
    out.resize(HEADER + 4 * blocks, 0);
    BLOCK.with_borrow_mut(|(shuffled, packed)| {
        shuffled.resize(shuffled.len().max(block_size), 0);
        for (index, block) in raw.chunks(block_size).enumerate() {
            let start = (out.len() as u32).to_le_bytes();
            out[HEADER + 4 * index..HEADER + 4 * index + 4].copy_from_slice(&start);
            let planes = &mut shuffled[..block.len()];
            shuffle(block, size, planes);
            compress(planes, level, packed)?;
            let stored = if packed.len() < planes.len() {
                packed.as_slice()
            } else {
                &*planes
            };
            out.extend_from_slice(&(stored.len() as u32).to_le_bytes());
            out.extend_from_slice(stored);
        }
        Ok(())
    })?;
    let length = (out.len() as u32).to_le_bytes();
    out[12..16].copy_from_slice(&length);
    Ok(out)
}

fn compress(block: &[u8], level: i32, packed: &mut Vec<u8>) -> Result<(), CodecError> {
    COMPRESSOR.with_borrow_mut(|slot| {
        let fail = |error: std::io::Error| CodecError::new(format!("zstd cannot compress: {error}"));
        if slot.as_ref().is_none_or(|(of, _)| *of != level) {
            *slot = Some((level, Compressor::new(level).map_err(fail)?));
        }
        packed.clear();
        packed.reserve(zstd::zstd_safe::compress_bound(block.len()));
        match slot {
            Some((_, compressor)) => compressor
                .compress_to_buffer(block, packed)
                .map(|_| ())
                .map_err(fail),
            None => Err(CodecError::new("no zstd context")),
        }
    })
}

/// A container whose header has been checked against its length.
struct Container<'a> {
    bytes: &'a [u8],
    flags: u8,
    size: usize,
    total: usize,
    block_size: usize,
}

impl<'a> Container<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, CodecError> {
        let word = |at: usize| -> Option<usize> {
            let four = bytes.get(at..at + 4)?.try_into().ok()?;
            usize::try_from(u32::from_le_bytes(four)).ok()
        };
        let (Some(&[_, _, flags, size]), Some(total), Some(block_size), Some(length)) =
            (bytes.first_chunk::<4>(), word(4), word(8), word(12))
        else {
            return Err(CodecError::new("a Blosc container without its header"));
        };
        let size = usize::from(size);
        let blocks_fit = total == 0
            || block_size == total
            || (1..total).contains(&block_size) && block_size.is_multiple_of(size.max(1));
        if length != bytes.len() || size == 0 || !blocks_fit {
            return Err(CodecError::new("a Blosc header that contradicts itself"));
        }
        let plain = flags & COPIED != 0;
        if !plain && (flags >> 5 != ZSTD >> 5 || flags & BIT_SHUFFLED != 0 || flags & UNSPLIT == 0) {
            return Err(CodecError::new(
                "a Blosc container of another kind than zstd with byte shuffle",
            ));
        }
        Ok(Self {
            bytes,
            flags,
            size,
            total,
            block_size,
        })
    }

    fn block(&self, index: usize) -> Result<&'a [u8], CodecError> {
        let word = |at: usize| -> Option<usize> {
            let four = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
            usize::try_from(u32::from_le_bytes(four)).ok()
        };
        let stored = || {
            let start = word(HEADER + 4 * index)?;
            let length = word(start)?;
            self.bytes.get(start + 4..(start + 4).checked_add(length)?)
        };
        stored().ok_or_else(|| CodecError::new(format!("block {index} of a Blosc container lies outside it")))
    }
}

/// Bytes of a block of the content, if these are the bytes of a container.
pub(super) fn block_size(bytes: &[u8]) -> Option<usize> {
    let four = bytes.get(8..12)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(four)).ok()
}

/// The block that begins where a range of the content does and holds all of it, and the header that says how blocks are packed;
/// `None` if there is none.
pub(super) fn block_of_range(bytes: &[u8], range: Range<usize>) -> Option<[&[u8]; 2]> {
    let container = Container::parse(bytes).ok()?;
    let begins = range.start.is_multiple_of(container.block_size.max(1));
    let is_inside = range.len() <= container.block_size && range.end <= container.total;
    if !begins || !is_inside || container.flags & COPIED != 0 {
        return None;
    }
    let block = container.block(range.start / container.block_size.max(1)).ok()?;
    // Versions, flags, sizes of elements, content and blocks: all but the size of the container.
    Some([bytes.get(..HEADER - 4)?, block])
}

/// Unpacks the bytes `range` of the content into `out` (of that length); only the blocks that it touches.
///
/// # Errors
/// If the container is damaged, of another kind, or does not hold `total` bytes.
pub(super) fn decode(
    bytes: &[u8],
    total: usize,
    range: Range<usize>,
    out: &mut [u8],
) -> Result<(), CodecError> {
    let container = Container::parse(bytes)?;
    if container.total != total || range.end > total || range.len() != out.len() {
        let found = container.total;
        return Err(CodecError::new(format!(
            "a Blosc container of {found} bytes where {total} are expected"
        )));
    }
    if container.flags & COPIED != 0 {
        let content = bytes.get(HEADER + range.start..HEADER + range.end);
        out.copy_from_slice(content.ok_or_else(|| CodecError::new("a Blosc container that ends early"))?);
        return Ok(());
    }
    SCRATCH.with_borrow_mut(|scratch| {
        scratch.resize(scratch.len().max(container.block_size), 0);
        let mut rest = out;
        let mut at = range.start;
        while at < range.end {
            let index = at / container.block_size;
            let first = index * container.block_size;
            let last = (first + container.block_size).min(total);
            let (part, next) = rest.split_at_mut(last.min(range.end) - at);
            decode_block(&container, index, &mut scratch[..last - first], at - first, part)?;
            (rest, at) = (next, last);
        }
        Ok(())
    })
}

/// Unpacks what lies from byte `from` of a block on into `out`; `planes` has the size of the block.
fn decode_block(
    container: &Container<'_>,
    index: usize,
    planes: &mut [u8],
    from: usize,
    out: &mut [u8],
) -> Result<(), CodecError> {
    let stored = container.block(index)?;
    let shuffled = container.flags & SHUFFLED != 0 && container.size > 1;
    let straight = !shuffled && out.len() == planes.len();
    let target = if straight { &mut *out } else { &mut *planes };
    if stored.len() == target.len() {
        target.copy_from_slice(stored);
    } else {
        decompress(stored, target)?;
    }
    if shuffled {
        unshuffle(planes, container.size, from / container.size, out);
    } else if !straight {
        out.copy_from_slice(&planes[from..from + out.len()]);
    }
    Ok(())
}

fn decompress(stored: &[u8], target: &mut [u8]) -> Result<(), CodecError> {
    DECOMPRESSOR.with_borrow_mut(|slot| {
        let fail = |error: std::io::Error| CodecError::new(format!("zstd cannot decompress: {error}"));
        if slot.is_none() {
            *slot = Some(Decompressor::new().map_err(fail)?);
        }
        let length = match slot {
            Some(decompressor) => decompressor.decompress_to_buffer(stored, target).map_err(fail)?,
            None => 0,
        };
        if length == target.len() {
            Ok(())
        } else {
            Err(CodecError::new("a Blosc block that is too short"))
        }
    })
}
