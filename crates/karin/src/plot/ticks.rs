//! Round numbers along axes, and how they are written.

/// Round numbers from `low` to `high`, about `wanted` of them, and how many decimals they need.
pub(super) fn round_numbers(low: f64, high: f64, wanted: f64) -> (Vec<f64>, usize) {
    let span = high - low;
    if !(span > 0.0 && span.is_finite()) {
        return (vec![low], 3);
    }
    let rough = span / wanted.max(1.0);
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= rough * 0.999);
    let step = step.unwrap_or(10.0 * power);
    // 2.5 needs a decimal more than 1, 2 and 5.
    let digits = |decimals: usize| {
        (step * 10f64.powi(decimals as i32))
            .fract()
            .abs()
            .min(1.0 - (step * 10f64.powi(decimals as i32)).fract().abs())
    };
    let decimals = (0..12).find(|&decimals| digits(decimals) < 1e-6).unwrap_or(12);
    (multiples(low, high, step), decimals)
}

/// The power of ten in units of which numbers between these are written: 0 unless they are tiny or huge.
pub(super) fn power(low: f64, high: f64) -> i32 {
    let most = low.abs().max(high.abs());
    match most {
        most if most > 0.0 && most.is_finite() && !(1e-3..1e5).contains(&most) => most.log10().floor() as i32,
        _ => 0,
    }
}

/// Multiples of `step` from `low` to `high`.
pub(super) fn multiples(low: f64, high: f64, step: f64) -> Vec<f64> {
    let (first, last) = (
        (low / step - 1e-6).ceil() as i64,
        (high / step + 1e-6).floor() as i64,
    );
    (first..=last.min(first.saturating_add(1000)))
        .map(|index| index as f64 * step)
        .collect()
}

/// A number with a true minus sign; large and tiny ones with a power of ten.
pub(super) fn number(value: f64, decimals: usize) -> String {
    let text = if value != 0.0 && (value.abs() >= 1e7 || decimals > 6) {
        format!("{value:.2e}").replace(".00e", "e").replace("0e", "e")
    } else {
        format!("{value:.decimals$}")
    };
    let is_zero = text
        .trim_start_matches('-')
        .bytes()
        .all(|byte| matches!(byte, b'0' | b'.'));
    match text.strip_prefix('-') {
        Some(digits) if !is_zero => format!("−{}", digits.replace("e-", "e−")),
        Some(digits) => digits.to_owned(),
        None => text.replace("e-", "e−"),
    }
}

/// A step between meridians or parallels that gives at most `most` of them over `span` degrees.
pub(super) fn degree_step(span: f64, most: f64) -> f64 {
    const STEPS: [f64; 20] = [
        0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 15.0, 20.0, 30.0,
        45.0, 60.0, 90.0,
    ];
    STEPS
        .into_iter()
        .find(|step| span / step <= most)
        .unwrap_or(180.0)
}

/// `12.5°W`, `0°`, `180°`.
pub(super) fn meridian(longitude: f64) -> String {
    let longitude = karin_core::geo::wrap_180(longitude);
    match longitude {
        x if x.abs() < 1e-9 => "0°".to_owned(),
        x if x <= -180.0 + 1e-9 => "180°".to_owned(),
        x => format!("{}°{}", degrees(x), if x < 0.0 { 'W' } else { 'E' }),
    }
}

/// `47°N`, `0°`.
pub(super) fn parallel(latitude: f64) -> String {
    match latitude {
        y if y.abs() < 1e-9 => "0°".to_owned(),
        y => format!("{}°{}", degrees(y), if y < 0.0 { 'S' } else { 'N' }),
    }
}

fn degrees(value: f64) -> String {
    let text = format!("{:.3}", value.abs());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(round_numbers(-0.31, 0.31, 6.0), (vec![-0.2, 0.0, 0.2], 1));
        assert_eq!(round_numbers(0.0, 1.0, 4.0), (vec![0.0, 0.25, 0.5, 0.75, 1.0], 2));
        assert_eq!(round_numbers(-30.0, 50.0, 8.0).0.len(), 9);
        assert_eq!(round_numbers(3.0, 3.0, 5.0).0, [3.0]);
        assert_eq!(round_numbers(0.0, 4e9, 5.0).0.len(), 5);
    }

    #[test]
    fn numbers_are_written_as_one_reads_them() {
        for (value, decimals, text) in [
            (-0.2, 1, "−0.2"),
            (0.0, 2, "0.00"),
            (-1e-12, 1, "0.0"),
            (2e9, 0, "2e9"),
            (2.5e8, 0, "2.5e8"),
            (1500.0, 0, "1500"),
            (-3e-9, 9, "−3e−9"),
        ] {
            assert_eq!(number(value, decimals), text);
        }
    }

    #[test]
    fn degrees_say_their_hemisphere() {
        assert_eq!(
            [meridian(190.0), meridian(-180.0), meridian(360.0), meridian(12.5)],
            ["170°W", "180°", "0°", "12.5°E"]
        );
        assert_eq!(
            [parallel(-45.0), parallel(0.0), parallel(0.05)],
            ["45°S", "0°", "0.05°N"]
        );
        assert_eq!(degree_step(360.0, 8.0), 45.0);
        assert_eq!(degree_step(10.0, 7.0), 2.0);
    }
}
