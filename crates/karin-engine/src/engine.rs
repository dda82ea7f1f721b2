//! What every execution shares: open granules, threads, masks that several variables need, and what went wrong.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use karin_core::{Dataset, DatasetError, ErrorKind, Packed, Progress, Resources};

use crate::EngineError;
use crate::fields::{Fields, KeptFields};
use crate::load::{Ground, drop_where, gate_path, load_program, load_shared};
use crate::mask::{Mask, gate_keep};
use crate::plan::{Column, Piece, Plan};
use crate::recent::{Key, Recent, locked};
use crate::reduction::{Pair, Sample, Spare};
use crate::source::Handles;
use crate::swath::{self, Shape, Swath};

mod masks;

/// Open granules that are kept: a pass has at most 399 cycles, and a process about 1,000 files by default.
const OPEN_GRANULES: usize = 420;

/// What could not be read, by granule; the rest of the work went on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The granule.
    pub granule: String,
    /// What is wrong with it.
    pub reason: String,
    /// Stable code.
    pub kind: ErrorKind,
}

/// Executes a plan.
pub struct Engine<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) resources: Resources,
    pub(crate) progress: &'a dyn Progress,
    pub(crate) pool: rayon::ThreadPool,
    /// Buffers and states between uses.
    pub(crate) spare: Arc<Spare>,
    warm: Arc<Warm>,
    failures: Mutex<BTreeMap<usize, Failure>>,
}

/// What one execution of a plan leaves for the next: open granules, masks and gates, inside a memory budget.
pub struct Warm {
    handles: Handles,
    masks: Recent<Mask>,
    gates: Recent<Vec<u8>>,
    /// Lines at the latitudes and times of the selection.
    reaches: Recent<Range<usize>>,
    fields: KeptFields,
    spare: Arc<Spare>,
}

impl Warm {
    /// Nothing yet, for that plan.
    pub fn new(plan: &Plan, resources: Resources) -> Self {
        Self::holding(OPEN_GRANULES, plan, resources)
    }

    /// The same with no more than so many granules open at a time: for those who keep several.
    pub fn holding(granules: usize, plan: &Plan, resources: Resources) -> Self {
        let spare = Spare::new(usize::try_from(resources.memory / 4).unwrap_or(usize::MAX));
        let spare = Arc::new(spare);
        Self {
            handles: Handles::new(Arc::clone(plan.source()), plan.selection().clone(), granules),
            masks: Recent::new(resources.memory / 8),
            gates: Recent::new(resources.memory / 8),
            reaches: Recent::new(1 << 20),
            fields: KeptFields::new(resources, Arc::clone(&spare)),
            spare,
        }
    }
}

impl<'a> Engine<'a> {
    /// With its own threads.
    ///
    /// # Errors
    /// If the threads cannot be started.
    pub fn new(
        plan: &'a Plan,
        resources: Resources,
        progress: &'a dyn Progress,
    ) -> Result<Self, EngineError> {
        let warm = Arc::new(Warm::new(plan, resources));
        Self::with_warm(plan, resources, progress, warm)
    }

    /// With its own threads, and what earlier executions of the same plan left.
    ///
    /// # Errors
    /// As [`Engine::new`].
    pub fn with_warm(
        plan: &'a Plan,
        resources: Resources,
        progress: &'a dyn Progress,
        warm: Arc<Warm>,
    ) -> Result<Self, EngineError> {
        let jobs = resources.jobs.max(1);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(jobs)
            .thread_name(|index| format!("karin-engine-{index}"))
            .stack_size(4 << 20)
            .build()
            .map_err(|error| EngineError::Threads {
                jobs,
                reason: error.to_string(),
            })?;
        Ok(Self {
            plan,
            resources,
            progress,
            pool,
            spare: Arc::clone(&warm.spare),
            warm,
            failures: Mutex::default(),
        })
    }

    /// The plan that it executes.
    pub const fn plan(&self) -> &'a Plan {
        self.plan
    }

    /// What could not be read so far, in the order of granules.
    pub fn failures(&self) -> Vec<Failure> {
        locked(&self.failures).values().cloned().collect()
    }

    /// Runs `work` on the threads of this engine.
    pub fn install<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.pool.install(work)
    }

    /// Notes that a granule, or a variable of it, cannot be read.
    pub fn fail(&self, piece: &Piece, error: &DatasetError) {
        let granule = self
            .plan
            .entry(piece)
            .map_or_else(|| error.dataset.clone(), |entry| entry.label.clone());
        let failure = Failure {
            granule,
            reason: error.explained(),
            kind: error.kind,
        };
        // The least reason of several, so that the report does not depend on which thread came first.
        let mut failures = locked(&self.failures);
        let kept = failures.entry(piece.entry).or_insert_with(|| failure.clone());
        if failure.reason < kept.reason {
            *kept = failure;
        }
    }

    /// The error where no granule could be read: with the first of them, and why.
    pub fn nothing_read(&self) -> EngineError {
        let first = self.failures().into_iter().next();
        let first = first.map_or_else(String::new, |first| {
            format!("; {}: {}", first.granule, first.reason)
        });
        EngineError::Empty(format!("no granule can be read{first}"))
    }

    /// Tells the user what was left out.
    pub fn report_failures(&self) {
        for failure in self.failures() {
            self.progress
                .warn(&format!("left out {}: {}", failure.granule, failure.reason));
        }
    }

    /// Stops the work once the user wants to.
    pub(crate) fn check_cancelled(&self) -> Result<(), EngineError> {
        if self.progress.is_cancelled() {
            Err(EngineError::Cancelled)
        } else {
            Ok(())
        }
    }

    /// The granule, opened now or before: with the variables that the plan needs, at a server perhaps with these alone
    /// ([`Plan::open`] opens it whole).
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn open(&self, piece: &Piece) -> Result<Arc<dyn Dataset>, DatasetError> {
        self.warm.handles.open(piece.entry)
    }

    /// The swath of that group as this granule has it.
    pub(crate) fn swath(&self, dataset: &dyn Dataset, group: &str) -> Result<Swath, DatasetError> {
        Swath::of(dataset.root(), self.plan.selection().side)
            .into_iter()
            .find(|swath| swath.group == group)
            .ok_or_else(|| DatasetError::invalid(dataset.label(), group, "it has no latitudes along lines"))
    }

    /// What has the coordinates of a granule: its pass where those of all cycles are the same, else the granule.
    pub(crate) fn place(&self, piece: &Piece) -> Key {
        match piece.half_orbit {
            Some(half_orbit) if self.plan.source().has_checked_grid(piece.entry) => (
                usize::from(half_orbit.pass.0),
                format!("pass {:?}?", half_orbit.phase()),
            ),
            _ => (piece.entry, String::new()),
        }
    }

    /// Keeps the geometry of passes from now on: cycles of one pass follow each other.
    pub(crate) fn keep_geometry(&self) {
        self.warm.fields.keep_metrics();
    }

    /// The same, if passes come several times among these granules, on one grid, and the memory holds the geometry of one.
    pub(crate) fn keep_geometry_of(&self, pieces: &[Piece]) {
        let is_again = |pair: &[Piece]| {
            let [one, other] = pair else { return false };
            one.half_orbit.is_some() && self.place(one) == self.place(other) && one.entry != other.entry
        };
        let pixels = self.plan.swaths().iter().map(Swath::len).max().unwrap_or(0);
        if pieces.windows(2).any(is_again) && self.warm.fields.holds_metrics_of(pixels) {
            self.keep_geometry();
        }
    }

    /// Derives quantities of a granule from its heights.
    pub(crate) fn fields(&self, piece: &Piece) -> Fields<'_> {
        Fields {
            formulas: self.plan.formulas(),
            product: self.plan.product(),
            kept: &self.warm.fields,
            entry: piece.entry,
            place: self.place(piece),
        }
    }

    /// Rows of a variable with a shared packing: fill where the mask or its quality drops a value.
    pub(crate) fn load_packed<T: Sample + Packed>(
        &self,
        piece: &Piece,
        column: &Column,
        lines: Range<usize>,
        out: &mut Vec<T>,
    ) -> Result<(), DatasetError> {
        self.load_packed_masked(piece, column, lines, None, out)
    }

    /// The same where the mask of these lines (or more) is known.
    pub(crate) fn load_packed_masked<T: Sample + Packed>(
        &self,
        piece: &Piece,
        column: &Column,
        lines: Range<usize>,
        mask: Option<&Mask>,
        out: &mut Vec<T>,
    ) -> Result<(), DatasetError> {
        let dataset = self.open(piece)?;
        let dataset = dataset.as_ref();
        let path = column.path();
        let Some(packing) = &column.packing else {
            return Err(DatasetError::invalid(
                dataset.label(),
                &path,
                "it has no shared packing",
            ));
        };
        let rows = (!matches!(column.shape, Shape::Other(_))).then(|| lines.clone());
        self.announce_gated(dataset, column);
        load_shared(dataset, &path, packing, rows, out)?;
        let fill = packing.fill_as::<T>().unwrap_or_default();
        self.drop_unwanted(piece, column, lines, mask, (out, fill))
    }

    /// Rows of any variable as true values: NaN where there is none, or the mask or its quality drops it.
    pub(crate) fn load_real(
        &self,
        piece: &Piece,
        column: &Column,
        lines: Range<usize>,
        out: &mut Vec<f64>,
    ) -> Result<(), DatasetError> {
        self.load_real_masked(piece, column, lines, None, out)
    }

    /// The same where the mask of these lines (or more) is known.
    pub(crate) fn load_real_masked(
        &self,
        piece: &Piece,
        column: &Column,
        lines: Range<usize>,
        mask: Option<&Mask>,
        out: &mut Vec<f64>,
    ) -> Result<(), DatasetError> {
        let dataset = self.open(piece)?;
        let dataset = dataset.as_ref();
        let path = column.path();
        if column.derived {
            let derived = self.load_spread(piece, column, lines.clone())?;
            self.spare.give_numbers(std::mem::replace(out, derived));
        } else if let Shape::Other(_) = column.shape {
            let rows = dataset
                .root()
                .shape(&path)
                .and_then(|shape| shape.first().copied());
            *out = swath::decoded(dataset, &path, 0..rows.unwrap_or(0))?;
        } else {
            self.announce_gated(dataset, column);
            *out = swath::decoded(dataset, &path, lines.clone())?;
        }
        self.drop_unwanted(piece, column, lines, mask, (out, f64::NAN))
    }

    /// Tells the granule that a variable will be read, and the flag that gates it.
    fn announce_gated(&self, dataset: &dyn Dataset, column: &Column) {
        let path = column.path();
        let level = self.plan.selection().quality;
        let swath = self
            .plan
            .swaths()
            .iter()
            .find(|swath| swath.group == column.group);
        let gate = swath.and_then(|swath| gate_path(dataset, swath, &column.name, level));
        match &gate {
            Some((_, flag)) => dataset.will_read(&[&path, flag]),
            None => dataset.will_read(&[&path]),
        }
    }

    /// The true values of a variable at every pixel of some lines, with what it has per line or per pixel column spread
    /// over them: NaN where there is none, or its quality drops it. Masks are left to what it stands beside.
    pub(crate) fn load_spread(
        &self,
        piece: &Piece,
        column: &Column,
        lines: Range<usize>,
    ) -> Result<Vec<f64>, DatasetError> {
        let dataset = self.open(piece)?;
        let dataset = dataset.as_ref();
        let swath = self.swath(dataset, &column.group)?;
        let group = dataset.root().group(&column.group);
        let group = group.ok_or_else(|| DatasetError::no_variable(dataset.label(), &column.group))?;
        let program = self
            .plan
            .formulas()
            .program(group, &column.name)
            .map_err(|error| DatasetError::invalid(dataset.label(), &column.path(), error.to_string()))?;
        let ground = Ground {
            dataset,
            swath: &swath,
            level: Some(self.plan.selection().quality),
            fields: &self.fields(piece),
        };
        load_program(&ground, &program, lines)
    }

    /// True values of two fields, pixel by pixel; the second is a variable that the plan reads beside the first.
    pub(crate) fn load_pairs(
        &self,
        piece: &Piece,
        (column, with): (&Column, &Column),
        lines: Range<usize>,
        out: &mut Vec<Pair>,
    ) -> Result<(), DatasetError> {
        let mut first = Vec::new();
        self.load_real(piece, column, lines.clone(), &mut first)?;
        let second = self.load_spread(piece, with, lines)?;
        out.clear();
        out.extend(
            first
                .into_iter()
                .zip(second)
                .map(|(first, second)| [first, second]),
        );
        Ok(())
    }

    /// Writes fill over values that the mask or their quality drops.
    fn drop_unwanted<T: Copy>(
        &self,
        piece: &Piece,
        column: &Column,
        lines: Range<usize>,
        mask: Option<&Mask>,
        (values, fill): (&mut [T], T),
    ) -> Result<(), DatasetError> {
        if matches!(column.shape, Shape::Other(_)) {
            return Ok(());
        }
        let level = self.plan.selection().quality;
        if !self.has_masks() && level == karin_core::QualityLevel::Any {
            return Ok(());
        }
        let dataset = self.open(piece)?;
        let dataset = dataset.as_ref();
        let swath = self.swath(dataset, &column.group)?;
        match mask {
            Some(mask) => mask.apply(lines.clone(), column.shape, values, fill),
            None if self.only_drops_nadir() => {
                self.drop_nadir(dataset, &swath, (&lines, column.shape), (&mut *values, fill))?;
            }
            None if self.has_masks() => {
                self.mask_of_all(piece, dataset, &swath)?
                    .apply(lines.clone(), column.shape, values, fill)
            }
            None => {}
        }
        if !column.derived
            && let Some((gate, path)) = gate_path(dataset, &swath, &column.name, level)
        {
            let keep = self.gate(piece, dataset, &path, &gate, lines)?;
            if keep.len() != values.len() {
                let reason = format!("its quality flag {path} has another shape");
                return Err(DatasetError::invalid(dataset.label(), &column.path(), reason));
            }
            drop_where(values, &keep, fill);
        }
        Ok(())
    }

    /// Where a flag keeps values, kept for the other variables that it gates.
    fn gate(
        &self,
        piece: &Piece,
        dataset: &dyn Dataset,
        path: &str,
        gate: &karin_core::Gate,
        lines: Range<usize>,
    ) -> Result<Arc<Vec<u8>>, DatasetError> {
        let key = (piece.entry, format!("{path}?{}-{}", lines.start, lines.end));
        if let Some(keep) = self.warm.gates.recall(&key) {
            return Ok(keep);
        }
        let keep = gate_keep(dataset, path, gate, self.plan.selection().quality, lines)?;
        let bytes = keep.len();
        Ok(self.warm.gates.keep(key, keep, bytes))
    }
}
