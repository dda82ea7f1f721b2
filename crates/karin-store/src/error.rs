//! What can go wrong in a collection, by what a caller would do about it.

use std::path::{Path, PathBuf};

use icechunk::repository::{RepositoryError, RepositoryErrorKind};
use icechunk::session::{SessionError, SessionErrorKind};
use icechunk_storage::{StorageError, StorageErrorKind};
use karin_core::ErrorKind;

/// A failure of the collection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The location is not one that karin knows how to reach.
    #[error("{location}: {reason}")]
    InvalidLocation {
        /// As the user gave it.
        location: String,
        /// What is wrong with it and which forms exist.
        reason: String,
    },
    /// Nothing there that is a collection.
    #[error("{location}: not a collection: {reason}")]
    NotACollection {
        /// Where.
        location: String,
        /// What was looked for.
        reason: String,
    },
    /// Creation where something lies already.
    #[error("{location}: cannot create a collection: {reason}")]
    AlreadyExists {
        /// Where.
        location: String,
        /// What lies there.
        reason: String,
    },
    /// The system refused to read or write.
    #[error("{}: cannot {action}", path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// What was tried, as in "cannot write".
        action: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Writing was asked of a place that may only be read.
    #[error("{location}: read-only: {reason}")]
    ReadOnly {
        /// Where.
        location: String,
        /// Why.
        reason: String,
    },
    /// Somebody else changed the same thing first.
    #[error("{location}: changed by another writer: {reason}")]
    Conflict {
        /// Where.
        location: String,
        /// What collided.
        reason: String,
    },
    /// Another computer writes here, and nothing shows that locks reach across.
    #[error(
        "{}: written from host {other}, this is {here}: locks may not reach across hosts; if they do on this file system, \
         say so with --locks-work",
        path.display()
    )]
    OtherHost {
        /// The lock file that names the other host.
        path: PathBuf,
        /// Who wrote here.
        other: String,
        /// This host.
        here: String,
    },
    /// A lock was not free in time.
    #[error("{}: still locked after {seconds} s by {holder}", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// How long it was waited for.
        seconds: u64,
        /// The holder's process, as far as the system tells.
        holder: String,
    },
    /// The file system has no locks.
    #[error("{}: this file system refuses locks, so a collection cannot be written here safely", path.display())]
    NoLocks {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// No such snapshot in the history.
    #[error("{location}: no snapshot {snapshot}{hint}")]
    SnapshotNotFound {
        /// Where.
        location: String,
        /// As the user gave it.
        snapshot: String,
        /// What there is instead, beginning with a space or empty.
        hint: String,
    },
    /// Stored bytes that break the format or do not match their hash.
    #[error("{location}: {object}: damaged: {reason}")]
    Corrupt {
        /// Where.
        location: String,
        /// Which object.
        object: String,
        /// What does not fit.
        reason: String,
    },
    /// An object that should be there is not.
    #[error("{location}: {object}: missing")]
    MissingObject {
        /// Where.
        location: String,
        /// Which object.
        object: String,
    },
    /// No such granule in a group.
    #[error("{location}{group}: no granule {half_orbit}")]
    NoGranule {
        /// Where.
        location: String,
        /// Which group.
        group: String,
        /// Cycle and pass.
        half_orbit: String,
    },
    /// A granule that the collection does not take; others may still be ingested.
    #[error("{granule}: refused: {reason}")]
    Refused {
        /// The file or granule.
        granule: String,
        /// Expected, found, what to do.
        reason: String,
        /// Stable code.
        kind: ErrorKind,
    },
    /// The file that a virtual granule lies in is gone, was changed, or cannot be read.
    #[error("{file}: {reason}")]
    Origin {
        /// The file.
        file: String,
        /// What is wrong with it, and what to do.
        reason: String,
        /// Stable code.
        kind: ErrorKind,
    },
    /// A granule that cannot be read; others may still be ingested.
    #[error("{granule}: cannot be read")]
    Unreadable {
        /// The file or granule.
        granule: String,
        /// What reading it met.
        #[source]
        source: karin_core::DatasetError,
    },
    /// The call makes no sense.
    #[error("{0}")]
    InvalidArgument(String),
    /// The user stopped it.
    #[error("stopped")]
    Cancelled,
    /// The storage beneath failed in another way.
    #[error("{location}: cannot {action}")]
    Storage {
        /// Where.
        location: String,
        /// What was tried.
        action: &'static str,
        /// What the layer beneath said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StoreError {
    /// An I/O error at `path` while trying to `action`.
    pub fn io(path: impl AsRef<Path>, action: &'static str, source: std::io::Error) -> Self {
        Self::Io {
            path: path.as_ref().into(),
            action,
            source,
        }
    }

    /// The stable code.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidLocation { .. } | Self::InvalidArgument(_) => ErrorKind::InvalidArgument,
            Self::NotACollection { .. } | Self::SnapshotNotFound { .. } | Self::NoGranule { .. } => {
                ErrorKind::NotFound
            }
            Self::Refused { kind, .. } | Self::Origin { kind, .. } => *kind,
            Self::Unreadable { source, .. } => source.kind,
            Self::AlreadyExists { .. } => ErrorKind::AlreadyExists,
            Self::Io { source, .. } => ErrorKind::of_io(source),
            Self::ReadOnly { .. } => ErrorKind::Permission,
            Self::Conflict { .. } | Self::OtherHost { .. } | Self::Locked { .. } => ErrorKind::Conflict,
            Self::NoLocks { .. } => ErrorKind::Unsupported,
            Self::Corrupt { .. } | Self::MissingObject { .. } => ErrorKind::Corrupt,
            Self::Storage { .. } => ErrorKind::Io,
            Self::Cancelled => ErrorKind::Cancelled,
        }
    }

    /// From Icechunk's storage layer; errors of our own backend come out as they went in.
    pub(crate) fn of_storage(location: &str, action: &'static str, error: StorageError) -> Self {
        Self::of_storage_kind(location, action, error.kind)
    }

    /// From Icechunk's repository layer.
    pub(crate) fn of_repository(location: &str, action: &'static str, error: RepositoryError) -> Self {
        Self::of_repository_kind(location, action, error.kind)
    }

    /// From an Icechunk session.
    pub fn of_session(location: &str, action: &'static str, error: SessionError) -> Self {
        let conflict = |reason: String| Self::Conflict {
            location: location.into(),
            reason,
        };
        match error.kind {
            SessionErrorKind::RepositoryError(kind) => Self::of_repository_kind(location, action, kind),
            SessionErrorKind::StorageError(kind) => Self::of_storage_kind(location, action, kind),
            SessionErrorKind::Conflict { .. } => conflict("the collection moved on during the commit".into()),
            SessionErrorKind::RebaseFailed { conflicts, .. } => conflict(format!("{conflicts:?}")),
            SessionErrorKind::SnapshotNotFound { id } => Self::SnapshotNotFound {
                location: location.into(),
                snapshot: id.to_string(),
                hint: String::new(),
            },
            other => Self::other(location, action, other),
        }
    }

    fn of_repository_kind(location: &str, action: &'static str, kind: RepositoryErrorKind) -> Self {
        let location_owned = || location.to_owned();
        match kind {
            RepositoryErrorKind::StorageError(kind) => Self::of_storage_kind(location, action, kind),
            RepositoryErrorKind::RepositoryDoesntExist => Self::NotACollection {
                location: location_owned(),
                reason: "no Icechunk repository there".into(),
            },
            RepositoryErrorKind::ParentDirectoryNotClean => Self::AlreadyExists {
                location: location_owned(),
                reason: "the place is not empty".into(),
            },
            RepositoryErrorKind::ReadonlyStorage(reason)
            | RepositoryErrorKind::ReadonlyRepository(reason) => Self::ReadOnly {
                location: location_owned(),
                reason,
            },
            RepositoryErrorKind::Conflict { .. }
            | RepositoryErrorKind::RepoInfoUpdated
            | RepositoryErrorKind::ConfigWasUpdated
            | RepositoryErrorKind::RepoUpdateAttemptsLimit(_) => Self::Conflict {
                location: location_owned(),
                reason: kind.to_string(),
            },
            RepositoryErrorKind::SnapshotNotFound { id } => Self::SnapshotNotFound {
                location: location_owned(),
                snapshot: id.to_string(),
                hint: String::new(),
            },
            RepositoryErrorKind::FormatError(kind) => Self::Corrupt {
                location: location_owned(),
                object: action.into(),
                reason: kind.to_string(),
            },
            RepositoryErrorKind::IOError(source) => Self::from_io(location, action, source),
            other => Self::other(location, action, other),
        }
    }

    fn of_storage_kind(location: &str, action: &'static str, kind: StorageErrorKind) -> Self {
        match kind {
            StorageErrorKind::ObjectStore(source) => match source.downcast::<Self>() {
                Ok(ours) => *ours,
                Err(source) => Self::Storage {
                    location: location.into(),
                    action,
                    source,
                },
            },
            StorageErrorKind::IOError(source) => Self::from_io(location, action, source),
            StorageErrorKind::ObjectNotFound => Self::MissingObject {
                location: location.into(),
                object: format!("an object needed to {action}"),
            },
            other => Self::other(location, action, other),
        }
    }

    /// An I/O error that may carry one of ours inside.
    fn from_io(location: &str, action: &'static str, source: std::io::Error) -> Self {
        let ours = source.get_ref().is_some_and(|inner| inner.is::<Self>());
        match source.into_inner_or_self(ours) {
            Ok(ours) => ours,
            Err(source) => Self::Io {
                path: location.into(),
                action,
                source,
            },
        }
    }

    fn other(
        location: &str,
        action: &'static str,
        error: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self::Storage {
            location: location.into(),
            action,
            source: Box::new(error),
        }
    }
}

/// Takes one of our errors out of an I/O error.
trait IntoInnerOrSelf {
    fn into_inner_or_self(self, ours: bool) -> Result<StoreError, std::io::Error>;
}

impl IntoInnerOrSelf for std::io::Error {
    fn into_inner_or_self(self, ours: bool) -> Result<StoreError, std::io::Error> {
        if !ours {
            return Err(self);
        }
        let kind = self.kind();
        match self.into_inner().map(|inner| inner.downcast::<StoreError>()) {
            Some(Ok(ours)) => Ok(*ours),
            Some(Err(inner)) => Err(std::io::Error::new(kind, inner)),
            None => Err(kind.into()),
        }
    }
}
