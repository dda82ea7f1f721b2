//! HDF5 metadata: superblock, links, object headers, heaps and chunk indexes, through the crate `hdf5-reader`.
//!
//! Nothing outside this module (and the rare filters) knows that crate, so that it can be replaced.

mod attributes;
mod chunk_locator;
mod chunk_tree;
mod creation_order;
mod dense;
mod dimensions;
mod links;
mod scout;
mod storage;
mod strings;
mod superblock;
mod tree;
mod types;

use std::sync::Arc;

use hdf5_reader::storage::Storage;
use karin_core::{ByteSource, Dimension, GroupMeta};

pub(crate) use chunk_locator::ChunkLocator;
pub(crate) use strings::{Heaps, fixed_text};
pub(crate) use superblock::find as find_superblock;

use crate::Limits;
use crate::fault::{Fault, guarded};
use crate::layout::Variable;
use scout::Walking;
use storage::PagedStorage;

/// Bytes that are read at a time for the structure of a file, whose parts lie near each other.
const STRUCTURE_PAGE: u64 = 8 << 10;
/// Bytes that are read at a time for one chunk index: mostly a single node.
pub(crate) const INDEX_PAGE: u64 = 4 << 10;

/// How addresses and lengths are written in one file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) offset: u8,
    pub(crate) length: u8,
}

impl Sizes {
    /// True for the address that means "nowhere".
    pub(crate) fn is_undefined(self, address: u64) -> bool {
        hdf5_reader::io::Cursor::is_undefined_offset(address, self.offset)
    }
}

/// What opening an HDF5 file finds.
pub(crate) struct Contents {
    pub(crate) root: GroupMeta,
    /// Path and place of every variable of `root`.
    pub(crate) variables: Vec<(String, Variable)>,
    /// Path of what karin has no type for, and why.
    pub(crate) skipped: Vec<(String, String)>,
    pub(crate) sizes: Sizes,
    /// Only some members of the root were looked for.
    pub(crate) is_part: bool,
}

/// True if what was read of some members of the root holds whatever the others are: there are no groups, and no dimension was
/// made up or may have grown for one of them.
pub(crate) fn stands_alone(root: &GroupMeta) -> bool {
    let is_fixed =
        |dimension: &Dimension| !dimension.unlimited && !dimension.name.starts_with(dimensions::MADE_UP);
    root.groups.is_empty() && root.dimensions.iter().all(is_fixed)
}

/// Reads the structure of the HDF5 file whose superblock was found at `base`, of the members of the root `only` those of these
/// names, unless all of it can be read without a round trip by then.
pub(crate) fn open(
    source: &Arc<dyn ByteSource>,
    base: u64,
    len: u64,
    limits: &Limits,
    only: Option<&[String]>,
) -> Result<Contents, Fault> {
    superblock::check_length(source.as_ref(), base, len)?;
    let part = scout::in_rounds(source, |source, walking| read(source, walking, len, limits, only))?;
    let whole =
        only.and_then(|_| scout::at_hand(source, |source, walking| read(source, walking, len, limits, None)));
    Ok(whole.unwrap_or(part))
}

fn read(
    source: &Arc<dyn ByteSource>,
    walking: Walking,
    len: u64,
    limits: &Limits,
    only: Option<&[String]>,
) -> Result<Contents, Fault> {
    guarded(|| {
        let storage = Arc::new(PagedStorage::new(source.clone(), 0, len, STRUCTURE_PAGE));
        let options = hdf5_reader::OpenOptions::default()
            .with_chunk_cache_bytes(0)
            .with_max_object_header_bytes(limits.header_bytes);
        let file = hdf5_reader::Hdf5File::from_storage_with_options(storage, options)?;
        let header = file.superblock();
        let sizes = Sizes {
            offset: header.offset_size,
            length: header.length_size,
        };
        let tree = tree::walk(&file, walking, sizes, limits, only)?;
        let (root, variables, skipped) = dimensions::assemble(tree)?;
        Ok(Contents {
            root,
            variables,
            skipped,
            sizes,
            is_part: only.is_some(),
        })
    })
}

/// A fresh view of the file's metadata, for chunk indexes and strings that are read later.
pub(crate) fn metadata(source: &Arc<dyn ByteSource>, base: u64, len: u64) -> impl Storage + use<> {
    PagedStorage::new(source.clone(), base, len, INDEX_PAGE)
}
