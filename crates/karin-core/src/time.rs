//! Times as SWOT granules count them: `f64` seconds since 2000-01-01T00:00:00 UTC, leap seconds not counted.
//!
//! At the mission's dates such a number resolves 0.12 microseconds. NaN is "no time" and lies in no range.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, date};
use serde::{Deserialize, Serialize};

use crate::suggest::did_you_mean;

/// Seconds of a day.
pub const DAY: f64 = 86_400.0;

const EPOCH: DateTime = date(2000, 1, 1).at(0, 0, 0, 0);

/// A text that is not a time, a range of times or a unit of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not {expected}{reason}")]
pub struct TimeError {
    /// What was given.
    pub text: String,
    /// What it should have been, with an example.
    pub expected: &'static str,
    /// What is wrong with it; empty if that is plain, else beginning with a separator.
    pub reason: String,
}

/// A moment as a user or a granule writes it: `2024-02-01`, `2024-02-01T12:30`, `2024-02-01T12:30:15.250000Z`
/// (a space for the `T` and a missing `Z` are fine; it is always UTC).
///
/// # Errors
/// If it is no such text, or no day or time of the calendar.
pub fn parse_instant(text: &str) -> Result<f64, TimeError> {
    Ok(parse_span(text)?.0)
}

/// First moment and length in seconds of what the text names: a whole year, month or day if it stops there, else 0.
fn parse_span(text: &str) -> Result<(f64, f64), TimeError> {
    let error = |reason: String| TimeError {
        text: text.to_owned(),
        expected: "a UTC time (expected 2024-02-01, 2024-02 or 2024-02-01T12:30:15.25Z)",
        reason,
    };
    let plain = text.trim().trim_end_matches(['Z', 'z']);
    let is_plain =
        |byte: u8| byte.is_ascii_digit() || matches!(byte, b'-' | b':' | b'.' | b' ' | b'T' | b't');
    let date_part = plain.get(..10).unwrap_or(plain);
    let has_offset = plain.get(10..).is_some_and(|time| time.contains(['-', '+']));
    if plain.len() > 32
        || !plain.bytes().all(is_plain)
        || !date_part.starts_with(|c: char| c.is_ascii_digit())
        || has_offset
    {
        return Err(error(String::new()));
    }
    let calendar = |reason: jiff::Error| error(format!(": {reason}"));
    if let [year, rest @ ..] = plain.split('-').collect::<Vec<_>>().as_slice()
        && year.len() == 4
        && rest.len() < 2
        && rest.iter().all(|month| month.len() == 2)
    {
        let first: Date = format!("{year}-{}-01", rest.first().unwrap_or(&"01"))
            .parse()
            .map_err(calendar)?;
        let days = if rest.is_empty() {
            first.days_in_year()
        } else {
            i16::from(first.days_in_month())
        };
        return Ok((seconds_of(first.at(0, 0, 0, 0)), f64::from(days) * DAY));
    }
    let moment: DateTime = plain.parse().map_err(calendar)?;
    Ok((seconds_of(moment), if plain.len() == 10 { DAY } else { 0.0 }))
}

fn seconds_of(moment: DateTime) -> f64 {
    let since = moment.duration_since(EPOCH);
    since.as_secs() as f64 + f64::from(since.subsec_nanos()) / 1e9
}

/// The date and time of the calendar, rounded to microseconds; `None` for NaN and what lies outside years -9999 to 9999.
fn civil(seconds: f64) -> Option<DateTime> {
    if seconds.is_nan() || seconds.abs() > 1e12 {
        return None;
    }
    let whole = seconds.floor();
    let micros = ((seconds - whole) * 1e6).round();
    let duration =
        SignedDuration::new(whole as i64, 0).checked_add(SignedDuration::from_micros(micros as i64))?;
    EPOCH.checked_add(duration).ok()
}

/// `2024-02-01T12:30:15.250000Z`: fractions to the microsecond, without trailing zeros; `NaT` where there is no date.
///
/// ```
/// use karin_core::time::{format_instant, parse_instant};
/// assert_eq!(format_instant(parse_instant("2023-07-26 17:36:37.25")?), "2023-07-26T17:36:37.25Z");
/// # Ok::<(), karin_core::time::TimeError>(())
/// ```
pub fn format_instant(seconds: f64) -> String {
    civil(seconds).map_or_else(|| "NaT".to_owned(), |moment| format!("{moment}Z"))
}

/// A calendar day, the key of `by day`; displays as `2024-02-01`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day {
    /// Days since 2000-01-01.
    pub number: i32,
}

/// A calendar month, the key of `by month`; displays as `2024-02`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    /// Year.
    pub year: i16,
    /// 1 to 12.
    pub month: i8,
}

impl Day {
    /// The day of that time; `None` for NaN, infinities and times outside the calendar.
    pub fn of(seconds: f64) -> Option<Self> {
        (seconds.abs() <= 2e11).then(|| Self {
            number: (seconds / DAY).floor() as i32,
        })
    }

    /// Midnight at which it begins.
    pub fn start(self) -> f64 {
        f64::from(self.number) * DAY
    }
}

impl Month {
    /// The month of that time; `None` for NaN, infinities and times outside the calendar.
    pub fn of(seconds: f64) -> Option<Self> {
        let date = civil(Day::of(seconds)?.start())?.date();
        Some(Self {
            year: date.year(),
            month: date.month(),
        })
    }

    /// Midnight at which it begins.
    pub fn start(self) -> f64 {
        Date::new(self.year, self.month, 1).map_or(f64::NAN, |first| seconds_of(first.at(0, 0, 0, 0)))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match civil(self.start()) {
            Some(moment) => write!(formatter, "{}", moment.date()),
            None => formatter.write_str("NaT"),
        }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04}-{:02}", self.year, self.month)
    }
}

/// Times from `start` on and before `end`: `[start, end)`. An end that is `None` is open.
///
/// Written `A..B`, `A..`, `..B`, or alone as a day, month or year, which is the whole of it. In `A..B` a bare date
/// is its midnight, so `2024-02-01..2024-03-01` is February.
///
/// ```
/// use karin_core::TimeRange;
/// let february: TimeRange = "2024-02-01..2024-03-01".parse()?;
/// assert_eq!(february, "2024-02".parse()?);
/// # Ok::<(), karin_core::time::TimeError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct TimeRange {
    /// First moment inside.
    pub start: Option<f64>,
    /// First moment after it.
    pub end: Option<f64>,
}

impl TimeRange {
    /// From `start` on, before `end`.
    pub const fn new(start: f64, end: f64) -> Self {
        Self {
            start: Some(start),
            end: Some(end),
        }
    }

    /// True if the time lies inside; never for NaN.
    pub fn contains(&self, seconds: f64) -> bool {
        seconds >= self.start.unwrap_or(f64::NEG_INFINITY) && seconds < self.end.unwrap_or(f64::INFINITY)
    }

    /// True if some moment from `first` to `last`, both included, lies inside.
    pub fn overlaps(&self, first: f64, last: f64) -> bool {
        last >= self.start.unwrap_or(f64::NEG_INFINITY) && first < self.end.unwrap_or(f64::INFINITY)
    }
}

impl FromStr for TimeRange {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |reason: &str| TimeError {
            text: text.to_owned(),
            expected: "a range of times (expected A..B, A.., ..B or one date)",
            reason: reason.to_owned(),
        };
        let Some((start, end)) = text.split_once("..") else {
            let (start, length) = parse_span(text)?;
            if length == 0.0 {
                return Err(error(": one moment holds no line; give a date or both ends"));
            }
            return Ok(Self::new(start, start + length));
        };
        let end_of = |part: &str| match part.trim() {
            "" => Ok(None),
            part => parse_instant(part).map(Some),
        };
        let range = Self {
            start: end_of(start)?,
            end: end_of(end)?,
        };
        match (range.start, range.end) {
            (None, None) => Err(error(": both ends are open")),
            (Some(start), Some(end)) if start >= end => Err(error(": it ends before it begins")),
            _ => Ok(range),
        }
    }
}

impl fmt::Display for TimeRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |end: Option<f64>| end.map(format_instant).unwrap_or_default();
        write!(formatter, "{}..{}", side(self.start), side(self.end))
    }
}

impl From<TimeRange> for String {
    fn from(range: TimeRange) -> Self {
        range.to_string()
    }
}

impl TryFrom<String> for TimeRange {
    type Error = TimeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// What a `units` attribute of a time variable says: how long a unit is and where zero lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeUnits {
    /// Length of one unit.
    pub unit_seconds: f64,
    /// Where it counts from, in seconds since 2000-01-01 UTC.
    pub zero: f64,
}

impl TimeUnits {
    /// What the time variables of SWOT swath products use.
    pub const SWOT: Self = Self {
        unit_seconds: 1.0,
        zero: 0.0,
    };

    /// Parses `seconds since 2000-01-01 00:00:00.0`, `days since 1950-01-01`, as CF writes it.
    ///
    /// # Errors
    /// If it is not of that form; so are the template strings that some granules were left with
    /// (`seconds since ${YYYY}-01-01`). A caller who knows the product falls back to [`TimeUnits::SWOT`].
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let error = |reason: String| TimeError {
            text: text.to_owned(),
            expected: "a unit of time (expected as: seconds since 2000-01-01 00:00:00.0)",
            reason,
        };
        let (unit, since) = text
            .trim()
            .split_once(" since ")
            .ok_or_else(|| error(String::new()))?;
        let unit = unit.trim().to_ascii_lowercase();
        let unit_seconds = match unit.as_str() {
            "microsecond" | "microseconds" | "us" => 1e-6,
            "millisecond" | "milliseconds" | "ms" | "msec" => 1e-3,
            "second" | "seconds" | "s" | "sec" | "secs" => 1.0,
            "minute" | "minutes" | "min" | "mins" => 60.0,
            "hour" | "hours" | "h" | "hr" | "hrs" => 3600.0,
            "day" | "days" | "d" => DAY,
            _ => {
                let known = [
                    "seconds",
                    "minutes",
                    "hours",
                    "days",
                    "milliseconds",
                    "microseconds",
                ];
                return Err(error(format!(": unknown unit{}", did_you_mean(&unit, known))));
            }
        };
        let since = since.trim().trim_end_matches("UTC").trim_end();
        let zero = parse_instant(since.trim_end_matches("+00:00").trim_end_matches(" +0:00"))
            .map_err(|_| error(": no date after 'since'".to_owned()))?;
        Ok(Self { unit_seconds, zero })
    }

    /// Seconds since 2000-01-01 UTC of a number of these units.
    pub fn to_seconds(self, value: f64) -> f64 {
        value * self.unit_seconds + self.zero
    }
}

#[cfg(test)]
mod tests;
