//! A file that appears under its name only when it is whole.

use std::io;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::error::WriteError;

/// A hidden file beside `path`. Dropped, it goes away.
#[derive(Debug)]
pub(super) struct Temporary {
    path: PathBuf,
    folder: PathBuf,
    file: NamedTempFile,
}

impl Temporary {
    pub(super) fn create(path: &Path) -> Result<Self, WriteError> {
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
            _ => PathBuf::from("."),
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let file = tempfile::Builder::new()
            .prefix(&format!(".{name}."))
            .suffix(".part")
            .permissions(std::fs::Permissions::from_mode(0o666))
            .tempfile_in(&folder)
            .map_err(|source| WriteError::Io {
                path: path.to_owned(),
                doing: "creating the file",
                source,
            })?;
        Ok(Self {
            path: path.to_owned(),
            folder,
            file,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), WriteError> {
        self.file
            .as_file()
            .write_all_at(bytes, offset)
            .map_err(|source| self.io("writing", source))
    }

    fn sync(&self) -> Result<(), WriteError> {
        self.file
            .as_file()
            .sync_all()
            .map_err(|source| self.io("flushing to disk", source))
    }

    /// Gives the file its name. With `durable`, it and its name are on the disk before this returns.
    pub(super) fn persist(self, durable: bool) -> Result<(), WriteError> {
        if durable {
            self.sync()?;
        }
        let Self { path, folder, file } = self;
        file.persist(&path).map_err(|error| WriteError::Io {
            path: path.clone(),
            doing: "giving the finished file its name",
            source: error.error,
        })?;
        if durable {
            let synced = std::fs::File::open(&folder).and_then(|folder| folder.sync_all());
            synced.map_err(|source| WriteError::Io {
                path: folder,
                doing: "flushing the folder to disk",
                source,
            })?;
        }
        Ok(())
    }

    fn io(&self, doing: &'static str, source: io::Error) -> WriteError {
        WriteError::Io {
            path: self.path.clone(),
            doing,
            source,
        }
    }
}
