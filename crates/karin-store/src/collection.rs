//! A collection, opened to be read at one snapshot.
//!
//! References resolve through Icechunk, whose manifests are cached; bytes come by positioned reads of immutable
//! objects and are decoded by our own codecs straight into the caller's buffer. Nothing here writes.

pub(crate) mod chunks;
mod granule;
mod group;
mod held;
mod references;

use std::sync::Arc;

use icechunk::format::snapshot::{NodeData, NodeSnapshot};
use icechunk::session::Session;

use crate::layout::{Blueprint, FORMAT_VERSION, GRANULES, GroupLayout};
use crate::{GroupKey, Repository, StoreError, StoreOptions};
use chunks::{ChunkReader, Snapshot, node_path};
pub(crate) use granule::fill;
pub use group::CollectionGroup;
use references::References;

/// How to open a collection.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// How to reach it.
    pub store: StoreOptions,
    /// Read at this snapshot: its id or the beginning of it, or a time ([`Repository::find_snapshot`]); `None` = the
    /// newest.
    pub snapshot: Option<String>,
}

/// A collection at one snapshot.
#[derive(Debug)]
pub struct Collection {
    snapshot: Arc<Snapshot>,
    groups: Vec<CollectionGroup>,
}

impl Collection {
    /// Opens the collection at `location` (a folder, `s3://…`, `memory://…`).
    ///
    /// # Errors
    /// [`StoreError::NotACollection`], [`StoreError::SnapshotNotFound`], or what reading met.
    pub fn open(location: &str, options: &OpenOptions) -> Result<Self, StoreError> {
        let repository = Arc::new(Repository::open(location, &options.store)?);
        Self::of(&repository, options.snapshot.as_deref())
    }

    /// Opens it through a repository that is open already.
    ///
    /// # Errors
    /// As [`Collection::open`].
    pub fn of(repository: &Arc<Repository>, snapshot: Option<&str>) -> Result<Self, StoreError> {
        let id = match snapshot {
            Some(text) => repository.find_snapshot(text)?,
            None => repository.tip()?,
        };
        let session = repository.read_session(&id)?;
        let nodes = nodes(repository, &session)?;
        let layouts = layouts(repository.label(), &nodes)?;
        let snapshot = Arc::new(Snapshot {
            chunks: ChunkReader::new(Arc::clone(repository)),
            session,
            references: References::new(nodes),
        });
        let groups = layouts
            .into_iter()
            .map(|layout| CollectionGroup::new(layout, Arc::clone(&snapshot)));
        Ok(Self {
            groups: groups.collect(),
            snapshot,
        })
    }

    /// Where it lies, for messages.
    pub fn label(&self) -> &str {
        self.snapshot.label()
    }

    /// The snapshot that it is read at.
    pub fn snapshot_id(&self) -> String {
        self.snapshot.session.snapshot_id().to_string()
    }

    /// Every group, by product, schema and phase.
    pub fn groups(&self) -> &[CollectionGroup] {
        &self.groups
    }

    /// The group of that key.
    pub fn group(&self, key: &GroupKey) -> Option<&CollectionGroup> {
        self.groups.iter().find(|group| group.key() == *key)
    }
}

/// All groups and arrays of a snapshot.
fn nodes(repository: &Repository, session: &Session) -> Result<Vec<NodeSnapshot>, StoreError> {
    let nodes: Result<Vec<_>, _> =
        repository.block_on(async { session.list_nodes(&node_path("/")).await?.collect() });
    nodes.map_err(|error| StoreError::of_session(repository.label(), "list groups", error))
}

/// The layouts of all groups among them.
fn layouts(location: &str, nodes: &[NodeSnapshot]) -> Result<Vec<Arc<GroupLayout>>, StoreError> {
    let mut layouts = Vec::new();
    for node in nodes.iter().filter(|node| node.node_data == NodeData::Group) {
        let path = node.path.to_string();
        let Some(key) = path.strip_suffix(GRANULES).and_then(GroupKey::parse) else {
            continue;
        };
        layouts.push(Arc::new(read_layout(location, key, &node.user_data)?));
    }
    layouts.sort_by_key(|layout| layout.key);
    Ok(layouts)
}

/// The layout that the metadata of a facts group describe.
pub(crate) fn read_layout(location: &str, key: GroupKey, metadata: &[u8]) -> Result<GroupLayout, StoreError> {
    #[derive(serde::Deserialize)]
    struct Metadata {
        attributes: Kept,
    }
    #[derive(serde::Deserialize)]
    struct Kept {
        karin_blueprint: Blueprint,
    }
    let damaged = |reason: String| StoreError::Corrupt {
        location: location.into(),
        object: format!("metadata of {key}/{GRANULES}"),
        reason,
    };
    let kept: Metadata = serde_json::from_slice(metadata).map_err(|error| damaged(error.to_string()))?;
    let blueprint = kept.attributes.karin_blueprint;
    if blueprint.format != FORMAT_VERSION {
        let found = blueprint.format;
        return Err(damaged(format!(
            "layout version {found}; this karin knows {FORMAT_VERSION}: take a newer one"
        )));
    }
    Ok(GroupLayout::new(key, blueprint))
}
