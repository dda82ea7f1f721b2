//! States of many cells at once: one per pixel of a pass (over cycles), or one per cell of a grid.
//!
//! A batch of slices (one per cycle) is added block by block, so that the states of a block stay in the first cache
//! while all slices pass over them. Integers add up exactly; floating values are added in the order given.

use std::ops::Range;

use multiversion::multiversion;

use super::comoments::Comoments;
use super::sample::{Fill, Sample, Sum};
use super::saved::Saved;
use super::single::{Ends, Slope, Spread};
use super::spare::Spare;
use super::{Needs, Statistic};

/// Elements of one block: states and slices of a block fit into 32 KiB.
const BLOCK: usize = 1024;

/// Scale and offset from stored to true values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// Factor.
    pub scale: f64,
    /// Added after it.
    pub offset: f64,
}

impl Scale {
    /// Of true values.
    pub const NONE: Self = Self {
        scale: 1.0,
        offset: 0.0,
    };

    /// The true value of a stored one.
    pub fn real(self, stored: f64) -> f64 {
        stored * self.scale + self.offset
    }
}

/// The states of `len` cells.
#[derive(Clone, Debug)]
pub struct Cells<T: Sample> {
    needs: Needs,
    count: Vec<u32>,
    sum: Vec<T::Sum>,
    squares: Vec<T::Squares>,
    /// Of floating samples, whose plain squares would cancel.
    spreads: Vec<Spread>,
    extremes: Vec<(T, T)>,
    ends: Vec<Ends<T>>,
    slopes: Vec<Slope>,
    pairs: Vec<Comoments>,
}

impl<T: Sample> Cells<T> {
    /// Empty states.
    pub fn new(len: usize, needs: Needs) -> Self {
        Self::reusing(len, needs, &Spare::default())
    }

    /// Empty states in memory that others have given back.
    pub fn reusing(len: usize, needs: Needs, spare: &Spare) -> Self {
        let sized = |wanted: bool| if wanted { len } else { 0 };
        Self {
            needs,
            count: spare.take(len),
            sum: spare.take(sized(needs.sum)),
            squares: vec![T::Squares::default(); sized(needs.squares && T::EXACT)],
            spreads: vec![Spread::default(); sized(needs.squares && !T::EXACT)],
            extremes: vec![(T::GREATEST, T::LEAST); sized(needs.extremes)],
            ends: vec![Ends::default(); sized(needs.ends)],
            slopes: vec![Slope::default(); sized(needs.trend)],
            pairs: vec![Comoments::default(); sized(needs.pairs)],
        }
    }

    /// Bytes that `len` states take.
    pub fn bytes(len: usize, needs: Needs) -> usize {
        let of = |wanted: bool, size: usize| if wanted { size } else { 0 };
        len * (4
            + of(needs.sum, size_of::<T::Sum>())
            + of(
                needs.squares,
                if T::EXACT {
                    size_of::<T::Squares>()
                } else {
                    size_of::<Spread>()
                },
            )
            + of(needs.extremes, 2 * size_of::<T>())
            + of(needs.ends, size_of::<Ends<T>>())
            + of(needs.trend, size_of::<Slope>())
            + of(needs.pairs, size_of::<Comoments>()))
    }

    /// Makes them the empty states of `len` cells.
    pub fn reset(&mut self, len: usize) {
        fn renew<S: Clone>(states: &mut Vec<S>, len: usize, empty: S) {
            if !states.is_empty() {
                states.clear();
                states.resize(len, empty);
            }
        }
        renew(&mut self.count, len, 0);
        renew(&mut self.sum, len, T::Sum::default());
        renew(&mut self.squares, len, T::Squares::default());
        renew(&mut self.spreads, len, Spread::default());
        renew(&mut self.extremes, len, (T::GREATEST, T::LEAST));
        renew(&mut self.ends, len, Ends::default());
        renew(&mut self.slopes, len, Slope::default());
        renew(&mut self.pairs, len, Comoments::default());
    }

    /// Gives the memory back.
    pub fn give_back(self, spare: &Spare) {
        spare.give(self.count);
        spare.give(self.sum);
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        self.count.len()
    }

    /// True without cells.
    pub fn is_empty(&self) -> bool {
        self.count.is_empty()
    }

    /// Adds slices of one value per cell, in order; `years[k]` are the times of slice `k`, one per `width` cells
    /// (empty unless a trend is asked for).
    pub fn add(&mut self, fill: Fill<T>, slices: &[&[T]], years: &[&[f64]], width: usize) {
        self.add_from(fill, slices, 0, years, width);
    }

    /// The same of slices of more cells, of which these begin at `first`, where a line begins.
    pub fn add_from(&mut self, fill: Fill<T>, slices: &[&[T]], first: usize, years: &[&[f64]], width: usize) {
        let len = slices
            .iter()
            .map(|slice| slice.len().saturating_sub(first))
            .fold(self.len(), usize::min);
        let mut start = 0;
        while start < len {
            let range = start..len.min(start + BLOCK);
            let from = first + start..first + range.end;
            let mut group = slices;
            while let [one, rest @ ..] = group {
                if let [a, b, c, d, e, f, g, h, rest @ ..] = group {
                    let eight = [a, b, c, d, e, f, g, h].map(|slice| &slice[from.clone()]);
                    self.add_sums(fill, range.clone(), eight);
                    group = rest;
                } else if let [a, b, c, d, rest @ ..] = group {
                    let four = [a, b, c, d].map(|slice| &slice[from.clone()]);
                    self.add_sums(fill, range.clone(), four);
                    group = rest;
                } else {
                    self.add_sums(fill, range.clone(), [&one[from.clone()]]);
                    group = rest;
                }
            }
            if self.needs_rest() {
                for slice in slices {
                    self.add_rest(fill, range.clone(), &slice[from.clone()]);
                }
            }
            for (slice, years) in slices.iter().zip(years) {
                let years = years.get(first / width.max(1)..).unwrap_or_default();
                self.add_trend(fill, range.clone(), &slice[from.clone()], years, width);
            }
            start = range.end;
        }
    }

    /// True if anything but counts, sums and trends is wanted.
    fn needs_rest(&self) -> bool {
        self.needs.squares || self.needs.extremes || self.needs.ends || self.needs.pairs
    }

    /// Counts and sums of `N` slices of those cells; the loop that a mean over cycles spends its time in.
    fn add_sums<const N: usize>(&mut self, fill: Fill<T>, range: Range<usize>, slices: [&[T]; N]) {
        let counts = &mut self.count[range.clone()];
        let len = counts.len();
        let slices = slices.map(|slice| &slice[..len]);
        if !self.needs.sum {
            for (index, count) in counts.iter_mut().enumerate() {
                *count += slices
                    .iter()
                    .map(|slice| u32::from(fill.keeps(slice[index])))
                    .sum::<u32>();
            }
            return;
        }
        add_up(fill, counts, &mut self.sum[range], slices);
    }

    /// Squares, extremes and ends of one slice, after its sums.
    fn add_rest(&mut self, fill: Fill<T>, range: Range<usize>, values: &[T]) {
        if self.needs.squares && T::EXACT {
            for (squares, &value) in self.squares[range.clone()].iter_mut().zip(values) {
                if fill.keeps(value) {
                    *squares = squares.plus(value.square());
                }
            }
        }
        if self.needs.extremes {
            for ((least, greatest), &value) in self.extremes[range.clone()].iter_mut().zip(values) {
                if fill.keeps(value) {
                    *least = if value < *least { value } else { *least };
                    *greatest = if value > *greatest { value } else { *greatest };
                }
            }
        }
        for (ends, &value) in self
            .ends
            .get_mut(range.clone())
            .unwrap_or_default()
            .iter_mut()
            .zip(values)
        {
            if fill.keeps(value) {
                ends.add(value);
            }
        }
        let spreads = self.spreads.get_mut(range.clone()).unwrap_or_default();
        for (spread, &value) in spreads.iter_mut().zip(values) {
            if fill.keeps(value) {
                spread.add(value.real());
            }
        }
        let pairs = self.pairs.get_mut(range).unwrap_or_default();
        for (pair, &value) in pairs.iter_mut().zip(values) {
            if fill.keeps(value) {
                pair.add(value.pair());
            }
        }
    }

    fn add_trend(&mut self, fill: Fill<T>, range: Range<usize>, values: &[T], years: &[f64], width: usize) {
        for ((index, slope), &value) in range.clone().zip(&mut self.slopes[range]).zip(values) {
            if fill.keeps(value) {
                slope.add(
                    years.get(index / width).copied().unwrap_or(f64::NAN),
                    value.real(),
                );
            }
        }
    }

    /// Adds values to the cells that `cells` names (`u32::MAX`: to none), in order; `years` one per value.
    pub fn scatter(&mut self, fill: Fill<T>, values: &[T], cells: &[u32], years: impl Fn(usize) -> f64) {
        let needs = self.needs;
        for (index, (&value, &cell)) in values.iter().zip(cells).enumerate() {
            let cell = cell as usize;
            if cell >= self.count.len() || !fill.keeps(value) {
                continue;
            }
            self.count[cell] += 1;
            if needs.sum {
                self.sum[cell] = self.sum[cell].plus(value.widen());
            }
            if needs.squares {
                if T::EXACT {
                    self.squares[cell] = self.squares[cell].plus(value.square());
                } else {
                    self.spreads[cell].add(value.real());
                }
            }
            if needs.extremes {
                let (least, greatest) = &mut self.extremes[cell];
                *least = if value < *least { value } else { *least };
                *greatest = if value > *greatest { value } else { *greatest };
            }
            if needs.ends {
                self.ends[cell].add(value);
            }
            if needs.trend {
                self.slopes[cell].add(years(index), value.real());
            }
            if needs.pairs {
                self.pairs[cell].add(value.pair());
            }
        }
    }

    /// Takes the states of later values into these.
    pub fn merge(&mut self, later: &Self) {
        fn each<S>(into: &mut [S], from: &[S], merge: impl Fn(&mut S, &S)) {
            into.iter_mut()
                .zip(from)
                .for_each(|(into, from)| merge(into, from));
        }
        each(&mut self.count, &later.count, |a, b| *a += b);
        each(&mut self.sum, &later.sum, |a, b| *a = a.plus(*b));
        each(&mut self.squares, &later.squares, |a, b| *a = a.plus(*b));
        each(&mut self.spreads, &later.spreads, Spread::merge);
        each(&mut self.ends, &later.ends, Ends::merge);
        each(&mut self.slopes, &later.slopes, Slope::merge);
        each(&mut self.pairs, &later.pairs, Comoments::merge);
        each(&mut self.extremes, &later.extremes, |a, b| {
            a.0 = if b.0 < a.0 { b.0 } else { a.0 };
            a.1 = if b.1 > a.1 { b.1 } else { a.1 };
        });
    }

    /// Appends the cells that have values as bytes.
    pub fn save(&self, out: &mut Vec<u8>) {
        fn each<S: Saved>(states: &[S], filled: &[u32], out: &mut Vec<u8>) {
            let states = filled.iter().filter_map(|&cell| states.get(cell as usize));
            states.for_each(|state| state.save(out));
        }
        let with_values = self.count.iter().enumerate().filter(|(_, count)| **count > 0);
        let filled: Vec<u32> = with_values
            .filter_map(|(cell, _)| u32::try_from(cell).ok())
            .collect();
        (self.len() as u64).save(out);
        filled.save(out);
        each(&self.count, &filled, out);
        each(&self.sum, &filled, out);
        each(&self.squares, &filled, out);
        each(&self.spreads, &filled, out);
        each(&self.extremes, &filled, out);
        each(&self.ends, &filled, out);
        each(&self.slopes, &filled, out);
        each(&self.pairs, &filled, out);
    }

    /// Takes in saved states of later values for the same needs; `None` if the bytes hold something else (the states
    /// are of no use then).
    pub fn absorb(&mut self, bytes: &mut &[u8]) -> Option<()> {
        fn each<S: Saved>(
            into: &mut [S],
            filled: &[u32],
            bytes: &mut &[u8],
            merge: impl Fn(&mut S, &S),
        ) -> Option<()> {
            if into.is_empty() {
                return Some(());
            }
            for &cell in filled {
                merge(into.get_mut(cell as usize)?, &S::restore(bytes)?);
            }
            Some(())
        }
        (u64::restore(bytes)? == self.len() as u64).then_some(())?;
        let filled = Vec::<u32>::restore(bytes)?;
        each(&mut self.count, &filled, bytes, |a, b| *a = a.saturating_add(*b))?;
        each(&mut self.sum, &filled, bytes, |a, b| *a = a.plus(*b))?;
        each(&mut self.squares, &filled, bytes, |a, b| *a = a.plus(*b))?;
        each(&mut self.spreads, &filled, bytes, Spread::merge)?;
        each(&mut self.extremes, &filled, bytes, |a, b| {
            a.0 = if b.0 < a.0 { b.0 } else { a.0 };
            a.1 = if b.1 > a.1 { b.1 } else { a.1 };
        })?;
        each(&mut self.ends, &filled, bytes, Ends::merge)?;
        each(&mut self.slopes, &filled, bytes, Slope::merge)?;
        each(&mut self.pairs, &filled, bytes, Comoments::merge)
    }

    /// Number of values in each cell.
    pub fn counts(&self) -> &[u32] {
        &self.count
    }

    /// The true values of a statistic, one per cell, appended to `out`; NaN where there is no value. Statistics of order,
    /// which these states do not keep, are NaN; a count is a number here. A density is the count over that of all cells: the
    /// share of each, which the caller divides by the size of the cell.
    pub fn values_into(&self, statistic: Statistic, scale: Scale, out: &mut Vec<f64>) {
        let true_value = |packed: f64| packed * scale.scale + scale.offset;
        // A negative scale turns smallest into greatest.
        let least = (statistic == Statistic::Min) == (scale.scale >= 0.0);
        match statistic {
            Statistic::Count => out.extend(self.count.iter().map(|&count| f64::from(count))),
            Statistic::Mean => {
                means(&self.count, &self.sum, scale, out);
            }
            Statistic::Sum => self.each(out, |index, count| {
                self.sum[index].as_f64() * scale.scale + count * scale.offset
            }),
            Statistic::Variance => {
                self.each(out, |index, count| {
                    self.variance(index, count) * scale.scale * scale.scale
                });
            }
            Statistic::StandardDeviation => {
                self.each(out, |index, count| {
                    self.variance(index, count).sqrt() * scale.scale.abs()
                });
            }
            Statistic::Min | Statistic::Max => self.each(out, |index, _| {
                let (low, high) = self.extremes[index];
                true_value(if least { low } else { high }.real())
            }),
            Statistic::First => self.each(out, |index, _| true_value(self.ends[index].first.real())),
            Statistic::Last => self.each(out, |index, _| true_value(self.ends[index].last.real())),
            Statistic::Trend => self.each(out, |index, _| self.slopes[index].per_year() * scale.scale),
            Statistic::Density => {
                let all: u64 = self.count.iter().map(|&count| u64::from(count)).sum();
                out.extend(self.count.iter().map(|&count| f64::from(count) / all as f64));
            }
            pairs if pairs.is_of_pairs() => self.each(out, |index, _| {
                self.pairs.get(index).map_or(f64::NAN, |pair| pair.value(pairs))
            }),
            _ => out.extend(self.count.iter().map(|_| f64::NAN)),
        }
    }

    /// Appends a value for every cell that has any, NaN for the others.
    fn each(&self, out: &mut Vec<f64>, value: impl Fn(usize, f64) -> f64) {
        let of = |(index, &count): (usize, &u32)| {
            if count == 0 {
                f64::NAN
            } else {
                value(index, f64::from(count))
            }
        };
        out.extend(self.count.iter().enumerate().map(of));
    }

    fn variance(&self, index: usize, count: f64) -> f64 {
        match (self.squares.get(index), self.spreads.get(index)) {
            (Some(squares), _) => T::exact_variance(self.sum[index], *squares, self.count[index]),
            (None, Some(spread)) => spread.squared / count,
            (None, None) => f64::NAN,
        }
    }
}

/// Adds slices to counts and sums of the same length, in order. Compiled for wider vectors too: the loop waits for
/// memory where it has them, and for arithmetic where it does not.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn add_up<T: Sample, const N: usize>(
    fill: Fill<T>,
    counts: &mut [u32],
    sums: &mut [T::Sum],
    slices: [&[T]; N],
) {
    let len = slices
        .iter()
        .map(|slice| slice.len())
        .fold(counts.len().min(sums.len()), usize::min);
    let (counts, sums) = (&mut counts[..len], &mut sums[..len]);
    let slices = slices.map(|slice| &slice[..len]);
    for index in 0..len {
        let mut count = counts[index];
        let mut sum = sums[index];
        for slice in slices {
            let value = slice[index];
            let keeps = fill.keeps(value);
            count += u32::from(keeps);
            sum = sum.plus(if keeps { value.widen() } else { T::Sum::default() });
        }
        counts[index] = count;
        sums[index] = sum;
    }
}

/// Appends the true means of sums; NaN where nothing was counted. Compiled for wider vectors too: two of the conversions and
/// the division take most of its time.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn means<S: Sum>(counts: &[u32], sums: &[S], scale: Scale, out: &mut Vec<f64>) {
    let pairs = sums.iter().zip(counts);
    out.extend(pairs.map(|(sum, &count)| scale.real(sum.as_f64() / f64::from(count))));
}
