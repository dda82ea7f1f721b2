//! What is fetched before it is read: windows of the structure that grow, and ranges that are told ahead.

use std::ops::Range;

use futures::StreamExt as _;
use karin_core::Ahead;

use super::ask::{patiently, wait};
use super::fetch::Answer;
use super::parts::PAGE;
use super::{RemoteFile, gaps, locked};
use crate::AccessError;

/// Bytes that are read around a place of the structure.
pub(super) const WINDOW: u64 = 64 << 10;
/// The most that a window grows to while the structure goes on.
const LARGEST_WINDOW: u64 = 1 << 20;
/// What is left behind a window is read with it if it is no more: structure often ends a file.
const TAIL: u64 = 512 << 10;
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
        let values = what == Ahead::Values;
        if values {
            self.save_index();
        }
        let _one_at_a_time = locked(&self.fetching);
        let missing = {
            let state = self.state();
            let clipped = ranges
                .iter()
                .map(|range| range.start.min(self.len)..range.end.min(self.len));
            let is_missing = |range: &Range<u64>| {
                range.start < range.end && !state.parts.covers_with(&state.pages, range.clone())
            };
            clipped.filter(is_missing).collect::<Vec<_>>()
        };
        let joined = match what {
            Ahead::Values => gaps::join(missing, gaps::NEAR_VALUES),
            Ahead::Structure => {
                let around = missing.into_iter().map(|range| {
                    let start = range.start - range.start % PAGE;
                    start..range.end.next_multiple_of(PAGE).min(self.len)
                });
                let joined = gaps::join(around.collect(), gaps::NEAR_STRUCTURE);
                let state = self.state();
                let widened = joined.into_iter().map(|range| {
                    let end = match self.len - range.start <= TAIL {
                        true => self.len,
                        false => range.end.max((range.start + WINDOW / 2).min(self.len)),
                    };
                    range.start..state.parts.up_to(range.end, end)
                });
                gaps::join(widened.collect(), 0)
            }
        };
        self.bring(joined, values)
    }
}
