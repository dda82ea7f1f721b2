//! Exact order statistics.

/// The value at fraction `q` of sorted values, interpolated linearly between neighbours as numpy does by default;
/// NaN without values.
pub fn of_sorted(len: usize, q: f64, value: impl Fn(usize) -> f64) -> f64 {
    if len == 0 {
        return f64::NAN;
    }
    let position = q * (len - 1) as f64;
    let below = (position.floor() as usize).min(len - 1);
    let above = (below + 1).min(len - 1);
    let (a, b) = (value(below), value(above));
    let part = position - below as f64;
    if part == 0.0 || a == b {
        a
    } else if part >= 0.5 {
        b - (b - a) * (1.0 - part)
    } else {
        a + (b - a) * part
    }
}
