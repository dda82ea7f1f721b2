//! The pixels of a tile while cells fall on it.

use crate::swath::{Block, Cells, MAP, NOWHERE, Places};

use super::tile_id::EQUATOR_M;
use super::{Statistic, TileId};

/// Pixels of a side of a tile.
pub const SIDE: usize = 256;
/// Cells longer than this, in pixels, are drawn as the quadrangles they are; smaller ones fall on the pixel of their centre.
const LARGE: f64 = 0.7;
/// Cells overlap by this part, so that no seam opens between them where the swath bends.
const OVERLAP: f32 = 1.02;

/// Sums of what fell into each pixel.
pub struct Canvas {
    tile: TileId,
    statistic: Statistic,
    /// Metres that a cell is long.
    cell_m: f64,
    cells: usize,
    sums: Vec<f64>,
    squares: Vec<f64>,
    counts: Vec<u32>,
}

/// Where pixels begin on the map, in its units, and the power of two of them that a pixel is wide.
#[derive(Clone, Copy)]
struct Frame {
    x: i32,
    y: i32,
    shift: u32,
}

impl Canvas {
    /// Empty.
    pub fn new(tile: TileId, statistic: Statistic, cell_m: f64) -> Self {
        let size = SIDE * SIDE;
        Self {
            tile,
            statistic,
            cell_m,
            cells: 0,
            sums: vec![0.0; size],
            squares: if statistic == Statistic::Std {
                vec![0.0; size]
            } else {
                Vec::new()
            },
            counts: vec![0; size],
        }
    }

    /// Cells that fell on it.
    pub fn cells(&self) -> usize {
        self.cells
    }

    /// True if some of these cells may fall on it.
    pub fn touches(&self, places: &Places) -> bool {
        places
            .blocks
            .iter()
            .any(|block| TURNS.iter().any(|turn| self.is_on(block, *turn)))
    }

    /// Adds cells; answers how many fell on it.
    pub fn add(&mut self, places: &Places, cells: &Cells) -> usize {
        let before = self.cells;
        for block in &places.blocks {
            let latitude = latitude_of(block.y.0 / 2 + block.y.1 / 2);
            let is_large = self.cell_m > LARGE * self.tile.pixel_m(latitude);
            for turn in TURNS {
                if self.is_on(block, turn) {
                    let frame = self.frame(turn);
                    if is_large {
                        self.add_large(places, cells, block, frame);
                    } else {
                        self.add_small(places, cells, block, frame);
                    }
                }
            }
        }
        self.cells - before
    }

    fn frame(&self, turn: i32) -> Frame {
        let tile = MAP >> self.tile.z;
        Frame {
            x: (self.tile.x as i32 * tile).wrapping_sub(turn.wrapping_mul(MAP)),
            y: self.tile.y as i32 * tile,
            shift: MAP.trailing_zeros() - self.tile.z - SIDE.trailing_zeros(),
        }
    }

    fn is_on(&self, block: &Block, turn: i32) -> bool {
        let tile = i64::from(MAP >> self.tile.z);
        let (x, y) = (
            i64::from(self.tile.x) * tile - i64::from(turn) * i64::from(MAP),
            i64::from(self.tile.y) * tile,
        );
        // A cell reaches a little beyond its centre: half its length, stretched as the map is at 80 degrees.
        let margin = (self.cell_m / EQUATOR_M * 3.0 * f64::from(MAP)) as i64;
        let meets = |(least, most): (i32, i32), start: i64| {
            i64::from(most) + margin >= start && i64::from(least) - margin <= start + tile
        };
        meets(block.x, x) && meets(block.y, y)
    }

    /// Cells that fall on the pixel of their centre.
    fn add_small(&mut self, places: &Places, cells: &Cells, block: &Block, frame: Frame) {
        let width = places.shape.pixels;
        let range = block.rows.start * width..block.rows.end * width;
        let (Some(xs), Some(ys), Some(counts)) = (
            places.x.get(range.clone()),
            places.y.get(range.clone()),
            cells.count.get(range.clone()),
        ) else {
            return;
        };
        for (index, ((&x, &y), &count)) in xs.iter().zip(ys).zip(counts).enumerate() {
            // Neither reaches four turns of the map, so that what lies outside stays outside when it wraps.
            let column = x.wrapping_sub(frame.x) >> frame.shift;
            let row = y.wrapping_sub(frame.y) >> frame.shift;
            let is_on = (column | row) & !(SIDE as i32 - 1) == 0;
            if is_on && count > 0 {
                self.put(row as usize * SIDE + column as usize, cells, range.start + index);
                self.cells += 1;
            }
        }
    }

    fn add_large(&mut self, places: &Places, cells: &Cells, block: &Block, frame: Frame) {
        let width = places.shape.pixels;
        let pixels = f64::from(1_u32 << frame.shift).recip();
        let at = |row: usize, column: usize| {
            let index = row * width + column;
            let (x, y) = (*places.x.get(index)?, *places.y.get(index)?);
            let of = |place: i32, start: i32| ((f64::from(place) - f64::from(start)) * pixels) as f32;
            (y != NOWHERE).then(|| (of(x, frame.x), of(y, frame.y)))
        };
        for row in block.rows.clone() {
            for column in 0..width {
                let index = row * width + column;
                if cells.count.get(index).is_none_or(|count| *count == 0) {
                    continue;
                }
                let Some(centre) = at(row, column) else {
                    continue;
                };
                let step =
                    |before: Option<(f32, f32)>, after: Option<(f32, f32)>| half_step(centre, before, after);
                let along = step(
                    row.checked_sub(1).and_then(|row| at(row, column)),
                    (row + 1 < places.shape.lines)
                        .then(|| at(row + 1, column))
                        .flatten(),
                );
                let across = step(
                    column.checked_sub(1).and_then(|column| at(row, column)),
                    (column + 1 < width).then(|| at(row, column + 1)).flatten(),
                );
                if self.fill(centre, along, across, cells, index) {
                    self.cells += 1;
                }
            }
        }
    }

    /// Every pixel whose centre lies in a cell, and the pixel that the centre of the cell lies in.
    fn fill(
        &mut self,
        centre: (f32, f32),
        along: (f32, f32),
        across: (f32, f32),
        cells: &Cells,
        index: usize,
    ) -> bool {
        let area = along.0 * across.1 - along.1 * across.0;
        let reach = (along.0.abs() + across.0.abs(), along.1.abs() + across.1.abs());
        let side = SIDE as f32;
        // Also false for what is no number.
        let is_near = centre.0 + reach.0 >= 0.0
            && centre.1 + reach.1 >= 0.0
            && centre.0 - reach.0 < side
            && centre.1 - reach.1 < side;
        if !is_near {
            return false;
        }
        let range = |centre: f32, reach: f32| {
            (centre - reach).floor().clamp(0.0, side - 1.0) as usize
                ..=(centre + reach).floor().clamp(0.0, side - 1.0) as usize
        };
        let own = (centre.0.floor(), centre.1.floor());
        let mut any = false;
        for row in range(centre.1, reach.1) {
            for column in range(centre.0, reach.0) {
                let (dx, dy) = (column as f32 + 0.5 - centre.0, row as f32 + 0.5 - centre.1);
                let u = (dx * across.1 - dy * across.0) / area;
                let v = (along.0 * dy - along.1 * dx) / area;
                let is_own = (column as f32, row as f32) == own;
                if is_own || (u.abs() <= 1.0 && v.abs() <= 1.0) {
                    self.put(row * SIDE + column, cells, index);
                    any = true;
                }
            }
        }
        any
    }

    fn put(&mut self, pixel: usize, cells: &Cells, index: usize) {
        let (Some(sum), Some(counted)) = (self.sums.get_mut(pixel), self.counts.get_mut(pixel)) else {
            return;
        };
        let (Some(&value), Some(&count)) = (cells.value.get(index), cells.count.get(index)) else {
            return;
        };
        let value = f64::from(value);
        let weight = f64::from(count);
        let is_first = *counted == 0;
        match self.statistic {
            Statistic::Mean | Statistic::Count => *sum += value * weight,
            Statistic::Std => {
                *sum += value * weight;
                if let (Some(square), Some(spread)) = (self.squares.get_mut(pixel), cells.spread.get(index)) {
                    *square += f64::from(*spread) + weight * value * value;
                }
            }
            Statistic::Min if is_first || value < *sum => *sum = value,
            Statistic::Max if is_first || value > *sum => *sum = value,
            Statistic::First if is_first => *sum = value,
            Statistic::Last => *sum = value,
            Statistic::Min | Statistic::Max | Statistic::First => {}
        }
        *counted = counted.saturating_add(u32::from(count));
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

/// A pass may lie on another turn of the globe than the tile.
const TURNS: [i32; 3] = [-1, 0, 1];

fn latitude_of(y: i32) -> f64 {
    let part = f64::from(y) / f64::from(MAP);
    (std::f64::consts::PI * (1.0 - 2.0 * part))
        .sinh()
        .atan()
        .to_degrees()
}

/// Half the way to the nearer neighbour.
fn half_step(centre: (f32, f32), before: Option<(f32, f32)>, after: Option<(f32, f32)>) -> (f32, f32) {
    let before = before.map(|(x, y)| (centre.0 - x, centre.1 - y));
    let after = after.map(|(x, y)| (x - centre.0, y - centre.1));
    let length = |step: &(f32, f32)| step.0 * step.0 + step.1 * step.1;
    let steps = [before, after]
        .into_iter()
        .flatten()
        .filter(|step| length(step).is_finite());
    let (x, y) = steps
        .min_by(|a, b| length(a).total_cmp(&length(b)))
        .unwrap_or((0.0, 0.0));
    (0.5 * OVERLAP * x, 0.5 * OVERLAP * y)
}
