//! Sources: granule files, folders of them and collections, opened as one.

use std::path::PathBuf;
use std::sync::Arc;

use karin_core::{Progress, Selection};
use karin_engine::{GranuleFiles, Source, Sources};

use crate::Error;

/// Opens `inputs`, any mix of granule files and folders.
///
/// # Errors
/// If an input is not there or cannot be opened.
pub fn open(
    inputs: &[PathBuf],
    selection: &Selection,
    progress: &dyn Progress,
) -> Result<Arc<dyn Source>, Error> {
    let files = GranuleFiles::find(inputs, progress)?;
    if selection.snapshot.is_some() {
        return Err(Error::option("--snapshot", "only collections have snapshots"));
    }
    Ok(Arc::new(Sources::new(vec![Arc::new(files)])))
}
