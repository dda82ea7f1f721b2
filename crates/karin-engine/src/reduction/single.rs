//! Small states of one cell.

use super::sample::Sample;
use super::saved::Saved;

/// Seconds of a year of 365.25 days, the unit of trends.
const YEAR: f64 = 365.25 * 86_400.0;
/// 2024-01-01 in seconds since 2000-01-01: near the middle of the mission, so that squares of times stay small. Fixed,
/// so that states of different parts merge.
const REFERENCE: f64 = 8766.0 * 86_400.0;

/// Years since the reference of trends, of a time in seconds since 2000-01-01.
pub fn years(seconds: f64) -> f64 {
    (seconds - REFERENCE) / YEAR
}

/// Earliest and latest value, in the order of adding.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ends<T> {
    /// The earliest.
    pub first: T,
    /// The latest.
    pub last: T,
    seen: bool,
}

impl<T: Sample> Ends<T> {
    /// Adds a value that is later than all before.
    #[inline]
    pub fn add(&mut self, value: T) {
        if !self.seen {
            self.first = value;
            self.seen = true;
        }
        self.last = value;
    }

    /// Takes in the state of later values.
    pub fn merge(&mut self, later: &Self) {
        if !self.seen {
            *self = *later;
        } else if later.seen {
            self.last = later.last;
        }
    }
}

impl<T: Saved> Saved for Ends<T> {
    fn save(&self, out: &mut Vec<u8>) {
        self.first.save(out);
        self.last.save(out);
        self.seen.save(out);
    }
    fn restore(bytes: &mut &[u8]) -> Option<Self> {
        Some(Self {
            first: T::restore(bytes)?,
            last: T::restore(bytes)?,
            seen: bool::restore(bytes)?,
        })
    }
}

/// Mean and squared deviations of floating values (Welford 1962; merging: Chan, Golub and LeVeque 1979).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spread {
    count: f64,
    /// Their mean.
    pub mean: f64,
    /// Sum of squared deviations from the mean.
    pub squared: f64,
}

impl Spread {
    /// Of a mean and squared deviations that were found otherwise.
    pub(super) fn of_sums(count: f64, mean: f64, squared: f64) -> Self {
        Self { count, mean, squared }
    }

    /// Adds a value.
    #[inline]
    pub fn add(&mut self, value: f64) {
        self.count += 1.0;
        let before = value - self.mean;
        self.mean += before / self.count;
        self.squared += before * (value - self.mean);
    }

    /// Takes in another state.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0.0 {
            return;
        }
        let count = self.count + other.count;
        let apart = other.mean - self.mean;
        self.mean += apart * (other.count / count);
        self.squared += other.squared + apart * apart * (self.count * other.count / count);
        self.count = count;
    }
}

impl Saved for Spread {
    fn save(&self, out: &mut Vec<u8>) {
        [self.count, self.mean, self.squared]
            .iter()
            .for_each(|number| number.save(out));
    }
    fn restore(bytes: &mut &[u8]) -> Option<Self> {
        Some(Self {
            count: f64::restore(bytes)?,
            mean: f64::restore(bytes)?,
            squared: f64::restore(bytes)?,
        })
    }
}

/// The straight line through values against time, by sums of deviations that merge.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Slope {
    count: f64,
    time: f64,
    value: f64,
    /// Sum of squared deviations of time.
    spread: f64,
    /// Sum of products of deviations of time and value.
    common: f64,
}

impl Slope {
    /// Adds a value at a time in [`years`]; a value without time is left out.
    #[inline]
    pub fn add(&mut self, years: f64, value: f64) {
        if years.is_nan() {
            return;
        }
        self.count += 1.0;
        let apart = years - self.time;
        self.time += apart / self.count;
        self.value += (value - self.value) / self.count;
        self.spread += apart * (years - self.time);
        self.common += apart * (value - self.value);
    }

    /// Takes in another state.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0.0 {
            return;
        }
        let count = self.count + other.count;
        let (time, value) = (other.time - self.time, other.value - self.value);
        let weight = self.count * other.count / count;
        self.spread += other.spread + time * time * weight;
        self.common += other.common + time * value * weight;
        self.time += time * (other.count / count);
        self.value += value * (other.count / count);
        self.count = count;
    }

    /// Packed units per year; NaN with fewer than two different times.
    pub fn per_year(&self) -> f64 {
        if self.spread > 0.0 {
            self.common / self.spread
        } else {
            f64::NAN
        }
    }
}

impl Saved for Slope {
    fn save(&self, out: &mut Vec<u8>) {
        let numbers = [self.count, self.time, self.value, self.spread, self.common];
        numbers.iter().for_each(|number| number.save(out));
    }
    fn restore(bytes: &mut &[u8]) -> Option<Self> {
        Some(Self {
            count: f64::restore(bytes)?,
            time: f64::restore(bytes)?,
            value: f64::restore(bytes)?,
            spread: f64::restore(bytes)?,
            common: f64::restore(bytes)?,
        })
    }
}
