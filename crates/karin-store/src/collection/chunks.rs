//! Chunk bytes of one snapshot: references from Icechunk, positioned reads of the immutable objects by ourselves.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use icechunk::format::manifest::{ChunkPayload, ChunkRef, VirtualChunkRef};
use icechunk::format::{ChunkId, ChunkIndices, Path};
use icechunk::session::Session;
use karin_core::ErrorKind;

use super::references::References;
use crate::codec::{ChunkCodec, CodecError};
use crate::origin::OriginFiles;
use crate::stored::{Spare, Stored};
use crate::{Origin, Repository, StoreError};

/// Descriptors kept open; beyond that, all are closed and the count begins anew.
const OPEN_FILES: usize = 256;

thread_local! {
    static STORED: RefCell<Stored> = const { RefCell::new(Stored::new()) };
}

/// Reads chunk objects of a repository.
#[derive(Debug)]
pub(crate) struct ChunkReader {
    repository: Arc<Repository>,
    files: Mutex<HashMap<ChunkId, Arc<File>>>,
    /// Buffers for stored bytes between uses: fresh pages cost as much as reading into them.
    spare: Mutex<Spare>,
    /// Files that virtual granules lie in.
    origins: OriginFiles,
}

impl ChunkReader {
    pub(crate) fn new(repository: Arc<Repository>) -> Self {
        Self {
            origins: OriginFiles::new(repository.location(), repository.options().servers.clone()),
            repository,
            files: Mutex::new(HashMap::new()),
            spare: Mutex::default(),
        }
    }

    pub(crate) fn repository(&self) -> &Arc<Repository> {
        &self.repository
    }

    /// Files that virtual granules lie in.
    pub(crate) fn origins(&self) -> &OriginFiles {
        &self.origins
    }

    /// Runs `decode` on the bytes of a chunk that lies in the file of a virtual granule, of `size` bytes.
    ///
    /// # Errors
    /// If the file is not what it was, the reference leads to another one, or `decode` fails.
    pub(crate) fn with_virtual<R>(
        &self,
        place: &VirtualChunkRef,
        origin: &Origin,
        size: u64,
        decode: impl FnOnce(&[u8]) -> Result<R, CodecError>,
    ) -> Result<R, StoreError> {
        let end = place.offset.saturating_add(place.length);
        let file = || origin.describe(self.origins.folder());
        if place.location.url() != origin.location {
            return Err(StoreError::Corrupt {
                location: self.repository.label().into(),
                object: format!("a reference to {}", place.location.url()),
                reason: format!("the granule lies in {}", file()),
            });
        }
        STORED.with_borrow_mut(|stored| {
            self.origins.read(origin, size, place.offset..end, stored)?;
            decode(stored).map_err(|error| StoreError::Origin {
                file: file(),
                reason: format!("damaged: bytes {} to {end}: {error}", place.offset),
                kind: ErrorKind::Corrupt,
            })
        })
    }

    /// Runs `decode` on the stored bytes of a chunk; what it finds wrong is said of the chunk's object.
    ///
    /// # Errors
    /// If the object cannot be read, is shorter than its reference says, or `decode` fails.
    pub(crate) fn with_stored<R>(
        &self,
        payload: &ChunkPayload,
        decode: impl FnOnce(&[u8]) -> Result<R, CodecError>,
    ) -> Result<R, StoreError> {
        let decoded = match payload {
            ChunkPayload::Inline(bytes) => decode(bytes),
            ChunkPayload::Ref(reference) => match self.file(&reference.id)? {
                Some(file) => STORED.with_borrow_mut(|stored| {
                    self.read(&file, reference, stored)?;
                    Ok(decode(stored))
                })?,
                None => {
                    let end = reference.offset.saturating_add(reference.length);
                    decode(
                        &self
                            .repository
                            .read_object(&reference.id, reference.offset..end)?,
                    )
                }
            },
            _ => Err(CodecError::new("a chunk that lies outside the collection")),
        };
        decoded.map_err(|error| self.damaged(payload, &error))
    }

    /// The stored bytes of a chunk, checked against their checksum.
    ///
    /// # Errors
    /// As [`ChunkReader::with_stored`].
    pub(crate) fn stored(&self, payload: &ChunkPayload, codec: &ChunkCodec) -> Result<Stored, StoreError> {
        let file = match payload {
            ChunkPayload::Ref(reference) => self.file(&reference.id)?.map(|file| (file, reference)),
            _ => None,
        };
        let stored = match file {
            Some((file, reference)) => {
                let mut stored = self.spare().take(usize::try_from(reference.length).unwrap_or(0));
                self.read(&file, reference, &mut stored)?;
                stored
            }
            None => self.with_stored(payload, |bytes| {
                let mut stored = self.spare().take(bytes.len());
                stored.resize(bytes.len()).copy_from_slice(bytes);
                Ok(stored)
            })?,
        };
        codec
            .check(&stored)
            .map_err(|error| self.damaged(payload, &error))?;
        Ok(stored)
    }

    /// Takes back what [`ChunkReader::stored`] gave.
    pub(crate) fn give_back(&self, stored: Stored) {
        self.spare().give(stored);
    }

    fn spare(&self) -> MutexGuard<'_, Spare> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decodes a whole chunk.
    ///
    /// # Errors
    /// As [`ChunkReader::with_stored`].
    pub(crate) fn decode(&self, payload: &ChunkPayload, codec: &ChunkCodec) -> Result<Vec<u8>, StoreError> {
        self.with_stored(payload, |stored| {
            let mut raw = vec![0; codec.len()];
            codec.decode(stored, &mut raw).map(|()| raw)
        })
    }

    /// Decodes a whole chunk on all threads of the pool that this runs in, if it does.
    ///
    /// # Errors
    /// As [`ChunkReader::with_stored`].
    pub(crate) fn decode_together(
        &self,
        payload: &ChunkPayload,
        codec: &ChunkCodec,
    ) -> Result<Vec<u8>, StoreError> {
        let stored = self.stored(payload, codec)?;
        let mut raw = vec![0; codec.len()];
        let decoded = codec.decode_together(&stored, &mut raw);
        self.give_back(stored);
        decoded
            .map(|()| raw)
            .map_err(|error| self.damaged(payload, &error))
    }

    fn file(&self, id: &ChunkId) -> Result<Option<Arc<File>>, StoreError> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = files.get(id) {
            return Ok(Some(Arc::clone(file)));
        }
        let Some(path) = self.repository.chunk_path(id) else {
            return Ok(None);
        };
        let file = File::open(&path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => StoreError::MissingObject {
                location: self.repository.label().into(),
                object: format!("chunks/{id}"),
            },
            _ => StoreError::io(&path, "read", source),
        })?;
        if files.len() >= OPEN_FILES {
            files.clear();
        }
        let file = Arc::new(file);
        files.insert(id.clone(), Arc::clone(&file));
        Ok(Some(file))
    }

    fn read(&self, file: &File, reference: &ChunkRef, stored: &mut Stored) -> Result<(), StoreError> {
        // The reference may be damaged itself: nothing is set aside that the file does not have.
        let payload = || ChunkPayload::Ref(reference.clone());
        let fail = |source| match source {
            source if std::io::Error::kind(&source) == std::io::ErrorKind::UnexpectedEof => self.damaged(
                &payload(),
                &CodecError::new("the object is shorter than its reference says"),
            ),
            source => StoreError::io(format!("chunks/{}", reference.id), "read", source),
        };
        if reference.length > stored.room() as u64 {
            let present = file.metadata().map_err(fail)?.len();
            if reference
                .offset
                .checked_add(reference.length)
                .is_none_or(|end| end > present)
            {
                return Err(fail(std::io::ErrorKind::UnexpectedEof.into()));
            }
        }
        let bytes = stored.resize(reference.length as usize);
        file.read_exact_at(bytes, reference.offset).map_err(fail)
    }

    pub(crate) fn damaged(&self, payload: &ChunkPayload, error: &CodecError) -> StoreError {
        let object = match payload {
            ChunkPayload::Ref(reference) => {
                format!(
                    "chunks/{} (bytes {} to {})",
                    reference.id,
                    reference.offset,
                    reference.offset + reference.length
                )
            }
            _ => "a chunk inside a manifest".into(),
        };
        StoreError::Corrupt {
            location: self.repository.label().into(),
            object,
            reason: error.to_string(),
        }
    }
}

/// One snapshot of a collection: what lies where, for ever the same.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub chunks: ChunkReader,
    pub session: Session,
    pub references: References,
}

impl Snapshot {
    pub(crate) fn label(&self) -> &str {
        self.chunks.repository.label()
    }

    /// Where a chunk lies; `None` if it was never written.
    ///
    /// # Errors
    /// If there is no such array, or a manifest cannot be read.
    pub(crate) fn reference(
        &self,
        array: &str,
        coordinates: Vec<u32>,
    ) -> Result<Option<ChunkPayload>, StoreError> {
        self.references.find(&self.chunks.repository, array, coordinates)
    }
}

/// Where a chunk lies in a session, uncommitted changes included.
///
/// # Errors
/// As [`Snapshot::reference`].
pub(crate) fn reference_of_session(
    repository: &Repository,
    session: &Session,
    array: &str,
    coordinates: Vec<u32>,
) -> Result<Option<ChunkPayload>, StoreError> {
    let (path, coordinates) = (node_path(array), ChunkIndices(coordinates));
    let found = repository.block_on(session.get_chunk_ref(&path, &coordinates));
    found.map_err(|error| StoreError::of_session(repository.label(), "find a chunk", error))
}

/// The Icechunk path of one of our arrays or groups, whose names are valid by construction.
pub(crate) fn node_path(path: &str) -> Path {
    Path::new(path).unwrap_or_else(|_| Path::root())
}
