//! Granules at servers and in buckets, read where they lie.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use karin_access::{Access, Credentials, Location, Place, RemoteFile, Settings};
use karin_core::{Dataset, DatasetError, NoProgress, Progress};
use karin_engine::{Entry, Source};
use karin_netcdf::NcFile;
use karin_store::StoreOptions;

use crate::Error;
use crate::provider::ProviderOptions;

/// A handle to the servers of these granules. What is said of how to reach collections in S3 holds for granules there,
/// unless the settings say otherwise.
pub(crate) fn reach(
    locations: &[Location],
    provider: &ProviderOptions,
    store: &StoreOptions,
) -> Result<Arc<Access>, Error> {
    let own = [("s3.endpoint", &store.endpoint), ("s3.region", &store.region)];
    let own = own
        .into_iter()
        .filter_map(|(key, value)| Some(format!("{key}={}", value.as_ref()?)));
    let flags: Vec<String> = own.chain(provider.set.iter().cloned()).collect();
    let settings = Settings::load(&flags)?;
    let credentials = Credentials::new(&settings, provider.credentials.clone());
    let servers: BTreeSet<String> = locations
        .iter()
        .filter_map(|location| location.server().map(|place| place.to_string()))
        .collect();
    let servers = servers.iter().filter_map(|server| Place::parse(server).ok());
    let servers: Vec<Place> = servers.collect();
    Ok(Arc::new(Access::new(&settings, credentials, &servers)?))
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
}

/// Granules that stay open.
const MOST_OPEN: usize = 64;

impl RemoteGranules {
    /// All of them; nothing is asked, except of the first of each server, so that what its server cannot do is told to
    /// `progress`, and of files whose names are not those of granules.
    pub(super) fn new(access: Arc<Access>, mut locations: Vec<Location>, progress: &dyn Progress) -> Self {
        let mut asked = BTreeSet::new();
        locations.dedup();
        let mut opened = VecDeque::new();
        let mut entries = Vec::with_capacity(locations.len());
        for (index, location) in locations.iter().enumerate() {
            let server = location.server().map(|place| place.to_string());
            // What is wrong with it is told when the granule's turn comes.
            let is_first = asked.insert(server);
            let first = is_first.then(|| read(&access, location, progress).ok()).flatten();
            let first = first.map(Arc::new);
            opened.extend(first.clone().map(|file| (index, file)));
            let open = || first.or_else(|| read(&access, location, &NoProgress).ok().map(Arc::new));
            entries.push(Entry::of_file(location.file_name(), 0, open, progress));
        }
        opened.truncate(MOST_OPEN);
        Self {
            access,
            locations,
            entries,
            opened: Mutex::new(opened),
        }
    }

    fn file(&self, index: usize, location: &Location) -> Result<Arc<NcFile>, Error> {
        let kept = || self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, file)) = kept().iter().find(|(known, _)| *known == index) {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(read(&self.access, location, &NoProgress)?);
        let mut kept = kept();
        kept.push_back((index, Arc::clone(&file)));
        if kept.len() > MOST_OPEN {
            kept.pop_front();
        }
        Ok(file)
    }
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
        let opened = self.file(index, location).map(|file| file as Arc<dyn Dataset>);
        opened.map_err(|error| DatasetError::new(error.kind(), &location.to_string(), "", error.to_string()))
    }
}
