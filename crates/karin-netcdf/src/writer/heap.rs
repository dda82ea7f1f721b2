//! The global heap, where strings and dimension references of variable length lie
//! (HDF5 file format specification, III.E).

use super::bytes::Put;

/// Smallest collection that libhdf5 accepts.
const SMALLEST: usize = 4096;
/// A collection is closed when the next object would take it past this size.
const TARGET: usize = 64 * 1024;
/// Bytes in front of a collection, and in front of each object in it.
const HEADER: usize = 16;

/// Where an object of the heap lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeapId {
    address: u64,
    index: u32,
}

impl HeapId {
    /// Appends the descriptor of a sequence of `len` elements that lies here.
    pub(super) fn put_descriptor(self, len: u32, out: &mut Vec<u8>) {
        out.put_u32(len);
        out.put_u64(self.address);
        out.put_u32(self.index);
    }
}

/// Collections under construction, that will lie one behind the other from a known address.
#[derive(Debug)]
pub(super) struct Heap {
    base: u64,
    closed: Vec<u8>,
    objects: Vec<u8>,
    count: u16,
}

impl Heap {
    /// An empty heap whose first collection will lie at `base`.
    pub(super) const fn at(base: u64) -> Self {
        Self {
            base,
            closed: Vec::new(),
            objects: Vec::new(),
            count: 0,
        }
    }

    /// Adds an object. An empty one is stored too: a string without one is not empty but absent.
    pub(super) fn push(&mut self, bytes: &[u8]) -> HeapId {
        let need = HEADER + bytes.len().next_multiple_of(8);
        let full = HEADER + self.objects.len() + need > TARGET || self.count == u16::MAX;
        if full && self.count > 0 {
            self.close();
        }
        self.count += 1;
        self.objects.put_u16(self.count);
        self.objects.put_u16(0);
        self.objects.put_u32(0);
        self.objects.put_u64(bytes.len() as u64);
        self.objects.extend_from_slice(bytes);
        self.objects.pad_to_eight();
        HeapId {
            address: self.base + self.closed.len() as u64,
            index: u32::from(self.count),
        }
    }

    fn close(&mut self) {
        if self.count == 0 {
            return;
        }
        let used = HEADER + self.objects.len();
        let size = used.max(SMALLEST);
        self.closed.extend_from_slice(b"GCOL\x01\0\0\0");
        self.closed.put_u64(size as u64);
        self.closed.append(&mut self.objects);
        self.count = 0;
        let free = size - used;
        if free >= HEADER {
            self.closed.put_u64(0);
            self.closed.put_u64(free as u64);
        }
        self.closed.resize(
            self.closed.len() + if free >= HEADER { free - HEADER } else { free },
            0,
        );
    }

    /// The bytes of all collections.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.close();
        self.closed
    }
}
