//! Plain Zarr v3 folders for every reader: core codecs only (`bytes`, `blosc` with zstd, `crc32c`), dimension names, CF
//! attributes, consolidated metadata. What `extract -o x.zarr` writes.
//!
//! A folder appears under its name whole or not at all. A Zarr that lies there already is replaced; anything else is
//! left alone and refused.
//!
//! `NC_CHAR` variables become `uint8`, `NC_STRING` variables the `string` type with `vlen-utf8`. Variables keep their
//! chunks, or get one chunk up to 16 MiB. Values that were never written read as `_FillValue`, or as netCDF's default.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use karin_core::{DType, Dataset, DatasetError, GroupMeta, Progress, Slab, WriteOptions};
use rayon::prelude::*;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::{StoreError, zarr_metadata};

mod array;
mod metadata;
mod place;

use array::ZarrArray;

/// A Zarr folder under construction. Dropped before [`PlainZarr::finish`], it leaves nothing.
#[derive(Debug)]
pub struct PlainZarr {
    path: PathBuf,
    folder: TempDir,
    arrays: HashMap<String, ZarrArray>,
    root: Value,
    options: WriteOptions,
    pool: rayon::ThreadPool,
}

impl PlainZarr {
    /// Begins a folder of that structure at `path`.
    ///
    /// # Errors
    /// If something lies at `path` that is no Zarr, a name cannot be one in a Zarr, a chunk is larger than 1 GiB, or
    /// the system refuses.
    pub fn create(path: &Path, root: &GroupMeta, options: &WriteOptions) -> Result<Self, StoreError> {
        place::check_replaceable(path)?;
        let parent = place::parent(path);
        let folder = place::temporary(path, &parent)?;
        let mut arrays = HashMap::new();
        let mut nodes = Map::new();
        collect(root, root, "", &mut arrays, &mut nodes)?;
        for (inner, metadata) in &nodes {
            place::write_json(&folder.path().join(inner), metadata)?;
        }
        let root = json!({
            "zarr_format": 3,
            "node_type": "group",
            "attributes": zarr_metadata::attributes(&root.attributes),
            "consolidated_metadata": {"kind": "inline", "must_understand": false, "metadata": nodes},
        });
        let jobs = options.resources.jobs.max(1);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(jobs)
            .build()
            .map_err(|error| StoreError::io(path, "start threads", std::io::Error::other(error)))?;
        Ok(Self {
            path: path.to_owned(),
            folder,
            arrays,
            root,
            options: *options,
            pool,
        })
    }

    /// The chunk lengths of the variable at `path`.
    ///
    /// # Errors
    /// If there is no such variable.
    pub fn chunks(&self, path: &str) -> Result<&[usize], StoreError> {
        Ok(&self.array(path)?.chunks)
    }

    /// Writes a part of the variable at `path`: elements in native byte order. A slab covers whole chunks (or runs to the
    /// end of the dimension); slabs come in any order, from any thread.
    ///
    /// # Errors
    /// If there is no such variable, it holds strings, the slab does not fit it or its chunks, or the disk refuses.
    pub fn write_slab(&self, path: &str, slab: &Slab, values: &[u8]) -> Result<(), StoreError> {
        let array = self.array(path)?;
        array.check(path, slab, values.len(), array.dtype.size())?;
        if array.dtype == DType::String {
            return Err(array::refused(
                path,
                "it holds strings: write them with write_strings",
            ));
        }
        let chunks = array.chunks_of(slab);
        self.pool.install(|| {
            chunks.par_iter().try_for_each(|chunk| {
                let part = array.part_of(slab, chunk, values);
                self.put(path, chunk, &array.encode(path, chunk, &part)?)
            })
        })
    }

    /// Writes strings into the `NC_STRING` variable at `path`, whole.
    ///
    /// # Errors
    /// As [`PlainZarr::write_slab`]; also if the slab is not all of the variable.
    pub fn write_strings(&self, path: &str, slab: &Slab, strings: &[String]) -> Result<(), StoreError> {
        let array = self.array(path)?;
        array.check(path, slab, strings.len(), 1)?;
        if array.dtype != DType::String || slab.len() != array.shape.iter().product::<usize>() {
            return Err(array::refused(
                path,
                "strings are written whole, into a variable of strings",
            ));
        }
        if strings.is_empty() {
            return Ok(());
        }
        self.put(
            path,
            &Slab::all(&array.shape),
            &array::encode_strings(path, strings)?,
        )
    }

    /// Gives the folder its name.
    ///
    /// # Errors
    /// If the system refuses; what lay there before is then still there.
    pub fn finish(self) -> Result<(), StoreError> {
        place::write_json(self.folder.path(), &self.root)?;
        if self.options.durable {
            place::sync_all(self.folder.path())?;
        }
        place::publish(self.folder, &self.path, self.options.durable)
    }

    fn array(&self, path: &str) -> Result<&ZarrArray, StoreError> {
        let path = path.trim_start_matches('/');
        self.arrays
            .get(path)
            .ok_or_else(|| array::refused(path, "no such variable was defined"))
    }

    fn put(&self, path: &str, chunk: &Slab, bytes: &[u8]) -> Result<(), StoreError> {
        let array = self.array(path)?;
        let mut file = self.folder.path().join(path).join("c");
        for (&start, &length) in chunk.start.iter().zip(&array.chunks) {
            file.push((start / length.max(1)).to_string());
        }
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent).map_err(|error| StoreError::io(parent, "create", error))?;
        }
        std::fs::write(&file, bytes).map_err(|error| StoreError::io(&file, "write", error))
    }
}

/// Writes `dataset` to `path`, all chunks in parallel. Memory stays within the budget, except that one chunk must fit.
/// Progress counts raw bytes.
///
/// # Errors
/// As [`PlainZarr::create`] and [`PlainZarr::finish`]; if values cannot be read; if the user stops it.
pub fn write_plain_zarr(
    path: &Path,
    dataset: &dyn Dataset,
    options: &WriteOptions,
    progress: &dyn Progress,
) -> Result<(), StoreError> {
    let writer = PlainZarr::create(path, dataset.root(), options)?;
    let mut tasks = Vec::new();
    for inner in dataset.root().variable_paths() {
        let array = writer.array(&inner)?;
        let chunks = array.chunks_of(&Slab::all(&array.shape));
        tasks.extend(chunks.into_iter().map(|chunk| (inner.clone(), chunk)));
    }
    let bytes = |(inner, chunk): &(String, Slab)| {
        let size = writer.arrays.get(inner).map_or(0, |array| array.dtype.size());
        (chunk.len() * size) as u64
    };
    progress.start("writing", 1, tasks.iter().map(bytes).sum());
    let largest = tasks.iter().map(bytes).max().unwrap_or(0);
    // A chunk is held as it was read, padded, and encoded.
    let at_once = (options.resources.memory / (3 * largest).max(1)).clamp(1, u64::from(u32::MAX)) as usize;
    dataset.will_read_in_order(&mut tasks.iter().map(|(inner, chunk)| (inner.as_str(), chunk.clone())));
    for batch in tasks.chunks(at_once) {
        writer.pool.install(|| {
            // One after the other, so that they are read in the order that was told.
            batch.iter().par_bridge().try_for_each(|task| {
                if progress.is_cancelled() {
                    return Err(StoreError::Cancelled);
                }
                writer.copy_chunk(dataset, &task.0, &task.1)?;
                progress.advance(0, bytes(task));
                Ok(())
            })
        })?;
    }
    writer.finish()?;
    progress.advance(1, 0);
    progress.finish();
    Ok(())
}

impl PlainZarr {
    fn copy_chunk(&self, dataset: &dyn Dataset, path: &str, chunk: &Slab) -> Result<(), StoreError> {
        let unread = |source: DatasetError| StoreError::Unreadable {
            granule: source.dataset.clone(),
            source,
        };
        let array = self.array(path)?;
        if array.dtype == DType::String {
            let strings = dataset.read_strings(path, chunk).map_err(unread)?;
            return self.write_strings(path, chunk, &strings);
        }
        let mut values = vec![0; chunk.len() * array.dtype.size()];
        dataset.read_into(path, chunk, &mut values).map_err(unread)?;
        self.put(path, chunk, &array.encode(path, chunk, &values)?)
    }
}

/// Metadata of everything inside a group, by path.
fn collect(
    root: &GroupMeta,
    group: &GroupMeta,
    path: &str,
    arrays: &mut HashMap<String, ZarrArray>,
    nodes: &mut Map<String, Value>,
) -> Result<(), StoreError> {
    let join = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}/{name}")
        }
    };
    for variable in &group.variables {
        let inner = join(&variable.name);
        let shape = root
            .shape(&inner)
            .ok_or_else(|| array::refused(&inner, "one of its dimensions is not defined"))?;
        let array = ZarrArray::of(variable, shape, &inner)?;
        metadata::check_name(&variable.name, &inner)?;
        if nodes
            .insert(inner.clone(), metadata::array(variable, &array))
            .is_some()
        {
            return Err(array::refused(&inner, "it is defined twice"));
        }
        arrays.insert(inner, array);
    }
    for inner in &group.groups {
        let inner_path = join(&inner.name);
        metadata::check_name(&inner.name, &inner_path)?;
        if nodes.insert(inner_path.clone(), metadata::group(inner)).is_some() {
            return Err(array::refused(&inner_path, "it is defined twice"));
        }
        collect(root, inner, &inner_path, arrays, nodes)?;
    }
    Ok(())
}
