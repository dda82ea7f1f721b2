//! What the variables of one granule tell while they are encoded: where their chunks lie, which values they share with
//! other granules, when and where the granule was.

use std::collections::HashMap;

use icechunk::format::manifest::{ChunkPayload, VirtualChunkRef};
use karin_core::GranuleName;

use super::encode::{Encoded, KnownShared as _};
use super::geometry::{self, Column, Guide};
use super::granule::{Fitted, Refusal};
use super::packed::Packed;
use super::shared::{Claim, OfPass};
use crate::Origin;
use crate::layout::GroupLayout;

/// What the variables of a granule told on their way.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) chunks: Vec<(usize, u32, ChunkPayload)>,
    pub(super) claims: Vec<Claim>,
    /// Of coordinates of a virtual granule: array, BLAKE3 of the stored bytes, and of the values.
    pub(super) decoded: Vec<(usize, [u8; 32], [u8; 32])>,
    pub(super) times: Option<(f64, f64)>,
    /// Guiding columns by variable, until both coordinates are there and checked.
    pub(super) columns: HashMap<String, (f64, Vec<f64>)>,
    /// True if the grid is not that which the pass has, and was checked when it was stored.
    pub(super) is_new_grid: bool,
}

impl Gathered {
    /// Writes the chunks of one variable and remembers what else it told. `whole` is whether all of the granule is there.
    pub(super) fn take(
        &mut self,
        encoded: Encoded,
        (layout, known): (&GroupLayout, &OfPass<'_>),
        origin: Option<&Origin>,
        whole: bool,
        packed: &mut Packed<'_>,
    ) -> Result<(), Refusal> {
        let Some(array) = layout.arrays.get(encoded.array) else {
            return Ok(());
        };
        if let Some((first, last)) = encoded.times {
            let (start, end) = self.times.unwrap_or((first, last));
            self.times = Some((start.min(first), end.max(last)));
        }
        if let Some(column) = encoded.column {
            self.columns.insert(array.variable.clone(), column);
        }
        if let Some(hash) = encoded.hash {
            let payload = match encoded.blocks.into_iter().next() {
                Some((_, stored)) => Some(packed.push(stored)?),
                None => known.payload(encoded.array),
            };
            let Some(payload) = payload else { return Ok(()) };
            self.is_new_grid |= !known.is_known(encoded.array, &hash);
            self.claims.push(Claim {
                array: encoded.array,
                hash,
                payload,
                whole,
                bounds: encoded.bounds.filter(|_| whole),
            });
            let stored_hash = encoded.stored_hash.into_iter();
            self.decoded
                .extend(stored_hash.map(|stored_hash| (encoded.array, stored_hash, hash)));
            return Ok(());
        }
        for (block, stored) in encoded.blocks {
            self.chunks.push((encoded.array, block, packed.push(stored)?));
        }
        for (block, offset, length) in encoded.in_file {
            let origin = origin.ok_or_else(|| Refusal::structure("a virtual granule without a file"))?;
            let payload = ChunkPayload::Virtual(VirtualChunkRef {
                location: origin.reference()?,
                offset,
                length,
                checksum: origin.checksum(),
            });
            self.chunks.push((encoded.array, block, payload));
        }
        Ok(())
    }

    /// Checks the coordinates that are complete.
    pub(super) fn check_geometry(
        &mut self,
        name: &GranuleName,
        layout: &GroupLayout,
        fitted: &Fitted,
    ) -> Result<(), Refusal> {
        let fixed = layout.blueprint.fixed_lines.is_some();
        for (group, _) in &fitted.landings {
            let prefix = if group.is_empty() {
                String::new()
            } else {
                format!("{group}/")
            };
            let (latitude, longitude) = (format!("{prefix}latitude"), format!("{prefix}longitude"));
            if !(self.columns.contains_key(&latitude) && self.columns.contains_key(&longitude)) {
                continue;
            }
            let mut take = |path: &str| self.columns.remove(path).unwrap_or_default();
            let ((shift_m, latitudes), (_, longitudes)) = (take(&latitude), take(&longitude));
            let column = Column {
                shift_m,
                longitudes,
                latitudes,
            };
            if !fixed || self.is_new_grid {
                geometry::check(layout.key.phase, name.half_orbit, Guide::of(group), &column)?;
            }
        }
        Ok(())
    }
}
