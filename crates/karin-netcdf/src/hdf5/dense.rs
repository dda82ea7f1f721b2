//! Objects of dense storage: they lie in a fractal heap, and a version 2 B-tree lists them.

use hdf5_reader::btree_v2::{self, BTreeV2Header, BTreeV2Record};
use hdf5_reader::fractal_heap::{FractalHeap, FractalHeapDirectBlockCache};
use hdf5_reader::io::Cursor;
use hdf5_reader::storage::Storage;

use super::Sizes;
use crate::fault::Fault;

/// Calls `each` with the bytes of every object (an attribute or a link) of the heap, in the order of the index. What cannot be
/// read does not keep it from the rest: where parts lie at a server, all that are missing are known at once.
///
/// # Errors
/// What was wrong first.
pub(super) fn for_each_object(
    storage: &dyn Storage,
    sizes: Sizes,
    (heap, index): (u64, u64),
    mut each: impl FnMut(&[u8]) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let Sizes { offset, length } = sizes;
    let heap = FractalHeap::parse_at_storage(storage, heap, offset, length)?;
    let index = BTreeV2Header::parse_at_storage(storage, index, offset, length)?;
    let records =
        btree_v2::collect_btree_v2_records_storage(storage, &index, offset, length, None, &[], None);
    let records = records.inspect_err(|_| read_leaves(storage, sizes, &index))?;
    let mut blocks = FractalHeapDirectBlockCache::default();
    let mut failure = None;
    for record in &records {
        let (BTreeV2Record::AttributeNameHash { heap_id, .. }
        | BTreeV2Record::AttributeCreationOrder { heap_id, .. }
        | BTreeV2Record::LinkNameHash { heap_id, .. }
        | BTreeV2Record::CreationOrder { heap_id, .. }) = record
        else {
            continue;
        };
        match heap.get_object_storage_cached(heap_id, storage, offset, length, &mut blocks) {
            Ok(object) => each(&object)?,
            Err(error) => drop(failure.get_or_insert(error)),
        }
    }
    failure.map_or(Ok(()), |error| Err(error.into()))
}

/// Reads all leaves that lie right below the root, so that those that are missing are known at once. What is wrong was told
/// already. Layout of an internal node: signature, version and type in 6 bytes, the records, then address and number of
/// records of every child (HDF5 file format specification, III.A.2).
fn read_leaves(storage: &dyn Storage, sizes: Sizes, index: &BTreeV2Header) {
    let (size, record) = (index.node_size as usize, usize::from(index.record_size).max(1));
    let (Ok(root), 1) = (storage.read_range(index.root_node_address, size), index.depth) else {
        return;
    };
    let most = size.saturating_sub(10) / record;
    let width = (usize::BITS - most.leading_zeros()).div_ceil(8).max(1) as usize;
    let (count, address) = (usize::from(index.num_records_in_root), usize::from(sizes.offset));
    let children = root.get(6 + count * record..).unwrap_or_default();
    for child in children.chunks_exact(address + width).take(count + 1) {
        if let Ok(address) = Cursor::new(child).read_offset(sizes.offset) {
            // Noted where it is missing.
            let _ = storage.read_range(address, size);
        }
    }
}
