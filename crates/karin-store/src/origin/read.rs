//! Stored bytes of virtual granules.

use std::collections::HashMap;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use karin_core::ErrorKind;

use super::{Origin, Place, folder_of, lost};
use crate::stored::Stored;
use crate::{Location, StoreError};

/// Files kept open; beyond that, all are closed and the count begins anew.
const OPEN_FILES: usize = 128;

/// Files that were opened for their chunks.
#[derive(Debug)]
pub(crate) struct OriginFiles {
    /// The folder of the collection.
    folder: Option<PathBuf>,
    open: Mutex<HashMap<String, Arc<(PathBuf, File)>>>,
}

impl OriginFiles {
    pub(crate) fn new(collection: &Location) -> Self {
        Self {
            folder: folder_of(collection).ok().flatten(),
            open: Mutex::default(),
        }
    }

    /// The folder of the collection.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Reads bytes of a file of that size into `out`, which gets their length.
    ///
    /// # Errors
    /// [`StoreError::Origin`] if the file is gone, was changed since it was ingested, or cannot be read.
    pub(crate) fn read(
        &self,
        origin: &Origin,
        size: u64,
        range: Range<u64>,
        out: &mut Stored,
    ) -> Result<(), StoreError> {
        let opened = self.file(origin)?;
        let (path, file) = (&opened.0, &opened.1);
        let metadata = file.metadata().map_err(|error| lost(path, &error))?;
        origin.compare(path, &metadata, size)?;
        let length = range.end.checked_sub(range.start).filter(|_| range.end <= size);
        let length = length.and_then(|length| usize::try_from(length).ok());
        let Some(length) = length else {
            return Err(StoreError::Origin {
                file: path.display().to_string(),
                reason: format!("bytes {range:?} are referred to, it has {size}"),
                kind: ErrorKind::Corrupt,
            });
        };
        file.read_exact_at(out.resize(length), range.start)
            .map_err(|error| lost(path, &error))
    }

    fn file(&self, origin: &Origin) -> Result<Arc<(PathBuf, File)>, StoreError> {
        let kept = || self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = kept().get(&origin.location) {
            return Ok(Arc::clone(found));
        }
        let Place::File(path) = origin.place(self.folder())?;
        let file = File::open(&path).map_err(|error| lost(&path, &error))?;
        let opened = Arc::new((path, file));
        let mut kept = kept();
        if kept.len() >= OPEN_FILES {
            kept.clear();
        }
        kept.insert(origin.location.clone(), Arc::clone(&opened));
        Ok(opened)
    }
}
