use super::*;

fn add(raster: &mut Raster, layer: &Layer<'_>) {
    let is_track = layer.shape.contains(&1);
    let marks = raster.marks(layer, is_track);
    raster.apply(layer, is_track, &marks);
}
use crate::plot::projection::Frame;

fn raster(west: f64, width: f64, south: f64, north: f64, pixels: (f64, f64), overlap: Overlap) -> Raster {
    let frame = Frame::Plate {
        west,
        width,
        south,
        north,
    };
    Raster::new(
        Projection {
            frame,
            width: pixels.0,
            height: pixels.1,
        },
        overlap,
    )
}

/// A swath of `lines` by `pixels`, `spacing` degrees apart, flown from (x, y) on at `angle` degrees from north.
fn swath(lines: usize, pixels: usize, spacing: f64, (x, y): (f64, f64), angle: f64) -> (Vec<f64>, Vec<f64>) {
    let (sin, cos) = angle.to_radians().sin_cos();
    let place = |at: usize| {
        let (along, across) = ((at / pixels) as f64 * spacing, (at % pixels) as f64 * spacing);
        (x + along * sin + across * cos, y + along * cos - across * sin)
    };
    (0..lines * pixels).map(place).unzip()
}

#[test]
fn a_swath_has_no_holes_at_any_magnification() {
    for spacing in [0.01, 0.07, 0.3, 0.7, 1.1, 3.0, 9.0] {
        for angle in [0.0, 13.0, 45.0, 78.0] {
            let mut raster = raster(0.0, 100.0, 0.0, 100.0, (100.0, 100.0), Overlap::Mean);
            let lines = ((40.0 / spacing) as usize + 2).min(300);
            let (longitude, latitude) = swath(lines, lines, spacing, (30.0, 50.0), angle);
            let values = vec![1.0; longitude.len()];
            add(
                &mut raster,
                &Layer {
                    longitude: &longitude,
                    latitude: &latitude,
                    values: &values,
                    shape: [lines, lines],
                },
            );
            let (sin, cos) = f64::to_radians(angle).sin_cos();
            for (at, value) in raster.values().enumerate() {
                let (x, y) = ((at % 100) as f64 + 0.5 - 30.0, 99.5 - (at / 100) as f64 - 50.0);
                let (along, across) = (x * sin + y * cos, x * cos - y * sin);
                let size = (lines - 1) as f64 * spacing;
                if (0.0..size).contains(&along) && (0.0..size).contains(&across) {
                    assert!(
                        value == 1.0,
                        "spacing {spacing} angle {angle}: {value} at {x} {y}"
                    );
                }
            }
        }
    }
}

#[test]
fn values_that_share_a_pixel_are_averaged_or_the_last_wins() {
    let (longitude, latitude) = ([4.5, 4.6], [5.5, 5.6]);
    for (overlap, expected) in [(Overlap::Mean, 2.0), (Overlap::Last, 3.0)] {
        let mut raster = raster(0.0, 10.0, 0.0, 10.0, (10.0, 10.0), overlap);
        add(
            &mut raster,
            &Layer {
                longitude: &longitude,
                latitude: &latitude,
                values: &[1.0, 3.0],
                shape: [1, 2],
            },
        );
        assert_eq!(raster.values().nth(4 * 10 + 4), Some(expected));
    }
}

#[test]
fn a_gap_in_the_lines_is_not_bridged_and_fill_stays_empty() {
    let (mut longitude, mut latitude) = swath(10, 10, 1.0, (10.0, 10.0), 0.0);
    let (far_longitude, far_latitude) = swath(10, 10, 1.0, (10.0, 60.0), 0.0);
    longitude.extend(far_longitude);
    latitude.extend(far_latitude);
    let mut values = vec![1.0; 200];
    values[55] = f64::NAN;
    let mut raster = raster(0.0, 100.0, 0.0, 100.0, (100.0, 100.0), Overlap::Mean);
    add(
        &mut raster,
        &Layer {
            longitude: &longitude,
            latitude: &latitude,
            values: &values,
            shape: [20, 10],
        },
    );
    let drawn = |x: usize, y: usize| {
        raster
            .values()
            .nth((99 - y) * 100 + x)
            .is_some_and(|value| value == 1.0)
    };
    assert!(drawn(14, 12) && drawn(14, 65) && !drawn(14, 40));
}

#[test]
fn a_swath_across_the_seam_of_the_globe_is_drawn_on_both_edges() {
    let (longitude, latitude) = swath(20, 10, 2.0, (171.0, -20.0), 0.0);
    let mut raster = raster(-180.0, 360.0, -90.0, 90.0, (360.0, 180.0), Overlap::Mean);
    let values = vec![1.0; 200];
    add(
        &mut raster,
        &Layer {
            longitude: &longitude,
            latitude: &latitude,
            values: &values,
            shape: [20, 10],
        },
    );
    let row: Vec<bool> = raster
        .values()
        .skip(90 * 360)
        .take(360)
        .map(|value| value == 1.0)
        .collect();
    assert!(row[359] && row[0] && row[352] && row[7] && !row[20] && !row[180] && !row[340]);
    assert_eq!(row.iter().filter(|drawn| **drawn).count(), 20);
}

#[test]
fn quantiles_are_those_of_the_pixels_drawn() {
    let mut raster = raster(0.0, 10.0, 0.0, 10.0, (10.0, 10.0), Overlap::Mean);
    assert_eq!(raster.quantiles([0.5]), None);
    let (longitude, latitude): (Vec<f64>, Vec<f64>) = (0..100)
        .map(|i| (f64::from(i % 10) + 0.5, f64::from(i / 10) + 0.5))
        .unzip();
    let values: Vec<f64> = (0..100).map(f64::from).collect();
    add(
        &mut raster,
        &Layer {
            longitude: &longitude,
            latitude: &latitude,
            values: &values,
            shape: [10, 10],
        },
    );
    assert_eq!(raster.quantiles([0.0, 0.5, 1.0]), Some([0.0, 50.0, 99.0]));
}
