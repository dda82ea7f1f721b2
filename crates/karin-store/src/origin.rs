//! Files outside of a collection that its virtual granules lie in.
//!
//! A location is one of Icechunk's: `vcc://up1/L2/x.nc` lies below the folder that holds the collection (`up2`: one
//! folder higher, and so on), so that collection and granules can be moved together; `file:///archive/x.nc` has no
//! folder with the collection in common; `https://…`, `s3://…` and `sftp://…` lie at servers, which whoever opens the
//! collection brings along ([`Servers`]). Icechunk calls the part before the path a virtual chunk container, and asks
//! whoever reads with it to allow each of them by name: they are in the repository's configuration.

mod containers;
mod location;
mod read;

use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use icechunk::format::manifest::{Checksum, SecondsSinceEpoch, VirtualChunkLocation};
use icechunk_storage::ETag;
use karin_core::{ByteSource, ErrorKind, SourceError};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

use crate::{Location, StoreError};
pub(crate) use containers::ensure_containers;
use location::{FILE, RELATIVE, folder_of, location_of, reference_to, root_of};
pub(crate) use read::OriginFiles;

/// Where files at servers come from, and which of them a collection may send its reader to.
pub trait Servers: Send + Sync + std::fmt::Debug {
    /// The file at an address that a collection refers to, for reading.
    ///
    /// # Errors
    /// If the user lets collections not go there, it is not there, or the server cannot be asked.
    fn open(&self, collection: &Location, address: &str) -> Result<RemoteOrigin, SourceError>;

    /// Whether a collection that lies in no folder of this machine may refer to a file of it.
    ///
    /// # Errors
    /// If it may not, saying what would let it.
    fn allow_file(&self, path: &Path) -> Result<(), SourceError>;

    /// How buckets of granules are reached: address and region of their service, where they are said.
    ///
    /// # Errors
    /// If the settings make no sense.
    fn buckets(&self) -> Result<(Option<String>, Option<String>), SourceError>;
}

/// A file at a server.
#[derive(Clone, Debug)]
pub struct RemoteOrigin {
    /// Its bytes, all of one version.
    pub source: Arc<dyn ByteSource>,
    /// What tells this version from others: its entity tag, or when it was modified; `None` if the server does not say.
    pub stamp: Option<String>,
    /// When it was modified, in seconds since 1970-01-01T00:00:00 UTC, where a server of the web says so.
    pub modified: Option<u32>,
}

/// Where a granule lies that a collection refers to, and what tells that it is still the same file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Where: see above.
    pub location: String,
    /// Of a file on disk, when it was last modified: seconds since 1970-01-01T00:00:00 UTC, with nanoseconds; of one at a
    /// server, what that says ([`RemoteOrigin::stamp`]).
    pub stamp: String,
    /// [`RemoteOrigin::modified`]: for readers that compare nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<u32>,
}

/// What a location leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A file.
    File(PathBuf),
    /// An address at a server.
    Server,
}

impl Origin {
    /// That of a file as it lies there now, and its size, for a collection at `collection`, which need not be there yet.
    ///
    /// # Errors
    /// If the file cannot be found, or its path is no text.
    pub fn of_file(collection: &Location, path: &Path) -> Result<(Self, u64), StoreError> {
        let failed = |source| StoreError::io(path, "read", source);
        let absolute = std::fs::canonicalize(path).map_err(failed)?;
        let metadata = std::fs::metadata(&absolute).map_err(failed)?;
        let location = location_of(folder_of(collection)?.as_deref(), &absolute)?;
        let stamp = stamp_of(&metadata);
        let origin = Self {
            location,
            stamp,
            modified: None,
        };
        Ok((origin, metadata.len()))
    }

    /// That of a file at a server.
    ///
    /// # Errors
    /// If nothing tells this version of it from others.
    pub fn of_address(address: &str, file: &RemoteOrigin) -> Result<Self, StoreError> {
        let stamp = file.stamp.clone().ok_or_else(|| StoreError::Origin {
            file: address.to_owned(),
            reason: "the server says neither a version nor a date, so that nobody could tell later whether it has changed"
                .into(),
            kind: ErrorKind::Unsupported,
        })?;
        Ok(Self {
            location: address.to_owned(),
            stamp,
            modified: file.modified,
        })
    }

    /// True if it lies at a server.
    fn is_remote(&self) -> bool {
        !self.location.starts_with(RELATIVE)
            && !self.location.starts_with(FILE)
            && self.location.contains("://")
    }

    /// What Icechunk compares: it refuses a file that was modified later than that second, or that has another tag.
    pub(crate) fn checksum(&self) -> Option<Checksum> {
        if let Some(modified) = self.modified {
            return Some(Checksum::LastModified(SecondsSinceEpoch(modified)));
        }
        if self.is_remote() {
            // To servers of the web Icechunk sends tags without their quotes, which they take for tags of other files.
            let is_object = self.location.starts_with("s3://") && self.stamp.starts_with('"');
            return is_object.then(|| Checksum::ETag(ETag(self.stamp.clone())));
        }
        let (seconds, nanoseconds) = self.stamp.split_once('.')?;
        let begun = nanoseconds.bytes().any(|digit| digit != b'0');
        let seconds = seconds.parse::<u32>().ok()?.checked_add(u32::from(begun))?;
        Some(Checksum::LastModified(SecondsSinceEpoch(seconds)))
    }

    /// The location as Icechunk has it.
    pub(crate) fn reference(&self) -> Result<VirtualChunkLocation, StoreError> {
        reference_to(&self.location)
    }

    /// Where it is, for a collection in `folder` (absolute, without links).
    ///
    /// # Errors
    /// If the location is none that karin writes.
    pub(crate) fn place(&self, folder: Option<&Path>) -> Result<Place, StoreError> {
        let invalid = |reason: &str| StoreError::Corrupt {
            location: folder.map_or_else(String::new, |folder| folder.display().to_string()),
            object: format!("the reference to {}", self.location),
            reason: reason.into(),
        };
        if self.is_remote() {
            return Ok(Place::Server);
        }
        let (root, path) = match self.location.strip_prefix(RELATIVE) {
            Some(rest) => {
                let (name, path) = rest.split_once('/').ok_or_else(|| invalid("no path"))?;
                let folder =
                    folder.ok_or_else(|| invalid("relative to a collection that is in no folder"))?;
                (
                    root_of(name, folder).ok_or_else(|| invalid("no such folder"))?,
                    path,
                )
            }
            None => {
                let path = self.location.strip_prefix("file:///");
                (
                    Path::new("/"),
                    path.ok_or_else(|| invalid("an unknown kind of location"))?,
                )
            }
        };
        let path = percent_decode_str(path).decode_utf8();
        let path = path.map_err(|_| invalid("no text"))?;
        let path = Path::new(path.as_ref());
        if !path.components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(invalid("a path that leads elsewhere"));
        }
        Ok(Place::File(root.join(path)))
    }

    /// Where it is, in words.
    pub(crate) fn describe(&self, folder: Option<&Path>) -> String {
        match self.place(folder) {
            Ok(Place::File(path)) => path.display().to_string(),
            _ => self.location.clone(),
        }
    }

    /// Compares what a file is with what it was.
    fn compare(&self, file: &str, (found, stamp): (u64, &str), size: u64) -> Result<(), StoreError> {
        if found == size && stamp == self.stamp {
            return Ok(());
        }
        let what = match (found == size, self.is_remote()) {
            (false, _) => format!("{found} bytes instead of {size}"),
            (true, false) => format!(
                "modified at {stamp} instead of {}, in seconds since 1970",
                self.stamp
            ),
            (true, true) => format!("version {stamp} instead of {}", self.stamp),
        };
        Err(StoreError::Origin {
            file: file.to_owned(),
            reason: format!(
                "changed since it was ingested ({what}): put it back, or ingest it again with --virtual"
            ),
            kind: ErrorKind::Conflict,
        })
    }
}

/// The error of an origin that nobody can or may open.
fn out_of_reach(file: String, error: SourceError) -> StoreError {
    StoreError::Origin {
        file,
        reason: error.reason,
        kind: error.kind,
    }
}

/// The error of a file that cannot be opened.
fn lost(path: &Path, error: &std::io::Error) -> StoreError {
    let reason = if error.kind() == std::io::ErrorKind::NotFound {
        "not there any more: put it back, or ingest it again with --virtual from where it is".to_owned()
    } else {
        format!("cannot be read: {error}")
    };
    StoreError::Origin {
        file: path.display().to_string(),
        reason,
        kind: ErrorKind::of_io(error),
    }
}

fn stamp_of(metadata: &std::fs::Metadata) -> String {
    format!("{}.{:09}", metadata.mtime(), metadata.mtime_nsec())
}

#[cfg(test)]
mod tests;
