use karin_science::eddy::{
    Eddy, EddyOptions, OkuboWeissOptions, Rotation, Sense, closed_contours, okubo_weiss,
};
use karin_science::filter::fill_nadir_gap;
use karin_science::sphere::{GRAVITY, ROTATION, distance as metres};
use karin_science::{Extent, Method, Metric, Quantity, compute_all};

use super::swath::{Start, Swath, is_seen, scatter};
use super::{SPACING, flipped, gaussian, place};

const AMPLITUDE: f64 = 0.2;
const RADIUS: f64 = 20e3;

/// Starts in both hemispheres, in several directions, over the dateline and far north.
const STARTS: [Start; 5] = [
    Start {
        latitude: 40.0,
        longitude: -50.0,
        heading: 65.0,
    },
    Start {
        latitude: -35.0,
        longitude: 20.0,
        heading: 115.0,
    },
    Start {
        latitude: 25.0,
        longitude: 179.9,
        heading: -65.0,
    },
    Start {
        latitude: -55.0,
        longitude: -179.8,
        heading: 250.0,
    },
    Start {
        latitude: 72.0,
        longitude: 10.0,
        heading: 10.0,
    },
];

fn wide(start: Start) -> Swath {
    Swath::new(Extent::new(90, 85), start, SPACING)
}

fn found(height: &[f64], metric: &Metric, options: &EddyOptions) -> Vec<Eddy> {
    let speed = Quantity::Speed
        .compute(&Method::default(), height, metric)
        .unwrap();
    closed_contours(height, &speed, metric, options).unwrap()
}

fn near(found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() <= tolerance,
        "{found}, expected {expected} within {tolerance}"
    );
}

#[test]
fn a_gaussian_eddy_has_the_numbers_of_its_formula() {
    for start in STARTS {
        let swath = wide(start);
        let (metric, centre) = (swath.metric(), place(&swath, 44, 41));
        for (amplitude, sense) in [(AMPLITUDE, Sense::Anticyclonic), (-AMPLITUDE, Sense::Cyclonic)] {
            let eddies = found(
                &gaussian(&swath, centre, amplitude, RADIUS),
                &metric,
                &EddyOptions::default(),
            );
            let [eddy] = eddies.as_slice() else {
                panic!("{start:?}: {} eddies", eddies.len())
            };
            assert_eq!(
                (eddy.sense, eddy.is_partial, eddy.edge_fraction),
                (sense, false, 0.0)
            );
            assert!(
                metres(eddy.centre, centre) < 50.0,
                "{start:?}: {:?} {centre:?}",
                eddy.centre
            );
            assert!(metres(eddy.extremum, centre) < 1.0);
            // The outermost of the contours, two millimetres apart, that is not flat already.
            near(eddy.amplitude, AMPLITUDE - 0.002, 1e-9);
            let radius = RADIUS * (AMPLITUDE / (AMPLITUDE - eddy.amplitude)).ln().sqrt();
            near(eddy.radius, radius, 0.005 * radius);
            near(eddy.area, std::f64::consts::PI * eddy.radius.powi(2), 1.0);
            near(
                eddy.pixels as f64 * SPACING * SPACING,
                eddy.area,
                0.02 * eddy.area,
            );
            assert!(eddy.shape_error < 0.01, "{}", eddy.shape_error);
            // On the ring of strongest flow.
            near(eddy.speed_radius, RADIUS / 2f64.sqrt(), 400.0);
            let factor = GRAVITY / (2.0 * ROTATION * centre.1.to_radians().sin()).abs();
            let speed = factor * AMPLITUDE * 2f64.sqrt() / RADIUS * (-0.5f64).exp();
            near(eddy.speed, speed, 0.01 * speed);
            let around =
                |(longitude, latitude): &(f64, f64)| (metres(centre, (*longitude, *latitude)) - radius).abs();
            assert!(eddy.outline.iter().all(|vertex| around(vertex) < 500.0));
        }
    }
}

#[test]
fn bounds_are_kept_to() {
    let swath = wide(STARTS[0]);
    let metric = swath.metric();
    let height = gaussian(&swath, place(&swath, 44, 41), 0.03, 8e3);
    let with = |set: fn(&mut EddyOptions)| {
        let mut options = EddyOptions::default();
        set(&mut options);
        found(&height, &metric, &options)
    };
    assert_eq!(with(|_| {}).len(), 1);
    assert!(with(|options| options.minimum_amplitude = 0.031).is_empty());
    assert!(with(|options| options.minimum_radius = 20e3).is_empty());
    assert!(with(|options| options.minimum_pixels = 300).is_empty());
    // Smaller contours of the same eddy do.
    let small = with(|options| options.maximum_radius = 8e3);
    assert!(small.len() == 1 && small[0].radius <= 8e3 && small[0].radius > 7e3);
    let long: Vec<f64> = (0..swath.extent.len())
        .map(|index| {
            let (line, pixel) = (index / 85, index % 85);
            let (along, across) = ((line as f64 - 44.0) / 12.0, (pixel as f64 - 41.0) / 2.0);
            0.1 * (-along * along - across * across).exp()
        })
        .collect();
    assert!(found(&long, &metric, &EddyOptions::default()).is_empty());
    let mut options = EddyOptions::default();
    options.shape_error = 5.0;
    assert_eq!(found(&long, &metric, &options).len(), 1);
}

#[test]
fn contours_hold_one_extremum_and_ripples_are_none() {
    let swath = wide(STARTS[1]);
    let metric = swath.metric();
    let (one, other) = (place(&swath, 35, 41), place(&swath, 55, 41));
    let mut height = gaussian(&swath, one, 0.2, 15e3);
    for (height, other) in height.iter_mut().zip(gaussian(&swath, other, 0.15, 15e3)) {
        *height += other;
    }
    let eddies = found(&height, &metric, &EddyOptions::default());
    let [first, second] = eddies.as_slice() else {
        panic!("{} eddies", eddies.len())
    };
    assert!(metres(first.centre, one) < 3e3 && metres(second.centre, other) < 3e3);
    // Half way between both the sum is 2 x 0.7 x exp(-(40/2/15)²): neither goes below the saddle.
    let saddle = 0.35 * (-(20.0f64 / 15.0).powi(2)).exp();
    assert!(first.level > saddle - 0.003 && second.level > saddle - 0.003 && first.level < saddle + 0.01);
    for (index, height) in height.iter_mut().enumerate() {
        *height += 0.004 * (scatter(index, 3) - 0.5);
    }
    let mut options = EddyOptions::default();
    options.step = 0.008;
    let noisy = found(&height, &metric, &options);
    assert_eq!(noisy.len(), 2);
    assert!(metres(noisy[0].centre, one) < 3e3 && metres(noisy[1].centre, other) < 3e3);
}

#[test]
fn eddies_at_the_edge_and_at_the_gap_are_partial() {
    let swath = Swath::new(Extent::new(80, 69), STARTS[0], SPACING);
    let metric = swath.metric();
    let seen = |height: Vec<f64>| -> Vec<f64> {
        let values = height.into_iter().enumerate();
        values
            .map(|(index, height)| if is_seen(index % 69) { height } else { f64::NAN })
            .collect()
    };
    let centre = place(&swath, 40, 10);
    let height = seen(gaussian(&swath, centre, -AMPLITUDE, RADIUS));
    let eddies = found(&height, &metric, &EddyOptions::default());
    let [eddy] = eddies.as_slice() else {
        panic!("{} eddies", eddies.len())
    };
    assert!(eddy.is_partial && eddy.edge_fraction > 0.1 && eddy.edge_fraction <= 0.5);
    assert_eq!(eddy.sense, Sense::Cyclonic);
    assert!(
        metres(eddy.centre, centre) < 500.0,
        "{}",
        metres(eddy.centre, centre)
    );
    assert!(eddy.shape_error < 0.02);
    let mut closed = EddyOptions::default();
    closed.edge_fraction = 0.0;
    let whole = &found(&height, &metric, &closed)[0];
    assert!(whole.is_partial && whole.edge_fraction == 0.0 && whole.area < eddy.area);
    assert!(whole.radius < 7.0 * SPACING);
    // In the nadir gap nothing is seen of the extremum; filled, the eddy is whole.
    let middle = place(&swath, 40, 34);
    let height = seen(gaussian(&swath, middle, AMPLITUDE, 25e3));
    assert!(found(&height, &metric, &EddyOptions::default()).is_empty());
    let filled = fill_nadir_gap(&height, swath.extent, 31..38, 2);
    let eddies = found(&filled, &metric, &EddyOptions::default());
    assert_eq!(eddies.len(), 1);
    assert!(metres(eddies[0].centre, middle) < 1e3);
}

#[test]
fn the_order_of_lines_and_pixels_does_not_matter() {
    let swath = wide(STARTS[3]);
    let mut height = gaussian(&swath, place(&swath, 30, 30), 0.2, 17e3);
    for (height, other) in height
        .iter_mut()
        .zip(gaussian(&swath, place(&swath, 60, 55), -0.12, 12e3))
    {
        *height += other;
    }
    let expected = found(&height, &swath.metric(), &EddyOptions::default());
    assert_eq!(expected.len(), 2);
    for lines_too in [false, true] {
        let turned = |values: &[f64]| flipped(values, 85, lines_too);
        let metric = Metric::new(&turned(&swath.latitude), &turned(&swath.longitude), swath.extent).unwrap();
        let mut same = found(&turned(&height), &metric, &EddyOptions::default());
        same.sort_by(|one, other| other.amplitude.total_cmp(&one.amplitude));
        for (same, expected) in same.iter().zip(&expected) {
            assert_eq!((same.sense, same.pixels), (expected.sense, expected.pixels));
            near(same.radius, expected.radius, 1.0);
            near(same.speed, expected.speed, 1e-3 * expected.speed);
            assert!(metres(same.centre, expected.centre) < 1.0);
        }
    }
}

#[test]
fn okubo_weiss_finds_the_core_of_a_gaussian_eddy() {
    for start in [STARTS[0], STARTS[3]] {
        let swath = wide(start);
        let (metric, centre) = (swath.metric(), place(&swath, 44, 41));
        let height = gaussian(&swath, centre, AMPLITUDE, RADIUS);
        let all = [Quantity::OkuboWeiss, Quantity::Vorticity, Quantity::Speed];
        let [okubo, vorticity, speed]: [Vec<f64>; 3] =
            compute_all(&all, &Method::default(), &height, &metric)
                .unwrap()
                .try_into()
                .unwrap();
        let current = Rotation {
            okubo_weiss: &okubo,
            vorticity: &vorticity,
            speed: &speed,
        };
        let mut regions = OkuboWeissOptions::default();
        // W of a Gaussian is zero on the ring of strongest flow.
        regions.threshold = 1e-3;
        let eddies = okubo_weiss(&height, &current, &metric, &EddyOptions::default(), &regions).unwrap();
        let [eddy] = eddies.as_slice() else {
            panic!("{start:?}: {} eddies", eddies.len())
        };
        assert_eq!(eddy.sense, Sense::Anticyclonic);
        assert!(metres(eddy.centre, centre) < 300.0 && !eddy.is_partial);
        near(eddy.radius, RADIUS / 2f64.sqrt(), 300.0);
        near(eddy.amplitude, AMPLITUDE * (1.0 - (-0.5f64).exp()), 0.01);
        regions.threshold = 0.2;
        assert!(
            okubo_weiss(&height, &current, &metric, &EddyOptions::default(), &regions).unwrap()[0].radius
                < eddy.radius
        );
    }
}
