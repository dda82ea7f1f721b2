//! One open netCDF file.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use karin_core::{
    Ahead, Array, ByteSource, Dataset, DatasetError, GroupMeta, Held, Slab, StoredChunk, StoredChunks, Values,
};

use crate::chunks::ChunkIndex;
use crate::decode::{Decoder, swap_bytes};
use crate::fault::Fault;
use crate::hdf5::{self, Heaps, Sizes, fixed_text};
use crate::layout::{Layout, TextKind, Variable};
use crate::{FileSource, Limits, NcError, classic};

/// An open netCDF-4 or netCDF-3 file: its structure is read, its arrays are read when asked for.
///
/// Any number of threads may read from it at once.
#[derive(Debug)]
pub struct NcFile {
    source: Arc<dyn ByteSource>,
    len: u64,
    limits: Limits,
    format: Format,
    root: GroupMeta,
    variables: HashMap<String, Variable>,
    skipped: Vec<(String, String)>,
    /// Only some members of the root were looked for.
    is_part: bool,
    /// Where address 0 of HDF5 is in the source.
    base: u64,
    sizes: Sizes,
}

/// The container of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// HDF5: netCDF-4, and plain HDF5.
    Hdf5,
    /// netCDF-3 of version 1 (classic), 2 (64-bit offset) or 5 (64-bit data).
    Classic(u8),
}

impl NcFile {
    /// Opens a local file.
    ///
    /// # Errors
    /// If it cannot be read, is no netCDF, is shorter than it says, or its structure is corrupt.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, NcError> {
        Self::from_source(Arc::new(FileSource::open(path)?))
    }

    /// Opens any source of bytes.
    ///
    /// # Errors
    /// As [`NcFile::open`].
    pub fn from_source(source: Arc<dyn ByteSource>) -> Result<Self, NcError> {
        Self::with_limits(source, Limits::default())
    }

    /// Opens any source of bytes with other limits than the default ones.
    ///
    /// # Errors
    /// As [`NcFile::open`].
    pub fn with_limits(source: Arc<dyn ByteSource>, limits: Limits) -> Result<Self, NcError> {
        let name = source.name().to_owned();
        Self::read_structure(source, limits, None).map_err(|fault| fault.named(&name, ""))
    }

    /// Opens a source of bytes for the variables and dimensions of the root that are `named`, those of them that there are: the
    /// headers of others are not fetched, which saves requests where every one of them lies somewhere else at a server. Its
    /// structure then has these alone, as the whole file has them; what else there is it cannot tell ([`NcFile::is_part`]).
    ///
    /// `None` if they cannot be understood without the others: there are groups among them, dimensions that grow, or axes whose
    /// dimension is not named. Files whose structure lies in one piece (netCDF-3) are opened whole.
    ///
    /// # Errors
    /// As [`NcFile::open`].
    pub fn for_variables(source: Arc<dyn ByteSource>, named: &[String]) -> Result<Option<Self>, NcError> {
        let name = source.name().to_owned();
        let file = Self::read_structure(source, Limits::default(), Some(named));
        let file = file.map_err(|fault| fault.named(&name, ""))?;
        Ok((!file.is_part || hdf5::stands_alone(&file.root)).then_some(file))
    }

    fn read_structure(
        source: Arc<dyn ByteSource>,
        limits: Limits,
        only: Option<&[String]>,
    ) -> Result<Self, Fault> {
        let failed = |source| Fault::Io {
            action: "asking for the length".into(),
            source,
        };
        let len = source.len().map_err(failed)?;
        if let Some(base) = hdf5::find_superblock(source.as_ref(), len)? {
            let contents = hdf5::open(&source, base, len, &limits, only)?;
            return Ok(Self {
                is_part: contents.is_part,
                len,
                limits,
                format: Format::Hdf5,
                root: contents.root,
                variables: contents.variables.into_iter().collect(),
                skipped: contents.skipped,
                base,
                sizes: contents.sizes,
                source,
            });
        }
        let contents = classic::open(source.as_ref(), len, &limits)?;
        Ok(Self {
            is_part: false,
            len,
            limits,
            format: Format::Classic(contents.version),
            root: contents.root,
            variables: contents.variables.into_iter().collect(),
            skipped: Vec::new(),
            base: 0,
            sizes: Sizes { offset: 8, length: 8 },
            source,
        })
    }

    /// True if it was opened for some variables alone: that another one is not there says nothing.
    pub const fn is_part(&self) -> bool {
        self.is_part
    }

    /// The container.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Bytes of the file.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// True for a file without bytes, which cannot be opened.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Paths of datasets of types that netCDF or karin has not, and which types these are. They are not in
    /// [`Dataset::root`].
    pub fn skipped(&self) -> &[(String, String)] {
        &self.skipped
    }

    /// Where the chunks of a variable are; `None` if it is not chunked.
    ///
    /// # Errors
    /// If there is no such variable, or its index cannot be read.
    pub fn chunk_index(&self, path: &str) -> Result<Option<&ChunkIndex>, NcError> {
        let variable = self.variable(path)?;
        self.index_of(variable)
            .map_err(|fault| fault.named(self.source.name(), path))
    }

    /// Has the chunk indexes of all variables fetched together, where each would cost a round trip. What fails is told
    /// by who reads them.
    pub fn fetch_indexes(&self) {
        if self.source.is_remote() {
            let _ = self
                .source
                .prefetch(&self.unread_indexes(self.variables.values()), Ahead::Structure);
        }
    }

    /// Reads the indexes of other variables that came along, so that a source that remembers what was read of the
    /// structure remembers them too.
    fn read_indexes_at_hand(&self) {
        let metadata = hdf5::metadata(&self.source, self.base, self.len);
        for variable in self.variables.values() {
            for begin in self.unread_indexes(std::iter::once(variable)) {
                let end = begin.end.min(self.len);
                if let Layout::Chunked { locator, .. } = &variable.layout
                    && self.source.holds(begin.start..end)
                    && locator.is_single_node(&metadata)
                {
                    // What is wrong with it is told by who needs it.
                    let _ = self.index_of(variable);
                }
            }
        }
    }

    /// Where the indexes begin that were not read yet.
    fn unread_indexes<'v>(&self, variables: impl Iterator<Item = &'v Variable>) -> Vec<Range<u64>> {
        let begin = |variable: &Variable| match &variable.layout {
            Layout::Chunked { locator, index } if index.get().is_none() => {
                let start = self.base.saturating_add(locator.address?);
                Some(start..start.saturating_add(hdf5::INDEX_PAGE))
            }
            _ => None,
        };
        variables.filter_map(begin).collect()
    }

    /// Bytes of memory that reading a slab of this variable takes besides the result: the largest chunk, as stored
    /// and inflated.
    ///
    /// # Errors
    /// If there is no such variable, or its index cannot be read.
    pub fn scratch_bytes(&self, path: &str) -> Result<u64, NcError> {
        let variable = self.variable(path)?;
        let Some(index) = self.chunk_index(path)? else {
            return Ok(1 << 20);
        };
        let stored = index.chunks().iter().map(|chunk| chunk.size).max().unwrap_or(0);
        let elements = index
            .chunk_shape()
            .iter()
            .fold(1_u64, |product, len| product.saturating_mul(*len as u64));
        let chunk = elements.saturating_mul(variable.element_size as u64);
        Ok(if variable.filters.is_empty() {
            1 << 20
        } else {
            stored.saturating_add(chunk)
        })
    }

    /// Length of a variable along each dimension.
    ///
    /// # Errors
    /// If there is no such variable.
    pub fn shape(&self, path: &str) -> Result<&[usize], NcError> {
        self.variable(path).map(|variable| variable.shape.as_slice())
    }

    /// Bytes of memory of one element (strings: of what stands for one in the file).
    pub(crate) fn element_bytes(&self, path: &str) -> Result<u64, NcError> {
        self.variable(path).map(|variable| variable.element_size as u64)
    }

    fn variable(&self, path: &str) -> Result<&Variable, NcError> {
        let trimmed = path.trim_start_matches('/');
        if let Some(variable) = self.variables.get(trimmed) {
            return Ok(variable);
        }
        let (file, variable) = (self.source.name().to_owned(), path.to_owned());
        match self.skipped.iter().find(|(skipped, _)| skipped == trimmed) {
            Some((_, reason)) => Err(NcError::Unsupported {
                file,
                variable,
                feature: reason.clone(),
            }),
            None if self.is_part => Err(NcError::InvalidRequest {
                file,
                variable,
                reason: "the file was opened for other variables alone".to_owned(),
            }),
            None => Err(NcError::NoVariable { file, variable }),
        }
    }

    /// The bytes of the file.
    pub(crate) fn source(&self) -> &dyn ByteSource {
        self.source.as_ref()
    }

    /// Where address 0 of HDF5 is in the source.
    pub(crate) fn base(&self) -> u64 {
        self.base
    }

    pub(crate) fn index_of<'v>(&self, variable: &'v Variable) -> Result<Option<&'v ChunkIndex>, Fault> {
        let Layout::Chunked { locator, index } = &variable.layout else {
            return Ok(None);
        };
        if let Some(index) = index.get() {
            return Ok(Some(index));
        }
        let metadata = hdf5::metadata(&self.source, self.base, self.len);
        let read = locator.read(&metadata, &variable.extent, variable.element_size)?;
        Ok(Some(index.get_or_init(|| read)))
    }

    /// Has fetched what reading any part of these variables takes: their indexes, and the values of those that lie in
    /// one piece that can only be read whole.
    fn fetch_ahead(&self, paths: &[&str]) -> Result<(), Fault> {
        let failed = |source| Fault::Io {
            action: "fetching ahead".into(),
            source,
        };
        let variables: Vec<&Variable> = paths.iter().filter_map(|path| self.variable(path).ok()).collect();
        let unread = self.unread_indexes(variables.iter().copied());
        if !unread.is_empty() {
            self.source.prefetch(&unread, Ahead::Structure).map_err(failed)?;
            self.read_indexes_at_hand();
        }
        let mut values = Vec::new();
        for variable in variables {
            if let Some([only]) = self.index_of(variable)?.map(ChunkIndex::chunks) {
                values.push(only.range(self.base));
            }
        }
        self.source.prefetch(&values, Ahead::Values).map_err(failed)
    }

    /// Reads the slab as stored, in the byte order of the file.
    fn read_stored(&self, variable: &Variable, slab: &Slab, out: &mut [u8]) -> Result<(), Fault> {
        let decoder = Decoder {
            source: self.source.as_ref(),
            base: self.base,
            file_len: self.len,
            limits: &self.limits,
            variable,
            index: self.index_of(variable)?,
        };
        decoder.read(slab, out)
    }

    /// Bytes of a slab of elements of that size, if the slab lies inside the variable.
    fn slab_bytes(variable: &Variable, slab: &Slab, size: usize) -> Result<usize, Fault> {
        if !slab.fits(&variable.shape) {
            return Err(Fault::Invalid(format!(
                "start {:?} count {:?} lies outside its shape {:?}",
                slab.start, slab.count, variable.shape
            )));
        }
        // The whole shape was checked at opening.
        Ok(slab.len() * size)
    }

    fn read_numbers(&self, variable: &Variable, slab: &Slab, out: &mut [u8]) -> Result<(), Fault> {
        if variable.text != TextKind::None {
            return Err(Fault::Invalid("it holds strings, not numbers".into()));
        }
        let needed = Self::slab_bytes(variable, slab, variable.element_size)?;
        if out.len() != needed {
            return Err(Fault::Invalid(format!(
                "buffer of {} bytes for a slab of {needed}",
                out.len()
            )));
        }
        self.read_stored(variable, slab, out)?;
        if variable.swap {
            swap_bytes(out, variable.element_size);
        }
        Ok(())
    }

    fn read_texts(&self, variable: &Variable, slab: &Slab) -> Result<Vec<String>, Fault> {
        if variable.text == TextKind::None {
            return Err(Fault::Invalid(format!(
                "it holds {}, not strings",
                variable.dtype
            )));
        }
        let needed = Self::slab_bytes(variable, slab, variable.element_size)?;
        self.check_allocation(needed)?;
        let mut stored = vec![0; needed];
        self.read_stored(variable, slab, &mut stored)?;
        let pieces = stored.chunks_exact(variable.element_size.max(1));
        if variable.text == TextKind::Fixed {
            return Ok(pieces.map(fixed_text).collect());
        }
        let metadata = hdf5::metadata(&self.source, self.base, self.len);
        crate::fault::guarded(|| {
            let mut heaps = Heaps::new(&metadata, self.sizes);
            pieces.map(|descriptor| heaps.text(descriptor)).collect()
        })
    }

    /// Refuses memory that the file could not fill.
    fn check_allocation(&self, needed: usize) -> Result<(), Fault> {
        let allowed = self.limits.array_bytes_of(self.len);
        if needed as u64 > allowed {
            return Err(Fault::TooLarge {
                needed: needed as u64,
                allowed,
            });
        }
        Ok(())
    }

    /// Reads a slab into a buffer of exactly its length, in native byte order.
    pub(crate) fn read_part_into(&self, path: &str, slab: &Slab, out: &mut [u8]) -> Result<(), NcError> {
        self.read_numbers(self.variable(path)?, slab, out)
            .map_err(|fault| fault.named(self.source.name(), path))
    }

    /// Reads a slab into an array of its own.
    pub(crate) fn read_part(&self, path: &str, slab: &Slab) -> Result<Array, NcError> {
        self.read_array(path, Some(slab))
    }

    fn read_array(&self, path: &str, slab: Option<&Slab>) -> Result<Array, NcError> {
        let named = |fault: Fault| fault.named(self.source.name(), path);
        let variable = self.variable(path)?;
        let all = Slab::all(&variable.shape);
        let slab = slab.unwrap_or(&all);
        if variable.text != TextKind::None {
            let texts = self.read_texts(variable, slab).map_err(named)?;
            return Ok(Array {
                shape: slab.count.clone(),
                values: Values::String(texts),
            });
        }
        let needed = Self::slab_bytes(variable, slab, variable.element_size).map_err(named)?;
        self.check_allocation(needed).map_err(named)?;
        let mut array = Array::zeros(variable.dtype, &slab.count);
        self.read_numbers(variable, slab, array.values.as_bytes_mut())
            .map_err(named)?;
        Ok(array)
    }
}

impl Dataset for NcFile {
    fn label(&self) -> &str {
        self.source.name()
    }

    fn root(&self) -> &GroupMeta {
        &self.root
    }

    fn read_into(&self, path: &str, slab: &Slab, out: &mut [u8]) -> Result<(), DatasetError> {
        let variable = self.variable(path)?;
        self.read_numbers(variable, slab, out)
            .map_err(|fault| fault.named(self.label(), path).into())
    }

    fn will_read(&self, paths: &[&str]) {
        if self.source.is_remote() {
            // What fails here fails again where it is read, and is told there.
            let _ = self.fetch_ahead(paths);
        }
    }

    fn read_strings(&self, path: &str, slab: &Slab) -> Result<Vec<String>, DatasetError> {
        let variable = self.variable(path)?;
        self.read_texts(variable, slab)
            .map_err(|fault| fault.named(self.label(), path).into())
    }

    fn hold(
        &self,
        path: &str,
        rows: Range<usize>,
        room: usize,
    ) -> Result<Option<Box<dyn Held>>, DatasetError> {
        if self.source.is_remote() {
            return Ok(None);
        }
        let held = self.hold_rows(path, self.variable(path)?, rows, room);
        held.map_err(|fault| fault.named(self.label(), path).into())
    }

    fn stored_chunks(&self, path: &str) -> Result<StoredChunks, DatasetError> {
        let stored = self.stored_of(self.variable(path)?);
        stored.map_err(|fault| fault.named(self.label(), path).into())
    }

    fn read_stored(&self, path: &str, chunk: &StoredChunk) -> Result<Vec<u8>, DatasetError> {
        let fits = chunk.length <= self.len && chunk.offset <= self.len - chunk.length;
        let length = usize::try_from(chunk.length).ok().filter(|_| fits);
        let length = length
            .ok_or_else(|| DatasetError::invalid(self.label(), path, "a chunk that lies outside the file"))?;
        let mut bytes = vec![0; length];
        let read = self.source.read_exact_at(&mut bytes, chunk.offset);
        let read = read.map_err(|error| Fault::read(length, chunk.offset, error));
        read.map_err(|fault| fault.named(self.label(), path))?;
        Ok(bytes)
    }

    fn read_slab(&self, path: &str, slab: &Slab) -> Result<Array, DatasetError> {
        Ok(self.read_array(path, Some(slab))?)
    }

    fn read(&self, path: &str) -> Result<Array, DatasetError> {
        Ok(self.read_array(path, None)?)
    }
}
