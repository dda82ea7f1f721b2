//! Lines and polygons with columns: GeoJSON (`.geojson`, `.json`), GeoParquet (`.parquet`), CSV with WKT (`.csv`), netCDF and Zarr
//! with CF geometries (`.nc`, `.zarr`).
//!
//! Longitudes are from -180 to 180; what crosses the antimeridian is cut there (RFC 7946). GeoJSON, GeoParquet and CSV are
//! written batch by batch, whatever is in a batch; netCDF and Zarr hold all at once.

use std::path::{Path, PathBuf};

use karin_core::{Attributes, Progress, Values};

use super::{Format, OutputError, WriteOptions};

mod csv;
mod geojson;
mod geometry;
mod netcdf;
mod parquet;

pub(crate) use geojson::properties;
pub use geometry::Geometry;

/// A column of features.
#[derive(Clone, Debug, PartialEq)]
pub struct GeoColumn {
    /// Its name.
    pub name: &'static str,
    /// CF units; empty for words and flags.
    pub units: String,
    /// What it is.
    pub long_name: String,
    /// Its type: of no values.
    pub kind: GeoKind,
}

/// What the cells of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GeoKind {
    /// Text.
    Word,
    /// Whole numbers; some may be missing.
    Count,
    /// True or false.
    Flag,
    /// Numbers; NaN where there is none.
    Number,
    /// Seconds since 2000-01-01 (UTC without leap seconds); NaN where not known.
    Time,
}

/// A cell.
#[derive(Clone, Debug, PartialEq)]
pub enum GeoValue {
    /// Text.
    Word(String),
    /// A whole number.
    Count(Option<i64>),
    /// True or false.
    Flag(bool),
    /// A number, or seconds since 2000-01-01.
    Number(f64),
}

/// A row: as many cells as there are columns, and where it is.
#[derive(Clone, Debug, PartialEq)]
pub struct GeoRow {
    /// Cells, in the order of the columns.
    pub cells: Vec<GeoValue>,
    /// Where it is.
    pub geometry: Geometry,
}

impl GeoRow {
    /// Bytes that it takes in memory, about.
    pub fn bytes(&self) -> u64 {
        (size_of::<Self>() + self.cells.len() * size_of::<GeoValue>() + 16 * self.geometry.vertices().len())
            as u64
    }
}

/// What all rows of a file share.
#[derive(Clone, Debug)]
pub struct GeoSchema {
    /// One feature: `eddy`, `front`.
    pub feature: &'static str,
    /// Columns.
    pub columns: Vec<GeoColumn>,
    /// True for polygons, else lines.
    pub is_polygon: bool,
    /// Attributes of the whole.
    pub attributes: Attributes,
}

/// A file of features under way.
pub(crate) enum GeoFile {
    Json(geojson::GeoJson),
    Csv(csv::GeoCsv),
    Parquet(Box<parquet::GeoParquet>),
    Whole(netcdf::Whole),
}

impl GeoFile {
    /// Begins a file in the format of its extension.
    ///
    /// # Errors
    /// If the extension is none of these, or the system refuses.
    pub(crate) fn create(
        path: &Path,
        schema: &GeoSchema,
        options: &WriteOptions,
    ) -> Result<Self, OutputError> {
        let is_geojson = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("geojson"));
        if is_geojson {
            return geojson::GeoJson::create(path, schema, options).map(Self::Json);
        }
        Ok(match Format::of(path)? {
            Format::Json => Self::Json(geojson::GeoJson::create(path, schema, options)?),
            Format::Csv => Self::Csv(csv::GeoCsv::create(path, schema, options)?),
            Format::Parquet => Self::Parquet(Box::new(parquet::GeoParquet::create(path, schema, options)?)),
            Format::NetCdf | Format::Zarr => Self::Whole(netcdf::Whole::new(path, schema, options)),
            Format::Png => {
                return Err(OutputError::UnknownFormat {
                    path: path.to_owned(),
                });
            }
        })
    }

    /// Adds rows.
    ///
    /// # Errors
    /// If they cannot be written, or do not fit into memory where all is held.
    pub(crate) fn push(&mut self, rows: &[GeoRow]) -> Result<(), OutputError> {
        match self {
            Self::Json(file) => file.push(rows),
            Self::Csv(file) => file.push(rows),
            Self::Parquet(file) => file.push(rows),
            Self::Whole(file) => file.push(rows),
        }
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn finish(self, progress: &dyn Progress) -> Result<(), OutputError> {
        match self {
            Self::Json(file) => file.finish(),
            Self::Csv(file) => file.finish(),
            Self::Parquet(file) => file.finish(),
            Self::Whole(file) => file.finish(progress),
        }
    }
}

/// The cells of a column as values of an array.
fn values_of(kind: GeoKind, cells: impl Iterator<Item = GeoValue>) -> Values {
    match kind {
        GeoKind::Word => Values::String(
            cells
                .map(|cell| {
                    if let GeoValue::Word(word) = cell {
                        word
                    } else {
                        String::new()
                    }
                })
                .collect(),
        ),
        GeoKind::Count => Values::Int32(
            cells
                .map(|cell| match cell {
                    GeoValue::Count(Some(count)) => i32::try_from(count).unwrap_or(i32::MAX),
                    _ => MISSING,
                })
                .collect(),
        ),
        GeoKind::Flag => Values::Int8(cells.map(|cell| i8::from(cell == GeoValue::Flag(true))).collect()),
        GeoKind::Number | GeoKind::Time => Values::Float64(
            cells
                .map(|cell| {
                    if let GeoValue::Number(value) = cell {
                        value
                    } else {
                        f64::NAN
                    }
                })
                .collect(),
        ),
    }
}

/// A count that is missing, in arrays.
const MISSING: i32 = i32::MIN;

fn write_failed(path: PathBuf) -> impl Fn(std::io::Error) -> OutputError {
    move |source| super::place::io(&path, "writing", source)
}
