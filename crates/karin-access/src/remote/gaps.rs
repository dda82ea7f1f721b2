//! Which ranges are asked for together.

use std::ops::Range;

/// Values this close together come in one request, with what lies between them.
pub(super) const NEAR_VALUES: u64 = 64 << 10;
/// The same for parts of the structure: a request takes as long as these bytes do (20 ms at 100 Mbit/s).
pub(super) const NEAR_STRUCTURE: u64 = 256 << 10;

/// The same where many of them come in one request, each with a little around it.
pub(super) const NEAR_IN_ONE_REQUEST: u64 = 8 << 10;

/// The ranges in order, those joined between which no more than `gap` bytes lie.
pub(super) fn join(mut ranges: Vec<Range<u64>>, gap: u64) -> Vec<Range<u64>> {
    ranges.retain(|range| range.start < range.end);
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let mut joined: Vec<Range<u64>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(gap) => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn joined_ranges_hold_all_and_lie_apart(
            starts in proptest::collection::vec((0_u64..1000, 0_u64..50), 0..30),
            gap in 0_u64..40,
        ) {
            let ranges: Vec<_> = starts.iter().map(|(start, len)| *start..start + len).collect();
            let joined = join(ranges.clone(), gap);
            for range in ranges.iter().filter(|range| !range.is_empty()) {
                prop_assert!(joined.iter().any(|wide| wide.start <= range.start && range.end <= wide.end));
            }
            prop_assert!(joined.windows(2).all(|pair| pair[1].start > pair[0].end + gap));
            for wide in &joined {
                prop_assert!(ranges.iter().any(|range| range.start == wide.start && !range.is_empty()));
                prop_assert!(ranges.iter().any(|range| range.end == wide.end && !range.is_empty()));
            }
        }
    }
}
