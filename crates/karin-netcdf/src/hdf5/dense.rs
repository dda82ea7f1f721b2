//! Objects of dense storage: they lie in a fractal heap, and a version 2 B-tree lists them.

use hdf5_reader::btree_v2::{self, BTreeV2Record};
use hdf5_reader::fractal_heap::{FractalHeap, FractalHeapDirectBlockCache};
use hdf5_reader::storage::Storage;

use super::Sizes;
use crate::fault::Fault;

/// Calls `each` with the bytes of every object (an attribute or a link) of the heap, in the order of the index.
pub(super) fn for_each_object(
    storage: &dyn Storage,
    sizes: Sizes,
    (heap, index): (u64, u64),
    mut each: impl FnMut(&[u8]) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let Sizes { offset, length } = sizes;
    let heap = FractalHeap::parse_at_storage(storage, heap, offset, length)?;
    let index = btree_v2::BTreeV2Header::parse_at_storage(storage, index, offset, length)?;
    let records =
        btree_v2::collect_btree_v2_records_storage(storage, &index, offset, length, None, &[], None)?;
    let mut blocks = FractalHeapDirectBlockCache::default();
    for record in &records {
        let (BTreeV2Record::AttributeNameHash { heap_id, .. }
        | BTreeV2Record::AttributeCreationOrder { heap_id, .. }
        | BTreeV2Record::LinkNameHash { heap_id, .. }
        | BTreeV2Record::CreationOrder { heap_id, .. }) = record
        else {
            continue;
        };
        each(&heap.get_object_storage_cached(heap_id, storage, offset, length, &mut blocks)?)?;
    }
    Ok(())
}
