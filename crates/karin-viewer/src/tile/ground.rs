//! What a tile is made of, kept between requests: footprints and cells of parts of granules.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use karin::engine::{Engine, Piece};
use karin_core::Progress;

use super::canvas::Canvas;
use super::{Drawn, Footprint, PART, Piece2, Statistic, TileId, WHOLE};
use crate::archive::Group;
use crate::http::problem::Problem;
use crate::swath::{Cells, Kept, Level, Places};
use crate::view::View;
use crate::viewer::Viewer;

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

/// What parts of granules of one view are drawn on.
pub struct Ground<'a> {
    /// Where what was made is kept.
    pub viewer: &'a Viewer,
    /// Which values.
    pub view: &'a View,
    /// Of which group.
    pub group: &'a Group,
    /// What reads.
    pub engine: &'a Engine<'a>,
    /// Who waits.
    pub progress: &'a dyn Progress,
    /// Where to.
    pub tile: TileId,
    /// How coarse.
    pub level: Level,
}

fn gone() -> Problem {
    Problem::missing("the granule is gone")
}

impl Ground<'_> {
    /// Adds parts of granules to the canvas.
    ///
    /// # Errors
    /// If nobody wants it any more. Granules that cannot be read leave a gap.
    pub fn add(
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
