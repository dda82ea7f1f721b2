//! The land, from Natural Earth.

use tiny_skia::{Path, PathBuilder};

use super::projection::{Frame, Projection};

static COARSE: &[u8] = include_bytes!("../../assets/land-110m.bin");
static FINE: &[u8] = include_bytes!("../../assets/land-50m.bin");

/// Positions per degree in the assets.
const STEPS_PER_DEGREE: f64 = 500.0;
/// Maps finer than this many degrees in a pixel show the fine land.
const FINE_LIMIT: f64 = 0.16;

/// The land on a map: areas to fill, and shores to draw (but not the pole).
pub(super) struct Land {
    pub(super) areas: Option<Path>,
    pub(super) shores: Option<Path>,
}

impl Land {
    /// The land as it lies on a map whose upper left corner is at (left, top) of the page.
    pub(super) fn on(projection: &Projection, left: f64, top: f64) -> Self {
        let rings = rings(if projection.degrees_per_pixel() < FINE_LIMIT {
            FINE
        } else {
            COARSE
        });
        let (mut areas, mut shores) = (PathBuilder::new(), PathBuilder::new());
        for ring in &rings {
            for turn in turns(projection, ring) {
                let place = |&(longitude, latitude): &(f64, f64)| {
                    let (x, y) = projection.project_unrolled(longitude + turn, latitude);
                    ((x + left) as f32, (y + top) as f32)
                };
                let mut pen_is_down = false;
                for (index, point) in ring.iter().enumerate() {
                    let (x, y) = place(point);
                    match index {
                        0 => areas.move_to(x, y),
                        _ => areas.line_to(x, y),
                    }
                    let is_cut = index
                        .checked_sub(1)
                        .and_then(|before| ring.get(before))
                        .is_none_or(|before| is_cut(before, point));
                    match (is_cut, pen_is_down) {
                        (false, true) => shores.line_to(x, y),
                        _ => shores.move_to(x, y),
                    }
                    pen_is_down = true;
                }
                areas.close();
            }
        }
        Self {
            areas: areas.finish(),
            shores: shores.finish(),
        }
    }
}

/// True if a segment is no shore: it closes the ring of Antarctica along the pole.
fn is_cut(from: &(f64, f64), to: &(f64, f64)) -> bool {
    from.1 < -89.9 || to.1 < -89.9
}

/// Whole turns of the globe by which a ring has to be shifted to be seen, in degrees.
fn turns(projection: &Projection, ring: &[(f64, f64)]) -> Vec<f64> {
    let Frame::Plate {
        west,
        width,
        south,
        north,
    } = projection.frame
    else {
        return vec![0.0];
    };
    let range = |coordinate: fn(&(f64, f64)) -> f64| {
        ring.iter()
            .map(coordinate)
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| {
                (low.min(x), high.max(x))
            })
    };
    let (ring_west, ring_east) = range(|point| point.0);
    let (ring_south, ring_north) = range(|point| point.1);
    if ring_north < south || ring_south > north {
        return Vec::new();
    }
    let first = ((west - ring_east) / 360.0).ceil() as i32;
    let last = ((west + width - ring_west) / 360.0).floor() as i32;
    (first..=last).map(|turn| 360.0 * f64::from(turn)).collect()
}

/// The outlines of the land: rings of (longitude, latitude) in degrees, filled by the even-odd rule. Longitudes run on
/// beyond 180 where a ring crosses the antimeridian. `fine`: for maps of a region (1:50 million), else of the globe
/// (1:110 million).
pub fn land(fine: bool) -> Vec<Vec<(f64, f64)>> {
    rings(if fine { FINE } else { COARSE })
}

/// The rings of an asset; see `assets/make_assets.py`.
fn rings(asset: &[u8]) -> Vec<Vec<(f64, f64)>> {
    let mut bytes = asset.iter().copied();
    let mut next = || {
        let (mut number, mut shift) = (0u64, 0u32);
        for byte in bytes.by_ref() {
            number |= u64::from(byte & 0x7F) << shift.min(56);
            shift += 7;
            if byte < 0x80 {
                break;
            }
        }
        (number >> 1) as i64 ^ -((number & 1) as i64)
    };
    let count = next();
    (0..count)
        .map(|_| {
            let (mut x, mut y) = (0, 0);
            (0..next())
                .map(|_| {
                    x += next();
                    y += next();
                    (x as f64 / STEPS_PER_DEGREE, y as f64 / STEPS_PER_DEGREE)
                })
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Even-odd rule, along a ray to the east, on every turn of the globe.
    fn is_land(rings: &[Vec<(f64, f64)>], x: f64, y: f64) -> bool {
        let crossings = |ring: &Vec<(f64, f64)>, x: f64| {
            let ends = ring.iter().cycle().skip(1);
            let crosses = |(a, b): &(&(f64, f64), &(f64, f64))| {
                (a.1 > y) != (b.1 > y) && x < (b.0 - a.0) * (y - a.1) / (b.1 - a.1) + a.0
            };
            ring.iter().zip(ends).filter(crosses).count()
        };
        let of_ring = |ring| {
            [-360.0, 0.0, 360.0]
                .map(|turn| crossings(ring, x + turn))
                .iter()
                .sum::<usize>()
        };
        rings.iter().map(of_ring).sum::<usize>() % 2 == 1
    }

    #[test]
    fn both_scales_know_land_from_sea() {
        for asset in [COARSE, FINE] {
            let rings = rings(asset);
            for (name, x, y, expected) in [
                ("Toulouse", 1.44, 43.6, true),
                ("Alice Springs", 133.9, -23.7, true),
                ("South Pole", 0.5, -89.0, true),
                ("Chukotka, beyond the antimeridian", -175.0, 66.8, true),
                ("Bay of Biscay", -5.0, 45.5, false),
                ("Mediterranean", 5.0, 39.0, false),
                ("Caspian Sea", 51.0, 41.0, false),
                ("Point Nemo", -123.4, -48.9, false),
            ] {
                assert_eq!(is_land(&rings, x, y), expected, "{name}");
            }
        }
    }

    #[test]
    fn every_position_is_one() {
        let positions: Vec<(f64, f64)> = rings(FINE).into_iter().flatten().collect();
        assert!(positions.len() > 50_000);
        assert!(positions.iter().all(|(x, y)| x.abs() <= 540.0 && y.abs() <= 90.0));
    }
}
