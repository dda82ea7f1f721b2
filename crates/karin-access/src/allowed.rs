//! Where a collection may send its reader: only to places that the reader has named.
//!
//! Collections come from anybody, and virtual granules in them name servers and buckets. Asking one of these tells it
//! who reads, and may show it an account or a signature; so the reader says which, in the setting `virtual.allowed` or
//! by naming a source there in the same run. The providers that the settings name are allowed as they stand.

use std::path::{Path, PathBuf};

use url::Url;

use crate::places::Place;
use crate::{AccessError, Location, Settings};

/// Servers of providers that the settings name.
const PROVIDERS: [&str; 4] = ["aviso.catalog", "aviso.sftp", "aviso.ftp", "podaac.archive"];

/// Places that collections may refer to.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    servers: Vec<Url>,
    /// Buckets, each with a prefix that may be empty.
    buckets: Vec<(String, String)>,
    folders: Vec<PathBuf>,
}

impl Allowed {
    /// What the settings name, and the servers and buckets of granules that the user named in this run.
    ///
    /// # Errors
    /// If a setting is no place.
    pub fn new(settings: &Settings, named: &[Location]) -> Result<Self, AccessError> {
        let mut allowed = Self::default();
        for key in PROVIDERS {
            allowed.servers.push(settings.url(key)?);
        }
        let bucket = settings.text("podaac.bucket").map(ToOwned::to_owned);
        allowed
            .buckets
            .extend(bucket.map(|bucket| (bucket, String::new())));
        let words = settings.text("virtual.allowed").unwrap_or_default().split(',');
        for word in words.map(str::trim).filter(|word| !word.is_empty()) {
            allowed.add(word)?;
        }
        for location in named {
            match location {
                Location::Http(url) | Location::Files(url) => allowed.servers.push(url.clone()),
                Location::S3 { bucket, .. } => allowed.buckets.push((bucket.clone(), String::new())),
                Location::File(path) => allowed.folders.push(path.clone()),
            }
        }
        Ok(allowed)
    }

    fn add(&mut self, word: &str) -> Result<(), AccessError> {
        let wrong = |reason: &str| AccessError::option("virtual.allowed", format!("'{word}': {reason}"));
        if let Some(path) = word.strip_prefix("file://") {
            if !path.starts_with('/') {
                return Err(wrong("expected file:///FOLDER"));
            }
            self.folders.push(path.into());
            return Ok(());
        }
        match word.contains("://").then(|| Place::parse(word)) {
            Some(Ok(Place::Web(url) | Place::Files(url))) => self.servers.push(url),
            Some(Ok(Place::Bucket { bucket, prefix })) => self.buckets.push((bucket, prefix)),
            Some(Err(AccessError::Option { reason, .. })) => return Err(wrong(&reason)),
            _ => {
                return Err(wrong(
                    "expected https://HOST, s3://BUCKET, sftp://USER@HOST or file:///FOLDER",
                ));
            }
        }
        Ok(())
    }

    /// The location as a collection may refer to it, or nothing if it may not. At a server of files the user is the one
    /// that was named with it: collections name none.
    pub fn find(&self, location: &Location) -> Option<Location> {
        let is_allowed = match location {
            Location::Http(url) => self.server_of(url).is_some(),
            Location::Files(url) => {
                let known = self.server_of(url)?;
                let mut own = url.clone();
                // It fails for addresses that cannot have a user.
                let _ = own.set_username(known.username());
                return Some(Location::Files(own));
            }
            Location::S3 { bucket, key } => self
                .buckets
                .iter()
                .any(|(known, prefix)| known == bucket && is_below(key, prefix)),
            Location::File(path) => self.folders.iter().any(|folder| path.starts_with(folder)),
        };
        is_allowed.then(|| location.clone())
    }

    fn server_of(&self, url: &Url) -> Option<&Url> {
        self.servers.iter().find(|server| is_same_server(server, url))
    }

    /// The servers of the web among them, which the user has named.
    pub fn web_servers(&self) -> Vec<Place> {
        let is_web = |url: &&Url| matches!(url.scheme(), "http" | "https");
        self.servers
            .iter()
            .filter(is_web)
            .cloned()
            .map(Place::Web)
            .collect()
    }
}

/// What to type so that collections may refer to a place.
pub fn word_to_allow(location: &Location) -> String {
    let place = match location {
        Location::S3 { bucket, .. } => format!("s3://{bucket}"),
        Location::File(path) => format!("file://{}", path.parent().unwrap_or(Path::new("/")).display()),
        Location::Http(url) | Location::Files(url) => {
            let user = if url.scheme() == "sftp" { "USER@" } else { "" };
            let host = url.host_str().unwrap_or_default();
            let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
            format!("{}://{user}{host}{port}", url.scheme())
        }
    };
    format!("--set virtual.allowed={place}")
}

fn is_same_server(allowed: &Url, asked: &Url) -> bool {
    let port = |url: &Url| match url.scheme() {
        "sftp" => Some(url.port().unwrap_or(22)),
        _ => url.port_or_known_default(),
    };
    allowed.scheme() == asked.scheme() && allowed.host() == asked.host() && port(allowed) == port(asked)
}

/// True if a key lies below a prefix, which ends between two parts of it.
fn is_below(key: &str, prefix: &str) -> bool {
    prefix.is_empty()
        || key
            .strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(words: &str) -> Result<Allowed, AccessError> {
        let flags = [format!("virtual.allowed={words}")];
        Allowed::new(&Settings::from(&flags, &|_| None)?, &[])
    }

    fn at(address: &str) -> Location {
        match address.strip_prefix("file://") {
            Some(path) => Location::File(path.into()),
            None => Location::of_address(address).unwrap().unwrap(),
        }
    }

    #[test]
    fn only_what_was_named_is_allowed() {
        let allowed =
            allowed("https://h:8443, s3://open, s3://shared/swot/ ,sftp://me@h:2221/a,file:///data/swot")
                .unwrap();
        for yes in [
            "https://h:8443/a/x.nc",
            "s3://open/a/x.nc",
            "s3://shared/swot/x.nc",
            "sftp://h:2221/b/x.nc",
            "file:///data/swot/a/x.nc",
            "https://archive.swot.podaac.earthdata.nasa.gov/a/x.nc",
            "s3://podaac-swot-ops-cumulus-protected/x.nc",
        ] {
            assert!(allowed.find(&at(yes)).is_some(), "{yes}");
        }
        for no in [
            "https://h/a/x.nc",
            "http://h:8443/a/x.nc",
            "https://h.evil:8443/x.nc",
            "https://evil/h:8443/x.nc",
            "s3://opener/x.nc",
            "s3://shared/swots/x.nc",
            "s3://shared/x.nc",
            "sftp://h/b/x.nc",
            "ftp://h:2221/x.nc",
            "file:///data/swots/x.nc",
            "http://169.254.169.254/latest/x.nc",
        ] {
            assert!(allowed.find(&at(no)).is_none(), "{no}");
        }
    }

    #[test]
    fn the_user_of_a_server_of_files_is_the_readers() {
        let found = allowed("sftp://me@h:2221")
            .unwrap()
            .find(&at("sftp://h:2221/b/x.nc"));
        assert_eq!(found, Some(at("sftp://me@h:2221/b/x.nc")));
        assert_eq!(
            allowed("scp://me@h:2221")
                .unwrap()
                .find(&at("sftp://h:2221/b/x.nc")),
            found
        );
        let found = allowed("sftp://h").unwrap().find(&at("sftp://you@h:22/x.nc"));
        assert_eq!(found, Some(at("sftp://h:22/x.nc")));
    }

    #[test]
    fn what_is_no_place_is_told() {
        for (word, reason) in [
            ("h", "expected https://HOST"),
            ("file://x", "file:///FOLDER"),
            ("gopher://h", "gopher:// is not known"),
            ("https://me:canary@h", "no password"),
        ] {
            let error = allowed(word).unwrap_err().to_string();
            assert!(
                error.contains(reason) && error.contains("virtual.allowed"),
                "{error}"
            );
        }
    }

    #[test]
    fn what_to_type_allows_it() {
        for address in [
            "https://h:8443/a/x.nc",
            "s3://b/a/x.nc",
            "sftp://h/x.nc",
            "file:///a/b/x.nc",
        ] {
            let word = word_to_allow(&at(address));
            let word = word.strip_prefix("--set virtual.allowed=").unwrap();
            let found = allowed(word).unwrap().find(&at(address));
            assert!(found.is_some(), "{address}: {word}");
        }
    }
}
