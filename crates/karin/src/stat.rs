//! Statistics of a selection: into memory, into a summary, or streamed into a netCDF file.

mod automatic;
mod picture;
mod scatter;
mod summary;

use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use karin_core::{
    AttrValue, Dataset as _, DatasetError, GroupMeta, Packing, Progress, Resources, Slab, Values,
};
use karin_engine::{MemoryDataset, Plan, Report, SharedSink, reduce_shared};
use karin_netcdf::{NcFile, NcWriter, SlabEncoder};

use crate::Error;
use crate::output::{self, Format, WriteOptions};

pub use automatic::with_bins;
pub use karin_engine::reduction::{Bins, Edges, Having, Reduction, Statistic, Target};
pub use karin_engine::{merge_parts, reduce_to_memory, reduce_to_part};
pub(crate) use picture::{check as check_picture, draw as draw_result};
pub use scatter::{Regression, regression};
pub use summary::{Summary, SummaryRow, summarise};

/// Reduces straight into a netCDF file, block by block: results may be larger than memory. The file appears whole,
/// or not at all. `history` is what its attribute of that name says.
///
/// # Errors
/// As [`reduce`](karin_engine::reduce); also if the file cannot be written.
pub fn reduce_to_netcdf(
    plan: &Plan,
    reduction: &Reduction,
    resources: Resources,
    progress: &dyn Progress,
    path: &Path,
    history: &str,
) -> Result<Report, Error> {
    let reduction = with_bins(plan, reduction, resources, progress)?;
    let regression = regression(plan, &reduction, resources, progress)?;
    let mut sink = NetcdfSink::new(path, history, resources);
    sink.attributes = picture::attributes(regression.as_ref());
    let report = reduce_shared(plan, &reduction, resources, progress, &sink)?;
    sink.finish()?;
    Ok(report)
}

/// Reduces into a file of any format, by its extension. Formats other than netCDF are made from a netCDF file that lies
/// beside it for as long as that takes, so that results may be larger than memory.
///
/// A picture (`.png`) shows every statistic of the variables asked for: maps over cycles and on grids (of sea surface height anomaly,
/// or what comes nearest to it, where no variable is named), charts of bins and sections.
///
/// # Errors
/// As [`reduce_to_netcdf`]; also if the extension is unknown, or the result has no picture.
pub fn reduce_to_file(
    plan: &Plan,
    reduction: &Reduction,
    resources: Resources,
    progress: &dyn Progress,
    path: &Path,
    history: &str,
) -> Result<Report, Error> {
    match Format::of(path)? {
        Format::NetCdf => reduce_to_netcdf(plan, reduction, resources, progress, path, history),
        Format::Png => draw(plan, reduction, resources, progress, path, history),
        Format::Zarr | Format::Parquet | Format::Csv | Format::Json => {
            by_netcdf(path, resources, progress, |between| {
                reduce_to_netcdf(plan, reduction, resources, progress, between, history)
            })
        }
    }
}

/// Reduces, and draws the result.
fn draw(
    plan: &Plan,
    reduction: &Reduction,
    resources: Resources,
    progress: &dyn Progress,
    path: &Path,
    history: &str,
) -> Result<Report, Error> {
    picture::check(&reduction.target)?;
    let favourite;
    let is_named = matches!(reduction.target, Target::Bins(_)) || !plan.selection().variables.is_empty();
    let plan = if is_named {
        plan
    } else {
        favourite = crate::plot::one_variable(plan, progress)?;
        &favourite
    };
    let reduction = with_bins(plan, reduction, resources, progress)?;
    let regression = regression(plan, &reduction, resources, progress)?;
    let to_netcdf = |between: &Path| {
        let mut sink = NetcdfSink::new(between, history, resources);
        sink.attributes = picture::attributes(regression.as_ref());
        let report = reduce_shared(plan, &reduction, resources, progress, &sink)?;
        sink.finish()?;
        Ok(report)
    };
    through_netcdf(path, to_netcdf, |result| {
        draw_result(result, &reduction, regression.as_ref(), history, path)
    })
}

/// Makes a netCDF file beside `path`, and what `path` names of it.
pub(crate) fn by_netcdf<R>(
    path: &Path,
    resources: Resources,
    progress: &dyn Progress,
    make: impl FnOnce(&Path) -> Result<R, Error>,
) -> Result<R, Error> {
    let options = WriteOptions::default().with_resources(resources);
    through_netcdf(path, make, |result| {
        Ok(output::write(path, result, &options, progress)?)
    })
}

/// Makes a netCDF file beside `path` for as long as it takes to make `path` of it.
pub(crate) fn through_netcdf<R>(
    path: &Path,
    make: impl FnOnce(&Path) -> Result<R, Error>,
    then: impl FnOnce(&NcFile) -> Result<(), Error>,
) -> Result<R, Error> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let folder = tempfile::Builder::new()
        .prefix(".karin-stat-")
        .tempdir_in(parent.unwrap_or(Path::new(".")))
        .map_err(|error| Error::io(path, "create", error))?;
    let between = folder.path().join("result.nc");
    let made = make(&between)?;
    then(&NcFile::open(&between)?)?;
    Ok(made)
}

/// A netCDF file that results stream into.
pub(crate) struct NetcdfSink<'a> {
    path: &'a Path,
    history: &'a str,
    /// What the file says beside what the result says of itself.
    attributes: Vec<(String, AttrValue)>,
    resources: Resources,
    /// Blocks are compressed on the thread that computed them, and written one at a time.
    writer: OnceLock<(SlabEncoder, Mutex<NcWriter>)>,
}

impl<'a> NetcdfSink<'a> {
    /// Nothing is written before the structure is known.
    pub(crate) fn new(path: &'a Path, history: &'a str, resources: Resources) -> Self {
        Self {
            path,
            history,
            attributes: Vec::new(),
            resources,
            writer: OnceLock::new(),
        }
    }

    /// Gives the file its name, if it was begun.
    pub(crate) fn finish(self) -> Result<(), Error> {
        if let Some((_, writer)) = self.writer.into_inner() {
            writer
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner)
                .finish()?;
        }
        Ok(())
    }

    fn failed(&self, path: &str, error: karin_netcdf::WriteError) -> DatasetError {
        let label = self.path.display().to_string();
        DatasetError::new(error.kind(), &label, path, "it cannot be written").caused_by(error)
    }
}

impl SharedSink for NetcdfSink<'_> {
    fn begin(&self, root: &GroupMeta) -> Result<(), DatasetError> {
        let mut root = root.clone();
        root.attributes.set("history", self.history);
        for (name, value) in &self.attributes {
            root.attributes.set(name.as_str(), value.clone());
        }
        let options = WriteOptions::default().with_resources(self.resources);
        let writer = NcWriter::create(self.path, &root, &options).map_err(|error| self.failed("", error))?;
        self.writer.get_or_init(|| (writer.encoder(), Mutex::new(writer)));
        Ok(())
    }

    fn write(&self, path: &str, slab: &Slab, values: &Values) -> Result<(), DatasetError> {
        let Some((encoder, writer)) = self.writer.get() else {
            return Ok(());
        };
        let writer = || writer.lock().unwrap_or_else(PoisonError::into_inner);
        let written = match values {
            Values::String(strings) => writer().write_strings(path, slab, strings),
            other => match encoder.encode(path, slab, other.as_bytes()) {
                Ok(Some(encoded)) => writer().write_encoded(encoded),
                Ok(None) => writer().write_slab(path, slab, other.as_bytes()),
                Err(error) => Err(error),
            },
        };
        written.map_err(|error| self.failed(path, error))
    }
}

/// The values of a small result by key: what `--by` and `--over all` print.
pub fn values_of(result: &MemoryDataset, path: &str) -> Vec<f64> {
    let Some(array) = result.array(path) else {
        return Vec::new();
    };
    let packing = result.root().variable(path).and_then(Packing::of);
    packing
        .and_then(|packing| packing.decode(&array.values).ok())
        .unwrap_or_default()
}
