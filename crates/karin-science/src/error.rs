//! What can be wrong with a request for numbers.

use karin_core::ErrorKind;
use karin_core::suggest::did_you_mean;

use crate::{Extent, Method, Quantity};

/// Why a kernel refuses its input.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ScienceError {
    /// A slice that does not cover its extent.
    #[error("{what} holds {found} values, expected {} for {} lines x {} pixels", extent.len(), extent.num_lines, extent.num_pixels)]
    Shape {
        /// Which input.
        what: &'static str,
        /// Its values.
        found: usize,
        /// What they should fill.
        extent: Extent,
    },
    /// A name that is no derived quantity.
    #[error("'{0}' is no derived quantity{suggestion}", suggestion = did_you_mean(.0, Quantity::ALL.iter().map(|known| known.name())))]
    UnknownQuantity(String),
    /// A word that is no part of a method.
    #[error("'{word}' is no {what} (expected {expected}){suggestion}", expected = known.join(", "), suggestion = did_you_mean(word, known.iter().copied()))]
    UnknownWord {
        /// The word.
        word: String,
        /// What was expected there.
        what: &'static str,
        /// What it could be.
        known: &'static [&'static str],
    },
    /// A number of a method that is out of bounds.
    #[error("{what} is '{found}', expected {expected}")]
    OutOfRange {
        /// Which number.
        what: &'static str,
        /// As given.
        found: String,
        /// What it may be.
        expected: &'static str,
    },
    /// A method that cannot give a quantity.
    #[error("{} cannot be had by the method '{method}': {reason}", quantity.name())]
    Method {
        /// The quantity.
        quantity: Quantity,
        /// The method, as it is written.
        method: Box<Method>,
        /// Why, and what to do.
        reason: &'static str,
    },
}

impl ScienceError {
    /// Stable code.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Shape { .. } => ErrorKind::Internal,
            Self::UnknownQuantity(_) => ErrorKind::NotFound,
            Self::UnknownWord { .. } | Self::OutOfRange { .. } | Self::Method { .. } => {
                ErrorKind::InvalidArgument
            }
        }
    }

    /// Refuses a slice that does not fill the extent.
    pub(crate) fn check(what: &'static str, found: usize, extent: Extent) -> Result<(), Self> {
        if found == extent.len() {
            Ok(())
        } else {
            Err(Self::Shape { what, found, extent })
        }
    }
}
