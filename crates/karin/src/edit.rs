//! Editing: a chain of named rules, and for every pixel the rule that rejected it first.
//!
//! Scope: conditions are expressions of the engine, tests of outliers those of [`karin_science::editing`]; both look at one
//! granule at a time. Granules are edited in parallel and joined in the order of the plan.
//! Not here: quality levels and regions, which belong to the selection: what it drops is no value to begin with.
//!
//! ```text
//!   Rules ──> Selection (variable, conditions as derived variables) ──> Plan ──> granules ──> marks ──> report, dataset
//! ```

use std::path::Path;

use karin_core::{Dataset as _, DatasetError, Progress, Resources, Selection};
use karin_engine::swath::{Shape, Swath};
use karin_engine::{Column, Engine, EngineError, Failure, MemoryDataset, Piece, Plan};
use karin_science::Extent;
use karin_science::editing::{Chain, mean_std_outliers, median_outliers, spline_outliers};
use rayon::prelude::*;

use crate::Error;
use crate::output::{self, WriteOptions};

mod result;
mod rules;

pub use rules::{Rule, Rules, Test};

/// What the names of conditions begin with while they are variables of a selection.
const CONDITION: &str = "karin_rule_";
/// Bytes of a pixel while its granule is edited: values, their filtered versions, marks, and those of the result.
const PIXEL_BYTES: u64 = 80;

/// How many pixels a rule rejected.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Count {
    /// Its number; 0 is what is kept.
    pub number: usize,
    /// Its name.
    pub name: String,
    /// Pixels that it rejected first.
    pub pixels: u64,
    /// Their share of the pixels with a value, in percent.
    pub percent: f64,
}

/// An edited selection.
#[derive(Debug)]
pub struct Edited {
    /// Pixels kept, then those of each rule.
    pub counts: Vec<Count>,
    /// Granules edited.
    pub granules: usize,
    /// Granules left out, and why.
    pub failures: Vec<Failure>,
    variable: String,
    dataset: MemoryDataset,
}

/// A swath of a granule, edited.
struct Part {
    piece: Piece,
    group: String,
    /// Kept lines, by their index in the granule.
    lines: Vec<usize>,
    num_pixels: usize,
    values: Vec<f64>,
    marks: Vec<u8>,
    longitude: Vec<f64>,
    latitude: Vec<f64>,
    time: Vec<f64>,
}

impl Rules {
    /// What a selection has to hold for these rules: the variable, and the conditions as derived variables.
    pub fn selection(&self, selection: &Selection) -> Selection {
        let mut own = selection.clone();
        own.variables = vec![self.variable.clone()];
        for (index, rule) in self.rules.iter().enumerate() {
            let text = match &rule.test {
                Test::Keep(text) => format!("({text}) != 0"),
                // A comparison with a missing value is false: it rejects nothing.
                Test::Reject(text) => format!("not (({text}) != 0)"),
                _ => continue,
            };
            let name = format!("{CONDITION}{index}");
            own.variables.push(name.clone());
            own.lets.push((name, text));
        }
        own
    }
}

/// Edits the granules of a plan, which is one of [`Rules::selection`]. With `keep`, the edited values and marks are kept for
/// [`Edited::write`]; without, only the report is made.
///
/// # Errors
/// If no granule can be read, or what is kept does not fit into half of the memory budget.
pub fn edit(
    plan: &Plan,
    rules: &Rules,
    keep: bool,
    resources: Resources,
    progress: &dyn Progress,
) -> Result<Edited, Error> {
    plan.check_derivation()?;
    let engine = Engine::new(plan, resources, progress)?;
    let jobs = resources.jobs.max(1);
    let mut parts = Vec::new();
    let mut counts = vec![0u64; rules.rules.len() + 1];
    let (mut granules, mut bytes) = (0, 0u64);
    progress.start("edit", plan.pieces().len() as u64, plan.stored_bytes());
    for pieces in plan.pieces().chunks(2 * jobs) {
        if progress.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let one = |piece: &Piece| {
            let edited = granule(&engine, piece, rules, (keep, resources));
            progress.advance(1, 0);
            edited
        };
        let edited: Vec<_> = engine.install(|| pieces.par_iter().map(one).collect());
        for (piece, edited) in pieces.iter().zip(edited) {
            match edited {
                Ok((own, own_parts)) => {
                    granules += 1;
                    counts.iter_mut().zip(own).for_each(|(count, own)| *count += own);
                    bytes += own_parts.iter().map(Part::bytes).sum::<u64>();
                    parts.extend(own_parts);
                }
                Err(error) => engine.fail(piece, &error),
            }
        }
        let budget = resources.memory / 2;
        if bytes > budget {
            return Err(EngineError::Memory {
                needed: bytes,
                budget,
            }
            .into());
        }
    }
    progress.finish();
    engine.report_failures();
    let failures = engine.failures();
    if let (Some(failure), 0) = (failures.first(), granules) {
        return Err(DatasetError::new(failure.kind, &failure.granule, "", failure.reason.clone()).into());
    }
    Ok(Edited {
        counts: report(rules, &counts),
        granules,
        failures,
        variable: rules.variable.clone(),
        dataset: result::of(plan, rules, &parts),
    })
}

fn report(rules: &Rules, counts: &[u64]) -> Vec<Count> {
    let all = counts.iter().sum::<u64>().max(1) as f64;
    let names = std::iter::once("kept").chain(rules.rules.iter().map(|rule| rule.name.as_str()));
    let row = |(number, (name, pixels)): (usize, (&str, &u64))| Count {
        number,
        name: name.to_owned(),
        pixels: *pixels,
        percent: 100.0 * *pixels as f64 / all,
    };
    names.zip(counts).enumerate().map(row).collect()
}

/// Counts of a granule and, where they are kept, its swaths.
fn granule(
    engine: &Engine<'_>,
    piece: &Piece,
    rules: &Rules,
    (keep, resources): (bool, Resources),
) -> Result<(Vec<u64>, Vec<Part>), DatasetError> {
    let plan = engine.plan();
    let (mut counts, mut parts) = (vec![0; rules.rules.len() + 1], Vec::new());
    let is_own = |column: &&Column| column.name == rules.variable && column.shape == Shape::Pixels;
    for column in plan.columns().iter().filter(is_own) {
        let (dataset, swath) = engine.swath_of(piece, &column.group)?;
        let needed = swath.len() as u64 * PIXEL_BYTES * resources.jobs.max(1) as u64;
        if needed > resources.memory {
            let error = EngineError::Memory {
                needed,
                budget: resources.memory,
            };
            return Err(DatasetError::new(
                error.kind(),
                dataset.label(),
                "",
                error.to_string(),
            ));
        }
        let field = engine.field(piece, column, 0..swath.num_lines)?;
        let chain = chain(engine, (piece, column, &swath), &field, rules)?;
        counts
            .iter_mut()
            .zip(chain.counts())
            .for_each(|(count, own)| *count += own);
        if keep {
            let (longitude, latitude) = swath.positions(dataset.as_ref(), 0..swath.num_lines)?;
            let part = Part {
                piece: *piece,
                group: column.group.clone(),
                lines: (0..swath.num_lines).collect(),
                num_pixels: swath.num_pixels,
                values: chain.kept(&field),
                marks: chain.marks().to_vec(),
                longitude,
                latitude,
                time: swath.times(dataset.as_ref(), 0..swath.num_lines)?,
            };
            let is_crop = plan.selection().region.is_some() || plan.selection().time.is_some();
            parts.push(if is_crop || plan.pieces().len() > 1 {
                part.without_empty_lines()
            } else {
                part
            });
        }
    }
    Ok((counts, parts))
}

/// Applies the rules to a field, one after the other.
fn chain(
    engine: &Engine<'_>,
    (piece, column, swath): (&Piece, &Column, &Swath),
    field: &[f64],
    rules: &Rules,
) -> Result<Chain, DatasetError> {
    let extent = Extent::new(swath.num_lines, swath.num_pixels);
    let mut chain = Chain::new(field);
    for (index, rule) in rules.rules.iter().enumerate() {
        match &rule.test {
            Test::Keep(_) | Test::Reject(_) => {
                let name = format!("{CONDITION}{index}");
                let own = |own: &&Column| own.name == name && own.group == column.group;
                let own = engine.plan().columns().iter().find(own);
                let own = own.ok_or_else(|| DatasetError::no_variable(&rule.name, &name))?;
                let holds = engine.field(piece, own, 0..swath.num_lines)?;
                // 1 where it holds; what the selection drops is NaN, and has no value anyway.
                chain.reject(holds.into_iter().map(|holds| holds != 1.0));
            }
            Test::MeanStd { n, iterations } => {
                chain.reject(mean_std_outliers(&chain.kept(field), *n, *iterations));
            }
            Test::Median { lines, pixels, n } => {
                let half = (lines / 2, pixels / 2);
                chain.reject(median_outliers(&chain.kept(field), extent, half, *n));
            }
            Test::Spline { wavelength, n } => {
                chain.reject(spline_outliers(&chain.kept(field), extent, *wavelength, *n));
            }
        }
    }
    Ok(chain)
}

impl Part {
    fn bytes(&self) -> u64 {
        (self.values.len() * 25 + self.lines.len() * 16) as u64
    }

    /// Only lines with a value, rejected or not.
    fn without_empty_lines(mut self) -> Self {
        let width = self.num_pixels.max(1);
        let has_value = |row: &[u8]| row.iter().any(|mark| *mark != Chain::NO_VALUE);
        let keep: Vec<bool> = self.marks.chunks(width).map(has_value).collect();
        let pick = |values: &[f64], width: usize| -> Vec<f64> {
            let rows = values.chunks(width.max(1)).zip(&keep).filter(|(_, keep)| **keep);
            rows.flat_map(|(row, _)| row.iter().copied()).collect()
        };
        self.values = pick(&self.values, width);
        self.longitude = pick(&self.longitude, width);
        self.latitude = pick(&self.latitude, width);
        self.time = pick(&self.time, 1);
        let rows = self.marks.chunks(width).zip(&keep).filter(|(_, keep)| **keep);
        self.marks = rows.flat_map(|(row, _)| row.iter().copied()).collect();
        self.lines = self
            .lines
            .iter()
            .zip(&keep)
            .filter(|(_, keep)| **keep)
            .map(|(line, _)| *line)
            .collect();
        self
    }
}

impl Edited {
    /// The edited variable and, under its name with `_editing`, which rule rejected each pixel first; granules one after the
    /// other along `num_lines`.
    pub fn dataset(&self) -> &MemoryDataset {
        &self.dataset
    }

    /// Product, granules, and how much of them is kept.
    fn summary(&self) -> String {
        let product = self
            .dataset
            .root()
            .attributes
            .text("source_product")
            .unwrap_or_default();
        let granules = if self.granules == 1 { "granule" } else { "granules" };
        let kept = self.counts.first().map_or(0.0, |count| count.percent);
        let parts = [
            Some(product.to_owned()).filter(|product| !product.is_empty()),
            Some(format!("{} {granules}", self.granules)),
            Some(format!("{kept:.1} % kept")),
        ];
        crate::plot::subtitle::of(parts)
    }

    /// Writes them in the format of the extension: `.png` is a map of what is kept.
    ///
    /// # Errors
    /// If nothing was kept for it, the extension is unknown, or the file cannot be written.
    pub fn write(
        &self,
        path: &Path,
        history: &str,
        resources: Resources,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let mut dataset = self.dataset.clone();
        if dataset.root().variable_paths().is_empty() {
            return Err(EngineError::Empty("no pixel has a value".to_owned()).into());
        }
        dataset.root_mut().attributes.set("history", history);
        if output::Format::of(path)? == output::Format::Png {
            let options = crate::plot::MapOptions {
                title: format!("{} after editing", self.variable),
                subtitle: self.summary(),
                ..Default::default()
            };
            return crate::plot::dataset(&dataset, Some(&self.variable), options)?.write(path);
        }
        let options = WriteOptions::default().with_resources(resources);
        Ok(output::write(path, &dataset, &options, progress)?)
    }
}
