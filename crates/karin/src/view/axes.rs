//! Which lines of which granules a plan keeps, found without reading values.

use std::sync::{Mutex, PoisonError};

use karin_core::{DatasetError, Product, Progress};
use karin_engine::{Engine, EngineError, Piece, Plan, Swath};
use rayon::prelude::*;

use crate::Error;

/// Lines of one granule that are kept.
#[derive(Clone, Debug)]
pub(super) enum Kept {
    /// The first so many.
    First(usize),
    /// Rows of the granule, ascending, each with its number in the whole granule.
    Some(Vec<(u32, u32)>),
}

impl Kept {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::First(count) => *count,
            Self::Some(rows) => rows.len(),
        }
    }

    /// The row of the granule behind the `index`-th kept line.
    pub(super) fn row(&self, index: usize) -> usize {
        match self {
            Self::First(_) => index,
            Self::Some(rows) => rows.get(index).map_or(0, |(row, _)| *row as usize),
        }
    }

    /// The number in the whole granule of the `index`-th kept line.
    pub(super) fn number(&self, index: usize) -> usize {
        match self {
            Self::First(_) => index,
            Self::Some(rows) => rows.get(index).map_or(0, |(_, number)| *number as usize),
        }
    }

    /// Kept lines whose number lies below that.
    pub(super) fn before(&self, number: usize) -> usize {
        match self {
            Self::First(count) => number.min(*count),
            Self::Some(rows) => rows.partition_point(|(_, own)| (*own as usize) < number),
        }
    }
}

/// What is kept of one group.
pub(super) struct GroupLines {
    /// The swath as the newest schema has it.
    pub(super) swath: Swath,
    /// Granules with their lines, in the order of the plan; those without any are left out.
    pub(super) pieces: Vec<(Piece, Kept)>,
}

/// Finds the kept lines of every granule. Granules of a fixed grid have all lines of their product unless a region,
/// a time or a condition restricts them: those are not even opened.
pub(super) fn survey(
    engine: &Engine<'_>,
    plan: &Plan,
    progress: &dyn Progress,
) -> Result<Vec<GroupLines>, Error> {
    if plan.swaths().is_empty() {
        let reason = "these files have no swaths: open them one by one with engine=\"karin\"";
        return Err(Error::option("to_xarray", reason));
    }
    let selection = plan.selection();
    let restricts = selection.time.is_some() || selection.region.is_some();
    let is_fixed = plan.product().is_some_and(Product::has_fixed_grid);
    let mut groups = Vec::new();
    for swath in plan.swaths() {
        let is_crop = plan
            .structure()
            .variable(&swath.path(&swath.lines_dimension))
            .is_some();
        let pieces = if is_fixed && !restricts && !is_crop && plan.schemas().len() < 2 {
            let all = Kept::First(swath.num_lines);
            plan.pieces().iter().map(|piece| (*piece, all.clone())).collect()
        } else {
            look(engine, plan, swath, restricts, progress)?
        };
        groups.push(GroupLines {
            swath: swath.clone(),
            pieces,
        });
    }
    if groups.iter().all(|group| group.pieces.is_empty()) {
        let reason = "no granule has lines inside the selection".to_owned();
        return Err(EngineError::Empty(reason).into());
    }
    Ok(groups)
}

/// Opens every granule to see which lines are kept; those that cannot be read are told and left out.
fn look(
    engine: &Engine<'_>,
    plan: &Plan,
    swath: &Swath,
    restricts: bool,
    progress: &dyn Progress,
) -> Result<Vec<(Piece, Kept)>, Error> {
    progress.start("looking", plan.pieces().len() as u64, 0);
    let warnings = Mutex::new(Vec::new());
    let find = |piece: &Piece| -> Result<Option<(Piece, Kept)>, EngineError> {
        engine.check()?;
        let kept = lines_of(engine, piece, &swath.group, restricts);
        progress.advance(1, 0);
        match kept {
            Ok(kept) => Ok((kept.len() > 0).then_some((*piece, kept))),
            Err(error) => {
                warnings
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(format!("left out {error}"));
                Ok(None)
            }
        }
    };
    let found: Result<Vec<_>, _> = engine.install(|| plan.pieces().par_iter().map(find).collect());
    progress.finish();
    let mut warnings = warnings.into_inner().unwrap_or_else(PoisonError::into_inner);
    warnings.sort_unstable();
    let found: Vec<_> = found?.into_iter().flatten().collect();
    if found.is_empty()
        && let Some(first) = warnings.first()
    {
        return Err(EngineError::Empty(format!("no granule can be read: {first}")).into());
    }
    warnings.iter().for_each(|warning| progress.warn(warning));
    Ok(found)
}

fn lines_of(engine: &Engine<'_>, piece: &Piece, group: &str, restricts: bool) -> Result<Kept, DatasetError> {
    let Some(swath) = engine.swath_in(piece, group)? else {
        return Ok(Kept::First(0));
    };
    let numbers = original_numbers(engine, piece, &swath)?;
    if !restricts && numbers.is_none() {
        return Ok(Kept::First(swath.num_lines));
    }
    let number = |row: usize| match &numbers {
        Some(numbers) => numbers.get(row).map_or(0, |number| *number as u32),
        None => row as u32,
    };
    let rows: Vec<usize> = if restricts {
        let mask = engine.kept(piece, &swath)?;
        mask.lines.clone().filter(|line| mask.keeps_line(*line)).collect()
    } else {
        (0..swath.num_lines).collect()
    };
    Ok(Kept::Some(
        rows.into_iter().map(|row| (row as u32, number(row))).collect(),
    ))
}

/// Numbers of the lines in the whole granule, where the granule is a crop that carries them.
fn original_numbers(
    engine: &Engine<'_>,
    piece: &Piece,
    swath: &Swath,
) -> Result<Option<Vec<f64>>, DatasetError> {
    let dataset = engine.open(piece)?;
    let path = swath.path(&swath.lines_dimension);
    let carries = dataset
        .root()
        .variable(&path)
        .is_some_and(|variable| variable.dimensions == [swath.lines_dimension.clone()]);
    if !carries {
        return Ok(None);
    }
    let numbers = dataset.read(&path)?.values.to_f64().unwrap_or_default();
    let ascend = numbers.is_sorted_by(|a, b| a < b) && numbers.first().is_none_or(|first| *first >= 0.0);
    Ok(ascend.then_some(numbers))
}
