//! Servers that virtual granules of collections lie at.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use karin_access::{Access, AccessError, Allowed, Location, RemoteFile, Settings, word_to_allow};
use karin_core::{ErrorKind, NoProgress, Progress, SourceError, Stop};
use karin_store::{Location as CollectionPlace, RemoteOrigin, Servers, StoreOptions};

use super::remote::{reach_until, settings_of};
use crate::Error;
use crate::provider::ProviderOptions;

/// Options of a store with what reading virtual granules at servers takes. Nothing is asked until one is read. `named`
/// are granules that the user names in the same run: collections may send their reader to where they lie.
pub fn with_servers(
    store: &StoreOptions,
    provider: &ProviderOptions,
    named: &[Location],
    progress: &dyn Progress,
) -> StoreOptions {
    let servers = OriginServers {
        named: named.to_vec(),
        provider: provider.clone(),
        store: store.clone(),
        stop: progress.stop(),
        reached: Mutex::default(),
    };
    StoreOptions {
        servers: Some(Arc::new(servers)),
        ..store.clone()
    }
}

/// Opens files at addresses that a collection names, where the user lets collections go.
#[derive(Debug)]
struct OriginServers {
    named: Vec<Location>,
    provider: ProviderOptions,
    store: StoreOptions,
    stop: Stop,
    /// Set up when the first file is opened.
    reached: Mutex<Option<Arc<Reached>>>,
}

/// Where collections may go, and the way there.
#[derive(Debug)]
struct Reached {
    allowed: Allowed,
    access: Arc<Access>,
}

impl OriginServers {
    fn settings(&self) -> Result<Settings, Error> {
        settings_of(&self.provider, &self.store)
    }

    fn reached(&self) -> Result<Arc<Reached>, Error> {
        let mut reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reached) = reached.as_ref() {
            return Ok(Arc::clone(reached));
        }
        let settings = self.settings()?;
        let allowed = Allowed::new(&settings, &self.named)?;
        let servers = allowed.web_servers();
        let access = reach_until(&servers, &settings, &self.provider, self.stop.clone())?;
        let new = Arc::new(Reached { allowed, access });
        *reached = Some(Arc::clone(&new));
        Ok(new)
    }

    fn reach(&self, collection: &CollectionPlace, address: &str) -> Result<RemoteOrigin, Error> {
        let location = Location::of_address(address)?;
        let location = location.ok_or_else(|| Error::option(address, "not the address of a granule"))?;
        let reached = self.reached()?;
        let beside = || is_beside(&location, collection).then(|| location.clone());
        let allowed = reached.allowed.find(&location).or_else(beside);
        let allowed = allowed.ok_or_else(|| not_allowed(&location))?;
        open(&reached.access, &allowed)
    }
}

/// True in the bucket of the collection: whoever reads that one has named the bucket.
fn is_beside(location: &Location, collection: &CollectionPlace) -> bool {
    match (location, collection) {
        (Location::S3 { bucket, .. }, CollectionPlace::S3 { bucket: own, .. }) => bucket == own,
        _ => false,
    }
}

fn not_allowed(location: &Location) -> Error {
    let reason = format!(
        "a collection refers to it, and collections may come from anybody; to let them send you there: {}",
        word_to_allow(location)
    );
    Error::Access(AccessError::Refused {
        url: location.to_string(),
        reason,
    })
}

/// The bytes of a granule, and which version of it they are.
pub(crate) fn open(access: &Arc<Access>, location: &Location) -> Result<RemoteOrigin, Error> {
    let file = RemoteFile::open(access, location, &NoProgress)?;
    Ok(RemoteOrigin {
        stamp: file.version().map(ToOwned::to_owned),
        modified: file.modified(),
        source: Arc::new(file),
    })
}

/// The error of a file that whoever tells it names.
fn told(error: Error) -> SourceError {
    let reason = match &error {
        Error::Access(AccessError::Refused { reason, .. }) => format!("not asked: {reason}"),
        error if error.kind() == ErrorKind::NotFound => format!("not there any more: {error}"),
        error => error.to_string(),
    };
    SourceError {
        kind: error.kind(),
        reason,
    }
}

impl Servers for OriginServers {
    fn open(&self, collection: &CollectionPlace, address: &str) -> Result<RemoteOrigin, SourceError> {
        self.reach(collection, address).map_err(told)
    }

    fn allow_file(&self, path: &Path) -> Result<(), SourceError> {
        let location = Location::File(path.to_owned());
        let allowed = self.reached().map_err(told)?.allowed.find(&location);
        allowed.map(|_| ()).ok_or_else(|| told(not_allowed(&location)))
    }

    fn buckets(&self) -> Result<(Option<String>, Option<String>), SourceError> {
        let settings = self.settings().map_err(told)?;
        let (endpoint, region) = settings.buckets();
        Ok((endpoint.map(ToOwned::to_owned), region.map(ToOwned::to_owned)))
    }
}
