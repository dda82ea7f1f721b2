//! Data tiles: 256 x 256 numbers of the Web Mercator map, aggregated from swath cells.
//!
//! ```text
//!   z, x, y ──> window ──> passes near it (model) ──> parts of lines ──> footprints of places ─┐
//!                                                                  └──> cells ────────────────┴──> canvas ──> int16
//! ```

use std::ops::Range;
use std::sync::Arc;

use karin::engine::Piece;
use karin_core::{HalfOrbit, NumberList, PassNumber, Progress};

use crate::archive::Group;
use crate::http::problem::Problem;
use crate::swath::Level;
use crate::tracks;
use crate::view::View;
use crate::viewer::Viewer;

mod canvas;
mod footprint;
mod ground;
mod packed;
mod statistic;
mod tile_id;

use canvas::Canvas;
pub use footprint::{Footprint, SIDE};
use ground::Ground;
pub use ground::{CellsKey, FootprintKey, PlacesKey};
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
