//! How the elements of a chunk become bytes and back: lossless always, a checksum always.
//!
//! A chunk is a table of `rows` lines by `columns` of everything else, row-major for the caller. The two profiles
//! store it as Zarr v3 codecs that stock readers know; karin decodes both with its own code, which can start at any
//! line and writes straight into the caller's buffer.

mod blosc;
mod deflated;
mod pcodec;
mod zarr;

use std::cell::RefCell;
use std::ops::Range;

use karin_core::{DType, transpose};
use rayon::prelude::*;

#[cfg(target_endian = "big")]
compile_error!("karin-store writes native numbers as little-endian chunks");

/// Bytes of a chunk that cannot be encoded or decoded, and why. Whoever knows the object adds its name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CodecError(String);

impl CodecError {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

/// The codecs that a collection is written with; fixed when its first group is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Core Zarr v3 codecs only: `bytes`, `blosc` (zstd, byte shuffle), `crc32c`. No larger than the netCDF files.
    #[default]
    Portable,
    /// pcodec level 8, column-major in the chunk: about half the size; readers need the `pcodec` package.
    Compact,
    /// Of groups of virtual granules: their chunks as they lie in netCDF files; as `portable` what is copied.
    Virtual,
}

impl Profile {
    /// `portable`, `compact` or `virtual`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Compact => "compact",
            Self::Virtual => "virtual",
        }
    }

    /// The profile of that name, of those that can be chosen.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Portable, Self::Compact]
            .into_iter()
            .find(|profile| profile.name() == name)
    }
}

impl std::fmt::Display for Profile {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    /// `bytes`: small facts, which lie in manifests.
    Plain,
    /// `bytes`, `blosc`.
    Blosc,
    /// `numcodecs.pcodec`.
    Pcodec,
    /// `bytes`, `numcodecs.shuffle`, `numcodecs.zlib`, without a checksum but zlib's own: chunks of netCDF files.
    Deflated { shuffle: bool, level: u8 },
}

/// The codec chain of one array: ends in `crc32c`, but for chunks of netCDF files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkCodec {
    dtype: DType,
    rows: usize,
    columns: usize,
    packing: Packing,
    column_major: bool,
}

/// zstd level of `portable`: see `docs/performance.md` for the sizes and speeds that chose it.
const ZSTD_LEVEL: i32 = 3;

/// Bytes of the checksum at the end of every chunk.
const CHECKSUM: usize = 4;

thread_local! {
    static NUMBERS: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

impl ChunkCodec {
    /// The chain for chunks of `rows` lines by `columns` elements (`Char` counts as bytes; `String` is not storable).
    pub fn new(profile: Profile, dtype: DType, rows: usize, columns: usize) -> Self {
        let pcodec = profile == Profile::Compact && pcodec::takes(dtype);
        let packing = if pcodec { Packing::Pcodec } else { Packing::Blosc };
        // Flags of one byte gain nothing from it and decode ten times slower.
        let column_major = pcodec && rows > 1 && columns > 1;
        Self {
            dtype,
            rows,
            columns,
            packing,
            column_major,
        }
    }

    /// The same chain, row-major whatever the profile says: for chunks of more than two dimensions.
    #[must_use]
    pub const fn row_major(mut self) -> Self {
        self.column_major = false;
        self
    }

    /// The chain without compression, for chunks of a few bytes.
    pub const fn plain(dtype: DType, elements: usize) -> Self {
        Self {
            dtype,
            rows: 1,
            columns: elements,
            packing: Packing::Plain,
            column_major: false,
        }
    }

    /// The chain of chunks that lie in netCDF files. Nothing is encoded with it.
    pub(crate) const fn deflated(
        dtype: DType,
        rows: usize,
        columns: usize,
        shuffle: bool,
        level: u8,
    ) -> Self {
        Self {
            dtype,
            rows,
            columns,
            packing: Packing::Deflated { shuffle, level },
            column_major: false,
        }
    }

    /// True if elements are shuffled before they are deflated, of chunks that lie in netCDF files.
    pub(crate) const fn is_shuffled(&self) -> bool {
        matches!(self.packing, Packing::Deflated { shuffle: true, .. })
    }

    /// Bytes of a decoded chunk.
    pub const fn len(&self) -> usize {
        self.rows * self.columns * self.dtype.size()
    }

    /// True if a chunk has no elements.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Encodes a whole chunk (native, row-major).
    ///
    /// # Errors
    /// If `raw` is not as long as the chunk, or a compressor fails.
    pub fn encode(&self, raw: &[u8]) -> Result<Vec<u8>, CodecError> {
        if raw.len() != self.len() {
            let (expected, found) = (self.len(), raw.len());
            return Err(CodecError::new(format!(
                "a chunk of {expected} bytes was given {found}"
            )));
        }
        let mut columns = Vec::new();
        let ordered = if self.column_major {
            columns.resize(raw.len(), 0);
            transpose::to_columns(raw, self.dtype.size(), self.rows, self.columns, &mut columns);
            columns.as_slice()
        } else {
            raw
        };
        let mut stored = match self.packing {
            Packing::Plain => ordered.to_vec(),
            Packing::Blosc => {
                blosc::encode(ordered, self.dtype.size(), ZSTD_LEVEL, blosc::block_of(self.rows))?
            }
            Packing::Pcodec => pcodec::encode(ordered, self.dtype)?,
            Packing::Deflated { .. } => {
                return Err(CodecError::new("chunks of netCDF files are not encoded here"));
            }
        };
        stored.extend_from_slice(&crc32c::crc32c(&stored).to_le_bytes());
        Ok(stored)
    }

    /// Decodes lines `rows` of a chunk into `out` (native, row-major), after checking the checksum of all of it.
    ///
    /// # Errors
    /// If the checksum does not match, the bytes are damaged, or `rows` and `out` do not fit.
    pub fn decode_rows(&self, stored: &[u8], rows: Range<usize>, out: &mut [u8]) -> Result<(), CodecError> {
        let line = self.columns * self.dtype.size();
        if rows.end > self.rows || rows.start > rows.end || out.len() != rows.len() * line {
            return Err(CodecError::new(format!(
                "lines {rows:?} do not fit a chunk of {} lines",
                self.rows
            )));
        }
        if let Packing::Deflated { shuffle, .. } = self.packing {
            return deflated::decode(self, stored, shuffle, rows, 0..self.columns, out);
        }
        let content = checked(stored)?;
        let bytes = rows.start * line..rows.end * line;
        match (self.packing, self.column_major) {
            (Packing::Plain, _) => {
                let part = (content.len() == self.len())
                    .then(|| content.get(bytes))
                    .flatten();
                out.copy_from_slice(
                    part.ok_or_else(|| CodecError::new("a plain chunk of the wrong length"))?,
                );
                Ok(())
            }
            (Packing::Blosc, false) => blosc::decode(content, self.len(), bytes, out),
            (Packing::Pcodec, false) if rows.len() == self.rows && out.as_ptr().align_offset(8) == 0 => {
                pcodec::decode(content, self.dtype, out)
            }
            _ => NUMBERS.with_borrow_mut(|numbers| {
                numbers.resize(self.len().div_ceil(8), 0);
                let whole = &mut bytemuck::cast_slice_mut::<u64, u8>(numbers)[..self.len()];
                match self.packing {
                    Packing::Pcodec => pcodec::decode(content, self.dtype, whole)?,
                    _ => blosc::decode(content, self.len(), 0..self.len(), whole)?,
                }
                if self.column_major {
                    transpose::to_rows(whole, self.dtype.size(), self.rows, rows, out);
                } else {
                    out.copy_from_slice(&whole[bytes]);
                }
                Ok(())
            }),
        }
    }

    /// Decodes columns `columns` of lines `rows` into `out`, as [`ChunkCodec::decode_rows`] does for whole lines.
    /// Column-major chunks are decoded no further than to the last of these columns.
    ///
    /// # Errors
    /// As [`ChunkCodec::decode_rows`].
    pub fn decode_part(
        &self,
        stored: &[u8],
        rows: Range<usize>,
        columns: Range<usize>,
        out: &mut [u8],
    ) -> Result<(), CodecError> {
        if columns == (0..self.columns) {
            return self.decode_rows(stored, rows, out);
        }
        let size = self.dtype.size();
        let fits = rows.start <= rows.end && rows.end <= self.rows && columns.end <= self.columns;
        if !fits || columns.start > columns.end || out.len() != rows.len() * columns.len() * size {
            return Err(CodecError::new(format!(
                "lines {rows:?} and columns {columns:?} do not fit"
            )));
        }
        if let Packing::Deflated { shuffle, .. } = self.packing {
            return deflated::decode(self, stored, shuffle, rows, columns, out);
        }
        if self.column_major && self.packing == Packing::Pcodec {
            let content = checked(stored)?;
            return NUMBERS.with_borrow_mut(|numbers| {
                let length = columns.end * self.rows * size;
                numbers.resize(length.div_ceil(8), 0);
                let first = &mut bytemuck::cast_slice_mut::<u64, u8>(numbers)[..length];
                pcodec::decode_first(content, self.dtype, first)?;
                for (line, row) in out.chunks_exact_mut((columns.len() * size).max(1)).zip(rows) {
                    for (value, column) in line.chunks_exact_mut(size).zip(columns.clone()) {
                        let at = (column * self.rows + row) * size;
                        value.copy_from_slice(&first[at..at + size]);
                    }
                }
                Ok(())
            });
        }
        let line = self.columns * size;
        let mut lines = vec![0; rows.len() * line];
        self.decode_rows(stored, rows, &mut lines)?;
        for (target, source) in out
            .chunks_exact_mut((columns.len() * size).max(1))
            .zip(lines.chunks_exact(line))
        {
            target.copy_from_slice(&source[columns.start * size..columns.end * size]);
        }
        Ok(())
    }

    /// True if parts of a chunk can be decoded without the rest of it.
    pub(crate) fn opens_in_parts(&self) -> bool {
        self.packing == Packing::Blosc && !self.column_major
    }

    /// True if a chunk can be decoded few elements at a time, from the first on.
    pub(crate) fn opens_in_order(&self) -> bool {
        self.packing == Packing::Pcodec
    }

    /// True if elements are stored column by column.
    pub(crate) const fn is_by_columns(&self) -> bool {
        self.column_major
    }

    /// Checks the checksum of a chunk.
    ///
    /// # Errors
    /// If it does not match.
    pub(crate) fn check(&self, stored: &[u8]) -> Result<(), CodecError> {
        if matches!(self.packing, Packing::Deflated { .. }) {
            return Ok(());
        }
        checked(stored).map(|_| ())
    }

    /// Elements that are decoded together, of a chunk that opens in parts; `None` where they are too few to matter.
    pub(crate) fn block_elements(&self, stored: &[u8]) -> Option<usize> {
        let block = blosc::block_size(stored)? / self.dtype.size().max(1);
        (block >= 4096 && self.opens_in_parts()).then_some(block)
    }

    /// What elements of a chunk are decoded from, and how: two chunks where both are the same hold the same elements there.
    /// `None` unless they are the beginning of what is decoded together.
    pub(crate) fn part<'s>(&self, stored: &'s [u8], elements: Range<usize>) -> Option<[&'s [u8]; 2]> {
        let (content, _) = stored.split_last_chunk::<CHECKSUM>()?;
        let size = self.dtype.size();
        match self.packing {
            Packing::Blosc if !self.column_major => {
                blosc::block_of_range(content, elements.start * size..elements.end * size)
            }
            Packing::Pcodec => Some([content, &[]]),
            _ => None,
        }
    }

    /// Decodes elements of a chunk, counted as they are stored, whose checksum was checked before. Those of a chunk that does not
    /// open in parts are decoded from the first on.
    ///
    /// # Errors
    /// If the bytes are damaged, or `elements` and `out` do not fit.
    pub(crate) fn decode_checked(
        &self,
        stored: &[u8],
        elements: Range<usize>,
        out: &mut [u8],
    ) -> Result<(), CodecError> {
        let content = stored
            .get(..stored.len().saturating_sub(CHECKSUM))
            .unwrap_or_default();
        let size = self.dtype.size();
        let bytes = elements.start * size..elements.end * size;
        if !self.opens_in_order() {
            return blosc::decode(content, self.len(), bytes, out);
        }
        if bytes.end > self.len() || bytes.len() != out.len() {
            return Err(CodecError::new(format!("elements {elements:?} do not fit")));
        }
        NUMBERS.with_borrow_mut(|numbers| {
            numbers.resize(bytes.end.div_ceil(8), 0);
            let first = &mut bytemuck::cast_slice_mut::<u64, u8>(numbers)[..bytes.end];
            pcodec::decode_first(content, self.dtype, first)?;
            out.copy_from_slice(&first[bytes]);
            Ok(())
        })
    }

    /// The elements of a chunk that opens in order, counted as they are stored; its checksum was checked before.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub(crate) fn in_order<'s>(&self, stored: &'s [u8]) -> Result<Box<dyn Elements + 's>, CodecError> {
        let content = stored
            .get(..stored.len().saturating_sub(CHECKSUM))
            .unwrap_or_default();
        pcodec::in_order(content, self.dtype, self.rows * self.columns)
    }

    /// Decodes a whole chunk that was checked before, on all threads of the pool that this runs in, if it does.
    ///
    /// # Errors
    /// As [`ChunkCodec::decode`].
    pub(crate) fn decode_together(&self, stored: &[u8], out: &mut [u8]) -> Result<(), CodecError> {
        let block = self.block_elements(stored);
        let (Some(block), Some(_)) = (block, rayon::current_thread_index()) else {
            return self.decode(stored, out);
        };
        let size = self.dtype.size();
        let decode = |(number, part): (usize, &mut [u8])| {
            let first = number * block;
            self.decode_checked(stored, first..first + part.len() / size, part)
        };
        out.par_chunks_mut(block * size)
            .with_max_len(1)
            .enumerate()
            .try_for_each(decode)
    }

    /// Decodes a whole chunk.
    ///
    /// # Errors
    /// As [`ChunkCodec::decode_rows`].
    pub fn decode(&self, stored: &[u8], out: &mut [u8]) -> Result<(), CodecError> {
        self.decode_rows(stored, 0..self.rows, out)
    }
}

/// Elements of a chunk one after the other.
pub(crate) trait Elements {
    /// Decodes the next ones, as many as fill `out` (aligned for them).
    ///
    /// # Errors
    /// If the bytes are damaged, or hold fewer; with the last ones also if they hold more.
    fn next_into(&mut self, out: &mut [u8]) -> Result<(), CodecError>;
}

/// The bytes before the checksum, if it matches.
fn checked(stored: &[u8]) -> Result<&[u8], CodecError> {
    let Some((content, checksum)) = stored.split_last_chunk::<CHECKSUM>() else {
        return Err(CodecError::new("a chunk that is shorter than its checksum"));
    };
    let (found, recorded) = (crc32c::crc32c(content), u32::from_le_bytes(*checksum));
    if found == recorded {
        return Ok(content);
    }
    Err(CodecError::new(format!(
        "the checksum does not match (crc32c {found:08x}, recorded {recorded:08x})"
    )))
}

#[cfg(test)]
mod tests;
