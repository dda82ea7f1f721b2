//! Datasets of Copernicus Marine (sea level, currents, temperature: what swaths are compared with): their files, and
//! parts of their grids by box, time and variable.

use std::path::Path;
use std::sync::Arc;

use karin_access::{
    Access, CopernicusDataset, CopernicusDescription, Download, GetOptions, GetReport, Inspect, Limit,
};
use karin_core::time::{TimeRange, parse_instant};
use karin_core::{Dataset as _, Progress, Resources, Selection, Stop};
use karin_store::ForeignZarr;
use karin_store::foreign_zarr::{Objects, ReadLimits};
use serde::Serialize;
use url::Url;

use crate::Error;
use crate::output::{self, OutputError, WriteOptions};
use crate::provider::{ProviderOptions, WholeNetcdf};

mod axes;
mod part;

use part::Part;

/// Bytes of compressed chunks that came ahead, and of those that wait for the next part that needs them.
const CACHE: u64 = 32 << 20;

/// Bytes of chunks that are decoded at a time: as many as are fetched, of the usual size.
const DECODING: u64 = 64 << 20;

/// Bytes of buffers of a part, whatever the budget: more would not be faster.
const BUFFERS: u64 = 96 << 20;

/// A dataset that was looked up.
pub struct Copernicus {
    access: Arc<Access>,
    dataset: CopernicusDataset,
}

/// The files of a dataset.
#[derive(Clone, Debug, Serialize)]
pub struct CopernicusFiles {
    /// The dataset, and its version.
    pub from: String,
    /// The product that it belongs to.
    pub product: String,
    /// The files, by name.
    pub files: Vec<FileRow>,
    /// Bytes of all.
    pub bytes: u64,
}

/// A file of a dataset.
#[derive(Clone, Debug, Serialize)]
pub struct FileRow {
    /// Its name.
    pub file: String,
    /// Its bytes.
    pub size: u64,
    /// When it was changed last.
    pub modified: Option<String>,
    /// Where it lies.
    pub location: String,
}

/// How a part of a grid is written.
#[derive(Clone, Debug, Default)]
pub struct SubsetOptions {
    /// Threads, memory, durability, and the level of deflate.
    pub output: WriteOptions,
    /// What goes before the `history` of the grid: the command.
    pub history: String,
    /// Tell what would be written, fetch coordinates alone.
    pub dry_run: bool,
    /// Bytes per second; `None` is as fast as they come.
    pub rate: Option<u64>,
}

/// A part of a grid that was written.
#[derive(Clone, Debug, Serialize)]
pub struct SubsetReport {
    /// The dataset, and its version.
    pub from: String,
    /// The Zarr store that was read.
    pub store: String,
    /// The file.
    pub file: String,
    /// Variables of the grid.
    pub variables: Vec<String>,
    /// Names and lengths of the dimensions.
    pub dimensions: Vec<(String, usize)>,
    /// Bytes of values.
    pub bytes: u64,
    /// Chunks of the store that have to be fetched.
    pub chunks: u64,
    /// Whether nothing was fetched but coordinates, and nothing written.
    pub dry_run: bool,
    /// Seconds that it took.
    pub seconds: f64,
}

/// What the catalogue tells of a dataset: variables, axes, services of one version (the newest that is released, if none is
/// named) or of `all`.
///
/// # Errors
/// If there is no such dataset or version, or the service cannot be asked.
pub fn describe(
    dataset: &str,
    version: Option<&str>,
    options: &ProviderOptions,
    progress: &dyn Progress,
) -> Result<CopernicusDescription, Error> {
    Ok(options
        .access()?
        .copernicus_description(dataset, version, progress)?)
}

impl Copernicus {
    /// Looks a dataset up; the newest version that is released, unless one is named.
    ///
    /// # Errors
    /// If there is none, or the service cannot be asked.
    pub fn open(
        dataset: &str,
        version: Option<&str>,
        options: &ProviderOptions,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let access = options.access()?;
        let dataset = access.copernicus(dataset, version, progress)?;
        Ok(Self {
            access: Arc::new(access),
            dataset,
        })
    }

    fn from(&self) -> String {
        format!(
            "cmems:{} (version {})",
            self.dataset.dataset, self.dataset.version
        )
    }

    /// Its native files whose name tells a day within `time`; files whose names tell none are taken.
    ///
    /// # Errors
    /// If it has no files, or the service cannot be asked.
    pub fn files(&self, time: Option<TimeRange>, progress: &dyn Progress) -> Result<Vec<Download>, Error> {
        let mut files = self.access.copernicus_files(&self.dataset, progress)?;
        if let Some(time) = time {
            files.retain(|file| {
                day_of(&file.file_name).is_none_or(|day| time.overlaps(day, day + 86_400.0 - 1.0))
            });
        }
        Ok(files)
    }

    /// The files as a table.
    ///
    /// # Errors
    /// As [`Copernicus::files`].
    pub fn find(&self, time: Option<TimeRange>, progress: &dyn Progress) -> Result<CopernicusFiles, Error> {
        let files = self.files(time, progress)?;
        Ok(CopernicusFiles {
            from: self.from(),
            product: self.dataset.product.clone(),
            bytes: files.iter().map(|file| file.size.estimate()).sum(),
            files: files
                .into_iter()
                .map(|file| FileRow {
                    size: file.size.estimate(),
                    modified: file.modified,
                    location: file.location.to_string(),
                    file: file.file_name,
                })
                .collect(),
        })
    }

    /// Puts files into a folder, with the checks and the ledger of all transfers.
    ///
    /// # Errors
    /// If the folder cannot be written, or the user cancelled.
    pub fn get(
        &self,
        files: &[Download],
        folder: &Path,
        options: &GetOptions,
        progress: &dyn Progress,
    ) -> Result<GetReport, Error> {
        let inspect: Arc<dyn Inspect> = Arc::new(WholeNetcdf);
        Ok(self.access.get_files(files, folder, options, inspect, progress)?)
    }

    /// Writes the part of the grid that a selection names by box, time and variables, to a file whose extension says
    /// the format. Of two stores the one is read of which less has to be fetched; memory stays within the budget.
    ///
    /// # Errors
    /// If it has no grid, nothing of it lies inside, a variable is unknown, or the file cannot be written.
    pub fn subset(
        &self,
        selection: &Selection,
        path: &Path,
        options: &SubsetOptions,
        progress: &dyn Progress,
    ) -> Result<SubsetReport, Error> {
        let start = std::time::Instant::now();
        output::Format::of(path)?;
        output::check_deflate(path, &options.output)?;
        let Resources { jobs, memory } = options.output.resources;
        // Whatever it was that a stop has interrupted.
        let or_stopped = |error: Error| match progress.is_cancelled() {
            true => OutputError::Cancelled {
                path: path.to_owned(),
            }
            .into(),
            false => error,
        };
        let parts = self
            .parts(selection, memory, options.rate, &progress.stop())
            .map_err(or_stopped)?;
        let cheapest = parts.into_iter().min_by_key(Part::cost);
        let Some(mut part) = cheapest else {
            let reason = format!("{} has no grid, only files: name a folder", self.dataset.dataset);
            return Err(Error::option("-o", reason));
        };
        part.describe(&self.from(), &options.history);
        let mut own = options.output;
        own.resources.memory = (memory / 2).min(BUFFERS);
        // Chunks come ahead of these threads, which decode and encode them; each holds a few.
        let each = 6 * part.largest_chunk().max(1 << 16);
        let most = usize::try_from(own.resources.memory / each).unwrap_or(1);
        own.resources.jobs = jobs.min(most).max(1);
        let root = part.root();
        let report = SubsetReport {
            from: self.from(),
            store: part.label().to_owned(),
            file: path.display().to_string(),
            variables: part.variables().to_vec(),
            dimensions: root
                .dimensions
                .iter()
                .map(|one| (one.name.clone(), one.size))
                .collect(),
            bytes: part.bytes(),
            chunks: part.chunks(),
            dry_run: options.dry_run,
            seconds: 0.0,
        };
        if !options.dry_run {
            output::write(path, &part, &own, progress).map_err(|error| or_stopped(error.into()))?;
        }
        Ok(SubsetReport {
            seconds: start.elapsed().as_secs_f64(),
            ..report
        })
    }
}

impl Copernicus {
    /// What lies inside of a selection in each of the stores, all asked at once.
    fn parts(
        &self,
        selection: &Selection,
        memory: u64,
        rate: Option<u64>,
        stop: &Stop,
    ) -> Result<Vec<Part>, Error> {
        let limit = Arc::new(Limit::new(rate));
        let limits = ReadLimits {
            cache: CACHE.min(memory / 4),
            at_once: self.access.grid_connections(),
            decoding: DECODING.min(memory / 4),
        };
        let open = |store: &Url| {
            let objects: Arc<dyn Objects> = Arc::new(Remote {
                access: Arc::clone(&self.access),
                limit: Arc::clone(&limit),
                stop: stop.clone(),
                name: store.to_string(),
                base: store.clone(),
            });
            Part::of(ForeignZarr::open(objects, limits)?, selection)
        };
        let stores = &self.dataset.stores;
        std::thread::scope(|scope| {
            let opening: Vec<_> = stores
                .iter()
                .map(|store| scope.spawn(move || open(store)))
                .collect();
            let joined = opening.into_iter().map(|one| match one.join() {
                Ok(part) => part,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            joined.collect()
        })
    }
}

/// The objects of a Zarr store at the service.
struct Remote {
    access: Arc<Access>,
    limit: Arc<Limit>,
    /// Tells requests that nobody waits for them any more.
    stop: Stop,
    name: String,
    base: Url,
}

impl Objects for Remote {
    fn name(&self) -> &str {
        &self.name
    }

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Box<dyn std::error::Error + Send + Sync>> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| "no address of a store")?
            .pop_if_empty()
            .extend(key.split('/'));
        Ok(self.access.object(&url, &self.limit, &self.stop)?)
    }
}

/// The first day that a name tells, as `…_20240105_…`.
fn day_of(name: &str) -> Option<f64> {
    let words = name.split(|letter: char| !letter.is_ascii_digit());
    words.filter(|word| word.len() == 8).find_map(|word| {
        parse_instant(&format!(
            "{}-{}-{}",
            word.get(..4)?,
            word.get(4..6)?,
            word.get(6..)?
        ))
        .ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_their_day() {
        let day = parse_instant("2024-01-05").unwrap();
        assert_eq!(day_of("nrt_global_allsat_phy_l4_20240105_20240111.nc"), Some(day));
        assert_eq!(day_of("climatology.nc"), None);
        assert_eq!(day_of("x_99999999.nc"), None);
    }
}
