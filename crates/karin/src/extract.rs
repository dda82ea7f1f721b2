//! Extracts: what a selection keeps of granules, as granules, as lines one behind the other, or as a cube.
//!
//! ```text
//!   Plan ──> one granule    ──> a file of granule structure; cropped, it carries num_lines and num_pixels as
//!                               indices of the granule, and can be ingested again
//!        ──> many, a folder ──> one such file per granule
//!        ──> many, a file   ──> concatenated along num_lines, with cycle_number, pass_number, line_number per line
//!        ──> --layout cube  ──> [cycle_number, pass_number, num_lines, num_pixels]
//!        ──> a .png         ──> a map of one variable
//! ```
//!
//! Granules are read in parts of lines that fit into the memory budget; what is to be written waits in memory, or in
//! unnamed files beside the output.
//!
//! A granule that is wanted whole is copied as it is, but for a line in `history`. Every other extract says in its
//! attributes what it was made of.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use karin_core::{Dataset, DatasetError, ErrorKind, GroupMeta, Layout, Progress, Selection};
use karin_engine::{Engine, EngineError, Failure, Part, Piece, Plan};
use karin_netcdf::WriteError;
use rayon::prelude::*;
use serde::Serialize;

use crate::Error;
use crate::output::{self, Format, OutputError, WriteOptions};
use crate::plot::{self, MapOptions};

mod cube;
mod granule;
mod lines;
mod provenance;
mod rows;
mod spool;

/// How an extract is written.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ExtractOptions {
    /// Threads, memory, durability.
    pub output: WriteOptions,
    /// The command that makes it, for `history`.
    pub command: String,
}

impl ExtractOptions {
    /// With the command that makes it.
    #[must_use]
    pub fn with_command(mut self, command: impl Into<String>) -> Self {
        self.command = command.into();
        self
    }

    /// With that output.
    #[must_use]
    pub const fn with_output(mut self, output: WriteOptions) -> Self {
        self.output = output;
        self
    }
}

/// What was written.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Extracted {
    /// The files.
    pub files: Vec<PathBuf>,
    /// Granules in them.
    pub granules: usize,
    /// Granules of which nothing is selected.
    pub empty: usize,
    /// Granules that could not be read: name and reason.
    pub left_out: Vec<(String, String)>,
}

impl Extracted {
    fn leave_out(&mut self, failure: Failure, progress: &dyn Progress) {
        progress.warn(&format!("left out {}: {}", failure.granule, failure.reason));
        self.left_out.push((failure.granule, failure.reason));
    }
}

/// Writes what `plan` selects to `path`: a file, whose extension says the format, or a folder (which exists, or whose
/// name has no extension) for one netCDF file per granule. Granules that cannot be read are left out and told.
///
/// # Errors
/// If nothing is selected, the layout does not fit `path`, no granule can be read, the output cannot be written, or the
/// user stops it.
pub fn extract(
    plan: &Plan,
    path: &Path,
    options: &ExtractOptions,
    progress: &dyn Progress,
) -> Result<Extracted, Error> {
    plan.check_derivation()?;
    output::check_deflate(path, &options.output)?;
    let is_folder = is_folder(path);
    if !is_folder && Format::of(path)? == Format::Png {
        return map(plan, path, options, progress);
    }
    let engine = Engine::new(plan, options.output.resources, progress)?;
    let selection = plan.selection();
    let layout = match selection.layout {
        Layout::Auto if is_folder || plan.pieces().len() == 1 => Layout::Granules,
        Layout::Auto => Layout::Lines,
        other => other,
    };
    let extracted = match layout {
        Layout::Granules if !is_folder => threads(options.output.resources.jobs.max(1))?
            .install(|| one_granule(&engine, plan, path, options, progress))?,
        Layout::Granules | Layout::Auto => granules(&engine, plan, path, options, progress)?,
        Layout::Lines | Layout::Cube if is_folder => {
            return Err(Error::option(
                "-o",
                "this layout makes one file: name it .nc, .zarr, .parquet, .csv or .png",
            ));
        }
        Layout::Lines | Layout::Cube => together(&engine, plan, path, layout, options, progress)?,
    };
    if extracted.files.is_empty() {
        return Err(nothing(&extracted));
    }
    Ok(extracted)
}

/// Whether the user means a folder.
fn is_folder(path: &Path) -> bool {
    let is_zarr = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("zarr"));
    let ends_open = path.to_string_lossy().ends_with(std::path::MAIN_SEPARATOR);
    (path.is_dir() && !is_zarr) || ends_open || path.extension().is_none()
}

fn nothing(extracted: &Extracted) -> Error {
    let reason = match extracted.left_out.first() {
        Some((granule, reason)) if extracted.empty == 0 => {
            format!("no granule can be read; {granule}: {reason}")
        }
        _ => "no granule has pixels inside the selection".to_owned(),
    };
    Error::Engine(EngineError::Empty(reason))
}

/// Errors of one granule, which leave it out, apart from those that end the work.
fn of_granule<T>(plan: &Plan, piece: &Piece, result: Result<T, Error>) -> Result<Result<T, Failure>, Error> {
    let error = match result {
        Ok(value) => return Ok(Ok(value)),
        Err(error) => error,
    };
    let cause = match (unreadable(&error), error.kind()) {
        (None, _) | (_, ErrorKind::Cancelled) => return Err(error),
        (Some(cause), _) => cause.explained(),
    };
    let granule = plan
        .entry(piece)
        .map_or_else(String::new, |entry| entry.label.clone());
    Ok(Err(Failure {
        granule,
        reason: cause,
        kind: error.kind(),
    }))
}

/// What cannot be read of a granule: known when it is opened, or only while what is kept of it is written.
const fn unreadable(error: &Error) -> Option<&DatasetError> {
    match error {
        Error::Engine(EngineError::Dataset(cause)) | Error::Dataset(cause) => Some(cause),
        Error::Output(
            OutputError::NetCdf(WriteError::Read { source, .. }) | OutputError::Read { source, .. },
        ) => Some(source),
        _ => None,
    }
}

fn one_granule(
    engine: &Engine<'_>,
    plan: &Plan,
    path: &Path,
    options: &ExtractOptions,
    progress: &dyn Progress,
) -> Result<Extracted, Error> {
    let [piece] = plan.pieces() else {
        let reason = format!(
            "{} granules do not fit into one: name a folder, or use --layout lines",
            plan.pieces().len()
        );
        return Err(Error::option("--layout granules", reason));
    };
    let mut extracted = Extracted::default();
    match granule::of(engine, piece, parent(path), options.output.resources, options)? {
        Some(dataset) => {
            refuse_to_replace_source(path, dataset.as_ref())?;
            output::write(path, dataset.as_ref(), &options.output, progress)?;
            extracted.granules = 1;
            extracted.files.push(path.to_owned());
        }
        None => extracted.empty = 1,
    }
    Ok(extracted)
}

fn granules(
    engine: &Engine<'_>,
    plan: &Plan,
    folder: &Path,
    options: &ExtractOptions,
    progress: &dyn Progress,
) -> Result<Extracted, Error> {
    std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, "create", error))?;
    let mut extracted = Extracted::default();
    let jobs = options.output.resources.jobs.max(1);
    let mut each = options.output;
    each.resources.jobs = 1;
    each.resources.memory /= jobs as u64;
    let pool = threads(jobs)?;
    progress.start("extracting", plan.pieces().len() as u64, 0);
    for batch in plan.pieces().chunks(jobs) {
        let write = |piece: &Piece| -> Result<Option<PathBuf>, Error> {
            let Some(dataset) = granule::of(engine, piece, folder, each.resources, options)? else {
                return Ok(None);
            };
            let path = folder.join(file_name(plan, piece));
            refuse_to_replace_source(&path, dataset.as_ref())?;
            output::write(&path, dataset.as_ref(), &each, &karin_core::NoProgress)?;
            Ok(Some(path))
        };
        let written: Vec<_> = pool.install(|| batch.par_iter().map(|piece| (piece, write(piece))).collect());
        for (piece, result) in written {
            match of_granule(plan, piece, result)? {
                Ok(Some(path)) => {
                    extracted.granules += 1;
                    extracted.files.push(path);
                }
                Ok(None) => extracted.empty += 1,
                Err(failure) => extracted.leave_out(failure, progress),
            }
        }
        progress.advance(batch.len() as u64, 0);
        if progress.is_cancelled() {
            return Err(Error::Cancelled);
        }
    }
    progress.finish();
    Ok(extracted)
}

/// A granule whose lines are being collected.
struct Granule {
    piece: Piece,
    /// What was collected before it; `None` as long as it has added nothing.
    before: Option<lines::Mark>,
    failure: Option<Failure>,
}

fn together(
    engine: &Engine<'_>,
    plan: &Plan,
    path: &Path,
    layout: Layout,
    options: &ExtractOptions,
    progress: &dyn Progress,
) -> Result<Extracted, Error> {
    let mut extracted = Extracted::default();
    let resources = options.output.resources;
    let jobs = resources.jobs.max(1);
    let mut collected = lines::Collected::new(plan, parent(path), resources.memory)?;
    let pool = threads(jobs)?;
    let share = resources.memory / 4 / jobs as u64;
    progress.start("extracting", plan.pieces().len() as u64, 0);
    for pieces in plan.pieces().chunks(jobs) {
        let cut = |piece: &Piece| engine.parts(piece, |swath| engine.lines_within(swath, share));
        let cut: Vec<_> = pool.install(|| pieces.par_iter().map(cut).collect());
        // Parts of several granules at a time; each is added in its turn.
        let mut under_way: VecDeque<Granule> = VecDeque::new();
        let mut parts = Vec::new();
        for (piece, result) in pieces.iter().zip(cut) {
            let granule = Granule {
                piece: *piece,
                before: None,
                failure: None,
            };
            under_way.push_back(granule);
            match of_granule(plan, piece, result.map_err(Error::from))? {
                Ok(cut) => parts.extend(cut),
                Err(failure) => under_way
                    .back_mut()
                    .into_iter()
                    .for_each(|g| g.failure = Some(failure.clone())),
            }
        }
        for batch in parts.chunks(jobs) {
            let select = |part: &Part| engine.select_part(part).map_err(Error::from);
            let pass = |part: &Part| part.piece.half_orbit.map(|half_orbit| half_orbit.pass);
            if let [first, second, ..] = batch
                && pass(first) == pass(second)
            {
                pool.install(|| engine.prepare(first));
            }
            let selected: Vec<_> = pool.install(|| batch.par_iter().map(select).collect());
            for (part, result) in batch.iter().zip(selected) {
                let Some(granule) = under_way.iter_mut().find(|granule| granule.piece == part.piece) else {
                    continue;
                };
                if granule.failure.is_some() {
                    continue;
                }
                match of_granule(plan, &part.piece, result)? {
                    Ok(None) => {}
                    Ok(Some(pass)) => {
                        granule.before.get_or_insert_with(|| collected.mark());
                        collected.add(&part.piece, &pass, progress)?;
                    }
                    Err(failure) => {
                        if let Some(before) = granule.before.take() {
                            collected.go_back(before)?;
                        }
                        granule.failure = Some(failure);
                    }
                }
            }
            if progress.is_cancelled() {
                return Err(Error::Cancelled);
            }
        }
        for granule in under_way {
            match (granule.failure, granule.before) {
                (Some(failure), _) => extracted.leave_out(failure, progress),
                (None, Some(_)) => extracted.granules += 1,
                (None, None) => extracted.empty += 1,
            }
        }
        progress.advance(pieces.len() as u64, 0);
    }
    progress.finish();
    if extracted.granules == 0 {
        return Ok(extracted);
    }
    let lines = collected.finish(plan, options)?;
    if layout == Layout::Cube {
        output::write(path, &cube::Cube::of(plan, lines)?, &options.output, progress)?;
    } else {
        output::write(path, lines.dataset(), &options.output, progress)?;
    }
    extracted.files.push(path.to_owned());
    Ok(extracted)
}

pub(crate) fn threads(jobs: usize) -> Result<rayon::ThreadPool, Error> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(jobs)
        .stack_size(4 << 20)
        .build()
        .map_err(|error| {
            Error::Engine(EngineError::Threads {
                jobs,
                reason: error.to_string(),
            })
        })
}

/// The folder that a file will lie in.
fn parent(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// A map of what the plan selects.
fn map(
    plan: &Plan,
    path: &Path,
    options: &ExtractOptions,
    progress: &dyn Progress,
) -> Result<Extracted, Error> {
    let mut look = MapOptions::default();
    if !options.command.is_empty() {
        look.notes.push(("Command".to_owned(), options.command.clone()));
    }
    let resources = options.output.resources;
    let picture = match plan.pieces() {
        [piece] if plan.swaths().is_empty() => {
            if !keeps_all_values(plan.selection(), plan) {
                let reason = "this file has no swath: it can be drawn whole, or by --vars";
                return Err(Error::option("selection", reason));
            }
            plot::datasets(plan.open(piece)?.as_ref(), &plan.selection().variables, look)?
        }
        _ => plot::of_plan(plan, look, resources, progress)?,
    };
    picture.write(path)?;
    Ok(Extracted {
        files: vec![path.to_owned()],
        granules: picture.granules,
        empty: plan
            .pieces()
            .len()
            .saturating_sub(picture.granules + picture.unread.len()),
        left_out: picture.unread,
    })
}

/// The granule's own name, so that its crop can be ingested again.
fn file_name(plan: &Plan, piece: &Piece) -> PathBuf {
    let label = plan
        .entry(piece)
        .map_or("granule.nc", |entry| entry.label.as_str());
    let name = Path::new(label).file_name().unwrap_or_default();
    Path::new(name).with_extension("nc")
}

fn refuse_to_replace_source(path: &Path, dataset: &dyn Dataset) -> Result<(), Error> {
    let same = match (path.canonicalize(), Path::new(dataset.label()).canonicalize()) {
        (Ok(target), Ok(source)) => target == source,
        _ => false,
    };
    if same {
        let reason = format!("{} is the granule itself: write somewhere else", path.display());
        return Err(Error::option("-o", reason));
    }
    Ok(())
}

/// True if every value of the granules is wanted as it is.
fn keeps_all_values(selection: &Selection, plan: &Plan) -> bool {
    let derives = plan.columns().iter().any(|column| column.derived && column.named);
    selection.time.is_none()
        && selection.region.is_none()
        && selection.where_.is_none()
        && selection.nadir == karin_core::Nadir::Keep
        && selection.quality == karin_core::QualityLevel::Any
        && selection.side == karin_core::Side::Both
        && !derives
        && selection.lets.is_empty()
}

/// The group at a path, to change it.
fn group_mut<'a>(root: &'a mut GroupMeta, path: &str) -> Option<&'a mut GroupMeta> {
    path.split('/')
        .filter(|part| !part.is_empty())
        .try_fold(root, |group, part| {
            group.groups.iter_mut().find(|inner| inner.name == part)
        })
}

#[cfg(test)]
mod tests;
