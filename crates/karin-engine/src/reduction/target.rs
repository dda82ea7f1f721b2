//! Where values meet, and the words for it.

use std::fmt;
use std::str::FromStr;

use super::Bins;
use crate::EngineError;

/// Where values meet.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Target {
    /// Over cycles: one number per pixel of every pass.
    Cycle,
    /// Over the pixels of a line: one number per line of every granule.
    Pixels,
    /// Over the lines of a granule: one number per pixel column of every granule.
    Lines,
    /// Over everything: one number per variable.
    All,
    /// One number per cycle.
    ByCycle,
    /// One number per pass.
    ByPass,
    /// One number per hour (UTC), by the time of each line.
    ByHour,
    /// One number per calendar day (UTC), by the time of each line.
    ByDay,
    /// One number per calendar month (UTC), by the time of each line.
    ByMonth,
    /// One number per cell of a longitude-latitude grid with this step in degrees.
    Grid(f64),
    /// One number per bin of one variable, or per pair of bins of two.
    Bins(Vec<Bins>),
}

/// Targets of one word or two.
const WORDS: [(&str, Target); 9] = [
    ("over cycle", Target::Cycle),
    ("over num_pixels", Target::Pixels),
    ("over num_lines", Target::Lines),
    ("over all", Target::All),
    ("by cycle", Target::ByCycle),
    ("by pass", Target::ByPass),
    ("by hour", Target::ByHour),
    ("by day", Target::ByDay),
    ("by month", Target::ByMonth),
];

impl Target {
    /// True if lines are told apart by their time.
    pub const fn is_by_time(&self) -> bool {
        matches!(self, Self::ByHour | Self::ByDay | Self::ByMonth)
    }

    /// True if the result has a place on a map.
    pub const fn is_map(&self) -> bool {
        matches!(self, Self::Cycle | Self::Grid(_))
    }

    /// True if passes of the result stand beside one another, so that parts of the passes need no merging.
    pub const fn is_by_parts_of_passes(&self) -> bool {
        matches!(self, Self::Cycle | Self::Pixels | Self::Lines)
    }
}

/// `over cycle`, `by month`, `grid 0.5`, `bin ssha:-1:1:0.01 swh_karin:0:10:0.5`.
impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grid(step) => write!(formatter, "grid {step}"),
            Self::Bins(bins) => {
                formatter.write_str("bin")?;
                bins.iter().try_for_each(|bins| write!(formatter, " {bins}"))
            }
            other => {
                let word = WORDS.iter().find(|(_, target)| target == other);
                formatter.write_str(word.map_or("", |(word, _)| word))
            }
        }
    }
}

impl FromStr for Target {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self, EngineError> {
        let text = text.trim();
        if let Some((_, target)) = WORDS.iter().find(|(word, _)| *word == text) {
            return Ok(target.clone());
        }
        match text.split_once(' ') {
            Some(("grid", step)) => match step.trim().parse() {
                Ok(step) => Ok(Self::Grid(step)),
                Err(_) => Err(EngineError::option(
                    "--grid",
                    format!("{step:?} is not a number of degrees"),
                )),
            },
            Some(("bin", bins)) => {
                let bins: Result<Vec<Bins>, EngineError> = bins.split_whitespace().map(str::parse).collect();
                Ok(Self::Bins(bins?))
            }
            _ => {
                let known = WORDS.iter().map(|(word, _)| *word);
                let hint = karin_core::suggest::did_you_mean(text, known);
                let reason = format!("{text:?} is nothing to reduce over{hint}");
                Err(EngineError::option("target", reason))
            }
        }
    }
}
