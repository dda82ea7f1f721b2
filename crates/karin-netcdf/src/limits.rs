//! How much a file may make the reader do.

/// Bounds on what the bytes of one file may cost. The defaults hold every SWOT product with a wide margin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Groups inside groups.
    pub group_depth: usize,
    /// Groups, variables and bare dimensions together.
    pub objects: usize,
    /// Bytes of one object header.
    pub header_bytes: usize,
    /// Bytes of one chunk, inflated.
    pub chunk_bytes: u64,
    /// Bytes of one array that the reader allocates itself. A larger array is read only if the file is long
    /// enough to hold it (1,032 times compressed, the most that deflate reaches).
    pub array_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            group_depth: 32,
            objects: 16_384,
            header_bytes: 16 << 20,
            chunk_bytes: 2 << 30,
            array_bytes: 1 << 30,
        }
    }
}

/// The most that deflate can shrink anything.
pub(crate) const DEFLATE_RATIO: u64 = 1032;

impl Limits {
    /// The bytes that an array of a file of `file_len` bytes may have.
    pub(crate) fn array_bytes_of(&self, file_len: u64) -> u64 {
        self.array_bytes.max(file_len.saturating_mul(DEFLATE_RATIO))
    }
}
