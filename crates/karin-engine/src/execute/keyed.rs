//! To single numbers: over everything, by cycle, pass, hour, day or month.
//!
//! Every tile (some lines of a granule) gives one exact state per key and variable; states merge in the order of the
//! granules. Exactness makes the result independent of how granules are cut and spread over threads.

use std::any::Any;

use karin_core::Values;
use rayon::prelude::*;

use super::tiles::{self, Tile, WAVE};
use super::{Work, describe, parts};
use crate::EngineError;
use crate::plan::Column;
use crate::reduction::{Needs, Statistic, Target};
use crate::swath::{Shape, join};

mod keys;
mod order;
mod state;

use state::{State, state};

/// Bytes per pixel of a tile: values as stored and decoded, coordinates, masks.
const BYTES_PER_PIXEL: usize = 32;

/// Runs it; returns notes on the result.
pub(super) fn run(mut work: Work<'_>) -> Result<Vec<String>, EngineError> {
    let columns = reducible(&work)?;
    work.start(columns.len());
    let needs = work.reduction.needs();
    let mut states = states(&work, &columns, needs);
    run_sweep(&work, &mut states, Sweep::Totals)?;
    if needs.values {
        find_quantiles(&work, &mut states)?;
    }
    finish(&work, &columns, &states)
}

/// Runs it for a part of the granules, into bytes for [`merge`].
pub(super) fn part(mut work: Work<'_>, out: &mut Vec<u8>) -> Result<(), EngineError> {
    let columns = reducible(&work)?;
    work.start(columns.len());
    let needs = work.reduction.needs();
    let mut states = states(&work, &columns, needs);
    run_sweep(&work, &mut states, Sweep::Totals)?;
    if needs.values {
        find_quantiles(&work, &mut states)?;
    }
    for state in &states {
        parts::begin(state.column(), out);
        state.save(out);
    }
    work.schemas.save(work.engine.plan, out);
    Ok(())
}

/// Merges parts, in the order of their granules. All is exact, however the values were split.
pub(super) fn merge(work: &Work<'_>, saved: &[&[u8]]) -> Result<Vec<String>, EngineError> {
    let columns = reducible(work)?;
    let mut states = states(work, &columns, work.reduction.needs());
    for bytes in saved {
        let mut rest = *bytes;
        let mut keys = Vec::new();
        for state in &mut states {
            parts::expect(state.column(), &mut rest)?;
            keys.extend(state.absorb(&mut rest).ok_or_else(parts::broken)?);
        }
        let absorbed = work.schemas.absorb(&keys, &mut rest);
        absorbed.ok_or_else(parts::broken)?;
        parts::end(rest)?;
    }
    finish(work, &columns, &states)
}

fn states<'a>(work: &'a Work<'a>, columns: &[&'a Column], needs: Needs) -> Vec<Box<dyn State + 'a>> {
    let states = columns.iter().filter_map(|column| state(work, column, needs));
    states.collect()
}

fn finish(
    work: &Work<'_>,
    columns: &[&Column],
    states: &[Box<dyn State + '_>],
) -> Result<Vec<String>, EngineError> {
    let mut keys: Vec<i64> = states.iter().flat_map(|state| state.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    if keys.is_empty() && work.engine.failures().len() == work.engine.plan.pieces().len() {
        return Err(work.engine.nothing_read());
    }
    if work.reduction.target == Target::All {
        keys = vec![0];
    }
    write(work, columns, states, &keys)?;
    Ok(Vec::new())
}

/// Bytes of the counts of one sweep for one key and rank.
const HISTOGRAM: u64 = 8 << 16;

/// Bytes of a value that is kept.
const KEPT: u64 = 8;

/// Finds the quantiles, of as many variables at a time as their counts, or all of their values, fit into the memory.
fn find_quantiles(work: &Work<'_>, states: &mut [Box<dyn State + '_>]) -> Result<(), EngineError> {
    // Twice for values that wait to be taken in, and twice for room to grow.
    let room = work.engine.resources.memory / 8 / KEPT;
    let values: u64 = states.iter().map(|state| state.values()).sum();
    let together = if values <= room {
        states.len()
    } else {
        together(work, states)?
    };
    for states in states.chunks_mut(together.max(1)) {
        let room = if values <= room {
            room
        } else {
            room / states.len() as u64
        };
        states.iter_mut().for_each(|state| state.search(room));
        while states.iter().any(|state| state.is_searching()) {
            run_sweep(work, states, Sweep::Ranks)?;
        }
    }
    Ok(())
}

/// How many variables can be counted at a time.
fn together(work: &Work<'_>, states: &[Box<dyn State + '_>]) -> Result<usize, EngineError> {
    let fractions = work.ordered().len() as u64;
    let keys = states.iter().map(|state| state.keys().len()).max().unwrap_or(0) as u64;
    let needed = keys.max(1) * fractions * 2 * HISTOGRAM;
    let budget = work.engine.resources.memory / 2;
    if needed > budget {
        return Err(EngineError::Memory { needed, budget });
    }
    Ok(usize::try_from(budget / needed).unwrap_or(usize::MAX))
}

/// The columns that can be reduced to keys of this kind.
fn reducible<'a>(work: &Work<'a>) -> Result<Vec<&'a Column>, EngineError> {
    let plan = work.engine.plan;
    let first = work
        .reduction
        .statistics
        .first()
        .copied()
        .unwrap_or(Statistic::Count);
    let by_line = work.reduction.target.is_by_time();
    let axis = keys::axis(&work.reduction.target).map(|(name, ..)| name);
    let mut columns = Vec::new();
    for column in plan.columns() {
        if axis.is_some_and(|axis| {
            join(
                &column.group,
                &describe::result_name(work.reduction, column, first),
            ) == axis
        }) {
            if column.named {
                let reason = format!(
                    "the result of {} would have the name of its own axis: ask for two statistics",
                    column.path()
                );
                return Err(EngineError::option("--vars", reason));
            }
            continue;
        }
        if !column.meta.dtype.is_numeric() {
            return Err(EngineError::option(
                "--vars",
                format!("{} holds text", column.path()),
            ));
        }
        let is_loose = matches!(column.shape, Shape::Other(_));
        if is_loose && (by_line || plan.selection().region.is_some()) {
            if column.named {
                let reason = format!(
                    "{} does not lie along lines, which have the times and places",
                    column.path()
                );
                return Err(EngineError::option("--vars", reason));
            }
            continue;
        }
        let position = plan.swaths().iter().any(|swath| column.is_position(swath));
        if work.has_partner(column)? && (column.named || !position) {
            columns.push(column);
        }
    }
    if columns.is_empty() {
        return Err(crate::error::invalid_structure());
    }
    Ok(columns)
}

/// What a look at all values is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sweep {
    /// Makes the states.
    Totals,
    /// Narrows down where the quantiles lie.
    Ranks,
}

fn run_sweep(work: &Work<'_>, states: &mut [Box<dyn State + '_>], sweep: Sweep) -> Result<(), EngineError> {
    let engine = work.engine;
    for pieces in work.pieces().chunks(WAVE) {
        let all = tiles::of(work, pieces, BYTES_PER_PIXEL);
        // Few enough at a time that the states waiting to be merged stay small.
        let jobs = engine.resources.jobs;
        let waiting = if sweep == Sweep::Totals {
            8 * jobs
        } else {
            let counts = states.len().max(1) as u64 * 2 * HISTOGRAM;
            usize::try_from(engine.resources.memory / 4 / counts)
                .unwrap_or(usize::MAX)
                .clamp(1, 8 * jobs)
        };
        for tiles in all.chunks(waiting) {
            engine.check_cancelled()?;
            let pairs: Vec<(&Tile, usize)> = tiles
                .iter()
                .flat_map(|tile| (0..states.len()).map(move |index| (tile, index)))
                .collect();
            let one = |(tile, index): &(&Tile, usize)| {
                let state = states.get(*index)?;
                let is_wanted = sweep == Sweep::Totals || state.is_searching();
                let found = if is_wanted && tile.holds(state.column()) {
                    state.reduce(tile, sweep)
                } else {
                    None
                };
                if sweep == Sweep::Totals && tile.is_first {
                    work.advance(1);
                }
                found
            };
            let found: Vec<Option<Box<dyn Any + Send>>> = engine
                .pool
                .install(|| pairs.par_iter().with_max_len(1).map(one).collect());
            for ((_, index), found) in pairs.iter().zip(found) {
                if let (Some(state), Some(found)) = (states.get_mut(*index), found) {
                    state.merge(found, sweep);
                }
            }
        }
    }
    if sweep == Sweep::Ranks {
        states.iter_mut().for_each(|state| state.narrow());
    }
    Ok(())
}

/// Writes the result: one value per key, or scalars.
fn write(
    work: &Work<'_>,
    columns: &[&Column],
    states: &[Box<dyn State + '_>],
    keys: &[i64],
) -> Result<(), EngineError> {
    let plan = work.engine.plan;
    let target = &work.reduction.target;
    let mut root = karin_core::GroupMeta {
        attributes: describe::provenance(plan, work.reduction),
        ..karin_core::GroupMeta::default()
    };
    let dimensions: Vec<String> = keys::axis(target)
        .map(|(name, ..)| name.to_owned())
        .into_iter()
        .collect();
    if let Some(axis) = keys::axis_variable(target) {
        root.dimensions.push(describe::dimension(&axis.name, keys.len()));
        root.variables.push(axis);
    }
    for column in columns {
        let group = describe::group_mut(&mut root, &column.group);
        for statistic in &work.reduction.statistics {
            let variable = describe::result_variable(work, column, *statistic, &dimensions, None);
            group.variables.push(variable);
        }
    }
    work.schemas.describe(&mut root, columns, &dimensions);
    work.begin(&root)?;
    let shape: &[usize] = if dimensions.is_empty() { &[] } else { &[keys.len()] };
    let slab = karin_core::Slab::all(shape);
    if let Some((name, values)) = keys::axis_values(target, keys) {
        work.write(name, &slab, &values)?;
    }
    work.schemas.write(work, columns, keys, &slab)?;
    for (column, state) in columns.iter().zip(states) {
        let values = |statistic: &Statistic| match statistic {
            Statistic::Count => Values::from(
                keys.iter()
                    .map(|key| state.count(*key) as i64)
                    .collect::<Vec<_>>(),
            ),
            other => Values::from(
                keys.iter()
                    .map(|key| state.value(*key, *other))
                    .collect::<Vec<_>>(),
            ),
        };
        work.write_results(column, &slab, work.computed.iter().map(values).collect())?;
    }
    Ok(())
}
