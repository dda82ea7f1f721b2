//! Whether a server is the one that it says: its key must be in the file of known hosts, as with OpenSSH.

use std::path::{Path, PathBuf};

use russh::Preferred;
use russh::client::Handler;
use russh::keys::known_hosts::known_host_keys_path;
use russh::keys::{HashAlg, PublicKey, PublicKeyOrCertificate};

/// A key of a host, and the line of the file that holds it.
pub(super) type Known = Vec<(usize, PublicKey)>;

/// The keys that the file of known hosts has for a server; none if it cannot be read.
pub(super) fn known(file: &Path, host: &str, port: u16) -> Known {
    known_host_keys_path(host, port, file).unwrap_or_default()
}

/// Algorithms in the usual order, those first of which a key is known: a server has keys of several kinds and shows one.
pub(super) fn preferred(known: &Known) -> Preferred {
    let mut preferred = Preferred::default();
    let is_known = |algorithm: &russh::keys::Algorithm| {
        let is_same = |key: &PublicKey| {
            key.algorithm() == *algorithm || key.algorithm().is_rsa() && algorithm.clone().is_rsa()
        };
        known.iter().any(|(_, key)| is_same(key))
    };
    let (mut first, rest): (Vec<_>, Vec<_>) = preferred.key.iter().cloned().partition(is_known);
    first.extend(rest);
    preferred.key = first.into();
    preferred
}

/// Why a connection cannot be opened.
#[derive(Debug)]
pub(super) enum Broken {
    Ssh(russh::Error),
    /// The server is not trusted: expected, found, what to do.
    Key(String),
}

impl From<russh::Error> for Broken {
    fn from(error: russh::Error) -> Self {
        Self::Ssh(error)
    }
}

/// Checks the key that a server shows.
pub(super) struct HostKey {
    file: PathBuf,
    known: Known,
    host: String,
    port: u16,
}

impl HostKey {
    pub(super) fn new(file: &Path, known: Known, host: &str, port: u16) -> Self {
        Self {
            file: file.to_owned(),
            known,
            host: host.to_owned(),
            port,
        }
    }

    fn check(&self, key: &PublicKey) -> Result<(), String> {
        if self
            .known
            .iter()
            .any(|(_, known)| known.key_data() == key.key_data())
        {
            return Ok(());
        }
        let (file, host, port) = (self.file.display(), &self.host, self.port);
        let shown = format!(
            "its key ({}, {})",
            key.algorithm(),
            key.fingerprint(HashAlg::Sha256)
        );
        let changed = (self.known.iter()).find(|(_, known)| known.algorithm() == key.algorithm());
        Err(match changed {
            Some((line, _)) => format!(
                "{shown} is another one than line {line} of {file} has; somebody may sit in between. If the provider \
                 says that it changed, remove that line"
            ),
            None => format!(
                "{shown} is not in {file}; compare it with what the provider publishes, then accept it with \
                 `ssh-keyscan -p {port} {host} >> {file}` (--set sftp.known_hosts=FILE names another file)"
            ),
        })
    }
}

impl Handler for HostKey {
    type Error = Broken;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Broken> {
        self.check(&shown.public_key())
            .map(|()| true)
            .map_err(Broken::Key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    const OTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA6rWI3G1sz07DnfFlrouTcysQlj2P+jpNSOEWD9OJ3X";

    fn checked(file: &str, host: &str, port: u16) -> Result<(), String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("known_hosts");
        std::fs::write(&path, file).unwrap();
        let known = known(&path, host, port);
        let key = PublicKey::from_openssh(KEY).unwrap();
        HostKey::new(&path, known, host, port).check(&key)
    }

    #[test]
    fn only_known_keys_are_trusted() {
        assert_eq!(checked(&format!("host {KEY}\n"), "host", 22), Ok(()));
        assert_eq!(
            checked(&format!("# x\n[host]:2221 {KEY} me\n"), "host", 2221),
            Ok(())
        );
        // A host with two keys of a kind has either.
        assert_eq!(
            checked(&format!("host {OTHER}\nhost {KEY}\n"), "host", 22),
            Ok(())
        );
        let unknown = checked(&format!("other {KEY}\n"), "host", 2221).unwrap_err();
        assert!(
            unknown.contains("ssh-keyscan -p 2221 host") && unknown.contains("SHA256:"),
            "{unknown}"
        );
        assert!(checked("", "host", 22).is_err());
        let changed = checked(&format!("\nhost {OTHER}\n"), "host", 22).unwrap_err();
        assert!(
            changed.contains("line 2") && changed.contains("in between"),
            "{changed}"
        );
    }

    #[test]
    fn kinds_of_keys_that_are_known_come_first() {
        let known = vec![(1, PublicKey::from_openssh(KEY).unwrap())];
        assert_eq!(
            preferred(&known).key.first(),
            Some(&russh::keys::Algorithm::Ed25519)
        );
        assert_eq!(preferred(&Vec::new()).key.len(), preferred(&known).key.len());
    }
}
