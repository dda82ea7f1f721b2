//! Weights of symmetric kernels, `2h + 1` of them, with the sum 1.

fn normalised(half: usize, weight: impl Fn(f64) -> f64) -> Vec<f64> {
    let half = half as i64;
    let weights: Vec<f64> = (-half..=half).map(|offset| weight(offset as f64)).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

/// `exp(−x² / 2σ²)` for offsets up to four standard deviations (`sigma` in samples): as `scipy.ndimage.gaussian_filter`. Halves
/// the amplitude of waves of 5.34 σ. A `sigma` of 0 leaves everything as it is.
pub fn gaussian(sigma: f64) -> Vec<f64> {
    if sigma.is_nan() || sigma <= 0.0 {
        return vec![1.0];
    }
    let half = (4.0 * sigma + 0.5) as usize;
    normalised(half, |x| (-0.5 * (x / sigma).powi(2)).exp())
}

/// Equal weights over `2h + 1` samples.
pub fn boxcar(half: usize) -> Vec<f64> {
    normalised(half, |_| 1.0)
}

/// The low-pass of Lanczos (Duchon 1979, J. Appl. Meteorol. 18): `2f sinc(2fx) sinc(x/h)` with the cut-off `frequency` in cycles
/// per sample and the half width `h` in samples. Half the amplitude of waves of the cut-off passes; the wider, the sharper.
pub fn lanczos(frequency: f64, half: usize) -> Vec<f64> {
    let sinc = |x: f64| {
        let x = std::f64::consts::PI * x;
        if x == 0.0 { 1.0 } else { x.sin() / x }
    };
    let half = half.max(1);
    normalised(half, |x| {
        2.0 * frequency * sinc(2.0 * frequency * x) * sinc(x / half as f64)
    })
}
