//! Many processes commit at once: what is acknowledged stays, with karin's storage and not without.

#[path = "common/arrays.rs"]
mod arrays;
#[path = "storm/faults.rs"]
mod faults;
#[path = "storm/writers.rs"]
mod writers;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use arrays::{chunk, commit_chunks, set_chunk};
use karin_store::{CreateOptions, Repository, StoreOptions};
use test_support::{count, is_long};
use writers::{CHUNKS, Kind, Task, acknowledged, content, create, lost, spawn, task, verified};

/// Lets `workers` processes make `commits` commits each at the same time. Their tasks, done.
fn storm(kind: Kind, folder: &Path, workers: u32, commits: u32) -> Vec<Task> {
    let tasks: Vec<_> = (0..workers)
        .map(|worker| task(kind, folder, worker, worker * commits, commits))
        .collect();
    create(&tasks[0]);
    let children: Vec<_> = tasks.iter().map(|task| spawn(task, &[])).collect();
    for mut child in children {
        child.wait().expect("wait");
    }
    tasks
}

/// Storms until one loses an acknowledged commit; how many that took, or `None` after `rounds`.
fn storms_until_loss(kind: Kind, rounds: u32) -> Option<u32> {
    (1..=rounds).find(|round| {
        let folder = tempfile::tempdir().expect("folder");
        let tasks = storm(kind, folder.path(), 6, 20);
        let (promised, lost) = (tasks.iter().flat_map(acknowledged).count(), lost(&tasks).len());
        eprintln!("{kind:?}, round {round}: {promised} acknowledged, {lost} lost");
        lost > 0
    })
}

#[test]
fn karin_loses_no_acknowledged_commit() {
    let (storms, mut all) = (if is_long() { 20 } else { 1 }, 0);
    for (kind, workers, commits) in [(Kind::Karin, 6, 25), (Kind::SwapOnly, 6, 15)] {
        for _ in 0..storms {
            let folder = tempfile::tempdir().expect("folder");
            let tasks = storm(kind, folder.path(), workers, commits);
            let promised = tasks.iter().flat_map(acknowledged).count();
            all += promised;
            assert_eq!(
                promised,
                (workers * commits) as usize,
                "{kind:?}: every commit ends well"
            );
            assert_eq!(lost(&tasks), [0; 0], "{kind:?}");
            if kind == Kind::Karin {
                let report = verified(&tasks[0]);
                assert!(report.is_clean(), "{report:?}");
                // The commit lock keeps writers from working in vain: one snapshot per commit, no garbage.
                assert_eq!(report.snapshots, u64::from(workers * commits) + 2);
                let snapshots = Path::new(&tasks[0].location).join("snapshots");
                assert_eq!(
                    std::fs::read_dir(snapshots).expect("folder").count() as u64,
                    report.snapshots
                );
            }
        }
    }
    let tried = format!(
        "{} storms of 6 writers, {all} commits acknowledged, 0 lost",
        2 * storms
    );
    count("karin_loses_no_acknowledged_commit", &tried);
}

#[test]
fn stock_local_storage_loses_acknowledged_commits() {
    assert!(
        storms_until_loss(Kind::Stock, 10).is_some(),
        "if stock storage has become safe, ours may go"
    );
}

#[test]
fn without_the_lock_commits_are_lost() {
    assert!(
        storms_until_loss(Kind::NoLock, 15).is_some(),
        "the harness cannot see a missing lock"
    );
}

#[test]
fn without_the_comparison_commits_are_lost() {
    assert!(
        storms_until_loss(Kind::NoCompare, 10).is_some(),
        "the harness cannot see a missing comparison"
    );
}

#[test]
fn readers_see_one_snapshot_while_others_write() {
    let folder = tempfile::tempdir().expect("folder");
    let tasks: Vec<_> = (0..2)
        .map(|worker| task(Kind::Karin, folder.path(), worker, worker * 40, 40))
        .collect();
    create(&tasks[0]);
    let mut children: Vec<_> = tasks.iter().map(|task| spawn(task, &[])).collect();
    let mut seen = 0;
    let mut looks = 0;
    loop {
        let running = children
            .iter_mut()
            .any(|child| child.try_wait().expect("wait").is_none());
        let repository = Repository::open(
            &tasks[0].location,
            &StoreOptions {
                read_only: true,
                ..StoreOptions::default()
            },
        )
        .expect("open");
        let tip = repository.tip().expect("tip");
        let session = repository.read_session(&tip).expect("session");
        let look = || -> Vec<u32> {
            (0..80)
                .filter(|index| {
                    chunk(&repository, &session, "/a", *index).is_some_and(|bytes| {
                        assert_eq!(bytes, content(*index), "a chunk is whole or not there");
                        true
                    })
                })
                .collect()
        };
        let first = look();
        assert_eq!(first, look(), "a snapshot never changes");
        assert!(
            first.len() >= seen,
            "history never goes back: {seen} chunks, then {}",
            first.len()
        );
        for worker in 0..2 {
            let own: Vec<_> = first.iter().filter(|index| **index / 40 == worker).collect();
            assert!(
                own.iter()
                    .zip(worker * 40..)
                    .all(|(index, expected)| **index == expected),
                "no gap: {own:?}"
            );
        }
        seen = first.len();
        looks += 1;
        if !running {
            break;
        }
    }
    assert_eq!(seen, 80);
    let tried = format!("{looks} looks while two wrote, each at one snapshot");
    count("readers_see_one_snapshot_while_others_write", &tried);
}

/// Chunks of `wanted` that are absent from a session are written and set, as an ingest of granules does.
fn complete(repository: &Repository, wanted: std::ops::Range<u32>) -> u32 {
    let references: Vec<_> = {
        let mut object = repository.object_writer().expect("writer");
        let references = wanted
            .clone()
            .map(|index| object.push(content(index)).expect("push"))
            .collect();
        object.finish().expect("finish");
        references
    };
    let committed = repository.transact("what is missing", |session| {
        let mut set = 0_u32;
        for (index, reference) in wanted.clone().zip(&references) {
            if chunk(repository, session, "/a", index).is_none() {
                set_chunk(repository, session, "/a", index, reference);
                set += 1;
            }
        }
        Ok((set, Default::default()))
    });
    committed.expect("commit").value
}

#[test]
fn four_writers_of_overlapping_sets_make_their_union() {
    let folder = tempfile::tempdir().expect("folder");
    let task = task(Kind::Karin, folder.path(), 0, 0, 0);
    create(&task);
    let set: u32 = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4_u32)
            .map(|worker| {
                let location = &task.location;
                scope.spawn(move || {
                    let repository = Repository::open(location, &StoreOptions::default()).expect("open");
                    (0..10)
                        .map(|step| complete(&repository, (worker + step) * 5..(worker + step) * 5 + 10))
                        .sum::<u32>()
                })
            })
            .collect();
        writers
            .into_iter()
            .map(|writer| writer.join().expect("writer"))
            .sum()
    });
    assert_eq!(set, 70, "each chunk of the union was set once");
    let repository = Repository::open(&task.location, &StoreOptions::default()).expect("open");
    let session = repository
        .read_session(&repository.tip().expect("tip"))
        .expect("session");
    for index in 0..80 {
        assert_eq!(
            chunk(&repository, &session, "/a", index).is_some(),
            index < 70,
            "chunk {index}"
        );
    }
    assert!(verified(&task).is_clean());
}

/// A server that ends with its test.
struct Moto(Child, String);

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn moto(python: &Path) -> Moto {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("port")
        .local_addr()
        .expect("address")
        .port();
    let child = Command::new(python)
        .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("moto");
    let server = Moto(child, format!("http://127.0.0.1:{port}"));
    let begin = Instant::now();
    loop {
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) {
            let request =
                "PUT /bucket HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            stream.write_all(request.as_bytes()).expect("request");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).expect("answer");
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            return server;
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "moto does not start");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn writers_on_s3_lose_nothing() {
    let Some(python) = test_support::python("writers_on_s3_lose_nothing") else {
        return;
    };
    let server = moto(&python);
    let folder = tempfile::tempdir().expect("folder");
    let commits = if is_long() { 40 } else { 6 };
    let mut tasks: Vec<_> = (0..4)
        .map(|worker| task(Kind::Karin, folder.path(), worker, worker * commits, commits))
        .collect();
    for task in &mut tasks {
        task.location = "s3://bucket/collection".into();
    }
    // The tests of this program share an environment, so the variables go to a process of its own: this test again.
    if std::env::var_os("AWS_ENDPOINT_URL").is_none() {
        let status = Command::new(std::env::current_exe().expect("own program"))
            .args(["writers_on_s3_lose_nothing", "--exact", "--nocapture"])
            .env("AWS_ENDPOINT_URL", &server.1)
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "key")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .status();
        assert!(status.expect("run").success());
        return;
    }
    create(&tasks[0]);
    let children: Vec<_> = tasks.iter().map(|task| spawn(task, &[])).collect();
    for mut child in children {
        child.wait().expect("wait");
    }
    for task in &tasks {
        assert_eq!(
            acknowledged(task).len() as u32,
            commits,
            "{:?}",
            writers::ended_with(task)
        );
    }
    assert_eq!(lost(&tasks), [0; 0]);
    let report = verified(&tasks[0]);
    assert!(report.is_clean(), "{report:?}");
    let tried = format!("4 writers on S3, {} commits acknowledged, 0 lost", 4 * commits);
    count("writers_on_s3_lose_nothing", &tried);
}

const STOCK_READER: &str = "
import sys, icechunk, zarr, numpy
location, total = sys.argv[1], int(sys.argv[2])
seen = looks = 0
while seen < total:
    repo = icechunk.Repository.open(icechunk.local_filesystem_storage(location))
    array = zarr.open_array(repo.readonly_session('main').store, path='a', mode='r')
    values = array[:total * 4].reshape(total, 4)
    there = [i for i in range(total) if i and values[i].any()]
    for i in there:
        assert bytes(values[i]) == i.to_bytes(4, 'little'), (i, values[i])
    now = len(there) + 1
    assert now >= seen, (now, seen)
    seen, looks = now, looks + 1
print(looks)
";

/// The array's chunks have 4 bytes for zarr, so these commits are made of such.
#[test]
fn stock_python_reads_during_a_storm() {
    let Some(python) = test_support::python("stock_python_reads_during_a_storm") else {
        return;
    };
    let folder = tempfile::tempdir().expect("folder");
    let location = folder.path().join("c");
    let location = location.to_str().expect("utf-8");
    let store = StoreOptions::default();
    let repository = Repository::create(location, &store, &CreateOptions::default()).expect("create");
    commit_chunks(&repository, "/a", CHUNKS, 0, &[&0_u32.to_le_bytes()]);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            test_support::run_stock_python(&python, STOCK_READER, &[location.as_ref(), "61".as_ref()])
        });
        for worker in 0..2_u32 {
            scope.spawn(move || {
                let repository = Repository::open(location, &StoreOptions::default()).expect("open");
                for index in 1 + worker * 30..31 + worker * 30 {
                    commit_chunks(&repository, "/a", CHUNKS, index, &[&index.to_le_bytes()]);
                    std::thread::sleep(Duration::from_millis(40));
                }
            });
        }
        eprintln!("{} looks by stock Python", reader.join().expect("reader").trim());
    });
}

const STOCK_WRITER: &str = "
import sys, icechunk, zarr
location, configured = sys.argv[1], sys.argv[2] == 'configured'
config = icechunk.RepositoryConfig(inline_chunk_threshold_bytes=1) if configured else None
repo = icechunk.Repository.open(icechunk.local_filesystem_storage(location), config)
def refused(what):
    try:
        what()
    except icechunk.IcechunkError as error:
        assert 'not yet implemented' in str(error) or 'not supported' in str(error), error
    else:
        sys.exit('not refused')
session = repo.writable_session('main')
zarr.open_group(session.store, mode='a').attrs['who'] = 'stock'
refused(lambda: session.commit('stock'))
refused(lambda: repo.create_tag('t', snapshot_id=repo.lookup_branch('main')))
refused(lambda: repo.create_branch('b', snapshot_id=repo.lookup_branch('main')))
print('refused')
";

#[test]
fn stock_local_writers_are_refused_and_harm_nothing() {
    let Some(python) = test_support::python("stock_local_writers_are_refused_and_harm_nothing") else {
        return;
    };
    let folder = tempfile::tempdir().expect("folder");
    let task = task(Kind::Karin, folder.path(), 0, 0, 0);
    create(&task);
    let repository = Repository::open(&task.location, &StoreOptions::default()).expect("open");
    let tip = repository.tip().expect("tip");
    for configured in ["configured", "default"] {
        let arguments = [task.location.as_ref(), configured.as_ref()];
        test_support::run_stock_python(&python, STOCK_WRITER, &arguments);
    }
    assert_eq!(repository.tip().expect("tip"), tip);
    commit_chunks(&repository, "/a", CHUNKS, 0, &[b"abcd"]);
    assert!(verified(&task).is_clean());
}
