//! Granules of a collection, at one snapshot.

use std::sync::Arc;

use karin_core::{Dataset, DatasetError, HalfOrbit};
use karin_store::Collection;

use super::{Entry, Source};
use crate::EngineError;

/// Every granule of every group of a collection.
pub struct CollectionGranules {
    collection: Collection,
    snapshot: String,
    entries: Vec<Entry>,
    /// Group, half orbit, and whether the coordinates are those of its pass.
    places: Vec<(usize, HalfOrbit, bool)>,
}

impl CollectionGranules {
    /// The granules of an open collection.
    ///
    /// # Errors
    /// If the facts about granules cannot be read.
    pub fn new(collection: Collection) -> Result<Self, EngineError> {
        let mut entries = Vec::new();
        let mut places = Vec::new();
        for (index, group) in collection.groups().iter().enumerate() {
            let key = group.key();
            let granules = group.granules().map_err(|error| EngineError::Input {
                path: collection.label().to_owned(),
                reason: error.to_string(),
                kind: error.kind(),
            })?;
            for facts in granules {
                entries.push(Entry {
                    label: format!("{}_{}_{}", key.product, facts.half_orbit, facts.version),
                    product: Some(key.product),
                    half_orbit: Some(facts.half_orbit),
                    version: Some(facts.version.clone()),
                    period: Some((facts.time_start, facts.time_end)),
                    bytes: facts.size,
                });
                places.push((
                    index,
                    facts.half_orbit,
                    key.product.has_fixed_grid() && !facts.own_geometry,
                ));
            }
        }
        let snapshot = collection.snapshot_id();
        Ok(Self {
            collection,
            snapshot,
            entries,
            places,
        })
    }

    /// The collection.
    pub fn collection(&self) -> &Collection {
        &self.collection
    }
}

impl Source for CollectionGranules {
    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn open(&self, index: usize) -> Result<Arc<dyn Dataset>, DatasetError> {
        let label = self.collection.label();
        let missing = || DatasetError::invalid(label, "", "no such granule");
        let (group, half_orbit, _) = self.places.get(index).ok_or_else(missing)?;
        let group = self.collection.groups().get(*group).ok_or_else(missing)?;
        group.granule(*half_orbit).map_err(|error| {
            DatasetError::new(error.kind(), label, "", format!("granule {half_orbit}: {error}"))
                .caused_by(error)
        })
    }

    fn snapshot(&self) -> Option<&str> {
        Some(&self.snapshot)
    }

    fn has_checked_grid(&self, index: usize) -> bool {
        self.places.get(index).is_some_and(|(_, _, checked)| *checked)
    }
}
