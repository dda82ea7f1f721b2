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

    /// The same, as they are stored where they are: true values are made of as many at a time as is wanted.
    ///
    /// # Errors
    /// As [`Engine::field`].
    pub fn stored_field(
        &self,
        piece: &Piece,
        column: &Column,
        lines: Range<usize>,
    ) -> Result<StoredField, DatasetError> {
        let Some(packing) = column.packing.as_ref().filter(|_| !column.derived) else {
            return Ok(StoredField::True(self.field(piece, column, lines)?));
        };
        macro_rules! load {
            ($($dtype:ident),*) => {
                match packing.dtype {
                    $(DType::$dtype => {
                        let mut values = Vec::new();
                        self.load_packed(piece, column, lines, &mut values)?;
                        Ok(StoredField::Packed(packing.clone(), Values::$dtype(values)))
                    })*
                    _ => Ok(StoredField::True(self.field(piece, column, lines)?)),
                }
            };
        }
        load!(Int8, UInt8, Int16, UInt16, Int32, UInt32, Float32)
    }
}

/// Values of consecutive lines; see [`Engine::stored_field`].
pub enum StoredField {
    /// As stored, fill where the selection or its quality drops them.
    Packed(Packing, Values),
    /// True values.
    True(Vec<f64>),
}

impl StoredField {
    /// True values of some of them, NaN where there is none; `out` gets as many as there are.
    pub fn decode(&self, range: Range<usize>, out: &mut Vec<f64>) {
        match self {
            Self::Packed(packing, values) => {
                let range = range.start.min(values.len())..range.end.min(values.len());
                out.resize(range.len(), 0.0);
                decode_range(packing, values, range, out);
            }
            Self::True(values) => {
                out.clear();
                out.extend_from_slice(values.get(range).unwrap_or_default());
            }
        }
    }
}
