//! From a tree of arrays to rows: one per pixel or cell that has a value.
//!
//! In every group, the dimensions of its variable of highest rank are those of the rows. Variables with fewer of them
//! are repeated; variables with others are left out, and so are the edges of cells (CF `bounds`). A dimension without a coordinate variable becomes a column of indices.

use karin_core::{Dataset, DatasetError, GroupMeta, Progress, Slab, Values, VariableMeta};
use rayon::prelude::*;

use super::cells::{Cells, Kind};

mod sections;

/// Columns that come first, in this order.
const FIRST: [&str; 8] = [
    "side",
    "cycle_number",
    "pass_number",
    "line_number",
    "num_lines",
    "num_pixels",
    "time",
    "longitude",
];

/// A column of the table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// The variable's attributes that readers want: unit, name, comment.
    pub(super) notes: Vec<(String, String)>,
}

/// Where the cells of a column come from in one group.
#[derive(Clone, Debug)]
enum Origin {
    /// A variable, and for each of its dimensions the row dimension that it is. Characters may have one dimension more:
    /// so many of them are a text.
    Variable {
        meta: Box<VariableMeta>,
        path: String,
        axes: Vec<usize>,
        text: Option<usize>,
    },
    /// The index along a row dimension.
    Index(usize),
    /// The same everywhere.
    Number(i64),
    /// The name of the group.
    Group,
}

/// The rows of one group.
#[derive(Debug)]
struct Section {
    group: String,
    shape: Vec<usize>,
    /// Name, kind and origin of its columns.
    columns: Vec<(Column, Origin)>,
    /// Columns (by position) one of which must have a value.
    required: Vec<usize>,
}

/// The rows of a dataset.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) columns: Vec<Column>,
    sections: Vec<Section>,
}

/// The cells of some rows, as many columns as the table has.
pub(super) type Block = Vec<Cells>;

impl Table {
    /// The table of a dataset, `None` if no variable fits. Tells which variables are left out.
    pub(super) fn of(root: &GroupMeta, progress: &dyn Progress) -> Option<Self> {
        let mut sections = Vec::new();
        let mut left_out = Vec::new();
        sections::collect(root, root, "", &mut sections, &mut left_out);
        if sections.len() > 1 {
            for section in &mut sections {
                let column = Column {
                    name: "side".into(),
                    kind: Kind::Text,
                    notes: Vec::new(),
                };
                section.columns.insert(0, (column, Origin::Group));
                section.required.iter_mut().for_each(|at| *at += 1);
            }
        }
        if sections.is_empty() {
            return None;
        }
        if !left_out.is_empty() {
            progress.warn(&format!(
                "left out of the table, because of their dimensions: {}",
                left_out.join(", ")
            ));
        }
        let mut columns: Vec<Column> = Vec::new();
        for (column, _) in sections.iter().flat_map(|section| &section.columns) {
            if !columns.iter().any(|known| known.name == column.name) {
                columns.push(column.clone());
            }
        }
        columns.sort_by_key(|column| rank(&column.name));
        Some(Self { columns, sections })
    }

    /// Number of rows before those without values are left out.
    pub(super) fn len(&self) -> u64 {
        self.sections
            .iter()
            .map(|section| section.shape.iter().map(|&size| size as u64).product::<u64>())
            .sum()
    }

    /// Reads block after block of at most `rows` rows (or one along the last dimension) and hands them on.
    pub(super) fn for_each_block<E>(
        &self,
        dataset: &dyn Dataset,
        rows: usize,
        unread: &impl Fn(DatasetError) -> E,
        mut take: impl FnMut(Block, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        for section in &self.sections {
            for slab in blocks(&section.shape, rows) {
                let cells: Result<Vec<Cells>, DatasetError> = section
                    .columns
                    .par_iter()
                    .map(|(column, origin)| section.read(dataset, column, origin, &slab))
                    .collect();
                let cells = cells.map_err(unread)?;
                let mut present = vec![section.required.is_empty(); slab.len()];
                for cells in section.required.iter().filter_map(|&at| cells.get(at)) {
                    cells.mark_present(&mut present);
                }
                let kept: Vec<usize> = present
                    .iter()
                    .enumerate()
                    .filter_map(|(at, &keep)| keep.then_some(at))
                    .collect();
                let block = self.columns.par_iter().map(|column| {
                    let own = section
                        .columns
                        .iter()
                        .position(|(own, _)| own.name == column.name);
                    match own.and_then(|at| cells.get(at)) {
                        Some(cells) => cells.pick(&kept),
                        None => Cells::missing(column.kind, kept.len()),
                    }
                });
                take(block.collect(), slab.len() as u64)?;
            }
        }
        Ok(())
    }
}

impl Section {
    fn read(
        &self,
        dataset: &dyn Dataset,
        column: &Column,
        origin: &Origin,
        slab: &Slab,
    ) -> Result<Cells, DatasetError> {
        match origin {
            Origin::Number(number) => Ok(Cells::constant(*number, slab.len())),
            Origin::Group => Ok(Cells::Text(vec![Some(self.group.clone()); slab.len()])),
            Origin::Index(axis) => {
                let start = slab.start.get(*axis).copied().unwrap_or(0);
                let positions = positions(slab, &[*axis]);
                Ok(Cells::Integer(
                    positions
                        .into_iter()
                        .map(|at| Some((start + at) as i64))
                        .collect(),
                ))
            }
            Origin::Variable {
                meta,
                path,
                axes,
                text,
            } => {
                let pick = |from: &[usize]| axes.iter().filter_map(|&axis| from.get(axis).copied()).collect();
                let mut own = Slab {
                    start: pick(&slab.start),
                    count: pick(&slab.count),
                };
                if let Some(text) = *text {
                    own.start.push(0);
                    own.count.push(text);
                }
                let array = dataset.read_slab(path, &own)?;
                let cells = match (text, &array.values) {
                    (Some(text), Values::Char(bytes)) => Cells::words(bytes, *text),
                    _ => column.kind.decode(meta, &array),
                };
                let is_whole = axes.len() == slab.count.len();
                Ok(if is_whole {
                    cells
                } else {
                    cells.pick(&positions(slab, axes))
                })
            }
        }
    }
}

/// For every row of a slab its position in an array that has only the dimensions `axes` of it.
fn positions(slab: &Slab, axes: &[usize]) -> Vec<usize> {
    let mut positions = vec![0];
    for (axis, &count) in slab.count.iter().enumerate() {
        let own = axes.contains(&axis);
        positions = (positions.into_iter())
            .flat_map(|at| (0..count).map(move |index| if own { at * count + index } else { at }))
            .collect();
    }
    positions
}

/// Slabs in row-major order, each of whole rows of the first dimensions, up to `rows` elements.
fn blocks(shape: &[usize], rows: usize) -> Vec<Slab> {
    let mut blocks = vec![Slab {
        start: Vec::new(),
        count: Vec::new(),
    }];
    if shape.contains(&0) {
        return Vec::new();
    }
    let mut split = true;
    for (axis, &size) in shape.iter().enumerate() {
        let inner: usize = shape.iter().skip(axis + 1).product();
        let step = if split {
            (rows / inner.max(1)).clamp(1, size)
        } else {
            size
        };
        split &= step == 1;
        blocks = (blocks.iter())
            .flat_map(|block| {
                (0..size).step_by(step).map(move |start| Slab {
                    start: [block.start.as_slice(), &[start]].concat(),
                    count: [block.count.as_slice(), &[step.min(size - start)]].concat(),
                })
            })
            .collect();
    }
    blocks
}

fn rank(name: &str) -> usize {
    match name {
        "latitude" => FIRST.len(),
        name => FIRST
            .iter()
            .position(|first| *first == name)
            .unwrap_or(FIRST.len() + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_whole_rows_in_order() {
        let counts = |shape: &[usize], rows| -> Vec<Vec<usize>> {
            blocks(shape, rows).into_iter().map(|slab| slab.count).collect()
        };
        assert_eq!(counts(&[5, 3], 6), [[2, 3], [2, 3], [1, 3]]);
        assert_eq!(
            counts(&[2, 5, 3], 9),
            [[1, 3, 3], [1, 2, 3], [1, 3, 3], [1, 2, 3]]
        );
        assert_eq!(counts(&[2, 5], 3), [[1, 3], [1, 2], [1, 3], [1, 2]]);
        assert_eq!(counts(&[], 3), [[0_usize; 0]]);
        assert!(counts(&[0, 3], 3).is_empty());
    }

    #[test]
    fn positions_repeat_along_absent_dimensions() {
        let slab = Slab {
            start: vec![0, 0],
            count: vec![2, 3],
        };
        assert_eq!(positions(&slab, &[0]), [0, 0, 0, 1, 1, 1]);
        assert_eq!(positions(&slab, &[1]), [0, 1, 2, 0, 1, 2]);
        assert_eq!(positions(&slab, &[0, 1]), [0, 1, 2, 3, 4, 5]);
        assert_eq!(positions(&slab, &[]), [0; 6]);
    }
}
