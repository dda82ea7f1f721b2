//! Places on the globe: boxes and polygons of longitude and latitude, in any longitude convention.
//!
//! Longitudes are degrees east, and 370, 10 and -350 are the same meridian everywhere here. Latitudes are degrees
//! north. Edges belong to the inside, and because packed coordinates (millionths of a degree) and typed numbers
//! differ in their last bits, an edge is 1e-9 degrees (0.1 mm) wide.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

mod polygon;

pub use polygon::Polygon;

/// How far outside an edge a point still lies on it, in degrees.
const EDGE: f64 = 1e-9;

/// A text or a geometry that is no region.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegionError {
    /// Not four numbers.
    #[error("'{0}' is not a box: expected four numbers W,S,E,N in degrees")]
    NotABox(String),
    /// Latitudes that are not, or that are the wrong way round.
    #[error("latitudes from {south} to {north} are no box: expected -90 <= S <= N <= 90")]
    Latitudes {
        /// South edge, as given.
        south: String,
        /// North edge, as given.
        north: String,
    },
    /// A GeoJSON text that cannot be read.
    #[error("not GeoJSON: {0}")]
    NotGeoJson(String),
    /// GeoJSON that holds something else than polygons.
    #[error("{0}: expected a Polygon or MultiPolygon, a Feature with one, or a FeatureCollection of these")]
    NotAPolygon(String),
    /// A ring that encloses nothing.
    #[error("a ring of {0} different positions encloses nothing: expected at least 3")]
    Ring(usize),
    /// A coordinate that is none.
    #[error(
        "({longitude}, {latitude}) is no position: expected a longitude within -720..720 and a latitude within -90..90"
    )]
    Position {
        /// Longitude, as given.
        longitude: String,
        /// Latitude, as given.
        latitude: String,
    },
}

impl RegionError {
    /// Stable code.
    pub const fn kind(&self) -> crate::ErrorKind {
        crate::ErrorKind::InvalidArgument
    }
}

/// The longitude as -180 <= x < 180.
pub fn wrap_180(longitude: f64) -> f64 {
    // Most are there already; a division costs more than all the rest of what is done to a pixel.
    if (-180.0..180.0).contains(&longitude) {
        return longitude;
    }
    if (180.0..540.0).contains(&longitude) {
        return longitude - 360.0;
    }
    let wrapped = (longitude + 180.0).rem_euclid(360.0) - 180.0;
    // rem_euclid rounds tiny negatives up to 360 itself.
    if wrapped >= 180.0 { -180.0 } else { wrapped }
}

/// The longitude as 0 <= x < 360.
pub fn wrap_360(longitude: f64) -> f64 {
    let wrapped = longitude.rem_euclid(360.0);
    if wrapped >= 360.0 { 0.0 } else { wrapped }
}

/// A box of longitudes and latitudes; it may cross any meridian, and may be the whole globe.
///
/// ```
/// use karin_core::LonLatBox;
/// let fiji: LonLatBox = "175,-20,-175,-15".parse()?;
/// assert!(fiji.contains(179.0, -17.0) && fiji.contains(-179.0, -17.0) && fiji.contains(181.0, -17.0));
/// assert!(!fiji.contains(0.0, -17.0));
/// # Ok::<(), karin_core::geo::RegionError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "[f64; 4]", try_from = "[f64; 4]")]
pub struct LonLatBox {
    west: f64,
    east: f64,
    south: f64,
    north: f64,
}

impl LonLatBox {
    /// Everywhere.
    pub const GLOBE: Self = Self {
        west: -180.0,
        east: 180.0,
        south: -90.0,
        north: 90.0,
    };

    /// A box from its west, south, east and north edges. `west > east` crosses the antimeridian (or whichever
    /// meridian the convention breaks at); `east - west >= 360` is every longitude.
    ///
    /// # Errors
    /// If a number is not finite, a latitude lies beyond a pole, or south lies north of north.
    pub fn new(west: f64, south: f64, east: f64, north: f64) -> Result<Self, RegionError> {
        if !(west.is_finite() && east.is_finite() && west.abs() < 1e6 && east.abs() < 1e6) {
            return Err(RegionError::NotABox(format!("{west},{south},{east},{north}")));
        }
        if !(-90.0 <= south && south <= north && north <= 90.0) {
            return Err(RegionError::Latitudes {
                south: south.to_string(),
                north: north.to_string(),
            });
        }
        Ok(Self {
            west,
            east,
            south,
            north,
        })
    }

    /// West edge, as given.
    pub const fn west(&self) -> f64 {
        self.west
    }

    /// East edge, as given.
    pub const fn east(&self) -> f64 {
        self.east
    }

    /// South edge.
    pub const fn south(&self) -> f64 {
        self.south
    }

    /// North edge.
    pub const fn north(&self) -> f64 {
        self.north
    }

    /// Degrees of longitude from the west edge eastward to the east edge, 0 to 360.
    pub fn width(&self) -> f64 {
        let width = self.east - self.west;
        if width >= 360.0 {
            360.0
        } else if width >= 0.0 {
            width
        } else {
            width.rem_euclid(360.0)
        }
    }

    /// True if the point lies inside or on an edge; never for NaN.
    pub fn contains(&self, longitude: f64, latitude: f64) -> bool {
        let is_inside = latitude >= self.south - EDGE && latitude <= self.north + EDGE;
        is_inside && (longitude - self.west + EDGE).rem_euclid(360.0) <= self.width() + 2.0 * EDGE
    }

    /// True if the two have a point in common.
    pub fn intersects(&self, other: &Self) -> bool {
        let shares_latitude = self.south <= other.north + EDGE && other.south <= self.north + EDGE;
        let eastward = (other.west - self.west + EDGE).rem_euclid(360.0);
        let westward = (self.west - other.west + EDGE).rem_euclid(360.0);
        shares_latitude && (eastward <= self.width() + 2.0 * EDGE || westward <= other.width() + 2.0 * EDGE)
    }

    /// The smallest box that contains all points; see [`Extent`].
    pub fn around(points: impl IntoIterator<Item = (f64, f64)>) -> Option<Self> {
        let mut extent = Extent::default();
        points
            .into_iter()
            .for_each(|(longitude, latitude)| extent.add(longitude, latitude));
        extent.bounds()
    }
}

/// Where points lie, gathered one by one in fixed memory: the smallest box around them.
#[derive(Clone, Debug)]
pub struct Extent {
    south: f64,
    north: f64,
    /// Least and greatest longitude in each tenth of a degree: what lies between them is told apart no further when
    /// it comes to the gap that the box leaves out.
    bins: Vec<(f64, f64)>,
}

impl Default for Extent {
    fn default() -> Self {
        let nothing = (f64::INFINITY, f64::NEG_INFINITY);
        Self {
            south: nothing.0,
            north: nothing.1,
            bins: vec![nothing; 3600],
        }
    }
}

impl Extent {
    /// Adds a point; NaN is left out.
    pub fn add(&mut self, longitude: f64, latitude: f64) {
        if !(longitude.is_finite() && latitude.is_finite()) {
            return;
        }
        (self.south, self.north) = (self.south.min(latitude), self.north.max(latitude));
        let longitude = wrap_180(longitude);
        let index = ((longitude + 180.0) * 10.0) as usize;
        let last = self.bins.len() - 1;
        if let Some(bin) = self.bins.get_mut(index.min(last)) {
            *bin = (bin.0.min(longitude), bin.1.max(longitude));
        }
    }

    /// Adds all points of another one.
    pub fn merge(&mut self, other: &Self) {
        (self.south, self.north) = (self.south.min(other.south), self.north.max(other.north));
        for (bin, more) in self.bins.iter_mut().zip(&other.bins) {
            *bin = (bin.0.min(more.0), bin.1.max(more.1));
        }
    }

    /// The smallest box that contains all points; `None` without any. Its west edge lies in -180..180, and it crosses
    /// the antimeridian where that makes it narrower.
    pub fn bounds(&self) -> Option<LonLatBox> {
        let used: Vec<(f64, f64)> = self
            .bins
            .iter()
            .copied()
            .filter(|(least, most)| least <= most)
            .collect();
        let (&(first, _), &(_, last)) = (used.first()?, used.last()?);
        // The widest gap between neighbours is what the box leaves out.
        let (mut west, mut east, mut widest) = (first, last, first + 360.0 - last);
        for pair in used.windows(2) {
            if let [(_, left), (right, _)] = pair
                && right - left > widest
            {
                (west, east, widest) = (*right, *left, right - left);
            }
        }
        LonLatBox::new(west, self.south.max(-90.0), east, self.north.min(90.0)).ok()
    }
}

impl From<LonLatBox> for [f64; 4] {
    fn from(bounds: LonLatBox) -> Self {
        [bounds.west, bounds.south, bounds.east, bounds.north]
    }
}

impl TryFrom<[f64; 4]> for LonLatBox {
    type Error = RegionError;

    fn try_from([west, south, east, north]: [f64; 4]) -> Result<Self, Self::Error> {
        Self::new(west, south, east, north)
    }
}

impl FromStr for LonLatBox {
    type Err = RegionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers: Result<Vec<f64>, _> = text.split(',').map(|part| part.trim().parse()).collect();
        match numbers.as_deref() {
            Ok(&[west, south, east, north]) => Self::new(west, south, east, north),
            _ => Err(RegionError::NotABox(text.to_owned())),
        }
    }
}

/// `W,S,E,N`, as the command line takes it.
impl fmt::Display for LonLatBox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{},{},{},{}",
            self.west, self.south, self.east, self.north
        )
    }
}

/// A part of the globe that a selection is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Region {
    /// Between meridians and parallels.
    Box(LonLatBox),
    /// Inside polygons.
    Polygon(Polygon),
}

impl Region {
    /// True if the point lies inside or on an edge; never for NaN.
    pub fn contains(&self, longitude: f64, latitude: f64) -> bool {
        match self {
            Self::Box(bounds) => bounds.contains(longitude, latitude),
            Self::Polygon(polygon) => polygon.contains(longitude, latitude),
        }
    }

    /// Boxes outside which nothing of the region lies: one per part.
    pub fn bounds(&self) -> Vec<LonLatBox> {
        match self {
            Self::Box(bounds) => vec![*bounds],
            Self::Polygon(polygon) => polygon.bounds(),
        }
    }

    /// True unless no point of the box can lie in the region: a first, cheap test.
    pub fn may_touch(&self, other: &LonLatBox) -> bool {
        self.bounds().iter().any(|bounds| bounds.intersects(other))
    }
}

#[cfg(test)]
mod tests;
