//! Smoothing splines.

/// The series `s` that minimises `Σ (s − y)² + λ Σ (s_{i−1} − 2 s_i + s_{i+1})²`, the first sum over values (NaN is none): the
/// smoothing spline of equidistant points (Whittaker 1923; Reinsch 1967). `λ` is such that half the amplitude of waves of
/// `wavelength` samples passes. Gaps are bridged, and before the first and after the last value the spline is straight.
///
/// All NaN with fewer than two values. Cost: a banded decomposition, some twenty operations per sample.
pub fn smoothing_spline(series: &[f64], wavelength: f64) -> Vec<f64> {
    let n = series.len();
    if series.iter().filter(|value| !value.is_nan()).count() < 2 {
        return vec![f64::NAN; n];
    }
    let share = 2.0 - 2.0 * (std::f64::consts::TAU / wavelength).cos();
    let weight = share.powi(-2);
    // The diagonals of the matrix: main, first and second below.
    let (mut main, mut first, mut second) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
    let mut right = vec![0.0; n];
    for (at, value) in series.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
        main[at] += 1.0;
        right[at] = *value;
    }
    for at in 1..n.saturating_sub(1) {
        for (offset, own) in [1.0, -2.0, 1.0].into_iter().enumerate() {
            main[at - 1 + offset] += weight * own * own;
        }
        first[at] += -2.0 * weight;
        first[at + 1] += -2.0 * weight;
        second[at + 1] += weight;
    }
    // L D Lᵀ, solved forward and backward; `first` and `second` become the rows of L.
    for at in 0..n {
        if at >= 2 {
            second[at] /= main[at - 2];
        }
        if at >= 1 {
            let beside = if at >= 2 {
                second[at] * first[at - 1] * main[at - 2]
            } else {
                0.0
            };
            first[at] = (first[at] - beside) / main[at - 1];
            main[at] -= first[at] * first[at] * main[at - 1];
            right[at] -= first[at] * right[at - 1];
        }
        if at >= 2 {
            main[at] -= second[at] * second[at] * main[at - 2];
            right[at] -= second[at] * right[at - 2];
        }
    }
    for at in (0..n).rev() {
        right[at] /= main[at];
        if at + 1 < n {
            right[at] -= first[at + 1] * right[at + 1];
        }
        if at + 2 < n {
            right[at] -= second[at + 2] * right[at + 2];
        }
    }
    right
}
