use karin_science::front::{Front, FrontOptions, Steepness, fronts};
use karin_science::sphere::{RADIUS, distance as metres};
use karin_science::{Derivative, Extent, Metric};

use super::swath::{Start, Swath, Vector, axes, dot, scatter};
use super::{SPACING, flipped, place};

const JUMP: f64 = 0.15;
const WIDTH: f64 = 8e3;

fn swath() -> Swath {
    Swath::new(
        Extent::new(100, 61),
        Start {
            latitude: 38.0,
            longitude: 179.7,
            heading: 70.0,
        },
        SPACING,
    )
}

/// The normal of the great circle through a place, `bearing` degrees clockwise from north; rising values lie to its right.
fn normal(centre: (f64, f64), bearing: f64) -> Vector {
    let [_, east, north] = axes(centre.1, centre.0);
    let (sine, cosine) = bearing.to_radians().sin_cos();
    std::array::from_fn(|axis| cosine * east[axis] - sine * north[axis])
}

fn step(swath: &Swath, centre: (f64, f64), bearing: f64) -> Vec<f64> {
    let normal = normal(centre, bearing);
    swath.field(|here| JUMP * (RADIUS * dot(normal, here).asin() / WIDTH).tanh())
}

fn found(field: &[f64], metric: &Metric, options: &FrontOptions) -> Vec<Front> {
    fronts(field, metric, &Derivative::L3, options).unwrap()
}

#[test]
fn a_step_at_any_angle_is_one_line_where_it_is_steepest() {
    let swath = swath();
    let (metric, centre) = (swath.metric(), place(&swath, 50, 30));
    for bearing in [0.0, 20.0, 37.0, 90.0, 110.0, 160.0, 200.0, 300.0] {
        let fronts = found(&step(&swath, centre, bearing), &metric, &FrontOptions::default());
        let [front] = fronts.as_slice() else {
            panic!("{bearing}: {} fronts", fronts.len())
        };
        let normal = normal(centre, bearing);
        let off =
            |(longitude, latitude): &(f64, f64)| RADIUS * dot(normal, axes(*latitude, *longitude)[0]).asin();
        assert!(
            front.line.iter().all(|point| off(point).abs() < 200.0),
            "{bearing}"
        );
        let ends = metres(front.line[0], *front.line.last().unwrap());
        assert!(
            (front.length / ends - 1.0).abs() < 0.01,
            "{bearing}: {} {ends}",
            front.length
        );
        assert!(front.length > 90e3 && front.is_partial);
        let turned = |found: f64, expected: f64, turn: f64| {
            let off = (found - expected).rem_euclid(turn);
            off.min(turn - off)
        };
        assert!(
            turned(front.orientation, bearing, 180.0) < 1.0,
            "{bearing}: {}",
            front.orientation
        );
        assert!(
            turned(front.gradient_direction, bearing + 90.0, 360.0) < 1.0,
            "{bearing}"
        );
        // Points come in the direction of the bearing, as higher values lie on its right.
        let [_, east, north] = axes(front.line[0].1, front.line[0].0);
        let last = front.line.last().map(|end| axes(end.1, end.0)[0]).unwrap();
        let way = dot(east, last).atan2(dot(north, last)).to_degrees();
        assert!(turned(way, bearing, 360.0) < 2.0, "{bearing}: {way}");
        for gradient in [front.mean_gradient, front.maximum_gradient] {
            assert!(
                (gradient * WIDTH / JUMP - 1.0).abs() < 0.05,
                "{bearing}: {gradient}"
            );
        }
    }
}

#[test]
fn fronts_are_as_strong_and_as_long_as_asked_for() {
    let swath = swath();
    let (metric, centre) = (swath.metric(), place(&swath, 50, 30));
    let field = step(&swath, centre, 20.0);
    let with = |strong: f64, weak: f64, length: f64| {
        let mut options = FrontOptions::default();
        (options.strong, options.weak) = (Steepness::Gradient(strong), Steepness::Gradient(weak));
        options.minimum_length = length;
        found(&field, &metric, &options).len()
    };
    let steepest = JUMP / WIDTH;
    assert_eq!(with(0.9 * steepest, 0.5 * steepest, 20e3), 1);
    assert_eq!(with(1.1 * steepest, 0.5 * steepest, 20e3), 0);
    assert_eq!(with(0.9 * steepest, 0.5 * steepest, 400e3), 0);
    assert!(found(&vec![1.0; field.len()], &metric, &FrontOptions::default()).is_empty());
    assert!(found(&vec![f64::NAN; field.len()], &metric, &FrontOptions::default()).is_empty());
}

#[test]
fn both_sides_of_a_band_are_fronts_and_a_gap_cuts_them() {
    let swath = swath();
    let (metric, width) = (swath.metric(), swath.extent.num_pixels);
    let (one, other) = (
        step(&swath, place(&swath, 50, 18), 20.0),
        step(&swath, place(&swath, 50, 42), 200.0),
    );
    let mut band: Vec<f64> = one.iter().zip(&other).map(|(one, other)| one + other).collect();
    assert_eq!(found(&band, &metric, &FrontOptions::default()).len(), 2);
    for value in &mut band[48 * width..52 * width] {
        *value = f64::NAN;
    }
    let cut = found(&band, &metric, &FrontOptions::default());
    assert_eq!(cut.len(), 4);
    assert!(cut.iter().all(|front| front.is_partial));
}

#[test]
fn the_order_of_lines_and_pixels_does_not_matter() {
    let swath = swath();
    let mut field = step(&swath, place(&swath, 50, 30), 33.0);
    for (index, value) in field.iter_mut().enumerate() {
        *value += 1e-4 * scatter(index, 1);
    }
    let expected = &found(&field, &swath.metric(), &FrontOptions::default())[0];
    for lines_too in [false, true] {
        let turned = |values: &[f64]| flipped(values, swath.extent.num_pixels, lines_too);
        let metric = Metric::new(&turned(&swath.latitude), &turned(&swath.longitude), swath.extent).unwrap();
        let same = &found(&turned(&field), &metric, &FrontOptions::default())[0];
        assert!(
            (same.length - expected.length).abs() < 100.0,
            "{} {}",
            same.length,
            expected.length
        );
        assert!((same.orientation - expected.orientation).abs() < 0.1);
        assert!(metres(same.line[0], expected.line[0]) < 100.0);
    }
}
