//! Lanes whose chunks open in parts: every part is decoded from all cycles and added up while it is in the cache.
//!
//! ```text
//!   stored bytes of many cycles in memory ──> part 1 of cycle 1, 2, 3, … ──> states of part 1 ──> results
//!                                             part 2 of cycle 1, 2, 3, … ──> states of part 2 ──> results
//! ```
//!
//! What is stored column by column, or tile by tile, is added up in that order; only the results are brought into rows.

use std::ops::Range;

use karin_core::{Count, DatasetError, Packing, QualityLevel};
use rayon::prelude::*;

use super::decoded::{Decoded, Row};
use super::extent;
use super::lane::{CACHED, Runner};
use super::outcome::Outcome;
use crate::EngineError;
use crate::plan::Piece;
use crate::reduction::{Cells, Sample};
use crate::swath::{self, Shape};

/// Cells of a part of what is decoded from the beginning on.
const IN_ORDER: usize = 16 * 1024;

/// Cycles whose parts are all decoded before they are added up, the states of a few cells after the other.
const AT_ONCE: usize = 32;
/// Of more cycles: those whose parts are decoded before they are added to the states of a part, which then are loaded once for
/// all of them.
const GROUP: usize = 8;

/// Bytes that what is decoded in order may take of all cycles: they stay in the last cache while parts of them are taken.
const ROOM: usize = 16 << 20;

/// Where a lane is cut, and how its cells are counted.
struct Cut {
    /// The parts, in cells.
    ranges: Vec<Range<usize>>,
    count: Count,
}

impl<T: Sample> Runner<'_, T> {
    /// Does the lane, unless it must be read in the usual way.
    pub(super) fn run_held(&self) -> Result<bool, EngineError> {
        let Some(packing) = self.packing_as_stored() else {
            return Ok(false);
        };
        let engine = self.work.engine;
        let pieces = &self.lane.pass.pieces;
        // As many bytes as the usual way would decode at a time.
        let limit = self.lane.batch * self.len() * size_of::<T>();
        let together = if self.together {
            2 * engine.resources.jobs
        } else {
            1
        };
        let (mut parts, mut rows) = (Vec::new(), Vec::new());
        let (mut known, mut unread) = (None, Vec::new());
        let (mut is_done, mut count) = (false, Count::Rows);
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
                    Ok(Some(held)) => rows.push(held),
                    Ok(None) => return Ok(false),
                    Err(error) => unread.push((piece, error)),
                }
            }
            let is_last = (number + 1) * together >= pieces.len();
            let bytes: usize = rows.iter().map(|held| held.bytes()).sum();
            if bytes < limit && !is_last {
                continue;
            }
            let Some(cut) = self.cut(&rows, known.take()) else {
                return Ok(false);
            };
            count = cut.count;
            if parts.is_empty() && is_last {
                // All cycles are there: the states of one part need not outlive it.
                match self.finish_parts(&cut, &rows) {
                    Ok(outcome) => outcome.finish(&[], count)?,
                    Err(EngineError::Dataset(_)) => return Ok(false),
                    Err(error) => return Err(error),
                }
                is_done = true;
                break;
            }
            if parts.is_empty() {
                let states = |range: &Range<usize>| Cells::reusing(range.len(), self.needs, &engine.spare);
                parts = cut.ranges.iter().map(states).collect();
            }
            if self.add_held(&mut parts, &cut, &rows).is_err() {
                return Ok(false);
            }
            known = Some(cut);
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
        if is_done {
            return Ok(true);
        }
        let mut outcome = Outcome::kept(self.work, self.lane, self.len());
        for cells in parts {
            outcome.add(&cells, self.kind.scale)?;
            cells.give_back(&engine.spare);
        }
        outcome.finish(&[], count)?;
        Ok(true)
    }

    /// The results of all parts from all cycles.
    fn finish_parts<'o>(&'o self, cut: &Cut, rows: &'o [Row]) -> Result<Outcome<'o>, EngineError> {
        if self.together {
            let parts = cut.ranges.par_iter().with_max_len(1).map(|range| {
                let mut part = Outcome::kept(self.work, self.lane, range.len());
                self.finish_ranges(std::slice::from_ref(range), rows, &mut part)?;
                Ok(part)
            });
            let parts: Result<Vec<Outcome<'_>>, EngineError> = parts.collect();
            let mut outcome = Outcome::kept(self.work, self.lane, self.len());
            parts?.into_iter().for_each(|part| outcome.append(part));
            return Ok(outcome);
        }
        let mut outcome = Outcome::passed_on(self.work, self.lane, self.lines_within(CACHED));
        self.finish_ranges(&cut.ranges, rows, &mut outcome)?;
        Ok(outcome)
    }

    fn finish_ranges(
        &self,
        ranges: &[Range<usize>],
        rows: &[Row],
        outcome: &mut Outcome<'_>,
    ) -> Result<(), EngineError> {
        let spare = &self.work.engine.spare;
        let mut decoded = Decoded::new(rows, if rows.len() <= AT_ONCE { AT_ONCE } else { GROUP }, spare)?;
        for range in ranges {
            if (1..=AT_ONCE).contains(&rows.len()) {
                decoded.each_group(range, self.kind.fill.fill, |slices| {
                    self.add_at_once(range.len(), slices, &[], outcome)
                })?;
                continue;
            }
            let mut cells = Cells::reusing(range.len(), self.needs, spare);
            self.add_range(&mut cells, range, &mut decoded)?;
            outcome.add(&cells, self.kind.scale)?;
            cells.give_back(spare);
        }
        Ok(())
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
    fn hold(&self, piece: &Piece, packing: &Packing) -> Result<Option<Row>, DatasetError> {
        let (engine, lane) = (self.work.engine, self.lane);
        let lines = extent::rows_of(engine, piece, lane.column, &lane.lines)?;
        let dataset = engine.open(piece)?;
        let path = lane.column.path();
        if swath::packing(dataset.as_ref(), &path)? != *packing {
            return Ok(None);
        }
        let rows = lines.len();
        let held = dataset.hold(&path, lines, ROOM / lane.pass.pieces.len().max(1))?;
        Ok(held.filter(|held| held.len() == rows * lane.width))
    }

    /// The parts of the lane: where the longest of these granules has its cuts, others mostly have them too. Later granules must
    /// count their elements as those do that the lane was cut by `before`; `None` if any does not.
    fn cut(&self, rows: &[Row], before: Option<Cut>) -> Option<Cut> {
        let len = self.len();
        let count = rows.first().map_or(Count::Rows, |row| row.count());
        let by_rows = count == Count::Rows;
        let fits = |row: &Row| row.count() == count && (by_rows || row.len() == len);
        let in_parts = by_rows || !self.together;
        if !in_parts || !rows.iter().all(fits) {
            return None;
        }
        if let Some(before) = before {
            return (rows.is_empty() || before.count == count).then_some(before);
        }
        let longest = rows.iter().max_by_key(|held| held.len());
        let mut cuts = match longest {
            Some(_) if !by_rows => (0..len).step_by(IN_ORDER).collect(),
            Some(held) => held.cuts(),
            None => vec![0],
        };
        cuts.retain(|cut| *cut < len);
        cuts.push(len);
        let ranges = cuts.windows(2).map(|pair| pair[0]..pair[1]).collect();
        Some(Cut { ranges, count })
    }

    /// Adds the rows of several cycles, in their order.
    fn add_held(&self, parts: &mut [Cells<T>], cut: &Cut, rows: &[Row]) -> Result<(), DatasetError> {
        let decoded = || Decoded::new(rows, GROUP, &self.work.engine.spare);
        let mut pairs = parts.iter_mut().zip(&cut.ranges);
        if self.together {
            let pairs: Vec<_> = pairs.collect();
            return pairs
                .into_par_iter()
                .with_max_len(1)
                .try_for_each(|(cells, range)| self.add_range(cells, range, &mut decoded()?));
        }
        let mut decoded = decoded()?;
        pairs.try_for_each(|(cells, range)| self.add_range(cells, range, &mut decoded))
    }

    fn add_range(
        &self,
        cells: &mut Cells<T>,
        range: &Range<usize>,
        decoded: &mut Decoded<'_>,
    ) -> Result<(), DatasetError> {
        let width = self.lane.width.max(1);
        decoded.each_group(range, self.kind.fill.fill, |slices| {
            cells.add(self.kind.fill, slices, &[], width);
            Ok(())
        })
    }
}
