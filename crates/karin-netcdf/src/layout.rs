//! Where the values of a variable lie in its file.

use std::sync::OnceLock;

use karin_core::DType;

use crate::chunks::ChunkIndex;
use crate::filters::Filter;
use crate::hdf5::ChunkLocator;

/// How to find and decode the elements of one variable.
#[derive(Debug)]
pub(crate) struct Variable {
    pub(crate) dtype: DType,
    pub(crate) text: TextKind,
    /// Bytes of one element as stored.
    pub(crate) element_size: usize,
    /// Length along each dimension, as netCDF says.
    pub(crate) shape: Vec<usize>,
    /// Length along each dimension as stored: shorter where an unlimited dimension has grown elsewhere.
    pub(crate) extent: Vec<usize>,
    /// One element, as stored, for places that were never written; empty for zeros.
    pub(crate) fill: Vec<u8>,
    /// Filters in the order in which the writer applied them.
    pub(crate) filters: Vec<Filter>,
    /// Stored in the byte order that this machine does not have.
    pub(crate) swap: bool,
    pub(crate) layout: Layout,
}

/// How text is stored; [`TextKind::None`] for everything that is no string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextKind {
    None,
    /// Descriptors that point into global heaps.
    Variable,
    /// Padded in place.
    Fixed,
}

/// Where the stored elements are.
#[derive(Debug)]
pub(crate) enum Layout {
    /// Never written.
    Absent,
    /// Inside the header.
    Compact(Vec<u8>),
    /// In one piece, from this position of the file on.
    Contiguous(u64),
    /// In chunks. The index is read when it is first needed.
    Chunked {
        locator: ChunkLocator,
        index: OnceLock<ChunkIndex>,
    },
    /// netCDF-3 record variable: one piece per index of the first dimension.
    Records { begin: u64, stride: u64 },
}
