//! Virtual chunk containers: what tells Icechunk's own readers where the files are.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use icechunk::ObjectStoreConfig;
use icechunk::virtual_chunks::VirtualChunkContainer;
use icechunk::{RepositoryConfig, Storage};

use super::{Origin, RELATIVE, folder_of, root_of};
use crate::{Repository, StoreError, backend};

type Containers = HashMap<String, VirtualChunkContainer>;

/// Puts the containers of these files into the configuration of the repository, where they are not there already. One
/// of the same name for another folder gives way: the collection was moved.
///
/// # Errors
/// If the configuration cannot be read or written.
pub(crate) fn ensure_containers<'a>(
    repository: &Repository,
    origins: impl Iterator<Item = &'a Origin>,
) -> Result<(), StoreError> {
    let folder = folder_of(repository.location())?;
    let mut wanted = BTreeMap::new();
    for origin in origins {
        let (name, prefix) = container_of(origin, folder.as_deref())?;
        wanted.insert(prefix, name);
    }
    if wanted.is_empty() {
        return Ok(());
    }
    // Two writers that add a container each write the whole configuration.
    let lock = backend::commit_lock(repository.location(), repository.options())?;
    let label = repository.label();
    let failed = |error| StoreError::of_repository(label, "read the configuration", error);
    let storage: Arc<dyn Storage + Send + Sync> = Arc::clone(repository.storage());
    let plain = repository
        .block_on(icechunk::Repository::open(storage).execute())
        .map_err(failed)?;
    let there = plain
        .config()
        .virtual_chunk_containers
        .clone()
        .unwrap_or_default();
    let mut changed = RepositoryConfig {
        virtual_chunk_containers: Some(there.clone()),
        ..RepositoryConfig::default()
    };
    for (prefix, name) in wanted {
        let container = container(prefix, name).map_err(StoreError::InvalidArgument)?;
        changed
            .set_virtual_chunk_container(container)
            .map_err(StoreError::InvalidArgument)?;
    }
    if same(&there, changed.virtual_chunk_containers.as_ref()) {
        return Ok(());
    }
    let saved = repository.block_on(async { plain.reopen(Some(changed), None).await?.save_config().await });
    drop(lock);
    let failed = |error| StoreError::of_repository(label, "write the configuration", error);
    saved.map(|_| ()).map_err(failed)
}

fn same(there: &Containers, wanted: Option<&Containers>) -> bool {
    wanted.is_some_and(|wanted| wanted == there)
}

/// The container of a location: its name, if locations are relative to it, and the folder as a URL.
fn container_of(origin: &Origin, folder: Option<&Path>) -> Result<(Option<String>, String), StoreError> {
    let invalid = || StoreError::InvalidArgument(format!("{} is no location of ours", origin.location));
    if let Some((name, _)) = origin
        .location
        .strip_prefix(RELATIVE)
        .and_then(|rest| rest.split_once('/'))
    {
        let root = folder.and_then(|folder| root_of(name, folder));
        let root = root.and_then(Path::to_str).ok_or_else(invalid)?;
        return Ok((
            Some(name.to_owned()),
            format!("file://{}/", root.trim_end_matches('/')),
        ));
    }
    let path = origin.location.strip_prefix("file:///").ok_or_else(invalid)?;
    let (top, _) = path.split_once('/').ok_or_else(|| StoreError::Origin {
        file: origin.location.clone(),
        reason: "a file right in the root of the file system cannot be referred to: put it into a folder"
            .into(),
        kind: karin_core::ErrorKind::Unsupported,
    })?;
    Ok((None, format!("file:///{top}/")))
}

fn container(prefix: String, name: Option<String>) -> Result<VirtualChunkContainer, String> {
    let folder = prefix.trim_start_matches("file://").into();
    let store = ObjectStoreConfig::LocalFileSystem(folder);
    match name {
        Some(name) => VirtualChunkContainer::new_named(name, prefix, store),
        None => VirtualChunkContainer::new(prefix, store),
    }
}
