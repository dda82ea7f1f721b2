//! How far the result reaches: lines and pixels of each swath, and which passes lie in the region.

use std::ops::Range;

use karin_core::{DatasetError, GroupMeta, PassNumber, Selection};
use rayon::prelude::*;

use super::Pass;
use crate::EngineError;
use crate::derive::Formulas;
use crate::engine::Engine;
use crate::mask::{Criteria, mask_of};
use crate::plan::{Column, Piece};
use crate::swath::{Shape, Swath};

/// What the result holds of one swath.
#[derive(Clone, Debug)]
pub(in crate::execute) struct Extent {
    /// The swath, as long as the longest granule.
    pub(in crate::execute) swath: Swath,
    /// Lines that the result has.
    pub(in crate::execute) lines: Range<usize>,
    /// Passes with a pixel in the region; `None` = all.
    passes: Option<Vec<PassNumber>>,
}

impl Extent {
    /// Lines of a chunk of coordinates in the result: 250 m products are not held whole. Whole chunks of the granules, where
    /// that is possible, so that none is decoded twice.
    pub(in crate::execute) fn position_lines(&self, root: &GroupMeta) -> usize {
        let rows = (4 << 20) / self.swath.num_pixels.max(1);
        let chunks = root
            .variable(&self.swath.latitude)
            .and_then(|meta| meta.storage.chunks.as_ref());
        let chunk = chunks
            .and_then(|chunks| chunks.first().copied())
            .unwrap_or(1)
            .max(1);
        let rows = if rows > chunk { rows / chunk * chunk } else { rows };
        rows.clamp(1, self.lines.len().max(1))
    }

    /// True if the pass has a pixel in the region.
    pub(in crate::execute) fn touches(&self, pass: PassNumber) -> bool {
        self.passes.as_ref().is_none_or(|passes| passes.contains(&pass))
    }

    /// Rows of a column in the result, and values per row.
    pub(in crate::execute) fn lines_of(&self, column: &Column) -> (Range<usize>, usize) {
        match column.shape {
            Shape::Pixels => (self.lines.clone(), self.swath.num_pixels),
            Shape::Lines(n) => (self.lines.clone(), n),
            Shape::Other(n) => (0..1, n),
        }
    }
}

/// The extents of all swaths.
pub(in crate::execute) fn of(engine: &Engine<'_>, passes: &[Pass]) -> Result<Vec<Extent>, EngineError> {
    let plan = engine.plan;
    let fixed = plan.has_fixed_grid();
    let mut extents = Vec::new();
    for swath in plan.swaths() {
        let mut swath = swath.clone();
        if !fixed {
            swath.num_lines = longest(engine, passes, &swath)?;
        }
        let lines = 0..swath.num_lines;
        extents.push(Extent {
            swath,
            lines,
            passes: None,
        });
    }
    if fixed && plan.selection().region.is_some() {
        for extent in &mut extents {
            restrict(engine, passes, extent);
        }
    }
    if extents.is_empty() {
        let reason = "the files have no latitudes and longitudes along lines";
        return Err(EngineError::option("--over", reason));
    }
    Ok(extents)
}

/// Lines of the longest granule.
fn longest(engine: &Engine<'_>, passes: &[Pass], swath: &Swath) -> Result<usize, EngineError> {
    let pieces: Vec<&Piece> = passes.iter().flat_map(|pass| &pass.pieces).collect();
    let lines = |piece: &&Piece| {
        let dataset = engine.open(piece).ok()?;
        Some(engine.swath(dataset.as_ref(), &swath.group).ok()?.num_lines)
    };
    let longest = engine.pool.install(|| pieces.par_iter().filter_map(lines).max());
    longest.ok_or_else(|| engine.nothing_read())
}

/// Keeps the passes and lines that touch the region, from the coordinates of one granule of each pass.
fn restrict(engine: &Engine<'_>, passes: &[Pass], extent: &mut Extent) {
    let selection = engine.plan.selection();
    let only_region = Selection {
        region: selection.region.clone(),
        crop: selection.crop,
        ..Selection::default()
    };
    let lines_of = |pass: &Pass| {
        let of_piece = |piece: &Piece| {
            let dataset = engine.open(piece).ok()?;
            let swath = engine.swath(dataset.as_ref(), &extent.swath.group).ok()?;
            let criteria = Criteria {
                selection: &only_region,
                formulas: &Formulas::default(),
                product: engine.plan.product(),
                fields: &engine.fields(piece),
                places_at_once: engine.places_at_once(),
                pixels_at_once: engine.pixels_at_once(),
            };
            mask_of(dataset.as_ref(), &swath, 0..swath.num_lines, &criteria).ok()
        };
        pass.pieces
            .iter()
            .find_map(of_piece)
            .map(|mask| (pass.number, mask.lines))
    };
    let found: Vec<(PassNumber, Range<usize>)> = engine
        .pool
        .install(|| passes.par_iter().filter_map(lines_of).collect());
    let touching = || found.iter().filter(|(_, lines)| !lines.is_empty());
    extent.passes = Some(touching().map(|(number, _)| *number).collect());
    let start = touching().map(|(_, lines)| lines.start).min().unwrap_or(0);
    let end = touching().map(|(_, lines)| lines.end).max().unwrap_or(start);
    extent.lines = start..end;
}

/// The rows of `lines` that a granule has: all of them, if its product has a fixed grid.
pub(in crate::execute) fn rows_of(
    engine: &Engine<'_>,
    piece: &Piece,
    column: &Column,
    lines: &Range<usize>,
) -> Result<Range<usize>, DatasetError> {
    if matches!(column.shape, Shape::Other(_)) {
        return Ok(lines.clone());
    }
    let dataset = engine.open(piece)?;
    let swath = engine.swath(dataset.as_ref(), &column.group)?;
    let expected = engine
        .plan
        .swaths()
        .iter()
        .find(|known| known.group == column.group);
    let fixed = engine.plan.has_fixed_grid();
    if let Some(expected) = expected
        && (swath.num_pixels != expected.num_pixels || (fixed && swath.num_lines != expected.num_lines))
    {
        let reason = format!(
            "it has {} lines of {} pixels where the others have {} of {}: crops cannot be stacked",
            swath.num_lines, swath.num_pixels, expected.num_lines, expected.num_pixels
        );
        return Err(DatasetError::invalid(dataset.label(), &column.group, reason));
    }
    Ok(lines.start.min(swath.num_lines)..lines.end.min(swath.num_lines))
}
