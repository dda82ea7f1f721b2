//! FTP, in passive mode, with data connections to the server itself and to no other.

use std::sync::Arc;

use bytes::BytesMut;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use suppaftp::list::{File as Entry, ListParser};
use suppaftp::tokio::{AsyncFtpStream, AsyncNoTlsStream, TransferStream};
use suppaftp::types::FileType;
use suppaftp::{FtpError, Mode, Status};
use tokio::io::AsyncReadExt as _;
use url::Url;

use super::pool::{Lent, Pool};
use super::{From, Hosts, Opened, Stamp, below, failed, host_of, path_of, port_of, seat_of};
use crate::credentials::{Account, Found};
use crate::error::shown;
use crate::http::accounts::is_private;
use crate::places::tree::{File, Folder, Listing};
use crate::{AccessError, Location, Settings, Size};

/// Bytes that are handed on at once.
const BLOCK: usize = 256 << 10;

type Data = TransferStream<AsyncNoTlsStream>;

/// How to reach servers over FTP.
pub(super) struct Ftp {
    pool: Arc<Pool<AsyncFtpStream>>,
    hosts: Arc<Hosts>,
    /// Whether an account may go over the net unencrypted.
    plain: bool,
}

impl Ftp {
    pub(super) fn new(settings: &Settings, hosts: Arc<Hosts>) -> Self {
        Self {
            pool: Pool::new(settings.connections()),
            hosts,
            plain: settings.is_true("ftp.plain"),
        }
    }

    async fn borrow(&self, url: &Url) -> Result<Lent<AsyncFtpStream>, AccessError> {
        self.pool
            .borrow(&seat_of(url), async || self.connect(url).await)
            .await
    }

    async fn connect(&self, url: &Url) -> Result<AsyncFtpStream, AccessError> {
        let found = self.hosts.account(url);
        let account = match &found.account {
            Some((Account::Password { user, password }, _)) if is_for(url, user) => Some((user, password)),
            _ => None,
        };
        if account.is_some() && !self.plain && !is_private(url) {
            let reason =
                "an account would go to it unencrypted: take sftp, or allow it with --set ftp.plain=true";
            return Err(AccessError::refused(url, reason));
        }
        let server = (host_of(url), port_of(url));
        let connected = AsyncFtpStream::connect((server.0.as_str(), server.1)).await;
        let mut ftp = connected.map_err(|error| told(url, error, None))?;
        // The server names a port, never another machine.
        ftp.set_passive_nat_workaround(true);
        if server.0.contains(':') {
            ftp.set_mode(Mode::ExtendedPassive);
        }
        let (user, password) = match account {
            Some((user, password)) => (user.as_str(), password.reveal()),
            None => ("anonymous", "karin"),
        };
        let secret = account.map(|(_, password)| password.reveal());
        ftp.login(user, password).await.map_err(|error| match error {
            FtpError::UnexpectedResponse(ref answer) if answer.status == Status::NotLoggedIn => {
                refused(url, &found, account.is_some())
            }
            error => told(url, error, secret),
        })?;
        let binary = ftp.transfer_type(FileType::Binary).await;
        binary.map_err(|error| told(url, error, secret))?;
        Ok(ftp)
    }

    /// What a folder holds, by `MLSD` where the server knows it, else by the lines of `LIST`, whose times say too little
    /// to be compared.
    pub(super) async fn list(&self, url: &Url) -> Result<Listing, AccessError> {
        let mut lent = self.borrow(url).await?;
        let path = path_of(url)?;
        let ftp = &mut lent.connection;
        let (entries, is_exact): (Vec<Entry>, bool) = match ftp.mlsd(Some(&path)).await {
            Ok(lines) => (read(&lines, ListParser::parse_mlsd), true),
            Err(FtpError::UnexpectedResponse(answer)) if is_unknown(answer.status) => {
                let lines = ftp
                    .list(Some(&path))
                    .await
                    .map_err(|error| told(url, error, None))?;
                let unix = read(&lines, ListParser::parse_posix);
                let entries = if unix.is_empty() {
                    read(&lines, ListParser::parse_dos)
                } else {
                    unix
                };
                (entries, false)
            }
            Err(error) => return Err(told(url, error, None)),
        };
        let mut listing = Listing::default();
        for entry in entries {
            let Some(address) = below(url, entry.name()) else {
                continue;
            };
            let name = entry.name().to_owned();
            if entry.is_directory() {
                listing.folders.push(Folder {
                    name,
                    address: address.into(),
                });
            } else if name.ends_with(".nc") {
                let since = entry.modified().duration_since(std::time::UNIX_EPOCH);
                listing.files.push(File {
                    name,
                    // A link has the length of its target's name.
                    size: if entry.is_file() {
                        Size::Exact(entry.size() as u64)
                    } else {
                        Size::Unknown
                    },
                    checksum: None,
                    modified: since
                        .ok()
                        .filter(|_| is_exact)
                        .map(|since| since.as_secs().to_string()),
                    location: Location::Files(address),
                });
            }
        }
        lent.give_back();
        Ok(listing)
    }

    /// Opens a file.
    pub(super) async fn open(&self, url: &Url, from: From<'_>) -> Result<Opened, AccessError> {
        let mut lent = self.borrow(url).await?;
        let path = path_of(url)?;
        let stamp = stamp_of(url, &path, &mut lent.connection).await?;
        let start = from(&stamp).min(stamp.size);
        if start == stamp.size {
            lent.give_back();
            return Ok(Opened {
                stamp,
                start,
                chunks: stream::empty().boxed(),
            });
        }
        let ftp = &mut lent.connection;
        if start > 0 {
            let offset = usize::try_from(start).unwrap_or(usize::MAX);
            let resumed = ftp.resume_transfer(offset).await;
            resumed.map_err(|error| told(url, error, None))?;
        }
        let data = ftp
            .retr_as_stream(&path)
            .await
            .map_err(|error| told(url, error, None))?;
        Ok(Opened {
            stamp: stamp.clone(),
            start,
            chunks: chunks(url.clone(), path, stamp, data, lent),
        })
    }
}

/// The bytes of a file to its end, where the server says whether that was all, and is asked for the file once more.
fn chunks(
    url: Url,
    path: String,
    stamp: Stamp,
    data: Data,
    lent: Lent<AsyncFtpStream>,
) -> BoxStream<'static, Result<bytes::Bytes, AccessError>> {
    let state = Some((url, path, stamp, data, lent));
    stream::try_unfold(state, |state| async move {
        let Some((url, path, stamp, mut data, mut lent)) = state else {
            return Ok(None);
        };
        let mut block = BytesMut::with_capacity(BLOCK);
        let read = data.read_buf(&mut block).await;
        let read = read.map_err(|error| AccessError::unreachable(&url, error.to_string()))?;
        if read > 0 {
            return Ok(Some((block.freeze(), Some((url, path, stamp, data, lent)))));
        }
        data.finish().await.map_err(|error| told(&url, error, None))?;
        if stamp_of(&url, &path, &mut lent.connection).await? != stamp {
            return Err(AccessError::changed(&url));
        }
        lent.give_back();
        Ok(None)
    })
    .boxed()
}

/// Size and, where the server tells it, time of the last change.
async fn stamp_of(url: &Url, path: &str, ftp: &mut AsyncFtpStream) -> Result<Stamp, AccessError> {
    let size = ftp.size(path).await.map_err(|error| told(url, error, None))?;
    let modified = match ftp.mdtm(path).await {
        Ok(time) => Some(time.and_utc().timestamp().to_string()),
        Err(FtpError::UnexpectedResponse(_) | FtpError::BadResponse) => None,
        Err(error) => return Err(told(url, error, None)),
    };
    Ok(Stamp {
        size: size as u64,
        modified,
    })
}

/// The lines of a listing that can be read; servers add totals and notes.
fn read<E>(lines: &[String], parse: impl Fn(&str) -> Result<Entry, E>) -> Vec<Entry> {
    lines.iter().filter_map(|line| parse(line).ok()).collect()
}

/// True if a user is the one that an address names, or it names none.
fn is_for(url: &Url, user: &str) -> bool {
    let named = percent_encoding::percent_decode_str(url.username()).decode_utf8_lossy();
    named.is_empty() || named == user
}

fn is_unknown(status: Status) -> bool {
    matches!(
        status,
        Status::BadCommand | Status::BadArguments | Status::NotImplemented | Status::NotImplementedParameter
    )
}

/// What the server says, as an error of ours; not quoted if it repeats the secret.
fn told(url: &Url, error: FtpError, secret: Option<&str>) -> AccessError {
    match &error {
        FtpError::UnexpectedResponse(answer) => {
            let words = error.to_string();
            let words = match secret {
                Some(secret) if words.contains(secret) => format!("it answers {}", answer.status.code()),
                _ => words,
            };
            let words: String = words
                .chars()
                .filter(|letter| !letter.is_control())
                .take(200)
                .collect();
            failed(url, words, answer.status == Status::FileUnavailable)
        }
        error => AccessError::unreachable(url, error.to_string()),
    }
}

/// The server does not take the account, or wants one.
fn refused(url: &Url, found: &Found, had_account: bool) -> AccessError {
    let mut reason = match (&found.account, had_account) {
        (Some((_, source)), true) => format!("it does not accept the account from {source}"),
        _ => format!(
            "it takes no anonymous guests, and no account is known here; write `machine {} login USER password WORD` \
             into a .netrc",
            host_of(url)
        ),
    };
    for source in &found.passed_over {
        reason = format!("{reason}; passed over: {source}");
    }
    AccessError::NotLetIn {
        url: shown(url),
        reason,
    }
}
