//! Storage of a repository: which kind a location needs, and the lock that keeps commits in line.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use icechunk::Storage;
use icechunk_storage::s3_config::{S3Credentials, S3Options};
use tokio::runtime::Runtime;

use crate::{Location, StoreError, StoreOptions};

mod files;
mod lock;
mod posix;
mod read;
mod recording;

pub(crate) use files::{HiddenFile, is_hidden};
pub(crate) use lock::FileLock as CommitLock;
pub use posix::{PosixStorage, Weakness};
pub(crate) use read::whole as read_file;
pub(crate) use recording::RecordingStorage;

use lock::{COMMIT_LOCK, FileLock, LockTerms, SWAP_LOCK};

/// Names of the lock files.
pub(crate) const LOCKS: [&str; 2] = [SWAP_LOCK, COMMIT_LOCK];

/// Collections of `memory://`, by name.
static IN_MEMORY: Mutex<Option<HashMap<String, Arc<dyn Storage + Send + Sync>>>> = Mutex::new(None);

/// The storage of a location.
pub(crate) fn storage(
    runtime: &Runtime,
    location: &Location,
    options: &StoreOptions,
) -> Result<Arc<dyn Storage + Send + Sync>, StoreError> {
    let failed = |error| StoreError::of_storage(&location.to_string(), "reach", error);
    match location {
        Location::Folder(path) => Ok(Arc::new(PosixStorage::new(
            path,
            options.read_only,
            options.locks_work,
        )?)),
        Location::Memory(name) => in_memory(runtime, name).map_err(failed),
        Location::S3 { bucket, prefix } => runtime
            .block_on(icechunk::new_s3_object_store_storage(
                s3_options(options),
                bucket.clone(),
                Some(prefix.clone()),
                Some(S3Credentials::FromEnv),
                Vec::new(),
                Vec::new(),
            ))
            .map_err(failed),
    }
}

fn in_memory(
    runtime: &Runtime,
    name: &str,
) -> Result<Arc<dyn Storage + Send + Sync>, icechunk_storage::StorageError> {
    let mut known = IN_MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    if let Some(storage) = known.get(name) {
        return Ok(Arc::clone(storage));
    }
    let storage = runtime.block_on(icechunk::new_in_memory_storage())?;
    known.insert(name.to_owned(), Arc::clone(&storage));
    Ok(storage)
}

pub(crate) fn s3_options(options: &StoreOptions) -> S3Options {
    let from_env = |names: &[&str]| names.iter().find_map(|name| std::env::var(name).ok());
    let mut s3 = S3Options::default();
    if let Some(region) = options
        .region
        .clone()
        .or_else(|| from_env(&["AWS_REGION", "AWS_DEFAULT_REGION"]))
    {
        s3 = s3.with_region(region);
    }
    if let Some(endpoint) = options
        .endpoint
        .clone()
        .or_else(|| from_env(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]))
    {
        let plain = endpoint.starts_with("http://");
        s3 = s3.with_endpoint_url(endpoint).with_allow_http(plain);
    }
    s3
}

/// How long a commit waits for those of others, unless the user says otherwise.
const COMMIT_PATIENCE: Duration = Duration::from_secs(600);

/// Takes the lock that keeps committing processes of one machine in line. It saves work and keeps the order fair; what
/// makes commits safe is the comparison and swap beneath. Object stores have no such lock.
pub(crate) fn commit_lock(
    location: &Location,
    options: &StoreOptions,
) -> Result<Option<FileLock>, StoreError> {
    let Location::Folder(root) = location else {
        return Ok(None);
    };
    if options.read_only {
        return Err(StoreError::ReadOnly {
            location: location.to_string(),
            reason: "opened to be read".into(),
        });
    }
    let patience = options.lock_patience.unwrap_or(COMMIT_PATIENCE);
    FileLock::take(
        root,
        COMMIT_LOCK,
        LockTerms {
            patience,
            locks_work: options.locks_work,
        },
    )
    .map(Some)
}

/// A number below `limit` (0 for 0), different in every process and call.
pub(crate) fn random_below(limit: u64) -> u64 {
    let mut hasher = std::collections::hash_map::RandomState::new().build_hasher();
    hasher.write_u64(limit);
    hasher.finish().checked_rem(limit).unwrap_or(0)
}

/// An I/O error as Icechunk carries it.
pub(crate) fn storage_io(source: std::io::Error) -> icechunk_storage::StorageError {
    icechunk_storage::StorageError::capture(icechunk_storage::StorageErrorKind::IOError(source))
}
