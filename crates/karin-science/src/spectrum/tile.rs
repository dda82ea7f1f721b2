//! Some lines of a field, turned into columns of true values.

use bytemuck::{cast_slice, cast_slice_mut};
use karin_core::transpose::to_columns;
use karin_core::{Packed, Packing};

/// Lines that are turned at a time: few enough that they and their columns stay in the first caches.
pub(super) const LINES: usize = 64;

/// Columns of [`LINES`] lines or fewer. Its memory is used again.
#[derive(Debug, Default)]
pub(super) struct Tile {
    /// As stored, column by column.
    turned: Vec<u64>,
    /// True values, column by column; NaN where there is none.
    columns: Vec<f64>,
}

impl Tile {
    /// Becomes the columns of some lines of so many stored numbers each. False, and nothing is turned or decoded, if there
    /// is no value: land, and what KaRIn does not see, is half of what is stored.
    pub(super) fn turn<T: Packed>(&mut self, packing: &Packing, lines: &[T], width: usize) -> bool {
        if !packing.has_values(lines) {
            return false;
        }
        let bytes = size_of_val(lines);
        self.turned.resize(bytes.div_ceil(size_of::<u64>()), 0);
        let turned = &mut cast_slice_mut::<u64, u8>(&mut self.turned)[..bytes];
        to_columns(
            cast_slice(lines),
            size_of::<T>(),
            lines.len() / width,
            width,
            turned,
        );
        self.columns.resize(lines.len(), 0.0);
        packing.decode_into(cast_slice::<u8, T>(turned), &mut self.columns);
        true
    }

    /// The values of a column of so many lines.
    pub(super) fn column(&self, column: usize, lines: usize) -> &[f64] {
        &self.columns[column * lines..(column + 1) * lines]
    }
}
