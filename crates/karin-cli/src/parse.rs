//! Values of options that clap does not know by itself.

/// A memory budget, as [`size`] and at least what a whole granule takes.
pub fn memory(text: &str) -> Result<u64, String> {
    let bytes = size(text)?;
    if bytes < MINIMUM_MEMORY {
        return Err(format!(
            "`{}` is too small: at least 64MiB are needed",
            text.trim()
        ));
    }
    Ok(bytes)
}

/// Bytes from `512MiB`, `2GB`, `1.5G`, `4096`; binary units with `i` or as a single letter, decimal ones with `B` alone.
pub fn size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: f64 = number
        .parse()
        .map_err(|_| format!("`{text}` is not a size: try 512MiB or 2GB"))?;
    let factor: f64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kib" => 1024.0,
        "m" | "mib" => 1024.0 * 1024.0,
        "g" | "gib" => 1024.0 * 1024.0 * 1024.0,
        "t" | "tib" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        "tb" => 1e12,
        other => {
            return Err(format!(
                "`{other}` is not a unit of size: use KiB, MiB, GiB, KB, MB or GB"
            ));
        }
    };
    let bytes = (number * factor).round();
    if !(1.0..1e18).contains(&bytes) {
        return Err(format!("`{text}` is too small or too large"));
    }
    Ok(bytes as u64)
}

/// Kilometres from `1000km`, `500 m` or a bare number of kilometres.
pub fn kilometres(text: &str) -> Result<f64, String> {
    let text = text.trim();
    let (number, factor) = match (text.strip_suffix("km"), text.strip_suffix('m')) {
        (Some(number), _) => (number, 1.0),
        (None, Some(number)) => (number, 1e-3),
        (None, None) => (text, 1.0),
    };
    let length = number.trim().parse().ok().map(|number: f64| number * factor);
    length
        .filter(|length| *length > 0.0 && length.is_finite())
        .ok_or_else(|| format!("`{text}` is not a length: try 1000km or 500m"))
}

/// The smallest budget in which a whole Expert granule can be handled.
const MINIMUM_MEMORY: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use super::{kilometres, memory, size};

    #[test]
    fn lengths_are_read_in_kilometres_and_metres() {
        assert_eq!(kilometres("1000km"), Ok(1000.0));
        assert_eq!(kilometres("250 m"), Ok(0.25));
        assert_eq!(kilometres("12.5"), Ok(12.5));
        for text in ["", "far", "-3km", "0", "inf km", "NaN"] {
            assert!(kilometres(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_read_in_both_kinds_of_units() {
        assert_eq!(memory("512MiB"), Ok(512 << 20));
        assert_eq!(memory("1.5G"), Ok(3 << 29));
        assert_eq!(memory("2 GB"), Ok(2_000_000_000));
        assert_eq!(memory("67108864"), Ok(64 << 20));
    }

    #[test]
    fn a_rate_may_be_small() {
        assert_eq!(size("20kB"), Ok(20_000));
        assert!(size("0").is_err() && size("-1").is_err());
    }

    #[test]
    fn nonsense_is_refused_with_a_way_out() {
        for text in ["", "much", "12parsecs", "1KiB", "-5GiB", "NaN", "1e99GiB"] {
            assert!(memory(text).is_err(), "{text}");
        }
    }
}
