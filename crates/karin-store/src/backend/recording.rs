//! Remembers the hash of every object that is written, and writes the hashes down before a commit makes them reachable.

use std::fmt;
use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::{BoxStream, Stream};
use icechunk::Storage;
use icechunk::format::REPO_INFO_FILE_PATH;
use icechunk_storage::{
    DeleteObjectsResult, GetModifiedResult, ListInfo, RepositoryCreation, Settings, StorageContext,
    StorageInfo, StorageResult, VersionInfo, VersionedUpdateResult,
};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncBufRead;

use crate::ledger::{self, Record};

/// Another storage, with a ledger of what went into it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RecordingStorage {
    inner: Arc<dyn Storage + Send + Sync>,
    read_only: bool,
    #[serde(skip)]
    pending: Mutex<Vec<Record>>,
}

impl RecordingStorage {
    pub(crate) fn new(inner: Arc<dyn Storage + Send + Sync>, read_only: bool) -> Self {
        Self {
            inner,
            read_only,
            pending: Mutex::default(),
        }
    }

    /// Notes an object that was written past this storage; the next commit writes it down.
    pub(crate) fn record(&self, record: Record) {
        self.pending().push(record);
    }

    fn pending(&self) -> MutexGuard<'_, Vec<Record>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down what is pending, and the hash that the repository's root is about to have. Records of a commit that
    /// then fails do no harm: they tell the truth about objects that nothing refers to.
    async fn write_down(&self, ctx: &StorageContext<'_>, root: &[u8]) -> StorageResult<()> {
        let mut records = std::mem::take(&mut *self.pending());
        records.push(Record::of(REPO_INFO_FILE_PATH, root));
        let text = ledger::encode(&records);
        let written = self
            .inner
            .put_object(ctx, &ledger::new_object(), text.into(), None, Vec::new(), None)
            .await;
        if let Err(error) = written {
            records.pop();
            self.pending().append(&mut records);
            return Err(error);
        }
        Ok(())
    }
}

impl fmt::Display for RecordingStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl icechunk_storage::sealed::Sealed for RecordingStorage {}

#[async_trait]
#[typetag::serde]
impl Storage for RecordingStorage {
    fn storage_info(&self) -> StorageInfo {
        self.inner.storage_info()
    }

    async fn default_settings(&self) -> StorageResult<Settings> {
        self.inner.default_settings().await
    }

    async fn can_write(&self) -> StorageResult<bool> {
        Ok(!self.read_only && self.inner.can_write().await?)
    }

    async fn can_create_repository(&self) -> StorageResult<RepositoryCreation> {
        self.inner.can_create_repository().await
    }

    async fn create_location_if_needed(&self) -> StorageResult<()> {
        self.inner.create_location_if_needed().await
    }

    async fn get_object(
        &self,
        ctx: &StorageContext<'_>,
        path: &str,
        range: Option<&Range<u64>>,
    ) -> StorageResult<(Pin<Box<dyn AsyncBufRead + Send>>, VersionInfo)> {
        self.inner.get_object(ctx, path, range).await
    }

    async fn get_object_range(
        &self,
        ctx: &StorageContext<'_>,
        path: &str,
        range: Option<&Range<u64>>,
    ) -> StorageResult<(
        Pin<Box<dyn Stream<Item = StorageResult<Bytes>> + Send>>,
        VersionInfo,
    )> {
        self.inner.get_object_range(ctx, path, range).await
    }

    async fn put_object(
        &self,
        ctx: &StorageContext<'_>,
        path: &str,
        bytes: Bytes,
        content_type: Option<&str>,
        metadata: Vec<(String, String)>,
        previous_version: Option<&VersionInfo>,
    ) -> StorageResult<VersionedUpdateResult> {
        if path == REPO_INFO_FILE_PATH {
            self.write_down(ctx, &bytes).await?;
            return self
                .inner
                .put_object(ctx, path, bytes, content_type, metadata, previous_version)
                .await;
        }
        let record = Record::of(path, &bytes);
        let result = self
            .inner
            .put_object(ctx, path, bytes, content_type, metadata, previous_version)
            .await?;
        if matches!(result, VersionedUpdateResult::Updated { .. }) {
            self.record(record);
        }
        Ok(result)
    }

    async fn copy_object(
        &self,
        ctx: &StorageContext<'_>,
        from: &str,
        to: &str,
        content_type: Option<&str>,
        version: &VersionInfo,
    ) -> StorageResult<VersionedUpdateResult> {
        self.inner.copy_object(ctx, from, to, content_type, version).await
    }

    async fn list_objects<'a>(
        &'a self,
        ctx: &StorageContext<'_>,
        prefix: &str,
    ) -> StorageResult<BoxStream<'a, StorageResult<ListInfo<String>>>> {
        self.inner.list_objects(ctx, prefix).await
    }

    async fn list_objects_with_id_prefixes<'a>(
        &'a self,
        ctx: &StorageContext<'_>,
        prefix: &str,
        id_prefixes: &[String],
    ) -> StorageResult<BoxStream<'a, StorageResult<ListInfo<String>>>> {
        self.inner
            .list_objects_with_id_prefixes(ctx, prefix, id_prefixes)
            .await
    }

    fn lists_id_prefixes_natively(&self) -> bool {
        self.inner.lists_id_prefixes_natively()
    }

    async fn delete_batch(
        &self,
        ctx: &StorageContext<'_>,
        prefix: &str,
        batch: Vec<(String, u64)>,
    ) -> StorageResult<DeleteObjectsResult> {
        self.inner.delete_batch(ctx, prefix, batch).await
    }

    async fn get_object_last_modified(
        &self,
        ctx: &StorageContext<'_>,
        path: &str,
    ) -> StorageResult<DateTime<Utc>> {
        self.inner.get_object_last_modified(ctx, path).await
    }

    async fn get_object_conditional(
        &self,
        ctx: &StorageContext<'_>,
        path: &str,
        previous_version: Option<&VersionInfo>,
    ) -> StorageResult<GetModifiedResult> {
        self.inner
            .get_object_conditional(ctx, path, previous_version)
            .await
    }
}
