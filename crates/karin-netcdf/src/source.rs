//! Local files as byte sources.

use std::fs::File;
use std::path::Path;

use karin_core::ByteSource;

use crate::NcError;

/// A local file, read by position (`pread`), so that any number of threads share one descriptor.
#[derive(Debug)]
pub struct FileSource {
    file: File,
    name: String,
    len: u64,
}

impl FileSource {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// If it is not there, cannot be read, or is no regular file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, NcError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let failed = |source| NcError::Io {
            file: name.clone(),
            action: "open".into(),
            source,
        };
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(failed(std::io::ErrorKind::IsADirectory.into()));
        }
        Ok(Self {
            len: metadata.len(),
            file,
            name,
        })
    }
}

impl ByteSource for FileSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn len(&self) -> std::io::Result<u64> {
        Ok(self.len)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.file, buffer, offset)
    }
}
