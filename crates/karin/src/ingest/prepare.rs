//! What can be done of a granule before its turn: name it, open it, hash it (which also brings it into the page cache).

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use karin_access::{Access, Location, RemoteFile};
use karin_core::{Ahead, ByteSource, ErrorKind, GranuleName, HalfOrbit, NoProgress, Progress};
use karin_engine::GranuleFiles;
use karin_netcdf::{FileSource, NcFile};
use karin_store::Origin;
use rayon::prelude::*;

use super::IngestOptions;
use crate::Error;
use crate::sources::{Inputs, open_origin, reach};

/// Files prepared ahead of the one that is being put.
const AHEAD: usize = 2;

/// Bytes read at once while hashing.
const BLOCK: usize = 1 << 20;

/// Blocks that are read and hashed on all cores, of files that have more: nothing else goes on while the first file is hashed.
const TOGETHER: usize = 16;

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
    /// Where it lies, if it is to be virtual.
    pub origin: Option<Origin>,
}

/// Why a file cannot be ingested.
pub(super) struct Refusal {
    pub kind: ErrorKind,
    pub reason: String,
}

/// Granules that are to be ingested.
pub(super) struct Granules {
    pub(super) all: Vec<Input>,
    access: Option<Arc<Access>>,
    /// Threads that may be used.
    jobs: usize,
    /// The collection that is to refer to them, if they are to be virtual.
    refer_from: Option<karin_store::Location>,
}

/// A granule that is to be ingested.
pub(super) enum Input {
    File(PathBuf),
    Remote(Location),
}

impl Granules {
    /// Files, the `*.nc` files of folders, and granules at servers, in this order.
    pub(super) fn find(
        inputs: &[PathBuf],
        collection: &str,
        options: &IngestOptions,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let inputs = Inputs::of(inputs)?;
        if let Some(collection) = inputs.collections.first() {
            let reason = format!("{} is a collection; granules are ingested", collection.display());
            return Err(Error::option("GRANULES", reason));
        }
        let files = GranuleFiles::find(&inputs.files, &NoProgress)?;
        let access = match inputs.remote.is_empty() {
            true => None,
            false => Some(reach(
                &inputs.remote,
                &options.provider,
                &options.store,
                progress,
            )?),
        };
        let files = files.paths().iter().cloned().map(Input::File);
        let all = files
            .chain(inputs.remote.into_iter().map(Input::Remote))
            .collect();
        let refer_from = match options.is_virtual {
            true => Some(karin_store::Location::parse(collection)?),
            false => None,
        };
        Ok(Self {
            all,
            access,
            jobs: options.resources.jobs,
            refer_from,
        })
    }

    /// Where they lie.
    pub(super) fn named(&self) -> Vec<Location> {
        let place = |input: &Input| match input {
            Input::File(path) => Location::File(std::fs::canonicalize(path).unwrap_or_else(|_| path.clone())),
            Input::Remote(location) => location.clone(),
        };
        self.all.iter().map(place).collect()
    }
}

impl Input {
    /// Its path or address.
    pub(super) fn path(&self) -> PathBuf {
        match self {
            Self::File(path) => path.clone(),
            Self::Remote(location) => location.to_string().into(),
        }
    }

    /// Bytes of a file; 0 if nobody was asked yet.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::File(path) => std::fs::metadata(path).map_or(0, |meta| meta.len()),
            Self::Remote(_) => 0,
        }
    }
}

/// Prepares files on a thread of its own and hands them to `take` in order, until it fails.
pub(super) fn prepare_ahead(
    granules: &Granules,
    mut take: impl FnMut(Prepared) -> Result<(), Error>,
) -> Result<(), Error> {
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(AHEAD);
        scope.spawn(move || {
            for input in &granules.all {
                // The receiver is gone once taking has failed.
                if sender.send(prepare(input, granules)).is_err() {
                    return;
                }
            }
        });
        receiver.into_iter().try_for_each(&mut take)
    })
}

fn prepare(input: &Input, granules: &Granules) -> Prepared {
    let (path, bytes) = (input.path(), input.bytes());
    let label = path
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut prepared = Prepared {
        path,
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
    prepared.content = match &granules.refer_from {
        Some(collection) => {
            referred(input, collection, granules.access.as_ref(), name).map(|(granule, size)| {
                prepared.bytes = size;
                granule
            })
        }
        None => open(input, granules.access.as_ref()).and_then(|source| {
            prepared.bytes = source.len().unwrap_or(bytes);
            hashed(source, name, granules.jobs > 1)
        }),
    };
    prepared
}

/// A granule that stays where it is.
fn referred(
    input: &Input,
    collection: &karin_store::Location,
    access: Option<&Arc<Access>>,
    name: GranuleName,
) -> Result<(Granule, u64), Refusal> {
    let (origin, size, file) = match (input, access) {
        (Input::Remote(location), Some(access)) => {
            if location.has_query() {
                let reason = "its address has a query: what stands there may be a key, which every reader of the \
                              collection would see and which may end one day; ingest it without --virtual";
                return Err(refused(ErrorKind::Unsupported, &reason));
            }
            let found = open_origin(access, location).map_err(|error| refused(error.kind(), &error))?;
            let origin = Origin::of_address(&location.to_string(), &found);
            let origin = origin.map_err(|error| refused(error.kind(), &error))?;
            let size = found.source.len();
            let size = size.map_err(|error| refused(ErrorKind::of_io(&error), &error))?;
            (origin, size, NcFile::from_source(found.source))
        }
        _ => {
            // First what tells whether it has changed: a change while it is opened is seen when it is read.
            let found = Origin::of_file(collection, &input.path());
            let (origin, size) = found.map_err(|error| refused(error.kind(), &error))?;
            (origin, size, NcFile::open(input.path()))
        }
    };
    let file = file.map_err(|error| refused(error.kind(), &error))?;
    file.fetch_indexes();
    let checksum = karin_store::ingest::fingerprint(&file, size);
    let granule = Granule {
        name,
        checksum: checksum.map_err(|error| refused(error.kind, &error))?,
        file,
        origin: Some(origin),
    };
    Ok((granule, size))
}

fn refused(kind: ErrorKind, reason: &dyn std::fmt::Display) -> Refusal {
    Refusal {
        kind,
        reason: reason.to_string(),
    }
}

/// The bytes of a granule: those of a remote one are all fetched.
fn open(input: &Input, access: Option<&Arc<Access>>) -> Result<Arc<dyn ByteSource>, Refusal> {
    match (input, access) {
        (Input::Remote(location), Some(access)) => {
            let file = RemoteFile::open(access, location, &NoProgress)
                .map_err(|error| refused(error.kind(), &error))?;
            let all = file.len().map(|len| 0..len);
            let fetched = all.and_then(|all| file.prefetch(&[all], Ahead::Values));
            fetched.map_err(|error| refused(ErrorKind::of_io(&error), &error))?;
            Ok(Arc::new(file))
        }
        _ => match FileSource::open(input.path()) {
            Ok(file) => Ok(Arc::new(file)),
            Err(error) => Err(refused(error.kind(), &error)),
        },
    }
}

fn hashed(source: Arc<dyn ByteSource>, name: GranuleName, together: bool) -> Result<Granule, Refusal> {
    let file = NcFile::from_source(Arc::clone(&source)).map_err(|error| refused(error.kind(), &error))?;
    let checksum = checksum(source.as_ref(), together).map_err(|error| Refusal {
        kind: ErrorKind::of_io(&error),
        reason: format!("cannot be read: {error}"),
    })?;
    Ok(Granule {
        name,
        file,
        checksum,
        origin: None,
    })
}

/// BLAKE3 of all bytes.
fn checksum(source: &dyn ByteSource, together: bool) -> std::io::Result<[u8; 32]> {
    let mut hasher = blake3::Hasher::new();
    let (mut at, end) = (0, source.len()?);
    let together = together && end > (TOGETHER * BLOCK) as u64;
    let mut buffer = vec![0; if together { TOGETHER * BLOCK } else { BLOCK }];
    while at < end {
        let len = buffer.len().min(usize::try_from(end - at).unwrap_or(usize::MAX));
        let bytes = buffer.get_mut(..len).unwrap_or_default();
        if together {
            let blocks = bytes.par_chunks_mut(BLOCK).enumerate();
            blocks
                .try_for_each(|(number, block)| source.read_exact_at(block, at + (number * BLOCK) as u64))?;
            hasher.update_rayon(bytes);
        } else {
            source.read_exact_at(bytes, at)?;
            hasher.update(bytes);
        }
        at += len as u64;
    }
    Ok(*hasher.finalize().as_bytes())
}
