//! Statistics of a selection: into memory, into a summary, or streamed into a netCDF file.

use std::path::Path;

use karin_core::{Dataset as _, DatasetError, GroupMeta, Packing, Progress, Resources, Slab, Values};
use karin_engine::reduction::Reduction;
use karin_engine::{MemoryDataset, Plan, Report, Sink, reduce};
use karin_netcdf::{NcFile, NcWriter};

use crate::Error;
use crate::output::{self, Format, WriteOptions};

pub use karin_engine::reduce_to_memory;
pub use karin_engine::reduction::{Statistic, Target};

/// What a result looks like from afar: per variable how many values there are and between which numbers they lie.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    root: GroupMeta,
    rows: Vec<SummaryRow>,
}

/// One variable of a [`Summary`].
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct SummaryRow {
    /// Path of the result variable.
    pub variable: String,
    /// Units, where known.
    pub units: String,
    /// Values of the result, fill included.
    pub cells: u64,
    /// Values that are not fill.
    pub values: u64,
    /// Smallest value.
    pub min: f64,
    /// Mean of the values.
    pub mean: f64,
    /// Greatest value.
    pub max: f64,
}

impl Summary {
    /// One row per variable, coordinates left out.
    pub fn rows(&self) -> &[SummaryRow] {
        &self.rows
    }
}

impl Sink for Summary {
    fn begin(&mut self, root: &GroupMeta) -> Result<(), DatasetError> {
        self.root = root.clone();
        let is_axis = |path: &String| {
            let name = path.rsplit('/').next().unwrap_or(path);
            matches!(name, "latitude" | "longitude" | "lat" | "lon")
                || root.variable(path).is_some_and(|meta| meta.dimensions == [name])
        };
        let row = |path: String| SummaryRow {
            units: root
                .variable(&path)
                .and_then(|meta| meta.attributes.text("units"))
                .unwrap_or("")
                .to_owned(),
            variable: path,
            cells: 0,
            values: 0,
            min: f64::INFINITY,
            mean: 0.0,
            max: f64::NEG_INFINITY,
        };
        self.rows = root
            .variable_paths()
            .into_iter()
            .filter(|path| !is_axis(path))
            .map(row)
            .collect();
        Ok(())
    }

    fn write(&mut self, path: &str, _slab: &Slab, values: &Values) -> Result<(), DatasetError> {
        let Some(row) = self.rows.iter_mut().find(|row| row.variable == path) else {
            return Ok(());
        };
        let decoded;
        let values: &[f64] = match values {
            Values::Float64(values) => values,
            other => {
                let packing = self.root.variable(path).and_then(Packing::of);
                decoded = packing
                    .and_then(|packing| packing.decode(other).ok())
                    .unwrap_or_default();
                &decoded
            }
        };
        let (count, sum, min, max) = spread(values);
        row.cells += values.len() as u64;
        if count > 0 {
            let before = row.values as f64;
            row.values += count;
            row.mean = row.mean * (before / row.values as f64) + sum / row.values as f64;
            (row.min, row.max) = (min.min(row.min), max.max(row.max));
        }
        Ok(())
    }
}

/// Number, sum, smallest and greatest of the values that are not NaN, in eight strands that the processor runs at a
/// time.
fn spread(values: &[f64]) -> (u64, f64, f64, f64) {
    const STRANDS: usize = 8;
    let (mut counts, mut sums) = ([0u64; STRANDS], [0.0; STRANDS]);
    let (mut least, mut greatest) = ([f64::INFINITY; STRANDS], [f64::NEG_INFINITY; STRANDS]);
    for block in values.chunks(STRANDS) {
        for (strand, &value) in block.iter().enumerate() {
            let is_value = !value.is_nan();
            counts[strand] += u64::from(is_value);
            sums[strand] += if is_value { value } else { 0.0 };
            least[strand] = if value < least[strand] {
                value
            } else {
                least[strand]
            };
            greatest[strand] = if value > greatest[strand] {
                value
            } else {
                greatest[strand]
            };
        }
    }
    let min = least.into_iter().fold(f64::INFINITY, f64::min);
    let max = greatest.into_iter().fold(f64::NEG_INFINITY, f64::max);
    (counts.into_iter().sum(), sums.into_iter().sum(), min, max)
}

/// Reduces into a summary: nothing of the result is kept.
///
/// # Errors
/// As [`reduce`].
pub fn summarise(
    plan: &Plan,
    reduction: &Reduction,
    resources: Resources,
    progress: &dyn Progress,
) -> Result<(Summary, Report), Error> {
    let mut summary = Summary::default();
    let report = reduce(plan, reduction, resources, progress, &mut summary)?;
    Ok((summary, report))
}

/// Reduces straight into a netCDF file, block by block: results may be larger than memory. The file appears whole,
/// or not at all. `history` is what its attribute of that name says.
///
/// # Errors
/// As [`reduce`]; also if the file cannot be written.
pub fn reduce_to_netcdf(
    plan: &Plan,
    reduction: &Reduction,
    resources: Resources,
    progress: &dyn Progress,
    path: &Path,
    history: &str,
) -> Result<Report, Error> {
    let mut sink = NetcdfSink {
        path,
        history,
        resources,
        writer: None,
    };
    let report = reduce(plan, reduction, resources, progress, &mut sink)?;
    if let Some(writer) = sink.writer {
        writer.finish()?;
    }
    Ok(report)
}

/// Reduces into a file of any format, by its extension. Formats other than netCDF are made from a netCDF file that lies
/// beside it for as long as that takes, so that results may be larger than memory.
///
/// # Errors
/// As [`reduce_to_netcdf`]; also if the extension is unknown.
pub fn reduce_to_file(
    plan: &Plan,
    reduction: &Reduction,
    resources: Resources,
    progress: &dyn Progress,
    path: &Path,
    history: &str,
) -> Result<Report, Error> {
    if Format::of(path)? == Format::NetCdf {
        return reduce_to_netcdf(plan, reduction, resources, progress, path, history);
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let folder = tempfile::Builder::new()
        .prefix(".karin-stat-")
        .tempdir_in(parent.unwrap_or(Path::new(".")))
        .map_err(|error| Error::io(path, "create", error))?;
    let between = folder.path().join("result.nc");
    let report = reduce_to_netcdf(plan, reduction, resources, progress, &between, history)?;
    let options = WriteOptions::default().with_resources(resources);
    output::write(path, &NcFile::open(&between)?, &options, progress)?;
    Ok(report)
}

struct NetcdfSink<'a> {
    path: &'a Path,
    history: &'a str,
    resources: Resources,
    writer: Option<NcWriter>,
}

impl NetcdfSink<'_> {
    fn failed(&self, path: &str, error: karin_netcdf::WriteError) -> DatasetError {
        let label = self.path.display().to_string();
        DatasetError::new(error.kind(), &label, path, "it cannot be written").caused_by(error)
    }
}

impl Sink for NetcdfSink<'_> {
    fn begin(&mut self, root: &GroupMeta) -> Result<(), DatasetError> {
        let mut root = root.clone();
        root.attributes.set("history", self.history);
        let options = WriteOptions::default().with_resources(self.resources);
        let writer = NcWriter::create(self.path, &root, &options).map_err(|error| self.failed("", error))?;
        self.writer = Some(writer);
        Ok(())
    }

    fn write(&mut self, path: &str, slab: &Slab, values: &Values) -> Result<(), DatasetError> {
        let Some(writer) = &mut self.writer else {
            return Ok(());
        };
        let written = match values {
            Values::String(strings) => writer.write_strings(path, slab, strings),
            other => writer.write_slab(path, slab, other.as_bytes()),
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
