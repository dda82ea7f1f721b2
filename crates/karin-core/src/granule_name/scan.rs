//! The scanner: finds the product's words in a name, then its fields.

use jiff::civil::{Date, DateTime, Time, date};

use super::{GranuleName, NameError, ParsedName, half_orbit};
use crate::{HalfOrbit, Product, Version};

/// How the times of a family of names are written.
#[derive(Clone, Copy, PartialEq)]
enum Stamp {
    /// `20240210T140442`
    T,
    /// `20240210_140442`
    Underscore,
}

/// What the words at the start of a name say, and where its fields begin.
struct Head<'a> {
    product: Product,
    variant: String,
    version: Option<Version>,
    stamp: Stamp,
    before: &'a str,
    fields: &'a str,
}

/// The fields found so far.
#[derive(Default)]
struct Fields<'a> {
    half_orbit: Option<HalfOrbit>,
    period: Option<(f64, f64)>,
    version: Option<Version>,
    /// Pieces that mean nothing in a producer's name.
    strange: Vec<&'a str>,
}

pub(super) fn parse(file_name: &str) -> Result<ParsedName, NameError> {
    let name = file_name.rsplit(['/', '\\']).next().unwrap_or(file_name);
    let stem = strip_suffix_ignore_case(name, ".nc").unwrap_or(name);
    if let Some(map) = parse_map(name, stem)? {
        return Ok(map);
    }
    let Some(mut head) = find_head(stem) else {
        return Err(NameError::NotAGranule {
            name: file_name.to_owned(),
        });
    };
    let impossible = |reason| NameError::Impossible {
        name: file_name.to_owned(),
        reason,
    };
    let mut fields = scan_fields(&head).map_err(impossible)?;
    if head.product == Product::L3WindWave
        && let Some(at) = fields.strange.iter().position(|piece| *piece == "light")
        && head.variant.is_empty()
    {
        fields.strange.remove(at);
        head.variant = "light".to_owned();
    }
    let version = fields.version.or(head.version);
    let mut parsed = ParsedName {
        product: head.product,
        name: None,
        half_orbit: fields.half_orbit,
        period: fields.period,
        version: version.clone(),
        warnings: Vec::new(),
    };
    if let (Some(half_orbit), Some((start, end)), Some(version)) = (fields.half_orbit, fields.period, version)
    {
        let (product, variant) = (head.product, head.variant);
        parsed.name = Some(GranuleName {
            product,
            half_orbit,
            start,
            end,
            version,
            variant,
        });
    }
    warn(&mut parsed, name, head.before, &fields.strange);
    Ok(parsed)
}

/// Says what is unusual: whatever makes the name differ from the producer's.
fn warn(parsed: &mut ParsedName, name: &str, before: &str, strange: &[&str]) {
    let Some(granule) = &parsed.name else {
        parsed
            .warnings
            .push(format!("{name}: the name lacks {}", parsed.missing()));
        return;
    };
    let usual = granule.file_name();
    // Level 3 folders and some files write the version with underscores.
    if name == usual || underscored(granule, &usual).is_some_and(|other| other == name) {
        return;
    }
    let added: Vec<&str> = std::iter::once(before)
        .chain(strange.iter().copied())
        .filter(|s| !s.is_empty())
        .collect();
    let detail = if added.is_empty() {
        String::new()
    } else {
        format!(" (added: {})", added.join(", "))
    };
    parsed.warnings.push(format!(
        "{name}: a renamed copy of {usual}{detail}; it may not be the whole granule"
    ));
}

fn underscored(granule: &GranuleName, usual: &str) -> Option<String> {
    let version = granule.version.to_string();
    matches!(granule.version, Version::Release { .. })
        .then(|| usual.replace(&version, &version.replace('.', "_")))
}

/// Finds the words of a half-orbit product anywhere in the name.
fn find_head(stem: &str) -> Option<Head<'_>> {
    const FAMILIES: [&str; 4] = [
        "swot_l2_lr_ssh_",
        "swot_l3_lr_ssh_",
        "swot_l3_lr_wind_wave_",
        "swot_l1b_lr_intf_",
    ];
    let lower = stem.to_ascii_lowercase();
    let (at, family) = FAMILIES
        .iter()
        .find_map(|family| lower.find(family).map(|at| (at, *family)))
        .or_else(|| lower.find("swot_").map(|at| (at, "swot_")))?;
    let (before, rest) = (stem.get(..at)?, stem.get(at + family.len()..)?);
    let head = |product, variant: &str, fields| Head {
        product,
        variant: variant.to_owned(),
        version: None,
        stamp: Stamp::T,
        before,
        fields,
    };
    match family {
        "swot_l1b_lr_intf_" => Some(head(Product::L1bInterferogram, "", rest)),
        "swot_l3_lr_wind_wave_" => {
            let extended = rest
                .split_once('_')
                .filter(|(word, _)| word.eq_ignore_ascii_case("extended"));
            Some(extended.map_or_else(
                || head(Product::L3WindWave, "", rest),
                |(_, fields)| head(Product::L3WindWave, "Extended", fields),
            ))
        }
        "swot_" => nadir_head(before, rest),
        _ => {
            let (kind, fields) = rest.split_once('_').unwrap_or((rest, ""));
            let words = family.get("swot_".len()..)?;
            Product::parse(&format!("{words}{kind}"))
                .ok()
                .map(|product| head(product, "", fields))
        }
    }
}

/// `GPN_2PfP012_428_…` and `IPRAD_2PaP012_428_…`, after `SWOT_`.
fn nadir_head<'a>(before: &'a str, rest: &'a str) -> Option<Head<'a>> {
    let (word, after) = rest.split_once('_')?;
    let after = after.strip_prefix("2P")?;
    let letter = after.chars().next().filter(char::is_ascii_alphabetic)?;
    let fields = after.get(1..)?.strip_prefix('P')?;
    let head = |product, variant: &str, version| {
        Some(Head {
            product,
            variant: variant.to_owned(),
            version,
            stamp: Stamp::Underscore,
            before,
            fields,
        })
    };
    let version = Some(Version::Other(letter.to_string()));
    match word {
        "GPRAD" if letter == 'a' => head(Product::RadiometerGdr, "", None),
        "IPRAD" if letter == 'a' => head(Product::RadiometerIgdr, "", None),
        "GPN" | "GPR" | "GPS" => head(Product::NadirGdr, word.get(2..)?, version),
        "IPN" | "IPR" | "IPS" => head(Product::NadirIgdr, word.get(2..)?, version),
        "OPN" | "OPR" | "OPS" => head(Product::NadirOgdr, word.get(2..)?, version),
        _ => None,
    }
}

/// The two letters that nadir names begin with.
pub(super) const fn nadir_class(product: Product) -> &'static str {
    match product {
        Product::NadirIgdr => "IP",
        Product::NadirOgdr => "OP",
        _ => "GP",
    }
}

/// Reads the fields from left to right; whatever fits none is set aside.
fn scan_fields<'a>(head: &Head<'a>) -> Result<Fields<'a>, String> {
    let mut found = Fields::default();
    let mut rest = head.fields;
    // Bounds the work on hostile names: real ones have at most a dozen pieces.
    for _ in 0..64 {
        if rest.is_empty() {
            break;
        }
        let after = if found.half_orbit.is_none()
            && found.period.is_none()
            && let Some((cycle, pass, after)) = take_half_orbit(rest)
        {
            found.half_orbit = Some(half_orbit(cycle, pass)?);
            after
        } else if found.period.is_none()
            && let Some((digits, after)) = take_period(rest, head.stamp)
        {
            found.period = Some(period(digits)?);
            after
        } else if found.version.is_none()
            && head.version.is_none()
            && let Some((version, after)) = take_version(rest, head.product)
        {
            found.version = Some(version);
            after
        } else {
            let (piece, after) = rest.split_once('_').unwrap_or((rest, ""));
            found.strange.push(piece);
            rest = after;
            continue;
        };
        rest = after.trim_start_matches(['_', '-', '.']);
    }
    Ok(found)
}

fn take_version(text: &str, product: Product) -> Option<(Version, &str)> {
    let level3 = product.is_level3_ssh() || product == Product::L3WindWave;
    if level3 {
        Version::take_release(text)
    } else {
        Version::take_crid(text)
    }
}

/// `026_165`, not followed by a further digit.
fn take_half_orbit(text: &str) -> Option<(u16, u16, &str)> {
    let (cycle, rest) = take_digits(text, 3)?;
    let (pass, rest) = take_digits(rest.strip_prefix('_')?, 3)?;
    (!rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
        .then(|| Some((cycle.parse().ok()?, pass.parse().ok()?, rest)))?
}

/// The eight-digit dates and six-digit times of start and end.
fn take_period(text: &str, stamp: Stamp) -> Option<([&str; 4], &str)> {
    let middle = if stamp == Stamp::T { 'T' } else { '_' };
    let (start_date, rest) = take_digits(text, 8)?;
    let (start_time, rest) = take_digits(rest.strip_prefix(middle)?, 6)?;
    let (end_date, rest) = take_digits(rest.strip_prefix('_')?, 8)?;
    let (end_time, rest) = take_digits(rest.strip_prefix(middle)?, 6)?;
    Some(([start_date, start_time, end_date, end_time], rest))
}

fn take_digits(text: &str, count: usize) -> Option<(&str, &str)> {
    let (digits, rest) = (text.get(..count)?, text.get(count..)?);
    digits
        .bytes()
        .all(|b| b.is_ascii_digit())
        .then_some((digits, rest))
}

fn period([start_date, start_time, end_date, end_time]: [&str; 4]) -> Result<(f64, f64), String> {
    let start = seconds(start_date, start_time)?;
    let end = seconds(end_date, end_time)?;
    // A pass lasts 51 minutes; a day leaves room for whatever a producer may concatenate.
    if end < start || end - start > 86_400.0 {
        return Err(format!(
            "it starts at {start_date}T{start_time} and ends at {end_date}T{end_time}"
        ));
    }
    Ok((start, end))
}

const fn epoch() -> DateTime {
    date(2000, 1, 1).at(0, 0, 0, 0)
}

/// Seconds since 2000-01-01 of `YYYYMMDD` and `HHMMSS`.
fn seconds(day: &str, time: &str) -> Result<f64, String> {
    let number = |text: Option<&str>| text.and_then(|digits| digits.parse::<i8>().ok());
    let moment = || {
        let year = day.get(..4)?.parse().ok()?;
        let date = Date::new(year, number(day.get(4..6))?, number(day.get(6..8))?).ok()?;
        let time = Time::new(
            number(time.get(..2))?,
            number(time.get(2..4))?,
            number(time.get(4..6))?,
            0,
        )
        .ok()?;
        Some(date.to_datetime(time))
    };
    let moment = moment().ok_or_else(|| format!("{day}T{time} is not a time"))?;
    Ok(moment.duration_since(epoch()).as_secs_f64())
}

/// `YYYYMMDDTHHMMSS` of seconds since 2000-01-01, with `between` for the `T`; the last moment of year 9999 for
/// times beyond the calendar.
pub(super) fn stamp(seconds: f64, between: char) -> String {
    let moment = jiff::SignedDuration::try_from_secs_f64(seconds.round())
        .ok()
        .and_then(|duration| epoch().checked_add(duration).ok())
        .unwrap_or(DateTime::MAX);
    let (date, time) = (moment.date(), moment.time());
    format!(
        "{:04}{:02}{:02}{between}{:02}{:02}{:02}",
        date.year(),
        date.month(),
        date.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

/// `dt_global_allsat_phy_l4_20190101_20190515.nc`: a map of one day, produced on another.
fn parse_map(name: &str, stem: &str) -> Result<Option<ParsedName>, NameError> {
    const WORDS: &str = "_allsat_phy_l4_";
    let Some(at) = stem.find(WORDS) else {
        return Ok(None);
    };
    let (source, rest) = (
        stem.get(..at).unwrap_or(""),
        stem.get(at + WORDS.len()..).unwrap_or(""),
    );
    let not_a_granule = || NameError::NotAGranule {
        name: name.to_owned(),
    };
    let (kind, _area) = source.rsplit_once('_').ok_or_else(not_a_granule)?;
    let (day, rest) = take_digits(rest, 8).ok_or_else(not_a_granule)?;
    let (hour, rest) = match rest.strip_prefix('T').and_then(|after| take_digits(after, 2)) {
        Some((hour, rest)) => (Some(hour), rest),
        None => (None, rest),
    };
    let (produced, rest) = rest
        .strip_prefix('_')
        .and_then(|after| take_digits(after, 8))
        .ok_or_else(not_a_granule)?;
    let impossible = |reason| NameError::Impossible {
        name: name.to_owned(),
        reason,
    };
    let start = seconds(day, &format!("{}0000", hour.unwrap_or("00"))).map_err(impossible)?;
    seconds(produced, "000000").map_err(impossible)?;
    let length = if hour.is_some() { 3_600.0 } else { 86_400.0 };
    let mut warnings = Vec::new();
    if !rest.is_empty() || !matches!(kind, "nrt" | "dt") || !name.ends_with(".nc") {
        warnings.push(format!("{name}: a renamed copy of a map"));
    }
    Ok(Some(ParsedName {
        product: Product::L4,
        name: None,
        half_orbit: None,
        period: Some((start, start + length)),
        version: Some(Version::Other(produced.to_owned())),
        warnings,
    }))
}

fn strip_suffix_ignore_case<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let at = text.len().checked_sub(suffix.len())?;
    text.get(at..)?
        .eq_ignore_ascii_case(suffix)
        .then(|| text.get(..at))?
}
