//! From the variables of a granule to encoded chunks, on all threads, a bounded number of bytes at a time.

use karin_core::packing::Packing;
use karin_core::{Dataset, Slab, Values};

use super::geometry::Guide;
use super::granule::{Fitted, Placed, Refusal};
use super::refer;
use crate::codec::CodecError;
use crate::facts::bounds;
use crate::layout::{ArrayLayout, GroupLayout, Placement};

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

/// Reads, repacks and encodes one variable.
///
/// # Errors
/// What reading meets, or packing that cannot be converted without loss.
pub(super) fn encode(
    dataset: &dyn Dataset,
    layout: &GroupLayout,
    fitted: &Fitted,
    placed: &Placed,
    known: &dyn KnownShared,
) -> Result<Encoded, Refusal> {
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
    let values = read(dataset, array, placed)?;
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
        encoded.bounds = bounds::of(packing, &values, array.columns());
    }
    let plain = landing.is_none_or(|(_, landing)| landing.is_plain(array));
    let scattered;
    let raw = match landing {
        Some((_, landing)) if !plain => {
            scattered = landing.scatter(array, values.as_bytes(), &placed.shape);
            scattered.as_slice()
        }
        _ => values.as_bytes(),
    };
    if array.placement != Placement::Granule {
        let hash = *blake3::hash(raw).as_bytes();
        encoded.hash = Some(hash);
        if known.is_known(placed.array, &hash) {
            return Ok(encoded);
        }
    }
    if !array.is_virtual {
        encoded.blocks = blocks(array, raw)?;
    }
    Ok(encoded)
}

fn read(dataset: &dyn Dataset, array: &ArrayLayout, placed: &Placed) -> Result<Values, Refusal> {
    let slab = Slab::all(&placed.shape);
    let values = dataset
        .read_slab(&array.variable, &slab)
        .map_err(Refusal::Unreadable)?
        .values;
    let Some((from, to)) = &placed.repack else {
        return Ok(values);
    };
    from.repack(&values, to).map_err(|error| {
        let path = &array.variable;
        Refusal::structure(format!(
            "{path} is packed otherwise than the product ({} by {}, expected {} by {}) and cannot be repacked without \
             loss: {error}",
            from.dtype, from.scale, to.dtype, to.scale
        ))
    })
}

/// The encoded blocks of an array whose first elements are `raw`; the rest is padding.
fn blocks(array: &ArrayLayout, raw: &[u8]) -> Result<Vec<(u32, Vec<u8>)>, Refusal> {
    use rayon::prelude::*;
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
            let mut padded = part.to_vec();
            padded.extend(array.fill.iter().cycle().take(size.saturating_sub(part.len())));
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

fn extremes(packing: &Packing, values: &Values) -> Option<(f64, f64)> {
    let decoded = packing.decode(values).ok()?;
    let valid = decoded.into_iter().filter(|value| value.is_finite());
    valid.fold(None, |bounds, value| match bounds {
        None => Some((value, value)),
        Some((first, last)) => Some((value.min(first), value.max(last))),
    })
}

/// The guiding column; of a crop that lacks it, the column nearest to it.
fn column(
    packing: &Packing,
    values: &Values,
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
    let picked: Values = match values {
        Values::Int32(all) => all
            .iter()
            .skip(at)
            .step_by(pixels)
            .copied()
            .collect::<Vec<i32>>()
            .into(),
        Values::Float64(all) => all
            .iter()
            .skip(at)
            .step_by(pixels)
            .copied()
            .collect::<Vec<f64>>()
            .into(),
        Values::Float32(all) => all
            .iter()
            .skip(at)
            .step_by(pixels)
            .copied()
            .collect::<Vec<f32>>()
            .into(),
        _ => return None,
    };
    let degrees = packing.decode(&picked).ok()?;
    Some((guide.shift_m(pixel, array.columns()), degrees))
}

/// The variables of a granule in groups that fit into `memory` bytes (one at least), coordinates first.
pub(super) fn waves<'a>(layout: &GroupLayout, fitted: &'a Fitted, memory: u64) -> Vec<Vec<&'a Placed>> {
    let bytes = |placed: &Placed| -> u64 {
        let size = layout
            .arrays
            .get(placed.array)
            .map_or(8, |array| array.dtype.size());
        // What is repacked passes through f64.
        let factor = if placed.repack.is_some() { 4 } else { 1 };
        (placed.shape.iter().product::<usize>() * size * factor) as u64
    };
    let is_coordinate = |placed: &Placed| {
        let name = layout
            .arrays
            .get(placed.array)
            .map_or("", |array| array.variable.as_str());
        matches!(name.rsplit('/').next(), Some("latitude" | "longitude"))
    };
    let mut ordered: Vec<&Placed> = fitted.variables.iter().collect();
    ordered.sort_by_key(|placed| (!is_coordinate(placed), std::cmp::Reverse(bytes(placed))));
    let mut waves: Vec<Vec<&Placed>> = Vec::new();
    let mut used = 0;
    for placed in ordered {
        let size = bytes(placed);
        match waves.last_mut() {
            Some(wave) if used + size <= memory => {
                wave.push(placed);
                used += size;
            }
            _ => {
                waves.push(vec![placed]);
                used = size;
            }
        }
    }
    waves
}
