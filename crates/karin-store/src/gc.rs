//! Collecting garbage: expired snapshots, objects that nothing refers to, and what killed processes left behind.

use std::collections::HashSet;
use std::num::{NonZeroU16, NonZeroUsize};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use icechunk::format::snapshot::SnapshotInfo;
use icechunk::format::{
    CHUNKS_FILE_PATH, MANIFESTS_FILE_PATH, OVERWRITTEN_FILES_PATH, REPO_INFO_FILE_PATH, SNAPSHOTS_FILE_PATH,
    TRANSACTION_LOGS_FILE_PATH,
};
use icechunk::ops::GCError;
use icechunk::ops::gc::{ExpiredRefAction, GCConfig, expire, garbage_collect};
use icechunk_storage::ListInfo;
use serde::Serialize;

use crate::backend::{self, is_hidden};
use crate::ledger::{self, Ledger, Record};
use crate::reach;
use crate::{Location, Repository, StoreError, StoreOptions};

/// Backups of the root that stay whatever their age: the way back should the root itself be damaged.
const BACKUPS_KEPT: usize = 10;
/// Ledgers are merged when there are more than these.
const LEDGERS_KEPT: usize = 16;

/// What may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GcOptions {
    /// Snapshots older than this expire (the newest never does).
    pub keep: Duration,
    /// Objects younger than this stay although nothing refers to them yet: a running ingest may be about to commit
    /// them.
    pub grace: Duration,
    /// Only say what would go.
    pub dry_run: bool,
}

impl Default for GcOptions {
    /// 30 days of snapshots, a day of grace.
    fn default() -> Self {
        let day = Duration::from_secs(86_400);
        Self {
            keep: 30 * day,
            grace: day,
            dry_run: false,
        }
    }
}

/// What went, or would go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct GcReport {
    /// Nothing was changed.
    pub dry_run: bool,
    /// Ids of expired snapshots.
    pub expired: Vec<String>,
    /// Objects deleted because no kept snapshot needs them, of all kinds.
    pub objects: u64,
    /// Among them chunk objects.
    pub chunk_objects: u64,
    /// Old backups of the root.
    pub backups: u64,
    /// Unfinished files of killed processes.
    pub temporary_files: u64,
    /// Ledgers merged into one.
    pub ledgers: u64,
    /// Bytes freed.
    pub bytes: u64,
}

/// Expires old snapshots of the collection at `location` and deletes what no kept snapshot needs. Others may read and
/// write meanwhile.
///
/// # Errors
/// [`StoreError::ReadOnly`], or what reading and deleting met; what is kept is unharmed then, and a rerun goes on.
pub fn collect_garbage(
    location: &str,
    store: &StoreOptions,
    options: &GcOptions,
) -> Result<GcReport, StoreError> {
    let repository = Repository::open(location, store)?;
    if !options.dry_run {
        repository.connection.refuse_read_only()?;
    }
    let mut gc = Collector {
        repository: &repository,
        options,
        report: GcReport::default(),
    };
    gc.report.dry_run = options.dry_run;
    gc.snapshots_and_objects()?;
    gc.temporary_files()?;
    gc.backups()?;
    gc.ledgers()?;
    Ok(gc.report)
}

struct Collector<'a> {
    repository: &'a Repository,
    options: &'a GcOptions,
    report: GcReport,
}

fn before(age: Duration) -> DateTime<Utc> {
    SystemTime::now()
        .checked_sub(age)
        .unwrap_or(SystemTime::UNIX_EPOCH)
        .into()
}

impl Collector<'_> {
    fn failed(&self, error: GCError) -> StoreError {
        let label = self.repository.label();
        let action = "collect garbage";
        match error {
            GCError::Repository(error) => StoreError::of_repository(label, action, error),
            GCError::StorageError(error) => StoreError::of_storage(label, action, error),
            other => StoreError::Storage {
                location: label.into(),
                action,
                source: Box::new(other),
            },
        }
    }

    /// The root, and the snapshots that would expire.
    fn expiring(&self) -> Result<(Vec<SnapshotInfo>, HashSet<String>), StoreError> {
        let root = self.repository.root()?;
        let damaged = |error| self.repository.damaged_root(&error);
        let snapshots = reach::snapshots_of(&root).map_err(damaged)?;
        let branches = root.branches().map_err(damaged)?.map(|(_, id)| id);
        let tips: HashSet<_> = root
            .tags()
            .map_err(damaged)?
            .map(|(_, id)| id)
            .chain(branches)
            .collect();
        let limit = before(self.options.keep);
        let expired = snapshots
            .iter()
            .filter(|info| info.flushed_at < limit && info.parent_id.is_some() && !tips.contains(&info.id))
            .map(|info| info.id.to_string())
            .collect();
        Ok((snapshots, expired))
    }

    fn snapshots_and_objects(&mut self) -> Result<(), StoreError> {
        let (snapshots, expired) = self.expiring()?;
        self.report.expired = expired.iter().cloned().collect();
        self.report.expired.sort();
        if self.options.dry_run {
            let kept: Vec<_> = snapshots
                .into_iter()
                .filter(|info| !expired.contains(&info.id.to_string()))
                .collect();
            return self.count_unneeded(&kept, &expired);
        }
        let icechunk = self.repository.icechunk();
        let assets = icechunk.asset_manager();
        let retries = Some(icechunk.config().repo_update_retries());
        let updates_per_file = icechunk.config().num_updates_per_repo_info_file();
        let keep_references = ExpiredRefAction::Ignore;
        if !expired.is_empty() {
            let limit = before(self.options.keep);
            let work = expire(
                Arc::clone(assets),
                limit,
                keep_references,
                keep_references,
                retries,
                updates_per_file,
            );
            self.repository
                .block_on(work)
                .map_err(|error| self.failed(error))?;
        }
        let limit = before(self.options.grace);
        let small = |value| NonZeroU16::new(value).unwrap_or(NonZeroU16::MIN);
        let memory = NonZeroUsize::new(256 << 20).unwrap_or(NonZeroUsize::MIN);
        let config = GCConfig::clean_all(
            limit,
            limit,
            None,
            small(50),
            memory,
            memory,
            small(16),
            small(4),
            small(10),
            None,
            false,
        );
        let work = garbage_collect(Arc::clone(assets), &config, retries, updates_per_file);
        let summary = self
            .repository
            .block_on(work)
            .map_err(|error| self.failed(error))?;
        self.report.chunk_objects += summary.chunks_deleted;
        self.report.objects += summary.chunks_deleted
            + summary.manifests_deleted
            + summary.snapshots_deleted
            + summary.transaction_logs_deleted;
        self.report.bytes += summary.bytes_deleted;
        if summary.objects_failed_to_delete > 0 {
            let reason = summary.delete_errors.join("; ");
            return Err(StoreError::Storage {
                location: self.repository.label().into(),
                action: "delete all garbage",
                source: format!("{} objects are left: {reason}", summary.objects_failed_to_delete).into(),
            });
        }
        Ok(())
    }

    /// Counts what deleting would delete. What expired snapshots changed stays on record for those that follow them.
    fn count_unneeded(&mut self, kept: &[SnapshotInfo], expired: &HashSet<String>) -> Result<(), StoreError> {
        let reach = reach::follow(self.repository, kept, &mut reach::Reached);
        if let Some(unreadable) = reach.unreadable.first() {
            return Err(StoreError::Corrupt {
                location: self.repository.label().into(),
                object: unreadable.object.clone(),
                reason: unreadable.reason.clone(),
            });
        }
        let expired = expired
            .iter()
            .map(|id| format!("{TRANSACTION_LOGS_FILE_PATH}/{id}"));
        let needed: HashSet<String> = reach.objects().into_iter().chain(expired).collect();
        let limit = before(self.options.grace);
        for folder in [
            CHUNKS_FILE_PATH,
            MANIFESTS_FILE_PATH,
            SNAPSHOTS_FILE_PATH,
            TRANSACTION_LOGS_FILE_PATH,
        ] {
            for found in self.repository.connection.list(folder)? {
                if found.created_at < limit && !needed.contains(&format!("{folder}/{}", found.id)) {
                    self.report.objects += 1;
                    self.report.chunk_objects += u64::from(folder == CHUNKS_FILE_PATH);
                    self.report.bytes += found.size_bytes;
                }
            }
        }
        Ok(())
    }

    /// Hidden files older than the grace, never the locks: a waiting process may hold them open.
    fn temporary_files(&mut self) -> Result<(), StoreError> {
        let Location::Folder(root) = self.repository.location() else {
            return Ok(());
        };
        self.sweep(root)
    }

    fn sweep(&mut self, folder: &Path) -> Result<(), StoreError> {
        let limit = SystemTime::from(before(self.options.grace));
        let entries = std::fs::read_dir(folder).map_err(|source| StoreError::io(folder, "list", source))?;
        for entry in entries {
            let entry = entry.map_err(|source| StoreError::io(folder, "list", source))?;
            let (path, name) = (entry.path(), entry.file_name());
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                self.sweep(&path)?;
                continue;
            }
            let hidden = name
                .to_str()
                .is_some_and(|name| is_hidden(name) && !backend::LOCKS.contains(&name));
            if !hidden || metadata.modified().is_ok_and(|modified| modified >= limit) {
                continue;
            }
            if !self.options.dry_run {
                match std::fs::remove_file(&path) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        return Err(StoreError::io(&path, "delete", error));
                    }
                    _ => {}
                }
            }
            self.report.temporary_files += 1;
            self.report.bytes += metadata.len();
        }
        Ok(())
    }

    /// Every commit leaves a backup of the root. Those that the log of operations continues in stay, so do the newest;
    /// the others of an age go.
    fn backups(&mut self) -> Result<(), StoreError> {
        let mut chained = HashSet::new();
        let assets = self.repository.icechunk().asset_manager();
        let root = self.repository.root()?;
        let mut next = root.repo_before_updates().ok().flatten().map(str::to_owned);
        while let Some(name) = next {
            let backup = self.repository.block_on(assets.fetch_repo_info_backup(&name));
            if !chained.insert(name) {
                break;
            }
            // A missing backup ends the log; so it does for Icechunk.
            next = backup
                .ok()
                .and_then(|(backup, _)| backup.repo_before_updates().ok().flatten().map(str::to_owned));
        }
        let mut backups = self.repository.connection.list(OVERWRITTEN_FILES_PATH)?;
        backups.sort_by_key(|found| std::cmp::Reverse(found.created_at));
        let limit = before(self.options.grace);
        let old: Vec<ListInfo<String>> = backups
            .into_iter()
            .skip(BACKUPS_KEPT)
            .filter(|found| found.created_at < limit && !chained.contains(&found.id))
            .collect();
        self.report.backups = old.len() as u64;
        self.report.bytes += old.iter().map(|found| found.size_bytes).sum::<u64>();
        self.delete(OVERWRITTEN_FILES_PATH, &old)
    }

    /// Merges old ledgers into one that speaks of what is still there.
    fn ledgers(&mut self) -> Result<(), StoreError> {
        let connection = &self.repository.connection;
        let limit = before(self.options.grace);
        let old: Vec<_> = connection
            .list(ledger::PREFIX)?
            .into_iter()
            .filter(|found| found.created_at < limit)
            .collect();
        if old.len() <= LEDGERS_KEPT {
            return Ok(());
        }
        self.report.ledgers = old.len() as u64;
        if self.options.dry_run {
            return Ok(());
        }
        let Some(merged) = self.merged(&old)? else {
            return Ok(());
        };
        let put = async {
            let context = connection.context();
            let bytes = ledger::encode(&merged).into();
            connection
                .storage
                .put_object(&context, &ledger::new_object(), bytes, None, Vec::new(), None)
                .await
        };
        connection
            .block_on(put)
            .map_err(|error| connection.failed("write a ledger", error))?;
        self.delete(ledger::PREFIX, &old)
    }

    /// The records of `old` ledgers of objects that still exist, or `None` if a ledger is damaged: that is for `verify`
    /// to say, not for us to cover up.
    fn merged(&self, old: &[ListInfo<String>]) -> Result<Option<Vec<Record>>, StoreError> {
        let connection = &self.repository.connection;
        let mut ledger = Ledger::default();
        for found in old {
            let object = format!("{}/{}", ledger::PREFIX, found.id);
            match connection.read(&object, None)? {
                Some(bytes) => ledger.add(&object, &bytes),
                // Another collector is at it.
                None => return Ok(None),
            }
        }
        if !ledger.damaged.is_empty() {
            return Ok(None);
        }
        let mut alive = HashSet::new();
        for folder in [
            CHUNKS_FILE_PATH,
            MANIFESTS_FILE_PATH,
            SNAPSHOTS_FILE_PATH,
            TRANSACTION_LOGS_FILE_PATH,
        ] {
            alive.extend(
                connection
                    .list(folder)?
                    .into_iter()
                    .map(|found| format!("{folder}/{}", found.id)),
            );
        }
        let mut roots = HashSet::new();
        let backups = connection.list(OVERWRITTEN_FILES_PATH)?;
        let names = backups
            .iter()
            .map(|found| format!("{OVERWRITTEN_FILES_PATH}/{}", found.id));
        for name in names.chain([REPO_INFO_FILE_PATH.to_owned()]) {
            roots.extend(connection.read(&name, None)?.map(|bytes| blake3::hash(&bytes)));
        }
        let mut merged = Vec::new();
        for (object, known) in ledger.records {
            for (length, hash) in known {
                let wanted = if object == REPO_INFO_FILE_PATH {
                    roots.contains(&hash)
                } else {
                    alive.contains(&object)
                };
                if wanted {
                    merged.push(Record {
                        object: object.clone(),
                        length,
                        hash,
                    });
                }
            }
        }
        merged.sort_by(|a, b| (&a.object, a.hash.as_bytes()).cmp(&(&b.object, b.hash.as_bytes())));
        Ok(Some(merged))
    }

    fn delete(&self, prefix: &str, objects: &[ListInfo<String>]) -> Result<(), StoreError> {
        if self.options.dry_run {
            return Ok(());
        }
        let connection = &self.repository.connection;
        for batch in objects.chunks(1000) {
            let batch = batch
                .iter()
                .map(|found| (found.id.clone(), found.size_bytes))
                .collect();
            let context = connection.context();
            let deleted = connection.block_on(connection.storage.delete_batch(&context, prefix, batch));
            deleted.map_err(|error| connection.failed("delete", error))?;
        }
        Ok(())
    }
}
