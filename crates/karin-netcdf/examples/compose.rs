//! Writes a netCDF file from a description: `compose FOLDER OUT [JOBS]`. The folder holds `structure.json` (a `GroupMeta`)
//! and for the n-th variable (in file order) `n.bin` (its bytes, little-endian) or `n.json` (its strings). The oracle
//! tests make such folders from what other libraries read, so that the writer is tested without karin's reader.

#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::path::Path;

use karin_core::{Dataset, DatasetError, GroupMeta, NoProgress, Resources, Slab};
use karin_netcdf::{WriteOptions, write_dataset};

/// Whole arrays in memory.
struct Described {
    root: GroupMeta,
    bytes: HashMap<String, Vec<u8>>,
    strings: HashMap<String, Vec<String>>,
}

impl Described {
    fn read(folder: &Path) -> Result<Self, Box<dyn std::error::Error>> {
        let root: GroupMeta = serde_json::from_slice(&std::fs::read(folder.join("structure.json"))?)?;
        let mut described = Self {
            root,
            bytes: HashMap::new(),
            strings: HashMap::new(),
        };
        for (number, path) in described.root.variable_paths().into_iter().enumerate() {
            match std::fs::read(folder.join(format!("{number}.bin"))) {
                Ok(bytes) => {
                    described.bytes.insert(path, bytes);
                }
                Err(_) => {
                    let text = std::fs::read(folder.join(format!("{number}.json")))?;
                    described.strings.insert(path, serde_json::from_slice(&text)?);
                }
            }
        }
        Ok(described)
    }

    /// Offsets of all elements of a slab, in order.
    fn offsets(&self, path: &str, slab: &Slab) -> Result<Vec<usize>, DatasetError> {
        let shape = self
            .root
            .shape(path)
            .ok_or_else(|| DatasetError::no_variable(self.label(), path))?;
        let mut offsets = vec![0];
        for ((&start, &count), &size) in slab.start.iter().zip(&slab.count).zip(&shape) {
            offsets = offsets
                .iter()
                .flat_map(|at| (start..start + count).map(move |index| at * size + index))
                .collect();
        }
        Ok(offsets)
    }
}

impl Dataset for Described {
    fn label(&self) -> &str {
        "described"
    }

    fn root(&self) -> &GroupMeta {
        &self.root
    }

    fn read_into(&self, path: &str, slab: &Slab, out: &mut [u8]) -> Result<(), DatasetError> {
        let missing = || DatasetError::no_variable(self.label(), path);
        let size = self.root.variable(path).ok_or_else(missing)?.dtype.size();
        let bytes = self.bytes.get(path).ok_or_else(missing)?;
        for (to, at) in out.chunks_exact_mut(size).zip(self.offsets(path, slab)?) {
            let from = bytes.get(at * size..(at + 1) * size);
            to.copy_from_slice(
                from.ok_or_else(|| DatasetError::invalid(self.label(), path, "too few bytes"))?,
            );
        }
        Ok(())
    }

    fn read_strings(&self, path: &str, slab: &Slab) -> Result<Vec<String>, DatasetError> {
        let strings = self
            .strings
            .get(path)
            .ok_or_else(|| DatasetError::no_variable(self.label(), path))?;
        Ok(self
            .offsets(path, slab)?
            .into_iter()
            .filter_map(|at| strings.get(at).cloned())
            .collect())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, output, jobs @ ..] = arguments.as_slice() else {
        return Err("usage: compose FOLDER OUT [JOBS]".into());
    };
    let mut resources = Resources::default();
    if let Some(jobs) = jobs.first() {
        resources.jobs = jobs.parse()?;
    }
    let described = Described::read(Path::new(folder))?;
    let options = WriteOptions::default().with_resources(resources);
    write_dataset(Path::new(output), &described, &options, &NoProgress)?;
    Ok(())
}
