//! Where bytes come from: a file now, a web server or a bucket later.

/// Immutable bytes that can be read at any position, from many threads at once.
pub trait ByteSource: Send + Sync + std::fmt::Debug {
    /// What to call it in messages: a path or an address without secrets.
    fn name(&self) -> &str;

    /// Number of bytes.
    ///
    /// # Errors
    /// If it cannot be found out.
    fn len(&self) -> std::io::Result<u64>;

    /// True without bytes.
    ///
    /// # Errors
    /// As [`ByteSource::len`].
    fn is_empty(&self) -> std::io::Result<bool> {
        self.len().map(|len| len == 0)
    }

    /// Fills `buffer` from `offset` on.
    ///
    /// # Errors
    /// `UnexpectedEof` if the source ends before, else what the system says.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<()>;
}
