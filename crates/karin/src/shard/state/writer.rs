//! Writing the file of a state, from all threads.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use karin_core::{DType, DatasetError, ErrorKind, GroupMeta, Slab, Values};
use karin_engine::SharedSink;
use serde::Serialize;

use super::{Ending, FORMAT, Header, Kind, MAGIC, PIECE};
use crate::Error;
use crate::output::Unfinished;
use crate::shard::ShardError;

/// Compression of what is read once.
const LEVEL: i32 = 1;

/// A state under construction; all threads write to it. Dropped before its end, it leaves nothing.
pub(in crate::shard) struct StateWriter {
    path: PathBuf,
    file: Mutex<Unfinished>,
}

impl StateWriter {
    pub(in crate::shard) fn create(path: &Path, header: &Header) -> Result<Self, Error> {
        let mut file = Unfinished::create(path)?;
        let mut start = MAGIC.to_vec();
        start.extend_from_slice(&FORMAT.to_le_bytes());
        file.file()
            .write_all(&start)
            .map_err(|error| Error::io(path, "write", error))?;
        let writer = Self {
            path: path.to_owned(),
            file: Mutex::new(file),
        };
        writer.packed(Kind::Header, header)?;
        Ok(writer)
    }

    /// Writes a part of the engine's own making.
    pub(in crate::shard) fn write_part(&self, bytes: &[u8]) -> Result<(), Error> {
        for piece in bytes.chunks(PIECE) {
            let compressed = self.compressed(piece)?;
            self.section(Kind::Part, &[&(piece.len() as u64).to_le_bytes(), &compressed])?;
        }
        Ok(())
    }

    /// Gives the file its name.
    pub(in crate::shard) fn finish(self, ending: &Ending) -> Result<(), Error> {
        self.packed(Kind::Ending, ending)?;
        let file = self.file.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(file.finish(true)?)
    }

    fn packed(&self, kind: Kind, value: &impl Serialize) -> Result<(), Error> {
        let bytes = rmp_serde::to_vec_named(value).map_err(|error| {
            let reason = error.to_string();
            let path = self.path.clone();
            ShardError::Unsupported { path, reason }
        })?;
        self.section(kind, &[&bytes])
    }

    fn compressed(&self, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        zstd::bulk::compress(bytes, LEVEL).map_err(|error| Error::io(&self.path, "write", error))
    }

    fn section(&self, kind: Kind, payload: &[&[u8]]) -> Result<(), Error> {
        let length: u64 = payload.iter().map(|part| part.len() as u64).sum();
        let mut hasher = blake3::Hasher::new();
        hasher.update(&[kind as u8]);
        payload.iter().for_each(|part| {
            hasher.update(part);
        });
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let file = file.file();
        let mut write = || {
            file.write_all(&[kind as u8])?;
            file.write_all(&length.to_le_bytes())?;
            payload.iter().try_for_each(|part| file.write_all(part))?;
            file.write_all(hasher.finalize().as_bytes())
        };
        write().map_err(|error| Error::io(&self.path, "write", error))
    }

    fn block(&self, path: &str, slab: &Slab, values: &Values) -> Result<(), Error> {
        if slab.is_empty() {
            return Ok(());
        }
        let place = rmp_serde::to_vec(&(path, &slab.start, &slab.count)).unwrap_or_default();
        let length = u32::try_from(place.len()).unwrap_or(u32::MAX).to_le_bytes();
        let compressed = self.compressed(values.as_bytes())?;
        self.section(Kind::Block, &[&length, &place, &compressed])
    }

    fn failed(&self, path: &str, error: &Error) -> DatasetError {
        let label = self.path.display().to_string();
        DatasetError::new(error.kind(), &label, path, error.to_string())
    }
}

impl SharedSink for StateWriter {
    fn begin(&self, root: &GroupMeta) -> Result<(), DatasetError> {
        self.packed(Kind::Structure, root)
            .map_err(|error| self.failed("", &error))
    }

    fn write(&self, path: &str, slab: &Slab, values: &Values) -> Result<(), DatasetError> {
        if values.dtype() == DType::String {
            let label = self.path.display().to_string();
            return Err(DatasetError::new(
                ErrorKind::Unsupported,
                &label,
                path,
                "states hold no texts",
            ));
        }
        self.block(path, slab, values)
            .map_err(|error| self.failed(path, &error))
    }
}
