//! Results, crops and granules into files: netCDF (`.nc`), plain Zarr v3 (`.zarr`), Parquet (`.parquet`), CSV (`.csv`),
//! JSON (`.json`, small results), and maps of them (`.png`).
//!
//! Whatever is a [`Dataset`] can be written. A file appears under its name when it is whole; what lay there before is
//! untouched until then. netCDF and Zarr keep types, packing, attributes and dimensions. Tables hold one row per pixel
//! or grid cell that has a value, decoded:
//!
//! ```text
//!   side | cycle_number | pass_number | num_lines | num_pixels | time | longitude | latitude | ssha_karin_2 | ...
//! ```

use std::path::{Path, PathBuf};

pub use karin_core::WriteOptions;
use karin_core::{Dataset, DatasetError, ErrorKind, Progress};
use karin_netcdf::{WriteError, write_dataset};
use karin_store::{StoreError, write_plain_zarr};

mod cells;
mod csv;
pub mod geo;
mod json;
mod parquet;
mod place;
mod table;

pub(crate) use place::Unfinished;

/// What a file is, by its extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// `.nc`: netCDF-4 with CF attributes.
    NetCdf,
    /// `.zarr`: a plain Zarr v3 folder.
    Zarr,
    /// `.parquet`: a table, compressed with zstd.
    Parquet,
    /// `.csv`: a table as text; `FILE-metadata.json` beside it describes the columns.
    Csv,
    /// `.json`: a small result in the shape of `xarray.Dataset.to_dict`.
    Json,
    /// `.png`: a map of one variable, see [`crate::plot`].
    Png,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 6] = [
        Self::NetCdf,
        Self::Zarr,
        Self::Parquet,
        Self::Csv,
        Self::Json,
        Self::Png,
    ];

    /// The extension, without the dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::NetCdf => "nc",
            Self::Zarr => "zarr",
            Self::Parquet => "parquet",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Png => "png",
        }
    }

    /// The format of a file of that name.
    ///
    /// # Errors
    /// If it has another extension, or none.
    pub fn of(path: &Path) -> Result<Self, OutputError> {
        let extension = path
            .extension()
            .and_then(|extension| extension.to_str())
            .map(str::to_ascii_lowercase);
        let known = Self::ALL
            .into_iter()
            .find(|format| Some(format.extension()) == extension.as_deref());
        known.ok_or_else(|| OutputError::UnknownFormat {
            path: path.to_owned(),
        })
    }
}

/// A result could not be written. Whatever lay at its path before is untouched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// The extension says nothing.
    #[error("{}: what should it be? Name it .nc, .zarr, .parquet, .json, .csv or .png", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// The netCDF writer stopped.
    #[error("cannot write netCDF")]
    NetCdf(#[from] WriteError),
    /// The Zarr writer stopped.
    #[error("cannot write {}", path.display())]
    Zarr {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: Box<StoreError>,
    },
    /// More than fits into memory at once, in a format that cannot be written in parts.
    #[error(
        "{}: as JSON it takes about {needed} bytes of memory, the budget is {budget}: write it as .nc or .parquet",
        path.display()
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Bytes needed.
        needed: u64,
        /// Bytes allowed.
        budget: u64,
    },
    /// More eddies or fronts than fit into memory at once, in a format that cannot be written in parts.
    #[error(
        "{}: so many take about {needed} bytes of memory, the budget is {budget}: write them as .parquet, .geojson or .csv, or raise --memory",
        path.display()
    )]
    TooManyFeatures {
        /// The file.
        path: PathBuf,
        /// Bytes needed.
        needed: u64,
        /// Bytes allowed.
        budget: u64,
    },
    /// No variable fits into a table.
    #[error("{}: {dataset} has no variable that fits into a table: write it as .nc or .zarr", path.display())]
    NoTable {
        /// The file.
        path: PathBuf,
        /// What was to be written.
        dataset: String,
    },
    /// The values to write could not be read.
    #[error("{}: the values could not be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<DatasetError>,
    },
    /// The Parquet encoder refused.
    #[error("{}: cannot encode", path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ::parquet::errors::ParquetError,
    },
    /// The system refused.
    #[error("{}: {doing} failed", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// The system's answer.
        source: std::io::Error,
    },
    /// No map can be drawn of it.
    #[error("{}: no map can be drawn", path.display())]
    Map {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<crate::Error>,
    },
    /// The user stopped it.
    #[error("{}: stopped; nothing was written", path.display())]
    Cancelled {
        /// The file.
        path: PathBuf,
    },
}

impl OutputError {
    /// Its stable code.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownFormat { .. } | Self::NoTable { .. } => ErrorKind::InvalidArgument,
            Self::TooLarge { .. } | Self::TooManyFeatures { .. } => ErrorKind::Memory,
            Self::NetCdf(error) => error.kind(),
            Self::Zarr { source, .. } => source.kind(),
            Self::Read { source, .. } => source.kind,
            Self::Encode { .. } => ErrorKind::Io,
            Self::Io { source, .. } => ErrorKind::of_io(source),
            Self::Map { source, .. } => source.kind(),
            Self::Cancelled { .. } => ErrorKind::Cancelled,
        }
    }
}

/// Writes `dataset` to `path`, in the format of its extension. Variables that do not fit into a table are left out of one,
/// and named by a warning.
///
/// # Errors
/// If the extension is unknown, values cannot be read, the system refuses, or the user stops it.
pub fn write(
    path: &Path,
    dataset: &dyn Dataset,
    options: &WriteOptions,
    progress: &dyn Progress,
) -> Result<(), OutputError> {
    match Format::of(path)? {
        Format::NetCdf => Ok(write_dataset(path, dataset, options, progress)?),
        Format::Zarr => {
            write_plain_zarr(path, dataset, options, progress).map_err(|source| OutputError::Zarr {
                path: path.to_owned(),
                source: Box::new(source),
            })
        }
        Format::Parquet => parquet::write(path, dataset, options, progress),
        Format::Csv => csv::write(path, dataset, options, progress),
        Format::Json => json::write(path, dataset, options, progress),
        Format::Png => crate::plot::dataset(dataset, None, crate::plot::MapOptions::default())
            .and_then(|picture| picture.write(path))
            .map_err(|source| OutputError::Map {
                path: path.to_owned(),
                source: Box::new(source),
            }),
    }
}

/// Stops where a level of deflate is asked for and no netCDF is written: neither a file of that name nor files in a folder.
pub(crate) fn check_deflate(path: &Path, options: &WriteOptions) -> Result<(), crate::Error> {
    let is_other = path
        .extension()
        .is_some_and(|end| !end.eq_ignore_ascii_case("nc"))
        && !path.is_dir();
    match options.deflate {
        Some(_) if is_other => {
            let reason = format!("{}: only netCDF (.nc) is deflated at a level", path.display());
            Err(crate::Error::option("--deflate", reason))
        }
        _ => Ok(()),
    }
}

/// The table of a dataset.
fn table_of(
    path: &Path,
    dataset: &dyn Dataset,
    progress: &dyn Progress,
) -> Result<table::Table, OutputError> {
    table::Table::of(dataset.root(), progress).ok_or_else(|| OutputError::NoTable {
        path: path.to_owned(),
        dataset: dataset.label().to_owned(),
    })
}

/// Rows whose cells fit into the memory together: as stored, decoded, and encoded.
fn rows_at_once(table: &table::Table, options: &WriteOptions) -> usize {
    let row = 40 * table.columns.len().max(1) as u64;
    (options.resources.memory / row).clamp(1 << 14, 1 << 20) as usize
}

/// Reads the rows of a table and hands them on block by block, on the threads that the options allow.
fn write_blocks(
    path: &Path,
    table: &table::Table,
    dataset: &dyn Dataset,
    options: &WriteOptions,
    progress: &dyn Progress,
    mut take: impl FnMut(table::Block) -> Result<(), OutputError> + Send,
) -> Result<(), OutputError> {
    let jobs = options.resources.jobs.max(1);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs).build();
    let pool = pool.map_err(|error| place::io(path, "starting threads", std::io::Error::other(error)))?;
    progress.start("writing", 1, table.len());
    let read = |source: DatasetError| OutputError::Read {
        path: path.to_owned(),
        source: Box::new(source),
    };
    pool.install(|| {
        table.for_each_block(dataset, rows_at_once(table, options), &read, |block, rows| {
            if progress.is_cancelled() {
                return Err(OutputError::Cancelled {
                    path: path.to_owned(),
                });
            }
            take(block)?;
            progress.advance(0, rows);
            Ok(())
        })
    })
}

/// Attributes as text.
fn texts(attributes: &karin_core::Attributes) -> impl Iterator<Item = (String, String)> {
    attributes.iter().map(|(name, value)| {
        let text = match (value.as_text(), value.to_f64s()) {
            (Some(text), _) => text.to_owned(),
            (None, Some(numbers)) => numbers
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(" "),
            (None, None) => match value {
                karin_core::AttrValue::Array(karin_core::Values::String(words)) => words.join(", "),
                _ => String::new(),
            },
        };
        (name.to_owned(), text)
    })
}
