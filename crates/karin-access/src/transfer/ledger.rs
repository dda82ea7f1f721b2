//! What was fetched into a folder: one line of JSON per file in `.karin-ledger.jsonl`, appended when the file has its
//! name. It tells a later run that a file is whole without looking into it. Damaged lines count for nothing.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use karin_core::time::format_instant;
use serde::{Deserialize, Serialize};

use crate::{AccessError, Download};

/// One file that was fetched whole and checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Line {
    /// Name of the file.
    pub file: String,
    /// Its bytes.
    pub size: u64,
    /// When the local file was changed last, in nanoseconds since 1970: it is the one that was checked.
    pub local_modified: String,
    /// Where it comes from, without secrets.
    pub from: String,
    /// When the provider's was changed last, in its own words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub modified: Option<String>,
    /// `ETag` of the answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub etag: Option<String>,
    /// The checksum that the provider told and the file has, as `MD5 …`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub checksum: Option<String>,
    /// When it was fetched.
    pub fetched: String,
}

/// The ledger of a folder.
#[derive(Debug)]
pub(super) struct Ledger {
    path: PathBuf,
    lines: Mutex<HashMap<String, Line>>,
}

impl Ledger {
    /// Reads the ledger, if there is one.
    pub(super) fn open(folder: &Path) -> Result<Self, AccessError> {
        let path = folder.join(".karin-ledger.jsonl");
        let text = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            other => other.map_err(|source| AccessError::file(&path, "reading the ledger", source))?,
        };
        let lines = String::from_utf8_lossy(&text);
        let lines = lines
            .lines()
            .filter_map(|line| serde_json::from_str::<Line>(line).ok());
        let lines = lines.map(|line| (line.file.clone(), line)).collect();
        Ok(Self {
            path,
            lines: Mutex::new(lines),
        })
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<String, Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The line of a file, if the file is still the one that was checked.
    pub(super) fn line_of(&self, file: &Path) -> Option<Line> {
        let name = file.file_name()?.to_str()?;
        let line = self.lines().get(name).cloned()?;
        let (size, modified) = stamp(file).ok()?;
        (line.size == size && line.local_modified == modified).then_some(line)
    }

    /// Records a file that has its name.
    pub(super) fn add(
        &self,
        granule: &Download,
        file: &Path,
        etag: Option<String>,
    ) -> Result<(), AccessError> {
        let failed = |source| AccessError::file(&self.path, "writing the ledger", source);
        let (size, local_modified) = stamp(file).map_err(failed)?;
        let line = Line {
            file: granule.file_name.clone(),
            size,
            local_modified,
            from: granule.location.to_string(),
            modified: granule.modified.clone(),
            etag,
            checksum: granule
                .checksum
                .as_ref()
                .map(|sum| format!("{} {}", sum.algorithm.name(), sum.value)),
            fetched: format_instant(crate::now().floor()),
        };
        let mut lines = self.lines();
        // One write to a file opened for appending: lines of several processes do not mix. A line that a kill cut
        // short is ended by the newline in front.
        let mut text = b"\n".to_vec();
        serde_json::to_writer(&mut text, &line).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        let opened = OpenOptions::new().create(true).append(true).open(&self.path);
        opened
            .and_then(|mut file| file.write_all(&text))
            .map_err(failed)?;
        lines.insert(line.file.clone(), line);
        Ok(())
    }
}

/// Bytes of a file, and when it was changed last in nanoseconds since 1970.
fn stamp(file: &Path) -> std::io::Result<(u64, String)> {
    let meta = std::fs::metadata(file)?;
    let since = meta
        .modified()?
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    Ok((meta.len(), since.as_nanos().to_string()))
}
