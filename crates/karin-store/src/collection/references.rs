//! Where the chunks of a snapshot lie, looked up in its manifests by ourselves.
//!
//! Icechunk reads and decodes every manifest in two tasks of their own. A list of granules, or a time series, needs
//! hundreds of manifests of a few kilobytes each: there the changes of thread cost ten times the work.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use icechunk::asset_manager::decode_manifest;
use icechunk::format::manifest::{ChunkPayload, Manifest, ManifestRef};
use icechunk::format::snapshot::{NodeData, NodeSnapshot};
use icechunk::format::{ChunkIndices, IcechunkFormatErrorKind, MANIFESTS_FILE_PATH, ManifestId, NodeId};

use crate::{Repository, StoreError};

/// Bytes of decoded manifests that are kept.
const KEPT: usize = 256 << 20;
/// Manifests that a thread reads at least, and threads at most: more than cores, for file systems that answer slowly.
const SHARE: usize = 16;
const THREADS: usize = 8;

/// The arrays of a snapshot, and the manifests that were needed of them.
#[derive(Debug)]
pub(crate) struct References {
    arrays: HashMap<String, Array>,
    manifests: Mutex<Kept>,
}

#[derive(Debug)]
struct Array {
    id: NodeId,
    manifests: Vec<ManifestRef>,
}

/// The oldest first.
#[derive(Debug, Default)]
struct Kept {
    by_id: HashMap<ManifestId, Arc<Manifest>>,
    order: VecDeque<ManifestId>,
    bytes: usize,
}

/// A chunk of an array: its coordinates, and where it lies.
pub(crate) type Listed = (Vec<u32>, ChunkPayload);

impl References {
    /// Of the nodes of a snapshot.
    pub(crate) fn new(nodes: Vec<NodeSnapshot>) -> Self {
        let array = |node: NodeSnapshot| match node.node_data {
            NodeData::Array { manifests, .. } => {
                let array = Array {
                    id: node.id,
                    manifests,
                };
                Some((node.path.to_string().trim_start_matches('/').to_owned(), array))
            }
            NodeData::Group => None,
        };
        Self {
            arrays: nodes.into_iter().filter_map(array).collect(),
            manifests: Mutex::default(),
        }
    }

    /// True if there is such an array.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.arrays.contains_key(path.trim_start_matches('/'))
    }

    fn array(&self, repository: &Repository, path: &str) -> Result<&Array, StoreError> {
        let found = self.arrays.get(path.trim_start_matches('/'));
        found.ok_or_else(|| StoreError::Corrupt {
            location: repository.label().into(),
            object: "a snapshot".into(),
            reason: format!("there is no array {path}"),
        })
    }

    /// Where a chunk lies; `None` if it was never written.
    ///
    /// # Errors
    /// If there is no such array, or a manifest cannot be read.
    pub(crate) fn find(
        &self,
        repository: &Repository,
        path: &str,
        coordinates: Vec<u32>,
    ) -> Result<Option<ChunkPayload>, StoreError> {
        let array = self.array(repository, path)?;
        let holds = |manifest: &&ManifestRef| manifest.extents.contains(&coordinates);
        let Some(manifest) = array.manifests.iter().find(holds) else {
            return Ok(None);
        };
        let id = &manifest.object_id;
        let manifest = self.manifest(repository, id)?;
        match manifest.get_chunk_payload(&array.id, &ChunkIndices(coordinates)) {
            Ok(payload) => Ok(Some(payload)),
            Err(error) => match error.kind {
                IcechunkFormatErrorKind::ChunkCoordinatesNotFound { .. } => Ok(None),
                kind => Err(damaged(repository, id, kind.to_string())),
            },
        }
    }

    /// All chunks of several arrays.
    ///
    /// # Errors
    /// As [`References::find`].
    pub(crate) fn list(
        &self,
        repository: &Repository,
        paths: &[String],
    ) -> Result<Vec<Vec<Listed>>, StoreError> {
        let arrays = paths.iter().map(|path| self.array(repository, path));
        let arrays: Vec<&Array> = arrays.collect::<Result<_, _>>()?;
        let parts: Vec<(usize, &Array, &ManifestRef)> = arrays
            .iter()
            .enumerate()
            .flat_map(|(index, array)| {
                array
                    .manifests
                    .iter()
                    .map(move |manifest| (index, *array, manifest))
            })
            .collect();
        let of_part = |(index, array, manifest): &(usize, &Array, &ManifestRef)| {
            let id = &manifest.object_id;
            let failed = |kind: IcechunkFormatErrorKind| damaged(repository, id, kind.to_string());
            // Read for this list alone: what is kept is for single chunks, which are asked for again and again.
            let chunks = self.read(repository, id)?.iter(array.id.clone());
            let chunks = chunks.map_err(|error| failed(error.kind))?;
            let chunks = chunks.map(|chunk| chunk.map(|(coordinates, payload)| (coordinates.0, payload)));
            let chunks: Result<Vec<Listed>, _> = chunks.collect();
            Ok((*index, chunks.map_err(|error| failed(error.kind))?))
        };
        let mut listed = vec![Vec::new(); paths.len()];
        for part in in_parallel(&parts, of_part) {
            let (index, chunks) = part?;
            if let Some(list) = listed.get_mut(index) {
                list.extend(chunks);
            }
        }
        Ok(listed)
    }

    fn manifest(&self, repository: &Repository, id: &ManifestId) -> Result<Arc<Manifest>, StoreError> {
        let kept = || self.manifests.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(manifest) = kept().by_id.get(id) {
            return Ok(Arc::clone(manifest));
        }
        // Read outside the lock: two threads may read the same one, which costs less than waiting for another one's.
        let manifest = self.read(repository, id)?;
        let mut kept = kept();
        if kept.by_id.insert(id.clone(), Arc::clone(&manifest)).is_none() {
            kept.bytes += manifest.bytes().len();
            kept.order.push_back(id.clone());
        }
        while kept.bytes > KEPT && kept.order.len() > 1 {
            let oldest = kept.order.pop_front();
            let dropped = oldest.and_then(|oldest| kept.by_id.remove(&oldest));
            kept.bytes -= dropped.map_or(0, |dropped| dropped.bytes().len());
        }
        Ok(manifest)
    }

    fn read(&self, repository: &Repository, id: &ManifestId) -> Result<Arc<Manifest>, StoreError> {
        let object = format!("{MANIFESTS_FILE_PATH}/{id}");
        let Some(stored) = repository.read_whole(&object)? else {
            return Err(StoreError::MissingObject {
                location: repository.label().into(),
                object,
            });
        };
        let manifest = decode_manifest(&stored, None);
        manifest
            .map(Arc::new)
            .map_err(|error| damaged(repository, id, error.kind.to_string()))
    }
}

fn damaged(repository: &Repository, id: &ManifestId, reason: String) -> StoreError {
    StoreError::Corrupt {
        location: repository.label().into(),
        object: format!("{MANIFESTS_FILE_PATH}/{id}"),
        reason,
    }
}

/// Runs `work` on every item, on a few threads where there are many; results in the order of the items.
fn in_parallel<I: Sync, R: Send + Sync>(items: &[I], work: impl Fn(&I) -> R + Sync) -> Vec<R> {
    let threads = (items.len() / SHARE).min(THREADS);
    if threads < 2 {
        return items.iter().map(work).collect();
    }
    let results: Vec<OnceLock<R>> = items.iter().map(|_| OnceLock::new()).collect();
    let next = AtomicUsize::new(0);
    let run = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let (Some(item), Some(result)) = (items.get(index), results.get(index)) else {
                return;
            };
            // Every index is handed out once.
            let _ = result.set(work(item));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(run);
        }
        run();
    });
    results.into_iter().filter_map(OnceLock::into_inner).collect()
}
