//! The chunk indexes of HDF5, old and new.

use hdf5_reader::chunk_index::{self, ChunkEntry};
use hdf5_reader::messages::layout::ChunkIndexing;
use hdf5_reader::storage::Storage;
use hdf5_reader::{extensible_array, fixed_array};

use super::{Sizes, chunk_tree};
use crate::chunks::{Chunk, ChunkIndex};
use crate::fault::{Fault, guarded};

/// Where the chunk index of a variable is, and of which kind.
#[derive(Clone, Debug)]
pub(crate) struct ChunkLocator {
    pub(crate) sizes: Sizes,
    /// Where the index begins; `None` if no chunk was ever written.
    pub(crate) address: Option<u64>,
    pub(crate) chunk_shape: Vec<u32>,
    /// `None`: a version 1 B-tree.
    pub(crate) indexing: Option<ChunkIndexing>,
    /// Greatest extent, which numbers the chunks of an extensible array.
    pub(crate) max_extent: Option<Vec<u64>>,
    pub(crate) filtered: bool,
}

impl ChunkLocator {
    /// Reads the index of a variable of that extent.
    pub(crate) fn read(
        &self,
        storage: &dyn Storage,
        extent: &[usize],
        element_size: usize,
    ) -> Result<ChunkIndex, Fault> {
        let shape: Vec<usize> = self.chunk_shape.iter().map(|len| *len as usize).collect();
        let entries = guarded(|| self.entries(storage, extent, element_size))?;
        let bytes = shape.iter().fold(element_size as u64, |product, len| {
            product.saturating_mul(*len as u64)
        });
        let chunks = entries
            .into_iter()
            .filter(|entry| !self.sizes.is_undefined(entry.address))
            .map(|entry| {
                // Indexes of unfiltered chunks do not store sizes.
                let size = if self.filtered { entry.size } else { bytes };
                (
                    entry.offsets,
                    Chunk {
                        position: 0,
                        address: entry.address,
                        size,
                        filter_mask: entry.filter_mask,
                    },
                )
            });
        ChunkIndex::new(extent, &shape, chunks)
    }

    /// True if the whole index is the node where it begins.
    pub(crate) fn is_single_node(&self, storage: &dyn Storage) -> bool {
        let address = self.address.filter(|_| self.indexing.is_none());
        address.is_some_and(|address| chunk_tree::is_single_node(storage, address))
    }

    fn entries(
        &self,
        storage: &dyn Storage,
        extent: &[usize],
        element_size: usize,
    ) -> Result<Vec<ChunkEntry>, Fault> {
        let Some(address) = self.address else {
            return Ok(Vec::new());
        };
        if extent.contains(&0) {
            return Ok(Vec::new());
        }
        let rank = self.chunk_shape.len();
        let Sizes { offset, length } = self.sizes;
        let shape: Vec<u64> = extent.iter().map(|len| *len as u64).collect();
        let chunk = &self.chunk_shape;
        let entries = match &self.indexing {
            None => chunk_tree::chunks(storage, self.sizes, address, rank)?,
            Some(ChunkIndexing::SingleChunk {
                filtered_size,
                filters,
            }) => {
                vec![chunk_index::single_chunk_entry(
                    address,
                    *filtered_size,
                    *filters,
                    rank,
                )]
            }
            Some(ChunkIndexing::BTreeV2) => chunk_index::collect_v2_chunk_entries_storage(
                storage,
                address,
                offset,
                length,
                rank as u32,
                chunk,
                None,
            )?,
            Some(ChunkIndexing::Implicit) => chunk_index::collect_implicit_chunk_entries(
                address,
                &shape,
                chunk,
                element_size,
                None,
                storage.len(),
            )?,
            Some(ChunkIndexing::FixedArray { .. }) => fixed_array::collect_fixed_array_chunk_entries_storage(
                storage, address, offset, length, &shape, chunk, None,
            )?,
            Some(ChunkIndexing::ExtensibleArray { .. }) => {
                extensible_array::collect_extensible_array_chunk_entries_storage(
                    storage,
                    address,
                    offset,
                    length,
                    &shape,
                    self.max_extent.as_deref(),
                    chunk,
                    None,
                )?
            }
        };
        Ok(entries)
    }
}
