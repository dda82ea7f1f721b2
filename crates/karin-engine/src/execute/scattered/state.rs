//! The cells of one column, whatever its type.

use std::any::Any;
use std::ops::Range;

use karin_core::{DatasetError, Slab, Values};

use super::{Axes, OUTSIDE, Places};
use crate::EngineError;
use crate::execute::Work;
use crate::execute::describe::{count_name, outside_name};
use crate::execute::tiles::Tile;
use crate::execute::typed::{Kind, OfKind, typed};
use crate::plan::Column;
use crate::reduction::{Cells, Needs, Sample, Saved as _, Scale, Statistic, quantile};
use crate::swath::join;

/// The cells of one column.
pub(super) trait State: Send + Sync {
    fn column(&self) -> &Column;
    fn load(&self, tile: &Tile) -> Result<Box<dyn Any + Send + Sync>, DatasetError>;
    fn add(&mut self, values: &(dyn Any + Send + Sync), places: &Places);
    /// Prepares for another sweep that gathers the values of the next cells; false once all statistics of order are known, or (for a
    /// part) all values.
    fn begin_values(&mut self) -> bool;
    /// From now on the values that sweeps gather are kept, for a part; gives the bytes that they will take.
    fn keep_values(&mut self) -> u64;
    fn write(&mut self, axes: &Axes<'_>) -> Result<(), EngineError>;
    /// Appends the cells as bytes.
    fn save(&self, out: &mut Vec<u8>);
    /// Takes in saved cells of later granules; `None` if the bytes hold something else.
    fn absorb(&mut self, bytes: &mut &[u8]) -> Option<()>;
}

/// The state of a column in its type; `None` for text.
pub(super) fn state<'a>(
    work: &'a Work<'a>,
    cells: usize,
    column: &'a Column,
    needs: Needs,
) -> Option<Box<dyn State + 'a>> {
    struct Make<'a> {
        work: &'a Work<'a>,
        cells: usize,
        column: &'a Column,
        needs: Needs,
    }
    impl<'a> OfKind for Make<'a> {
        type Out = Box<dyn State + 'a>;
        fn of<T: Sample>(self, kind: Kind<T>) -> Self::Out {
            let ordered = self.work.ordered();
            Box::new(Typed {
                work: self.work,
                column: self.column,
                kind,
                cells: Cells::new(self.cells, self.needs),
                outside: 0,
                gathered: None,
                next: 0,
                found: ordered.iter().map(|_| Vec::new()).collect(),
                ordered,
                kept: None,
                runs: Vec::new(),
            })
        }
    }
    let make = Make {
        work,
        cells,
        column,
        needs,
    };
    typed(work, column, make)
}

struct Typed<'a, T: Sample> {
    work: &'a Work<'a>,
    column: &'a Column,
    kind: Kind<T>,
    cells: Cells<T>,
    /// Values that fall outside all bins.
    outside: u64,
    /// The values of some cells while a sweep gathers them.
    gathered: Option<Gathered<T>>,
    /// First cell whose statistics of order are not known.
    next: usize,
    /// The statistics of order, and what they are for all cells before the next one.
    ordered: Vec<Statistic>,
    found: Vec<Vec<f64>>,
    /// Of a part: the values of all cells, one behind the other, those of each in their order.
    kept: Option<Vec<T>>,
    /// What parts kept.
    runs: Vec<Run<T>>,
}

/// The values that a part kept.
struct Run<T> {
    /// The cells that have values, ascending, and how many each has.
    cells: Vec<(u32, u32)>,
    values: Vec<T>,
}

struct Gathered<T> {
    range: Range<usize>,
    /// Where the next value of each cell goes.
    ends: Vec<usize>,
    values: Vec<T>,
}

impl<T: Sample> Typed<'_, T> {
    /// Turns what was gathered into statistics of order.
    fn end_values(&mut self) {
        let Some(mut gathered) = self.gathered.take() else {
            return;
        };
        let scale = self.kind.scale;
        let mut start = 0;
        for end in &gathered.ends {
            let values = gathered.values.get_mut(start..*end).unwrap_or_default();
            values.sort_unstable_by_key(|value| value.sort_key());
            if self.kept.is_none() {
                push_ranks(&self.ordered, scale, values, &mut self.found);
            }
            start = *end;
        }
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(&gathered.values);
        }
        self.next = gathered.range.end;
    }

    /// Turns what parts kept into statistics of order: the values of a cell of all parts together.
    fn end_runs(&mut self) {
        let mut cursors = vec![(0, 0); self.runs.len()];
        let mut values = Vec::new();
        for cell in 0..self.cells.len() {
            values.clear();
            for (run, (at, start)) in self.runs.iter().zip(&mut cursors) {
                if let Some((_, count)) = run.cells.get(*at).filter(|(own, _)| *own as usize == cell) {
                    let end = *start + *count as usize;
                    values.extend_from_slice(run.values.get(*start..end).unwrap_or_default());
                    (*at, *start) = (*at + 1, end);
                }
            }
            values.sort_unstable_by_key(|value: &T| value.sort_key());
            push_ranks(&self.ordered, self.kind.scale, &values, &mut self.found);
        }
        self.runs.clear();
    }

    /// The values of a statistic, and of a density per unit of the bins.
    fn values(&self, statistic: Statistic, axes: &Axes<'_>) -> Values {
        if statistic == Statistic::Count {
            return self
                .cells
                .counts()
                .iter()
                .map(|&count| i64::from(count))
                .collect::<Vec<_>>()
                .into();
        }
        if let Some(at) = self.ordered.iter().position(|known| *known == statistic) {
            return self.found.get(at).cloned().unwrap_or_default().into();
        }
        let mut values = Vec::with_capacity(self.cells.len());
        self.cells.values_into(statistic, self.kind.scale, &mut values);
        if statistic == Statistic::Density {
            values
                .iter_mut()
                .zip(axes.sizes())
                .for_each(|(value, size)| *value /= size);
        }
        values.into()
    }
}

/// Appends the statistics of order of sorted values.
fn push_ranks<T: Sample>(ordered: &[Statistic], scale: Scale, values: &[T], found: &mut [Vec<f64>]) {
    for (statistic, out) in ordered.iter().zip(found) {
        let value = |k: usize| scale.real(values[k].real());
        out.push(quantile::of_order(*statistic, values.len(), value));
    }
}

impl<T: Sample> State for Typed<'_, T> {
    fn column(&self) -> &Column {
        self.column
    }

    fn load(&self, tile: &Tile) -> Result<Box<dyn Any + Send + Sync>, DatasetError> {
        let mut values: Vec<T> = Vec::new();
        let lines = tile.lines.clone();
        (self.kind.load)(self.work, &tile.piece, self.column, lines, &mut values)?;
        Ok(Box::new(values))
    }

    fn add(&mut self, values: &(dyn Any + Send + Sync), places: &Places) {
        let Some(values) = values.downcast_ref::<Vec<T>>() else {
            return;
        };
        let fill = self.kind.fill;
        let Some(gathered) = &mut self.gathered else {
            let time = |index: usize| {
                let years = places.years.get(index / places.width);
                years.copied().unwrap_or(f64::NAN)
            };
            self.cells.scatter(fill, values, &places.cells, time);
            let outside = values.iter().zip(&places.cells);
            let outside = outside.filter(|(value, cell)| **cell == OUTSIDE && fill.keeps(**value));
            self.outside += outside.count() as u64;
            return;
        };
        for (&value, &cell) in values.iter().zip(&places.cells) {
            let cell = cell as usize;
            if gathered.range.contains(&cell)
                && fill.keeps(value)
                && let Some(end) = gathered.ends.get_mut(cell - gathered.range.start)
                && let Some(slot) = gathered.values.get_mut(*end)
            {
                *slot = value;
                *end += 1;
            }
        }
    }

    fn begin_values(&mut self) -> bool {
        self.end_values();
        let counts = self.cells.counts();
        if self.next >= counts.len() || self.ordered.is_empty() {
            return false;
        }
        let columns = self.work.columns.min(64);
        let budget = (self.work.engine.resources.memory / 4 / columns) as usize / size_of::<T>();
        let mut total = 0;
        let mut ends = Vec::new();
        for &count in counts.iter().skip(self.next) {
            if total > 0 && total + count as usize > budget {
                break;
            }
            ends.push(total);
            total += count as usize;
        }
        let range = self.next..self.next + ends.len();
        self.gathered = Some(Gathered {
            range,
            ends,
            values: vec![T::default(); total],
        });
        true
    }

    fn keep_values(&mut self) -> u64 {
        if self.ordered.is_empty() {
            return 0;
        }
        self.kept = Some(Vec::new());
        let count: u64 = self.cells.counts().iter().map(|count| u64::from(*count)).sum();
        count * size_of::<T>() as u64
    }

    fn save(&self, out: &mut Vec<u8>) {
        self.outside.save(out);
        self.cells.save(out);
        self.kept.iter().for_each(|kept| kept.save(out));
    }

    fn absorb(&mut self, bytes: &mut &[u8]) -> Option<()> {
        self.outside = self.outside.saturating_add(u64::restore(bytes)?);
        if self.ordered.is_empty() {
            return self.cells.absorb(bytes);
        }
        let before = self.cells.counts().to_vec();
        self.cells.absorb(bytes)?;
        let values = Vec::<T>::restore(bytes)?;
        let after = (0u32..).zip(self.cells.counts().iter().zip(&before));
        let added = after.map(|(cell, (after, before))| (cell, after - before));
        let cells: Vec<(u32, u32)> = added.filter(|(_, count)| *count > 0).collect();
        let count: u64 = cells.iter().map(|(_, count)| u64::from(*count)).sum();
        self.runs.push(Run { cells, values });
        let kept = self.runs.last()?;
        (kept.values.len() as u64 == count).then_some(())
    }

    fn write(&mut self, axes: &Axes<'_>) -> Result<(), EngineError> {
        if !self.runs.is_empty() {
            self.end_runs();
        }
        let slab = Slab::all(&axes.shape());
        let group = &self.column.group;
        let results = self
            .work
            .computed
            .iter()
            .map(|statistic| self.values(*statistic, axes));
        self.work.write_results(self.column, &slab, results.collect())?;
        if !self.work.reduction.statistics.contains(&Statistic::Count) {
            let counts = self.values(Statistic::Count, axes);
            let path = join(group, &count_name(self.column));
            self.work.write(&path, &slab, &counts)?;
        }
        if matches!(axes, Axes::Bins(_)) {
            let path = join(group, &outside_name(self.column));
            let outside = vec![i64::try_from(self.outside).unwrap_or(i64::MAX)];
            self.work.write(&path, &Slab::all(&[]), &outside.into())?;
        }
        Ok(())
    }
}
