//! Between which latitudes the lines of a pass lie, so that a region is found without decoding the latitudes of all lines.
//!
//! Kept once per pass beside its coordinates, for every [`LINES`] lines: the least latitude and the greatest in hundredths of a
//! degree, rounded outwards.

use karin_core::{DType, Packing, RowBounds, Values};

use crate::codec::{ChunkCodec, CodecError};

/// Lines of a block: 256 km of a 2 km grid. A pass then has 312 bytes of bounds, which a manifest holds inline.
pub(crate) const LINES: usize = 128;

/// Units of a degree.
pub(crate) const PER_DEGREE: f64 = 100.0;

/// Least and greatest of a block without any latitude.
const NONE: [i16; 2] = [i16::MAX, i16::MIN];

/// Blocks of so many lines.
pub(crate) const fn blocks(lines: usize) -> usize {
    lines.div_ceil(LINES)
}

/// How the bounds of a pass are stored.
pub(crate) const fn codec(blocks: usize) -> ChunkCodec {
    ChunkCodec::plain(DType::Int16, 2 * blocks)
}

/// The bounds of packed latitudes, lines of `width` pixels, as they are stored; `None` if these are no latitudes.
pub(crate) fn of(packing: &Packing, latitudes: &Values, width: usize) -> Option<Vec<u8>> {
    let size = LINES * width;
    let mut degrees = vec![0.0; size];
    let mut stored = Vec::new();
    for start in (0..latitudes.len()).step_by(size.max(1)) {
        let range = start..latitudes.len().min(start + size);
        let degrees = degrees.get_mut(..range.len())?;
        karin_core::with_values!(
            latitudes,
            raw => packing.decode_into(raw.get(range)?, degrees),
            String(_text) => return None
        );
        let (least, most) = degrees
            .iter()
            .filter(|value| !value.is_nan())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| {
                (least.min(*value), most.max(*value))
            });
        let bounds = if least > most {
            NONE
        } else if least < -90.0 || most > 90.0 {
            return None;
        } else {
            [
                (least * PER_DEGREE).floor() as i16,
                (most * PER_DEGREE).ceil() as i16,
            ]
        };
        stored.extend(bounds.map(i16::to_le_bytes).as_flattened());
    }
    Some(stored)
}

/// The bounds of a pass of so many lines from its stored chunk.
///
/// # Errors
/// If the chunk is damaged.
pub(crate) fn decode(stored: &[u8], lines: usize) -> Result<RowBounds, CodecError> {
    let codec = codec(blocks(lines));
    let mut raw = vec![0; codec.len()];
    codec.decode(stored, &mut raw)?;
    let (pairs, _) = raw.as_chunks::<4>();
    let bounds = |&[a, b, c, d]: &[u8; 4]| {
        let (least, most) = (i16::from_le_bytes([a, b]), i16::from_le_bytes([c, d]));
        let degrees = |hundredths: i16| f64::from(hundredths) / PER_DEGREE;
        (least <= most).then(|| (degrees(least), degrees(most)))
    };
    Ok(RowBounds {
        rows: LINES,
        blocks: pairs.iter().map(bounds).collect(),
    })
}
