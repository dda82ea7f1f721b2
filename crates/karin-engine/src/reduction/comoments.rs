//! Two fields together: means, squared deviations and their product, of states that merge.

use super::Statistic;
use super::sample::Pair;
use super::saved::Saved;
use super::single::Spread;

/// Sums of deviations of pairs (updating: Welford 1962; merging: Chan, Golub and LeVeque 1979), and the spread of their
/// differences, which would cancel if it were made of the other sums.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Comoments {
    count: f64,
    mean: Pair,
    /// Sums of squared deviations.
    squared: Pair,
    /// Sum of products of deviations.
    common: f64,
    difference: Spread,
}

impl Comoments {
    /// Of sums that were made otherwise; `difference` of the first field less the second.
    pub(super) fn of_sums(
        count: f64,
        mean: Pair,
        squared: Pair,
        common: f64,
        difference: (f64, f64),
    ) -> Self {
        Self {
            count,
            mean,
            squared,
            common,
            difference: Spread::of_sums(count, difference.0, difference.1),
        }
    }

    /// Adds a pair.
    #[inline]
    pub fn add(&mut self, [first, second]: Pair) {
        self.count += 1.0;
        let apart = [first - self.mean[0], second - self.mean[1]];
        self.mean[0] += apart[0] / self.count;
        self.mean[1] += apart[1] / self.count;
        let rest = second - self.mean[1];
        self.squared[0] += apart[0] * (first - self.mean[0]);
        self.squared[1] += apart[1] * rest;
        self.common += apart[0] * rest;
        self.difference.add(first - second);
    }

    /// Takes in another state.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0.0 {
            return;
        }
        let count = self.count + other.count;
        let (part, weight) = (other.count / count, self.count * other.count / count);
        let apart = [other.mean[0] - self.mean[0], other.mean[1] - self.mean[1]];
        self.common += other.common + apart[0] * apart[1] * weight;
        for (k, apart) in apart.into_iter().enumerate() {
            self.squared[k] += other.squared[k] + apart * apart * weight;
            self.mean[k] += apart * part;
        }
        self.difference.merge(&other.difference);
        self.count = count;
    }

    /// A statistic of pairs; NaN without pairs, and where a field does not vary and the statistic divides by that.
    pub fn value(&self, statistic: Statistic) -> f64 {
        if self.count == 0.0 {
            return f64::NAN;
        }
        let quotient = |above: f64, below: f64| if below > 0.0 { above / below } else { f64::NAN };
        let slope = || quotient(self.common, self.squared[1]);
        match statistic {
            Statistic::Covariance => self.common / self.count,
            Statistic::Correlation => {
                quotient(self.common, (self.squared[0] * self.squared[1]).sqrt()).clamp(-1.0, 1.0)
            }
            Statistic::Slope => slope(),
            Statistic::Intercept => self.mean[0] - slope() * self.mean[1],
            Statistic::MeanDifference => self.difference.mean,
            Statistic::RmsDifference => {
                let mean = self.difference.mean;
                (self.difference.squared / self.count + mean * mean).sqrt()
            }
            _ => f64::NAN,
        }
    }
}

impl Saved for Comoments {
    fn save(&self, out: &mut Vec<u8>) {
        self.count.save(out);
        self.mean.save(out);
        self.squared.save(out);
        self.common.save(out);
        self.difference.save(out);
    }
    fn restore(bytes: &mut &[u8]) -> Option<Self> {
        Some(Self {
            count: f64::restore(bytes)?,
            mean: Pair::restore(bytes)?,
            squared: Pair::restore(bytes)?,
            common: f64::restore(bytes)?,
            difference: Spread::restore(bytes)?,
        })
    }
}
