//! What is fetched before it is read: windows of the structure that grow, and ranges that are told ahead.

use std::ops::Range;
use std::sync::atomic::Ordering;

use futures::StreamExt as _;
use karin_core::Ahead;

use super::ask::{patiently, wait};
use super::fetch::Answer;
use super::parts::PAGE;
use super::several::Several;
use super::{RemoteFile, gaps, locked, several};
use crate::{AccessError, Location};

/// Bytes that are read around a place of the structure.
pub(super) const WINDOW: u64 = 64 << 10;
/// The most that a window grows to while the structure goes on.
const LARGEST_WINDOW: u64 = 1 << 20;
/// What is left behind a window is read with it if it is no more: structure often ends a file.
const TAIL: u64 = 512 << 10;
/// The last such share of a file is read together, where some of it is structure.
const TAIL_SHARE: u64 = 32;
/// What is read on both sides of a part of the structure: headers and heaps lie side by side.
const AROUND: u64 = 8 << 10;
/// So many parts that lie apart are asked for one by one, at the same time.
const FEW: usize = 2;
/// Larger pieces are asked for in several requests.
const LARGEST_REQUEST: u64 = 16 << 20;

impl RemoteFile {
    /// What is fetched where a piece of the structure is missing: more, the longer it goes on.
    pub(super) fn window(&self, offset: u64, len: u64) -> Range<u64> {
        let mut state = self.state();
        let (last_end, last_len) = state.window;
        let goes_on = offset >= last_end && offset - last_end <= WINDOW && last_len > 0;
        let grown = if goes_on { 2 * last_len } else { WINDOW };
        let length = grown.min(LARGEST_WINDOW);
        let start = offset - offset % PAGE;
        let mut end = (start + length).max(offset + len).min(self.len);
        if self.len - start <= TAIL {
            end = self.len;
        }
        let end = state.parts.up_to(offset + len, end);
        state.window = (end, length);
        start..end
    }

    /// Fetches ranges, several at a time.
    pub(super) fn bring(
        &self,
        ranges: impl IntoIterator<Item = Range<u64>>,
        values: bool,
    ) -> Result<(), AccessError> {
        let cut = |range: Range<u64>| {
            let end = range.end;
            let starts = range.step_by(LARGEST_REQUEST as usize);
            starts.map(move |start| start..end.min(start + LARGEST_REQUEST))
        };
        let ranges: Vec<_> = ranges.into_iter().flat_map(cut).collect();
        if self.is_whole && !ranges.is_empty() {
            return Err(AccessError::Store {
                location: self.name.clone(),
                reason: "its copy in the cache is gone or damaged: run it again".to_owned(),
                missing: false,
            });
        }
        let (access, location, origin) = (self.access.clone(), self.location.clone(), self.origin.clone());
        let at_a_time = access.settings.connections();
        let answers = wait(&self.access, async move {
            let each = futures::stream::iter(ranges).map(|range| {
                let (access, location, origin) = (&access, &location, &origin);
                async move { (range.clone(), patiently(access, location, range, origin).await) }
            });
            each.buffer_unordered(at_a_time).collect::<Vec<_>>().await
        })?;
        for (range, answer) in answers {
            match answer? {
                Answer::Part { bytes, .. } => self.keep(range.start, bytes, values),
                Answer::Whole(_) => {
                    return Err(AccessError::Answer {
                        url: self.name.clone(),
                        reason: "it gave parts of the file before, and now the whole".to_owned(),
                    });
                }
            }
        }
        Ok(())
    }

    pub(super) fn fetch_ahead(&self, ranges: &[Range<u64>], what: Ahead) -> Result<(), AccessError> {
        if what == Ahead::Values {
            self.save_index();
        }
        let _one_at_a_time = locked(&self.fetching);
        let missing = {
            let state = self.state();
            let clipped = ranges
                .iter()
                .map(|range| range.start.min(self.len)..range.end.min(self.len));
            let lacking = clipped.map(|range| state.parts.lacking(&state.pages, range));
            lacking.filter(|range| !range.is_empty()).collect::<Vec<_>>()
        };
        match what {
            Ahead::Values => self.bring(gaps::join(missing, gaps::NEAR_VALUES), true),
            Ahead::Structure => {
                let missing = self.bring_several(missing)?;
                self.bring(self.around(missing), false)
            }
        }
    }

    /// Parts of the structure with what lies near them, which will be read too.
    fn around(&self, missing: Vec<Range<u64>>) -> Vec<Range<u64>> {
        let pages = missing.iter().map(|range| self.pages(range, AROUND));
        let joined = gaps::join(pages.collect(), gaps::NEAR_STRUCTURE);
        // Structure that is written last goes back from the end as well as up to it.
        let tail = self.len - (self.len / TAIL_SHARE).clamp(WINDOW, TAIL).min(self.len);
        let state = self.state();
        let widened = joined.into_iter().map(|range| {
            let start = if range.start >= tail { tail } else { range.start };
            let end = match self.len - range.start <= TAIL {
                true => self.len,
                false => range.end.max((range.start + WINDOW / 2).min(self.len)),
            };
            state
                .parts
                .lacking(&state.pages, start..state.parts.up_to(range.end, end))
        });
        gaps::join(widened.collect(), 0)
    }

    /// The pages of a range and so many bytes on both sides.
    fn pages(&self, range: &Range<u64>, around: u64) -> Range<u64> {
        let start = range.start.saturating_sub(around);
        let end = range.end.saturating_add(around).next_multiple_of(PAGE);
        start - start % PAGE..end.min(self.len)
    }

    /// Brings parts of the structure that lie far apart in one request, where there are many and the server does that.
    /// Gives what is still missing.
    fn bring_several(&self, missing: Vec<Range<u64>>) -> Result<Vec<Range<u64>>, AccessError> {
        let Location::Http(url) = &self.location else {
            return Ok(missing);
        };
        let near = missing.iter().map(|range| self.pages(range, AROUND)).collect();
        let near = gaps::join(near, gaps::NEAR_IN_ONE_REQUEST);
        if near.len() <= FEW || self.is_whole || !self.gives_several.load(Ordering::Relaxed) {
            return Ok(missing);
        }
        match several::ask_several(&self.access, url, &near, &self.origin)? {
            Several::Parts(parts) => parts
                .into_iter()
                .for_each(|(start, bytes)| self.keep(start, bytes, false)),
            Several::OneByOne => {
                self.gives_several.store(false, Ordering::Relaxed);
                if let Some(shelf) = &self.shelf {
                    shelf.note_one_range(&several::server_of(url));
                }
            }
        }
        let state = self.state();
        let lacks = |range: &Range<u64>| !state.parts.covers_with(&state.pages, range.clone());
        Ok(missing.into_iter().filter(lacks).collect())
    }
}
