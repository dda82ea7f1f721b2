//! Into cells: those of a longitude-latitude grid, or bins of variables. Every value goes to the cell of its pixel.
//!
//! Tiles are decoded in parallel, then every variable adds them in the order of granules to its own cells, so that the
//! result does not depend on the number of threads.

use std::any::Any;

use karin_core::{AttrValue, DatasetError, GroupMeta, Slab};
use rayon::prelude::*;

use super::tiles::{self, Tile, WAVE};
use super::{Work, describe, parts};
use crate::EngineError;
use crate::plan::Column;
use crate::reduction::{Cells, Needs, Statistic, Target, years};
use crate::swath::Shape;

mod bins;
mod grid;
mod state;

use bins::{BinAxis, Found};
use grid::Grid;
use state::{State, state};

/// Bytes per pixel of a tile: values as stored and decoded, coordinates or what they are binned by, cells, masks.
const BYTES_PER_PIXEL: usize = 48;
/// The cell of a pixel that has no place.
const NOWHERE: u32 = u32::MAX;
/// The cell of a pixel that lies outside all bins.
const OUTSIDE: u32 = u32::MAX - 1;

/// The cells: along one axis or two.
enum Axes<'a> {
    Grid(Grid),
    Bins(Vec<BinAxis<'a>>),
}

impl<'a> Axes<'a> {
    fn new(work: &Work<'a>) -> Result<Self, EngineError> {
        match &work.reduction.target {
            Target::Grid(step) => Grid::new(work, *step).map(Self::Grid),
            Target::Bins(bins) => {
                let axes = bins.iter().map(|bins| BinAxis::new(work, bins));
                axes.collect::<Result<_, _>>().map(Self::Bins)
            }
            other => Err(EngineError::option("target", format!("{other} has no cells"))),
        }
    }

    fn shape(&self) -> Vec<usize> {
        match self {
            Self::Grid(grid) => vec![grid.rows, grid.columns],
            Self::Bins(axes) => axes.iter().map(BinAxis::len).collect(),
        }
    }

    fn len(&self) -> usize {
        self.shape().iter().product()
    }

    /// The cell of every pixel of a tile.
    fn cells(&self, work: &Work<'_>, tile: &Tile) -> Result<Vec<u32>, DatasetError> {
        let dataset = work.engine.open(&tile.piece)?;
        match self {
            Self::Grid(grid) => {
                let swath = work.engine.swath(dataset.as_ref(), &tile.group)?;
                let (longitudes, latitudes) = swath.positions(dataset.as_ref(), tile.lines.clone())?;
                let places = longitudes.iter().zip(&latitudes);
                Ok(places.map(|(lon, lat)| grid.cell(*lon, *lat)).collect())
            }
            Self::Bins(axes) => {
                let mut cells: Vec<u32> = Vec::new();
                for axis in axes {
                    let column = axis.column(&tile.group);
                    let column =
                        column.ok_or_else(|| DatasetError::no_variable(dataset.label(), &axis.name))?;
                    let values = work.engine.load_spread(&tile.piece, column, tile.lines.clone())?;
                    let found = axis.find(&tile.group, &values);
                    if cells.is_empty() {
                        cells = vec![0; found.len()];
                    }
                    for (cell, found) in cells.iter_mut().zip(found) {
                        *cell = joined(*cell, found, axis.len());
                    }
                }
                Ok(cells)
            }
        }
    }

    /// Sizes of the cells: products of the widths of bins.
    fn sizes(&self) -> Vec<f64> {
        match self {
            Self::Grid(_) => vec![1.0; self.len()],
            Self::Bins(axes) => axes.iter().fold(vec![1.0], |sizes, axis| {
                let widths = axis.widths();
                let rows = sizes
                    .iter()
                    .flat_map(|size| widths.iter().map(move |width| size * width));
                rows.collect()
            }),
        }
    }

    /// Adds the axes to a structure, and gives their names.
    fn describe(&self, root: &mut GroupMeta) -> Vec<String> {
        let mut names = Vec::new();
        match self {
            Self::Grid(grid) => {
                root.attributes
                    .set("grid_step_degrees", AttrValue::number(grid.step));
                for (axis, size) in grid.axes() {
                    root.dimensions.push(describe::dimension(&axis.name, size));
                    names.push(axis.name.clone());
                    root.variables.push(axis);
                }
            }
            Self::Bins(axes) => {
                let mut edges = Vec::new();
                for bins in axes {
                    let [axis, bounds] = bins.describe();
                    root.dimensions.push(describe::dimension(&axis.name, bins.len()));
                    names.push(axis.name.clone());
                    root.variables.push(axis);
                    edges.push(bounds);
                }
                root.dimensions.push(BinAxis::bounds_dimension());
                root.variables.append(&mut edges);
            }
        }
        names
    }

    fn write(&self, work: &Work<'_>) -> Result<(), EngineError> {
        match self {
            Self::Grid(grid) => {
                work.write_all("latitude", grid.latitudes())?;
                work.write_all("longitude", grid.longitudes())
            }
            Self::Bins(axes) => axes.iter().try_for_each(|axis| {
                work.write_all(&axis.name, axis.centres())?;
                let slab = Slab::all(&[axis.len(), 2]);
                work.write(&axis.bounds_name(), &slab, &axis.bounds().into())
            }),
        }
    }
}

/// The cell of a pixel along one axis more. A pixel without a value to bin it by is nowhere, whatever the other axis says.
fn joined(cell: u32, found: Found, len: usize) -> u32 {
    match (cell, found) {
        (NOWHERE, _) | (_, Found::Missing) => NOWHERE,
        (OUTSIDE, _) | (_, Found::Outside) => OUTSIDE,
        (cell, Found::Bin(bin)) => u32::try_from(cell as usize * len + bin).unwrap_or(NOWHERE),
    }
}

/// Runs it; returns notes on the result.
pub(super) fn run(mut work: Work<'_>) -> Result<Vec<String>, EngineError> {
    let axes = Axes::new(&work)?;
    let columns = reducible(&work, &axes)?;
    work.start(columns.len());
    let needs = work.reduction.needs();
    let together = together(&work, &axes, needs)?;
    work.begin(&structure(&work, &axes, &columns))?;
    axes.write(&work)?;
    for group in columns.chunks(together) {
        let mut states = states(&work, &axes, group, needs);
        sweep(&work, &axes, &mut states)?;
        if needs.values {
            sweep_values(&work, &axes, &mut states)?;
        }
        for state in &mut states {
            state.write(&axes)?;
        }
    }
    work.schemas.write(&work, &columns, &[0], &Slab::all(&[]))?;
    Ok(Vec::new())
}

/// Runs it for a part of the granules, into bytes for [`merge`].
pub(super) fn part(mut work: Work<'_>, out: &mut Vec<u8>) -> Result<(), EngineError> {
    let axes = Axes::new(&work)?;
    let columns = reducible(&work, &axes)?;
    work.start(columns.len());
    let needs = work.reduction.needs();
    for group in columns.chunks(together(&work, &axes, needs)?) {
        let mut states = states(&work, &axes, group, needs);
        sweep(&work, &axes, &mut states)?;
        if needs.values {
            check_kept(
                &work,
                out.len() as u64 + states.iter_mut().map(|state| state.keep_values()).sum::<u64>(),
            )?;
            sweep_values(&work, &axes, &mut states)?;
        }
        for state in &states {
            parts::begin(state.column(), out);
            state.save(out);
        }
    }
    work.schemas.save(work.engine.plan, out);
    Ok(())
}

/// Merges parts, in the order of their granules.
pub(super) fn merge(work: &Work<'_>, saved: &[&[u8]]) -> Result<Vec<String>, EngineError> {
    let axes = Axes::new(work)?;
    let columns = reducible(work, &axes)?;
    let needs = work.reduction.needs();
    together(work, &axes, needs)?;
    if needs.values {
        check_kept(work, saved.iter().map(|part| part.len() as u64).sum())?;
    }
    let is_floating = work.reduction.with.is_some()
        || work.computed.contains(&Statistic::Trend)
        || columns.iter().any(|column| {
            let packing = column.packing.as_ref();
            packing.is_none_or(|packing| !packing.dtype.is_integer())
        });
    let is_added = needs.sum || needs.squares || needs.trend || needs.pairs;
    let notes = if is_floating && is_added && saved.len() > 1 {
        vec![parts::ADDED_IN_PARTS.to_owned()]
    } else {
        Vec::new()
    };
    let mut root = structure(work, &axes, &columns);
    describe::comment(&mut root, &notes);
    work.begin(&root)?;
    axes.write(work)?;
    let mut rests = saved.to_vec();
    for column in &columns {
        for mut state in states(work, &axes, &[*column], needs) {
            for rest in &mut rests {
                parts::expect(column, rest)?;
                state.absorb(rest).ok_or_else(parts::broken)?;
            }
            state.write(&axes)?;
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

/// Checks that the values of a part fit into the memory, as they are gathered and as bytes.
fn check_kept(work: &Work<'_>, bytes: u64) -> Result<(), EngineError> {
    let memory = work.engine.resources.memory;
    if bytes <= memory / 2 {
        Ok(())
    } else {
        Err(EngineError::KeptValues {
            needed: bytes,
            memory,
        })
    }
}

/// Gathers the values of all cells, of as many at a time as fit into the memory.
fn sweep_values(
    work: &Work<'_>,
    axes: &Axes<'_>,
    states: &mut [Box<dyn State + '_>],
) -> Result<(), EngineError> {
    while states
        .iter_mut()
        .map(|state| state.begin_values())
        .fold(false, |any, more| any | more)
    {
        sweep(work, axes, states)?;
    }
    Ok(())
}

fn states<'a>(
    work: &'a Work<'a>,
    axes: &Axes<'_>,
    columns: &[&'a Column],
    needs: Needs,
) -> Vec<Box<dyn State + 'a>> {
    let states = columns
        .iter()
        .filter_map(|column| state(work, axes.len(), column, needs));
    states.collect()
}

/// Variables whose states fit into half of the memory at a time.
fn together(work: &Work<'_>, axes: &Axes<'_>, needs: Needs) -> Result<usize, EngineError> {
    if axes.len() >= OUTSIDE as usize {
        let reason = "more than 2^32 cells: choose a larger step";
        return Err(EngineError::option("--grid or --bin", reason));
    }
    let needed = Cells::<f64>::bytes(axes.len(), needs) as u64;
    let budget = work.engine.resources.memory / 2;
    if needed > budget {
        return Err(EngineError::Memory { needed, budget });
    }
    let together = usize::try_from(budget / needed.max(1)).unwrap_or(usize::MAX);
    Ok(together.clamp(1, 64))
}

/// The columns that have a value per pixel, and with it what they are binned by and compared with.
fn reducible<'a>(work: &Work<'a>, axes: &Axes<'a>) -> Result<Vec<&'a Column>, EngineError> {
    let plan = work.engine.plan;
    let mut columns = Vec::new();
    for column in plan.columns() {
        let on_pixels = column.shape == Shape::Pixels && column.meta.dtype.is_numeric();
        let position = plan.swaths().iter().any(|swath| column.is_position(swath));
        if column.named && !on_pixels {
            let reason = format!(
                "{} has no value per pixel, and so no place in a cell",
                column.path()
            );
            return Err(EngineError::option("--vars", reason));
        }
        let lacking = match axes {
            Axes::Grid(_) => None,
            Axes::Bins(axes) => axes.iter().find(|axis| axis.column(&column.group).is_none()),
        };
        match lacking {
            Some(axis) if column.named => return Err(bins::lacks(column, &axis.name)),
            Some(_) => continue,
            None => {}
        }
        if on_pixels && work.has_partner(column)? && (column.named || !position) {
            columns.push(column);
        }
    }
    if columns.is_empty() {
        return Err(crate::error::invalid_structure());
    }
    Ok(columns)
}

/// Reads all granules once.
fn sweep(work: &Work<'_>, axes: &Axes<'_>, states: &mut [Box<dyn State + '_>]) -> Result<(), EngineError> {
    let engine = work.engine;
    for pieces in work.pieces().chunks(WAVE) {
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
                    .map(|tile| noted(work, tile, places(work, axes, tile)))
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

fn places(work: &Work<'_>, axes: &Axes<'_>, tile: &Tile) -> Result<Places, DatasetError> {
    let dataset = work.engine.open(&tile.piece)?;
    let swath = work.engine.swath(dataset.as_ref(), &tile.group)?;
    let cells = axes.cells(work, tile)?;
    let wanted = work.computed.contains(&Statistic::Trend);
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

fn structure(work: &Work<'_>, axes: &Axes<'_>, columns: &[&Column]) -> GroupMeta {
    let mut root = GroupMeta {
        attributes: describe::provenance(work.engine.plan, work.reduction),
        ..GroupMeta::default()
    };
    let dimensions = axes.describe(&mut root);
    let chunks = Some(axes.shape());
    for column in columns {
        let group = describe::group_mut(&mut root, &column.group);
        for statistic in &work.reduction.statistics {
            let meta = describe::result_variable(work, column, *statistic, &dimensions, chunks.clone());
            group.variables.push(meta);
        }
        if !work.reduction.statistics.contains(&Statistic::Count) {
            let mut meta =
                describe::result_variable(work, column, Statistic::Count, &dimensions, chunks.clone());
            meta.name = describe::count_name(column);
            group.variables.push(meta);
        }
        if matches!(axes, Axes::Bins(_)) {
            group.variables.push(describe::outside(work, column));
        }
    }
    work.schemas.describe(&mut root, columns, &[]);
    root
}
