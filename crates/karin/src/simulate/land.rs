//! A coarse mask of the land and the distance to the coast, from the rings that the maps are drawn with.

use std::sync::LazyLock;

const RINGS: &[u8] = include_bytes!("../../assets/land-110m.bin");
/// Positions in the asset are in steps of 1/500 degree.
const STEPS_PER_DEGREE: f64 = 500.0;
/// Cells per degree of the mask.
const CELLS: usize = 4;
const COLUMNS: usize = 360 * CELLS;
const ROWS: usize = 180 * CELLS;

/// Kilometres to the coast in every cell: positive at sea, negative on land.
static DISTANCE: LazyLock<Vec<f32>> = LazyLock::new(|| distances(&mask(&rings(RINGS))));

/// Kilometres to the nearest coast: positive at sea, negative on land. Good to a quarter of a degree.
pub(super) fn coast_distance_km(longitude: f64, latitude: f64) -> f32 {
    let x = longitude.rem_euclid(360.0) * CELLS as f64 - 0.5;
    let y = ((latitude + 90.0) * CELLS as f64 - 0.5).clamp(0.0, (ROWS - 1) as f64);
    let (column, row) = (x.floor(), y.floor());
    let (right, up) = ((x - column) as f32, (y - row) as f32);
    let column = column.rem_euclid(COLUMNS as f64) as usize % COLUMNS;
    let at = |columns: usize, rows: usize| {
        let row = (row as usize + rows).min(ROWS - 1);
        DISTANCE
            .get(row * COLUMNS + (column + columns) % COLUMNS)
            .copied()
            .unwrap_or(0.0)
    };
    let low = at(0, 0) + right * (at(1, 0) - at(0, 0));
    let high = at(0, 1) + right * (at(1, 1) - at(0, 1));
    low + up * (high - low)
}

/// The rings in degrees, each unrolled so that no edge is longer than half the globe.
fn rings(bytes: &[u8]) -> Vec<Vec<(f64, f64)>> {
    let mut bytes = bytes.iter();
    let mut number = || {
        let (mut value, mut shift) = (0_u64, 0);
        for &byte in bytes.by_ref() {
            value |= u64::from(byte & 0x7F) << shift;
            shift += 7;
            if byte < 0x80 {
                break;
            }
        }
        // Zigzag: the lowest bit is the sign.
        (value >> 1) as i64 ^ -((value & 1) as i64)
    };
    let count = number();
    let mut rings = Vec::new();
    for _ in 0..count {
        let (mut x, mut y, mut ring) = (0, 0, Vec::<(f64, f64)>::new());
        for _ in 0..number() {
            x += number();
            y += number();
            let (mut longitude, latitude) = (x as f64 / STEPS_PER_DEGREE, y as f64 / STEPS_PER_DEGREE);
            if let Some(&(before, _)) = ring.last() {
                longitude += 360.0 * ((before - longitude) / 360.0_f64).round();
            }
            ring.push((longitude, latitude));
        }
        if let (Some(&first), Some(&last)) = (ring.first(), ring.last())
            && (first.0 - last.0).abs() > 180.0
        {
            // It goes round the globe: Antarctica, closed over the pole.
            ring.extend([(last.0, -90.0), (first.0, -90.0)]);
        }
        rings.push(ring);
    }
    rings
}

/// True in the cells whose centre lies inside an odd number of rings.
fn mask(rings: &[Vec<(f64, f64)>]) -> Vec<bool> {
    let mut mask = vec![false; ROWS * COLUMNS];
    for (row, cells) in mask.chunks_exact_mut(COLUMNS).enumerate() {
        let latitude = (row as f64 + 0.5) / CELLS as f64 - 90.0;
        for ring in rings {
            let mut crossings: Vec<f64> = ring
                .iter()
                .zip(ring.iter().cycle().skip(1))
                .filter(|(from, to)| (from.1 <= latitude) != (to.1 <= latitude))
                .map(|(from, to)| from.0 + (latitude - from.1) / (to.1 - from.1) * (to.0 - from.0))
                .collect();
            crossings.sort_unstable_by(f64::total_cmp);
            for pair in crossings.as_chunks::<2>().0 {
                let [west, east] = pair.map(|longitude| (longitude * CELLS as f64 - 0.5).ceil() as i64);
                for column in west..east {
                    if let Some(cell) = cells.get_mut(column.rem_euclid(COLUMNS as i64) as usize) {
                        *cell = !*cell;
                    }
                }
            }
        }
    }
    mask
}

/// Kilometres from every cell to the nearest of the other kind, negative on land: two sweeps that pass the nearest
/// distance on from neighbour to neighbour (a chamfer transform), good to a few per cent.
fn distances(mask: &[bool]) -> Vec<f32> {
    const HEIGHT_KM: f32 = 111.2 / CELLS as f32;
    let far = 2e4;
    let mut sea = vec![far; mask.len()];
    let mut land = vec![far; mask.len()];
    for (index, &is_land) in mask.iter().enumerate() {
        let field = if is_land { &mut sea } else { &mut land };
        if let Some(cell) = field.get_mut(index) {
            *cell = 0.0;
        }
    }
    for field in [&mut sea, &mut land] {
        for _ in 0..2 {
            sweep(field, HEIGHT_KM, (0..ROWS).collect());
            sweep(field, HEIGHT_KM, (0..ROWS).rev().collect());
        }
    }
    // The coast lies half a cell from the centre of the nearest cell of the other kind.
    sea.iter()
        .zip(&land)
        .map(|(sea, land)| sea - land - if *sea > 0.0 { 12.0 } else { -12.0 })
        .collect()
}

fn sweep(field: &mut [f32], height_km: f32, rows: Vec<usize>) {
    let mut previous: Option<usize> = None;
    for row in rows {
        let latitude = (row as f32 + 0.5) / CELLS as f32 - 90.0;
        let width_km = (height_km * latitude.to_radians().cos()).max(0.5);
        let slant_km = width_km.hypot(height_km);
        for column in 0..COLUMNS {
            let neighbours = [COLUMNS - 1, 0, 1].map(|step| (column + step) % COLUMNS);
            let [left, _, _] = neighbours;
            let mut best = field[row * COLUMNS + column].min(field[row * COLUMNS + left] + width_km);
            if let Some(previous) = previous {
                for (neighbour, step_km) in neighbours.into_iter().zip([slant_km, height_km, slant_km]) {
                    best = best.min(field[previous * COLUMNS + neighbour] + step_km);
                }
            }
            field[row * COLUMNS + column] = best;
        }
        for column in (0..COLUMNS).rev() {
            let right = (column + 1) % COLUMNS;
            field[row * COLUMNS + column] =
                field[row * COLUMNS + column].min(field[row * COLUMNS + right] + width_km);
        }
        previous = Some(row);
    }
}

#[cfg(test)]
mod tests {
    use super::coast_distance_km;

    #[test]
    fn continents_and_oceans_are_where_they_are() {
        let land = [
            (10.0, 48.0),
            (-100.0, 45.0),
            (25.0, -25.0),
            (134.0, -25.0),
            (0.0, -85.0),
            (-40.0, 75.0),
            (70.0, 65.0),
        ];
        for (longitude, latitude) in land {
            assert!(
                coast_distance_km(longitude, latitude) < -100.0,
                "{longitude} {latitude}"
            );
        }
        let sea = [
            (-30.0, 0.0),
            (-150.0, 30.0),
            (180.0, -40.0),
            (80.0, -30.0),
            (5.0, 40.0),
            (0.0, 75.0),
            (-160.0, -70.0),
        ];
        for (longitude, latitude) in sea {
            assert!(
                coast_distance_km(longitude, latitude) > 50.0,
                "{longitude} {latitude}"
            );
        }
    }

    #[test]
    fn distances_are_those_of_the_map() {
        // The middle of the Bay of Biscay; the Pacific's point Nemo (2,688 km); the middle of Australia.
        assert!((coast_distance_km(-5.0, 45.5) - 200.0).abs() < 60.0);
        assert!((coast_distance_km(-123.4, -48.9) - 2_688.0).abs() < 250.0);
        assert!((coast_distance_km(132.3, -23.2) + 900.0).abs() < 120.0);
    }
}
