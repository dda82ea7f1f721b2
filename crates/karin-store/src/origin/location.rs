//! Texts of locations: what a path becomes, and what they are relative to.

use std::path::{Path, PathBuf};

use icechunk::format::manifest::VirtualChunkLocation;
use karin_core::ErrorKind;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::{Location, StoreError};

/// Characters of a path that mean something else in a URL, or that parsers of URLs drop or replace.
const RESERVED: &AsciiSet = &CONTROLS
    .add(b'%')
    .add(b'?')
    .add(b'#')
    .add(b' ')
    .add(b'\\')
    .add(b'|');

/// Scheme of a location that is relative to a container.
pub(super) const RELATIVE: &str = "vcc://";

/// Scheme of a location on disk.
pub(super) const FILE: &str = "file://";

pub(super) fn reference_to(location: &str) -> Result<VirtualChunkLocation, StoreError> {
    VirtualChunkLocation::from_url(location)
        .map_err(|error| StoreError::InvalidArgument(format!("{location}: {error}")))
}

/// The folder of a collection, absolute and without links; `None` if it lies in none.
pub(super) fn folder_of(collection: &Location) -> Result<Option<PathBuf>, StoreError> {
    let Location::Folder(folder) = collection else {
        return Ok(None);
    };
    if let Ok(found) = std::fs::canonicalize(folder) {
        return Ok(Some(found));
    }
    // Not there yet: the nearest folder above it that is tells the rest.
    let failed = |source| StoreError::io(folder, "find", source);
    let absolute = std::path::absolute(folder).map_err(failed)?;
    let above = absolute.ancestors().find_map(|above| {
        let found = std::fs::canonicalize(above).ok()?;
        Some(found.join(absolute.strip_prefix(above).ok()?))
    });
    Ok(above.or(Some(absolute)))
}

/// The folder that the locations of a container (`upN`, N folders above) are relative to, for a collection in `folder`.
pub(super) fn root_of<'a>(name: &str, folder: &'a Path) -> Option<&'a Path> {
    let levels = name
        .strip_prefix("up")?
        .parse()
        .ok()
        .filter(|levels| *levels > 0)?;
    folder.ancestors().nth(levels)
}

pub(super) fn location_of(folder: Option<&Path>, file: &Path) -> Result<String, StoreError> {
    let common = folder.and_then(|folder| {
        let shared = |above: &&Path| above.parent().is_some() && file.starts_with(above);
        let (levels, above) = folder
            .ancestors()
            .enumerate()
            .skip(1)
            .find(|(_, above)| shared(above))?;
        Some((levels, file.strip_prefix(above).ok()?))
    });
    let (prefix, path) = match common {
        Some((levels, path)) => (format!("{RELATIVE}up{levels}/"), path),
        None => ("file:///".to_owned(), file.strip_prefix("/").unwrap_or(file)),
    };
    let text = path.to_str().ok_or_else(|| StoreError::Origin {
        file: file.display().to_string(),
        reason: "its path is no UTF-8 text, as references have to be: rename it".into(),
        kind: ErrorKind::Unsupported,
    })?;
    let location = format!("{prefix}{}", utf8_percent_encode(text, RESERVED));
    // As Icechunk has it: of `file://` it encodes more.
    reference_to(&location).map(|location| location.url().to_owned())
}
