//! Folders that appear whole.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::StoreError;

/// The folder in which `path` lies.
pub(super) fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Only a Zarr, or an empty folder, may be replaced.
pub(super) fn check_replaceable(path: &Path) -> Result<(), StoreError> {
    let refused = |reason: &str| StoreError::AlreadyExists {
        location: path.display().to_string(),
        reason: reason.to_owned(),
    };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(StoreError::io(path, "look at", error)),
        Ok(metadata) if !metadata.is_dir() => Err(refused("it is a file or a link, not a Zarr to replace")),
        Ok(_)
            if [".zgroup", ".zattrs", "zarr.json"]
                .iter()
                .any(|name| path.join(name).is_file()) =>
        {
            Ok(())
        }
        Ok(_) => match fs::read_dir(path).map(|mut entries| entries.next().is_none()) {
            Ok(true) => Ok(()),
            Ok(false) => Err(refused("it is a folder with other things than a Zarr in it")),
            Err(error) => Err(StoreError::io(path, "list", error)),
        },
    }
}

/// A hidden folder beside `path`.
pub(super) fn temporary(path: &Path, parent: &Path) -> Result<TempDir, StoreError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    tempfile::Builder::new()
        .prefix(&format!(".{name}."))
        .suffix(".part")
        .permissions(fs::Permissions::from_mode(0o777))
        .tempdir_in(parent)
        .map_err(|error| StoreError::io(path, "create", error))
}

/// Writes `folder/zarr.json`.
pub(super) fn write_json(folder: &Path, value: &Value) -> Result<(), StoreError> {
    fs::create_dir_all(folder).map_err(|error| StoreError::io(folder, "create", error))?;
    let file = folder.join("zarr.json");
    let text =
        serde_json::to_vec_pretty(value).map_err(|error| StoreError::io(&file, "write", error.into()))?;
    fs::write(&file, text).map_err(|error| StoreError::io(&file, "write", error))
}

/// Waits until every file and folder inside is on the disk.
pub(super) fn sync_all(folder: &Path) -> Result<(), StoreError> {
    let failed = |error| StoreError::io(folder, "flush", error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_dir() {
            sync_all(&entry.path())?;
        } else {
            sync(&entry.path())?;
        }
    }
    sync(folder)
}

fn sync(path: &Path) -> Result<(), StoreError> {
    fs::File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(|error| StoreError::io(path, "flush", error))
}

/// Renames the finished folder to `path`. A Zarr that lies there changes places with it, and goes away as the temporary
/// folder.
pub(super) fn publish(folder: TempDir, path: &Path, durable: bool) -> Result<(), StoreError> {
    let failed = |error| StoreError::io(path, "rename to", error);
    if path.exists() {
        exchange(folder.path(), path).map_err(failed)?;
    } else {
        fs::rename(folder.path(), path).map_err(failed)?;
        // It is no longer temporary.
        let _ = folder.keep();
    }
    if durable { sync(&parent(path)) } else { Ok(()) }
}

/// Lets two folders change names at once.
#[cfg(target_os = "linux")]
fn exchange(new: &Path, old: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, new, CWD, old, RenameFlags::EXCHANGE) {
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => exchange_in_steps(new, old),
        other => Ok(other?),
    }
}

#[cfg(not(target_os = "linux"))]
fn exchange(new: &Path, old: &Path) -> io::Result<()> {
    exchange_in_steps(new, old)
}

/// The same where the file system has no exchange: for a moment, nothing lies at `old`.
fn exchange_in_steps(new: &Path, old: &Path) -> io::Result<()> {
    let aside = new.with_extension("old");
    fs::rename(old, &aside)?;
    if let Err(error) = fs::rename(new, old) {
        fs::rename(&aside, old)?;
        return Err(error);
    }
    fs::rename(&aside, new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zarr_is_replaced_and_other_folders_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.zarr");
        for exchange_by in [exchange, exchange_in_steps] {
            fs::create_dir_all(&path).unwrap();
            fs::write(path.join("zarr.json"), "old").unwrap();
            check_replaceable(&path).unwrap();
            let new = folder.path().join(".new.part");
            fs::create_dir(&new).unwrap();
            exchange_by(&new, &path).unwrap();
            assert!(!path.join("zarr.json").exists());
            assert!(new.join("zarr.json").exists());
            fs::remove_dir_all(&new).unwrap();
        }
        fs::write(path.join("notes.txt"), "mine").unwrap();
        assert!(matches!(
            check_replaceable(&path),
            Err(StoreError::AlreadyExists { .. })
        ));
        assert!(matches!(
            check_replaceable(&path.join("notes.txt")),
            Err(StoreError::AlreadyExists { .. })
        ));
    }
}
