//! The geometry of a pass: spacings, headings and rotation at every pixel, computed once for all its fields.

mod grid;

use std::sync::OnceLock;

use crate::equator::geostrophic_factor;
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
/// Cost: some 40 ns and 64 bytes per pixel.
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
        let (mut sines, mut cosines) = (vec![0.0; extent.len()], vec![0.0; extent.len()]);
        sines_and_cosines(latitude, &mut sines, &mut cosines);
        let grid = Grid {
            latitude,
            longitude,
            sines: &sines,
            cosines: &cosines,
            extent,
        };
        let (cosine, sine) = grid.headings();
        let coriolis: Vec<f64> = sines.iter().map(|sine| 2.0 * ROTATION * sine).collect();
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
            let count = self.extent.len();
            let (mut sines, mut cosines) = (vec![0.0; count], vec![0.0; count]);
            sines_and_cosines(&self.latitude, &mut sines, &mut cosines);
            Grid {
                latitude: &self.latitude,
                longitude: &self.longitude,
                sines: &sines,
                cosines: &cosines,
                extent: self.extent,
            }
            .curvilinear()
        })
    }
}
