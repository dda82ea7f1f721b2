//! Spectra along the flight, pixel column by pixel column.

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
        let mut series = [[0.0; LINES]; 2];
        for start in (0..whole).step_by(LINES * width) {
            let tile = start..whole.min(start + LINES * width);
            let lines = tile.len() / width;
            let fields = [&first[tile.clone()], second.get(tile).unwrap_or_default()];
            for (column, segmenter) in self.columns.iter_mut().enumerate() {
                for (series, field) in series.iter_mut().zip(fields) {
                    let of_column = field.get(column..).unwrap_or_default().iter().step_by(width);
                    series
                        .iter_mut()
                        .zip(of_column)
                        .for_each(|(own, value)| *own = *value);
                }
                let pair = if second.is_empty() { 0 } else { lines };
                segmenter.extend([&series[0][..lines], &series[1][..pair]], &mut |segments| {
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
