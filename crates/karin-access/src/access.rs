//! The one handle to all providers.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use karin_core::{Progress, Stop};
use serde::Serialize;
use tokio::runtime::Runtime;
use url::Url;

use crate::catalog::Catalogs;
use crate::choose::choose;
use crate::credentials::Credentials;
use crate::error::shown;
use crate::files::Files;
use crate::http::Http;
use crate::places::bucket::Bucket;
use crate::places::tree::{Harvest, Listing, walk};
use crate::places::{Place, aviso, bucket, cmr, files, folder, index, thredds};
use crate::retry::Patience;
use crate::{AccessError, RemoteGranule, Settings, Wanted};

/// A handle to all providers: connections, accounts, settings.
#[derive(Debug)]
pub struct Access {
    pub(crate) settings: Settings,
    pub(crate) http: Arc<Http>,
    pub(crate) files: Files,
    pub(crate) runtime: Runtime,
    /// Bytes that this process has put into the cache of granules.
    pub(crate) cache_written: AtomicU64,
    /// Told by whoever reads granules where they lie that the user wants to stop.
    pub(crate) stop: Stop,
    buckets: Mutex<HashMap<String, Bucket>>,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The granules, in the order of time; one version of each unless all are wanted.
    pub granules: Vec<RemoteGranule>,
    /// What could not be asked.
    pub left_out: Vec<LeftOut>,
    /// Requests that were sent to servers of catalogues.
    pub requests: u64,
}

/// A part of a place that could not be asked.
#[derive(Clone, Debug, Serialize)]
pub struct LeftOut {
    /// The folder or catalogue.
    pub place: String,
    /// Why.
    pub reason: String,
}

impl Access {
    /// Sets up connections; nothing is asked yet. `places` are those that will be asked: their servers count as named
    /// by the user.
    ///
    /// # Errors
    /// If a setting makes no sense, or threads or encryption cannot be set up.
    pub fn new(settings: &Settings, credentials: Credentials, places: &[Place]) -> Result<Self, AccessError> {
        let also: Vec<Url> = places
            .iter()
            .filter_map(|place| match place {
                Place::Web(url) => Some(url.clone()),
                _ => None,
            })
            .collect();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("karin-access")
            .enable_all()
            .build()
            .map_err(|source| AccessError::file(".".as_ref(), "starting threads", source))?;
        let credentials = Arc::new(credentials);
        Ok(Self {
            settings: settings.clone(),
            files: Files::new(settings, &credentials),
            http: Arc::new(Http::new(settings, credentials, &also)?),
            runtime,
            cache_written: AtomicU64::new(0),
            stop: Stop::default(),
            buckets: Mutex::default(),
        })
    }

    /// The same handle, whose readers of remote granules give up once they are told to stop.
    #[must_use]
    pub fn stopping(mut self, stop: Stop) -> Self {
        self.stop = stop;
        self
    }

    /// A bucket, reached once.
    pub(crate) fn bucket(&self, name: &str) -> Result<Bucket, AccessError> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = buckets.get(name) {
            return Ok(known.clone());
        }
        let opened = bucket::open(&self.settings, &self.http, name)?;
        buckets.insert(name.to_owned(), opened.clone());
        Ok(opened)
    }

    /// Catalogues of web servers, through the cache.
    pub(crate) fn catalogs<'a>(&'a self, progress: &'a dyn Progress) -> Catalogs<'a> {
        Catalogs {
            http: &self.http,
            patience: Patience::new(&self.settings, progress),
            folder: self.settings.cache.as_ref().map(|cache| cache.join("catalogues")),
            fresh: self.settings.fresh(),
            requests: AtomicU64::new(0),
        }
    }

    /// The wanted granules of a place. Catalogues younger than the setting `catalog.fresh` are not asked for again.
    ///
    /// # Errors
    /// If the place cannot be asked at all; parts that cannot are told in [`Found::left_out`].
    pub fn find(
        &self,
        wanted: &Wanted,
        place: &Place,
        progress: &dyn Progress,
    ) -> Result<Found, AccessError> {
        let catalogs = self.catalogs(progress);
        let at_a_time = self.settings.connections();
        progress.start("searching", 0, 0);
        let harvest = self.runtime.block_on(async {
            match place {
                Place::Aviso => match aviso::root(&self.settings, wanted.product)? {
                    aviso::Root::Catalog(root) => {
                        self.walk_web(wanted, &catalogs, &root, progress, thredds::parse)
                            .await
                    }
                    aviso::Root::Folder(root) => files::find(wanted, self, &root, progress).await,
                },
                Place::Podaac => cmr::find(wanted, &catalogs, &self.settings, progress).await,
                Place::Files(url) => files::find(wanted, self, url, progress).await,
                Place::Folder(path) => folder::find(wanted, path, at_a_time, progress).await,
                Place::Web(url) if is_thredds(url) => {
                    self.walk_web(wanted, &catalogs, &catalog_of(url), progress, thredds::parse)
                        .await
                }
                Place::Web(url) => {
                    let parse = |here: &Url, page: &[u8]| Ok(index::parse(here, page));
                    self.walk_web(wanted, &catalogs, &folder_of(url), progress, parse)
                        .await
                }
                Place::Bucket { bucket, prefix } => {
                    bucket::find(wanted, self, bucket, prefix, progress).await
                }
            }
        });
        progress.finish();
        let harvest = harvest?;
        let left_out = harvest.left_out.into_iter().map(|(place, error)| LeftOut {
            place: Url::parse(&place).map_or(place, |url| shown(&url)),
            reason: error.to_string(),
        });
        Ok(Found {
            granules: choose(harvest.granules, &wanted.version),
            left_out: left_out.collect(),
            requests: catalogs.requests.into_inner(),
        })
    }

    /// Walks a tree whose folders are answers of a web server that `parse` reads.
    async fn walk_web(
        &self,
        wanted: &Wanted,
        catalogs: &Catalogs<'_>,
        root: &Url,
        progress: &dyn Progress,
        parse: impl Fn(&Url, &[u8]) -> Result<Listing, String>,
    ) -> Result<Harvest, AccessError> {
        let parse = &parse;
        let list = |address: String| async move {
            let here = Url::parse(&address);
            let here = here.map_err(|error| AccessError::option("--from", error.to_string()))?;
            let body = catalogs.read(&here).await?;
            parse(&here, &body).map_err(|reason| AccessError::answer(&here, reason))
        };
        walk(
            wanted,
            root.to_string(),
            self.settings.connections(),
            progress,
            list,
        )
        .await
    }
}

/// The same address with a slash at its end, so that links lie below it.
fn folder_of(url: &Url) -> Url {
    let mut url = url.clone();
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    url
}

/// True for addresses of THREDDS catalogues.
fn is_thredds(url: &Url) -> bool {
    url.path().contains("/thredds/catalog") || url.path().ends_with("/catalog.xml")
}

/// The catalogue of an address: people copy that of the page.
fn catalog_of(url: &Url) -> Url {
    let mut url = url.clone();
    let path = url.path().to_owned();
    match path.strip_suffix(".html") {
        Some(stem) => url.set_path(&format!("{stem}.xml")),
        None if !path.ends_with(".xml") => {
            url.set_path(&format!("{}/catalog.xml", path.trim_end_matches('/')))
        }
        None => {}
    }
    url
}
