//! Storage and runtime of one location, before anything is known of a repository there.

use std::future::Future;
use std::ops::Range;
use std::sync::Arc;

use futures::StreamExt as _;
use icechunk::Storage;
use icechunk_storage::{ListInfo, Settings, StorageContext, StorageError, StorageResult};
use tokio::io::AsyncReadExt as _;
use tokio::runtime::Runtime;

use crate::backend::{self, RecordingStorage};
use crate::{Location, StoreError, StoreOptions};

/// A reachable location.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) location: Location,
    pub(crate) label: String,
    pub(crate) options: StoreOptions,
    pub(crate) recorder: Arc<RecordingStorage>,
    pub(crate) storage: Arc<dyn Storage + Send + Sync>,
    settings: Settings,
    runtime: Option<Runtime>,
}

impl Connection {
    /// Prepares to reach a location; nothing is read yet.
    pub(crate) fn new(location: &str, options: &StoreOptions) -> Result<Self, StoreError> {
        let location = Location::parse(location)?;
        let label = location.to_string();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("karin-store")
            .enable_all()
            .build()
            .map_err(|source| StoreError::io(&label, "start threads", source))?;
        let storage = backend::storage(&runtime, &location, options)?;
        let recorder = Arc::new(RecordingStorage::new(storage, options.read_only));
        let storage: Arc<dyn Storage + Send + Sync> = Arc::<RecordingStorage>::clone(&recorder);
        let settings = runtime
            .block_on(storage.default_settings())
            .map_err(|error| StoreError::of_storage(&label, "reach", error))?;
        Ok(Self {
            location,
            label,
            options: options.clone(),
            recorder,
            storage,
            settings,
            runtime: Some(runtime),
        })
    }

    /// Runs a future on the connection's runtime.
    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        match &self.runtime {
            Some(runtime) => runtime.block_on(future),
            // Only `drop` takes the runtime out.
            None => unreachable!("the runtime lives as long as the connection"),
        }
    }

    /// The context of a request.
    pub(crate) fn context(&self) -> StorageContext<'_> {
        StorageContext::unattributed(&self.settings)
    }

    /// One of Icechunk's storage errors as ours.
    pub(crate) fn failed(&self, action: &'static str, error: StorageError) -> StoreError {
        StoreError::of_storage(&self.label, action, error)
    }

    /// The error of writing to what was opened to be read.
    pub(crate) fn refuse_read_only(&self) -> Result<(), StoreError> {
        if self.options.read_only {
            return Err(StoreError::ReadOnly {
                location: self.label.clone(),
                reason: "opened to be read".into(),
            });
        }
        Ok(())
    }

    /// Objects under a prefix, sorted.
    pub(crate) fn list(&self, prefix: &str) -> Result<Vec<ListInfo<String>>, StoreError> {
        let listed: StorageResult<Vec<_>> = self.block_on(async {
            let mut stream = self.storage.list_objects(&self.context(), prefix).await?;
            let mut found = Vec::new();
            while let Some(object) = stream.next().await {
                found.push(object?);
            }
            Ok(found)
        });
        let mut found = listed.map_err(|error| self.failed("list objects", error))?;
        found.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(found)
    }

    /// All bytes of an object, or of a range of it, or `None` if it is not there.
    pub(crate) fn read(
        &self,
        object: &str,
        range: Option<&Range<u64>>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let read: StorageResult<Vec<u8>> = self.block_on(async {
            let (mut reader, _) = self.storage.get_object(&self.context(), object, range).await?;
            let mut bytes = Vec::new();
            reader
                .read_to_end(&mut bytes)
                .await
                .map_err(backend::storage_io)?;
            Ok(bytes)
        });
        match read.map_err(|error| self.failed("read an object", error)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(StoreError::MissingObject { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
