//! Reductions: many values to few, by states that merge.
//!
//! Packed integers are accumulated as integers and unpacked at the end: every split and every order of the work gives
//! the same bits. Floating values are added in a fixed order per pixel, and exactly where one number is made of
//! many.

mod cells;
mod exact_sum;
pub mod quantile;
mod sample;
mod saved;
mod single;
mod spare;
mod statistic;
#[cfg(test)]
mod tests;
mod total;

pub use cells::{Cells, Scale};
pub use exact_sum::ExactSum;
pub use sample::{Fill, Sample, Sum};
pub(crate) use saved::Saved;
pub use single::years;
pub use spare::Spare;
pub use statistic::{Needs, Statistic};
pub use total::Total;

/// Where values meet.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Target {
    /// Over cycles: one number per pixel of every pass.
    Cycle,
    /// Over everything: one number per variable.
    All,
    /// One number per cycle.
    ByCycle,
    /// One number per pass.
    ByPass,
    /// One number per calendar day (UTC), by the time of each line.
    ByDay,
    /// One number per calendar month (UTC), by the time of each line.
    ByMonth,
    /// One number per cell of a longitude-latitude grid with this step in degrees.
    Grid(f64),
}

/// What to compute.
#[derive(Clone, Debug, PartialEq)]
pub struct Reduction {
    /// The statistics, in the order of the results.
    pub statistics: Vec<Statistic>,
    /// Where values meet.
    pub target: Target,
}
