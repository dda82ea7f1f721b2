//! What can be wrong with a file or a request.

use karin_core::{DatasetError, ErrorKind};

/// A failure to read or write a netCDF file. Every variant names the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NcError {
    /// The file cannot be opened, read or written.
    #[error("{file}: {action} failed")]
    Io {
        /// Name of the file.
        file: String,
        /// What was tried: "open", "read of 16 bytes at 512".
        action: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A server that cannot be read, or whose file changed meanwhile.
    #[error("{reason}")]
    Source {
        /// Address of the file.
        file: String,
        /// Stable code.
        kind: ErrorKind,
        /// What is wrong, with the address.
        reason: String,
    },
    /// Neither HDF5 nor netCDF-3: a login page, an archive, an empty file.
    #[error("{file}: not netCDF: {found}")]
    NotNetcdf {
        /// Name of the file.
        file: String,
        /// What its first bytes look like.
        found: String,
    },
    /// Shorter than its own header says.
    #[error("{file}: truncated: {expected} bytes expected, {present} present; download it again")]
    Truncated {
        /// Name of the file.
        file: String,
        /// Bytes that the header announces.
        expected: u64,
        /// Bytes that there are.
        present: u64,
    },
    /// Bytes that break the format, or a checksum that does not match.
    #[error("{file}: {}corrupt: {reason}", variable_prefix(.variable))]
    Corrupt {
        /// Name of the file.
        file: String,
        /// Path of the variable, empty if it is about the whole file.
        variable: String,
        /// What is wrong.
        reason: String,
    },
    /// Valid, but not something that karin reads or writes.
    #[error("{file}: {}unsupported: {feature}", variable_prefix(.variable))]
    Unsupported {
        /// Name of the file.
        file: String,
        /// Path of the variable, empty if it is about the whole file.
        variable: String,
        /// The filter, type or layout.
        feature: String,
    },
    /// No variable of that path.
    #[error("{file}: no variable {variable:?}")]
    NoVariable {
        /// Name of the file.
        file: String,
        /// Path that was asked for.
        variable: String,
    },
    /// A slab outside the variable, a buffer of the wrong length, numbers asked of strings.
    #[error("{file}: {variable}: {reason}")]
    InvalidRequest {
        /// Name of the file.
        file: String,
        /// Path of the variable.
        variable: String,
        /// Expected and found.
        reason: String,
    },
    /// More memory than the limits or the budget allow.
    #[error("{file}: {variable}: needs {needed} bytes of memory, {allowed} allowed")]
    TooLarge {
        /// Name of the file.
        file: String,
        /// Path of the variable.
        variable: String,
        /// Bytes needed.
        needed: u64,
        /// Bytes allowed.
        allowed: u64,
    },
}

fn variable_prefix(variable: &str) -> String {
    if variable.is_empty() {
        String::new()
    } else {
        format!("{variable}: ")
    }
}

impl NcError {
    /// Stable code of the failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { source, .. } => ErrorKind::of_io(source),
            Self::Source { kind, .. } => *kind,
            Self::NotNetcdf { .. } | Self::Corrupt { .. } => ErrorKind::Corrupt,
            Self::Truncated { .. } => ErrorKind::Truncated,
            Self::Unsupported { .. } => ErrorKind::Unsupported,
            Self::NoVariable { .. } => ErrorKind::NotFound,
            Self::InvalidRequest { .. } => ErrorKind::InvalidArgument,
            Self::TooLarge { .. } => ErrorKind::Memory,
        }
    }

    /// Path of the variable that it is about; empty if it is about the whole file.
    pub fn variable(&self) -> &str {
        match self {
            Self::Io { .. } | Self::Source { .. } | Self::NotNetcdf { .. } | Self::Truncated { .. } => "",
            Self::Corrupt { variable, .. }
            | Self::Unsupported { variable, .. }
            | Self::NoVariable { variable, .. }
            | Self::InvalidRequest { variable, .. }
            | Self::TooLarge { variable, .. } => variable,
        }
    }

    /// The reason without the names of file and variable, which [`DatasetError`] adds itself.
    fn reason(&self) -> String {
        match self {
            Self::Io { action, .. } => format!("{action} failed"),
            Self::Source { reason, .. } => reason.clone(),
            Self::NotNetcdf { found, .. } => format!("not netCDF: {found}"),
            Self::Truncated {
                expected, present, ..
            } => {
                format!("truncated: {expected} bytes expected, {present} present; download it again")
            }
            Self::Corrupt { reason, .. } => format!("corrupt: {reason}"),
            Self::Unsupported { feature, .. } => format!("unsupported: {feature}"),
            Self::NoVariable { .. } => "no such variable".to_owned(),
            Self::InvalidRequest { reason, .. } => reason.clone(),
            Self::TooLarge { needed, allowed, .. } => {
                format!("needs {needed} bytes of memory, {allowed} allowed")
            }
        }
    }

    fn file(&self) -> &str {
        match self {
            Self::Io { file, .. }
            | Self::Source { file, .. }
            | Self::NotNetcdf { file, .. }
            | Self::Truncated { file, .. }
            | Self::Corrupt { file, .. }
            | Self::Unsupported { file, .. }
            | Self::NoVariable { file, .. }
            | Self::InvalidRequest { file, .. }
            | Self::TooLarge { file, .. } => file,
        }
    }
}

impl From<NcError> for DatasetError {
    fn from(error: NcError) -> Self {
        let described = Self::new(error.kind(), error.file(), error.variable(), error.reason());
        match error {
            NcError::Io { source, .. } => described.caused_by(source),
            _ => described,
        }
    }
}
