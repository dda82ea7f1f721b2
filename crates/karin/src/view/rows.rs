//! Reading the rows of one granule into the place that they have in a view.

use std::ops::Range;

use karin_core::{DatasetError, Slab};
use karin_engine::{Engine, Piece};

use super::axes::Kept;
use super::structure::{RowKind, RowSource};

/// Fills with an element.
pub(super) fn fill_with(out: &mut [u8], fill: &[u8]) {
    if fill.iter().all(|byte| Some(byte) == fill.first()) {
        out.fill(fill.first().copied().unwrap_or(0));
    } else {
        out.chunks_exact_mut(fill.len().max(1))
            .for_each(|element| element.copy_from_slice(fill));
    }
}

/// A variable of one granule, and which part of its rows is wanted.
pub(super) struct Part<'a> {
    pub(super) piece: &'a Piece,
    pub(super) group: &'a str,
    pub(super) path: &'a str,
    pub(super) rows: &'a RowSource,
    /// Lengths of the dimensions after the lines.
    pub(super) shape: &'a [usize],
    /// What is wanted of them.
    pub(super) inner: &'a Slab,
}

/// Reads kept lines `wanted` (counted among the kept ones) of a granule; each goes to the row of `out` that `place`
/// tells. Rows that the granule does not have are left as they are.
pub(super) fn read_part(
    engine: &Engine<'_>,
    part: &Part<'_>,
    kept: &Kept,
    wanted: Range<usize>,
    place: impl Fn(usize) -> usize,
    out: &mut [u8],
) -> Result<(), DatasetError> {
    let missing = || DatasetError::no_variable("the granule", part.path);
    let swath = engine.swath_in(part.piece, part.group)?.ok_or_else(missing)?;
    let end = (wanted.start..wanted.end)
        .rev()
        .find(|index| kept.row(*index) < swath.num_lines)
        .map_or(wanted.start, |last| last + 1);
    let wanted = wanted.start..end;
    if wanted.is_empty() {
        return Ok(());
    }
    let lines = kept.row(wanted.start)..kept.row(wanted.end - 1) + 1;
    let values = match &part.rows.kind {
        RowKind::Column(column) => engine.load_rows(part.piece, column, lines.clone())?,
        RowKind::Coordinate { packing, .. } => {
            engine.load_coordinate(part.piece, part.path, packing, lines.clone())?
        }
    };
    let size = values.dtype().size();
    let row_bytes = part.rows.width * size;
    if values.len() != lines.len() * part.rows.width || size != part.rows.fill.len() {
        let reason = format!(
            "{} values of {} do not make {} rows of {}",
            values.len(),
            values.dtype(),
            lines.len(),
            part.rows.width
        );
        return Err(DatasetError::invalid("the granule", part.path, reason));
    }
    let bytes = values.as_bytes();
    let out_bytes = part.inner.len() * size;
    for index in wanted {
        let from = (kept.row(index) - lines.start) * row_bytes;
        let to = place(index) * out_bytes;
        if let (Some(row), Some(out)) = (bytes.get(from..from + row_bytes), out.get_mut(to..to + out_bytes)) {
            copy_inner(row, part.shape, &part.inner.start, &part.inner.count, size, out);
        }
    }
    Ok(())
}

/// Copies part of a row.
fn copy_inner(row: &[u8], shape: &[usize], start: &[usize], count: &[usize], size: usize, out: &mut [u8]) {
    let (Some((_, shape)), Some((first, start)), Some((many, count))) =
        (shape.split_first(), start.split_first(), count.split_first())
    else {
        return out.copy_from_slice(row.get(..size).unwrap_or_default());
    };
    let step = shape.iter().product::<usize>() * size;
    if shape.is_empty() {
        if let Some(row) = row.get(first * step..(first + many) * step) {
            out.copy_from_slice(row);
        }
        return;
    }
    let part = out.len() / (*many).max(1);
    for (index, out) in out.chunks_exact_mut(part.max(1)).enumerate() {
        if let Some(row) = row.get((first + index) * step..(first + index + 1) * step) {
            copy_inner(row, shape, start, count, size, out);
        }
    }
}
