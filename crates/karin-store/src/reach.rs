//! Which objects the snapshots of a repository need.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use icechunk::format::manifest::{ChunkPayload, Manifest};
use icechunk::format::repo_info::RepoInfo;
use icechunk::format::snapshot::{NodeData, Snapshot, SnapshotInfo};
use icechunk::format::{
    CHUNKS_FILE_PATH, ChunkId, IcechunkFormatError, MANIFESTS_FILE_PATH, ManifestId, NodeId,
    SNAPSHOTS_FILE_PATH, TRANSACTION_LOGS_FILE_PATH,
};

use karin_core::Phase;
use serde::Serialize;

use crate::{Repository, StoreError};

/// Where a chunk object is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChunkUse {
    /// Path of the array.
    pub array: String,
    /// Its dimensions.
    pub dimensions: Vec<String>,
    /// Index of the chunk along each.
    pub index: Vec<u32>,
    /// Where in the object the chunk begins.
    pub offset: u64,
    /// Its length in bytes.
    pub length: u64,
    /// The newest snapshot that uses it.
    pub snapshot: String,
}

impl ChunkUse {
    /// The chunk in words: variable, cycle and pass as far as it lies on these axes, where one chunk is one granule.
    pub fn name(&self) -> String {
        let phases = [Phase::CalVal, Phase::Science];
        let phase = phases
            .into_iter()
            .find(|phase| self.array.split('/').any(|part| part == phase.name()));
        let mut name = self.array.clone();
        for (dimension, index) in self.dimensions.iter().zip(&self.index) {
            let part = match (dimension.as_str(), phase) {
                ("cycle_number", Some(phase)) => {
                    format!(", cycle {}", index + u32::from(phase.first_cycle().0))
                }
                ("pass_number", Some(_)) => format!(", pass {}", index + 1),
                _ if *index == 0 => continue,
                _ => format!(", {dimension} chunk {index}"),
            };
            name.push_str(&part);
        }
        name
    }
}

/// An array that a manifest serves.
struct Served {
    array: String,
    dimensions: Vec<String>,
    node: NodeId,
}

/// A metadata object that could not be read, so that what it refers to is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    pub(crate) object: String,
    pub(crate) reason: String,
    /// Arrays whose chunks are unknown for it.
    pub(crate) arrays: BTreeSet<String>,
}

/// Everything that a set of snapshots needs.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    pub(crate) snapshots: BTreeSet<String>,
    pub(crate) transactions: BTreeSet<String>,
    pub(crate) manifests: BTreeSet<String>,
    pub(crate) chunks: BTreeSet<ChunkId>,
    pub(crate) unreadable: Vec<Unreadable>,
}

impl Reach {
    /// Names of all objects.
    pub(crate) fn objects(&self) -> Vec<String> {
        let mut objects = named(SNAPSHOTS_FILE_PATH, &self.snapshots);
        objects.extend(named(MANIFESTS_FILE_PATH, &self.manifests));
        objects.extend(self.bulk());
        objects
    }

    /// Names of the objects that need not be decoded to follow references.
    pub(crate) fn bulk(&self) -> Vec<String> {
        let mut objects = named(TRANSACTION_LOGS_FILE_PATH, &self.transactions);
        objects.extend(self.chunks.iter().map(|id| format!("{CHUNKS_FILE_PATH}/{id}")));
        objects
    }
}

fn named(folder: &str, ids: &BTreeSet<String>) -> Vec<String> {
    ids.iter().map(|id| format!("{folder}/{id}")).collect()
}

/// All snapshots that a repository's root names.
pub(crate) fn snapshots_of(root: &RepoInfo) -> Result<Vec<SnapshotInfo>, IcechunkFormatError> {
    root.all_snapshots()?.collect()
}

/// What a caller of [`follow`] wants to know, and what it knows already.
pub(crate) trait Follower {
    /// Whether a snapshot or manifest may be decoded: damaged ones make decoders panic.
    fn may_decode(&mut self, object: &str) -> bool {
        let _ = object;
        true
    }

    /// Called for every use of a chunk object (a manifest that several snapshots share is followed once, for the
    /// newest).
    fn seen(&mut self, id: &ChunkId, describe: &dyn Fn() -> ChunkUse) {
        let _ = (id, describe);
    }
}

/// Wants to know nothing but the reach.
pub(crate) struct Reached;

impl Follower for Reached {}

/// Follows the references of `snapshots`.
pub(crate) fn follow(
    repository: &Repository,
    snapshots: &[SnapshotInfo],
    follower: &mut dyn Follower,
) -> Reach {
    let mut reach = Reach::default();
    let mut newest_first: Vec<&SnapshotInfo> = snapshots.iter().collect();
    newest_first.sort_by_key(|info| std::cmp::Reverse(info.flushed_at));
    for info in newest_first {
        let id = info.id.to_string();
        reach.transactions.insert(id.clone());
        reach
            .transactions
            .extend(info.pruned_ancestor_tx_logs.iter().map(ToString::to_string));
        reach.snapshots.insert(id.clone());
        let object = format!("{SNAPSHOTS_FILE_PATH}/{id}");
        if !follower.may_decode(&object) {
            continue;
        }
        let assets = repository.icechunk().asset_manager();
        match repository.block_on(assets.fetch_snapshot(&info.id)) {
            Ok(snapshot) => follow_snapshot(repository, &snapshot, &mut reach, follower),
            Err(error) => reach.unreadable.push(Unreadable {
                object,
                reason: StoreError::of_repository(repository.label(), "read", error).to_string(),
                arrays: BTreeSet::new(),
            }),
        }
    }
    reach
}

fn follow_snapshot(
    repository: &Repository,
    snapshot: &Snapshot,
    reach: &mut Reach,
    follower: &mut dyn Follower,
) {
    let snapshot_id = snapshot.id().to_string();
    let unreadable = |object: String, reason: String, arrays| Unreadable {
        object,
        reason,
        arrays,
    };
    // A manifest may serve several arrays, and a broken one is said once.
    let mut manifests: BTreeMap<String, (ManifestId, Vec<Served>)> = BTreeMap::new();
    for node in snapshot.iter() {
        let node = match node {
            Ok(node) => node,
            Err(error) => {
                let object = format!("{SNAPSHOTS_FILE_PATH}/{snapshot_id}");
                reach
                    .unreadable
                    .push(unreadable(object, error.kind.to_string(), BTreeSet::new()));
                continue;
            }
        };
        if let NodeData::Array {
            manifests: references,
            dimension_names,
            ..
        } = &node.node_data
        {
            let names = dimension_names
                .iter()
                .flatten()
                .cloned()
                .map(Option::<String>::from);
            let names: Vec<String> = names.map(Option::unwrap_or_default).collect();
            for reference in references {
                let key = reference.object_id.to_string();
                if !reach.manifests.contains(&key) {
                    let entry = manifests
                        .entry(key)
                        .or_insert_with(|| (reference.object_id.clone(), Vec::new()));
                    entry.1.push(Served {
                        array: node.path.to_string(),
                        dimensions: names.clone(),
                        node: node.id.clone(),
                    });
                }
            }
        }
    }
    for (key, (id, nodes)) in manifests {
        let object = format!("{MANIFESTS_FILE_PATH}/{key}");
        let followed = if follower.may_decode(&object) {
            let assets = repository.icechunk().asset_manager();
            let first = nodes.first().map_or("", |served| &served.array);
            repository
                .block_on(assets.fetch_manifest_unknown_size(first, &id))
                .map_err(|error| StoreError::of_repository(repository.label(), "read", error).to_string())
                .and_then(|manifest| {
                    follow_manifest(&manifest, &nodes, &snapshot_id, reach, follower)
                        .map_err(|error| error.kind.to_string())
                })
        } else {
            Err("not decoded".to_owned())
        };
        if let Err(reason) = followed {
            let arrays = nodes.iter().map(|served| served.array.clone()).collect();
            reach.unreadable.push(unreadable(object, reason, arrays));
        }
        reach.manifests.insert(key);
    }
}

fn follow_manifest(
    manifest: &Arc<Manifest>,
    nodes: &[Served],
    snapshot: &str,
    reach: &mut Reach,
    follower: &mut dyn Follower,
) -> Result<(), IcechunkFormatError> {
    for served in nodes {
        for entry in Arc::clone(manifest).iter(served.node.clone())? {
            let (index, payload) = entry?;
            let ChunkPayload::Ref(reference) = payload else {
                continue;
            };
            follower.seen(&reference.id, &|| ChunkUse {
                array: served.array.clone(),
                dimensions: served.dimensions.clone(),
                index: index.0.clone(),
                offset: reference.offset,
                length: reference.length,
                snapshot: snapshot.to_owned(),
            });
            reach.chunks.insert(reference.id);
        }
    }
    Ok(())
}
