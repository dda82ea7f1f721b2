//! Granules on axes of cycle, pass, line and pixel.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use karin_core::{Array, DType, DatasetError, GroupMeta, Slab, Values};
use karin_engine::{Engine, Piece, Plan, Swath};
use rayon::prelude::*;

use super::Request;
use super::axes::{GroupLines, Kept};
use super::rows::{Part, fill_with, read_part};
use super::structure::{self, Held, RowKind};
use crate::Error;
use crate::joined::{self, dimension, index};

/// The axes of every group.
pub(super) struct Cube {
    groups: Vec<Axes>,
}

struct Axes {
    group: String,
    cycles: Vec<u16>,
    passes: Vec<u16>,
    lines: LineAxis,
    /// Granules by their positions on the axes of cycle and pass.
    places: HashMap<(usize, usize), (Piece, Kept)>,
}

/// The numbers of lines on their axis.
enum LineAxis {
    First(usize),
    Some(Vec<u32>),
}

impl LineAxis {
    fn of(pieces: &[(Piece, Kept)]) -> Self {
        let first = pieces.iter().try_fold(0, |longest, (_, kept)| match kept {
            Kept::First(count) => Some(longest.max(*count)),
            Kept::Some(_) => None,
        });
        first.map_or_else(
            || {
                let numbers: BTreeSet<u32> = pieces
                    .iter()
                    .flat_map(|(_, kept)| (0..kept.len()).map(|index| kept.number(index) as u32))
                    .collect();
                Self::Some(numbers.into_iter().collect())
            },
            Self::First,
        )
    }

    fn len(&self) -> usize {
        match self {
            Self::First(count) => *count,
            Self::Some(numbers) => numbers.len(),
        }
    }

    fn number(&self, position: usize) -> usize {
        match self {
            Self::First(_) => position,
            Self::Some(numbers) => numbers.get(position).map_or(0, |number| *number as usize),
        }
    }

    /// The position of a number, which is on the axis.
    fn position(&self, number: usize) -> usize {
        match self {
            Self::First(_) => number,
            Self::Some(numbers) => numbers.partition_point(|own| (*own as usize) < number),
        }
    }

    fn numbers(&self) -> Vec<i32> {
        (0..self.len())
            .map(|position| self.number(position) as i32)
            .collect()
    }
}

/// The shape, structure and variables of a plan as a cube.
pub(super) fn of(
    plan: &Plan,
    groups: Vec<GroupLines>,
) -> Result<(Cube, GroupMeta, HashMap<String, Held>), Error> {
    let mut root = GroupMeta::default();
    let mut held = HashMap::new();
    let mut all = Vec::new();
    for GroupLines { swath, pieces } in groups {
        if pieces.is_empty() {
            continue;
        }
        let axes = Axes::of(&swath, pieces)?;
        describe(&mut root, &mut held, plan, &swath, &axes);
        all.push(axes);
    }
    structure::describe(&mut root, plan);
    Ok((Cube { groups: all }, root, held))
}

impl Axes {
    fn of(swath: &Swath, pieces: Vec<(Piece, Kept)>) -> Result<Self, Error> {
        let lines = LineAxis::of(&pieces);
        let orbits: Option<Vec<(u16, u16)>> = pieces
            .iter()
            .map(|(piece, _)| piece.half_orbit.map(|orbit| (orbit.cycle.0, orbit.pass.0)))
            .collect();
        let orbits = orbits.ok_or_else(|| {
            let reason = "some files do not say their cycle and pass: use stack=\"lines\"";
            Error::option("to_xarray", reason)
        })?;
        let sorted = |numbers: BTreeSet<u16>| numbers.into_iter().collect::<Vec<_>>();
        let cycles = sorted(orbits.iter().map(|(cycle, _)| *cycle).collect());
        let passes = sorted(orbits.iter().map(|(_, pass)| *pass).collect());
        let places = orbits
            .into_iter()
            .zip(pieces)
            .filter_map(|((cycle, pass), piece)| {
                let place = (
                    cycles.binary_search(&cycle).ok()?,
                    passes.binary_search(&pass).ok()?,
                );
                Some((place, piece))
            });
        Ok(Self {
            group: swath.group.clone(),
            places: places.collect(),
            lines,
            cycles,
            passes,
        })
    }
}

/// Adds a group to the structure of a cube.
fn describe(root: &mut GroupMeta, held: &mut HashMap<String, Held>, plan: &Plan, swath: &Swath, axes: &Axes) {
    let group = joined::ensure_group(root, plan.structure(), &swath.group);
    let lines = swath.lines_dimension.as_str();
    group.dimensions.extend([
        dimension("cycle_number", axes.cycles.len()),
        dimension("pass_number", axes.passes.len()),
        dimension(lines, axes.lines.len()),
    ]);
    let numbers =
        |numbers: &[u16]| Values::Int16(numbers.iter().map(|number| number.cast_signed()).collect());
    for (name, dtype, values, long_name) in [
        (
            "cycle_number",
            DType::Int16,
            numbers(&axes.cycles),
            "cycle number",
        ),
        ("pass_number", DType::Int16, numbers(&axes.passes), "pass number"),
        (
            lines,
            DType::Int32,
            Values::Int32(axes.lines.numbers()),
            "index of the line in its whole granule, from 0",
        ),
    ] {
        let shape = vec![values.len()];
        let meta = index(name, name, dtype, long_name);
        structure::hold(group, held, swath, meta, Array { shape, values });
    }
    if let Some((mut meta, schemas)) = structure::schema_index(plan) {
        meta.dimensions = vec!["cycle_number".to_owned(), "pass_number".to_owned()];
        let shape = vec![axes.cycles.len(), axes.passes.len()];
        let mut values = vec![-1; shape.iter().product()];
        for ((cycle, pass), (piece, _)) in &axes.places {
            values[cycle * axes.passes.len() + pass] = joined::schema_of(&schemas, piece);
        }
        let values = Values::Int8(values);
        structure::hold(group, held, swath, meta, Array { shape, values });
    }
    for (mut meta, rows) in structure::along_lines(plan, swath) {
        structure::add_dimensions(group, plan, swath, &meta, rows.width);
        let mut chunks = vec![1];
        meta.dimensions.insert(0, "pass_number".to_owned());
        if !matches!(rows.kind, RowKind::Coordinate { per_pass: true, .. }) {
            meta.dimensions.insert(0, "cycle_number".to_owned());
            chunks.push(1);
        }
        chunks.extend(joined::lengths(group, &meta).into_iter().skip(chunks.len()));
        meta.storage.chunks = Some(chunks);
        held.insert(swath.path(&meta.name), Held::Rows(Box::new(rows)));
        group.variables.push(meta);
    }
    for (meta, array) in structure::along_pixels(plan, swath) {
        structure::hold(group, held, swath, meta, array);
    }
}

impl Cube {
    fn axes(&self, path: &str) -> Option<&Axes> {
        let group = path.rsplit_once('/').map_or("", |(group, _)| group);
        self.groups.iter().find(|axes| axes.group == group)
    }

    pub(super) fn cells(&self, group: &str) -> Vec<(usize, usize, Range<usize>)> {
        let Some(axes) = self.groups.iter().find(|axes| axes.group == group) else {
            return Vec::new();
        };
        let mut cells: Vec<_> = axes
            .places
            .iter()
            .filter(|(_, (_, kept))| kept.len() > 0)
            .map(|((cycle, pass), (_, kept))| {
                let first = axes.lines.position(kept.number(0));
                let last = axes.lines.position(kept.number(kept.len() - 1));
                (*cycle, *pass, first..last + 1)
            })
            .collect();
        cells.sort_unstable_by_key(|(cycle, pass, _)| (*cycle, *pass));
        cells
    }

    /// Reads a slab: every cell of cycle and pass by itself, on all threads.
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
        let axes = self.axes(path).ok_or_else(missing)?;
        let shape = base.root.shape(path).ok_or_else(missing)?;
        let per_pass = matches!(rows.kind, RowKind::Coordinate { per_pass: true, .. });
        let outer = if per_pass { 1 } else { 2 };
        let part = out.len() / slab.count.iter().take(outer).product::<usize>().max(1);
        let (starts, counts) = (&slab.start, &slab.count);
        let lines = starts[outer]..starts[outer] + counts[outer];
        let inner = Slab {
            start: starts[outer + 1..].to_vec(),
            count: counts[outer + 1..].to_vec(),
        };
        let cell = |engine: &Engine<'_>, (number, out): (usize, &mut [u8])| {
            fill_with(out, &rows.fill);
            if engine.check().is_err() {
                return;
            }
            let pass = starts[outer - 1] + number % counts[outer - 1];
            let cycles = if per_pass {
                0..axes.cycles.len()
            } else {
                let cycle = starts[0] + number / counts[1];
                cycle..cycle + 1
            };
            for (piece, kept) in cycles.filter_map(|cycle| axes.places.get(&(cycle, pass))) {
                let first = kept.before(axes.lines.number(lines.start));
                let last = kept.before(axes.lines.number(lines.end - 1) + 1);
                let part = Part {
                    piece,
                    group: &axes.group,
                    path,
                    rows,
                    shape: &shape[outer + 1..],
                    inner: &inner,
                };
                let place = |index: usize| axes.lines.position(kept.number(index)) - lines.start;
                match read_part(engine, &part, kept, first..last, place, out) {
                    // On a fixed grid, the first granule that has all lines will do.
                    Ok(()) if last - first == lines.len() => break,
                    Ok(()) => {}
                    Err(error) => engine.fail(piece, &error),
                }
            }
        };
        base.with_engine(path, progress, |engine| {
            engine.install(|| {
                out.par_chunks_mut(part.max(1))
                    .enumerate()
                    .for_each(|item| cell(engine, item));
            });
            Ok(())
        })
    }
}
