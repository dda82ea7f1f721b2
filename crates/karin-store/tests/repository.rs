//! Opening, committing and reading back at the level of the repository.

#[path = "common/arrays.rs"]
mod arrays;

use arrays::{chunk, commit_chunks};
use karin_store::{CreateOptions, Repository, StoreError, StoreOptions};

#[test]
fn packed_chunks_survive_a_commit_on_every_kind_of_storage() {
    let folder = tempfile::tempdir().expect("folder");
    for location in [
        folder.path().join("c").to_str().expect("utf-8"),
        "memory://packed",
    ] {
        let options = StoreOptions::default();
        assert!(
            matches!(
                Repository::open(location, &options),
                Err(StoreError::NotACollection { .. })
            ),
            "{location}"
        );
        let repository = Repository::create(location, &options, &CreateOptions::default()).expect(location);
        let object = commit_chunks(&repository, "/a", 2, 0, &[b"abcd", b"efgh"]);
        let reopened = Repository::open(
            location,
            &StoreOptions {
                read_only: true,
                ..options
            },
        )
        .expect(location);
        let tip = reopened.tip().expect(location);
        assert_eq!(tip, repository.tip().expect(location));
        let session = reopened.read_session(&tip).expect(location);
        assert_eq!(chunk(&reopened, &session, "/a", 1).as_deref(), Some(&b"efgh"[..]));
        assert_eq!(&reopened.read_object(&object, 2..6).expect(location)[..], b"cdef");
        let refused = reopened.read_object(&object, 6..10).expect_err("beyond the end");
        assert!(
            location.starts_with('m') || matches!(refused, StoreError::Corrupt { .. }),
            "{refused}"
        );
        assert!(reopened.object_writer().is_err(), "{location}");
        let refused = reopened.write_session().expect_err("opened to be read");
        assert!(matches!(refused, StoreError::ReadOnly { .. }), "{refused}");
    }
}

#[test]
fn a_collection_is_created_once_and_only_in_an_empty_place() {
    let folder = tempfile::tempdir().expect("folder");
    let location = folder.path().join("c");
    let location = location.to_str().expect("utf-8");
    let (store, create) = (StoreOptions::default(), CreateOptions::default());
    // What a killed creation leaves.
    std::fs::create_dir_all(folder.path().join("c/snapshots")).expect("folder");
    std::fs::write(folder.path().join("c/snapshots/1CECHNKREP0F1RSTCMT0"), "half").expect("file");
    Repository::create(location, &store, &create).expect("create");
    assert!(matches!(
        Repository::create(location, &store, &create),
        Err(StoreError::AlreadyExists { .. })
    ));
    Repository::open_or_create(location, &store, &create).expect("open");
    let foreign = folder.path().join("d");
    std::fs::create_dir(&foreign).expect("folder");
    std::fs::write(foreign.join("thesis.tex"), "").expect("file");
    let refused = Repository::open_or_create(foreign.to_str().expect("utf-8"), &store, &create);
    assert!(refused.expect_err("refused").to_string().contains("thesis.tex"));
}

#[test]
fn snapshots_are_found_as_users_name_them() {
    let (store, create) = (StoreOptions::default(), CreateOptions::default());
    let repository = Repository::create("memory://snapshots", &store, &create).expect("create");
    for index in 0..3 {
        commit_chunks(&repository, "/a", 3, index, &[b"abcd"]);
    }
    let history = repository.history().expect("history");
    assert_eq!(history.len(), 4);
    assert_eq!(history[0].properties["chunks"], 1);
    assert_eq!(history[0].parent.as_ref(), Some(&history[1].id));
    assert!(history.is_sorted_by(|newer, older| newer.time >= older.time));
    let found = |wanted: &str| repository.find_snapshot(wanted).map(|id| id.to_string());
    assert_eq!(found("latest").expect("latest"), history[0].id);
    assert_eq!(found(&history[1].id.to_lowercase()).expect("id"), history[1].id);
    assert_eq!(found(&history[2].id[..8]).expect("prefix"), history[2].id);
    assert_eq!(
        found(&format!("{:.6}", history[1].time + 1e-6)).expect("time"),
        history[1].id
    );
    assert_eq!(found("2999-01-01T00:00:00Z").expect("date"), history[0].id);
    let error = found("1999-01-01T00:00:00Z").expect_err("before all").to_string();
    assert!(error.contains("the first was written"), "{error}");
    assert!(matches!(
        found("nonsense"),
        Err(StoreError::SnapshotNotFound { .. })
    ));
    let session = repository
        .read_session(&repository.find_snapshot(&history[1].id).expect("id"))
        .expect("session");
    assert!(
        chunk(&repository, &session, "/a", 1).is_some() && chunk(&repository, &session, "/a", 2).is_none()
    );
}

#[test]
fn another_host_is_refused_until_the_user_vouches_for_the_locks() {
    let folder = tempfile::tempdir().expect("folder");
    let location = folder.path().to_str().expect("utf-8");
    let store = StoreOptions::default();
    let repository = Repository::create(location, &store, &CreateOptions::default()).expect("create");
    commit_chunks(&repository, "/a", 4, 0, &[b"abcd"]);
    for name in ["posix.lock#0", "commit.lock#0"] {
        std::fs::write(
            folder.path().join(name),
            "host elsewhere 12345678-1234-1234-1234-123456789abc\n",
        )
        .expect("lock");
    }
    let refused = repository
        .transact("refused", |_| Ok(((), Default::default())))
        .expect_err("refused");
    assert!(
        matches!(&refused, StoreError::OtherHost { other, .. } if other == "elsewhere"),
        "{refused}"
    );
    let early = Repository::open(location, &store)
        .expect("reading is free")
        .write_session()
        .expect_err("refused");
    assert!(matches!(early, StoreError::OtherHost { .. }), "{early:?}");
    let vouched = Repository::open(
        location,
        &StoreOptions {
            locks_work: true,
            ..store.clone()
        },
    )
    .expect("open");
    commit_chunks(&vouched, "/a", 4, 1, &[b"efgh"]);
    // Said once, the host is known.
    commit_chunks(
        &Repository::open(location, &store).expect("open"),
        "/a",
        4,
        2,
        &[b"ijkl"],
    );
}

#[test]
fn a_stopped_holder_of_the_lock_is_named_after_the_patience() {
    let folder = tempfile::tempdir().expect("folder");
    let location = folder.path().to_str().expect("utf-8");
    let store = StoreOptions {
        lock_patience: Some(std::time::Duration::from_millis(50)),
        ..StoreOptions::default()
    };
    let repository = Repository::create(location, &store, &CreateOptions::default()).expect("create");
    let holder = std::fs::File::open(folder.path().join("commit.lock#0")).expect("lock file");
    holder.lock().expect("lock");
    let error = repository
        .transact("waits", |_| Ok(((), Default::default())))
        .expect_err("locked");
    let ours = format!("process {}", std::process::id());
    assert!(
        matches!(&error, StoreError::Locked { holder, .. } if *holder == ours),
        "{error}"
    );
    drop(holder);
    commit_chunks(&repository, "/a", 1, 0, &[b"abcd"]);
}
