//! What can be done of a granule before its turn: name it, open it, hash it (which also brings it into the page cache).

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;

use karin_core::{ErrorKind, GranuleName, HalfOrbit};
use karin_netcdf::NcFile;

use crate::Error;

/// Files prepared ahead of the one that is being put.
const AHEAD: usize = 2;

/// Bytes read at once while hashing.
const BLOCK: usize = 1 << 20;

/// A file that is ready to be put, or the reason why it is none.
pub(super) struct Prepared {
    pub path: PathBuf,
    pub bytes: u64,
    pub half_orbit: Option<HalfOrbit>,
    pub warnings: Vec<String>,
    pub content: Result<Granule, Refusal>,
}

/// An opened granule.
pub(super) struct Granule {
    pub name: GranuleName,
    pub file: NcFile,
    pub checksum: [u8; 32],
}

/// Why a file cannot be ingested.
pub(super) struct Refusal {
    pub kind: ErrorKind,
    pub reason: String,
}

/// Prepares files on a thread of its own and hands them to `take` in order, until it fails.
pub(super) fn prepare_ahead(
    paths: &[PathBuf],
    mut take: impl FnMut(Prepared) -> Result<(), Error>,
) -> Result<(), Error> {
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(AHEAD);
        scope.spawn(move || {
            for path in paths {
                // The receiver is gone once taking has failed.
                if sender.send(prepare(path)).is_err() {
                    return;
                }
            }
        });
        receiver.into_iter().try_for_each(&mut take)
    })
}

fn prepare(path: &Path) -> Prepared {
    let label = path
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let bytes = std::fs::metadata(path).map_or(0, |meta| meta.len());
    let mut prepared = Prepared {
        path: path.to_owned(),
        bytes,
        half_orbit: None,
        warnings: Vec::new(),
        content: Err(Refusal {
            kind: ErrorKind::InvalidName,
            reason: String::new(),
        }),
    };
    let name = match GranuleName::parse_whole(&label) {
        Ok((name, warnings)) => {
            prepared.half_orbit = Some(name.half_orbit);
            prepared.warnings = warnings;
            name
        }
        Err(error) => {
            prepared.content = Err(Refusal {
                kind: error.kind(),
                reason: error.to_string(),
            });
            return prepared;
        }
    };
    prepared.content = open(path, name);
    prepared
}

fn open(path: &Path, name: GranuleName) -> Result<Granule, Refusal> {
    let file = NcFile::open(path).map_err(|error| Refusal {
        kind: error.kind(),
        reason: error.to_string(),
    })?;
    let checksum = checksum(path).map_err(|error| Refusal {
        kind: ErrorKind::of_io(&error),
        reason: format!("cannot be read: {error}"),
    })?;
    Ok(Granule { name, file, checksum })
}

/// BLAKE3 of the file.
fn checksum(path: &Path) -> std::io::Result<[u8; 32]> {
    let mut file = File::open(path)?;
    let mut hasher = blake3::Hasher::new();
    let mut block = vec![0; BLOCK];
    loop {
        let read = file.read(&mut block)?;
        if read == 0 {
            return Ok(*hasher.finalize().as_bytes());
        }
        hasher.update(block.get(..read).unwrap_or(&[]));
    }
}
