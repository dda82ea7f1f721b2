//! A file that appears under its name only when it is whole.

use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::OutputError;

/// A hidden file beside `path`. Dropped, it goes away.
#[derive(Debug)]
pub(crate) struct Unfinished {
    path: PathBuf,
    file: NamedTempFile,
}

impl Unfinished {
    pub(crate) fn create(path: &Path) -> Result<Self, OutputError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let file = tempfile::Builder::new()
            .prefix(&format!(".{name}."))
            .suffix(".part")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder_of(path))
            .map_err(|source| io(path, "creating the file", source))?;
        Ok(Self {
            path: path.to_owned(),
            file,
        })
    }

    pub(crate) fn file(&mut self) -> &mut File {
        self.file.as_file_mut()
    }

    /// Gives the file its name.
    pub(crate) fn finish(self, durable: bool) -> Result<(), OutputError> {
        let Self { path, file } = self;
        let failed = |doing| {
            let path = path.clone();
            move |source| io(&path, doing, source)
        };
        if durable {
            file.as_file().sync_all().map_err(failed("flushing to disk"))?;
        }
        file.persist(&path)
            .map_err(|error| failed("giving the finished file its name")(error.error))?;
        if durable {
            let folder = File::open(folder_of(&path)).and_then(|folder| folder.sync_all());
            folder.map_err(failed("flushing the folder to disk"))?;
        }
        Ok(())
    }
}

impl std::io::Write for Unfinished {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

pub(super) fn io(path: &Path, doing: &'static str, source: std::io::Error) -> OutputError {
    OutputError::Io {
        path: path.to_owned(),
        doing,
        source,
    }
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}
