//! Maps of what users name: collections, granules, folders, and files that are results or grids.

use std::path::{Path, PathBuf};

use karin_core::{Dataset as _, Progress, Region, Resources, Selection, Side};
use karin_engine::swath::Swath;
use karin_netcdf::NcFile;
use karin_store::OpenOptions;

use super::{MapOptions, Picture};
use crate::Error;
use crate::provider::ProviderOptions;

/// Draws variables of any mix of collections, granules and folders, or of one netCDF file with a grid or the result
/// of a reduction. See [`selection`](super::selection) and [`datasets`](super::datasets).
///
/// # Errors
/// If an input cannot be opened, nothing is selected, or nothing is to be seen; for grids and results, if the
/// selection asks for more than a variable and a box.
pub fn inputs(
    inputs: &[PathBuf],
    open: &OpenOptions,
    provider: &ProviderOptions,
    selection: &Selection,
    mut options: MapOptions,
    resources: Resources,
    progress: &dyn Progress,
) -> Result<Picture, Error> {
    if let [input] = inputs
        && let Some(file) = grid(input)
    {
        let understood = Selection {
            variables: selection.variables.clone(),
            region: selection.region.clone(),
            ..Selection::default()
        };
        if *selection != understood || matches!(selection.region, Some(Region::Polygon(_))) {
            let reason = "a grid or result is drawn by --vars and --bbox alone; select when making it";
            return Err(Error::option("selection", reason));
        }
        if let Some(Region::Box(bounds)) = &selection.region {
            options.region = Some(*bounds);
        }
        return super::datasets(&file, &selection.variables, options);
    }
    let source = crate::sources::open_with(inputs, open, provider, progress)?;
    super::selection(&source, selection, options, resources, progress)
}

/// The file, if it is one that can be read and holds no swath: what else is wrong with it is told elsewhere.
fn grid(input: &Path) -> Option<NcFile> {
    let file = input.is_file().then(|| NcFile::open(input).ok())??;
    Swath::of(file.root(), Side::Both).is_empty().then_some(file)
}

impl Picture {
    /// Writes the PNG: whole, or not at all.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        write_whole(path, &self.png)
    }
}

/// Writes a file: whole, or not at all.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".karin-")
        .permissions(permissions())
        .tempfile_in(folder)
        .map_err(|error| Error::io(path, "create", error))?;
    std::io::Write::write_all(&mut file, bytes).map_err(|error| Error::io(path, "write", error))?;
    file.persist(path)
        .map_err(|error| Error::io(path, "rename", error.error))?;
    Ok(())
}

/// Readable by whom the user's umask lets: temporary files are private otherwise.
fn permissions() -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::Permissions::from_mode(0o666)
}
