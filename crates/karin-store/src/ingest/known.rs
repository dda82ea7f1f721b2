//! What a group holds of a half-orbit already, compared with what is offered.

use karin_core::{ErrorKind, HalfOrbit};

use super::register::hexadecimal;
use crate::facts::view::View;
use crate::{GranuleFacts, Origin, StoreError};

/// True if the virtual granule that is there refers to another file, or the same one with another stamp.
///
/// # Errors
/// If its document cannot be read.
pub(super) fn lies_elsewhere(
    view: &View<'_>,
    half_orbit: HalfOrbit,
    origin: &Origin,
) -> Result<bool, StoreError> {
    let Some(facts) = view.facts(half_orbit)? else {
        return Ok(false);
    };
    Ok(view.document(&facts)?.origin() != Some(origin))
}

/// True if the file of the virtual granule that is there is gone or was changed. `found` is what was found at the place
/// of the new one, which may be the same.
///
/// # Errors
/// If its document cannot be read.
pub(super) fn is_lost(
    view: &View<'_>,
    half_orbit: HalfOrbit,
    found: Option<&Origin>,
) -> Result<bool, StoreError> {
    let Some(facts) = view.facts(half_orbit)?.filter(|_| view.layout.key.is_virtual) else {
        return Ok(false);
    };
    let document = view.document(&facts)?;
    let origins = view.chunks.origins();
    let is_lost = |origin: &Origin| {
        if found.is_some_and(|found| found.location == origin.location) {
            return found != Some(origin);
        }
        let checked = origins.check(origin, facts.size).map_err(|error| error.kind());
        // A server that does not answer may still have it.
        matches!(checked, Err(ErrorKind::NotFound | ErrorKind::Conflict))
    };
    Ok(document.origin().is_some_and(is_lost))
}

/// True if the granule that is there came from the file of that checksum (or one of its parts did).
///
/// # Errors
/// If its document cannot be read.
pub(super) fn is_known(
    view: &View<'_>,
    there: Option<&GranuleFacts>,
    checksum: &[u8; 32],
) -> Result<bool, StoreError> {
    let Some(there) = there else { return Ok(false) };
    if there.checksum == *checksum {
        return Ok(true);
    }
    if there.state == crate::GranuleState::Whole {
        return Ok(false);
    }
    let wanted = hexadecimal(checksum);
    Ok(view
        .document(there)?
        .sources
        .iter()
        .any(|source| source.checksum == wanted))
}
