//! Uncertainties against the weights themselves: what every pixel alone does to a result.

use karin_science::sphere::{GRAVITY, ROTATION};
use karin_science::{Extent, Method, Metric, Noise, Quantity, compute_all, noise};

use crate::swath::{Start, Swath, scatter};

const WANTED: [Quantity; 3] = [Quantity::UGeo, Quantity::VGeo, Quantity::Vorticity];

fn swath(lines: usize, pixels: usize) -> (Swath, Metric) {
    let start = Start {
        latitude: -42.0,
        longitude: 179.95,
        heading: 102.4,
    };
    let swath = Swath::new(Extent::new(lines, pixels), start, 2000.0);
    let metric = swath.metric();
    (swath, metric)
}

/// The standard deviations by raising one pixel after the other by a metre.
fn by_impulses(gaps: &[f64], sigma: &[f64], metric: &Metric, method: &Method) -> Vec<Vec<f64>> {
    let mut squares = vec![vec![0.0; gaps.len()]; WANTED.len()];
    for pixel in 0..gaps.len() {
        let mut height = gaps.to_vec();
        height[pixel] += 1.0;
        let weights = compute_all(&WANTED, method, &height, metric).unwrap();
        let variance = if gaps[pixel].is_nan() {
            0.0
        } else {
            sigma[pixel] * sigma[pixel]
        };
        for (square, weight) in squares.iter_mut().flatten().zip(weights.iter().flatten()) {
            *square += weight * weight * variance;
        }
    }
    for square in squares.iter_mut().flatten() {
        *square = square.sqrt();
    }
    squares
}

#[test]
fn uncertainties_are_those_of_the_weights_with_gaps_and_edges() {
    let (_, metric) = swath(22, 20);
    let gaps: Vec<f64> = (0..440)
        .map(|index| if scatter(index, 5) < 0.15 { f64::NAN } else { 0.0 })
        .collect();
    let sigma: Vec<f64> = (0..440).map(|index| 0.01 + 0.02 * scatter(index, 6)).collect();
    for method in ["l3", "fit:3:square", "fit:5", "fit:7:gaussian"] {
        let method: Method = method.parse().unwrap();
        let expected = by_impulses(&gaps, &sigma, &metric, &method);
        let noise = Noise::PerPixel(&sigma);
        let current = noise::of_current(&gaps, noise, &metric, &method.derivative)
            .unwrap()
            .unwrap();
        let vorticity = noise::of_vorticity(&gaps, noise, &metric, &method.derivative)
            .unwrap()
            .unwrap();
        for (quantity, (found, expected)) in WANTED
            .iter()
            .zip([current.east, current.north, vorticity].iter().zip(&expected))
        {
            let mut compared = 0;
            // Of the largest: where one-sided differences cancel, what is left is that of the 24 bits of the geometry.
            let largest = expected.iter().copied().fold(0.0, f64::max);
            for (index, (one, other)) in found.iter().zip(expected).enumerate() {
                assert_eq!(
                    one.is_nan(),
                    other.is_nan(),
                    "{method} {quantity} {index}: {one} {other}"
                );
                assert!(
                    one.is_nan() || (one - other).abs() < 1e-7 * largest,
                    "{method} {quantity} {index}: {one} {other}"
                );
                compared += usize::from(!one.is_nan());
            }
            assert!(compared > 50, "{method} {quantity}: {compared}");
        }
    }
}

#[test]
fn whole_windows_have_the_known_formulas() {
    let (swath, metric) = swath(31, 31);
    let height = vec![0.0; swath.extent.len()];
    let middle = swath.extent.index(15, 15);
    let coriolis = 2.0 * ROTATION * swath.latitude[middle].to_radians().sin().abs();
    for size in [3_usize, 5, 9, 25] {
        let method: Method = format!("fit:{size}:square:plane,noise=0.01").parse().unwrap();
        let found = Quantity::UGeoUncertainty
            .compute(&method, &height, &metric)
            .unwrap()[middle];
        let n = size as f64;
        let expected = GRAVITY / coriolis * 0.01 / (2000.0 * (n * n * (n * n - 1.0) / 12.0).sqrt());
        assert!(
            (found / expected - 1.0).abs() < 1e-6,
            "{size}: {found} {expected}"
        );
    }
    // The L3 stencil: the root of the sum of its squared weights.
    let weights = [672.0, -168.0, 32.0, -3.0_f64].map(|weight| weight / 840.0);
    let root = (2.0 * weights.iter().map(|weight| weight * weight).sum::<f64>()).sqrt();
    let found = Quantity::VGeoUncertainty
        .compute(&Method::default(), &height, &metric)
        .unwrap()[middle];
    let expected = GRAVITY / coriolis * 0.01 * root / 2000.0;
    assert!((found / expected - 1.0).abs() < 1e-6, "{found} {expected}");
}

#[test]
fn methods_without_propagation_say_so() {
    let (swath, metric) = swath(12, 12);
    let height = vec![0.0; swath.extent.len()];
    let refused = |quantity: Quantity, method: &str| {
        let method: Method = method.parse().unwrap();
        quantity
            .compute(&method, &height, &metric)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refused(Quantity::VorticityUncertainty, "fit:5:plane"),
        "vorticity_uncertainty cannot be had by the method 'fit:5:plane': its noise is propagated for l3 and quadratic fits: take one of these"
    );
    assert!(refused(Quantity::UGeoUncertainty, "curvilinear").contains("l3 and fits"));
}
