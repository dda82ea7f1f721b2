//! The options of a selection that are one word of a few.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::suggest::did_you_mean;
use crate::version::InvalidVersionPattern;
use crate::{Phase, VersionPattern};

/// A word that an option does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{word}' is not known (expected {}){}", .known.join(", "), did_you_mean(.word, .known.iter().copied()))]
pub struct WordError {
    /// The option.
    pub option: &'static str,
    /// What was given.
    pub word: String,
    /// What it knows.
    pub known: &'static [&'static str],
}

macro_rules! words {
    ($(#[$about:meta])* $type:ident, $option:literal: $($(#[$doc:meta])* $variant:ident = $word:literal),* $(,)?) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum $type { $($(#[$doc])* $variant),* }

        impl $type {
            /// The words, in order.
            pub const NAMES: &[&str] = &[$($word),*];

            /// Its word.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.name())
            }
        }

        impl FromStr for $type {
            type Err = WordError;

            fn from_str(text: &str) -> Result<Self, WordError> {
                match text.trim().to_ascii_lowercase().as_str() {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(WordError { option: $option, word: text.to_owned(), known: Self::NAMES }),
                }
            }
        }
    };
}

words! {
    /// What happens to the pixels of a granule that lie outside the region.
    Crop, "crop":
    /// They become fill; lines without a pixel inside are left out.
    #[default]
    Exact = "exact",
    /// Lines that touch the region are kept whole.
    Lines = "lines",
}

words! {
    /// What happens to the values of the nadir altimeter that L3 products hold in the middle of the swath.
    Nadir, "nadir":
    /// They stay.
    #[default]
    Keep = "keep",
    /// They become fill.
    Drop = "drop",
    /// Everything else becomes fill.
    Only = "only",
}

words! {
    /// Sides of the swath, for products that have a group for each.
    Side, "side":
    /// Left and right as one swath.
    #[default]
    Both = "both",
    /// Left of the direction of flight.
    Left = "left",
    /// Right of the direction of flight.
    Right = "right",
}

words! {
    /// The form of what is extracted.
    Layout, "layout":
    /// One granule as a granule, several one after the other in one file, or a file each in a folder.
    #[default]
    Auto = "auto",
    /// A file per granule, in a folder.
    Granules = "granules",
    /// One file, concatenated along the lines, with cycle, pass and line number beside each.
    Lines = "lines",
    /// One file with cycle and pass as dimensions.
    Cube = "cube",
}

/// Which processing of a granule is taken where there are several.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum VersionChoice {
    /// Per half orbit the newest of the best schema that has all variables asked for; written `best` or `latest`.
    #[default]
    Best,
    /// A result for each schema.
    All,
    /// The versions that match: a schema (`C`, `v2`), a version (`v2.0.1`) or a pattern (`PIC?`).
    Matching(VersionPattern),
}

impl FromStr for VersionChoice {
    type Err = InvalidVersionPattern;

    fn from_str(text: &str) -> Result<Self, InvalidVersionPattern> {
        match text.trim() {
            // Other tools say "latest" where they mean the same.
            "best" | "latest" => Ok(Self::Best),
            "all" => Ok(Self::All),
            pattern => VersionPattern::parse(pattern).map(Self::Matching),
        }
    }
}

impl TryFrom<String> for VersionChoice {
    type Error = InvalidVersionPattern;

    fn try_from(text: String) -> Result<Self, InvalidVersionPattern> {
        text.parse()
    }
}

impl From<VersionChoice> for String {
    fn from(choice: VersionChoice) -> Self {
        choice.to_string()
    }
}

impl fmt::Display for VersionChoice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Best => formatter.write_str("best"),
            Self::All => formatter.write_str("all"),
            Self::Matching(pattern) => write!(formatter, "{pattern}"),
        }
    }
}

/// The phase of that name.
pub(super) fn parse_phase(text: &str) -> Result<Phase, WordError> {
    match text.trim().to_ascii_lowercase().as_str() {
        "science" => Ok(Phase::Science),
        "calval" | "cal/val" | "cal-val" => Ok(Phase::CalVal),
        _ => Err(WordError {
            option: "phase",
            word: text.to_owned(),
            known: &["science", "calval"],
        }),
    }
}
