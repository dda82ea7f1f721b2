//! pcodec, as the codec `numcodecs.pcodec` has it: one standalone pco file per chunk.

use bytemuck::{AnyBitPattern, NoUninit};
use karin_core::DType;
use pco::data_types::Number;
use pco::standalone::{
    ChunkDecompressor, DecompressorItem, FileDecompressor, simple_compress, simple_decompress_into,
};
use pco::{ChunkConfig, FULL_BATCH_N};

use super::{CodecError, Elements};

/// The level of the `compact` profile: beyond it, encoding slows down and almost nothing is gained.
pub(super) const LEVEL: usize = 8;

/// Runs `$body` with `$type` bound to the Rust type of a 2-, 4- or 8-byte `$dtype`.
macro_rules! with_number {
    ($dtype:expr, $type:ident => $body:expr, else => $other:expr) => {
        match $dtype {
            DType::Int16 => {
                type $type = i16;
                $body
            }
            DType::UInt16 => {
                type $type = u16;
                $body
            }
            DType::Int32 => {
                type $type = i32;
                $body
            }
            DType::UInt32 => {
                type $type = u32;
                $body
            }
            DType::Int64 => {
                type $type = i64;
                $body
            }
            DType::UInt64 => {
                type $type = u64;
                $body
            }
            DType::Float32 => {
                type $type = f32;
                $body
            }
            DType::Float64 => {
                type $type = f64;
                $body
            }
            DType::Int8 | DType::UInt8 | DType::Char | DType::String => $other,
        }
    };
}

/// True for the types that the codec takes.
pub(super) const fn takes(dtype: DType) -> bool {
    dtype.size() >= 2
}

/// Packs native elements.
///
/// # Errors
/// If pco refuses.
pub(super) fn encode(raw: &[u8], dtype: DType) -> Result<Vec<u8>, CodecError> {
    with_number!(dtype, T => encode_numbers::<T>(raw), else => Err(unsuited(dtype)))
}

/// Unpacks exactly as many elements as `out` (8-byte aligned) holds.
///
/// # Errors
/// If the bytes are damaged or hold another number of elements.
pub(super) fn decode(bytes: &[u8], dtype: DType, out: &mut [u8]) -> Result<(), CodecError> {
    with_number!(dtype, T => decode_numbers::<T>(bytes, out, true), else => Err(unsuited(dtype)))
}

/// Unpacks the first elements: as many as `out` (8-byte aligned) holds.
///
/// # Errors
/// If the bytes are damaged or hold fewer elements.
pub(super) fn decode_first(bytes: &[u8], dtype: DType, out: &mut [u8]) -> Result<(), CodecError> {
    with_number!(dtype, T => decode_numbers::<T>(bytes, out, false), else => Err(unsuited(dtype)))
}

/// The `total` elements of a pco file one after the other.
///
/// # Errors
/// If the bytes are damaged.
pub(super) fn in_order(
    bytes: &[u8],
    dtype: DType,
    total: usize,
) -> Result<Box<dyn Elements + '_>, CodecError> {
    with_number!(dtype, T => Ok(Box::new(InOrder::<T>::new(bytes, total)?)), else => Err(unsuited(dtype)))
}

fn unsuited(dtype: DType) -> CodecError {
    CodecError::new(format!("pcodec has no {dtype}"))
}

fn encode_numbers<T: Number + AnyBitPattern + NoUninit>(raw: &[u8]) -> Result<Vec<u8>, CodecError> {
    let config = ChunkConfig::default().with_compression_level(LEVEL);
    let fail = |error: pco::errors::PcoError| CodecError::new(format!("pco cannot compress: {error}"));
    match bytemuck::try_cast_slice::<u8, T>(raw) {
        Ok(numbers) => simple_compress(numbers, &config).map_err(fail),
        Err(_) => {
            let numbers: Vec<T> = raw
                .chunks_exact(size_of::<T>())
                .map(bytemuck::pod_read_unaligned)
                .collect();
            simple_compress(&numbers, &config).map_err(fail)
        }
    }
}

fn decode_numbers<T: Number + AnyBitPattern + NoUninit>(
    bytes: &[u8],
    out: &mut [u8],
    all: bool,
) -> Result<(), CodecError> {
    let numbers = bytemuck::try_cast_slice_mut::<u8, T>(out)
        .map_err(|_| CodecError::new("a buffer that is not aligned for its numbers"))?;
    let wanted = numbers.len();
    let progress = simple_decompress_into(bytes, numbers)
        .map_err(|error| CodecError::new(format!("pco cannot decompress: {error}")))?;
    if progress.n_processed == wanted && (progress.finished || !all) {
        return Ok(());
    }
    let found = progress.n_processed;
    Err(CodecError::new(format!(
        "a pco file of {found} numbers or another kind where {wanted} are expected"
    )))
}

/// A chunk of a pco file under way, and the numbers that are left of it.
type Begun<'s, T> = (ChunkDecompressor<T, &'s [u8]>, usize);

/// A pco file that is decoded few numbers at a time: a part of all cycles stays in the cache that way.
struct InOrder<'s, T: Number> {
    file: FileDecompressor,
    /// What follows the chunk under way.
    rest: &'s [u8],
    chunk: Option<Begun<'s, T>>,
    /// Numbers that were decoded beyond what was asked for: pco has them in batches.
    few: Vec<T>,
    /// Numbers that are still to come, these among them.
    left: usize,
}

fn damaged(error: pco::errors::PcoError) -> CodecError {
    CodecError::new(format!("pco cannot decompress: {error}"))
}

impl<'s, T: Number + AnyBitPattern + NoUninit> InOrder<'s, T> {
    fn new(bytes: &'s [u8], total: usize) -> Result<Self, CodecError> {
        let (file, rest) = FileDecompressor::new(bytes).map_err(damaged)?;
        Ok(Self {
            file,
            rest,
            chunk: None,
            few: Vec::with_capacity(FULL_BATCH_N),
            left: total,
        })
    }

    /// The chunk under way, or the next one; `None` at the end.
    fn chunk(&mut self) -> Result<Option<&mut Begun<'s, T>>, CodecError> {
        while self.chunk.as_ref().is_none_or(|(_, left)| *left == 0) {
            if let Some((chunk, _)) = self.chunk.take() {
                self.rest = chunk.into_src();
            }
            match self.file.chunk_decompressor::<T, _>(self.rest).map_err(damaged)? {
                DecompressorItem::Chunk(chunk) => {
                    let numbers = chunk.n();
                    self.chunk = Some((chunk, numbers));
                }
                DecompressorItem::EndOfData(_) => return Ok(None),
            }
        }
        Ok(self.chunk.as_mut())
    }

    /// Decodes the beginning of `out`, as much as pco can decode at once; the number of values, none at the end.
    fn some_into(&mut self, out: &mut [T]) -> Result<usize, CodecError> {
        if !self.few.is_empty() {
            let count = self.few.len().min(out.len());
            out[..count].copy_from_slice(&self.few[..count]);
            self.few.drain(..count);
            return Ok(count);
        }
        let mut few = std::mem::take(&mut self.few);
        let Some((chunk, left)) = self.chunk()? else {
            return Ok(0);
        };
        let whole = if out.len() >= *left {
            *left
        } else {
            out.len() / FULL_BATCH_N * FULL_BATCH_N
        };
        let found = if whole > 0 {
            chunk.read(&mut out[..whole])
        } else {
            few.resize(FULL_BATCH_N.min(*left), T::zeroed());
            chunk.read(&mut few)
        };
        let found = found.map_err(damaged)?.n_processed;
        if found == 0 || found > *left {
            return Err(CodecError::new("a chunk of pco without numbers"));
        }
        *left -= found;
        if whole > 0 {
            self.few = few;
            return Ok(found);
        }
        few.truncate(found);
        self.few = few;
        self.some_into(out)
    }
}

impl<T: Number + AnyBitPattern + NoUninit> Elements for InOrder<'_, T> {
    fn next_into(&mut self, out: &mut [u8]) -> Result<(), CodecError> {
        let numbers = bytemuck::try_cast_slice_mut::<u8, T>(out)
            .map_err(|_| CodecError::new("a buffer that is not aligned for its numbers"))?;
        let mut at = 0;
        while at < numbers.len() {
            let found = self.some_into(&mut numbers[at..])?;
            if found == 0 {
                break;
            }
            at += found;
        }
        self.left = self
            .left
            .checked_sub(numbers.len())
            .filter(|_| at == numbers.len())
            .ok_or_else(|| CodecError::new("a pco file of fewer numbers than are expected"))?;
        if self.left == 0 && (!self.few.is_empty() || self.chunk()?.is_some()) {
            return Err(CodecError::new("a pco file of more numbers than are expected"));
        }
        Ok(())
    }
}
