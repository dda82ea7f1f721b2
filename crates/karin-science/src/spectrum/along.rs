//! Spectra along the flight, pixel column by pixel column.

use std::ops::Range;

use karin_core::{Packing, Values, with_values};

use super::segment::Segmenter;
use super::tile::{LINES, Tile};
use super::welch::Workspace;
use super::{Sums, Welch};

/// Takes the lines of a pass one after the other; sums the densities of every pixel column.
///
/// NaN is a hole (see [`super::SegmentOptions`] for what becomes of it). Memory: one segment per column and field. Cost: a
/// transform per column and step of the segments; cutting, tapers and trends are half as much again.
pub struct AlongTrack<'w> {
    columns: Vec<Segmenter>,
    workspace: Workspace<'w>,
    sums: Sums,
    /// Of the first field and of the second.
    tiles: [Tile; 2],
}

impl<'w> AlongTrack<'w> {
    /// For so many pixel columns, of one field or (`is_cross`) two.
    pub fn new(welch: &'w Welch, columns: usize, is_cross: bool) -> Self {
        let wavenumbers = welch.options.samples / 2 + 1;
        Self {
            columns: (0..columns).map(|_| Segmenter::new(&welch.options)).collect(),
            workspace: Workspace::new(welch),
            sums: Sums::new(columns, wavenumbers, is_cross),
            tiles: Default::default(),
        }
    }

    /// Adds the next lines of one field, line by line a value per column. Of a line that is not whole nothing is taken.
    pub fn push_lines(&mut self, lines: &[f64]) {
        let packing = Packing::of_true_values();
        self.push(0..lines.len(), 1, |_, some, tile, width| {
            tile.turn(&packing, &lines[some], width)
        });
    }

    /// Adds the next lines of two fields. What one of them has more is not taken.
    pub fn push_pairs(&mut self, first: &[f64], second: &[f64]) {
        let packing = Packing::of_true_values();
        self.push(0..first.len().min(second.len()), 2, |field, some, tile, width| {
            tile.turn(&packing, &[first, second][field][some], width)
        });
    }

    /// Adds the next lines of one field or two as they are stored: a range of numbers that begins and ends with a line. Where there is
    /// no value nothing is decoded. Text has no values.
    pub fn push_stored(&mut self, fields: &[(&Packing, &Values)], range: Range<usize>) {
        let least = fields.iter().map(|(_, values)| values.len()).min().unwrap_or(0);
        let range = range.start.min(least)..range.end.min(least);
        self.push(range, fields.len(), |field, some, tile, width| {
            let (packing, values) = fields[field];
            with_values!(
                values,
                raw => tile.turn(packing, &raw[some], width),
                String(_text) => false
            )
        });
    }

    /// Adds whole lines of a range of values, some at a time: `turn` makes the tile of a field of them, and says whether there are values.
    fn push(
        &mut self,
        range: Range<usize>,
        fields: usize,
        mut turn: impl FnMut(usize, Range<usize>, &mut Tile, usize) -> bool,
    ) {
        let width = self.columns.len();
        if width == 0 {
            return;
        }
        let end = range.end - range.len() % width;
        for start in (range.start..end).step_by(LINES * width) {
            let some = start..end.min(start + LINES * width);
            let lines = some.len() / width;
            let tiles = self.tiles.iter_mut().take(fields).enumerate();
            let has_values = tiles.fold(true, |all, (field, tile)| {
                all && turn(field, some.clone(), tile, width)
            });
            if !has_values {
                self.skip_lines(lines);
                continue;
            }
            for (column, segmenter) in self.columns.iter_mut().enumerate() {
                let of_field = |field: usize| match field < fields {
                    true => self.tiles[field].column(column, lines),
                    false => &[],
                };
                segmenter.extend([of_field(0), of_field(1)], &mut |segments| {
                    self.workspace.add(segments, &mut self.sums, column);
                });
            }
        }
    }

    /// Says that so many lines are missing here.
    pub fn skip_lines(&mut self, count: usize) {
        for segmenter in &mut self.columns {
            segmenter.skip(count);
        }
    }

    /// The sums. What is left of a segment is dropped.
    pub fn finish(self) -> Sums {
        self.sums
    }
}
