//! The state of one number over very many values: exact for integers and for floating values alike, so that every
//! split and every order of granules gives the same bits.

use multiversion::multiversion;

use super::cells::Scale;
use super::comoments::Comoments;
use super::exact_sum::{ExactSum, TOGETHER, centred};
use super::line::LineSums;
use super::sample::{Fill, Pair, Sample, Sum, exact_variance};
use super::saved::Saved;
use super::single::Ends;
use super::{Needs, Statistic};

/// One number's state.
#[derive(Clone, Debug)]
pub struct Total<T: Sample> {
    needs: Needs,
    count: u64,
    sum: i128,
    squares: u128,
    exact: Option<Box<FloatSums>>,
    pairs: Option<Box<PairSums>>,
    extremes: (T, T),
    ends: Ends<T>,
    line: Option<Box<LineSums>>,
}

/// Sums of floating values; squares as two numbers each, so that nothing is lost.
#[derive(Clone, Debug, Default)]
struct FloatSums {
    sum: ExactSum,
    squares: ExactSum,
}

impl<T: Sample> Total<T> {
    /// Nothing yet.
    pub fn new(needs: Needs) -> Self {
        let exact = !T::EXACT && (needs.sum || needs.squares);
        Self {
            needs,
            count: 0,
            sum: 0,
            squares: 0,
            exact: exact.then(Box::default),
            pairs: needs.pairs.then(Box::default),
            extremes: (T::GREATEST, T::LEAST),
            ends: Ends::default(),
            line: needs.trend.then(Box::default),
        }
    }

    /// Adds values in order; `years(k)` is the time of value `k`, asked only for trends.
    pub fn add(&mut self, fill: Fill<T>, values: &[T], years: impl Fn(usize) -> f64) {
        for (block, values) in values.chunks(4096).enumerate() {
            self.add_block(fill, values);
            if let Some(line) = &mut self.line {
                for (index, &value) in values.iter().enumerate().filter(|(_, value)| fill.keeps(**value)) {
                    line.add(years(block * 4096 + index), value.real());
                }
            }
        }
    }

    fn add_block(&mut self, fill: Fill<T>, values: &[T]) {
        let count;
        if T::EXACT {
            let sum;
            (count, sum) = count_and_sum(fill, values);
            // Exact: at most 4096 numbers of 32 bits.
            self.sum += T::sum_to_i128(sum);
            if self.needs.squares {
                let mut squares = T::Squares::default();
                for &value in values {
                    squares = squares.plus(if fill.keeps(value) {
                        value.square()
                    } else {
                        T::Squares::default()
                    });
                }
                self.squares += T::squares_to_u128(squares);
            }
        } else {
            count = match &mut self.exact {
                Some(sums) => sums.add_kept(fill, values, self.needs.squares),
                None => values.iter().map(|&value| u32::from(fill.keeps(value))).sum(),
            };
        }
        if let Some(sums) = &mut self.pairs {
            let kept = values.iter().filter(|value| fill.keeps(**value));
            kept.for_each(|value| sums.add(value.pair()));
        }
        self.count += u64::from(count);
        if count > 0 && self.needs.extremes {
            let (mut least, mut greatest) = self.extremes;
            for &value in values {
                if fill.keeps(value) {
                    least = if value < least { value } else { least };
                    greatest = if value > greatest { value } else { greatest };
                }
            }
            self.extremes = (least, greatest);
        }
        if count > 0 && self.needs.ends {
            let mut kept = values.iter().filter(|value| fill.keeps(**value));
            if let Some(first) = kept.next() {
                self.ends.add(*first);
                self.ends.add(*kept.next_back().unwrap_or(first));
            }
        }
    }

    /// Takes in the state of later values.
    pub fn merge(&mut self, later: &Self) {
        self.count += later.count;
        self.sum += later.sum;
        self.squares += later.squares;
        if let (Some(sums), Some(more)) = (&mut self.exact, &later.exact) {
            sums.sum.merge(&more.sum);
            sums.squares.merge(&more.squares);
        }
        if let (Some(sums), Some(more)) = (&mut self.pairs, &later.pairs) {
            sums.merge(more);
        }
        let (least, greatest) = later.extremes;
        self.extremes.0 = if least < self.extremes.0 {
            least
        } else {
            self.extremes.0
        };
        self.extremes.1 = if greatest > self.extremes.1 {
            greatest
        } else {
            self.extremes.1
        };
        self.ends.merge(&later.ends);
        if let (Some(line), Some(more)) = (&mut self.line, &later.line) {
            line.merge(more);
        }
    }

    /// Number of values.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The true value of a statistic; NaN without values. Statistics of order are not in this state.
    pub fn value(&self, statistic: Statistic, scale: Scale) -> f64 {
        if self.count == 0 {
            return f64::NAN;
        }
        let true_value = |packed: f64| packed * scale.scale + scale.offset;
        let count = self.count as f64;
        match statistic {
            Statistic::Count => count,
            Statistic::Sum => self.sum_value() * scale.scale + count * scale.offset,
            Statistic::Mean => true_value(self.sum_value() / count),
            Statistic::Variance => self.variance() * scale.scale * scale.scale,
            Statistic::StandardDeviation => self.variance().sqrt() * scale.scale.abs(),
            Statistic::Min | Statistic::Max => {
                let least = (statistic == Statistic::Min) == (scale.scale >= 0.0);
                true_value(if least { self.extremes.0 } else { self.extremes.1 }.real())
            }
            Statistic::First => true_value(self.ends.first.real()),
            Statistic::Last => true_value(self.ends.last.real()),
            Statistic::Trend => {
                let line = self.line.as_ref();
                line.map_or(f64::NAN, |line| line.per_year() * scale.scale)
            }
            pairs if pairs.is_of_pairs() => {
                let sums = self.pairs.as_ref();
                sums.map_or(f64::NAN, |sums| sums.comoments(count).value(pairs))
            }
            _ => f64::NAN,
        }
    }

    fn sum_value(&self) -> f64 {
        self.exact
            .as_ref()
            .map_or(self.sum as f64, |sums| sums.sum.value().0)
    }

    fn variance(&self) -> f64 {
        let Some(sums) = &self.exact else {
            return exact_variance(self.sum, self.squares, self.count);
        };
        let (sum, squares) = (sums.sum.value(), sums.squares.value());
        let count = self.count as f64;
        (centred(count, sum, sum, squares) / count).max(0.0)
    }
}

impl<T: Sample> Total<T> {
    /// Appends the state as bytes.
    pub fn save(&self, out: &mut Vec<u8>) {
        self.count.save(out);
        self.sum.save(out);
        self.squares.save(out);
        if let Some(sums) = &self.exact {
            sums.sum.save(out);
            sums.squares.save(out);
        }
        if let Some(sums) = &self.pairs {
            sums.0.iter().for_each(|sum| sum.save(out));
        }
        self.extremes.save(out);
        self.ends.save(out);
        if let Some(line) = &self.line {
            line.save(out);
        }
    }

    /// Reads a state for the same needs; `None` if the bytes hold something else.
    pub fn restore(needs: Needs, bytes: &mut &[u8]) -> Option<Self> {
        let mut total = Self::new(needs);
        total.count = u64::restore(bytes)?;
        total.sum = i128::restore(bytes)?;
        total.squares = u128::restore(bytes)?;
        if let Some(sums) = &mut total.exact {
            sums.sum = ExactSum::restore(bytes)?;
            sums.squares = ExactSum::restore(bytes)?;
        }
        if let Some(sums) = &mut total.pairs {
            for sum in &mut sums.0 {
                *sum = ExactSum::restore(bytes)?;
            }
        }
        total.extremes = Saved::restore(bytes)?;
        total.ends = Ends::restore(bytes)?;
        if let Some(line) = &mut total.line {
            **line = LineSums::restore(bytes)?;
        }
        Some(total)
    }
}

/// Exact sums of pairs: the first field, the second, their difference; squares of each; products.
#[derive(Clone, Debug, Default)]
struct PairSums([ExactSum; 7]);

impl PairSums {
    fn add(&mut self, [first, second]: Pair) {
        let difference = first - second;
        let [sum, other, apart, squares, others, aparts, products] = &mut self.0;
        if !(first * first + second * second).is_finite() {
            return;
        }
        sum.add(first);
        other.add(second);
        apart.add(difference);
        squares.add_product(first, first);
        others.add_product(second, second);
        aparts.add_product(difference, difference);
        products.add_product(first, second);
    }

    fn merge(&mut self, more: &Self) {
        self.0
            .iter_mut()
            .zip(&more.0)
            .for_each(|(sum, more)| sum.merge(more));
    }

    fn comoments(&self, count: f64) -> Comoments {
        let [sum, other, apart, squares, others, aparts, products] =
            std::array::from_fn(|k| self.0[k].value());
        let spread = |sum, squares| centred(count, sum, sum, squares).max(0.0);
        Comoments::of_sums(
            count,
            [sum.0 / count, other.0 / count],
            [spread(sum, squares), spread(other, others)],
            centred(count, sum, other, products),
            (apart.0 / count, spread(apart, aparts)),
        )
    }
}

/// How many values are kept, and their sum. Compiled for wider vectors too.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn count_and_sum<T: Sample>(fill: Fill<T>, values: &[T]) -> (u32, T::Sum) {
    let mut count = 0;
    let mut sum = T::Sum::default();
    for &value in values {
        let keeps = fill.keeps(value);
        count += u32::from(keeps);
        sum = sum.plus(if keeps { value.widen() } else { T::Sum::default() });
    }
    (count, sum)
}

/// True values of stored ones, 0 for those that are not kept or not finite; how many are kept. Compiled for wider vectors too.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn kept_reals<T: Sample>(fill: Fill<T>, values: &[T], reals: &mut [f64; TOGETHER]) -> u32 {
    let mut count = 0;
    for (real, &value) in reals.iter_mut().zip(values) {
        let (number, keeps) = (value.real(), fill.keeps(value));
        count += u32::from(keeps);
        *real = if keeps & number.is_finite() { number } else { 0.0 };
    }
    count
}

/// Squares and what their rounding has lost; 0 for those that are not finite.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2+fma"))]
fn squares_of(values: &[f64; TOGETHER], squares: &mut [f64; TOGETHER], lost: &mut [f64; TOGETHER]) {
    for ((square, lost), value) in squares.iter_mut().zip(lost).zip(values) {
        let product = value * value;
        let is_finite = product.is_finite();
        *square = if is_finite { product } else { 0.0 };
        *lost = if is_finite {
            value.mul_add(*value, -product)
        } else {
            0.0
        };
    }
}

impl FloatSums {
    /// Adds the values that are kept; how many these are.
    fn add_kept<T: Sample>(&mut self, fill: Fill<T>, values: &[T], squares: bool) -> u32 {
        let (mut reals, mut of_squares, mut lost) = ([0.0; TOGETHER], [0.0; TOGETHER], [0.0; TOGETHER]);
        let mut count = 0;
        for values in values.chunks(TOGETHER) {
            let kept = kept_reals(fill, values, &mut reals);
            count += kept;
            if kept == 0 {
                continue;
            }
            reals[values.len()..].fill(0.0);
            if squares {
                squares_of(&reals, &mut of_squares, &mut lost);
                self.squares.add_all(&mut of_squares);
                self.squares.add_all(&mut lost);
            }
            self.sum.add_all(&mut reals);
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::FloatSums;
    use crate::reduction::Fill;

    fn values_of(sums: &FloatSums) -> [(f64, f64); 2] {
        [sums.sum.value(), sums.squares.value()]
    }

    fn one_by_one(values: &[f64], squares: bool) -> [(f64, f64); 2] {
        let mut sums = FloatSums::default();
        for value in values.iter().filter(|value| value.is_finite()) {
            sums.sum.add(*value);
            if squares && (value * value).is_finite() {
                sums.squares.add_product(*value, *value);
            }
        }
        values_of(&sums)
    }

    fn together(values: &[f64], squares: bool) -> [(f64, f64); 2] {
        let mut sums = FloatSums::default();
        let count = sums.add_kept(Fill::REAL, values, squares);
        let kept = values.iter().filter(|value| !value.is_nan()).count();
        assert_eq!(count as usize, kept);
        values_of(&sums)
    }

    proptest! {
        #[test]
        fn sums_are_exact_however_they_are_added(
            values in prop::collection::vec(
                prop_oneof![
                    (-1e6_f32..1e6).prop_map(f64::from),
                    (1.0_f32..1.5).prop_map(f64::from),
                    prop::num::f32::ANY.prop_map(f64::from),
                    -1e300..1e300,
                    Just(f64::NAN),
                ],
                0..700,
            ),
            squares in any::<bool>(),
        ) {
            prop_assert_eq!(together(&values, squares), one_by_one(&values, squares));
        }

        #[test]
        fn sums_of_close_numbers_are_exact(values in prop::collection::vec(-3.0_f32..3.0, 0..700)) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            prop_assert_eq!(together(&values, true), one_by_one(&values, true));
        }
    }
}
