//! Parts of several cycles, decoded for as long as they are added up.

use std::ops::Range;

use karin_core::{DatasetError, Held, InOrder};

use crate::reduction::{Sample, Spare};

/// A granule's rows in memory, as they are stored.
pub(super) type Row = Box<dyn Held>;

/// How the rows of a cycle are decoded.
enum Reader<'r> {
    /// Every part by itself.
    Parts,
    /// From the beginning on.
    InOrder(Box<dyn InOrder + 'r>),
    /// Not at all: they are those of the cycle before.
    Before,
}

/// Decodes parts of some cycles into buffers that are used again.
pub(super) struct Decoded<'r> {
    rows: &'r [Row],
    readers: Vec<Reader<'r>>,
    /// Cycles that are decoded together.
    group: usize,
    /// Numbers of any type lie in the same buffers.
    buffers: Vec<Vec<u64>>,
    spare: &'r Spare,
}

impl<'r> Decoded<'r> {
    /// Of these rows, so many of them at a time.
    pub(super) fn new(rows: &'r [Row], group: usize, spare: &'r Spare) -> Result<Self, DatasetError> {
        let reader = |(index, row): (usize, &'r Row)| {
            let before = index.checked_sub(1).and_then(|before| rows.get(before));
            Ok(match row.in_order()? {
                None => Reader::Parts,
                Some(_) if before.is_some_and(|before| is_alike(row, before, 0..row.len())) => Reader::Before,
                Some(reader) => Reader::InOrder(reader),
            })
        };
        Ok(Self {
            rows,
            readers: rows
                .iter()
                .enumerate()
                .map(reader)
                .collect::<Result<_, DatasetError>>()?,
            group: group.clamp(1, rows.len().max(1)),
            buffers: Vec::new(),
            spare,
        })
    }

    /// Decodes a part of all cycles, and has it added group by group: one slice per cycle, in order. What is decoded in order
    /// must be asked for in order.
    pub(super) fn each_group<T: Sample, E: From<DatasetError>>(
        &mut self,
        range: &Range<usize>,
        fill: T,
        mut add: impl FnMut(&[&[T]]) -> Result<(), E>,
    ) -> Result<(), E> {
        let words = (range.len() * size_of::<T>()).div_ceil(8);
        // The buffer of the last cycle of the group before.
        let mut last = None;
        for first in (0..self.rows.len()).step_by(self.group) {
            let group = first..self.rows.len().min(first + self.group);
            let mut slots = Vec::with_capacity(group.len());
            let mut used = 0;
            if let Some(last) = last {
                self.buffers.swap(0, last);
            }
            for index in group {
                let is_there = used > 0 || last.is_some();
                if is_there && self.is_like_before(index, range) {
                    used = used.max(1);
                } else {
                    self.decode(index, range, used, words, fill)?;
                    used += 1;
                }
                slots.push(used - 1);
            }
            last = slots.last().copied();
            let slice = |slot: &usize| {
                let words = self.buffers.get(*slot).and_then(|buffer| buffer.get(..words));
                bytemuck::cast_slice::<u64, T>(words.unwrap_or_default()).get(..range.len())
            };
            let slices: Vec<&[T]> = slots.iter().filter_map(slice).collect();
            add(&slices)?;
        }
        Ok(())
    }

    /// True if a part of a cycle has the values of the cycle before: what does not change is the same bytes in every cycle.
    fn is_like_before(&self, index: usize, range: &Range<usize>) -> bool {
        let before = index.checked_sub(1).and_then(|before| self.rows.get(before));
        match (self.readers.get(index), self.rows.get(index), before) {
            (Some(Reader::Before), ..) => true,
            (Some(Reader::Parts), Some(row), Some(before)) => is_alike(row, before, range.clone()),
            _ => false,
        }
    }

    fn decode<T: Sample>(
        &mut self,
        index: usize,
        range: &Range<usize>,
        slot: usize,
        words: usize,
        fill: T,
    ) -> Result<(), DatasetError> {
        while self.buffers.len() <= slot {
            self.buffers.push(self.spare.take_any(words));
        }
        let (Some(buffer), Some(row)) = (self.buffers.get_mut(slot), self.rows.get(index)) else {
            return Ok(());
        };
        if buffer.len() < words {
            self.spare.give(std::mem::take(buffer));
            *buffer = self.spare.take_any(words);
        }
        let values: &mut [T] = bytemuck::cast_slice_mut(&mut buffer[..words]);
        // Granules of products without a fixed grid may end earlier.
        let end = row.len().clamp(range.start, range.end);
        let (there, missing) = values[..range.len()].split_at_mut(end - range.start);
        missing.fill(fill);
        let there = bytemuck::cast_slice_mut(there);
        match self.readers.get_mut(index) {
            Some(Reader::InOrder(reader)) => reader.next_into(there),
            _ => row.decode(range.start..end, there),
        }
    }
}

impl Drop for Decoded<'_> {
    fn drop(&mut self) {
        let buffers = self.buffers.drain(..);
        buffers.for_each(|buffer| self.spare.give(buffer));
    }
}

/// True if two cycles have the same stored bytes for some elements, and as many elements.
fn is_alike(row: &Row, other: &Row, elements: Range<usize>) -> bool {
    let end = elements.end.min(row.len());
    let elements = elements.start.min(end)..end;
    row.len() == other.len()
        && match (row.stored(elements.clone()), other.stored(elements)) {
            (Some(one), Some(two)) => one == two,
            _ => false,
        }
}
