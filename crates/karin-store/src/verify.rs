//! Whether a collection still contains what was committed: every object of every kept snapshot against its hash.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use futures::StreamExt as _;
use icechunk::format::snapshot::SnapshotInfo;
use icechunk::format::{
    CHUNKS_FILE_PATH, ChunkId, MANIFESTS_FILE_PATH, OVERWRITTEN_FILES_PATH, REPO_INFO_FILE_PATH,
    SNAPSHOTS_FILE_PATH, TRANSACTION_LOGS_FILE_PATH,
};
use icechunk_storage::StorageResult;
use karin_core::{Progress, Resources};
use serde::Serialize;
use tokio::io::AsyncReadExt as _;

use crate::backend::storage_io;
use crate::connection::Connection;
use crate::ledger::{self, Checked, Ledger};
use crate::reach::{self, ChunkUse, Follower};
use crate::{Repository, StoreError, StoreOptions};

mod origins;

/// What is wrong with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FaultKind {
    /// Its content is not what was written.
    Damaged,
    /// It is not there.
    Missing,
    /// The system would not read it.
    Unreadable,
    /// A file that a virtual granule lies in has another size or time of modification than when it was ingested.
    Changed,
}

/// One faulty object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Its name in the repository, as `chunks/ID`, or the file that a virtual granule lies in.
    pub object: String,
    /// What is wrong.
    pub kind: FaultKind,
    /// In words.
    pub reason: String,
    /// For a chunk object: the chunks in it, of which at least one is hit.
    pub chunks: Vec<ChunkUse>,
}

/// The outcome of [`verify`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// Snapshots whose objects were followed.
    pub snapshots: u64,
    /// Objects read.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Virtual granules of the newest snapshot whose files were looked at.
    pub virtual_granules: u64,
    /// What is wrong, by object.
    pub faults: Vec<Fault>,
    /// Objects without a recorded hash: written by another tool. Nothing can be said of them.
    pub unrecorded: Vec<String>,
}

impl VerifyReport {
    /// Whether everything was recorded and is as it was written.
    pub fn is_clean(&self) -> bool {
        self.faults.is_empty() && self.unrecorded.is_empty()
    }
}

/// Reads every object that any kept snapshot of the collection at `location` needs, metadata included, and compares it
/// with the hash recorded when it was committed. Writes nothing; runs while others write.
///
/// Of virtual granules, those of the newest snapshot, it looks whether their files are there as they were; `deep` reads
/// every chunk in these as well.
///
/// # Errors
/// [`StoreError::NotACollection`], [`StoreError::Cancelled`], or what listing met. Faults of objects are not errors.
pub fn verify(
    location: &str,
    options: &StoreOptions,
    deep: bool,
    resources: &Resources,
    progress: &dyn Progress,
) -> Result<VerifyReport, StoreError> {
    let connection = Connection::new(location, options)?;
    // First the root, then the ledgers: what a commit in between adds is then in the ledgers at least.
    let Some(root) = connection.read(REPO_INFO_FILE_PATH, None)? else {
        return missing_root(&connection);
    };
    let mut check = Check {
        ledger: Ledger::read(&connection)?,
        report: VerifyReport::default(),
    };
    for (object, reason) in &check.ledger.damaged {
        check
            .report
            .faults
            .push(fault(object, FaultKind::Damaged, reason.clone()));
    }
    check.report.objects = check.ledger.objects;
    check.report.bytes = check.ledger.bytes;
    check.object(REPO_INFO_FILE_PATH, root.len() as u64, blake3::hash(&root));
    let backups: Vec<String> = connection
        .list(OVERWRITTEN_FILES_PATH)?
        .iter()
        .map(|found| format!("{OVERWRITTEN_FILES_PATH}/{}", found.id))
        .collect();
    let root_is_sound = check
        .report
        .faults
        .iter()
        .all(|fault| fault.object != REPO_INFO_FILE_PATH);
    if root_is_sound {
        let repository = Arc::new(Repository::on(connection)?);
        check.follow(&repository, backups, resources, progress)?;
        progress.finish();
        // Metadata that are damaged make decoders panic.
        let is_chunk = |fault: &Fault| fault.object.starts_with(CHUNKS_FILE_PATH);
        if check.report.faults.iter().all(is_chunk) {
            let (granules, faults) = origins::check(&repository, deep, resources, progress)?;
            check.report.virtual_granules = granules;
            check.report.faults.extend(faults);
        }
    } else {
        check.without_root(&connection, backups, resources, progress)?;
    }
    progress.finish();
    check.report.faults.sort_by(|a, b| a.object.cmp(&b.object));
    check.report.unrecorded.sort();
    Ok(check.report)
}

/// A repository whose root is gone is told from a place that never was one by its ledgers.
fn missing_root(connection: &Connection) -> Result<VerifyReport, StoreError> {
    if connection.list(ledger::PREFIX)?.is_empty() {
        let reason = "no Icechunk repository there".into();
        return Err(StoreError::NotACollection {
            location: connection.label.clone(),
            reason,
        });
    }
    let faults = vec![fault(
        REPO_INFO_FILE_PATH,
        FaultKind::Missing,
        "the root of the repository is gone".into(),
    )];
    Ok(VerifyReport {
        faults,
        ..VerifyReport::default()
    })
}

fn fault(object: &str, kind: FaultKind, reason: String) -> Fault {
    Fault {
        object: object.into(),
        kind,
        reason,
        chunks: Vec::new(),
    }
}

/// The work in progress.
struct Check {
    ledger: Ledger,
    report: VerifyReport,
}

impl Check {
    /// Compares one object; backups are old roots under other names.
    fn object(&mut self, object: &str, length: u64, hash: blake3::Hash) {
        self.report.objects += 1;
        self.report.bytes += length;
        let recorded_as = if object.starts_with(OVERWRITTEN_FILES_PATH) {
            REPO_INFO_FILE_PATH
        } else {
            object
        };
        match self.ledger.check(recorded_as, length, hash) {
            Checked::Sound => {}
            Checked::Damaged(reason) => self.report.faults.push(fault(object, FaultKind::Damaged, reason)),
            Checked::Unrecorded => self.report.unrecorded.push(object.into()),
        }
    }

    fn follow(
        &mut self,
        repository: &Repository,
        backups: Vec<String>,
        resources: &Resources,
        progress: &dyn Progress,
    ) -> Result<(), StoreError> {
        let root = repository.root()?;
        let snapshots = reach::snapshots_of(&root).map_err(|error| repository.damaged_root(&error))?;
        self.report.snapshots = snapshots.len() as u64;
        let connection = &repository.connection;
        let reach = reach::follow(
            repository,
            &snapshots,
            &mut Metadata {
                check: self,
                connection,
            },
        );
        let mut objects = reach.bulk();
        objects.extend(backups);
        self.read_all(connection, objects, resources, progress)?;
        // What could not be followed, perhaps although its bytes are as written.
        for unreadable in reach.unreadable {
            let known = self
                .report
                .faults
                .iter()
                .position(|fault| fault.object == unreadable.object);
            let position = known.unwrap_or_else(|| {
                self.report.faults.push(fault(
                    &unreadable.object,
                    FaultKind::Unreadable,
                    unreadable.reason,
                ));
                self.report.faults.len() - 1
            });
            let arrays: Vec<&str> = unreadable.arrays.iter().map(String::as_str).collect();
            if let Some(fault) = self.report.faults.get_mut(position)
                && !arrays.is_empty()
            {
                fault.reason = format!(
                    "{}; it says where chunks of {} are",
                    fault.reason,
                    arrays.join(", ")
                );
            }
        }
        self.name_chunks(repository, &snapshots);
        Ok(())
    }

    /// Without its root nothing can be followed; but every object that is there and recorded can be checked.
    fn without_root(
        &mut self,
        connection: &Connection,
        backups: Vec<String>,
        resources: &Resources,
        progress: &dyn Progress,
    ) -> Result<(), StoreError> {
        let mut objects = backups;
        for folder in [
            CHUNKS_FILE_PATH,
            MANIFESTS_FILE_PATH,
            SNAPSHOTS_FILE_PATH,
            TRANSACTION_LOGS_FILE_PATH,
        ] {
            let found = connection
                .list(folder)?
                .into_iter()
                .map(|found| format!("{folder}/{}", found.id));
            objects.extend(found.filter(|object| self.ledger.records.contains_key(object)));
        }
        self.read_all(connection, objects, resources, progress)
    }

    /// Hashes objects, several at a time.
    fn read_all(
        &mut self,
        connection: &Connection,
        objects: Vec<String>,
        resources: &Resources,
        progress: &dyn Progress,
    ) -> Result<(), StoreError> {
        let lengths = objects
            .iter()
            .filter_map(|object| self.ledger.records.get(object)?.last());
        progress.start("verify", 0, lengths.map(|(length, _)| length).sum());
        let work = async {
            let mut results = futures::stream::iter(objects)
                .map(|object| {
                    let storage = Arc::clone(&connection.storage);
                    async move { (hash_object(connection, storage.as_ref(), &object).await, object) }
                })
                .buffer_unordered(resources.jobs.clamp(1, 64));
            while let Some((result, object)) = results.next().await {
                progress.advance(0, self.result(connection, &object, result));
                if progress.is_cancelled() {
                    return Err(StoreError::Cancelled);
                }
            }
            Ok(())
        };
        connection.block_on(work)
    }

    /// Takes in the result of reading an object, and gives back the bytes read.
    fn result(
        &mut self,
        connection: &Connection,
        object: &str,
        result: StorageResult<(u64, blake3::Hash)>,
    ) -> u64 {
        match result.map_err(|error| connection.failed("read an object", error)) {
            Ok((length, hash)) => {
                self.object(object, length, hash);
                return length;
            }
            // `gc` may thin backups while this runs.
            Err(StoreError::MissingObject { .. }) if object.starts_with(OVERWRITTEN_FILES_PATH) => {}
            Err(StoreError::MissingObject { .. }) => {
                self.report
                    .faults
                    .push(fault(object, FaultKind::Missing, "it is not there".into()));
            }
            Err(error) => {
                let reason = reason_of(&error);
                self.report
                    .faults
                    .push(fault(object, FaultKind::Unreadable, reason));
            }
        }
        0
    }

    /// Says which chunks the faulty chunk objects hold.
    fn name_chunks(&mut self, repository: &Repository, snapshots: &[SnapshotInfo]) {
        let faulty: BTreeSet<String> = self
            .report
            .faults
            .iter()
            .filter_map(|fault| fault.object.strip_prefix("chunks/").map(str::to_owned))
            .collect();
        if faulty.is_empty() {
            return;
        }
        let undecodable = self
            .report
            .faults
            .iter()
            .map(|fault| fault.object.clone())
            .collect();
        let mut finder = ChunkFinder {
            faulty,
            undecodable,
            uses: BTreeMap::new(),
        };
        reach::follow(repository, snapshots, &mut finder);
        let mut uses = finder.uses;
        for fault in &mut self.report.faults {
            if let Some(uses) = fault
                .object
                .strip_prefix("chunks/")
                .and_then(|id| uses.remove(id))
            {
                fault.chunks = uses.into_values().collect();
            }
        }
    }
}

/// Checks snapshots and manifests before they are decoded.
struct Metadata<'a> {
    check: &'a mut Check,
    connection: &'a Connection,
}

impl Follower for Metadata<'_> {
    fn may_decode(&mut self, object: &str) -> bool {
        let faults = self.check.report.faults.len();
        let storage = self.connection.storage.as_ref();
        let result = self
            .connection
            .block_on(hash_object(self.connection, storage, object));
        self.check.result(self.connection, object, result);
        self.check.report.faults.len() == faults
    }
}

/// Finds the chunks that lie in faulty objects.
struct ChunkFinder {
    faulty: BTreeSet<String>,
    undecodable: HashSet<String>,
    uses: BTreeMap<String, BTreeMap<(String, Vec<u32>), ChunkUse>>,
}

impl Follower for ChunkFinder {
    fn may_decode(&mut self, object: &str) -> bool {
        !self.undecodable.contains(object)
    }

    fn seen(&mut self, id: &ChunkId, describe: &dyn Fn() -> ChunkUse) {
        let id = id.to_string();
        if self.faulty.contains(&id) {
            let found = describe();
            let key = (found.array.clone(), found.index.clone());
            self.uses.entry(id).or_default().entry(key).or_insert(found);
        }
    }
}

fn reason_of(error: &StoreError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// Length and hash of an object, read piece by piece where it is a file.
async fn hash_object(
    connection: &Connection,
    storage: &(dyn icechunk::Storage + Send + Sync),
    object: &str,
) -> StorageResult<(u64, blake3::Hash)> {
    if let crate::Location::Folder(root) = &connection.location {
        let path = root.join(object);
        let hashed = tokio::task::spawn_blocking(move || {
            let mut hasher = blake3::Hasher::new();
            hasher.update_reader(std::fs::File::open(path)?)?;
            Ok::<_, std::io::Error>((hasher.count(), hasher.finalize()))
        });
        return match hashed.await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(error)) if matches!(error.kind(), std::io::ErrorKind::NotFound) => Err(
                icechunk_storage::StorageError::capture(icechunk_storage::StorageErrorKind::ObjectNotFound),
            ),
            Ok(Err(error)) => Err(storage_io(error)),
            Err(error) => Err(storage_io(std::io::Error::other(error))),
        };
    }
    let (mut reader, _) = storage.get_object(&connection.context(), object, None).await?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = reader.read(&mut buffer).await.map_err(storage_io)?;
        if read == 0 {
            return Ok((hasher.count(), hasher.finalize()));
        }
        hasher.update(buffer.get(..read).unwrap_or_default());
    }
}
