//! Searches for the values of some ranks, by their sort keys.
//!
//! A sweep over all values counts them by the next 16 bits below those that are known. As soon as the values that can still be
//! meant fit into the room given, one sweep collects them instead and ends the search.

use std::collections::{BTreeMap, BTreeSet};

use crate::reduction::{Fill, Sample, Saved as _};

/// Bits that one sweep of counting finds.
const BITS: u32 = 16;

/// What a sweep finds, for every key and the bits known: counts by the next bits, or the sort keys themselves.
pub(in super::super) type Found = BTreeMap<(i64, u64), Vec<u64>>;

/// The ranks that are looked for, and how much of each is known.
pub(super) struct Ranks {
    fractions: Vec<f64>,
    key_bits: u32,
    /// How many values may be collected.
    room: u64,
    /// Leading bits that are known of every search.
    known: u32,
    /// Whether the next sweep collects.
    collects: bool,
    /// By key: a key has few ranks, but there may be as many keys as hours.
    searches: BTreeMap<i64, Vec<Search>>,
    found: Found,
}

struct Search {
    rank: u64,
    /// The bits that are known.
    prefix: u64,
    /// Rank among the values with that prefix.
    within: u64,
}

impl Ranks {
    /// The ranks next to these fractions, among keys of so many bits.
    pub(super) fn new(fractions: Vec<f64>, key_bits: u32) -> Self {
        Self {
            fractions,
            key_bits: key_bits.max(BITS),
            room: 0,
            known: 0,
            collects: false,
            searches: BTreeMap::new(),
            found: Found::new(),
        }
    }

    /// Looks for the ranks of every key, which has that many values; at most `room` values are collected.
    pub(super) fn start(&mut self, counts: impl Iterator<Item = (i64, u64)>, room: u64) {
        let mut values = 0;
        for (key, count) in counts.filter(|(_, count)| *count > 0) {
            let ranks = self.fractions.iter().flat_map(|q| neighbours(count, *q));
            let ranks: BTreeSet<u64> = ranks.collect();
            let searches = ranks.into_iter().map(|rank| Search {
                rank,
                prefix: 0,
                within: rank,
            });
            self.searches.entry(key).or_default().extend(searches);
            values += count;
        }
        self.room = room;
        self.choose(values);
    }

    /// Whether another sweep is needed.
    pub(super) fn is_searching(&self) -> bool {
        self.known < self.key_bits && !self.searches.is_empty()
    }

    /// Chooses the kind of the next sweep, with so many values that can still be meant. A last count is as good as collecting.
    fn choose(&mut self, values: u64) {
        self.collects = values <= self.room && self.key_bits - self.known > BITS;
    }

    /// What the next sweep finds in some values.
    pub(super) fn look<'v, T: Sample>(
        &self,
        runs: impl Iterator<Item = (i64, &'v [T])>,
        fill: Fill<T>,
        sort_key: impl Fn(i64, T) -> u64,
    ) -> Found {
        let mut found = Found::new();
        let left = self.key_bits - self.known;
        for (key, values) in runs {
            for prefix in self.prefixes(key) {
                let sort_keys = values
                    .iter()
                    .filter(|value| fill.keeps(**value))
                    .map(|value| sort_key(key, *value))
                    .filter(|sort_key| sort_key.checked_shr(left).unwrap_or(0) == prefix);
                let place = found.entry((key, prefix)).or_default();
                if self.collects {
                    place.extend(sort_keys);
                } else {
                    count(place, sort_keys.map(|sort_key| sort_key >> (left - BITS)));
                }
            }
        }
        found
    }

    /// The different prefixes of the searches of a key.
    fn prefixes(&self, key: i64) -> BTreeSet<u64> {
        let of_key = self.searches.get(&key).into_iter().flatten();
        of_key.map(|search| search.prefix).collect()
    }

    /// Takes in what the sweep found in other values.
    pub(super) fn add(&mut self, part: Found) {
        for (place, found) in part {
            match self.found.get_mut(&place) {
                None => {
                    self.found.insert(place, found);
                }
                Some(kept) if self.collects => kept.extend(found),
                Some(kept) => kept
                    .iter_mut()
                    .zip(found)
                    .for_each(|(kept, count)| *kept += count),
            }
        }
    }

    /// Ends a sweep: every search learns its next bits, or all of them.
    pub(super) fn narrow(&mut self) {
        let mut found = std::mem::take(&mut self.found);
        if self.collects {
            for (key, search) in all_of(&mut self.searches) {
                if let Some(values) = found.get_mut(&(key, search.prefix)) {
                    search.select(values);
                }
            }
            self.known = self.key_bits;
            return;
        }
        let mut left = BTreeMap::new();
        for (key, search) in all_of(&mut self.searches) {
            if let Some(counts) = found.get(&(key, search.prefix)) {
                let count = search.descend(counts);
                left.insert((key, search.prefix), count);
            }
        }
        self.known += BITS;
        if self.known < self.key_bits {
            self.choose(left.values().sum());
        }
    }

    /// The sort key of the value of a rank.
    pub(super) fn found(&self, key: i64, rank: u64) -> Option<u64> {
        let mut of_key = self.searches.get(&key)?.iter();
        of_key
            .find(|search| search.rank == rank)
            .map(|search| search.prefix)
    }

    /// Appends what was found as bytes.
    pub(super) fn save(&self, out: &mut Vec<u8>) {
        let found = self.searches.iter();
        let found: Vec<((i64, u64), u64)> = found
            .flat_map(|(key, searches)| searches.iter().map(|search| ((*key, search.rank), search.prefix)))
            .collect();
        found.save(out);
    }

    /// Takes in what was found for other keys; `None` if the bytes hold something else.
    pub(super) fn absorb(&mut self, bytes: &mut &[u8]) -> Option<()> {
        let found = Vec::<((i64, u64), u64)>::restore(bytes)?;
        for ((key, rank), prefix) in found {
            self.searches.entry(key).or_default().push(Search {
                rank,
                prefix,
                within: 0,
            });
        }
        Some(())
    }
}

/// All searches, each with its key.
fn all_of(searches: &mut BTreeMap<i64, Vec<Search>>) -> impl Iterator<Item = (i64, &mut Search)> {
    let by_key = searches.iter_mut();
    by_key.flat_map(|(key, searches)| searches.iter_mut().map(|search| (*key, search)))
}

impl Search {
    /// Learns the next bits from the counts by them; gives how many values share them.
    fn descend(&mut self, counts: &[u64]) -> u64 {
        let mut before = 0;
        for (bits, &count) in counts.iter().enumerate() {
            if self.within < before + count {
                self.within -= before;
                self.prefix = self.prefix << BITS | bits as u64;
                return count;
            }
            before += count;
        }
        0
    }

    /// Learns the whole key from all the keys with its prefix, in any order.
    fn select(&mut self, sort_keys: &mut [u64]) {
        let within = usize::try_from(self.within).unwrap_or(usize::MAX);
        if within < sort_keys.len() {
            self.prefix = *sort_keys.select_nth_unstable(within).1;
        }
    }
}

/// Counts by the last bits.
fn count(counts: &mut Vec<u64>, bits: impl Iterator<Item = u64>) {
    counts.resize(1 << BITS, 0);
    for bits in bits {
        if let Some(count) = counts.get_mut((bits & 0xffff) as usize) {
            *count += 1;
        }
    }
}

/// The ranks between which a quantile lies.
pub(super) fn neighbours(count: u64, q: f64) -> [u64; 2] {
    let last = count.saturating_sub(1);
    let below = ((q * last as f64).floor() as u64).min(last);
    [below, (below + 1).min(last)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every room, from one that collects at once to one that never does, finds what sorting finds.
    #[test]
    fn room_changes_sweeps_and_no_value() {
        let values: Vec<f64> = (0..5000_u32)
            .map(|at| f64::from(at.wrapping_mul(2_654_435_761) % 9973) * 1e-4 - 0.4)
            .collect();
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        for (room, sweeps) in [(5000, 1), (4000, 2), (0, 4)] {
            let mut ranks = Ranks::new(vec![0.0, 0.25, 0.5, 0.9], 64);
            ranks.start([(7, 5000)].into_iter(), room);
            let mut swept = 0;
            while ranks.is_searching() {
                for part in values.chunks(1024) {
                    let found = ranks.look([(7, part)].into_iter(), Fill::REAL, |_, value: f64| {
                        value.sort_key()
                    });
                    ranks.add(found);
                }
                ranks.narrow();
                swept += 1;
            }
            assert_eq!(swept, sweeps, "with room for {room}");
            for rank in [0, 1249, 1250, 2499, 2500, 4499] {
                let found = ranks.found(7, rank).map(f64::of_sort_key);
                assert_eq!(
                    found,
                    Some(sorted[rank as usize]),
                    "rank {rank} with room for {room}"
                );
            }
        }
    }
}
