//! Locks between processes: whole files, held by the kernel, freed by it when the holder dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::{Duration, Instant};

use super::files::parent;
use crate::StoreError;

/// Guards the comparison and swap of mutable objects. The form of the name hides it from stock listings.
pub(crate) const SWAP_LOCK: &str = "posix.lock#0";
/// Keeps committing processes in line, so that none works in vain.
pub(crate) const COMMIT_LOCK: &str = "commit.lock#0";

/// How a lock is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LockTerms {
    /// After this time, waiting ends with [`StoreError::Locked`].
    pub(crate) patience: Duration,
    /// The user's word that locks reach across hosts.
    pub(crate) locks_work: bool,
}

/// A held lock; dropped or killed, it is free.
#[derive(Debug)]
pub(crate) struct FileLock {
    _file: File,
}

impl FileLock {
    /// Waits for the lock file `name` of the collection at `root`.
    ///
    /// # Errors
    /// [`StoreError::NoLocks`] where the file system refuses (never taken for success), [`StoreError::Locked`] after
    /// the patience, [`StoreError::OtherHost`] if another host has written here, [`StoreError::Io`].
    pub(crate) fn take(root: &Path, name: &str, terms: LockTerms) -> Result<Self, StoreError> {
        let path = root.join(name);
        let begin = Instant::now();
        loop {
            let mut file = open(&path)?;
            wait(&file, &path, begin, terms.patience)?;
            // Somebody may have removed or replaced the file before we got the lock: then it guards nothing.
            if is_at(&file, &path)? {
                admit_host(&mut file, &path, terms.locks_work)?;
                return Ok(Self { _file: file });
            }
        }
    }
}

/// Opens the lock file, creating it with the rights of its folder, so that a group that shares the folder shares it.
fn open(path: &Path) -> Result<File, StoreError> {
    let failed = |source| StoreError::io(path, "open the lock", source);
    let existing = OpenOptions::new().read(true).append(true).open(path);
    match existing {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        other => return other.map_err(failed),
    }
    let file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(path)
        .map_err(failed)?;
    let rights = std::fs::metadata(parent(path))
        .map_err(failed)?
        .permissions()
        .mode()
        & 0o666;
    // Only its owner may do this; whoever else came first has done it.
    let _ = file.set_permissions(std::fs::Permissions::from_mode(rights | 0o600));
    Ok(file)
}

fn wait(file: &File, path: &Path, begin: Instant, patience: Duration) -> Result<(), StoreError> {
    let mut pause = Duration::from_micros(200);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if begin.elapsed() < patience => {
                std::thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_millis(10));
            }
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Locked {
                    path: path.into(),
                    seconds: patience.as_secs(),
                    holder: holder(file),
                });
            }
            Err(TryLockError::Error(source)) => {
                return Err(StoreError::NoLocks {
                    path: path.into(),
                    source,
                });
            }
        }
    }
}

/// Whether `path` still leads to the open file.
fn is_at(file: &File, path: &Path) -> Result<bool, StoreError> {
    let failed = |source| StoreError::io(path, "examine the lock", source);
    let held = file.metadata().map_err(failed)?;
    match std::fs::metadata(path) {
        Ok(named) => Ok((held.dev(), held.ino()) == (named.dev(), named.ino())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

/// The process that holds the lock, from the kernel's table.
fn holder(file: &File) -> String {
    let unknown = || "an unknown process".to_owned();
    let (Ok(table), Ok(metadata)) = (std::fs::read_to_string("/proc/locks"), file.metadata()) else {
        return unknown();
    };
    let inode = format!(":{}", metadata.ino());
    let line = table.lines().find(|line| {
        let mut words = line.split_whitespace().skip(1);
        words.next() == Some("FLOCK") && line.split_whitespace().any(|word| word.ends_with(&inode))
    });
    line.and_then(|line| line.split_whitespace().nth(4))
        .map_or_else(unknown, |pid| format!("process {pid}"))
}

/// This computer: its name, and the identity of its running kernel (which containers share).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Host {
    name: String,
    boot: String,
}

impl Host {
    pub(crate) fn this() -> Self {
        let read = |path| {
            std::fs::read_to_string(path)
                .map(|text| text.trim().to_owned())
                .unwrap_or_default()
        };
        let mut name: String = read("/proc/sys/kernel/hostname");
        if name.is_empty() {
            name = std::env::var("HOSTNAME").unwrap_or_else(|_| "unknown".into());
        }
        Self {
            name: name.replace(char::is_whitespace, "-"),
            boot: read("/proc/sys/kernel/random/boot_id"),
        }
    }

    /// The line that a host leaves in the lock file.
    fn line(&self) -> String {
        format!("host {} {}\n", self.name, self.boot)
    }

    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let (Some("host"), Some(name)) = (words.next(), words.next()) else {
            return None;
        };
        Some(Self {
            name: name.into(),
            boot: words.next().unwrap_or_default().into(),
        })
    }

    fn is_same(&self, other: &Self) -> bool {
        self.name == other.name || (!self.boot.is_empty() && self.boot == other.boot)
    }
}

/// Lets this host write if it, or nobody yet, or (by the user's word) anybody has: every host that may write has a
/// line in the lock file.
fn admit_host(file: &mut File, path: &Path, locks_work: bool) -> Result<(), StoreError> {
    let mut text = String::new();
    file.read_to_string(&mut text)
        .map_err(|source| StoreError::io(path, "read the lock", source))?;
    match foreign_host(&text) {
        Admission::Known => return Ok(()),
        Admission::Foreign(other) if !locks_work => {
            return Err(StoreError::OtherHost {
                path: path.into(),
                other,
                here: Host::this().name,
            });
        }
        Admission::First | Admission::Foreign(_) => {}
    }
    let mut line = Host::this().line();
    if !text.is_empty() && !text.ends_with('\n') {
        // A line that a killed process left unfinished.
        line.insert(0, '\n');
    }
    file.write_all(line.as_bytes())
        .and_then(|()| file.sync_data())
        .map_err(|source| StoreError::io(path, "write the lock", source))
}

/// What the lock file says of this host.
enum Admission {
    Known,
    First,
    Foreign(String),
}

fn foreign_host(text: &str) -> Admission {
    let here = Host::this();
    let known: Vec<Host> = text.lines().filter_map(Host::parse).collect();
    match known.last() {
        None => Admission::First,
        Some(_) if known.iter().any(|host| host.is_same(&here)) => Admission::Known,
        Some(last) => Admission::Foreign(last.name.clone()),
    }
}

/// Refuses early, before any work, where [`FileLock::take`] would refuse this host.
pub(crate) fn check_host(root: &Path, locks_work: bool) -> Result<(), StoreError> {
    let path = root.join(SWAP_LOCK);
    match std::fs::read_to_string(&path) {
        Ok(text) => match foreign_host(&text) {
            Admission::Foreign(other) if !locks_work => Err(StoreError::OtherHost {
                path,
                other,
                here: Host::this().name,
            }),
            _ => Ok(()),
        },
        Err(_) => Ok(()),
    }
}
