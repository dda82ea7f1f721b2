//! The values of a map, pixel by pixel: swaths are added one after the other, memory stays that of the raster.

use super::Layer;
use super::projection::Projection;

/// What a pixel shows where several values fall into it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overlap {
    /// Their mean.
    #[default]
    Mean,
    /// The one added last: for flags, of which there is no mean.
    Last,
}

/// Sums and counts of the values that fell into each pixel.
#[derive(Clone, Debug)]
pub(super) struct Raster {
    projection: Projection,
    width: usize,
    height: usize,
    overlap: Overlap,
    /// East and west edge are the same meridian.
    is_closed: bool,
    sums: Vec<f64>,
    counts: Vec<u32>,
}

/// One datum on the raster: its centre, and half of the ways to its neighbours along and across.
#[derive(Clone, Copy)]
struct Cell {
    x: f64,
    y: f64,
    along: (f64, f64),
    across: (f64, f64),
}

/// Cells overlap by this part, so that no seam opens between them where the swath bends.
const OVERLAP: f64 = 1.04;
/// Cells reach no farther than so many typical cells: a gap in the lines is not bridged.
const REACH: f64 = 4.0;
/// Radius of a lone point, in pixels.
const POINT: f64 = 2.5;

impl Raster {
    pub(super) fn new(projection: Projection, overlap: Overlap) -> Self {
        let (width, height) = (projection.width as usize, projection.height as usize);
        let size = width * height;
        Self {
            projection,
            width,
            height,
            overlap,
            is_closed: projection.is_closed(),
            sums: vec![0.0; size],
            counts: vec![0; size],
        }
    }

    /// Adds the values of a layer, each to all pixels whose centre lies in its cell and to the one that it lies in.
    pub(super) fn add(&mut self, layer: &Layer<'_>) {
        let [lines, pixels] = layer.shape;
        let place = |(&longitude, &latitude): (&f64, &f64)| self.projection.project(longitude, latitude);
        let places: Vec<(f64, f64)> = layer.longitude.iter().zip(layer.latitude).map(place).collect();
        let steps = Steps {
            places: &places,
            lines,
            pixels,
            turn: self.projection.turn(),
        };
        let (typical_along, typical_across) = steps.typical();
        for line in 0..lines {
            for pixel in 0..pixels {
                let at = line * pixels + pixel;
                let (Some(&value), Some(&(x, y))) = (layer.values.get(at), places.get(at)) else {
                    return;
                };
                if !(value.is_finite() && x.is_finite() && y.is_finite()) {
                    continue;
                }
                let along = steps.along(line, pixel, REACH * typical_along);
                let across = steps.across(line, pixel, REACH * typical_across);
                self.add_cell(Cell { x, y, along, across }, value, lines == 1 || pixels == 1);
            }
        }
    }

    fn add_cell(&mut self, cell: Cell, value: f64, is_lone: bool) {
        self.add_to(cell.x.floor() as i64, cell.y.floor() as i64, value);
        let Cell { x, y, along, across } = cell;
        if is_lone {
            self.fill(x, y, (POINT, POINT), value, |dx, dy| {
                dx * dx + dy * dy <= POINT * POINT
            });
            return;
        }
        let sum = square((along.0 + across.0, along.1 + across.1));
        let difference = square((along.0 - across.0, along.1 - across.1));
        // Cells with both diagonals within a pixel leave no pixel without a centre in it.
        if sum.max(difference) <= 0.25 {
            return;
        }
        let area = along.0 * across.1 - along.1 * across.0;
        if area.abs() < 1e-9 {
            return;
        }
        let reach = (along.0.abs() + across.0.abs(), along.1.abs() + across.1.abs());
        self.fill(x, y, reach, value, |dx, dy| {
            let u = (dx * across.1 - dy * across.0) / area;
            let v = (along.0 * dy - along.1 * dx) / area;
            u.abs() <= 1.0 && v.abs() <= 1.0
        });
    }

    /// Adds to the pixels, but the one that (x, y) lies in, whose centre is inside as seen from there.
    fn fill(&mut self, x: f64, y: f64, reach: (f64, f64), value: f64, is_inside: impl Fn(f64, f64) -> bool) {
        let (own_column, own_row) = (x.floor() as i64, y.floor() as i64);
        let rows = ((y - reach.1).max(0.0).floor() as i64)..=((y + reach.1).min(self.height as f64) as i64);
        for row in rows {
            for column in ((x - reach.0).floor() as i64)..=((x + reach.0).floor() as i64) {
                let (dx, dy) = (column as f64 + 0.5 - x, row as f64 + 0.5 - y);
                if (column, row) != (own_column, own_row) && is_inside(dx, dy) {
                    self.add_to(column, row, value);
                }
            }
        }
    }

    fn add_to(&mut self, column: i64, row: i64, value: f64) {
        let width = self.width as i64;
        let is_beyond = !(0..width).contains(&column);
        let column = if is_beyond && self.is_closed {
            column.rem_euclid(width)
        } else {
            column
        };
        if !(0..width).contains(&column) || !(0..self.height as i64).contains(&row) {
            return;
        }
        let at = row as usize * self.width + column as usize;
        let (Some(sum), Some(count)) = (self.sums.get_mut(at), self.counts.get_mut(at)) else {
            return;
        };
        match self.overlap {
            Overlap::Mean => {
                *sum += value;
                *count += 1;
            }
            Overlap::Last => {
                *sum = value;
                *count = 1;
            }
        }
    }

    /// The value of each pixel, row by row; NaN where nothing fell.
    pub(super) fn values(&self) -> impl Iterator<Item = f64> + '_ {
        let mean = |(sum, count): (&f64, &u32)| {
            if *count == 0 {
                f64::NAN
            } else {
                sum / f64::from(*count)
            }
        };
        self.sums.iter().zip(&self.counts).map(mean)
    }

    /// The values below which lie these parts (0 to 1) of all pixels with a value, ascending; `None` without any.
    pub(super) fn quantiles<const N: usize>(&self, parts: [f64; N]) -> Option<[f64; N]> {
        let mut values: Vec<f64> = self.values().filter(|value| !value.is_nan()).collect();
        let last = values.len().checked_sub(1)?;
        values.sort_unstable_by(f64::total_cmp);
        Some(parts.map(|part| {
            values
                .get((part * last as f64).round() as usize)
                .copied()
                .unwrap_or(f64::NAN)
        }))
    }
}

/// The ways between neighbours of a layer.
struct Steps<'a> {
    places: &'a [(f64, f64)],
    lines: usize,
    pixels: usize,
    turn: Option<f64>,
}

impl Steps<'_> {
    /// Half the way to the neighbour along the swath, the nearer one of two, at most `reach` long.
    fn along(&self, line: usize, pixel: usize, reach: f64) -> (f64, f64) {
        let after = (line + 1 < self.lines).then(|| self.step((line, pixel), (line + 1, pixel)));
        let before = line
            .checked_sub(1)
            .map(|previous| self.step((previous, pixel), (line, pixel)));
        half(after, before, reach)
    }

    /// The same across the swath.
    fn across(&self, line: usize, pixel: usize, reach: f64) -> (f64, f64) {
        let after = (pixel + 1 < self.pixels).then(|| self.step((line, pixel), (line, pixel + 1)));
        let before = pixel
            .checked_sub(1)
            .map(|previous| self.step((line, previous), (line, pixel)));
        half(after, before, reach)
    }

    fn step(&self, from: (usize, usize), to: (usize, usize)) -> (f64, f64) {
        let place = |(line, pixel): (usize, usize)| self.places.get(line * self.pixels + pixel).copied();
        let (Some(from), Some(to)) = (place(from), place(to)) else {
            return (f64::NAN, f64::NAN);
        };
        let dx = to.0 - from.0;
        let dx = self.turn.map_or(dx, |turn| dx - turn * (dx / turn).round());
        (dx, to.1 - from.1)
    }

    /// Median lengths of the ways along and across, from a sample.
    fn typical(&self) -> (f64, f64) {
        let stride = (self.lines * self.pixels / 997).max(1);
        let (mut along, mut across) = (Vec::new(), Vec::new());
        for at in (0..self.lines * self.pixels).step_by(stride) {
            let (line, pixel) = (at / self.pixels, at % self.pixels);
            if line + 1 < self.lines {
                along.push(self.step((line, pixel), (line + 1, pixel)));
            }
            if pixel + 1 < self.pixels {
                across.push(self.step((line, pixel), (line, pixel + 1)));
            }
        }
        (median_length(&along), median_length(&across))
    }
}

/// The square of a length: all that comparing needs.
fn square(step: (f64, f64)) -> f64 {
    step.0 * step.0 + step.1 * step.1
}

fn median_length(steps: &[(f64, f64)]) -> f64 {
    let mut lengths: Vec<f64> = steps
        .iter()
        .map(|step| step.0.hypot(step.1))
        .filter(|x| x.is_finite())
        .collect();
    lengths.sort_unstable_by(f64::total_cmp);
    lengths.get(lengths.len() / 2).copied().unwrap_or(0.0)
}

/// Half of the shorter of two steps that are there and not NaN, none if even that is longer than `reach`.
fn half(after: Option<(f64, f64)>, before: Option<(f64, f64)>, reach: f64) -> (f64, f64) {
    let steps = [after, before]
        .into_iter()
        .flatten()
        .filter(|step| square(*step) <= reach * reach);
    let shortest = steps.min_by(|a, b| square(*a).total_cmp(&square(*b)));
    shortest.map_or((0.0, 0.0), |step| {
        (step.0 * 0.5 * OVERLAP, step.1 * 0.5 * OVERLAP)
    })
}

#[cfg(test)]
mod tests;
