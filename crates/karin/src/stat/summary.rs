//! What a result looks like from afar, found while its values are in the cache.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use karin_core::{DatasetError, GroupMeta, Packing, Progress, Resources, Slab, Values};
use karin_engine::{Plan, Report, SharedSink, Tally, reduce_shared};
use multiversion::multiversion;

use super::Reduction;
use crate::Error;

/// Per variable of a result: how many values there are and between which numbers they lie.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    rows: Vec<SummaryRow>,
}

/// One variable of a [`Summary`].
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct SummaryRow {
    /// Path of the result variable.
    pub variable: String,
    /// Units, where known.
    pub units: String,
    /// Values of the result, fill included.
    pub cells: u64,
    /// Values that are not fill.
    pub values: u64,
    /// Smallest value.
    pub min: f64,
    /// Mean of the values.
    pub mean: f64,
    /// Greatest value.
    pub max: f64,
}

impl Summary {
    /// One row per variable, coordinates left out.
    pub fn rows(&self) -> &[SummaryRow] {
        &self.rows
    }
}

/// Reduces into a summary: nothing of the result is kept.
///
/// # Errors
/// As [`reduce`](karin_engine::reduce).
pub fn summarise(
    plan: &Plan,
    reduction: &Reduction,
    resources: Resources,
    progress: &dyn Progress,
) -> Result<(Summary, Report), Error> {
    let gathering = Gathering::default();
    let report = reduce_shared(plan, reduction, resources, progress, &gathering)?;
    Ok((gathering.summary(), report))
}

/// A summary that all threads add to.
#[derive(Default)]
struct Gathering {
    structure: OnceLock<Structure>,
    blocks: Mutex<Vec<Block>>,
}

/// The variables that are summed up.
struct Structure {
    rows: Vec<SummaryRow>,
    /// By path: the row, and what stored values mean.
    known: HashMap<String, (usize, Option<Packing>)>,
}

impl Structure {
    fn of(root: &GroupMeta) -> Self {
        let is_axis = |path: &String| {
            let name = path.rsplit('/').next().unwrap_or(path);
            matches!(name, "latitude" | "longitude" | "lat" | "lon" | "schema")
                || name.ends_with("_bounds")
                || root.variable(path).is_some_and(|meta| meta.dimensions == [name])
        };
        let row = |path: String| SummaryRow {
            units: root
                .variable(&path)
                .and_then(|meta| meta.attributes.text("units"))
                .unwrap_or("")
                .to_owned(),
            variable: path,
            cells: 0,
            values: 0,
            min: f64::INFINITY,
            mean: 0.0,
            max: f64::NEG_INFINITY,
        };
        let paths = root.variable_paths().into_iter();
        let rows: Vec<SummaryRow> = paths.filter(|path| !is_axis(path)).map(row).collect();
        let of_row = |(index, row): (usize, &SummaryRow)| {
            let packing = root.variable(&row.variable).and_then(Packing::of);
            (row.variable.clone(), (index, packing))
        };
        Self {
            known: rows.iter().enumerate().map(of_row).collect(),
            rows,
        }
    }
}

/// One block of a variable, summed up.
struct Block {
    row: usize,
    /// Where it begins: blocks are added in this order, so that the summary does not depend on threads.
    start: Vec<usize>,
    strands: Strands,
}

impl Gathering {
    fn blocks(&self) -> MutexGuard<'_, Vec<Block>> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn block(&self, path: &str, slab: &Slab) -> Option<OfBlock<'_>> {
        let (row, packing) = self.structure.get()?.known.get(path)?;
        let block = Block {
            row: *row,
            start: slab.start.clone(),
            strands: Strands::default(),
        };
        Some(OfBlock {
            gathering: self,
            packing: packing.as_ref(),
            block,
        })
    }

    fn summary(self) -> Summary {
        let mut rows = self
            .structure
            .into_inner()
            .map_or_else(Vec::new, |structure| structure.rows);
        let mut blocks = self.blocks.into_inner().unwrap_or_else(PoisonError::into_inner);
        blocks.sort_by(|one, other| (one.row, &one.start).cmp(&(other.row, &other.start)));
        for block in &blocks {
            if let Some(row) = rows.get_mut(block.row) {
                block.strands.add_to(row);
            }
        }
        Summary { rows }
    }
}

impl SharedSink for Gathering {
    fn begin(&self, root: &GroupMeta) -> Result<(), DatasetError> {
        self.structure.get_or_init(|| Structure::of(root));
        Ok(())
    }

    fn write(&self, path: &str, slab: &Slab, values: &Values) -> Result<(), DatasetError> {
        if let Some(mut block) = self.block(path, slab) {
            block.add(values)?;
            Box::new(block).finish();
        }
        Ok(())
    }

    fn only_tallies(&self) -> bool {
        true
    }

    fn tally(&self, path: &str, slab: &Slab) -> Option<Box<dyn Tally + '_>> {
        self.block(path, slab)
            .map(|block| Box::new(block) as Box<dyn Tally>)
    }
}

/// A block under way.
struct OfBlock<'g> {
    gathering: &'g Gathering,
    packing: Option<&'g Packing>,
    block: Block,
}

impl Tally for OfBlock<'_> {
    fn add(&mut self, values: &Values) -> Result<(), DatasetError> {
        match values {
            Values::Float64(values) => self.block.strands.add(values),
            other => {
                let decoded = self.packing.and_then(|packing| packing.decode(other).ok());
                self.block.strands.add(&decoded.unwrap_or_default());
            }
        }
        Ok(())
    }

    fn finish(self: Box<Self>) {
        self.gathering.blocks().push(self.block);
    }
}

/// Values that the processor adds up at a time.
const STRANDS: usize = 8;

/// Number, sum, smallest and greatest of the values that are not NaN, of every eighth value each: of the same whatever pieces
/// they come in.
#[derive(Clone, Debug)]
struct Strands {
    /// NaN included.
    cells: u64,
    counts: [u64; STRANDS],
    sums: [f64; STRANDS],
    least: [f64; STRANDS],
    greatest: [f64; STRANDS],
}

impl Default for Strands {
    fn default() -> Self {
        Self {
            cells: 0,
            counts: [0; STRANDS],
            sums: [0.0; STRANDS],
            least: [f64::INFINITY; STRANDS],
            greatest: [f64::NEG_INFINITY; STRANDS],
        }
    }
}

impl Strands {
    fn add(&mut self, values: &[f64]) {
        let begun = (self.cells % STRANDS as u64) as usize;
        let before = if begun == 0 { 0 } else { STRANDS - begun };
        let (head, values) = values.split_at(before.min(values.len()));
        self.add_some(begun, head);
        let (blocks, rest) = values.as_chunks::<STRANDS>();
        add_blocks(self, blocks);
        self.add_some(0, rest);
        self.cells += (head.len() + values.len()) as u64;
    }

    fn add_some(&mut self, first: usize, values: &[f64]) {
        for (strand, &value) in (first..STRANDS).zip(values) {
            self.add_one(strand, value);
        }
    }

    #[inline(always)]
    fn add_one(&mut self, strand: usize, value: f64) {
        let is_value = !value.is_nan();
        self.counts[strand] += u64::from(is_value);
        self.sums[strand] += if is_value { value } else { 0.0 };
        let (least, greatest) = (&mut self.least[strand], &mut self.greatest[strand]);
        *least = if value < *least { value } else { *least };
        *greatest = if value > *greatest { value } else { *greatest };
    }

    fn add_to(&self, row: &mut SummaryRow) {
        row.cells += self.cells;
        let count: u64 = self.counts.iter().sum();
        if count == 0 {
            return;
        }
        let before = row.values as f64;
        row.values += count;
        let all = row.values as f64;
        row.mean = row.mean * (before / all) + self.sums.iter().sum::<f64>() / all;
        row.min = self.least.iter().copied().fold(row.min, f64::min);
        row.max = self.greatest.iter().copied().fold(row.max, f64::max);
    }
}

/// Adds whole rounds of strands. Compiled for wider vectors too.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn add_blocks(strands: &mut Strands, blocks: &[[f64; STRANDS]]) {
    // In a variable of its own, so that it stays in registers.
    let mut own = strands.clone();
    for block in blocks {
        for (strand, &value) in block.iter().enumerate() {
            own.add_one(strand, value);
        }
    }
    *strands = own;
}

#[cfg(test)]
mod tests {
    use karin_core::{Attributes, DType, Storage, VariableMeta};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_pieces_give_the_same_summary(
            values in prop::collection::vec(prop::option::weighted(0.8, -1e6f64..1e6), 0..400),
            cuts in prop::collection::vec(0.0f64..1.0, 0..6),
        ) {
            let values: Vec<f64> = values.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| (cut * values.len() as f64) as usize).collect();
            cuts.extend([0, values.len()]);
            cuts.sort_unstable();
            let root = GroupMeta {
                variables: vec![VariableMeta {
                    name: "x".to_owned(),
                    dtype: DType::Float64,
                    dimensions: vec!["n".to_owned(), "m".to_owned()],
                    attributes: Attributes::default(),
                    storage: Storage::default(),
                }],
                ..GroupMeta::default()
            };
            let slab = Slab::all(&[values.len(), 1]);
            let (whole, pieces) = (Gathering::default(), Gathering::default());
            whole.begin(&root).unwrap();
            pieces.begin(&root).unwrap();
            whole.write("x", &slab, &Values::Float64(values.clone())).unwrap();
            let mut tally = pieces.tally("x", &slab).unwrap();
            for pair in cuts.windows(2) {
                tally.add(&Values::Float64(values[pair[0]..pair[1]].to_vec())).unwrap();
            }
            tally.finish();
            let (whole, pieces) = (whole.summary(), pieces.summary());
            prop_assert_eq!(whole.rows(), pieces.rows());
            let kept: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
            let row = &whole.rows()[0];
            prop_assert_eq!((row.cells, row.values), (values.len() as u64, kept.len() as u64));
            if !kept.is_empty() {
                let mean = kept.iter().sum::<f64>() / kept.len() as f64;
                prop_assert!((row.mean - mean).abs() <= 1e-9 * 1e6);
                prop_assert_eq!(row.min, kept.iter().copied().fold(f64::INFINITY, f64::min));
                prop_assert_eq!(row.max, kept.iter().copied().fold(f64::NEG_INFINITY, f64::max));
            }
        }
    }
}
