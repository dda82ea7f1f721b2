//! The netCDF-4 writer: files that ncdump, netCDF4-python, h5netcdf and xarray find equal to what netCDF-C would have
//! written from the same structure, byte for byte the same for any number of threads.
//!
//! ```text
//!   GroupMeta ──rules──> FilePlan (groups, datasets, dimension scales)
//!   values    ──parallel: gather, pad, shuffle, deflate──> chunks, committed in order
//!   finish    ──> chunk indices, heap, object headers; the superblock last; fsync; rename
//! ```
//!
//! The file lies under a hidden name until [`NcWriter::finish`] renames it: at its own name there is the old file, or
//! the whole new one, at any time. Compressed bytes differ from those of zlib; decoded values do not.

mod btree;
mod bytes;
mod chunk;
mod copy;
mod data;
mod datatype;
mod error;
mod heap;
mod message;
mod metadata;
mod pipeline;
mod plan;
mod rules;
mod slab;
mod temporary;

use std::path::Path;
use std::sync::Arc;

use karin_core::{DType, GroupMeta, Resources, Slab, WriteOptions};

pub use copy::write_dataset;
pub use error::WriteError;
pub use slab::{EncodedSlab, SlabEncoder};

use data::DataFile;
use plan::FilePlan;
use rules::Fault;
use temporary::Temporary;

/// A netCDF-4 file under construction. Dropped before [`NcWriter::finish`], it leaves nothing.
#[derive(Debug)]
pub struct NcWriter {
    encoder: SlabEncoder,
    data: DataFile,
    file: Temporary,
    options: WriteOptions,
}

impl NcWriter {
    /// Begins a file of that structure at `path`. Values not written later read as fill.
    ///
    /// Chunk lengths are cut to the shape of their variable; variables with filters or unlimited dimensions but
    /// without chunk lengths get those of [`default_chunks`](karin_core::chunking::default_chunks).
    ///
    /// # Errors
    /// If the structure breaks a rule of netCDF or a limit of this writer (an attribute of 64 kB, a chunk of 4 GiB),
    /// or the folder cannot be written to.
    pub fn create(path: &Path, root: &GroupMeta, options: &WriteOptions) -> Result<Self, WriteError> {
        let mut plan = FilePlan::of(root).map_err(|fault| fault.in_file(path))?;
        if let Some(level) = options.deflate {
            plan.deflate(level);
        }
        // A first round without data finds attributes that are too large before any work is done.
        let nowhere = vec![None; plan.datasets.len()];
        metadata::encode(&plan, &nowhere, 0).map_err(|fault| fault.in_file(path))?;
        let data = DataFile::new(plan.datasets.len());
        let encoder = SlabEncoder {
            plan: Arc::new(plan),
            path: path.to_owned(),
        };
        Ok(Self {
            encoder,
            data,
            file: Temporary::create(path)?,
            options: *options,
        })
    }

    /// The chunk lengths of the variable at `path` as they will be in the file; `None` if it lies in one piece (then
    /// slabs may begin and end anywhere).
    ///
    /// # Errors
    /// If there is no such variable.
    pub fn chunks(&self, path: &str) -> Result<Option<Vec<usize>>, WriteError> {
        let number = self.encoder.find(path)?;
        let dataset = self.encoder.plan.datasets.get(number);
        Ok(dataset
            .and_then(|dataset| dataset.chunks.as_ref())
            .map(|chunks| chunks.iter().map(|&chunk| chunk as usize).collect()))
    }

    /// Writes a part of the variable at `path`: elements in native byte order, packed as they are to be stored.
    /// A slab covers whole chunks (or runs to the end of the dimension); slabs come in any order. Chunks are
    /// compressed in parallel.
    ///
    /// # Errors
    /// If there is no such variable, it holds strings, the slab does not fit it or its chunks, `values` has another
    /// length than the slab, or the disk refuses.
    pub fn write_slab(&mut self, path: &str, slab: &Slab, values: &[u8]) -> Result<(), WriteError> {
        let limits = self.limits();
        let Some((number, dataset)) = self.encoder.numbers(path, slab, values)? else {
            return Ok(());
        };
        self.data.write(&self.file, number, dataset, limits, slab, values)
    }

    /// What compresses parts of variables on any thread, for [`NcWriter::write_encoded`] to write.
    pub fn encoder(&self) -> SlabEncoder {
        self.encoder.clone()
    }

    /// Writes a part that an encoder of this file has compressed.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn write_encoded(&mut self, slab: EncodedSlab) -> Result<(), WriteError> {
        let EncodedSlab { number, chunks } = slab;
        chunks
            .into_iter()
            .try_for_each(|chunk| self.data.commit_chunk(&self.file, number, chunk))
    }

    /// Writes strings into the `NC_STRING` variable at `path`.
    ///
    /// # Errors
    /// As [`NcWriter::write_slab`].
    pub fn write_strings(&mut self, path: &str, slab: &Slab, strings: &[String]) -> Result<(), WriteError> {
        let number = self.encoder.find(path)?;
        let limits = self.limits();
        let Some(dataset) = self.encoder.plan.datasets.get(number) else {
            return Ok(());
        };
        if dataset.dtype != DType::String {
            return Err(self
                .encoder
                .slab_error(path, "it holds no strings: write it with write_slab"));
        }
        self.encoder.check(path, dataset, slab, strings.len(), 1)?;
        let descriptors = self.data.write_heap(&self.file, strings)?;
        self.data
            .write(&self.file, number, dataset, limits, slab, &descriptors)
    }

    /// Writes what is left (indices, attributes, the superblock) and gives the file its name.
    ///
    /// # Errors
    /// If the disk refuses; whatever lay at the path before is then still there.
    pub fn finish(mut self) -> Result<(), WriteError> {
        let places = self.data.write_indices(&self.file, &self.encoder.plan)?;
        let start = self.data.end();
        let metadata = metadata::encode(&self.encoder.plan, &places, start)
            .map_err(|fault| fault.in_file(self.file.path()))?;
        self.data.append(&self.file, &metadata.bytes)?;
        let superblock = metadata::superblock(metadata.root, self.data.end());
        // Whatever order the disk takes it in: the file has no name before all of it is safe.
        self.file.write_at(&superblock, 0)?;
        self.file.persist(self.options.durable)
    }

    fn limits(&self) -> pipeline::Limits {
        let Resources { jobs, memory } = self.options.resources;
        pipeline::Limits { jobs, memory }
    }
}

impl Fault {
    fn in_file(self, path: &Path) -> WriteError {
        let Self { at, reason, is_limit } = self;
        let path = path.to_owned();
        if is_limit {
            WriteError::Limit { path, at, reason }
        } else {
            WriteError::Structure { path, at, reason }
        }
    }
}

#[cfg(test)]
mod tests;
