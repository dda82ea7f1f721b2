//! Selections as lazy datasets: nothing but structure is read until values are asked for, and then only what is asked.
//!
//! ```text
//!   Plan ──> Cube   [cycle_number, pass_number, num_lines, num_pixels]      ┐
//!        ──> Lines  [num_lines, num_pixels], granules one behind the other  ├─> Dataset ──> outer (any indexing)
//!   granule files, results ─────────────────────────────────────────────────┘              ──> decode (true values)
//! ```
//!
//! Places without a granule or a line read as fill. A granule that cannot be read reads as fill too, and is named by
//! [`View::failures`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use karin_core::{Dataset, DatasetError, GroupMeta, NoProgress, Progress, Resources, Slab};
use karin_engine::{Engine, EngineError, Failure, Plan, Warm};

use crate::Error;

mod ahead;
mod axes;
mod cube;
mod decode;
mod lines;
mod outer;
mod rows;
mod structure;

pub use ahead::{ReadAhead, Wanted};
pub use decode::{Decoding, can_decode, decode};
pub use outer::{Indices, read_outer};

use axes::GroupLines;
use structure::{Held, RowSource};

/// A plan as one lazy dataset.
pub struct View {
    base: Base,
    shape: ViewShape,
}

/// How the granules lie.
enum ViewShape {
    Cube(cube::Cube),
    Lines(lines::Lines),
}

/// What both shapes need to read.
struct Base {
    plan: Arc<Plan>,
    warm: Arc<Warm>,
    resources: Resources,
    root: GroupMeta,
    held: HashMap<String, Held>,
    failures: Mutex<Vec<Failure>>,
}

impl View {
    /// The granules on axes of cycle, pass, line and pixel. Only lines and half orbits with something inside the
    /// region and time of the selection are on the axes; to find them, coordinates are read where there is a region,
    /// and nothing else.
    ///
    /// # Errors
    /// If the files have no swaths, or do not say cycle and pass; if no granule can be read; if the user stops it.
    pub fn cube(plan: Arc<Plan>, resources: Resources, progress: &dyn Progress) -> Result<Self, Error> {
        let (warm, groups) = survey(&plan, resources, progress)?;
        let (shape, root, held) = cube::of(&plan, groups)?;
        Ok(Self {
            base: Base::new(plan, warm, resources, root, held),
            shape: ViewShape::Cube(shape),
        })
    }

    /// The kept lines of all granules one behind the other, with cycle, pass and number of each.
    ///
    /// # Errors
    /// As [`View::cube`].
    pub fn lines(plan: Arc<Plan>, resources: Resources, progress: &dyn Progress) -> Result<Self, Error> {
        let (warm, groups) = survey(&plan, resources, progress)?;
        let (shape, root, held) = lines::of(&plan, groups)?;
        Ok(Self {
            base: Base::new(plan, warm, resources, root, held),
            shape: ViewShape::Lines(shape),
        })
    }

    /// Granules that could not be read since this was asked last; they read as fill.
    pub fn failures(&self) -> Vec<Failure> {
        let mut failures = self.base.failures.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *failures)
    }

    /// Of a cube: the half orbits that have granules in a group, as positions on the axes of cycle and pass, with the
    /// positions on the axis of lines between which theirs lie.
    pub fn cells(&self, group: &str) -> Vec<(usize, usize, std::ops::Range<usize>)> {
        match &self.shape {
            ViewShape::Cube(cube) => cube.cells(group),
            ViewShape::Lines(_) => Vec::new(),
        }
    }
}

/// Finds which lines of which granules are kept.
fn survey(
    plan: &Plan,
    resources: Resources,
    progress: &dyn Progress,
) -> Result<(Arc<Warm>, Vec<GroupLines>), Error> {
    let warm = Arc::new(Warm::new(plan, resources));
    let engine = Engine::with_warm(plan, resources, progress, Arc::clone(&warm))?;
    let groups = axes::survey(&engine, plan, progress)?;
    drop(engine);
    Ok((warm, groups))
}

/// One variable of a view under reading.
struct Request<'a> {
    base: &'a Base,
    path: &'a str,
    rows: &'a RowSource,
    progress: &'a dyn Progress,
}

impl Base {
    const fn of<'a>(&'a self, path: &'a str, rows: &'a RowSource, progress: &'a dyn Progress) -> Request<'a> {
        Request {
            base: self,
            path,
            rows,
            progress,
        }
    }

    fn new(
        plan: Arc<Plan>,
        warm: Arc<Warm>,
        resources: Resources,
        root: GroupMeta,
        held: HashMap<String, Held>,
    ) -> Self {
        Self {
            plan,
            warm,
            resources,
            root,
            held,
            failures: Mutex::default(),
        }
    }

    /// Runs `work` with an engine, and keeps what it could not read.
    fn with_engine<T>(
        &self,
        path: &str,
        progress: &dyn Progress,
        work: impl FnOnce(&Engine<'_>) -> Result<T, DatasetError>,
    ) -> Result<T, DatasetError> {
        let failed = |error: EngineError| {
            let kind = error.kind();
            DatasetError::new(kind, "the selection", path, error.to_string())
        };
        let warm = Arc::clone(&self.warm);
        let engine = Engine::with_warm(&self.plan, self.resources, progress, warm).map_err(failed)?;
        let done = work(&engine);
        engine.check().map_err(failed)?;
        let failures = engine.failures();
        if !failures.is_empty() {
            let mut kept = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
            kept.extend(failures);
        }
        done
    }
}

impl Dataset for View {
    fn label(&self) -> &str {
        "the selection"
    }

    fn root(&self) -> &GroupMeta {
        &self.base.root
    }

    fn read_into(&self, path: &str, slab: &Slab, out: &mut [u8]) -> Result<(), DatasetError> {
        self.read_with(path, slab, out, &NoProgress)
    }
}

/// A view that is read by somebody who may want to stop.
pub struct Reading<'a> {
    /// What is read.
    pub view: &'a View,
    /// Asked whether to stop.
    pub progress: &'a dyn Progress,
}

impl Dataset for Reading<'_> {
    fn label(&self) -> &str {
        self.view.label()
    }

    fn root(&self) -> &GroupMeta {
        self.view.root()
    }

    fn read_into(&self, path: &str, slab: &Slab, out: &mut [u8]) -> Result<(), DatasetError> {
        self.view.read_with(path, slab, out, self.progress)
    }
}

impl View {
    fn read_with(
        &self,
        path: &str,
        slab: &Slab,
        out: &mut [u8],
        progress: &dyn Progress,
    ) -> Result<(), DatasetError> {
        let missing = || DatasetError::no_variable(self.label(), path);
        let shape = self.root().shape(path).ok_or_else(missing)?;
        let size = self.root().variable(path).ok_or_else(missing)?.dtype.size();
        if !slab.fits(&shape) || out.len() != slab.len() * size {
            let reason = format!("{slab:?} does not fit the shape {shape:?} or the buffer");
            return Err(DatasetError::invalid(self.label(), path, reason));
        }
        if slab.is_empty() {
            return Ok(());
        }
        match self.base.held.get(path).ok_or_else(missing)? {
            Held::Array(array) => {
                let array = structure::memory(path, array);
                array.read_into(path, slab, out)
            }
            Held::Rows(rows) => match &self.shape {
                ViewShape::Cube(cube) => cube.read(&self.base.of(path, rows, progress), slab, out),
                ViewShape::Lines(lines) => lines.read(&self.base.of(path, rows, progress), slab, out),
            },
        }
    }
}
