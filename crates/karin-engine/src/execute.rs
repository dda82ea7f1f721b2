//! Carrying out reductions: over cycles per pixel, to single numbers by some key, onto grids.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use karin_core::{DatasetError, GroupMeta, Progress, Resources, Slab, Values};

use crate::engine::{Engine, Failure};
use crate::plan::{Column, Piece, Plan};
use crate::reduction::{Reduction, Statistic, Target};
use crate::result::{MemoryDataset, SharedSink, Sink};
use crate::swath::{Shape, join};
use crate::{EngineError, error::invalid_structure};

mod describe;
mod keyed;
mod over_cycle;
mod parts;
mod scattered;
mod schemas;
mod sections;
mod tiles;
mod typed;

pub use parts::{merge_parts, reduce_to_part};
use schemas::Schemas;

/// What a reduction has done, beside its result.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Granules that the plan had.
    pub granules: usize,
    /// What was left out, by granule.
    pub failures: Vec<Failure>,
    /// Notes on the result that a reader should know.
    pub notes: Vec<String>,
}

/// Reduces a plan into a sink, block by block inside the memory budget.
///
/// Granules that cannot be read are told to `progress`, named in the report and left out.
///
/// # Errors
/// If the target does not fit the plan, no granule can be read, the sink fails, or the user stops the work.
pub fn reduce(
    plan: &Plan,
    reduction: &Reduction,
    resources: Resources,
    progress: &dyn Progress,
    sink: &mut dyn Sink,
) -> Result<Report, EngineError> {
    reduce_shared(plan, reduction, resources, progress, &Shared::new(sink))
}

/// The same into a sink that all threads write to at once.
///
/// # Errors
/// As [`reduce`].
pub fn reduce_shared(
    plan: &Plan,
    reduction: &Reduction,
    resources: Resources,
    progress: &dyn Progress,
    sink: &dyn SharedSink,
) -> Result<Report, EngineError> {
    let engine = Engine::new(plan, resources, progress)?;
    let work = Work::new(&engine, reduction, sink)?;
    let outcome = match reduction.target {
        Target::Cycle => over_cycle::run(work),
        Target::Pixels | Target::Lines => sections::run(work),
        Target::Grid(_) | Target::Bins(_) => scattered::run(work),
        _ => keyed::run(work),
    };
    finished(&engine, outcome)
}

/// Some passes of a reduction whose results stand beside one another by pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passes {
    /// Their numbers; an empty range is no pass.
    pub numbers: Range<u16>,
    /// Whether the axes of the whole result are written too: one of all parts has to.
    pub axes: bool,
}

/// Reduces some passes of a plan, over cycles, pixels or lines. The sink is told the structure of the whole result, and gets the values of
/// these passes: parts for all passes, together, write what [`reduce_shared`] writes, bit by bit.
///
/// # Errors
/// As [`reduce`]; also if the target is not [by parts of passes](Target::is_by_parts_of_passes).
pub fn reduce_passes(
    plan: &Plan,
    reduction: &Reduction,
    passes: &Passes,
    resources: Resources,
    progress: &dyn Progress,
    sink: &dyn SharedSink,
) -> Result<Report, EngineError> {
    if !reduction.target.is_by_parts_of_passes() {
        let reason =
            "only results over cycles, pixels and lines are made of passes that stand beside one another";
        return Err(EngineError::option("--over", reason));
    }
    let engine = Engine::new(plan, resources, progress)?;
    let mut work = Work::new(&engine, reduction, sink)?;
    work.only = Some(passes);
    let outcome = match reduction.target {
        Target::Cycle => over_cycle::run(work),
        _ => sections::run(work),
    };
    finished(&engine, outcome)
}

/// Ends the display of progress, tells what was left out, and sums up.
fn finished(engine: &Engine<'_>, notes: Result<Vec<String>, EngineError>) -> Result<Report, EngineError> {
    engine.progress.finish();
    // What could not be read then is no news.
    engine.check_cancelled()?;
    engine.report_failures();
    Ok(Report {
        granules: engine.plan.pieces().len(),
        notes: notes?,
        failures: engine.failures(),
    })
}

/// Reduces a plan into memory.
///
/// # Errors
/// As [`reduce`]; also if the result does not fit into half of the memory budget.
pub fn reduce_to_memory(
    plan: &Plan,
    reduction: &Reduction,
    resources: Resources,
    progress: &dyn Progress,
) -> Result<(MemoryDataset, Report), EngineError> {
    let mut bounded = Bounded {
        inner: MemoryDataset::new("result"),
        budget: resources.memory / 2,
    };
    let report = reduce(plan, reduction, resources, progress, &mut bounded)?;
    Ok((bounded.inner, report))
}

/// A result in memory that is refused if it is too large.
struct Bounded {
    inner: MemoryDataset,
    budget: u64,
}

impl Sink for Bounded {
    fn begin(&mut self, root: &GroupMeta) -> Result<(), DatasetError> {
        let needed = bytes_of(root);
        if needed > self.budget {
            let error = EngineError::Memory {
                needed,
                budget: self.budget,
            };
            return Err(DatasetError::new(error.kind(), "result", "", error.to_string()));
        }
        self.inner.begin(root)
    }

    fn write(&mut self, path: &str, slab: &Slab, values: &Values) -> Result<(), DatasetError> {
        self.inner.write(path, slab, values)
    }

    fn hand_over(&mut self, path: &str, slab: &Slab, values: Values) -> Result<Option<Values>, DatasetError> {
        self.inner.hand_over(path, slab, values)
    }
}

/// Bytes of all arrays of a structure.
pub fn bytes_of(root: &GroupMeta) -> u64 {
    let of = |path: &String| {
        let size = root.variable(path).map_or(0, |variable| variable.dtype.size());
        root.shape(path).unwrap_or_default().iter().product::<usize>() as u64 * size as u64
    };
    root.variable_paths().iter().map(of).sum()
}

/// A sink that takes blocks one at a time, shared.
struct Shared<'s>(Mutex<&'s mut dyn Sink>);

impl<'s> Shared<'s> {
    fn new(sink: &'s mut dyn Sink) -> Self {
        Self(Mutex::new(sink))
    }

    fn locked(&self) -> MutexGuard<'_, &'s mut dyn Sink> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SharedSink for Shared<'_> {
    fn begin(&self, root: &GroupMeta) -> Result<(), DatasetError> {
        self.locked().begin(root)
    }

    fn write(&self, path: &str, slab: &Slab, values: &Values) -> Result<(), DatasetError> {
        self.locked().write(path, slab, values)
    }

    fn hand_over(&self, path: &str, slab: &Slab, values: Values) -> Result<Option<Values>, DatasetError> {
        self.locked().hand_over(path, slab, values)
    }
}

/// A reduction under way.
struct Work<'a> {
    engine: &'a Engine<'a>,
    reduction: &'a Reduction,
    /// The statistics of the results, and those that only decide which results are kept.
    computed: Vec<Statistic>,
    sink: &'a dyn SharedSink,
    /// The passes that are wanted of a result over cycles; `None` = all.
    only: Option<&'a Passes>,
    /// Pairs of granule and variable that are done.
    done: AtomicU64,
    columns: u64,
    /// Which processings go into which element of the result.
    schemas: Schemas,
}

impl<'a> Work<'a> {
    fn new(
        engine: &'a Engine<'a>,
        reduction: &'a Reduction,
        sink: &'a dyn SharedSink,
    ) -> Result<Self, EngineError> {
        reduction.check()?;
        engine.plan.check_derivation()?;
        let work = Self {
            engine,
            reduction,
            computed: reduction.computed(),
            sink,
            only: None,
            done: AtomicU64::new(0),
            columns: 1,
            schemas: Schemas::of(engine.plan),
        };
        let missing = reduction
            .also()
            .into_iter()
            .find(|name| work.beside(name).next().is_none());
        match missing {
            Some(name) => Err(EngineError::option(
                "selection",
                format!("{name} is not among the variables that are read beside those asked for"),
            )),
            None => Ok(work),
        }
    }

    /// The columns of a variable that is read beside those asked for: one per group that has it.
    fn beside<'n>(&self, name: &'n str) -> impl Iterator<Item = &'a Column> + use<'a, 'n> {
        let plan = self.engine.plan;
        plan.also()
            .iter()
            .filter(move |column| column.name == name || column.path() == name)
    }

    /// The second field of pairs that a column makes; `None` without pairs.
    fn partner(&self, column: &Column) -> Option<&'a Column> {
        let name = self.reduction.with.as_deref()?;
        self.beside(name).find(|other| other.group == column.group)
    }

    /// False for columns that have nothing to be compared with, where fields are compared.
    fn has_partner(&self, column: &Column) -> Result<bool, EngineError> {
        let Some(name) = &self.reduction.with else {
            return Ok(true);
        };
        let reason = match self.partner(column) {
            Some(_) if column.shape == Shape::Pixels => return Ok(true),
            Some(_) => "it has no value per pixel",
            None => "its group has no such variable",
        };
        if column.named {
            let reason = format!("{} cannot be compared with {name}: {reason}", column.path());
            return Err(EngineError::option("--with", reason));
        }
        Ok(false)
    }

    /// The statistics among those to be computed that need every value in its order.
    fn ordered(&self) -> Vec<Statistic> {
        let ordered = self.computed.iter().filter(|statistic| statistic.is_of_order());
        ordered.copied().collect()
    }
}

impl Work<'_> {
    fn begin(&self, root: &GroupMeta) -> Result<(), EngineError> {
        if root.variables.is_empty() && root.groups.is_empty() {
            return Err(invalid_structure());
        }
        Ok(self.sink.begin(root)?)
    }

    fn write(&self, path: &str, slab: &Slab, values: &Values) -> Result<(), EngineError> {
        Ok(self.sink.write(path, slab, values)?)
    }

    /// Writes the results of a column: values of every statistic that is computed. Those that fail the condition of the
    /// reduction become fill; those that only the condition needs are dropped.
    fn write_results(
        &self,
        column: &Column,
        slab: &Slab,
        mut results: Vec<Values>,
    ) -> Result<(), EngineError> {
        if let Some(having) = &self.reduction.having {
            having.apply(&self.computed, &mut results);
        }
        for (statistic, values) in self.computed.iter().zip(results) {
            let left = if self.reduction.statistics.contains(statistic) {
                self.sink
                    .hand_over(&self.result_path(column, *statistic), slab, values)?
            } else {
                Some(values)
            };
            left.into_iter().for_each(|values| self.recycle(values));
        }
        Ok(())
    }

    /// Keeps the memory of results to be used again.
    fn recycle(&self, values: Values) {
        match values {
            Values::Float64(numbers) => self.engine.spare.give(numbers),
            Values::Int64(counts) => self.engine.spare.give(counts),
            _ => {}
        }
    }

    /// Path of the variable of the result that holds a statistic of a column.
    fn result_path(&self, column: &Column, statistic: Statistic) -> String {
        let name = describe::result_name(self.reduction, column, statistic);
        join(&column.group, &name)
    }

    /// Writes a whole variable of one dimension.
    fn write_all(&self, path: &str, values: impl Into<Values>) -> Result<(), EngineError> {
        let values = values.into();
        self.write(path, &Slab::all(&[values.len()]), &values)
    }

    /// The granules in the order in which single numbers and cells take them in. Quantities of the swath have the geometry of their pass
    /// computed once, so that cycles of a pass follow one another there, wherever no statistic asks for the order of time.
    fn pieces(&self) -> Vec<Piece> {
        let plan = self.engine.plan;
        let mut pieces = plan.pieces().to_vec();
        let needs = self.reduction.needs();
        if plan.formulas().has_quantities() && plan.has_fixed_grid() && !needs.trend && !needs.ends {
            pieces.sort_by_key(|piece| piece.half_orbit.map(|own| (own.phase(), own.pass, own.cycle)));
            self.engine.keep_geometry_of(&pieces);
        }
        pieces
    }

    fn start(&mut self, columns: usize) {
        self.columns = columns.max(1) as u64;
        let plan = self.engine.plan;
        self.engine
            .progress
            .start("reduce", plan.pieces().len() as u64, plan.stored_bytes());
    }

    /// One variable of `granules` granules is done.
    fn advance(&self, granules: usize) {
        let before = self.done.fetch_add(granules as u64, Ordering::Relaxed);
        let whole = (before + granules as u64) / self.columns - before / self.columns;
        if whole > 0 {
            self.engine.progress.advance(whole, 0);
        }
    }

    /// Bytes that each thread may hold.
    fn thread_budget(&self) -> usize {
        let share = self.engine.resources.memory / 2 / self.engine.resources.jobs.max(1) as u64;
        usize::try_from(share).unwrap_or(usize::MAX).max(1 << 20)
    }
}
