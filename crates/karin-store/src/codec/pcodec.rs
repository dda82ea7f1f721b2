//! pcodec, as the codec `numcodecs.pcodec` has it: one standalone pco file per chunk.

use bytemuck::{AnyBitPattern, NoUninit};
use karin_core::DType;
use pco::ChunkConfig;
use pco::data_types::Number;
use pco::standalone::{simple_compress, simple_decompress_into};

use super::CodecError;

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
