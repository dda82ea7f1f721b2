//! The lines of many granules one behind the other.

use std::collections::HashMap;

use karin_core::{Array, DType, DatasetError, GroupMeta, Slab, Values};
use karin_engine::{Piece, Plan, Swath};
use rayon::prelude::*;

use super::Request;
use super::axes::{GroupLines, Kept};
use super::rows::{Part, fill_with, read_part};
use super::structure::{self, Held};
use crate::Error;
use crate::joined::{self, dimension, index};

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
    let group = joined::ensure_group(root, plan.structure(), &swath.group);
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
        let values = sequence
            .pieces
            .iter()
            .flat_map(|(_, piece, kept)| std::iter::repeat_n(joined::schema_of(&schemas, piece), kept.len()));
        per_line(meta, Values::Int8(values.collect()));
    }
    for (mut meta, rows) in structure::along_lines(plan, swath) {
        structure::add_dimensions(group, plan, swath, &meta, rows.width);
        let mut chunks = joined::lengths(group, &meta);
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
        fill_with(out, &rows.fill);
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
