//! A THREDDS server of a folder, on this machine alone, for rehearsals: catalogues, files with ranges, and a net that
//! can be cut.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Bytes that a request may have.
const REQUEST: u64 = 16 << 10;

/// The server; it ends with the process.
pub struct Rehearsal {
    shared: Arc<Shared>,
    port: u16,
}

struct Shared {
    root: PathBuf,
    /// Bytes of files that may still be sent before the net is cut.
    left: AtomicU64,
    is_cut: AtomicBool,
}

impl Rehearsal {
    /// Serves a folder.
    ///
    /// # Errors
    /// If this machine gives no port.
    pub fn start(root: &Path) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            root: root.to_owned(),
            left: AtomicU64::new(u64::MAX),
            is_cut: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("rehearsal".to_owned())
            .spawn(move || {
                for stream in listener.incoming().filter_map(Result::ok) {
                    let shared = Arc::clone(&serving);
                    // A client that goes away is not our business.
                    std::thread::spawn(move || drop(shared.serve(&stream)));
                }
            })?;
        Ok(Self { shared, port })
    }

    /// Where its catalogues are.
    pub fn catalogues(&self) -> String {
        format!("http://127.0.0.1:{}/thredds/catalog/", self.port)
    }

    /// Cuts the net after so many bytes of files.
    pub fn cut_after(&self, bytes: u64) {
        self.shared.left.store(bytes, Ordering::SeqCst);
    }

    /// The net is back.
    pub fn mend(&self) {
        self.shared.left.store(u64::MAX, Ordering::SeqCst);
        self.shared.is_cut.store(false, Ordering::SeqCst);
    }
}

impl Shared {
    fn serve(&self, stream: &TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream).take(REQUEST);
        let mut first = String::new();
        reader.read_line(&mut first)?;
        let mut from = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
                break;
            }
            let range = line.to_ascii_lowercase();
            let range = range
                .strip_prefix("range:")
                .map(str::trim)
                .and_then(|range| range.strip_prefix("bytes="));
            if let Some((start, _)) = range.and_then(|range| range.split_once('-')) {
                from = start.parse().unwrap_or(0);
            }
        }
        if self.is_cut.load(Ordering::SeqCst) {
            return answer(
                stream,
                "503 Service Unavailable",
                "text/plain",
                "",
                b"the net is down",
            );
        }
        let path = first.split_whitespace().nth(1).unwrap_or("/");
        let path = path.split('?').next().unwrap_or("/");
        if let Some(place) = path
            .strip_prefix("/thredds/catalog/")
            .and_then(|path| path.strip_suffix("catalog.xml"))
        {
            return match self.inside(place).filter(|folder| folder.is_dir()) {
                Some(folder) => answer(
                    stream,
                    "200 OK",
                    "application/xml",
                    "",
                    catalogue(&folder, place)?.as_bytes(),
                ),
                None => answer(stream, "404 Not Found", "text/plain", "", b""),
            };
        }
        match path
            .strip_prefix("/thredds/fileServer/")
            .and_then(|path| self.inside(path))
        {
            Some(file) if file.is_file() => self.send(stream, &file, from),
            _ => answer(stream, "404 Not Found", "text/plain", "", b""),
        }
    }

    /// The path below the root; nothing that leaves it.
    fn inside(&self, path: &str) -> Option<PathBuf> {
        let path = Path::new(path.trim_matches('/'));
        let is_plain = path.components().all(|part| matches!(part, Component::Normal(_)));
        is_plain.then(|| self.root.join(path))
    }

    fn send(&self, mut stream: &TcpStream, path: &Path, from: u64) -> std::io::Result<()> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        let from = from.min(size);
        file.seek(SeekFrom::Start(from))?;
        let status = if from > 0 { "206 Partial Content" } else { "200 OK" };
        let range = if from > 0 {
            format!("Content-Range: bytes {from}-{}/{size}\r\n", size - 1)
        } else {
            String::new()
        };
        write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Type: application/x-netcdf\r\nContent-Length: {}\r\nETag: \"{size:x}\"\r\n{range}Connection: close\r\n\r\n",
            size - from
        )?;
        let mut block = vec![0; 64 << 10];
        loop {
            let read = file.read(&mut block)?;
            if read == 0 {
                return stream.flush();
            }
            let left = self.left.load(Ordering::SeqCst);
            if left < read as u64 {
                self.is_cut.store(true, Ordering::SeqCst);
                return stream.shutdown(std::net::Shutdown::Both);
            }
            if left != u64::MAX {
                self.left.fetch_sub(read as u64, Ordering::SeqCst);
            }
            stream.write_all(block.get(..read).unwrap_or(&[]))?;
        }
    }
}

fn answer(mut stream: &TcpStream, status: &str, kind: &str, more: &str, body: &[u8]) -> std::io::Result<()> {
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{more}Connection: close\r\n\r\n"
    )?;
    stream.write_all(body)?;
    stream.flush()
}

/// The catalogue of a folder, as THREDDS writes it. Names of granules and of their folders need no escapes.
fn catalogue(folder: &Path, place: &str) -> std::io::Result<String> {
    let mut names: Vec<(String, u64, bool)> = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        names.push((
            entry.file_name().to_string_lossy().into_owned(),
            meta.len(),
            meta.is_dir(),
        ));
    }
    names.sort();
    let entries: Vec<String> = names
        .into_iter()
        .filter(|(name, _, _)| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)))
        .map(|(name, size, is_folder)| match is_folder {
            true => format!("<catalogRef xlink:href=\"{name}/catalog.xml\" xlink:title=\"{name}\" name=\"\"/>"),
            false => format!(
                "<dataset name=\"{name}\" ID=\"{name}\" urlPath=\"{place}{name}\"><dataSize units=\"bytes\">{size}</dataSize></dataset>"
            ),
        })
        .collect();
    Ok(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<catalog xmlns=\"http://www.unidata.ucar.edu/namespaces/thredds/InvCatalog/v1.0\" \
         xmlns:xlink=\"http://www.w3.org/1999/xlink\">\n<service name=\"http\" serviceType=\"HTTPServer\" base=\"/thredds/fileServer/\"/>\n\
         <dataset name=\"rehearsal\">\n{}\n</dataset></catalog>\n",
        entries.join("\n")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_outside_the_folder_is_served() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("cycle_475")).unwrap();
        std::fs::write(folder.path().join("cycle_475/a.nc"), b"\x89HDF0123456789").unwrap();
        let server = Rehearsal::start(folder.path()).unwrap();
        let ask = |line: &str| {
            let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
            write!(stream, "{line}\r\n\r\n").unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).unwrap();
            String::from_utf8_lossy(&answer).into_owned()
        };
        assert!(ask("GET /thredds/catalog/catalog.xml HTTP/1.1").contains("cycle_475/catalog.xml"));
        assert!(
            ask("GET /thredds/catalog/cycle_475/catalog.xml HTTP/1.1").contains("urlPath=\"cycle_475/a.nc\"")
        );
        assert!(
            ask("GET /thredds/fileServer/cycle_475/a.nc HTTP/1.1\r\nRange: bytes=8-").ends_with("456789")
        );
        for path in ["../../etc/passwd", "/etc/passwd", "cycle_475/../../x", "none.nc"] {
            assert!(
                ask(&format!("GET /thredds/fileServer/{path} HTTP/1.1")).starts_with("HTTP/1.1 404"),
                "{path}"
            );
        }
        server.cut_after(3);
        assert!(!ask("GET /thredds/fileServer/cycle_475/a.nc HTTP/1.1").contains("0123"));
        assert!(ask("GET /thredds/catalog/catalog.xml HTTP/1.1").starts_with("HTTP/1.1 503"));
        server.mend();
        assert!(ask("GET /thredds/fileServer/cycle_475/a.nc HTTP/1.1").contains("0123456789"));
    }
}
