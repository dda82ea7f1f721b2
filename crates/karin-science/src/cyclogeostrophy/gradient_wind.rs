//! The gradient wind: circular flow in closed form.

use super::Flow;
use crate::deformation::slopes;
use crate::{Derivative, Metric, ScienceError};

/// `V = 2 V_g / (1 + sqrt(1 + 4 V_g K / f))` with the curvature `K` of the geostrophic streamline,
/// `K V_g^3 = u2 v_x - v2 u_y - u v (u_x - v_y)`; NaN where the root has no real value. Knox and Ohmann 2006; Penven 2014.
pub(super) fn solve(
    flow: &Flow,
    metric: &Metric,
    derivative: &Derivative,
) -> Result<(Vec<f64>, Vec<f64>), ScienceError> {
    let (along_a, along_l) = slopes(&flow.along, metric, derivative)?;
    let (left_a, left_l) = slopes(&flow.left, metric, derivative)?;
    let one = |index: usize| {
        let (a, l) = (flow.along[index], flow.left[index]);
        let square = a * a + l * l;
        let turning =
            a * a * left_a[index] - l * l * along_l[index] - a * l * (along_a[index] - left_l[index]);
        // V_g K; a current of zero has no curvature, and stays.
        let rate = if square > 0.0 {
            turning / square
        } else {
            0.0 * turning
        };
        let ratio = 2.0 / (1.0 + (1.0 + 4.0 * rate * flow.per_coriolis[index]).sqrt());
        (ratio * a, ratio * l)
    };
    Ok((0..flow.along.len()).map(one).unzip())
}
