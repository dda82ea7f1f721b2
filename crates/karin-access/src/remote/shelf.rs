//! What was read of remote files, on disk: shared by processes, bounded, the least recently used goes first.
//!
//! ```text
//! granules/HASH OF ADDRESS/HASH OF VERSION/index          pages of the structure, gzipped
//!                                         /START-LENGTH   values, followed by their CRC-32C
//! granules/one-range-HASH OF SERVER                       it does not give several ranges in one answer
//! ```
//!
//! Every file appears whole or not at all. The indexes are small and go last.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use libdeflater::{CompressionLvl, Compressor, Decompressor};
use sha2::{Digest as _, Sha256};

use super::parts::{PAGE, Parts, Place};
use crate::catalog::hex;
use crate::transfer::Origin;
use crate::{Location, Settings};

/// Name of the index of a version.
const INDEX: &str = "index";

/// The most that an index inflates to: structure of a file is far smaller.
const MOST_INDEX: usize = 256 << 20;

/// For how long it is known what a server cannot do.
const MONTH: Duration = Duration::from_secs(30 * 86_400);

/// The cache of one file.
#[derive(Debug)]
pub(super) struct Shelf {
    /// Folder of all files.
    root: PathBuf,
    /// Folder of all versions of this file.
    of_file: PathBuf,
    /// Folder of the version that is read.
    folder: PathBuf,
}

/// Pages of the index, and parts.
pub(super) type Known = (BTreeMap<u64, Vec<u8>>, Parts);

impl Shelf {
    /// The shelf of a file; `None` without a cache folder.
    pub(super) fn of(settings: &Settings, location: &Location) -> Option<Self> {
        let root = settings.cache.as_ref()?.join("granules");
        // The query of an address may hold a key that differs from time to time, or the only name of the file.
        let address = match location {
            Location::Http(url) | Location::Files(url) => url.as_str().to_owned(),
            other => other.to_string(),
        };
        let service = match location {
            Location::S3 { .. } => settings.text("s3.endpoint").unwrap_or_default(),
            _ => "",
        };
        let of_file = root.join(short_hash(&format!("{service}\n{address}")));
        Some(Self {
            folder: of_file.clone(),
            root,
            of_file,
        })
    }

    /// True if some version of the file was read before.
    pub(super) fn knows_some_version(&self) -> bool {
        std::fs::read_dir(&self.of_file).is_ok_and(|mut versions| versions.next().is_some())
    }

    /// True if a server was seen within a month to give one range at a time.
    pub(super) fn gives_one_range(&self, server: &str) -> bool {
        let noted = std::fs::metadata(self.note_of(server)).and_then(|meta| meta.modified());
        noted.is_ok_and(|when| when.elapsed().is_ok_and(|age| age < MONTH))
    }

    /// Notes that a server gives one range at a time. Without the note the next run asks again.
    pub(super) fn note_one_range(&self, server: &str) {
        let _ = std::fs::create_dir_all(&self.root);
        let _ = std::fs::write(self.note_of(server), b"");
    }

    fn note_of(&self, server: &str) -> PathBuf {
        self.root.join(format!("one-range-{}", short_hash(server)))
    }

    /// Turns to a version; other versions go. Gives what is there of it.
    pub(super) fn take(&mut self, origin: &Origin) -> Option<Known> {
        let version = format!("{:?} {:?} {:?}", origin.etag, origin.last_modified, origin.total);
        self.folder = self.of_file.join(short_hash(&version));
        for other in std::fs::read_dir(&self.of_file).into_iter().flatten().flatten() {
            if other.path() != self.folder {
                let _ = std::fs::remove_dir_all(other.path());
            }
        }
        let mut parts = Parts::default();
        for entry in std::fs::read_dir(&self.folder).ok()?.flatten() {
            let path = entry.path();
            if let Some((start, len)) = entry.file_name().to_str().and_then(parse_name) {
                parts.add(start, len, Place::Kept { path, checked: false }, true);
            }
        }
        let index = self.folder.join(INDEX);
        let pages = std::fs::read(&index).ok().and_then(|bytes| unpack(&bytes));
        touch(&index);
        Some((pages.unwrap_or_default(), parts))
    }

    /// Folder of the version that is read.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps bytes of the version; `None` if the disk does not take them.
    pub(super) fn keep(&self, start: u64, bytes: &[u8]) -> Option<PathBuf> {
        let path = self.folder.join(name_of(start, bytes.len() as u64));
        self.write(&path, &[bytes, &crc32c::crc32c(bytes).to_le_bytes()])
            .ok()?;
        Some(path)
    }

    /// Keeps the index. Without it the next run asks again, so that a full disk is no failure.
    pub(super) fn keep_index(&self, pages: &BTreeMap<u64, Vec<u8>>) {
        let _ = self.write(&self.folder.join(INDEX), &[&pack(pages)]);
    }

    fn write(&self, path: &Path, content: &[&[u8]]) -> std::io::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        for bytes in content {
            file.write_all(bytes)?;
        }
        // Not flushed: what a crash damages is found by its checksum and fetched again.
        file.persist(path)?;
        Ok(())
    }

    /// Counts bytes that were written; makes room when a sixteenth of the cache was, and with the first ones.
    pub(super) fn tidy(&self, written: &AtomicU64, bytes: u64, limit: u64) {
        let before = written.fetch_add(bytes, Ordering::Relaxed);
        let step = (limit / 16).max(1);
        if before == 0 || before / step != (before + bytes) / step {
            make_room(&self.root, limit);
        }
    }
}

/// A part's name: `START-LENGTH`.
pub(super) fn name_of(start: u64, len: u64) -> String {
    format!("{start}-{len}")
}

fn parse_name(name: &str) -> Option<(u64, u64)> {
    let (start, len) = name.split_once('-')?;
    let (start, len) = (start.parse().ok()?, len.parse::<u64>().ok()?);
    u64::checked_add(start, len).map(|_| (start, len))
}

/// True if a kept part is as long as its name says and has its checksum. Marks it as used.
pub(super) fn is_intact(path: &Path, len: u64) -> bool {
    let check = || -> std::io::Result<bool> {
        use std::io::Read as _;
        let mut file = std::fs::File::open(path)?;
        if file.metadata()?.len() != len + 4 {
            return Ok(false);
        }
        let (mut crc, mut left, mut block) = (0, len, vec![0; 1 << 20]);
        while left > 0 {
            let piece = block.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            file.read_exact(&mut block[..piece])?;
            crc = crc32c::crc32c_append(crc, &block[..piece]);
            left -= piece as u64;
        }
        let mut stored = [0; 4];
        file.read_exact(&mut stored)?;
        Ok(u32::from_le_bytes(stored) == crc)
    };
    touch(path);
    check().unwrap_or(false)
}

fn touch(path: &Path) {
    let file = std::fs::File::options().append(true).open(path);
    let _ = file.and_then(|file| file.set_modified(SystemTime::now()));
}

fn short_hash(text: &str) -> String {
    let digest = Sha256::digest(text);
    hex(digest.get(..16).unwrap_or(&digest))
}

/// Removes what was not used for longest, values before indexes, until four fifths of the limit are left.
fn make_room(root: &Path, limit: u64) {
    let mut files = Vec::new();
    let folders = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten();
    for of_file in folders(root) {
        for version in folders(&of_file.path()) {
            for file in folders(&version.path()) {
                if let Ok(meta) = file.metadata() {
                    let used = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                    files.push((file.file_name() == INDEX, used, meta.len(), file.path()));
                }
            }
        }
    }
    let mut total: u64 = files.iter().map(|(_, _, len, _)| len).sum();
    if total <= limit {
        return;
    }
    files.sort();
    for (_, _, len, path) in files {
        if total <= limit / 5 * 4 {
            break;
        }
        if std::fs::remove_file(&path).is_ok() {
            total -= len;
        }
        // Folders that became empty; others stay, as removing them fails.
        let version = path.parent();
        let _ = version.map(std::fs::remove_dir);
        let _ = version.and_then(Path::parent).map(std::fs::remove_dir);
    }
}

/// Pages as one gzip member, which has a checksum of its own: number and length of every page, then its bytes.
fn pack(pages: &BTreeMap<u64, Vec<u8>>) -> Vec<u8> {
    let mut plain = Vec::new();
    for (number, page) in pages {
        plain.extend(number.to_le_bytes());
        plain.extend((page.len() as u32).to_le_bytes());
        plain.extend(page);
    }
    let mut compressor = Compressor::new(CompressionLvl::default());
    let mut packed = vec![0; compressor.gzip_compress_bound(plain.len())];
    let len = compressor.gzip_compress(&plain, &mut packed).unwrap_or(0);
    packed.truncate(len);
    packed
}

fn unpack(packed: &[u8]) -> Option<BTreeMap<u64, Vec<u8>>> {
    let len = u32::from_le_bytes(*packed.last_chunk::<4>()?) as usize;
    if len > MOST_INDEX {
        return None;
    }
    let mut plain = vec![0; len];
    Decompressor::new().gzip_decompress(packed, &mut plain).ok()?;
    let mut pages = BTreeMap::new();
    let mut rest = plain.as_slice();
    while !rest.is_empty() {
        let (number, after) = rest.split_first_chunk::<8>()?;
        let (len, after) = after.split_first_chunk::<4>()?;
        let (page, after) = after.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        if page.len() as u64 > PAGE {
            return None;
        }
        pages.insert(u64::from_le_bytes(*number), page.to_vec());
        rest = after;
    }
    Some(pages)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::parts::Found;

    fn shelf(folder: &Path) -> Shelf {
        let root = folder.join("granules");
        let of_file = root.join("file");
        Shelf {
            folder: of_file.clone(),
            root,
            of_file,
        }
    }

    fn version(etag: &str) -> Origin {
        Origin {
            etag: Some(etag.to_owned()),
            ..Origin::default()
        }
    }

    #[test]
    fn what_is_kept_comes_back_unless_it_is_of_another_version_or_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = shelf(folder.path());
        assert!(!writer.knows_some_version());
        assert!(writer.take(&version("1")).is_none());
        let path = writer.keep(100, b"values").unwrap();
        let pages = BTreeMap::from([(3, vec![1; 4096]), (9, vec![2; 10])]);
        writer.keep_index(&pages);
        let mut reader = shelf(folder.path());
        assert!(reader.knows_some_version());
        let (known, mut parts) = reader.take(&version("1")).unwrap();
        assert_eq!(known, pages);
        let mut buffer = [0; 6];
        assert_eq!(parts.copy(&BTreeMap::new(), 100, &mut buffer), Found::Values);
        assert_eq!(&buffer, b"values");
        let mut damaged = std::fs::read(&path).unwrap();
        damaged[2] ^= 1;
        std::fs::write(&path, damaged).unwrap();
        let (_, mut parts) = shelf(folder.path()).take(&version("1")).unwrap();
        assert_eq!(parts.copy(&BTreeMap::new(), 100, &mut buffer), Found::Nothing);
        assert!(!path.exists());
        std::fs::write(writer.folder.join(INDEX), b"no gzip").unwrap();
        assert!(shelf(folder.path()).take(&version("1")).unwrap().0.is_empty());
        assert!(shelf(folder.path()).take(&version("2")).is_none());
        assert!(shelf(folder.path()).take(&version("1")).is_none());
    }

    #[test]
    fn what_a_server_cannot_do_is_known_for_a_month() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = shelf(folder.path());
        assert!(!shelf.gives_one_range("https://a"));
        shelf.note_one_range("https://a");
        assert!(shelf.gives_one_range("https://a") && !shelf.gives_one_range("https://b"));
        let note = std::fs::File::options()
            .append(true)
            .open(shelf.note_of("https://a"));
        note.unwrap().set_modified(SystemTime::now() - 2 * MONTH).unwrap();
        assert!(!shelf.gives_one_range("https://a"));
    }

    #[test]
    fn the_cache_stays_within_its_limit_and_indexes_go_last() {
        let folder = tempfile::tempdir().unwrap();
        let mut shelf = shelf(folder.path());
        shelf.take(&version("1"));
        shelf.keep_index(&BTreeMap::from([(0, vec![0; 4096])]));
        let written = AtomicU64::new(0);
        for number in 0..100 {
            shelf.keep(number * 1000, &[number as u8; 1000]).unwrap();
            shelf.tidy(&written, 1000, 20_000);
        }
        let files: Vec<_> = std::fs::read_dir(&shelf.folder).unwrap().flatten().collect();
        let total: u64 = files.iter().map(|file| file.metadata().unwrap().len()).sum();
        assert!(total <= 20_000 && files.len() > 10, "{total}");
        assert!(shelf.folder.join(INDEX).exists());
    }
}
