//! Values that granules share: the coordinates of a pass, and what no line dimension touches.

use std::collections::HashMap;

use icechunk::format::manifest::ChunkPayload;
use icechunk::session::Session;

use super::encode::KnownShared;
use super::gathered::Gathered;
use crate::StoreError;
use crate::collection::chunks::ChunkReader;
use crate::facts::view::{At, View};
use crate::layout::{GroupLayout, Placement};

/// A granule's word about one shared array: these are its values.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    /// Index in the arrays of the layout.
    pub array: usize,
    /// BLAKE3 of the values.
    pub hash: [u8; 32],
    /// Where such values lie.
    pub payload: ChunkPayload,
    /// True if a whole granule says so.
    pub whole: bool,
    /// Of latitudes: between which the lines lie ([`crate::facts::bounds`]), where that is worth noting.
    pub bounds: Option<Vec<u8>>,
}

/// The shared arrays of a group as of one snapshot, and as the granules put since then would have them.
pub(super) struct SharedArrays {
    session: Session,
    exists: bool,
    /// By array: true if it is stored once per group.
    once: Vec<bool>,
    known: HashMap<(usize, u32), Claim>,
    /// Of virtual granules: BLAKE3 of the values by that of the bytes that they were decoded from.
    decoded: HashMap<(usize, u32, [u8; 32]), [u8; 32]>,
}

impl SharedArrays {
    pub(super) fn new(session: Session, exists: bool, layout: &GroupLayout) -> Self {
        let once = layout
            .arrays
            .iter()
            .map(|array| array.placement == Placement::Group)
            .collect();
        Self {
            session,
            exists,
            once,
            known: HashMap::new(),
            decoded: HashMap::new(),
        }
    }

    /// The snapshot.
    pub(super) const fn session(&self) -> &Session {
        &self.session
    }

    /// True if the group is in the snapshot.
    pub(super) const fn exists(&self) -> bool {
        self.exists
    }

    /// Looks up what the snapshot has for a pass.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn load(
        &mut self,
        chunks: &ChunkReader,
        layout: &GroupLayout,
        pass: u32,
    ) -> Result<(), StoreError> {
        if !self.exists {
            return Ok(());
        }
        let view = View {
            at: At::Session(&self.session),
            chunks,
            layout,
        };
        for (index, array) in layout.arrays.iter().enumerate() {
            let slot = self.slot(index, pass);
            if array.placement == Placement::Granule || self.known.contains_key(&slot) {
                continue;
            }
            let Some(payload) = view.reference(&array.array, array.coordinates(false, 0, pass, 0))? else {
                continue;
            };
            let hash = *blake3::hash(&chunks.decode(&payload, &array.codec)?).as_bytes();
            let whole = array.placement == Placement::Group || view.has_whole_grid(pass)?;
            self.known.insert(
                slot,
                Claim {
                    array: index,
                    hash,
                    payload,
                    whole,
                    bounds: None,
                },
            );
        }
        Ok(())
    }

    /// Arrays stored once per group are kept under pass 0.
    fn slot(&self, array: usize, pass: u32) -> (usize, u32) {
        let once = self.once.get(array).copied().unwrap_or(false);
        (array, if once { 0 } else { pass })
    }

    fn find(&self, array: usize, pass: u32) -> Option<&Claim> {
        self.known.get(&self.slot(array, pass))
    }

    /// What is known for a pass.
    pub(super) fn of_pass(&self, pass: u32) -> OfPass<'_> {
        OfPass { shared: self, pass }
    }

    /// Takes note of what a granule told, where nothing better is known.
    pub(super) fn learn(&mut self, gathered: &Gathered, pass: u32) {
        for claim in &gathered.claims {
            let slot = self.slot(claim.array, pass);
            match self.known.get(&slot) {
                Some(known) if known.hash == claim.hash || known.whole || !claim.whole => {}
                _ => {
                    self.known.insert(slot, claim.clone());
                }
            }
        }
        for &(array, stored_hash, hash) in &gathered.decoded {
            self.decoded.insert((array, pass, stored_hash), hash);
        }
    }
}

/// The known values of one pass.
pub(super) struct OfPass<'a> {
    shared: &'a SharedArrays,
    pass: u32,
}

impl OfPass<'_> {
    /// Where the known values of an array lie.
    pub(super) fn payload(&self, array: usize) -> Option<ChunkPayload> {
        self.shared
            .find(array, self.pass)
            .map(|claim| claim.payload.clone())
    }
}

impl KnownShared for OfPass<'_> {
    fn is_known(&self, array: usize, hash: &[u8; 32]) -> bool {
        self.shared
            .find(array, self.pass)
            .is_some_and(|claim| claim.hash == *hash)
    }

    fn values_of(&self, array: usize, stored_hash: &[u8; 32]) -> Option<[u8; 32]> {
        let told = self.shared.decoded.get(&(array, self.pass, *stored_hash));
        // Of values that are not known anywhere there would be nothing to refer to.
        told.copied().filter(|hash| self.is_known(array, hash))
    }
}
