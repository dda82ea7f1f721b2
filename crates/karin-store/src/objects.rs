//! Chunk objects: many chunks packed into one immutable object, written whole, read by range.

use std::borrow::Cow;
use std::fs::File;
use std::io::Write as _;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

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
    target: Target,
}

#[derive(Debug)]
enum Target {
    /// A hidden file beside its final name; removed on drop unless finished.
    File(Background),
    /// For object stores, which take an object in one piece.
    Memory(BytesMut),
}

/// Chunks that wait to be written.
const WAITING: usize = 32;

/// A thread that hashes and writes, while others encode what comes next.
#[derive(Debug)]
struct Background {
    chunks: Option<SyncSender<Vec<u8>>>,
    thread: Option<JoinHandle<Result<Written, StoreError>>>,
}

/// A file with all its chunks, not yet durable.
#[derive(Debug)]
struct Written {
    file: File,
    hidden: backend::HiddenFile,
    hash: blake3::Hash,
}

impl Background {
    fn start(mut file: File, hidden: backend::HiddenFile) -> Result<Self, StoreError> {
        let (sender, receiver) = sync_channel::<Vec<u8>>(WAITING);
        let path = hidden.path().to_owned();
        let write = move || {
            let mut hasher = blake3::Hasher::new();
            for chunk in receiver {
                file.write_all(&chunk)
                    .map_err(|source| StoreError::io(hidden.path(), "write", source))?;
                hasher.update(&chunk);
            }
            let hash = hasher.finalize();
            Ok(Written { file, hidden, hash })
        };
        let thread = std::thread::Builder::new()
            .name("karin-write".into())
            .spawn(write);
        let thread = thread.map_err(|source| StoreError::io(&path, "start a thread for", source))?;
        Ok(Self {
            chunks: Some(sender),
            thread: Some(thread),
        })
    }

    /// Hands a chunk over; the error may be that of an earlier one.
    fn push(&mut self, chunk: Vec<u8>) -> Result<(), StoreError> {
        let sent = self.chunks.as_ref().map(|chunks| chunks.send(chunk));
        match sent {
            Some(Ok(())) => Ok(()),
            // The thread has stopped, which it does on an error only.
            Some(Err(_)) | None => self.join().map(|_| ()),
        }
    }

    /// Waits until all chunks are written.
    fn join(&mut self) -> Result<Written, StoreError> {
        self.chunks = None;
        let stopped = || {
            let reason = std::io::Error::other("the thread that writes has stopped");
            StoreError::io("a chunk object", "write", reason)
        };
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(written)) => written,
            Some(Err(_)) | None => Err(stopped()),
        }
    }
}

/// An object that is not finished leaves nothing behind.
impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.join();
    }
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
                Target::File(Background::start(file, hidden)?)
            }
            None => Target::Memory(BytesMut::new()),
        };
        Ok(ObjectWriter {
            repository: self,
            id,
            length: 0,
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

    /// All bytes of an object, or `None` if it is not there. In a folder it is read at once, by the thread that asks.
    ///
    /// # Errors
    /// What reading met.
    pub(crate) fn read_whole(&self, object: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match self.location() {
            Location::Folder(root) => backend::read_file(&root.join(object)),
            Location::Memory(_) | Location::S3 { .. } => self.connection.read(object, None),
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
    pub fn push<'c>(&mut self, chunk: impl Into<Cow<'c, [u8]>>) -> Result<ChunkRef, StoreError> {
        let chunk = chunk.into();
        let (offset, length) = (self.length, chunk.len() as u64);
        match &mut self.target {
            Target::File(background) => background.push(chunk.into_owned())?,
            Target::Memory(buffer) => buffer.extend_from_slice(&chunk),
        }
        self.length += length;
        Ok(ChunkRef {
            id: self.id.clone(),
            offset,
            length,
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
            target,
        } = self;
        let object = format!("{CHUNKS_FILE_PATH}/{id}");
        let connection = &repository.connection;
        let hash = match target {
            Target::File(mut background) => {
                let Written { file, hidden, hash } = background.join()?;
                hidden.publish(file)?;
                connection.recorder.record(Record { object, length, hash });
                hash
            }
            Target::Memory(buffer) => {
                let hash = blake3::hash(&buffer);
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
                hash
            }
        };
        Ok(WrittenObject {
            id,
            length,
            hash: *hash.as_bytes(),
        })
    }
}
