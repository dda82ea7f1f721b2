//! The work of keyed and gridded reductions in pieces that fit into memory: some lines of one swath of one granule.

use std::ops::Range;

use karin_core::DatasetError;
use rayon::prelude::*;

use super::Work;
use crate::mask::{blocks, chunk_lines};
use crate::plan::{Column, Piece};
use crate::swath::Shape;

/// Granules whose tiles are made at a time; their files stay open meanwhile.
pub(super) const WAVE: usize = 256;

/// Some lines of a swath.
#[derive(Clone, Debug)]
pub(super) struct Tile {
    /// The granule.
    pub(super) piece: Piece,
    /// Group of the swath, or of whatever a file without swaths holds.
    pub(super) group: String,
    /// Lines of the granule; empty for files without swaths.
    pub(super) lines: Range<usize>,
    /// True for the first tile of its granule and group: values that do not lie along lines belong to it.
    pub(super) is_first: bool,
}

impl Tile {
    /// True if values of the column belong to this tile.
    pub(super) fn holds(&self, column: &Column) -> bool {
        column.group == self.group && (self.is_first || !matches!(column.shape, Shape::Other(_)))
    }
}

/// The tiles of some granules, in order. Granules that cannot be opened are noted and have none.
pub(super) fn of(work: &Work<'_>, pieces: &[Piece], bytes_per_pixel: usize) -> Vec<Tile> {
    let engine = work.engine;
    let one = |piece: &Piece| match of_piece(work, piece, bytes_per_pixel) {
        Ok(tiles) => tiles,
        Err(error) => {
            engine.fail(piece, &error);
            Vec::new()
        }
    };
    let nested: Vec<Vec<Tile>> = engine.pool.install(|| pieces.par_iter().map(one).collect());
    nested.concat()
}

fn of_piece(work: &Work<'_>, piece: &Piece, bytes_per_pixel: usize) -> Result<Vec<Tile>, DatasetError> {
    let engine = work.engine;
    let dataset = engine.open(piece)?;
    let mut groups: Vec<&str> = engine
        .plan
        .columns()
        .iter()
        .map(|column| column.group.as_str())
        .collect();
    groups.dedup();
    groups.sort_unstable();
    groups.dedup();
    let mut tiles = Vec::new();
    for group in groups {
        let group = group.to_owned();
        if !engine.plan.swaths().iter().any(|swath| swath.group == group) {
            tiles.push(Tile {
                piece: *piece,
                group,
                lines: 0..0,
                is_first: true,
            });
            continue;
        }
        let swath = engine.swath(dataset.as_ref(), &group)?;
        let bytes_per_pixel = bytes_per_pixel + engine.plan.formulas().bytes_per_pixel();
        let rows = (work.thread_budget() / (bytes_per_pixel * swath.num_pixels.max(1))).max(1);
        let all = 0..swath.num_lines;
        // By time, lines outside the region count: without a value they are an hour or a day of their own.
        let lines = if rows >= swath.num_lines || work.reduction.target.is_by_time() {
            all
        } else {
            engine.lines_in_reach(piece, dataset.as_ref(), &swath)?
        };
        let chunk = match rows >= swath.num_lines {
            true => 1,
            false => chunk_lines(dataset.as_ref(), &swath.latitude),
        };
        let mut parts: Vec<Range<usize>> = blocks(&lines, rows.min(swath.num_lines), chunk).collect();
        if parts.is_empty() {
            parts.push(0..0);
        }
        tiles.extend(parts.into_iter().enumerate().map(|(at, lines)| Tile {
            piece: *piece,
            group: group.clone(),
            lines,
            is_first: at == 0,
        }));
    }
    Ok(tiles)
}
