//! Rows of a plan's variables and coordinates, granule by granule: what lazy views are made of.

use std::ops::Range;
use std::sync::Arc;

use karin_core::{DatasetError, Packing, Values};

use crate::engine::Engine;
use crate::load::load_shared;
use crate::plan::{Column, Piece};
use crate::swath::Swath;
use crate::{EngineError, Mask};

impl Engine<'_> {
    /// The swath of a group of a granule, as the granule has it; `None` if it has none there.
    ///
    /// # Errors
    /// If the granule cannot be read.
    pub fn swath_in(&self, piece: &Piece, group: &str) -> Result<Option<Swath>, DatasetError> {
        let dataset = self.open(piece)?;
        let swaths = Swath::of(dataset.root(), self.plan.selection().side);
        Ok(swaths.into_iter().find(|swath| swath.group == group))
    }

    /// What the selection keeps of a swath of a granule, quality aside.
    ///
    /// # Errors
    /// If the granule cannot be read.
    pub fn kept(&self, piece: &Piece, swath: &Swath) -> Result<Arc<Mask>, DatasetError> {
        let dataset = self.open(piece)?;
        self.mask(piece, dataset.as_ref(), swath, 0..swath.num_lines)
    }

    /// Rows of a column: as stored where all granules share the packing, else true values with NaN; fill, or NaN, where
    /// the selection or its quality keeps none.
    ///
    /// # Errors
    /// If the granule cannot be read.
    pub fn load_rows(
        &self,
        piece: &Piece,
        column: &Column,
        lines: Range<usize>,
    ) -> Result<Values, DatasetError> {
        let Some(packing) = column.packing.as_ref().filter(|_| !column.derived) else {
            let mut values = Vec::new();
            self.load_real(piece, column, lines, &mut values)?;
            return Ok(Values::Float64(values));
        };
        let mut values = Values::zeros(packing.dtype, 0);
        macro_rules! load {
            ($($variant:ident),*) => {
                match &mut values {
                    $(Values::$variant(out) => self.load_packed(piece, column, lines, out)?,)*
                    _ => {
                        let reason = "64-bit integers and text have no shared packing";
                        return Err(DatasetError::invalid("the plan", &column.path(), reason));
                    }
                }
            };
        }
        load!(Int8, UInt8, Int16, UInt16, Int32, UInt32, Float32, Float64);
        Ok(values)
    }

    /// Rows of a coordinate, which no selection touches, in the packing given.
    ///
    /// # Errors
    /// If the granule cannot be read, or its packing does not fit without loss.
    pub fn load_coordinate(
        &self,
        piece: &Piece,
        path: &str,
        packing: &Packing,
        lines: Range<usize>,
    ) -> Result<Values, DatasetError> {
        let dataset = self.open(piece)?;
        let mut values = Values::zeros(packing.dtype, 0);
        macro_rules! load {
            ($($variant:ident),*) => {
                match &mut values {
                    $(Values::$variant(out) => {
                        load_shared(dataset.as_ref(), path, packing, Some(lines), out)?;
                    })*
                    _ => {
                        let reason = "coordinates of this type are not known";
                        return Err(DatasetError::invalid(dataset.label(), path, reason));
                    }
                }
            };
        }
        load!(Int8, UInt8, Int16, UInt16, Int32, UInt32, Float32, Float64);
        Ok(values)
    }

    /// Stops with an error once the user wants to.
    ///
    /// # Errors
    /// [`EngineError::Cancelled`].
    pub fn check(&self) -> Result<(), EngineError> {
        self.check_cancelled()
    }
}
