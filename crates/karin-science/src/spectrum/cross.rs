//! What cross-spectra say.

/// Squared coherence `|S_xy|² / (S_xx S_yy)`, from 0 to 1; NaN where a field has no power.
pub fn coherence_squared(xx: &[f64], yy: &[f64], xy_real: &[f64], xy_imaginary: &[f64]) -> Vec<f64> {
    let powers = xx.iter().zip(yy);
    let cross = xy_real.iter().zip(xy_imaginary);
    powers
        .zip(cross)
        .map(|((xx, yy), (real, imaginary))| (real * real + imaginary * imaginary) / (xx * yy))
        .collect()
}

/// Phase of `S_xy = ⟨conj(X) Y⟩` in degrees from -180 to 180: positive where the second field comes before the first.
pub fn phase_degrees(xy_real: &[f64], xy_imaginary: &[f64]) -> Vec<f64> {
    let cross = xy_real.iter().zip(xy_imaginary);
    cross
        .map(|(real, imaginary)| imaginary.atan2(*real).to_degrees())
        .collect()
}
