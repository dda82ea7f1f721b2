//! Coordinates of the pixels of a result over cycles.

use std::ops::Range;

use karin_core::{Array, DatasetError, Slab};

use super::extent::Extent;
use super::{Pass, Work};
use crate::EngineError;
use crate::engine::Engine;
use crate::plan::Piece;
use crate::swath;

/// Writes the coordinates of a pass's pixels, from the first of its granules that has them.
pub(super) fn write(
    work: &Work<'_>,
    index: usize,
    pass: &Pass,
    extents: &[Extent],
) -> Result<(), EngineError> {
    for extent in extents {
        let step = extent.position_lines();
        let blocks = extent.lines.clone().step_by(step);
        let blocks: Vec<Range<usize>> = blocks
            .map(|start| start..extent.lines.end.min(start + step))
            .collect();
        let paths = [&extent.swath.latitude, &extent.swath.longitude];
        for (path, lines) in paths
            .into_iter()
            .flat_map(|path| blocks.iter().map(move |lines| (path, lines)))
        {
            let found = pass
                .pieces
                .iter()
                .find_map(|piece| positions(work.engine, piece, extent, path, lines).ok());
            if let Some(array) = found {
                let mut slab = Slab::all(&array.shape);
                if let Some(first) = slab.start.first_mut() {
                    *first = lines.start - extent.lines.start;
                }
                slab.start.insert(0, index);
                slab.count.insert(0, 1);
                work.write(path, &slab, &array.values)?;
            }
        }
    }
    Ok(())
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
