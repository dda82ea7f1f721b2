//! Spectra along the flight, pixel column by pixel column.

use bytemuck::{cast_slice, cast_slice_mut};
use karin_core::transpose::to_columns;

use super::segment::Segmenter;
use super::welch::Workspace;
use super::{Sums, Welch};

/// Lines that are cut into columns at a time: few enough that they and the columns stay in the first cache.
const LINES: usize = 64;

/// Takes the lines of a pass one after the other; sums the densities of every pixel column.
///
/// NaN is a hole (see [`super::SegmentOptions`] for what becomes of it). Memory: one segment per column and field. Cost: a
/// transform per column and step of the segments, beside which the cutting does not count.
pub struct AlongTrack<'w> {
    columns: Vec<Segmenter>,
    workspace: Workspace<'w>,
    sums: Sums,
}

impl<'w> AlongTrack<'w> {
    /// For so many pixel columns, of one field or (`is_cross`) two.
    pub fn new(welch: &'w Welch, columns: usize, is_cross: bool) -> Self {
        let wavenumbers = welch.options.samples / 2 + 1;
        Self {
            columns: (0..columns).map(|_| Segmenter::new(&welch.options)).collect(),
            workspace: Workspace::new(welch),
            sums: Sums::new(columns, wavenumbers, is_cross),
        }
    }

    /// Adds the next lines of one field, line by line a value per column. Of a line that is not whole nothing is taken.
    pub fn push_lines(&mut self, lines: &[f64]) {
        self.push(lines, &[]);
    }

    /// Adds the next lines of two fields. What one of them has more is not taken.
    pub fn push_pairs(&mut self, first: &[f64], second: &[f64]) {
        let both = first.len().min(second.len());
        self.push(&first[..both], &second[..both]);
    }

    fn push(&mut self, first: &[f64], second: &[f64]) {
        let width = self.columns.len();
        if width == 0 {
            return;
        }
        let whole = first.len() / width * width;
        let mut tiles = [Vec::new(), Vec::new()];
        for start in (0..whole).step_by(LINES * width) {
            let tile = start..whole.min(start + LINES * width);
            let lines = tile.len() / width;
            let fields = [&first[tile.clone()], second.get(tile).unwrap_or_default()];
            for (tile, field) in tiles
                .iter_mut()
                .zip(fields)
                .filter(|(_, field)| !field.is_empty())
            {
                tile.resize(field.len(), 0.0);
                let size = size_of::<f64>();
                to_columns(cast_slice(field), size, lines, width, cast_slice_mut(tile));
            }
            for (column, segmenter) in self.columns.iter_mut().enumerate() {
                let of_column = |tile: &'_ Vec<f64>| column * lines..((column + 1) * lines).min(tile.len());
                let [first, second] = &tiles;
                let second = second.get(of_column(second)).unwrap_or_default();
                segmenter.extend([&first[of_column(first)], second], &mut |segments| {
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
