//! Objects of dense storage: they lie in a fractal heap, and a version 2 B-tree lists them.

use hdf5_reader::btree_v2::{self, BTreeV2Header, BTreeV2Record};
use hdf5_reader::checksum::jenkins_lookup3;
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

/// Calls `each` with the bytes of the links of these names (and of others whose names have the same hash), as far as there are
/// any: of the index, and of the heap, no more is read than leads there.
///
/// # Errors
/// What was wrong first. Where parts lie at a server, all that are missing are known at once.
pub(super) fn for_named_links(
    storage: &dyn Storage,
    sizes: Sizes,
    (heap, index): (u64, u64),
    names: &[String],
    mut each: impl FnMut(&[u8]) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let Sizes { offset, length } = sizes;
    let places = (heap, index);
    let heap = FractalHeap::parse_at_storage(storage, heap, offset, length);
    let index = BTreeV2Header::parse_at_storage(storage, index, offset, length)?;
    let heap = heap?;
    if index.btree_type != LINKS_BY_NAME || index.depth > 1 {
        return for_each_object(storage, sizes, places, each);
    }
    // Both ways to a link begin at a root: noted together where they are missing.
    let _ = storage.read_range(heap.root_block_address, 1);
    let mut blocks = FractalHeapDirectBlockCache::default();
    let mut failure = None;
    for name in names {
        let found = links_of(
            storage,
            sizes,
            &index,
            jenkins_lookup3(name.as_bytes()),
            &mut |heap_id| match heap.get_object_storage_cached(heap_id, storage, offset, length, &mut blocks)
            {
                Ok(object) => each(&object),
                Err(error) => Err(error.into()),
            },
        );
        if let Err(fault) = found {
            failure.get_or_insert(fault);
        }
    }
    failure.map_or(Ok(()), Err)
}

/// Kind of an index of links by the hash of their names.
const LINKS_BY_NAME: u8 = 5;

/// Calls `each` with the heap identifiers of links whose names have that hash, in an index of at most two levels.
fn links_of(
    storage: &dyn Storage,
    sizes: Sizes,
    index: &BTreeV2Header,
    hash: u32,
    each: &mut impl FnMut(&[u8]) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let root = Node::read(
        storage,
        sizes,
        index,
        index.root_node_address,
        index.num_records_in_root,
        index.depth,
    )?;
    root.with_hash(hash).try_for_each(&mut *each)?;
    for child in root.children_of(hash) {
        let leaf = Node::read(storage, sizes, index, child.address, child.records, 0)?;
        leaf.with_hash(hash).try_for_each(&mut *each)?;
    }
    Ok(())
}

/// A node of an index of at most two levels.
struct Node {
    /// What stands for one link after the other: the hash of its name, and its heap identifier.
    records: Vec<u8>,
    record: usize,
    children: Vec<Child>,
}

/// A leaf below a root.
struct Child {
    address: u64,
    records: u16,
}

impl Node {
    /// Layout: signature, version and type in 6 bytes, the records, then address and number of records of every child, and a
    /// checksum (HDF5 file format specification, III.A.2).
    fn read(
        storage: &dyn Storage,
        sizes: Sizes,
        index: &BTreeV2Header,
        address: u64,
        records: u16,
        depth: u16,
    ) -> Result<Self, Fault> {
        let (size, record) = (index.node_size as usize, usize::from(index.record_size).max(1));
        let bytes = storage.read_range(address, size)?;
        let most = size.saturating_sub(10) / record;
        let width = (usize::BITS - most.leading_zeros()).div_ceil(8).max(1) as usize;
        let count = if depth == 0 { 0 } else { usize::from(records) + 1 };
        let end_of_records = 6 + usize::from(records) * record;
        let end = end_of_records + count * (usize::from(sizes.offset) + width);
        let damaged = || Fault::corrupt("a node of an index of links");
        let (whole, sum) = (bytes.get(..end), bytes.get(end..end + 4));
        let (whole, sum) = whole.zip(sum).ok_or_else(damaged)?;
        let signature = if depth == 0 { b"BTLF" } else { b"BTIN" };
        if !whole.starts_with(signature) || jenkins_lookup3(whole).to_le_bytes() != *sum {
            return Err(damaged());
        }
        let mut cursor = Cursor::new(whole.get(end_of_records..).unwrap_or_default());
        let mut children = Vec::with_capacity(count);
        for _ in 0..count {
            let address = cursor.read_offset(sizes.offset)?;
            let records = u16::try_from(cursor.read_uvar(width)?).map_err(|_| damaged())?;
            children.push(Child { address, records });
        }
        let records = whole.get(6..end_of_records).unwrap_or_default().to_vec();
        Ok(Self {
            records,
            record,
            children,
        })
    }

    /// Hash and heap identifier of every record.
    fn each(&self) -> impl Iterator<Item = (u32, &[u8])> {
        self.records.chunks_exact(self.record).filter_map(|record| {
            let (hash, id) = record.split_first_chunk::<4>()?;
            Some((u32::from_le_bytes(*hash), id))
        })
    }

    fn with_hash(&self, hash: u32) -> impl Iterator<Item = &[u8]> {
        self.each().filter(move |(own, _)| *own == hash).map(|(_, id)| id)
    }

    /// The leaves that may hold a hash: records are in the order of their hashes, those of a child between its neighbours.
    fn children_of(&self, hash: u32) -> impl Iterator<Item = &Child> {
        let hashes: Vec<u32> = self.each().map(|(hash, _)| hash).collect();
        let may_hold = move |at: usize| {
            let above = at.checked_sub(1).and_then(|before| hashes.get(before));
            above.is_none_or(|least| *least <= hash) && hashes.get(at).is_none_or(|most| hash <= *most)
        };
        self.children
            .iter()
            .enumerate()
            .filter(move |(at, _)| may_hold(*at))
            .map(|(_, child)| child)
    }
}

/// Reads all leaves that lie right below the root, so that those that are missing are known at once. What is wrong was told
/// already.
fn read_leaves(storage: &dyn Storage, sizes: Sizes, index: &BTreeV2Header) {
    if index.depth != 1 {
        return;
    }
    let root = Node::read(
        storage,
        sizes,
        index,
        index.root_node_address,
        index.num_records_in_root,
        1,
    );
    for child in root.iter().flat_map(|root| &root.children) {
        // Noted where it is missing.
        let _ = storage.read_range(child.address, index.node_size as usize);
    }
}

#[cfg(test)]
mod tests {
    use hdf5_reader::storage::BytesStorage;
    use proptest::prelude::*;

    use super::*;

    const SIZES: Sizes = Sizes { offset: 8, length: 8 };
    const NODE: usize = 512;
    const RECORD: usize = 11;

    /// A node of records, whose heap identifiers are their numbers, and of children.
    fn node(signature: &[u8; 4], records: &[(u32, u8)], children: &[(u64, u8)]) -> Vec<u8> {
        let mut bytes = [signature.as_slice(), &[0, LINKS_BY_NAME]].concat();
        for (hash, number) in records {
            bytes.extend(hash.to_le_bytes());
            bytes.extend([*number; RECORD - 4]);
        }
        for (address, records) in children {
            bytes.extend(address.to_le_bytes());
            bytes.push(*records);
        }
        bytes.extend(jenkins_lookup3(&bytes).to_le_bytes());
        bytes.resize(NODE, 0);
        bytes
    }

    /// An index of ascending hashes, cut into leaves at these places: a record between two leaves stands in the root.
    fn index_of(hashes: &[u32], cuts: &[usize]) -> (Vec<u8>, BTreeV2Header) {
        let records: Vec<(u32, u8)> = hashes.iter().copied().zip(0..).collect();
        let (mut leaves, mut between, mut rest) = (Vec::new(), Vec::new(), records.as_slice());
        for cut in cuts {
            let Some((last, leaf)) = rest.get(..=*cut).and_then(<[_]>::split_last) else {
                break;
            };
            leaves.push(leaf.to_vec());
            between.push(*last);
            rest = &rest[cut + 1..];
        }
        leaves.push(rest.to_vec());
        let children: Vec<(u64, u8)> = (1..)
            .zip(&leaves)
            .map(|(at, leaf): (u64, _)| (at * NODE as u64, leaf.len() as u8))
            .collect();
        let mut bytes = node(b"BTIN", &between, &children);
        leaves
            .iter()
            .for_each(|leaf| bytes.extend(node(b"BTLF", leaf, &[])));
        let header = BTreeV2Header {
            btree_type: LINKS_BY_NAME,
            node_size: NODE as u32,
            record_size: RECORD as u16,
            depth: 1,
            split_percent: 100,
            merge_percent: 40,
            root_node_address: 0,
            num_records_in_root: between.len() as u16,
            total_records: hashes.len() as u64,
        };
        (bytes, header)
    }

    fn found(bytes: &[u8], index: &BTreeV2Header, hash: u32) -> Result<Vec<u8>, Fault> {
        let storage = BytesStorage::new(bytes.to_vec());
        let mut numbers = Vec::new();
        links_of(&storage, SIZES, index, hash, &mut |id| {
            numbers.extend(id.first());
            Ok(())
        })?;
        numbers.sort_unstable();
        Ok(numbers)
    }

    proptest! {
        #[test]
        fn every_link_is_found_by_its_hash_and_no_other(
            mut hashes in proptest::collection::vec(0_u32..60, 3..45),
            cuts in proptest::collection::vec(1_usize..20, 1..4),
        ) {
            hashes.sort_unstable();
            let (bytes, index) = index_of(&hashes, &cuts);
            for hash in 0..61 {
                let expected: Vec<u8> = (0..).zip(&hashes).filter(|(_, own)| **own == hash).map(|(number, _)| number).collect();
                prop_assert_eq!(found(&bytes, &index, hash).unwrap(), expected);
            }
        }

        #[test]
        fn a_damaged_node_is_told(at in 0_usize..39, bit in 0_u8..8) {
            let (mut bytes, index) = index_of(&[10, 20, 30, 40, 50, 60, 70], &[3]);
            bytes[at] ^= 1 << bit;
            prop_assert!(matches!(found(&bytes, &index, 10), Err(Fault::Corrupt(_))));
        }
    }
}
