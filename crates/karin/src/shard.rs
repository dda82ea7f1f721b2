//! A reduction in shards: independent commands, on any machines and in any order, each leave a state; one command merges
//! them. For sites where a job array is all the scheduler that there is.
//!
//! ```text
//!   plan ──cut──> shard 1/n ──> state 1 ┐
//!                 shard 2/n ──> state 2 ┼──merge──> the result of the whole plan
//!                 shard n/n ──> state n ┘
//! ```
//!
//! What is over cycles, pixels or lines is cut between passes, and states hold finished values: the result is that of one
//! process, to the bit. What is by pass is cut there too. Everything else is cut between granules in the order of cycle and pass, and states are those of
//! the engine, which merge exactly but for floating sums and trends on a grid and in bins; such a result says so in `comment`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use karin_core::{Progress, Resources, Selection};
use karin_engine::reduction::{Edges, Reduction, Statistic, Target};
use karin_engine::{Passes, Piece, Plan, Report, reduce_passes, reduce_to_part};
use serde::{Deserialize, Serialize};

use crate::Error;

mod error;
mod merge;
mod state;
#[cfg(test)]
mod tests;

pub use error::ShardError;
pub use merge::{MergeOptions, Merged, merge_states};

use state::{Ending, Header, StateWriter};

/// One of the shards that together are the whole: `3/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Shard {
    index: u32,
    count: u32,
}

/// Most shards of one reduction.
const MOST: u32 = 100_000;

impl Shard {
    /// The shard `index` of `count`, the first being 1.
    ///
    /// # Errors
    /// If there is no such shard.
    pub fn new(index: u32, count: u32) -> Result<Self, ShardError> {
        if (1..=count).contains(&index) && count <= MOST {
            Ok(Self { index, count })
        } else {
            Err(ShardError::Number {
                text: format!("{index}/{count}"),
            })
        }
    }

    /// Its number, from 1.
    pub const fn index(self) -> u32 {
        self.index
    }

    /// How many there are.
    pub const fn count(self) -> u32 {
        self.count
    }
}

impl FromStr for Shard {
    type Err = ShardError;
    fn from_str(text: &str) -> Result<Self, ShardError> {
        let numbers = text
            .split_once('/')
            .and_then(|(index, count)| Some((index.trim().parse().ok()?, count.trim().parse().ok()?)));
        let (index, count) = numbers.ok_or_else(|| ShardError::Number {
            text: text.to_owned(),
        })?;
        Self::new(index, count)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.index, self.count)
    }
}

/// Where the granules of a plan came from, so that a merge finds them again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Files, folders and collections, absolute.
    inputs: Vec<PathBuf>,
    endpoint: Option<String>,
    region: Option<String>,
}

impl Origin {
    /// Of inputs as the user names them, and the address of their S3 service.
    ///
    /// # Errors
    /// If the working directory, which relative paths begin at, is gone.
    pub fn new(inputs: &[PathBuf], endpoint: Option<String>, region: Option<String>) -> Result<Self, Error> {
        let absolute = |input: &PathBuf| {
            if input.to_str().is_some_and(|text| text.contains("://")) {
                return Ok(input.clone());
            }
            std::path::absolute(input).map_err(|error| Error::io(input, "find", error))
        };
        Ok(Self {
            inputs: inputs.iter().map(absolute).collect::<Result<_, _>>()?,
            endpoint,
            region,
        })
    }
}

/// How a shard is reduced.
#[derive(Clone, Debug)]
pub struct ShardOptions {
    /// Which one.
    pub shard: Shard,
    /// Where the plan's granules came from.
    pub origin: Origin,
    /// The command and its time, for the history of the result.
    pub history: String,
    /// Threads and memory.
    pub resources: Resources,
}

/// Reduces one shard of a plan into the state file at `path`, which appears whole or not at all. The report is of the
/// granules of this shard; a shard may have none.
///
/// # Errors
/// As [`crate::stat::reduce_to_file`]; also for statistics of order over everything or by time, which need all values at
/// once, and for bins that are to be found from the values, which every shard would find its own of.
pub fn reduce_to_state(
    plan: &Plan,
    reduction: &Reduction,
    options: &ShardOptions,
    progress: &dyn Progress,
    path: &Path,
) -> Result<Report, Error> {
    check(reduction)?;
    let units = units(plan, reduction);
    let weights = weights(plan, &units);
    let own = share(&weights, options.shard);
    let is_own = |at: &usize| {
        units
            .get(*at)
            .is_some_and(|unit| own.iter().any(|(own, _)| own == unit))
    };
    let part = plan.only((0..units.len()).filter(is_own));
    let writer = StateWriter::create(path, &header(plan, reduction, options))?;
    let resources = options.resources;
    let mut report = if reduction.target.is_by_parts_of_passes() {
        let passes = Passes {
            numbers: numbers(own),
            axes: options.shard.index == 1,
        };
        reduce_passes(plan, reduction, &passes, resources, progress, &writer)?
    } else {
        let (bytes, report) = reduce_to_part(&part, reduction, resources, progress)?;
        writer.write_part(&bytes)?;
        report
    };
    report.granules = part.pieces().len();
    let failures = report.failures.iter();
    writer.finish(&Ending {
        granules: report.granules as u64,
        left_out: failures
            .map(|failure| (failure.granule.clone(), failure.reason.clone()))
            .collect(),
    })?;
    Ok(report)
}

/// Checks that all shards would compute the same.
fn check(reduction: &Reduction) -> Result<(), Error> {
    let Target::Bins(bins) = &reduction.target else {
        return Ok(());
    };
    match bins.iter().find(|bins| bins.edges == Edges::Automatic) {
        None => Ok(()),
        Some(bins) => {
            let name = &bins.variable;
            let reason = format!(
                "shards need the same bins: write {name}:FROM:TO:STEP (karin stat without --shard shows some)"
            );
            Err(Error::option("--shard", reason))
        }
    }
}

/// What no cut goes through, in the order of the shards: passes, cycles or single granules.
type Unit = (u16, u16, usize);

/// The unit of each granule. Granules without cycle and pass stand by themselves, before all others.
fn units(plan: &Plan, reduction: &Reduction) -> Vec<Unit> {
    let by_cycle = reduction.target == Target::ByCycle && reduction.needs().values;
    let unit = |(at, piece): (usize, &Piece)| {
        let Some(half_orbit) = piece.half_orbit else {
            return (0, 0, at);
        };
        match reduction.target {
            Target::Cycle | Target::Pixels | Target::Lines | Target::ByPass => (half_orbit.pass.0, 0, 0),
            _ if by_cycle => (half_orbit.cycle.0, 0, 0),
            _ => (half_orbit.cycle.0, half_orbit.pass.0, 0),
        }
    };
    plan.pieces().iter().enumerate().map(unit).collect()
}

/// The stored bytes of every unit, in their order.
fn weights(plan: &Plan, units: &[Unit]) -> Vec<(Unit, u64)> {
    let mut weights: BTreeMap<Unit, u64> = BTreeMap::new();
    for (piece, unit) in plan.pieces().iter().zip(units) {
        let bytes = plan.entry(piece).map_or(1, |entry| entry.bytes.max(1));
        *weights.entry(*unit).or_default() += bytes;
    }
    weights.into_iter().collect()
}

/// The units of a shard: runs of about the same number of bytes.
fn share(units: &[(Unit, u64)], shard: Shard) -> &[(Unit, u64)] {
    let total: u64 = units.iter().map(|(_, bytes)| bytes).sum();
    let mut done = 0;
    let places: Vec<u64> = units
        .iter()
        .map(|(_, bytes)| {
            let at = u128::from(done) * u128::from(shard.count) / u128::from(total.max(1));
            done += bytes;
            at as u64
        })
        .collect();
    let wanted = u64::from(shard.index - 1);
    let start = places.partition_point(|at| *at < wanted);
    let end = places.partition_point(|at| *at <= wanted);
    units.get(start..end).unwrap_or_default()
}

/// The pass numbers of units that are passes.
fn numbers(units: &[(Unit, u64)]) -> std::ops::Range<u16> {
    match (units.first(), units.last()) {
        (Some(((first, ..), _)), Some(((last, ..), _))) => *first..last.saturating_add(1),
        _ => 0..0,
    }
}

fn header(plan: &Plan, reduction: &Reduction, options: &ShardOptions) -> Header {
    Header {
        karin_version: env!("CARGO_PKG_VERSION").to_owned(),
        shard: options.shard,
        statistics: reduction
            .statistics
            .iter()
            .map(|s| word(*s))
            .collect::<Vec<_>>()
            .join(","),
        target: reduction.target.to_string(),
        with: reduction.with.clone(),
        having: reduction.having.as_ref().map(|having| having.text().to_owned()),
        selection: plan.selection().clone(),
        snapshot: plan.source().snapshot().map(ToOwned::to_owned),
        plan: plan.to_string(),
        granules: plan.pieces().len() as u64,
        identity: identity(plan),
        origin: options.origin.clone(),
        history: options.history.clone(),
    }
}

/// A statistic as users type it.
fn word(statistic: Statistic) -> String {
    match statistic {
        Statistic::Quantile(q) => format!("quantile({q})"),
        other => other.name(),
    }
}

/// What a plan is made of: the same granules and variables have the same text, and others have not.
fn identity(plan: &Plan) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut add = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    for piece in plan.pieces() {
        if let Some(entry) = plan.entry(piece) {
            add(&entry.label);
            add(&entry
                .version
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default());
            add(&entry.bytes.to_string());
        }
    }
    for column in plan.columns().iter().chain(plan.also()) {
        add(&column.path());
        add(column.meta.dtype.name());
    }
    hasher.finalize().to_hex().to_string()
}

/// A selection as the command line writes it.
fn selection_words(selection: &Selection) -> String {
    let text = selection.to_string();
    if text.is_empty() {
        "everything".to_owned()
    } else {
        text
    }
}
