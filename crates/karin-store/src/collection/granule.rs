//! A granule of a collection as a [`Dataset`]: structure as in the file it came from, values from chunks.

use std::ops::Range;
use std::sync::Arc;

use icechunk::format::manifest::ChunkPayload;
use karin_core::{Dataset, DatasetError, ErrorKind, GroupMeta, HalfOrbit, Held, RowBounds, Slab};

use super::group::Inner;
use super::held::HeldRows;
use crate::codec::CodecError;
use crate::layout::{ArrayLayout, Placement};
use crate::{GranuleFacts, Origin, StoreError};

/// One granule, read from the chunks of one snapshot.
pub(super) struct CollectionGranule {
    pub group: Arc<Inner>,
    pub facts: GranuleFacts,
    /// Indices of cycle and pass.
    pub position: (u32, u32),
    pub label: String,
    pub root: GroupMeta,
    /// The file that it lies in, of a virtual one.
    pub origin: Option<Origin>,
}

impl CollectionGranule {
    pub(super) fn label_of(location: &str, key: impl std::fmt::Display, half_orbit: HalfOrbit) -> String {
        format!("{location}{key} {half_orbit}")
    }

    fn failed(&self, variable: &str, error: StoreError) -> DatasetError {
        let kind = error.kind();
        DatasetError::new(kind, &self.label, variable, "cannot be read from the collection").caused_by(error)
    }

    /// The chunk that holds lines `block * chunk_rows..` of a variable.
    fn reference(&self, array: &ArrayLayout, block: usize) -> Result<Option<ChunkPayload>, StoreError> {
        let (cycle, pass) = self.position;
        if let (Some(own), true) = (&array.own_array, self.facts.own_geometry) {
            let found = self
                .group
                .snapshot
                .reference(own, array.coordinates(true, cycle, pass, block))?;
            if found.is_some() {
                return Ok(found);
            }
        }
        self.group
            .snapshot
            .reference(&array.array, array.coordinates(false, cycle, pass, block))
    }

    /// Reads elements `columns` of rows `rows` into `out`.
    fn read_part(
        &self,
        array: &ArrayLayout,
        rows: Range<usize>,
        columns: Range<usize>,
        out: &mut [u8],
    ) -> Result<(), StoreError> {
        let size = array.dtype.size();
        let line = columns.len() * size;
        let mut rest = out;
        let mut at = rows.start;
        while at < rows.end {
            let block = at / array.chunk_rows.max(1);
            let first = block * array.chunk_rows;
            let end = rows.end.min(first + array.chunk_rows);
            let (part, next) = std::mem::take(&mut rest).split_at_mut((end - at) * line);
            let inside = at - first..end - first;
            match self.reference(array, block)? {
                Some(payload) => {
                    let cached = array.placement != Placement::Granule && !self.facts.own_geometry;
                    if cached && let Some(raw) = self.group.shared(array, &payload, inside.len())? {
                        let whole = raw
                            .chunks_exact((array.columns() * size).max(1))
                            .skip(inside.start);
                        for (target, source) in part.chunks_exact_mut(line).zip(whole) {
                            target.copy_from_slice(&source[columns.start * size..columns.end * size]);
                        }
                    } else {
                        let decode =
                            |stored: &[u8]| array.codec.decode_part(stored, inside, columns.clone(), part);
                        self.with_stored(&payload, decode)?;
                    }
                }
                None => fill(part, &array.fill),
            }
            (rest, at) = (next, end);
        }
        Ok(())
    }

    /// Runs `decode` on the stored bytes of a chunk, which may lie in the granule's own file.
    fn with_stored<R>(
        &self,
        payload: &ChunkPayload,
        decode: impl FnOnce(&[u8]) -> Result<R, CodecError>,
    ) -> Result<R, StoreError> {
        let chunks = &self.group.snapshot.chunks;
        match (payload, &self.origin) {
            (ChunkPayload::Virtual(place), Some(origin)) => {
                chunks.with_virtual(place, origin, self.facts.size, decode)
            }
            _ => chunks.with_stored(payload, decode),
        }
    }

    fn hold_rows(&self, array: &ArrayLayout, path: &str, rows: Range<usize>) -> Result<HeldRows, StoreError> {
        let (names, of_element) = (
            (self.label.as_str(), path),
            (array.dtype.size(), array.fill.as_slice()),
        );
        let mut held = HeldRows::new(&self.group.snapshot, names, array.codec, of_element);
        let chunk_rows = array.chunk_rows.max(1);
        let mut at = rows.start;
        while at < rows.end {
            let block = at / chunk_rows;
            let first = block * chunk_rows;
            let end = rows.end.min(first + chunk_rows);
            let elements = (at - first) * array.columns()..(end - first) * array.columns();
            held.push(elements, self.reference(array, block)?)?;
            at = end;
        }
        Ok(held)
    }

    fn read_slab_into(&self, array: &ArrayLayout, slab: &Slab, out: &mut [u8]) -> Result<(), StoreError> {
        let rows = match (slab.start.first(), slab.count.first()) {
            (Some(&start), Some(&count)) => start..start + count,
            _ => 0..1,
        };
        if let (&[_, start], &[_, count]) = (slab.start.as_slice(), slab.count.as_slice()) {
            return self.read_part(array, rows, start..start + count, out);
        }
        let all = 0..array.columns();
        let inner_whole = slab
            .count
            .iter()
            .zip(&array.tail)
            .skip(1)
            .all(|(count, size)| count == size);
        if inner_whole {
            return self.read_part(array, rows, all, out);
        }
        let size = array.dtype.size();
        let mut whole = vec![0; rows.len() * array.columns() * size];
        self.read_part(array, rows.clone(), all, &mut whole)?;
        let inner = Slab {
            start: std::iter::once(0)
                .chain(slab.start.iter().skip(1).copied())
                .collect(),
            count: slab.count.clone(),
        };
        let shape: Vec<usize> = std::iter::once(rows.len())
            .chain(array.tail.iter().skip(1).copied())
            .collect();
        crate::slab::copy_out(&whole, &shape, size, &inner, out);
        Ok(())
    }
}

/// Fills `out` with copies of one element.
pub(crate) fn fill(out: &mut [u8], element: &[u8]) {
    match element {
        [byte] => out.fill(*byte),
        _ => out
            .chunks_exact_mut(element.len().max(1))
            .for_each(|slot| slot.copy_from_slice(element)),
    }
}

impl Dataset for CollectionGranule {
    fn label(&self) -> &str {
        &self.label
    }

    fn root(&self) -> &GroupMeta {
        &self.root
    }

    fn read_into(&self, path: &str, slab: &Slab, out: &mut [u8]) -> Result<(), DatasetError> {
        let shape = self
            .root
            .shape(path)
            .ok_or_else(|| DatasetError::no_variable(&self.label, path))?;
        if !slab.fits(&shape) {
            return Err(DatasetError::invalid(
                &self.label,
                path,
                format!("{slab:?} lies outside {shape:?}"),
            ));
        }
        let array = self.group.layout.find(path);
        let array = array.filter(|array| array.tail.len() == shape.len() && slab.fits(&array.tail));
        let array = array.ok_or_else(|| {
            let reason = "its document does not fit the layout of the group";
            DatasetError::new(ErrorKind::Corrupt, &self.label, path, reason)
        })?;
        if slab.len() * array.dtype.size() != out.len() {
            let reason = format!(
                "{} bytes for {} elements of {}",
                out.len(),
                slab.len(),
                array.dtype
            );
            return Err(DatasetError::invalid(&self.label, path, reason));
        }
        if slab.is_empty() {
            return Ok(());
        }
        self.read_slab_into(array, slab, out)
            .map_err(|error| self.failed(path, error))
    }

    fn will_read(&self, paths: &[&str]) {
        let Some(origin) = &self.origin else { return };
        let arrays = paths.iter().filter_map(|path| self.group.layout.find(path));
        let arrays = arrays.filter(|array| array.is_virtual);
        let chunks = arrays.flat_map(|array| (0..array.blocks()).map(move |block| (array, block)));
        let ranges: Vec<Range<u64>> = chunks
            .filter_map(|(array, block)| match self.reference(array, block) {
                Ok(Some(ChunkPayload::Virtual(place))) => {
                    Some(place.offset..place.offset.saturating_add(place.length))
                }
                // What is wrong is told where it is read.
                _ => None,
            })
            .collect();
        let origins = self.group.snapshot.chunks.origins();
        origins.prefetch(origin, self.facts.size, &ranges);
    }

    fn row_bounds(&self, path: &str) -> Result<Option<RowBounds>, DatasetError> {
        let latitude = self.group.layout.shared_latitude();
        let is_shared = latitude.is_some_and(|array| array.variable == path) && !self.facts.own_geometry;
        if !is_shared {
            return Ok(None);
        }
        let known = self.group.latitude_bounds(self.position.1);
        known.map_err(|error| self.failed(path, error))
    }

    fn hold(
        &self,
        path: &str,
        rows: Range<usize>,
        _room: usize,
    ) -> Result<Option<Box<dyn Held>>, DatasetError> {
        let shape = self.root.shape(path).unwrap_or_default();
        let array = self.group.layout.find(path).filter(|array| {
            let fits = rows.end <= shape.first().copied().unwrap_or(0) && rows.end <= array.rows();
            // Coordinates that granules share are decoded once for all of them.
            let is_own = array.placement == Placement::Granule;
            let opens = if array.codec.opens_in_order() {
                rows == (0..array.chunk_rows)
            } else {
                array.codec.opens_in_parts()
            };
            fits && is_own && opens && shape.get(1..) == array.tail.get(1..)
        });
        let Some(array) = array else { return Ok(None) };
        let held = self.hold_rows(array, path, rows);
        let held = held.map_err(|error| self.failed(path, error))?;
        Ok(Some(Box::new(held)))
    }
}
