//! Folders of this machine.

use std::path::Path;

use karin_core::Progress;

use super::tree::{File, Folder, Harvest, Listing, walk};
use crate::{AccessError, Location, Size, Wanted};

/// The wanted granules of a folder and of those below it. Symbolic links to folders are followed, loops end.
pub(crate) async fn find(
    wanted: &Wanted,
    folder: &Path,
    at_a_time: usize,
    progress: &dyn Progress,
) -> Result<Harvest, AccessError> {
    let root = folder.display().to_string();
    walk(wanted, root, at_a_time, progress, |address| async move {
        let task = tokio::task::spawn_blocking(move || {
            let path = Path::new(&address);
            list(path).map_err(|source| AccessError::file(path, "listing the folder", source))
        });
        match task.await {
            Ok(listing) => listing,
            Err(error) => Err(AccessError::file(
                folder,
                "listing the folder",
                std::io::Error::other(error),
            )),
        }
    })
    .await
}

fn list(folder: &Path) -> std::io::Result<Listing> {
    let mut listing = Listing::default();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        // What is no text cannot be the name of a granule; what went away since is not there.
        let (Some(name), Ok(meta)) = (
            path.file_name().and_then(|name| name.to_str()),
            std::fs::metadata(&path),
        ) else {
            continue;
        };
        if meta.is_dir() {
            let real = std::fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
            listing.folders.push(Folder {
                name: name.to_owned(),
                address: real.display().to_string(),
            });
        } else if name.ends_with(".nc") {
            let modified = meta.modified().ok();
            let since = modified.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
            listing.files.push(File {
                name: name.to_owned(),
                size: Size::Exact(meta.len()),
                checksum: None,
                modified: since.map(|since| since.as_nanos().to_string()),
                location: Location::File(path.clone()),
            });
        }
    }
    Ok(listing)
}
