//! The geometry of a pass: spacings, headings and rotation at every pixel, computed once for all its fields.

mod grid;

use std::ops::Range;
use std::sync::OnceLock;

use multiversion::multiversion;

use crate::equator::{equatorial_factors, equatorial_lines};
use crate::sphere::{ROTATION, sines_and_cosines};
use crate::{Extent, ScienceError};
use grid::{Grid, Step};

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
/// Cost: some 8 ns and 88 bytes per pixel.
#[derive(Debug, Default)]
pub struct Metric {
    extent: Extent,
    /// Degrees north.
    latitude: Vec<f64>,
    /// Degrees east.
    longitude: Vec<f64>,
    /// Cosine of the latitude.
    pub(crate) cosine_latitude: Vec<f64>,
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
    pub(crate) turns: Turns,
    /// The lines from the first to the last with a pixel in the band of the beta plane; none where there is no such pixel.
    pub(crate) equatorial: Range<usize>,
    /// What turns curvatures at the pixels of these lines into the current of the beta plane, in m2/s: 0 outside the band.
    pub(crate) beta: Vec<f64>,
    curvilinear: OnceLock<Curvilinear>,
}

/// The geostrophic current east and north that a difference of 1 m per line and per pixel makes, in m/s: everything that the
/// geometry does to it in four factors. Their 24 bits are off by a part in 10^7 at most, a hundredth of the packing step of L3
/// currents at 10 m/s, and take half the way from memory, which is what limits the kernel.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    pub east_along: Vec<f32>,
    pub east_across: Vec<f32>,
    pub north_along: Vec<f32>,
    pub north_across: Vec<f32>,
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
        let mut metric = Self::default();
        metric.refit(extent, |north, east| {
            north.copy_from_slice(latitude);
            east.copy_from_slice(longitude);
        });
        Ok(metric)
    }

    /// Becomes the metric of other pixels, as [`Metric::new`] makes it, in the memory of this one: fresh memory costs more than
    /// what is computed. `place` writes their degrees north and east.
    pub fn refit(&mut self, extent: Extent, place: impl FnOnce(&mut [f64], &mut [f64])) {
        let count = extent.len();
        self.extent = extent;
        self.curvilinear = OnceLock::new();
        self.latitude.resize(count, 0.0);
        self.longitude.resize(count, 0.0);
        place(&mut self.latitude, &mut self.longitude);
        let (latitude, longitude) = (self.latitude.as_slice(), self.longitude.as_slice());
        let computed = [
            &mut self.cosine_latitude,
            &mut self.cosine,
            &mut self.sine,
            &mut self.per_along,
            &mut self.per_across,
            &mut self.coriolis,
            &mut self.geostrophic,
        ];
        computed.into_iter().for_each(|values| values.resize(count, 0.0));
        // Until the end, sines of latitudes stand where f will.
        sines_and_cosines(latitude, &mut self.coriolis, &mut self.cosine_latitude);
        let grid = Grid {
            latitude,
            longitude,
            sines: &self.coriolis,
            cosines: &self.cosine_latitude,
            extent,
        };
        grid.headings(&mut self.cosine, &mut self.sine);
        grid.per_spacing(Step::Along, &mut self.per_along);
        grid.per_spacing_to_the_right(&mut self.per_across);
        self.coriolis.iter_mut().for_each(|sine| *sine *= 2.0 * ROTATION);
        self.equatorial = equatorial_lines(latitude, extent);
        let equatorial = self.equatorial.start * extent.num_pixels..self.equatorial.end * extent.num_pixels;
        let places = (
            self.coriolis.as_slice(),
            latitude,
            self.cosine_latitude.as_slice(),
        );
        equatorial_factors(places, equatorial, &mut self.geostrophic, &mut self.beta);
        self.fill_turns();
    }

    fn fill_turns(&mut self) {
        let turns = &mut self.turns;
        let mut out = [
            &mut turns.east_along,
            &mut turns.east_across,
            &mut turns.north_along,
            &mut turns.north_across,
        ];
        for values in &mut out {
            values.resize(self.extent.len(), 0.0);
        }
        let geometry = [
            &self.per_along,
            &self.per_across,
            &self.cosine,
            &self.sine,
            &self.geostrophic,
        ];
        turns_of(geometry.map(Vec::as_slice), out.map(Vec::as_mut_slice));
    }

    /// Lines and pixels.
    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// Degrees north of every pixel.
    pub fn latitude(&self) -> &[f64] {
        &self.latitude
    }

    /// Degrees east of every pixel.
    pub fn longitude(&self) -> &[f64] {
        &self.longitude
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
            let sines: Vec<f64> = self.coriolis.iter().map(|f| f / (2.0 * ROTATION)).collect();
            Grid {
                latitude: &self.latitude,
                longitude: &self.longitude,
                sines: &sines,
                cosines: &self.cosine_latitude,
                extent: self.extent,
            }
            .curvilinear()
        })
    }
}

/// The factors of [`Turns`] from 1 / spacing along and across, cosine and sine of the heading, and g/f.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn turns_of(geometry: [&[f64]; 5], out: [&mut [f32]; 4]) {
    let [east_along, east_across, north_along, north_across] = out;
    let count = east_along.len();
    let (east_across, north_along) = (&mut east_across[..count], &mut north_along[..count]);
    let north_across = &mut north_across[..count];
    let (per_along, per_across) = (&geometry[0][..count], &geometry[1][..count]);
    let (cosine, sine, factor) = (
        &geometry[2][..count],
        &geometry[3][..count],
        &geometry[4][..count],
    );
    for place in 0..count {
        let along = factor[place] * per_along[place];
        // Pixels count to the right of the flight, slopes to its left.
        let across = factor[place] * per_across[place];
        east_along[place] = (-along * sine[place]) as f32;
        east_across[place] = (across * cosine[place]) as f32;
        north_along[place] = (along * cosine[place]) as f32;
        north_across[place] = (across * sine[place]) as f32;
    }
}
