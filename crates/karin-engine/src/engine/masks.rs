//! What a selection keeps of a granule, found once for all that asks.

use std::ops::Range;
use std::sync::Arc;

use karin_core::{Dataset, DatasetError, Nadir};

use super::Engine;
use crate::mask::{self, Criteria, Mask, mask_of};
use crate::plan::Piece;
use crate::recent::Key;
use crate::swath::{Shape, Swath, has_clipped_nadir};

/// Pixels of swaths whose latitudes are worth a look of their own: some passes of 2 km.
const LARGE: usize = 2 << 20;

impl Engine<'_> {
    /// True if the selection restricts pixels or lines.
    pub(crate) fn has_masks(&self) -> bool {
        let selection = self.plan.selection();
        selection.time.is_some()
            || selection.region.is_some()
            || selection.where_.is_some()
            || selection.nadir != Nadir::Keep
    }

    /// True if all that it restricts are values of the nadir altimeter: of these a granule has a list, and needs no mask.
    pub(super) fn only_drops_nadir(&self) -> bool {
        let selection = self.plan.selection();
        selection.nadir == Nadir::Drop
            && selection.time.is_none()
            && selection.region.is_none()
            && selection.where_.is_none()
    }

    /// Writes fill over values of the nadir altimeter in some lines of a swath.
    pub(super) fn drop_nadir<T: Copy>(
        &self,
        dataset: &dyn Dataset,
        swath: &Swath,
        (lines, shape): (&Range<usize>, Shape),
        (values, fill): (&mut [T], T),
    ) -> Result<(), DatasetError> {
        if shape == Shape::Pixels && has_clipped_nadir(dataset.root(), swath, self.plan.product()) {
            mask::drop_pixels(&mask::nadir_pixels(dataset, swath)?, swath, lines, (values, fill));
        }
        Ok(())
    }

    /// Pixels that a thread holds at a time when it makes a mask, if each takes so many bytes.
    fn pixels_of(&self, bytes: u64) -> usize {
        let share = self.resources.memory / 4 / self.resources.jobs.max(1) as u64;
        usize::try_from(share / bytes).unwrap_or(usize::MAX).max(1 << 16)
    }

    /// Pixels whose coordinates a thread decodes at a time when it makes a mask: as stored and as true values.
    pub(crate) fn places_at_once(&self) -> usize {
        self.pixels_of(32)
    }

    /// Pixels whose inputs of conditions it does, beside their coordinates.
    pub(crate) fn pixels_at_once(&self) -> usize {
        self.pixels_of(32 + self.plan.formulas().bytes_per_pixel() as u64)
    }

    /// The lines of a swath outside which the selection keeps nothing, as far as latitudes and times tell without more. Found once
    /// for all that asks.
    pub(crate) fn lines_in_reach(
        &self,
        piece: &Piece,
        dataset: &dyn Dataset,
        swath: &Swath,
    ) -> Result<Range<usize>, DatasetError> {
        let selection = self.plan.selection();
        if selection.region.is_none() && selection.time.is_none() {
            return Ok(0..swath.num_lines);
        }
        let key = (piece.entry, format!("{}?in reach", swath.group));
        if let Some(lines) = self.warm.reaches.recall(&key) {
            return Ok(lines.as_ref().clone());
        }
        // Latitudes as stored, and a row of them as true values.
        let find = || mask::lines_in_reach(dataset, swath, selection, self.pixels_of(16));
        let lines = self.pool.install(find)?;
        self.warm.reaches.keep(key, lines.clone(), size_of_val(&lines));
        Ok(lines)
    }

    /// What the selection keeps of some lines of a granule's swath, quality aside.
    pub(crate) fn mask(
        &self,
        piece: &Piece,
        dataset: &dyn Dataset,
        swath: &Swath,
        lines: Range<usize>,
    ) -> Result<Arc<Mask>, DatasetError> {
        if !self.has_masks() {
            return Ok(Arc::new(Mask::of_lines(swath, lines)));
        }
        let key = self.mask_key(piece, swath, &lines);
        if let Some(mask) = self.warm.masks.recall(&key) {
            return Ok(mask);
        }
        let criteria = Criteria {
            selection: self.plan.selection(),
            formulas: self.plan.formulas(),
            product: self.plan.product(),
            fields: &self.fields(piece),
            places_at_once: self.places_at_once(),
            pixels_at_once: self.pixels_at_once(),
        };
        let mut mask = mask_of(dataset, swath, lines, &criteria).map_err(|error| match error {
            mask::MaskError::Dataset(error) => error,
            mask::MaskError::Expression(error) => {
                DatasetError::invalid(dataset.label(), "", error.to_string())
            }
        })?;
        if !self.is_shared_mask(piece) {
            mask.positions = None;
        }
        let bytes = mask.bytes();
        Ok(self.warm.masks.keep(key, mask, bytes))
    }

    /// What the selection keeps of all lines of a granule's swath. Of large ones, those in reach are found first, on all threads, and
    /// only these are looked at.
    pub(super) fn mask_of_all(
        &self,
        piece: &Piece,
        dataset: &dyn Dataset,
        swath: &Swath,
    ) -> Result<Arc<Mask>, DatasetError> {
        let lines = if swath.len() > LARGE {
            self.lines_in_reach(piece, dataset, swath)?
        } else {
            0..swath.num_lines
        };
        self.mask(piece, dataset, swath, lines)
    }

    /// True if the mask of a granule is that of all cycles of its pass: only a region restricts, and the coordinates of the
    /// pass are those of every cycle.
    pub(crate) fn is_shared_mask(&self, piece: &Piece) -> bool {
        let selection = self.plan.selection();
        let only_region = selection.region.is_some()
            && selection.time.is_none()
            && selection.where_.is_none()
            && selection.nadir == Nadir::Keep;
        only_region && piece.half_orbit.is_some() && self.plan.source().has_checked_grid(piece.entry)
    }

    /// What tells one mask from another: the lines and the granule, or the pass.
    fn mask_key(&self, piece: &Piece, swath: &Swath, lines: &Range<usize>) -> Key {
        let part = format!("{}?{}-{}", swath.group, lines.start, lines.end);
        if !self.is_shared_mask(piece) {
            return (piece.entry, part);
        }
        let (place, kind) = self.place(piece);
        (place, format!("{kind}{part}"))
    }
}
