//! How derivatives are taken, as users write it.

use std::fmt;
use std::str::FromStr;

use crate::ScienceError;

/// How derived quantities are computed. Written as words with commas between them: `l3`, `curvilinear`.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Method {
    /// How derivatives are taken.
    pub derivative: Derivative,
}

/// How derivatives are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Derivative {
    /// The nine-point differences of the AVISO L3 product ([`crate::stencil`]).
    #[default]
    L3,
    /// Two-point differences on the curvilinear metric ([`crate::curvilinear`]).
    Curvilinear,
}

/// The first words of a method.
const WORDS: &[&str] = &["l3", "curvilinear"];

impl Derivative {
    /// Lines that a derivative needs on either side.
    pub fn half(&self) -> usize {
        match self {
            Self::L3 => crate::stencil::HALF,
            Self::Curvilinear => 1,
        }
    }
}

impl fmt::Display for Derivative {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::L3 => "l3",
            Self::Curvilinear => "curvilinear",
        })
    }
}

impl fmt::Display for Method {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.derivative.fmt(formatter)
    }
}

impl FromStr for Method {
    type Err = ScienceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let derivative = match text.trim().to_ascii_lowercase().as_str() {
            "l3" => Derivative::L3,
            "curvilinear" => Derivative::Curvilinear,
            other => {
                return Err(ScienceError::UnknownWord {
                    word: other.to_owned(),
                    what: "method of derivation",
                    known: WORDS,
                });
            }
        };
        Ok(Self { derivative })
    }
}
