//! Virtual chunk containers: what tells Icechunk's own readers where the files are.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use icechunk::ObjectStoreConfig;
use icechunk::config::HttpConfig;
use icechunk::virtual_chunks::VirtualChunkContainer;
use icechunk::{RepositoryConfig, Storage};

use super::{Origin, RELATIVE, folder_of, out_of_reach, root_of};
use crate::{Repository, StoreError, StoreOptions, backend};

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
        if let Some((name, prefix)) = container_of(origin, folder.as_deref())? {
            wanted.insert(prefix, name);
        }
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
        let container = container(prefix, name, repository.options())?;
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

/// The container of a location: its name, if locations are relative to it, and its URL; `None` for kinds of servers that
/// Icechunk does not read from.
fn container_of(
    origin: &Origin,
    folder: Option<&Path>,
) -> Result<Option<(Option<String>, String)>, StoreError> {
    let invalid = || StoreError::InvalidArgument(format!("{} is no location of ours", origin.location));
    if let Some((name, _)) = origin
        .location
        .strip_prefix(RELATIVE)
        .and_then(|rest| rest.split_once('/'))
    {
        let root = folder.and_then(|folder| root_of(name, folder));
        let root = root.and_then(Path::to_str).ok_or_else(invalid)?;
        return Ok(Some((
            Some(name.to_owned()),
            format!("file://{}/", root.trim_end_matches('/')),
        )));
    }
    if origin.is_remote() {
        let (scheme, rest) = origin.location.split_once("://").ok_or_else(invalid)?;
        let (server, _) = rest.split_once('/').ok_or_else(invalid)?;
        let known = matches!(scheme, "http" | "https" | "s3");
        return Ok(known.then(|| (None, format!("{scheme}://{server}/"))));
    }
    let path = origin.location.strip_prefix("file:///").ok_or_else(invalid)?;
    let (top, _) = path.split_once('/').ok_or_else(|| StoreError::Origin {
        file: origin.location.clone(),
        reason: "a file right in the root of the file system cannot be referred to: put it into a folder"
            .into(),
        kind: karin_core::ErrorKind::Unsupported,
    })?;
    Ok(Some((None, format!("file:///{top}/"))))
}

fn container(
    prefix: String,
    name: Option<String>,
    options: &StoreOptions,
) -> Result<VirtualChunkContainer, StoreError> {
    let store = match prefix.split_once("://") {
        Some(("file", folder)) => ObjectStoreConfig::LocalFileSystem(folder.into()),
        Some(("s3", _)) => buckets(&prefix, options)?,
        _ => ObjectStoreConfig::Http(HttpConfig::default()),
    };
    let made = match name {
        Some(name) => VirtualChunkContainer::new_named(name, prefix, store),
        None => VirtualChunkContainer::new(prefix, store),
    };
    made.map_err(StoreError::InvalidArgument)
}

/// How stock readers reach a bucket of granules: where its service is, and never with which keys.
fn buckets(prefix: &str, options: &StoreOptions) -> Result<ObjectStoreConfig, StoreError> {
    let said = options.servers.as_ref().map(|servers| servers.buckets());
    let (endpoint, region) = said
        .transpose()
        .map_err(|error| out_of_reach(prefix.to_owned(), error))?
        .unwrap_or_default();
    let here = StoreOptions {
        endpoint: endpoint.or_else(|| options.endpoint.clone()),
        region: region.or_else(|| options.region.clone()),
        ..StoreOptions::default()
    };
    let s3 = backend::s3_options(&here);
    let is_elsewhere = s3.endpoint_url.is_some();
    // Services of others than AWS seldom have a host name for every bucket.
    let s3 = s3.with_force_path_style(is_elsewhere);
    Ok(match is_elsewhere {
        true => ObjectStoreConfig::S3Compatible(s3),
        false => ObjectStoreConfig::S3(s3),
    })
}
