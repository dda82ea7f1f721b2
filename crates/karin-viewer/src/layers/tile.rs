//! Data tiles of layers: cells of maps as they lie, samples of tracks as dots.

use super::axis::Axis;
use super::field::{Field, FieldPlaces};
use crate::swath::mercator;
use crate::tile::{SIDE, TileId};

/// Radius of a dot in pixels.
const RADIUS: f64 = 3.0;

/// The number of each pixel, row by row from the north, of these fields; NaN where there is none. Of maps, the mean of the
/// cells whose centres fall on the pixel, else the cell it lies in; of tracks, the nearest sample.
pub fn draw(fields: &[impl AsRef<Field>], tile: TileId) -> Vec<f64> {
    let mut values = vec![f64::NAN; SIDE * SIDE];
    let mut nearest = vec![f64::INFINITY; SIDE * SIDE];
    for field in fields {
        let field = field.as_ref();
        match &field.places {
            FieldPlaces::Map(rows, columns) => map(&mut values, &field.values, (rows, columns), tile),
            FieldPlaces::Track(places) => {
                track(&mut values, &mut nearest, &field.values, places, tile);
            }
        }
    }
    values
}

fn map(pixels: &mut [f64], values: &[f64], (rows, columns): (&Axis, &Axis), tile: TileId) {
    let side = SIDE as f64;
    let tiles = f64::from(1_u32 << tile.z);
    let (left, top) = (f64::from(tile.x), f64::from(tile.y));
    let row_of = |latitude: f64| {
        // The poles lie at no pixel.
        let is_on = latitude.abs() < 85.06;
        let (_, y) = mercator(0.0, latitude);
        if is_on { (y * tiles - top) * side } else { -1.0 }
    };
    let latitude = |row: usize| {
        let y = (top + (row as f64 + 0.5) / side) / tiles;
        (std::f64::consts::PI * (1.0 - 2.0 * y))
            .sinh()
            .atan()
            .to_degrees()
    };
    let west = left / tiles * 360.0 - 180.0;
    let degrees = 360.0 / tiles / side;
    let column_of = |longitude: f64| (longitude - west).rem_euclid(360.0) / degrees;
    let rows = rows.spread(SIDE, row_of, |axis, row| axis.at(latitude(row)));
    let columns_at = columns.spread(SIDE, column_of, |axis, column| {
        axis.at_longitude(west + (column as f64 + 0.5) * degrees)
    });
    let width = columns.stored();
    for (row, line) in rows.iter().zip(pixels.chunks_exact_mut(SIDE)) {
        for (column, pixel) in columns_at.iter().zip(line) {
            let cells = row
                .iter()
                .flat_map(|row| column.iter().map(move |column| row * width + column));
            let (mut sum, mut count) = (0.0, 0_u32);
            for value in cells
                .filter_map(|cell| values.get(cell))
                .filter(|value| value.is_finite())
            {
                sum += value;
                count += 1;
            }
            if count > 0 {
                *pixel = sum / f64::from(count);
            }
        }
    }
}

fn track(pixels: &mut [f64], nearest: &mut [f64], values: &[f64], places: &[(f64, f64, f64)], tile: TileId) {
    let side = SIDE as f64;
    let tiles = f64::from(1_u32 << tile.z);
    for ((longitude, latitude, _), value) in places.iter().zip(values) {
        if !(value.is_finite() && longitude.is_finite() && latitude.abs() <= 90.0) {
            continue;
        }
        let (x, y) = mercator(*longitude, *latitude);
        let y = (y * tiles - f64::from(tile.y)) * side;
        if !(-RADIUS..side + RADIUS).contains(&y) {
            continue;
        }
        let x = (x.rem_euclid(1.0) * tiles - f64::from(tile.x)) * side;
        // A dot beside the antimeridian reaches across it.
        for x in [x - tiles * side, x, x + tiles * side] {
            if (-RADIUS..side + RADIUS).contains(&x) {
                dot(pixels, nearest, (x, y), *value);
            }
        }
    }
}

fn dot(pixels: &mut [f64], nearest: &mut [f64], (x, y): (f64, f64), value: f64) {
    let span = |middle: f64| {
        let first = (middle - RADIUS).floor().max(0.0) as usize;
        first..((middle + RADIUS).ceil().max(0.0) as usize + 1).min(SIDE)
    };
    for row in span(y) {
        for column in span(x) {
            let away = (row as f64 + 0.5 - y).powi(2) + (column as f64 + 0.5 - x).powi(2);
            let at = row * SIDE + column;
            if let (Some(pixel), Some(least)) = (pixels.get_mut(at), nearest.get_mut(at))
                && away <= RADIUS * RADIUS
                && away < *least
            {
                *pixel = value;
                *least = away;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tile(z: u32, x: u32, y: u32) -> TileId {
        TileId { z, x, y }
    }

    #[test]
    fn a_dot_at_the_antimeridian_is_drawn_on_both_sides() {
        let field = Field {
            values: vec![7.0],
            packing: None,
            places: FieldPlaces::Track(vec![(179.999, 0.01, 0.0)]),
        };
        let fields = [std::sync::Arc::new(field)];
        let (east, west) = (draw(&fields, tile(3, 7, 3)), draw(&fields, tile(3, 0, 3)));
        assert_eq!((east[255 * SIDE + 255], west[255 * SIDE]), (7.0, 7.0));
        assert!(draw(&fields, tile(3, 3, 3)).iter().all(|value| value.is_nan()));
    }

    #[test]
    fn the_nearest_sample_wins() {
        let place = |longitude: f64| (longitude, 0.0, 0.0);
        let field = Field {
            values: vec![1.0, 2.0, f64::NAN],
            packing: None,
            places: FieldPlaces::Track(vec![place(10.0), place(13.0), place(11.5)]),
        };
        let values = draw(&[std::sync::Arc::new(field)], tile(0, 0, 0));
        let at = |longitude: f64| values[128 * SIDE + ((longitude + 180.0) / 360.0 * 256.0) as usize];
        assert_eq!((at(9.0), at(14.0)), (1.0, 2.0));
    }
}
