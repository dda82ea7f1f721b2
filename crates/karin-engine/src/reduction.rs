//! Reductions: many values to few, by states that merge.
//!
//! Packed integers are accumulated as integers and unpacked at the end: every split and every order of the work gives
//! the same bits. Floating values are added in a fixed order per pixel, and exactly where one number is made of
//! many.

mod bins;
mod cells;
mod comoments;
mod exact_sum;
mod having;
mod line;
pub mod quantile;
mod sample;
mod saved;
mod single;
mod spare;
mod statistic;
mod target;
#[cfg(test)]
mod tests;
mod total;

pub use bins::{Bins, Edges};
pub use cells::{Cells, Scale};
pub use comoments::Comoments;
pub use exact_sum::ExactSum;
pub use having::Having;
pub use sample::{Fill, Pair, Sample, Sum};
pub(crate) use saved::Saved;
pub use single::years;
pub use spare::{Lent, Spare};
pub use statistic::{Needs, Statistic};
pub use target::Target;
pub use total::Total;

use crate::EngineError;

/// What to compute.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Reduction {
    /// The statistics, in the order of the results.
    pub statistics: Vec<Statistic>,
    /// Where values meet.
    pub target: Target,
    /// The second field of statistics of pairs: every variable is compared with it, pixel by pixel, where both have values.
    pub with: Option<String>,
    /// Which results are kept.
    pub having: Option<Having>,
}

impl Reduction {
    /// Of one field at a time, all results kept.
    pub const fn new(statistics: Vec<Statistic>, target: Target) -> Self {
        Self {
            statistics,
            target,
            with: None,
            having: None,
        }
    }

    /// From words: a list of statistics, a [`Target`], the second field of pairs, and the condition that results must meet.
    ///
    /// # Errors
    /// If a word is unknown, or they do not fit together.
    pub fn of_words(
        statistics: &str,
        target: &str,
        with: Option<&str>,
        having: Option<&str>,
    ) -> Result<Self, EngineError> {
        let reduction = Self {
            statistics: Statistic::parse_list(statistics)?,
            target: target.parse()?,
            with: with.map(|name| name.trim().to_owned()),
            having: having.map(Having::parse).transpose()?,
        };
        reduction.check()?;
        Ok(reduction)
    }

    /// Checks that statistics, target and second field fit together.
    ///
    /// # Errors
    /// If they do not.
    pub fn check(&self) -> Result<(), EngineError> {
        let wrong = |reason: String| Err(EngineError::option("--stats", reason));
        for statistic in self.computed() {
            let name = statistic.name();
            match (&self.with, statistic.is_of_pairs()) {
                (None, true) => {
                    return wrong(format!(
                        "{name} is a statistic of two variables: name the second by --with"
                    ));
                }
                (Some(with), false) if statistic != Statistic::Count => {
                    return wrong(format!(
                        "{name} is a statistic of one variable, and --with {with} makes pairs: ask for it without --with"
                    ));
                }
                _ => {}
            }
            if statistic == Statistic::Density && !matches!(self.target, Target::Bins(_)) {
                return wrong(
                    "a density is per unit of what values are binned by: use it with --bin or --hist"
                        .to_owned(),
                );
            }
            if statistic == Statistic::Trend && matches!(self.target, Target::Pixels | Target::Lines) {
                return wrong("the lines of one pass are seen within an hour: a trend needs --over cycle, --grid or --by".to_owned());
            }
        }
        match &self.target {
            Target::Bins(bins) => bins::check(bins),
            _ => Ok(()),
        }
    }

    /// The statistics of the results, and those that only [`Reduction::having`] asks for.
    pub fn computed(&self) -> Vec<Statistic> {
        let mut all = self.statistics.clone();
        let more = self.having.iter().flat_map(|having| having.statistics());
        for statistic in more {
            if !all.contains(statistic) {
                all.push(*statistic);
            }
        }
        all
    }

    /// What the states must keep.
    pub fn needs(&self) -> Needs {
        Needs::of(&self.computed())
    }

    /// The variables that are read beside those that are reduced: a selection has to name them in
    /// [`Selection::also`](karin_core::Selection::also).
    pub fn also(&self) -> Vec<String> {
        let mut names: Vec<String> = self.with.iter().cloned().collect();
        if let Target::Bins(bins) = &self.target {
            names.extend(bins.iter().map(|bins| bins.variable.clone()));
        }
        names.dedup();
        names
    }
}
