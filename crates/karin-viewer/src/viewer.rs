//! The state of a viewer: what is served, what was made for it, and who may ask.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use karin_core::{Phase, Progress};
use moka::sync::Cache;

use crate::archive::Archive;
use crate::http::params::Params;
use crate::http::problem::Problem;
use crate::http::session::Session;
use crate::http::work::Works;
use crate::layers::Layers;
use crate::shelf::Shelf;
use crate::swath::{Cells, Places};
use crate::tile::{CellsKey, Footprint, FootprintKey, PlacesKey};
use crate::tiles_on_disk::TilesOnDisk;
use crate::tracks::Tracks;
use crate::view::{View, key_of};

/// Views that are kept ready.
const VIEWS: u64 = 6;

/// Everything that requests share.
pub struct Viewer {
    archive: Archive,
    session: Session,
    works: Arc<Works>,
    views: Cache<String, Arc<View>>,
    places: Shelf<PlacesKey, Places>,
    footprints: Shelf<FootprintKey, Footprint>,
    cells: Shelf<CellsKey, Cells>,
    tiles: Cache<String, Arc<Vec<u8>>>,
    on_disk: Option<TilesOnDisk>,
    tracks: [OnceLock<Tracks>; 2],
}

impl Viewer {
    /// Of an archive. Tiles that were made are kept in `cache`, if one is given.
    pub fn new(archive: Archive, session: Session, cache: Option<PathBuf>) -> Self {
        let memory = archive.resources().memory;
        let weigh =
            |key: &String, tile: &Arc<Vec<u8>>| u32::try_from(key.len() + tile.len()).unwrap_or(u32::MAX);
        Self {
            works: Works::new(archive.resources().jobs),
            views: Cache::new(VIEWS),
            places: Shelf::new(memory / 8, Places::bytes),
            footprints: Shelf::new(memory / 8, Footprint::bytes),
            cells: Shelf::new(memory / 4, Cells::bytes),
            tiles: Cache::builder().weigher(weigh).max_capacity(memory / 16).build(),
            on_disk: cache.map(|folder| TilesOnDisk::new(&folder, archive.identity())),
            tracks: [const { OnceLock::new() }; 2],
            session,
            archive,
        }
    }

    /// What is served.
    pub fn archive(&self) -> &Archive {
        &self.archive
    }

    /// Maps and tracks beside the swath.
    pub fn layers(&self) -> &Layers {
        self.archive.layers()
    }

    /// Who may ask.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// What is under way.
    pub fn works(&self) -> &Arc<Works> {
        &self.works
    }

    /// Where cells lie.
    pub fn places(&self) -> &Shelf<PlacesKey, Places> {
        &self.places
    }

    /// Which pixels of tiles cells cover.
    pub fn footprints(&self) -> &Shelf<FootprintKey, Footprint> {
        &self.footprints
    }

    /// Values of cells.
    pub fn cells(&self) -> &Shelf<CellsKey, Cells> {
        &self.cells
    }

    /// The tracks of a phase.
    pub fn tracks(&self, phase: Phase) -> &Tracks {
        let [calval, science] = &self.tracks;
        let tracks = match phase {
            Phase::CalVal => calval,
            Phase::Science => science,
        };
        tracks.get_or_init(|| Tracks::of(phase))
    }

    /// The view that the parameters describe, made now or before.
    ///
    /// # Errors
    /// If the group or the variable is unknown, or the variable has no value per pixel or line.
    pub fn view(&self, params: &Params) -> Result<Arc<View>, Problem> {
        self.view_of(params, params.require("var")?)
    }

    /// The same of another variable.
    ///
    /// # Errors
    /// As [`Self::view`].
    pub fn view_of(&self, params: &Params, name: &str) -> Result<Arc<View>, Problem> {
        let key = format!("{}\u{2}{name}", key_of(params));
        if let Some(view) = self.views.get(&key) {
            return Ok(view);
        }
        let view = Arc::new(View::of_variable(&self.archive, params, name, key.clone())?);
        self.views.insert(key, Arc::clone(&view));
        Ok(view)
    }

    /// A tile of that key, made now or before.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn tile(
        &self,
        key: &str,
        progress: &dyn Progress,
        make: impl FnOnce() -> Result<Vec<u8>, Problem>,
    ) -> Result<Arc<Vec<u8>>, Problem> {
        if let Some(tile) = self.tiles.get(key) {
            return Ok(tile);
        }
        if let Some(tile) = self.on_disk.as_ref().and_then(|disk| disk.get(key)) {
            let tile = Arc::new(tile);
            self.tiles.insert(key.to_owned(), Arc::clone(&tile));
            return Ok(tile);
        }
        let tile = Arc::new(make()?);
        if !progress.is_cancelled() {
            self.tiles.insert(key.to_owned(), Arc::clone(&tile));
            if let Some(disk) = &self.on_disk {
                disk.put(key, &tile);
            }
        }
        Ok(tile)
    }
}

impl std::fmt::Debug for Viewer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Viewer({:?})", self.archive.inputs())
    }
}
