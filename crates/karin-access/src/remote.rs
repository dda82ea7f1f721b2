//! Granules read where they lie: the structure, and those parts of the values that somebody asks for.
//!
//! ```text
//!   prefetch(ranges) ─> gaps: neighbours together ─> fetch: ranges of one version of the file ─┐
//!                                             └────> several: many small ones in one request ──┤
//!   read_exact_at ──────────────────────────────────────────────────────────────> parts <──────┤
//!                                                                                   shelf (on disk)
//! ```
//!
//! Every request names the version of the file that the first one met (its `ETag`, or time and size): bytes of two
//! versions never meet. What came is kept in the cache folder by that version, the structure (the *index*) longer than
//! values, and read from there the next time.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use karin_core::{Ahead, ByteSource, Progress, SourceError};

use crate::http::parse_date;
use crate::retry::until_cancelled;
use crate::transfer::Origin;
use crate::{Access, AccessError, Location};

mod address;
mod ahead;
mod ask;
mod fetch;
mod gaps;
mod parts;
mod several;
mod shelf;

use ahead::WINDOW;
use ask::{ask, ask_version, wait};
use fetch::{Answer, PROBE};
use parts::{Found, PAGE, Parts, Place};
use shelf::Shelf;

/// Bytes that are asked for on first contact.
const HEAD: u64 = 256 << 10;

/// A granule at a server or in a bucket, read by ranges.
#[derive(Debug)]
pub struct RemoteFile {
    access: Arc<Access>,
    location: Location,
    name: String,
    origin: Origin,
    len: u64,
    is_whole: bool,
    shelf: Option<Shelf>,
    /// Whether the server may give several ranges in one answer.
    gives_several: AtomicBool,
    state: Mutex<State>,
    /// Held while something is fetched, so that nothing is fetched twice.
    fetching: Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    parts: Parts,
    /// Pages of the structure that were read: what the index is made of.
    pages: BTreeMap<u64, Vec<u8>>,
    /// Whether the index on disk lacks some of them.
    is_unsaved: bool,
    /// Where the last window ended, and its length.
    window: (u64, u64),
}

impl RemoteFile {
    /// Asks for the version of the file, and on first contact for its beginning. A server that gives no parts of files is
    /// said so, and the whole is fetched once.
    ///
    /// # Errors
    /// If there is no such file, the server cannot be asked, or the whole is larger than the cache may be.
    pub fn open(
        access: &Arc<Access>,
        location: &Location,
        progress: &dyn Progress,
    ) -> Result<Self, AccessError> {
        let name = location.to_string();
        let mut shelf = Shelf::of(&access.settings, location);
        let answer = match &shelf {
            Some(shelf) if shelf.knows_some_version() => ask_version(access, location)?,
            _ => ask(access, location, 0..HEAD)?,
        };
        let origin = answer.origin().clone();
        let known = match (&mut shelf, origin.validator()) {
            (Some(shelf), Some(_)) => shelf.take(&origin),
            // Nobody could tell later whether what is kept is of the same version.
            _ => {
                shelf = None;
                None
            }
        };
        let (pages, parts) = known.unwrap_or_default();
        let mut file = Self {
            access: Arc::clone(access),
            location: location.clone(),
            len: origin.total.unwrap_or(0),
            name,
            origin,
            is_whole: false,
            gives_several: AtomicBool::new(several::may_give(location, shelf.as_ref())),
            shelf,
            state: Mutex::new(State {
                pages,
                parts,
                ..State::default()
            }),
            fetching: Mutex::default(),
        };
        match answer {
            Answer::Part { bytes, .. } if bytes.len() as u64 > PROBE => file.keep(0, bytes, false),
            // Another version than the one that was known.
            Answer::Part { .. } if file.state().pages.is_empty() => {
                file.bring(std::iter::once(0..HEAD.min(file.len)), false)?
            }
            Answer::Part { .. } => {}
            Answer::Whole(body) => file.take_whole(*body, progress)?,
        }
        Ok(file)
    }

    /// Takes what a server sends that gives no parts of files.
    fn take_whole(&mut self, body: fetch::Whole, progress: &dyn Progress) -> Result<(), AccessError> {
        self.is_whole = true;
        if let Some(len) = self.origin.total
            && self.state().parts.covers(0..len)
        {
            return Ok(());
        }
        progress.warn(&format!(
            "{}: the server gives no parts of files that could be told apart by version; it is fetched whole, once",
            self.name
        ));
        let limit = self.access.settings.cache_bytes();
        let folder = self.shelf.as_ref().map(|shelf| shelf.folder().to_owned());
        let stop = self.access.stop.clone();
        let save = async move { until_cancelled(&stop, body.save(folder, limit)).await };
        let whole = wait(&self.access, save)???;
        self.len = whole.len;
        let mut state = self.state();
        state.parts.add(0, whole.len, whole.place, true);
        drop(state);
        self.tidy(self.len);
        Ok(())
    }

    /// What tells this version of the file from others: its `ETag`, else when it was modified; `None` if the server says
    /// neither.
    pub fn version(&self) -> Option<&str> {
        self.origin.validator()
    }

    /// When the file was modified, as servers of the web say it: seconds since 1970-01-01T00:00:00 UTC.
    pub fn modified(&self) -> Option<u32> {
        let date = parse_date(self.origin.last_modified.as_deref()?)?;
        let since = date.duration_since(std::time::UNIX_EPOCH).ok()?;
        u32::try_from(since.as_secs()).ok()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }

    /// Keeps bytes that came, on disk where there is a cache.
    fn keep(&self, start: u64, bytes: Vec<u8>, values: bool) {
        let len = bytes.len() as u64;
        let kept = self.shelf.as_ref().and_then(|shelf| shelf.keep(start, &bytes));
        let place = kept.map_or_else(
            || Place::Memory(bytes),
            |path| Place::Kept { path, checked: true },
        );
        self.state().parts.add(start, len, place, values);
        self.tidy(len);
    }

    /// Counts bytes that went into the cache, which makes room for them.
    fn tidy(&self, bytes: u64) {
        if let Some(shelf) = &self.shelf {
            let limit = self.access.settings.cache_bytes();
            shelf.tidy(&self.access.cache_written, bytes, limit);
        }
    }

    /// Copies what is there; notes what of the structure was read.
    fn copy(&self, offset: u64, buffer: &mut [u8]) -> bool {
        let mut state = self.state();
        let State {
            parts,
            pages,
            is_unsaved,
            ..
        } = &mut *state;
        match parts.copy(pages, offset, buffer) {
            Found::Nothing => false,
            Found::Values => true,
            Found::Structure => {
                let end = (offset + buffer.len() as u64).min(self.len);
                // Large pieces are values that came along with structure.
                for page in offset / PAGE..end.div_ceil(PAGE) {
                    if buffer.len() as u64 > WINDOW || pages.contains_key(&page) {
                        continue;
                    }
                    let start = page * PAGE;
                    let mut bytes = vec![0; (self.len - start).min(PAGE) as usize];
                    if !matches!(parts.copy(pages, start, &mut bytes), Found::Nothing) {
                        pages.insert(page, bytes);
                        *is_unsaved = true;
                    }
                }
                true
            }
        }
    }

    fn read(&self, buffer: &mut [u8], offset: u64) -> Result<(), AccessError> {
        // Another process may clear the cache between fetching and reading: three times in a row it does not.
        for _ in 0..3 {
            if self.copy(offset, buffer) {
                return Ok(());
            }
            let _one_at_a_time = locked(&self.fetching);
            if self.copy(offset, buffer) {
                return Ok(());
            }
            let window = self.window(offset, buffer.len() as u64);
            self.bring(std::iter::once(window), false)?;
        }
        Err(AccessError::Store {
            location: self.name.clone(),
            reason: "the cache is cleared faster than it is read".to_owned(),
            missing: false,
        })
    }

    /// Puts the index on disk, if it has grown.
    fn save_index(&self) {
        let Some(shelf) = &self.shelf else { return };
        let mut state = self.state();
        if std::mem::take(&mut state.is_unsaved) {
            shelf.keep_index(&state.pages);
        }
    }
}

impl Drop for RemoteFile {
    fn drop(&mut self) {
        self.save_index();
    }
}

impl ByteSource for RemoteFile {
    fn name(&self) -> &str {
        &self.name
    }

    fn len(&self) -> std::io::Result<u64> {
        Ok(self.len)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64);
        if end.is_none_or(|end| end > self.len) {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        self.read(buffer, offset).map_err(io_error)
    }

    fn is_remote(&self) -> bool {
        true
    }

    fn holds(&self, range: Range<u64>) -> bool {
        let state = self.state();
        state.parts.covers_with(&state.pages, range)
    }

    fn prefetch(&self, ranges: &[Range<u64>], what: Ahead) -> std::io::Result<()> {
        self.fetch_ahead(ranges, what).map_err(io_error)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn io_error(error: AccessError) -> std::io::Error {
    let reason = match std::error::Error::source(&error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    };
    SourceError {
        kind: error.kind(),
        reason,
    }
    .into()
}
