//! SFTP: a session of SSH with a server whose key is known, and the file transfer over it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use russh::client::{self, Handle};
use russh_sftp::client::error::Error as SftpError;
use russh_sftp::client::fs::{File as RemoteFile, Metadata};
use russh_sftp::client::{Config, SftpSession};
use russh_sftp::protocol::{FileType, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use url::Url;

use super::pool::{Lent, Pool};
use super::{From, Hosts, Opened, Stamp, below, failed, host_of, path_of, port_of, seat_of};
use crate::places::tree::{File, Folder, Listing};
use crate::{AccessError, Location, Settings, Size};

mod host_key;
mod sign_in;

use host_key::{Broken, HostKey};

/// Bytes that are handed on at once.
const BLOCK: usize = 256 << 10;

/// How to reach servers over SFTP.
pub(super) struct Sftp {
    pool: Arc<Pool<Session>>,
    hosts: Arc<Hosts>,
    known_hosts: PathBuf,
    key: Option<PathBuf>,
    stall: Duration,
}

/// A session, and the connection that it lives on.
struct Session {
    sftp: SftpSession,
    _ssh: Handle<HostKey>,
}

impl Sftp {
    pub(super) fn new(settings: &Settings, hosts: Arc<Hosts>) -> Self {
        let home = std::env::home_dir().unwrap_or_default();
        let known_hosts = settings.text("sftp.known_hosts").map(PathBuf::from);
        Self {
            pool: Pool::new(settings.connections()),
            hosts,
            known_hosts: known_hosts.unwrap_or_else(|| home.join(".ssh/known_hosts")),
            key: settings.text("sftp.key").map(PathBuf::from),
            stall: settings.stall(),
        }
    }

    async fn borrow(&self, url: &Url) -> Result<Lent<Session>, AccessError> {
        self.pool
            .borrow(&seat_of(url), async || self.connect(url).await)
            .await
    }

    async fn connect(&self, url: &Url) -> Result<Session, AccessError> {
        let (host, port) = (host_of(url), port_of(url));
        let known = host_key::known(&self.known_hosts, &host, port);
        let config = client::Config {
            preferred: host_key::preferred(&known),
            keepalive_interval: Some(self.stall.max(Duration::from_secs(1))),
            nodelay: true,
            ..client::Config::default()
        };
        let check = HostKey::new(&self.known_hosts, known, &host, port);
        let connected = client::connect(Arc::new(config), (host.as_str(), port), check).await;
        let mut ssh = connected.map_err(|broken| match broken {
            Broken::Key(reason) => AccessError::HostKey {
                server: format!("{host}:{port}"),
                reason,
            },
            Broken::Ssh(error) => AccessError::unreachable(url, error.to_string()),
        })?;
        sign_in::sign_in(&mut ssh, url, &self.hosts.account(url), self.key.as_deref()).await?;
        let broken = |error: russh::Error| AccessError::unreachable(url, error.to_string());
        let channel = ssh.channel_open_session().await.map_err(broken)?;
        channel.request_subsystem(true, "sftp").await.map_err(broken)?;
        let config = Config {
            request_timeout_secs: self.stall.as_secs().max(1),
            ..Config::default()
        };
        let sftp = SftpSession::new_with_config(channel.into_stream(), config).await;
        let sftp =
            sftp.map_err(|error| AccessError::unreachable(url, format!("it offers no SFTP: {error}")))?;
        Ok(Session { sftp, _ssh: ssh })
    }

    /// What a folder holds. Symbolic links are followed; a folder behind one is named as it really is, so that loops
    /// end.
    pub(super) async fn list(&self, url: &Url) -> Result<Listing, AccessError> {
        let lent = self.borrow(url).await?;
        let sftp = &lent.connection.sftp;
        let entries = sftp
            .read_dir(path_of(url)?)
            .await
            .map_err(|error| told(url, error))?;
        let mut listing = Listing::default();
        for entry in entries {
            let (name, mut facts) = (entry.file_name(), entry.metadata());
            let Some(mut address) = below(url, &name) else {
                continue;
            };
            if entry.file_type() == FileType::Symlink {
                // What cannot be followed is not there.
                let Ok(real) = sftp.metadata(entry.path()).await else {
                    continue;
                };
                facts = real;
                if facts.is_dir()
                    && let Ok(real) = sftp.canonicalize(entry.path()).await
                {
                    address.set_path(&real);
                }
            }
            match facts.file_type() {
                FileType::Dir => listing.folders.push(Folder {
                    name,
                    address: address.into(),
                }),
                FileType::File if name.ends_with(".nc") => listing.files.push(File {
                    name,
                    size: facts.size.map_or(Size::Unknown, Size::Exact),
                    checksum: None,
                    modified: facts.mtime.map(|seconds| seconds.to_string()),
                    location: Location::Files(address),
                }),
                _ => {}
            }
        }
        lent.give_back();
        Ok(listing)
    }

    /// Opens a file. The server is asked for many blocks at a time. If nobody needs more than a block before `to`, the
    /// connection serves others after it.
    pub(super) async fn open(
        &self,
        url: &Url,
        from: From<'_>,
        to: Option<u64>,
    ) -> Result<Opened, AccessError> {
        let lent = self.borrow(url).await?;
        let opened = lent.connection.sftp.open(path_of(url)?).await;
        let mut file = opened.map_err(|error| told(url, error))?;
        let stamp = stamp_of(url, &file).await?;
        let start = from(&stamp).min(stamp.size);
        if start == stamp.size {
            lent.give_back();
            return Ok(Opened {
                stamp,
                start,
                chunks: stream::empty().boxed(),
            });
        }
        let sought = file.seek(std::io::SeekFrom::Start(start)).await;
        sought.map_err(|error| failed(url, error, false))?;
        Ok(Opened {
            stamp: stamp.clone(),
            start,
            chunks: chunks(Reading {
                url: url.clone(),
                stamp,
                few: to
                    .map(|to| to.saturating_sub(start))
                    .filter(|len| *len <= BLOCK as u64),
                file,
                lent,
            }),
        })
    }
}

/// A file that is read.
struct Reading {
    url: Url,
    stamp: Stamp,
    /// Bytes that are still needed, if they are few: the first answer holds them, so that nothing is on the way after it.
    few: Option<u64>,
    file: RemoteFile,
    lent: Lent<Session>,
}

/// The bytes of a file to its end, or those that are needed, after which it is looked at once more: another file by then
/// is a failure.
fn chunks(reading: Reading) -> BoxStream<'static, Result<bytes::Bytes, AccessError>> {
    stream::try_unfold(Some(reading), |reading| async move {
        let Some(mut reading) = reading else {
            return Ok(None);
        };
        let mut block = BytesMut::with_capacity(BLOCK);
        let read = reading.file.read_buf(&mut block).await;
        let read = read.map_err(|error| AccessError::unreachable(&reading.url, error.to_string()))?;
        reading.few = reading.few.map(|few| few.saturating_sub(read as u64));
        if read > 0 && reading.few != Some(0) {
            return Ok(Some((block.freeze(), Some(reading))));
        }
        let Reading {
            url,
            stamp,
            file,
            lent,
            ..
        } = reading;
        if stamp_of(&url, &file).await? != stamp {
            return Err(AccessError::changed(&url));
        }
        // What was read is right, whatever becomes of the handle.
        let _ = file.close().await;
        lent.give_back();
        Ok((read > 0).then(|| (block.freeze(), None)))
    })
    .boxed()
}

async fn stamp_of(url: &Url, file: &RemoteFile) -> Result<Stamp, AccessError> {
    let facts: Metadata = file.metadata().await.map_err(|error| told(url, error))?;
    let size = facts.size.ok_or_else(|| failed(url, "it tells no size", false))?;
    Ok(Stamp {
        size,
        modified: facts.mtime.map(|seconds| seconds.to_string()),
    })
}

/// What the server says, as an error of ours.
fn told(url: &Url, error: SftpError) -> AccessError {
    match &error {
        SftpError::Status(status) => match status.status_code {
            StatusCode::NoSuchFile => failed(url, "there is no such file or folder", true),
            StatusCode::PermissionDenied => AccessError::refused(url, "the server does not allow it"),
            _ => failed(url, error, false),
        },
        _ => AccessError::unreachable(url, error.to_string()),
    }
}
