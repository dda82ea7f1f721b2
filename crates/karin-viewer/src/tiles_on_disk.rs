//! Tiles that were made, in the user's cache folder: those of one state of an archive in one folder, the oldest go
//! first. Nothing depends on it: what cannot be read or written is made again.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

/// Bytes that all tiles of all archives may take.
const LIMIT: u64 = 512 << 20;
/// Bytes that are written before the folder is looked through again.
const BETWEEN: u64 = 32 << 20;
/// First bytes of a file: the form of tiles. Another form is another word.
const FORM: &[u8; 8] = b"karinT1\n";

/// The tiles of one state.
#[derive(Debug)]
pub struct TilesOnDisk {
    root: PathBuf,
    folder: PathBuf,
    written: AtomicU64,
}

impl TilesOnDisk {
    /// In a folder inside `root`.
    pub fn new(root: &Path, identity: &str) -> Self {
        let name: String = blake3::hash(identity.as_bytes())
            .to_hex()
            .chars()
            .take(24)
            .collect();
        Self {
            folder: root.join(name),
            root: root.to_owned(),
            written: AtomicU64::new(BETWEEN),
        }
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder
            .join(format!("{}.tile", blake3::hash(key.as_bytes()).to_hex()))
    }

    /// The tile of a key, if it is there whole.
    pub fn get(&self, key: &str) -> Option<Vec<u8>> {
        let stored = fs::read(self.path(key)).ok()?;
        let (hash, body) = stored.strip_prefix(FORM)?.split_first_chunk::<32>()?;
        (blake3::hash(body).as_bytes() == hash).then(|| body.to_vec())
    }

    /// Keeps a tile.
    pub fn put(&self, key: &str, body: &[u8]) {
        let written = self.written.fetch_add(body.len() as u64, Ordering::Relaxed);
        if written >= BETWEEN {
            self.written.store(0, Ordering::Relaxed);
            make_room(&self.root);
        }
        let write = || -> std::io::Result<()> {
            fs::create_dir_all(&self.folder)?;
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            file.write_all(FORM)?;
            file.write_all(blake3::hash(body).as_bytes())?;
            file.write_all(body)?;
            file.persist(self.path(key))?;
            Ok(())
        };
        // A full disk only costs time.
        let _ = write();
    }
}

/// Deletes the oldest files until the rest takes little enough.
fn make_room(root: &Path) {
    let mut files = Vec::new();
    let folders = fs::read_dir(root).into_iter().flatten().flatten();
    for folder in folders {
        let inner = fs::read_dir(folder.path()).into_iter().flatten().flatten();
        files.extend(inner.filter_map(|file| {
            let about = file.metadata().ok()?;
            let made = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            about.is_file().then(|| (made, about.len(), file.path()))
        }));
    }
    let mut total: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
    files.sort_unstable();
    for (_, bytes, path) in files {
        if total <= LIMIT {
            break;
        }
        let is_tile = path.extension().is_some_and(|extension| extension == "tile");
        if is_tile && fs::remove_file(&path).is_ok() {
            total = total.saturating_sub(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_come_back_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let tiles = TilesOnDisk::new(folder.path(), "snapshot");
        assert_eq!(tiles.get("a"), None);
        tiles.put("a", b"body");
        assert_eq!(tiles.get("a").as_deref(), Some(&b"body"[..]));
        assert_eq!(TilesOnDisk::new(folder.path(), "another").get("a"), None);
        let path = tiles.path("a");
        let mut stored = fs::read(&path).unwrap();
        *stored.last_mut().unwrap() ^= 1;
        fs::write(&path, stored).unwrap();
        assert_eq!(tiles.get("a"), None, "a flipped bit");
    }
}
