//! Text: padded in place, or in global heaps.

use std::collections::HashMap;
use std::sync::Arc;

use hdf5_reader::global_heap::GlobalHeapCollection;
use hdf5_reader::io::Cursor;
use hdf5_reader::storage::Storage;

use super::Sizes;
use crate::fault::Fault;

/// Global heap collections that were read, so that the strings of an array read each only once.
pub(crate) struct Heaps<'a> {
    storage: &'a dyn Storage,
    sizes: Sizes,
    read: HashMap<u64, Arc<GlobalHeapCollection>>,
    held: u64,
}

/// Bytes of collections that are kept at a time.
const KEPT_BYTES: u64 = 16 << 20;

impl<'a> Heaps<'a> {
    pub(crate) fn new(storage: &'a dyn Storage, sizes: Sizes) -> Self {
        Self {
            storage,
            sizes,
            read: HashMap::new(),
            held: 0,
        }
    }

    /// Bytes of a variable-length descriptor: count, address, index.
    pub(crate) fn descriptor_len(&self) -> usize {
        8 + usize::from(self.sizes.offset)
    }

    /// The elements of `size` bytes that a descriptor points to; empty for the null descriptor.
    pub(crate) fn resolve(&mut self, descriptor: &[u8], size: usize) -> Result<Vec<u8>, Fault> {
        let mut cursor = Cursor::new(descriptor);
        let count = cursor.read_u32_le()? as usize;
        let address = cursor.read_offset(self.sizes.offset)?;
        let index = cursor.read_u32_le()?;
        if count == 0 || index == 0 || self.sizes.is_undefined(address) {
            return Ok(Vec::new());
        }
        let collection = self.collection(address)?;
        let object = u16::try_from(index)
            .ok()
            .and_then(|index| collection.get_object(index));
        let bytes = object.and_then(|object| object.data.get(..count.checked_mul(size)?));
        bytes.map(<[u8]>::to_vec).ok_or_else(|| {
            Fault::corrupt(format!(
                "no object {index} of {count} elements in the global heap at {address}"
            ))
        })
    }

    /// The string that a descriptor points to.
    pub(crate) fn text(&mut self, descriptor: &[u8]) -> Result<String, Fault> {
        self.resolve(descriptor, 1).map(|bytes| text_before_nul(&bytes))
    }

    fn collection(&mut self, address: u64) -> Result<Arc<GlobalHeapCollection>, Fault> {
        if let Some(collection) = self.read.get(&address) {
            return Ok(collection.clone());
        }
        let collection = GlobalHeapCollection::parse_at_storage(
            self.storage,
            address,
            self.sizes.offset,
            self.sizes.length,
        )?;
        let bytes: u64 = collection
            .objects
            .iter()
            .map(|object| object.data.len() as u64)
            .sum();
        if self.held + bytes > KEPT_BYTES {
            self.read.clear();
            self.held = 0;
        }
        self.held += bytes;
        let collection = Arc::new(collection);
        self.read.insert(address, collection.clone());
        Ok(collection)
    }
}

/// Text up to the first NUL. Bytes that are no UTF-8 become replacement characters.
fn text_before_nul(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

/// Text without the NULs that pad it.
pub(crate) fn fixed_text(bytes: &[u8]) -> String {
    let end = bytes
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1);
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}
