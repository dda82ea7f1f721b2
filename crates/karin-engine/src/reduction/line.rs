//! The trend of very many values, exact: every split and every order of granules gives the same bits.

use super::exact_sum::{ExactSum, centred};
use super::saved::Saved;

/// Shares of the sum of squares that are no spread of times: the sums are exact, the difference of two of them is good to 100 bits.
const ROUNDING: f64 = 1e-28;

/// Exact sums for the straight line through values against time: times, values, squares of times, products of both.
#[derive(Clone, Debug, Default)]
pub struct LineSums {
    count: u64,
    sums: [ExactSum; 4],
}

impl LineSums {
    /// Adds a value at a time in years; a value without time is left out.
    pub fn add(&mut self, years: f64, value: f64) {
        if !(years * years + years * value).is_finite() {
            return;
        }
        let [times, values, squares, products] = &mut self.sums;
        self.count += 1;
        times.add(years);
        values.add(value);
        squares.add_product(years, years);
        products.add_product(years, value);
    }

    /// Takes in the sums of other values.
    pub fn merge(&mut self, more: &Self) {
        self.count += more.count;
        let sums = self.sums.iter_mut().zip(&more.sums);
        sums.for_each(|(sum, more)| sum.merge(more));
    }

    /// Packed units per year; NaN with fewer than two different times.
    pub fn per_year(&self) -> f64 {
        let [times, values, squares, products] = std::array::from_fn(|k| self.sums[k].value());
        let count = self.count as f64;
        let spread = centred(count, times, times, squares);
        if spread > ROUNDING * squares.0 {
            centred(count, times, values, products) / spread
        } else {
            f64::NAN
        }
    }
}

impl Saved for LineSums {
    fn save(&self, out: &mut Vec<u8>) {
        self.count.save(out);
        self.sums.iter().for_each(|sum| sum.save(out));
    }
    fn restore(bytes: &mut &[u8]) -> Option<Self> {
        let mut line = Self {
            count: u64::restore(bytes)?,
            ..Self::default()
        };
        for sum in &mut line.sums {
            *sum = ExactSum::restore(bytes)?;
        }
        Some(line)
    }
}
