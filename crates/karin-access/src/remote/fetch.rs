//! One range of one version of a file.

use std::io::{Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::parts::Place;
use super::shelf::name_of;
use crate::transfer::{Body, Origin, origin_of};
use crate::{Access, AccessError, Location};

/// Bytes that are asked for to learn which version of a known file is there.
pub(super) const PROBE: u64 = 64;

/// What a server answers to a range.
pub(super) enum Answer {
    /// The bytes of the range, or as many of them as the file has.
    Part { origin: Origin, bytes: Vec<u8> },
    /// The whole file: it does not give parts, or none that can be told apart by version.
    Whole(Box<Whole>),
}

impl Answer {
    pub(super) const fn origin(&self) -> &Origin {
        match self {
            Self::Part { origin, .. } => origin,
            Self::Whole(whole) => &whole.origin,
        }
    }
}

/// A whole file that comes.
pub(super) struct Whole {
    body: Body,
    name: String,
    origin: Origin,
}

/// A whole file that is there.
pub(super) struct Saved {
    pub(super) len: u64,
    pub(super) place: Place,
}

/// Asks which version is there, with no more bytes than that takes.
pub(super) async fn version(access: &Access, location: &Location) -> Result<Answer, AccessError> {
    if let Location::Files(url) = location {
        let origin = origin_of(&access.files.stamp(url).await?);
        return Ok(Answer::Part {
            origin,
            bytes: Vec::new(),
        });
    }
    fetch(access, location, 0..PROBE, &Origin::default()).await
}

/// Asks for a range of the version that `known` tells of; of any version if it tells nothing.
pub(super) async fn fetch(
    access: &Access,
    location: &Location,
    range: Range<u64>,
    known: &Origin,
) -> Result<Answer, AccessError> {
    let name = location.to_string();
    let changed = || AccessError::Changed { url: name.clone() };
    let mut body = Body::open_range(access, location, range.clone(), known).await?;
    if !known.agrees(&body.origin) {
        return Err(changed());
    }
    let origin = body.origin.clone();
    let (true, Some(total), Some(_)) = (body.is_part, origin.total, origin.validator()) else {
        if body.is_part {
            // Asked anew without a range: pieces that carry no version might be of different ones.
            body = Body::open(access, location, 0, &Origin::default()).await?;
        }
        return Ok(Answer::Whole(Box::new(Whole { body, name, origin })));
    };
    if body.start != range.start {
        return Err(changed());
    }
    let end = range.end.min(total);
    let needed = usize::try_from(end.saturating_sub(range.start)).unwrap_or(usize::MAX);
    let mut bytes = Vec::with_capacity(needed);
    while bytes.len() < needed
        && let Some(chunk) = body.next().await?
    {
        let wanted = chunk.len().min(needed - bytes.len());
        bytes.extend_from_slice(chunk.get(..wanted).unwrap_or_default());
    }
    if bytes.len() < needed {
        return Err(AccessError::Truncated {
            url: name,
            expected: needed as u64,
            found: bytes.len() as u64,
        });
    }
    Ok(Answer::Part { origin, bytes })
}

impl Whole {
    /// Saves the file: on the shelf of its version, or in a file that goes with its last user.
    pub(super) async fn save(mut self, folder: Option<PathBuf>, limit: u64) -> Result<Saved, AccessError> {
        let place = folder.clone().unwrap_or_else(std::env::temp_dir);
        let failed = |source| AccessError::file(&place, "caching a granule", source);
        if folder.is_some() {
            std::fs::create_dir_all(&place).map_err(failed)?;
        }
        let mut file = tempfile::NamedTempFile::new_in(&place).map_err(failed)?;
        let (mut len, mut crc) = (0_u64, 0);
        while let Some(chunk) = self.body.next().await? {
            len += chunk.len() as u64;
            if len.max(self.origin.total.unwrap_or(0)) > limit {
                return Err(AccessError::Answer {
                    url: self.name,
                    reason: format!(
                        "the server gives no parts of files, and the whole is larger than the cache may be ({} MB, cache.size): \
                         fetch it with karin get",
                        limit / 1_000_000
                    ),
                });
            }
            crc = crc32c::crc32c_append(crc, &chunk);
            file.write_all(&chunk).map_err(failed)?;
        }
        if let Some(expected) = self.origin.total.filter(|total| *total != len) {
            return Err(AccessError::Truncated {
                url: self.name,
                expected,
                found: len,
            });
        }
        let place = match folder {
            Some(folder) => {
                file.write_all(&crc.to_le_bytes()).map_err(failed)?;
                let path = folder.join(name_of(0, len));
                file.persist(&path).map_err(|error| failed(error.error))?;
                Place::Kept { path, checked: true }
            }
            None => {
                let mut file = file.into_file();
                file.seek(SeekFrom::Start(0)).map_err(failed)?;
                Place::Temporary(Arc::new(file))
            }
        };
        Ok(Saved { len, place })
    }
}
