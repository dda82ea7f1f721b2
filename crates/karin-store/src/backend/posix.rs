//! Icechunk storage on a POSIX file system that never loses an acknowledged commit.
//!
//! - Immutable objects are written under a hidden name, made durable, renamed, and the folder made durable; that of the
//!   manifests, of which a commit has many, once before the root moves.
//! - Mutable objects (`repo`) change by comparing and swapping under a lock. The version is a hash of the content,
//!   never a time or an inode number: a file system may reuse both within its clock's grain.
//! - Settings that ask for less safety are passed over.
//!
//! ```text
//!   put "repo"   write hidden + fsync -> fsync manifests/ -> lock -> read, hash, compare -> rename -> fsync folder -> unlock
//!   copy "repo"  lock -> read, hash, compare -> hard link into overwritten/ -> unlock
//!   put other    write hidden + fsync -> rename -> fsync folder
//! ```

use std::fmt;
use std::io::{Cursor, Write as _};
use std::num::{NonZeroU16, NonZeroU64};
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::{self, BoxStream, Stream, StreamExt as _};
use icechunk_storage::{
    ConcurrencySettings, DeleteObjectsResult, GetModifiedResult, ListInfo, RetriesSettings, Settings,
    Storage, StorageContext, StorageError, StorageErrorKind, StorageInfo, StorageResult, VersionInfo,
    VersionedUpdateResult,
};
use rustix::fs::Access;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncBufRead;

use super::files::{self, HiddenFile, create_folders, parent, sync_folder};
use super::lock::{FileLock, LockTerms, SWAP_LOCK, check_host};
use super::read;
use crate::StoreError;

/// Prefixes whose objects are written once and never again.
const IMMUTABLE: [&str; 6] = [
    "chunks/",
    MANIFESTS,
    "snapshots/",
    "transactions/",
    "overwritten/",
    "karin/",
];

/// Objects that only a commit writes, many at once, and that nothing can lead to before it moves the root.
const MANIFESTS: &str = "manifests/";

/// How long a comparison and swap waits for another: it takes milliseconds, so a longer wait means a stopped holder.
const SWAP_PATIENCE: Duration = Duration::from_secs(60);

/// A repository in a folder.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PosixStorage {
    root: PathBuf,
    #[serde(default)]
    read_only: bool,
    #[serde(default)]
    locks_work: bool,
    #[serde(skip)]
    weakness: Weakness,
}

/// Parts of the scheme that a test leaves out to show that each is needed.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weakness {
    /// The whole scheme.
    #[default]
    None,
    /// Comparing without lock.
    NoLock,
    /// Swapping under the lock without comparing.
    NoCompare,
}

impl PosixStorage {
    /// The repository at `root`, which need not exist yet.
    ///
    /// # Errors
    /// If the current folder, to which a relative path refers, is unknown.
    pub fn new(root: &Path, read_only: bool, locks_work: bool) -> Result<Self, StoreError> {
        let root = std::path::absolute(root).map_err(|source| StoreError::io(root, "resolve", source))?;
        Ok(Self {
            root,
            read_only,
            locks_work,
            weakness: Weakness::None,
        })
    }

    /// With one part of the scheme left out.
    #[doc(hidden)]
    #[must_use]
    pub fn weakened(mut self, weakness: Weakness) -> Self {
        self.weakness = weakness;
        self
    }

    /// The file of an object; objects never lie outside the root.
    fn file(&self, object: &str) -> Result<PathBuf, StoreError> {
        let plain = Path::new(object)
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if !plain || files::is_hidden(object) {
            return Err(StoreError::InvalidArgument(format!(
                "{object:?} is not the name of an object"
            )));
        }
        Ok(self.root.join(object))
    }

    fn lock(&self) -> Result<Option<FileLock>, StoreError> {
        if self.weakness == Weakness::NoLock {
            return Ok(None);
        }
        let terms = LockTerms {
            patience: SWAP_PATIENCE,
            locks_work: self.locks_work,
        };
        FileLock::take(&self.root, SWAP_LOCK, terms).map(Some)
    }

    /// Whether the file is what the caller last saw; under the lock.
    fn is_at(&self, file: &Path, expected: &VersionInfo) -> Result<bool, StoreError> {
        if self.weakness == Weakness::NoCompare {
            return Ok(true);
        }
        let current = read::whole(file)?;
        Ok(match current {
            None => expected.is_create(),
            Some(bytes) => !expected.is_create() && version_of(&bytes) == *expected,
        })
    }

    fn put(
        &self,
        object: &str,
        bytes: &[u8],
        expected: Option<&VersionInfo>,
    ) -> StorageResult<VersionedUpdateResult> {
        let put = || -> Result<VersionedUpdateResult, StoreError> {
            self.refuse_read_only()?;
            let target = self.file(object)?;
            let (mut file, hidden) = HiddenFile::create(&target)?;
            file.write_all(bytes)
                .map_err(|source| StoreError::io(hidden.path(), "write", source))?;
            file.sync_all()
                .map_err(|source| StoreError::io(hidden.path(), "make durable", source))?;
            drop(file);
            if object.starts_with(MANIFESTS) && expected.is_none() {
                hidden.rename_only()?;
                return Ok(VersionedUpdateResult::Updated {
                    new_version: immutable_version(),
                });
            }
            if !is_immutable(object) {
                self.sync_manifests()?;
            }
            let lock = match expected {
                Some(_) => self.lock()?,
                None => None,
            };
            if let Some(expected) = expected
                && !self.is_at(&target, expected)?
            {
                return Ok(VersionedUpdateResult::NotOnLatestVersion);
            }
            hidden.rename()?;
            drop(lock);
            Ok(VersionedUpdateResult::Updated {
                new_version: self.version_after_write(object, bytes),
            })
        };
        put().map_err(carry)
    }

    /// Makes the names of all manifests durable, whoever wrote them.
    fn sync_manifests(&self) -> Result<(), StoreError> {
        let folder = self.root.join(MANIFESTS.trim_end_matches('/'));
        if folder.is_dir() {
            sync_folder(&folder)?;
        }
        Ok(())
    }

    fn version_after_write(&self, object: &str, bytes: &[u8]) -> VersionInfo {
        if is_immutable(object) {
            immutable_version()
        } else {
            version_of(bytes)
        }
    }

    fn copy(&self, from: &str, to: &str, expected: &VersionInfo) -> StorageResult<VersionedUpdateResult> {
        let copy = || -> Result<VersionedUpdateResult, StoreError> {
            self.refuse_read_only()?;
            let (from, to) = (self.file(from)?, self.file(to)?);
            create_folders(parent(&to))?;
            let _lock = self.lock()?;
            let Some(bytes) = read::whole(&from)? else {
                return Ok(VersionedUpdateResult::NotOnLatestVersion);
            };
            if self.weakness != Weakness::NoCompare
                && !expected.is_create()
                && version_of(&bytes) != *expected
            {
                return Ok(VersionedUpdateResult::NotOnLatestVersion);
            }
            // The old content is never changed in place, so a second name for it is a copy.
            if std::fs::hard_link(&from, &to).is_ok() {
                sync_folder(parent(&to))?;
            } else {
                let (mut file, hidden) = HiddenFile::create(&to)?;
                file.write_all(&bytes)
                    .map_err(|source| StoreError::io(hidden.path(), "write", source))?;
                hidden.publish(file)?;
            }
            Ok(VersionedUpdateResult::Updated {
                new_version: expected.clone(),
            })
        };
        copy().map_err(carry)
    }

    fn get(&self, object: &str, range: Option<&Range<u64>>) -> StorageResult<(Bytes, VersionInfo)> {
        let get = || -> Result<Option<(Bytes, VersionInfo)>, StoreError> {
            let file = self.file(object)?;
            match range {
                Some(range) if is_immutable(object) => {
                    Ok(read::range(&file, range)?.map(|bytes| (bytes.into(), immutable_version())))
                }
                // A version belongs to the bytes that it came with: both from one reading of one open file.
                _ => Ok(read::whole(&file)?.map(|bytes| {
                    let version = self.version_after_write(object, &bytes);
                    let bytes = Bytes::from(bytes);
                    (
                        range.map_or_else(|| bytes.clone(), |range| read::cut(&bytes, range)),
                        version,
                    )
                })),
            }
        };
        get()
            .map_err(carry)?
            .ok_or_else(|| StorageError::capture(StorageErrorKind::ObjectNotFound))
    }

    fn delete(&self, prefix: &str, batch: Vec<(String, u64)>) -> StorageResult<DeleteObjectsResult> {
        let delete = || -> Result<DeleteObjectsResult, StoreError> {
            self.refuse_read_only()?;
            let mut result = DeleteObjectsResult::default();
            for (id, size) in batch {
                let file = self.file(&format!("{prefix}/{id}"))?;
                match std::fs::remove_file(&file) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        return Err(StoreError::io(&file, "delete", error));
                    }
                    _ => {
                        result.deleted_objects += 1;
                        result.deleted_bytes += size;
                    }
                }
            }
            Ok(result)
        };
        delete().map_err(carry)
    }

    fn refuse_read_only(&self) -> Result<(), StoreError> {
        if self.read_only {
            let location = self.root.display().to_string();
            return Err(StoreError::ReadOnly {
                location,
                reason: "opened to be read".into(),
            });
        }
        Ok(())
    }

    /// Whether the folder, or the one that it would be created in, may be written.
    fn is_writable(&self) -> bool {
        let existing = self
            .root
            .ancestors()
            .find(|folder| folder.exists())
            .unwrap_or(&self.root);
        !self.read_only && rustix::fs::access(existing, Access::WRITE_OK | Access::EXEC_OK).is_ok()
    }

    /// Runs file operations where they may block.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> StorageResult<T> + Send + 'static,
    ) -> StorageResult<T> {
        let storage = self.clone();
        let joined = tokio::task::spawn_blocking(move || work(&storage)).await;
        joined.map_err(|error| StorageError::capture(StorageErrorKind::Other(error.to_string())))?
    }
}

/// One of our errors inside one of Icechunk's; [`StoreError::of_storage`] takes it out again.
fn carry(error: StoreError) -> StorageError {
    StorageError::capture(StorageErrorKind::ObjectStore(Box::new(error)))
}

fn is_immutable(object: &str) -> bool {
    IMMUTABLE.iter().any(|prefix| object.starts_with(prefix))
}

/// Nobody asks for the version of an object that never changes, but it must not be empty.
fn immutable_version() -> VersionInfo {
    VersionInfo::from_etag_only("immutable".into())
}

fn version_of(bytes: &[u8]) -> VersionInfo {
    VersionInfo::from_etag_only(blake3::hash(bytes).to_hex().to_string())
}

impl fmt::Display for PosixStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PosixStorage({})", self.root.display())
    }
}

impl icechunk_storage::sealed::Sealed for PosixStorage {}

#[async_trait]
#[typetag::serde]
impl Storage for PosixStorage {
    fn storage_info(&self) -> StorageInfo {
        StorageInfo {
            backend_type: "karin POSIX",
            fields: vec![("path", self.root.display().to_string())],
        }
    }

    /// These are persisted in the repository and then used by stock readers, so they are what stock local storage
    /// has, but for the guard: with conditional updates asked for, stock local writers, which cannot do them, refuse.
    async fn default_settings(&self) -> StorageResult<Settings> {
        Ok(Settings {
            concurrency: Some(ConcurrencySettings {
                max_concurrent_requests_for_object: NonZeroU16::new(5),
                ideal_concurrent_request_size: NonZeroU64::new(4 * 1024),
            }),
            unsafe_use_conditional_update: Some(true),
            unsafe_use_metadata: Some(false),
            retries: Some(RetriesSettings {
                max_tries: NonZeroU16::new(1),
                initial_backoff_ms: Some(0),
                max_backoff_ms: Some(0),
            }),
            ..Settings::default()
        })
    }

    async fn can_write(&self) -> StorageResult<bool> {
        self.blocking(|storage| {
            if !storage.is_writable() {
                return Ok(false);
            }
            check_host(&storage.root, storage.locks_work).map_err(carry)?;
            Ok(true)
        })
        .await
    }

    async fn create_location_if_needed(&self) -> StorageResult<()> {
        self.blocking(|storage| create_folders(&storage.root).map_err(carry))
            .await
    }

    async fn get_object(
        &self,
        _ctx: &StorageContext<'_>,
        path: &str,
        range: Option<&Range<u64>>,
    ) -> StorageResult<(Pin<Box<dyn AsyncBufRead + Send>>, VersionInfo)> {
        // Small files in the page cache: a change of thread would cost more than reading them.
        let (bytes, version) = self.get(path, range)?;
        Ok((Box::pin(Cursor::new(bytes)), version))
    }

    async fn get_object_range(
        &self,
        _ctx: &StorageContext<'_>,
        path: &str,
        range: Option<&Range<u64>>,
    ) -> StorageResult<(
        Pin<Box<dyn Stream<Item = StorageResult<Bytes>> + Send>>,
        VersionInfo,
    )> {
        let (bytes, version) = self.get(path, range)?;
        Ok((stream::once(std::future::ready(Ok(bytes))).boxed(), version))
    }

    async fn put_object(
        &self,
        _ctx: &StorageContext<'_>,
        path: &str,
        bytes: Bytes,
        _content_type: Option<&str>,
        _metadata: Vec<(String, String)>,
        previous_version: Option<&VersionInfo>,
    ) -> StorageResult<VersionedUpdateResult> {
        let (path, expected) = (path.to_owned(), previous_version.cloned());
        self.blocking(move |storage| storage.put(&path, &bytes, expected.as_ref()))
            .await
    }

    async fn copy_object(
        &self,
        _ctx: &StorageContext<'_>,
        from: &str,
        to: &str,
        _content_type: Option<&str>,
        version: &VersionInfo,
    ) -> StorageResult<VersionedUpdateResult> {
        let (from, to, version) = (from.to_owned(), to.to_owned(), version.clone());
        self.blocking(move |storage| storage.copy(&from, &to, &version))
            .await
    }

    async fn list_objects<'a>(
        &'a self,
        _ctx: &StorageContext<'_>,
        prefix: &str,
    ) -> StorageResult<BoxStream<'a, StorageResult<ListInfo<String>>>> {
        let prefix = prefix.trim_matches('/').to_owned();
        let found = self
            .blocking(move |storage| {
                let folder = if prefix.is_empty() {
                    storage.root.clone()
                } else {
                    storage.file(&prefix).map_err(carry)?
                };
                read::list(&folder).map_err(carry)
            })
            .await?;
        Ok(stream::iter(found.into_iter().map(Ok)).boxed())
    }

    async fn delete_batch(
        &self,
        _ctx: &StorageContext<'_>,
        prefix: &str,
        batch: Vec<(String, u64)>,
    ) -> StorageResult<DeleteObjectsResult> {
        let prefix = prefix.trim_matches('/').to_owned();
        self.blocking(move |storage| storage.delete(&prefix, batch)).await
    }

    async fn get_object_last_modified(
        &self,
        _ctx: &StorageContext<'_>,
        path: &str,
    ) -> StorageResult<DateTime<Utc>> {
        let path = path.to_owned();
        self.blocking(move |storage| {
            let file = storage.file(&path).map_err(carry)?;
            match std::fs::metadata(&file).and_then(|metadata| metadata.modified()) {
                Ok(time) => Ok(time.into()),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    Err(StorageError::capture(StorageErrorKind::ObjectNotFound))
                }
                Err(source) => Err(carry(StoreError::io(&file, "examine", source))),
            }
        })
        .await
    }

    async fn get_object_conditional(
        &self,
        _ctx: &StorageContext<'_>,
        path: &str,
        previous_version: Option<&VersionInfo>,
    ) -> StorageResult<GetModifiedResult> {
        let (bytes, new_version) = self.get(path, None)?;
        if previous_version == Some(&new_version) {
            return Ok(GetModifiedResult::OnLatestVersion);
        }
        Ok(GetModifiedResult::Modified {
            data: Box::pin(Cursor::new(bytes)),
            new_version,
        })
    }
}
