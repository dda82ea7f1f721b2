//! Groups and arrays of a collection: found, made, and grown along the cycles.

use bytes::Bytes;
use icechunk::format::ChunkIndices;
use icechunk::format::manifest::ChunkPayload;
use icechunk::format::snapshot::{ArrayShape, DimensionName, NodeData, NodeSnapshot};
use icechunk::session::{Session, SessionError, SessionErrorKind};
use karin_core::DType;

use crate::codec::ChunkCodec;
use crate::collection::chunks::node_path;
use crate::collection::read_layout;
use crate::layout::{AXIS_CHUNK, GroupLayout, Node, NodeKind};
use crate::{GroupKey, Repository, StoreError};

/// A node of a session, if it is there.
fn find(repository: &Repository, session: &Session, path: &str) -> Result<Option<NodeSnapshot>, StoreError> {
    match repository.block_on(session.get_node(&node_path(path))) {
        Ok(node) => Ok(Some(node)),
        Err(SessionError {
            kind: SessionErrorKind::NodeNotFound { .. },
            ..
        }) => Ok(None),
        Err(error) => Err(StoreError::of_session(repository.label(), "find a group", error)),
    }
}

/// The layout of a group as the collection has it.
///
/// # Errors
/// If its metadata cannot be read or understood.
pub(super) fn find_layout(
    repository: &Repository,
    session: &Session,
    key: GroupKey,
) -> Result<Option<GroupLayout>, StoreError> {
    let path = format!("{key}/{}", crate::layout::GRANULES);
    let Some(node) = find(repository, session, &path)? else {
        return Ok(None);
    };
    read_layout(repository.label(), key, &node.user_data).map(Some)
}

/// Makes the group and all its arrays, or lets them grow to `cycles` entries along the cycle axis.
///
/// # Errors
/// [`StoreError::Conflict`] if another writer made the group with another layout, else what Icechunk says.
pub(super) fn ensure(
    repository: &Repository,
    session: &mut Session,
    layout: &GroupLayout,
    cycles: usize,
) -> Result<(), StoreError> {
    let Some(there) = find_layout(repository, session, layout.key)? else {
        return create(repository, session, layout, cycles);
    };
    if there.blueprint != layout.blueprint {
        return Err(StoreError::Conflict {
            location: repository.label().into(),
            reason: format!(
                "{} was made by another writer with another profile or structure; ingest again",
                layout.key
            ),
        });
    }
    // Collections of older versions lack it.
    if let Some(node) = layout.latitude_bounds_node()
        && find(repository, session, &node.path)?.is_none()
    {
        put_array(repository, session, &node, false)?;
    }
    let state = find(repository, session, &format!("{}/state", layout.granules_path()))?;
    let present = match state.map(|node| node.node_data) {
        Some(NodeData::Array { shape, .. }) => shape.get(0).map_or(0, |axis| axis.array_length() as usize),
        _ => 0,
    };
    if present >= cycles {
        return Ok(());
    }
    for node in layout.nodes(cycles) {
        if let NodeKind::Array { dimensions, .. } = &node.kind
            && dimensions.first().is_some_and(|name| name == "cycle_number")
        {
            put_array(repository, session, &node, true)?;
        }
    }
    Ok(())
}

fn create(
    repository: &Repository,
    session: &mut Session,
    layout: &GroupLayout,
    cycles: usize,
) -> Result<(), StoreError> {
    for node in layout.nodes(cycles) {
        match &node.kind {
            NodeKind::Group => {
                if find(repository, session, &node.path)?.is_none() {
                    let metadata = Bytes::from(node.metadata.to_string());
                    let added = repository.block_on(session.add_group(node_path(&node.path), metadata));
                    added
                        .map_err(|error| StoreError::of_session(repository.label(), "make a group", error))?;
                }
            }
            NodeKind::Array { .. } => put_array(repository, session, &node, false)?,
        }
        let first = match node.path.rsplit('/').next() {
            Some("cycle_number") => layout.key.phase.first_cycle().0,
            Some("pass_number") => 1,
            _ => continue,
        };
        set(repository, session, &node.path, vec![0], Some(axis_chunk(first)?))?;
    }
    Ok(())
}

/// The one chunk of a coordinate axis, whole at once: numbers beyond the length of the axis are not seen.
fn axis_chunk(first: u16) -> Result<ChunkPayload, StoreError> {
    let numbers = (0..AXIS_CHUNK as u16).flat_map(|index| (first + index).cast_signed().to_le_bytes());
    let raw: Vec<u8> = numbers.collect();
    let stored = ChunkCodec::plain(DType::Int16, AXIS_CHUNK).encode(&raw);
    let stored = stored.map_err(|error| StoreError::InvalidArgument(error.to_string()))?;
    Ok(ChunkPayload::Inline(stored.into()))
}

fn put_array(
    repository: &Repository,
    session: &mut Session,
    node: &Node,
    exists: bool,
) -> Result<(), StoreError> {
    let NodeKind::Array {
        shape,
        chunks,
        dimensions,
    } = &node.kind
    else {
        return Ok(());
    };
    let axes = shape
        .iter()
        .zip(chunks)
        .map(|(&length, &chunk)| (length as u64, length.div_ceil(chunk.max(1)) as u32));
    let shape = ArrayShape::new(axes);
    let shape = shape.ok_or_else(|| StoreError::InvalidArgument(format!("{} has no shape", node.path)))?;
    let names = Some(
        dimensions
            .iter()
            .map(|name| DimensionName::Name(name.clone()))
            .collect(),
    );
    let metadata = Bytes::from(node.metadata.to_string());
    let path = node_path(&node.path);
    let done = if exists {
        repository.block_on(session.update_array(&path, shape, names, metadata))
    } else {
        repository.block_on(session.add_array(path, shape, names, metadata))
    };
    done.map_err(|error| StoreError::of_session(repository.label(), "make an array", error))
}

/// Sets or removes the reference of one chunk.
///
/// # Errors
/// What Icechunk says.
pub(super) fn set(
    repository: &Repository,
    session: &mut Session,
    array: &str,
    coordinates: Vec<u32>,
    payload: Option<ChunkPayload>,
) -> Result<(), StoreError> {
    let done =
        repository.block_on(session.set_chunk_ref(node_path(array), ChunkIndices(coordinates), payload));
    done.map_err(|error| StoreError::of_session(repository.label(), "refer to a chunk", error))
}
