//! An ingest spread over many processes: each prepares some files, one commits.
//!
//! ```text
//!   batches(files) ──> prepare(batch) on any node ──> bytes ──> commit_prepared(all bytes) in one process
//! ```
//!
//! Chunks are on stable storage once a batch is prepared; what a process that dies had prepared is prepared again by
//! another, and its chunks, to which nothing refers, go with the next garbage collection.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use karin_core::{GranuleName, NoProgress, Progress};
use karin_store::Ingest;
use serde::Serialize;

use super::{IngestOptions, IngestReport, Run, described, open, store_options};
use crate::Error;
use crate::ingest::prepare::{self, Granules, prepare_ahead};

/// The files of `inputs` in at most `count` batches of about the same size; granules of one pass stay together, so that
/// the coordinates that they share are written once. Makes the collection if there is none.
///
/// # Errors
/// If an input is not there, or the collection cannot be opened or made.
pub fn batches(
    inputs: &[PathBuf],
    location: &str,
    options: &IngestOptions,
    count: usize,
) -> Result<Vec<Vec<PathBuf>>, Error> {
    let granules = Granules::find(inputs, location, options, &NoProgress)?;
    open(location, options, &granules.named(), &NoProgress)?;
    let place = |path: &PathBuf| {
        let label = path.file_name().unwrap_or_default().to_string_lossy();
        let name = GranuleName::parse_whole(&label).ok();
        name.map(|(name, _)| (name.half_orbit.pass, name.half_orbit.cycle))
    };
    let of = |input: &prepare::Input| (input.bytes().max(1), input.path());
    let mut files: Vec<(u64, PathBuf)> = granules.all.iter().map(of).collect();
    files.sort_by_cached_key(|(_, path)| place(path));
    let total: u64 = files.iter().map(|(size, _)| size).sum();
    let (count, mut done, mut last) = (count.max(1) as u64, 0, None);
    let mut batches: Vec<Vec<PathBuf>> = Vec::new();
    for (size, path) in files {
        let at = (u128::from(done) * u128::from(count) / u128::from(total.max(1))) as u64;
        match batches.last_mut() {
            Some(batch) if last == Some(at) => batch.push(path),
            _ => batches.push(vec![path]),
        }
        last = Some(at);
        done += size;
    }
    Ok(batches)
}

/// Puts the chunks of files on stable storage without committing them. The bytes are for [`commit_prepared`]; `None` if
/// there is nothing to commit. Outcomes of the report hold for what is in the collection now; the commit has the last
/// word.
///
/// # Errors
/// As [`super::ingest`].
pub fn prepare(
    files: &[PathBuf],
    location: &str,
    options: &IngestOptions,
    progress: &dyn Progress,
) -> Result<(IngestReport, Option<Vec<u8>>), Error> {
    let start = Instant::now();
    let granules = Granules::find(files, location, options, progress)?;
    let repository = Arc::new(open(location, options, &granules.named(), progress)?);
    let mut run = Run::begin(&repository, options, progress, false)?;
    progress.start("prepare", files.len() as u64, 0);
    let result = prepare_ahead(&granules, |prepared| run.take(prepared));
    progress.finish();
    result?;
    let prepared = run.ingest.hand_over()?;
    run.report.seconds = start.elapsed().as_secs_f64();
    Ok((run.report, prepared))
}

/// What a commit of prepared granules did.
#[derive(Clone, Debug, Serialize)]
pub struct PreparedCommit {
    /// The newest snapshot.
    pub snapshot: String,
    /// What became of each granule, in the order in which they were prepared.
    pub granules: Vec<PreparedOutcome>,
}

/// What became of one granule.
#[derive(Clone, Debug, Serialize)]
pub struct PreparedOutcome {
    /// As in [`super::GranuleResult`].
    pub outcome: &'static str,
    /// Why nothing was stored, or what was replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Makes what others have prepared part of the collection, in one commit; `None` if that is nothing.
///
/// # Errors
/// If the collection cannot be opened or written, or the bytes are none of [`prepare`] for it.
pub fn commit_prepared(
    prepared: &[Vec<u8>],
    location: &str,
    options: &IngestOptions,
) -> Result<Option<PreparedCommit>, Error> {
    let repository = Arc::new(open(location, options, &[], &NoProgress)?);
    let mut ingest = Ingest::begin(&repository, store_options(options))?;
    for bytes in prepared {
        ingest.take_over(bytes)?;
    }
    let Some(committed) = ingest.commit()? else {
        return Ok(None);
    };
    let outcome = |(_, _, outcome): &(_, _, karin_store::Outcome)| {
        let (outcome, reason) = described(outcome);
        PreparedOutcome { outcome, reason }
    };
    Ok(Some(PreparedCommit {
        granules: committed.granules.iter().map(outcome).collect(),
        snapshot: committed.snapshot,
    }))
}
