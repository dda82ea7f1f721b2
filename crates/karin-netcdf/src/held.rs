//! Rows of a chunked variable whose stored bytes are in memory: inflated chunk by chunk, unshuffled few elements at a time.

use std::cell::RefCell;
use std::ops::Range;

use karin_core::shuffle::unshuffle;
use karin_core::{Count, DatasetError, Held, InOrder};

use crate::NcFile;
use crate::chunks::{Chunk, ChunkIndex};
use crate::fault::Fault;
use crate::filters::{Filter, Scratch, check_ratio, inflate};
use crate::layout::{Layout, TextKind, Variable};

thread_local! {
    /// Inflaters and buffers of this thread that nobody uses: fresh pages cost as much as inflating into them.
    static IDLE: RefCell<Vec<Scratch>> = const { RefCell::new(Vec::new()) };
}

/// Whole rows of chunks of deflated numbers.
struct HeldChunks {
    label: String,
    variable: String,
    /// Bytes of an element.
    size: usize,
    shuffled: bool,
    /// Bytes of a decoded chunk.
    chunk_bytes: usize,
    count: Count,
    parts: Vec<Part>,
    len: usize,
}

/// One chunk.
struct Part {
    /// First element among all that are held, and how many are.
    at: usize,
    len: usize,
    stored: Vec<u8>,
}

impl NcFile {
    /// Holds rows of a variable, if they are whole rows of local, deflated chunks that can be inflated in `room` bytes.
    pub(crate) fn hold_rows(
        &self,
        path: &str,
        variable: &Variable,
        rows: Range<usize>,
        room: usize,
    ) -> Result<Option<Box<dyn Held>>, Fault> {
        let shuffled = match variable.filters.as_slice() {
            [Filter::Shuffle, Filter::Deflate(_)] => true,
            [Filter::Deflate(_)] => false,
            _ => return Ok(None),
        };
        let is_plain = variable.text == TextKind::None && !variable.swap && variable.extent == variable.shape;
        let (true, &[lines, width], Layout::Chunked { .. }) =
            (is_plain, variable.shape.as_slice(), &variable.layout)
        else {
            return Ok(None);
        };
        let Some(index) = self.index_of(variable)?.filter(|index| index.is_complete()) else {
            return Ok(None);
        };
        let &[chunk_rows, columns] = index.chunk_shape() else {
            return Ok(None);
        };
        let bytes = chunk_rows
            .checked_mul(columns)
            .and_then(|len| len.checked_mul(variable.element_size));
        let Some(chunk_bytes) = bytes.filter(|bytes| *bytes <= room) else {
            return Ok(None);
        };
        let fits = rows.start < rows.end && rows.end <= lines && rows.start.is_multiple_of(chunk_rows);
        let ends = rows.end == lines || rows.end.is_multiple_of(chunk_rows);
        if !fits || !ends || !width.is_multiple_of(columns) {
            return Ok(None);
        }
        let mut held = HeldChunks {
            label: self.source().name().to_owned(),
            variable: path.to_owned(),
            size: variable.element_size,
            shuffled: shuffled && variable.element_size > 1,
            chunk_bytes,
            count: Count::Tiles {
                rows: chunk_rows,
                columns,
            },
            parts: Vec::new(),
            len: 0,
        };
        let last_row = (rows.end - 1) / chunk_rows;
        let (first, last) = (
            [rows.start / chunk_rows, 0],
            [last_row, index.grid().get(1).map_or(0, |grid| grid - 1)],
        );
        for chunk in index.within(&first, &last) {
            if chunk.filter_mask != 0 {
                return Ok(None);
            }
            let row = row_of(index, chunk) * chunk_rows;
            let len = (rows.end.min(row + chunk_rows) - row) * columns;
            held.push(len, self.stored_bytes(chunk)?)?;
        }
        Ok(Some(Box::new(held)))
    }

    fn stored_bytes(&self, chunk: &Chunk) -> Result<Vec<u8>, Fault> {
        let range = chunk.range(self.base());
        let length = usize::try_from(chunk.size)
            .ok()
            .filter(|_| range.end <= self.len());
        let length = length.ok_or_else(|| {
            let start = range.start;
            Fault::corrupt(format!("a chunk at {start} reaches past the end of the file"))
        })?;
        let mut stored = vec![0; length];
        let read = self.source().read_exact_at(&mut stored, range.start);
        read.map_err(|error| Fault::read(length, range.start, error))?;
        Ok(stored)
    }
}

/// The row of the grid that a chunk is in.
fn row_of(index: &ChunkIndex, chunk: &Chunk) -> usize {
    let mut cell = [0; 2];
    index.locate(chunk, &mut cell);
    cell[0]
}

impl HeldChunks {
    fn push(&mut self, len: usize, stored: Vec<u8>) -> Result<(), Fault> {
        check_ratio(stored.len(), self.chunk_bytes)?;
        self.parts.push(Part {
            at: self.len,
            len,
            stored,
        });
        self.len += len;
        Ok(())
    }

    /// The part that an element is in.
    fn part_of(&self, element: usize) -> Option<usize> {
        let after = self.parts.partition_point(|part| part.at <= element);
        after.checked_sub(1)
    }

    fn failed(&self, fault: Fault) -> DatasetError {
        fault.named(&self.label, &self.variable).into()
    }
}

impl Held for HeldChunks {
    fn len(&self) -> usize {
        self.len
    }

    fn bytes(&self) -> usize {
        self.parts.iter().map(|part| part.stored.len()).sum()
    }

    fn count(&self) -> Count {
        self.count
    }

    fn cuts(&self) -> Vec<usize> {
        self.parts.iter().map(|part| part.at).collect()
    }

    fn stored(&self, elements: Range<usize>) -> Option<[&[u8]; 2]> {
        let part = self.parts.get(self.part_of(elements.start)?)?;
        let is_inside = part.at == elements.start && elements.end <= part.at + part.len;
        is_inside.then_some([part.stored.as_slice(), &[]])
    }

    fn decode(&self, elements: Range<usize>, out: &mut [u8]) -> Result<(), DatasetError> {
        OfChunks::new(self, elements.start).next_into(out)
    }

    fn in_order(&self) -> Result<Option<Box<dyn InOrder + '_>>, DatasetError> {
        Ok(Some(Box::new(OfChunks::new(self, 0))))
    }
}

/// Elements from one on.
struct OfChunks<'h> {
    held: &'h HeldChunks,
    next: usize,
    /// The part that is inflated.
    inflated: Option<usize>,
    scratch: Scratch,
}

impl<'h> OfChunks<'h> {
    fn new(held: &'h HeldChunks, next: usize) -> Self {
        Self {
            held,
            next,
            inflated: None,
            scratch: IDLE.with_borrow_mut(Vec::pop).unwrap_or_default(),
        }
    }

    fn inflate(&mut self, number: usize, part: &Part) -> Result<(), Fault> {
        if self.inflated != Some(number) {
            self.inflated = None;
            self.scratch.decoded.resize(self.held.chunk_bytes, 0);
            inflate(
                &mut self.scratch.inflater,
                &part.stored,
                &mut self.scratch.decoded,
            )?;
            self.inflated = Some(number);
        }
        Ok(())
    }
}

impl InOrder for OfChunks<'_> {
    fn next_into(&mut self, out: &mut [u8]) -> Result<(), DatasetError> {
        let (held, size) = (self.held, self.held.size);
        let mut rest = out;
        while !rest.is_empty() {
            let number = held.part_of(self.next);
            let part = number.and_then(|number| Some((number, held.parts.get(number)?)));
            let part = part.filter(|(_, part)| self.next < part.at + part.len);
            let (number, part) =
                part.ok_or_else(|| held.failed(Fault::Invalid("it has no more elements".into())))?;
            self.inflate(number, part).map_err(|fault| held.failed(fault))?;
            let first = self.next - part.at;
            let (now, later) = rest.split_at_mut(rest.len().min((part.len - first) * size));
            if held.shuffled {
                unshuffle(&self.scratch.decoded, size, first, now);
            } else if let Some(bytes) = self.scratch.decoded.get(first * size..first * size + now.len()) {
                now.copy_from_slice(bytes);
            }
            self.next += now.len() / size;
            rest = later;
        }
        Ok(())
    }
}

impl Drop for OfChunks<'_> {
    fn drop(&mut self) {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.trim();
        IDLE.with_borrow_mut(|idle| idle.push(scratch));
    }
}
