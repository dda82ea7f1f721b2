//! What can go wrong between a provider and the disk.

use std::path::{Path, PathBuf};

use karin_core::ErrorKind;
use url::Url;

use crate::Service;

/// A failure to find or fetch granules. Addresses are told without their query and without user names, so that no
/// message carries a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// An option or setting that makes no sense.
    #[error("{option}: {reason}")]
    Option {
        /// The option or setting, as users write it.
        option: String,
        /// Expected, found, what to do.
        reason: String,
    },
    /// An address that karin does not go to.
    #[error("{url} is not asked: {reason}")]
    Refused {
        /// The address.
        url: String,
        /// Why.
        reason: String,
    },
    /// The server wants an account, or does not accept the one it was given.
    #[error(
        "{url} asks for an account: {reason}; `karin login {service}` stores one, `karin auth status` tells which is used"
    )]
    SignIn {
        /// The address.
        url: String,
        /// Whose account.
        service: Service,
        /// What is wrong with the one that there is.
        reason: String,
    },
    /// A server of files takes no account that is known here.
    #[error("{url} does not let karin in: {reason}")]
    NotLetIn {
        /// The address.
        url: String,
        /// What was tried, and what to do.
        reason: String,
    },
    /// A server that cannot prove that it is the one that it says.
    #[error("{server} is not trusted: {reason}")]
    HostKey {
        /// Host and port.
        server: String,
        /// What is wrong with its key, and what to do.
        reason: String,
    },
    /// The server answered with an error.
    #[error("{url} answers {status}{message}")]
    Status {
        /// The address.
        url: String,
        /// Status of HTTP.
        status: u16,
        /// What the server says of it; empty or beginning with a separator.
        message: String,
        /// Seconds that it asks to wait.
        retry_after: Option<f64>,
    },
    /// The answer is not what it should be: a broken catalogue, a page instead of data.
    #[error("{url}: {reason}")]
    Answer {
        /// The address.
        url: String,
        /// Expected, found.
        reason: String,
    },
    /// Fewer bytes than announced.
    #[error("{url} ended after {found} of {expected} bytes")]
    Truncated {
        /// The address.
        url: String,
        /// Bytes announced.
        expected: u64,
        /// Bytes that came.
        found: u64,
    },
    /// The file at the server is another one than a moment before.
    #[error("{url} changed while it was fetched")]
    Changed {
        /// The address.
        url: String,
    },
    /// The bytes are not those that the provider tells.
    #[error("{file} is not what the provider has: {what} {found} instead of {expected}")]
    Mismatch {
        /// The file.
        file: String,
        /// `size`, or the name of a checksum.
        what: &'static str,
        /// What the provider tells.
        expected: String,
        /// What came.
        found: String,
    },
    /// Bytes that are no whole netCDF file.
    #[error("{file} is no whole granule: {reason}")]
    Damaged {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// No connection, or it broke.
    #[error("{url} cannot be reached: {reason}")]
    Network {
        /// The address.
        url: String,
        /// What the system says.
        reason: String,
    },
    /// An object store or a server of files that does not give what is asked for.
    #[error("{location}: {reason}")]
    Store {
        /// The object, the file or the folder.
        location: String,
        /// What it says.
        reason: String,
        /// Whether it is not there.
        missing: bool,
    },
    /// A local file that cannot be read or written.
    #[error("{path}: {action} failed")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// Another process writes the same file.
    #[error("{path} is being fetched by another process")]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// The user stopped it.
    #[error("stopped on request; what was fetched stays, and a rerun goes on from there")]
    Cancelled,
}

impl AccessError {
    /// An option that makes no sense.
    pub fn option(option: &str, reason: impl Into<String>) -> Self {
        Self::Option {
            option: option.to_owned(),
            reason: reason.into(),
        }
    }

    /// A local file that cannot be read or written.
    pub fn file(path: &Path, action: &'static str, source: std::io::Error) -> Self {
        Self::File {
            path: path.to_owned(),
            action,
            source,
        }
    }

    pub(crate) fn answer(url: &Url, reason: impl Into<String>) -> Self {
        Self::Answer {
            url: shown(url),
            reason: reason.into(),
        }
    }

    /// No connection, or it broke.
    pub(crate) fn unreachable(url: &Url, reason: impl Into<String>) -> Self {
        Self::Network {
            url: shown(url),
            reason: reason.into(),
        }
    }

    /// Another file than a moment before.
    pub(crate) fn changed(url: &Url) -> Self {
        Self::Changed { url: shown(url) }
    }

    pub(crate) fn refused(url: &Url, reason: impl Into<String>) -> Self {
        Self::Refused {
            url: shown(url),
            reason: reason.into(),
        }
    }

    /// What `reqwest` says, with its causes and without its address.
    pub(crate) fn network(url: &Url, error: reqwest::Error) -> Self {
        let error = error.without_url();
        let mut reason = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            let text = inner.to_string();
            if !reason.contains(&text) {
                reason = format!("{reason}: {text}");
            }
            cause = inner.source();
        }
        Self::unreachable(url, reason)
    }

    /// Stable code.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Option { .. } => ErrorKind::InvalidArgument,
            Self::Refused { .. } | Self::SignIn { .. } | Self::NotLetIn { .. } | Self::HostKey { .. } => {
                ErrorKind::Permission
            }
            Self::Status {
                status: 404 | 410, ..
            }
            | Self::Store { missing: true, .. } => ErrorKind::NotFound,
            Self::Answer { .. } | Self::Mismatch { .. } | Self::Damaged { .. } => ErrorKind::Corrupt,
            Self::Truncated { .. } => ErrorKind::Truncated,
            Self::Status { .. } | Self::Network { .. } | Self::Store { .. } => ErrorKind::Io,
            Self::Changed { .. } | Self::Busy { .. } => ErrorKind::Conflict,
            Self::File { source, .. } => ErrorKind::of_io(source),
            Self::Cancelled => ErrorKind::Cancelled,
        }
    }

    /// True if the same request may succeed a little later.
    pub(crate) const fn is_transient(&self) -> bool {
        match self {
            Self::Status { status, .. } => matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504),
            Self::Network { .. } | Self::Truncated { .. } | Self::Changed { .. } => true,
            Self::Mismatch { .. } | Self::Damaged { .. } => true,
            Self::Store { missing, .. } => !*missing,
            _ => false,
        }
    }

    /// Seconds that the server asks to wait.
    pub(crate) const fn retry_after(&self) -> Option<f64> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// An address as it may be shown: without user, password, query and fragment.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // They fail for addresses that cannot have any.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_without_secrets() {
        let url = Url::parse("https://user:canary@host/a/b.nc?token=canary#canary").unwrap();
        assert_eq!(shown(&url), "https://host/a/b.nc");
        assert!(!AccessError::answer(&url, "x").to_string().contains("canary"));
    }
}
