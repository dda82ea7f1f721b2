//! The states of all shards, as the result of the whole.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use karin_core::{DType, DatasetError, GroupMeta, Progress, Resources, Slab, Values};
use karin_engine::{EngineError, Plan, SharedSink as _, Sink, merge_parts};
use karin_store::{OpenOptions, StoreOptions};
use rayon::prelude::*;
use serde::Serialize;

use super::state::{Block, Header, State};
use super::{Shard, ShardError, identity, selection_words};
use crate::Error;
use crate::output::Format;
use crate::provider::ProviderOptions;
use crate::stat::{NetcdfSink, Reduction, by_netcdf, check_picture, draw_result, through_netcdf};

/// How states are merged.
#[derive(Clone, Debug)]
pub struct MergeOptions {
    /// The command and its time; those of the shards follow it in the history of the result.
    pub history: String,
    /// Threads and memory.
    pub resources: Resources,
    /// Settings and accounts for granules at servers, where states need their sources to merge.
    pub provider: ProviderOptions,
}

/// What was merged.
#[derive(Clone, Debug, Serialize)]
pub struct Merged {
    /// The whole plan in words.
    pub plan: String,
    /// Shards.
    pub shards: u32,
    /// Granules of all of them.
    pub granules: u64,
    /// What shards left out, with reasons.
    pub left_out: Vec<(String, String)>,
    /// Notes on the result that a reader should know; they stand in its `comment` too.
    pub notes: Vec<String>,
}

/// Merges the states of all shards, given in any order, into a file of any format, by its extension. It appears whole
/// or not at all, and holds what [`crate::stat::reduce_to_file`] would have written of the whole plan.
///
/// # Errors
/// If a state cannot be read, is damaged or of another reduction, selection or source than the others, if shards are
/// missing or there twice; where states need their sources to merge (all but over cycles), if those are gone or changed.
pub fn merge_states(
    paths: &[PathBuf],
    output: &Path,
    options: &MergeOptions,
    progress: &dyn Progress,
) -> Result<Merged, Error> {
    let states = complete(paths)?;
    let first = states.first().ok_or(ShardError::Nothing)?;
    let header = &first.header;
    let history = history(&states, &options.history);
    let notes = match Format::of(output)? {
        Format::NetCdf => to_netcdf(&states, output, &history, options, progress)?,
        Format::Png => {
            let reduction = reduction_of(first)?;
            check_picture(&reduction.target)?;
            let make = |between: &Path| to_netcdf(&states, between, &history, options, progress);
            through_netcdf(output, make, |result| {
                draw_result(result, &reduction, None, &history, output)
            })?
        }
        _ => by_netcdf(output, options.resources, progress, |between| {
            to_netcdf(&states, between, &history, options, progress)
        })?,
    };
    Ok(Merged {
        plan: header.plan.clone(),
        shards: header.shard.count(),
        granules: states.iter().map(|state| state.ending.granules).sum(),
        left_out: states
            .iter()
            .flat_map(|state| state.ending.left_out.clone())
            .collect(),
        notes,
    })
}

/// Opens the states, checks that they belong together and that none is missing, and puts them into order.
fn complete(paths: &[PathBuf]) -> Result<Vec<State>, Error> {
    let mut states: BTreeMap<u32, State> = BTreeMap::new();
    let mut count = 0;
    for path in paths {
        let state = State::open(path)?;
        if let Some(first) = states.values().next() {
            same(first, &state)?;
        }
        let shard = state.header.shard;
        count = shard.count();
        if let Some(other) = states.insert(shard.index(), state) {
            return Err(ShardError::Doubled {
                shard,
                first: other.path,
                second: path.clone(),
            }
            .into());
        }
    }
    let missing = NumbersOf((1..=count).filter(|index| !states.contains_key(index)).collect());
    match missing.0.first() {
        None if states.is_empty() => Err(ShardError::Nothing.into()),
        None => Ok(states.into_values().collect()),
        Some(&first) => Err(ShardError::Missing {
            several: missing.0.len() > 1,
            missing: missing.to_string(),
            count,
            first: Shard::new(first, count)?,
        }
        .into()),
    }
}

/// Checks that two states are of the same whole.
fn same(first: &State, state: &State) -> Result<(), ShardError> {
    let structure = |state: &State| {
        let root = state.structure.as_ref().map(without_layout);
        rmp_serde::to_vec(&root).unwrap_or_default()
    };
    let (a, b) = (&first.header, &state.header);
    let of = |header: &Header| {
        [
            ("karin", header.karin_version.clone()),
            ("number of shards", header.shard.count().to_string()),
            ("reduction", header.words()),
            ("selection", selection_words(&header.selection)),
            (
                "snapshot",
                header.snapshot.clone().unwrap_or_else(|| "none".to_owned()),
            ),
            ("plan", header.plan.clone()),
            ("set of granules", header.identity.clone()),
        ]
    };
    let differs = of(a).into_iter().zip(of(b)).find(|(a, b)| a != b);
    let foreign = |what, expected: String, found: String| ShardError::Foreign {
        path: state.path.clone(),
        first: first.path.clone(),
        what,
        found,
        expected,
    };
    match differs {
        Some(((what, expected), (_, found))) => Err(foreign(what, expected, found)),
        None if structure(first) != structure(state) => {
            Err(foreign("structure", "that one".to_owned(), "this one".to_owned()))
        }
        None => Ok(()),
    }
}

/// A structure without chunks, which follow from threads and memory.
fn without_layout(root: &GroupMeta) -> GroupMeta {
    let mut root = root.clone();
    for variable in &mut root.variables {
        variable.storage = karin_core::Storage::default();
    }
    root.groups = root.groups.iter().map(without_layout).collect();
    root
}

/// The newest first: the merge, then the command of the first shard.
fn history(states: &[State], merge: &str) -> String {
    let made = states.first().map_or("", |state| state.header.history.as_str());
    match states {
        [_] => format!("{merge}\n{made}"),
        _ => format!("{merge}\n{made} (and so for all {} shards)", states.len()),
    }
}

fn to_netcdf(
    states: &[State],
    path: &Path,
    history: &str,
    options: &MergeOptions,
    progress: &dyn Progress,
) -> Result<Vec<String>, Error> {
    let resources = options.resources;
    let sink = NetcdfSink::new(path, history, resources);
    let is_finished = states.first().is_some_and(|state| state.structure.is_some());
    let notes = if is_finished {
        copy(states, &sink, resources, progress)?;
        Vec::new()
    } else {
        merge(states, &sink, options, progress)?
    };
    sink.finish()?;
    Ok(notes)
}

/// Merges the states of the engine, which needs to know the plan for that.
fn merge(
    states: &[State],
    sink: &NetcdfSink<'_>,
    options: &MergeOptions,
    progress: &dyn Progress,
) -> Result<Vec<String>, Error> {
    let resources = options.resources;
    let mut needed = 0;
    for state in states {
        needed += state.part_length()?;
    }
    let budget = resources.memory;
    if needed > budget {
        return Err(EngineError::Memory { needed, budget }.into());
    }
    let first = states.first().ok_or(ShardError::Nothing)?;
    let header = &first.header;
    let reduction = reduction_of(first)?;
    if reduction.target.is_by_parts_of_passes() {
        return Err(unsupported(first).into());
    }
    let plan = plan_of(header, &options.provider, progress)?;
    let parts: Vec<Vec<u8>> = states.iter().map(State::part).collect::<Result<_, _>>()?;
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    let report = merge_parts(
        &plan,
        &reduction,
        &parts,
        resources,
        progress,
        &mut Exclusive(sink),
    )?;
    Ok(report.notes)
}

/// What a state is of.
fn reduction_of(state: &State) -> Result<Reduction, ShardError> {
    state.header.reduction().map_err(|_| unsupported(state))
}

fn unsupported(state: &State) -> ShardError {
    ShardError::Unsupported {
        path: state.path.clone(),
        reason: format!("{} is nothing that this karin can merge", state.header.words()),
    }
}

/// The plan of all shards, made again from the same sources.
fn plan_of(header: &Header, provider: &ProviderOptions, progress: &dyn Progress) -> Result<Plan, Error> {
    let options = OpenOptions {
        store: StoreOptions {
            endpoint: header.origin.endpoint.clone(),
            region: header.origin.region.clone(),
            read_only: true,
            ..StoreOptions::default()
        },
        snapshot: header.snapshot.clone(),
    };
    let source = crate::sources::open_with(&header.origin.inputs, &options, provider, progress)?;
    let plans = Plan::new(source, &header.selection, progress)?;
    let same = plans.into_iter().find(|plan| identity(plan) == header.identity);
    same.ok_or_else(|| {
        let inputs = header
            .origin
            .inputs
            .iter()
            .map(|input| input.display().to_string());
        ShardError::Changed {
            sources: inputs.collect::<Vec<_>>().join(", "),
        }
        .into()
    })
}

/// A sink of many threads as that of one.
struct Exclusive<'s, 'p>(&'s NetcdfSink<'p>);

impl Sink for Exclusive<'_, '_> {
    fn begin(&mut self, root: &GroupMeta) -> Result<(), DatasetError> {
        self.0.begin(root)
    }

    fn write(&mut self, path: &str, slab: &Slab, values: &Values) -> Result<(), DatasetError> {
        self.0.write(path, slab, values)
    }
}

/// Copies finished values, a pass of a variable at a time.
fn copy(
    states: &[State],
    sink: &NetcdfSink<'_>,
    resources: Resources,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let Some(root) = states.first().and_then(|state| state.structure.as_ref()) else {
        return Ok(());
    };
    sink.begin(root)?;
    let mut rows: Vec<Row<'_>> = states.iter().flat_map(rows_of).collect();
    rows.sort_by(|a, b| a.order().cmp(&b.order()));
    let largest = rows.iter().map(|row| row.bytes(root)).max().unwrap_or(0);
    // Compressed, decoded, and on its way to the output.
    let together = usize::try_from(resources.memory / (4 * largest).max(1)).unwrap_or(usize::MAX);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(resources.jobs.min(together).max(1));
    let pool = pool.build().map_err(|error| EngineError::Threads {
        jobs: resources.jobs,
        reason: error.to_string(),
    })?;
    progress.start("merge", 0, rows.iter().map(|row| row.bytes(root)).sum());
    let done = pool.install(|| {
        rows.par_iter().with_max_len(1).try_for_each(|row| {
            if progress.is_cancelled() {
                return Err(Error::Cancelled);
            }
            row.write(root, sink)?;
            progress.advance(0, row.bytes(root));
            Ok(())
        })
    });
    progress.finish();
    done
}

/// The blocks of a pass of a variable, in the order of their lines.
struct Row<'s> {
    state: &'s State,
    blocks: Vec<&'s Block>,
}

/// The rows of a state.
fn rows_of(state: &State) -> Vec<Row<'_>> {
    let mut rows: BTreeMap<(&str, Option<usize>), Vec<&Block>> = BTreeMap::new();
    for (at, block) in state.blocks.iter().enumerate() {
        // What has no lines is written as it came.
        let is_row = block.slab.start.len() > 1 && block.slab.count.first() == Some(&1);
        let row = block.slab.start.first().copied().filter(|_| is_row);
        rows.entry((block.path.as_str(), row.or(Some(usize::MAX - at))))
            .or_default()
            .push(block);
    }
    let ordered = rows.into_values().map(|mut blocks| {
        blocks.sort_by(|a, b| a.slab.start.cmp(&b.slab.start));
        Row { state, blocks }
    });
    ordered.collect()
}

impl Row<'_> {
    fn order(&self) -> (&[usize], &str) {
        self.blocks.first().map_or((&[], ""), |block| {
            (block.slab.start.as_slice(), block.path.as_str())
        })
    }

    fn bytes(&self, root: &GroupMeta) -> u64 {
        let bytes = |block: &&Block| {
            let size = root.variable(&block.path).map_or(0, |meta| meta.dtype.size());
            (block.slab.len() as u64).saturating_mul(size as u64)
        };
        self.blocks.iter().map(bytes).sum()
    }

    /// Writes it at once where it is whole: shards that ran with other numbers of threads have other blocks than the
    /// output has chunks.
    fn write(&self, root: &GroupMeta, sink: &NetcdfSink<'_>) -> Result<(), Error> {
        let Some(first) = self.blocks.first() else {
            return Ok(());
        };
        let shape = root.shape(&first.path).unwrap_or_default();
        let whole: usize = shape.iter().skip(1).product();
        let length: usize = self.blocks.iter().map(|block| block.slab.len()).sum();
        if self.blocks.len() < 2 || length != whole {
            for block in &self.blocks {
                sink.write(&block.path, &block.slab, &self.state.values(block)?)?;
            }
            return Ok(());
        }
        let dtype = root
            .variable(&first.path)
            .map_or(DType::Float64, |meta| meta.dtype);
        let mut values = Values::zeros(dtype, whole);
        let mut at = 0;
        for block in &self.blocks {
            let part = self.state.values(block)?;
            let part = part.as_bytes();
            if let Some(to) = values.as_bytes_mut().get_mut(at..at + part.len()) {
                to.copy_from_slice(part);
            }
            at += part.len();
        }
        let mut slab = Slab::all(&shape);
        if let (Some(start), Some(count)) = (slab.start.first_mut(), slab.count.first_mut()) {
            *start = first.slab.start.first().copied().unwrap_or(0);
            *count = 1;
        }
        Ok(sink.write(&first.path, &slab, &values)?)
    }
}

/// Numbers of shards as a list of ranges.
struct NumbersOf(Vec<u32>);

impl std::fmt::Display for NumbersOf {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut runs: Vec<RangeInclusive<u32>> = Vec::new();
        for &number in &self.0 {
            match runs.last_mut() {
                Some(run) if run.end() + 1 == number => *run = *run.start()..=number,
                _ => runs.push(number..=number),
            }
        }
        for (at, run) in runs.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            if run.start() == run.end() {
                write!(formatter, "{comma}{}", run.start())?;
            } else {
                write!(formatter, "{comma}{}-{}", run.start(), run.end())?;
            }
        }
        Ok(())
    }
}
