//! Versions of granules, and which of two is newer.

use serde::{Deserialize, Serialize};

use crate::pattern::matches_pattern;
use crate::{ErrorKind, Schema};

/// Forward (`I`) or reprocessed (`G`); reprocessed is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Processing {
    /// `I`: processed as the data came in.
    Forward,
    /// `G`: processed again later, with better inputs.
    Reprocessed,
}

/// The version of a granule, as its name says it. Inside a schema, greater is newer: baseline letter, then
/// reprocessed over forward, then minor, then counter; releases of level 3 by their numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// Anything else: pre-launch sets (`DG10_01`, `VI0001_01`), the letter of a nadir product, the production date
    /// of a map. Sorted as text.
    Other(String),
    /// Level 1 and 2: `PIC0_01`.
    Crid {
        /// Baseline: an upper-case ASCII letter.
        baseline: u8,
        /// Forward or reprocessed.
        processing: Processing,
        /// The digit after the baseline.
        minor: u8,
        /// The product counter after the CRID.
        counter: u8,
    },
    /// Level 3: `v2.0.1`.
    Release {
        /// First number: the schema.
        major: u16,
        /// Second number.
        minor: u16,
        /// Third number, where there is one.
        patch: Option<u16>,
    },
}

impl Version {
    /// The version of that text: `PIC0_01`, `v2.0.1`, `v2_0_1`; any other text is [`Version::Other`].
    pub fn parse(text: &str) -> Self {
        let whole = |(version, rest): (Self, &str)| rest.is_empty().then_some(version);
        Self::take_crid(text)
            .and_then(whole)
            .or_else(|| Self::take_release(text).and_then(whole))
            .unwrap_or_else(|| Self::Other(text.to_owned()))
    }

    /// Reads `PIC0_01`, `DG10_01` or `VI0001_01` at the start of `text`; returns what follows too.
    pub(crate) fn take_crid(text: &str) -> Option<(Self, &str)> {
        let (word, rest) = text.split_once('_')?;
        let (digits, after) = (rest.get(..2)?, rest.get(2..)?);
        let counter: u8 = digits
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| digits.parse().ok())??;
        if after.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return None;
        }
        let upper = word.to_ascii_uppercase();
        let version = match upper.as_bytes() {
            [
                b'P',
                kind @ (b'I' | b'G'),
                baseline @ b'A'..=b'Z',
                minor @ b'0'..=b'9',
            ] => Self::Crid {
                baseline: *baseline,
                processing: if *kind == b'G' {
                    Processing::Reprocessed
                } else {
                    Processing::Forward
                },
                minor: minor - b'0',
                counter,
            },
            b"DG10" => Self::Other(format!("{upper}_{digits}")),
            [b'V', b'I', number @ ..] if number.len() == 4 && number.iter().all(u8::is_ascii_digit) => {
                Self::Other(format!("{upper}_{digits}"))
            }
            _ => return None,
        };
        Some((version, after))
    }

    /// Reads `v2.0.1`, `v2_0_1` or `v3.0` at the start of `text`; returns what follows too.
    pub(crate) fn take_release(text: &str) -> Option<(Self, &str)> {
        let rest = text.strip_prefix(['v', 'V'])?;
        let (major, rest) = take_number(rest)?;
        let separator = rest.chars().next().filter(|c| matches!(c, '.' | '_'))?;
        let (minor, rest) = take_number(rest.strip_prefix(separator)?)?;
        let third = rest.strip_prefix(separator).and_then(take_number);
        let (patch, rest) = third.map_or((None, rest), |(number, after)| (Some(number), after));
        if rest.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return None;
        }
        Some((Self::Release { major, minor, patch }, rest))
    }

    /// The schema that the version belongs to; `None` for [`Version::Other`].
    pub const fn schema(&self) -> Option<Schema> {
        match self {
            Self::Crid { baseline, .. } => Some(Schema::Baseline(*baseline)),
            Self::Release { major, .. } => Some(Schema::Release(*major)),
            Self::Other(_) => None,
        }
    }

    /// The CRID without its counter (`PIC0`), where the version has one.
    pub fn crid(&self) -> Option<String> {
        match self {
            Self::Crid { .. } => self.to_string().split_once('_').map(|(crid, _)| crid.to_owned()),
            _ => None,
        }
    }

    /// True if the version is one of the pattern.
    pub fn matches(&self, pattern: &VersionPattern) -> bool {
        pattern.matches(self)
    }
}

/// One to four digits, not followed by a letter or a further digit that would make it another word.
fn take_number(text: &str) -> Option<(u16, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    (1..=4)
        .contains(&digits.len())
        .then(|| digits.parse().ok())?
        .map(|number| (number, rest))
}

impl std::fmt::Display for Version {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Other(text) => formatter.write_str(text),
            Self::Crid {
                baseline,
                processing,
                minor,
                counter,
            } => {
                let kind = if *processing == Processing::Forward {
                    'I'
                } else {
                    'G'
                };
                write!(formatter, "P{kind}{}{minor}_{counter:02}", char::from(*baseline))
            }
            Self::Release {
                major,
                minor,
                patch: None,
            } => write!(formatter, "v{major}.{minor}"),
            Self::Release {
                major,
                minor,
                patch: Some(patch),
            } => {
                write!(formatter, "v{major}.{minor}.{patch}")
            }
        }
    }
}

impl Serialize for Version {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::parse(&text))
    }
}

/// Which versions are wanted: a baseline (`C`), a CRID with `?` and `*` (`PIC?`, `PG*`), one with its counter
/// (`PIC2_01`), a release of level 3 to any depth (`v2`, `v2.0`, `v2.0.1`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VersionPattern(String);

/// The text is not a pattern of versions.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a version: {0:?}; write a baseline (C), a CRID (PIC0, PIC?, PGC0_01) or a release (v2, v2.0.1)")]
pub struct InvalidVersionPattern(pub String);

impl InvalidVersionPattern {
    /// The stable code of this failure.
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidArgument
    }
}

impl VersionPattern {
    /// The pattern of that text.
    ///
    /// # Errors
    /// If no version could ever match it.
    pub fn parse(text: &str) -> Result<Self, InvalidVersionPattern> {
        let trimmed = text.trim();
        let valid = Schema::parse(trimmed).is_some()
            || Version::take_release(trimmed).is_some_and(|(_, rest)| rest.is_empty())
            || is_crid_pattern(trimmed);
        valid
            .then(|| Self(trimmed.to_owned()))
            .ok_or_else(|| InvalidVersionPattern(text.to_owned()))
    }

    /// The text that it was made from.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True if the version is wanted.
    pub fn matches(&self, version: &Version) -> bool {
        if let Some(schema) = Schema::parse(&self.0) {
            return version.schema() == Some(schema);
        }
        if let Some((Version::Release { major, minor, patch }, _)) = Version::take_release(&self.0) {
            return matches!(version, Version::Release { major: a, minor: b, patch: c }
                if *a == major && *b == minor && (patch.is_none() || *c == patch));
        }
        let text = version.to_string().to_ascii_uppercase();
        let pattern = self.0.to_ascii_uppercase();
        let subject = if pattern.contains('_') {
            text.as_str()
        } else {
            text.split('_').next().unwrap_or("")
        };
        matches_pattern(&pattern, subject)
    }
}

impl std::fmt::Display for VersionPattern {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::str::FromStr for VersionPattern {
    type Err = InvalidVersionPattern;
    fn from_str(text: &str) -> Result<Self, InvalidVersionPattern> {
        Self::parse(text)
    }
}

impl Serialize for VersionPattern {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for VersionPattern {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// True for what could match a CRID or pre-launch version: `P…`, `DG…`, `VI…` of letters, digits, `_`, `?`, `*`.
fn is_crid_pattern(text: &str) -> bool {
    let upper = text.to_ascii_uppercase();
    let starts = ["P", "DG", "VI", "?", "*"]
        .iter()
        .any(|start| upper.starts_with(start));
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'?' | b'*');
    starts && text.len() <= 16 && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_sort_by_baseline_then_processing_then_minor_then_counter() {
        let newest_last = [
            "PIA1_01", "PIB0_01", "PIC0_01", "PIC0_02", "PIC2_01", "PGC0_01", "PGC0_03", "PID0_01",
            "PGD0_01", "PGD0_02",
        ];
        let sorted: Vec<Version> = newest_last.iter().map(|text| Version::parse(text)).collect();
        assert!(sorted.is_sorted_by(|a, b| a < b), "{sorted:?}");
        let releases = [
            "v0.3", "v1.0", "v1.0.1", "v1.0.2", "v2.0", "v2.0.1", "v3.0", "v10.0",
        ];
        let sorted: Vec<Version> = releases.iter().map(|text| Version::parse(text)).collect();
        assert!(sorted.is_sorted_by(|a, b| a < b), "{sorted:?}");
        for text in newest_last.iter().chain(&releases) {
            assert_eq!(Version::parse(text).to_string(), *text);
        }
    }

    #[test]
    fn underscores_in_releases_are_dots() {
        assert_eq!(Version::parse("v2_0_1"), Version::parse("v2.0.1"));
        assert_eq!(
            Version::parse("v2.0_1"),
            Version::Other("v2.0_1".into()),
            "separators are not mixed"
        );
        assert_eq!(Version::parse("v2"), Version::Other("v2".into()));
        assert_eq!(Version::parse("DG10_01").to_string(), "DG10_01");
        assert_eq!(Version::parse("PIC0_01").schema(), Some(Schema::C));
        assert_eq!(Version::parse("v3.0").schema(), Some(Schema::V3));
        assert_eq!(Version::parse("PGC0_01").crid().as_deref(), Some("PGC0"));
    }

    #[test]
    fn patterns_match_what_they_say() {
        let matches = |pattern: &str, version: &str| {
            VersionPattern::parse(pattern)
                .expect(pattern)
                .matches(&Version::parse(version))
        };
        assert!(matches("C", "PIC2_01") && matches("c", "PGC0_01") && !matches("C", "PID0_01"));
        assert!(matches("PIC?", "PIC2_01") && !matches("PIC?", "PGC0_01"));
        assert!(matches("P*", "PGD0_02") && matches("p?c0", "PIC0_01"));
        assert!(matches("PIC0_01", "PIC0_01") && !matches("PIC0_01", "PIC0_02"));
        assert!(matches("PIC0_0?", "PIC0_02") && matches("DG10", "DG10_01"));
        assert!(matches("v2", "v2.0.1") && matches("v2.0", "v2.0.1") && !matches("v2.0.1", "v2.0"));
        assert!(!matches("v2", "PIC0_01") && !matches("C", "v2.0"));
        for text in ["", "CC", "x1", "v", "v2.", "PIC0-01", "é"] {
            assert!(VersionPattern::parse(text).is_err(), "{text}");
        }
    }
}
