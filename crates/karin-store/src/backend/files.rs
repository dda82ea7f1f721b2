//! Files that appear whole or not at all.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use super::random_below;
use crate::StoreError;

/// A file under a name that listings of object_store (and so stock Icechunk) pass over: `<target>#<digits>`. It is
/// removed on drop unless published.
#[derive(Debug)]
pub(crate) struct HiddenFile {
    path: PathBuf,
    target: PathBuf,
    published: bool,
}

impl HiddenFile {
    /// Creates the hidden file beside `target`, and the folders above where they are missing.
    pub(crate) fn create(target: &Path) -> Result<(File, Self), StoreError> {
        let mut name = target.as_os_str().to_owned();
        name.push(format!("#{}", random_below(u64::MAX)));
        let path = PathBuf::from(name);
        let open = || OpenOptions::new().write(true).create_new(true).open(&path);
        let file = match open() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                create_folders(parent(target))?;
                open()
            }
            other => other,
        };
        let file = file.map_err(|source| StoreError::io(&path, "create", source))?;
        Ok((
            file,
            Self {
                path,
                target: target.into(),
                published: false,
            },
        ))
    }

    /// Where it is now.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the bytes durable, moves the file to its target and makes the name durable.
    pub(crate) fn publish(self, file: File) -> Result<(), StoreError> {
        file.sync_all()
            .map_err(|source| StoreError::io(&self.path, "make durable", source))?;
        drop(file);
        self.rename()
    }

    /// Moves the file, whose bytes are durable already, to its target and makes the name durable.
    pub(crate) fn rename(mut self) -> Result<(), StoreError> {
        self.reveal()?;
        sync_folder(parent(&self.target))
    }

    /// Moves the file, whose bytes are durable already, to its target; the name is not durable before the folder is.
    pub(crate) fn rename_only(mut self) -> Result<(), StoreError> {
        self.reveal()
    }

    fn reveal(&mut self) -> Result<(), StoreError> {
        std::fs::rename(&self.path, &self.target)
            .map_err(|source| StoreError::io(&self.target, "rename", source))?;
        self.published = true;
        Ok(())
    }
}

impl Drop for HiddenFile {
    fn drop(&mut self) {
        if !self.published {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// The folder of a file.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| StoreError::io(folder, "make durable", source))
}

/// Creates a folder and those above, each made durable in its parent.
pub(crate) fn create_folders(folder: &Path) -> Result<(), StoreError> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = parent(folder);
    if above != folder {
        create_folders(above)?;
    }
    match std::fs::create_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && folder.is_dir() => {}
        result => result.map_err(|source| StoreError::io(folder, "create the folder", source))?,
    }
    sync_folder(above)
}

/// Whether a name is of the form that listings pass over: `<anything>#<digits>`.
pub(crate) fn is_hidden(name: &str) -> bool {
    name.rsplit_once('#')
        .is_some_and(|(_, digits)| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}
