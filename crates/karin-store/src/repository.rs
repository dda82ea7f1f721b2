//! The repository beneath a collection: opening, sessions, commits.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::StreamExt as _;
use icechunk::config::{
    ManifestConfig, ManifestPreloadConfig, ManifestSplitCondition, ManifestSplitDim,
    ManifestSplitDimCondition, ManifestSplittingConfig,
};
use icechunk::format::repo_info::RepoInfo;
use icechunk::format::snapshot::SnapshotProperties;
use icechunk::format::{
    CHUNKS_FILE_PATH, IcechunkFormatError, MANIFESTS_FILE_PATH, OVERWRITTEN_FILES_PATH, REPO_INFO_FILE_PATH,
    SNAPSHOTS_FILE_PATH, SnapshotId, TRANSACTION_LOGS_FILE_PATH,
};
use icechunk::repository::VersionInfo;
use icechunk::session::Session;
use icechunk::{RepositoryConfig, Storage};
use karin_core::Phase;

use crate::backend;
use crate::connection::Connection;
use crate::origin::Servers;
use crate::{Location, StoreError};

/// The one branch that karin writes.
pub const BRANCH: &str = "main";

/// How to reach a repository.
#[derive(Clone, Debug, Default)]
pub struct StoreOptions {
    /// Address of an S3 service other than AWS (else `AWS_ENDPOINT_URL`); `http://` is accepted.
    pub endpoint: Option<String>,
    /// S3 region (else `AWS_REGION`).
    pub region: Option<String>,
    /// Never write, not even a lock file.
    pub read_only: bool,
    /// The user's word that this file system's locks reach across hosts.
    pub locks_work: bool,
    /// How long to wait for other writers before giving up (else 10 minutes).
    pub lock_patience: Option<std::time::Duration>,
    /// Where files of virtual granules that lie at servers come from.
    pub servers: Option<Arc<dyn Servers>>,
}

/// What a new repository is told once and keeps.
#[derive(Clone, Copy, Debug)]
pub struct CreateOptions {
    /// Cycles of the science orbit per manifest: a commit rewrites the references of the cycles that it touches and no
    /// others. Of the cal/val orbit, whose cycles have 28 passes and not 584, a manifest holds as many more.
    pub cycles_per_manifest: u32,
}

impl Default for CreateOptions {
    fn default() -> Self {
        Self {
            cycles_per_manifest: 4,
        }
    }
}

/// What a commit left behind.
#[derive(Clone, Debug)]
pub struct Committed<T> {
    /// The new tip, or the unchanged one if there was nothing to commit.
    pub snapshot: SnapshotId,
    /// Whether a snapshot was written.
    pub changed: bool,
    /// What the change returned.
    pub value: T,
}

/// An open Icechunk repository with a runtime of its own; everything outwards is synchronous.
///
/// Must not be used from a thread that itself drives an async runtime (use a blocking thread there).
#[derive(Debug)]
pub struct Repository {
    inner: icechunk::Repository,
    pub(crate) connection: Connection,
}

impl Repository {
    /// Opens the repository at `location`.
    ///
    /// # Errors
    /// [`StoreError::NotACollection`] if there is none, else what reading its root met.
    pub fn open(location: &str, options: &StoreOptions) -> Result<Self, StoreError> {
        Self::start(location, options, None)
    }

    /// Creates the repository at `location`, which must be empty or absent.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`] if something lies there, else what writing met.
    pub fn create(
        location: &str,
        options: &StoreOptions,
        create: &CreateOptions,
    ) -> Result<Self, StoreError> {
        Self::start(location, options, Some(*create))
    }

    /// Opens the repository, or creates it where there is none.
    ///
    /// # Errors
    /// As [`Repository::open`] and [`Repository::create`].
    pub fn open_or_create(
        location: &str,
        options: &StoreOptions,
        create: &CreateOptions,
    ) -> Result<Self, StoreError> {
        let absent =
            |result: &Result<Self, StoreError>| matches!(result, Err(StoreError::NotACollection { .. }));
        let opened = Self::open(location, options);
        if !absent(&opened) {
            return opened;
        }
        let created = Self::create(location, options, create);
        if matches!(
            created,
            Err(StoreError::AlreadyExists { .. } | StoreError::Conflict { .. })
        ) {
            // Another process was faster, or the place is somebody else's.
            let opened = Self::open(location, options);
            return if absent(&opened) { created } else { opened };
        }
        created
    }

    fn start(
        location: &str,
        options: &StoreOptions,
        create: Option<CreateOptions>,
    ) -> Result<Self, StoreError> {
        let connection = Connection::new(location, options)?;
        match create {
            None => Self::on(connection),
            Some(create) => {
                let lock = prepare_creation(&connection)?;
                let builder =
                    icechunk::Repository::create(Arc::clone(&connection.storage)).config(config(&create));
                let created = connection.block_on(builder.check_clean_root(false).execute());
                drop(lock);
                let inner =
                    created.map_err(|error| StoreError::of_repository(&connection.label, "create", error))?;
                Ok(Self { inner, connection })
            }
        }
    }

    /// Opens the repository that a connection leads to.
    pub(crate) fn on(connection: Connection) -> Result<Self, StoreError> {
        let open = icechunk::Repository::open(Arc::clone(&connection.storage))
            .config(without_preload())
            .execute();
        // A damaged root can make Icechunk's decoder panic; to the user that is damage like any other.
        let opened = std::panic::catch_unwind(AssertUnwindSafe(|| connection.block_on(open)));
        let opened = opened.map_err(|_| StoreError::Corrupt {
            location: connection.label.clone(),
            object: REPO_INFO_FILE_PATH.into(),
            reason: "it cannot be decoded".into(),
        })?;
        let inner = opened.map_err(|error| StoreError::of_repository(&connection.label, "open", error))?;
        Ok(Self { inner, connection })
    }

    /// Where it lies.
    pub fn location(&self) -> &Location {
        &self.connection.location
    }

    /// Where it lies, for messages.
    pub fn label(&self) -> &str {
        &self.connection.label
    }

    /// How it was opened.
    pub fn options(&self) -> &StoreOptions {
        &self.connection.options
    }

    /// Icechunk's own handle.
    pub fn icechunk(&self) -> &icechunk::Repository {
        &self.inner
    }

    /// The storage beneath.
    pub fn storage(&self) -> &Arc<dyn Storage + Send + Sync> {
        &self.connection.storage
    }

    /// Runs a future of Icechunk's on the repository's runtime.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.connection.block_on(future)
    }

    /// The root: all snapshots, branches and tags.
    pub(crate) fn root(&self) -> Result<Arc<RepoInfo>, StoreError> {
        match self.block_on(self.inner.asset_manager().fetch_repo_info()) {
            Ok((root, _)) => Ok(root),
            Err(error) => Err(StoreError::of_repository(self.label(), "read the root", error)),
        }
    }

    /// That the root holds something which cannot be.
    pub(crate) fn damaged_root(&self, error: &IcechunkFormatError) -> StoreError {
        StoreError::Corrupt {
            location: self.label().into(),
            object: REPO_INFO_FILE_PATH.into(),
            reason: error.kind.to_string(),
        }
    }

    /// The newest snapshot.
    ///
    /// # Errors
    /// If the repository's root cannot be read.
    pub fn tip(&self) -> Result<SnapshotId, StoreError> {
        self.block_on(self.inner.lookup_branch(BRANCH))
            .map_err(|error| StoreError::of_repository(self.label(), "find the newest snapshot", error))
    }

    /// A session that reads one snapshot, for ever the same.
    ///
    /// # Errors
    /// [`StoreError::SnapshotNotFound`], or what reading met.
    pub fn read_session(&self, snapshot: &SnapshotId) -> Result<Session, StoreError> {
        let version = VersionInfo::SnapshotId(snapshot.clone());
        self.block_on(self.inner.readonly_session(&version))
            .map_err(|error| StoreError::of_repository(self.label(), "read a snapshot", error))
    }

    /// A session on the newest snapshot that collects changes for a commit.
    ///
    /// # Errors
    /// [`StoreError::ReadOnly`] where writing is not possible, or what reading met.
    pub fn write_session(&self) -> Result<Session, StoreError> {
        self.block_on(self.inner.writable_session(BRANCH))
            .map_err(|error| StoreError::of_repository(self.label(), "begin to write", error))
    }

    /// Applies `change` to a fresh session on the newest snapshot and commits it; if another writer was faster, the
    /// change is applied again to what that one left. So `change` must decide from the session it is given alone, and
    /// data that it refers to must be written already ([`crate::ObjectWriter`]).
    ///
    /// # Errors
    /// What `change` returns, or what the commit met; then nothing is committed.
    pub fn transact<T>(
        &self,
        message: &str,
        mut change: impl FnMut(&mut Session) -> Result<(T, SnapshotProperties), StoreError>,
    ) -> Result<Committed<T>, StoreError> {
        let mut attempt = 0;
        loop {
            let lock = backend::commit_lock(self.location(), self.options())?;
            let mut session = self.write_session()?;
            let (value, properties) = change(&mut session)?;
            if !session.has_uncommitted_changes() {
                return Ok(Committed {
                    snapshot: session.snapshot_id().clone(),
                    changed: false,
                    value,
                });
            }
            let committed = self.block_on(session.commit(message).properties(properties).execute());
            match committed.map_err(|error| StoreError::of_session(self.label(), "commit", error)) {
                Ok(snapshot) => {
                    return Ok(Committed {
                        snapshot,
                        changed: true,
                        value,
                    });
                }
                Err(StoreError::Conflict { .. }) if attempt < MAX_ATTEMPTS => attempt += 1,
                Err(error) => return Err(error),
            }
            // Only where no lock keeps the writers in line (S3) do they meet again.
            drop(lock);
            std::thread::sleep(std::time::Duration::from_millis(backend::random_below(
                20 * attempt.min(20),
            )));
        }
    }
}

/// Names that a repository has at its root; others are somebody else's.
const OWN_NAMES: [&str; 6] = [
    CHUNKS_FILE_PATH,
    MANIFESTS_FILE_PATH,
    SNAPSHOTS_FILE_PATH,
    TRANSACTION_LOGS_FILE_PATH,
    OVERWRITTEN_FILES_PATH,
    "karin",
];

/// Makes the place ready and sees that nothing else lies there. What a killed creation has left is no obstacle.
fn prepare_creation(connection: &Connection) -> Result<Option<backend::CommitLock>, StoreError> {
    connection.refuse_read_only()?;
    let created = connection.block_on(connection.storage.create_location_if_needed());
    created.map_err(|error| connection.failed("create", error))?;
    let lock = backend::commit_lock(&connection.location, &connection.options)?;
    let foreign = connection.block_on(async {
        let mut objects = connection.storage.list_objects(&connection.context(), "").await?;
        while let Some(object) = objects.next().await {
            let object = object?.id;
            let top = object.split('/').next().unwrap_or_default();
            if top == REPO_INFO_FILE_PATH {
                return Ok(Some("there is one already".to_owned()));
            }
            if !OWN_NAMES.contains(&top) {
                return Ok(Some(format!("the place is not empty: it has {object}")));
            }
        }
        Ok(None)
    });
    match foreign.map_err(|error| connection.failed("create", error))? {
        None => Ok(lock),
        Some(reason) => Err(StoreError::AlreadyExists {
            location: connection.label.clone(),
            reason,
        }),
    }
}

/// How often a commit is tried again on top of other writers' commits.
const MAX_ATTEMPTS: u64 = 200;

/// What karin adds to a repository's own configuration: manifests are read when a chunk of theirs is, and not ahead.
/// Choosing what to read ahead takes Icechunk longer than opening and reading a region.
fn without_preload() -> RepositoryConfig {
    let preload = ManifestPreloadConfig {
        max_total_refs: Some(0),
        ..ManifestPreloadConfig::default()
    };
    RepositoryConfig {
        manifest: Some(ManifestConfig {
            preload: Some(preload),
            ..ManifestConfig::default()
        }),
        ..RepositoryConfig::default()
    }
}

/// The configuration that a new repository persists. It differs from Icechunk's default on purpose: only then is it
/// stored, and with it the settings that make stock local writers refuse.
fn config(create: &CreateOptions) -> RepositoryConfig {
    let along_cycles = |num_chunks: u32| {
        vec![ManifestSplitDim {
            condition: ManifestSplitDimCondition::DimensionName("cycle_number".into()),
            num_chunks: num_chunks.max(1),
        }]
    };
    let science = create.cycles_per_manifest;
    let passes = |phase: Phase| u32::from(phase.pass_count());
    let calval = science.saturating_mul(passes(Phase::Science)) / passes(Phase::CalVal);
    let is_calval = ManifestSplitCondition::PathMatches {
        regex: format!("/{}/", Phase::CalVal.name()),
    };
    // Of the conditions that an array meets, the first counts.
    let splitting = ManifestSplittingConfig {
        split_sizes: Some(vec![
            (is_calval, along_cycles(calval)),
            (ManifestSplitCondition::AnyArray, along_cycles(science)),
        ]),
    };
    RepositoryConfig {
        manifest: Some(ManifestConfig {
            splitting: Some(splitting),
            ..ManifestConfig::default()
        }),
        ..RepositoryConfig::default()
    }
}
