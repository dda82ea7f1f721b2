//! Accounts of providers: where they come from, in one order, and whom they are shown to.
//!
//! The order is that of [`SOURCES`]; the first that has an account wins. A value goes to the service that it is for
//! and to nobody else: `http::accounts` decides that for each address on the way.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::{Secret, Settings};

mod keyring;
mod netrc;
mod service;
mod token;

pub use keyring::store;
pub use service::Service;

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

    /// The account of a host that belongs to no service: what the files in the form of a `.netrc` say of it.
    pub(crate) fn of_host(&self, host: &str) -> Found {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let mut found = Found::default();
        for file in self.file.clone().into_iter().chain(netrc_files(&set)) {
            if found.take(netrc::read(&file, host), &file) {
                break;
            }
        }
        found
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
            let token = Account::Token(Secret::new(token));
            let source = "environment: EARTHDATA_TOKEN";
            if found.offer(token, source) {
                return found;
            }
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
        let of_aviso = below_home(&set, ".altimetry/.netrc").filter(|_| service == Service::Aviso);
        for file in netrc_files(&set).chain(of_aviso) {
            if found.take(netrc::read(&file, &host), &file) {
                return found;
            }
        }
        let keyring = keyring::path(&self.settings);
        found.take(keyring::read(&keyring, service), &keyring);
        found
    }
}

/// A file below the home of the user.
fn below_home(set: &impl Fn(&str) -> Option<String>, name: &str) -> Option<PathBuf> {
    set("HOME").map(|home| Path::new(&home).join(name))
}

/// Where a `.netrc` may lie, first wins.
fn netrc_files(set: &impl Fn(&str) -> Option<String>) -> impl Iterator<Item = PathBuf> {
    let files = [
        set("NETRC").map(PathBuf::from),
        below_home(set, ".netrc"),
        below_home(set, "_netrc"),
    ];
    files.into_iter().flatten()
}

impl Found {
    /// Takes an account, unless it is a token that has ended; true if it did.
    fn offer(&mut self, account: Account, source: &str) -> bool {
        if let Account::Token(secret) = &account
            && let Some(end) = token::end(secret)
            && end <= crate::now()
        {
            let end = karin_core::time::format_instant(end);
            self.passed_over
                .push(format!("{source}: a token that ended {end}: make a new one"));
            return false;
        }
        self.account = Some((account, source.to_owned()));
        true
    }

    /// Takes what a file has; true if that is an account.
    fn take(&mut self, read: Result<Option<Account>, String>, file: &Path) -> bool {
        match read {
            Ok(Some(account)) => return self.offer(account, &file.display().to_string()),
            Ok(None) => {}
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
