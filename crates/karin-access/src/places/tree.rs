//! A tree of folders, walked level by level, many at a time, only where it may hold what is wanted.

use std::collections::HashSet;
use std::future::Future;

use futures::stream::{self, StreamExt as _};
use karin_core::{GranuleName, Progress};

use super::may_hold;
use crate::granule::is_safe_file_name;
use crate::retry::until_cancelled;
use crate::{AccessError, Checksum, Location, RemoteGranule, Size, Wanted};

/// Deepest level that is looked into: archives are a few levels deep.
const MAX_DEPTH: usize = 12;
/// Most folders that are looked into.
const MAX_FOLDERS: usize = 20_000;

/// What a folder holds.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub folders: Vec<Folder>,
    pub files: Vec<File>,
}

/// A folder below another one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Folder {
    /// Its last name, which tells whether it is looked into.
    pub name: String,
    /// What asks for it.
    pub address: String,
}

/// A file of a folder.
#[derive(Debug)]
pub(crate) struct File {
    pub name: String,
    pub size: Size,
    pub checksum: Option<Checksum>,
    pub modified: Option<String>,
    pub location: Location,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Harvest {
    pub granules: Vec<RemoteGranule>,
    /// Parts of the place that could not be asked, and why.
    pub left_out: Vec<(String, AccessError)>,
}

impl Harvest {
    /// Takes a file if it is wanted.
    pub(crate) fn take(&mut self, wanted: &Wanted, file: File) {
        let Ok((name, _)) = GranuleName::parse_whole(&file.name) else {
            return;
        };
        if !is_safe_file_name(&file.name) || !file.name.ends_with(".nc") || !wanted.includes(&name) {
            return;
        }
        self.granules.push(RemoteGranule {
            name,
            file_name: file.name,
            size: file.size,
            checksum: file.checksum,
            modified: file.modified,
            location: file.location,
        });
    }
}

/// Walks a tree from the folder at `root`. A folder that cannot be listed is left out and told; the root itself must
/// be there.
pub(crate) async fn walk<F>(
    wanted: &Wanted,
    root: String,
    at_a_time: usize,
    progress: &dyn Progress,
    list: impl Fn(String) -> F,
) -> Result<Harvest, AccessError>
where
    F: Future<Output = Result<Listing, AccessError>>,
{
    let mut harvest = Harvest::default();
    let mut seen: HashSet<String> = HashSet::from([root.clone()]);
    let mut level = vec![root];
    for depth in 0..=MAX_DEPTH {
        let asked = std::mem::take(&mut level).into_iter().map(|address| {
            let listing = list(address.clone());
            async move { (address, listing.await) }
        });
        let mut answers = stream::iter(asked).buffer_unordered(at_a_time);
        let mut below = Vec::new();
        while let Some((address, answer)) = until_cancelled(progress, answers.next()).await? {
            progress.advance(1, 0);
            match answer {
                Ok(listing) => {
                    listing
                        .files
                        .into_iter()
                        .for_each(|file| harvest.take(wanted, file));
                    let folders = listing
                        .folders
                        .into_iter()
                        .filter(|folder| may_hold(wanted, &folder.name));
                    below.extend(
                        folders
                            .map(|folder| folder.address)
                            .filter(|address| seen.insert(address.clone())),
                    );
                }
                Err(AccessError::Cancelled) => return Err(AccessError::Cancelled),
                Err(error) if depth == 0 => return Err(error),
                Err(error) => harvest.left_out.push((address, error)),
            }
        }
        if seen.len() > MAX_FOLDERS {
            let reason = format!("more than {MAX_FOLDERS} folders: name one below");
            return Err(AccessError::option("--from", reason));
        }
        if below.is_empty() {
            return Ok(harvest);
        }
        level = below;
    }
    let reason = format!("folders lie deeper than {MAX_DEPTH} levels: name one below");
    Err(AccessError::option("--from", reason))
}
