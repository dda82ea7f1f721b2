//! What happened to a collection: its snapshots, and finding one of them by what a user types.

use chrono::{DateTime, Utc};
use icechunk::format::SnapshotId;
use icechunk::format::snapshot::{SnapshotInfo, SnapshotProperties};

use crate::repository::BRANCH;
use crate::{Repository, StoreError};

/// 2000-01-01T00:00:00 UTC in Unix seconds: where karin's times begin.
const EPOCH: f64 = 946_684_800.0;

/// One commit.
#[derive(Clone, Debug, PartialEq)]
pub struct SnapshotFacts {
    /// Its id; reading at it gives the same values for ever, until `gc` expires it.
    pub id: String,
    /// The snapshot that it changed; `None` for the first.
    pub parent: Option<String>,
    /// When it was written: seconds since 2000-01-01T00:00:00 UTC.
    pub time: f64,
    /// What the writer said.
    pub message: String,
    /// What the writer counted, by name.
    pub properties: SnapshotProperties,
}

impl From<SnapshotInfo> for SnapshotFacts {
    fn from(info: SnapshotInfo) -> Self {
        Self {
            id: info.id.to_string(),
            parent: info.parent_id.map(|id| id.to_string()),
            time: info.flushed_at.timestamp_micros() as f64 / 1e6 - EPOCH,
            message: info.message,
            properties: info.metadata,
        }
    }
}

impl Repository {
    /// All kept snapshots, the newest first.
    ///
    /// # Errors
    /// If the repository's root cannot be read.
    pub fn history(&self) -> Result<Vec<SnapshotFacts>, StoreError> {
        let (infos, _) = self.snapshots()?;
        Ok(infos.into_iter().map(SnapshotFacts::from).collect())
    }

    /// The snapshots that lead to the tip, the newest first, and their ids.
    fn snapshots(&self) -> Result<(Vec<SnapshotInfo>, SnapshotId), StoreError> {
        let root = self.root()?;
        let damaged = |error| self.damaged_root(&error);
        let tip = root.resolve_branch(BRANCH).map_err(damaged)?;
        let infos = root.ancestry(&tip).and_then(Iterator::collect).map_err(damaged)?;
        Ok((infos, tip))
    }

    /// The snapshot that a user means: `latest`, an id or a beginning of one that is unique, or a time, which means the
    /// last snapshot written until then (seconds since 2000-01-01T00:00:00 UTC, or RFC 3339).
    ///
    /// # Errors
    /// [`StoreError::SnapshotNotFound`], which says what there is; [`StoreError::InvalidArgument`] if several begin so.
    pub fn find_snapshot(&self, wanted: &str) -> Result<SnapshotId, StoreError> {
        if wanted == "latest" {
            return self.tip();
        }
        let (infos, _) = self.snapshots()?;
        let upper = wanted.to_ascii_uppercase();
        let matching: Vec<_> = infos
            .iter()
            .filter(|info| info.id.to_string().starts_with(&upper))
            .collect();
        match (&matching[..], wanted.is_empty()) {
            ([one], false) => return Ok(one.id.clone()),
            ([], _) | (_, true) => {}
            (several, false) => {
                let count = several.len();
                return Err(StoreError::InvalidArgument(format!(
                    "{count} snapshots begin with {wanted}: give more of it"
                )));
            }
        }
        let until = wanted
            .parse::<DateTime<Utc>>()
            .ok()
            .map(|time| time.timestamp_micros())
            .or_else(|| {
                wanted
                    .parse::<f64>()
                    .ok()
                    .map(|seconds| ((seconds + EPOCH) * 1e6) as i64)
            });
        let found = until.and_then(|until| {
            infos
                .iter()
                .find(|info| info.flushed_at.timestamp_micros() <= until)
        });
        if let Some(info) = found {
            return Ok(info.id.clone());
        }
        let hint = match (infos.last(), infos.len(), until) {
            (Some(first), _, Some(_)) => {
                format!(" (the first was written {})", first.flushed_at.to_rfc3339())
            }
            (_, count, _) => format!(" (there are {count}; `karin history` lists them)"),
        };
        Err(StoreError::SnapshotNotFound {
            location: self.label().into(),
            snapshot: wanted.into(),
            hint,
        })
    }
}
