//! Which pixels of a tile the cells of a part of a pass cover. That depends on places alone: cycles, variables and
//! statistics share it.

use crate::swath::{Block, MAP, NOWHERE, Places};

use super::TileId;
use super::tile_id::EQUATOR_M;

/// Pixels of a side of a tile.
pub const SIDE: usize = 256;
/// Cells longer than this, in pixels, are drawn as the quadrangles they are; smaller ones fall on the pixel of their centre.
const LARGE: f64 = 0.7;
/// Cells overlap by this part, so that no seam opens between them where the swath bends.
const OVERLAP: f32 = 1.02;
/// A pass may lie on another turn of the globe than the tile.
const TURNS: [i32; 3] = [-1, 0, 1];

/// A place in pixels of a tile.
type Point = (f32, f32);
/// Where there is none.
const NO_POINT: Point = (f32::NAN, f32::NAN);

/// Pairs of a cell and a pixel that it covers, in the order of cells. A cell that covers several pixels has as many pairs,
/// one after the other.
#[derive(Clone, Debug, Default)]
pub struct Footprint {
    cells: Vec<u32>,
    pixels: Vec<u16>,
}

impl Footprint {
    /// Of cells that are `cell_m` metres long.
    pub fn of(places: &Places, tile: TileId, cell_m: f64) -> Self {
        let mut footprint = Self::default();
        let on = Ground { tile, cell_m, places };
        for block in &places.blocks {
            for turn in TURNS.into_iter().filter(|turn| on.is_near(block, *turn)) {
                match on.is_large(block) {
                    true => on.add_large(block, turn, &mut footprint),
                    false => on.add_small(block, turn, &mut footprint),
                }
            }
        }
        footprint.cells.shrink_to_fit();
        footprint.pixels.shrink_to_fit();
        footprint
    }

    /// Cells, each with a pixel that it covers.
    pub fn pairs(&self) -> impl Iterator<Item = (usize, usize)> {
        let cells = self.cells.iter().map(|cell| *cell as usize);
        cells.zip(self.pixels.iter().map(|pixel| usize::from(*pixel)))
    }

    /// True if no cell covers a pixel.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.cells.len() * (size_of::<u32>() + size_of::<u16>())
    }

    fn put(&mut self, cell: usize, row: usize, column: usize) {
        self.cells.push(cell as u32);
        self.pixels.push((row * SIDE + column) as u16);
    }
}

/// Cells over a tile.
struct Ground<'a> {
    tile: TileId,
    cell_m: f64,
    places: &'a Places,
}

/// Where pixels begin on the map, in its units, and the power of two of them that a pixel is wide.
#[derive(Clone, Copy)]
struct Frame {
    x: i32,
    y: i32,
    shift: u32,
}

impl Frame {
    /// A place on the map in pixels of the tile.
    fn pixels(self, x: i32, y: i32) -> Point {
        let part = f64::from(1_u32 << self.shift).recip();
        let of = |place: i32, start: i32| ((f64::from(place) - f64::from(start)) * part) as f32;
        (of(x, self.x), of(y, self.y))
    }
}

impl Ground<'_> {
    fn frame(&self, turn: i32) -> Frame {
        let tile = MAP >> self.tile.z;
        Frame {
            x: (self.tile.x as i32 * tile).wrapping_sub(turn.wrapping_mul(MAP)),
            y: self.tile.y as i32 * tile,
            shift: MAP.trailing_zeros() - self.tile.z - SIDE.trailing_zeros(),
        }
    }

    fn is_large(&self, block: &Block) -> bool {
        let latitude = latitude_of(block.y.0 / 2 + block.y.1 / 2);
        self.cell_m > LARGE * self.tile.pixel_m(latitude)
    }

    /// How far a cell may reach beyond its centre, in units of the map: half its length, stretched as the map is at 80
    /// degrees.
    fn reach(&self) -> f64 {
        self.cell_m / EQUATOR_M * 3.0 * f64::from(MAP)
    }

    fn is_near(&self, block: &Block, turn: i32) -> bool {
        let tile = i64::from(MAP >> self.tile.z);
        let (x, y) = (
            i64::from(self.tile.x) * tile - i64::from(turn) * i64::from(MAP),
            i64::from(self.tile.y) * tile,
        );
        let margin = self.reach() as i64;
        let meets = |(least, most): (i32, i32), start: i64| {
            i64::from(most) + margin >= start && i64::from(least) - margin <= start + tile
        };
        meets(block.x, x) && meets(block.y, y)
    }

    /// Cells that fall on the pixel of their centre.
    fn add_small(&self, block: &Block, turn: i32, footprint: &mut Footprint) {
        let frame = self.frame(turn);
        let width = self.places.shape.pixels;
        let range = block.rows.start * width..block.rows.end * width;
        let (Some(xs), Some(ys)) = (self.places.x.get(range.clone()), self.places.y.get(range.clone()))
        else {
            return;
        };
        for (index, (&x, &y)) in xs.iter().zip(ys).enumerate() {
            // Neither reaches four turns of the map, so that what lies outside stays outside when it wraps.
            let column = x.wrapping_sub(frame.x) >> frame.shift;
            let row = y.wrapping_sub(frame.y) >> frame.shift;
            if (column | row) & !(SIDE as i32 - 1) == 0 {
                footprint.put(range.start + index, row as usize, column as usize);
            }
        }
    }

    /// Cells that cover several pixels, or parts of them.
    fn add_large(&self, block: &Block, turn: i32, footprint: &mut Footprint) {
        let frame = self.frame(turn);
        let (lines, width) = (self.places.shape.lines, self.places.shape.pixels);
        let margin = (self.reach() / f64::from(1_u32 << frame.shift)) as f32;
        let nearby = -margin..SIDE as f32 + margin;
        // With the rows before and after: steps are those to the neighbours.
        let (first, last) = (block.rows.start.saturating_sub(1), lines.min(block.rows.end + 1));
        let places = self.places.x.iter().zip(&self.places.y);
        let centres: Vec<Point> = places
            .take(last * width)
            .skip(first * width)
            .map(|(&x, &y)| {
                if y == NOWHERE {
                    NO_POINT
                } else {
                    frame.pixels(x, y)
                }
            })
            .collect();
        let at = |row: Option<usize>, column: Option<usize>| {
            let (row, column) = (row?.checked_sub(first)?, column.filter(|column| *column < width)?);
            centres.get(row * width + column).copied()
        };
        let centre = |row, column| at(row, column).unwrap_or(NO_POINT);
        for row in block.rows.clone() {
            for column in 0..width {
                let own = centre(Some(row), Some(column));
                if !(nearby.contains(&own.0) && nearby.contains(&own.1)) {
                    continue;
                }
                let along = half_step(
                    own,
                    centre(row.checked_sub(1), Some(column)),
                    centre(Some(row + 1), Some(column)),
                );
                let across = half_step(
                    own,
                    centre(Some(row), column.checked_sub(1)),
                    centre(Some(row), Some(column + 1)),
                );
                cover(own, along, across, |y, x| {
                    footprint.put(row * width + column, y, x)
                });
            }
        }
    }
}

/// Tells every pixel whose centre lies in a cell, and the pixel that the centre of the cell lies in.
fn cover(centre: Point, along: Point, across: Point, mut put: impl FnMut(usize, usize)) {
    let area = (along.0 * across.1 - along.1 * across.0).recip();
    let reach = (along.0.abs() + across.0.abs(), along.1.abs() + across.1.abs());
    let side = SIDE as f32;
    // Also false for what is no number.
    let is_near = centre.0 + reach.0 >= 0.0
        && centre.1 + reach.1 >= 0.0
        && centre.0 - reach.0 < side
        && centre.1 - reach.1 < side;
    if !is_near {
        return;
    }
    let range = |centre: f32, reach: f32| {
        (centre - reach).floor().clamp(0.0, side - 1.0) as usize
            ..=(centre + reach).floor().clamp(0.0, side - 1.0) as usize
    };
    let own = (centre.0.floor(), centre.1.floor());
    for row in range(centre.1, reach.1) {
        for column in range(centre.0, reach.0) {
            let (dx, dy) = (column as f32 + 0.5 - centre.0, row as f32 + 0.5 - centre.1);
            let u = (dx * across.1 - dy * across.0) * area;
            let v = (along.0 * dy - along.1 * dx) * area;
            let is_own = (column as f32, row as f32) == own;
            if is_own || (u.abs() <= 1.0 && v.abs() <= 1.0) {
                put(row, column);
            }
        }
    }
}

fn latitude_of(y: i32) -> f64 {
    let part = f64::from(y) / f64::from(MAP);
    (std::f64::consts::PI * (1.0 - 2.0 * part))
        .sinh()
        .atan()
        .to_degrees()
}

/// Half the way to the nearer neighbour; none where neither has a place.
fn half_step(centre: Point, before: Point, after: Point) -> Point {
    let steps = [
        (centre.0 - before.0, centre.1 - before.1),
        (after.0 - centre.0, after.1 - centre.1),
    ];
    let [one, other] = steps.map(|step| {
        let length = step.0 * step.0 + step.1 * step.1;
        if length.is_finite() { length } else { f32::INFINITY }
    });
    let [backward, forward] = steps;
    let (x, y) = match () {
        () if one <= other && one.is_finite() => backward,
        () if other.is_finite() => forward,
        () => (0.0, 0.0),
    };
    (0.5 * OVERLAP * x, 0.5 * OVERLAP * y)
}
