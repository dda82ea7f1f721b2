//! Over cycles: one number per pixel of every pass.
//!
//! A lane is one variable of one pass, cut into blocks of lines where memory asks for it. Each thread takes a lane,
//! decodes a few cycles of it into buffers that it keeps, and adds them to the lane's states. With fewer lanes than
//! threads, all threads work on one lane: they decode different cycles, then add different parts of the swath. Either
//! way every pixel meets its cycles in the same order.

use std::ops::Range;

use karin_core::{PassNumber, Phase, Slab};
use rayon::prelude::*;

use super::Work;
use super::typed::item_size;
use crate::EngineError;
use crate::engine::Engine;
use crate::plan::{Column, Piece};
use crate::reduction::{Cells, Needs};
use crate::swath::Shape;

mod decoded;
pub(super) mod extent;
mod held;
mod lane;
mod outcome;
mod positions;
mod structure;

use extent::Extent;
use lane::{Lane, dispatch};
pub(super) use structure::{pixels_dimension, write_lines};

/// Cycles that a thread decodes before it adds them to the states, which then are loaded once for all of them.
const BATCH: usize = 4;
/// Granules of passes that are worked on at the same time, so that the open ones are not closed and opened again.
const TOGETHER: usize = 400;

/// One pass with its cycles in order.
#[derive(Clone, Debug)]
pub(super) struct Pass {
    pub(super) number: PassNumber,
    pub(super) pieces: Vec<Piece>,
}

/// Runs it; returns notes on the result.
pub(super) fn run(mut work: Work<'_>) -> Result<Vec<String>, EngineError> {
    work.engine.keep_geometry();
    let passes = passes(work.engine)?;
    let extents = extent::of(work.engine, &passes)?;
    let columns = reducible(&work, &extents)?;
    let passes: Vec<Pass> = passes
        .into_iter()
        .filter(|pass| extents.iter().any(|extent| extent.touches(pass.number)))
        .collect();
    if passes.is_empty() {
        return Err(EngineError::Empty("no pixel lies in the region".to_owned()));
    }
    work.begin(&structure::of(&work, &passes, &extents, &columns))?;
    work.start(columns.len());
    if work.only.is_none_or(|only| only.axes) {
        structure::write_axes(&work, &passes, &extents)?;
    }
    let needs = work.reduction.needs();
    let own = own(&work, &passes);
    let mut first = own.start;
    while first < own.end {
        let mut count = 0;
        let wave = passes[first..own.end]
            .iter()
            .take_while(|pass| {
                count += pass.pieces.len();
                count <= TOGETHER
            })
            .count()
            .max(1);
        let lanes = lanes(&work, &passes, first..first + wave, &extents, &columns, needs);
        run_lanes(&work, &lanes, needs)?;
        positions::write(&work, &passes, first..first + wave, &extents)?;
        first += wave;
    }
    let indices: Vec<i64> = own.clone().map(|index| index as i64).collect();
    let slab = Slab {
        start: vec![own.start],
        count: vec![own.len()],
    };
    work.schemas.write(&work, &columns, &indices, &slab)?;
    Ok(Vec::new())
}

/// Positions of the passes that this work is to do.
pub(super) fn own(work: &Work<'_>, passes: &[Pass]) -> Range<usize> {
    let Some(only) = work.only else {
        return 0..passes.len();
    };
    let before = |number: u16| passes.partition_point(|pass| pass.number.0 < number);
    let (start, end) = (before(only.numbers.start), before(only.numbers.end));
    start..end.max(start)
}

/// The passes of a plan, each with its cycles in order.
pub(super) fn passes(engine: &Engine<'_>) -> Result<Vec<Pass>, EngineError> {
    let mut found: Vec<(Phase, Pass)> = Vec::new();
    for piece in engine.plan.pieces() {
        let Some((half_orbit, phase)) = piece.half_orbit.and_then(|h| Some((h, h.phase()?))) else {
            let label = engine
                .plan
                .entry(piece)
                .map_or("a file", |entry| entry.label.as_str());
            let reason = format!("{label} says neither in its name nor inside which cycle and pass it is of");
            return Err(EngineError::option("--over", reason));
        };
        match found
            .iter_mut()
            .find(|(p, pass)| *p == phase && pass.number == half_orbit.pass)
        {
            Some((_, pass)) => pass.pieces.push(*piece),
            None => found.push((
                phase,
                Pass {
                    number: half_orbit.pass,
                    pieces: vec![*piece],
                },
            )),
        }
    }
    if found
        .iter()
        .any(|(phase, _)| found.first().is_some_and(|(first, _)| first != phase))
    {
        let reason = "a pass of the cal/val phase is another track than that of the science phase: choose with --phase";
        return Err(EngineError::Mixed {
            reason: reason.to_owned(),
        });
    }
    found.sort_by_key(|(_, pass)| pass.number);
    Ok(found.into_iter().map(|(_, pass)| pass).collect())
}

/// The columns that have one value per pixel, line or pixel column.
fn reducible<'a>(work: &Work<'a>, extents: &[Extent]) -> Result<Vec<&'a Column>, EngineError> {
    let mut columns = Vec::new();
    for column in work.engine.plan.columns() {
        let Some(extent) = extents.iter().find(|extent| extent.swath.group == column.group) else {
            continue;
        };
        let fits = match column.shape {
            Shape::Pixels | Shape::Lines(_) => true,
            Shape::Other(n) => n == extent.swath.num_pixels && column.lengths.len() == 1,
        };
        if !column.meta.dtype.is_numeric() || (!fits && column.named) {
            let reason = format!("{} has no value per line or pixel", column.path());
            return Err(EngineError::option("--vars", reason));
        }
        if fits && work.has_partner(column)? && (column.named || !column.is_position(&extent.swath)) {
            columns.push(column);
        }
    }
    Ok(columns)
}

/// The lanes of some passes, the longest work first.
fn lanes<'a>(
    work: &Work<'_>,
    passes: &'a [Pass],
    range: Range<usize>,
    extents: &[Extent],
    columns: &[&'a Column],
    needs: Needs,
) -> Vec<Lane<'a>> {
    let mut lanes = Vec::new();
    // The blocks of every pass are alike, because the result is stored in chunks of them.
    let cycles = most_cycles(passes);
    for (index, pass) in passes.iter().enumerate().skip(range.start).take(range.len()) {
        for column in columns {
            let Some(extent) = extents.iter().find(|extent| extent.swath.group == column.group) else {
                continue;
            };
            let (lines, width) = extent.lines_of(column);
            let Block {
                rows,
                batch,
                together,
            } = block(work, column, cycles, width, needs);
            let mut start = lines.start;
            while start < lines.end {
                let block = start..lines.end.min(start + rows);
                let at = start - lines.start;
                start = block.end;
                lanes.push(Lane {
                    index,
                    pass,
                    column,
                    lines: block,
                    at,
                    width,
                    batch,
                    together,
                });
            }
        }
    }
    if lanes.len() < 2 * work.engine.resources.jobs {
        lanes.iter_mut().for_each(|lane| lane.together = true);
    }
    let bytes = |lane: &Lane<'_>| lane.lines.len() * lane.width * item_size(work, lane.column);
    lanes.sort_by_key(|lane| std::cmp::Reverse(bytes(lane)));
    lanes
}

/// Cycles of the pass that has most.
pub(super) fn most_cycles(passes: &[Pass]) -> usize {
    passes.iter().map(|pass| pass.pieces.len()).max().unwrap_or(0)
}

/// How the lines of a column are cut.
pub(super) struct Block {
    /// Lines of a block.
    pub(super) rows: usize,
    /// Cycles that are decoded before they are added to the states.
    batch: usize,
    /// True if a block takes the memory of all threads, which work on it together.
    together: bool,
}

/// Lines of a block, and how many cycles are decoded before they are added, such that both fit into a thread's share of
/// the memory; or into that of all threads, where a share does not hold one chunk, which would be decoded several times.
pub(super) fn block(work: &Work<'_>, column: &Column, cycles: usize, width: usize, needs: Needs) -> Block {
    // Whole chunks of lines, so that none is decoded twice.
    let chunks = column.meta.storage.chunks.as_ref();
    let chunk = chunks
        .and_then(|chunks| chunks.first().copied())
        .unwrap_or(1)
        .max(1);
    let jobs = work.engine.resources.jobs.max(1);
    let most = if needs.values {
        cycles
    } else {
        cycles.min(BATCH.max(jobs))
    }
    .max(1);
    let derived = if column.derived {
        work.engine.plan.formulas().bytes_per_pixel()
    } else {
        0
    };
    let cell = |batch: usize, together: bool| {
        // Where one thread has all cycles at once, states do not outlive a few cells.
        let at_once = batch >= cycles && !together;
        let states = if at_once { 0 } else { Cells::<f64>::bytes(1, needs) };
        // Results, and one result on its way to the output: shuffled, and compressed.
        let results = if at_once && work.sink.only_tallies() && !needs.values {
            0
        } else {
            work.computed.len() * if needs.values { 24 } else { 8 } + 16
        };
        batch * item_size(work, column) + states + results + derived
    };
    let share = work.thread_budget();
    let rows = |batch: usize, together: bool| {
        let memory = if together { share * jobs } else { share };
        memory / (cell(batch, together) * width.max(1))
    };
    let (batch, together) = if needs.values || rows(most, false) >= chunk {
        (most, false)
    } else if most > 1 && rows(most, true) >= chunk {
        (most, true)
    } else {
        // Fewer cycles at a time cost less than chunks that are decoded twice.
        (1, false)
    };
    let rows = rows(batch, together);
    let rows = if rows > chunk {
        rows / chunk * chunk
    } else {
        rows.max(1)
    };
    Block {
        rows,
        batch,
        together,
    }
}

fn run_lanes(work: &Work<'_>, lanes: &[Lane<'_>], needs: Needs) -> Result<(), EngineError> {
    let engine = work.engine;
    let run = |lane: &&Lane<'_>| {
        engine.check_cancelled()?;
        dispatch(work, lane, needs)
    };
    let (together, apart): (Vec<&Lane<'_>>, Vec<_>) = lanes.iter().partition(|lane| lane.together);
    engine.pool.install(|| {
        together.iter().try_for_each(run)?;
        apart.par_iter().with_max_len(1).try_for_each(run)
    })
}
