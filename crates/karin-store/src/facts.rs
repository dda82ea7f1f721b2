//! What is known about every granule besides its values.
//!
//! Numbers lie as small arrays `[cycle_number, pass_number]` in the subgroup `granules`, one chunk per granule inside
//! the manifests, so that two writers never touch the same chunk; everything else is one JSON document per granule.

pub(crate) mod bounds;
pub(crate) mod document;
pub(crate) mod view;

use karin_core::{DType, HalfOrbit, Version};

use crate::codec::{ChunkCodec, CodecError};
use crate::layout::GroupLayout;

/// Third axis of a fact.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tail {
    pub dimension: &'static str,
    pub length: usize,
    pub chunk: usize,
    pub compressed: bool,
}

/// One fact array.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fact {
    pub name: &'static str,
    pub dtype: DType,
    pub tail: Option<Tail>,
    pub about: &'static str,
}

impl Fact {
    const fn new(name: &'static str, dtype: DType, about: &'static str) -> Self {
        Self {
            name,
            dtype,
            tail: None,
            about,
        }
    }

    const fn with_tail(
        name: &'static str,
        dimension: &'static str,
        length: usize,
        about: &'static str,
    ) -> Self {
        let tail = Some(Tail {
            dimension,
            length,
            chunk: length,
            compressed: false,
        });
        Self {
            name,
            dtype: DType::UInt8,
            tail,
            about,
        }
    }
}

/// Name of the array of documents.
pub(crate) const DOCUMENT: &str = "document";

/// Bytes of one chunk of a document.
pub(crate) const DOCUMENT_CHUNK: usize = 64 << 10;

/// Bytes that a document may have.
pub(crate) const DOCUMENT_LIMIT: usize = 16 << 20;

const VERSION_LENGTH: usize = 24;
const CHECKSUM_LENGTH: usize = 32;

/// Every fact but the counts, which depend on the product.
pub(crate) const FACTS: [Fact; 10] = [
    Fact::new("state", DType::UInt8, "0 no granule, 1 partial, 2 whole"),
    Fact::with_tail(
        "version",
        "version_byte",
        VERSION_LENGTH,
        "version as ASCII text, padded with zeros",
    ),
    Fact::new(
        "size",
        DType::UInt64,
        "bytes of the file that the granule came from",
    ),
    Fact::with_tail(
        "checksum",
        "checksum_byte",
        CHECKSUM_LENGTH,
        "BLAKE3 of that file",
    ),
    Fact::new(
        "time_start",
        DType::Float64,
        "time of the first line, seconds since 2000-01-01T00:00:00Z",
    ),
    Fact::new(
        "time_end",
        DType::Float64,
        "time of the last line, seconds since 2000-01-01T00:00:00Z",
    ),
    Fact::new(
        "ingested",
        DType::Float64,
        "time of ingest, seconds since 2000-01-01T00:00:00Z",
    ),
    Fact::new(
        "own_geometry",
        DType::UInt8,
        "1 if the granule keeps coordinates of its own in this group",
    ),
    Fact::new("document_size", DType::UInt32, "bytes of the document"),
    Fact {
        name: DOCUMENT,
        dtype: DType::UInt8,
        tail: Some(Tail {
            dimension: "document_byte",
            length: DOCUMENT_LIMIT,
            chunk: DOCUMENT_CHUNK,
            compressed: true,
        }),
        about: "JSON: sources, and what differs from the structure of the group",
    },
];

/// The codec of one chunk of a document.
pub(crate) fn document_codec() -> ChunkCodec {
    ChunkCodec::new(crate::codec::Profile::Portable, DType::UInt8, DOCUMENT_CHUNK, 1)
}

/// How much of a granule is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GranuleState {
    /// Some of its lines: crops that were ingested.
    Partial,
    /// All that the producer delivered.
    Whole,
}

/// The numeric facts of a granule of a collection.
#[derive(Clone, Debug, PartialEq)]
pub struct GranuleFacts {
    /// Which granule.
    pub half_orbit: HalfOrbit,
    /// Whole or partial.
    pub state: GranuleState,
    /// Version of the product.
    pub version: Version,
    /// Bytes of the file that it came from (of the last one, if it was merged from several).
    pub size: u64,
    /// BLAKE3 of that file.
    pub checksum: [u8; CHECKSUM_LENGTH],
    /// First valid time, seconds since 2000-01-01T00:00:00 UTC; from the name where no line has one.
    pub time_start: f64,
    /// Last valid time.
    pub time_end: f64,
    /// When it was ingested, seconds since 2000-01-01T00:00:00 UTC.
    pub ingested: f64,
    /// True if it keeps coordinates of its own.
    pub own_geometry: bool,
    /// True lengths of the dimensions that differ between granules, in the order of the group's structure.
    pub(crate) counts: Vec<u32>,
    pub(crate) document_size: u32,
}

/// Stored bytes of one fact of one granule.
pub(crate) type FactBytes = (String, Vec<u8>);

impl GranuleFacts {
    /// The chunks of all numeric facts, encoded.
    pub(crate) fn encode(&self, layout: &GroupLayout) -> Result<Vec<FactBytes>, CodecError> {
        let state = match self.state {
            GranuleState::Partial => 1,
            GranuleState::Whole => 2,
        };
        let mut version = self.version.to_string().into_bytes();
        version.resize(VERSION_LENGTH, 0);
        let raw: [(&str, Vec<u8>); 9] = [
            ("state", vec![state]),
            ("version", version),
            ("size", self.size.to_le_bytes().to_vec()),
            ("checksum", self.checksum.to_vec()),
            ("time_start", self.time_start.to_le_bytes().to_vec()),
            ("time_end", self.time_end.to_le_bytes().to_vec()),
            ("ingested", self.ingested.to_le_bytes().to_vec()),
            ("own_geometry", vec![u8::from(self.own_geometry)]),
            ("document_size", self.document_size.to_le_bytes().to_vec()),
        ];
        let counts = layout.counts.iter().zip(&self.counts);
        let counts = counts.map(|(count, value)| (count.fact.as_str(), value.to_le_bytes().to_vec()));
        let seal = |(name, bytes): (&str, Vec<u8>)| {
            let codec = ChunkCodec::plain(DType::UInt8, bytes.len());
            codec.encode(&bytes).map(|stored| (name.to_owned(), stored))
        };
        raw.into_iter().chain(counts).map(seal).collect()
    }

    /// From the stored chunks: `chunk` gives that of a fact.
    pub(crate) fn decode(
        layout: &GroupLayout,
        half_orbit: HalfOrbit,
        mut chunk: impl FnMut(&str) -> Option<Vec<u8>>,
    ) -> Result<Self, CodecError> {
        fn number<const SIZE: usize>(name: &str, stored: Option<Vec<u8>>) -> Result<[u8; SIZE], CodecError> {
            let stored = stored.ok_or_else(|| CodecError::new(format!("the fact {name} is not there")))?;
            let mut bytes = [0; SIZE];
            ChunkCodec::plain(DType::UInt8, SIZE).decode(&stored, &mut bytes)?;
            Ok(bytes)
        }
        let mut chunk = |name: &str| chunk(name);
        let state = match number::<1>("state", chunk("state"))? {
            [1] => GranuleState::Partial,
            [2] => GranuleState::Whole,
            [other] => return Err(CodecError::new(format!("a granule of the unknown state {other}"))),
        };
        let version = number::<VERSION_LENGTH>("version", chunk("version"))?;
        let version = String::from_utf8_lossy(&version);
        let mut counts = Vec::with_capacity(layout.counts.len());
        for count in &layout.counts {
            counts.push(u32::from_le_bytes(number("counts", chunk(&count.fact))?));
        }
        Ok(Self {
            half_orbit,
            state,
            version: Version::parse(version.trim_end_matches('\0')),
            size: u64::from_le_bytes(number("size", chunk("size"))?),
            checksum: number("checksum", chunk("checksum"))?,
            time_start: f64::from_le_bytes(number("time_start", chunk("time_start"))?),
            time_end: f64::from_le_bytes(number("time_end", chunk("time_end"))?),
            ingested: f64::from_le_bytes(number("ingested", chunk("ingested"))?),
            own_geometry: number::<1>("own_geometry", chunk("own_geometry"))? != [0],
            counts,
            document_size: u32::from_le_bytes(number("document_size", chunk("document_size"))?),
        })
    }
}
