//! Granules prepared by one process and committed by another.
//!
//! ```text
//!   worker: put(granule) ... hand_over() ─> bytes ─┐
//!   worker: put(granule) ... hand_over() ─> bytes ─┼─> committer: take_over(bytes) ... commit()
//! ```
//!
//! Chunks lie on stable storage already when a worker hands over; the bytes only say where, and what else the commit
//! needs to know. Nothing of a worker that dies before it hands over is in the collection, and its work can be done
//! again by any other.

use std::sync::Arc;

use icechunk::format::ChunkId;
use icechunk::format::manifest::{Checksum, ChunkPayload, ChunkRef, VirtualChunkLocation, VirtualChunkRef};
use karin_core::HalfOrbit;
use karin_core::Version;
use serde::{Deserialize, Serialize};

use super::group::invent_layout;
use super::shared::Claim;
use super::{Ingest, Pending};
use crate::facts::document::Document;
use crate::layout::{Blueprint, GroupLayout};
use crate::objects::WrittenObject;
use crate::{GranuleFacts, GranuleState, GroupKey, StoreError};

/// What one process hands to another.
#[derive(Serialize, Deserialize)]
struct HandedOver {
    objects: Vec<ObjectRecord>,
    granules: Vec<GranuleRecord>,
}

#[derive(Serialize, Deserialize)]
struct ObjectRecord {
    id: String,
    length: u64,
    hash: [u8; 32],
}

#[derive(Serialize, Deserialize)]
struct GranuleRecord {
    group: GroupKey,
    /// BLAKE3 of what the group's layout is made from: both sides must mean the same by an array's number.
    blueprint: [u8; 32],
    /// That itself, of virtual granules, whose group may not be there yet and follows from the first of them.
    layout: Option<Blueprint>,
    half_orbit: HalfOrbit,
    whole: bool,
    version: Version,
    size: u64,
    checksum: [u8; 32],
    time_start: f64,
    time_end: f64,
    ingested: f64,
    counts: Vec<u32>,
    document_size: u32,
    document: Document,
    document_chunks: Vec<Place>,
    chunks: Vec<(usize, u32, Place)>,
    claims: Vec<ClaimRecord>,
}

/// A [`Claim`] of which only the place of its values is told.
#[derive(Serialize, Deserialize)]
struct ClaimRecord {
    array: usize,
    hash: [u8; 32],
    place: Place,
    whole: bool,
    bounds: Option<Vec<u8>>,
}

/// Where stored bytes lie.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Place {
    /// Object, offset, length.
    Object(String, u64, u64),
    /// Location of a netCDF file, offset, length, and what Icechunk compares.
    InFile(String, u64, u64, Option<Checksum>),
}

impl Place {
    fn of(payload: &ChunkPayload) -> Result<Self, StoreError> {
        match payload {
            ChunkPayload::Ref(ChunkRef { id, offset, length }) => {
                Ok(Self::Object(id.to_string(), *offset, *length))
            }
            ChunkPayload::Virtual(place) => {
                let location = place.location.url().to_owned();
                Ok(Self::InFile(
                    location,
                    place.offset,
                    place.length,
                    place.checksum.clone(),
                ))
            }
            _ => Err(invalid("a chunk that lies in no object")),
        }
    }

    fn payload(&self) -> Result<ChunkPayload, StoreError> {
        Ok(match self {
            Self::Object(id, offset, length) => ChunkPayload::Ref(ChunkRef {
                id: object_id(id)?,
                offset: *offset,
                length: *length,
            }),
            Self::InFile(location, offset, length, checksum) => ChunkPayload::Virtual(VirtualChunkRef {
                location: VirtualChunkLocation::from_url(location)
                    .map_err(|error| invalid(&format!("{location}: {error}")))?,
                offset: *offset,
                length: *length,
                checksum: checksum.clone(),
            }),
        })
    }
}

fn object_id(text: &str) -> Result<ChunkId, StoreError> {
    ChunkId::try_from(text).map_err(|_| invalid(&format!("{text:?} is no object")))
}

fn invalid(reason: &str) -> StoreError {
    StoreError::InvalidArgument(format!("what a worker prepared cannot be committed: {reason}"))
}

fn fingerprint(layout: &GroupLayout) -> [u8; 32] {
    let text = serde_json::to_vec(&layout.blueprint).unwrap_or_default();
    *blake3::hash(&text).as_bytes()
}

impl GranuleRecord {
    fn of(one: &Pending) -> Result<Self, StoreError> {
        let facts = &one.facts;
        let places = |chunks: &[ChunkPayload]| chunks.iter().map(Place::of).collect::<Result<Vec<_>, _>>();
        let chunk = |(array, block, payload): &(usize, u32, ChunkPayload)| {
            Ok::<_, StoreError>((*array, *block, Place::of(payload)?))
        };
        let claim = |claim: &Claim| {
            Ok::<_, StoreError>(ClaimRecord {
                array: claim.array,
                hash: claim.hash,
                place: Place::of(&claim.payload)?,
                whole: claim.whole,
                bounds: claim.bounds.clone(),
            })
        };
        Ok(Self {
            group: one.layout.key,
            blueprint: fingerprint(&one.layout),
            layout: one.layout.key.is_virtual.then(|| one.layout.blueprint.clone()),
            half_orbit: facts.half_orbit,
            whole: facts.state == GranuleState::Whole,
            version: facts.version.clone(),
            size: facts.size,
            checksum: facts.checksum,
            time_start: facts.time_start,
            time_end: facts.time_end,
            ingested: facts.ingested,
            counts: facts.counts.clone(),
            document_size: facts.document_size,
            document: one.document.clone(),
            document_chunks: places(&one.document_chunks)?,
            chunks: one.chunks.iter().map(chunk).collect::<Result<_, _>>()?,
            claims: one.claims.iter().map(claim).collect::<Result<_, _>>()?,
        })
    }

    fn pending(self, layout: Arc<GroupLayout>) -> Result<Pending, StoreError> {
        let known = layout.arrays.len();
        let arrays = self.chunks.iter().map(|chunk| chunk.0);
        let mut arrays = arrays.chain(self.claims.iter().map(|claim| claim.array));
        if self.blueprint != fingerprint(&layout) || arrays.any(|array| array >= known) {
            let reason = format!(
                "its {} is laid out otherwise than that of the collection",
                self.group
            );
            return Err(invalid(&reason));
        }
        let chunk = |(array, block, place): &(usize, u32, Place)| Ok((*array, *block, place.payload()?));
        let claim = |claim: &ClaimRecord| {
            Ok(Claim {
                array: claim.array,
                hash: claim.hash,
                payload: claim.place.payload()?,
                whole: claim.whole,
                bounds: claim.bounds.clone(),
            })
        };
        Ok(Pending {
            chunks: self.chunks.iter().map(chunk).collect::<Result<_, StoreError>>()?,
            claims: self.claims.iter().map(claim).collect::<Result<_, StoreError>>()?,
            document_chunks: self
                .document_chunks
                .iter()
                .map(Place::payload)
                .collect::<Result<_, _>>()?,
            document: self.document,
            layout,
            facts: GranuleFacts {
                half_orbit: self.half_orbit,
                state: if self.whole {
                    GranuleState::Whole
                } else {
                    GranuleState::Partial
                },
                version: self.version,
                size: self.size,
                checksum: self.checksum,
                time_start: self.time_start,
                time_end: self.time_end,
                ingested: self.ingested,
                own_geometry: false,
                counts: self.counts,
                document_size: self.document_size,
            },
        })
    }
}

impl Ingest<'_> {
    /// Puts the chunks of all granules put so far on stable storage, and gives what another process needs to commit
    /// them ([`Ingest::take_over`]); `None` if there are none. This ingest forgets them.
    ///
    /// # Errors
    /// What writing met; all of it can be put again then.
    pub fn hand_over(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        let objects = self.packed.finish();
        self.forget_lost();
        let objects = objects?;
        let pending = std::mem::take(&mut self.pending);
        self.groups.clear();
        if pending.is_empty() {
            return Ok(None);
        }
        let record = |object: WrittenObject| ObjectRecord {
            id: object.id.to_string(),
            length: object.length,
            hash: object.hash,
        };
        let handed = HandedOver {
            objects: objects.into_iter().map(record).collect(),
            granules: pending.iter().map(GranuleRecord::of).collect::<Result<_, _>>()?,
        };
        let bytes = serde_json::to_vec(&handed);
        bytes.map(Some).map_err(|error| invalid(&error.to_string()))
    }

    /// Takes over what another process has prepared, as if it had been put here: the next [`Ingest::commit`] makes it
    /// part of the collection, and decides anew against what is there by then. Returns how many granules these are.
    ///
    /// # Errors
    /// If the bytes are not of [`Ingest::hand_over`], or of a collection that is laid out otherwise.
    pub fn take_over(&mut self, bytes: &[u8]) -> Result<usize, StoreError> {
        let handed: HandedOver =
            serde_json::from_slice(bytes).map_err(|error| invalid(&error.to_string()))?;
        let mut taken = Vec::with_capacity(handed.granules.len());
        for granule in handed.granules {
            let key = granule.group;
            let prepared = self.ensure_group(key, |profile| match &granule.layout {
                Some(blueprint) => Ok(GroupLayout::new(key, blueprint.clone())),
                None => invent_layout(key, profile, None),
            });
            prepared.map_err(|refusal| refusal.of(&key.to_string()))?;
            let Some(group) = self.groups.get(&key) else {
                return Err(invalid("its group is not there"));
            };
            taken.push(granule.pending(Arc::clone(&group.layout))?);
        }
        for object in handed.objects {
            self.repository.vouch_for(&WrittenObject {
                id: object_id(&object.id)?,
                length: object.length,
                hash: object.hash,
            });
        }
        let count = taken.len();
        self.pending.append(&mut taken);
        Ok(count)
    }
}
