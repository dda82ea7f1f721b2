//! The lines of many granules on axes of cycle, pass, line and pixel. Places without a line read as fill.

use std::collections::HashMap;

use karin_core::fill::fill_bytes;
use karin_core::{
    Array, AttrValue, DType, Dataset, DatasetError, Dimension, GroupMeta, Slab, Storage, Values, VariableMeta,
};
use karin_engine::{MemoryDataset, Plan};

use super::granule::index_variable;
use super::group_mut;
use super::lines::{Lines, ORIGIN, SwathLines};
use crate::Error;

/// Rows of the spool for one (cycle, pass): position on the line axis, and row.
type Rows = Vec<(u32, u32)>;

/// The axes of one group.
#[derive(Debug)]
struct Axes {
    cycles: Vec<i16>,
    passes: Vec<i16>,
    lines: Vec<i32>,
    rows: HashMap<(usize, usize), Rows>,
}

/// A view of collected lines.
#[derive(Debug)]
pub(super) struct Cube {
    lines: Lines,
    axes: Vec<Axes>,
    root: GroupMeta,
    /// Axis variables, and the schema of each granule.
    small: MemoryDataset,
    /// Variables that are the same in all cycles: coordinates of a fixed grid.
    per_pass: Vec<String>,
}

impl Axes {
    fn of(own: &SwathLines) -> Self {
        fn sorted<T: Ord + Copy>(values: impl Iterator<Item = T>) -> Vec<T> {
            let mut values: Vec<T> = values.collect();
            values.sort_unstable();
            values.dedup();
            values
        }
        let all = &own.lines;
        let cycles = sorted(all.iter().map(|line| line.cycle));
        let passes = sorted(all.iter().map(|line| line.pass));
        let lines = sorted(all.iter().map(|line| line.number));
        let mut rows: HashMap<(usize, usize), Rows> = HashMap::new();
        for (row, line) in all.iter().enumerate() {
            let place = (
                cycles.binary_search(&line.cycle),
                passes.binary_search(&line.pass),
                lines.binary_search(&line.number),
            );
            if let (Ok(cycle), Ok(pass), Ok(at)) = place {
                rows.entry((cycle, pass))
                    .or_default()
                    .push((at as u32, row as u32));
            }
        }
        rows.values_mut().for_each(|rows| rows.sort_unstable());
        Self {
            cycles,
            passes,
            lines,
            rows,
        }
    }
}

impl Axes {
    /// The schema of each (cycle, pass): of its first line, as all lines of a granule are of one.
    fn schemas(&self, lines: &Lines, path: &str) -> Result<Array, Error> {
        let (cycles, passes) = (self.cycles.len(), self.passes.len());
        let mut schemas = vec![NO_SCHEMA; cycles * passes];
        for ((cycle, pass), rows) in &self.rows {
            let mut byte = [0];
            if let (Some((_, row)), Some(schema)) = (rows.first(), schemas.get_mut(cycle * passes + pass)) {
                lines.spool.read_rows(path, *row as usize, &mut byte)?;
                *schema = i8::from_ne_bytes(byte);
            }
        }
        Ok(Array {
            shape: vec![cycles, passes],
            values: Values::Int8(schemas),
        })
    }
}

impl Cube {
    pub(super) fn of(plan: &Plan, lines: Lines) -> Result<Self, Error> {
        let mut root = lines.dataset().root().clone();
        let mut small = MemoryDataset::new("the extract");
        let mut per_pass = Vec::new();
        let is_fixed = plan.has_fixed_grid();
        let axes: Vec<Axes> = lines.groups.iter().map(Axes::of).collect();
        for (swath, axes) in lines.swaths.iter().zip(&axes) {
            let Some(group) = group_mut(&mut root, &swath.group) else {
                continue;
            };
            if is_fixed {
                per_pass.extend([swath.latitude.clone(), swath.longitude.clone()]);
            }
            for (name, values) in [
                ("cycle_number", Values::Int16(axes.cycles.clone())),
                ("pass_number", Values::Int16(axes.passes.clone())),
                (swath.lines_dimension.as_str(), Values::Int32(axes.lines.clone())),
            ] {
                let shape = vec![values.len()];
                small.set(&swath.path(name), Array { shape, values });
            }
            let path = swath.path("schema");
            if group.variables.iter().any(|variable| variable.name == "schema") {
                small.set(&path, axes.schemas(&lines, &path)?);
            }
            let fixed =
                |name: &str| is_fixed && [&swath.latitude, &swath.longitude].contains(&&swath.path(name));
            reshape(group, &swath.lines_dimension, axes, fixed);
        }
        Ok(Self {
            lines,
            axes,
            root,
            small,
            per_pass,
        })
    }

    fn axes_of(&self, path: &str) -> Option<&Axes> {
        let group = path.rsplit_once('/').map_or("", |(group, _)| group);
        let number = self.lines.swaths.iter().position(|swath| swath.group == group)?;
        self.axes.get(number)
    }

    /// The rows of one (cycle, pass) in a range of the line axis, into a buffer of fill.
    fn place(
        &self,
        path: &str,
        rows: &[(u32, u32)],
        lines: std::ops::Range<usize>,
        out: &mut [u8],
    ) -> Result<(), DatasetError> {
        let row_bytes = self.lines.spool.row_bytes(path);
        let first = rows.partition_point(|&(at, _)| (at as usize) < lines.start);
        let last = rows.partition_point(|&(at, _)| (at as usize) < lines.end);
        let wanted = rows.get(first..last).unwrap_or_default();
        // Neighbours on both sides are read at once.
        for run in wanted.chunk_by(|a, b| a.0 + 1 == b.0 && a.1 + 1 == b.1) {
            let Some(&(at, row)) = run.first() else { continue };
            let to = (at as usize - lines.start) * row_bytes;
            if let Some(out) = out.get_mut(to..to + run.len() * row_bytes) {
                self.lines.spool.read_rows(path, row as usize, out)?;
            }
        }
        Ok(())
    }
}

/// Where there is no granule.
const NO_SCHEMA: i8 = -1;

/// Turns a group of lines into one of a cube.
fn reshape(group: &mut GroupMeta, lines: &str, axes: &Axes, is_fixed: impl Fn(&str) -> bool) {
    let dimension = |name: &str, size| Dimension {
        name: name.to_owned(),
        size,
        unlimited: false,
    };
    group.dimensions.retain(|known| known.name != lines);
    let leading = [
        dimension("cycle_number", axes.cycles.len()),
        dimension("pass_number", axes.passes.len()),
        dimension(lines, axes.lines.len()),
    ];
    group.dimensions.splice(0..0, leading);
    let own = |name: &str, dtype, long_name: &str| VariableMeta {
        name: name.to_owned(),
        dtype,
        dimensions: vec![name.to_owned()],
        attributes: [("long_name", long_name)].into_iter().collect(),
        storage: Storage::default(),
    };
    let mut variables = vec![
        own("cycle_number", DType::Int16, "cycle number"),
        own("pass_number", DType::Int16, "pass number"),
        index_variable(lines),
    ];
    let replaced = ["cycle_number", "pass_number", "line_number", lines];
    for mut variable in std::mem::take(&mut group.variables) {
        if variable.name == "schema" {
            variable.dimensions = vec!["cycle_number".into(), "pass_number".into()];
            variable
                .attributes
                .set("long_name", "processing that the granule is of");
            variable
                .attributes
                .set("_FillValue", AttrValue::number(NO_SCHEMA));
            variable.storage = Storage::default();
            variables.push(variable);
            continue;
        }
        if replaced.contains(&variable.name.as_str()) {
            continue;
        }
        if variable.dimensions.first().is_some_and(|first| first == lines) {
            let mut chunks = vec![1];
            variable.dimensions.insert(0, "pass_number".into());
            if !is_fixed(&variable.name) {
                variable.dimensions.insert(0, "cycle_number".into());
                chunks.push(1);
            }
            // Cycle, pass and line are axes now, which need no mention.
            if let Some(text) = variable.attributes.text("coordinates") {
                let kept = text.split_whitespace();
                let kept: Vec<&str> = kept
                    .filter(|word| *word == "schema" || !ORIGIN.contains(word))
                    .collect();
                match kept.as_slice() {
                    [] => variable.attributes.remove("coordinates"),
                    kept => {
                        let kept = kept.join(" ");
                        variable.attributes.set("coordinates", kept);
                        None
                    }
                };
            }
            let length = |name: &String| {
                group
                    .dimensions
                    .iter()
                    .find(|known| known.name == *name)
                    .map_or(1, |known| known.size)
            };
            chunks.extend(variable.dimensions.iter().skip(chunks.len()).map(length));
            variable.storage.chunks = Some(chunks);
            // Places without a line are the rule here: readers need to be told how they look.
            if variable.dtype.is_numeric() && variable.attributes.get("_FillValue").is_none() {
                let mut fill = Values::zeros(variable.dtype, 1);
                fill.as_bytes_mut().copy_from_slice(&fill_bytes(&variable));
                variable.attributes.set("_FillValue", AttrValue::Array(fill));
            }
        }
        variables.push(variable);
    }
    group.variables = variables;
}

impl Dataset for Cube {
    fn label(&self) -> &str {
        "the extract"
    }

    fn root(&self) -> &GroupMeta {
        &self.root
    }

    fn read_into(&self, path: &str, slab: &Slab, out: &mut [u8]) -> Result<(), DatasetError> {
        let missing = || DatasetError::no_variable(self.label(), path);
        let variable = self.root.variable(path).ok_or_else(missing)?;
        if self.small.array(path).is_some() {
            return self.small.read_into(path, slab, out);
        }
        if variable
            .dimensions
            .first()
            .is_none_or(|first| first != "cycle_number" && first != "pass_number")
        {
            return self.lines.dataset().read_into(path, slab, out);
        }
        self.read_placed(path, variable, slab, out)
    }
}

impl Cube {
    fn read_placed(
        &self,
        path: &str,
        variable: &VariableMeta,
        slab: &Slab,
        out: &mut [u8],
    ) -> Result<(), DatasetError> {
        let missing = || DatasetError::no_variable(self.label(), path);
        let axes = self.axes_of(path).ok_or_else(missing)?;
        let shape = self.root.shape(path).ok_or_else(missing)?;
        let is_per_pass = self.per_pass.iter().any(|own| own == path);
        let outer = if is_per_pass { 1 } else { 2 };
        let fill = fill_bytes(variable);
        let lines = slab.start[outer]..slab.start[outer] + slab.count[outer];
        let row_bytes = self.lines.spool.row_bytes(path);
        let inner = Slab {
            start: slab.start[outer..].to_vec(),
            count: slab.count[outer..].to_vec(),
        };
        let is_whole = inner.count.get(1..) == shape.get(outer + 1..);
        let mut block = Vec::new();
        let cells: usize = slab.count.iter().take(outer).product();
        let part = out.len() / cells.max(1);
        for (number, out) in out.chunks_exact_mut(part.max(1)).enumerate() {
            let pass = slab.start[outer - 1] + number % slab.count[outer - 1];
            let cycle = if is_per_pass {
                None
            } else {
                Some(slab.start[0] + number / slab.count[1])
            };
            block.clear();
            block.extend(fill.iter().copied().cycle().take(lines.len() * row_bytes));
            // On a fixed grid, any cycle that has the line will do.
            let cycles = cycle.map_or(0..axes.cycles.len(), |cycle| cycle..cycle + 1);
            for rows in cycles.rev().filter_map(|cycle| axes.rows.get(&(cycle, pass))) {
                self.place(path, rows, lines.clone(), &mut block)?;
            }
            if is_whole {
                out.copy_from_slice(block.get(..out.len()).ok_or_else(missing)?);
                continue;
            }
            let per_line = out.len() / lines.len().max(1);
            for (row, out) in block
                .chunks_exact(row_bytes.max(1))
                .zip(out.chunks_exact_mut(per_line.max(1)))
            {
                super::spool::copy_part(row, &shape[outer..], &inner, variable.dtype.size(), out);
            }
        }
        Ok(())
    }
}
