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

mod crop;

use crop::{Crops, name_of};

/// How to sync.
#[derive(Clone, Debug, Default)]
pub struct SyncOptions {
    /// How to ingest. `dry_run` says what would be fetched and does nothing.
    pub ingest: IngestOptions,
    /// Folder in which the files stay; `None`: they go once the collection has them.
    pub keep: Option<PathBuf>,
    /// Keep only the lines that touch the region of the selection: granules become partial, and take no place of whole
    /// ones.
    pub crop: bool,
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
    /// Granules without a pixel inside the region that they were to be cropped to.
    #[serde(skip_serializing_if = "is_zero")]
    pub outside: usize,
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

fn is_zero(count: &usize) -> bool {
    *count == 0
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
    let mut crops = match (options.crop, &selection.region) {
        (false, _) => None,
        (true, Some(region)) => Some(Crops::open(beside(location, provider, "crops.jsonl"), region)),
        (true, None) => {
            return Err(Error::option(
                "--crop",
                "says to what only beside --bbox or --polygon",
            ));
        }
    };
    let is_done = |granule: &RemoteGranule| {
        let by_crops = |crops: &Crops| crops.has(&granule.file_name, held.has_part(granule));
        held.has(granule, options.ingest.replace) || crops.as_ref().is_some_and(by_crops)
    };
    let missing: Vec<&RemoteGranule> = found
        .granules
        .iter()
        .filter(|granule| !is_done(granule))
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
            .unwrap_or_else(|| beside(location, provider, "incoming"));
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
            run.bring(batch, &mut crops, &mut report)?;
        }
        if options.keep.is_none() {
            run.tidy();
        }
    }
    report.seconds = start.elapsed().as_secs_f64();
    Ok(report)
}

/// Where something lies that belongs to a collection: beside one in a folder, in the cache for one in a bucket.
fn beside(location: &str, provider: &Provider, what: &str) -> PathBuf {
    let plain = location.strip_prefix("file://").unwrap_or(location);
    match plain.contains("://") {
        false => PathBuf::from(format!("{}.{what}", plain.trim_end_matches('/'))),
        true => {
            let name = blake3::hash(location.as_bytes()).to_hex();
            let cache = provider.cache().unwrap_or(Path::new(".karin"));
            cache.join(what).join(name.as_str())
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

    fn facts(&self, granule: &RemoteGranule) -> Option<&GranuleFacts> {
        let name = &granule.name;
        let schema = name.schema()?;
        self.0.get(&(name.product, schema, name.half_orbit))
    }

    /// True if a granule of this version or a later one is there, whole or in part.
    fn has_part(&self, granule: &RemoteGranule) -> bool {
        self.facts(granule)
            .is_some_and(|facts| facts.version >= granule.name.version)
    }

    /// True if a granule of this version or a later one is there whole; with `replace`, and of the same size.
    fn has(&self, granule: &RemoteGranule, replace: bool) -> bool {
        let name = &granule.name;
        self.facts(granule).is_some_and(|facts| {
            let is_same_size = granule.size.exact().is_none_or(|size| size == facts.size);
            facts.state == GranuleState::Whole
                && facts.version >= name.version
                && (!replace || facts.version > name.version || is_same_size)
        })
    }
}

/// True for the ledger, and for the note of a part that has its name by now: a run that is killed in between leaves it.
fn is_worthless(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_note = name.ends_with(".part.json") && !path.with_extension("").exists();
    name == ".karin-ledger.jsonl" || is_note
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
    fn bring(
        &self,
        batch: &[&RemoteGranule],
        crops: &mut Option<Crops>,
        report: &mut SyncReport,
    ) -> Result<(), Error> {
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
        match crops {
            None => self.ingest(&inputs, report).map(drop),
            Some(crops) => self.crop_and_ingest(&inputs, crops, report),
        }
    }

    /// Ingests files; gives the names of those that the collection has now.
    fn ingest(&self, files: &[PathBuf], report: &mut SyncReport) -> Result<Vec<String>, Error> {
        let ingested = ingest(files, self.location, &self.options.ingest, self.progress)?;
        report.snapshots.extend(ingested.snapshots);
        let mut done = Vec::new();
        for granule in ingested.granules {
            match granule.outcome {
                "refused" => report.refused.push(granule),
                outcome => {
                    report.stored += usize::from(matches!(outcome, "added" | "replaced" | "merged"));
                    self.discard(&granule.file);
                    done.push(name_of(&granule.file));
                }
            }
        }
        Ok(done)
    }

    /// Ingests the lines of files that lie inside, and notes what needs no second look.
    fn crop_and_ingest(
        &self,
        files: &[PathBuf],
        crops: &mut Crops,
        report: &mut SyncReport,
    ) -> Result<(), Error> {
        let folder = self.folder.join("cropped");
        let cropped = crops.crop(files, &folder, self.options.ingest.resources, self.progress)?;
        report.outside += cropped.outside.len();
        let done = match cropped.inside.is_empty() {
            true => Vec::new(),
            false => self.ingest(&cropped.inside, report)?,
        };
        for name in done.iter().chain(&cropped.outside) {
            self.discard(&self.folder.join(name));
        }
        crops.add(cropped.outside, true)?;
        crops.add(done, false)?;
        // It holds copies alone.
        std::fs::remove_dir_all(&folder).map_err(|error| Error::io(&folder, "remove", error))
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
        let Ok(entries) = std::fs::read_dir(self.folder) else {
            return;
        };
        let left: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
        if left.iter().all(|path| is_worthless(path)) {
            left.iter().for_each(|path| drop(std::fs::remove_file(path)));
            let _ = std::fs::remove_dir(self.folder);
        }
    }
}
