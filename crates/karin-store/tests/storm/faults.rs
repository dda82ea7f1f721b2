//! Killed writers, full and broken disks, folders that may only be read.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use karin_core::ErrorKind;
use karin_store::{Repository, StoreOptions};
use test_support::{count, is_long};

use super::arrays::{chunk, commit_chunks};
use super::writers::{
    CHUNKS, Kind, Task, acknowledged, code, content, create, ended_with, lost, spawn, task, verified,
};

/// Numbers that differ from run to run; the seed is printed so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    /// From `KARIN_SEED`, else the clock.
    fn new(test: &str) -> Self {
        let clock = || {
            std::time::UNIX_EPOCH
                .elapsed()
                .map_or(1, |time| time.as_nanos() as u64)
        };
        let seed = std::env::var("KARIN_SEED")
            .ok()
            .and_then(|seed| seed.parse().ok())
            .unwrap_or_else(clock);
        eprintln!("{test}: KARIN_SEED={seed}");
        Self(seed | 1)
    }

    /// A number below `limit`.
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Everything that was promised is there bit for bit, every object is as written, and the next writer gets on.
fn assert_unharmed(tasks: &[Task], context: &str) {
    assert_eq!(lost(tasks), [0; 0], "{context}");
    let report = verified(&tasks[0]);
    assert!(report.is_clean(), "{context}: {report:?}");
}

fn kill(mut child: Child) {
    // On Unix this is SIGKILL.
    child.kill().expect("kill");
    child.wait().expect("wait");
}

/// The longest wait for a writer's first commits.
const LONGEST: Duration = Duration::from_secs(20);

#[test]
fn kills_at_random_lose_nothing() {
    let mut dice = Dice::new("kills_at_random_lose_nothing");
    let collections = if is_long() { 200 } else { 10 };
    let (mut kills, mut promised) = (0_usize, 0);
    for _ in 0..collections {
        let folder = tempfile::tempdir().expect("folder");
        let mut tasks = vec![task(Kind::Karin, folder.path(), 0, 0, 0)];
        create(&tasks[0]);
        for round in 0..15_u32 {
            let victim = task(Kind::Karin, folder.path(), 1 + round, round * 1000, 1000);
            // Every fourth time somebody else commits meanwhile, and lives.
            let other = task(Kind::Karin, folder.path(), 100 + round, 15_000 + round * 10, 5);
            let companion = (round % 4 == 3).then(|| spawn(&other, &[]));
            let child = spawn(&victim, &[]);
            // From before the first write to deep in the loop, on a slow machine too: some wait for commits first.
            let commits = dice.below(6) as usize;
            let begin = Instant::now();
            while round % 3 != 0 && acknowledged(&victim).len() < commits && begin.elapsed() < LONGEST {
                std::thread::sleep(Duration::from_micros(500));
            }
            std::thread::sleep(Duration::from_micros(dice.below(40_000)));
            kill(child);
            kills += 1;
            if let Some(mut companion) = companion {
                assert!(
                    companion.wait().expect("wait").success(),
                    "a killed writer stops no other"
                );
                assert_eq!(acknowledged(&other).len(), 5);
                tasks.push(other);
            }
            tasks.push(victim);
            assert_unharmed(&tasks, &format!("after kill {kills}"));
        }
        promised += tasks.iter().flat_map(acknowledged).count();
        let last = task(Kind::Karin, folder.path(), 200, 19_000, 1);
        assert!(
            spawn(&last, &[]).wait().expect("wait").success(),
            "the collection goes on"
        );
    }
    let tried = format!("{kills} kills, {promised} commits acknowledged, 0 lost");
    count("kills_at_random_lose_nothing", &tried);
    assert!(
        promised > 0,
        "no writer came to its first commit: the kills came too early"
    );
}

/// Whether strace can inject faults here; without it the test says that it is skipped.
fn has_strace(test: &str) -> bool {
    let probe = Command::new("strace")
        .args([
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            "inject=unlink:error=EIO:when=1",
            "true",
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let works = probe.is_ok_and(|status| status.success());
    if !works {
        test_support::skip(test, "strace cannot trace here");
    }
    works
}

/// Runs a writer of two commits with a fault injected into the `when`-th call of `call` of each of its threads; says
/// whether it came to its end all the same.
fn injected(task: &Task, call: &str, fault: &str, when: u32) -> bool {
    let inject = format!("inject={call}:{fault}:when={when}");
    let trace = format!("trace={call}");
    let arguments = [
        "strace",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        &trace,
        "-e",
        &inject,
    ];
    let mut child = spawn(task, &arguments);
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("wait") {
            return status.success();
        }
        assert!(begin.elapsed() < Duration::from_secs(120), "hangs: {inject}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Calls that change a file system or make it durable.
const CALLS: [&str; 8] = [
    "rename", "fsync", "write", "flock", "linkat", "mkdir", "openat", "close",
];

#[test]
fn kills_at_every_step_of_a_commit_lose_nothing() {
    let test = "kills_at_every_step_of_a_commit_lose_nothing";
    if !has_strace(test) {
        return;
    }
    let mut kills = 0;
    for call in CALLS {
        let folder = tempfile::tempdir().expect("folder");
        let mut tasks = vec![task(Kind::Karin, folder.path(), 0, 0, 0)];
        create(&tasks[0]);
        // Opening libraries and closing them comes first, and is the same every time.
        let step = if matches!(call, "openat" | "close") && !is_long() {
            3
        } else {
            1
        };
        let mut survived = 0;
        for when in (1..).step_by(step) {
            let number = u32::try_from(tasks.len()).expect("few");
            let victim = task(Kind::Karin, folder.path(), number, number * 10, 2);
            let ended = injected(&victim, call, "signal=SIGKILL", when);
            tasks.push(victim);
            // Threads share the calls unevenly: a few survivals in a row mean that no thread comes so far.
            survived = if ended { survived + 1 } else { 0 };
            kills += u32::from(!ended);
            if survived == 3 || when > 120 {
                break;
            }
            assert_unharmed(&tasks, &format!("killed at {call} number {when}"));
        }
    }
    count(test, &format!("{kills} kills at steps of a commit, 0 lost"));
    assert!(
        kills >= 60,
        "only {kills} kills: the steps are not where they were"
    );
}

#[test]
fn failing_calls_give_typed_errors_and_harm_nothing() {
    let test = "failing_calls_give_typed_errors_and_harm_nothing";
    if !has_strace(test) {
        return;
    }
    // Not `write`, with which threads also wake each other; a disk that is really full is tested below.
    let faults = [
        ("fsync", "EIO", ErrorKind::Io),
        ("rename", "EIO", ErrorKind::Io),
        ("rename", "ENOSPC", ErrorKind::NoSpace),
        ("flock", "ENOLCK", ErrorKind::Unsupported),
        ("fsync", "EDQUOT", ErrorKind::NoSpace),
    ];
    for (call, errno, expected) in faults {
        let folder = tempfile::tempdir().expect("folder");
        let mut tasks = vec![task(Kind::Karin, folder.path(), 0, 0, 0)];
        create(&tasks[0]);
        let mut errors = 0;
        for when in 1..=if is_long() { 40 } else { 14 } {
            let number = u32::try_from(tasks.len()).expect("few");
            let victim = task(Kind::Karin, folder.path(), number, number * 10, 2);
            let ended = injected(&victim, call, &format!("error={errno}"), when);
            if let Some((kind, text)) = ended_with(&victim) {
                assert!(!ended);
                assert_eq!(kind, code(expected), "{call} {errno} number {when}: {text}");
                assert!(text.contains("collection"), "the error names the path: {text}");
                errors += 1;
            }
            tasks.push(victim);
            assert_unharmed(&tasks, &format!("{call} failed with {errno}, number {when}"));
        }
        count(test, &format!("{call} {errno}: {errors} typed errors"));
        assert!(errors > 0, "{call} {errno} never reached the storage");
        let last = task(Kind::Karin, folder.path(), 999, 19_000, 1);
        assert!(
            spawn(&last, &[]).wait().expect("wait").success(),
            "once the fault is over, writing goes on"
        );
    }
}

/// A small file system of its own, unmounted on drop.
struct Mounted(tempfile::TempDir);

impl Mounted {
    fn new(test: &str, options: &str) -> Option<Self> {
        let folder = tempfile::tempdir().expect("folder");
        let mounted = Self::mount(folder.path(), options);
        if !mounted {
            test_support::skip(test, "no file system can be mounted here");
        }
        mounted.then_some(Self(folder))
    }

    fn mount(folder: &Path, options: &str) -> bool {
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "karin-test"])
            .arg(folder)
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_gives_a_typed_error_and_harms_nothing() {
    let Some(disk) = Mounted::new("a_full_disk_gives_a_typed_error_and_harms_nothing", "size=400k") else {
        return;
    };
    let task = task(Kind::Karin, disk.0.path(), 0, 0, 1000);
    create(&task);
    std::fs::write(disk.0.path().join("ballast"), vec![1; 60_000]).expect("ballast");
    assert!(!spawn(&task, &[]).wait().expect("wait").success());
    let committed = acknowledged(&task).len();
    // The file of acknowledgements is on the full disk too, but a line fits into its last page.
    let (kind, text) = ended_with(&task).unwrap_or_default();
    assert!(committed > 0 && committed < 1000, "{committed}: {text}");
    assert!(
        kind.is_empty() || kind == code(ErrorKind::NoSpace),
        "{kind}: {text}"
    );
    let location = task.location.as_str();
    let repository = Repository::open(location, &StoreOptions::default()).expect("open");
    let written = repository.object_writer().and_then(|mut object| {
        object.push(vec![7; 500_000])?;
        object.finish()
    });
    assert_eq!(written.expect_err("does not fit").kind(), ErrorKind::NoSpace);
    assert_unharmed(std::slice::from_ref(&task), "full disk");
    std::fs::remove_file(disk.0.path().join("ballast")).expect("room");
    commit_chunks(&repository, "/a", CHUNKS, 19_000, &[&content(19_000)]);
    assert_unharmed(&[task], "room again");
}

#[test]
fn a_folder_that_may_only_be_read_is_read_and_not_written() {
    let test = "a_folder_that_may_only_be_read_is_read_and_not_written";
    let Some(disk) = Mounted::new(test, "size=4m") else {
        return;
    };
    let task = task(Kind::Karin, disk.0.path(), 0, 0, 0);
    create(&task);
    let repository = Repository::open(&task.location, &StoreOptions::default()).expect("open");
    commit_chunks(&repository, "/a", CHUNKS, 0, &[&content(0)]);
    assert!(Mounted::mount(disk.0.path(), "remount,ro"), "remount");
    let repository = Repository::open(&task.location, &StoreOptions::default()).expect("open");
    let session = repository
        .read_session(&repository.tip().expect("tip"))
        .expect("session");
    assert_eq!(
        chunk(&repository, &session, "/a", 0).as_deref(),
        Some(&content(0)[..])
    );
    assert_unharmed(std::slice::from_ref(&task), "read-only");
    let refusals = [
        repository.object_writer().map(|_| ()).expect_err("no object"),
        repository.write_session().map(|_| ()).expect_err("no session"),
        repository
            .transact("no", |_| Ok(((), Default::default())))
            .map(|_| ())
            .expect_err("no commit"),
    ];
    for error in refusals {
        assert_eq!(error.kind(), ErrorKind::Permission, "{error}");
    }
}
