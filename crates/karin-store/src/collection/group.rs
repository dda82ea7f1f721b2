//! One group of a collection.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use icechunk::format::manifest::ChunkPayload;
use karin_core::{Dataset, Dimension, GroupMeta, HalfOrbit, RowBounds, VariableMeta};

use super::chunks::Snapshot;
use super::granule::CollectionGranule;
use crate::facts::bounds;
use crate::facts::view::{At, View};
use crate::layout::{ArrayLayout, GroupLayout};
use crate::{GranuleFacts, GroupKey, StoreError};

/// Decoded coordinate arrays kept in memory: two of each of eight passes.
const SHARED: usize = 16;

/// A group of a collection as it was at one snapshot: granules of one product, schema and phase.
#[derive(Clone)]
pub struct CollectionGroup {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub layout: Arc<GroupLayout>,
    pub snapshot: Arc<Snapshot>,
    facts: OnceLock<Vec<GranuleFacts>>,
    shared: Mutex<VecDeque<(ChunkPayload, Arc<Vec<u8>>)>>,
    /// Chunks of such coordinates of which little was read.
    seen: Mutex<VecDeque<ChunkPayload>>,
}

impl std::fmt::Debug for CollectionGroup {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "CollectionGroup({}{})",
            self.inner.snapshot.label(),
            self.key()
        )
    }
}

impl CollectionGroup {
    pub(super) fn new(layout: Arc<GroupLayout>, snapshot: Arc<Snapshot>) -> Self {
        let inner = Inner {
            layout,
            snapshot,
            facts: OnceLock::new(),
            shared: Mutex::default(),
            seen: Mutex::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Product, schema and phase.
    pub fn key(&self) -> GroupKey {
        self.inner.layout.key
    }

    /// The structure that the group's variables have: that of a canonical granule of the product.
    pub fn structure(&self) -> &GroupMeta {
        &self.inner.layout.blueprint.structure
    }

    /// Paths of all variables that the group can hold (`time`, `left/time`), in the order of the product.
    pub fn variables(&self) -> Vec<String> {
        self.structure().variable_paths()
    }

    /// The variable at `path`.
    pub fn variable(&self, path: &str) -> Option<&VariableMeta> {
        self.structure().variable(path)
    }

    /// Lines of every granule, where the product has a fixed grid.
    pub fn fixed_lines(&self) -> Option<usize> {
        self.inner.layout.blueprint.fixed_lines
    }

    /// The codecs that it is written with.
    pub fn profile(&self) -> crate::Profile {
        self.inner.layout.blueprint.profile
    }

    /// Facts of every granule, by cycle and pass. Read once and kept.
    ///
    /// # Errors
    /// If a manifest cannot be read, or a fact is damaged.
    pub fn granules(&self) -> Result<&[GranuleFacts], StoreError> {
        if let Some(facts) = self.inner.facts.get() {
            return Ok(facts);
        }
        let facts = self.inner.load_facts()?;
        Ok(self.inner.facts.get_or_init(|| facts))
    }

    /// Facts of one granule; `None` if it is not there. Reads no more than those of its own.
    ///
    /// # Errors
    /// As [`CollectionGroup::granules`].
    pub fn facts(&self, half_orbit: HalfOrbit) -> Result<Option<GranuleFacts>, StoreError> {
        if let Some(facts) = self.inner.facts.get() {
            let found = facts.binary_search_by_key(&half_orbit, |facts| facts.half_orbit);
            return Ok(found.ok().and_then(|index| facts.get(index)).cloned());
        }
        self.inner.view().facts(half_orbit)
    }

    /// The granule, with the structure that it had in its file; values are read when asked for.
    ///
    /// # Errors
    /// [`StoreError::NoGranule`] if it is not there, else as [`CollectionGroup::granules`].
    pub fn granule(&self, half_orbit: HalfOrbit) -> Result<Arc<dyn Dataset>, StoreError> {
        let missing = || StoreError::NoGranule {
            location: self.inner.snapshot.label().into(),
            group: self.key().to_string(),
            half_orbit: half_orbit.to_string(),
        };
        let facts = self.facts(half_orbit)?.ok_or_else(missing)?;
        let position = self.inner.view().position(half_orbit).ok_or_else(missing)?;
        let document = self.inner.view().document(&facts)?;
        let origin = document.origin().cloned();
        let mut root = document.structure.apply(self.structure());
        self.inner.set_counts(&mut root, &facts);
        let label = CollectionGranule::label_of(self.inner.snapshot.label(), self.key(), half_orbit);
        Ok(Arc::new(CollectionGranule {
            group: Arc::clone(&self.inner),
            facts,
            position,
            label,
            root,
            origin,
        }))
    }

    /// True if the values of its granules stay in their netCDF files.
    pub fn is_virtual(&self) -> bool {
        self.key().is_virtual
    }

    /// The file that a virtual granule lies in: its path, or its address; `None` of one that was copied.
    ///
    /// # Errors
    /// As [`CollectionGroup::granule`].
    pub fn origin(&self, facts: &GranuleFacts) -> Result<Option<String>, StoreError> {
        let document = self.inner.view().document(facts)?;
        let folder = self.inner.snapshot.chunks.origins().folder();
        Ok(document.origin().map(|origin| origin.describe(folder)))
    }

    /// Looks whether the file that a virtual granule lies in is there as it was when it was ingested.
    ///
    /// # Errors
    /// [`StoreError::Origin`] if it is not, else as [`CollectionGroup::granule`].
    pub(crate) fn check_origin(&self, facts: &GranuleFacts) -> Result<(), StoreError> {
        let document = self.inner.view().document(facts)?;
        let origins = self.inner.snapshot.chunks.origins();
        document
            .origin()
            .map_or(Ok(()), |origin| origins.check(origin, facts.size))
    }

    /// Paths of the variables whose chunks stay in the files of virtual granules.
    pub(crate) fn virtual_variables(&self) -> impl Iterator<Item = String> {
        let arrays = self.inner.layout.arrays.iter().filter(|array| array.is_virtual);
        arrays.map(|array| array.variable.clone())
    }

    /// Names of the files that a granule came from.
    ///
    /// # Errors
    /// As [`CollectionGroup::granule`].
    pub fn sources(&self, facts: &GranuleFacts) -> Result<Vec<String>, StoreError> {
        let document = self.inner.view().document(facts)?;
        Ok(document.sources.into_iter().map(|source| source.name).collect())
    }
}

impl Inner {
    fn view(&self) -> View<'_> {
        View {
            at: At::Snapshot(&self.snapshot),
            chunks: &self.snapshot.chunks,
            layout: &self.layout,
        }
    }

    /// Between which latitudes the lines of a pass lie; `None` where that was not noted, as older versions did not.
    pub(super) fn latitude_bounds(&self, pass: u32) -> Result<Option<RowBounds>, StoreError> {
        let (layout, snapshot) = (&self.layout, &self.snapshot);
        let path = layout.latitude_bounds_path();
        let Some(latitude) = layout
            .shared_latitude()
            .filter(|_| snapshot.references.has(&path))
        else {
            return Ok(None);
        };
        let Some(payload) = snapshot.reference(&path, vec![pass, 0, 0])? else {
            return Ok(None);
        };
        let decode = |stored: &[u8]| bounds::decode(stored, latitude.rows());
        snapshot.chunks.with_stored(&payload, decode).map(Some)
    }

    fn load_facts(&self) -> Result<Vec<GranuleFacts>, StoreError> {
        let view = self.view();
        let names: Vec<&str> = view.fact_names().collect();
        let mut found: HashMap<HalfOrbit, Vec<Option<ChunkPayload>>> = HashMap::new();
        let paths: Vec<String> = names.iter().map(|name| view.fact_path(name)).collect();
        let listed = self
            .snapshot
            .references
            .list(self.snapshot.chunks.repository(), &paths)?;
        for (index, chunks) in listed.into_iter().enumerate() {
            for (coordinates, payload) in chunks {
                if let Some(half_orbit) = view.half_orbit(&coordinates) {
                    let slots = found.entry(half_orbit).or_insert_with(|| vec![None; names.len()]);
                    slots[index] = Some(payload);
                }
            }
        }
        let decode = |(half_orbit, payloads): (HalfOrbit, Vec<Option<ChunkPayload>>)| {
            let stored = |name: &str| {
                let index = names.iter().position(|known| *known == name)?;
                let payload = payloads.get(index)?.as_ref()?;
                self.snapshot
                    .chunks
                    .with_stored(payload, |stored| Ok(stored.to_vec()))
                    .ok()
            };
            GranuleFacts::decode(&self.layout, half_orbit, stored)
                .map_err(|error| view.damaged(half_orbit, &error))
        };
        let mut facts: Vec<GranuleFacts> = found.into_iter().map(decode).collect::<Result<_, _>>()?;
        facts.sort_by_key(|facts| facts.half_orbit);
        Ok(facts)
    }

    /// Gives the dimensions that differ between granules their true lengths.
    fn set_counts(&self, root: &mut GroupMeta, facts: &GranuleFacts) {
        for (count, &length) in self.layout.counts.iter().zip(&facts.counts) {
            let limit = self.layout.padded(&count.dimension).unwrap_or(0);
            let group = match count.group.as_str() {
                "" => Some(&mut *root),
                name => root.groups.iter_mut().find(|group| group.name == name),
            };
            let named = |dimension: &&mut Dimension| dimension.name == count.dimension;
            if let Some(dimension) = group.and_then(|group| group.dimensions.iter_mut().find(named)) {
                dimension.size = (length as usize).min(limit);
            }
        }
    }

    /// True the first time that it is asked of a chunk, or after a while.
    fn is_new(&self, payload: &ChunkPayload) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.contains(payload) {
            return false;
        }
        if seen.len() >= SHARED {
            seen.pop_front();
        }
        seen.push_back(payload.clone());
        true
    }

    /// The decoded chunk of coordinates that many granules share, kept in memory, of which so many rows are wanted; `None`
    /// if it is not worth it.
    pub(super) fn shared(
        &self,
        array: &ArrayLayout,
        payload: &ChunkPayload,
        rows: usize,
    ) -> Result<Option<Arc<Vec<u8>>>, StoreError> {
        if array.blocks() != 1 {
            return Ok(None);
        }
        let find = |kept: &VecDeque<(ChunkPayload, Arc<Vec<u8>>)>| {
            kept.iter()
                .find(|(of, _)| of == payload)
                .map(|(_, raw)| Arc::clone(raw))
        };
        if let Some(raw) = find(&self.shared.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(Some(raw));
        }
        // A few lines of it, for the first time: perhaps nobody asks again.
        let is_little = 2 * rows < array.rows() && array.codec.opens_in_parts();
        if is_little && self.is_new(payload) {
            return Ok(None);
        }
        let raw = Arc::new(self.snapshot.chunks.decode_together(payload, &array.codec)?);
        let mut kept = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if find(&kept).is_none() {
            if kept.len() >= SHARED {
                kept.pop_front();
            }
            kept.push_back((payload.clone(), Arc::clone(&raw)));
        }
        Ok(Some(raw))
    }
}
