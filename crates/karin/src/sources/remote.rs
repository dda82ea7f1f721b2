//! Granules at servers and in buckets, read where they lie.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use karin_access::{Access, Credentials, Location, Place, RemoteFile, Settings};
use karin_core::{Dataset, DatasetError, ErrorKind, NoProgress, Progress, Stop};
use karin_engine::{Entry, Source};
use karin_netcdf::NcFile;
use karin_store::StoreOptions;

use crate::Error;
use crate::provider::ProviderOptions;

/// A handle to the servers of these granules. What is said of how to reach collections in S3 holds for granules there,
/// unless the settings say otherwise. Reading ends when `progress` is told to stop.
pub(crate) fn reach(
    locations: &[Location],
    provider: &ProviderOptions,
    store: &StoreOptions,
    progress: &dyn Progress,
) -> Result<Arc<Access>, Error> {
    let servers: BTreeSet<String> = locations
        .iter()
        .filter_map(|location| location.server().map(|place| place.to_string()))
        .collect();
    let servers = servers.iter().filter_map(|server| Place::parse(server).ok());
    let servers: Vec<Place> = servers.collect();
    let settings = settings_of(provider, store)?;
    reach_until(&servers, &settings, provider, progress.stop())
}

/// A handle to servers, until it is told to stop.
pub(super) fn reach_until(
    servers: &[Place],
    settings: &Settings,
    provider: &ProviderOptions,
    stop: Stop,
) -> Result<Arc<Access>, Error> {
    let credentials = Credentials::new(settings, provider.credentials.clone());
    let access = Access::new(settings, credentials, servers)?;
    Ok(Arc::new(access.stopping(stop)))
}

/// Settings of providers; what they do not say of S3 is that of collections there.
pub(super) fn settings_of(provider: &ProviderOptions, store: &StoreOptions) -> Result<Settings, Error> {
    let own = [("s3.endpoint", &store.endpoint), ("s3.region", &store.region)];
    let own = own
        .into_iter()
        .filter_map(|(key, value)| Some(format!("{key}={}", value.as_ref()?)));
    let flags: Vec<String> = own.chain(provider.set.iter().cloned()).collect();
    Ok(Settings::load(&flags)?)
}

/// Opens a granule: on first contact its structure is read, later it comes from the cache.
pub(crate) fn read(
    access: &Arc<Access>,
    location: &Location,
    progress: &dyn Progress,
) -> Result<NcFile, Error> {
    let file = RemoteFile::open(access, location, progress)?;
    Ok(NcFile::from_source(Arc::new(file))?)
}

/// Granules at servers and in buckets.
pub struct RemoteGranules {
    access: Arc<Access>,
    locations: Vec<Location>,
    entries: Vec<Entry>,
    /// The granules that were opened last: opening one anew costs a request.
    opened: Mutex<VecDeque<(usize, Arc<NcFile>)>>,
    /// Those that could not be opened a moment ago, and why: trying for as long as patience lasts, again, tells the same.
    failed: Mutex<BTreeMap<usize, (Instant, ErrorKind, String)>>,
}

/// Granules that stay open.
const MOST_OPEN: usize = 64;
/// For how long a granule that could not be opened is not asked for again.
const AGAIN_AFTER: Duration = Duration::from_secs(30);

impl RemoteGranules {
    /// All of them; nothing is asked, except of the first of each server, so that what its server cannot do is told to
    /// `progress`, and of files whose names are not those of granules.
    pub(super) fn new(access: Arc<Access>, mut locations: Vec<Location>, progress: &dyn Progress) -> Self {
        locations.dedup();
        let mut granules = Self {
            access,
            locations,
            entries: Vec::new(),
            opened: Mutex::default(),
            failed: Mutex::default(),
        };
        let mut asked = BTreeSet::new();
        let mut entries = Vec::with_capacity(granules.locations.len());
        for (index, location) in granules.locations.iter().enumerate() {
            let server = location.server().map(|place| place.to_string());
            let told: &dyn Progress = if asked.insert(server) {
                // What is wrong with it is told when its turn comes.
                let _ = granules.file(index, location, progress);
                progress
            } else {
                &NoProgress
            };
            let open = || granules.file(index, location, told).ok();
            entries.push(Entry::of_file(location.file_name(), 0, open, progress));
        }
        granules.entries = entries;
        granules
    }

    /// A granule that is open, or is opened now; what cannot be opened says so again for a while without being asked for.
    fn file(
        &self,
        index: usize,
        location: &Location,
        progress: &dyn Progress,
    ) -> Result<Arc<NcFile>, DatasetError> {
        if let Some((_, file)) = locked(&self.opened).iter().find(|(known, _)| *known == index) {
            return Ok(Arc::clone(file));
        }
        let said = |kind, reason: &str| DatasetError::new(kind, &location.to_string(), "", reason);
        if let Some((when, kind, reason)) = locked(&self.failed).get(&index)
            && when.elapsed() < AGAIN_AFTER
        {
            return Err(said(*kind, reason));
        }
        let file = match read(&self.access, location, progress) {
            Ok(file) => Arc::new(file),
            Err(error) => {
                let (kind, reason) = (error.kind(), error.to_string());
                let failure = said(kind, &reason);
                // Whoever stopped may want it again at once.
                if kind != ErrorKind::Cancelled {
                    locked(&self.failed).insert(index, (Instant::now(), kind, reason));
                }
                return Err(failure);
            }
        };
        let mut opened = locked(&self.opened);
        opened.push_back((index, Arc::clone(&file)));
        if opened.len() > MOST_OPEN {
            opened.pop_front();
        }
        Ok(file)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Source for RemoteGranules {
    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn open(&self, index: usize) -> Result<Arc<dyn Dataset>, DatasetError> {
        let location = self
            .locations
            .get(index)
            .ok_or_else(|| DatasetError::invalid("granules", "", "no such granule"))?;
        Ok(self.file(index, location, &NoProgress)?)
    }
}
