//! What can stop a file from being written.

use std::path::PathBuf;

use karin_core::{DatasetError, ErrorKind};

/// A netCDF file could not be written. Whatever lay at its path before is untouched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The structure asked for is not one of a netCDF file.
    #[error("{}: {at}: {reason}", path.display())]
    Structure {
        /// The file.
        path: PathBuf,
        /// The variable, dimension, attribute or group.
        at: String,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// netCDF allows it, but it is larger than this writer stores.
    #[error("{}: {at}: {reason}", path.display())]
    Limit {
        /// The file.
        path: PathBuf,
        /// The variable, dimension, attribute or group.
        at: String,
        /// The limit, and what was asked for.
        reason: String,
    },
    /// The file has no variable of that path.
    #[error("{}: no variable {variable:?} was defined", path.display())]
    NoVariable {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        variable: String,
    },
    /// A part was written that does not fit its variable.
    #[error("{}: {variable}: {reason}", path.display())]
    Slab {
        /// The file.
        path: PathBuf,
        /// The variable.
        variable: String,
        /// What does not fit.
        reason: String,
    },
    /// The values to write could not be read.
    #[error("{}: the values of {variable} could not be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The variable.
        variable: String,
        /// Why.
        source: Box<DatasetError>,
    },
    /// The system refused.
    #[error("{}: {doing} failed", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The user stopped it.
    #[error("{}: stopped; nothing was written", path.display())]
    Cancelled {
        /// The file.
        path: PathBuf,
    },
}

impl WriteError {
    /// Its stable code.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Structure { .. } | Self::Slab { .. } => ErrorKind::InvalidArgument,
            Self::Limit { .. } => ErrorKind::Unsupported,
            Self::NoVariable { .. } => ErrorKind::NotFound,
            Self::Read { source, .. } => source.kind,
            Self::Io { source, .. } => ErrorKind::of_io(source),
            Self::Cancelled { .. } => ErrorKind::Cancelled,
        }
    }
}
