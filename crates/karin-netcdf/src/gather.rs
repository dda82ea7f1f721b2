//! Reading many pieces of a file with few reads.

use karin_core::ByteSource;

use crate::fault::Fault;

/// Pieces this close together are read with what lies between them.
const GAP_BYTES: u64 = 64 << 10;
/// Pieces this large are read on their own, straight into the target.
const DIRECT_BYTES: usize = 64 << 10;
/// One read through the buffer is at most this large.
const SPAN_BYTES: u64 = 1 << 20;

/// Collects pieces in rising order of position and reads neighbours together.
pub(crate) struct Gather<'a> {
    source: &'a dyn ByteSource,
    out: &'a mut [u8],
    pending: Vec<Piece>,
    buffer: Vec<u8>,
}

struct Piece {
    from: u64,
    to: usize,
    len: usize,
}

impl<'a> Gather<'a> {
    pub(crate) fn new(source: &'a dyn ByteSource, out: &'a mut [u8]) -> Self {
        Self {
            source,
            out,
            pending: Vec::new(),
            buffer: Vec::new(),
        }
    }

    /// Bytes `from..from + len` of the source go to `to..` of the target.
    pub(crate) fn push(&mut self, from: u64, to: usize, len: usize) -> Result<(), Fault> {
        if len >= DIRECT_BYTES {
            let target = self.out.get_mut(to..to + len).unwrap_or_default();
            return self
                .source
                .read_exact_at(target, from)
                .map_err(|error| Fault::read(len, from, error));
        }
        if let (Some(first), Some(last)) = (self.pending.first(), self.pending.last()) {
            let end = last.from + last.len as u64;
            let near = from >= end && from - end <= GAP_BYTES && from + len as u64 - first.from <= SPAN_BYTES;
            if !near {
                self.flush()?;
            }
        }
        self.pending.push(Piece { from, to, len });
        Ok(())
    }

    /// Reads what is left.
    pub(crate) fn finish(mut self) -> Result<(), Fault> {
        self.flush()
    }

    fn flush(&mut self) -> Result<(), Fault> {
        let (Some(first), Some(last)) = (self.pending.first(), self.pending.last()) else {
            return Ok(());
        };
        let start = first.from;
        let span = (last.from - start) as usize + last.len;
        self.buffer.resize(span, 0);
        self.source
            .read_exact_at(&mut self.buffer, start)
            .map_err(|error| Fault::read(span, start, error))?;
        for piece in self.pending.drain(..) {
            let at = (piece.from - start) as usize;
            if let (Some(source), Some(target)) = (
                self.buffer.get(at..at + piece.len),
                self.out.get_mut(piece.to..piece.to + piece.len),
            ) {
                target.copy_from_slice(source);
            }
        }
        Ok(())
    }
}
