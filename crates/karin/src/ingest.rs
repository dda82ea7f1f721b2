//! Granules into a collection: files found, named, opened and hashed ahead, put one after another (each on all cores),
//! committed in batches. A bad granule is reported with its reason, and the rest goes on.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use karin_access::Location;
use karin_core::{Dataset, ErrorKind, HalfOrbit, Progress, Resources, counted};
use karin_store::{CreateOptions, IncomingGranule, Ingest, Profile, Repository, StoreError, StoreOptions};
use serde::Serialize;

mod prepare;
mod spread;

use crate::Error;
use crate::provider::ProviderOptions;
use crate::sources::with_servers;
use prepare::{Granules, Prepared, prepare_ahead};
pub use spread::{PreparedCommit, PreparedOutcome, batches, commit_prepared, prepare};

/// How to ingest.
#[derive(Clone, Debug, Default)]
pub struct IngestOptions {
    /// Where and how the collection is stored.
    pub store: StoreOptions,
    /// Codecs of groups that do not exist yet.
    pub profile: Profile,
    /// Put a granule in the place of one of the same version but other content.
    pub replace: bool,
    /// Refer to the chunks of granules where they lie instead of copying them.
    pub is_virtual: bool,
    /// Check everything, write nothing.
    pub dry_run: bool,
    /// Threads and memory.
    pub resources: Resources,
    /// Settings and accounts for granules at servers.
    pub provider: ProviderOptions,
}

/// What became of one file.
#[derive(Clone, Debug, Serialize)]
pub struct GranuleResult {
    /// The file.
    pub file: PathBuf,
    /// Cycle and pass as `475_001`, where its name tells.
    pub half_orbit: Option<String>,
    /// `added`, `replaced`, `merged`, `already there`, `older`, `whole there` or `refused`.
    pub outcome: &'static str,
    /// Why it was refused or not stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Stable code of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<ErrorKind>,
}

/// What an ingest did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct IngestReport {
    /// Every file, in the order in which they were handled.
    pub granules: Vec<GranuleResult>,
    /// Commits, oldest first.
    pub snapshots: Vec<String>,
    /// Bytes of the files that were read.
    pub bytes: u64,
    /// Seconds that it took.
    pub seconds: f64,
}

impl IngestReport {
    /// How many files ended like this.
    pub fn count(&self, outcome: &str) -> usize {
        self.granules
            .iter()
            .filter(|granule| granule.outcome == outcome)
            .count()
    }
}

/// Ingests files, the `*.nc` files of folders, and granules at addresses (fetched whole, through the cache), into the collection at `location`, which is made if there is none.
///
/// With [`IngestOptions::is_virtual`] the values stay in the files, and the collection refers to their chunks.
///
/// Granules that are there already are skipped, so that a rerun does only what is missing. What a commit acknowledged
/// (told through [`Progress::note`]) is there for good.
///
/// # Errors
/// If an input is not there, the collection cannot be opened or written, or the user cancelled. What was acknowledged
/// before stays. Bad granules are no error: they are in the report.
pub fn ingest(
    inputs: &[PathBuf],
    location: &str,
    options: &IngestOptions,
    progress: &dyn Progress,
) -> Result<IngestReport, Error> {
    let start = Instant::now();
    let granules = Granules::find(inputs, location, options, progress)?;
    let sizes = granules.all.iter().map(prepare::Input::bytes).sum();
    let repository = Arc::new(open(location, options, &granules.named(), progress)?);
    let mut run = Run::begin(&repository, options, progress, true)?;
    progress.start("ingest", granules.all.len() as u64, sizes);
    let result = prepare_ahead(&granules, |prepared| run.take(prepared));
    progress.finish();
    run.commit()?;
    result?;
    run.report.seconds = start.elapsed().as_secs_f64();
    Ok(run.report)
}

fn store_options(options: &IngestOptions) -> karin_store::IngestOptions {
    let mut store_options = karin_store::IngestOptions::default();
    store_options.profile = options.profile;
    store_options.replace = options.replace;
    store_options.dry_run = options.dry_run;
    store_options.resources = options.resources;
    store_options
}

/// The collection; virtual granules that are there already may lie at servers, `named` or allowed by the settings.
fn open(
    location: &str,
    options: &IngestOptions,
    named: &[Location],
    progress: &dyn Progress,
) -> Result<Repository, StoreError> {
    let store = with_servers(&options.store, &options.provider, named, progress);
    if options.dry_run {
        return match Repository::open(location, &store) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                // Nothing is there: the check runs against an empty collection that is never written.
                let name = format!("memory://dry-run-{}", std::process::id());
                Repository::create(&name, &StoreOptions::default(), &CreateOptions::default())
            }
            other => other,
        };
    }
    Repository::open_or_create(location, &store, &CreateOptions::default())
}

/// An ingest under way.
struct Run<'a> {
    ingest: Ingest<'a>,
    report: IngestReport,
    /// Results that the next commit acknowledges.
    waiting: Vec<usize>,
    progress: &'a dyn Progress,
    /// False if another process commits.
    commits: bool,
}

impl<'a> Run<'a> {
    fn begin(
        repository: &'a Arc<Repository>,
        options: &IngestOptions,
        progress: &'a dyn Progress,
        commits: bool,
    ) -> Result<Self, Error> {
        Ok(Self {
            ingest: Ingest::begin(repository, store_options(options))?,
            report: IngestReport::default(),
            waiting: Vec::new(),
            progress,
            commits,
        })
    }

    /// Puts one prepared file.
    fn take(&mut self, prepared: Prepared) -> Result<(), Error> {
        if self.progress.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let Prepared {
            path,
            bytes,
            half_orbit,
            warnings,
            content,
        } = prepared;
        for warning in warnings {
            self.progress.warn(&warning);
        }
        let outcome = match content {
            Err(refusal) => Err((refusal.kind, refusal.reason)),
            Ok(granule) => self.put(&path, bytes, &granule)?,
        };
        self.record(path, half_orbit, outcome);
        self.report.bytes += bytes;
        self.progress.advance(1, bytes);
        if self.commits && self.ingest.is_due() {
            self.commit()?;
        }
        Ok(())
    }

    fn put(
        &mut self,
        path: &Path,
        size: u64,
        granule: &prepare::Granule,
    ) -> Result<Result<karin_store::Outcome, (ErrorKind, String)>, Error> {
        let foreseen = match granule.origin {
            Some(_) => None,
            None => self.ingest.foresee(&granule.name, &granule.checksum)?,
        };
        if let Some(outcome) = foreseen {
            return Ok(Ok(outcome));
        }
        let source_name = path
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let incoming = IncomingGranule {
            name: &granule.name,
            dataset: &granule.file as &dyn Dataset,
            source_name: &source_name,
            size,
            checksum: granule.checksum,
            origin: granule.origin.as_ref(),
        };
        match self.ingest.put(&incoming) {
            Ok(outcome) => Ok(Ok(outcome)),
            Err(StoreError::Refused { reason, kind, .. }) => Ok(Err((kind, reason))),
            Err(StoreError::Unreadable { source, .. }) => Ok(Err((source.kind, source.to_string()))),
            Err(error) => Err(error.into()),
        }
    }

    fn record(
        &mut self,
        file: PathBuf,
        half_orbit: Option<HalfOrbit>,
        outcome: Result<karin_store::Outcome, (ErrorKind, String)>,
    ) {
        let half_orbit = half_orbit.map(|half_orbit| half_orbit.to_string());
        let result = match outcome {
            Ok(outcome) => {
                if outcome.is_stored() {
                    self.waiting.push(self.report.granules.len());
                }
                let (outcome, reason) = described(&outcome);
                GranuleResult {
                    file,
                    half_orbit,
                    outcome,
                    reason,
                    kind: None,
                }
            }
            Err((kind, reason)) => GranuleResult {
                file,
                half_orbit,
                outcome: "refused",
                reason: Some(reason),
                kind: Some(kind),
            },
        };
        self.report.granules.push(result);
    }

    /// Makes what was put part of the collection. The commit decides anew against what other writers did meanwhile, so
    /// its word replaces the one given when the granule was put.
    fn commit(&mut self) -> Result<(), Error> {
        let Some(committed) = self.ingest.commit()? else {
            return Ok(());
        };
        for (index, (_, _, outcome)) in self.waiting.drain(..).zip(&committed.granules) {
            if let Some(result) = self.report.granules.get_mut(index) {
                (result.outcome, result.reason) = described(outcome);
            }
        }
        self.progress.note(&format!(
            "acknowledged {} in {}",
            counted(committed.granules.len(), "granule"),
            committed.snapshot
        ));
        self.report.snapshots.push(committed.snapshot);
        Ok(())
    }
}

/// The word of an outcome, and why if nothing was stored.
fn described(outcome: &karin_store::Outcome) -> (&'static str, Option<String>) {
    use karin_store::Outcome;
    match outcome {
        Outcome::Added => ("added", None),
        Outcome::Replaced { there } => ("replaced", Some(format!("took the place of version {there}"))),
        Outcome::Merged => ("merged", None),
        Outcome::AlreadyThere => ("already there", None),
        Outcome::Older { there } => ("older", Some(format!("version {there} is there"))),
        Outcome::OtherThere => (
            "refused",
            Some("another writer stored the same version with other content meanwhile: --replace takes this one".to_owned()),
        ),
        Outcome::WholeThere => ("whole there", Some("the whole granule is there".to_owned())),
        _ => ("other", None),
    }
}
