//! Onto a longitude-latitude grid: every value goes to the cell that holds its pixel's centre.
//!
//! Tiles are decoded in parallel, then every variable adds them in the order of granules to its own grid, so that the
//! result does not depend on the number of threads.

use std::any::Any;
use std::ops::Range;

use karin_core::geo::wrap_180;
use karin_core::{AttrValue, DType, DatasetError, GroupMeta, Slab, Values};
use rayon::prelude::*;

use super::tiles::{self, Tile, WAVE};
use super::{Work, describe, parts};
use crate::EngineError;
use crate::plan::{Column, Piece};
use crate::reduction::{Cells, Fill, Needs, Sample, Scale, Statistic, quantile, years};
use crate::swath::{Shape, join};

/// Bytes per pixel of a tile: values as stored and decoded, coordinates, cells, masks.
const BYTES_PER_PIXEL: usize = 48;

/// The cells: `rows` from the south times `columns` from the west.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Grid {
    step: f64,
    /// Index of the first row and column on the whole globe, which begins at 90 S and 180 W.
    first_row: usize,
    first_column: usize,
    rows: usize,
    columns: usize,
    /// Columns of the whole globe.
    around: usize,
}

impl Grid {
    /// The cells of `step` degrees that touch the selection's region, or all of them.
    fn new(work: &Work<'_>, step: f64) -> Result<Self, EngineError> {
        if !(0.001..=30.0).contains(&step) {
            return Err(EngineError::option(
                "--grid",
                format!("a step of {step} degrees is not within 0.001 to 30"),
            ));
        }
        let around = (360.0 / step - 1e-9).ceil() as usize;
        let all_rows = (180.0 / step - 1e-9).ceil() as usize;
        let mut grid = Self {
            step,
            first_row: 0,
            first_column: 0,
            rows: all_rows,
            columns: around,
            around,
        };
        let Some(region) = &work.engine.plan.selection().region else {
            return Ok(grid);
        };
        let bounds = region.bounds();
        let south = bounds.iter().map(|b| b.south()).fold(90.0, f64::min);
        let north = bounds.iter().map(|b| b.north()).fold(-90.0, f64::max);
        grid.first_row = (((south + 90.0) / step).floor() as usize).min(all_rows - 1);
        let last_row = (((north + 90.0) / step).ceil() as usize).clamp(grid.first_row + 1, all_rows);
        grid.rows = last_row - grid.first_row;
        if let [only] = bounds.as_slice()
            && only.width() + 2.0 * step < 360.0
        {
            let west = wrap_180(only.west()) + 180.0;
            grid.first_column = ((west / step).floor() as usize).min(around - 1);
            let end = ((west + only.width()) / step).ceil() as usize;
            grid.columns = (end - grid.first_column).clamp(1, around);
        }
        Ok(grid)
    }

    fn len(&self) -> usize {
        self.rows * self.columns
    }

    /// The cell of a place; `u32::MAX` outside the grid and for NaN.
    fn cell(&self, longitude: f64, latitude: f64) -> u32 {
        if !(longitude.is_finite() && latitude.abs() <= 90.0) {
            return u32::MAX;
        }
        let all_rows = (180.0 / self.step - 1e-9).ceil() as usize;
        let row = (((latitude + 90.0) / self.step) as usize).min(all_rows - 1);
        let column = (((wrap_180(longitude) + 180.0) / self.step) as usize).min(self.around - 1);
        let (row, column) = (
            row.wrapping_sub(self.first_row),
            (column + self.around - self.first_column) % self.around,
        );
        if row < self.rows && column < self.columns {
            u32::try_from(row * self.columns + column).unwrap_or(u32::MAX)
        } else {
            u32::MAX
        }
    }

    fn latitudes(&self) -> Vec<f64> {
        (0..self.rows)
            .map(|row| ((self.first_row + row) as f64 + 0.5) * self.step - 90.0)
            .collect()
    }

    /// Ascending from the first column, beyond 180 where the grid crosses the antimeridian.
    fn longitudes(&self) -> Vec<f64> {
        (0..self.columns)
            .map(|column| ((self.first_column + column) as f64 + 0.5) * self.step - 180.0)
            .collect()
    }
}

/// Runs it; returns notes on the result.
pub(super) fn run(mut work: Work<'_>, step: f64) -> Result<Vec<String>, EngineError> {
    let grid = Grid::new(&work, step)?;
    let columns = reducible(&work)?;
    work.start(columns.len());
    let needs = Needs::of(&work.reduction.statistics);
    let together = together(&work, &grid, needs)?;
    work.begin(&structure(&work, &grid, &columns))?;
    work.write_all("latitude", grid.latitudes())?;
    work.write_all("longitude", grid.longitudes())?;
    for group in columns.chunks(together) {
        let mut states = states(&work, &grid, group, needs);
        sweep(&work, &grid, &mut states)?;
        if needs.values {
            while states
                .iter_mut()
                .map(|state| state.begin_values())
                .fold(false, |any, more| any | more)
            {
                sweep(&work, &grid, &mut states)?;
            }
        }
        for state in &mut states {
            state.write(&grid)?;
        }
    }
    work.schemas.write(&work, &columns, &[0], &Slab::all(&[]))?;
    Ok(Vec::new())
}

/// Runs it for a part of the granules, into bytes for [`merge`].
pub(super) fn part(mut work: Work<'_>, step: f64, out: &mut Vec<u8>) -> Result<(), EngineError> {
    let grid = Grid::new(&work, step)?;
    let columns = reducible(&work)?;
    work.start(columns.len());
    let needs = Needs::of(&work.reduction.statistics);
    for group in columns.chunks(together(&work, &grid, needs)?) {
        let mut states = states(&work, &grid, group, needs);
        sweep(&work, &grid, &mut states)?;
        for state in &states {
            parts::begin(state.column(), out);
            state.save(out);
        }
    }
    work.schemas.save(work.engine.plan, out);
    Ok(())
}

/// Merges parts, in the order of their granules.
pub(super) fn merge(work: &Work<'_>, step: f64, saved: &[&[u8]]) -> Result<Vec<String>, EngineError> {
    let grid = Grid::new(work, step)?;
    let columns = reducible(work)?;
    let needs = Needs::of(&work.reduction.statistics);
    together(work, &grid, needs)?;
    let is_floating = columns.iter().any(|column| {
        let packing = column.packing.as_ref();
        packing.is_none_or(|packing| !packing.dtype.is_integer())
    });
    let notes = if is_floating && saved.len() > 1 {
        vec![parts::ADDED_IN_PARTS.to_owned()]
    } else {
        Vec::new()
    };
    let mut root = structure(work, &grid, &columns);
    describe::comment(&mut root, &notes);
    work.begin(&root)?;
    work.write_all("latitude", grid.latitudes())?;
    work.write_all("longitude", grid.longitudes())?;
    let mut rests = saved.to_vec();
    for column in &columns {
        for mut state in states(work, &grid, &[*column], needs) {
            for rest in &mut rests {
                parts::expect(column, rest)?;
                state.absorb(rest).ok_or_else(parts::broken)?;
            }
            state.write(&grid)?;
        }
    }
    for rest in &mut rests {
        let absorbed = work.schemas.absorb(&[0], rest);
        absorbed.ok_or_else(parts::broken)?;
    }
    rests.into_iter().try_for_each(parts::end)?;
    work.schemas.write(work, &columns, &[0], &Slab::all(&[]))?;
    Ok(notes)
}

fn states<'a>(
    work: &'a Work<'a>,
    grid: &Grid,
    columns: &[&'a Column],
    needs: Needs,
) -> Vec<Box<dyn State + 'a>> {
    let states = columns
        .iter()
        .filter_map(|column| state(work, grid, column, needs));
    states.collect()
}

/// Variables whose states fit into half of the memory at a time.
fn together(work: &Work<'_>, grid: &Grid, needs: Needs) -> Result<usize, EngineError> {
    if u32::try_from(grid.len()).is_err() {
        return Err(EngineError::option(
            "--grid",
            "the grid has more than 2^32 cells: choose a larger step",
        ));
    }
    let needed = Cells::<f64>::bytes(grid.len(), needs) as u64;
    let budget = work.engine.resources.memory / 2;
    if needed > budget {
        return Err(EngineError::Memory { needed, budget });
    }
    let together = usize::try_from(budget / needed.max(1)).unwrap_or(usize::MAX);
    Ok(together.clamp(1, 64))
}

fn reducible<'a>(work: &Work<'a>) -> Result<Vec<&'a Column>, EngineError> {
    let plan = work.engine.plan;
    let mut columns = Vec::new();
    for column in plan.columns() {
        let on_pixels = column.shape == Shape::Pixels && column.meta.dtype.is_numeric();
        let position = plan.swaths().iter().any(|swath| column.is_position(swath));
        if column.named && !on_pixels {
            let reason = format!(
                "{} has no value per pixel, and so no place on a grid",
                column.path()
            );
            return Err(EngineError::option("--vars", reason));
        }
        if on_pixels && (column.named || !position) {
            columns.push(column);
        }
    }
    if columns.is_empty() {
        return Err(crate::error::invalid_structure());
    }
    Ok(columns)
}

/// Reads all granules once.
fn sweep(work: &Work<'_>, grid: &Grid, states: &mut [Box<dyn State + '_>]) -> Result<(), EngineError> {
    let engine = work.engine;
    for pieces in engine.plan.pieces().chunks(WAVE) {
        let all = tiles::of(work, pieces, BYTES_PER_PIXEL);
        let batch = engine
            .resources
            .jobs
            .max(states.len().div_ceil(8))
            .min(2 * engine.resources.jobs);
        for tiles in all.chunks(batch.max(1)) {
            engine.check_cancelled()?;
            let places: Vec<Option<Places>> = engine.pool.install(|| {
                tiles
                    .par_iter()
                    .map(|tile| noted(work, tile, places(work, grid, tile)))
                    .collect()
            });
            // As many variables at a time as the budget holds decoded.
            let pixels = places
                .iter()
                .flatten()
                .map(|places| places.cells.len())
                .sum::<usize>()
                .max(1);
            let budget = usize::try_from(engine.resources.memory / 4).unwrap_or(usize::MAX);
            let width = (budget / (pixels * 8)).max(1);
            for states in states.chunks_mut(width) {
                let pairs: Vec<(usize, usize)> = (0..tiles.len())
                    .flat_map(|tile| (0..states.len()).map(move |state| (tile, state)))
                    .collect();
                let load = |(tile, state): &(usize, usize)| {
                    let (tile, state) = (tiles.get(*tile)?, states.get(*state)?);
                    let holds = tile.holds(state.column());
                    if holds {
                        noted(work, tile, state.load(tile))
                    } else {
                        None
                    }
                };
                let loaded: Vec<Option<Box<dyn Any + Send + Sync>>> = engine
                    .pool
                    .install(|| pairs.par_iter().with_max_len(1).map(load).collect());
                let count = states.len();
                engine.pool.install(|| {
                    states
                        .par_iter_mut()
                        .with_max_len(1)
                        .enumerate()
                        .for_each(|(index, state)| {
                            for (tile, places) in places.iter().enumerate() {
                                let values = loaded.get(tile * count + index).and_then(Option::as_ref);
                                if let (Some(values), Some(places)) = (values, places) {
                                    state.add(values.as_ref(), places);
                                }
                            }
                        });
                });
                work.advance(tiles.iter().filter(|tile| tile.is_first).count() * count);
            }
        }
    }
    Ok(())
}

/// The value, or a note that the granule cannot be read.
fn noted<V>(work: &Work<'_>, tile: &Tile, result: Result<V, DatasetError>) -> Option<V> {
    result.map_err(|error| work.engine.fail(&tile.piece, &error)).ok()
}

/// Where the pixels of a tile lie.
struct Places {
    /// Cell of each pixel.
    cells: Vec<u32>,
    /// Years of each line, where trends are wanted.
    years: Vec<f64>,
    width: usize,
}

fn places(work: &Work<'_>, grid: &Grid, tile: &Tile) -> Result<Places, DatasetError> {
    let dataset = work.engine.open(&tile.piece)?;
    let swath = work.engine.swath(dataset.as_ref(), &tile.group)?;
    let (longitudes, latitudes) = swath.positions(dataset.as_ref(), tile.lines.clone())?;
    let cells = longitudes
        .iter()
        .zip(&latitudes)
        .map(|(lon, lat)| grid.cell(*lon, *lat))
        .collect();
    let wanted = work.reduction.statistics.contains(&Statistic::Trend);
    let times = if wanted {
        swath.times(dataset.as_ref(), tile.lines.clone())?
    } else {
        Vec::new()
    };
    work.schemas.note(0, &tile.piece);
    Ok(Places {
        cells,
        years: times.into_iter().map(years).collect(),
        width: swath.num_pixels.max(1),
    })
}

/// The grid of one column, whatever its type.
trait State: Send + Sync {
    fn column(&self) -> &Column;
    fn load(&self, tile: &Tile) -> Result<Box<dyn Any + Send + Sync>, DatasetError>;
    fn add(&mut self, values: &(dyn Any + Send + Sync), places: &Places);
    /// Prepares for another sweep that gathers the values of the next cells; false once all quantiles are known.
    fn begin_values(&mut self) -> bool;
    fn write(&mut self, grid: &Grid) -> Result<(), EngineError>;
    /// Appends the cells as bytes.
    fn save(&self, out: &mut Vec<u8>);
    /// Takes in saved cells of later granules; `None` if the bytes hold something else.
    fn absorb(&mut self, bytes: &mut &[u8]) -> Option<()>;
}

type Load<T> = fn(&Work<'_>, &Piece, &Column, Range<usize>, &mut Vec<T>) -> Result<(), DatasetError>;

struct Typed<'a, T: Sample> {
    work: &'a Work<'a>,
    column: &'a Column,
    fill: Fill<T>,
    scale: Scale,
    load: Load<T>,
    cells: Cells<T>,
    /// The values of some cells while a sweep gathers them.
    gathered: Option<Gathered<T>>,
    /// First cell whose quantiles are not known.
    next: usize,
    quantiles: Vec<Vec<f64>>,
}

struct Gathered<T> {
    range: Range<usize>,
    /// Where the next value of each cell goes.
    ends: Vec<usize>,
    values: Vec<T>,
}

fn state<'a>(
    work: &'a Work<'a>,
    grid: &Grid,
    column: &'a Column,
    needs: Needs,
) -> Option<Box<dyn State + 'a>> {
    let Some(packing) = &column.packing else {
        let load: Load<f64> =
            |work, piece, column, lines, out| work.engine.load_real(piece, column, lines, out);
        let fill = Fill {
            fill: f64::NAN,
            missing: f64::NAN,
        };
        return Some(Typed::boxed(
            work,
            column,
            fill,
            Scale {
                scale: 1.0,
                offset: 0.0,
            },
            load,
            Cells::new(grid.len(), needs),
        ));
    };
    let scale = Scale {
        scale: packing.scale,
        offset: packing.offset,
    };
    macro_rules! typed {
        ($($dtype:ident => $type:ty),*) => {
            match packing.dtype {
                $(DType::$dtype => {
                    let load: Load<$type> =
                        |work, piece, column, lines, out| work.engine.load_packed(piece, column, lines, out);
                    Some(Typed::boxed(work, column, Fill::of(packing)?, scale, load, Cells::new(grid.len(), needs)))
                })*
                DType::Int64 | DType::UInt64 | DType::Char | DType::String => None,
            }
        };
    }
    typed!(Int8 => i8, UInt8 => u8, Int16 => i16, UInt16 => u16, Int32 => i32, UInt32 => u32, Float32 => f32,
           Float64 => f64)
}

impl<'a, T: Sample> Typed<'a, T> {
    fn boxed(
        work: &'a Work<'a>,
        column: &'a Column,
        fill: Fill<T>,
        scale: Scale,
        load: Load<T>,
        cells: Cells<T>,
    ) -> Box<dyn State + 'a> {
        let fractions = work
            .reduction
            .statistics
            .iter()
            .filter_map(|s| super::over_cycle::fraction(*s));
        let quantiles = fractions.map(|_| Vec::new()).collect();
        Box::new(Self {
            work,
            column,
            fill,
            scale,
            load,
            cells,
            gathered: None,
            next: 0,
            quantiles,
        })
    }

    /// Turns what was gathered into quantiles.
    fn end_values(&mut self) {
        let Some(mut gathered) = self.gathered.take() else {
            return;
        };
        let fractions: Vec<f64> = self
            .work
            .reduction
            .statistics
            .iter()
            .filter_map(|s| super::over_cycle::fraction(*s))
            .collect();
        let mut start = 0;
        for end in &gathered.ends {
            let values = gathered.values.get_mut(start..*end).unwrap_or_default();
            values.sort_unstable_by_key(|value| value.sort_key());
            for (q, out) in fractions.iter().zip(&mut self.quantiles) {
                out.push(quantile::of_sorted(values.len(), *q, |k| {
                    values[k].to_f64() * self.scale.scale + self.scale.offset
                }));
            }
            start = *end;
        }
        self.next = gathered.range.end;
    }
}

impl<T: Sample> State for Typed<'_, T> {
    fn column(&self) -> &Column {
        self.column
    }

    fn load(&self, tile: &Tile) -> Result<Box<dyn Any + Send + Sync>, DatasetError> {
        let mut values: Vec<T> = Vec::new();
        (self.load)(
            self.work,
            &tile.piece,
            self.column,
            tile.lines.clone(),
            &mut values,
        )?;
        Ok(Box::new(values))
    }

    fn add(&mut self, values: &(dyn Any + Send + Sync), places: &Places) {
        let Some(values) = values.downcast_ref::<Vec<T>>() else {
            return;
        };
        let Some(gathered) = &mut self.gathered else {
            let time = |index: usize| {
                places
                    .years
                    .get(index / places.width)
                    .copied()
                    .unwrap_or(f64::NAN)
            };
            self.cells.scatter(self.fill, values, &places.cells, time);
            return;
        };
        for (&value, &cell) in values.iter().zip(&places.cells) {
            let cell = cell as usize;
            if gathered.range.contains(&cell)
                && self.fill.keeps(value)
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
        if self.next >= counts.len() || self.quantiles.is_empty() {
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

    fn save(&self, out: &mut Vec<u8>) {
        self.cells.save(out);
    }

    fn absorb(&mut self, bytes: &mut &[u8]) -> Option<()> {
        self.cells.absorb(bytes)
    }

    fn write(&mut self, grid: &Grid) -> Result<(), EngineError> {
        let slab = Slab::all(&[grid.rows, grid.columns]);
        let reduction = self.work.reduction;
        let counts = || {
            self.cells
                .counts()
                .iter()
                .map(|&count| i64::from(count))
                .collect::<Vec<_>>()
        };
        let mut quantiles = self.quantiles.iter();
        for statistic in &reduction.statistics {
            let path = join(
                &self.column.group,
                &describe::result_name(reduction, self.column, *statistic),
            );
            let values: Values = match statistic {
                Statistic::Count => counts().into(),
                Statistic::Median | Statistic::Quantile(_) => {
                    quantiles.next().cloned().unwrap_or_default().into()
                }
                other => {
                    let mut values = Vec::with_capacity(self.cells.len());
                    self.cells.values_into(*other, self.scale, &mut values);
                    values.into()
                }
            };
            self.work.write(&path, &slab, &values)?;
        }
        if !reduction.statistics.contains(&Statistic::Count) {
            self.work.write(
                &join(&self.column.group, &count_name(self.column)),
                &slab,
                &counts().into(),
            )?;
        }
        Ok(())
    }
}

/// Name of the counts that every grid carries.
fn count_name(column: &Column) -> String {
    format!("{}_count", column.name)
}

fn structure(work: &Work<'_>, grid: &Grid, columns: &[&Column]) -> GroupMeta {
    let mut root = GroupMeta {
        attributes: describe::provenance(work.engine.plan, work.reduction),
        ..GroupMeta::default()
    };
    root.attributes
        .set("grid_step_degrees", AttrValue::number(grid.step));
    let about = [
        ("latitude", grid.rows, "degrees_north"),
        ("longitude", grid.columns, "degrees_east"),
    ];
    for (name, size, units) in about {
        root.dimensions.push(describe::dimension(name, size));
        let mut axis = describe::axis(name, DType::Float64, &format!("{name} of the centre of the cell"));
        axis.attributes.set("standard_name", name);
        axis.attributes.set("units", units);
        root.variables.push(axis);
    }
    let dimensions = ["latitude".to_owned(), "longitude".to_owned()];
    let chunks = Some(vec![grid.rows, grid.columns]);
    for column in columns {
        let group = describe::group_mut(&mut root, &column.group);
        for statistic in &work.reduction.statistics {
            let meta =
                describe::result_variable(work.reduction, column, *statistic, &dimensions, chunks.clone());
            group.variables.push(meta);
        }
        if !work.reduction.statistics.contains(&Statistic::Count) {
            let mut meta = describe::result_variable(
                work.reduction,
                column,
                Statistic::Count,
                &dimensions,
                chunks.clone(),
            );
            meta.name = count_name(column);
            group.variables.push(meta);
        }
    }
    work.schemas.describe(&mut root, columns, &[]);
    root
}
