//! Memory for stored bytes between uses: fresh pages cost as much as reading into them.

use std::ops::{Deref, DerefMut};

/// Bytes of the buffers that are kept unless something else is said.
const SPARE_BYTES: usize = 64 << 20;

/// Stored bytes in a buffer that is used again: it does not shrink, so that nothing but what it grows by is ever cleared.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    buffer: Vec<u8>,
    len: usize,
}

impl Stored {
    /// Empty, without memory.
    pub(crate) const fn new() -> Self {
        Self {
            buffer: Vec::new(),
            len: 0,
        }
    }

    /// Bytes that it can have without new memory.
    pub(crate) fn room(&self) -> usize {
        self.buffer.len()
    }

    /// Makes it `len` bytes long, of any values.
    pub(crate) fn resize(&mut self, len: usize) -> &mut [u8] {
        if self.buffer.len() < len {
            // Without a copy of what is in the way.
            self.buffer = Vec::new();
            self.buffer = vec![0; len];
        }
        self.len = len;
        &mut self.buffer[..len]
    }
}

impl DerefMut for Stored {
    fn deref_mut(&mut self) -> &mut [u8] {
        self.buffer.get_mut(..self.len).unwrap_or_default()
    }
}

impl Deref for Stored {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.buffer.get(..self.len).unwrap_or_default()
    }
}

/// Buffers between uses.
#[derive(Debug)]
pub(crate) struct Spare {
    buffers: Vec<Stored>,
    bytes: usize,
    limit: usize,
}

impl Default for Spare {
    fn default() -> Self {
        Self::new(SPARE_BYTES)
    }
}

impl Spare {
    /// One that keeps so many bytes.
    pub(crate) const fn new(limit: usize) -> Self {
        Self {
            buffers: Vec::new(),
            bytes: 0,
            limit,
        }
    }

    /// The smallest buffer of so many bytes or more; else the largest, which makes way for a new one.
    pub(crate) fn take(&mut self, len: usize) -> Stored {
        let fit = |stored: &Stored| {
            let size = stored.buffer.len();
            (size < len, size.abs_diff(len))
        };
        let best = (0..self.buffers.len()).min_by_key(|index| self.buffers.get(*index).map(fit));
        let Some(best) = best else {
            return Stored::default();
        };
        let stored = self.buffers.swap_remove(best);
        self.bytes -= stored.buffer.len();
        stored
    }

    /// Keeps a buffer, unless there are enough.
    pub(crate) fn give(&mut self, stored: Stored) {
        if self.bytes + stored.buffer.len() <= self.limit {
            self.bytes += stored.buffer.len();
            self.buffers.push(stored);
        }
    }
}
