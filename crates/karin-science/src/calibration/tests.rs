use proptest::prelude::*;

use super::*;

fn distances() -> Vec<f64> {
    (0..69).map(|pixel| f64::from(pixel - 34) * 2000.0).collect()
}

/// A swath of waves whose mean slopes are small, with the nadir and the outermost pixels missing.
fn ocean(lines: usize) -> (Vec<f64>, Extent) {
    let extent = Extent::new(lines, 69);
    let x = distances();
    let height = |at: usize| {
        let (line, pixel) = (at / 69, at % 69);
        if !(10e3..=60e3).contains(&x[pixel].abs()) {
            return f64::NAN;
        }
        0.02 * (line as f64 * 0.9 + x[pixel] / 5e3).sin()
    };
    ((0..extent.len()).map(height).collect(), extent)
}

/// Roll of both sides and phase of the left, changing along the flight.
fn error(line: usize, x: f64, lines: usize) -> f64 {
    let turn = line as f64 / lines as f64;
    let roll = 1e-6 * (1.0 + turn);
    let phase = if x < 0.0 { 0.05 - 5e-7 * x * turn } else { -0.02 };
    roll * x + phase
}

fn difference(found: &[f64], expected: &[f64]) -> f64 {
    let pairs = found
        .iter()
        .zip(expected)
        .filter(|(a, b)| a.is_finite() && b.is_finite());
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[test]
fn roll_and_phase_come_off() {
    let (height, extent) = ocean(600);
    let x = distances();
    let wrong: Vec<f64> = (0..extent.len())
        .map(|at| height[at] + error(at / 69, x[at % 69], 600))
        .collect();
    let options = CalibrationOptions::new(1).with_window(100);
    let fit = Calibration::fit(&wrong, &x, extent, &options).unwrap();
    let mended = fit.apply(&wrong, &x, extent);
    assert!(difference(&wrong, &height) > 0.09);
    // The ends of the pass, half a window long, have the coefficients of the outermost centres.
    let inner = 50 * 69..550 * 69;
    assert!(difference(&mended[inner.clone()], &height[inner]) < 0.004);
    assert!(mended.iter().zip(&height).all(|(a, b)| a.is_nan() == b.is_nan()));
}

#[test]
fn outliers_do_not_matter_to_robust_fits() {
    let (height, extent) = ocean(200);
    let x = distances();
    let mut wrong: Vec<f64> = (0..extent.len())
        .map(|at| height[at] + 0.03 + 1e-6 * x[at % 69])
        .collect();
    for at in (3..wrong.len()).step_by(11) {
        wrong[at] += 20.0;
    }
    let bias = |robust| {
        let options = CalibrationOptions::new(1)
            .with_sides(Sides::Together)
            .with_robust(robust);
        Calibration::fit(&wrong, &x, extent, &options).unwrap().windows[0][0].coefficients[0]
    };
    assert!((bias(Robust::No) - 0.03).abs() > 1.0);
    assert!((bias(Robust::Huber(1.345)) - 0.03).abs() < 0.005);
    assert!((bias(Robust::Clip(4.0)) - 0.03).abs() < 0.002);
}

#[test]
fn sides_without_values_have_no_calibration() {
    let (mut height, extent) = ocean(20);
    let x = distances();
    for (at, height) in height.iter_mut().enumerate() {
        if x[at % 69] < 0.0 {
            *height = f64::NAN;
        }
    }
    let fit = Calibration::fit(&height, &x, extent, &CalibrationOptions::new(0)).unwrap();
    let error = fit.error(&x, extent);
    assert!(error[0].is_nan() && error[68].is_finite());
    assert!(Calibration::fit(&height, &x, extent, &CalibrationOptions::new(3)).is_err());
}

proptest! {
    #[test]
    fn polynomials_are_found_whatever_the_gaps(
        coefficients in prop::array::uniform3(-1.0f64..1.0),
        holes in prop::collection::vec(0usize..40 * 69, 0..1500),
    ) {
        let extent = Extent::new(40, 69);
        let x = distances();
        let value = |pixel: usize| {
            let own = x[pixel] / 5e4;
            coefficients[0] + own * (coefficients[1] + own * coefficients[2])
        };
        let mut height: Vec<f64> = (0..extent.len()).map(|at| value(at % 69)).collect();
        holes.into_iter().for_each(|at| height[at] = f64::NAN);
        let options = CalibrationOptions::new(2).with_sides(Sides::Together).with_robust(Robust::No);
        let fit = Calibration::fit(&height, &x, extent, &options).unwrap();
        let left = fit.apply(&height, &x, extent);
        prop_assert!(left.iter().all(|value| value.is_nan() || value.abs() < 1e-9));
    }
}
