//! A collection kept up with a provider: found, fetched what is missing or newer, ingested, and the files thrown away
//! unless somebody wants to keep them. Killed anywhere, the next run goes on.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use karin_access::{GetOptions, GetResult, LeftOut, Location, RemoteGranule};
use karin_core::{ErrorKind, HalfOrbit, Product, Progress, Schema, Selection};
use karin_store::{Collection, GranuleFacts, GranuleState, OpenOptions, StoreOptions};
use serde::Serialize;

use crate::Error;
use crate::ingest::{GranuleResult, IngestOptions, ingest};
use crate::provider::Provider;

/// How to sync.
#[derive(Clone, Debug, Default)]
pub struct SyncOptions {
    /// How to ingest. `dry_run` says what would be fetched and does nothing.
    pub ingest: IngestOptions,
    /// Folder in which the files stay; `None`: they go once the collection has them.
    pub keep: Option<PathBuf>,
    /// Bytes per second.
    pub rate: Option<u64>,
}

/// What a sync did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SyncReport {
    /// The collection.
    pub collection: String,
    /// The place that was asked.
    pub from: String,
    /// Granules that the place has of what is wanted.
    pub found: usize,
    /// Granules that the collection had already.
    pub there: usize,
    /// Granules that were fetched, and that were in the folder from before.
    pub fetched: usize,
    /// Bytes that came over the net; in a dry run those that are expected.
    pub bytes: u64,
    /// Granules that were added to the collection, replaced or merged in it.
    pub stored: usize,
    /// Commits.
    pub snapshots: Vec<String>,
    /// Granules that could not be fetched.
    pub failed: Vec<GetResult>,
    /// Granules that the collection refused; their files stay.
    pub refused: Vec<GranuleResult>,
    /// Parts of the place that could not be asked.
    pub left_out: Vec<LeftOut>,
    /// In a dry run, the names of what is missing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// Seconds that it took.
    pub seconds: f64,
}

impl SyncReport {
    /// True if something that was wanted is not in the collection.
    pub fn is_partial(&self) -> bool {
        !(self.failed.is_empty() && self.refused.is_empty() && self.left_out.is_empty())
    }
}

/// Granules and bytes that are fetched before they are ingested: what a kill costs, and what the disk has to hold.
const BATCH: usize = 64;
const BATCH_BYTES: u64 = 2 << 30;

/// Brings the collection at `location` up with what `selection` asks of a provider.
///
/// # Errors
/// If the provider cannot be asked, the collection cannot be read or written, or the user cancelled. What was
/// acknowledged stays. Granules that cannot be fetched or ingested are no error: they are in the report.
pub fn sync(
    provider: &Provider,
    selection: &Selection,
    location: &str,
    options: &SyncOptions,
    progress: &dyn Progress,
) -> Result<SyncReport, Error> {
    let start = Instant::now();
    let found = provider.find(selection, progress)?;
    let held = Held::of(location, &options.ingest.store)?;
    let missing: Vec<&RemoteGranule> = (found.granules.iter())
        .filter(|granule| !held.has(granule, options.ingest.replace))
        .collect();
    let mut report = SyncReport {
        collection: location.to_owned(),
        from: provider.place().to_string(),
        found: found.granules.len(),
        there: found.granules.len() - missing.len(),
        left_out: found.left_out,
        ..SyncReport::default()
    };
    if options.ingest.dry_run {
        report.bytes = missing.iter().map(|granule| granule.size.estimate()).sum();
        report.missing = missing.iter().map(|granule| granule.file_name.clone()).collect();
    } else {
        let folder = options
            .keep
            .clone()
            .unwrap_or_else(|| incoming(location, provider));
        let run = Run {
            provider,
            location,
            folder: &folder,
            options,
            progress,
        };
        if options.keep.is_none() {
            // An earlier run may have been killed after its commit.
            let there = found.granules.iter().filter(|granule| held.has(granule, false));
            there.for_each(|granule| run.discard(&folder.join(&granule.file_name)));
        }
        for batch in batches(&missing) {
            run.bring(batch, &mut report)?;
        }
        if options.keep.is_none() {
            run.tidy();
        }
    }
    report.seconds = start.elapsed().as_secs_f64();
    Ok(report)
}

/// Where files lie that nobody asked to keep: beside a collection in a folder, in the cache for one in a bucket.
fn incoming(location: &str, provider: &Provider) -> PathBuf {
    let plain = location.strip_prefix("file://").unwrap_or(location);
    match plain.contains("://") {
        false => PathBuf::from(format!("{}.incoming", plain.trim_end_matches('/'))),
        true => {
            let name = blake3::hash(location.as_bytes()).to_hex();
            let cache = provider.cache().unwrap_or(Path::new(".karin"));
            cache.join("incoming").join(name.as_str())
        }
    }
}

/// Consecutive granules, few enough for a batch.
fn batches<'a>(granules: &'a [&'a RemoteGranule]) -> Vec<&'a [&'a RemoteGranule]> {
    let mut batches = Vec::new();
    let mut rest = granules;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = |granule: &&&RemoteGranule| {
            bytes += granule.size.estimate();
            bytes <= BATCH_BYTES
        };
        let count = rest.iter().take(BATCH).take_while(fits).count().max(1);
        let (batch, after) = rest.split_at(count);
        batches.push(batch);
        rest = after;
    }
    batches
}

/// What a collection holds: at most one granule per product, schema and half orbit.
struct Held(HashMap<(Product, Schema, HalfOrbit), GranuleFacts>);

impl Held {
    fn of(location: &str, store: &StoreOptions) -> Result<Self, Error> {
        let options = OpenOptions {
            store: StoreOptions {
                read_only: true,
                ..store.clone()
            },
            snapshot: None,
        };
        let mut held = HashMap::new();
        let collection = match Collection::open(location, &options) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self(held)),
            other => other?,
        };
        for group in collection.groups() {
            let key = group.key();
            for facts in group.granules()? {
                held.insert((key.product, key.schema, facts.half_orbit), facts.clone());
            }
        }
        Ok(Self(held))
    }

    /// True if a granule of this version or a later one is there whole; with `replace`, and of the same size.
    fn has(&self, granule: &RemoteGranule, replace: bool) -> bool {
        let name = &granule.name;
        let key = name
            .schema()
            .map(|schema| (name.product, schema, name.half_orbit));
        key.and_then(|key| self.0.get(&key)).is_some_and(|facts| {
            let is_same_size = granule.size.exact().is_none_or(|size| size == facts.size);
            facts.state == GranuleState::Whole
                && facts.version >= name.version
                && (!replace || facts.version > name.version || is_same_size)
        })
    }
}

/// A sync under way.
struct Run<'a> {
    provider: &'a Provider,
    location: &'a str,
    folder: &'a Path,
    options: &'a SyncOptions,
    progress: &'a dyn Progress,
}

impl Run<'_> {
    /// Fetches some granules and ingests them.
    fn bring(&self, batch: &[&RemoteGranule], report: &mut SyncReport) -> Result<(), Error> {
        let (here, away): (Vec<&RemoteGranule>, Vec<&RemoteGranule>) = batch
            .iter()
            .copied()
            .partition(|granule| matches!(granule.location, Location::File(_)));
        // Files of this machine are ingested where they lie.
        let mut inputs: Vec<PathBuf> = here
            .iter()
            .filter_map(|granule| match &granule.location {
                Location::File(path) => Some(path.clone()),
                _ => None,
            })
            .collect();
        if !away.is_empty() {
            let away: Vec<RemoteGranule> = away.into_iter().cloned().collect();
            let options = GetOptions {
                rate: self.options.rate,
                ..GetOptions::default()
            };
            let got = self.provider.get(&away, self.folder, &options, self.progress)?;
            report.bytes += got.bytes;
            for granule in got.granules {
                match granule.outcome {
                    "failed" => report.failed.push(granule),
                    _ => {
                        report.fetched += usize::from(granule.outcome == "fetched");
                        inputs.push(self.folder.join(&granule.file));
                    }
                }
            }
        }
        if inputs.is_empty() {
            return Ok(());
        }
        let ingested = ingest(&inputs, self.location, &self.options.ingest, self.progress)?;
        report.snapshots.extend(ingested.snapshots);
        for granule in ingested.granules {
            match granule.outcome {
                "refused" => report.refused.push(granule),
                outcome => {
                    report.stored += usize::from(matches!(outcome, "added" | "replaced" | "merged"));
                    self.discard(&granule.file);
                }
            }
        }
        Ok(())
    }

    /// Removes a file that the collection has, unless somebody wants it or it was never ours.
    fn discard(&self, file: &Path) {
        if self.options.keep.is_none() && file.parent() == Some(self.folder) {
            // It may not be there; one that stays costs room and nothing else.
            let _ = std::fs::remove_file(file);
        }
    }

    /// Removes the folder if nothing of worth is left in it.
    fn tidy(&self) {
        let is_ledger = |entry: &std::fs::DirEntry| entry.file_name() == ".karin-ledger.jsonl";
        let Ok(entries) = std::fs::read_dir(self.folder) else {
            return;
        };
        if entries.filter_map(Result::ok).all(|entry| is_ledger(&entry)) {
            let _ = std::fs::remove_file(self.folder.join(".karin-ledger.jsonl"));
            let _ = std::fs::remove_dir(self.folder);
        }
    }
}
