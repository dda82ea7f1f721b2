//! Copernicus Marine: where a dataset lies (client configuration, STAC), its native files, and the objects of its Zarr
//! stores. Everything is read without an account, as the service offers it.

use karin_core::Progress;
use md5::{Digest as _, Md5};
use reqwest::header::ETAG;
use url::Url;

pub use describe::{
    CopernicusCoordinate, CopernicusDescription, CopernicusService, CopernicusVariable, CopernicusVersion,
    KnownVersion,
};

use crate::catalog::{Catalogs, hex};
use crate::error::shown;
use crate::http::Ask;
use crate::retry::{Patience, retry, until_cancelled};
use crate::transfer::{Download, Limit};
use crate::{Access, AccessError, Location, Size};

mod describe;
mod listing;
pub(crate) mod stac;

/// Bytes that an object of a Zarr store may have: chunks are some megabytes.
const LARGEST_OBJECT: usize = 256 << 20;

/// A dataset of Copernicus Marine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopernicusDataset {
    /// The product that it belongs to.
    pub product: String,
    /// Its name.
    pub dataset: String,
    /// Its version, as `202411`.
    pub version: String,
    /// Folder of its files.
    pub native: Option<Url>,
    /// Zarr stores of its grid: in chunks that are short in time, and in chunks that are small in space.
    pub stores: Vec<Url>,
}

impl Access {
    /// Looks a dataset up; the newest version that is released, unless one is named.
    ///
    /// # Errors
    /// If there is no such dataset or version, or the service cannot be asked.
    pub fn copernicus(
        &self,
        dataset: &str,
        version: Option<&str>,
        progress: &dyn Progress,
    ) -> Result<CopernicusDataset, AccessError> {
        let catalogs = self.catalogs(progress);
        let config = self.copernicus_config()?;
        let found = self
            .runtime
            .block_on(stac::find(&catalogs, &config, dataset, version))?;
        for store in &found.stores {
            self.http.allow(store, self.settings.grid_connections());
        }
        Ok(found)
    }

    /// What the catalogue tells of a dataset: variables, axes and services of one version (the newest that is released, if
    /// none is named) or of `all`.
    ///
    /// # Errors
    /// As [`Access::copernicus`].
    pub fn copernicus_description(
        &self,
        dataset: &str,
        version: Option<&str>,
        progress: &dyn Progress,
    ) -> Result<CopernicusDescription, AccessError> {
        let catalogs = self.catalogs(progress);
        let config = self.copernicus_config()?;
        self.runtime
            .block_on(stac::describe(&catalogs, &config, dataset, version))
    }

    /// Where the service tells its clients where its catalogues are.
    pub(crate) fn copernicus_config(&self) -> Result<Url, AccessError> {
        let config = self.settings.text("cmems.config").unwrap_or_default();
        Url::parse(config).map_err(|error| AccessError::option("cmems.config", error.to_string()))
    }

    /// Requests at a time to the store of a grid.
    pub fn grid_connections(&self) -> usize {
        self.settings.grid_connections()
    }

    /// The native files of a dataset, by name.
    ///
    /// # Errors
    /// If it has none, or the service cannot be asked.
    pub fn copernicus_files(
        &self,
        dataset: &CopernicusDataset,
        progress: &dyn Progress,
    ) -> Result<Vec<Download>, AccessError> {
        let Some(folder) = &dataset.native else {
            let reason = format!(
                "{} offers no files, only a grid: say which part with --bbox, --time, --vars",
                dataset.dataset
            );
            return Err(AccessError::option("cmems", reason));
        };
        let catalogs = self.catalogs(progress);
        progress.start("searching", 0, 0);
        let objects = self.runtime.block_on(listing::all(&catalogs, folder, progress));
        progress.finish();
        let files = objects?.into_iter().filter_map(|object| {
            let name = object.key.rsplit('/').next()?.to_owned();
            let is_file = name.ends_with(".nc") && crate::granule::is_safe_file_name(&name);
            let location = listing::address(folder, &object.key)?;
            is_file.then_some(Download {
                file_name: name,
                half_orbit: String::new(),
                size: Size::Exact(object.size),
                checksum: None,
                modified: Some(object.modified),
                location: Location::Http(location),
            })
        });
        let mut files: Vec<_> = files.collect();
        files.sort_by(|a, b| a.file_name.cmp(&b.file_name));
        Ok(files)
    }

    /// The bytes of an object; `None` if there is none: the service answers 403 or 404 for chunks that hold nothing.
    ///
    /// # Errors
    /// If it cannot be had, or the user wants to stop.
    pub fn object(
        &self,
        url: &Url,
        limit: &Limit,
        progress: &dyn Progress,
    ) -> Result<Option<Vec<u8>>, AccessError> {
        let patience = Patience::new(&self.settings, progress);
        self.runtime.block_on(async {
            let object = retry(&patience, || self.fetch_object(url)).await?;
            let bytes = object.as_ref().map_or(0, Vec::len);
            until_cancelled(progress, limit.take(bytes)).await?;
            Ok(object)
        })
    }

    async fn fetch_object(&self, url: &Url) -> Result<Option<Vec<u8>>, AccessError> {
        let reply = self.http.send(&Ask::get(&signed(url))).await?;
        match reply.status() {
            200 if reply.is_page() => Err(AccessError::answer(url, "a page for people came instead of data")),
            200 => {
                let etag = reply.header(&ETAG).map(ToOwned::to_owned);
                let body = reply.body(LARGEST_OBJECT).await?;
                check(url, etag.as_deref(), &body)?;
                Ok(Some(body))
            }
            403 | 404 => Ok(None),
            _ => Err(self.http.error_of(reply).await),
        }
    }
}

/// Checks an object against its `ETag`, which is the MD5 of its bytes unless it was stored in parts. The chunks themselves
/// hold no checksum.
fn check(url: &Url, etag: Option<&str>, body: &[u8]) -> Result<(), AccessError> {
    let expected = etag
        .map(|etag| etag.trim_matches('"').to_ascii_lowercase())
        .unwrap_or_default();
    if expected.len() != 32 || !expected.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(());
    }
    let found = hex(&Md5::digest(body));
    match found == expected {
        true => Ok(()),
        false => Err(AccessError::Mismatch {
            file: shown(url),
            what: "MD5",
            expected,
            found,
        }),
    }
}

/// The address with the name of the client, which the service asks for.
fn signed(url: &Url) -> Url {
    let mut url = url.clone();
    url.query_pairs_mut()
        .append_pair("x-cop-client", "karin")
        .append_pair("x-cop-client-version", env!("CARGO_PKG_VERSION"));
    url
}

/// The JSON of a catalogue, kept and asked for on a condition as all catalogues.
async fn json(catalogs: &Catalogs<'_>, url: &Url) -> Result<serde_json::Value, AccessError> {
    let body = catalogs.read(url).await?;
    serde_json::from_slice(&body)
        .map_err(|error| AccessError::answer(url, format!("not a catalogue: {error}")))
}
