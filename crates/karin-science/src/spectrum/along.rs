//! Spectra along the flight, pixel column by pixel column.

use super::segment::Segmenter;
use super::welch::Workspace;
use super::{Sums, Welch};

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

    /// Adds the next line: a value per column.
    pub fn push_line(&mut self, values: &[f64]) {
        self.push(values.iter().map(|value| [*value, 0.0]));
    }

    /// Adds the next line of two fields.
    pub fn push_lines(&mut self, first: &[f64], second: &[f64]) {
        self.push(first.iter().zip(second).map(|(x, y)| [*x, *y]));
    }

    fn push(&mut self, samples: impl Iterator<Item = [f64; 2]>) {
        for (column, (segmenter, sample)) in self.columns.iter_mut().zip(samples).enumerate() {
            segmenter.push(sample, &mut |segments| {
                self.workspace.add(segments, &mut self.sums, column);
            });
        }
    }

    /// Says that so many lines are missing here.
    pub fn skip_lines(&mut self, count: usize) {
        // A hole longer than a segment ends every section.
        for _ in 0..count.min(self.workspace.welch.options.samples + 1) {
            for segmenter in &mut self.columns {
                segmenter.push([f64::NAN; 2], &mut |_| {});
            }
        }
    }

    /// The sums. What is left of a segment is dropped.
    pub fn finish(self) -> Sums {
        self.sums
    }
}
