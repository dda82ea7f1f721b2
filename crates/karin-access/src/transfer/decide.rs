//! Whether a granule has to be fetched.

use std::path::Path;

use super::Inspect;
use super::check::checksum_of;
use super::ledger::Ledger;
use crate::Download;

/// What to do with a granule, and why.
pub(super) enum Decision {
    There(String),
    /// A reason only where a file of that name is there.
    Fetch(Option<String>),
}

/// Looks at the file that is there under the granule's name, if one is. What the ledger knows is trusted as long as the
/// file was not touched; any other file is checked.
pub(super) fn decide(granule: &Download, folder: &Path, ledger: &Ledger, inspect: &dyn Inspect) -> Decision {
    let path = folder.join(&granule.file_name);
    let Ok(meta) = std::fs::metadata(&path) else {
        return Decision::Fetch(None);
    };
    let again = |reason: String| Decision::Fetch(Some(reason));
    if let Some(size) = granule.size.exact()
        && size != meta.len()
    {
        return again(format!(
            "the file there has {} bytes, the provider's {size}",
            meta.len()
        ));
    }
    let told = granule
        .checksum
        .as_ref()
        .map(|sum| format!("{} {}", sum.algorithm.name(), sum.value));
    if let Some(line) = ledger.line_of(&path) {
        let is_same = match (&told, &line.checksum) {
            (Some(told), Some(known)) => told == known,
            _ => granule.modified.is_none() || granule.modified == line.modified,
        };
        return match is_same {
            true => Decision::There(format!("fetched {}", line.fetched)),
            false => again("the provider's was changed since".to_owned()),
        };
    }
    if let Some(checksum) = &granule.checksum {
        return match checksum_of(&path, checksum.algorithm) {
            Ok(found) if found == checksum.value => {
                Decision::There(format!("its {} is right", checksum.algorithm.name()))
            }
            Ok(_) => again(format!(
                "the file there has another {}",
                checksum.algorithm.name()
            )),
            Err(error) => again(format!("the file there cannot be read: {error}")),
        };
    }
    match inspect.inspect(&path, &granule.file_name) {
        Ok(()) => Decision::There("a whole granule of that name".to_owned()),
        Err(reason) => again(format!("the file there is no whole granule: {reason}")),
    }
}
