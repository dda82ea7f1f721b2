//! The files of the index: one per source, named by the digest of its place.

use std::io::Write as _;
use std::path::PathBuf;

use karin_access::Settings;

use super::Source;
use crate::Error;

/// Bytes that the file of a source may have: a granule takes some 120, a mission of every product some 10^6 granules.
const LARGEST: u64 = 1 << 30;

/// The index.
pub(super) struct Index {
    folder: PathBuf,
}

impl Index {
    pub(super) fn open(settings: &Settings) -> Self {
        Self {
            folder: settings.folder.join("catalog"),
        }
    }

    fn file(&self, place: &str) -> PathBuf {
        let name = blake3::hash(place.as_bytes()).to_hex();
        self.folder.join(format!("{}.json", name.as_str()))
    }

    /// What is known of a source.
    pub(super) fn get(&self, place: &str) -> Result<Option<Source>, Error> {
        let path = self.file(place);
        match path.exists() {
            true => read(&path).map(Some),
            false => Ok(None),
        }
    }

    /// Every source, by place.
    pub(super) fn all(&self) -> Result<Vec<Source>, Error> {
        let entries = match std::fs::read_dir(&self.folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(|error| Error::io(&self.folder, "read", error))?,
        };
        let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
        let sources = paths.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
        let mut sources: Vec<Source> = sources.map(|path| read(&path)).collect::<Result<_, _>>()?;
        sources.sort_by(|a, b| a.place.cmp(&b.place));
        Ok(sources)
    }

    /// Keeps a source: its file appears whole, or what was there stays.
    pub(super) fn put(&self, source: &Source) -> Result<(), Error> {
        let path = self.file(&source.place);
        let write = || -> std::io::Result<()> {
            std::fs::create_dir_all(&self.folder)?;
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            {
                let mut out = std::io::BufWriter::new(&mut file);
                serde_json::to_writer(&mut out, source)?;
                out.flush()?;
            }
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)?;
            std::fs::File::open(&self.folder)?.sync_all()
        };
        write().map_err(|error| Error::io(&path, "write", error))
    }

    /// Forgets a source.
    pub(super) fn remove(&self, place: &str) -> Result<bool, Error> {
        let path = self.file(place);
        match std::fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Error::io(&path, "remove", error)),
        }
    }
}

fn read(path: &std::path::Path) -> Result<Source, Error> {
    let failed = |error| Error::io(path, "read", error);
    let file = std::fs::File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.len() > LARGEST {
        return Err(Error::option(
            "catalog",
            format!("{} is too large to be an index", path.display()),
        ));
    }
    serde_json::from_reader(std::io::BufReader::new(file)).map_err(|error| {
        let reason = format!(
            "{} is damaged ({error}): remove it and add its source again",
            path.display()
        );
        Error::option("catalog", reason)
    })
}
