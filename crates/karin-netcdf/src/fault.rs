//! A failure inside the reader, before it is known which file and variable it belongs to.

use crate::NcError;

/// What went wrong; [`Fault::named`] adds where.
#[derive(Debug)]
pub(crate) enum Fault {
    Io { action: String, source: std::io::Error },
    NotNetcdf(String),
    Truncated { expected: u64, present: u64 },
    Corrupt(String),
    Unsupported(String),
    Invalid(String),
    TooLarge { needed: u64, allowed: u64 },
}

impl Fault {
    pub(crate) fn corrupt(reason: impl Into<String>) -> Self {
        Self::Corrupt(reason.into())
    }

    pub(crate) fn unsupported(feature: impl Into<String>) -> Self {
        Self::Unsupported(feature.into())
    }

    /// A failed read of `len` bytes at `offset`. Past the end means that an address in the file is wrong.
    pub(crate) fn read(len: usize, offset: u64, source: std::io::Error) -> Self {
        if source.kind() == std::io::ErrorKind::UnexpectedEof {
            return Self::Corrupt(format!("{len} bytes at {offset} lie past the end of the file"));
        }
        Self::Io {
            action: format!("read of {len} bytes at {offset}"),
            source,
        }
    }

    /// The public error, about `variable` (empty: the whole) of `file`.
    pub(crate) fn named(self, file: &str, variable: &str) -> NcError {
        let (file, variable) = (file.to_owned(), variable.to_owned());
        match self {
            Self::Io { action, source } => match karin_core::SourceError::of(&source) {
                Some(error) => NcError::Source {
                    file,
                    kind: error.kind,
                    reason: error.reason.clone(),
                },
                None => NcError::Io { file, action, source },
            },
            Self::NotNetcdf(found) => NcError::NotNetcdf { file, found },
            Self::Truncated { expected, present } => NcError::Truncated {
                file,
                expected,
                present,
            },
            Self::Corrupt(reason) => NcError::Corrupt {
                file,
                variable,
                reason,
            },
            Self::Unsupported(feature) => NcError::Unsupported {
                file,
                variable,
                feature,
            },
            Self::Invalid(reason) => NcError::InvalidRequest {
                file,
                variable,
                reason,
            },
            Self::TooLarge { needed, allowed } => NcError::TooLarge {
                file,
                variable,
                needed,
                allowed,
            },
        }
    }
}

impl From<hdf5_reader::error::Error> for Fault {
    fn from(error: hdf5_reader::error::Error) -> Self {
        use hdf5_reader::error::Error as Hdf5;
        match error {
            Hdf5::Io(source) => Self::Io {
                action: "read of HDF5 metadata".into(),
                source,
            },
            Hdf5::Context { path, source } => match Self::from(*source) {
                Self::Corrupt(reason) => Self::Corrupt(format!("{path}: {reason}")),
                Self::Unsupported(feature) => Self::Unsupported(format!("{path}: {feature}")),
                other => other,
            },
            Hdf5::UnsupportedFilter(_) | Hdf5::UnsupportedEncoding(_) => Self::Unsupported(error.to_string()),
            // Unknown versions of structures are far more often flipped bits than files of the future.
            other => Self::Corrupt(other.to_string()),
        }
    }
}

/// Runs parsing code of a dependency on bytes of a file; a panic inside it becomes a typed error.
///
/// The last line of defence only: no input is known that makes it necessary.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    // Unwind safety: whatever `work` had borrowed is dropped with the failed parse, nobody sees it half-made.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(Fault::corrupt(
            "HDF5 metadata that no writer makes (parser gave up)",
        ))
    })
}
