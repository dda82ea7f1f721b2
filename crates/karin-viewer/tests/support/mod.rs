//! A small collection behind a real server, started once, and a client that says exactly what it is told.

#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use karin::ingest::{IngestOptions, ingest};
use karin::simulate::{Simulation, write};
use karin_core::{NoProgress, Phase, Product, Resources};
use karin_viewer::{Server, ServerOptions};
use serde_json::Value;

/// What is served.
pub struct Served {
    /// The collection: L2 Basic, cal/val, cycles 475 and 476, passes 1, 13 and 14.
    pub collection: PathBuf,
    /// Host and port.
    pub address: String,
    /// The token.
    pub token: String,
    _folder: tempfile::TempDir,
}

/// The server, which runs until the test does.
pub fn served() -> &'static Served {
    static SERVED: OnceLock<Served> = OnceLock::new();
    SERVED.get_or_init(|| {
        let collection = collection();
        let folder = tempfile::tempdir().expect("a folder");
        let mut options = ServerOptions::default();
        options.cache = Some(folder.path().join("tiles"));
        let open = karin::store::OpenOptions::default();
        let server = Server::start(
            std::slice::from_ref(&collection),
            &open,
            &options,
            Resources::default(),
            &NoProgress,
        )
        .expect("a server");
        let address = server.origin().trim_start_matches("http://").to_owned();
        let token = server.url().split_once("token=").expect("a token").1.to_owned();
        std::thread::spawn(move || server.run(&NoProgress));
        Served {
            collection,
            address,
            token,
            _folder: folder,
        }
    })
}

/// The collection: made by the first test of a build, found by all others.
fn collection() -> PathBuf {
    let program = std::env::current_exe().expect("a program");
    let name = program
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    let built = program
        .metadata()
        .and_then(|meta| meta.modified())
        .expect("a time");
    let seconds = built
        .duration_since(std::time::UNIX_EPOCH)
        .expect("a time")
        .as_nanos();
    let top = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(&top).expect("a folder");
    let lock = std::fs::File::create(top.join(format!("{name}.lock"))).expect("a lock");
    lock.lock().expect("a lock");
    let collection = top.join(&name).join(seconds.to_string());
    if collection.exists() {
        return collection;
    }
    // Those of earlier builds.
    let _ = std::fs::remove_dir_all(top.join(&name));
    std::fs::create_dir_all(top.join(&name)).expect("a folder");
    let folder = tempfile::tempdir_in(top.join(&name)).expect("a folder");
    let list = |text: &str| text.parse().expect("a list");
    let mut simulation = Simulation::new(
        Product::L2Basic,
        Phase::CalVal,
        &list("475-476"),
        &list("1,13,14"),
    )
    .expect("a simulation");
    let names = [
        "ssha_karin_2",
        "ssha_karin_2_qual",
        "height_cor_xover",
        "height_cor_xover_qual",
    ];
    simulation.variables = Some(names.map(str::to_owned).to_vec());
    let granules = folder.path().join("granules");
    write(&simulation, &granules, &Resources::default(), &NoProgress).expect("granules");
    let unfinished = folder.path().join("collection");
    ingest(
        &[granules],
        &unfinished.to_string_lossy(),
        &IngestOptions::default(),
        &NoProgress,
    )
    .expect("a collection");
    std::fs::rename(unfinished, &collection).expect("a name");
    collection
}

/// An answer.
pub struct Answer {
    /// The status.
    pub status: u16,
    headers: Vec<(String, String)>,
    /// What came.
    pub body: Vec<u8>,
}

impl Answer {
    /// A header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
    }
}

/// Numbers of that type from little-endian bytes.
macro_rules! numbers {
    ($type:ty, $bytes:expr) => {
        $bytes
            .as_chunks::<{ size_of::<$type>() }>()
            .0
            .iter()
            .map(|bytes| f64::from(<$type>::from_le_bytes(*bytes)))
            .collect()
    };
}

/// One that sends requests as they are.
pub struct Client;

impl Client {
    pub fn new() -> Self {
        served();
        Self
    }

    /// With the token. A `host` among the headers replaces the right one.
    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let bearer = format!("Bearer {}", served().token);
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend(headers);
        self.bare(path, &all)
    }

    /// Without it.
    pub fn bare(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let host = headers
            .iter()
            .find(|(name, _)| *name == "host")
            .map_or(served().address.as_str(), |(_, host)| host);
        let mut request = format!(
            "GET {} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n",
            path.replace(' ', "%20")
        );
        for (name, value) in headers.iter().filter(|(name, _)| *name != "host") {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        parse(&exchange(&format!("{request}\r\n")))
    }

    /// A request as it is; status and everything that came back.
    pub fn raw(&self, request: &str) -> (u16, String) {
        let bytes = exchange(request);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let status = text
            .split(' ')
            .nth(1)
            .and_then(|word| word.parse().ok())
            .unwrap_or(0);
        (status, text)
    }

    /// A JSON answer, which must be one.
    pub fn json(&self, path: &str) -> Value {
        let answer = self.get(path, &[]);
        let text = String::from_utf8_lossy(&answer.body);
        assert_eq!(answer.status, 200, "{path}: {text}");
        serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{path}: {error}: {text}"))
    }

    /// Arrays, which must be there, as numbers by name.
    pub fn arrays(&self, path: &str) -> (Value, HashMap<String, Vec<f64>>) {
        let answer = self.get(path, &[]);
        assert_eq!(
            answer.status,
            200,
            "{path}: {}",
            String::from_utf8_lossy(&answer.body)
        );
        let (header, arrays) = karin_viewer::http::container::parse(&answer.body).expect(path);
        let numbers = |index: usize, bytes: &[u8]| -> Vec<f64> {
            match header["arrays"][index]["dtype"].as_str().expect("a type") {
                "int16" => numbers!(i16, bytes),
                "int32" => numbers!(i32, bytes),
                "uint32" => numbers!(u32, bytes),
                "float32" => numbers!(f32, bytes),
                "float64" => numbers!(f64, bytes),
                other => panic!("{other}"),
            }
        };
        let arrays = arrays
            .into_iter()
            .enumerate()
            .map(|(index, (name, bytes))| (name, numbers(index, &bytes)))
            .collect();
        (header, arrays)
    }
}

fn exchange(request: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(&served().address).expect("connect");
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .expect("a timeout");
    // The server may have answered before it has heard everything.
    let _ = stream.write_all(request.as_bytes());
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    bytes
}

fn parse(bytes: &[u8]) -> Answer {
    let end = bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .expect("an answer");
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .and_then(|word| word.parse().ok())
        .expect("a status");
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let body = &bytes[end + 4..];
    let is_chunked = headers
        .iter()
        .any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    Answer {
        status,
        body: if is_chunked {
            unchunked(body)
        } else {
            body.to_vec()
        },
        headers,
    }
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
        let size = usize::from_str_radix(&String::from_utf8_lossy(&rest[..end]), 16).expect("a size");
        if size == 0 {
            break;
        }
        body.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 4 + size..];
    }
    body
}

/// Numbers that look random and are the same in every run.
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// One below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}
