//! Writers in processes of their own, which can be killed, and the count of what they were promised and what is there.
//!
//! A writer is this same test program, called for its test `writers::writer` with a task in its environment. After every
//! commit it appends a line to its file of acknowledgements: from then on the commit must never be lost.

use std::collections::HashSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use icechunk::conflicts::detector::ConflictDetector;
use icechunk::format::ChunkIndices;
use icechunk::format::manifest::ChunkPayload;
use karin_core::{ErrorKind, NoProgress, Resources};
use karin_store::{
    CreateOptions, PosixStorage, Repository, StoreError, StoreOptions, VerifyReport, Weakness, verify,
};
use serde::{Deserialize, Serialize};

use super::arrays::{add_array, chunk, set_chunk};

/// Chunks of the array that all write into.
pub const CHUNKS: u32 = 20_000;

/// How a writer commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// As karin does.
    Karin,
    /// Compare and swap alone, without the commit lock.
    SwapOnly,
    /// A mutant: compares without lock.
    NoLock,
    /// A mutant: swaps without comparing.
    NoCompare,
    /// Icechunk's own local storage.
    Stock,
}

/// What a writer is to do: commit chunks `first`, `first + 1`, ..., one commit each.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Task {
    pub kind: Kind,
    pub location: String,
    pub first: u32,
    pub commits: u32,
    pub acknowledgements: PathBuf,
}

/// The content of chunk `index`: no two are alike, and none fits into a manifest.
pub fn content(index: u32) -> Vec<u8> {
    index.to_le_bytes().repeat(200)
}

/// Starts a writer; `prefix` is put before the command (as `strace`).
pub fn spawn(task: &Task, prefix: &[&str]) -> Child {
    let program = std::env::current_exe().expect("own program");
    let mut command = match prefix.split_first() {
        Some((tool, arguments)) => {
            let mut command = Command::new(tool);
            command.args(arguments).arg(program);
            command
        }
        None => Command::new(program),
    };
    command
        .args(["writers::writer", "--exact", "--nocapture"])
        .env("KARIN_STORM", serde_json::to_string(task).expect("task"))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().expect("a writer")
}

/// The body of a writer process. Called without a task, as part of the test run, it checks that a writer writes.
#[test]
fn writer() {
    let Ok(task) = std::env::var("KARIN_STORM") else {
        let folder = tempfile::tempdir().expect("folder");
        let task = task(Kind::Karin, folder.path(), 0, 0, 2);
        create(&task);
        run(&task).expect("two commits");
        assert_eq!(acknowledged(&task).len(), 2);
        return;
    };
    let task: Task = serde_json::from_str(&task).expect("task");
    if let Err(error) = run(&task) {
        let mut file = std::fs::File::create(error_file(&task)).expect("file");
        let kind = serde_json::to_string(&error.kind()).expect("kind");
        let source = std::error::Error::source(&error)
            .map(ToString::to_string)
            .unwrap_or_default();
        write!(file, "{kind}\n{error}: {source}").expect("write");
        std::process::exit(1);
    }
}

/// A task of worker number `worker` on the collection in `folder`.
pub fn task(kind: Kind, folder: &Path, worker: u32, first: u32, commits: u32) -> Task {
    let location = folder.join("collection").to_str().expect("utf-8").to_owned();
    Task {
        kind,
        location,
        first,
        commits,
        acknowledgements: folder.join(format!("acknowledged-{worker}")),
    }
}

/// The error that ended a writer: its kind as JSON and its text.
pub fn ended_with(task: &Task) -> Option<(String, String)> {
    let text = std::fs::read_to_string(error_file(task)).ok()?;
    text.split_once('\n')
        .map(|(kind, text)| (kind.to_owned(), text.to_owned()))
}

fn error_file(task: &Task) -> PathBuf {
    task.acknowledgements.with_extension("error")
}

/// Creates the collection of a task, with the array.
pub fn create(task: &Task) {
    if task.kind == Kind::Stock {
        let runtime = tokio::runtime::Runtime::new().expect("runtime");
        runtime.block_on(async {
            let storage = icechunk::new_local_filesystem_storage(Path::new(&task.location))
                .await
                .expect("storage");
            icechunk::Repository::create(storage)
                .execute()
                .await
                .expect("create");
        });
    } else {
        Repository::create(
            &task.location,
            &StoreOptions::default(),
            &CreateOptions::default(),
        )
        .expect("create");
    }
    // One writer alone is safe on any storage, and the array is the same.
    let runtime = tokio::runtime::Runtime::new().expect("runtime");
    if task.kind == Kind::Stock {
        runtime.block_on(async {
            let repository = open_raw(task).await;
            let mut session = repository.writable_session("main").await.expect("session");
            super::arrays::add_array_to(&mut session, "/a", CHUNKS).await;
            session.commit("the array").execute().await.expect("commit");
        });
        return;
    }
    let repository = Repository::open(&task.location, &StoreOptions::default()).expect("open");
    let made = repository.transact("the array", |session| {
        add_array(&repository, session, "/a", CHUNKS);
        Ok(((), Default::default()))
    });
    made.expect("commit");
}

async fn open_raw(task: &Task) -> icechunk::Repository {
    let root = Path::new(&task.location);
    let weakness = match task.kind {
        Kind::NoLock => Weakness::NoLock,
        Kind::NoCompare => Weakness::NoCompare,
        _ => Weakness::None,
    };
    let storage = if task.kind == Kind::Stock {
        icechunk::new_local_filesystem_storage(root)
            .await
            .expect("storage")
    } else {
        Arc::new(
            PosixStorage::new(root, false, false)
                .expect("storage")
                .weakened(weakness),
        )
    };
    icechunk::Repository::open(storage).execute().await.expect("open")
}

fn run(task: &Task) -> Result<(), StoreError> {
    let mut acknowledgements = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(&task.acknowledgements)
        .expect("file");
    let mut acknowledge = |index: u32, snapshot: String| {
        writeln!(acknowledgements, "{index} {snapshot}").expect("acknowledge");
    };
    if task.kind == Kind::Karin {
        let repository = Repository::open(&task.location, &StoreOptions::default())?;
        for index in task.first..task.first + task.commits {
            let mut object = repository.object_writer()?;
            let reference = object.push(content(index))?;
            object.finish()?;
            let committed = repository.transact("a chunk", |session| {
                set_chunk(&repository, session, "/a", index, &reference);
                Ok(((), Default::default()))
            })?;
            acknowledge(index, committed.snapshot.to_string());
        }
        return Ok(());
    }
    let runtime = tokio::runtime::Runtime::new().expect("runtime");
    runtime.block_on(async {
        let repository = open_raw(task).await;
        for index in task.first..task.first + task.commits {
            // Whatever goes wrong is no acknowledgement, and so no loss.
            if let Ok(snapshot) = commit_raw(&repository, index).await {
                acknowledge(index, snapshot);
            }
        }
    });
    Ok(())
}

async fn commit_raw(
    repository: &icechunk::Repository,
    index: u32,
) -> Result<String, Box<dyn std::error::Error>> {
    let mut session = repository.writable_session("main").await?;
    let path = icechunk::format::Path::new("/a")?;
    let coordinates = ChunkIndices(vec![index]);
    let payload: ChunkPayload = session.get_chunk_writer(&path, &coordinates)?(content(index).into()).await?;
    session.set_chunk_ref(path, coordinates, Some(payload)).await?;
    let snapshot = session
        .commit("a chunk")
        .rebase(&ConflictDetector, 1000)
        .execute()
        .await?;
    Ok(snapshot.to_string())
}

/// Index and snapshot of every acknowledged commit; a line that a kill cut short was never said.
pub fn acknowledged(task: &Task) -> Vec<(u32, String)> {
    let text = std::fs::read_to_string(&task.acknowledgements).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let words = |line: &str| {
        line.split_once(' ')
            .map(|(index, snapshot)| (index.parse(), snapshot.to_owned()))
    };
    whole
        .lines()
        .filter_map(words)
        .map(|(index, snapshot)| (index.expect("a number"), snapshot))
        .collect()
}

/// Acknowledged commits that are not there: their chunk is gone or their snapshot is not in the history.
pub fn lost(tasks: &[Task]) -> Vec<u32> {
    let task = tasks.first().expect("a task");
    let repository = Repository::open(&task.location, &StoreOptions::default()).expect("open");
    let history: HashSet<String> = repository
        .history()
        .expect("history")
        .into_iter()
        .map(|facts| facts.id)
        .collect();
    let session = repository
        .read_session(&repository.tip().expect("tip"))
        .expect("session");
    let gone =
        |index: u32| chunk(&repository, &session, "/a", index).is_none_or(|bytes| bytes != content(index));
    let promised = tasks.iter().flat_map(acknowledged);
    promised
        .filter(|(index, snapshot)| gone(*index) || !history.contains(snapshot))
        .map(|(index, _)| index)
        .collect()
}

/// What `verify` says of the collection of a task.
pub fn verified(task: &Task) -> VerifyReport {
    verify(
        &task.location,
        &StoreOptions::default(),
        false,
        &Resources::default(),
        &NoProgress,
    )
    .expect("verify")
}

/// The stable code as writers print it.
pub fn code(kind: ErrorKind) -> String {
    serde_json::to_string(&kind).expect("kind")
}
