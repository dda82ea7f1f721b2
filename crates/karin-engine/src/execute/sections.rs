//! Sections: over the pixels of every line, or over the lines of every pixel column, a result per cycle and pass.
//!
//! Threads take granules of a variable each and read them block of lines by block of lines; what has to be sorted is
//! gathered for as many pixel columns at a time as the memory holds.

use std::ops::Range;

use karin_core::{DType, DatasetError, GroupMeta, Slab, Values};
use rayon::prelude::*;

use super::over_cycle::extent::{self, Extent};
use super::over_cycle::{Pass, own, passes, pixels_dimension, write_lines};
use super::typed::{Kind, OfKind, item_size, typed};
use super::{Work, describe};
use crate::EngineError;
use crate::plan::{Column, Piece};
use crate::reduction::{Cells, Sample, Statistic, Target, quantile};
use crate::swath::Shape;

/// The axes of a result.
struct Axes {
    cycles: Vec<u16>,
    passes: Vec<Pass>,
    extents: Vec<Extent>,
    along: bool,
}

impl Axes {
    fn extent(&self, column: &Column) -> Option<&Extent> {
        let mut extents = self.extents.iter();
        extents.find(|extent| extent.swath.group == column.group)
    }

    /// Length of what is kept of a swath: its lines, or its pixel columns.
    fn length(&self, extent: &Extent) -> usize {
        if self.along {
            extent.lines.len()
        } else {
            extent.swath.num_pixels
        }
    }
}

/// One granule of one variable, or the lack of one.
struct Job<'a> {
    cycle: usize,
    pass: usize,
    piece: Option<&'a Piece>,
    column: &'a Column,
    extent: &'a Extent,
}

/// Runs it; returns notes on the result.
pub(super) fn run(mut work: Work<'_>) -> Result<Vec<String>, EngineError> {
    let all = passes(work.engine)?;
    let extents = extent::of(work.engine, &all)?;
    let touched = |pass: &Pass| extents.iter().any(|extent| extent.touches(pass.number));
    let found: Vec<Pass> = all.into_iter().filter(touched).collect();
    let pieces = found.iter().flat_map(|pass| &pass.pieces);
    let mut cycles: Vec<u16> = pieces
        .filter_map(|piece| piece.half_orbit)
        .map(|h| h.cycle.0)
        .collect();
    cycles.sort_unstable();
    cycles.dedup();
    if cycles.is_empty() {
        return Err(EngineError::Empty("no pixel lies in the region".to_owned()));
    }
    let axes = Axes {
        cycles,
        passes: found,
        extents,
        along: work.reduction.target == Target::Pixels,
    };
    let columns = reducible(&work, &axes)?;
    work.begin(&structure(&work, &axes, &columns))?;
    work.start(columns.len());
    if work.only.is_none_or(|only| only.axes) {
        write_axes(&work, &axes)?;
    }
    let own = own(&work, &axes.passes);
    for pass in own.clone() {
        work.engine.check_cancelled()?;
        let jobs = jobs(&axes, &columns, pass);
        let one = |job: &Job<'_>| job.run(&work, &axes);
        work.engine
            .pool
            .install(|| jobs.par_iter().with_max_len(1).try_for_each(one))?;
    }
    let indices: Vec<i64> = own.clone().map(|index| index as i64).collect();
    let slab = Slab {
        start: vec![own.start],
        count: vec![own.len()],
    };
    work.schemas.write(&work, &columns, &indices, &slab)?;
    Ok(Vec::new())
}

/// The columns that have a value per pixel.
fn reducible<'a>(work: &Work<'a>, axes: &Axes) -> Result<Vec<&'a Column>, EngineError> {
    let mut columns = Vec::new();
    for column in work.engine.plan.columns() {
        let Some(extent) = axes.extent(column) else {
            continue;
        };
        let on_pixels = column.shape == Shape::Pixels && column.meta.dtype.is_numeric();
        if column.named && !on_pixels {
            let reason = format!("{} has no value per pixel", column.path());
            return Err(EngineError::option("--vars", reason));
        }
        let wanted = column.named || !column.is_position(&extent.swath);
        if on_pixels && wanted && work.has_partner(column)? {
            columns.push(column);
        }
    }
    if columns.is_empty() {
        return Err(crate::error::invalid_structure());
    }
    Ok(columns)
}

fn structure(work: &Work<'_>, axes: &Axes, columns: &[&Column]) -> GroupMeta {
    let plan = work.engine.plan;
    let mut root = GroupMeta {
        attributes: describe::provenance(plan, work.reduction),
        ..GroupMeta::default()
    };
    let numbers = [
        ("cycle_number", axes.cycles.len(), "cycle number"),
        ("pass_number", axes.passes.len(), "pass number"),
    ];
    for (name, size, about) in numbers {
        root.dimensions.push(describe::dimension(name, size));
        root.variables.push(describe::axis(name, DType::Int16, about));
    }
    for extent in &axes.extents {
        let (swath, length) = (&extent.swath, axes.length(extent));
        let name = if axes.along {
            swath.lines_dimension.clone()
        } else {
            pixels_dimension(plan.structure(), swath)
        };
        let group = describe::group_mut(&mut root, &swath.group);
        group.dimensions.push(describe::dimension(&name, length));
        if axes.along && extent.lines != (0..swath.num_lines) {
            let about = "index of the line in the granule";
            group.variables.push(describe::axis(&name, DType::Int32, about));
        }
        let dimensions = ["cycle_number".to_owned(), "pass_number".to_owned(), name];
        for column in columns.iter().filter(|column| column.group == swath.group) {
            for statistic in &work.reduction.statistics {
                let chunks = Some(vec![1, 1, length.max(1)]);
                let meta = describe::result_variable(work, column, *statistic, &dimensions, chunks);
                group.variables.push(meta);
            }
        }
    }
    work.schemas
        .describe(&mut root, columns, &["pass_number".to_owned()]);
    root
}

fn write_axes(work: &Work<'_>, axes: &Axes) -> Result<(), EngineError> {
    let number = |number: u16| i16::try_from(number).unwrap_or(0);
    let cycles: Vec<i16> = axes.cycles.iter().map(|cycle| number(*cycle)).collect();
    work.write_all("cycle_number", cycles)?;
    let passes: Vec<i16> = axes.passes.iter().map(|pass| number(pass.number.0)).collect();
    work.write_all("pass_number", passes)?;
    if axes.along {
        write_lines(work, &axes.extents)?;
    }
    Ok(())
}

/// The work of one pass.
fn jobs<'a>(axes: &'a Axes, columns: &[&'a Column], index: usize) -> Vec<Job<'a>> {
    let Some(pass) = axes.passes.get(index) else {
        return Vec::new();
    };
    let mut jobs = Vec::new();
    for (at, cycle) in axes.cycles.iter().enumerate() {
        let is_it = |piece: &&Piece| piece.half_orbit.is_some_and(|h| h.cycle.0 == *cycle);
        let piece = pass.pieces.iter().find(is_it);
        for column in columns {
            if let Some(extent) = axes.extent(column) {
                jobs.push(Job {
                    cycle: at,
                    pass: index,
                    piece,
                    column,
                    extent,
                });
            }
        }
    }
    jobs
}

impl Job<'_> {
    /// Writes the results of the granule; fill where there is none, or it cannot be read.
    fn run(&self, work: &Work<'_>, axes: &Axes) -> Result<(), EngineError> {
        let length = axes.length(self.extent);
        let slab = Slab {
            start: vec![self.cycle, self.pass, 0],
            count: vec![1, 1, length],
        };
        let found = self.piece.and_then(|piece| {
            let section = Section {
                work,
                job: self,
                piece,
                along: axes.along,
                length,
            };
            let found = typed(work, self.column, section)?;
            work.advance(1);
            found.map_err(|error| work.engine.fail(piece, &error)).ok()
        });
        let nothing = |statistic: &Statistic| match statistic {
            Statistic::Count => Values::from(vec![0_i64; length]),
            _ => Values::from(vec![f64::NAN; length]),
        };
        let results = found.unwrap_or_else(|| work.computed.iter().map(nothing).collect());
        work.write_results(self.column, &slab, results)
    }
}

/// The reduction of one granule of one variable.
struct Section<'a> {
    work: &'a Work<'a>,
    job: &'a Job<'a>,
    piece: &'a Piece,
    along: bool,
    length: usize,
}

impl OfKind for Section<'_> {
    type Out = Result<Vec<Values>, DatasetError>;

    fn of<T: Sample>(self, kind: Kind<T>) -> Self::Out {
        let (work, column) = (self.work, self.job.column);
        let lines = extent::rows_of(work.engine, self.piece, column, &self.job.extent.lines)?;
        work.schemas.note(self.job.pass as i64, self.piece);
        let ordered = work.ordered();
        let mut cells = Cells::<T>::new(self.length, work.reduction.needs());
        let mut found: Vec<Vec<f64>> = vec![vec![f64::NAN; self.length]; ordered.len()];
        let mut add = |cell: usize, values: &mut Vec<T>| {
            values.sort_unstable_by_key(|value| value.sort_key());
            for (statistic, out) in ordered.iter().zip(&mut found) {
                let value = |k: usize| kind.scale.real(values[k].real());
                if let Some(out) = out.get_mut(cell) {
                    *out = quantile::of_order(*statistic, values.len(), value);
                }
            }
            values.clear();
        };
        let mut is_first = true;
        for pixels in self.pixels_at_once::<T>(lines.len(), !ordered.is_empty()) {
            let mut gathered: Vec<Vec<T>> = vec![Vec::new(); if self.along { 1 } else { pixels.len() }];
            for block in self.blocks(&lines) {
                let mut values = Vec::new();
                (kind.load)(work, self.piece, column, block.clone(), &mut values)?;
                if is_first {
                    let cells_of: Vec<u32> = self.cells(&block);
                    cells.scatter(kind.fill, &values, &cells_of, |_| f64::NAN);
                }
                if ordered.is_empty() {
                    continue;
                }
                for (line, row) in block.zip(values.chunks(self.width())) {
                    let row = row.get(pixels.clone()).unwrap_or_default();
                    let kept = row
                        .iter()
                        .enumerate()
                        .filter(|(_, value)| kind.fill.keeps(**value));
                    if self.along {
                        gathered[0].extend(kept.map(|(_, value)| *value));
                        add(line - self.job.extent.lines.start, &mut gathered[0]);
                    } else {
                        kept.for_each(|(pixel, value)| gathered[pixel].push(*value));
                    }
                }
            }
            if !self.along {
                pixels
                    .zip(&mut gathered)
                    .for_each(|(pixel, values)| add(pixel, values));
            }
            is_first = false;
        }
        Ok(self.results(&cells, &kind, &found))
    }
}

impl Section<'_> {
    fn width(&self) -> usize {
        self.job.extent.swath.num_pixels.max(1)
    }

    /// Blocks of lines that are decoded at a time.
    fn blocks(&self, lines: &Range<usize>) -> impl Iterator<Item = Range<usize>> + use<> {
        let formulas = self.work.engine.plan.formulas();
        let bytes = 32 + item_size(self.work, self.job.column) + formulas.bytes_per_pixel();
        let rows = (self.work.thread_budget() / 2 / (bytes * self.width())).max(1);
        let (start, end) = (lines.start, lines.end);
        (start..end)
            .step_by(rows)
            .map(move |first| first..end.min(first + rows))
    }

    /// Pixel columns whose values are gathered at a time: all of them where nothing is gathered over lines.
    fn pixels_at_once<T>(&self, lines: usize, gathers: bool) -> Vec<Range<usize>> {
        let width = self.width();
        let most = if gathers && !self.along {
            (self.work.thread_budget() / 2 / (lines * size_of::<T>()).max(1)).max(1)
        } else {
            width
        };
        (0..width)
            .step_by(most)
            .map(|first| first..width.min(first + most))
            .collect()
    }

    /// The cell of every value of a block of lines.
    fn cells(&self, block: &Range<usize>) -> Vec<u32> {
        let width = self.width();
        let cell = |line: usize, pixel: usize| {
            let cell = if self.along {
                line - self.job.extent.lines.start
            } else {
                pixel
            };
            u32::try_from(cell).unwrap_or(u32::MAX)
        };
        let lines = block.clone();
        lines
            .flat_map(|line| (0..width).map(move |pixel| cell(line, pixel)))
            .collect()
    }

    fn results<T: Sample>(&self, cells: &Cells<T>, kind: &Kind<T>, found: &[Vec<f64>]) -> Vec<Values> {
        let mut ordered = found.iter();
        let value = |statistic: &Statistic| match statistic {
            Statistic::Count => Values::from(
                cells
                    .counts()
                    .iter()
                    .map(|count| i64::from(*count))
                    .collect::<Vec<_>>(),
            ),
            order if order.is_of_order() => Values::from(ordered.next().cloned().unwrap_or_default()),
            other => {
                let mut values = Vec::with_capacity(cells.len());
                cells.values_into(*other, kind.scale, &mut values);
                Values::from(values)
            }
        };
        self.work.computed.iter().map(value).collect()
    }
}
