//! Catalogues of web servers, kept on disk: one that is younger than `catalog.fresh` is not asked for, an older one is
//! asked for on the condition that it changed.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use reqwest::header::{ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::AccessError;
use crate::http::{Ask, Http, Reply};
use crate::retry::{Patience, retry};

/// Bytes that a catalogue may have: AVISO's largest has some 600 entries of 300 bytes.
const LIMIT: usize = 64 << 20;

/// Catalogues, read through a cache.
pub(crate) struct Catalogs<'a> {
    pub http: &'a Http,
    pub patience: Patience<'a>,
    /// Folder of the cache; `None`: nothing is kept.
    pub folder: Option<PathBuf>,
    /// Seconds for which a catalogue is taken as it is.
    pub fresh: f64,
    /// Requests that were sent.
    pub requests: AtomicU64,
}

/// What is remembered beside a body.
#[derive(Serialize, Deserialize)]
struct Kept {
    url: String,
    etag: Option<String>,
    last_modified: Option<String>,
    /// SHA-256 of the body.
    sha256: String,
}

impl Catalogs<'_> {
    /// The bytes of a catalogue.
    pub(crate) async fn read(&self, url: &Url) -> Result<Vec<u8>, AccessError> {
        let place = self
            .folder
            .as_ref()
            .map(|folder| folder.join(hex(&Sha256::digest(url.as_str()))));
        let kept = place.as_deref().and_then(|place| load(place, url));
        if let Some((_, body, age)) = &kept
            && age.as_secs_f64() < self.fresh
        {
            return Ok(body.clone());
        }
        let mut ask = Ask::get(url);
        if let Some((kept, _, _)) = &kept {
            let conditions = [
                (IF_NONE_MATCH, &kept.etag),
                (IF_MODIFIED_SINCE, &kept.last_modified),
            ];
            for (name, value) in conditions {
                if let Some(value) = value {
                    ask = ask.header(name, value);
                }
            }
        }
        let (kept_headers, body) = retry(&self.patience, || self.ask(&ask)).await?;
        match (body, kept) {
            (Some(body), _) => {
                if let Some(place) = &place {
                    // A full disk costs the next run a request, nothing else.
                    let _ = save(place, url, kept_headers, &body);
                }
                Ok(body)
            }
            (None, Some((_, body, _))) => {
                if let Some(place) = &place {
                    let _ = std::fs::File::options()
                        .write(true)
                        .open(place)
                        .and_then(|file| file.set_modified(SystemTime::now()));
                }
                Ok(body)
            }
            (None, None) => Err(AccessError::answer(
                url,
                "'not modified', but nothing was known of it",
            )),
        }
    }

    /// The validators and the body; no body if nothing changed.
    async fn ask(&self, ask: &Ask) -> Result<([Option<String>; 2], Option<Vec<u8>>), AccessError> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let reply: Reply = self.http.send(ask).await?;
        let validators = [ETAG, LAST_MODIFIED].map(|name| reply.header(&name).map(ToOwned::to_owned));
        match reply.status() {
            200 => Ok((validators, Some(reply.body(LIMIT).await?))),
            304 => Ok((validators, None)),
            _ => Err(self.http.error_of(reply).await),
        }
    }
}

/// What the cache holds of an address, and how old that is; nothing if it is damaged.
fn load(place: &Path, url: &Url) -> Option<(Kept, Vec<u8>, Duration)> {
    let age = std::fs::metadata(place).ok()?.modified().ok()?.elapsed().ok()?;
    let bytes = std::fs::read(place).ok()?;
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let kept: Kept = serde_json::from_slice(bytes.get(..end)?).ok()?;
    let body = bytes.get(end + 1..)?.to_vec();
    let is_whole = kept.url == url.as_str() && kept.sha256 == hex(&Sha256::digest(&body));
    is_whole.then_some((kept, body, age))
}

fn save(
    place: &Path,
    url: &Url,
    [etag, last_modified]: [Option<String>; 2],
    body: &[u8],
) -> std::io::Result<()> {
    let Some(folder) = place.parent() else {
        return Ok(());
    };
    std::fs::create_dir_all(folder)?;
    let kept = Kept {
        url: url.as_str().to_owned(),
        etag,
        last_modified,
        sha256: hex(&Sha256::digest(body)),
    };
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer(&mut file, &kept)?;
    file.write_all(b"\n")?;
    file.write_all(body)?;
    file.persist(place)?;
    Ok(())
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
