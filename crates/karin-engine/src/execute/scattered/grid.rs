//! The cells of a longitude-latitude grid.

use karin_core::geo::wrap_180;
use karin_core::{DType, VariableMeta};

use super::NOWHERE;
use crate::EngineError;
use crate::execute::{Work, describe};

/// The cells: `rows` from the south times `columns` from the west.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Grid {
    pub(super) step: f64,
    /// Index of the first row and column on the whole globe, which begins at 90 S and 180 W.
    first_row: usize,
    first_column: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// Columns of the whole globe.
    around: usize,
}

impl Grid {
    /// The cells of `step` degrees that touch the selection's region, or all of them.
    pub(super) fn new(work: &Work<'_>, step: f64) -> Result<Self, EngineError> {
        if !(0.001..=30.0).contains(&step) {
            return Err(EngineError::option(
                "--grid",
                format!("a step of {step} degrees is not within 0.001 to 30"),
            ));
        }
        let around = (360.0 / step - 1e-9).ceil() as usize;
        let all_rows = (180.0 / step - 1e-9).ceil() as usize;
        let mut grid = Self {
            step,
            first_row: 0,
            first_column: 0,
            rows: all_rows,
            columns: around,
            around,
        };
        let Some(region) = &work.engine.plan.selection().region else {
            return Ok(grid);
        };
        let bounds = region.bounds();
        let south = bounds.iter().map(|b| b.south()).fold(90.0, f64::min);
        let north = bounds.iter().map(|b| b.north()).fold(-90.0, f64::max);
        grid.first_row = (((south + 90.0) / step).floor() as usize).min(all_rows - 1);
        let last_row = (((north + 90.0) / step).ceil() as usize).clamp(grid.first_row + 1, all_rows);
        grid.rows = last_row - grid.first_row;
        if let [only] = bounds.as_slice()
            && only.width() + 2.0 * step < 360.0
        {
            let west = wrap_180(only.west()) + 180.0;
            grid.first_column = ((west / step).floor() as usize).min(around - 1);
            let end = ((west + only.width()) / step).ceil() as usize;
            grid.columns = (end - grid.first_column).clamp(1, around);
        }
        Ok(grid)
    }

    /// The cell of a place; none outside the grid and for NaN.
    pub(super) fn cell(&self, longitude: f64, latitude: f64) -> u32 {
        if !(longitude.is_finite() && latitude.abs() <= 90.0) {
            return NOWHERE;
        }
        let all_rows = (180.0 / self.step - 1e-9).ceil() as usize;
        let row = (((latitude + 90.0) / self.step) as usize).min(all_rows - 1);
        let column = (((wrap_180(longitude) + 180.0) / self.step) as usize).min(self.around - 1);
        let (row, column) = (
            row.wrapping_sub(self.first_row),
            (column + self.around - self.first_column) % self.around,
        );
        if row < self.rows && column < self.columns {
            u32::try_from(row * self.columns + column).unwrap_or(NOWHERE)
        } else {
            NOWHERE
        }
    }

    pub(super) fn latitudes(&self) -> Vec<f64> {
        (0..self.rows)
            .map(|row| ((self.first_row + row) as f64 + 0.5) * self.step - 90.0)
            .collect()
    }

    /// Ascending from the first column, beyond 180 where the grid crosses the antimeridian.
    pub(super) fn longitudes(&self) -> Vec<f64> {
        (0..self.columns)
            .map(|column| ((self.first_column + column) as f64 + 0.5) * self.step - 180.0)
            .collect()
    }

    /// The axes as variables, each with its length.
    pub(super) fn axes(&self) -> Vec<(VariableMeta, usize)> {
        let axes = [
            ("latitude", self.rows, "degrees_north"),
            ("longitude", self.columns, "degrees_east"),
        ];
        let axes = axes.into_iter().map(|(name, size, units)| {
            let mut axis = describe::axis(name, DType::Float64, &format!("{name} of the centre of the cell"));
            axis.attributes.set("standard_name", name);
            axis.attributes.set("units", units);
            (axis, size)
        });
        axes.collect()
    }
}
