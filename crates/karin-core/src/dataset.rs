//! The shape of a netCDF file, and the one trait through which files, collections, simulations and results meet.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::{Array, Attributes, DType, DatasetError, Slab};

/// A dimension of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dimension {
    /// Name, as in the file.
    pub name: String,
    /// Present length.
    pub size: usize,
    /// True if it may grow.
    pub unlimited: bool,
}

/// What an element that was never written reads as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FillMode {
    /// The `_FillValue` attribute, or netCDF's default fill of the type.
    #[default]
    Fill,
    /// `NC_NOFILL`: undefined.
    NoFill,
}

/// How a variable lies in its file. Carried through so that a copy can be exact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storage {
    /// Chunk lengths; `None` = contiguous or compact.
    pub chunks: Option<Vec<usize>>,
    /// Byte shuffle before compression.
    pub shuffle: bool,
    /// Deflate level (1 to 9; unknown levels of a read file count as given there); `None` = not deflated.
    pub deflate: Option<u8>,
    /// Fletcher32 checksum per chunk.
    pub fletcher32: bool,
    /// Stored big-endian.
    pub big_endian: bool,
    /// Fill behaviour.
    pub fill: FillMode,
}

/// A variable: all about it but its values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VariableMeta {
    /// Name within its group.
    pub name: String,
    /// Type on disk (packed).
    pub dtype: DType,
    /// Names of its dimensions, slowest first; found in its group or a parent of it.
    pub dimensions: Vec<String>,
    /// Attributes in file order, `_FillValue` included where the file has it.
    pub attributes: Attributes,
    /// Layout in the file.
    pub storage: Storage,
}

/// A group: the root of a file or one inside another. Everything is in file order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupMeta {
    /// Name; empty for the root.
    pub name: String,
    /// Dimensions defined here.
    pub dimensions: Vec<Dimension>,
    /// Variables defined here.
    pub variables: Vec<VariableMeta>,
    /// Attributes of the group.
    pub attributes: Attributes,
    /// Groups inside.
    pub groups: Vec<GroupMeta>,
}

impl GroupMeta {
    /// The group at `path` (`""`, `"left"`, `"data_01/ku"`).
    pub fn group(&self, path: &str) -> Option<&Self> {
        path.split('/')
            .filter(|part| !part.is_empty())
            .try_fold(self, |group, part| {
                group.groups.iter().find(|inner| inner.name == part)
            })
    }

    /// The variable at `path` (`"time"`, `"left/time"`).
    pub fn variable(&self, path: &str) -> Option<&VariableMeta> {
        let (group, name) = path.rsplit_once('/').unwrap_or(("", path));
        self.group(group)?
            .variables
            .iter()
            .find(|variable| variable.name == name)
    }

    /// The shape of the variable at `path`; `None` if it, or one of its dimensions, is not there.
    pub fn shape(&self, path: &str) -> Option<Vec<usize>> {
        let variable = self.variable(path)?;
        let (group, _) = path.rsplit_once('/').unwrap_or(("", path));
        variable
            .dimensions
            .iter()
            .map(|name| self.dimension_from(group, name))
            .collect()
    }

    /// The length of dimension `name` as seen from the group at `path`: its own, else its nearest parent's.
    pub fn dimension_from(&self, path: &str, name: &str) -> Option<usize> {
        let inner = match path.split('/').find(|part| !part.is_empty()) {
            Some(first) => {
                let rest = path.trim_start_matches('/').strip_prefix(first).unwrap_or("");
                self.groups
                    .iter()
                    .find(|group| group.name == first)?
                    .dimension_from(rest, name)
            }
            None => None,
        };
        inner.or_else(|| {
            self.dimensions
                .iter()
                .find(|dim| dim.name == name)
                .map(|dim| dim.size)
        })
    }

    /// Paths of all variables of this group and the groups inside, in file order.
    pub fn variable_paths(&self) -> Vec<String> {
        let own = self.variables.iter().map(|variable| variable.name.clone());
        let inner = self.groups.iter().flat_map(|group| {
            group
                .variable_paths()
                .into_iter()
                .map(|path| format!("{}/{path}", group.name))
        });
        own.chain(inner).collect()
    }
}

/// Between which true values blocks of consecutive rows of a variable lie.
#[derive(Clone, Debug, PartialEq)]
pub struct RowBounds {
    /// Rows of a block; the last may have fewer.
    pub rows: usize,
    /// A value not above the least and one not below the greatest of every block; `None` where no element has a value.
    pub blocks: Vec<Option<(f64, f64)>>,
}

impl RowBounds {
    /// The rows from the first to the last block whose bounds `may_hold` what is looked for.
    pub fn rows_of(&self, may_hold: impl Fn(f64, f64) -> bool) -> Range<usize> {
        let touches = |block: &Option<(f64, f64)>| block.is_some_and(|(least, most)| may_hold(least, most));
        match self.blocks.iter().position(touches) {
            Some(first) => {
                let last = self.blocks.iter().rposition(touches).unwrap_or(first);
                first * self.rows..(last + 1) * self.rows
            }
            None => 0..0,
        }
    }
}

/// Where the values of a variable lie in its file, in pieces that any reader of deflated chunks can decode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredChunks {
    /// Lengths of a chunk. Those at the far edges are stored whole, too.
    pub shape: Vec<usize>,
    /// Whether the bytes of the elements were shuffled before they were deflated.
    pub shuffle: bool,
    /// Level that they were deflated with, as the file says.
    pub deflate: u8,
    /// The chunks that exist, in row-major order.
    pub chunks: Vec<StoredChunk>,
    /// One element of what the others read as, in native order; `None` if all exist.
    pub absent: Option<Vec<u8>>,
}

/// One stored chunk: a zlib stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredChunk {
    /// Its place in the grid of chunks.
    pub cell: Vec<usize>,
    /// First byte in the file.
    pub offset: u64,
    /// Bytes.
    pub length: u64,
}

/// A netCDF-shaped tree whose arrays can be read: a granule file, a granule of a collection, a simulated granule,
/// the result of a reduction. What can be read like this can be written, ingested, extracted and plotted.
pub trait Dataset: Send + Sync {
    /// What to call it in messages: the file or object it comes from.
    fn label(&self) -> &str;

    /// Its structure.
    fn root(&self) -> &GroupMeta;

    /// Reads the `slab` of the variable at `path`, packed as it is, in native byte order, into `out`.
    ///
    /// # Errors
    /// If there is no such variable, the slab lies outside it, `out` is not `slab.len()` elements long, the
    /// variable holds strings, or its bytes cannot be read or decoded.
    fn read_into(&self, path: &str, slab: &Slab, out: &mut [u8]) -> Result<(), DatasetError>;

    /// Something of each of these variables will be read: what reading any part of them takes may be fetched at once.
    /// What cannot be fetched is told by the read itself.
    fn will_read(&self, paths: &[&str]) {
        let _ = paths;
    }

    /// These parts will be read, one after the other or some at a time, in about this order: what takes long to come may be
    /// fetched before it is asked for. What cannot be fetched is told by the read itself.
    fn will_read_in_order(&self, parts: &mut dyn Iterator<Item = (&str, Slab)>) {
        let _ = parts;
    }

    /// Reads the strings of an `NC_STRING` variable.
    ///
    /// # Errors
    /// As [`Dataset::read_into`]; also if the variable does not hold strings, which is what the default answers.
    fn read_strings(&self, path: &str, slab: &Slab) -> Result<Vec<String>, DatasetError> {
        let _ = slab;
        Err(DatasetError::invalid(self.label(), path, "it holds no strings"))
    }

    /// Rows of the variable at `path` held ready to be decoded part by part: their stored bytes are in memory and
    /// checked. `None` where reading in parts would decode the same bytes again and again, or take more than `room` bytes besides
    /// the stored ones.
    ///
    /// # Errors
    /// As [`Dataset::read_into`].
    fn hold(
        &self,
        path: &str,
        rows: Range<usize>,
        room: usize,
    ) -> Result<Option<Box<dyn Held>>, DatasetError> {
        let _ = (path, rows, room);
        Ok(None)
    }

    /// Between which true values the rows of the variable at `path` lie, where that is known without reading them.
    ///
    /// # Errors
    /// If what is known cannot be read.
    fn row_bounds(&self, path: &str) -> Result<Option<RowBounds>, DatasetError> {
        let _ = path;
        Ok(None)
    }

    /// Where the values of the variable at `path` lie in a file.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported), with the reason, if they lie in none or not in deflated chunks of little-endian
    /// numbers alone; which is what the default answers.
    fn stored_chunks(&self, path: &str) -> Result<StoredChunks, DatasetError> {
        let reason = "its values lie in no file";
        Err(DatasetError::new(
            crate::ErrorKind::Unsupported,
            self.label(),
            path,
            reason,
        ))
    }

    /// The bytes of one such chunk as they are stored.
    ///
    /// # Errors
    /// If they cannot be read.
    fn read_stored(&self, path: &str, chunk: &StoredChunk) -> Result<Vec<u8>, DatasetError> {
        let _ = chunk;
        Err(DatasetError::invalid(
            self.label(),
            path,
            "its values lie in no file",
        ))
    }

    /// Reads a slab into an array of its own.
    ///
    /// # Errors
    /// As [`Dataset::read_into`].
    fn read_slab(&self, path: &str, slab: &Slab) -> Result<Array, DatasetError> {
        let dtype = self
            .root()
            .variable(path)
            .ok_or_else(|| DatasetError::no_variable(self.label(), path))?
            .dtype;
        if dtype == DType::String {
            let strings = self.read_strings(path, slab)?;
            return Ok(Array {
                shape: slab.count.clone(),
                values: crate::Values::String(strings),
            });
        }
        let mut array = Array::zeros(dtype, &slab.count);
        self.read_into(path, slab, array.values.as_bytes_mut())?;
        Ok(array)
    }

    /// Reads a whole variable.
    ///
    /// # Errors
    /// As [`Dataset::read_into`].
    fn read(&self, path: &str) -> Result<Array, DatasetError> {
        let shape = self
            .root()
            .shape(path)
            .ok_or_else(|| DatasetError::no_variable(self.label(), path))?;
        self.read_slab(path, &Slab::all(&shape))
    }
}

/// In which order elements of rows are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Row by row.
    Rows,
    /// Column by column.
    Columns,
    /// Tile by tile, row by row in each: tiles of so many rows (the lowest may have fewer) and columns, those beside each other
    /// first.
    Tiles {
        /// Rows of a tile.
        rows: usize,
        /// Columns of a tile, of which a row has a multiple.
        columns: usize,
    },
}

/// Rows of a variable that are in memory as they are stored: see [`Dataset::hold`].
pub trait Held: Send + Sync {
    /// Elements in all.
    fn len(&self) -> usize;

    /// True without elements.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that are held.
    fn bytes(&self) -> usize;

    /// How elements are counted: as they are stored. Those that are not counted by rows are decoded in order alone.
    fn count(&self) -> Count {
        Count::Rows
    }

    /// Where parts begin that are decoded independently of each other: ascending elements, the first one 0.
    fn cuts(&self) -> Vec<usize>;

    /// What `elements`, which are a part or its beginning, are decoded from, and how: where both are the same for the same
    /// elements of two that are held, their values are. `None` where that is not known.
    fn stored(&self, elements: Range<usize>) -> Option<[&[u8]; 2]> {
        let _ = elements;
        None
    }

    /// Decodes `elements`, packed as they are, in native byte order, into `out`.
    ///
    /// # Errors
    /// If they lie outside, `out` has another length, or the bytes cannot be decoded.
    fn decode(&self, elements: Range<usize>, out: &mut [u8]) -> Result<(), DatasetError>;

    /// Decodes from the first element on, few by few, where a part is too large for the caches; `None` where parts are not.
    ///
    /// # Errors
    /// If the bytes cannot be decoded.
    fn in_order(&self) -> Result<Option<Box<dyn InOrder + '_>>, DatasetError> {
        Ok(None)
    }
}

/// Elements one after the other: see [`Held::in_order`].
pub trait InOrder {
    /// Decodes the next elements, as many as fill `out`, which is aligned for them.
    ///
    /// # Errors
    /// If there are not so many, or the bytes cannot be decoded.
    fn next_into(&mut self, out: &mut [u8]) -> Result<(), DatasetError>;
}
