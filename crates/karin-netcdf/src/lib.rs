//! netCDF granules in and out: a parallel reader of HDF5 and classic files, and an exact netCDF-4 writer.
//!
//! Scope: netCDF-4 (HDF5, every chunk index) and netCDF-3 (CDF-1, 2, 5) as [`karin_core::Dataset`]s: structure,
//! attributes with their netCDF kind, whole arrays and slabs decoded straight into the caller's buffer.
//! Not here: scaling, fill masks and quality flags (karin-core), products and granule names (karin-core), other
//! containers, remote transfers (any [`karin_core::ByteSource`] will do).
//!
//! ```text
//!   ByteSource ──> NcFile::open ──┬─ hdf5:    superblock, links, headers, heaps ──┐
//!   (FileSource: pread)           └─ classic: header                              ├─> GroupMeta + Layout per variable
//!                                                                                 │
//!   read_into(path, slab, out) ──> ChunkIndex ──> pread ──> inflate ──> unshuffle ┴─> out
//!   read_many(requests)        ──> the same on all cores, inside a memory budget
//! ```
//!
//! Every byte of a file is untrusted: whatever it holds, reading ends in values or in an [`NcError`].

#![forbid(unsafe_code)]

mod chunks;
mod classic;
mod decode;
pub mod error;
mod fault;
pub mod file;
mod filters;
mod fletcher32;
mod gather;
mod hdf5;
mod held;
mod layout;
pub mod limits;
pub mod read_many;
mod runs;
pub mod source;
mod stored;
pub mod writer;

pub use chunks::{Chunk, ChunkIndex};
pub use error::NcError;
pub use file::{Format, NcFile};
pub use karin_core::WriteOptions;
pub use limits::Limits;
pub use read_many::{Request, read_many, read_many_into};
pub use source::FileSource;
pub use writer::{EncodedSlab, NcWriter, SlabEncoder, WriteError, write_dataset};
