//! What can go wrong between a selection and its answer.

use karin_core::{DatasetError, ErrorKind};

use crate::expression::ExpressionError;

/// Why a plan cannot be made or carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Nothing matches the selection.
    #[error("nothing is selected: {0}")]
    Empty(String),
    /// No such variable in any granule that is selected.
    #[error("no variable {name:?} in {product}{hint}")]
    NoVariable {
        /// What was asked for.
        name: String,
        /// Where it was looked for.
        product: String,
        /// What may have been meant.
        hint: String,
    },
    /// The granules do not belong together.
    #[error("{reason}")]
    Mixed {
        /// What differs and what to do.
        reason: String,
    },
    /// An option that makes no sense here.
    #[error("{option}: {reason}")]
    Option {
        /// Name of the option.
        option: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A faulty expression.
    #[error("in the expression: {0}")]
    Expression(#[from] ExpressionError),
    /// A granule could not be read.
    #[error("a granule cannot be read")]
    Dataset(#[from] DatasetError),
    /// A file or folder could not be listed or opened.
    #[error("{path}: {reason}")]
    Input {
        /// Where.
        path: String,
        /// Why.
        reason: String,
        /// Stable code.
        kind: ErrorKind,
    },
    /// The result does not fit into the budget and has no sink to stream to.
    #[error(
        "the result takes {needed} bytes, the memory budget is {budget}: write it to a file, or raise --memory"
    )]
    Memory {
        /// Bytes of the result.
        needed: u64,
        /// Bytes allowed.
        budget: u64,
    },
    /// The values that a part keeps for its medians do not fit into the budget.
    #[error(
        "medians, quantiles and mad on grids and in bins keep all values of a part, {} MiB: more than half of --memory ({} MiB); cut the \
         work into more parts, or raise --memory", needed >> 20, memory >> 20
    )]
    KeptValues {
        /// Bytes of the values.
        needed: u64,
        /// Bytes of the whole budget.
        memory: u64,
    },
    /// The threads could not be started.
    #[error("cannot start {jobs} threads: {reason}")]
    Threads {
        /// How many.
        jobs: usize,
        /// Why.
        reason: String,
    },
    /// Stopped by the user.
    #[error("stopped")]
    Cancelled,
}

impl EngineError {
    /// Stable code.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Empty(_) | Self::NoVariable { .. } => ErrorKind::NotFound,
            Self::Mixed { .. } => ErrorKind::SchemaMismatch,
            Self::Option { .. } | Self::Expression(_) => ErrorKind::InvalidArgument,
            Self::Dataset(error) => error.kind,
            Self::Input { kind, .. } => *kind,
            Self::Memory { .. } | Self::KeptValues { .. } => ErrorKind::Memory,
            Self::Threads { .. } => ErrorKind::Internal,
            Self::Cancelled => ErrorKind::Cancelled,
        }
    }

    /// An option that makes no sense here.
    pub(crate) fn option(option: &str, reason: impl Into<String>) -> Self {
        Self::Option {
            option: option.to_owned(),
            reason: reason.into(),
        }
    }
}

/// There is nothing that could be reduced.
pub(crate) fn invalid_structure() -> EngineError {
    EngineError::Empty("no selected variable can be reduced like this".to_owned())
}
