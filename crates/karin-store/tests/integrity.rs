//! Flipped bits, missing objects, and garbage.

#[path = "common/arrays.rs"]
mod arrays;

use std::path::{Path, PathBuf};
use std::time::Duration;

use arrays::{chunk, commit_chunks};
use karin_core::{NoProgress, Resources};
use karin_store::{
    CreateOptions, FaultKind, GcOptions, Repository, StoreOptions, VerifyReport, collect_garbage, verify,
};

fn check(folder: &Path) -> VerifyReport {
    let location = folder.to_str().expect("utf-8");
    verify(
        location,
        &StoreOptions::default(),
        false,
        &Resources::default(),
        &NoProgress,
    )
    .expect("verify")
}

fn create(folder: &Path) -> Repository {
    let location = folder.to_str().expect("utf-8");
    Repository::create(location, &StoreOptions::default(), &CreateOptions::default()).expect("create")
}

/// Files of the repository that are objects.
fn objects(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            found.extend(objects(&path));
        } else if !path.to_str().expect("utf-8").contains('#') {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn a_flipped_bit_in_any_object_is_found_and_named() {
    let folder = tempfile::tempdir().expect("folder");
    let repository = create(folder.path());
    let packed = commit_chunks(&repository, "/a", 4, 0, &[&[1; 700], &[2; 900]]);
    commit_chunks(&repository, "/a", 4, 2, &[&[3; 800]]);
    // The first two are replaced: they stay reachable from the older snapshot.
    commit_chunks(&repository, "/a", 4, 0, &[&[4; 700], &[5; 900]]);
    drop(repository);
    let sound = check(folder.path());
    assert!(sound.is_clean(), "{sound:?}");
    assert_eq!(sound.snapshots, 4);
    let objects = objects(folder.path());
    assert_eq!(sound.objects, objects.len() as u64, "every object is covered");
    let (places, mut flips) = (if test_support::is_long() { 1000 } else { 23 }, 0_u32);
    for object in &objects {
        let name = object
            .strip_prefix(folder.path())
            .expect("inside")
            .to_str()
            .expect("utf-8");
        let bytes = std::fs::read(object).expect("read");
        for bit in (0..bytes.len() * 8).step_by((bytes.len() * 8 / places).max(1)) {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(object, &flipped).expect("write");
            flips += 1;
            let report = check(folder.path());
            let fault = report.faults.iter().find(|fault| fault.object == name);
            let fault = fault.unwrap_or_else(|| panic!("bit {bit} of {name}: {report:?}"));
            assert_eq!(fault.kind, FaultKind::Damaged, "bit {bit} of {name}");
            if name == format!("chunks/{packed}") {
                let chunks: Vec<_> = fault
                    .chunks
                    .iter()
                    .map(|found| (&found.array[..], found.index[0]))
                    .collect();
                assert_eq!(chunks, [("/a", 0), ("/a", 1)]);
            }
        }
        std::fs::write(object, &bytes).expect("restore");
    }
    assert!(check(folder.path()).is_clean());
    let tried = format!("{flips} flips in {} objects, all found", objects.len());
    test_support::count("a_flipped_bit_in_any_object_is_found_and_named", &tried);
}

#[test]
fn a_missing_or_shortened_object_is_found_and_named() {
    let folder = tempfile::tempdir().expect("folder");
    let repository = create(folder.path());
    commit_chunks(&repository, "/a", 4, 0, &[&[1; 700]]);
    commit_chunks(&repository, "/a", 4, 1, &[&[1; 700]]);
    drop(repository);
    for object in objects(folder.path()) {
        let name = object
            .strip_prefix(folder.path())
            .expect("inside")
            .to_str()
            .expect("utf-8");
        if name.starts_with("karin/") || name.starts_with("overwritten/") {
            continue;
        }
        let aside = folder.path().join("aside#1");
        std::fs::rename(&object, &aside).expect("aside");
        let report = check(folder.path());
        assert!(
            report
                .faults
                .iter()
                .any(|fault| fault.object == name && fault.kind == FaultKind::Missing),
            "{name}: {report:?}"
        );
        let bytes = std::fs::read(&aside).expect("read");
        std::fs::write(&object, &bytes[..bytes.len() - 1]).expect("write");
        let report = check(folder.path());
        let fault = report
            .faults
            .iter()
            .find(|fault| fault.object == name)
            .expect(name);
        assert!(fault.reason.contains("bytes"), "{fault:?}");
        std::fs::rename(&aside, &object).expect("back");
    }
    assert!(check(folder.path()).is_clean());
}

#[test]
fn objects_of_another_tool_are_said_to_be_unrecorded() {
    let folder = tempfile::tempdir().expect("folder");
    drop(create(folder.path()));
    std::fs::remove_dir_all(folder.path().join("karin")).expect("ledgers");
    let report = check(folder.path());
    assert!(report.faults.is_empty() && !report.is_clean());
    assert!(
        report.unrecorded.iter().any(|object| object == "repo"),
        "{report:?}"
    );
}

#[test]
fn garbage_goes_and_what_is_kept_stays() {
    let folder = tempfile::tempdir().expect("folder");
    let location = folder.path().to_str().expect("utf-8");
    let repository = create(folder.path());
    for index in 0..30 {
        commit_chunks(
            &repository,
            "/a",
            40,
            index % 10,
            &[&[u8::try_from(index).expect("small"); 700]],
        );
    }
    let mut orphan = repository.object_writer().expect("writer");
    orphan.push(&[9; 1000]).expect("push");
    orphan.finish().expect("finish");
    std::fs::write(folder.path().join("chunks/ABC#123"), "unfinished").expect("file");
    drop(repository);
    let store = StoreOptions::default();
    // By default nothing of this is old enough.
    let young = collect_garbage(location, &store, &GcOptions::default()).expect("gc");
    assert_eq!(
        (
            young.objects,
            young.backups,
            young.temporary_files,
            young.expired.len()
        ),
        (0, 0, 0, 0)
    );
    let all = GcOptions {
        keep: Duration::ZERO,
        grace: Duration::ZERO,
        dry_run: true,
    };
    let planned = collect_garbage(location, &store, &all).expect("dry run");
    let before = objects(folder.path());
    assert_eq!(before, objects(folder.path()), "a dry run changes nothing");
    let done = collect_garbage(
        location,
        &store,
        &GcOptions {
            dry_run: false,
            ..all
        },
    )
    .expect("gc");
    assert_eq!(planned.expired, done.expired);
    assert_eq!(done.expired.len(), 29);
    assert_eq!(
        (planned.chunk_objects, planned.objects),
        (done.chunk_objects, done.objects)
    );
    assert_eq!(
        (done.chunk_objects, done.temporary_files),
        (21, 1),
        "20 replaced, 1 never used"
    );
    assert!(done.backups >= 20 && done.ledgers >= 30, "{done:?}");
    let left = objects(folder.path());
    assert!(
        left.len() < before.len() - 100,
        "{} of {}",
        left.len(),
        before.len()
    );
    eprintln!(
        "{:?}",
        std::fs::read_dir(folder.path())
            .unwrap()
            .map(|e| e.unwrap().path())
            .collect::<Vec<_>>()
    );
    assert!(folder.path().join("posix.lock#0").exists() && folder.path().join("commit.lock#0").exists());
    let report = check(folder.path());
    assert!(report.is_clean(), "{report:?}");
    let repository = Repository::open(location, &store).expect("open");
    assert_eq!(repository.history().expect("history").len(), 2);
    let session = repository
        .read_session(&repository.tip().expect("tip"))
        .expect("session");
    for index in 0..10 {
        let bytes = chunk(&repository, &session, "/a", index).expect("kept");
        assert!(bytes.iter().all(|byte| u32::from(*byte) == 20 + index));
    }
    // And life goes on.
    commit_chunks(&repository, "/a", 40, 11, &[&[7; 700]]);
    assert!(check(folder.path()).is_clean());
}
