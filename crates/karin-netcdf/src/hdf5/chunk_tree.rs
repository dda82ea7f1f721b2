//! The chunk index of most netCDF files: a version 1 B-tree.
//!
//! Walked here and not by the metadata crate, because old files have no checksums: a chunk that libhdf5 could not find
//! any more (its key lies outside those of the nodes above) must be an error, not a value.

use hdf5_reader::chunk_index::ChunkEntry;
use hdf5_reader::io::Cursor;
use hdf5_reader::storage::Storage;

use super::Sizes;
use crate::fault::Fault;

/// A tree of 64 children per node reaches any number of chunks within this.
const MOST_LEVELS: u8 = 32;

/// All chunks of the tree at `address`, of a variable of that rank.
pub(super) fn chunks(
    storage: &dyn Storage,
    sizes: Sizes,
    address: u64,
    rank: usize,
) -> Result<Vec<ChunkEntry>, Fault> {
    let mut walk = Walk {
        storage,
        sizes,
        rank,
        found: Vec::new(),
    };
    walk.node(address, None, &Bounds { from: None, to: None })?;
    Ok(walk.found)
}

/// True if the tree at `address` is a single node.
pub(super) fn is_single_node(storage: &dyn Storage, address: u64) -> bool {
    let head = storage.read_range(address, 6);
    head.is_ok_and(|head| head.get(..4) == Some(b"TREE") && head.get(5) == Some(&0))
}

/// First elements of the chunks that a node may hold: from, and before.
struct Bounds<'a> {
    from: Option<&'a [u64]>,
    to: Option<&'a [u64]>,
}

impl Bounds<'_> {
    fn hold(&self, start: &[u64]) -> bool {
        self.from.is_none_or(|from| from <= start) && self.to.is_none_or(|to| start < to)
    }
}

struct Key {
    size: u32,
    filter_mask: u32,
    start: Vec<u64>,
}

struct Walk<'a> {
    storage: &'a dyn Storage,
    sizes: Sizes,
    rank: usize,
    found: Vec<ChunkEntry>,
}

impl Walk<'_> {
    fn node(&mut self, address: u64, expected_level: Option<u8>, bounds: &Bounds<'_>) -> Result<(), Fault> {
        let offset = usize::from(self.sizes.offset);
        let head_len = 8 + 2 * offset;
        let head = self.storage.read_range(address, head_len)?;
        let (Some(b"TREE"), Some(1), Some(&level)) = (head.get(..4), head.get(4), head.get(5)) else {
            return Err(Fault::corrupt(format!("no chunk index at {address}")));
        };
        if level > MOST_LEVELS || expected_level.is_some_and(|expected| level != expected) {
            return Err(Fault::corrupt(format!(
                "level {level} in the chunk index at {address}"
            )));
        }
        let used = head
            .get(6..8)
            .and_then(|bytes| bytes.try_into().ok())
            .map_or(0, u16::from_le_bytes);
        let key_len = 8 + 8 * (self.rank + 1);
        let body_len = usize::from(used) * (key_len + offset) + key_len;
        let body = self
            .storage
            .read_range(address.saturating_add(head_len as u64), body_len)?;
        let mut cursor = Cursor::new(&body);
        let mut key = self.key(&mut cursor)?;
        for _ in 0..used {
            let child = cursor.read_offset(self.sizes.offset)?;
            let next = self.key(&mut cursor)?;
            // The last coordinate counts bytes inside an element, where no chunk begins.
            let inside_element = key.start.last().is_some_and(|byte| *byte != 0);
            if inside_element || !bounds.hold(&key.start) || next.start <= key.start {
                return Err(Fault::corrupt(format!("chunk index at {address} out of order")));
            }
            match level.checked_sub(1) {
                None => self.found.push(ChunkEntry {
                    address: child,
                    size: key.size.into(),
                    filter_mask: key.filter_mask,
                    offsets: key.start.iter().take(self.rank).copied().collect(),
                }),
                Some(below) => {
                    let to = bounds.to.map_or(next.start.as_slice(), |to| to.min(&next.start));
                    self.node(
                        child,
                        Some(below),
                        &Bounds {
                            from: Some(&key.start),
                            to: Some(to),
                        },
                    )?;
                }
            }
            key = next;
        }
        Ok(())
    }

    fn key(&self, cursor: &mut Cursor<'_>) -> Result<Key, Fault> {
        let (size, filter_mask) = (cursor.read_u32_le()?, cursor.read_u32_le()?);
        let start = (0..=self.rank)
            .map(|_| cursor.read_u64_le())
            .collect::<Result<_, _>>()?;
        Ok(Key {
            size,
            filter_mask,
            start,
        })
    }
}
