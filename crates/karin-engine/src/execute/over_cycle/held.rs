//! Lanes whose chunks open in parts: every part is decoded from all cycles and added up while it is in the cache.
//!
//! ```text
//!   stored bytes of many cycles in memory ──> part 1 of cycle 1, 2, 3, … ──> states of part 1
//!                                             part 2 of cycle 1, 2, 3, … ──> states of part 2
//! ```

use std::ops::Range;

use karin_core::{DatasetError, Held, Packing, QualityLevel, Values};
use rayon::prelude::*;

use super::{Results, Runner, extent};
use crate::EngineError;
use crate::plan::Piece;
use crate::reduction::{Cells, Sample, Scale, Spare};
use crate::swath::{self, Shape};

/// Cycles whose parts are decoded before they are added to the states, which then are loaded once for all of them.
const GROUP: usize = 8;

/// Granules of a lane in memory, as they are stored.
type Rows<'p> = Vec<(&'p Piece, Box<dyn Held>)>;

impl<T: Sample> Runner<'_, T> {
    /// The results of the lane; `None` where it must be read in the usual way.
    pub(super) fn run_held(&self, scale: Scale) -> Result<Option<Results>, EngineError> {
        let Some(packing) = self.packing_as_stored() else {
            return Ok(None);
        };
        let engine = self.work.engine;
        let pieces = &self.lane.pass.pieces;
        // As many bytes as the usual way would decode at a time.
        let limit = self.lane.batch * self.lane.lines.len() * self.lane.width * size_of::<T>();
        let together = if self.together {
            2 * engine.resources.jobs
        } else {
            1
        };
        let (mut ranges, mut parts, mut rows) = (Vec::new(), Vec::new(), Rows::new());
        let mut unread = Vec::new();
        let mut results = None;
        for (number, several) in pieces.chunks(together).enumerate() {
            engine.check_cancelled()?;
            let hold = |piece: &Piece| self.hold(piece, packing);
            let held: Vec<_> = if self.together {
                several.par_iter().with_max_len(1).map(hold).collect()
            } else {
                several.iter().map(hold).collect()
            };
            for (piece, held) in several.iter().zip(held) {
                match held {
                    Ok(Some(held)) => rows.push((piece, held)),
                    Ok(None) => return Ok(None),
                    Err(error) => unread.push((piece, error)),
                }
            }
            let is_last = (number + 1) * together >= pieces.len();
            let bytes: usize = rows.iter().map(|(_, held)| held.bytes()).sum();
            if bytes < limit && !is_last {
                continue;
            }
            if parts.is_empty() && is_last {
                // All cycles are there: the states of one part need not outlive it.
                results = self.finish_parts(&self.ranges(&rows), &rows, scale).ok();
                if results.is_none() {
                    return Ok(None);
                }
                break;
            }
            if parts.is_empty() {
                ranges = self.ranges(&rows);
                let states = |range: &Range<usize>| Cells::reusing(range.len(), self.needs, &engine.spare);
                parts = ranges.iter().map(states).collect();
            }
            if self.add_held(&mut parts, &ranges, &rows).is_err() {
                return Ok(None);
            }
            rows.clear();
        }
        unread.iter().for_each(|(piece, error)| engine.fail(piece, error));
        let failed = |piece: &&Piece| !unread.iter().any(|(unread, _)| unread == piece);
        let index = self.lane.index as i64;
        pieces
            .iter()
            .filter(failed)
            .for_each(|piece| self.work.schemas.note(index, piece));
        self.work.advance(pieces.len());
        let mut results = results.unwrap_or_else(|| self.no_results());
        for cells in parts {
            self.collect(&cells, scale, &mut results);
            cells.give_back(&engine.spare);
        }
        Ok(Some(results))
    }

    /// The results of all parts from all cycles.
    fn finish_parts(
        &self,
        ranges: &[Range<usize>],
        rows: &Rows<'_>,
        scale: Scale,
    ) -> Result<Results, DatasetError> {
        let spare = &self.work.engine.spare;
        let add = |range: &Range<usize>, results: &mut Results| -> Result<(), DatasetError> {
            let mut cells = Cells::reusing(range.len(), self.needs, spare);
            self.add_part(&mut cells, range, rows)?;
            self.collect(&cells, scale, results);
            cells.give_back(spare);
            Ok(())
        };
        let mut results = self.no_results();
        if !self.together {
            ranges.iter().try_for_each(|range| add(range, &mut results))?;
            return Ok(results);
        }
        let of_part = |range: &Range<usize>| {
            let mut part = self.no_results();
            add(range, &mut part).map(|()| part)
        };
        let parts: Result<Vec<Results>, DatasetError> =
            ranges.par_iter().with_max_len(1).map(of_part).collect();
        for part in parts? {
            for (all, part) in results.iter_mut().zip(part) {
                append(all, part, spare);
            }
        }
        Ok(results)
    }

    /// The packing of the lane's column, if its values are added up as they are stored: nothing is masked, gated, derived or
    /// wanted one by one.
    fn packing_as_stored(&self) -> Option<&Packing> {
        let (engine, column) = (self.work.engine, self.lane.column);
        let all = !engine.has_masks() && engine.plan().selection().quality == QualityLevel::Any;
        let rows = matches!(column.shape, Shape::Pixels | Shape::Lines(_)) && !column.derived;
        let packing = column.packing.as_ref()?;
        let alone = self.work.reduction.with.is_none();
        (all && rows && alone && !self.needs.trend && !self.needs.values).then_some(packing)
    }

    /// The lane's rows of a granule; `None` if they cannot be held as the lane needs them.
    fn hold(&self, piece: &Piece, packing: &Packing) -> Result<Option<Box<dyn Held>>, DatasetError> {
        let (engine, lane) = (self.work.engine, self.lane);
        let lines = extent::rows_of(engine, piece, lane.column, &lane.lines)?;
        let dataset = engine.open(piece)?;
        let path = lane.column.path();
        if swath::packing(dataset.as_ref(), &path)? != *packing {
            return Ok(None);
        }
        let rows = lines.len();
        let held = dataset.hold(&path, lines)?;
        Ok(held.filter(|held| held.len() == rows * lane.width))
    }

    /// The parts of the lane, in cells: where the first granule of them has its cuts, others mostly have them too.
    fn ranges(&self, rows: &Rows<'_>) -> Vec<Range<usize>> {
        let len = self.lane.lines.len() * self.lane.width;
        let longest = rows.iter().max_by_key(|(_, held)| held.len());
        let mut cuts = longest.map_or_else(|| vec![0], |(_, held)| held.cuts());
        cuts.retain(|cut| *cut < len);
        cuts.push(len);
        cuts.windows(2).map(|pair| pair[0]..pair[1]).collect()
    }

    /// Adds the rows of several cycles, in their order.
    fn add_held(
        &self,
        parts: &mut [Cells<T>],
        ranges: &[Range<usize>],
        rows: &Rows<'_>,
    ) -> Result<(), DatasetError> {
        let one = |(cells, range): (&mut Cells<T>, &Range<usize>)| self.add_part(cells, range, rows);
        if self.together {
            parts.par_iter_mut().zip(ranges).with_max_len(1).try_for_each(one)
        } else {
            parts.iter_mut().zip(ranges).try_for_each(one)
        }
    }

    fn add_part(
        &self,
        cells: &mut Cells<T>,
        range: &Range<usize>,
        rows: &Rows<'_>,
    ) -> Result<(), DatasetError> {
        let spare = &self.work.engine.spare;
        // Numbers of any type lie in the same buffers.
        let words = (range.len() * size_of::<T>()).div_ceil(8);
        let mut buffers: [Vec<u64>; GROUP] = std::array::from_fn(|_| spare.take_any(words));
        for several in rows.chunks(GROUP) {
            for ((_, held), buffer) in several.iter().zip(&mut buffers) {
                let values: &mut [T] = bytemuck::cast_slice_mut(&mut buffer[..words]);
                // Granules of products without a fixed grid may end earlier.
                let end = held.len().clamp(range.start, range.end);
                let (there, missing) = values[..range.len()].split_at_mut(end - range.start);
                held.decode(range.start..end, bytemuck::cast_slice_mut(there))?;
                missing.fill(self.kind.fill.fill);
            }
            let slices = buffers.iter().take(several.len());
            let slices =
                slices.map(|buffer| &bytemuck::cast_slice::<u64, T>(&buffer[..words])[..range.len()]);
            let slices: Vec<&[T]> = slices.collect();
            cells.add(self.kind.fill, &slices, &[], self.lane.width.max(1));
        }
        buffers.into_iter().for_each(|buffer| spare.give(buffer));
        Ok(())
    }
}

/// Appends the values of a part.
fn append(all: &mut Values, part: Values, spare: &Spare) {
    match (all, part) {
        (Values::Int64(all), Values::Int64(mut part)) => all.append(&mut part),
        (Values::Float64(all), Values::Float64(mut part)) => {
            all.append(&mut part);
            spare.give(part);
        }
        _ => {}
    }
}
