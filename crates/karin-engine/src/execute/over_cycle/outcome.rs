//! The results of a lane while they are made.

use bytemuck::{AnyBitPattern, NoUninit};
use karin_core::{Count, Slab, Values, transpose};

use super::lane::{Lane, slab};
use crate::EngineError;
use crate::execute::Work;
use crate::reduction::{Cells, Sample, Scale, Spare, Statistic};
use crate::result::Tally;

/// What is known of the results so far: all of them, or nothing where the sink has taken them in already.
pub(super) struct Outcome<'w> {
    work: &'w Work<'w>,
    lane: &'w Lane<'w>,
    slab: Slab,
    /// One vector for every statistic that is computed, in the order of the cells; statistics of order come whole.
    pub(super) values: Vec<Values>,
    /// Where the sink takes in every statistic that it wants few by few: of which of those computed, and what takes it in.
    tallies: Option<Vec<(usize, Box<dyn Tally + 'w>)>>,
}

impl<'w> Outcome<'w> {
    /// Nothing yet of results that are kept until all are there.
    pub(super) fn kept(work: &'w Work<'w>, lane: &'w Lane<'w>, cells: usize) -> Self {
        let empty = |statistic: &Statistic| match statistic {
            Statistic::Count => Values::from(work.engine.spare.take_room::<i64>(cells)),
            order if order.is_of_order() => Values::from(Vec::<f64>::new()),
            _ => Values::from(work.engine.spare.take_room::<f64>(cells)),
        };
        Self {
            work,
            lane,
            slab: slab(lane),
            values: work.computed.iter().map(empty).collect(),
            tallies: None,
        }
    }

    /// The same of results that are handed to the sink `at_once` cells at a time, if it takes them so.
    pub(super) fn passed_on(work: &'w Work<'w>, lane: &'w Lane<'w>, at_once: usize) -> Self {
        let slab = slab(lane);
        let wanted = work.computed.iter().enumerate();
        let wanted = wanted.filter(|(_, statistic)| work.reduction.statistics.contains(statistic));
        let tally = |(index, statistic): (usize, &Statistic)| {
            let path = work.result_path(lane.column, *statistic);
            let tally = (!statistic.is_of_order()).then(|| work.sink.tally(&path, &slab))?;
            tally.map(|tally| (index, tally))
        };
        let tallies: Option<Vec<_>> = wanted.map(tally).collect();
        let all = lane.lines.len() * lane.width;
        let mut outcome = Self::kept(work, lane, if tallies.is_some() { at_once } else { all });
        outcome.tallies = tallies;
        outcome
    }

    /// Takes in the results of the next cells; statistics of order are none of theirs.
    pub(super) fn add<T: Sample>(&mut self, cells: &Cells<T>, scale: Scale) -> Result<(), EngineError> {
        for (statistic, values) in self.work.computed.iter().zip(&mut self.values) {
            match (statistic, values) {
                (Statistic::Count, Values::Int64(counts)) => {
                    counts.extend(cells.counts().iter().map(|&count| i64::from(count)));
                }
                (order, _) if order.is_of_order() => {}
                (other, Values::Float64(values)) => cells.values_into(*other, scale, values),
                _ => {}
            }
        }
        let Some(tallies) = &mut self.tallies else {
            return Ok(());
        };
        if let Some(having) = &self.work.reduction.having {
            having.apply(&self.work.computed, &mut self.values);
        }
        for (index, tally) in tallies {
            self.values
                .get(*index)
                .map_or(Ok(()), |values| tally.add(values))?;
        }
        for values in &mut self.values {
            match values {
                Values::Float64(values) => values.clear(),
                Values::Int64(counts) => counts.clear(),
                _ => {}
            }
        }
        Ok(())
    }

    /// Takes in the results of cells that follow, made by another thread.
    pub(super) fn append(&mut self, later: Self) {
        for (all, part) in self.values.iter_mut().zip(later.values) {
            match (all, &part) {
                (Values::Int64(all), Values::Int64(part)) => all.extend_from_slice(part),
                (Values::Float64(all), Values::Float64(part)) => all.extend_from_slice(part),
                _ => {}
            }
            self.work.recycle(part);
        }
    }

    /// Hands them to the sink; `quantiles` are the statistics of order. Cells that were counted otherwise than row by row
    /// are brought into rows where it matters.
    pub(super) fn finish(mut self, quantiles: &[Vec<f64>], count: Count) -> Result<(), EngineError> {
        let (work, lane) = (self.work, self.lane);
        if let Some(tallies) = self.tallies {
            tallies.into_iter().for_each(|(_, tally)| tally.finish());
            self.values.into_iter().for_each(|values| work.recycle(values));
            return Ok(());
        }
        if count != Count::Rows {
            for values in &mut self.values {
                let (spare, rows) = (&work.engine.spare, lane.lines.len());
                match values {
                    Values::Int64(counts) => *counts = in_rows(spare, std::mem::take(counts), rows, count),
                    Values::Float64(numbers) => {
                        *numbers = in_rows(spare, std::mem::take(numbers), rows, count)
                    }
                    _ => {}
                }
            }
        }
        let mut quantiles = quantiles.iter();
        let ordered = work.computed.iter().zip(&mut self.values);
        for (_, values) in ordered.filter(|(statistic, _)| statistic.is_of_order()) {
            let empty = || vec![f64::NAN; self.slab.len()];
            *values = quantiles.next().cloned().unwrap_or_else(empty).into();
        }
        work.write_results(lane.column, &self.slab, self.values)
    }
}

/// Brings cells of `rows` rows into rows.
fn in_rows<T>(spare: &Spare, cells: Vec<T>, rows: usize, count: Count) -> Vec<T>
where
    T: Clone + Default + Send + NoUninit + AnyBitPattern,
{
    let mut turned = spare.take_any::<T>(cells.len());
    turned.truncate(cells.len());
    match count {
        Count::Rows => turned.clone_from_slice(&cells),
        Count::Columns => {
            let (from, into) = (
                bytemuck::cast_slice(&cells),
                bytemuck::cast_slice_mut(&mut turned),
            );
            transpose::to_rows(from, size_of::<T>(), rows, 0..rows, into);
        }
        Count::Tiles {
            rows: height,
            columns,
        } => {
            let width = cells.len() / rows.max(1);
            let mut from = cells.as_slice();
            for band in turned.chunks_mut((height * width).max(1)) {
                let lines = band.len() / width.max(1);
                for left in (0..width).step_by(columns.max(1)) {
                    let (tile, rest) = from.split_at(lines * columns);
                    from = rest;
                    for (line, cells) in band
                        .chunks_exact_mut(width)
                        .zip(tile.chunks_exact(columns.max(1)))
                    {
                        line[left..left + columns].clone_from_slice(cells);
                    }
                }
            }
        }
    }
    spare.give(cells);
    turned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_counted_otherwise_come_into_rows() {
        // Three rows of four cells, each the number of its place.
        let expected: Vec<i64> = (0..12).collect();
        let by = |cells: [i64; 12], count| in_rows(&Spare::default(), cells.to_vec(), 3, count);
        let columns = [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11];
        assert_eq!(by(columns, Count::Columns), expected);
        let tiles = [0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 10, 11];
        assert_eq!(by(tiles, Count::Tiles { rows: 2, columns: 2 }), expected);
        assert_eq!(
            by(
                std::array::from_fn(|k| k as i64),
                Count::Tiles { rows: 2, columns: 4 }
            ),
            expected
        );
    }
}
