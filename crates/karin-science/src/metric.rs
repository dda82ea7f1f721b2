//! The geometry of a pass: spacings, headings and rotation at every pixel, computed once for all its fields.

use std::sync::OnceLock;

use crate::equator::geostrophic_factor;
use crate::sphere::{Position, ROTATION};
use crate::{Extent, ScienceError};

/// Spacings, headings and Coriolis parameter of the pixels of one pass, or of a block of its lines.
///
/// Source: the AVISO L3 recipe. The spacing along is the haversine distance of line `i` to `i + 1` (of the last line: that
/// of the line before), across that of pixel `j` to `j + 1`. The heading is the direction of flight, counter-clockwise
/// from east: the sum of the steps to the next line and from the line before (one of them at the ends), each
/// `(R dlon cos(lat), R dlat)`. Longitudes may have any convention; the dateline and the poles are no special places.
/// Where a coordinate is NaN, so is what depends on it; a spacing or heading that only one of both neighbours gives is
/// taken from that one.
///
/// A block of lines has the metric of the whole pass except on its first and last line: callers read some lines more on
/// either side (`Quantity::reach`).
///
/// Cost: some 40 ns per pixel; 64 bytes per pixel.
#[derive(Debug)]
pub struct Metric {
    extent: Extent,
    /// Degrees north.
    latitude: Vec<f64>,
    /// Degrees east.
    longitude: Vec<f64>,
    /// Cosine and sine of the heading.
    pub(crate) cosine: Vec<f64>,
    pub(crate) sine: Vec<f64>,
    /// 1 / spacing in 1/m; across it is positive where pixels count to the right of the flight.
    pub(crate) per_along: Vec<f64>,
    pub(crate) per_across: Vec<f64>,
    /// f = 2 Omega sin(latitude) in 1/s.
    pub(crate) coriolis: Vec<f64>,
    /// g/f, tamed at the equator, in m/s.
    pub(crate) geostrophic: Vec<f64>,
    curvilinear: OnceLock<Curvilinear>,
}

/// The curvilinear metric of two-point differences: what a step of one line and of one pixel changes in height, as a
/// gradient east and north. East = `east_along` dh/di + `east_across` dh/dj, and so on; 1/m.
///
/// With (a, b) metres east and north per line and (c, d) per pixel: J = a d - b c, d/deast = (d dh/di - b dh/dj) / J,
/// d/dnorth = (a dh/dj - c dh/di) / J. Steps are centred (one-sided beside a missing coordinate or an end), each the
/// distance times sine and cosine of the bearing. Source: as jaxparrow's metric, on our sphere.
#[derive(Debug)]
pub(crate) struct Curvilinear {
    pub east_along: Vec<f64>,
    pub east_across: Vec<f64>,
    pub north_along: Vec<f64>,
    pub north_across: Vec<f64>,
}

impl Metric {
    /// The metric of pixels at these degrees north and east.
    ///
    /// # Errors
    /// If a slice does not fill the extent.
    pub fn new(latitude: &[f64], longitude: &[f64], extent: Extent) -> Result<Self, ScienceError> {
        ScienceError::check("latitude", latitude.len(), extent)?;
        ScienceError::check("longitude", longitude.len(), extent)?;
        let positions: Vec<Position> = latitude
            .iter()
            .zip(longitude)
            .map(|(latitude, longitude)| Position::new(*latitude, *longitude))
            .collect();
        let grid = Grid {
            positions: &positions,
            extent,
        };
        let (cosine, sine) = grid.headings();
        let coriolis: Vec<f64> = positions
            .iter()
            .map(|position| 2.0 * ROTATION * position.sine)
            .collect();
        let geostrophic = coriolis
            .iter()
            .zip(latitude)
            .map(|(coriolis, latitude)| geostrophic_factor(*coriolis, *latitude))
            .collect();
        Ok(Self {
            extent,
            latitude: latitude.to_vec(),
            longitude: longitude.to_vec(),
            cosine,
            sine,
            per_along: grid.per_spacing(Step::Along),
            per_across: grid.per_spacing_to_the_right(),
            coriolis,
            geostrophic,
            curvilinear: OnceLock::new(),
        })
    }

    /// Lines and pixels.
    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// Degrees north of every pixel.
    pub fn latitude(&self) -> &[f64] {
        &self.latitude
    }

    /// The Coriolis parameter f = 2 Omega sin(latitude) of every pixel, 1/s.
    pub fn coriolis(&self) -> &[f64] {
        &self.coriolis
    }

    /// Direction of flight at a pixel, radians counter-clockwise from east; NaN where it is not known.
    pub fn heading(&self, index: usize) -> f64 {
        match (self.sine.get(index), self.cosine.get(index)) {
            (Some(sine), Some(cosine)) => sine.atan2(*cosine),
            _ => f64::NAN,
        }
    }

    /// Metres to the next line and to the next pixel; NaN where they are not known.
    pub fn spacing(&self, index: usize) -> (f64, f64) {
        match (self.per_along.get(index), self.per_across.get(index)) {
            (Some(along), Some(across)) => (1.0 / along, 1.0 / across.abs()),
            _ => (f64::NAN, f64::NAN),
        }
    }

    /// The curvilinear metric, computed when first asked for.
    pub(crate) fn curvilinear(&self) -> &Curvilinear {
        self.curvilinear.get_or_init(|| {
            let positions: Vec<Position> = self
                .latitude
                .iter()
                .zip(&self.longitude)
                .map(|(latitude, longitude)| Position::new(*latitude, *longitude))
                .collect();
            Grid {
                positions: &positions,
                extent: self.extent,
            }
            .curvilinear()
        })
    }
}

#[derive(Clone, Copy)]
enum Step {
    Along,
    Across,
}

struct Grid<'a> {
    positions: &'a [Position],
    extent: Extent,
}

impl Grid<'_> {
    /// A value at every pixel, by line and pixel.
    fn map<T>(&self, of: impl Fn(usize, usize) -> T) -> impl Iterator<Item = T> {
        let extent = self.extent;
        (0..extent.num_lines)
            .flat_map(move |line| (0..extent.num_pixels).map(move |pixel| (line, pixel)))
            .map(move |(line, pixel)| of(line, pixel))
    }

    fn at(&self, line: usize, pixel: usize) -> &Position {
        &self.positions[self.extent.index(line, pixel)]
    }

    /// The neighbours before and after, where there are any with coordinates.
    fn neighbours(&self, line: usize, pixel: usize, step: Step) -> (Option<&Position>, Option<&Position>) {
        let index = self.extent.index(line, pixel);
        let (place, count, stride) = match step {
            Step::Along => (line, self.extent.num_lines, self.extent.num_pixels),
            Step::Across => (pixel, self.extent.num_pixels, 1),
        };
        let known = |position: &&Position| !(position.latitude.is_nan() || position.longitude.is_nan());
        let before = (place > 0).then(|| &self.positions[index - stride]).filter(known);
        let after = (place + 1 < count)
            .then(|| &self.positions[index + stride])
            .filter(known);
        (before, after)
    }

    /// 1 / metres to the next, else from the one before; NaN without either, or if both lie at the same place.
    fn per_spacing(&self, step: Step) -> Vec<f64> {
        let one = |line, pixel| {
            let here = self.at(line, pixel);
            let distance = match self.neighbours(line, pixel, step) {
                (_, Some(after)) => here.distance(after),
                (Some(before), None) => before.distance(here),
                (None, None) => f64::NAN,
            };
            if distance > 0.0 { 1.0 / distance } else { f64::NAN }
        };
        self.map(one).collect()
    }

    /// 1 / spacing across, negative for swaths whose pixels count to the left of the flight.
    fn per_spacing_to_the_right(&self) -> Vec<f64> {
        let mut spacings = self.per_spacing(Step::Across);
        if self.counts_to_the_left() {
            spacings.iter_mut().for_each(|spacing| *spacing = -*spacing);
        }
        spacings
    }

    /// True if most pixels of a hundred lines have their next one on the left of the flight. Products count to the right;
    /// nothing is taken for granted.
    fn counts_to_the_left(&self) -> bool {
        let lines = (0..self.extent.num_lines).step_by((self.extent.num_lines / 100).max(1));
        let turn = |line: usize, pixel: usize| {
            let step = |step| self.centred(line, pixel, step, Position::offset);
            let (along, across) = (step(Step::Along), step(Step::Across));
            let cross = along.0 * across.1 - along.1 * across.0;
            if cross.is_nan() { 0 } else { cross.signum() as i64 }
        };
        let of_line = |line| {
            (0..self.extent.num_pixels)
                .map(|pixel| turn(line, pixel))
                .sum::<i64>()
        };
        lines.map(of_line).sum::<i64>() > 0
    }

    /// Cosine and sine of the direction of flight.
    fn headings(&self) -> (Vec<f64>, Vec<f64>) {
        let one = |line, pixel| {
            let (east, north) = self.centred(line, pixel, Step::Along, Position::offset);
            let length = (east * east + north * north).sqrt();
            (east / length, north / length)
        };
        self.map(one).unzip()
    }

    /// Metres east and north per step of one: the mean of the steps to the next and from the one before, or one of both.
    fn centred(
        &self,
        line: usize,
        pixel: usize,
        step: Step,
        offset: impl Fn(&Position, &Position) -> (f64, f64),
    ) -> (f64, f64) {
        let here = self.at(line, pixel);
        let (before, after) = self.neighbours(line, pixel, step);
        let forward = after.map(|after| offset(here, after));
        let backward = before
            .map(|before| offset(here, before))
            .map(|(east, north)| (-east, -north));
        match (forward, backward) {
            (Some(one), Some(other)) => (0.5 * (one.0 + other.0), 0.5 * (one.1 + other.1)),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => (f64::NAN, f64::NAN),
        }
    }

    fn curvilinear(&self) -> Curvilinear {
        let count = self.positions.len();
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
