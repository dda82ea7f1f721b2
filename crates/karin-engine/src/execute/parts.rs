//! Reductions in parts: some granules here, others in other processes, merged in the end.
//!
//! A part is bytes; parts merge in the order of their granules (cycle, pass) with the plan of all of them. Results
//! over cycles need no parts: split them by passes, whose results stand beside one another. Medians and quantiles of single
//! numbers need all values of a key in one part; of cells, parts keep all values, as they are stored.

use karin_core::{Progress, Resources};

use super::{Report, Shared, Work, finished, keyed, scattered};
use crate::EngineError;
use crate::engine::Engine;
use crate::plan::{Column, Plan};
use crate::reduction::{Reduction, Saved as _, Target};
use crate::result::Sink;

/// What every part begins with.
const MAGIC: u64 = u64::from_le_bytes(*b"KRNPART4");

/// What is said of results that differ from those of one process by rounding.
pub(super) const ADDED_IN_PARTS: &str =
    "floating values were added up in parts: sums agree with those of one process to 1e-12, trends nearly so";

/// Reduces some granules to a part.
///
/// # Errors
/// As [`super::reduce`]; also for results over cycles, which have no parts, and medians and quantiles of single
/// numbers by anything but cycle or pass, whose values other parts may hold; and for those of cells where the values of this part
/// take more than half of the memory.
pub fn reduce_to_part(
    plan: &Plan,
    reduction: &Reduction,
    resources: Resources,
    progress: &dyn Progress,
) -> Result<(Vec<u8>, Report), EngineError> {
    check(reduction)?;
    let engine = Engine::new(plan, resources, progress)?;
    let mut nowhere = crate::MemoryDataset::new("part");
    let sink = Shared::new(&mut nowhere);
    let mut out = Vec::new();
    MAGIC.save(&mut out);
    let work = Work::new(&engine, reduction, &sink)?;
    let outcome = match reduction.target {
        Target::Grid(_) | Target::Bins(_) => scattered::part(work, &mut out),
        _ => keyed::part(work, &mut out),
    };
    let report = finished(&engine, outcome.map(|()| Vec::new()))?;
    Ok((out, report))
}

/// Merges parts that follow one another into the result of `plan`, which is the plan of all their granules.
///
/// # Errors
/// If a part is none of this plan and reduction, or the sink fails.
pub fn merge_parts(
    plan: &Plan,
    reduction: &Reduction,
    parts: &[&[u8]],
    resources: Resources,
    progress: &dyn Progress,
    sink: &mut dyn Sink,
) -> Result<Report, EngineError> {
    check(reduction)?;
    let engine = Engine::new(plan, resources, progress)?;
    let sink = Shared::new(sink);
    let work = Work::new(&engine, reduction, &sink)?;
    let mut bodies = Vec::with_capacity(parts.len());
    for mut part in parts.iter().copied() {
        if u64::restore(&mut part) != Some(MAGIC) {
            return Err(broken());
        }
        bodies.push(part);
    }
    let outcome = match reduction.target {
        Target::Grid(_) | Target::Bins(_) => scattered::merge(&work, &bodies),
        _ => keyed::merge(&work, &bodies),
    };
    finished(&engine, outcome)
}

fn check(reduction: &Reduction) -> Result<(), EngineError> {
    if reduction.target.is_by_parts_of_passes() {
        let reason = "results over cycles, pixels and lines have no parts: split them by passes";
        return Err(EngineError::option("--over", reason));
    }
    let has_parts = matches!(
        reduction.target,
        Target::ByCycle | Target::ByPass | Target::Grid(_) | Target::Bins(_)
    );
    if reduction.needs().values && !has_parts {
        let reason = "medians, quantiles and mad need all values at once: they have parts only over cycles, pixels and \
                      lines, by cycle and by pass, on grids and in bins";
        return Err(EngineError::option("--stats", reason));
    }
    Ok(())
}

/// What the states of a column are of: its path, and the numbers that they were added up as.
fn label(column: &Column) -> String {
    let packing = column.packing.as_ref();
    let numbers = packing.map(|packing| (packing.dtype, packing.scale, packing.offset));
    format!("{} {numbers:?}", column.path())
}

/// Notes that states of a column follow.
pub(super) fn begin(column: &Column, out: &mut Vec<u8>) {
    label(column).save(out);
}

/// Reads that states of this column follow.
pub(super) fn expect(column: &Column, bytes: &mut &[u8]) -> Result<(), EngineError> {
    let found = String::restore(bytes).ok_or_else(broken)?;
    let expected = label(column);
    if found == expected {
        Ok(())
    } else {
        let reason = format!("it holds {found:?} where the plan has {expected:?}: reduce it in one piece");
        Err(EngineError::option("part", reason))
    }
}

/// Bytes that are no part of this reduction.
pub(super) fn broken() -> EngineError {
    EngineError::option("part", "it is damaged, or a part of another reduction")
}

/// Nothing may follow the last state.
pub(super) fn end(rest: &[u8]) -> Result<(), EngineError> {
    if rest.is_empty() { Ok(()) } else { Err(broken()) }
}
