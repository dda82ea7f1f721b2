//! Chunk objects: many chunks packed into one immutable object, written whole, read by range.

use std::fs::File;
use std::io::Write as _;
use std::ops::Range;
use std::path::PathBuf;

use bytes::{Bytes, BytesMut};
use icechunk::format::manifest::ChunkRef;
use icechunk::format::{CHUNKS_FILE_PATH, ChunkId};

use crate::backend;
use crate::ledger::Record;
use crate::{Location, Repository, StoreError};

/// Writes one object that holds many chunks; nothing is visible before [`ObjectWriter::finish`].
#[derive(Debug)]
pub struct ObjectWriter<'a> {
    repository: &'a Repository,
    id: ChunkId,
    length: u64,
    hasher: blake3::Hasher,
    target: Target,
}

#[derive(Debug)]
enum Target {
    /// A hidden file beside its final name; removed on drop unless finished.
    File { file: File, hidden: backend::HiddenFile },
    /// For object stores, which take an object in one piece.
    Memory(BytesMut),
}

/// An object that is on stable storage and may be referred to by a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenObject {
    /// Its id; the object is `chunks/ID`.
    pub id: ChunkId,
    /// Its length in bytes.
    pub length: u64,
    /// Its BLAKE3 hash.
    pub hash: [u8; 32],
}

impl Repository {
    /// Vouches for an object that another process of the same collection has written ([`ObjectWriter::finish`] there),
    /// before a commit here refers to it.
    pub fn vouch_for(&self, object: &WrittenObject) {
        let WrittenObject { id, length, hash } = object;
        let object = format!("{CHUNKS_FILE_PATH}/{id}");
        self.connection.recorder.record(Record {
            object,
            length: *length,
            hash: (*hash).into(),
        });
    }

    /// Begins a packed object.
    ///
    /// # Errors
    /// [`StoreError::ReadOnly`], or what creating a file met.
    pub fn object_writer(&self) -> Result<ObjectWriter<'_>, StoreError> {
        self.connection.refuse_read_only()?;
        let id = ChunkId::random();
        let target = match self.chunk_path(&id) {
            Some(path) => {
                let (file, hidden) = backend::HiddenFile::create(&path)?;
                Target::File { file, hidden }
            }
            None => Target::Memory(BytesMut::new()),
        };
        Ok(ObjectWriter {
            repository: self,
            id,
            length: 0,
            hasher: blake3::Hasher::new(),
            target,
        })
    }

    /// The file that holds a chunk object, where the repository is a folder. Such a file never changes, and an open
    /// descriptor outlives `gc`.
    pub fn chunk_path(&self, id: &ChunkId) -> Option<PathBuf> {
        match self.location() {
            Location::Folder(root) => Some(root.join(CHUNKS_FILE_PATH).join(id.to_string())),
            Location::Memory(_) | Location::S3 { .. } => None,
        }
    }

    /// Bytes `range` of a chunk object, on any kind of storage.
    ///
    /// # Errors
    /// [`StoreError::MissingObject`], [`StoreError::Corrupt`] if the object is shorter, or what reading met.
    pub fn read_object(&self, id: &ChunkId, range: Range<u64>) -> Result<Bytes, StoreError> {
        let object = format!("{CHUNKS_FILE_PATH}/{id}");
        let Some(bytes) = self.connection.read(&object, Some(&range))? else {
            return Err(StoreError::MissingObject {
                location: self.label().into(),
                object,
            });
        };
        let expected = range.end.saturating_sub(range.start);
        if bytes.len() as u64 != expected {
            let reason = format!(
                "{} bytes from {} on, expected {expected}",
                bytes.len(),
                range.start
            );
            return Err(StoreError::Corrupt {
                location: self.label().into(),
                object,
                reason,
            });
        }
        Ok(bytes.into())
    }
}

impl ObjectWriter<'_> {
    /// Appends one chunk and says where it will be.
    ///
    /// # Errors
    /// What writing met (a full disk is [`karin_core::ErrorKind::NoSpace`]); the writer is of no use then.
    pub fn push(&mut self, chunk: &[u8]) -> Result<ChunkRef, StoreError> {
        match &mut self.target {
            Target::File { file, hidden } => {
                file.write_all(chunk)
                    .map_err(|source| StoreError::io(hidden.path(), "write", source))?;
            }
            Target::Memory(buffer) => buffer.extend_from_slice(chunk),
        }
        self.hasher.update(chunk);
        let offset = self.length;
        self.length += chunk.len() as u64;
        Ok(ChunkRef {
            id: self.id.clone(),
            offset,
            length: chunk.len() as u64,
        })
    }

    /// Bytes pushed so far.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Puts the object on stable storage under its name; only then may a commit refer to its chunks.
    ///
    /// # Errors
    /// What writing met; nothing is left behind then.
    pub fn finish(self) -> Result<WrittenObject, StoreError> {
        let Self {
            repository,
            id,
            length,
            hasher,
            target,
        } = self;
        let object = format!("{CHUNKS_FILE_PATH}/{id}");
        let hash = hasher.finalize();
        let connection = &repository.connection;
        match target {
            Target::File { file, hidden } => {
                hidden.publish(file)?;
                connection.recorder.record(Record { object, length, hash });
            }
            Target::Memory(buffer) => {
                let put = async {
                    let context = connection.context();
                    let bytes = buffer.freeze();
                    connection
                        .storage
                        .put_object(&context, &object, bytes, None, Vec::new(), None)
                        .await
                };
                connection
                    .block_on(put)
                    .map_err(|error| connection.failed("write a chunk object", error))?;
            }
        }
        Ok(WrittenObject {
            id,
            length,
            hash: *hash.as_bytes(),
        })
    }
}
