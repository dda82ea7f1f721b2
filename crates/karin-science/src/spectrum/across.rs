//! Spectra across the flight, line by line.

use super::segment::Segmenter;
use super::welch::Workspace;
use super::{Sums, Welch};

/// Takes lines; sums the densities of the segments that fit into each.
///
/// The nadir gap and every hole longer than the rule allows end a section, so that the sides of a swath give segments of
/// their own. One column of sums.
pub struct AcrossTrack<'w> {
    line: Segmenter,
    workspace: Workspace<'w>,
    sums: Sums,
}

impl<'w> AcrossTrack<'w> {
    /// Of one field or (`is_cross`) two.
    pub fn new(welch: &'w Welch, is_cross: bool) -> Self {
        let wavenumbers = welch.options.samples / 2 + 1;
        Self {
            line: Segmenter::new(&welch.options),
            workspace: Workspace::new(welch),
            sums: Sums::new(1, wavenumbers, is_cross),
        }
    }

    /// Adds a line.
    pub fn push_line(&mut self, values: &[f64]) {
        self.push(values, &[]);
    }

    /// Adds a line of two fields. What one of them has more is not taken.
    pub fn push_pair(&mut self, first: &[f64], second: &[f64]) {
        let both = first.len().min(second.len());
        self.push(&first[..both], &second[..both]);
    }

    fn push(&mut self, first: &[f64], second: &[f64]) {
        self.line.extend([first, second], &mut |segments| {
            self.workspace.add(segments, &mut self.sums, 0);
        });
        self.line.end();
    }

    /// The sums.
    pub fn finish(self) -> Sums {
        self.sums
    }
}
