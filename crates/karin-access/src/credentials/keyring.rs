//! What `karin login` keeps: one file that only its owner can read.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Account, Service, read_private};
use crate::{AccessError, Secret, Settings};

/// An account as it lies in the file.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<Secret>,
}

type Entries = BTreeMap<String, Entry>;

/// Where the file lies.
pub(super) fn path(settings: &Settings) -> PathBuf {
    settings.folder.join("credentials.json")
}

/// The account of a service; `None` if the file or the account is not there.
pub(super) fn read(path: &Path, service: Service) -> Result<Option<Account>, String> {
    let mut entries = entries(path)?;
    Ok(match entries.remove(service.name()) {
        Some(Entry {
            token: Some(token), ..
        }) => Some(Account::Token(token)),
        Some(Entry {
            username: Some(user),
            password: Some(password),
            ..
        }) => Some(Account::Password { user, password }),
        _ => None,
    })
}

fn entries(path: &Path) -> Result<Entries, String> {
    match read_private(path)? {
        // What the parser says would quote the line.
        Some(text) => {
            serde_json::from_str(&text).map_err(|_| "is damaged: remove it and log in again".to_owned())
        }
        None => Ok(Entries::new()),
    }
}

/// Puts an account into the keyring, or with `None` removes it; gives the path of the file. It appears at once and
/// whole, readable by its owner alone.
///
/// # Errors
/// If the file is damaged or cannot be written.
pub fn store(
    settings: &Settings,
    service: Service,
    account: Option<&Account>,
) -> Result<PathBuf, AccessError> {
    let path = path(settings);
    let mut entries =
        entries(&path).map_err(|reason| AccessError::option(&path.display().to_string(), reason))?;
    match account {
        None => drop(entries.remove(service.name())),
        Some(account) => {
            let entry = match account.clone() {
                Account::Password { user, password } => Entry {
                    username: Some(user),
                    password: Some(password),
                    token: None,
                },
                Account::Token(token) => Entry {
                    token: Some(token),
                    ..Entry::default()
                },
            };
            entries.insert(service.name().to_owned(), entry);
        }
    }
    write(&settings.folder, &path, &entries)
        .map_err(|source| AccessError::file(&path, "writing the keyring", source))?;
    Ok(path)
}

fn write(folder: &Path, path: &Path, entries: &Entries) -> std::io::Result<()> {
    let text = serde_json::to_string_pretty(entries)?;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let mut file = tempfile::Builder::new()
        .prefix(".credentials")
        .permissions(std::fs::Permissions::from_mode(0o600))
        .tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_kept_for_their_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("new").to_str().unwrap().to_owned();
        let settings =
            Settings::from(&[], &|name| (name == "KARIN_CONFIG_DIR").then(|| place.clone())).unwrap();
        let password = Account::Password {
            user: "me".into(),
            password: Secret::new("p \"\n w"),
        };
        let path = store(&settings, Service::Aviso, Some(&password)).unwrap();
        let token = Account::Token(Secret::new("t"));
        store(&settings, Service::Podaac, Some(&token)).unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(read(&path, Service::Aviso), Ok(Some(password)));
        assert_eq!(read(&path, Service::Podaac), Ok(Some(token)));
        store(&settings, Service::Aviso, None).unwrap();
        assert_eq!(read(&path, Service::Aviso), Ok(None));
        std::fs::write(&path, "{\"aviso\": {\"password\": canary}}").unwrap();
        let reason = read(&path, Service::Aviso).unwrap_err();
        assert!(!reason.contains("canary"), "{reason}");
    }
}
