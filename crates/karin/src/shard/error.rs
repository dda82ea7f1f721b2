//! What can be wrong with shards and their states.

use std::path::PathBuf;

use karin_core::ErrorKind;

use super::Shard;

/// Why states cannot be made or merged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShardError {
    /// Not the number of a shard.
    #[error("--shard {text}: expected I/N with 1 <= I <= N <= 100000, as 3/8")]
    Number {
        /// What was given.
        text: String,
    },
    /// Some other file.
    #[error("{path} is no state of karin stat --shard")]
    NoState {
        /// The file.
        path: PathBuf,
    },
    /// A state of a later karin.
    #[error(
        "{path} is a state of format {found}; this karin reads format {known}: merge with the karin that made it"
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The format that is understood.
        known: u32,
    },
    /// A state that ends too early.
    #[error("{path} ends in the middle, at byte {at}: run its shard again")]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Where more was expected.
        at: u64,
    },
    /// Bytes that are not those that were written.
    #[error("{path} is damaged at byte {at} ({what}): run its shard again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        at: u64,
        /// What does not fit.
        what: &'static str,
    },
    /// States of different reductions.
    #[error("{path} is of another {what} than {first}: {found:?}, not {expected:?}")]
    Foreign {
        /// The state that does not fit.
        path: PathBuf,
        /// The state that it was compared with.
        first: PathBuf,
        /// What differs.
        what: &'static str,
        /// What it is in the state.
        found: String,
        /// What it is in the other.
        expected: String,
    },
    /// The same shard twice.
    #[error("shard {shard} is there twice: {first} and {second}")]
    Doubled {
        /// Which.
        shard: Shard,
        /// One file.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// Some shards are not there.
    #[error("of {count} shards, {missing} {} missing: run them with the same options and --shard {first}", if *.several { "are" } else { "is" })]
    Missing {
        /// Their numbers, as a list.
        missing: String,
        /// How many there are in all.
        count: u32,
        /// One of them.
        first: Shard,
        /// Whether it is more than one.
        several: bool,
    },
    /// No state was named.
    #[error("no state is named")]
    Nothing,
    /// The sources are no longer those of the states.
    #[error("{sources}: no longer the granules that the states were made of; run all shards again")]
    Changed {
        /// Where they were looked for.
        sources: String,
    },
    /// What a state cannot hold.
    #[error("{path}: {reason}")]
    Unsupported {
        /// The state.
        path: PathBuf,
        /// What and why.
        reason: String,
    },
}

impl ShardError {
    /// Stable code.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Number { .. } | Self::Doubled { .. } | Self::Nothing => ErrorKind::InvalidArgument,
            Self::NoState { .. } | Self::Damaged { .. } => ErrorKind::Corrupt,
            Self::Format { .. } | Self::Unsupported { .. } => ErrorKind::Unsupported,
            Self::Truncated { .. } => ErrorKind::Truncated,
            Self::Foreign { .. } => ErrorKind::SchemaMismatch,
            Self::Missing { .. } => ErrorKind::NotFound,
            Self::Changed { .. } => ErrorKind::Conflict,
        }
    }
}
