//! Granules cropped on their way into a collection, and which of them need no second look: a list beside the
//! collection says what was cropped to which region. Lost, it costs fetching again and nothing else.

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use karin_core::{Crop, Progress, Region, Resources, Selection};
use karin_engine::{EngineError, Plan};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::extract::{ExtractOptions, extract};
use crate::output::WriteOptions;

/// A granule that was cropped.
#[derive(Serialize, Deserialize)]
struct Line {
    file: String,
    /// Digest of the region.
    region: String,
    /// Whether no pixel of it lies inside.
    outside: bool,
}

/// What was cropped to one region.
pub(super) struct Crops {
    path: PathBuf,
    region: Region,
    digest: String,
    cropped: HashSet<String>,
    outside: HashSet<String>,
}

/// The cropped granules of some files.
pub(super) struct Cropped {
    /// Files with the lines inside, named as those that they come from.
    pub inside: Vec<PathBuf>,
    /// Names of files without a pixel inside.
    pub outside: Vec<String>,
}

impl Crops {
    /// Reads the list at `path`; lines that are damaged or of other regions count for nothing.
    pub(super) fn open(path: PathBuf, region: &Region) -> Self {
        let words = serde_json::to_vec(region).unwrap_or_default();
        let digest = blake3::hash(&words).to_hex().as_str().chars().take(16).collect();
        let mut crops = Self {
            path,
            region: region.clone(),
            digest,
            cropped: HashSet::new(),
            outside: HashSet::new(),
        };
        let text = std::fs::read_to_string(&crops.path).unwrap_or_default();
        let lines = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Line>(line).ok());
        for line in lines.filter(|line| line.region == crops.digest) {
            match line.outside {
                true => crops.outside.insert(line.file),
                false => crops.cropped.insert(line.file),
            };
        }
        crops
    }

    /// True if a granule has nothing inside, or what it has was put into the collection, which holds it (`held`).
    pub(super) fn has(&self, file: &str, held: bool) -> bool {
        self.outside.contains(file) || held && self.cropped.contains(file)
    }

    /// Notes granules that need no second look.
    pub(super) fn add(&mut self, files: Vec<String>, outside: bool) -> Result<(), Error> {
        if files.is_empty() {
            return Ok(());
        }
        let mut text = Vec::new();
        for file in files {
            // A line that a kill cut short is ended by the newline in front.
            text.push(b'\n');
            let line = Line {
                file: file.clone(),
                region: self.digest.clone(),
                outside,
            };
            serde_json::to_writer(&mut text, &line).map_err(|error| self.failed(error.into()))?;
            match outside {
                true => self.outside.insert(file),
                false => self.cropped.insert(file),
            };
        }
        text.push(b'\n');
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| self.failed(error))?;
        }
        let opened = OpenOptions::new().create(true).append(true).open(&self.path);
        opened
            .and_then(|mut file| file.write_all(&text))
            .map_err(|error| self.failed(error))
    }

    fn failed(&self, error: std::io::Error) -> Error {
        Error::io(&self.path, "write", error)
    }

    /// Crops files into `folder`: whole lines that touch the region, all variables.
    ///
    /// # Errors
    /// If they cannot be read at all, `folder` cannot be written, or the user stops it. A file that cannot be read is
    /// given back as it is, for the ingest to say why.
    pub(super) fn crop(
        &self,
        files: &[PathBuf],
        folder: &Path,
        resources: Resources,
        progress: &dyn Progress,
    ) -> Result<Cropped, Error> {
        let selection = Selection {
            region: Some(self.region.clone()),
            crop: Crop::Lines,
            ..Selection::default()
        };
        let source = crate::sources::open(files, &Default::default(), progress)?;
        let options =
            ExtractOptions::default().with_output(WriteOptions::default().with_resources(resources));
        let (mut inside, mut unread) = (Vec::new(), Vec::new());
        let plans = match Plan::new(source, &selection, progress) {
            Err(EngineError::Empty(_)) => Vec::new(),
            other => other?,
        };
        std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, "create", error))?;
        for plan in plans {
            match extract(&plan, folder, &options, progress) {
                Ok(extracted) => {
                    inside.extend(extracted.files);
                    unread.extend(extracted.left_out.into_iter().map(|(name, _)| name));
                }
                Err(Error::Engine(EngineError::Empty(_))) => {}
                Err(error) => return Err(error),
            }
        }
        let names: HashSet<String> = inside.iter().map(|path| name_of(path)).collect();
        let (mut outside, mut as_they_are) = (Vec::new(), Vec::new());
        for file in files {
            let name = name_of(file);
            if unread.iter().any(|label| label.ends_with(&name)) {
                as_they_are.push(file.clone());
            } else if !names.contains(&name) {
                outside.push(name);
            }
        }
        inside.extend(as_they_are);
        Ok(Cropped { inside, outside })
    }
}

/// The last name of a path.
pub(super) fn name_of(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
