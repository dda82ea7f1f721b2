//! A file that is not whole yet: its bytes, and of which file at the server they are.

use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::AccessError;

/// Which file at the server the bytes are of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Origin {
    /// A strong `ETag`.
    pub etag: Option<String>,
    /// `Last-Modified`.
    pub last_modified: Option<String>,
    /// Bytes of the whole.
    pub total: Option<u64>,
}

impl Origin {
    /// What tells the server which file we have a part of.
    pub(crate) fn validator(&self) -> Option<&str> {
        self.etag.as_deref().or(self.last_modified.as_deref())
    }

    /// True if both may be the same file.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        let same = |a: &Option<String>, b: &Option<String>| a.is_none() || b.is_none() || a == b;
        same(&self.etag, &other.etag)
            && same(&self.last_modified, &other.last_modified)
            && (self.total.is_none() || other.total.is_none() || self.total == other.total)
    }
}

/// The file under way. Only one process has it.
#[derive(Debug)]
pub(super) struct Part {
    target: PathBuf,
    path: PathBuf,
    note: PathBuf,
    file: File,
    len: u64,
    origin: Origin,
}

impl Part {
    /// Opens what an earlier run has left for `target`, or begins.
    pub(super) fn open(target: &Path) -> Result<Self, AccessError> {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let path = target.with_file_name(format!(".{name}.part"));
        let note = target.with_file_name(format!(".{name}.part.json"));
        let failed = |action| {
            let path = path.clone();
            move |source| AccessError::file(&path, action, source)
        };
        let mut file = loop {
            let file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .read(true)
                .write(true)
                .open(&path)
                .map_err(failed("opening"))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(std::fs::TryLockError::WouldBlock) => {
                    return Err(AccessError::Busy {
                        path: target.to_owned(),
                    });
                }
                // A file system without locks: two runs into one folder are the user's to avoid.
                Err(std::fs::TryLockError::Error(_)) => {}
            }
            // Whoever had the lock may have given the file its name just now: then it is no part any more.
            if is_at(&file, &path).map_err(failed("opening"))? {
                break file;
            }
        };
        let len = file.seek(SeekFrom::End(0)).map_err(failed("measuring"))?;
        let origin = std::fs::read(&note)
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok());
        let mut part = Self {
            target: target.to_owned(),
            path,
            note,
            file,
            len,
            origin: origin.unwrap_or_default(),
        };
        // Bytes that nobody knows the origin of are of no use.
        if part.len > 0 && part.origin.validator().is_none() {
            part.clear()?;
        }
        Ok(part)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes that are there.
    pub(super) const fn len(&self) -> u64 {
        self.len
    }

    pub(super) const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Begins anew. What the note says goes first, so that it never stands beside bytes of another file.
    pub(super) fn clear(&mut self) -> Result<(), AccessError> {
        match std::fs::remove_file(&self.note) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(AccessError::file(&self.note, "removing", error));
            }
            _ => {}
        }
        let cleared = self
            .file
            .set_len(0)
            .and_then(|()| self.file.seek(SeekFrom::Start(0)));
        cleared.map_err(|source| self.failed("clearing", source))?;
        (self.len, self.origin) = (0, Origin::default());
        Ok(())
    }

    /// Says of which file the bytes are that come now. Written before the first of them.
    pub(super) fn set_origin(&mut self, origin: Origin) -> Result<(), AccessError> {
        if self.origin != origin {
            let text = serde_json::to_vec(&origin).unwrap_or_default();
            std::fs::write(&self.note, text)
                .map_err(|source| AccessError::file(&self.note, "writing", source))?;
            self.origin = origin;
        }
        Ok(())
    }

    /// Appends bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), AccessError> {
        self.file
            .write_all(bytes)
            .map_err(|source| self.failed("writing", source))?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Flushes to the disk and gives the file its name.
    pub(super) fn finish(self) -> Result<(), AccessError> {
        self.file
            .sync_all()
            .map_err(|source| self.failed("flushing", source))?;
        let renamed = std::fs::rename(&self.path, &self.target);
        renamed.map_err(|source| self.failed("renaming", source))?;
        let folder = self
            .target
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|source| AccessError::file(folder, "flushing the folder", source))?;
        // Left behind it would only say of which file bytes were that are no longer there.
        let _ = std::fs::remove_file(&self.note);
        Ok(())
    }

    fn failed(&self, action: &'static str, source: std::io::Error) -> AccessError {
        AccessError::file(&self.path, action, source)
    }
}

/// True if the path still leads to the open file.
fn is_at(file: &File, path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let open = file.metadata()?;
    match std::fs::metadata(path) {
        Ok(there) => Ok((open.dev(), open.ino()) == (there.dev(), there.ino())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(etag: &str) -> Origin {
        Origin {
            etag: Some(etag.to_owned()),
            ..Origin::default()
        }
    }

    #[test]
    fn a_part_is_taken_up_and_appears_whole() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.nc");
        let mut part = Part::open(&target).unwrap();
        assert!(matches!(Part::open(&target), Err(AccessError::Busy { .. })));
        part.set_origin(origin("\"1\"")).unwrap();
        part.write(b"first ").unwrap();
        drop(part);
        let mut part = Part::open(&target).unwrap();
        assert_eq!((part.len(), part.origin()), (6, &origin("\"1\"")));
        part.write(b"second").unwrap();
        assert!(!target.exists());
        part.finish().unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"first second");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn bytes_of_unknown_origin_are_thrown_away() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.nc");
        std::fs::write(folder.path().join(".a.nc.part"), "left").unwrap();
        assert_eq!(Part::open(&target).unwrap().len(), 0);
        let mut part = Part::open(&target).unwrap();
        part.set_origin(origin("\"1\"")).unwrap();
        part.write(b"old").unwrap();
        part.clear().unwrap();
        part.set_origin(Origin::default()).unwrap();
        part.write(b"new").unwrap();
        drop(part);
        assert_eq!(Part::open(&target).unwrap().len(), 0);
        assert!(origin("1").agrees(&Origin::default()) && !origin("1").agrees(&origin("2")));
    }
}
