//! Where bytes come from: a file, a web server, a bucket.

use std::ops::Range;

use crate::ErrorKind;

/// Immutable bytes that can be read at any position, from many threads at once.
pub trait ByteSource: Send + Sync + std::fmt::Debug {
    /// What to call it in messages: a path or an address without secrets.
    fn name(&self) -> &str;

    /// Number of bytes.
    ///
    /// # Errors
    /// If it cannot be found out.
    fn len(&self) -> std::io::Result<u64>;

    /// True without bytes.
    ///
    /// # Errors
    /// As [`ByteSource::len`].
    fn is_empty(&self) -> std::io::Result<bool> {
        self.len().map(|len| len == 0)
    }

    /// Fills `buffer` from `offset` on.
    ///
    /// # Errors
    /// `UnexpectedEof` if the source ends before, else what the system says.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<()>;

    /// True if every read costs a round trip to a server: whoever knows what it will read says so first.
    fn is_remote(&self) -> bool {
        false
    }

    /// True if these bytes can be read without a round trip.
    fn holds(&self, range: Range<u64>) -> bool {
        let _ = range;
        true
    }

    /// These ranges of bytes will be read next: a remote source fetches neighbours together, and several at a time.
    ///
    /// # Errors
    /// If they cannot be fetched; reading them would fail as well.
    fn prefetch(&self, ranges: &[Range<u64>], what: Ahead) -> std::io::Result<()> {
        let _ = (ranges, what);
        Ok(())
    }
}

/// What is fetched ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ahead {
    /// Places where parts of the structure begin: small, and their neighbourhood will be read too.
    Structure,
    /// Values, exactly.
    Values,
}

/// Why a source other than a file cannot be read: the cause inside of a [`std::io::Error`], so that it keeps its kind.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{reason}")]
pub struct SourceError {
    /// Stable code.
    pub kind: ErrorKind,
    /// What is wrong, with the name of the source.
    pub reason: String,
}

impl SourceError {
    /// The one inside of an I/O error, if there is one.
    pub fn of(error: &std::io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl From<SourceError> for std::io::Error {
    fn from(error: SourceError) -> Self {
        Self::other(error)
    }
}
