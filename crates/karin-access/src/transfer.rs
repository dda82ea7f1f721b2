//! Granules onto the disk: many at a time, each under its name only when it is whole and checked.
//!
//! ```text
//!   decide (what is there?) ─> fetch one: ask, go on where it stopped ─> check ─> flush, rename ─> ledger
//! ```
//!
//! A transfer writes `.NAME.part`, and beside it `.NAME.part.json` says of which file at the server these bytes are, so
//! that any later run goes on from there.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use futures::stream::{self, StreamExt as _};
use karin_core::{ErrorKind, Progress};
use serde::Serialize;

use crate::retry::{Patience, until_cancelled};
use crate::{Access, AccessError, Checksum, Location, RemoteGranule, Size};

mod body;
mod check;
mod decide;
mod fetch;
mod ledger;
mod limit;
mod part;

pub(crate) use body::{Body, origin_of, parse_range};
use decide::{Decision, decide};
use ledger::Ledger;
pub use limit::Limit;
pub(crate) use part::Origin;

/// Says whether a file is a whole granule. Whoever fetches brings it, because this crate does not know what is inside.
pub trait Inspect: Send + Sync {
    /// Looks into the file at `path`, which will be called `file_name`.
    ///
    /// # Errors
    /// What is wrong with it.
    fn inspect(&self, path: &Path, file_name: &str) -> Result<(), String>;
}

/// A file somewhere: what a transfer needs to know of it.
#[derive(Clone, Debug)]
pub struct Download {
    /// The name that it gets: letters, digits, `.`, `-` and `_` only.
    pub file_name: String,
    /// Cycle and pass, if it is a granule of swath.
    pub half_orbit: String,
    /// Bytes, as far as the provider tells.
    pub size: Size,
    /// Checksum, where the provider tells one.
    pub checksum: Option<Checksum>,
    /// When it was last changed, in the provider's own words.
    pub modified: Option<String>,
    /// Where it lies.
    pub location: Location,
}

impl From<&RemoteGranule> for Download {
    fn from(granule: &RemoteGranule) -> Self {
        Self {
            file_name: granule.file_name.clone(),
            half_orbit: granule.name.half_orbit.to_string(),
            size: granule.size,
            checksum: granule.checksum.clone(),
            modified: granule.modified.clone(),
            location: granule.location.clone(),
        }
    }
}

/// How to fetch.
#[derive(Clone, Debug, Default)]
pub struct GetOptions {
    /// Say what would be done, and do nothing.
    pub dry_run: bool,
    /// Bytes per second, all transfers together; `None`: as fast as it goes.
    pub rate: Option<u64>,
}

/// What became of one granule.
#[derive(Clone, Debug, Serialize)]
pub struct GetResult {
    /// Name of the file.
    pub file: String,
    /// Cycle and pass as `475_001`; empty for what is none of swath.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub half_orbit: String,
    /// `fetched`, `there`, `failed`; in a dry run `missing` instead of `fetched`.
    pub outcome: &'static str,
    /// Bytes: those that came, or that a dry run expects.
    pub bytes: u64,
    /// Why it is fetched again, counts as there, or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Stable code of a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<ErrorKind>,
    /// Where it comes from.
    pub from: String,
}

/// What a run did.
#[derive(Clone, Debug, Serialize)]
pub struct GetReport {
    /// The folder.
    pub folder: PathBuf,
    /// Every granule, in the order of time.
    pub granules: Vec<GetResult>,
    /// Bytes that came over the net, those of failed tries too; in a dry run those that are expected.
    pub bytes: u64,
    /// Seconds that it took.
    pub seconds: f64,
}

impl GetReport {
    /// How many granules ended like this.
    pub fn count(&self, outcome: &str) -> usize {
        self.granules
            .iter()
            .filter(|granule| granule.outcome == outcome)
            .count()
    }
}

/// What the transfers of a run share.
struct Run<'a> {
    access: &'a Access,
    folder: &'a Path,
    limit: Limit,
    ledger: &'a Ledger,
    inspect: Arc<dyn Inspect>,
    patience: Patience<'a>,
    progress: &'a dyn Progress,
}

impl Access {
    /// Puts granules into a folder, which is made if there is none. Those that are there, whole and unchanged at the
    /// provider, are left alone; a transfer that was interrupted goes on where it stopped.
    ///
    /// # Errors
    /// If the folder cannot be written, or the user cancelled; what was fetched stays. Granules that cannot be fetched
    /// are no error: they are in the report.
    pub fn get(
        &self,
        granules: &[RemoteGranule],
        folder: &Path,
        options: &GetOptions,
        inspect: Arc<dyn Inspect>,
        progress: &dyn Progress,
    ) -> Result<GetReport, AccessError> {
        let files: Vec<Download> = granules.iter().map(Download::from).collect();
        self.get_files(&files, folder, options, inspect, progress)
    }

    /// As [`Access::get`], of any files.
    ///
    /// # Errors
    /// As [`Access::get`].
    pub fn get_files(
        &self,
        granules: &[Download],
        folder: &Path,
        options: &GetOptions,
        inspect: Arc<dyn Inspect>,
        progress: &dyn Progress,
    ) -> Result<GetReport, AccessError> {
        let start = Instant::now();
        if !options.dry_run {
            std::fs::create_dir_all(folder)
                .map_err(|source| AccessError::file(folder, "making the folder", source))?;
        }
        let ledger = Ledger::open(folder)?;
        let mut report = GetReport {
            folder: folder.to_owned(),
            granules: Vec::with_capacity(granules.len()),
            bytes: 0,
            seconds: 0.0,
        };
        let mut to_fetch = Vec::new();
        for granule in granules {
            if progress.is_cancelled() {
                return Err(AccessError::Cancelled);
            }
            match decide(granule, folder, &ledger, inspect.as_ref()) {
                Decision::There(reason) => report.granules.push(result(granule, "there", 0, Some(reason))),
                Decision::Fetch(reason) if options.dry_run => {
                    let bytes = granule.size.estimate();
                    report.bytes += bytes;
                    report.granules.push(result(granule, "missing", bytes, reason));
                }
                Decision::Fetch(reason) => to_fetch.push((granule, reason)),
            }
        }
        let expected: u64 = to_fetch.iter().map(|(granule, _)| granule.size.estimate()).sum();
        if !to_fetch.is_empty() {
            progress.start(&format!("{} files", to_fetch.len()), 0, expected);
            let run = Run {
                access: self,
                folder,
                limit: Limit::new(options.rate),
                ledger: &ledger,
                inspect,
                patience: Patience::new(&self.settings, progress),
                progress,
            };
            let fetched = self.runtime.block_on(run.all(&to_fetch, &mut report));
            progress.finish();
            fetched?;
        }
        let order: HashMap<&str, usize> = granules
            .iter()
            .enumerate()
            .map(|(index, granule)| (granule.file_name.as_str(), index))
            .collect();
        report
            .granules
            .sort_by_key(|result| order.get(result.file.as_str()).copied());
        report.seconds = start.elapsed().as_secs_f64();
        Ok(report)
    }
}

impl Run<'_> {
    /// Fetches many at a time; as many as a server is asked for at a time, of each server.
    async fn all(
        &self,
        granules: &[(&Download, Option<String>)],
        report: &mut GetReport,
    ) -> Result<(), AccessError> {
        let fetches = granules.iter().map(|(granule, reason)| async move {
            let mut moved = 0;
            let fetched = self.fetch(granule, &mut moved).await;
            (*granule, reason.clone(), moved, fetched)
        });
        let mut fetches = stream::iter(fetches).buffer_unordered(self.access.settings.connections());
        while let Some((granule, reason, moved, fetched)) =
            until_cancelled(self.progress, fetches.next()).await?
        {
            report.bytes += moved;
            match fetched {
                Ok(()) => report.granules.push(result(granule, "fetched", moved, reason)),
                Err(error) if is_fatal(&error) => return Err(error),
                // An account that the server never took will not be taken for the next granule either.
                Err(error) if is_about_us(&error) && report.count("fetched") == 0 => return Err(error),
                Err(error) => {
                    let reason = told_of(granule, &error);
                    self.progress.warn(&format!("{}: {reason}", granule.file_name));
                    let mut failed = result(granule, "failed", moved, Some(reason));
                    failed.kind = Some(error.kind());
                    report.granules.push(failed);
                }
            }
        }
        Ok(())
    }
}

/// True for what would meet every other granule too.
fn is_fatal(error: &AccessError) -> bool {
    let is_local = matches!(error, AccessError::File { .. }) && error.kind() != ErrorKind::NotFound;
    is_local || matches!(error, AccessError::Cancelled | AccessError::Option { .. })
}

/// True for what a server says of our account, or we of its key.
fn is_about_us(error: &AccessError) -> bool {
    use AccessError::{HostKey, NotLetIn, SignIn};
    matches!(error, SignIn { .. } | NotLetIn { .. } | HostKey { .. })
}

/// An error and its causes in one line.
fn told(error: &AccessError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// An error of a file that is named beside it: its address, which the name is in again, is left out.
fn told_of(granule: &Download, error: &AccessError) -> String {
    match &granule.location {
        Location::File(_) => told(error),
        remote => told(error).replace(&remote.to_string(), "the server"),
    }
}

fn result(granule: &Download, outcome: &'static str, bytes: u64, reason: Option<String>) -> GetResult {
    GetResult {
        file: granule.file_name.clone(),
        half_orbit: granule.half_orbit.clone(),
        outcome,
        bytes,
        reason,
        kind: None,
        from: granule.location.to_string(),
    }
}
