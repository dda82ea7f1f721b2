//! What can go wrong, by what a caller would do about it.

use serde::Serialize;

/// A stable code for every error of every crate: exit codes, Python exceptions and HTTP statuses derive from it.
/// Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The call, option or expression makes no sense.
    InvalidArgument,
    /// No such file, collection, variable, granule or snapshot.
    NotFound,
    /// It is there already.
    AlreadyExists,
    /// The name is not one of a granule.
    InvalidName,
    /// Shorter than it says itself.
    Truncated,
    /// Bytes that break the format, or a checksum that does not match.
    Corrupt,
    /// A valid thing that karin does not do.
    Unsupported,
    /// Variables, types or packing that do not fit.
    SchemaMismatch,
    /// A granule that lies elsewhere than its pass.
    GeometryMismatch,
    /// Somebody else changed the same thing.
    Conflict,
    /// Reading or writing failed.
    Io,
    /// The disk or quota is full.
    NoSpace,
    /// Not allowed.
    Permission,
    /// It does not fit into the memory budget.
    Memory,
    /// Stopped by the user.
    Cancelled,
    /// A defect of karin.
    Internal,
}

impl ErrorKind {
    /// The kind of an I/O error.
    pub fn of_io(error: &std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        if let Some(error) = crate::SourceError::of(error) {
            return error.kind;
        }
        match error.kind() {
            Io::NotFound => Self::NotFound,
            Io::PermissionDenied | Io::ReadOnlyFilesystem => Self::Permission,
            Io::StorageFull | Io::QuotaExceeded => Self::NoSpace,
            Io::UnexpectedEof => Self::Truncated,
            Io::AlreadyExists => Self::AlreadyExists,
            _ => Self::Io,
        }
    }
}

/// A failure to read from a [`Dataset`](crate::Dataset): which one, which variable, why.
#[derive(Debug, thiserror::Error)]
#[error("{dataset}: {}{reason}", named(.variable))]
pub struct DatasetError {
    /// Label of the dataset.
    pub dataset: String,
    /// Path of the variable (empty if it is about the whole).
    pub variable: String,
    /// What is wrong: expected, found, what to do.
    pub reason: String,
    /// Stable code.
    pub kind: ErrorKind,
    /// Cause, if another error lies beneath.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The variable in a message, if it is about one.
fn named(variable: &str) -> String {
    if variable.is_empty() {
        String::new()
    } else {
        format!("{variable}: ")
    }
}

impl DatasetError {
    /// An error of that kind.
    pub fn new(kind: ErrorKind, dataset: &str, variable: &str, reason: impl Into<String>) -> Self {
        Self {
            dataset: dataset.into(),
            variable: variable.into(),
            reason: reason.into(),
            kind,
            source: None,
        }
    }

    /// There is no variable of that path.
    pub fn no_variable(dataset: &str, variable: &str) -> Self {
        Self::new(ErrorKind::NotFound, dataset, variable, "no such variable")
    }

    /// The request does not fit the variable.
    pub fn invalid(dataset: &str, variable: &str, reason: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidArgument, dataset, variable, reason)
    }

    /// The variable and the reason, with what lies beneath: all but the dataset, for lists of what was left out.
    pub fn explained(&self) -> String {
        let mut text = format!("{}{}", named(&self.variable), self.reason);
        let mut beneath = std::error::Error::source(self);
        while let Some(error) = beneath {
            text += &format!(": {error}");
            beneath = error.source();
        }
        text
    }

    /// With the error beneath.
    #[must_use]
    pub fn caused_by(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }
}
