//! Going through the sections of a state.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use karin_core::Slab;
use serde::de::DeserializeOwned;

use super::{Block, FORMAT, HASH, Kind, MAGIC, Section};
use crate::Error;
use crate::shard::ShardError;

/// Reads the payload of a section that begins here, and checks its hash.
pub(super) fn hashed(file: &mut impl Read, path: &Path, section: Section) -> Result<Vec<u8>, Error> {
    let failed = |error| Error::io(path, "read", error);
    let mut payload = vec![0; usize::try_from(section.length).unwrap_or(usize::MAX)];
    file.read_exact(&mut payload).map_err(failed)?;
    let mut hash = [0; HASH as usize];
    file.read_exact(&mut hash).map_err(failed)?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[section.kind as u8]).update(&payload);
    if hasher.finalize().as_bytes() == &hash {
        Ok(payload)
    } else {
        Err(ShardError::Damaged {
            path: path.to_owned(),
            at: section.at,
            what: "its hash does not fit",
        }
        .into())
    }
}

/// Goes through the sections of a file.
pub(super) struct Scan {
    path: PathBuf,
    file: BufReader<File>,
    /// Where it stands.
    pub(super) at: u64,
    end: u64,
}

impl Scan {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let failed = |error| Error::io(path, "read", error);
        let file = File::open(path).map_err(failed)?;
        let end = file.metadata().map_err(failed)?.len();
        let mut scan = Self {
            path: path.to_owned(),
            file: BufReader::new(file),
            at: 0,
            end,
        };
        let mut start = [0; 12];
        let (magic, format) = match scan.read(&mut start) {
            Ok(()) => start.split_at(8),
            Err(_) => (&start[..0], &start[..0]),
        };
        if magic != MAGIC {
            return Err(ShardError::NoState {
                path: path.to_owned(),
            }
            .into());
        }
        let found = format.try_into().map_or(0, u32::from_le_bytes);
        if found != FORMAT {
            return Err(ShardError::Format {
                path: path.to_owned(),
                found,
                known: FORMAT,
            }
            .into());
        }
        Ok(scan)
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        if self.end - self.at < bytes.len() as u64 {
            return Err(self.truncated());
        }
        self.file
            .read_exact(bytes)
            .map_err(|error| Error::io(&self.path, "read", error))?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    fn truncated(&self) -> Error {
        ShardError::Truncated {
            path: self.path.clone(),
            at: self.at,
        }
        .into()
    }

    fn damaged(&self, at: u64, what: &'static str) -> Error {
        ShardError::Damaged {
            path: self.path.clone(),
            at,
            what,
        }
        .into()
    }

    /// The next section, behind which the scan then stands; `None` at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<Section>, Error> {
        if self.at == self.end {
            return Ok(None);
        }
        let begin = self.at;
        let mut start = [0; 9];
        self.read(&mut start)?;
        let [letter, length @ ..] = start;
        let kind = Kind::of(letter).ok_or_else(|| self.damaged(begin, "an unknown section"))?;
        let length = u64::from_le_bytes(length);
        let rest = self.end - self.at;
        if length.checked_add(HASH).is_none_or(|needed| needed > rest) {
            return Err(self.truncated());
        }
        let section = Section {
            kind,
            at: self.at,
            length,
            head: 0,
        };
        self.go_to(self.at + length + HASH)?;
        Ok(Some(section))
    }

    fn go_to(&mut self, at: u64) -> Result<(), Error> {
        let by = at.cast_signed() - self.at.cast_signed();
        self.file
            .seek_relative(by)
            .map_err(|error| Error::io(&self.path, "read", error))?;
        self.at = at;
        Ok(())
    }

    /// What MessagePack says in a section.
    pub(super) fn packed<T: DeserializeOwned>(&mut self, section: Section) -> Result<T, Error> {
        let behind = self.at;
        self.go_to(section.at)?;
        let payload = hashed(&mut self.file, &self.path, section)?;
        self.at = section.at + section.length + HASH;
        self.go_to(behind)?;
        rmp_serde::from_slice(&payload).map_err(|_error| self.damaged(section.at, "a header of another form"))
    }

    /// Where a block goes.
    pub(super) fn block(&mut self, section: Section) -> Result<Block, Error> {
        let behind = self.at;
        self.go_to(section.at)?;
        let mut length = [0; 4];
        self.read(&mut length)?;
        let length = u64::from(u32::from_le_bytes(length));
        if length + 4 > section.length {
            return Err(self.damaged(section.at, "a block without a place"));
        }
        let mut place = vec![0; length as usize];
        self.read(&mut place)?;
        self.go_to(behind)?;
        let place: Result<(String, Vec<usize>, Vec<usize>), _> = rmp_serde::from_slice(&place);
        let (path, start, count) =
            place.map_err(|_error| self.damaged(section.at, "a block without a place"))?;
        Ok(Block {
            path,
            slab: Slab { start, count },
            section: Section {
                head: length + 4,
                ..section
            },
        })
    }
}
