//! Sources: granule files, folders of them, granules at servers and in buckets, and collections, opened as one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use karin_access::Location;
use karin_core::Progress;
use karin_engine::{CollectionGranules, GranuleFiles, Source, Sources};
use karin_netcdf::NcFile;
use karin_store::{Collection, OpenOptions, StoreOptions};

use crate::Error;
use crate::provider::ProviderOptions;

mod lists;
mod origins;
mod remote;

pub(crate) use origins::open as open_origin;
pub use origins::with_servers;
pub use remote::RemoteGranules;
pub(crate) use remote::reach;

/// Opens `inputs`, any mix of collections (folders, `s3://…`, `memory://…`), granule files, folders of granules,
/// addresses of granules (`https://…`, `sftp://…`, `s3://….nc`) and lists of all these (`@FILE`). Collections are read
/// with `options`, at their snapshot.
///
/// # Errors
/// If an input is not there or cannot be opened, or a snapshot is asked for where there is no collection.
pub fn open(
    inputs: &[PathBuf],
    options: &OpenOptions,
    progress: &dyn Progress,
) -> Result<Arc<dyn Source>, Error> {
    open_with(inputs, options, &ProviderOptions::default(), progress)
}

/// The same with settings and accounts for granules at servers.
///
/// # Errors
/// As [`open`]; also if a setting makes no sense.
pub fn open_with(
    inputs: &[PathBuf],
    options: &OpenOptions,
    provider: &ProviderOptions,
    progress: &dyn Progress,
) -> Result<Arc<dyn Source>, Error> {
    let mut parts: Vec<Arc<dyn Source>> = Vec::new();
    let inputs = Inputs::of(inputs)?;
    let store = with_servers(&options.store, provider, &inputs.remote, progress);
    let options = &OpenOptions {
        store,
        snapshot: options.snapshot.clone(),
    };
    for input in &inputs.collections {
        let collection = Collection::open(&input.to_string_lossy(), options)?;
        parts.push(Arc::new(CollectionGranules::new(collection)?));
    }
    if options.snapshot.is_some() && parts.is_empty() {
        return Err(Error::option("--snapshot", "only collections have snapshots"));
    }
    if !inputs.files.is_empty() {
        parts.push(Arc::new(GranuleFiles::find(&inputs.files, progress)?));
    }
    if !inputs.remote.is_empty() {
        let access = reach(&inputs.remote, provider, &options.store, progress)?;
        parts.push(Arc::new(RemoteGranules::new(access, inputs.remote, progress)));
    }
    Ok(Arc::new(Sources::new(parts)))
}

/// Opens one granule, or any other netCDF file: at a path, at a server (`https://…`, `sftp://…`), or in a bucket
/// (`s3://….nc`), which is reached as collections there are unless settings say otherwise.
///
/// # Errors
/// If it is not there, cannot be reached, or is not netCDF; also if a setting makes no sense.
pub fn open_granule(
    input: &Path,
    store: &StoreOptions,
    provider: &ProviderOptions,
    progress: &dyn Progress,
) -> Result<NcFile, Error> {
    let input = lists::local(input)?;
    match input.to_str().map_or(Ok(None), Location::of_address)? {
        Some(location) => {
            let servers = std::slice::from_ref(&location);
            let access = reach(servers, provider, store, progress)?;
            remote::read(&access, &location, progress)
        }
        None => Ok(NcFile::open(&input)?),
    }
}

/// The one file that an input names: a path (of `file:///PATH` too), or the address of a granule. `None` for folders and
/// collections.
///
/// # Errors
/// If the address makes no sense, or holds a password.
pub fn one_file(input: &Path) -> Result<Option<PathBuf>, Error> {
    let input = lists::local(input)?;
    let is_address = input.to_str().map_or(Ok(None), Location::of_address)?.is_some();
    let is_more = !is_address && (is_collection(&input) || input.is_dir());
    Ok((!is_more).then_some(input))
}

/// True for addresses of stores, and for folders that hold the snapshots of a repository.
pub fn is_collection(input: &Path) -> bool {
    input.to_str().is_some_and(|text| text.contains("://")) || input.join("snapshots").is_dir()
}

/// Sources by what they are, lists read.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    pub(crate) collections: Vec<PathBuf>,
    /// Files and folders.
    pub(crate) files: Vec<PathBuf>,
    pub(crate) remote: Vec<Location>,
}

impl Inputs {
    pub(crate) fn of(inputs: &[PathBuf]) -> Result<Self, Error> {
        let mut sorted = Self::default();
        for input in lists::expand(inputs)? {
            let address = input.to_str().map_or(Ok(None), Location::of_address)?;
            match address {
                Some(location) => sorted.remote.push(location),
                None if is_collection(&input) => sorted.collections.push(input),
                None => sorted.files.push(input),
            }
        }
        Ok(sorted)
    }
}
