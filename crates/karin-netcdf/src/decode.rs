//! From stored bytes to elements in the caller's buffer.

use std::cell::RefCell;

use karin_core::shuffle::unshuffle;
use karin_core::{Ahead, ByteSource, Slab};

use crate::chunks::{Chunk, ChunkIndex};
use crate::fault::Fault;
use crate::filters::{Pipeline, Scratch, Undone};
use crate::gather::Gather;
use crate::layout::{Layout, Variable};
use crate::limits::Limits;
use crate::runs::Overlap;

thread_local! {
    /// Buffers and inflater of this thread: every array that it reads uses them again.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Bytes of a remote file that are fetched before they are decoded.
const AHEAD_BYTES: u64 = 32 << 20;

/// Reads slabs of one variable.
pub(crate) struct Decoder<'a> {
    pub(crate) source: &'a dyn ByteSource,
    /// Where address 0 of the layout is in the source.
    pub(crate) base: u64,
    pub(crate) file_len: u64,
    pub(crate) limits: &'a Limits,
    pub(crate) variable: &'a Variable,
    /// The index of a chunked variable.
    pub(crate) index: Option<&'a ChunkIndex>,
}

impl Decoder<'_> {
    /// Reads `slab` as stored (in the byte order of the file) into `out`, which has exactly its length.
    ///
    /// The slab lies inside the shape of the variable; what lies outside the stored extent becomes fill.
    pub(crate) fn read(&self, slab: &Slab, out: &mut [u8]) -> Result<(), Fault> {
        if out.is_empty() {
            return Ok(());
        }
        let variable = self.variable;
        let mut stored = slab.clone();
        let mut clipped = false;
        for ((count, start), extent) in stored.count.iter_mut().zip(&slab.start).zip(&variable.extent) {
            let inside = (*count).min(extent.saturating_sub(*start));
            clipped |= inside < *count;
            *count = inside;
        }
        if clipped {
            self.fill_all(out);
        }
        if stored.is_empty() {
            return Ok(());
        }
        match &variable.layout {
            Layout::Absent => self.fill_all(out),
            Layout::Compact(bytes) => self.copy_compact(bytes, &stored, slab, out)?,
            Layout::Contiguous(address) => self.read_piece(*address, &stored, slab, out)?,
            Layout::Chunked { .. } => {
                let index = self.index.ok_or_else(|| Fault::corrupt("no chunk index"))?;
                SCRATCH.with_borrow_mut(|scratch| {
                    let read = self.read_chunks(index, &stored, slab, out, scratch);
                    scratch.trim();
                    read
                })?;
            }
            Layout::Records { begin, stride } => self.read_records(*begin, *stride, &stored, slab, out)?,
        }
        Ok(())
    }

    fn fill_all(&self, out: &mut [u8]) {
        fill(out, &self.variable.fill);
    }

    /// The stored part of the slab: from an array of the stored extent to the slab's buffer.
    fn overlap<'b>(&'b self, stored: &'b Slab, slab: &'b Slab, zeros: &'b [usize]) -> Overlap<'b> {
        Overlap {
            count: &stored.count,
            from_shape: &self.variable.extent,
            from_start: &stored.start,
            to_shape: &slab.count,
            to_start: zeros,
        }
    }

    fn copy_compact(&self, bytes: &[u8], stored: &Slab, slab: &Slab, out: &mut [u8]) -> Result<(), Fault> {
        let size = self.variable.element_size;
        let zeros = vec![0; slab.count.len()];
        self.overlap(stored, slab, &zeros).for_each(|from, to, len| {
            let from = usize::try_from(from).ok().and_then(|from| from.checked_mul(size));
            let source = from.and_then(|from| bytes.get(from..from.checked_add(len * size)?));
            match (source, out.get_mut(to * size..(to + len) * size)) {
                (Some(source), Some(target)) => target.copy_from_slice(source),
                _ => return Err(Fault::corrupt("compact data are shorter than the variable")),
            }
            Ok(())
        })
    }

    fn read_piece(&self, address: u64, stored: &Slab, slab: &Slab, out: &mut [u8]) -> Result<(), Fault> {
        let size = self.variable.element_size;
        let zeros = vec![0; slab.count.len()];
        let overlap = self.overlap(stored, slab, &zeros);
        if self.source.is_remote() {
            let (mut first, mut end) = (u64::MAX, 0);
            overlap.for_each(|from, _, len| {
                let from = self.position(address, from, size as u64)?;
                (first, end) = (first.min(from), end.max(from + (len * size) as u64));
                Ok::<(), Fault>(())
            })?;
            if first < end && end - first <= AHEAD_BYTES {
                self.prefetch(std::slice::from_ref(&(first..end)))?;
            }
        }
        let mut gather = Gather::new(self.source, out);
        overlap.for_each(|from, to, len| {
            gather.push(self.position(address, from, size as u64)?, to * size, len * size)
        })?;
        gather.finish()
    }

    /// Position in the source of element `index` of a piece that begins at `address`.
    fn position(&self, address: u64, index: u64, size: u64) -> Result<u64, Fault> {
        let position = index
            .checked_mul(size)
            .and_then(|offset| self.base.checked_add(address)?.checked_add(offset));
        position
            .filter(|position| *position < self.file_len)
            .ok_or_else(|| Fault::corrupt(format!("data at {address} lie past the end of the file")))
    }

    fn read_records(
        &self,
        begin: u64,
        stride: u64,
        stored: &Slab,
        slab: &Slab,
        out: &mut [u8],
    ) -> Result<(), Fault> {
        let size = self.variable.element_size;
        let inner = stored.count.get(1..).unwrap_or_default();
        let slab_inner = slab.count.get(1..).unwrap_or_default();
        let zeros = vec![0; inner.len()];
        let overlap = Overlap {
            count: inner,
            from_shape: self.variable.extent.get(1..).unwrap_or_default(),
            from_start: stored.start.get(1..).unwrap_or_default(),
            to_shape: slab_inner,
            to_start: &zeros,
        };
        let record_len: usize = slab_inner.iter().product();
        let (first, count) = (
            stored.start.first().copied().unwrap_or(0),
            stored.count.first().copied().unwrap_or(0),
        );
        let mut gather = Gather::new(self.source, out);
        for record in 0..count {
            let record_begin = self.position(begin, (first + record) as u64, stride)?;
            overlap.for_each(|from, to, len| {
                let position = record_begin
                    .checked_add(from.saturating_mul(size as u64))
                    .ok_or_else(|| Fault::corrupt("record past the end of the file"))?;
                gather.push(position, (record * record_len + to) * size, len * size)
            })?;
        }
        gather.finish()
    }

    fn read_chunks(
        &self,
        index: &ChunkIndex,
        stored: &Slab,
        slab: &Slab,
        out: &mut [u8],
        scratch: &mut Scratch,
    ) -> Result<(), Fault> {
        let shape = index.chunk_shape();
        let bytes = self.chunk_bytes(shape)?;
        let first: Vec<usize> = stored
            .start
            .iter()
            .zip(shape)
            .map(|(start, len)| start / len)
            .collect();
        let last: Vec<usize> = (stored.start.iter().zip(&stored.count).zip(shape))
            .map(|((start, count), len)| (start + count - 1) / len)
            .collect();
        let mut cell = vec![0; shape.len()];
        let mut part = ChunkPart::of_rank(shape.len());
        // What is absent is filled in one go: a variable may have millions of chunks and few that were written.
        if !index.is_complete() {
            self.fill_all(out);
        }
        let mut needed = index.within(&first, &last);
        let mut ahead = 0;
        while let Some(chunk) = needed.next() {
            if self.source.is_remote() && ahead == 0 {
                ahead = self.fetch(chunk, needed.clone())?;
            }
            ahead = ahead.saturating_sub(1);
            index.locate(chunk, &mut cell);
            part.place(&cell, shape, stored, slab);
            let overlap = Overlap {
                count: &part.count,
                from_shape: shape,
                from_start: &part.from_start,
                to_shape: &slab.count,
                to_start: &part.to_start,
            };
            self.read_chunk(chunk, bytes, &overlap, out, scratch)?;
        }
        Ok(())
    }

    /// Has a chunk fetched, with as many of those that follow as are fetched at a time; gives their number.
    fn fetch<'c>(&self, chunk: &'c Chunk, rest: impl Iterator<Item = &'c Chunk>) -> Result<usize, Fault> {
        let mut bytes = 0_u64;
        let chunks = std::iter::once(chunk).chain(rest).take_while(|chunk| {
            let is_first = bytes == 0;
            bytes = bytes.saturating_add(chunk.size.max(1));
            is_first || bytes <= AHEAD_BYTES
        });
        let ranges: Vec<_> = chunks.map(|chunk| chunk.range(self.base)).collect();
        self.prefetch(&ranges)?;
        Ok(ranges.len())
    }

    fn prefetch(&self, ranges: &[std::ops::Range<u64>]) -> Result<(), Fault> {
        let fetched = self.source.prefetch(ranges, Ahead::Values);
        fetched.map_err(|source| Fault::Io {
            action: "fetching values".into(),
            source,
        })
    }

    fn chunk_bytes(&self, shape: &[usize]) -> Result<usize, Fault> {
        let bytes = shape.iter().try_fold(self.variable.element_size, |product, len| {
            product.checked_mul(*len)
        });
        let allowed = self.limits.chunk_bytes;
        bytes
            .filter(|bytes| *bytes as u64 <= allowed)
            .ok_or(Fault::TooLarge {
                needed: bytes.map_or(u64::MAX, |bytes| bytes as u64),
                allowed,
            })
    }

    fn read_chunk(
        &self,
        chunk: &Chunk,
        chunk_bytes: usize,
        overlap: &Overlap<'_>,
        out: &mut [u8],
        scratch: &mut Scratch,
    ) -> Result<(), Fault> {
        let variable = self.variable;
        let size = variable.element_size;
        if variable.filters.is_empty() {
            let mut gather = Gather::new(self.source, out);
            overlap.for_each(|from, to, len| {
                gather.push(
                    self.position(chunk.address, from, size as u64)?,
                    to * size,
                    len * size,
                )
            })?;
            return gather.finish();
        }
        let position = self.position(chunk.address, 0, 1)?;
        if chunk.size > self.file_len - position {
            return Err(Fault::corrupt(format!(
                "a chunk at {position} reaches past the end of the file"
            )));
        }
        let stored_len = usize::try_from(chunk.size).map_err(|_| Fault::corrupt("chunk size"))?;
        scratch.stored.resize(stored_len, 0);
        self.source
            .read_exact_at(&mut scratch.stored, position)
            .map_err(|error| Fault::read(stored_len, position, error))?;
        let pipeline = Pipeline {
            filters: &variable.filters,
            mask: chunk.filter_mask,
            element_size: size,
            chunk_bytes,
        };
        let target = if overlap.is_whole_and_contiguous() {
            whole_target(overlap, size, out)
        } else {
            None
        };
        let undone = pipeline.undo(scratch, target)?;
        let (in_decoded, shuffled) = match undone {
            Undone::InTarget => return Ok(()),
            Undone::Plain { in_decoded } => (in_decoded, false),
            Undone::Shuffled { in_decoded } => (in_decoded, true),
        };
        let bytes: &[u8] = if in_decoded {
            &scratch.decoded
        } else {
            &scratch.stored
        };
        let bytes = bytes.get(..chunk_bytes).unwrap_or(bytes);
        let mut window = Window::new(bytes, size, &mut scratch.window);
        let is_dense = overlap.is_dense();
        overlap.for_each(|from, to, len| {
            let from = usize::try_from(from).map_err(|_| Fault::corrupt("chunk size"))?;
            let target = out.get_mut(to * size..(to + len) * size).unwrap_or_default();
            if shuffled && is_dense && len < WINDOW {
                target.copy_from_slice(window.elements(from, len));
            } else if shuffled {
                unshuffle(bytes, size, from, target);
            } else if let Some(source) = bytes.get(from * size..(from + len) * size) {
                target.copy_from_slice(source);
            }
            Ok(())
        })
    }
}

/// Elements that are unshuffled together where few are wanted at a time: they stay in the first cache.
const WINDOW: usize = 2048;

/// The elements of a shuffled chunk, unshuffled so many at a time.
struct Window<'a> {
    shuffled: &'a [u8],
    size: usize,
    plain: &'a mut Vec<u8>,
    /// First element that is there, and how many are.
    first: usize,
    count: usize,
}

impl<'a> Window<'a> {
    fn new(shuffled: &'a [u8], size: usize, plain: &'a mut Vec<u8>) -> Self {
        Self {
            shuffled,
            size,
            plain,
            first: 0,
            count: 0,
        }
    }

    /// Fewer than [`WINDOW`] elements from `from` on, which rise from call to call.
    fn elements(&mut self, from: usize, len: usize) -> &[u8] {
        if from < self.first || from + len > self.first + self.count {
            (self.first, self.count) = (from, WINDOW);
            self.plain.resize(WINDOW * self.size, 0);
            unshuffle(self.shuffled, self.size, from, self.plain);
        }
        let at = (from - self.first) * self.size;
        self.plain.get(at..at + len * self.size).unwrap_or_default()
    }
}

/// The part of `out` that a chunk fills completely and in one piece.
fn whole_target<'o>(overlap: &Overlap<'_>, size: usize, out: &'o mut [u8]) -> Option<&'o mut [u8]> {
    let mut range = 0..0;
    let found: Result<(), ()> = overlap.for_each(|_, to, len| {
        range = to * size..(to + len) * size;
        Ok(())
    });
    found.ok().and_then(|()| out.get_mut(range))
}

/// What a slab needs of one chunk.
struct ChunkPart {
    count: Vec<usize>,
    from_start: Vec<usize>,
    to_start: Vec<usize>,
}

impl ChunkPart {
    fn of_rank(rank: usize) -> Self {
        Self {
            count: vec![0; rank],
            from_start: vec![0; rank],
            to_start: vec![0; rank],
        }
    }

    fn place(&mut self, cell: &[usize], shape: &[usize], stored: &Slab, slab: &Slab) {
        for dimension in 0..cell.len() {
            let chunk_start = cell[dimension] * shape[dimension];
            let start = chunk_start.max(stored.start[dimension]);
            let end = chunk_start
                .saturating_add(shape[dimension])
                .min(stored.start[dimension] + stored.count[dimension]);
            self.count[dimension] = end - start;
            self.from_start[dimension] = start - chunk_start;
            self.to_start[dimension] = start - slab.start[dimension];
        }
    }
}

/// Repeats `element` over `out`.
pub(crate) fn fill(out: &mut [u8], element: &[u8]) {
    match element {
        [] => out.fill(0),
        [first, rest @ ..] if rest.iter().all(|byte| byte == first) => out.fill(*first),
        _ => out
            .chunks_exact_mut(element.len())
            .for_each(|cell| cell.copy_from_slice(element)),
    }
}

/// Reverses the bytes of every element of `size` bytes.
pub(crate) fn swap_bytes(out: &mut [u8], size: usize) {
    fn fixed<const SIZE: usize>(out: &mut [u8]) {
        out.as_chunks_mut::<SIZE>()
            .0
            .iter_mut()
            .for_each(|cell| cell.reverse());
    }
    match size {
        2 => fixed::<2>(out),
        4 => fixed::<4>(out),
        8 => fixed::<8>(out),
        _ => {}
    }
}
