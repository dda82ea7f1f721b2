//! Passwords over SSH, against a server of the same protocol library: asked for plainly and in a dialogue. (OpenSSH
//! takes passwords of the accounts of its machine alone; keys and everything else are tested against it.)
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use karin_access::{Access, AccessError, Credentials, Place, Settings, Wanted};
use karin_core::{NoProgress, Selection};
use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::keys::{PrivateKey, PublicKey};
use russh::server::{Auth, Config, Handler, Msg, Response, Server as _, Session};
use russh::{Channel, ChannelId};
use russh_sftp::protocol::{FileAttributes, Handle, Name, Status, StatusCode};

const USER: &str = "karl";
const PASSWORD: &str = "canary-pass-word";

/// How the server asks for the password.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Plainly,
    InADialogue,
}

#[derive(Clone)]
struct Server {
    way: Way,
    /// Passwords that it was shown.
    shown: Arc<Mutex<Vec<String>>>,
}

#[derive(Default)]
struct Guest {
    server: Option<Server>,
    channels: HashMap<ChannelId, Channel<Msg>>,
}

impl russh::server::Server for Server {
    type Handler = Guest;

    fn new_client(&mut self, _: Option<std::net::SocketAddr>) -> Guest {
        Guest {
            server: Some(self.clone()),
            channels: HashMap::new(),
        }
    }
}

impl Guest {
    fn judge(&self, way: Way, user: &str, password: &str) -> Auth {
        let server = self.server.as_ref().unwrap();
        server.shown.lock().unwrap().push(password.to_owned());
        if way == server.way && user == USER && password == PASSWORD {
            Auth::Accept
        } else {
            Auth::reject()
        }
    }
}

impl Handler for Guest {
    type Error = russh::Error;

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, russh::Error> {
        Ok(self.judge(Way::Plainly, user, password))
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        user: &str,
        _: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, russh::Error> {
        match response.and_then(|mut response| response.next().map(|word| word.to_vec())) {
            Some(word) => Ok(self.judge(Way::InADialogue, user, &String::from_utf8(word).unwrap())),
            None => Ok(Auth::Partial {
                name: "".into(),
                instructions: "".into(),
                prompts: vec![("Password: ".into(), false)].into(),
            }),
        }
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: russh::server::ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), russh::Error> {
        self.channels.insert(channel.id(), channel);
        reply.accept().await;
        Ok(())
    }

    async fn subsystem_request(
        &mut self,
        id: ChannelId,
        _: &str,
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        session.channel_success(id)?;
        let channel = self.channels.remove(&id).unwrap();
        russh_sftp::server::run(channel.into_stream(), OneFolder { listed: false }).await;
        Ok(())
    }
}

/// A file system of one folder with one granule.
struct OneFolder {
    listed: bool,
}

const NAME: &str = "SWOT_L2_LR_SSH_Basic_475_001_20230330T135213_20230330T144338_PGC0_01.nc";

impl russh_sftp::server::Handler for OneFolder {
    type Error = StatusCode;

    fn unimplemented(&self) -> StatusCode {
        StatusCode::OpUnsupported
    }

    async fn opendir(&mut self, id: u32, _: String) -> Result<Handle, StatusCode> {
        Ok(Handle {
            id,
            handle: "folder".into(),
        })
    }

    async fn readdir(&mut self, id: u32, _: String) -> Result<Name, StatusCode> {
        if std::mem::replace(&mut self.listed, true) {
            return Err(StatusCode::Eof);
        }
        let mut attributes = FileAttributes::empty();
        (attributes.size, attributes.permissions) = (Some(7), Some(0o100644));
        let files = vec![russh_sftp::protocol::File::new(NAME, attributes)];
        Ok(Name { id, files })
    }

    async fn close(&mut self, id: u32, _: String) -> Result<Status, StatusCode> {
        Ok(Status {
            id,
            status_code: StatusCode::Ok,
            error_message: String::new(),
            language_tag: String::new(),
        })
    }
}

/// Asks the server as a user would, with a password in a `.netrc`; gives the number of granules.
fn find(folder: &Path, way: Way, password: &str) -> (Result<usize, AccessError>, Vec<String>) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = Server {
        way,
        shown: Arc::default(),
    };
    let key = PrivateKey::from(Ed25519Keypair::from_seed(&[7; 32]));
    let public = PublicKey::from(&key).to_openssh().unwrap();
    let config = Arc::new(Config {
        keys: vec![key],
        auth_rejection_time: std::time::Duration::ZERO,
        ..Config::default()
    });
    let listener = runtime
        .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
        .unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut running = server.clone();
    runtime.spawn(async move { running.run_on_socket(config, &listener).await });
    let known = folder.join("known_hosts");
    std::fs::write(&known, format!("[127.0.0.1]:{port} {public}\n")).unwrap();
    let netrc = folder.join("netrc");
    std::fs::write(
        &netrc,
        format!("machine 127.0.0.1 login {USER} password {password}\n"),
    )
    .unwrap();
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&netrc, private).unwrap();

    let flags = [format!("sftp.known_hosts={}", known.display())];
    let settings = Settings::from(&flags, &|_| None).unwrap();
    let credentials = Credentials::new(&settings, Some(netrc));
    let place = Place::parse(&format!("sftp://127.0.0.1:{port}/")).unwrap();
    let access = Access::new(&settings, credentials, std::slice::from_ref(&place)).unwrap();
    let selection = Selection::builder()
        .product("L2_LR_SSH_Basic")
        .unwrap()
        .build()
        .unwrap();
    let wanted = Wanted::of(&selection, 820e6).unwrap();
    let found = access
        .find(&wanted, &place, &NoProgress)
        .map(|found| found.granules.len());
    let shown = server.shown.lock().unwrap().clone();
    (found, shown)
}

#[test]
fn a_password_is_given_however_the_server_asks() {
    let folder = tempfile::tempdir().unwrap();
    for way in [Way::Plainly, Way::InADialogue] {
        let (found, shown) = find(folder.path(), way, PASSWORD);
        assert_eq!(found.unwrap(), 1);
        assert!(shown.iter().all(|word| word == PASSWORD));
    }
}

#[test]
fn a_wrong_password_is_told_and_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let (found, shown) = find(folder.path(), Way::Plainly, "canary-wrong");
    let error = found.unwrap_err();
    assert!(matches!(error, AccessError::NotLetIn { .. }), "{error:?}");
    let text = format!("{error} {error:?}");
    assert!(text.contains("netrc") && !text.contains("canary"), "{text}");
    assert!(shown.contains(&"canary-wrong".to_owned()));
}
