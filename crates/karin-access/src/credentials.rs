//! Accounts of providers: where they come from, in one order, and whom they are shown to.
//!
//! The order is that of [`SOURCES`]; the first that has an account wins. A value goes to the service that it is for
//! and to nobody else: `http::accounts` decides that for each address on the way.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::OnceLock;

use karin_core::suggest::did_you_mean;
use serde::{Deserialize, Serialize};

use crate::{AccessError, Secret, Settings};

mod keyring;
mod netrc;

pub use keyring::store;

/// A service with accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// AVISO+.
    Aviso,
    /// NASA Earthdata Login, which PO.DAAC uses.
    Podaac,
    /// Copernicus Marine.
    Cmems,
}

impl Service {
    /// Every service.
    pub const ALL: [Self; 3] = [Self::Aviso, Self::Podaac, Self::Cmems];

    /// `aviso`, `podaac`, `cmems`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aviso => "aviso",
            Self::Podaac => "podaac",
            Self::Cmems => "cmems",
        }
    }

    /// Variables of the environment for the user and the password, as the other tools of the provider have them.
    pub const fn variables(self) -> (&'static str, &'static str) {
        match self {
            Self::Aviso => ("AVISO_USERNAME", "AVISO_PASSWORD"),
            Self::Podaac => ("EARTHDATA_USERNAME", "EARTHDATA_PASSWORD"),
            Self::Cmems => (
                "COPERNICUSMARINE_SERVICE_USERNAME",
                "COPERNICUSMARINE_SERVICE_PASSWORD",
            ),
        }
    }

    /// The setting with the address of the server that asks for the password.
    pub(crate) const fn address(self) -> &'static str {
        match self {
            Self::Aviso => "aviso.catalog",
            Self::Podaac => "podaac.login",
            Self::Cmems => "cmems.login",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Service {
    type Err = AccessError;

    fn from_str(text: &str) -> Result<Self, AccessError> {
        let names = || Self::ALL.iter().map(|service| service.name());
        let found = Self::ALL
            .into_iter()
            .find(|service| service.name().eq_ignore_ascii_case(text.trim()));
        found.ok_or_else(|| {
            let known: Vec<_> = names().collect();
            let hint = did_you_mean(text, names());
            AccessError::option(
                "SERVICE",
                format!("'{text}' is none of {}{hint}", known.join(", ")),
            )
        })
    }
}

/// What proves an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Account {
    /// A name and a password.
    Password {
        /// The name; shown by nothing but the service's own log.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A token of Earthdata.
    Token(Secret),
}

/// The sources of accounts, first wins.
pub const SOURCES: [&str; 4] = [
    "--credentials FILE (in the form of a .netrc)",
    "environment",
    ".netrc ($NETRC, ~/.netrc, ~/_netrc; AVISO also ~/.altimetry/.netrc)",
    "keyring (credentials.json in the folder of settings, from `karin login`)",
];

/// Looks accounts up.
#[derive(Debug)]
pub struct Credentials {
    settings: Settings,
    file: Option<PathBuf>,
    found: [OnceLock<Found>; 3],
}

/// What was found for a service.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The account, and in which source it was.
    pub account: Option<(Account, String)>,
    /// Sources that were passed over, and why.
    pub passed_over: Vec<String>,
}

impl Credentials {
    /// With a file of the command line that comes before all other sources.
    pub fn new(settings: &Settings, file: Option<PathBuf>) -> Self {
        Self {
            settings: settings.clone(),
            file,
            found: Default::default(),
        }
    }

    /// The account of a service.
    pub fn of(&self, service: Service) -> &Found {
        let place = match service {
            Service::Aviso => &self.found[0],
            Service::Podaac => &self.found[1],
            Service::Cmems => &self.found[2],
        };
        place.get_or_init(|| self.look_up(service, &|name| std::env::var(name).ok()))
    }

    fn look_up(&self, service: Service, environment: &dyn Fn(&str) -> Option<String>) -> Found {
        let set = |name: &str| environment(name).filter(|value| !value.is_empty());
        let mut found = Found::default();
        let host =
            (self.settings.url(service.address()).ok()).and_then(|url| url.host_str().map(ToOwned::to_owned));
        let host = host.unwrap_or_default();
        if let Some(file) = &self.file
            && found.take(netrc::read(file, &host), file)
        {
            return found;
        }
        if service == Service::Podaac
            && let Some(token) = set("EARTHDATA_TOKEN")
        {
            found.account = Some((
                Account::Token(Secret::new(token)),
                "environment: EARTHDATA_TOKEN".to_owned(),
            ));
            return found;
        }
        let (user, password) = service.variables();
        match (set(user), set(password)) {
            (Some(name), Some(secret)) => {
                let password_of = Account::Password {
                    user: name,
                    password: Secret::new(secret),
                };
                found.account = Some((password_of, format!("environment: {user}")));
                return found;
            }
            (None, None) => {}
            (Some(_), None) => found
                .passed_over
                .push(format!("environment: {user} without {password}")),
            (None, Some(_)) => found
                .passed_over
                .push(format!("environment: {password} without {user}")),
        }
        let home = set("HOME").map(PathBuf::from);
        let below = |name: &str| home.as_ref().map(|home| home.join(name));
        let of_aviso = below(".altimetry/.netrc").filter(|_| service == Service::Aviso);
        let files = [
            set("NETRC").map(PathBuf::from),
            below(".netrc"),
            below("_netrc"),
            of_aviso,
        ];
        for file in files.into_iter().flatten() {
            if found.take(netrc::read(&file, &host), &file) {
                return found;
            }
        }
        let keyring = keyring::path(&self.settings);
        found.take(keyring::read(&keyring, service), &keyring);
        found
    }
}

impl Found {
    /// Takes what a file has; true if that is an account.
    fn take(&mut self, read: Result<Option<Account>, String>, file: &Path) -> bool {
        match read {
            Ok(account) => self.account = account.map(|account| (account, file.display().to_string())),
            Err(reason) => self.passed_over.push(format!("{}: {reason}", file.display())),
        }
        self.account.is_some()
    }
}

/// The text of a file of secrets; `None` if there is no such file.
///
/// # Errors
/// If others may read it, or it cannot be read.
fn read_private(path: &Path) -> Result<Option<String>, String> {
    use std::os::unix::fs::PermissionsExt as _;
    let meta = match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|error| format!("cannot be read: {error}"))?,
    };
    if !meta.is_file() {
        return Ok(None);
    }
    if meta.permissions().mode() & 0o077 != 0 {
        return Err("others may read it: `chmod 600` it first".to_owned());
    }
    std::fs::read_to_string(path)
        .map(Some)
        .map_err(|error| format!("cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn private(path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    #[test]
    fn the_first_source_wins_in_the_printed_order() {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().to_str().unwrap().to_owned();
        let settings = Settings::from(&[], &|name| (name == "HOME").then(|| place.clone())).unwrap();
        let host = "urs.earthdata.nasa.gov";
        let look_up = |file: Option<&str>, extra: &[(&str, &str)]| {
            let credentials = Credentials::new(&settings, file.map(|name| home.path().join(name)));
            let found = credentials.look_up(Service::Podaac, &|name| match name {
                "HOME" => Some(place.clone()),
                _ => extra
                    .iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| (*value).to_owned()),
            });
            found.account.map(|(account, _)| match account {
                Account::Password { user, .. } => user,
                Account::Token(_) => "token".to_owned(),
            })
        };
        assert_eq!(look_up(None, &[]), None);
        let password = Account::Password {
            user: "of_keyring".into(),
            password: Secret::new("canary"),
        };
        store(&settings, Service::Podaac, Some(&password)).unwrap();
        assert_eq!(look_up(None, &[]).as_deref(), Some("of_keyring"));
        private(
            &home.path().join(".netrc"),
            &format!("machine {host} login of_netrc password canary"),
        );
        assert_eq!(look_up(None, &[]).as_deref(), Some("of_netrc"));
        let environment = [("EARTHDATA_USERNAME", "of_env"), ("EARTHDATA_PASSWORD", "canary")];
        assert_eq!(look_up(None, &environment).as_deref(), Some("of_env"));
        assert_eq!(look_up(None, &environment[..1]).as_deref(), Some("of_netrc"));
        assert_eq!(
            look_up(None, &[("EARTHDATA_TOKEN", "canary")]).as_deref(),
            Some("token")
        );
        private(
            &home.path().join("mine"),
            &format!("machine {host} login of_file password canary"),
        );
        assert_eq!(look_up(Some("mine"), &environment).as_deref(), Some("of_file"));
    }

    #[test]
    fn files_that_others_may_read_are_passed_over_and_told() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(".netrc");
        private(
            &path,
            "machine tds-odatis.aviso.altimetry.fr login me password canary",
        );
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let place = home.path().to_str().unwrap().to_owned();
        let environment = |name: &str| (name == "HOME").then(|| place.clone());
        let settings = Settings::from(&[], &environment).unwrap();
        let found = Credentials::new(&settings, None).look_up(Service::Aviso, &environment);
        assert!(found.account.is_none());
        assert!(found.passed_over[0].contains("chmod 600"), "{found:?}");
        assert!(!format!("{found:?}").contains("canary"));
    }
}
