//! The pixels of a tile while cells fall on it.

use crate::swath::Cells;

use super::Statistic;
use super::{Footprint, SIDE};

/// Sums of what fell into each pixel.
pub struct Canvas {
    statistic: Statistic,
    cells: usize,
    sums: Vec<f64>,
    /// Sums of squares, of deviations only.
    squares: Vec<f64>,
    counts: Vec<u32>,
}

/// The value of a cell, and how many native values it stands for.
#[derive(Clone, Copy)]
struct Weighed {
    value: f64,
    count: u16,
}

impl Canvas {
    /// Empty.
    pub fn new(statistic: Statistic) -> Self {
        let size = SIDE * SIDE;
        let squares = if statistic == Statistic::Std { size } else { 0 };
        Self {
            statistic,
            cells: 0,
            sums: vec![0.0; size],
            squares: vec![0.0; squares],
            counts: vec![0; size],
        }
    }

    /// Cells that fell on it.
    pub fn cells(&self) -> usize {
        self.cells
    }

    /// Adds cells where they lie; answers how many fell on it.
    pub fn add(&mut self, footprint: &Footprint, cells: &Cells) -> usize {
        let before = self.cells;
        match self.statistic {
            Statistic::Mean | Statistic::Count => {
                self.put(footprint, cells, |sum, _, cell| {
                    *sum += cell.value * f64::from(cell.count)
                });
            }
            Statistic::Std => {
                self.add_squares(footprint, cells);
                self.put(footprint, cells, |sum, _, cell| {
                    *sum += cell.value * f64::from(cell.count)
                });
            }
            Statistic::Min => self.put(footprint, cells, |least, is_first, cell| {
                if is_first || cell.value < *least {
                    *least = cell.value;
                }
            }),
            Statistic::Max => self.put(footprint, cells, |greatest, is_first, cell| {
                if is_first || cell.value > *greatest {
                    *greatest = cell.value;
                }
            }),
            Statistic::First => self.put(footprint, cells, |first, is_first, cell| {
                if is_first {
                    *first = cell.value;
                }
            }),
            Statistic::Last => self.put(footprint, cells, |last, _, cell| *last = cell.value),
        }
        self.cells - before
    }

    /// Puts every cell with a value on its pixels: `put` is told what the pixel holds, whether that is nothing yet, and the
    /// cell. One loop per statistic: this is what making a tile of known cells costs.
    fn put(&mut self, footprint: &Footprint, cells: &Cells, put: impl Fn(&mut f64, bool, Weighed)) {
        let mut previous = usize::MAX;
        for (at, pixel) in footprint.pairs() {
            let (Some(&value), Some(&count)) = (cells.value.get(at), cells.count.get(at)) else {
                continue;
            };
            let (Some(sum), Some(counted)) = (self.sums.get_mut(pixel), self.counts.get_mut(pixel)) else {
                continue;
            };
            if count == 0 {
                continue;
            }
            let value = f64::from(value);
            put(sum, *counted == 0, Weighed { value, count });
            *counted = counted.saturating_add(u32::from(count));
            self.cells += usize::from(at != previous);
            previous = at;
        }
    }

    fn add_squares(&mut self, footprint: &Footprint, cells: &Cells) {
        for (at, pixel) in footprint.pairs() {
            let (Some(square), Some(&count)) = (self.squares.get_mut(pixel), cells.count.get(at)) else {
                continue;
            };
            let (Some(&value), Some(&spread)) = (cells.value.get(at), cells.spread.get(at)) else {
                continue;
            };
            if count > 0 {
                *square += f64::from(spread) + f64::from(count) * f64::from(value).powi(2);
            }
        }
    }

    /// The number of each pixel, row by row from the north; NaN where nothing fell.
    pub fn values(&self) -> Vec<f64> {
        let value = |(pixel, (&sum, &count)): (usize, (&f64, &u32))| {
            let number = f64::from(count);
            match self.statistic {
                _ if count == 0 => f64::NAN,
                Statistic::Mean => sum / number,
                Statistic::Count => number,
                Statistic::Std => {
                    let mean = sum / number;
                    let square = self.squares.get(pixel).copied().unwrap_or_default();
                    (square / number - mean * mean).max(0.0).sqrt()
                }
                Statistic::Min | Statistic::Max | Statistic::First | Statistic::Last => sum,
            }
        };
        self.sums
            .iter()
            .zip(&self.counts)
            .enumerate()
            .map(value)
            .collect()
    }
}
