//! Who we are to a server of SSH: a key that the settings name, a password that is known for the host, keys of an
//! agent, and the user's usual keys, in this order.

use std::path::Path;
use std::sync::Arc;

use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{HashAlg, PrivateKeyWithHashAlg, load_secret_key};
use url::Url;

use super::host_key::HostKey;
use crate::credentials::{Account, Found};
use crate::error::shown;
use crate::{AccessError, Secret};

/// Keys of an agent that are tried: servers end after six tries.
const MAX_KEYS: usize = 3;

/// The usual keys of a user, below the home.
const USUAL: [&str; 3] = [".ssh/id_ed25519", ".ssh/id_ecdsa", ".ssh/id_rsa"];

/// Signs in, as the user of the address, of the account, or of this machine.
pub(super) async fn sign_in(
    ssh: &mut Handle<HostKey>,
    url: &Url,
    found: &Found,
    key: Option<&Path>,
) -> Result<(), AccessError> {
    let known = match &found.account {
        Some((Account::Password { user, .. }, _)) => Some(user),
        _ => None,
    };
    let user = match url.username() {
        "" => match known.cloned().or_else(own_name) {
            Some(user) => user,
            None => {
                let reason = "nobody says which user: write sftp://USER@HOST/PATH";
                return Err(AccessError::option("--from", reason));
            }
        },
        named => percent_encoding::percent_decode_str(named)
            .decode_utf8_lossy()
            .into_owned(),
    };
    let mut guest = Guest {
        ssh,
        user,
        tried: Vec::new(),
    };
    let is_in = guest.try_all(url, found, key).await?;
    if is_in {
        return Ok(());
    }
    // A connection that breaks while we knock says nothing about us, unless the server has had enough of us.
    if guest.ssh.is_closed() && guest.tried.len() <= MAX_KEYS {
        return Err(AccessError::unreachable(
            url,
            "the connection broke during the login",
        ));
    }
    Err(guest.refused(url, &found.passed_over))
}
fn own_name() -> Option<String> {
    ["USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok())
}

struct Guest<'a> {
    ssh: &'a mut Handle<HostKey>,
    user: String,
    /// What was tried in vain, or could not be.
    tried: Vec<String>,
}

impl Guest<'_> {
    /// True once the server lets us in.
    async fn try_all(&mut self, url: &Url, found: &Found, key: Option<&Path>) -> Result<bool, AccessError> {
        if let Some(key) = key
            && self.key(key, true).await?
        {
            return Ok(true);
        }
        // A password is for its own user.
        if let Some((Account::Password { user, password }, source)) = &found.account
            && *user == self.user
        {
            let answer = self.password(password, source).await;
            if answer.map_err(|error| AccessError::unreachable(url, error.to_string()))? {
                return Ok(true);
            }
        }
        if self.agent().await {
            return Ok(true);
        }
        let home = std::env::home_dir().unwrap_or_default();
        for file in USUAL.map(|name| home.join(name)) {
            if file.is_file() && self.key(&file, false).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Tries a key of a file. One that the settings name has to be usable.
    async fn key(&mut self, file: &Path, named: bool) -> Result<bool, AccessError> {
        let key = match load_secret_key(file, None) {
            Ok(key) => key,
            Err(error) if named => {
                let reason = format!("{}: {error}{}", file.display(), hint(&error));
                return Err(AccessError::option("sftp.key", reason));
            }
            Err(error) => {
                self.tried
                    .push(format!("{} ({error}{})", file.display(), hint(&error)));
                return Ok(false);
            }
        };
        let hash = self.rsa_hash(key.algorithm().is_rsa()).await;
        let key = PrivateKeyWithHashAlg::new(Arc::new(key), hash);
        let answer = self.ssh.authenticate_publickey(&self.user, key).await;
        let is_in = answer.is_ok_and(|answer| answer.success());
        if !is_in {
            self.tried.push(format!("the key {}", file.display()));
        }
        Ok(is_in)
    }

    /// How the server wants signatures of RSA keys hashed.
    async fn rsa_hash(&mut self, is_rsa: bool) -> Option<HashAlg> {
        if !is_rsa {
            return None;
        }
        let best = self.ssh.best_supported_rsa_hash().await;
        best.ok().flatten().flatten().or(Some(HashAlg::Sha256))
    }

    /// Tries a password, also where the server asks for it in a dialogue.
    async fn password(&mut self, password: &Secret, source: &str) -> Result<bool, russh::Error> {
        let answer = self
            .ssh
            .authenticate_password(&self.user, password.reveal())
            .await?;
        let is_in = answer == AuthResult::Success || self.dialogue(password).await?;
        if !is_in {
            self.tried.push(format!("the password from {source}"));
        }
        Ok(is_in)
    }

    async fn dialogue(&mut self, password: &Secret) -> Result<bool, russh::Error> {
        use KeyboardInteractiveAuthResponse as Answer;
        let mut answer = self
            .ssh
            .authenticate_keyboard_interactive_start(&self.user, None)
            .await?;
        for _ in 0..4 {
            let prompts = match answer {
                Answer::Success => return Ok(true),
                Answer::Failure { .. } => return Ok(false),
                Answer::InfoRequest { prompts, .. } => prompts,
            };
            // One hidden word is the password; anything else is not ours to answer.
            let responses = match prompts.as_slice() {
                [] => Vec::new(),
                [prompt] if !prompt.echo => vec![password.reveal().to_owned()],
                _ => return Ok(false),
            };
            answer = self
                .ssh
                .authenticate_keyboard_interactive_respond(responses)
                .await?;
        }
        Ok(false)
    }

    /// Tries the keys of the agent, if one runs.
    async fn agent(&mut self) -> bool {
        let Ok(mut agent) = AgentClient::connect_env().await else {
            return false;
        };
        let keys = agent.request_identities().await.unwrap_or_default();
        let keys = keys.into_iter().filter_map(|identity| match identity {
            AgentIdentity::PublicKey { key, .. } => Some(key),
            AgentIdentity::Certificate { .. } => None,
        });
        for key in keys.take(MAX_KEYS) {
            let hash = self.rsa_hash(key.algorithm().is_rsa()).await;
            let name = key.comment().to_owned();
            let answer = (self.ssh)
                .authenticate_publickey_with(&self.user, key, hash, &mut agent)
                .await;
            if answer.is_ok_and(|answer| answer.success()) {
                return true;
            }
            self.tried.push(format!("the key {name} of ssh-agent"));
        }
        false
    }

    fn refused(self, url: &Url, passed_over: &[String]) -> AccessError {
        let host = super::host_of(url);
        let tried = if self.tried.is_empty() {
            "no key and no password is known here".to_owned()
        } else {
            format!("it accepts none of {}", self.tried.join(", "))
        };
        let mut reason = format!(
            "{tried} for the user {}; name a key with --set sftp.key=FILE, load one into ssh-agent, or write `machine \
             {host} login USER password WORD` into a .netrc",
            self.user
        );
        for source in passed_over {
            reason = format!("{reason}; passed over: {source}");
        }
        AccessError::NotLetIn {
            url: shown(url),
            reason,
        }
    }
}

fn hint(error: &russh::keys::Error) -> &'static str {
    match error {
        russh::keys::Error::KeyIsEncrypted => ": load it into ssh-agent, which asks for its passphrase",
        _ => "",
    }
}
