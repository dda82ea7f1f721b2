//! Polygons with straight edges in longitude and latitude.

use std::str::FromStr;
use std::sync::Arc;

use geojson::{GeoJson, GeometryValue, Position};
use serde::{Deserialize, Serialize};

use super::{EDGE, LonLatBox, RegionError, wrap_180};

/// One or more polygons, with holes.
///
/// Edges are straight in longitude and latitude. An edge of more than 180 degrees of longitude (and less than 360)
/// is taken the short way round, so that rings written as 179, -179 cross the antimeridian as they were meant to;
/// rings may as well run past 180, or be split there as RFC 7946 asks. A ring that goes once round the globe
/// encloses the pole that it is nearer to. Edges belong to the inside, those of holes too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "GeoJson", try_from = "GeoJson")]
pub struct Polygon {
    shape: Arc<Shape>,
}

/// Shared, so that a selection is cheap to clone.
#[derive(Debug, PartialEq)]
struct Shape {
    parts: Vec<Part>,
    source: GeoJson,
}

/// A polygon on an unrolled globe: longitudes run on, past 180, so that every edge is short.
#[derive(Clone, Debug, PartialEq)]
struct Part {
    west: f64,
    east: f64,
    south: f64,
    north: f64,
    /// The edges of outer ring and holes by bands of latitude, so that a point is tested against few.
    bands: Vec<Vec<Edge>>,
}

/// From one position to the next.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Edge {
    from: (f64, f64),
    to: (f64, f64),
}

impl Polygon {
    /// The polygons in a GeoJSON text: geometry, feature or collection of features.
    ///
    /// # Errors
    /// If it is not GeoJSON, holds anything but polygons, or a ring or position in it is none.
    pub fn from_geojson(text: &str) -> Result<Self, RegionError> {
        let source: GeoJson = text
            .parse()
            .map_err(|error: geojson::Error| RegionError::NotGeoJson(error.to_string()))?;
        Self::try_from(source)
    }

    /// The same as GeoJSON, as it was given.
    pub fn geojson(&self) -> &GeoJson {
        &self.shape.source
    }

    /// True if the point lies inside or on an edge; never for NaN.
    pub fn contains(&self, longitude: f64, latitude: f64) -> bool {
        self.shape
            .parts
            .iter()
            .any(|part| part.contains(longitude, latitude))
    }

    /// A box around each part.
    pub fn bounds(&self) -> Vec<LonLatBox> {
        let bounds = self
            .shape
            .parts
            .iter()
            .map(|part| LonLatBox::new(part.west, part.south, part.east, part.north));
        bounds.filter_map(Result::ok).collect()
    }
}

impl FromStr for Polygon {
    type Err = RegionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_geojson(text)
    }
}

impl From<Polygon> for GeoJson {
    fn from(polygon: Polygon) -> Self {
        polygon.shape.source.clone()
    }
}

impl TryFrom<GeoJson> for Polygon {
    type Error = RegionError;

    fn try_from(source: GeoJson) -> Result<Self, Self::Error> {
        let mut parts = Vec::new();
        match &source {
            GeoJson::Geometry(geometry) => collect(&geometry.value, &mut parts)?,
            GeoJson::Feature(feature) => collect_feature(feature, &mut parts)?,
            GeoJson::FeatureCollection(collection) => {
                collection
                    .features
                    .iter()
                    .try_for_each(|feature| collect_feature(feature, &mut parts))?;
            }
        }
        match parts.is_empty() {
            true => Err(RegionError::NotAPolygon("nothing in it".to_owned())),
            false => Ok(Self {
                shape: Arc::new(Shape { parts, source }),
            }),
        }
    }
}

fn collect_feature(feature: &geojson::Feature, parts: &mut Vec<Part>) -> Result<(), RegionError> {
    let nothing = || RegionError::NotAPolygon("a feature without geometry".to_owned());
    collect(&feature.geometry.as_ref().ok_or_else(nothing)?.value, parts)
}

fn collect(geometry: &GeometryValue, parts: &mut Vec<Part>) -> Result<(), RegionError> {
    match geometry {
        GeometryValue::Polygon { coordinates } => parts.push(Part::new(coordinates)?),
        GeometryValue::MultiPolygon { coordinates } => {
            for rings in coordinates {
                parts.push(Part::new(rings)?);
            }
        }
        other => return Err(RegionError::NotAPolygon(format!("a {}", other.type_name()))),
    }
    Ok(())
}

impl Part {
    /// Edges per band, on average, that bands are made for.
    const EDGES_PER_BAND: usize = 4;

    fn new(rings: &[Vec<Position>]) -> Result<Self, RegionError> {
        let (outer, holes) = rings.split_first().ok_or(RegionError::Ring(0))?;
        let outer = unroll(outer)?;
        let of = |pick: fn(f64, f64) -> f64, coordinate: fn(&(f64, f64)) -> f64| {
            outer.iter().map(coordinate).reduce(pick)
        };
        let bounds = (
            of(f64::min, |point| point.0),
            of(f64::max, |point| point.0),
            of(f64::min, |point| point.1),
            of(f64::max, |point| point.1),
        );
        let (Some(west), Some(east), Some(south), Some(north)) = bounds else {
            return Err(RegionError::Ring(0));
        };
        let mut edges = edges_of(&outer);
        for hole in holes {
            let mut hole = unroll(hole)?;
            // A hole lies within its ring: bring it to the same turn of the globe.
            let middle = hole.iter().map(|point| point.0).sum::<f64>() / hole.len() as f64;
            let turn = 360.0 * (((west + east) / 2.0 - middle) / 360.0).round();
            hole.iter_mut().for_each(|point| point.0 += turn);
            edges.extend(edges_of(&hole));
        }
        let count = (edges.len() / Self::EDGES_PER_BAND).clamp(1, 4096);
        let mut part = Self {
            west,
            east,
            south,
            north,
            bands: vec![Vec::new(); count],
        };
        for edge in edges {
            let (low, high) = (
                edge.from.1.min(edge.to.1) - EDGE,
                edge.from.1.max(edge.to.1) + EDGE,
            );
            let range = part.band(low)..=part.band(high);
            part.bands
                .get_mut(range)
                .into_iter()
                .flatten()
                .for_each(|band| band.push(edge));
        }
        Ok(part)
    }

    fn band(&self, latitude: f64) -> usize {
        let height = (self.north - self.south).max(f64::MIN_POSITIVE);
        let band = (latitude - self.south) / height * self.bands.len() as f64;
        (band.max(0.0) as usize).min(self.bands.len() - 1)
    }

    fn contains(&self, longitude: f64, latitude: f64) -> bool {
        if !(latitude >= self.south - EDGE && latitude <= self.north + EDGE) {
            return false;
        }
        let Some(edges) = self.bands.get(self.band(latitude)) else {
            return false;
        };
        // Every turn of the globe on which the point lies between the west and east ends.
        let mut x = self.west - EDGE + (longitude - self.west + EDGE).rem_euclid(360.0);
        while x <= self.east + EDGE {
            if is_inside(edges, x, latitude) {
                return true;
            }
            x += 360.0;
        }
        false
    }
}

/// Even-odd rule along the ray to the east; a point on an edge is inside.
fn is_inside(edges: &[Edge], x: f64, y: f64) -> bool {
    let mut inside = false;
    for Edge { from, to } in edges {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let length = dx.hypot(dy);
        let across = dx * (y - from.1) - dy * (x - from.0);
        let along = dx * (x - from.0) + dy * (y - from.1);
        if across.abs() <= EDGE * length && along >= -EDGE * length && along <= (length + EDGE) * length {
            return true;
        }
        // Half open in latitude, so that a vertex counts for one of its edges.
        if (from.1 > y) != (to.1 > y) && (across > 0.0) == (dy > 0.0) {
            inside = !inside;
        }
    }
    inside
}

fn edges_of(ring: &[(f64, f64)]) -> Vec<Edge> {
    let ends = ring.iter().skip(1).chain(ring.first());
    ring.iter()
        .zip(ends)
        .map(|(&from, &to)| Edge { from, to })
        .collect()
}

/// The positions of a ring without its closing one, longitudes running on so that each edge goes the short way.
fn unroll(ring: &[Position]) -> Result<Vec<(f64, f64)>, RegionError> {
    let mut points: Vec<(f64, f64)> = Vec::with_capacity(ring.len());
    let mut previous: Option<f64> = None;
    let closing = ring.first().filter(|first| ring.last() != Some(first));
    for position in ring.iter().chain(closing) {
        let (longitude, latitude) = match position.as_slice() {
            [longitude, latitude, ..] => (*longitude, *latitude),
            other => (other.first().copied().unwrap_or(f64::NAN), f64::NAN),
        };
        if !(longitude.abs() <= 720.0 && latitude.abs() <= 90.0) {
            let (longitude, latitude) = (longitude.to_string(), latitude.to_string());
            return Err(RegionError::Position { longitude, latitude });
        }
        let x = match (points.last(), previous) {
            (Some(last), Some(previous)) => {
                let step = longitude - previous;
                // Edges of a whole turn or more are drawn as they are written: boxes round the globe.
                let is_jump = step.abs() > 180.0 && step.abs() < 360.0;
                last.0 + if is_jump { wrap_180(step) } else { step }
            }
            _ => longitude,
        };
        previous = Some(longitude);
        points.push((x, latitude));
    }
    let turn = match (points.first(), points.last()) {
        (Some(first), Some(last)) => last.0 - first.0,
        _ => 0.0,
    };
    if turn.abs() > 359.0 && points.len() > 3 {
        // Round a pole: along the pole back to where it began.
        let mean = points.iter().map(|point| point.1).sum::<f64>() / points.len() as f64;
        let pole = 90f64.copysign(mean);
        let (first, last) = (
            points.first().map_or(0.0, |point| point.0),
            points.last().map_or(0.0, |point| point.0),
        );
        points.extend([(last, pole), (first, pole)]);
    } else if points.len() > 1 && points.first() == points.last() {
        points.pop();
    }
    let mut distinct = points.clone();
    distinct.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    distinct.dedup();
    match distinct.len() {
        count @ 0..3 => Err(RegionError::Ring(count)),
        _ => Ok(points),
    }
}
