//! Where the cells of a pass lie on the Web Mercator map.

use std::ops::Range;

use karin::engine::{Engine, Piece};
use karin_core::DatasetError;

use super::level::{Level, Shape2};

/// Rows whose bounds are looked at together.
const BLOCK: usize = 32;
/// The latitude at which the map ends.
const EDGE: f64 = 85.051_128_779_806_6;

/// The width (and height) of the map in the units of [`Places`]: one is 4 cm on the equator.
pub const MAP: i32 = 1 << 30;
/// Where there is no place.
pub const NOWHERE: i32 = i32::MIN;

/// Centres of cells, row by row: x from 0 (180° W) eastward to [`MAP`], running on across the antimeridian, so that it may
/// lie below or above; y from 0 (85.05° N) southward to [`MAP`]. [`NOWHERE`] where there is no place.
#[derive(Clone, Debug)]
pub struct Places {
    /// The first native line.
    pub first_line: usize,
    /// Cells.
    pub shape: Shape2,
    /// Eastward.
    pub x: Vec<i32>,
    /// Southward.
    pub y: Vec<i32>,
    /// Rows with their bounds.
    pub blocks: Vec<Block>,
}

/// Some rows, and the part of the map they lie in.
#[derive(Clone, Debug)]
pub struct Block {
    /// Rows.
    pub rows: Range<usize>,
    /// Least and greatest x.
    pub x: (i32, i32),
    /// Least and greatest y.
    pub y: (i32, i32),
}

/// A place on the map, from degrees. Poleward of its edges it lies on them.
pub fn mercator(longitude: f64, latitude: f64) -> (f64, f64) {
    let sine = latitude.clamp(-EDGE, EDGE).to_radians().sin();
    let y = 0.5 - ((1.0 + sine) / (1.0 - sine)).ln() / (4.0 * std::f64::consts::PI);
    (longitude / 360.0 + 0.5, y)
}

impl Places {
    /// The cells of some lines of a granule at a level; `lines` begin at a multiple of the block of the level.
    ///
    /// # Errors
    /// If the granule cannot be read.
    pub fn read(
        engine: &Engine<'_>,
        piece: &Piece,
        group: &str,
        lines: Range<usize>,
        level: Level,
    ) -> Result<Self, DatasetError> {
        let (dataset, swath) = engine.swath_of(piece, group)?;
        let lines = lines.start.min(swath.num_lines)..lines.end.min(swath.num_lines);
        let native = Shape2 {
            lines: lines.len(),
            pixels: swath.num_pixels,
        };
        let mut places = Self {
            first_line: lines.start,
            shape: level.shape(native),
            x: Vec::new(),
            y: Vec::new(),
            blocks: Vec::new(),
        };
        let columns = level.columns(swath.num_pixels);
        let mut before = None;
        // Few lines at a time: a pass of a 250 m product has 20 million pixels.
        let step = (((1 << 20) / swath.num_pixels.max(1)) >> 6).max(1) << 6;
        for start in lines.clone().step_by(step) {
            let part = start..lines.end.min(start + step);
            let (longitudes, latitudes) = swath.positions(dataset.as_ref(), part.clone())?;
            let rows = part.len();
            for first in (0..rows).step_by(level.block()) {
                let last = rows.min(first + level.block());
                for column in &columns {
                    let mean = mean_place(
                        &longitudes,
                        &latitudes,
                        swath.num_pixels,
                        first..last,
                        column.clone(),
                        &mut before,
                    );
                    let unit = |part: f64| (part * f64::from(MAP)).floor() as i32;
                    let (x, y) = mean.map_or((NOWHERE, NOWHERE), |(x, y)| (unit(x), unit(y)));
                    places.x.push(x);
                    places.y.push(y);
                }
            }
        }
        places.find_bounds();
        Ok(places)
    }

    fn find_bounds(&mut self) {
        let width = self.shape.pixels.max(1);
        for start in (0..self.shape.lines).step_by(BLOCK) {
            let rows = start..self.shape.lines.min(start + BLOCK);
            let cells = rows.start * width..rows.end * width;
            let bounds = |values: &[i32]| {
                let found = values.get(cells.clone()).unwrap_or_default().iter();
                let fold = |(least, most): (i32, i32), value: &i32| (least.min(*value), most.max(*value));
                found
                    .filter(|value| **value != NOWHERE)
                    .fold((i32::MAX, i32::MIN), fold)
            };
            let (x, y) = (bounds(&self.x), bounds(&self.y));
            if x.0 <= x.1 {
                self.blocks.push(Block { rows, x, y });
            }
        }
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.x.len() * 8 + self.blocks.len() * size_of::<Block>()
    }
}

/// The mean place of some cells, on the same turn of the globe as the cell before; `None` without any.
fn mean_place(
    longitudes: &[f64],
    latitudes: &[f64],
    width: usize,
    rows: Range<usize>,
    columns: Range<usize>,
    before: &mut Option<f64>,
) -> Option<(f64, f64)> {
    let (mut sum, mut count) = ((0.0, 0.0), 0.0);
    for row in rows {
        for column in columns.clone() {
            let at = row * width + column;
            let (Some(&longitude), Some(&latitude)) = (longitudes.get(at), latitudes.get(at)) else {
                continue;
            };
            if !(longitude.is_finite() && latitude.is_finite()) {
                continue;
            }
            let (mut x, y) = mercator(longitude, latitude);
            match before {
                Some(before) => x -= (x - *before).round(),
                None => x = x.rem_euclid(1.0),
            }
            *before = Some(x);
            sum = (sum.0 + x, sum.1 + y);
            count += 1.0;
        }
    }
    (count > 0.0).then(|| (sum.0 / count, sum.1 / count))
}
