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

/// Cells overlap by this part, so that no seam opens between them where the swath bends.
const OVERLAP: f64 = 1.04;
/// Cells reach no farther than so many typical cells: a gap in the lines is not bridged.
const REACH: f64 = 4.0;
/// Radius of a lone point, in pixels.
const POINT: f64 = 2.5;
/// Marks that are kept of a layer: what more there is, of few and large cells, is added when its turn comes.
const MOST_MARKS: usize = 4 << 20;

/// Where the values of a layer fall.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Pixels (row by row) and values.
    falls: Vec<(u32, f32)>,
    /// Lines of the layer that they cover.
    lines: usize,
}

fn put(sums: &mut [f64], counts: &mut [u32], overlap: Overlap, at: u32, value: f64) {
    let (Some(sum), Some(count)) = (sums.get_mut(at as usize), counts.get_mut(at as usize)) else {
        return;
    };
    match overlap {
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

    /// Where the values of a layer fall: each into all pixels whose centre lies in its cell, and the one that it lies
    /// in. This is what costs time, and may be done for several layers at once.
    pub(super) fn marks<T: Copy + Into<f64>>(&self, layer: &Layer<'_, T>, is_track: bool) -> Marks {
        let mut marks = Marks::default();
        let drawing = self.drawing(layer, is_track);
        for line in 0..layer.shape[0] {
            drawing.line(line, |at, value| marks.falls.push((at, value as f32)));
            marks.lines = line + 1;
            if marks.falls.len() > MOST_MARKS {
                break;
            }
        }
        marks
    }

    /// Adds a layer by its marks, and what they leave out.
    pub(super) fn apply<T: Copy + Into<f64>>(&mut self, layer: &Layer<'_, T>, is_track: bool, marks: &Marks) {
        for &(at, value) in &marks.falls {
            put(
                &mut self.sums,
                &mut self.counts,
                self.overlap,
                at,
                f64::from(value),
            );
        }
        if marks.lines < layer.shape[0] {
            let (mut sums, mut counts) = (std::mem::take(&mut self.sums), std::mem::take(&mut self.counts));
            let drawing = self.drawing(layer, is_track);
            for line in marks.lines..layer.shape[0] {
                // In single precision as the marks are, so that the picture does not depend on how many there are.
                let value_of = |value: f64| f64::from(value as f32);
                drawing.line(line, |at, value| {
                    put(&mut sums, &mut counts, self.overlap, at, value_of(value))
                });
            }
            (self.sums, self.counts) = (sums, counts);
        }
    }

    /// The number of a pixel, row by row; `None` outside.
    fn pixel(&self, column: i64, row: i64) -> Option<u32> {
        let width = self.width as i64;
        let is_beyond = !(0..width).contains(&column);
        let column = if is_beyond && self.is_closed {
            column.rem_euclid(width)
        } else {
            column
        };
        if !(0..width).contains(&column) || !(0..self.height as i64).contains(&row) {
            return None;
        }
        u32::try_from(row * width + column).ok()
    }

    fn drawing<'a, T: Copy + Into<f64>>(&'a self, layer: &'a Layer<'a, T>, is_track: bool) -> Drawing<'a, T> {
        Drawing::new(self, layer, is_track)
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
        Some(parts.map(|part| {
            let rank = ((part * last as f64).round() as usize).min(last);
            *values.select_nth_unstable_by(rank, f64::total_cmp).1
        }))
    }
}

/// A layer about to be drawn.
struct Drawing<'a, T> {
    raster: &'a Raster,
    layer: &'a Layer<'a, T>,
    is_track: bool,
    /// Where the values lie; empty where all cells lie within their pixel.
    places: Vec<(f64, f64)>,
    /// Longest ways that belong to a cell, along and across.
    reach: (f64, f64),
}

impl<'a, T: Copy + Into<f64>> Drawing<'a, T> {
    fn new(raster: &'a Raster, layer: &'a Layer<'a, T>, is_track: bool) -> Self {
        let mut drawing = Self {
            raster,
            layer,
            is_track,
            places: Vec::new(),
            reach: (0.0, 0.0),
        };
        let (along, across) = drawing.typical();
        let along = if layer.shape[0] == 1 { across } else { along };
        drawing.reach = (REACH * along, REACH * across);
        let half = 0.5 * OVERLAP * (drawing.reach.0 + drawing.reach.1);
        // Cells with both diagonals within a pixel leave no pixel without a centre in it: only the own one counts.
        if is_track || half * half > 0.25 {
            let [lines, pixels] = layer.shape;
            drawing.places = (0..lines * pixels).map(|at| drawing.project(at)).collect();
        }
        drawing
    }

    /// Hands over the pixels and values of a line.
    fn line(&self, line: usize, mut take: impl FnMut(u32, f64)) {
        let pixels = self.layer.shape[1];
        for pixel in 0..pixels {
            let at = line * pixels + pixel;
            let Some(value) = self.layer.values.get(at).map(|&value| value.into()) else {
                return;
            };
            if !value.is_finite() {
                continue;
            }
            let (x, y) = self.place(at);
            if !(x.is_finite() && y.is_finite()) {
                continue;
            }
            self.own(x, y, &mut |at| take(at, value));
            if self.is_track {
                self.fill(x, y, (POINT, POINT), &mut |at| take(at, value), |dx, dy| {
                    dx * dx + dy * dy <= POINT * POINT
                });
            } else if !self.places.is_empty() {
                self.cell(line, pixel, (x, y), &mut |at| take(at, value));
            }
        }
    }

    /// The pixels, but the own one, whose centre lies in a cell.
    fn cell(&self, line: usize, pixel: usize, (x, y): (f64, f64), take: &mut impl FnMut(u32)) {
        let across = self.across(line, pixel);
        let along = match self.layer.shape[0] {
            // A line by itself: cells are about as long as they are wide.
            1 => (-across.1, across.0),
            _ => self.along(line, pixel),
        };
        let sum = square((along.0 + across.0, along.1 + across.1));
        let difference = square((along.0 - across.0, along.1 - across.1));
        let area = along.0 * across.1 - along.1 * across.0;
        if sum.max(difference) <= 0.25 || area.abs() < 1e-9 {
            return;
        }
        let reach = (along.0.abs() + across.0.abs(), along.1.abs() + across.1.abs());
        self.fill(x, y, reach, take, |dx, dy| {
            let u = (dx * across.1 - dy * across.0) / area;
            let v = (along.0 * dy - along.1 * dx) / area;
            u.abs() <= 1.0 && v.abs() <= 1.0
        });
    }

    /// The pixel that (x, y) lies in.
    fn own(&self, x: f64, y: f64, take: &mut impl FnMut(u32)) {
        if let Some(at) = self.raster.pixel(x.floor() as i64, y.floor() as i64) {
            take(at);
        }
    }

    /// The pixels, but the one that (x, y) lies in, whose centre is inside as seen from there.
    fn fill(
        &self,
        x: f64,
        y: f64,
        reach: (f64, f64),
        take: &mut impl FnMut(u32),
        is_inside: impl Fn(f64, f64) -> bool,
    ) {
        let own = (x.floor() as i64, y.floor() as i64);
        let height = self.raster.height as f64;
        let rows = ((y - reach.1).max(0.0).floor() as i64)..=((y + reach.1).min(height) as i64);
        for row in rows {
            for column in ((x - reach.0).floor() as i64)..=((x + reach.0).floor() as i64) {
                let (dx, dy) = (column as f64 + 0.5 - x, row as f64 + 0.5 - y);
                if (column, row) != own
                    && is_inside(dx, dy)
                    && let Some(at) = self.raster.pixel(column, row)
                {
                    take(at);
                }
            }
        }
    }

    fn project(&self, at: usize) -> (f64, f64) {
        match (self.layer.longitude.get(at), self.layer.latitude.get(at)) {
            (Some(&longitude), Some(&latitude)) => {
                self.raster.projection.project(longitude.into(), latitude.into())
            }
            _ => (f64::NAN, f64::NAN),
        }
    }

    fn place(&self, at: usize) -> (f64, f64) {
        match self.places.get(at) {
            Some(place) => *place,
            None => self.project(at),
        }
    }

    /// Half the way to the neighbour along the swath, the nearer one of two, if it is within reach.
    fn along(&self, line: usize, pixel: usize) -> (f64, f64) {
        let after = (line + 1 < self.layer.shape[0]).then(|| self.step((line, pixel), (line + 1, pixel)));
        let before = line
            .checked_sub(1)
            .map(|previous| self.step((previous, pixel), (line, pixel)));
        half(after, before, self.reach.0)
    }

    /// The same across the swath.
    fn across(&self, line: usize, pixel: usize) -> (f64, f64) {
        let after = (pixel + 1 < self.layer.shape[1]).then(|| self.step((line, pixel), (line, pixel + 1)));
        let before = pixel
            .checked_sub(1)
            .map(|previous| self.step((line, previous), (line, pixel)));
        half(after, before, self.reach.1)
    }

    fn step(&self, from: (usize, usize), to: (usize, usize)) -> (f64, f64) {
        let place = |(line, pixel): (usize, usize)| self.place(line * self.layer.shape[1] + pixel);
        let (from, to) = (place(from), place(to));
        let dx = to.0 - from.0;
        let turn = self.raster.projection.turn();
        let dx = turn.map_or(dx, |turn| dx - turn * (dx / turn).round());
        (dx, to.1 - from.1)
    }

    /// Median lengths of the ways along and across, from a sample.
    fn typical(&self) -> (f64, f64) {
        let [lines, pixels] = self.layer.shape;
        let stride = (lines * pixels / 997).max(1);
        let (mut along, mut across) = (Vec::new(), Vec::new());
        for at in (0..lines * pixels).step_by(stride) {
            let (line, pixel) = (at / pixels, at % pixels);
            if line + 1 < lines {
                along.push(self.step((line, pixel), (line + 1, pixel)));
            }
            if pixel + 1 < pixels {
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
