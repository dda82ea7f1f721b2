//! Servers of files over SFTP and FTP: folders listed, files read from any byte on.
//!
//! An address is `sftp://[USER@]HOST[:PORT]/PATH` or the same with `ftp`; `/~/` is the folder that the server opens
//! after the login. It carries a user, never a password.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::BoxStream;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::credentials::{Credentials, Service};
use crate::error::shown;
use crate::places::tree::Listing;
use crate::{AccessError, Settings};

mod ftp;
mod pool;
mod sftp;

/// How to reach servers of files.
pub(crate) struct Files {
    sftp: sftp::Sftp,
    ftp: ftp::Ftp,
    /// How long listing a folder or opening a file may take.
    patience: Duration,
}

/// Which state of a file it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub size: u64,
    /// When it was changed last, in the server's words.
    pub modified: Option<String>,
}

/// A file that is open.
pub(crate) struct Opened {
    pub stamp: Stamp,
    /// Place of the first byte that comes.
    pub start: u64,
    pub chunks: BoxStream<'static, Result<Bytes, AccessError>>,
}

/// Says from which byte on a file is read.
pub(crate) type From<'a> = &'a (dyn Fn(&Stamp) -> u64 + Send + Sync);

impl Files {
    pub(crate) fn new(settings: &Settings, credentials: &Arc<Credentials>) -> Self {
        let hosts = Arc::new(Hosts::new(settings, Arc::clone(credentials)));
        Self {
            sftp: sftp::Sftp::new(settings, Arc::clone(&hosts)),
            ftp: ftp::Ftp::new(settings, hosts),
            patience: (settings.stall() * 4).clamp(Duration::from_secs(1), Duration::from_secs(30)),
        }
    }

    /// What a folder holds.
    pub(crate) async fn list(&self, url: &Url) -> Result<Listing, AccessError> {
        let listing = async {
            match url.scheme() {
                "sftp" => self.sftp.list(url).await,
                _ => self.ftp.list(url).await,
            }
        };
        self.in_time(url, listing).await
    }

    /// Which state of a file is there. None of its bytes move.
    pub(crate) async fn stamp(&self, url: &Url) -> Result<Stamp, AccessError> {
        let end = |stamp: &Stamp| stamp.size;
        Ok(self.open(url, &end, None).await?.stamp)
    }

    /// Opens a file, and reads it from the byte on that `from` says; nobody needs more than what lies before `to`.
    pub(crate) async fn open(
        &self,
        url: &Url,
        from: From<'_>,
        to: Option<u64>,
    ) -> Result<Opened, AccessError> {
        let opened = async {
            match url.scheme() {
                "sftp" => self.sftp.open(url, from, to).await,
                _ => self.ftp.open(url, from).await,
            }
        };
        self.in_time(url, opened).await
    }

    async fn in_time<T>(
        &self,
        url: &Url,
        future: impl Future<Output = Result<T, AccessError>>,
    ) -> Result<T, AccessError> {
        let late =
            || AccessError::unreachable(url, format!("no answer for {:.0} s", self.patience.as_secs_f64()));
        let answer = tokio::time::timeout(self.patience, future).await;
        answer.unwrap_or_else(|_| Err(late()))
    }
}

/// Connections hide what opened them.
impl std::fmt::Debug for Files {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Files")
    }
}

/// Which account a host gets.
pub(super) struct Hosts {
    credentials: Arc<Credentials>,
    /// Hosts of AVISO, which take the account of AVISO.
    aviso: Vec<String>,
}

impl Hosts {
    fn new(settings: &Settings, credentials: Arc<Credentials>) -> Self {
        let keys = ["aviso.sftp", "aviso.ftp"];
        let aviso = keys.iter().filter_map(|key| settings.url(key).ok());
        Self {
            credentials,
            aviso: aviso.map(|url| server_of(&url)).collect(),
        }
    }

    /// What is known of the account for an address. What a file says of the very host comes before what is known of
    /// AVISO.
    pub(super) fn account(&self, url: &Url) -> crate::credentials::Found {
        let mut found = self.credentials.of_host(&host_of(url));
        if found.account.is_none() && self.aviso.contains(&server_of(url)) {
            let of_aviso = self.credentials.of(Service::Aviso).clone();
            found.account = of_aviso.account;
            found.passed_over.extend(of_aviso.passed_over);
        }
        found
    }
}

/// The host of an address, in lower case and without brackets.
fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
    host.trim_matches(['[', ']']).to_owned()
}

/// The port of an address.
fn port_of(url: &Url) -> u16 {
    let usual = if url.scheme() == "sftp" { 22 } else { 21 };
    url.port().unwrap_or(usual)
}

/// Scheme, host and port.
fn server_of(url: &Url) -> String {
    format!("{}://{}:{}", url.scheme(), host_of(url), port_of(url))
}

/// Scheme, user, host and port: connections of different users are different ones.
fn seat_of(url: &Url) -> String {
    format!("{}@{}", url.username(), server_of(url))
}

/// The path of an address as the server understands it.
///
/// # Errors
/// If it holds what would end a command of FTP.
fn path_of(url: &Url) -> Result<String, AccessError> {
    let path = percent_decode_str(url.path()).decode_utf8_lossy().into_owned();
    if path.chars().any(char::is_control) {
        return Err(AccessError::refused(url, "its path holds a control character"));
    }
    Ok(match path.strip_prefix("/~/") {
        Some("") => ".".to_owned(),
        Some(below) => below.to_owned(),
        None if path.is_empty() => "/".to_owned(),
        None => path,
    })
}

/// The address of what lies below a folder.
fn below(folder: &Url, name: &str) -> Option<Url> {
    let is_plain = !name.contains('/') && !name.chars().any(char::is_control);
    let mut url = folder.clone();
    url.path_segments_mut().ok()?.pop_if_empty().push(name);
    (is_plain && !matches!(name, "" | "." | "..")).then_some(url)
}

/// What a server of files says, as an error of ours.
fn failed(url: &Url, reason: impl std::fmt::Display, missing: bool) -> AccessError {
    AccessError::Store {
        location: shown(url),
        reason: reason.to_string(),
        missing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_hosts_ports_and_paths() {
        let url = |text: &str| Url::parse(text).unwrap();
        let odd = url("sftp://Me@FTP-Access.example:2221/swot%20products/a");
        assert_eq!(server_of(&odd), "sftp://ftp-access.example:2221");
        assert_eq!(path_of(&odd).unwrap(), "/swot products/a");
        assert_eq!(port_of(&url("sftp://h/x")), 22);
        assert_eq!(port_of(&url("ftp://h/x")), 21);
        assert_eq!(host_of(&url("sftp://[::1]:9/x")), "::1");
        assert_eq!(path_of(&url("sftp://h/~/data")).unwrap(), "data");
        assert_eq!(path_of(&url("sftp://h")).unwrap(), "/");
        for evil in ["ftp://h/a%0d%0aDELE%20x", "ftp://h/a%00"] {
            assert!(path_of(&url(evil)).is_err(), "{evil}");
        }
    }

    #[test]
    fn names_cannot_leave_their_folder() {
        let folder = Url::parse("sftp://h/a/").unwrap();
        assert_eq!(below(&folder, "b c.nc").unwrap().as_str(), "sftp://h/a/b%20c.nc");
        for name in ["", ".", "..", "x/y", "/etc/passwd", "a\r\nDELE b"] {
            assert!(below(&folder, name).is_none(), "{name}");
        }
    }
}
