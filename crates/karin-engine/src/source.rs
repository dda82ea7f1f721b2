//! Where granules come from: one trait over files, folders and collections.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use karin_core::{Dataset, DatasetError, HalfOrbit, Product, Schema, Selection, Version};

mod collection;
mod granules;
mod needs;

pub use collection::CollectionGranules;
pub use granules::GranuleFiles;
pub(crate) use needs::open as open_for;

/// A granule that can be opened: what is known of it without opening it.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What to call it in messages and results: the file name, or the granule's name.
    pub label: String,
    /// Its product; `None` for netCDF files that are no granules.
    pub product: Option<Product>,
    /// Its cycle and pass, where known.
    pub half_orbit: Option<HalfOrbit>,
    /// Its version, where known.
    pub version: Option<Version>,
    /// First and last time in seconds since 2000-01-01, where known.
    pub period: Option<(f64, f64)>,
    /// Stored bytes, 0 if unknown.
    pub bytes: u64,
}

impl Entry {
    /// The schema that it is of.
    pub fn schema(&self) -> Option<Schema> {
        self.version.as_ref().and_then(Version::schema)
    }
}

/// A set of granules.
pub trait Source: Send + Sync {
    /// What there is, in any order.
    fn entries(&self) -> &[Entry];

    /// Opens the granule at `index`.
    ///
    /// # Errors
    /// If it cannot be read.
    fn open(&self, index: usize) -> Result<Arc<dyn Dataset>, DatasetError>;

    /// True if every part of the granule at `index` that is read costs a round trip: it is worth saying what will be used of it.
    fn is_far(&self, index: usize) -> bool {
        let _ = index;
        false
    }

    /// Opens the granule at `index` for these variables and dimensions of its root, those of them that there are. Where that
    /// saves requests, its structure has them alone.
    ///
    /// # Errors
    /// As [`Source::open`].
    fn open_for(&self, index: usize, names: &[String]) -> Result<Arc<dyn Dataset>, DatasetError> {
        let _ = names;
        self.open(index)
    }

    /// The snapshot that a collection is read at.
    fn snapshot(&self) -> Option<&str> {
        None
    }

    /// True if granules of one pass of a fixed-grid product were checked to have the same coordinates.
    fn has_checked_grid(&self, index: usize) -> bool {
        let _ = index;
        false
    }
}

/// Several sources as one.
pub struct Sources {
    parts: Vec<Arc<dyn Source>>,
    entries: Vec<Entry>,
    /// Part and index within it of every entry.
    places: Vec<(usize, usize)>,
}

impl Sources {
    /// All granules of all parts.
    pub fn new(parts: Vec<Arc<dyn Source>>) -> Self {
        let mut entries = Vec::new();
        let mut places = Vec::new();
        for (part, source) in parts.iter().enumerate() {
            for (index, entry) in source.entries().iter().enumerate() {
                entries.push(entry.clone());
                places.push((part, index));
            }
        }
        Self {
            parts,
            entries,
            places,
        }
    }

    fn place(&self, index: usize) -> Option<(&Arc<dyn Source>, usize)> {
        let (part, inner) = *self.places.get(index)?;
        Some((self.parts.get(part)?, inner))
    }
}

impl Source for Sources {
    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn open(&self, index: usize) -> Result<Arc<dyn Dataset>, DatasetError> {
        let (source, inner) = self
            .place(index)
            .ok_or_else(|| DatasetError::invalid("sources", "", "no such granule"))?;
        source.open(inner)
    }

    fn is_far(&self, index: usize) -> bool {
        self.place(index)
            .is_some_and(|(source, inner)| source.is_far(inner))
    }

    fn open_for(&self, index: usize, names: &[String]) -> Result<Arc<dyn Dataset>, DatasetError> {
        match self.place(index) {
            Some((source, inner)) => source.open_for(inner, names),
            None => self.open(index),
        }
    }

    fn snapshot(&self) -> Option<&str> {
        self.parts.iter().find_map(|source| source.snapshot())
    }

    fn has_checked_grid(&self, index: usize) -> bool {
        self.place(index)
            .is_some_and(|(source, inner)| source.has_checked_grid(inner))
    }
}

/// Open granules kept for their next use, up to a bound; the one used longest ago goes first.
pub(crate) struct Handles {
    source: Arc<dyn Source>,
    /// What they are opened for.
    selection: Selection,
    limit: usize,
    open: Mutex<Opened>,
}

/// A clock that counts uses, and every open granule with the time of its last use.
type Opened = (u64, HashMap<usize, (u64, Arc<dyn Dataset>)>);

impl Handles {
    pub(crate) fn new(source: Arc<dyn Source>, selection: Selection, limit: usize) -> Self {
        Self {
            source,
            selection,
            limit: limit.max(1),
            open: Mutex::new((0, HashMap::new())),
        }
    }

    /// The granule at `index`, opened now or before.
    pub(crate) fn open(&self, index: usize) -> Result<Arc<dyn Dataset>, DatasetError> {
        if let Some(found) = self.recall(index) {
            return Ok(found);
        }
        // Opened outside the lock: two threads may open the same granule, which costs less than waiting.
        let dataset = needs::open(self.source.as_ref(), index, &self.selection)?;
        let mut guard = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let (clock, handles) = &mut *guard;
        *clock += 1;
        if handles.len() >= self.limit
            && let Some(oldest) = handles
                .iter()
                .min_by_key(|(_, (used, _))| *used)
                .map(|(key, _)| *key)
        {
            handles.remove(&oldest);
        }
        handles.insert(index, (*clock, Arc::clone(&dataset)));
        Ok(dataset)
    }

    fn recall(&self, index: usize) -> Option<Arc<dyn Dataset>> {
        let mut guard = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let (clock, handles) = &mut *guard;
        *clock += 1;
        let (used, dataset) = handles.get_mut(&index)?;
        *used = *clock;
        Some(Arc::clone(dataset))
    }
}
