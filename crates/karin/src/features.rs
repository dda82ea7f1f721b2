//! Features: eddies and fronts of what a selection keeps, as rows with a geometry.
//!
//! Scope: granules are searched in parallel, a block of lines at a time with as many lines around it as a feature may reach, and
//! handed on in the order of the plan: to a file, or to whoever asks. Not here: how they are found ([`karin_science::eddy`],
//! [`karin_science::front`]), how they are written ([`crate::output::geo`]).
//!
//! ```text
//!   Plan ──> the field and the selection's mask ──> blocks in parallel ──> rows in order ──> file | rows | picture
//! ```

use std::path::Path;

use karin_core::{DatasetError, Progress, Resources};
use karin_engine::{Engine, EngineError, Failure, Piece, Plan};
use rayon::prelude::*;

use crate::Error;
use crate::output::geo::{GeoFile, GeoRow, GeoSchema};
use crate::output::{self, WriteOptions};

mod eddies;
mod field;
mod fronts;
mod picture;
mod schema;
mod search;

pub use eddies::{EddyMethod, EddySearch};
pub use fronts::FrontSearch;
pub use karin_science::eddy::{EddyOptions, OkuboWeissOptions};
pub use karin_science::front::{FrontOptions, Steepness};
use search::Work;

/// What is looked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Search {
    /// Eddies in the height that the selection derives from.
    Eddies(EddySearch),
    /// Fronts in the first variable of the selection.
    Fronts(FrontSearch),
}

impl Search {
    /// One of what is found.
    pub const fn feature(&self) -> &'static str {
        match self {
            Self::Eddies(_) => "eddy",
            Self::Fronts(_) => "front",
        }
    }

    /// Several of these.
    pub const fn features(&self) -> &'static str {
        match self {
            Self::Eddies(_) => "eddies",
            Self::Fronts(_) => "fronts",
        }
    }
}

/// What a search came to.
#[derive(Debug)]
pub struct Found {
    /// Columns of the rows.
    pub schema: GeoSchema,
    /// The rows, where they were asked for.
    pub rows: Vec<GeoRow>,
    /// How many there are.
    pub count: usize,
    /// The variable that was searched.
    pub variable: String,
    /// Granules searched.
    pub granules: usize,
    /// Granules left out, and why.
    pub failures: Vec<Failure>,
}

impl Found {
    /// The rows with their columns by name, as JSON; times as ISO 8601.
    pub fn records(&self) -> Vec<serde_json::Map<String, serde_json::Value>> {
        self.rows
            .iter()
            .map(|row| output::geo::properties(&self.schema, row))
            .collect()
    }
}

/// Finds the features of a plan and gives their rows.
///
/// Region, time and conditions of the selection choose among the features of the whole pass: one is kept whole where its
/// extremum (of an eddy; a filled one where any pixel of its line) or any of its pixels (of a front) is kept. Quality chooses among the values
/// they are found in. Values of the nadir altimeter are always dropped.
///
/// # Errors
/// If the plan has no height (eddies) or variable (fronts), options make no sense, no granule can be read, or the rows do not
/// fit into half of the memory budget.
pub fn find(
    plan: &Plan,
    search: &Search,
    resources: Resources,
    progress: &dyn Progress,
) -> Result<Found, Error> {
    let mut rows = Vec::new();
    let (mut bytes, budget) = (0, resources.memory / 2);
    let mut found = run(plan, search, resources, progress, &mut |_, own| {
        bytes += own.iter().map(GeoRow::bytes).sum::<u64>();
        if bytes > budget {
            return Err(EngineError::Memory {
                needed: bytes,
                budget,
            }
            .into());
        }
        rows.extend(own);
        Ok(())
    })?;
    found.rows = rows;
    Ok(found)
}

/// Finds the features of a plan and writes them in the format of the extension: `.geojson` and `.json` (GeoJSON), `.parquet`
/// (GeoParquet), `.csv`, `.nc`, `.zarr`; `.png` is a map of the field under them. The rows are not kept.
///
/// # Errors
/// As [`find`], and if the extension is unknown or the file cannot be written.
pub fn write(
    plan: &Plan,
    search: &Search,
    path: &Path,
    history: &str,
    resources: Resources,
    progress: &dyn Progress,
) -> Result<Found, Error> {
    if output::Format::of(path).is_ok_and(|format| format == output::Format::Png) {
        let mut found = find(plan, search, resources, progress)?;
        picture::of(plan, search, &found, history, resources, progress)?.write(path)?;
        found.rows = Vec::new();
        return Ok(found);
    }
    let options = WriteOptions::default().with_resources(resources);
    let mut file: Option<GeoFile> = None;
    let mut found = run(plan, search, resources, progress, &mut |schema, rows| {
        let file = match &mut file {
            Some(file) => file,
            none => {
                let mut schema = schema.clone();
                schema.attributes.set("history", history);
                none.insert(GeoFile::create(path, &schema, &options)?)
            }
        };
        Ok(file.push(&rows)?)
    })?;
    if let Some(file) = file {
        file.finish(progress)?;
    }
    found.schema.attributes.set("history", history);
    Ok(found)
}

/// Takes the rows of a granule.
type Take<'a> = &'a mut dyn FnMut(&GeoSchema, Vec<GeoRow>) -> Result<(), Error>;

/// Searches granule by granule and hands on their rows in order; at least once, with the schema.
fn run(
    plan: &Plan,
    search: &Search,
    resources: Resources,
    progress: &dyn Progress,
    take: Take<'_>,
) -> Result<Found, Error> {
    let field = field::Field::new(plan, search, progress)?;
    let engine = Engine::new(&field.whole, resources, progress)?;
    let masked = Engine::new(&field.kept, resources, progress)?;
    let work = Work::new(&field, search, (&engine, &masked), resources)?;
    let schema = schema::of(&field, search);
    let mut found = Found {
        schema,
        rows: Vec::new(),
        count: 0,
        variable: field.name.clone(),
        granules: 0,
        failures: Vec::new(),
    };
    progress.start(
        search.features(),
        field.kept.pieces().len() as u64,
        field.kept.stored_bytes(),
    );
    take(&found.schema, Vec::new())?;
    for pieces in field.kept.pieces().chunks(2 * resources.jobs.max(1)) {
        if progress.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let one = |piece: &Piece| {
            let rows = work.granule(piece);
            progress.advance(1, 0);
            rows
        };
        let all: Vec<_> = engine.install(|| pieces.par_iter().map(one).collect());
        for (piece, rows) in pieces.iter().zip(all) {
            match rows {
                Ok(rows) => {
                    found.granules += 1;
                    found.count += rows.len();
                    take(&found.schema, rows)?;
                }
                Err(error) => engine.fail(piece, &error),
            }
        }
    }
    progress.finish();
    engine.report_failures();
    found.failures = engine.failures();
    match found.failures.first() {
        Some(failure) if found.granules == 0 => {
            let (granule, reason) = (&failure.granule, failure.reason.clone());
            Err(DatasetError::new(failure.kind, granule, "", reason).into())
        }
        _ => Ok(found),
    }
}
