//! Any gaps: what can be derived beside them is exact, what cannot is missing.

use karin_science::{Derivative, Extent, Fit, Method, Metric, Quantity, ScienceError, Shape, fit, stencil};
use proptest::prelude::*;

use crate::swath::{Start, Swath};

const LINES: usize = 24;
const PIXELS: usize = 17;

fn swath() -> (Swath, Metric) {
    let start = Start {
        latitude: 35.0,
        longitude: -70.0,
        heading: 102.4,
    };
    let swath = Swath::new(Extent::new(LINES, PIXELS), start, 2000.0);
    let metric = swath.metric();
    (swath, metric)
}

fn masked(gaps: &[bool], of: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let value = |(index, gap): (usize, &bool)| {
        if *gap {
            f64::NAN
        } else {
            of((index / PIXELS) as f64, (index % PIXELS) as f64)
        }
    };
    gaps.iter().enumerate().map(value).collect()
}

/// Whether the pixels before and after on an axis are there.
fn has_neighbour(field: &[f64], index: usize, place: usize, count: usize, stride: usize) -> bool {
    (place > 0 && !field[index - stride].is_nan()) || (place + 1 < count && !field[index + stride].is_nan())
}

fn gaps() -> impl Strategy<Value = Vec<bool>> {
    (0.0..0.9_f64).prop_flat_map(|share| prop::collection::vec(prop::bool::weighted(share), LINES * PIXELS))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_stencil_has_a_value_where_there_are_neighbours_and_it_is_exact_on_planes(gaps in gaps()) {
        let (_, metric) = swath();
        let field = masked(&gaps, |line, pixel| 3.0 + 0.25 * line - 0.5 * pixel);
        let mut seen = 0;
        stencil::slopes(&field, &metric, |line, along, left| {
            for pixel in 0..PIXELS {
                let index = line * PIXELS + pixel;
                let (step_along, step_across) = metric.spacing(index);
                let is_there = !field[index].is_nan();
                let expected_along = is_there && has_neighbour(&field, index, line, LINES, PIXELS);
                let expected_across = is_there && has_neighbour(&field, index, pixel, PIXELS, 1);
                assert_eq!(!along[pixel].is_nan(), expected_along);
                assert_eq!(!left[pixel].is_nan(), expected_across);
                assert!(!expected_along || (along[pixel] * step_along - 0.25).abs() < 1e-12);
                assert!(!expected_across || (left[pixel] * step_across - 0.5).abs() < 1e-12);
                seen += 1;
            }
        }).unwrap();
        prop_assert_eq!(seen, LINES * PIXELS);
    }

    #[test]
    fn fits_of_quadratics_are_exact_with_any_gaps(gaps in gaps(), size in prop::sample::select(vec![3_usize, 5, 7, 9]), is_square: bool) {
        let (_, metric) = swath();
        let shape = if is_square { Shape::Square } else { Shape::Disc };
        let fit = Fit::new(size).unwrap().with_shape(shape).with_min_valid(0.0).unwrap();
        let field = masked(&gaps, |x, y| 1.0 + 0.1 * x - 0.2 * y + 0.01 * x * x - 0.03 * x * y + 0.02 * y * y);
        let surface = fit::surface(&field, &metric, &fit).unwrap();
        for (index, here) in field.iter().enumerate() {
            let (x, y) = ((index / PIXELS) as f64, (index % PIXELS) as f64);
            prop_assert!(surface.value[index].is_nan() || !here.is_nan());
            if surface.value[index].is_nan() {
                continue;
            }
            let (step_along, step_across) = metric.spacing(index);
            let (sine, cosine) = metric.heading(index).sin_cos();
            let (along, left) = ((0.1 + 0.02 * x - 0.03 * y) / step_along, -(-0.2 - 0.03 * x + 0.04 * y) / step_across);
            prop_assert!((surface.value[index] - here).abs() < 1e-6);
            prop_assert!((surface.east[index] - (along * cosine - left * sine)).abs() < 1e-9);
            prop_assert!((surface.north[index] - (along * sine + left * cosine)).abs() < 1e-9);
            // The trace does not depend on the frame.
            let trace = 0.02 / step_along / step_along + 0.04 / step_across / step_across;
            let found = surface.east_east[index] + surface.north_north[index];
            prop_assert!((found - trace).abs() < 1e-5 * trace);
        }
    }

    #[test]
    fn every_quantity_is_missing_where_the_height_is_and_blocks_of_lines_give_the_same(gaps in gaps(), first in 0..12_usize) {
        let (swath, _) = swath();
        let field = masked(&gaps, |x, y| (0.3 * x).sin() * (0.4 * y).cos());
        for method in ["l3", "fit:5:gaussian", "curvilinear"] {
            let method: Method = method.parse().unwrap();
            for quantity in [Quantity::UGeo, Quantity::Vorticity, Quantity::SshLaplacian] {
                let whole = quantity.compute(&method, &field, &swath.metric()).unwrap();
                prop_assert!(whole.iter().zip(&field).all(|(value, height)| value.is_nan() || !height.is_nan()));
                let reach = quantity.reach(&method).unwrap();
                let (from, to) = (first.saturating_sub(reach), (first + 4 + reach).min(LINES));
                let block = from * PIXELS..to * PIXELS;
                let metric = Metric::new(
                    &swath.latitude[block.clone()],
                    &swath.longitude[block.clone()],
                    Extent::new(to - from, PIXELS),
                ).unwrap();
                let part = quantity.compute(&method, &field[block], &metric).unwrap();
                for line in first..first + 4 {
                    for pixel in 0..PIXELS {
                        let (one, other) = (whole[line * PIXELS + pixel], part[(line - from) * PIXELS + pixel]);
                        prop_assert!(one.to_bits() == other.to_bits() || (one.is_nan() && other.is_nan()), "{method} {quantity}: {one} {other}");
                    }
                }
            }
        }
    }
}

#[test]
fn missing_coordinates_are_gaps() {
    let (swath, _) = swath();
    let mut latitude = swath.latitude.clone();
    latitude[5 * PIXELS + 5] = f64::NAN;
    let metric = Metric::new(&latitude, &swath.longitude, swath.extent).unwrap();
    let field = vec![1.0; latitude.len()];
    for method in ["l3", "fit:5", "curvilinear"] {
        let derivative: Derivative = method.parse().unwrap();
        let (east, north) = karin_science::currents::gradient(&field, &metric, &derivative).unwrap();
        // Corners have too little of a window.
        for index in
            (2 * PIXELS..field.len() - 2 * PIXELS).filter(|index| (2..PIXELS - 2).contains(&(index % PIXELS)))
        {
            assert_eq!(east[index].is_nan(), index == 5 * PIXELS + 5, "{method} {index}");
            assert_eq!(north[index].is_nan(), index == 5 * PIXELS + 5);
        }
    }
    let nowhere = vec![f64::NAN; latitude.len()];
    let metric = Metric::new(&nowhere, &nowhere, swath.extent).unwrap();
    for method in ["l3", "fit:5", "curvilinear"] {
        let values = Quantity::Vorticity
            .compute(&method.parse().unwrap(), &field, &metric)
            .unwrap();
        assert!(values.iter().all(|value| value.is_nan()));
    }
}

#[test]
fn slices_of_another_size_are_refused_and_empty_ones_are_empty() {
    let (swath, metric) = swath();
    let short = vec![0.0; 10];
    for quantity in Quantity::ALL {
        for method in ["l3", "fit:5", "fit:5:plane", "curvilinear"] {
            let method: Method = method.parse().unwrap();
            let error = quantity.compute(&method, &short, &metric).unwrap_err();
            assert!(error.to_string().contains("10 values, expected 408"), "{error}");
            let refused = |error: &ScienceError| matches!(error, ScienceError::Method { .. });
            for extent in [Extent::new(0, 69), Extent::new(5, 0)] {
                let empty = Metric::new(&[], &[], extent).unwrap();
                let values = quantity.compute(&method, &[], &empty);
                assert!(values.as_ref().map_or_else(refused, Vec::is_empty));
            }
            let one = Metric::new(&[10.0], &[20.0], Extent::new(1, 1)).unwrap();
            let values = quantity.compute(&method, &[1.0], &one);
            assert!(values.as_ref().map_or_else(refused, |values| values[0].is_nan()));
        }
    }
    assert!(Metric::new(&short, &swath.longitude, swath.extent).is_err());
}
