//! From a variable of a granule to encoded chunks.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use karin_core::{Dataset, DatasetError, Packing, Slab, Values};
use rayon::prelude::*;

use super::geometry::Guide;
use super::granule::{Fitted, Placed, Refusal};
use super::refer;
use crate::codec::CodecError;
use crate::collection::fill;
use crate::facts::bounds;
use crate::layout::{ArrayLayout, GroupLayout, Placement};
use crate::stored::{Spare, Stored};

/// What one variable becomes.
#[derive(Debug)]
pub(super) struct Encoded {
    /// Index in the arrays of the layout.
    pub array: usize,
    /// Encoded chunks by block; none for blocks that are all fill.
    pub blocks: Vec<(u32, Vec<u8>)>,
    /// Chunks that stay in the granule's file: block, first byte, bytes.
    pub in_file: Vec<(u32, u64, u64)>,
    /// BLAKE3 of the stored bytes of coordinates of a virtual granule: the same bytes are the same values.
    pub stored_hash: Option<[u8; 32]>,
    /// BLAKE3 of the values, of variables that granules share.
    pub hash: Option<[u8; 32]>,
    /// Between which latitudes the lines lie, of latitudes that cycles share, as it is stored.
    pub bounds: Option<Vec<u8>>,
    /// First and last valid time, of `time`.
    pub times: Option<(f64, f64)>,
    /// A column of `latitude` or `longitude` in degrees, and how far right of the guiding column it lies in metres.
    pub column: Option<(f64, Vec<f64>)>,
}

/// What is known of the values that granules share before a granule is encoded.
pub(super) trait KnownShared: Sync {
    /// True if an array with these values is stored already.
    fn is_known(&self, array: usize, hash: &[u8; 32]) -> bool;

    /// BLAKE3 of the values of an array, if a granule whose stored bytes have that hash told them.
    fn values_of(&self, array: usize, stored_hash: &[u8; 32]) -> Option<[u8; 32]>;
}

impl Encoded {
    /// Nothing of an array yet.
    pub(super) const fn nothing(array: usize) -> Self {
        Self {
            array,
            blocks: Vec::new(),
            in_file: Vec::new(),
            stored_hash: None,
            hash: None,
            bounds: None,
            times: None,
            column: None,
        }
    }
}

/// A granule that is being encoded.
pub(super) struct Encoding<'a> {
    pub dataset: &'a dyn Dataset,
    pub layout: &'a GroupLayout,
    pub fitted: &'a Fitted,
    pub known: &'a dyn KnownShared,
    /// Memory for values between variables: fresh pages cost as much as reading into them.
    pub buffers: &'a Mutex<Spare>,
}

/// Values in a buffer that goes back to where it is from.
struct Raw<'a> {
    values: Stored,
    buffers: &'a Mutex<Spare>,
}

impl<'a> Raw<'a> {
    /// So many bytes of any values.
    fn new(buffers: &'a Mutex<Spare>, len: usize) -> Self {
        let mut values = buffers.lock().unwrap_or_else(PoisonError::into_inner).take(len);
        values.resize(len);
        Self { values, buffers }
    }
}

impl Deref for Raw<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.values
    }
}

impl DerefMut for Raw<'_> {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.values
    }
}

impl Drop for Raw<'_> {
    fn drop(&mut self) {
        let values = std::mem::take(&mut self.values);
        self.buffers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .give(values);
    }
}

/// Reads, repacks and encodes one variable.
///
/// # Errors
/// What reading meets, or packing that cannot be converted without loss.
pub(super) fn encode(encoding: &Encoding<'_>, placed: &Placed) -> Result<Encoded, Refusal> {
    let Encoding {
        dataset,
        layout,
        fitted,
        known,
        buffers,
    } = *encoding;
    let Some(array) = layout.arrays.get(placed.array) else {
        return Err(Refusal::structure("a variable without a place"));
    };
    let mut encoded = Encoded::nothing(placed.array);
    if array.is_virtual {
        encoded.in_file = refer::chunks(dataset, array, placed)?;
        if array.variable != "time" {
            return Ok(encoded);
        }
    }
    if layout.key.is_virtual && array.placement == Placement::Pass {
        encoded.stored_hash = refer::stored_hash(dataset, array)?;
        let told = |hash: &[u8; 32]| known.values_of(placed.array, hash);
        if let Some(hash) = encoded.stored_hash.as_ref().and_then(told) {
            encoded.hash = Some(hash);
            return Ok(encoded);
        }
    }
    let values = read(dataset, array, placed, buffers)?;
    let landing = fitted.landings.get(placed.landing);
    let group = landing.map_or("", |(path, _)| path.as_str());
    let name = array.variable.rsplit('/').next().unwrap_or_default();
    let known_variable = layout.blueprint.structure.variable(&array.variable);
    let packing = known_variable.and_then(Packing::of);
    if name == "time" {
        encoded.times = packing.as_ref().and_then(|packing| extremes(packing, &values));
    }
    if let ("latitude" | "longitude", &[_, pixels], Some(packing)) = (name, placed.shape.as_slice(), &packing)
    {
        let place = landing.and_then(|(_, landing)| landing.pixels.as_ref());
        encoded.column = column(packing, &values, pixels, place, Guide::of(group), array);
    }
    if let ("latitude", Placement::Pass, Some(packing)) = (name, array.placement, &packing) {
        encoded.bounds = bounds::of(packing, &typed(packing, &values), array.columns());
    }
    let plain = landing.is_none_or(|(_, landing)| landing.is_plain(array));
    let scattered;
    let raw = match landing {
        Some((_, landing)) if !plain => {
            scattered = landing.scatter(array, &values, &placed.shape);
            scattered.as_slice()
        }
        _ => &values,
    };
    if array.placement != Placement::Granule {
        let hash = *blake3::hash(raw).as_bytes();
        encoded.hash = Some(hash);
        if known.is_known(placed.array, &hash) {
            return Ok(encoded);
        }
    }
    if !array.is_virtual {
        encoded.blocks = blocks(array, raw, buffers)?;
    }
    Ok(encoded)
}

fn read<'b>(
    dataset: &dyn Dataset,
    array: &ArrayLayout,
    placed: &Placed,
    buffers: &'b Mutex<Spare>,
) -> Result<Raw<'b>, Refusal> {
    let len = placed.shape.iter().product::<usize>() * array.dtype.size();
    let Some((from, to)) = &placed.repack else {
        let mut raw = Raw::new(buffers, len);
        read_rows(dataset, &array.variable, &placed.shape, &mut raw).map_err(Refusal::Unreadable)?;
        return Ok(raw);
    };
    let values = dataset.read_slab(&array.variable, &Slab::all(&placed.shape));
    let values = values.map_err(Refusal::Unreadable)?.values;
    let repacked = from.repack(&values, to).map_err(|error| {
        let path = &array.variable;
        Refusal::structure(format!(
            "{path} is packed otherwise than the product ({} by {}, expected {} by {}) and cannot be repacked without \
             loss: {error}",
            from.dtype, from.scale, to.dtype, to.scale
        ))
    })?;
    let mut raw = Raw::new(buffers, repacked.as_bytes().len());
    raw.copy_from_slice(repacked.as_bytes());
    Ok(raw)
}

/// Bytes from which on several threads share the reading of a variable.
const SHARED_BYTES: usize = 16 << 20;

/// Reads all of a variable; a large one by rows of chunks.
fn read_rows(dataset: &dyn Dataset, path: &str, shape: &[usize], out: &mut [u8]) -> Result<(), DatasetError> {
    let chunks = dataset
        .root()
        .variable(path)
        .and_then(|variable| variable.storage.chunks.as_ref());
    let chunk_rows = chunks.and_then(|chunks| chunks.first().copied()).unwrap_or(0);
    let row_bytes = out
        .len()
        .checked_div(shape.first().copied().unwrap_or(0))
        .unwrap_or(0);
    let together = chunk_rows * row_bytes;
    if together == 0 || out.len() < SHARED_BYTES {
        return dataset.read_into(path, &Slab::all(shape), out);
    }
    let read = |(number, part): (usize, &mut [u8])| {
        let first = number * chunk_rows;
        let rows = first..first + part.len() / row_bytes;
        dataset.read_into(path, &Slab::rows(shape, rows), part)
    };
    out.par_chunks_mut(together).enumerate().try_for_each(read)
}

/// The same values with their type.
fn typed(packing: &Packing, raw: &[u8]) -> Values {
    let dtype = packing.dtype;
    let mut values = Values::zeros(dtype, raw.len() / dtype.size().max(1));
    values.as_bytes_mut().copy_from_slice(raw);
    values
}

/// The encoded blocks of an array whose first elements are `raw`; the rest is padding.
fn blocks(array: &ArrayLayout, raw: &[u8], buffers: &Mutex<Spare>) -> Result<Vec<(u32, Vec<u8>)>, Refusal> {
    let size = array.codec.len();
    let fail = |error: CodecError| Refusal::structure(format!("{}: {error}", array.variable));
    let encode = |(block, part): (usize, &[u8])| -> Result<Option<(u32, Vec<u8>)>, Refusal> {
        // Coordinates are kept even where they are all fill: whether a grid is there must not depend on its values.
        if array.placement == Placement::Granule && is_fill(part, &array.fill) {
            return Ok(None);
        }
        let stored = if part.len() == size {
            array.codec.encode(part)
        } else {
            let mut padded = Raw::new(buffers, size);
            let (there, padding) = padded.split_at_mut(part.len());
            there.copy_from_slice(part);
            fill(padding, &array.fill);
            array.codec.encode(&padded)
        };
        Ok(Some((block as u32, stored.map_err(fail)?)))
    };
    let encoded: Result<Vec<Option<_>>, Refusal> =
        raw.par_chunks(size.max(1)).enumerate().map(encode).collect();
    Ok(encoded?.into_iter().flatten().collect())
}

/// True if the bytes are nothing but fill.
fn is_fill(raw: &[u8], fill: &[u8]) -> bool {
    raw.starts_with(fill) && raw.chunks(fill.len().max(1)).all(|element| element == fill)
}

fn extremes(packing: &Packing, raw: &[u8]) -> Option<(f64, f64)> {
    let decoded = packing.decode(&typed(packing, raw)).ok()?;
    let valid = decoded.into_iter().filter(|value| value.is_finite());
    valid.fold(None, |bounds, value| match bounds {
        None => Some((value, value)),
        Some((first, last)) => Some((value.min(first), value.max(last))),
    })
}

/// The guiding column; of a crop that lacks it, the column nearest to it.
fn column(
    packing: &Packing,
    raw: &[u8],
    pixels: usize,
    place: Option<&Vec<usize>>,
    guide: Guide,
    array: &ArrayLayout,
) -> Option<(f64, Vec<f64>)> {
    let wanted = guide.column(array.columns());
    let (at, pixel) = match place {
        Some(map) => map
            .iter()
            .copied()
            .enumerate()
            .min_by_key(|(_, pixel)| pixel.abs_diff(wanted))?,
        None => (wanted, wanted),
    };
    let elements = raw.chunks_exact(packing.dtype.size().max(1));
    let picked: Vec<u8> = elements.skip(at).step_by(pixels).flatten().copied().collect();
    let degrees = packing.decode(&typed(packing, &picked)).ok()?;
    Some((guide.shift_m(pixel, array.columns()), degrees))
}
