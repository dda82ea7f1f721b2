//! Reading objects of a folder. What is not there is `None`, not an error.

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use bytes::Bytes;
use icechunk_storage::ListInfo;

use super::files::is_hidden;
use crate::StoreError;

fn open(path: &Path) -> Result<Option<File>, StoreError> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(source) => Err(StoreError::io(path, "open", source)),
    }
}

/// All bytes of a file.
pub(crate) fn whole(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(mut file) = open(path)? else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)
        .map_err(|source| StoreError::io(path, "read", source))?;
    Ok(Some(bytes))
}

/// The bytes of a range, fewer where the file ends before.
pub(crate) fn range(path: &Path, range: &Range<u64>) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(file) = open(path)? else { return Ok(None) };
    let failed = |source| StoreError::io(path, "read", source);
    let length = file.metadata().map_err(failed)?.len();
    let wanted = range.end.min(length).saturating_sub(range.start);
    let wanted = usize::try_from(wanted).map_err(|_| failed(ErrorKind::OutOfMemory.into()))?;
    let mut bytes = vec![0; wanted];
    file.read_exact_at(&mut bytes, range.start).map_err(failed)?;
    Ok(Some(bytes))
}

/// A range of bytes in memory, shorter where they end before.
pub(crate) fn cut(bytes: &Bytes, range: &Range<u64>) -> Bytes {
    let clamp =
        |position: u64| usize::try_from(position).map_or(bytes.len(), |position| position.min(bytes.len()));
    let (start, end) = (clamp(range.start), clamp(range.end));
    bytes.slice(start..end.max(start))
}

/// Every object below a folder, by its path in it, sorted; hidden files are passed over.
pub(crate) fn list(folder: &Path) -> Result<Vec<ListInfo<String>>, StoreError> {
    let mut found = Vec::new();
    list_into(folder, "", &mut found)?;
    found.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(found)
}

fn list_into(folder: &Path, prefix: &str, found: &mut Vec<ListInfo<String>>) -> Result<(), StoreError> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(()),
        Err(source) => return Err(StoreError::io(folder, "list", source)),
    };
    for entry in entries {
        let entry = entry.map_err(|source| StoreError::io(folder, "list", source))?;
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| !is_hidden(name)) else {
            continue;
        };
        let id = if prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{prefix}/{name}")
        };
        // Files vanish while a listing runs: renamed or collected.
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_dir() {
            list_into(&entry.path(), &id, found)?;
        } else if let Ok(modified) = metadata.modified() {
            found.push(ListInfo {
                id,
                created_at: modified.into(),
                size_bytes: metadata.len(),
            });
        }
    }
    Ok(())
}
