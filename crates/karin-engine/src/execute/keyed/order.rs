//! Exact order statistics over any number of values in bounded memory: each sweep over the values counts them by the
//! next 16 bits of their sort key, below the bits that are known already.

use std::collections::BTreeMap;

use crate::execute::over_cycle::fraction;
use crate::reduction::{Fill, Sample, Saved as _, Statistic, quantile};

/// Bits that one sweep finds.
const BITS: u32 = 16;

/// Counts by the next bits, for every key and known prefix.
pub(super) type Histograms = BTreeMap<(i64, u64), Vec<u64>>;

/// The ranks that are looked for, and how much of each is known.
pub(super) struct Ranks {
    fractions: Vec<f64>,
    key_bits: u32,
    searches: Vec<Search>,
    histograms: Histograms,
}

struct Search {
    key: i64,
    rank: u64,
    /// The bits that are known.
    prefix: u64,
    /// Rank among the values with that prefix.
    within: u64,
}

impl Ranks {
    pub(super) fn new(statistics: &[Statistic], key_bits: u32) -> Self {
        let fractions = statistics
            .iter()
            .filter_map(|statistic| fraction(*statistic))
            .collect();
        Self {
            fractions,
            key_bits,
            searches: Vec::new(),
            histograms: Histograms::new(),
        }
    }

    /// Sweeps that find every rank.
    pub(super) fn sweeps(&self) -> u32 {
        if self.fractions.is_empty() {
            0
        } else {
            self.key_bits.div_ceil(BITS)
        }
    }

    /// Bits below those that a sweep finds.
    fn shift(&self, sweep: u32) -> u32 {
        self.key_bits.max(BITS).saturating_sub(BITS * sweep)
    }

    /// Looks for the ranks of every key, which has that many values.
    pub(super) fn start(&mut self, counts: impl Iterator<Item = (i64, u64)>) {
        for (key, count) in counts.filter(|(_, count)| *count > 0) {
            for q in &self.fractions {
                let (below, above) = neighbours(count, *q);
                for rank in [below, above] {
                    if !self
                        .searches
                        .iter()
                        .any(|search| search.key == key && search.rank == rank)
                    {
                        self.searches.push(Search {
                            key,
                            rank,
                            prefix: 0,
                            within: rank,
                        });
                    }
                }
            }
        }
    }

    /// The counts of some values in a sweep.
    pub(super) fn histograms<'v, T: Sample>(
        &self,
        runs: impl Iterator<Item = (i64, &'v [T])>,
        sweep: u32,
        fill: Fill<T>,
    ) -> Histograms {
        let mut found = Histograms::new();
        if sweep > self.sweeps() {
            return found;
        }
        let shift = self.shift(sweep);
        for (key, values) in runs {
            let mut prefixes: Vec<u64> = self
                .searches
                .iter()
                .filter(|search| search.key == key)
                .map(|search| search.prefix)
                .collect();
            prefixes.sort_unstable();
            prefixes.dedup();
            for prefix in prefixes {
                let counts = found.entry((key, prefix)).or_insert_with(|| vec![0; 1 << BITS]);
                for value in values.iter().filter(|value| fill.keeps(**value)) {
                    let bits = value.sort_key() >> shift;
                    if bits >> BITS == prefix
                        && let Some(count) = counts.get_mut((bits & 0xffff) as usize)
                    {
                        *count += 1;
                    }
                }
            }
        }
        found
    }

    /// Takes in the counts of other values.
    pub(super) fn add(&mut self, part: Histograms) {
        for (place, counts) in part {
            match self.histograms.get_mut(&place) {
                None => {
                    self.histograms.insert(place, counts);
                }
                Some(kept) => kept
                    .iter_mut()
                    .zip(counts)
                    .for_each(|(kept, count)| *kept += count),
            }
        }
    }

    /// Ends a sweep: every search learns its next bits.
    pub(super) fn narrow(&mut self, sweep: u32) {
        if sweep > self.sweeps() {
            return;
        }
        for search in &mut self.searches {
            let Some(counts) = self.histograms.get(&(search.key, search.prefix)) else {
                continue;
            };
            let mut before = 0;
            for (bits, &count) in counts.iter().enumerate() {
                if search.within < before + count {
                    search.within -= before;
                    search.prefix = search.prefix << BITS | bits as u64;
                    break;
                }
                before += count;
            }
        }
        self.histograms.clear();
    }

    /// Appends what was found as bytes.
    pub(super) fn save(&self, out: &mut Vec<u8>) {
        let found = self.searches.iter();
        let found: Vec<((i64, u64), u64)> = found
            .map(|search| ((search.key, search.rank), search.prefix))
            .collect();
        found.save(out);
    }

    /// Takes in what was found for other keys; `None` if the bytes hold something else.
    pub(super) fn absorb(&mut self, bytes: &mut &[u8]) -> Option<()> {
        let found = Vec::<((i64, u64), u64)>::restore(bytes)?;
        self.searches
            .extend(found.into_iter().map(|((key, rank), prefix)| Search {
                key,
                rank,
                prefix,
                within: 0,
            }));
        Some(())
    }

    /// The sort key of the value of a rank.
    pub(super) fn found(&self, key: i64, rank: u64) -> Option<u64> {
        self.searches
            .iter()
            .find(|search| search.key == key && search.rank == rank)
            .map(|search| search.prefix)
    }
}

/// The ranks between which a quantile lies.
fn neighbours(count: u64, q: f64) -> (u64, u64) {
    let last = count.saturating_sub(1);
    let below = ((q * last as f64).floor() as u64).min(last);
    (below, (below + 1).min(last))
}

/// The quantile of `count` values whose rank-th smallest is `value(rank)`.
pub(super) fn interpolate(count: u64, q: f64, value: impl Fn(u64) -> f64) -> f64 {
    quantile::of_sorted(usize::try_from(count).unwrap_or(usize::MAX), q, |rank| {
        value(rank as u64)
    })
}
