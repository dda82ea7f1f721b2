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
    opened: Mutex<VecDeque<Opened>>,
    /// Those that could not be opened a moment ago, and why: trying for as long as patience lasts, again, tells the same.
    failed: Mutex<BTreeMap<usize, (Instant, ErrorKind, String)>>,
}

/// A granule that is open.
struct Opened {
    index: usize,
    source: Arc<RemoteFile>,
    /// Its structure, and what it was read for; `None` in place of names: all.
    file: Option<(Option<Vec<String>>, Arc<NcFile>)>,
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
            if asked.insert(server) {
                // What is wrong with it is told when its turn comes.
                let _ = granules.patiently(index, || granules.source(index, location, progress));
            }
            let open = || granules.file(index, None).ok();
            entries.push(Entry::of_file(location.file_name(), 0, open, progress));
        }
        granules.entries = entries;
        granules
    }

    /// A granule that is open for all of these variables (`None`: for all that it has), or is opened now.
    fn file(&self, index: usize, names: Option<&[String]>) -> Result<Arc<NcFile>, DatasetError> {
        let location = self
            .locations
            .get(index)
            .ok_or_else(|| DatasetError::invalid("granules", "", "no such granule"))?;
        let known = locked(&self.opened)
            .iter()
            .find(|opened| opened.index == index)
            .and_then(|opened| opened.file.clone());
        if let Some((of, file)) = known
            && (!file.is_part() || of.as_deref() == names)
        {
            return Ok(file);
        }
        let file = self.patiently(index, || {
            let source = self.source(index, location, &NoProgress)?;
            Ok(Arc::new(structure(source, names)?))
        })?;
        let mut opened = locked(&self.opened);
        if let Some(opened) = opened.iter_mut().find(|opened| opened.index == index) {
            opened.file = Some((names.map(<[String]>::to_vec), Arc::clone(&file)));
        }
        Ok(file)
    }

    /// The bytes of a granule, opened now or before.
    fn source(
        &self,
        index: usize,
        location: &Location,
        progress: &dyn Progress,
    ) -> Result<Arc<RemoteFile>, Error> {
        if let Some(opened) = locked(&self.opened).iter().find(|opened| opened.index == index) {
            return Ok(Arc::clone(&opened.source));
        }
        let source = Arc::new(RemoteFile::open(&self.access, location, progress)?);
        let mut opened = locked(&self.opened);
        opened.push_back(Opened {
            index,
            source: Arc::clone(&source),
            file: None,
        });
        if opened.len() > MOST_OPEN {
            opened.pop_front();
        }
        Ok(source)
    }

    /// What `open` makes of a granule; what could not be opened says so again for a while without being asked for.
    fn patiently<T>(&self, index: usize, open: impl FnOnce() -> Result<T, Error>) -> Result<T, DatasetError> {
        let name = self
            .locations
            .get(index)
            .map(ToString::to_string)
            .unwrap_or_default();
        let said = |kind, reason: &str| DatasetError::new(kind, &name, "", reason);
        if let Some((when, kind, reason)) = locked(&self.failed).get(&index)
            && when.elapsed() < AGAIN_AFTER
        {
            return Err(said(*kind, reason));
        }
        open().map_err(|error| {
            let (kind, reason) = (error.kind(), error.to_string());
            let failure = said(kind, &reason);
            // Whoever stopped may want it again at once.
            if kind != ErrorKind::Cancelled {
                locked(&self.failed).insert(index, (Instant::now(), kind, reason));
            }
            failure
        })
    }
}

/// The structure of a granule: of these variables, where they can be understood without the others.
fn structure(source: Arc<RemoteFile>, names: Option<&[String]>) -> Result<NcFile, Error> {
    let part = names
        .map(|names| NcFile::for_variables(source.clone(), names))
        .transpose()?;
    match part.flatten() {
        Some(file) => Ok(file),
        None => Ok(NcFile::from_source(source)?),
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
        Ok(self.file(index, None)?)
    }

    fn is_far(&self, _: usize) -> bool {
        true
    }

    fn open_for(&self, index: usize, names: &[String]) -> Result<Arc<dyn Dataset>, DatasetError> {
        Ok(self.file(index, Some(names))?)
    }
}
