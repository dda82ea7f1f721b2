//! Data tiles: 256 x 256 numbers of the Web Mercator map, aggregated from swath cells.
//!
//! ```text
//!   z, x, y ──> window ──> passes near it (model) ──> parts of lines ──> footprints of places ─┐
//!                                                                  └──> cells ────────────────┴──> canvas ──> int16
//! ```

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use karin::engine::{Engine, Piece};
use karin_core::{HalfOrbit, NumberList, PassNumber, Progress};

use crate::archive::Group;
use crate::http::problem::Problem;
use crate::swath::{Cells, Kept, Level, Places};
use crate::tracks;
use crate::view::View;
use crate::viewer::Viewer;

mod canvas;
mod footprint;
mod packed;
mod statistic;
mod tile_id;

use canvas::Canvas;
pub use footprint::{Footprint, SIDE};
pub use packed::{NODATA, Packed};
pub use statistic::Statistic;
pub use tile_id::TileId;

/// Most cycles of a tile.
pub const MOST_CYCLES: usize = 60;
/// Most parts of granules that one tile is made of: ten global cycles.
const MOST_PARTS: usize = 6000;
/// Lines of a part where cells are native or nearly so; at coarser levels a part is a whole pass.
const PART: usize = 1024;
/// The first level whose parts are whole passes.
const WHOLE: u32 = 3;

/// What tells a part of the places of a pass from others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PlacesKey {
    group: String,
    side: String,
    /// The pass where all cycles share their geometry, else the granule.
    of: Result<u16, usize>,
    level: Level,
    part: usize,
}

/// What tells which pixels of a tile a part of a pass covers from others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FootprintKey {
    places: PlacesKey,
    tile: TileId,
}

/// What tells a part of the values of a granule from others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CellsKey {
    view: Arc<str>,
    entry: usize,
    level: Level,
    kept: Kept,
    part: usize,
}

/// A tile as it comes from the canvas.
#[derive(Clone, Debug, Default)]
pub struct Drawn {
    /// A number per pixel, NaN where there is none.
    pub values: Vec<f64>,
    /// Cells that fell on the tile.
    pub cells: usize,
    /// Passes of which some did.
    pub passes: Vec<u16>,
    /// The level that was used.
    pub level: u32,
}

/// One part of one granule that may lie on a tile.
struct Piece2 {
    piece: Piece,
    pass: u16,
    part: usize,
}

/// Draws a statistic of the granules of some cycles: of one view, or of one per side of the same variable.
///
/// # Errors
/// If too many are asked for, or nobody wants it any more. Granules that cannot be read leave a gap.
pub fn draw(
    viewer: &Viewer,
    views: &[Arc<View>],
    tile: TileId,
    cycles: &NumberList,
    statistic: Statistic,
    progress: &dyn Progress,
) -> Result<Drawn, Problem> {
    if cycles.len() > MOST_CYCLES {
        let detail = format!("a tile of {} cycles: at most {MOST_CYCLES}", cycles.len());
        return Err(Problem::too_much(detail).hint("ask for fewer cycles, or make a grid: karin stat --grid"));
    }
    let mut drawn = Drawn::default();
    let mut canvas = None;
    for view in views {
        let group = viewer.archive().group(&view.group)?;
        let level = tile.level(group.resolution_m());
        drawn.level = level.0;
        let pieces = pieces_near(viewer, view, tile, cycles, level)?;
        if pieces.is_empty() {
            continue;
        }
        if pieces.len() > MOST_PARTS {
            let detail = format!(
                "{} parts of granules fall on this tile: at most {MOST_PARTS}",
                pieces.len()
            );
            return Err(Problem::too_much(detail).hint("zoom in, or ask for fewer cycles"));
        }
        let canvas = canvas.get_or_insert_with(|| Canvas::new(statistic));
        view.with_engine(viewer.archive().resources().jobs, progress, |engine| {
            let ground = Ground {
                viewer,
                view,
                group,
                engine,
                progress,
                tile,
                level,
            };
            // A few hundred parts at a time, so that memory does not grow with the number of cycles.
            pieces
                .chunks(256)
                .try_for_each(|batch| ground.add(batch, statistic, canvas, &mut drawn))
        })?;
    }
    if let Some(canvas) = canvas {
        drawn.cells = canvas.cells();
        drawn.values = canvas.values();
        drawn.passes.sort_unstable();
        drawn.passes.dedup();
    }
    Ok(drawn)
}

/// What parts of granules of one view are drawn on.
struct Ground<'a> {
    viewer: &'a Viewer,
    view: &'a View,
    group: &'a Group,
    engine: &'a Engine<'a>,
    progress: &'a dyn Progress,
    tile: TileId,
    level: Level,
}

fn gone() -> Problem {
    Problem::missing("the granule is gone")
}

impl Ground<'_> {
    /// Adds parts of granules to the canvas.
    fn add(
        &self,
        batch: &[Piece2],
        statistic: Statistic,
        canvas: &mut Canvas,
        drawn: &mut Drawn,
    ) -> Result<(), Problem> {
        // Only parts that lie on the tile are read.
        let footprints = self.footprints(batch)?;
        let on_tile: Vec<(&Piece2, Arc<Footprint>)> = batch
            .iter()
            .zip(footprints)
            .filter_map(|(item, footprint)| Some((item, footprint.filter(|one| !one.is_empty())?)))
            .collect();
        let cells = self.cells(&on_tile, statistic)?;
        for ((item, footprint), cells) in on_tile.into_iter().zip(cells) {
            if cells.is_some_and(|cells| canvas.add(&footprint, &cells) > 0) {
                drawn.passes.push(item.pass);
            }
        }
        Ok(())
    }

    fn places_key(&self, item: &Piece2) -> PlacesKey {
        PlacesKey {
            group: self.view.group.clone(),
            side: self.view.side.clone(),
            of: if self.group.is_fixed {
                Ok(item.pass)
            } else {
                Err(item.piece.entry)
            },
            level: self.level,
            part: item.part,
        }
    }

    /// Which pixels each part covers; `None` where places cannot be read. Cycles share them where they share places.
    fn footprints(&self, batch: &[Piece2]) -> Result<Vec<Option<Arc<Footprint>>>, Problem> {
        let tile = self.tile;
        let key_of = |item: &Piece2| FootprintKey {
            places: self.places_key(item),
            tile,
        };
        let keys: Vec<FootprintKey> = batch.iter().map(key_of).collect();
        let known: Vec<_> = keys.iter().map(|key| self.viewer.footprints().get(key)).collect();
        let missing: HashMap<&PlacesKey, &Piece2> = keys
            .iter()
            .zip(batch)
            .zip(&known)
            .filter(|(_, known)| known.is_none())
            .map(|((key, item), _)| (&key.places, item))
            .collect();
        let places = self.places(&missing)?;
        let cell_m = self.group.resolution_m() * self.level.block() as f64;
        let wanted: Vec<FootprintKey> = places
            .keys()
            .map(|key| FootprintKey {
                places: (*key).clone(),
                tile,
            })
            .collect();
        let make = |key: &FootprintKey| {
            let places = places.get(&key.places).ok_or_else(gone)?;
            Ok(Footprint::of(places, tile, cell_m))
        };
        let made = self
            .viewer
            .footprints()
            .get_all(&wanted, self.engine, self.progress, make, |_, _| ())?;
        let made: HashMap<&FootprintKey, _> = wanted.iter().zip(made).collect();
        let of =
            |(key, known): (&FootprintKey, Option<_>)| known.or_else(|| made.get(key).cloned().flatten());
        Ok(keys.iter().zip(known).map(of).collect())
    }

    fn places<'a>(
        &self,
        wanted: &HashMap<&'a PlacesKey, &Piece2>,
    ) -> Result<HashMap<&'a PlacesKey, Arc<Places>>, Problem> {
        let names: Vec<&PlacesKey> = wanted.keys().copied().collect();
        let keys: Vec<PlacesKey> = names.iter().copied().cloned().collect();
        let make = |key: &PlacesKey| {
            let item = wanted.get(key).ok_or_else(gone)?;
            let lines = lines_of_part(self.level, key.part);
            let group = &self.view.column.group;
            Ok(Places::read(self.engine, &item.piece, group, lines, self.level)?)
        };
        let found = self
            .viewer
            .places()
            .get_all(&keys, self.engine, self.progress, make, |_, _| ())?;
        let found = names.into_iter().zip(found);
        Ok(found.filter_map(|(name, places)| Some((name, places?))).collect())
    }

    fn cells(
        &self,
        on_tile: &[(&Piece2, Arc<Footprint>)],
        statistic: Statistic,
    ) -> Result<Vec<Option<Arc<Cells>>>, Problem> {
        let kept = statistic.kept(self.view.is_flag());
        let name: Arc<str> = self.view.key.as_str().into();
        let keys: Vec<CellsKey> = on_tile
            .iter()
            .map(|(item, _)| CellsKey {
                view: Arc::clone(&name),
                entry: item.piece.entry,
                level: self.level,
                kept,
                part: item.part,
            })
            .collect();
        let pieces: HashMap<usize, Piece> = on_tile
            .iter()
            .map(|(item, _)| (item.piece.entry, item.piece))
            .collect();
        let make = |key: &CellsKey| {
            let piece = pieces.get(&key.entry).ok_or_else(gone)?;
            let lines = lines_of_part(self.level, key.part);
            Cells::read(self.view, self.engine, piece, lines, self.level, kept)
        };
        self.viewer
            .cells()
            .get_all(&keys, self.engine, self.progress, make, |_, _| ())
    }
}

/// Native lines of a part.
fn lines_of_part(level: Level, part: usize) -> Range<usize> {
    if level.0 >= WHOLE {
        0..usize::MAX
    } else {
        part * PART..(part + 1) * PART
    }
}

/// The parts of granules of these cycles that may lie on a tile, in the order of time.
fn pieces_near(
    viewer: &Viewer,
    view: &View,
    tile: TileId,
    cycles: &NumberList,
    level: Level,
) -> Result<Vec<Piece2>, Problem> {
    let group = viewer.archive().group(&view.group)?;
    let near = viewer.tracks(group.phase).near(&tile.window());
    let mut found = Vec::new();
    for cycle in cycles.iter() {
        for (pass, along) in &near {
            let Some(piece) = view.find(HalfOrbit::new(cycle, *pass)) else {
                continue;
            };
            let parts = if level.0 >= WHOLE {
                0..1
            } else {
                parts_between(group, view, *pass, along)
            };
            found.extend(parts.map(|part| Piece2 {
                piece,
                pass: *pass,
                part,
            }));
        }
    }
    Ok(found)
}

/// Parts of a pass between two places along it; all of them where the model does not know the lines.
fn parts_between(group: &Group, view: &View, pass: u16, along: &Range<f64>) -> Range<usize> {
    let all = view.swath.num_lines.div_ceil(PART).max(1);
    // Other granules may have a few lines more than the newest.
    let all = if group.is_fixed { all } else { all + 1 };
    let Some(lines) = tracks::lines_of(group, PassNumber(pass).0) else {
        return 0..all;
    };
    let part = |metres: f64| {
        ((metres - lines.first_m) / lines.step_m / PART as f64)
            .floor()
            .max(0.0) as usize
    };
    part(along.start).min(all)..(part(along.end) + 1).min(all)
}
