//! Stored bytes of virtual granules.

use std::collections::HashMap;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use karin_core::{Ahead, ErrorKind, SourceError};

use super::{Origin, Place, RemoteOrigin, Servers, folder_of, lost, out_of_reach, stamp_of};
use crate::stored::Stored;
use crate::{Location, StoreError};

/// Files kept open; beyond that, all are closed and the count begins anew.
const OPEN_FILES: usize = 128;

/// Files that were opened for their chunks.
#[derive(Debug)]
pub(crate) struct OriginFiles {
    collection: Location,
    /// The folder of the collection.
    folder: Option<PathBuf>,
    servers: Option<Arc<dyn Servers>>,
    open: Mutex<HashMap<String, Arc<Opened>>>,
}

/// An open file.
#[derive(Debug)]
enum Opened {
    File(PathBuf, File),
    Remote(RemoteOrigin),
}

impl OriginFiles {
    pub(crate) fn new(collection: &Location, servers: Option<Arc<dyn Servers>>) -> Self {
        Self {
            collection: collection.clone(),
            folder: folder_of(collection).ok().flatten(),
            servers,
            open: Mutex::default(),
        }
    }

    /// The folder of the collection.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Looks whether a file of that size is there as it was.
    ///
    /// # Errors
    /// [`StoreError::Origin`] if it is gone, was changed, or cannot be looked at.
    pub(crate) fn check(&self, origin: &Origin, size: u64) -> Result<(), StoreError> {
        match origin.place(self.folder())? {
            Place::File(path) => {
                let metadata = self.look_at(&path)?;
                let stamp = stamp_of(&metadata);
                origin.compare(&path.display().to_string(), (metadata.len(), &stamp), size)
            }
            Place::Server => self.reach(origin)?.compare(origin, size),
        }
    }

    /// Bytes of a file at a server will be read: has them fetched together. What fails is told by reading them.
    pub(crate) fn prefetch(&self, origin: &Origin, size: u64, ranges: &[Range<u64>]) {
        if !ranges.is_empty()
            && matches!(origin.place(self.folder()), Ok(Place::Server))
            && let Ok(opened) = self.opened(origin)
            && opened.compare(origin, size).is_ok()
            && let Opened::Remote(file) = opened.as_ref()
        {
            let _ = file.source.prefetch(ranges, Ahead::Values);
        }
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
        let opened = self.opened(origin)?;
        opened.compare(origin, size)?;
        let length = range.end.checked_sub(range.start).filter(|_| range.end <= size);
        let length = length.and_then(|length| usize::try_from(length).ok());
        let Some(length) = length else {
            return Err(StoreError::Origin {
                file: origin.describe(self.folder()),
                reason: format!("bytes {range:?} are referred to, it has {size}"),
                kind: ErrorKind::Corrupt,
            });
        };
        let out = out.resize(length);
        match opened.as_ref() {
            Opened::File(path, file) => file
                .read_exact_at(out, range.start)
                .map_err(|error| lost(path, &error)),
            Opened::Remote(file) => {
                let fetched = file.source.prefetch(std::slice::from_ref(&range), Ahead::Values);
                fetched
                    .and_then(|()| file.source.read_exact_at(out, range.start))
                    .map_err(|error| lost(Path::new(&origin.location), &error))
            }
        }
    }

    fn opened(&self, origin: &Origin) -> Result<Arc<Opened>, StoreError> {
        let kept = || self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = kept().get(&origin.location) {
            return Ok(Arc::clone(found));
        }
        // Opened outside the lock: two threads may open the same file, which costs less than waiting.
        let opened = match origin.place(self.folder())? {
            Place::File(path) => {
                self.look_at(&path)?;
                let file = File::open(&path).map_err(|error| lost(&path, &error))?;
                Opened::File(path, file)
            }
            Place::Server => self.reach(origin)?,
        };
        let opened = Arc::new(opened);
        let mut kept = kept();
        if kept.len() >= OPEN_FILES {
            kept.clear();
        }
        kept.insert(origin.location.clone(), Arc::clone(&opened));
        Ok(opened)
    }

    /// What a file is. Only files are opened: a pipe would be waited for, a device would act.
    fn look_at(&self, path: &Path) -> Result<std::fs::Metadata, StoreError> {
        let refused = |error| out_of_reach(path.display().to_string(), error);
        if self.folder.is_none() {
            let nobody = || SourceError {
                kind: ErrorKind::Permission,
                reason: "a collection that lies in no folder refers to it, and nobody said that it may"
                    .into(),
            };
            let allowed = self.servers.as_ref().ok_or_else(nobody);
            allowed
                .and_then(|servers| servers.allow_file(path))
                .map_err(refused)?;
        }
        let metadata = std::fs::metadata(path).map_err(|error| lost(path, &error))?;
        if metadata.is_file() {
            return Ok(metadata);
        }
        Err(refused(SourceError {
            kind: ErrorKind::Unsupported,
            reason: "no file, but something else of that name".into(),
        }))
    }

    fn reach(&self, origin: &Origin) -> Result<Opened, StoreError> {
        let nobody = || SourceError {
            kind: ErrorKind::Unsupported,
            reason: "it lies at a server, which nothing here can ask".into(),
        };
        let servers = self.servers.as_ref().ok_or_else(nobody);
        let opened = servers.and_then(|servers| servers.open(&self.collection, &origin.location));
        opened
            .map(Opened::Remote)
            .map_err(|error| out_of_reach(origin.location.clone(), error))
    }
}

impl Opened {
    fn compare(&self, origin: &Origin, size: u64) -> Result<(), StoreError> {
        match self {
            Self::File(path, file) => {
                let metadata = file.metadata().map_err(|error| lost(path, &error))?;
                let stamp = stamp_of(&metadata);
                origin.compare(&path.display().to_string(), (metadata.len(), &stamp), size)
            }
            Self::Remote(file) => {
                let len = file.source.len();
                let len = len.map_err(|error| lost(Path::new(&origin.location), &error))?;
                origin.compare(
                    &origin.location,
                    (len, file.stamp.as_deref().unwrap_or("none")),
                    size,
                )
            }
        }
    }
}
