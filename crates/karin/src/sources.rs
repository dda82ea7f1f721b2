//! Sources: granule files, folders of them and collections, opened as one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use karin_core::Progress;
use karin_engine::{CollectionGranules, GranuleFiles, Source, Sources};
use karin_store::{Collection, OpenOptions};

use crate::Error;

/// Opens `inputs`, any mix of collections (folders, `s3://…`, `memory://…`), granule files and folders of granules.
/// Collections are read with `options`, at their snapshot.
///
/// # Errors
/// If an input is not there or cannot be opened, or a snapshot is asked for where there is no collection.
pub fn open(
    inputs: &[PathBuf],
    options: &OpenOptions,
    progress: &dyn Progress,
) -> Result<Arc<dyn Source>, Error> {
    let mut parts: Vec<Arc<dyn Source>> = Vec::new();
    let mut files = Vec::new();
    for input in inputs {
        if is_collection(input) {
            let collection = Collection::open(&input.to_string_lossy(), options)?;
            parts.push(Arc::new(CollectionGranules::new(collection)?));
        } else {
            files.push(input.clone());
        }
    }
    if options.snapshot.is_some() && parts.is_empty() {
        return Err(Error::option("--snapshot", "only collections have snapshots"));
    }
    if !files.is_empty() {
        parts.push(Arc::new(GranuleFiles::find(&files, progress)?));
    }
    Ok(Arc::new(Sources::new(parts)))
}

/// True for addresses of stores, and for folders that hold the snapshots of a repository.
pub fn is_collection(input: &Path) -> bool {
    input.to_str().is_some_and(|text| text.contains("://")) || input.join("snapshots").is_dir()
}
