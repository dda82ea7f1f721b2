//! The files that virtual granules lie in: are they there as they were, and do their chunks decode?

use std::sync::Arc;

use karin_core::{ErrorKind, Progress, Resources, Slab};
use rayon::prelude::*;

use super::{Fault, FaultKind, fault};
use crate::collection::CollectionGroup;
use crate::{Collection, GranuleFacts, Repository, StoreError};

/// Looks at the file of every virtual granule of the newest snapshot: the number of granules, and what is wrong. `deep`
/// reads all their chunks too, each of which ends in a checksum.
///
/// # Errors
/// If the collection cannot be read, or the user stopped it.
pub(super) fn check(
    repository: &Arc<Repository>,
    deep: bool,
    resources: &Resources,
    progress: &dyn Progress,
) -> Result<(u64, Vec<Fault>), StoreError> {
    let collection = Collection::of(repository, None)?;
    let groups = collection.groups().iter().filter(|group| group.is_virtual());
    let mut granules: Vec<(&CollectionGroup, &GranuleFacts)> = Vec::new();
    for group in groups {
        granules.extend(group.granules()?.iter().map(|facts| (group, facts)));
    }
    if granules.is_empty() {
        return Ok((0, Vec::new()));
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(resources.jobs.max(1))
        .build();
    let pool = pool
        .map_err(|error| StoreError::io(repository.label(), "start threads", std::io::Error::other(error)))?;
    let bytes = granules.iter().map(|(_, facts)| facts.size).sum();
    progress.start("files", granules.len() as u64, if deep { bytes } else { 0 });
    let look = |(group, facts): &(&CollectionGroup, &GranuleFacts)| {
        if progress.is_cancelled() {
            return Err(StoreError::Cancelled);
        }
        let found = look(group, facts, deep);
        progress.advance(1, if deep { facts.size } else { 0 });
        found
    };
    let found: Result<Vec<_>, _> = pool.install(|| granules.par_iter().with_max_len(1).map(look).collect());
    progress.finish();
    Ok((granules.len() as u64, found?.into_iter().flatten().collect()))
}

fn look(group: &CollectionGroup, facts: &GranuleFacts, deep: bool) -> Result<Option<Fault>, StoreError> {
    if let Err(error) = group.check_origin(facts) {
        return told(error).map(Some);
    }
    if !deep {
        return Ok(None);
    }
    let granule = group.granule(facts.half_orbit)?;
    for path in group.virtual_variables() {
        let Some(shape) = granule.root().shape(&path) else {
            continue;
        };
        let Err(error) = granule.read_slab(&path, &Slab::all(&shape)) else {
            continue;
        };
        let cause = error
            .source
            .and_then(|source| source.downcast::<StoreError>().ok());
        return match cause {
            Some(cause) => told(*cause).map(Some),
            None => Ok(Some(fault(&path, FaultKind::Unreadable, error.reason))),
        };
    }
    Ok(None)
}

/// What is wrong with a file; an error of the collection itself stays one.
fn told(error: StoreError) -> Result<Fault, StoreError> {
    let StoreError::Origin { file, reason, kind } = error else {
        return Err(error);
    };
    let kind = match kind {
        ErrorKind::NotFound => FaultKind::Missing,
        ErrorKind::Conflict => FaultKind::Changed,
        ErrorKind::Corrupt => FaultKind::Damaged,
        _ => FaultKind::Unreadable,
    };
    Ok(fault(&file, kind, reason))
}
