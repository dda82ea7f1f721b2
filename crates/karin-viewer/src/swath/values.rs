//! Values of cells at a level.

use std::ops::Range;

use karin::engine::{Engine, Piece};

use super::level::{Level, Shape2};
use crate::http::problem::Problem;
use crate::view::View;

/// What is kept of the values of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kept {
    /// Their mean.
    Mean,
    /// Their mean, and the sum of squares about it.
    Spread,
    /// The least.
    Least,
    /// The greatest.
    Greatest,
    /// That of the pixel in the middle, or the next one that has any: for names.
    Middle,
}

/// Cells of some lines of a pass.
#[derive(Clone, Debug, Default)]
pub struct Cells {
    /// One number per cell, NaN where there is none.
    pub value: Vec<f32>,
    /// Native values in each.
    pub count: Vec<u16>,
    /// Sum of squares about the mean, where it is kept.
    pub spread: Vec<f32>,
}

impl Cells {
    /// Reads the cells of some lines of a granule at a level; `lines` begin at a multiple of its block.
    ///
    /// # Errors
    /// If the granule cannot be read.
    pub fn read(
        view: &View,
        engine: &Engine<'_>,
        piece: &Piece,
        lines: Range<usize>,
        level: Level,
        kept: Kept,
    ) -> Result<Self, Problem> {
        let all = view.lines_of(engine, piece)?;
        let lines = lines.start.min(all)..lines.end.min(all);
        let step = (((1 << 20) / view.swath.num_pixels.max(1)) >> 6).max(1) << 6;
        let mut cells = Self::default();
        for start in lines.clone().step_by(step) {
            let part = start..lines.end.min(start + step);
            let mut values = view.real(engine, piece, part.clone())?;
            let pixels = view.swath.num_pixels;
            if view.width() == 1 && pixels > 1 {
                values = values
                    .iter()
                    .flat_map(|value| std::iter::repeat_n(*value, pixels))
                    .collect();
            }
            let native = Shape2 {
                lines: part.len(),
                pixels,
            };
            cells_of(&values, native, level, kept, &mut cells);
        }
        Ok(cells)
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.value.len() * 4 + self.count.len() * 2 + self.spread.len() * 4
    }
}

/// Adds the cells of native values.
pub fn cells_of(values: &[f64], native: Shape2, level: Level, kept: Kept, cells: &mut Cells) {
    if level.0 == 0 {
        cells.value.extend(values.iter().map(|value| *value as f32));
        cells
            .count
            .extend(values.iter().map(|value| u16::from(value.is_finite())));
        if kept == Kept::Spread {
            cells.spread.resize(cells.value.len(), 0.0);
        }
        return;
    }
    let columns = level.columns(native.pixels);
    for first in (0..native.lines).step_by(level.block()) {
        let rows = first..native.lines.min(first + level.block());
        for column in &columns {
            let of_row =
                |row: usize| values.get(row * native.pixels + column.start..row * native.pixels + column.end);
            let found = || rows.clone().filter_map(of_row);
            let total = found().fold(Total::default(), Total::with);
            let value = match kept {
                _ if total.count == 0 => f64::NAN,
                Kept::Mean | Kept::Spread => total.sum / f64::from(total.count),
                Kept::Least => total.least,
                Kept::Greatest => total.greatest,
                Kept::Middle => {
                    let mut named = found().flatten().filter(|value| value.is_finite());
                    named.nth(total.count as usize / 2).copied().unwrap_or(f64::NAN)
                }
            };
            if kept == Kept::Spread {
                let squares = found()
                    .flatten()
                    .filter(|own| own.is_finite())
                    .map(|own| (own - value) * (own - value));
                cells.spread.push(squares.sum::<f64>() as f32);
            }
            cells.value.push(value as f32);
            cells.count.push(u16::try_from(total.count).unwrap_or(u16::MAX));
        }
    }
}

/// Number, sum and extremes of the values that there are.
#[derive(Clone, Copy)]
struct Total {
    count: u32,
    sum: f64,
    least: f64,
    greatest: f64,
}

impl Default for Total {
    fn default() -> Self {
        Self {
            count: 0,
            sum: 0.0,
            least: f64::INFINITY,
            greatest: f64::NEG_INFINITY,
        }
    }
}

impl Total {
    fn with(mut self, values: &[f64]) -> Self {
        for &value in values {
            let is_value = value.is_finite();
            self.count += u32::from(is_value);
            self.sum += if is_value { value } else { 0.0 };
            // Comparisons with NaN are false; infinities count as nothing.
            self.least = if is_value && value < self.least {
                value
            } else {
                self.least
            };
            self.greatest = if is_value && value > self.greatest {
                value
            } else {
                self.greatest
            };
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_what_is_kept_of_their_values() {
        let values: Vec<f64> = (0..16)
            .map(|at| if at == 5 { f64::NAN } else { f64::from(at) })
            .collect();
        let native = Shape2 { lines: 4, pixels: 4 };
        let of = |kept| {
            let mut cells = Cells::default();
            cells_of(&values, native, Level(1), kept, &mut cells);
            cells
        };
        let mean = of(Kept::Spread);
        assert_eq!(mean.count, [3, 4, 4, 4]);
        assert_eq!(mean.value, [5.0 / 3.0, 4.5, 10.5, 12.5]);
        // 2, 3, 6 and 7 lie 2.5, 1.5, 1.5 and 2.5 from their mean.
        assert_eq!(mean.spread[1], 17.0);
        assert_eq!(of(Kept::Least).value, [0.0, 2.0, 8.0, 10.0]);
        assert_eq!(of(Kept::Greatest).value, [4.0, 7.0, 13.0, 15.0]);
        assert!(
            values
                .iter()
                .any(|value| *value == f64::from(of(Kept::Middle).value[0]))
        );
        let whole = {
            let mut cells = Cells::default();
            cells_of(&values, native, Level(0), Kept::Mean, &mut cells);
            cells
        };
        assert!(whole.value[5].is_nan() && whole.count[5] == 0 && whole.value[15] == 15.0);
    }
}
