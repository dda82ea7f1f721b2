//! The structure of a file at a server in few rounds: in each, all that is known to be needed is asked for at once.
//!
//! Headers of many files lie among the values, and point to more of themselves and to heaps elsewhere. Read one after the other
//! each of these costs a round trip. Here the structure is walked over what is there already; where something is missing the
//! walk goes on with the next member, and all that was missing is fetched together.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use karin_core::{Ahead, ByteSource};

use crate::fault::Fault;

/// Rounds after which the rest is read piece by piece.
const MOST_ROUNDS: usize = 16;

/// What is there of a source; notes what is not.
#[derive(Debug)]
pub(super) struct Scout {
    source: Arc<dyn ByteSource>,
    missing: Mutex<Vec<Range<u64>>>,
}

impl Scout {
    fn missing(&self) -> Vec<Range<u64>> {
        std::mem::take(&mut *self.missing.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ByteSource for Scout {
    fn name(&self) -> &str {
        self.source.name()
    }

    fn len(&self) -> std::io::Result<u64> {
        self.source.len()
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
        let range = offset..offset.saturating_add(buffer.len() as u64);
        if self.source.holds(range.clone()) {
            return self.source.read_exact_at(buffer, offset);
        }
        let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        missing.push(range);
        Err(std::io::ErrorKind::WouldBlock.into())
    }
}

/// How a structure is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Walking {
    /// Until something cannot be read.
    Strictly,
    /// Past what cannot be read.
    Onward,
}

/// What `walk` makes of a source. It is called over what is there, and again when what it missed has come, until it misses
/// nothing; after too many rounds, over the source itself.
///
/// # Errors
/// What `walk` says of bytes that are there, and if what is missing cannot be fetched.
pub(super) fn in_rounds<T>(
    source: &Arc<dyn ByteSource>,
    walk: impl Fn(&Arc<dyn ByteSource>, Walking) -> Result<T, Fault>,
) -> Result<T, Fault> {
    if !source.is_remote() {
        return walk(source, Walking::Strictly);
    }
    for _ in 0..MOST_ROUNDS {
        let scout = Arc::new(Scout {
            source: Arc::clone(source),
            missing: Mutex::default(),
        });
        let seen: Arc<dyn ByteSource> = scout.clone();
        let result = walk(&seen, Walking::Strictly);
        let mut missing = scout.missing();
        if missing.is_empty() {
            return result;
        }
        // What else is missing counts, not what this comes to.
        let _ = walk(&seen, Walking::Onward);
        missing.extend(scout.missing());
        source
            .prefetch(&missing, Ahead::Structure)
            .map_err(|source| Fault::Io {
                action: "fetching the structure".into(),
                source,
            })?;
    }
    walk(source, Walking::Strictly)
}
