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
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use karin_core::{DType, GroupMeta, Selection, Slab, Values};
use karin_engine::EngineError;
use karin_engine::reduction::Reduction;
use serde::{Deserialize, Serialize};

use super::{Origin, Shard, ShardError};
use crate::Error;

mod scan;
mod writer;

use scan::{Scan, hashed};
pub(super) use writer::StateWriter;

const MAGIC: &[u8; 8] = b"KRNSHARD";
/// The format that is written and read.
const FORMAT: u32 = 2;
/// Bytes of a hash.
const HASH: u64 = 32;
/// Bytes of a part that go into one section.
const PIECE: usize = 32 << 20;
/// Most bytes of a block: netCDF-4 has no larger chunks.
const LARGEST: usize = 1 << 32;

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
