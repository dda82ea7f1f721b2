//! Steps between neighbouring pixels.

use super::Curvilinear;
use crate::Extent;
use crate::sphere::{Position, directions, per_short_distance};

/// Lines, and pixels of each, that tell which way pixels count.
const SOME: usize = 8;

/// One of both axes.
#[derive(Clone, Copy)]
pub(super) enum Step {
    Along,
    Across,
}

/// The positions of the pixels of a pass.
pub(super) struct Grid<'a> {
    pub latitude: &'a [f64],
    pub longitude: &'a [f64],
    /// Sines of the latitudes.
    pub sines: &'a [f64],
    /// Cosines of the latitudes.
    pub cosines: &'a [f64],
    pub extent: Extent,
}

impl Grid<'_> {
    /// A value at every pixel, by line and pixel.
    fn map<T>(&self, of: impl Fn(usize, usize) -> T) -> impl Iterator<Item = T> {
        let extent = self.extent;
        (0..extent.num_lines)
            .flat_map(move |line| (0..extent.num_pixels).map(move |pixel| (line, pixel)))
            .map(move |(line, pixel)| of(line, pixel))
    }

    fn at(&self, index: usize) -> Position {
        Position {
            latitude: self.latitude[index],
            longitude: self.longitude[index],
            sine: self.sines[index],
            cosine: self.cosines[index],
        }
    }

    /// The neighbours before and after, where there are any with coordinates.
    fn neighbours(&self, line: usize, pixel: usize, step: Step) -> (Option<Position>, Option<Position>) {
        let index = self.extent.index(line, pixel);
        let (place, count, stride) = match step {
            Step::Along => (line, self.extent.num_lines, self.extent.num_pixels),
            Step::Across => (pixel, self.extent.num_pixels, 1),
        };
        let known = |position: &Position| !(position.latitude.is_nan() || position.longitude.is_nan());
        let before = (place > 0).then(|| self.at(index - stride)).filter(known);
        let after = (place + 1 < count).then(|| self.at(index + stride)).filter(known);
        (before, after)
    }

    /// 1 / metres to the next, else from the one before; NaN without either, or if both lie at the same place.
    pub(super) fn per_spacing(&self, step: Step, spacings: &mut [f64]) {
        let one = |line, pixel| {
            let here = self.at(self.extent.index(line, pixel));
            let distance = match self.neighbours(line, pixel, step) {
                (_, Some(after)) => here.distance(&after),
                (Some(before), None) => before.distance(&here),
                (None, None) => f64::NAN,
            };
            if distance > 0.0 { 1.0 / distance } else { f64::NAN }
        };
        let width = self.extent.num_pixels;
        let stride = match step {
            Step::Along => width,
            Step::Across => 1,
        };
        let degrees = (self.latitude, self.longitude);
        per_short_distance(degrees, self.cosines, stride, spacings);
        match step {
            Step::Along => repeat_last(spacings, width),
            // Beyond the last pixel of a line comes the first of the next.
            Step::Across => (spacings.chunks_exact_mut(width.max(1))).for_each(|line| repeat_last(line, 1)),
        }
        for (line, spacings) in spacings.chunks_exact_mut(width.max(1)).enumerate() {
            for_each_nan(spacings, |pixel, spacing| *spacing = one(line, pixel));
        }
    }

    /// 1 / spacing across, negative for swaths whose pixels count to the left of the flight.
    pub(super) fn per_spacing_to_the_right(&self, spacings: &mut [f64]) {
        self.per_spacing(Step::Across, spacings);
        if self.counts_to_the_left() {
            spacings.iter_mut().for_each(|spacing| *spacing = -*spacing);
        }
    }

    /// True if most of some pixels of some lines have their next one on the left of the flight. Products count to the right;
    /// nothing is taken for granted.
    fn counts_to_the_left(&self) -> bool {
        let lines = (0..self.extent.num_lines).step_by((self.extent.num_lines / SOME).max(1));
        let turn = |line: usize, pixel: usize| {
            let step = |step| self.centred(line, pixel, step, Position::offset);
            let (along, across) = (step(Step::Along), step(Step::Across));
            let cross = along.0 * across.1 - along.1 * across.0;
            if cross.is_nan() { 0 } else { cross.signum() as i64 }
        };
        let of_line = |line| {
            (0..self.extent.num_pixels)
                .step_by((self.extent.num_pixels / SOME).max(1))
                .map(|pixel| turn(line, pixel))
                .sum::<i64>()
        };
        lines.map(of_line).sum::<i64>() > 0
    }

    /// Cosine and sine of the direction of flight.
    pub(super) fn headings(&self, cosine: &mut [f64], sine: &mut [f64]) {
        let width = self.extent.num_pixels;
        let degrees = (self.latitude, self.longitude);
        directions(degrees, self.cosines, width, (&mut *cosine, &mut *sine));
        let lines = cosine
            .chunks_exact_mut(width.max(1))
            .zip(sine.chunks_exact_mut(width.max(1)));
        for (line, (cosine, sine)) in lines.enumerate() {
            for_each_nan(cosine, |pixel, cosine| {
                let (east, north) = self.centred(line, pixel, Step::Along, Position::offset);
                let length = (east * east + north * north).sqrt();
                (*cosine, sine[pixel]) = (east / length, north / length);
            });
        }
    }

    /// Metres east and north per step of one: the mean of the steps to the next and from the one before, or one of both.
    fn centred(
        &self,
        line: usize,
        pixel: usize,
        step: Step,
        offset: impl Fn(&Position, &Position) -> (f64, f64),
    ) -> (f64, f64) {
        let here = self.at(self.extent.index(line, pixel));
        let (before, after) = self.neighbours(line, pixel, step);
        let forward = after.map(|after| offset(&here, &after));
        let backward = before
            .map(|before| offset(&here, &before))
            .map(|(east, north)| (-east, -north));
        match (forward, backward) {
            (Some(one), Some(other)) => (0.5 * (one.0 + other.0), 0.5 * (one.1 + other.1)),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => (f64::NAN, f64::NAN),
        }
    }

    pub(super) fn curvilinear(&self) -> Curvilinear {
        let count = self.extent.len();
        let mut metric = Curvilinear {
            east_along: Vec::with_capacity(count),
            east_across: Vec::with_capacity(count),
            north_along: Vec::with_capacity(count),
            north_across: Vec::with_capacity(count),
        };
        let steps = self.map(|line, pixel| {
            let step = |step| self.centred(line, pixel, step, Position::bearing_offset);
            (step(Step::Along), step(Step::Across))
        });
        for ((a, b), (c, d)) in steps {
            let per_area = 1.0 / (a * d - b * c);
            let per_area = if per_area.is_finite() { per_area } else { f64::NAN };
            metric.east_along.push(d * per_area);
            metric.east_across.push(-b * per_area);
            metric.north_along.push(-c * per_area);
            metric.north_across.push(a * per_area);
        }
        metric
    }
}

/// The last `stride` values become those before them; NaN where there are none.
fn repeat_last(values: &mut [f64], stride: usize) {
    match values.len().checked_sub(2 * stride) {
        Some(before) => values.copy_within(before..before + stride, before + stride),
        None => values.fill(f64::NAN),
    }
}

/// Visits the values of a line that are NaN; most lines have none.
fn for_each_nan(line: &mut [f64], mut visit: impl FnMut(usize, &mut f64)) {
    // Without an early end the compiler looks at several at once.
    if line.iter().fold(false, |any, value| any | value.is_nan()) {
        let missing = line.iter_mut().enumerate().filter(|(_, value)| value.is_nan());
        missing.for_each(|(pixel, value)| visit(pixel, value));
    }
}
