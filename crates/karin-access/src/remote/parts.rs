//! What is there of a remote file, in memory and on disk.

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use super::shelf;

/// Bytes of a page of the index.
pub(super) const PAGE: u64 = 4 << 10;

/// Bytes of values that stay in memory where there is no cache folder.
const MOST_MEMORY: u64 = 64 << 20;

/// Where the bytes of a part are.
#[derive(Debug)]
pub(super) enum Place {
    Memory(Vec<u8>),
    /// In the cache, where another process may clear it away.
    Kept {
        path: PathBuf,
        checked: bool,
    },
    /// In a file that goes with its last user.
    Temporary(Arc<File>),
}

#[derive(Debug)]
struct Part {
    range: Range<u64>,
    place: Place,
    values: bool,
}

/// Parts of a file, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Parts(Vec<Part>);

/// What a read found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Not all of it is there.
    Nothing,
    /// All of it, in parts that were fetched as values.
    Values,
    /// All of it, some in parts that were fetched as structure.
    Structure,
}

impl Parts {
    pub(super) fn add(&mut self, start: u64, len: u64, place: Place, values: bool) {
        let range = start..start + len;
        self.0.push(Part { range, place, values });
        let in_memory = |part: &Part| matches!(part.place, Place::Memory(_));
        let mut held: u64 = self.0.iter().filter(|part| in_memory(part)).map(Part::len).sum();
        while held > MOST_MEMORY
            && let Some(oldest) = self.0.iter().position(in_memory)
            && oldest + 1 < self.0.len()
        {
            held -= self.0.remove(oldest).len();
        }
    }

    /// True if one part or several hold all of a range.
    pub(super) fn covers(&self, range: Range<u64>) -> bool {
        self.covers_with(&BTreeMap::new(), range)
    }

    /// The same with pages of the index.
    pub(super) fn covers_with(&self, pages: &BTreeMap<u64, Vec<u8>>, range: Range<u64>) -> bool {
        let mut at = range.start;
        while at < range.end {
            match self.held_at(pages, at) {
                Some(held) => at = held.end,
                None => return false,
            }
        }
        true
    }

    /// What of a range is not there, without what is there at its beginning and its end.
    pub(super) fn lacking(&self, pages: &BTreeMap<u64, Vec<u8>>, range: Range<u64>) -> Range<u64> {
        let Range { mut start, mut end } = range;
        while start < end
            && let Some(held) = self.held_at(pages, start)
        {
            start = held.end.min(end);
        }
        while start < end
            && let Some(held) = self.held_at(pages, end - 1)
        {
            end = held.start.max(start);
        }
        start..end
    }

    /// The longest part that holds a byte, or the page.
    fn held_at(&self, pages: &BTreeMap<u64, Vec<u8>>, at: u64) -> Option<Range<u64>> {
        let parts = self.0.iter().map(|part| &part.range);
        let part = parts
            .filter(|range| range.contains(&at))
            .max_by_key(|range| range.end);
        let of_page = || {
            let start = at / PAGE * PAGE;
            let end = start + pages.get(&(at / PAGE))?.len() as u64;
            (at < end).then_some(start..end)
        };
        part.cloned().or_else(of_page)
    }

    /// The end of a range from `least` to `most` that stops where a part begins.
    pub(super) fn up_to(&self, least: u64, most: u64) -> u64 {
        let begins = self.0.iter().map(|part| part.range.start);
        begins.filter(|start| *start >= least).fold(most, u64::min)
    }

    /// Copies bytes from `offset` on. A part that is gone or damaged is dropped.
    pub(super) fn copy(&mut self, pages: &BTreeMap<u64, Vec<u8>>, offset: u64, buffer: &mut [u8]) -> Found {
        let mut values = true;
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let at = offset + done as u64;
            if let Some(page) = pages.get(&(at / PAGE))
                && let Some(bytes) = page.get((at % PAGE) as usize..).filter(|bytes| !bytes.is_empty())
            {
                let len = bytes.len().min(rest.len());
                rest[..len].copy_from_slice(&bytes[..len]);
                (done, values) = (done + len, false);
                continue;
            }
            let holds = |part: &Part| part.range.contains(&at);
            let Some(index) = self.0.iter().rposition(holds) else {
                return Found::Nothing;
            };
            let part = &mut self.0[index];
            let len = usize::try_from(part.range.end - at)
                .unwrap_or(usize::MAX)
                .min(rest.len());
            if !part.read(at, &mut rest[..len]) {
                self.0.remove(index);
                continue;
            }
            values &= part.values;
            done += len;
        }
        if values { Found::Values } else { Found::Structure }
    }
}

impl Part {
    fn len(&self) -> u64 {
        self.range.end - self.range.start
    }

    /// Reads bytes that lie in the part; false if it is gone or damaged.
    fn read(&mut self, at: u64, buffer: &mut [u8]) -> bool {
        let inside = at - self.range.start;
        match &mut self.place {
            Place::Memory(bytes) => {
                let inside = inside as usize;
                let Some(source) = bytes.get(inside..inside + buffer.len()) else {
                    return false;
                };
                buffer.copy_from_slice(source);
                true
            }
            Place::Temporary(file) => file.read_exact_at(buffer, inside).is_ok(),
            Place::Kept { path, checked } => {
                if !*checked && !shelf::is_intact(path, self.range.end - self.range.start) {
                    // Damaged by a crash or a bad disk: nobody should meet it again.
                    let _ = std::fs::remove_file(path);
                    return false;
                }
                *checked = true;
                let file = File::open(path);
                file.is_ok_and(|file| file.read_exact_at(buffer, inside).is_ok())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_go_across_parts_and_pages() {
        let mut parts = Parts::default();
        let mut pages = BTreeMap::new();
        pages.insert(1, vec![7; 100]);
        parts.add(4000, 96, Place::Memory(vec![5; 96]), true);
        parts.add(4196, 10, Place::Memory(vec![9; 10]), true);
        let mut buffer = [0; 206];
        assert_eq!(parts.copy(&pages, 4000, &mut buffer), Found::Structure);
        assert!(buffer[..96] == [5; 96] && buffer[96..196] == [7; 100] && buffer[196..] == [9; 10]);
        assert_eq!(parts.copy(&pages, 4000, &mut buffer[..96]), Found::Values);
        assert_eq!(parts.copy(&pages, 4197, &mut buffer[..10]), Found::Nothing);
        assert!(parts.covers_with(&pages, 4000..4206) && !parts.covers(4000..4206));
        assert!(!parts.covers_with(&pages, 4000..4207));
        assert_eq!(parts.lacking(&pages, 4000..4300), 4206..4300);
        assert_eq!(parts.lacking(&pages, 3900..4206), 3900..4000);
        assert_eq!(parts.lacking(&pages, 3900..4300), 3900..4300);
        assert!(parts.lacking(&pages, 4000..4206).is_empty());
    }

    #[test]
    fn memory_is_bounded_and_the_newest_stays() {
        let mut parts = Parts::default();
        let len = 20 << 20;
        for number in 0..5 {
            parts.add(number * len, len, Place::Memory(vec![0; len as usize]), true);
        }
        assert!(parts.covers(2 * len..5 * len) && !parts.covers(len..2 * len));
    }
}
