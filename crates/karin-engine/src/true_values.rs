//! Whole lines of a variable as true values: what spectra, filters and editing work on.

use std::ops::Range;
use std::sync::Arc;

use karin_core::{DType, Dataset, DatasetError, Packing, Values};

use crate::engine::Engine;
use crate::load::decode_range;
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

    /// The same, as they are stored where they are: true values are made of as many at a time as is wanted. Whoever is done gives them
    /// back ([`Engine::reuse`]).
    ///
    /// # Errors
    /// As [`Engine::field`].
    pub fn stored_field(
        &self,
        piece: &Piece,
        column: &Column,
        lines: Range<usize>,
    ) -> Result<StoredField, DatasetError> {
        let count = lines.len() * column.lengths.iter().skip(1).product::<usize>();
        macro_rules! load {
            ($($dtype:ident),*) => {
                match &column.packing {
                    $(Some(packing) if !column.derived && packing.dtype == DType::$dtype => {
                        let mut values = self.spare.take_numbers(count);
                        self.load_packed(piece, column, lines, &mut values)?;
                        (packing.clone(), Values::$dtype(values))
                    })*
                    _ => (
                        Packing::of_true_values(),
                        Values::Float64(self.field(piece, column, lines)?),
                    ),
                }
            };
        }
        let (packing, values) = load!(Int8, UInt8, Int16, UInt16, Int32, UInt32, Float32);
        Ok(StoredField { packing, values })
    }

    /// Takes the memory of a field for the next one.
    pub fn reuse(&self, field: StoredField) {
        self.spare.give_values(field.values);
    }
}

/// Values of consecutive lines, fill where the selection or its quality drops them; see [`Engine::stored_field`].
pub struct StoredField {
    /// What the numbers mean.
    pub packing: Packing,
    /// As stored, or true values.
    pub values: Values,
}

impl StoredField {
    /// True values of some of them, NaN where there is none; `out` gets as many as there are.
    pub fn decode(&self, range: Range<usize>, out: &mut Vec<f64>) {
        let range = range.start.min(self.values.len())..range.end.min(self.values.len());
        out.resize(range.len(), 0.0);
        decode_range(&self.packing, &self.values, range, out);
    }
}
