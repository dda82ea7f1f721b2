//! Polynomials of least squares in a sliding window along the flight.

use super::{Gaps, check};
use crate::{Extent, Refused};

/// Smooths every pixel column along the flight: the value at a pixel of the polynomial of `degree` that fits the values of the
/// window of `2h + 1` lines round it best (Savitzky and Golay 1964). Near the ends the window is the last whole one
/// (as `scipy.signal.savgol_filter` with `mode="interp"`). Where values are missing the fit is of those that are there.
///
/// NaN where fewer than `degree + 1` values are in the window, or gaps are kept. Polynomials of `degree` pass unchanged
/// whatever the gaps. Cost: `2h + 1` products per pixel in whole windows, a small system of equations beside gaps.
///
/// # Errors
/// If the window has not more lines than the polynomial has coefficients, or the degree is greater than 5.
pub fn savitzky_golay(
    field: &[f64],
    extent: Extent,
    (half, degree): (usize, usize),
    gaps: Gaps,
) -> Result<Vec<f64>, Refused> {
    check(field, extent);
    let length = 2 * half + 1;
    if degree > 5 || length <= degree {
        let reason =
            format!("expected at most 5 and less than the {length} lines of the window, found {degree}");
        return Err(Refused::new("degree", reason));
    }
    let mut out = vec![f64::NAN; field.len()];
    let lines = extent.num_lines;
    let whole: Vec<bool> = vec![true; length];
    // Weights of whole windows for every place in them: all but the middle serve the ends only.
    let weights: Vec<Vec<f64>> = (0..length)
        .map(|at| fit_weights(&whole, half, at, degree).unwrap_or_default())
        .collect();
    let mut window = vec![0.0; length];
    let mut is_value = vec![false; length];
    for pixel in 0..extent.num_pixels {
        for line in 0..lines {
            let at = extent.index(line, pixel);
            if gaps == Gaps::Kept && field[at].is_nan() {
                continue;
            }
            // Columns shorter than the window are fitted as a whole.
            let start = line.saturating_sub(half).min(lines.saturating_sub(length));
            for (index, (value, is_value)) in window.iter_mut().zip(&mut is_value).enumerate() {
                let own = start + index;
                let found = if own < lines {
                    field[extent.index(own, pixel)]
                } else {
                    f64::NAN
                };
                *is_value = !found.is_nan();
                *value = if *is_value { found } else { 0.0 };
            }
            let place = line - start;
            let own;
            let weights = if is_value.iter().all(|is_value| *is_value) {
                &weights[place]
            } else {
                match fit_weights(&is_value, half, place, degree) {
                    Some(found) => {
                        own = found;
                        &own
                    }
                    None => continue,
                }
            };
            out[at] = weights
                .iter()
                .zip(&window)
                .map(|(weight, value)| weight * value)
                .sum();
        }
    }
    Ok(out)
}

/// Weights of the values of a window that give the fitted polynomial at a place in it; `None` with too few values.
fn fit_weights(is_value: &[bool], half: usize, place: usize, degree: usize) -> Option<Vec<f64>> {
    let count = degree + 1;
    if is_value.iter().filter(|is_value| **is_value).count() < count {
        return None;
    }
    // Offsets from the middle, scaled to [-1, 1], keep the equations sound.
    let scaled = |index: usize| (index as f64 - half as f64) / half.max(1) as f64;
    let powers = |x: f64| (0..count).map(move |power| x.powi(power as i32));
    let mut matrix = vec![0.0; count * count];
    for index in (0..is_value.len()).filter(|index| is_value[*index]) {
        let own: Vec<f64> = powers(scaled(index)).collect();
        for row in 0..count {
            for column in 0..count {
                matrix[row * count + column] += own[row] * own[column];
            }
        }
    }
    let mut coefficients: Vec<f64> = powers(scaled(place)).collect();
    crate::linear::solve_symmetric(&mut matrix, &mut coefficients)?;
    let weight = |index: usize| {
        if is_value[index] {
            powers(scaled(index))
                .zip(&coefficients)
                .map(|(power, own)| power * own)
                .sum()
        } else {
            0.0
        }
    };
    Some((0..is_value.len()).map(weight).collect())
}
