//! Exact order statistics over any number of values in bounded memory: each sweep over the values counts them by the
//! next 16 bits of their sort key, below the bits that are known already.

use std::collections::BTreeMap;

use crate::reduction::{Fill, Sample, Saved as _, Scale, Statistic, quantile};

/// Bits that one sweep finds.
const BITS: u32 = 16;

/// Counts by the next bits, for every key and known prefix.
pub(super) type Histograms = BTreeMap<(i64, u64), Vec<u64>>;

/// The statistics of order of a column: values of some ranks, then, where that is asked for, distances to the median of some
/// ranks.
pub(super) struct Order<T> {
    values: Ranks,
    distances: Ranks,
    /// The two values in the middle of a key, once they are known.
    middles: BTreeMap<i64, (T, T)>,
}

impl<T: Sample> Order<T> {
    pub(super) fn new(statistics: &[Statistic]) -> Self {
        let by_distance = statistics.contains(&Statistic::MedianAbsoluteDeviation);
        let mut fractions: Vec<f64> = statistics
            .iter()
            .filter_map(|statistic| fraction(*statistic))
            .collect();
        fractions.extend(by_distance.then_some(0.5));
        let distances = Vec::from_iter(by_distance.then_some(0.5));
        Self {
            values: Ranks::new(fractions, T::KEY_BITS),
            distances: Ranks::new(distances, T::DISTANCE_BITS),
            middles: BTreeMap::new(),
        }
    }

    /// Sweeps that find everything.
    pub(super) fn sweeps(&self) -> u32 {
        self.values.sweeps() + self.distances.sweeps()
    }

    /// Looks for the ranks of every key, which has that many values.
    pub(super) fn start(&mut self, counts: impl Iterator<Item = (i64, u64)> + Clone) {
        self.values.start(counts.clone());
        self.distances.start(counts);
    }

    /// The counts of some values in a sweep.
    pub(super) fn histograms<'v>(
        &self,
        runs: impl Iterator<Item = (i64, &'v [T])>,
        sweep: u32,
        fill: Fill<T>,
    ) -> Histograms {
        match sweep.checked_sub(self.values.sweeps()) {
            None | Some(0) => self
                .values
                .histograms(runs, sweep, fill, |_, value: T| value.sort_key()),
            Some(sweep) => self.distances.histograms(runs, sweep, fill, |key, value: T| {
                let middle = self.middles.get(&key);
                middle.map_or(0, |(below, above)| value.distance_key(*below, *above))
            }),
        }
    }

    /// Takes in the counts of other values.
    pub(super) fn add(&mut self, part: Histograms, sweep: u32) {
        if sweep > self.values.sweeps() {
            self.distances.add(part);
        } else {
            self.values.add(part);
        }
    }

    /// Ends a sweep: every search learns its next bits.
    pub(super) fn narrow(&mut self, sweep: u32, counts: impl Iterator<Item = (i64, u64)>) {
        let first = self.values.sweeps();
        if sweep > first {
            self.distances.narrow(sweep - first);
            return;
        }
        self.values.narrow(sweep);
        if sweep == first && self.distances.sweeps() > 0 {
            self.middles = counts
                .filter_map(|(key, count)| Some((key, self.middle(key, count)?)))
                .collect();
        }
    }

    /// The two values whose mean is the median.
    fn middle(&self, key: i64, count: u64) -> Option<(T, T)> {
        let last = count.checked_sub(1)?;
        let found = |rank| self.values.found(key, rank).map(T::of_sort_key);
        Some((found(last / 2)?, found(last.div_ceil(2))?))
    }

    /// A statistic of a key with so many values.
    pub(super) fn value(&self, key: i64, count: u64, statistic: Statistic, scale: Scale) -> f64 {
        if let Some(q) = fraction(statistic) {
            let value = |rank| self.values.found(key, rank).map(T::of_sort_key);
            return interpolate(count, q, |rank| {
                value(rank).map_or(f64::NAN, |value| scale.real(value.real()))
            });
        }
        let distance = |rank| self.distances.found(key, rank).map(T::of_distance_key);
        let of_middle = interpolate(count, 0.5, |rank| distance(rank).unwrap_or(f64::NAN));
        of_middle * scale.scale.abs()
    }

    /// Appends what was found as bytes.
    pub(super) fn save(&self, out: &mut Vec<u8>) {
        self.values.save(out);
        self.distances.save(out);
    }

    /// Takes in what was found for other keys; `None` if the bytes hold something else.
    pub(super) fn absorb(&mut self, bytes: &mut &[u8]) -> Option<()> {
        self.values.absorb(bytes)?;
        self.distances.absorb(bytes)
    }
}

/// The fraction of a statistic that is a quantile.
fn fraction(statistic: Statistic) -> Option<f64> {
    match statistic {
        Statistic::Median => Some(0.5),
        Statistic::Quantile(q) => Some(q),
        _ => None,
    }
}

/// The ranks that are looked for, and how much of each is known.
struct Ranks {
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
    fn new(fractions: Vec<f64>, key_bits: u32) -> Self {
        Self {
            fractions,
            key_bits,
            searches: Vec::new(),
            histograms: Histograms::new(),
        }
    }

    /// Sweeps that find every rank.
    fn sweeps(&self) -> u32 {
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
    fn start(&mut self, counts: impl Iterator<Item = (i64, u64)>) {
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
    fn histograms<'v, T: Sample>(
        &self,
        runs: impl Iterator<Item = (i64, &'v [T])>,
        sweep: u32,
        fill: Fill<T>,
        sort_key: impl Fn(i64, T) -> u64,
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
                    let bits = sort_key(key, *value) >> shift;
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
    fn add(&mut self, part: Histograms) {
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
    fn narrow(&mut self, sweep: u32) {
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
    fn save(&self, out: &mut Vec<u8>) {
        let found = self.searches.iter();
        let found: Vec<((i64, u64), u64)> = found
            .map(|search| ((search.key, search.rank), search.prefix))
            .collect();
        found.save(out);
    }

    /// Takes in what was found for other keys; `None` if the bytes hold something else.
    fn absorb(&mut self, bytes: &mut &[u8]) -> Option<()> {
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
    fn found(&self, key: i64, rank: u64) -> Option<u64> {
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
fn interpolate(count: u64, q: f64, value: impl Fn(u64) -> f64) -> f64 {
    quantile::of_sorted(usize::try_from(count).unwrap_or(usize::MAX), q, |rank| {
        value(rank as u64)
    })
}
