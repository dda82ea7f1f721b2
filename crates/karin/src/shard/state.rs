//! The file of a shard's state.
//!
//! ```text
//!   KRNSHARD, format (u32) │ header │ structure, blocks … or part, part … │ ending
//! ```
//!
//! Everything behind the first twelve bytes lies in sections: a letter, the length of the payload, the payload, the BLAKE3
//! hash of letter and payload. Headers are MessagePack; blocks are what the engine writes to a result, compressed with zstd. Numbers are little
//! endian. A file without ending is truncated; lengths are believed only as far as the file reaches.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use karin_core::{DType, DatasetError, ErrorKind, GroupMeta, Selection, Slab, Values};
use karin_engine::reduction::Reduction;
use karin_engine::{EngineError, SharedSink};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Origin, Shard, ShardError};
use crate::Error;
use crate::output::Unfinished;

const MAGIC: &[u8; 8] = b"KRNSHARD";
/// The format that is written and read.
const FORMAT: u32 = 2;
/// Bytes of a hash.
const HASH: u64 = 32;
/// Bytes of a part that go into one section.
const PIECE: usize = 32 << 20;
/// Most bytes of a block: netCDF-4 has no larger chunks.
const LARGEST: usize = 1 << 32;
/// Compression of what is read once.
const LEVEL: i32 = 1;

/// What a state is of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) karin_version: String,
    pub(super) shard: Shard,
    pub(super) statistics: String,
    pub(super) target: String,
    pub(super) with: Option<String>,
    pub(super) having: Option<String>,
    pub(super) selection: Selection,
    pub(super) snapshot: Option<String>,
    /// The whole plan in words, and its granules.
    pub(super) plan: String,
    pub(super) granules: u64,
    pub(super) identity: String,
    pub(super) origin: Origin,
    pub(super) history: String,
}

impl Header {
    /// The reduction that its words say.
    pub(super) fn reduction(&self) -> Result<Reduction, EngineError> {
        let (with, having) = (self.with.as_deref(), self.having.as_deref());
        Reduction::of_words(&self.statistics, &self.target, with, having)
    }

    /// The reduction in words.
    pub(super) fn words(&self) -> String {
        let mut words = format!("{} {}", self.statistics, self.target);
        for (flag, text) in [("with", &self.with), ("having", &self.having)] {
            if let Some(text) = text {
                words.push_str(&format!(" --{flag} {text:?}"));
            }
        }
        words
    }
}

/// What became of the granules of a shard.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Ending {
    pub(super) granules: u64,
    /// What was left out, with reasons.
    pub(super) left_out: Vec<(String, String)>,
}

/// The sections of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    Header = b'H',
    Structure = b'S',
    Block = b'B',
    Part = b'P',
    Ending = b'E',
}

impl Kind {
    fn of(letter: u8) -> Option<Self> {
        let all = [
            Self::Header,
            Self::Structure,
            Self::Block,
            Self::Part,
            Self::Ending,
        ];
        all.into_iter().find(|kind| *kind as u8 == letter)
    }
}

/// A state under construction; all threads write to it. Dropped before its end, it leaves nothing.
pub(super) struct StateWriter {
    path: PathBuf,
    file: Mutex<Unfinished>,
}

impl StateWriter {
    pub(super) fn create(path: &Path, header: &Header) -> Result<Self, Error> {
        let mut file = Unfinished::create(path)?;
        let mut start = MAGIC.to_vec();
        start.extend_from_slice(&FORMAT.to_le_bytes());
        file.file()
            .write_all(&start)
            .map_err(|error| Error::io(path, "write", error))?;
        let writer = Self {
            path: path.to_owned(),
            file: Mutex::new(file),
        };
        writer.packed(Kind::Header, header)?;
        Ok(writer)
    }

    /// Writes a part of the engine's own making.
    pub(super) fn write_part(&self, bytes: &[u8]) -> Result<(), Error> {
        for piece in bytes.chunks(PIECE) {
            let compressed = self.compressed(piece)?;
            self.section(Kind::Part, &[&(piece.len() as u64).to_le_bytes(), &compressed])?;
        }
        Ok(())
    }

    /// Gives the file its name.
    pub(super) fn finish(self, ending: &Ending) -> Result<(), Error> {
        self.packed(Kind::Ending, ending)?;
        let file = self.file.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(file.finish(true)?)
    }

    fn packed(&self, kind: Kind, value: &impl Serialize) -> Result<(), Error> {
        let bytes = rmp_serde::to_vec_named(value).map_err(|error| {
            let reason = error.to_string();
            let path = self.path.clone();
            ShardError::Unsupported { path, reason }
        })?;
        self.section(kind, &[&bytes])
    }

    fn compressed(&self, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        zstd::bulk::compress(bytes, LEVEL).map_err(|error| Error::io(&self.path, "write", error))
    }

    fn section(&self, kind: Kind, payload: &[&[u8]]) -> Result<(), Error> {
        let length: u64 = payload.iter().map(|part| part.len() as u64).sum();
        let mut hasher = blake3::Hasher::new();
        hasher.update(&[kind as u8]);
        payload.iter().for_each(|part| {
            hasher.update(part);
        });
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let file = file.file();
        let mut write = || {
            file.write_all(&[kind as u8])?;
            file.write_all(&length.to_le_bytes())?;
            payload.iter().try_for_each(|part| file.write_all(part))?;
            file.write_all(hasher.finalize().as_bytes())
        };
        write().map_err(|error| Error::io(&self.path, "write", error))
    }

    fn block(&self, path: &str, slab: &Slab, values: &Values) -> Result<(), Error> {
        if slab.is_empty() {
            return Ok(());
        }
        let place = rmp_serde::to_vec(&(path, &slab.start, &slab.count)).unwrap_or_default();
        let length = u32::try_from(place.len()).unwrap_or(u32::MAX).to_le_bytes();
        let compressed = self.compressed(values.as_bytes())?;
        self.section(Kind::Block, &[&length, &place, &compressed])
    }

    fn failed(&self, path: &str, error: &Error) -> DatasetError {
        let label = self.path.display().to_string();
        DatasetError::new(error.kind(), &label, path, error.to_string())
    }
}

impl SharedSink for StateWriter {
    fn begin(&self, root: &GroupMeta) -> Result<(), DatasetError> {
        self.packed(Kind::Structure, root)
            .map_err(|error| self.failed("", &error))
    }

    fn write(&self, path: &str, slab: &Slab, values: &Values) -> Result<(), DatasetError> {
        if values.dtype() == DType::String {
            let label = self.path.display().to_string();
            return Err(DatasetError::new(
                ErrorKind::Unsupported,
                &label,
                path,
                "states hold no texts",
            ));
        }
        self.block(path, slab, values)
            .map_err(|error| self.failed(path, &error))
    }
}

/// A block of a result in a state.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) path: String,
    pub(super) slab: Slab,
    section: Section,
}

/// Where the payload of a section lies.
#[derive(Clone, Copy, Debug)]
struct Section {
    kind: Kind,
    at: u64,
    length: u64,
    /// Bytes of the payload before what is compressed.
    head: u64,
}

/// A whole state; blocks are read when they are asked for.
#[derive(Debug)]
pub(super) struct State {
    pub(super) path: PathBuf,
    pub(super) header: Header,
    pub(super) structure: Option<GroupMeta>,
    pub(super) blocks: Vec<Block>,
    pub(super) ending: Ending,
    parts: Vec<Section>,
}

impl State {
    /// Opens a state and checks all but the values.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let mut scan = Scan::open(path)?;
        let (mut header, mut structure, mut ending) = (None, None, None);
        let (mut blocks, mut parts) = (Vec::new(), Vec::new());
        while let Some(section) = scan.next()? {
            match section.kind {
                Kind::Header => header = Some(scan.packed(section)?),
                Kind::Structure => structure = Some(scan.packed(section)?),
                Kind::Block => blocks.push(scan.block(section)?),
                Kind::Part => parts.push(Section { head: 8, ..section }),
                Kind::Ending => ending = Some(scan.packed(section)?),
            }
        }
        let missing = |at| ShardError::Truncated {
            path: path.to_owned(),
            at,
        };
        let state = Self {
            path: path.to_owned(),
            header: header.ok_or_else(|| missing(scan.at))?,
            ending: ending.ok_or_else(|| missing(scan.at))?,
            structure,
            blocks,
            parts,
        };
        state
            .blocks
            .iter()
            .try_for_each(|block| state.dtype_of(block).map(drop))?;
        Ok(state)
    }

    /// The type of a block that lies inside its variable.
    fn dtype_of(&self, block: &Block) -> Result<DType, ShardError> {
        let root = self.structure.as_ref();
        let variable =
            root.and_then(|root| Some((root.variable(&block.path)?.dtype, root.shape(&block.path)?)));
        variable
            .filter(|(dtype, shape)| {
                block.slab.fits(shape) && block.slab.len() <= LARGEST / dtype.size().max(1)
            })
            .map(|(dtype, _)| dtype)
            .ok_or_else(|| self.damaged(block.section, "a block outside its variable"))
    }

    /// The values of a block.
    pub(super) fn values(&self, block: &Block) -> Result<Values, Error> {
        let mut values = Values::zeros(self.dtype_of(block)?, block.slab.len());
        let payload = self.payload(block.section)?;
        let bytes = values.as_bytes_mut();
        let written = zstd::bulk::decompress_to_buffer(&payload, bytes);
        if written.is_ok_and(|written| written == bytes.len()) {
            Ok(values)
        } else {
            Err(self.damaged(block.section, "values of another number").into())
        }
    }

    /// Bytes of the engine's part.
    pub(super) fn part_length(&self) -> Result<u64, Error> {
        let mut length = 0;
        for section in &self.parts {
            length += self.raw_length(*section)?;
        }
        Ok(length)
    }

    /// The engine's part.
    pub(super) fn part(&self) -> Result<Vec<u8>, Error> {
        let mut part = Vec::new();
        for section in &self.parts {
            let length = self.raw_length(*section)? as usize;
            let payload = self.payload(*section)?;
            let raw = zstd::bulk::decompress(&payload, length)
                .ok()
                .filter(|raw| raw.len() == length);
            part.extend_from_slice(&raw.ok_or_else(|| self.damaged(*section, "a part of another length"))?);
        }
        Ok(part)
    }

    fn raw_length(&self, section: Section) -> Result<u64, Error> {
        let mut bytes = [0; 8];
        let mut file = self.file(section.at)?;
        file.read_exact(&mut bytes)
            .map_err(|error| Error::io(&self.path, "read", error))?;
        let length = u64::from_le_bytes(bytes);
        if length <= PIECE as u64 {
            Ok(length)
        } else {
            Err(self.damaged(section, "a part of another length").into())
        }
    }

    /// What is compressed in a section, whose hash fits.
    fn payload(&self, section: Section) -> Result<Vec<u8>, Error> {
        let mut payload = hashed(&mut self.file(section.at)?, &self.path, section)?;
        payload.drain(..(section.head as usize).min(payload.len()));
        Ok(payload)
    }

    fn file(&self, at: u64) -> Result<File, Error> {
        let open = || {
            let mut file = File::open(&self.path)?;
            file.seek(SeekFrom::Start(at))?;
            Ok(file)
        };
        open().map_err(|error| Error::io(&self.path, "read", error))
    }

    fn damaged(&self, section: Section, what: &'static str) -> ShardError {
        ShardError::Damaged {
            path: self.path.clone(),
            at: section.at,
            what,
        }
    }
}

/// Reads the payload of a section that begins here, and checks its hash.
fn hashed(file: &mut impl Read, path: &Path, section: Section) -> Result<Vec<u8>, Error> {
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
struct Scan {
    path: PathBuf,
    file: BufReader<File>,
    at: u64,
    end: u64,
}

impl Scan {
    fn open(path: &Path) -> Result<Self, Error> {
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
    fn next(&mut self) -> Result<Option<Section>, Error> {
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
    fn packed<T: DeserializeOwned>(&mut self, section: Section) -> Result<T, Error> {
        let behind = self.at;
        self.go_to(section.at)?;
        let payload = hashed(&mut self.file, &self.path, section)?;
        self.at = section.at + section.length + HASH;
        self.go_to(behind)?;
        rmp_serde::from_slice(&payload).map_err(|_error| self.damaged(section.at, "a header of another form"))
    }

    /// Where a block goes.
    fn block(&mut self, section: Section) -> Result<Block, Error> {
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
