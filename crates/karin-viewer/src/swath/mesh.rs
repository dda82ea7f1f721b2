//! Control points of a pass: where the corners of every so many cells lie, for drawing a swath as a picture stretched
//! over the globe.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use karin::engine::{Engine, Piece, Swath};
use karin_core::{Dataset, DatasetError};
use rayon::prelude::*;

/// A vector from the centre of the globe, of length 1.
type Vector = [f64; 3];

/// Control points. Corners of cells: line -0.5 is the outer edge of line 0.
#[derive(Clone, Debug)]
pub struct Mesh {
    /// Lines and pixels of the granule.
    pub native: (usize, usize),
    /// Line coordinates, ascending, from -0.5 to lines - 0.5.
    pub line: Vec<f32>,
    /// Pixel coordinates, ascending, from -0.5 to pixels - 0.5.
    pub pixel: Vec<f32>,
    /// Degrees east of each control point, running on across the antimeridian; NaN where there is no place.
    pub longitude: Vec<f32>,
    /// Degrees north.
    pub latitude: Vec<f32>,
}

/// Half the width in metres that tracks without width are drawn with.
const TRACK_HALF_WIDTH_M: f64 = 1500.0;
const EARTH_RADIUS_M: f64 = 6_371_000.0;

impl Mesh {
    /// Control points every so many lines and pixels.
    ///
    /// # Errors
    /// If the granule cannot be read.
    pub fn read(
        engine: &Engine<'_>,
        piece: &Piece,
        group: &str,
        steps: (usize, usize),
    ) -> Result<Self, DatasetError> {
        let (dataset, swath) = engine.swath_of(piece, group)?;
        let line = corners(swath.num_lines, steps.0);
        let pixel = corners(swath.num_pixels, steps.1);
        let mut mesh = Self {
            native: (swath.num_lines, swath.num_pixels),
            longitude: Vec::with_capacity(line.len() * pixel.len()),
            latitude: Vec::with_capacity(line.len() * pixel.len()),
            line,
            pixel,
        };
        let about = |line: &f32| {
            let (at, part) = cell_of(f64::from(*line), swath.num_lines);
            (at, (at + 1).min(swath.num_lines.saturating_sub(1)), part)
        };
        let wanted = mesh.line.iter().map(about).flat_map(|(near, far, _)| [near, far]);
        let rows = rows_of(engine, dataset.as_ref(), &swath, wanted.collect())?;
        let row = |line: usize| rows.get(&line).map(Vec::as_slice).unwrap_or_default();
        let mut before = None;
        for (near, far, part) in mesh.line.iter().map(about) {
            let (near, far) = (row(near), row(far));
            for pixel in &mesh.pixel {
                let place = if swath.num_pixels == 1 {
                    beside(near, far, part, f64::from(*pixel))
                } else {
                    let (column, across) = cell_of(f64::from(*pixel), swath.num_pixels);
                    between(near, far, column, (part, across))
                };
                let (longitude, latitude) = degrees(place, &mut before);
                mesh.longitude.push(longitude as f32);
                mesh.latitude.push(latitude as f32);
            }
        }
        Ok(mesh)
    }
}

/// -0.5, step - 0.5, 2 step - 0.5, …, count - 0.5.
fn corners(count: usize, step: usize) -> Vec<f32> {
    let inner = (0..count).step_by(step.max(1)).map(|at| at as f32 - 0.5);
    inner.chain(std::iter::once(count as f32 - 0.5)).collect()
}

/// The cell centre before a coordinate, and how far it lies beyond it: beyond the outer centres, less than 0 or more than 1.
fn cell_of(coordinate: f64, count: usize) -> (usize, f64) {
    let at = coordinate.floor().clamp(0.0, count.saturating_sub(2) as f64);
    (at as usize, coordinate - at)
}

/// Lines that are read together: chunks of 250 m granules in a collection are as long, and each is decoded once.
const LINES: usize = 4096;

/// The places of some lines as vectors. Of all that is read for them nothing else is kept: a side of a 250 m granule has
/// 19 million pixels.
fn rows_of(
    engine: &Engine<'_>,
    dataset: &dyn Dataset,
    swath: &Swath,
    wanted: BTreeSet<usize>,
) -> Result<HashMap<usize, Vec<Vector>>, DatasetError> {
    let width = swath.num_pixels;
    let mut blocks: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for line in wanted {
        blocks.entry(line / LINES).or_default().push(line);
    }
    let blocks: Vec<Vec<usize>> = blocks.into_values().collect();
    let of_block = |lines: &Vec<usize>| {
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else {
            return Ok(Vec::new());
        };
        let (longitudes, latitudes) = swath.positions(dataset, *first..*last + 1)?;
        let row = |line: &usize| {
            let cells = (line - first) * width..(line - first + 1) * width;
            let places = longitudes.get(cells.clone()).unwrap_or_default().iter();
            let places = places.zip(latitudes.get(cells).unwrap_or_default());
            (*line, places.map(|(lon, lat)| vector(*lon, *lat)).collect())
        };
        Ok(lines.iter().map(row).collect())
    };
    let read: Vec<Result<Vec<_>, DatasetError>> =
        engine.install(|| blocks.par_iter().map(of_block).collect());
    let read: Result<Vec<_>, _> = read.into_iter().collect();
    Ok(read?.into_iter().flatten().collect())
}

fn vector(longitude: f64, latitude: f64) -> Vector {
    let (sin_lon, cos_lon) = longitude.to_radians().sin_cos();
    let (sin_lat, cos_lat) = latitude.to_radians().sin_cos();
    [cos_lat * cos_lon, cos_lat * sin_lon, sin_lat]
}

fn sum(parts: &[(f64, Vector)]) -> Vector {
    parts.iter().fold([0.0; 3], |[x, y, z], (weight, [a, b, c])| {
        [x + weight * a, y + weight * b, z + weight * c]
    })
}

/// Between the centres of four cells, or beyond them.
fn between(near: &[Vector], far: &[Vector], column: usize, (along, across): (f64, f64)) -> Vector {
    let of = |row: &[Vector], column: usize| row.get(column).copied().unwrap_or([f64::NAN; 3]);
    sum(&[
        ((1.0 - along) * (1.0 - across), of(near, column)),
        ((1.0 - along) * across, of(near, column + 1)),
        (along * (1.0 - across), of(far, column)),
        (along * across, of(far, column + 1)),
    ])
}

/// Beside a track without width.
fn beside(near: &[Vector], far: &[Vector], along: f64, pixel: f64) -> Vector {
    let of = |row: &[Vector]| row.first().copied().unwrap_or([f64::NAN; 3]);
    let (near, far) = (of(near), of(far));
    let [x, y, z] = sum(&[(1.0 - along, near), (along, far)]);
    let [a, b, c] = sum(&[(1.0, far), (-1.0, near)]);
    let right = [b * z - c * y, c * x - a * z, a * y - b * x];
    let length = right.iter().map(|part| part * part).sum::<f64>().sqrt();
    sum(&[
        (1.0, [x, y, z]),
        (2.0 * pixel * TRACK_HALF_WIDTH_M / EARTH_RADIUS_M / length, right),
    ])
}

/// Degrees of a vector, on the same turn as the place before.
fn degrees([x, y, z]: Vector, before: &mut Option<f64>) -> (f64, f64) {
    let mut longitude = y.atan2(x).to_degrees();
    let latitude = z.atan2(x.hypot(y)).to_degrees();
    if let Some(before) = before.filter(|_| longitude.is_finite()) {
        longitude -= 360.0 * ((longitude - before) / 360.0).round();
    }
    if longitude.is_finite() {
        *before = Some(longitude);
    }
    (longitude, latitude)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_run_from_edge_to_edge() {
        assert_eq!(corners(10, 4), [-0.5, 3.5, 7.5, 9.5]);
        assert_eq!(corners(8, 4), [-0.5, 3.5, 7.5]);
        assert_eq!(corners(1, 4), [-0.5, 0.5]);
    }

    #[test]
    fn longitudes_run_on_across_the_antimeridian() {
        let mut before = None;
        let run: Vec<f64> = [179.0, -179.0, -177.0]
            .map(|lon| degrees(vector(lon, 60.0), &mut before).0)
            .to_vec();
        for (found, expected) in run.iter().zip([179.0, 181.0, 183.0]) {
            assert!((found - expected).abs() < 1e-9, "{run:?}");
        }
    }

    #[test]
    fn the_edge_of_a_regular_lattice_is_half_a_cell_out() {
        let rows = [0.0, 0.1].map(|lat| [10.0, 10.1].map(|lon| vector(lon, lat)).to_vec());
        let (along, across) = (cell_of(-0.5, 2), cell_of(1.5, 2));
        let place = between(&rows[0], &rows[1], across.0, (along.1, across.1));
        let (lon, lat) = degrees(place, &mut None);
        assert!(
            (lon - 10.15).abs() < 1e-6 && (lat + 0.05).abs() < 1e-6,
            "{lon} {lat}"
        );
    }
}
