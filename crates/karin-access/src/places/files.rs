//! Servers of files, over SFTP and FTP.

use karin_core::Progress;
use url::Url;

use super::tree::{Harvest, walk};
use crate::retry::{Patience, retry};
use crate::{Access, AccessError, Wanted};

/// The wanted granules of a folder of a server and of those below it.
pub(crate) async fn find(
    wanted: &Wanted,
    access: &Access,
    root: &Url,
    progress: &dyn Progress,
) -> Result<Harvest, AccessError> {
    let patience = Patience::new(&access.settings, progress);
    let patience = &patience;
    let list = |address: String| async move {
        let folder = Url::parse(&address);
        let folder = folder.map_err(|error| AccessError::option("--from", error.to_string()))?;
        retry(patience, || access.files.list(&folder)).await
    };
    walk(
        wanted,
        root.to_string(),
        access.settings.connections(),
        progress,
        list,
    )
    .await
}
