//! The errors of the public library, and the stable kind of any error of any crate beneath.

use karin_access::AccessError;
use karin_core::{DatasetError, ErrorKind, SelectionError};
use karin_engine::EngineError;
use karin_netcdf::{NcError, WriteError};
use karin_store::StoreError;

use crate::plot::PlotError;

/// What a verb of the library could not do. Most say it in the words of the crate that met it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A selection that makes no sense.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// A granule file that cannot be read.
    #[error(transparent)]
    Netcdf(#[from] NcError),
    /// A netCDF file that cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A collection that cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A plan that cannot be made or run.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A provider that cannot be asked, or a granule that cannot be fetched.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// A map that cannot be drawn.
    #[error(transparent)]
    Plot(#[from] PlotError),
    /// A result that cannot be written.
    #[error(transparent)]
    Output(#[from] crate::output::OutputError),
    /// A shard or a state that does not fit.
    #[error(transparent)]
    Shard(#[from] crate::shard::ShardError),
    /// Values that cannot be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// An option that makes no sense here.
    #[error("{option}: {reason}")]
    Option {
        /// The option, as users write it.
        option: String,
        /// Expected, found, what to do.
        reason: String,
    },
    /// A file that cannot be read or written.
    #[error("{path}: {action} failed")]
    Io {
        /// The file or folder.
        path: String,
        /// What was tried: `create`, `read`, `write`, `rename`.
        action: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// The user stopped it.
    #[error("stopped on request; what was acknowledged stays")]
    Cancelled,
}

impl Error {
    /// An option that makes no sense here.
    pub fn option(option: &str, reason: impl Into<String>) -> Self {
        Self::Option {
            option: option.to_owned(),
            reason: reason.into(),
        }
    }

    /// A file that cannot be read or written.
    pub fn io(path: &std::path::Path, action: &'static str, source: std::io::Error) -> Self {
        Self::Io {
            path: path.display().to_string(),
            action,
            source,
        }
    }

    /// Stable code.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Selection(error) => error.kind(),
            Self::Netcdf(error) => error.kind(),
            Self::Write(error) => error.kind(),
            Self::Store(error) => error.kind(),
            Self::Engine(error) => error.kind(),
            Self::Access(error) => error.kind(),
            Self::Plot(error) => error.kind(),
            Self::Output(error) => error.kind(),
            Self::Shard(error) => error.kind(),
            Self::Dataset(error) => error.kind,
            Self::Option { .. } => ErrorKind::InvalidArgument,
            Self::Io { source, .. } => ErrorKind::of_io(source),
            Self::Cancelled => ErrorKind::Cancelled,
        }
    }
}

/// The stable kind of `error`, if it is one of karin's or the system's (causes are not looked into).
pub fn kind_of(error: &(dyn std::error::Error + 'static)) -> Option<ErrorKind> {
    macro_rules! first_of {
        ($($type:ty),* $(,)?) => {
            None$(.or_else(|| error.downcast_ref::<$type>().map(<$type>::kind)))*
        };
    }
    first_of!(
        Error,
        SelectionError,
        NcError,
        WriteError,
        StoreError,
        EngineError,
        AccessError,
        PlotError,
        crate::simulate::SimulateError,
        crate::output::OutputError,
        crate::shard::ShardError
    )
    .or_else(|| error.downcast_ref::<DatasetError>().map(|error| error.kind))
    .or_else(|| error.downcast_ref::<std::io::Error>().map(ErrorKind::of_io))
}
