//! How sure a mean density is.

use libm::lgamma;

/// Degrees of freedom of a mean density over `segments` segments that follow one another `step` samples apart.
///
/// Welch (1967): `2K / (1 + 2 Σ_j (1 − j/K) ρ_j)` with `ρ_j` the squared correlation of the window with itself shifted by
/// `j` steps. Without overlap it is `2K`; for Hann windows that overlap by half about `36 K² / (19 K − 1)`.
pub fn degrees_of_freedom(segments: f64, window: &[f64], step: usize) -> f64 {
    if segments.is_nan() || segments <= 0.0 {
        return 0.0;
    }
    let power: f64 = window.iter().map(|weight| weight * weight).sum();
    let mut shared = 0.0;
    for shift in 1.. {
        let at = shift * step.max(1);
        let weight = 1.0 - shift as f64 / segments;
        if at >= window.len() || weight <= 0.0 {
            break;
        }
        let product: f64 = window.iter().zip(&window[at..]).map(|(a, b)| a * b).sum();
        shared += weight * (product / power).powi(2);
    }
    2.0 * segments / (1.0 + 2.0 * shared)
}

/// Factors that a mean density is multiplied by to get the ends of its interval of confidence (`level` from 0 to 1, such
/// as 0.95): `ν / χ²_ν` at the upper and lower tails. NaN without degrees of freedom.
pub fn confidence_factors(degrees_of_freedom: f64, level: f64) -> (f64, f64) {
    if !(degrees_of_freedom > 0.0 && level > 0.0 && level < 1.0) {
        return (f64::NAN, f64::NAN);
    }
    let tail = (1.0 - level) / 2.0;
    let factor = |probability| degrees_of_freedom / chi_squared_quantile(degrees_of_freedom, probability);
    (factor(1.0 - tail), factor(tail))
}

/// The squared coherence that two unrelated fields stay below with probability `level`: `1 − (1 − level)^(2/(ν−2))`; 1 for
/// two degrees of freedom or less.
pub fn coherence_significance(degrees_of_freedom: f64, level: f64) -> f64 {
    if degrees_of_freedom <= 2.0 {
        return 1.0;
    }
    1.0 - (1.0 - level).powf(2.0 / (degrees_of_freedom - 2.0))
}

/// The value that a chi-squared variable of `degrees_of_freedom` stays below with that probability; accurate to about
/// 1e-12 relative. NaN for a probability outside (0, 1).
pub fn chi_squared_quantile(degrees_of_freedom: f64, probability: f64) -> f64 {
    if !(probability > 0.0 && probability < 1.0 && degrees_of_freedom > 0.0) {
        return f64::NAN;
    }
    let shape = degrees_of_freedom / 2.0;
    // Bracketed, then Newton's steps that leave the bracket are replaced by halving it.
    let (mut low, mut high) = (0.0, shape.max(1.0));
    while lower_gamma(shape, high) < probability {
        low = high;
        high *= 2.0;
    }
    let mut x = 0.5 * (low + high);
    for _ in 0..200 {
        let excess = lower_gamma(shape, x) - probability;
        if excess > 0.0 {
            high = x;
        } else {
            low = x;
        }
        let density = ((shape - 1.0) * x.ln() - x - lgamma(shape)).exp();
        let newton = x - excess / density;
        let next = if newton > low && newton < high {
            newton
        } else {
            0.5 * (low + high)
        };
        if (next - x).abs() <= 1e-14 * x {
            return 2.0 * next;
        }
        x = next;
    }
    2.0 * x
}

/// The regularised lower incomplete gamma function: its series below the mean, the continued fraction of its complement
/// above (Abramowitz and Stegun 6.5.29 and 6.5.31).
fn lower_gamma(shape: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let front = (shape * x.ln() - x - lgamma(shape)).exp();
    if x < shape + 1.0 {
        let (mut term, mut sum, mut at) = (1.0 / shape, 1.0 / shape, shape);
        while term > sum * 1e-17 {
            at += 1.0;
            term *= x / at;
            sum += term;
        }
        return front * sum;
    }
    let tiny = 1e-300;
    let mut b = x + 1.0 - shape;
    let (mut c, mut d) = (1.0 / tiny, 1.0 / b);
    let mut fraction = d;
    for i in 1..1_000_000 {
        let i = f64::from(i);
        let a = -i * (i - shape);
        b += 2.0;
        d = a * d + b;
        c = b + a / c;
        d = 1.0 / if d.abs() < tiny { tiny } else { d };
        c = if c.abs() < tiny { tiny } else { c };
        let change = c * d;
        fraction *= change;
        if (change - 1.0).abs() < 1e-16 {
            break;
        }
    }
    1.0 - front * fraction
}
