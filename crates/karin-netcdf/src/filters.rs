//! HDF5 chunk filters: undone one by one, the byte shuffle left to whoever places the elements.

use hdf5_reader::messages::filter_pipeline::{
    FILTER_DEFLATE, FILTER_FLETCHER32, FILTER_NBIT, FILTER_SCALEOFFSET, FILTER_SHUFFLE, FILTER_SZIP,
    FilterDescription,
};
use karin_core::shuffle::unshuffle;
use libdeflater::{DecompressionError, Decompressor};

use crate::fault::Fault;
use crate::fletcher32::fletcher32;
use crate::limits::DEFLATE_RATIO;

/// One filter of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    Shuffle,
    /// With the level that the writer says it used.
    Deflate(u8),
    Fletcher32,
    /// Known to the HDF5 library but rare: undone by the metadata crate, not at full speed.
    Rare(FilterDescription),
    /// Not undone here.
    Unknown(String),
}

impl Filter {
    pub(crate) fn of(filter: &FilterDescription) -> Self {
        match filter.id {
            FILTER_SHUFFLE => Self::Shuffle,
            FILTER_DEFLATE => Self::Deflate(
                filter
                    .client_data
                    .first()
                    .and_then(|level| u8::try_from(*level).ok())
                    .unwrap_or(6),
            ),
            FILTER_FLETCHER32 => Self::Fletcher32,
            FILTER_SZIP | FILTER_NBIT | FILTER_SCALEOFFSET => Self::Rare(filter.clone()),
            id => Self::Unknown(known_name(id).map_or_else(
                || format!("filter {id} ({})", filter.name.as_deref().unwrap_or("no name")),
                |name| format!("filter {id} ({name})"),
            )),
        }
    }
}

fn known_name(id: u16) -> Option<&'static str> {
    Some(match id {
        305 => "lzo",
        307 => "bzip2",
        32000 => "lzf",
        32001 => "blosc",
        32004 => "lz4",
        32008 => "bitshuffle",
        32013 => "zfp",
        32015 => "zstd",
        32017 => "sz",
        32022 => "bitgroom",
        32023 => "granular bitround",
        32026 => "blosc2",
        _ => return None,
    })
}

/// Buffers of one thread, reused from chunk to chunk.
pub(crate) struct Scratch {
    pub(crate) inflater: Decompressor,
    /// Bytes as stored.
    pub(crate) stored: Vec<u8>,
    /// Bytes with some filters undone.
    pub(crate) decoded: Vec<u8>,
    /// A few elements in order, of a shuffled chunk.
    pub(crate) window: Vec<u8>,
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            inflater: Decompressor::new(),
            stored: Vec::new(),
            decoded: Vec::new(),
            window: Vec::new(),
        }
    }
}

/// Buffers larger than this are given back after use.
const KEPT_BYTES: usize = 64 << 20;

impl Scratch {
    /// Gives back what only a rare large chunk needed.
    pub(crate) fn trim(&mut self) {
        for buffer in [&mut self.stored, &mut self.decoded] {
            if buffer.capacity() > KEPT_BYTES {
                *buffer = Vec::new();
            }
        }
    }
}

/// Where the bytes of a chunk are after [`undo`].
pub(crate) enum Undone {
    /// In `scratch.decoded` (or `scratch.stored`: `false`), elements in order.
    Plain { in_decoded: bool },
    /// The same, but still shuffled.
    Shuffled { in_decoded: bool },
    /// In the target that was given.
    InTarget,
}

/// The filters of one chunk and what it decodes to.
pub(crate) struct Pipeline<'a> {
    pub(crate) filters: &'a [Filter],
    pub(crate) mask: u32,
    pub(crate) element_size: usize,
    /// Bytes of the decoded chunk.
    pub(crate) chunk_bytes: usize,
}

impl Pipeline<'_> {
    fn is_active(&self, index: usize) -> bool {
        u32::try_from(index)
            .ok()
            .and_then(|bit| self.mask.checked_shr(bit))
            .is_none_or(|bits| bits & 1 == 0)
    }

    /// Bytes that the filter at `index` was given by the writer; `None` behind a filter of unknown result.
    fn input_bytes(&self, index: usize) -> Option<usize> {
        let mut bytes = self.chunk_bytes;
        for (before, filter) in self.filters.iter().enumerate().take(index) {
            match filter {
                _ if !self.is_active(before) => {}
                Filter::Shuffle => {}
                Filter::Fletcher32 => bytes += 4,
                Filter::Deflate(_) | Filter::Rare(_) | Filter::Unknown(_) => return None,
            }
        }
        Some(bytes)
    }

    /// Undoes all filters of the chunk in `scratch.stored`, except the shuffle that was applied first. Deflate that
    /// comes last goes straight into `target`, if there is one of exactly the chunk's length.
    pub(crate) fn undo(&self, scratch: &mut Scratch, target: Option<&mut [u8]>) -> Result<Undone, Fault> {
        let mut in_decoded = false;
        let mut target = target;
        for (index, filter) in self.filters.iter().enumerate().rev() {
            if !self.is_active(index) {
                continue;
            }
            match filter {
                Filter::Shuffle if (0..index).all(|before| !self.is_active(before)) => {
                    self.check_length(scratch, in_decoded)?;
                    // Single bytes cannot be shuffled.
                    let plain = self.element_size <= 1;
                    return Ok(if plain {
                        Undone::Plain { in_decoded }
                    } else {
                        Undone::Shuffled { in_decoded }
                    });
                }
                Filter::Shuffle => {
                    let shuffled = std::mem::take(if in_decoded {
                        &mut scratch.decoded
                    } else {
                        &mut scratch.stored
                    });
                    let plain = plain_of(&shuffled, self.element_size);
                    scratch.decoded = plain;
                    in_decoded = true;
                }
                Filter::Deflate(_) => {
                    let last = (0..index).all(|before| !self.is_active(before));
                    let direct = target
                        .take()
                        .filter(|target| last && target.len() == self.chunk_bytes);
                    let bytes = self
                        .input_bytes(index)
                        .ok_or_else(|| Fault::unsupported("one compression inside another"))?;
                    if let Some(target) = direct {
                        inflate(
                            &mut scratch.inflater,
                            if in_decoded {
                                &scratch.decoded
                            } else {
                                &scratch.stored
                            },
                            target,
                        )?;
                        return Ok(Undone::InTarget);
                    }
                    if in_decoded {
                        std::mem::swap(&mut scratch.stored, &mut scratch.decoded);
                    }
                    check_ratio(scratch.stored.len(), bytes)?;
                    scratch.decoded.resize(bytes, 0);
                    inflate(&mut scratch.inflater, &scratch.stored, &mut scratch.decoded)?;
                    in_decoded = true;
                }
                Filter::Fletcher32 => {
                    strip_fletcher32(if in_decoded {
                        &mut scratch.decoded
                    } else {
                        &mut scratch.stored
                    })?;
                }
                Filter::Rare(description) => {
                    let input = if in_decoded {
                        &scratch.decoded
                    } else {
                        &scratch.stored
                    };
                    scratch.decoded = hdf5_reader::filters::FilterRegistry::new().apply_with_limit(
                        description,
                        input,
                        self.element_size,
                        Some(self.chunk_bytes + 4),
                    )?;
                    in_decoded = true;
                }
                Filter::Unknown(name) => return Err(Fault::unsupported(name.clone())),
            }
        }
        self.check_length(scratch, in_decoded)?;
        Ok(Undone::Plain { in_decoded })
    }

    fn check_length(&self, scratch: &Scratch, in_decoded: bool) -> Result<(), Fault> {
        let found = if in_decoded {
            scratch.decoded.len()
        } else {
            scratch.stored.len()
        };
        if found == self.chunk_bytes {
            return Ok(());
        }
        Err(Fault::corrupt(format!(
            "a chunk decodes to {found} bytes instead of {}",
            self.chunk_bytes
        )))
    }
}

/// Refuses a decoded size that deflate cannot reach from so few bytes, before memory is taken for it.
pub(crate) fn check_ratio(stored: usize, decoded: usize) -> Result<(), Fault> {
    if decoded as u64 > (stored as u64).saturating_mul(DEFLATE_RATIO).saturating_add(64) {
        return Err(Fault::corrupt(format!(
            "{stored} deflated bytes cannot hold a chunk of {decoded}"
        )));
    }
    Ok(())
}

/// Inflates a zlib stream of exactly as many bytes as `out` has.
pub(crate) fn inflate(inflater: &mut Decompressor, deflated: &[u8], out: &mut [u8]) -> Result<(), Fault> {
    match inflater.zlib_decompress(deflated, out) {
        Ok(written) if written == out.len() => Ok(()),
        Ok(written) => Err(Fault::corrupt(format!(
            "a chunk inflates to {written} bytes instead of {}",
            out.len()
        ))),
        Err(DecompressionError::BadData) => Err(Fault::corrupt("a chunk is no valid deflate stream")),
        Err(DecompressionError::InsufficientSpace) => Err(Fault::corrupt(format!(
            "a chunk inflates to more than its {} bytes",
            out.len()
        ))),
    }
}

/// A shuffle that was not the writer's first filter: undone for the whole buffer, trailing bytes as they are.
fn plain_of(shuffled: &[u8], size: usize) -> Vec<u8> {
    let mut plain = vec![0; shuffled.len()];
    unshuffle(shuffled, size, 0, &mut plain);
    plain
}

fn strip_fletcher32(bytes: &mut Vec<u8>) -> Result<(), Fault> {
    let Some((payload, stored)) = bytes.split_last_chunk::<4>() else {
        return Err(Fault::corrupt("a chunk is too short for its checksum"));
    };
    let (found, expected) = (fletcher32(payload), u32::from_le_bytes(*stored));
    // HDF5 before 1.6.3 swapped the bytes of both halves on little-endian machines; the library accepts both.
    let swapped = (found & 0x00ff_00ff) << 8 | (found >> 8) & 0x00ff_00ff;
    if expected != found && expected != swapped {
        return Err(Fault::corrupt(format!(
            "checksum of a chunk is {found:#010x} instead of {expected:#010x}"
        )));
    }
    let len = payload.len();
    bytes.truncate(len);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_checksum_is_an_error() {
        let mut chunk = vec![1, 2, 3, 4];
        chunk.extend(fletcher32(&[1, 2, 3, 4]).to_le_bytes());
        let mut flipped = chunk.clone();
        flipped[2] ^= 1;
        assert!(strip_fletcher32(&mut flipped).is_err());
        strip_fletcher32(&mut chunk).unwrap();
        assert_eq!(chunk, [1, 2, 3, 4]);
    }

    #[test]
    fn sizes_that_deflate_cannot_reach_are_refused_before_allocation() {
        let pipeline = Pipeline {
            filters: &[Filter::Deflate(4)],
            mask: 0,
            element_size: 4,
            chunk_bytes: 1 << 40,
        };
        let mut scratch = Scratch {
            stored: vec![0; 100],
            ..Scratch::default()
        };
        assert!(matches!(
            pipeline.undo(&mut scratch, None),
            Err(Fault::Corrupt(_))
        ));
        assert!(scratch.decoded.capacity() < 1 << 20);
    }
}
