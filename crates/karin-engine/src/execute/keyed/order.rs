//! Exact order statistics over any number of values in bounded memory: sweeps over the values look for those of some ranks.

use std::collections::BTreeMap;

use crate::reduction::{Fill, Sample, Scale, Statistic, quantile};

mod ranks;

pub(super) use ranks::Found;
use ranks::Ranks;

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

    /// Looks for the ranks of every key, which has that many values; at most `room` values are kept in memory.
    pub(super) fn start(&mut self, counts: impl Iterator<Item = (i64, u64)> + Clone, room: u64) {
        self.values.start(counts.clone(), room);
        self.distances.start(counts, room);
    }

    /// Whether another sweep is needed.
    pub(super) fn is_searching(&self) -> bool {
        self.values.is_searching() || self.distances.is_searching()
    }

    /// What the next sweep finds in some values.
    pub(super) fn look<'v>(&self, runs: impl Iterator<Item = (i64, &'v [T])>, fill: Fill<T>) -> Found {
        if self.values.is_searching() {
            return self.values.look(runs, fill, |_, value: T| value.sort_key());
        }
        self.distances.look(runs, fill, |key, value: T| {
            let middle = self.middles.get(&key);
            middle.map_or(0, |(below, above)| value.distance_key(*below, *above))
        })
    }

    /// Takes in what the sweep found in other values.
    pub(super) fn add(&mut self, part: Found) {
        if self.values.is_searching() {
            self.values.add(part);
        } else {
            self.distances.add(part);
        }
    }

    /// Ends a sweep: every search learns more.
    pub(super) fn narrow(&mut self, counts: impl Iterator<Item = (i64, u64)>) {
        if !self.values.is_searching() {
            self.distances.narrow();
            return;
        }
        self.values.narrow();
        if self.distances.is_searching() && !self.values.is_searching() {
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

/// The quantile of `count` values whose rank-th smallest is `value(rank)`.
fn interpolate(count: u64, q: f64, value: impl Fn(u64) -> f64) -> f64 {
    quantile::of_sorted(usize::try_from(count).unwrap_or(usize::MAX), q, |rank| {
        value(rank as u64)
    })
}
