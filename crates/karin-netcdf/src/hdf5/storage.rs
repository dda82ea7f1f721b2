//! A source of bytes as the metadata crate wants it: many small reads, served from a few pages.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use hdf5_reader::error::{Error, Result};
use hdf5_reader::storage::{Storage, StorageBuffer};
use karin_core::ByteSource;

/// Bytes of pages that are kept.
const KEPT_BYTES: u64 = 4 << 20;

type Page = Arc<Vec<u8>>;

/// Reads through pages of the source, from `base` on. Made for one piece of work and dropped with it.
pub(super) struct PagedStorage {
    source: Arc<dyn ByteSource>,
    base: u64,
    len: u64,
    page_bytes: u64,
    pages: Mutex<HashMap<u64, Page>>,
}

impl PagedStorage {
    /// `len` is the length of the whole source.
    pub(super) fn new(source: Arc<dyn ByteSource>, base: u64, len: u64, page_bytes: u64) -> Self {
        Self {
            source,
            base,
            len: len.saturating_sub(base),
            page_bytes,
            pages: Mutex::default(),
        }
    }

    fn page(&self, number: u64) -> Result<Page> {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(page) = pages.get(&number) {
            return Ok(page.clone());
        }
        let start = number * self.page_bytes;
        let mut bytes = vec![0; self.page_bytes.min(self.len.saturating_sub(start)) as usize];
        self.source.read_exact_at(&mut bytes, self.base + start)?;
        let page = Page::new(bytes);
        if pages.len() as u64 * self.page_bytes >= KEPT_BYTES {
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
        let (first, last) = (offset / self.page_bytes, end.saturating_sub(1) / self.page_bytes);
        if first == last {
            return StorageBuffer::from_shared_owner(
                self.page(first)?,
                (offset % self.page_bytes) as usize,
                len,
            );
        }
        if needed > 4 * self.page_bytes {
            let mut bytes = vec![0; len];
            self.source.read_exact_at(&mut bytes, self.base + offset)?;
            return Ok(StorageBuffer::from_vec(bytes));
        }
        let mut bytes = Vec::with_capacity(len);
        for number in first..=last {
            let page = self.page(number)?;
            let start = offset.saturating_sub(number * self.page_bytes) as usize;
            let stop = (end - number * self.page_bytes).min(self.page_bytes) as usize;
            bytes.extend_from_slice(page.get(start..stop).unwrap_or_default());
        }
        Ok(StorageBuffer::from_vec(bytes))
    }
}
