//! Penven's fixed point.

use super::{Differences, Flow, zero_filled};

/// Iterations at most.
pub(super) const ITERATIONS: usize = 20;
/// A pixel that moves less than this (m/s) in an iteration has arrived. Penven and jaxparrow stop at 0.01, which
/// leaves an error of some 4e-4 m/s in their Gaussian eddy.
const ARRIVED: f64 = 1e-3;

/// Iterates `u <- u_g - (u . grad v)/f, v <- v_g + (u . grad u)/f` from the geostrophic current. A pixel stops for good when
/// it has arrived, or when it would move further than in the iteration before.
pub(super) fn solve(flow: &Flow, [by_line, by_pixel]: &[Differences; 2]) -> (Vec<f64>, Vec<f64>) {
    let count = flow.along.len();
    let (mut along, mut left) = (zero_filled(&flow.along), zero_filled(&flow.left));
    let mut is_moving: Vec<bool> = (0..count)
        .map(|index| {
            by_line.is_known[index] && by_pixel.is_known[index] && flow.per_coriolis[index].is_finite()
        })
        .collect();
    let mut moved: Vec<f64> = along
        .iter()
        .zip(&left)
        .map(|(a, l)| a.abs().max(l.abs()))
        .collect();
    let is_known = is_moving.clone();
    for _ in 0..ITERATIONS {
        let of_along = [by_line.apply(&along), by_pixel.apply(&along)];
        let of_left = [by_line.apply(&left), by_pixel.apply(&left)];
        let mut are_all_still = true;
        for (index, is_moving) in is_moving.iter_mut().enumerate() {
            if !*is_moving {
                continue;
            }
            let (a, l, factor) = (along[index], left[index], flow.per_coriolis[index]);
            let next = (
                flow.along[index] - factor * (a * of_left[0][index] + l * of_left[1][index]),
                flow.left[index] + factor * (a * of_along[0][index] + l * of_along[1][index]),
            );
            let step = (next.0 - a).abs() + (next.1 - l).abs();
            // The first step counts against the speed itself, as in jaxparrow.
            let is_diverging = step
                .partial_cmp(&moved[index])
                .is_none_or(std::cmp::Ordering::is_gt);
            if !is_diverging {
                (along[index], left[index]) = next;
                moved[index] = step;
            }
            *is_moving = !is_diverging && step >= ARRIVED;
            are_all_still &= !*is_moving;
        }
        if are_all_still {
            break;
        }
    }
    for (index, is_known) in is_known.iter().enumerate() {
        if !is_known {
            (along[index], left[index]) = (f64::NAN, f64::NAN);
        }
    }
    (along, left)
}
