//! What a file, a granule, a folder of granules or a collection is: identity, times, coverage, structure, damage.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use karin_access::{Location, RemoteFile};
use karin_core::{ByteSource as _, ErrorKind, NoProgress, Progress};
use karin_engine::GranuleFiles;
use karin_netcdf::{Format, NcError, NcFile};
use karin_store::{Collection, CollectionGroup, OpenOptions, StoreError};
use serde::Serialize;

use crate::Error;
use crate::inventory::Inventory;
use crate::provider::ProviderOptions;
use crate::sources;

mod coverage;
mod folder;
mod identity;
mod structure;
#[cfg(test)]
mod tests;

pub use coverage::{Area, TimeSpan};
pub use folder::{FolderInfo, GranuleSet};
pub use identity::Identity;
pub use structure::{DimensionInfo, FlagInfo, FlagMeaning, ProductDifference, VariableInfo};

/// What lies at a path.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Info {
    /// A netCDF file.
    File(Box<FileInfo>),
    /// A folder that holds granules somewhere below it.
    Folder(FolderInfo),
    /// A collection.
    Collection(CollectionInfo),
}

/// A netCDF file: what its name, its header and its coordinates say. Values of other variables are not read.
#[derive(Clone, Debug, Serialize)]
pub struct FileInfo {
    /// Where it lies.
    pub path: PathBuf,
    /// Bytes on disk.
    pub bytes: u64,
    /// Container: `netCDF-4 (HDF5)`, `netCDF-3`; `None` if it is too damaged to tell.
    pub format: Option<String>,
    /// What is wrong with it, where it cannot be read.
    pub damage: Option<Damage>,
    /// What granule it is.
    pub identity: Identity,
    /// What is unusual: names that were changed, contents that contradict the name, unreadable parts.
    pub warnings: Vec<String>,
    /// `title` attribute.
    pub title: Option<String>,
    /// Times of its lines.
    pub time: Option<TimeSpan>,
    /// Where its points lie.
    pub area: Option<Area>,
    /// Dimensions of all groups.
    pub dimensions: Vec<DimensionInfo>,
    /// Variables of all groups, in file order.
    pub variables: Vec<VariableInfo>,
    /// Names of the numbers of its flag variables.
    pub flags: Vec<FlagInfo>,
    /// How it differs from a whole granule of its product; `None` if the product's structure is not known.
    pub difference: Option<ProductDifference>,
    /// Bytes of all variables as arrays.
    pub raw_bytes: u64,
}

/// A collection at one snapshot.
#[derive(Clone, Debug, Serialize)]
pub struct CollectionInfo {
    /// What is in it.
    #[serde(flatten)]
    pub inventory: Inventory,
    /// Variables and flags of its groups, in the order of the inventory.
    pub structures: Vec<GroupStructure>,
}

/// The variables of one group of a collection.
#[derive(Clone, Debug, Serialize)]
pub struct GroupStructure {
    /// Variables, with the sizes that one granule has in the group.
    pub variables: Vec<VariableInfo>,
    /// Names of the numbers of its flag variables.
    pub flags: Vec<FlagInfo>,
}

/// Why a file cannot be read.
#[derive(Clone, Debug, Serialize)]
pub struct Damage {
    /// Stable code: `truncated` or `corrupt`.
    pub kind: ErrorKind,
    /// In words.
    pub reason: String,
    /// Bytes that its header announces, if it is truncated.
    pub expected_bytes: Option<u64>,
    /// Bytes that there are.
    pub present_bytes: u64,
}

/// Says what lies at `location`: a path, or the address of a collection or a granule. A truncated or corrupt file is described as
/// far as its name goes, with the damage.
///
/// # Errors
/// If there is nothing, if it cannot be read, or if it is not netCDF at all.
pub fn info(location: &str, options: &OpenOptions) -> Result<Info, Error> {
    info_with(location, options, &ProviderOptions::default(), &NoProgress)
}

/// The same with settings and accounts for granules at servers, whose reading ends when `progress` is told to stop.
///
/// # Errors
/// As [`info`]; also if a setting makes no sense.
pub fn info_with(
    location: &str,
    options: &OpenOptions,
    provider: &ProviderOptions,
    progress: &dyn Progress,
) -> Result<Info, Error> {
    if let Some(granule) = Location::of_address(location)? {
        let access = sources::reach(std::slice::from_ref(&granule), provider, &options.store, progress)?;
        let remote = Arc::new(RemoteFile::open(&access, &granule, progress)?);
        let bytes = remote
            .len()
            .map_err(|source| Error::io(Path::new(location), "read", source))?;
        let path = PathBuf::from(granule.to_string());
        let opened = NcFile::from_source(remote);
        return file_info(&path, bytes, opened).map(|file| Info::File(Box::new(file)));
    }
    if location.contains("://") {
        return collection_info(location, options);
    }
    let path = Path::new(location);
    let failed = |source| Error::io(path, "read", source);
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if !metadata.is_dir() {
        return file_info(path, metadata.len(), NcFile::open(path)).map(|file| Info::File(Box::new(file)));
    }
    match collection_info(location, options) {
        Err(Error::Store(StoreError::NotACollection { .. })) => {}
        known => return known,
    }
    let files = GranuleFiles::find(&[path.to_owned()], &NoProgress)?;
    let folder = folder::summarise(path, &files);
    if folder.files == 0 {
        let reason = "neither a collection nor a folder with netCDF files in it or below it";
        return Err(failed(std::io::Error::new(std::io::ErrorKind::NotFound, reason)));
    }
    Ok(Info::Folder(folder))
}

fn collection_info(location: &str, options: &OpenOptions) -> Result<Info, Error> {
    let collection = Collection::open(location, options)?;
    let structure = |group: &CollectionGroup| GroupStructure {
        variables: structure::variables(group.structure(), |_, _| None),
        flags: structure::flags(group.structure()),
    };
    let structures = collection.groups().iter().map(structure).collect();
    let inventory = Inventory::of(&collection)?;
    Ok(Info::Collection(CollectionInfo {
        inventory,
        structures,
    }))
}

fn file_info(path: &Path, bytes: u64, opened: Result<NcFile, NcError>) -> Result<FileInfo, Error> {
    let (identity, warnings) = identity::of_name(path);
    let mut info = FileInfo {
        path: path.to_owned(),
        bytes,
        format: None,
        damage: None,
        identity,
        warnings,
        title: None,
        time: None,
        area: None,
        dimensions: Vec::new(),
        variables: Vec::new(),
        flags: Vec::new(),
        difference: None,
        raw_bytes: 0,
    };
    match opened {
        Ok(file) => describe(&mut info, &file),
        Err(error) => info.damage = Some(damage(error, bytes)?),
    }
    Ok(info)
}

/// Damage of a netCDF file; every other error stays one.
fn damage(error: NcError, present_bytes: u64) -> Result<Damage, NcError> {
    let expected_bytes = match &error {
        NcError::Truncated { expected, .. } => Some(*expected),
        NcError::Corrupt { .. } => None,
        _ => return Err(error),
    };
    let reason = match &error {
        NcError::Truncated {
            expected, present, ..
        } => {
            format!("truncated: {expected} bytes expected, {present} present; download it again")
        }
        NcError::Corrupt { reason, .. } => format!("corrupt: {reason}"),
        other => other.to_string(),
    };
    Ok(Damage {
        kind: error.kind(),
        reason,
        expected_bytes,
        present_bytes,
    })
}

fn describe(info: &mut FileInfo, file: &NcFile) {
    use karin_core::Dataset as _;
    let root = file.root();
    file.fetch_indexes();
    info.format = Some(match file.format() {
        Format::Hdf5 => "netCDF-4 (HDF5)".to_owned(),
        Format::Classic(5) => "netCDF-3 (64-bit data)".to_owned(),
        Format::Classic(2) => "netCDF-3 (64-bit offset)".to_owned(),
        _ => "netCDF-3 (classic)".to_owned(),
    });
    identity::complete(&mut info.identity, &root.attributes, &mut info.warnings);
    info.title = root.attributes.text("title").map(str::to_owned);
    info.dimensions = structure::dimensions(root);
    info.variables = structure::variables(root, |path, raw| match file.chunk_index(path) {
        Ok(Some(index)) => Some(index.stored_bytes()),
        Ok(None) => Some(raw),
        Err(_) => None,
    });
    info.flags = structure::flags(root);
    info.difference = structure::difference(&info.identity, root);
    info.raw_bytes = info
        .variables
        .iter()
        .fold(0, |sum, variable| sum.saturating_add(variable.raw_bytes));
    for (path, reason) in file.skipped() {
        info.warnings.push(format!("{path}: not readable: {reason}"));
    }
    let coverage = coverage::of(file);
    info.time = coverage.time;
    info.area = coverage.area;
    info.warnings.extend(coverage.warnings);
}
