//! Addresses of granules, as users type them among other sources.

use url::Url;

use crate::places::Place;
use crate::{AccessError, Location};

/// Ends of names that only files have, not collections.
const FILES: [&str; 5] = [".nc", ".nc4", ".h5", ".hdf5", ".he5"];

impl Location {
    /// The granule that a text is the address of; `None` for paths, and for addresses of collections (`memory://…`,
    /// `s3://…` without the ending of a netCDF file).
    ///
    /// # Errors
    /// If it is an address of a granule that cannot be asked: of an unknown scheme, or with a user and password in it.
    pub fn of_address(text: &str) -> Result<Option<Self>, AccessError> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Ok(None);
        };
        let is_file = FILES.iter().any(|end| rest.to_ascii_lowercase().ends_with(end));
        match scheme {
            "s3" if is_file => {
                let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
                if bucket.is_empty() || key.is_empty() {
                    return Err(AccessError::option(text, "expected s3://BUCKET/KEY"));
                }
                Ok(Some(Self::S3 {
                    bucket: bucket.to_owned(),
                    key: key.to_owned(),
                }))
            }
            "http" | "https" | "sftp" | "scp" | "ftp" => match Place::parse(text) {
                Ok(Place::Web(url)) => Ok(Some(Self::Http(url))),
                Ok(Place::Files(url)) => Ok(Some(Self::Files(url))),
                Err(AccessError::Option { reason, .. }) => Err(AccessError::option("SOURCES", reason)),
                Err(error) => Err(error),
                Ok(_) => Ok(None),
            },
            _ => Ok(None),
        }
    }

    /// The name of the file: the last part of the address.
    pub fn file_name(&self) -> String {
        let last = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        match self {
            Self::File(path) => path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            Self::Http(url) | Self::Files(url) => last(url.path()),
            Self::S3 { key, .. } => last(key),
        }
    }

    /// True if its address has a query. It may hold a key: addresses that were signed carry one there.
    pub fn has_query(&self) -> bool {
        match self {
            Self::Http(url) | Self::Files(url) => url.query().is_some(),
            Self::S3 { .. } | Self::File(_) => false,
        }
    }

    /// The server that it lies at, as a place that may be asked.
    pub fn server(&self) -> Option<Place> {
        let of = |url: &Url| url.join("/").ok();
        match self {
            Self::Http(url) => of(url).map(Place::Web),
            Self::Files(url) => of(url).map(Place::Files),
            Self::S3 { .. } | Self::File(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_granules_are_told_from_those_of_collections() {
        let name = |text: &str| {
            Location::of_address(text)
                .unwrap()
                .map(|location| location.file_name())
        };
        assert_eq!(name("https://h/a/x.nc?key=1").as_deref(), Some("x.nc"));
        assert_eq!(name("s3://b/a/x.nc").as_deref(), Some("x.nc"));
        assert_eq!(name("sftp://h:2221/a/x.nc").as_deref(), Some("x.nc"));
        let over = |scheme: &str| Location::of_address(&format!("{scheme}://me@h/a/x.nc")).unwrap();
        assert_eq!(over("scp"), over("sftp"));
        for text in ["a/b.nc", "s3://b/collection", "memory://x", "file:///a/b.nc"] {
            assert_eq!(name(text), None, "{text}");
        }
        let error = Location::of_address("https://me:canary@h/x.nc")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("carries no password") && !error.contains("canary"),
            "{error}"
        );
    }
}
