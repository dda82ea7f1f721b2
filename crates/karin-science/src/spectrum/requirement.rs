//! What SWOT has to reach.

/// Wavelengths for which the requirement holds, shortest and longest, in kilometres.
pub const REQUIREMENT_WAVELENGTHS_KM: (f64, f64) = (15.0, 1000.0);

/// The requirement on errors of height along track, in cm² per cycle per kilometre: `2 + 0.00125 k⁻²` with `k` in cycles per
/// kilometre, for wavelengths from 15 to 1,000 km; NaN beyond. Source: SWOT Project Mission Performance and Error Budget
/// (JPL D-79084).
pub fn requirement_cm2_per_cpkm(wavenumber: f64) -> f64 {
    let (shortest, longest) = REQUIREMENT_WAVELENGTHS_KM;
    // Wavenumbers of whole kilometres belong to the range whatever their rounding.
    let room = 1.0 + 1e-9;
    if (1.0 / longest / room..=room / shortest).contains(&wavenumber) {
        2.0 + 0.00125 / (wavenumber * wavenumber)
    } else {
        f64::NAN
    }
}
