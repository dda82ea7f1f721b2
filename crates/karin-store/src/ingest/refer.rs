//! Variables of virtual granules: their chunks stay in the file, if they lie there as the arrays of the group have it.

use karin_core::{Dataset, GroupMeta};

use super::granule::{Placed, Refusal};
use crate::layout::ArrayLayout;

/// What can be done of a granule that cannot be virtual.
const INSTEAD: &str = "ingest it without --virtual, which copies it";

/// The refusal of a granule that cannot be virtual.
pub(super) fn refusal(reason: impl std::fmt::Display) -> Refusal {
    Refusal::Unsupported(format!("it cannot be virtual: {reason}; {INSTEAD}"))
}

/// Gives the variables of a product the chunks and filters that they have in a granule: those of the group that this
/// granule is the first of.
pub(super) fn adopt_storage(structure: &mut GroupMeta, granule: &dyn Dataset) {
    for variable in &mut structure.variables {
        if let Ok(stored) = granule.stored_chunks(&variable.name) {
            let storage = &mut variable.storage;
            (storage.chunks, storage.shuffle) = (Some(stored.shape), stored.shuffle);
            (storage.deflate, storage.fletcher32) = (Some(stored.deflate), false);
        }
    }
}

/// Where the chunks of a variable lie in the file: block, first byte, bytes.
///
/// # Errors
/// If the values lie otherwise than the array has them.
pub(super) fn chunks(
    dataset: &dyn Dataset,
    array: &ArrayLayout,
    placed: &Placed,
) -> Result<Vec<(u32, u64, u64)>, Refusal> {
    let name = &array.variable;
    if let Some((from, to)) = &placed.repack {
        return Err(refusal(format!(
            "{name} is packed otherwise than the product ({} by {}, expected {} by {})",
            from.dtype, from.scale, to.dtype, to.scale
        )));
    }
    if placed.shape != array.tail {
        return Err(refusal(format!(
            "{name} has the shape {:?}, expected {:?}",
            placed.shape, array.tail
        )));
    }
    let stored = dataset.stored_chunks(name).map_err(|error| match error.kind {
        karin_core::ErrorKind::Unsupported => {
            let reason = error.reason.trim_start_matches("unsupported: ");
            refusal(format!("{name} has {reason}"))
        }
        _ => Refusal::Unreadable(error),
    })?;
    let mut expected = array.tail.clone();
    if let Some(rows) = expected.first_mut() {
        *rows = array.chunk_rows;
    }
    let words = |shuffle: bool| {
        if shuffle {
            "shuffle and deflate"
        } else {
            "deflate alone"
        }
    };
    let shuffle = array.codec.is_shuffled();
    if stored.shape != expected || stored.shuffle != shuffle {
        return Err(refusal(format!(
            "{name} lies in chunks {:?} with {}, those of the group are {expected:?} with {}",
            stored.shape,
            words(stored.shuffle),
            words(shuffle)
        )));
    }
    if let Some(absent) = stored.absent.filter(|absent| *absent != array.fill) {
        return Err(refusal(format!(
            "chunks of {name} that were never written read as {absent:?}, the product fills with {:?}",
            array.fill
        )));
    }
    let block = |cell: &[usize]| u32::try_from(cell.first().copied().unwrap_or(0)).unwrap_or(u32::MAX);
    let chunks = stored.chunks.iter();
    Ok(chunks
        .map(|chunk| (block(&chunk.cell), chunk.offset, chunk.length))
        .collect())
}

/// BLAKE3 of how the chunks of a variable lie and of their stored bytes; `None` if it has no such chunks.
///
/// # Errors
/// If they cannot be read.
pub(super) fn stored_hash(dataset: &dyn Dataset, array: &ArrayLayout) -> Result<Option<[u8; 32]>, Refusal> {
    let Ok(stored) = dataset.stored_chunks(&array.variable) else {
        return Ok(None);
    };
    let mut hasher = blake3::Hasher::new();
    let words = stored.shape.iter().copied().chain([usize::from(stored.shuffle)]);
    words.for_each(|word| {
        hasher.update(&(word as u64).to_le_bytes());
    });
    hasher.update(stored.absent.as_deref().unwrap_or_default());
    for chunk in &stored.chunks {
        let bytes = dataset
            .read_stored(&array.variable, chunk)
            .map_err(Refusal::Unreadable)?;
        for word in chunk.cell.iter().copied().chain([bytes.len()]) {
            hasher.update(&(word as u64).to_le_bytes());
        }
        hasher.update(&bytes);
    }
    Ok(Some(*hasher.finalize().as_bytes()))
}

/// What tells a file from every other one without reading its values: BLAKE3 of its size, its structure, and where its
/// chunks lie.
///
/// # Errors
/// If an index of chunks cannot be read.
pub fn fingerprint(dataset: &dyn Dataset, size: u64) -> Result<[u8; 32], karin_core::DatasetError> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&size.to_le_bytes());
    let root = dataset.root();
    hasher.update(&serde_json::to_vec(root).unwrap_or_default());
    for path in root.variable_paths() {
        match dataset.stored_chunks(&path) {
            Ok(stored) => stored.chunks.iter().for_each(|chunk| {
                hasher.update(&chunk.offset.to_le_bytes());
                hasher.update(&chunk.length.to_le_bytes());
            }),
            Err(error) if error.kind == karin_core::ErrorKind::Unsupported => {}
            Err(error) => return Err(error),
        }
    }
    Ok(*hasher.finalize().as_bytes())
}
