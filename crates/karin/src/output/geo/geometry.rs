//! Lines and polygons, cut at the antimeridian, as GeoJSON, WKT and WKB.

use karin_core::geo::wrap_180;
use serde_json::{Value, json};

type Place = (f64, f64);

/// Where a feature is: vertices of degrees east and north.
#[derive(Clone, Debug, PartialEq)]
pub enum Geometry {
    /// The outline of an area, not closed (the last vertex is not the first again).
    Polygon(Vec<Place>),
    /// A line.
    Line(Vec<Place>),
}

impl Geometry {
    /// Its vertices.
    pub fn vertices(&self) -> &[Place] {
        match self {
            Self::Polygon(vertices) | Self::Line(vertices) => vertices,
        }
    }

    /// Parts between -180 and 180 degrees: closed rings, counter-clockwise, or lines.
    pub fn parts(&self) -> Vec<Vec<Place>> {
        let unrolled = unrolled(self.vertices());
        match self {
            Self::Line(_) => cut_line(&unrolled),
            Self::Polygon(_) => {
                let seams = [-180.0, 180.0];
                let crossed = seams.into_iter().find(|seam| is_crossed(&unrolled, *seam));
                let rings = match crossed {
                    None => vec![unrolled],
                    Some(seam) => {
                        let side = |sign: f64, turn: f64| -> Vec<Place> {
                            let clipped = clipped(&unrolled, seam, sign);
                            clipped
                                .into_iter()
                                .map(|(longitude, latitude)| (longitude + turn, latitude))
                                .collect()
                        };
                        // What lies beyond the seam belongs to the other end of the map.
                        let (west, east) = if seam > 0.0 { (0.0, -360.0) } else { (360.0, 0.0) };
                        vec![side(-1.0, west), side(1.0, east)]
                    }
                };
                rings
                    .into_iter()
                    .filter(|ring| ring.len() >= 3)
                    .map(closed)
                    .collect()
            }
        }
    }

    /// West, south, east and north; west is greater than east where it crosses the antimeridian.
    pub fn bounds(&self) -> [f64; 4] {
        let unrolled = unrolled(self.vertices());
        let fold = |of: fn(&Place) -> f64, with: fn(f64, f64) -> f64, start: f64| {
            unrolled.iter().map(of).fold(start, with)
        };
        let (west, east) = (
            fold(|place| place.0, f64::min, f64::INFINITY),
            fold(|place| place.0, f64::max, f64::NEG_INFINITY),
        );
        let wrapped = |longitude: f64| {
            if (-180.0..=180.0).contains(&longitude) {
                longitude
            } else {
                wrap_180(longitude)
            }
        };
        [
            wrapped(west),
            fold(|place| place.1, f64::min, f64::INFINITY),
            wrapped(east),
            fold(|place| place.1, f64::max, f64::NEG_INFINITY),
        ]
    }

    /// As a GeoJSON geometry; degrees to a tenth of a metre.
    pub(super) fn geojson(&self) -> Value {
        let round = |value: f64| (value * 1e6).round() / 1e6;
        let places = |part: &Vec<Place>| -> Value {
            let of = |(longitude, latitude): &Place| json!([round(*longitude), round(*latitude)]);
            part.iter().map(of).collect()
        };
        let parts = self.parts();
        match (self, parts.as_slice()) {
            (Self::Polygon(_), [one]) => json!({"type": "Polygon", "coordinates": [places(one)]}),
            (Self::Polygon(_), many) => {
                let rings: Vec<Value> = many.iter().map(|ring| json!([places(ring)])).collect();
                json!({"type": "MultiPolygon", "coordinates": rings})
            }
            (Self::Line(_), [one]) => json!({"type": "LineString", "coordinates": places(one)}),
            (Self::Line(_), many) => {
                let lines: Vec<Value> = many.iter().map(places).collect();
                json!({"type": "MultiLineString", "coordinates": lines})
            }
        }
    }

    /// As well-known text; degrees to a tenth of a metre.
    pub(super) fn wkt(&self) -> String {
        let places = |part: &Vec<Place>| {
            let words: Vec<String> = part.iter().map(|(x, y)| format!("{x:.6} {y:.6}")).collect();
            format!("({})", words.join(", "))
        };
        let parts: Vec<String> = self.parts().iter().map(places).collect();
        match (self, parts.as_slice()) {
            (Self::Polygon(_), [one]) => format!("POLYGON ({one})"),
            (Self::Polygon(_), many) => {
                let rings: Vec<String> = many.iter().map(|ring| format!("({ring})")).collect();
                format!("MULTIPOLYGON ({})", rings.join(", "))
            }
            (Self::Line(_), [one]) => format!("LINESTRING {one}"),
            (Self::Line(_), many) => format!("MULTILINESTRING ({})", many.join(", ")),
        }
    }

    /// As well-known binary, little-endian.
    pub fn wkb(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let parts = self.parts();
        let (single, multiple) = if matches!(self, Self::Polygon(_)) {
            (3, 6)
        } else {
            (2, 5)
        };
        if parts.len() != 1 {
            header(&mut out, multiple);
            count(&mut out, parts.len());
        }
        for part in &parts {
            header(&mut out, single);
            if single == 3 {
                count(&mut out, 1);
            }
            count(&mut out, part.len());
            for (longitude, latitude) in part {
                out.extend_from_slice(&longitude.to_le_bytes());
                out.extend_from_slice(&latitude.to_le_bytes());
            }
        }
        out
    }
}

fn header(out: &mut Vec<u8>, kind: u32) {
    out.push(1);
    out.extend_from_slice(&kind.to_le_bytes());
}

fn count(out: &mut Vec<u8>, number: usize) {
    out.extend_from_slice(&(number as u32).to_le_bytes());
}

/// Longitudes without jumps: each the short way from the one before.
fn unrolled(vertices: &[Place]) -> Vec<Place> {
    let mut last = vertices.first().map_or(0.0, |place| place.0);
    let step = |(longitude, latitude): &Place| {
        last += wrap_180(longitude - last);
        (last, *latitude)
    };
    vertices.iter().map(step).collect()
}

fn is_crossed(vertices: &[Place], seam: f64) -> bool {
    vertices.iter().any(|place| place.0 < seam) && vertices.iter().any(|place| place.0 > seam)
}

/// Where the way from one place to another crosses a meridian.
fn crossing(from: Place, to: Place, seam: f64) -> Place {
    let part = (seam - from.0) / (to.0 - from.0);
    (seam, from.1 + part * (to.1 - from.1))
}

/// The part of a ring east (`sign` 1) or west (-1) of a meridian (Sutherland and Hodgman 1974).
fn clipped(ring: &[Place], seam: f64, sign: f64) -> Vec<Place> {
    let is_inside = |place: Place| sign * (place.0 - seam) >= 0.0;
    let mut out = Vec::new();
    for (from, to) in ring.iter().zip(ring.iter().cycle().skip(1)) {
        if is_inside(*from) {
            out.push(*from);
        }
        if is_inside(*from) != is_inside(*to) {
            out.push(crossing(*from, *to, seam));
        }
    }
    out
}

/// A ring that ends where it begins, counter-clockwise.
fn closed(mut ring: Vec<Place>) -> Vec<Place> {
    let twice: f64 = (ring.iter().zip(ring.iter().cycle().skip(1)))
        .map(|(from, to)| from.0 * to.1 - to.0 * from.1)
        .sum();
    if twice < 0.0 {
        ring.reverse();
    }
    ring.extend(ring.first().copied());
    ring
}

/// A line in parts between -180 and 180 degrees.
fn cut_line(line: &[Place]) -> Vec<Vec<Place>> {
    let turn = |longitude: f64| ((longitude + 180.0) / 360.0).floor() * 360.0;
    let mut parts: Vec<Vec<Place>> = Vec::new();
    let mut last: Option<Place> = None;
    for place in line {
        let own = turn(place.0);
        match (last, parts.last_mut()) {
            (Some(before), Some(part)) if turn(before.0) != own => {
                let seam = own.max(turn(before.0)) - 180.0;
                let (_, latitude) = crossing(before, *place, seam);
                let is_eastward = place.0 > before.0;
                part.push((if is_eastward { 180.0 } else { -180.0 }, latitude));
                let start = (if is_eastward { -180.0 } else { 180.0 }, latitude);
                parts.push(vec![start, (place.0 - own, place.1)]);
            }
            (Some(_), Some(part)) => part.push((place.0 - own, place.1)),
            _ => parts.push(vec![(place.0 - own, place.1)]),
        }
        last = Some(*place);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_crosses_the_antimeridian_is_cut_there() {
        let square = Geometry::Polygon(vec![(179.0, 0.0), (179.0, 1.0), (-179.0, 1.0), (-179.0, 0.0)]);
        assert_eq!(
            square.wkt(),
            "MULTIPOLYGON (((180.000000 0.000000, 180.000000 1.000000, 179.000000 1.000000, 179.000000 0.000000, 180.000000 0.000000)), \
             ((-180.000000 0.000000, -179.000000 0.000000, -179.000000 1.000000, -180.000000 1.000000, -180.000000 0.000000)))"
                .replace("             ", "")
        );
        assert_eq!(square.bounds(), [179.0, 0.0, -179.0, 1.0]);
        let line = Geometry::Line(vec![(-179.5, 0.0), (179.5, 2.0), (179.0, 2.0)]);
        assert_eq!(
            line.parts(),
            [
                vec![(-179.5, 0.0), (-180.0, 1.0)],
                vec![(180.0, 1.0), (179.5, 2.0), (179.0, 2.0)]
            ]
        );
        assert_eq!(line.geojson()["type"], "MultiLineString");
    }

    #[test]
    fn rings_are_closed_and_run_counter_clockwise() {
        let clockwise = Geometry::Polygon(vec![(0.0, 0.0), (0.0, 1.0), (1.0, 0.0)]);
        let ring = vec![(1.0, 0.0), (0.0, 1.0), (0.0, 0.0), (1.0, 0.0)];
        assert_eq!(clockwise.parts(), [ring]);
        assert_eq!(clockwise.wkb().len(), 1 + 4 + 4 + 4 + 4 * 16);
        assert_eq!(clockwise.geojson()["coordinates"][0][0], json!([1.0, 0.0]));
    }
}
