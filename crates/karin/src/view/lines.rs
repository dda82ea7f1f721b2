//! The lines of many granules one behind the other; and reading the rows of one granule.

use std::collections::HashMap;
use std::ops::Range;

use karin_core::{Array, DType, DatasetError, GroupMeta, Slab, Values};
use karin_engine::{Engine, Piece, Plan, Swath};
use rayon::prelude::*;

use super::Request;
use super::axes::{GroupLines, Kept};
use super::cube::structure_fill;
use super::structure::{self, Held, RowKind, RowSource, dimension, index};
use crate::Error;

/// Where the lines of every granule begin.
pub(super) struct Lines {
    groups: Vec<Sequence>,
}

struct Sequence {
    group: String,
    /// Position of the first line, granule, its lines.
    pieces: Vec<(usize, Piece, Kept)>,
}

/// The shape, structure and variables of a plan as lines.
pub(super) fn of(
    plan: &Plan,
    groups: Vec<GroupLines>,
) -> Result<(Lines, GroupMeta, HashMap<String, Held>), Error> {
    let mut root = GroupMeta::default();
    let mut held = HashMap::new();
    let mut all = Vec::new();
    for GroupLines { swath, pieces } in groups {
        if pieces.is_empty() {
            continue;
        }
        let mut total = 0;
        let mut placed = Vec::with_capacity(pieces.len());
        for (piece, kept) in pieces {
            let start = total;
            total += kept.len();
            placed.push((start, piece, kept));
        }
        let sequence = Sequence {
            group: swath.group.clone(),
            pieces: placed,
        };
        describe(&mut root, &mut held, plan, &swath, (&sequence, total));
        all.push(sequence);
    }
    structure::describe(&mut root, plan);
    Ok((Lines { groups: all }, root, held))
}

fn describe(
    root: &mut GroupMeta,
    held: &mut HashMap<String, Held>,
    plan: &Plan,
    swath: &Swath,
    (sequence, total): (&Sequence, usize),
) {
    let group = structure::ensure_group(root, plan.structure(), &swath.group);
    let lines = swath.lines_dimension.as_str();
    group.dimensions.push(dimension(lines, total));
    let mut per_line = |meta, values: Values| {
        let shape = vec![total];
        structure::hold(group, held, swath, meta, Array { shape, values });
    };
    let orbit = |number: fn(karin_core::HalfOrbit) -> u16| {
        let values = sequence.pieces.iter().flat_map(|(_, piece, kept)| {
            let number = piece.half_orbit.map_or(-1, |orbit| number(orbit).cast_signed());
            std::iter::repeat_n(number, kept.len())
        });
        Values::Int16(values.collect())
    };
    let numbers = sequence
        .pieces
        .iter()
        .flat_map(|(_, _, kept)| (0..kept.len()).map(|at| kept.number(at) as i32));
    for (name, dtype, values, long_name) in [
        (
            "cycle_number",
            DType::Int16,
            orbit(|orbit| orbit.cycle.0),
            "cycle of the granule",
        ),
        (
            "pass_number",
            DType::Int16,
            orbit(|orbit| orbit.pass.0),
            "pass of the granule",
        ),
        (
            "line_number",
            DType::Int32,
            Values::Int32(numbers.collect()),
            "index of the line in its whole granule, from 0",
        ),
    ] {
        per_line(index(name, lines, dtype, long_name), values);
    }
    if let Some((mut meta, schemas)) = structure::schema_index(plan) {
        meta.dimensions = vec![lines.to_owned()];
        let values = sequence.pieces.iter().flat_map(|(_, piece, kept)| {
            std::iter::repeat_n(structure::schema_of(&schemas, piece), kept.len())
        });
        per_line(meta, Values::Int8(values.collect()));
    }
    for (mut meta, rows) in structure::along_lines(plan, swath) {
        for name in meta.dimensions.iter().filter(|name| *name != lines) {
            if !group.dimensions.iter().any(|known| known.name == *name) {
                let size = plan
                    .structure()
                    .dimension_from(&swath.group, name)
                    .unwrap_or(rows.width);
                group.dimensions.push(dimension(name, size));
            }
        }
        let length = |name: &String| {
            group
                .dimensions
                .iter()
                .find(|known| known.name == *name)
                .map_or(1, |d| d.size)
        };
        let mut chunks: Vec<usize> = meta.dimensions.iter().map(length).collect();
        if let (Some(first), Some((_, _, kept))) = (chunks.first_mut(), sequence.pieces.first()) {
            *first = kept.len();
        }
        meta.storage.chunks = Some(chunks);
        held.insert(swath.path(&meta.name), Held::Rows(Box::new(rows)));
        group.variables.push(meta);
    }
    for (meta, array) in structure::along_pixels(plan, swath) {
        structure::hold(group, held, swath, meta, array);
    }
}

impl Lines {
    pub(super) fn read(
        &self,
        request: &Request<'_>,
        slab: &Slab,
        out: &mut [u8],
    ) -> Result<(), DatasetError> {
        let Request {
            base,
            path,
            rows,
            progress,
        } = *request;
        let missing = || DatasetError::no_variable("the selection", path);
        let group = path.rsplit_once('/').map_or("", |(group, _)| group);
        let sequence = self
            .groups
            .iter()
            .find(|own| own.group == group)
            .ok_or_else(missing)?;
        let shape = base.root.shape(path).ok_or_else(missing)?;
        let (first, last) = (slab.start[0], slab.start[0] + slab.count[0]);
        let inner = Slab {
            start: slab.start[1..].to_vec(),
            count: slab.count[1..].to_vec(),
        };
        let row_bytes = out.len() / slab.count[0].max(1);
        structure_fill(out, &rows.fill);
        let mut work = Vec::new();
        let mut rest = out;
        for (start, piece, kept) in &sequence.pieces {
            let own = first.max(*start)..last.min(start + kept.len());
            if own.is_empty() {
                continue;
            }
            let (mine, others) = rest.split_at_mut(own.len() * row_bytes);
            rest = others;
            work.push((piece, kept, own.start - start..own.end - start, mine));
        }
        base.with_engine(path, progress, |engine| {
            engine.install(|| {
                work.into_par_iter().for_each(|(piece, kept, wanted, out)| {
                    if engine.check().is_err() {
                        return;
                    }
                    let part = Part {
                        piece,
                        group,
                        path,
                        rows,
                        shape: &shape[1..],
                        inner: &inner,
                    };
                    let begin = wanted.start;
                    let place = |index: usize| index - begin;
                    if let Err(error) = read_part(engine, &part, kept, wanted, place, out) {
                        engine.fail(piece, &error);
                    }
                });
            });
            Ok(())
        })
    }
}

/// A variable of one granule, and which part of its rows is wanted.
pub(super) struct Part<'a> {
    pub(super) piece: &'a Piece,
    pub(super) group: &'a str,
    pub(super) path: &'a str,
    pub(super) rows: &'a RowSource,
    /// Lengths of the dimensions after the lines.
    pub(super) shape: &'a [usize],
    /// What is wanted of them.
    pub(super) inner: &'a Slab,
}

/// Reads kept lines `wanted` (counted among the kept ones) of a granule; each goes to the row of `out` that `place`
/// tells. Rows that the granule does not have are left as they are.
pub(super) fn read_part(
    engine: &Engine<'_>,
    part: &Part<'_>,
    kept: &Kept,
    wanted: Range<usize>,
    place: impl Fn(usize) -> usize,
    out: &mut [u8],
) -> Result<(), DatasetError> {
    let missing = || DatasetError::no_variable("the granule", part.path);
    let swath = engine.swath_in(part.piece, part.group)?.ok_or_else(missing)?;
    let end = (wanted.start..wanted.end)
        .rev()
        .find(|index| kept.row(*index) < swath.num_lines)
        .map_or(wanted.start, |last| last + 1);
    let wanted = wanted.start..end;
    if wanted.is_empty() {
        return Ok(());
    }
    let lines = kept.row(wanted.start)..kept.row(wanted.end - 1) + 1;
    let values = match &part.rows.kind {
        RowKind::Column(column) => engine.load_rows(part.piece, column, lines.clone())?,
        RowKind::Coordinate { packing, .. } => {
            engine.load_coordinate(part.piece, part.path, packing, lines.clone())?
        }
    };
    let size = values.dtype().size();
    let row_bytes = part.rows.width * size;
    if values.len() != lines.len() * part.rows.width || size != part.rows.fill.len() {
        let reason = format!(
            "{} values of {} do not make {} rows of {}",
            values.len(),
            values.dtype(),
            lines.len(),
            part.rows.width
        );
        return Err(DatasetError::invalid("the granule", part.path, reason));
    }
    let bytes = values.as_bytes();
    let out_bytes = part.inner.len() * size;
    for index in wanted {
        let from = (kept.row(index) - lines.start) * row_bytes;
        let to = place(index) * out_bytes;
        if let (Some(row), Some(out)) = (bytes.get(from..from + row_bytes), out.get_mut(to..to + out_bytes)) {
            copy_inner(row, part.shape, &part.inner.start, &part.inner.count, size, out);
        }
    }
    Ok(())
}

/// Copies part of a row.
fn copy_inner(row: &[u8], shape: &[usize], start: &[usize], count: &[usize], size: usize, out: &mut [u8]) {
    let (Some((_, shape)), Some((first, start)), Some((many, count))) =
        (shape.split_first(), start.split_first(), count.split_first())
    else {
        return out.copy_from_slice(row.get(..size).unwrap_or_default());
    };
    let step = shape.iter().product::<usize>() * size;
    if shape.is_empty() {
        if let Some(row) = row.get(first * step..(first + many) * step) {
            out.copy_from_slice(row);
        }
        return;
    }
    let part = out.len() / (*many).max(1);
    for (index, out) in out.chunks_exact_mut(part.max(1)).enumerate() {
        if let Some(row) = row.get((first + index) * step..(first + index + 1) * step) {
            copy_inner(row, shape, start, count, size, out);
        }
    }
}
