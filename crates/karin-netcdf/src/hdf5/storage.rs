//! A source of bytes as the metadata crate wants it: many small reads, served from a few pages.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use hdf5_reader::error::{Error, Result};
use hdf5_reader::storage::{Storage, StorageBuffer};
use karin_core::ByteSource;

const PAGE_BYTES: u64 = 16 << 10;
/// Pages that are kept: 4 MiB.
const KEPT_PAGES: usize = 256;

/// Reads through pages of the source, from `base` on. Made for one piece of work and dropped with it.
pub(super) struct PagedStorage {
    source: Arc<dyn ByteSource>,
    base: u64,
    len: u64,
    pages: Mutex<HashMap<u64, Arc<[u8]>>>,
}

impl PagedStorage {
    /// `len` is the length of the whole source.
    pub(super) fn new(source: Arc<dyn ByteSource>, base: u64, len: u64) -> Self {
        Self {
            source,
            base,
            len: len.saturating_sub(base),
            pages: Mutex::default(),
        }
    }

    fn page(&self, number: u64) -> Result<Arc<[u8]>> {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(page) = pages.get(&number) {
            return Ok(page.clone());
        }
        let start = number * PAGE_BYTES;
        let mut bytes = vec![0; PAGE_BYTES.min(self.len.saturating_sub(start)) as usize];
        self.source.read_exact_at(&mut bytes, self.base + start)?;
        let page: Arc<[u8]> = bytes.into();
        if pages.len() >= KEPT_PAGES {
            pages.clear();
        }
        pages.insert(number, page.clone());
        Ok(page)
    }
}

impl Storage for PagedStorage {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_range(&self, offset: u64, len: usize) -> Result<StorageBuffer> {
        let needed = len as u64;
        let end = offset
            .checked_add(needed)
            .filter(|end| *end <= self.len)
            .ok_or(Error::UnexpectedEof {
                offset,
                needed,
                available: self.len.saturating_sub(offset),
            })?;
        let (first, last) = (offset / PAGE_BYTES, end.saturating_sub(1) / PAGE_BYTES);
        if first == last {
            return StorageBuffer::from_shared(self.page(first)?, (offset % PAGE_BYTES) as usize, len);
        }
        if needed > 4 * PAGE_BYTES {
            let mut bytes = vec![0; len];
            self.source.read_exact_at(&mut bytes, self.base + offset)?;
            return Ok(StorageBuffer::from_vec(bytes));
        }
        let mut bytes = Vec::with_capacity(len);
        for number in first..=last {
            let page = self.page(number)?;
            let start = offset.saturating_sub(number * PAGE_BYTES) as usize;
            let stop = (end - number * PAGE_BYTES).min(PAGE_BYTES) as usize;
            bytes.extend_from_slice(page.get(start..stop).unwrap_or_default());
        }
        Ok(StorageBuffer::from_vec(bytes))
    }
}
