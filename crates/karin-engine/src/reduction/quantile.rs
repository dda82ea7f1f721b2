//! Exact order statistics.

use super::Statistic;

/// A statistic that needs every value, of `len` values in their order; NaN for statistics that do not.
pub fn of_order(statistic: Statistic, len: usize, value: impl Fn(usize) -> f64) -> f64 {
    match statistic {
        Statistic::Median => of_sorted(len, 0.5, value),
        Statistic::Quantile(q) => of_sorted(len, q, value),
        Statistic::MedianAbsoluteDeviation => median_absolute_deviation(len, value),
        _ => f64::NAN,
    }
}

/// The median of the distances of sorted values to their median; NaN without values.
///
/// Distances grow from the middle to both ends, so that the smaller half of them is found by walking outwards.
pub fn median_absolute_deviation(len: usize, value: impl Fn(usize) -> f64) -> f64 {
    if len == 0 {
        return f64::NAN;
    }
    let median = of_sorted(len, 0.5, &value);
    let distance = |at: usize| (value(at) - median).abs();
    // Next to the left is `left - 1`, next to the right `right`.
    let (mut left, mut right) = (len / 2, len / 2);
    let (mut before, mut last) = (f64::NAN, f64::NAN);
    for _ in 0..=len / 2 {
        let to_left = if left > 0 {
            distance(left - 1)
        } else {
            f64::INFINITY
        };
        let to_right = if right < len {
            distance(right)
        } else {
            f64::INFINITY
        };
        before = last;
        if to_left < to_right {
            last = to_left;
            left -= 1;
        } else {
            last = to_right;
            right += 1;
        }
    }
    if len % 2 == 1 {
        last
    } else {
        f64::midpoint(before, last)
    }
}

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
