//! Whole lines of a variable as true values: what spectra, filters and editing work on.

use std::ops::Range;
use std::sync::Arc;

use karin_core::{Dataset, DatasetError};

use crate::engine::Engine;
use crate::plan::{Column, Piece};
use crate::swath::Swath;

impl Engine<'_> {
    /// The swath that the values of a column lie on, as this granule has it, and the granule.
    ///
    /// # Errors
    /// If the granule cannot be read, or has no such swath.
    pub fn swath_of(&self, piece: &Piece, group: &str) -> Result<(Arc<dyn Dataset>, Swath), DatasetError> {
        let dataset = self.open(piece)?;
        let swath = self.swath(dataset.as_ref(), group)?;
        Ok((dataset, swath))
    }

    /// True if two granules are known to have the same coordinates, pixel by pixel: cycles of a pass on its checked grid.
    pub fn is_same_place(&self, one: &Piece, other: &Piece) -> bool {
        self.place(one) == self.place(other)
    }

    /// Values of some lines of a granule, stored or derived, one per pixel (or line): NaN where there is none and where the
    /// selection or its quality drops it. Lines keep their place, whatever is dropped.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn field(
        &self,
        piece: &Piece,
        column: &Column,
        lines: Range<usize>,
    ) -> Result<Vec<f64>, DatasetError> {
        let mut values = Vec::new();
        self.load_real(piece, column, lines, &mut values)?;
        Ok(values)
    }
}
