//! Coordinates of the pixels of a result over cycles.

use std::ops::Range;

use karin_core::{Array, DatasetError, Slab};
use rayon::prelude::*;

use super::extent::Extent;
use super::{Pass, Work};
use crate::EngineError;
use crate::engine::Engine;
use crate::plan::Piece;
use crate::swath;

/// Writes the coordinates of the pixels of some passes, each from the first of its granules that has them; on all threads.
pub(super) fn write(
    work: &Work<'_>,
    passes: &[Pass],
    range: Range<usize>,
    extents: &[Extent],
) -> Result<(), EngineError> {
    if work.sink.only_tallies() {
        return Ok(());
    }
    let mut blocks = Vec::new();
    for extent in extents {
        let step = extent.position_lines(work.engine.plan.structure());
        let starts = || extent.lines.clone().step_by(step);
        for index in range.clone() {
            for path in [&extent.swath.latitude, &extent.swath.longitude] {
                blocks.extend(
                    starts().map(|start| (index, extent, path, start..extent.lines.end.min(start + step))),
                );
            }
        }
    }
    let one = |(index, extent, path, lines): &(usize, &Extent, &String, Range<usize>)| {
        passes.get(*index).map_or(Ok(()), |pass| {
            write_block(work, (*index, pass), extent, path, lines)
        })
    };
    work.engine
        .pool
        .install(|| blocks.par_iter().with_max_len(1).try_for_each(one))
}

fn write_block(
    work: &Work<'_>,
    (index, pass): (usize, &Pass),
    extent: &Extent,
    path: &str,
    lines: &Range<usize>,
) -> Result<(), EngineError> {
    let mut pieces = pass.pieces.iter();
    let found = pieces.find_map(|piece| positions(work.engine, piece, extent, path, lines).ok());
    let Some(array) = found else { return Ok(()) };
    let mut slab = Slab::all(&array.shape);
    if let Some(first) = slab.start.first_mut() {
        *first = lines.start - extent.lines.start;
    }
    slab.start.insert(0, index);
    slab.count.insert(0, 1);
    work.write(path, &slab, &array.values)
}

fn positions(
    engine: &Engine<'_>,
    piece: &Piece,
    extent: &Extent,
    path: &str,
    lines: &Range<usize>,
) -> Result<Array, DatasetError> {
    let dataset = engine.open(piece)?;
    let shape = dataset
        .root()
        .shape(path)
        .ok_or_else(|| DatasetError::no_variable(dataset.label(), path))?;
    let wanted = engine
        .plan
        .structure()
        .variable(path)
        .map(|variable| variable.dtype);
    let own = swath::variable(dataset.as_ref(), path)?.dtype;
    if Some(own) != wanted || shape.first().copied().unwrap_or(0) < extent.lines.end {
        return Err(DatasetError::invalid(
            dataset.label(),
            path,
            "other coordinates than the first granule",
        ));
    }
    dataset.read_slab(path, &Slab::rows(&shape, lines.clone()))
}
