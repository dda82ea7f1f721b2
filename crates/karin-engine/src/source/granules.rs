//! Granule files and folders of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use karin_core::{Dataset, DatasetError, ErrorKind, GranuleName, HalfOrbit, Progress};
use karin_netcdf::NcFile;

use super::{Entry, Source};
use crate::EngineError;

/// netCDF files: granules by their names, other files by what they say of themselves.
pub struct GranuleFiles {
    paths: Vec<PathBuf>,
    entries: Vec<Entry>,
}

/// Deepest nesting of folders that is searched: archives are a few levels deep.
const MAX_DEPTH: usize = 16;

/// Names of a folder that are compared with one that is not there.
const MOST_BESIDE: usize = 1000;

impl GranuleFiles {
    /// All granules in `inputs`: files, and folders with everything below them (`*.nc`). Unusual names are told to
    /// `progress`.
    ///
    /// # Errors
    /// If an input is not there, or a folder cannot be listed.
    pub fn find(inputs: &[PathBuf], progress: &dyn Progress) -> Result<Self, EngineError> {
        let mut paths = Vec::new();
        for input in inputs {
            let found = std::fs::metadata(input).map_err(|error| unreadable(input, &error))?;
            if found.is_dir() {
                list(input, 0, &mut paths)?;
            } else {
                paths.push(input.clone());
            }
        }
        paths.sort();
        paths.dedup();
        let entries = paths.iter().map(|path| entry(path, progress)).collect();
        Ok(Self { paths, entries })
    }

    /// The files, in the order of the entries.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> EngineError {
    EngineError::Input {
        path: path.display().to_string(),
        reason: format!("{error}{}", neighbour(path, error)),
        kind: ErrorKind::of_io(error),
    }
}

/// What lies beside a path that is not there and was probably meant, in words.
fn neighbour(path: &Path, error: &std::io::Error) -> String {
    let name = path.file_name().and_then(|name| name.to_str());
    let (Some(name), std::io::ErrorKind::NotFound) = (name, error.kind()) else {
        return String::new();
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let beside = std::fs::read_dir(folder.unwrap_or(Path::new(".")))
        .into_iter()
        .flatten();
    let names = beside.take(MOST_BESIDE).flatten();
    let names: Vec<String> = names
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    karin_core::suggest::did_you_mean(name, names.iter().map(String::as_str))
}

fn list(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), EngineError> {
    let entries = std::fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    for entry in entries {
        let path = entry.map_err(|error| unreadable(folder, &error))?.path();
        if path.is_dir() {
            if depth < MAX_DEPTH {
                list(&path, depth + 1, found)?;
            }
        } else if path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("nc"))
        {
            found.push(path);
        }
    }
    Ok(())
}

fn entry(path: &Path, progress: &dyn Progress) -> Entry {
    let label = path.file_name().map_or_else(
        || path.display().to_string(),
        |name| name.to_string_lossy().into(),
    );
    let bytes = std::fs::metadata(path).map_or(0, |meta| meta.len());
    Entry::of_file(label, bytes, || NcFile::open(path).ok().map(Arc::new), progress)
}

impl Entry {
    /// What the name of a file says of it; where that is not the name of a granule, its attributes may still say which
    /// half orbit it is of, for which it is opened. Unusual names are told to `progress`.
    pub fn of_file(
        label: String,
        bytes: u64,
        open: impl FnOnce() -> Option<Arc<NcFile>>,
        progress: &dyn Progress,
    ) -> Self {
        match GranuleName::parse(&label) {
            Ok(parsed) => {
                parsed.warnings.iter().for_each(|warning| progress.warn(warning));
                Self {
                    label,
                    product: Some(parsed.product),
                    half_orbit: parsed.half_orbit,
                    version: parsed.version,
                    period: parsed.period,
                    bytes,
                }
            }
            Err(_) => Self {
                label,
                product: None,
                half_orbit: open().and_then(|file| half_orbit_of(&file)),
                version: None,
                period: None,
                bytes,
            },
        }
    }
}

/// What `cycle_number` and `pass_number` of the root say.
fn half_orbit_of(file: &NcFile) -> Option<HalfOrbit> {
    let number = |name: &str| {
        let value = file.root().attributes.number(name)?;
        (value.fract() == 0.0 && (1.0..=999.0).contains(&value)).then_some(value as u16)
    };
    let half_orbit = HalfOrbit::new(number("cycle_number")?, number("pass_number")?);
    half_orbit.phase().map(|_| half_orbit)
}

impl Source for GranuleFiles {
    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn open(&self, index: usize) -> Result<Arc<dyn Dataset>, DatasetError> {
        let path = self
            .paths
            .get(index)
            .ok_or_else(|| DatasetError::invalid("granules", "", "no such file"))?;
        NcFile::open(path)
            .map(|file| Arc::new(file) as Arc<dyn Dataset>)
            .map_err(DatasetError::from)
    }
}
