//! One lane: a variable of a pass on a block of lines, decoded and added up.

use std::ops::Range;

use karin_core::{Count, DatasetError, Slab};
use rayon::prelude::*;

use super::extent;
use super::outcome::Outcome;
use super::{Pass, Work};
use crate::EngineError;
use crate::execute::typed::{Kind, OfKind, typed};
use crate::plan::{Column, Piece};
use crate::reduction::{Cells, Needs, Sample, Scale, quantile, years};
use crate::swath::Shape;

/// Cells that one thread works on when all share a lane.
const PART: usize = 32 * 1024;
/// Cells that one thread adds up at a time where all cycles are decoded: their states and results stay in the first cache.
pub(super) const CACHED: usize = 2 * 1024;

/// Part of the work: a variable of a pass on a block of lines.
pub(super) struct Lane<'a> {
    /// Index of the pass in the result.
    pub(super) index: usize,
    pub(super) pass: &'a Pass,
    pub(super) column: &'a Column,
    /// Lines of the granules.
    pub(super) lines: Range<usize>,
    /// First of them in the result.
    pub(super) at: usize,
    /// Values per line.
    pub(super) width: usize,
    /// Cycles that are decoded before they are added to the states.
    pub(super) batch: usize,
    /// True if all threads work on it together.
    pub(super) together: bool,
}

/// Works on a lane in the type that its values are accumulated in.
pub(super) fn dispatch(work: &Work<'_>, lane: &Lane<'_>, needs: Needs) -> Result<(), EngineError> {
    struct Run<'a>(&'a Work<'a>, &'a Lane<'a>, Needs);
    impl OfKind for Run<'_> {
        type Out = Result<(), EngineError>;
        fn of<T: Sample>(self, kind: Kind<T>) -> Self::Out {
            let Self(work, lane, needs) = self;
            Runner {
                work,
                lane,
                needs,
                together: lane.together,
                kind,
            }
            .run()
        }
    }
    typed(work, lane.column, Run(work, lane, needs)).unwrap_or(Ok(()))
}

/// One lane with its type known.
pub(super) struct Runner<'a, T: Sample> {
    pub(super) work: &'a Work<'a>,
    pub(super) lane: &'a Lane<'a>,
    pub(super) needs: Needs,
    pub(super) together: bool,
    pub(super) kind: Kind<T>,
}

impl<T: Sample> Runner<'_, T> {
    fn run(&self) -> Result<(), EngineError> {
        if self.run_held()? {
            return Ok(());
        }
        let (len, scale) = (self.len(), self.kind.scale);
        let spare = &self.work.engine.spare;
        let part = if self.together {
            self.lines_within(PART)
        } else {
            len.max(1)
        };
        // Where all cycles come at once, the states of a few cells need not outlive these.
        let at_once = !self.together && self.lane.pass.pieces.len() <= self.lane.batch;
        let sizes = (0..if at_once { 0 } else { len.div_ceil(part) }).map(|k| part.min(len - k * part));
        let mut parts: Vec<Cells<T>> = sizes
            .map(|size| Cells::reusing(size, self.needs, spare))
            .collect();
        let mut outcome = if at_once {
            Outcome::passed_on(self.work, self.lane, self.lines_within(CACHED))
        } else {
            Outcome::kept(self.work, self.lane, len)
        };
        let mut buffers: Vec<Vec<T>> = Vec::new();
        let mut quantiles = Vec::new();
        for pieces in self.lane.pass.pieces.chunks(self.lane.batch.max(1)) {
            self.work.engine.check_cancelled()?;
            buffers.resize_with(pieces.len().max(buffers.len()), || spare.take_numbers(len));
            let read: Vec<Option<Vec<f64>>> = self.read(pieces, &mut buffers);
            let kept = |k: &usize| read.get(*k).is_some_and(Option::is_some);
            let slices: Vec<&[T]> = (0..pieces.len())
                .filter(kept)
                .map(|k| buffers[k].as_slice())
                .collect();
            let times: Vec<&[f64]> = read.iter().flatten().map(Vec::as_slice).collect();
            if at_once {
                self.add_at_once(len, &slices, &times, &mut outcome)?;
            } else {
                self.add(&mut parts, part, &slices, &times);
            }
            if self.needs.values {
                quantiles = self.quantiles(&slices, scale);
            }
            self.work.advance(pieces.len());
        }
        for cells in parts {
            outcome.add(&cells, scale)?;
            cells.give_back(spare);
        }
        outcome.finish(&quantiles, Count::Rows)?;
        buffers.into_iter().for_each(|buffer| spare.give_numbers(buffer));
        Ok(())
    }

    /// Cells of the lane.
    pub(super) fn len(&self) -> usize {
        self.lane.lines.len() * self.lane.width
    }

    /// Decodes cycles into buffers; `None` for those that cannot be read, else the times of their lines (empty unless
    /// wanted).
    fn read(&self, pieces: &[Piece], buffers: &mut [Vec<T>]) -> Vec<Option<Vec<f64>>> {
        let one = |(piece, buffer): (&Piece, &mut Vec<T>)| match self.read_one(piece, buffer) {
            Ok(times) => Some(times),
            Err(error) => {
                self.work.engine.fail(piece, &error);
                None
            }
        };
        let pairs = pieces.iter().zip(buffers);
        if self.together {
            let pairs: Vec<_> = pairs.collect();
            pairs.into_par_iter().with_max_len(1).map(one).collect()
        } else {
            pairs.map(one).collect()
        }
    }

    fn read_one(&self, piece: &Piece, buffer: &mut Vec<T>) -> Result<Vec<f64>, DatasetError> {
        let (engine, lane) = (self.work.engine, self.lane);
        let lines = extent::rows_of(engine, piece, lane.column, &lane.lines)?;
        (self.kind.load)(self.work, piece, lane.column, lines.clone(), buffer)?;
        self.work.schemas.note(lane.index as i64, piece);
        // Granules of products without a fixed grid may end earlier.
        buffer.resize(self.len(), self.kind.fill.fill);
        if !self.needs.trend {
            return Ok(Vec::new());
        }
        let dataset = engine.open(piece)?;
        let swath = engine.swath(dataset.as_ref(), &lane.column.group)?;
        let times = swath.times(dataset.as_ref(), lines)?;
        Ok(times.into_iter().map(years).collect())
    }

    /// So many cells or fewer that are whole lines; one line at least.
    pub(super) fn lines_within(&self, cells: usize) -> usize {
        let width = self.lane.width.max(1);
        (cells / width).max(1) * width
    }

    /// Adds up `len` cells of all cycles and takes in their results, a few cells at a time.
    pub(super) fn add_at_once(
        &self,
        len: usize,
        slices: &[&[T]],
        times: &[&[f64]],
        outcome: &mut Outcome<'_>,
    ) -> Result<(), EngineError> {
        let part = self.lines_within(CACHED).min(len.max(1));
        let mut cells = Cells::reusing(part, self.needs, &self.work.engine.spare);
        for start in (0..len).step_by(part) {
            cells.reset(part.min(len - start));
            self.add_to(&mut cells, start, slices, times);
            outcome.add(&cells, self.kind.scale)?;
        }
        cells.give_back(&self.work.engine.spare);
        Ok(())
    }

    /// Adds the values from element `start` of the slices on to `cells`.
    fn add_to(&self, cells: &mut Cells<T>, start: usize, slices: &[&[T]], times: &[&[f64]]) {
        let times = if self.needs.trend { times } else { &[] };
        cells.add_from(self.kind.fill, slices, start, times, self.lane.width.max(1));
    }

    fn add(&self, parts: &mut [Cells<T>], part: usize, slices: &[&[T]], times: &[&[f64]]) {
        let one = |(index, cells): (usize, &mut Cells<T>)| self.add_to(cells, index * part, slices, times);
        if self.together {
            parts.par_iter_mut().enumerate().for_each(one);
        } else {
            parts.iter_mut().enumerate().for_each(one);
        }
    }

    /// The true statistics of order of every cell: one vector per statistic that is one.
    fn quantiles(&self, slices: &[&[T]], scale: Scale) -> Vec<Vec<f64>> {
        let ordered = self.work.ordered();
        let len = self.len();
        let of_cell = |values: &mut Vec<T>, index: usize, out: &mut [f64]| {
            values.clear();
            let all = slices.iter().map(|slice| slice[index]);
            values.extend(all.filter(|value| self.kind.fill.keeps(*value)));
            values.sort_unstable_by_key(|value| value.sort_key());
            for (out, statistic) in out.iter_mut().zip(&ordered) {
                let value = |k: usize| scale.real(values[k].real());
                *out = quantile::of_order(*statistic, values.len(), value);
            }
        };
        let mut flat = vec![f64::NAN; len * ordered.len()];
        let scratch = || Vec::with_capacity(slices.len());
        if self.together {
            let rows = flat.par_chunks_mut(ordered.len().max(1)).enumerate();
            rows.with_min_len(4096)
                .for_each_init(scratch, |values, (index, out)| of_cell(values, index, out));
        } else {
            let mut values = scratch();
            let rows = flat.chunks_mut(ordered.len().max(1)).enumerate();
            rows.for_each(|(index, out)| of_cell(&mut values, index, out));
        }
        let of_statistic = |k: usize| flat.iter().skip(k).step_by(ordered.len()).copied().collect();
        (0..ordered.len()).map(of_statistic).collect()
    }
}

/// Where a lane's values go.
pub(super) fn slab(lane: &Lane<'_>) -> Slab {
    match lane.column.shape {
        Shape::Pixels if lane.column.lengths.len() == 1 => Slab {
            start: vec![lane.index, lane.at],
            count: vec![1, lane.lines.len()],
        },
        Shape::Pixels => Slab {
            start: vec![lane.index, lane.at, 0],
            count: vec![1, lane.lines.len(), lane.width],
        },
        Shape::Lines(_) => {
            let rest = lane.column.lengths.iter().skip(1);
            let mut slab = Slab {
                start: vec![lane.index, lane.at],
                count: vec![1, lane.lines.len()],
            };
            for length in rest {
                slab.start.push(0);
                slab.count.push(*length);
            }
            slab
        }
        Shape::Other(n) => Slab {
            start: vec![lane.index, 0],
            count: vec![1, n],
        },
    }
}
