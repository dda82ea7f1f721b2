//! Quantities of the swath: what is computed from the heights around a pixel, such as currents and vorticity.
//!
//! They are computed for some lines at a time, from as many lines more on either side as they reach, so that a crop has
//! the values that the whole pass has there: regions, times and conditions choose among results, never among the
//! heights that they derive from. Quality does: a height that its gate drops is a gap.

use std::ops::Range;
use std::sync::Arc;

use karin_core::{DatasetError, GroupMeta, Product, Resources};
use karin_science::{Extent, Metric, Quantity, compute_all};

use crate::derive::Formulas;
use crate::load::{Ground, load_program};
use crate::mask::nadir_pixels;
use crate::recent::{Key, Recent};
use crate::swath::{Swath, has_clipped_nadir};

/// Geometries and fields that serve the next variable, inside a memory budget.
pub(crate) struct KeptFields {
    metrics: Recent<Metric>,
    values: Recent<Vec<f64>>,
}

/// Bytes per pixel of a [`Metric`].
const METRIC_BYTES: usize = 64;

impl KeptFields {
    /// Nothing yet.
    pub(crate) fn new(resources: Resources) -> Self {
        Self {
            metrics: Recent::new(resources.memory / 16),
            values: Recent::new(resources.memory / 16),
        }
    }
}

/// Derives the quantities of one granule.
pub(crate) struct Fields<'a> {
    pub(crate) formulas: &'a Formulas,
    pub(crate) product: Option<Product>,
    pub(crate) kept: &'a KeptFields,
    /// The granule.
    pub(crate) entry: usize,
    /// What has these coordinates: the granule, or its pass where the coordinates of all cycles are the same.
    pub(crate) place: Key,
}

impl Fields<'_> {
    /// A quantity on some lines of a swath; `None` if the name is none there.
    pub(crate) fn quantity(
        &self,
        ground: &Ground<'_>,
        name: &str,
        lines: Range<usize>,
    ) -> Result<Option<Arc<Vec<f64>>>, DatasetError> {
        let group = ground.dataset.root().group(&ground.swath.group);
        let Some((group, quantity)) =
            group.and_then(|group| Some((group, self.formulas.quantity(group, name)?)))
        else {
            return Ok(None);
        };
        let key = |quantity: Quantity| self.key(ground, &lines, quantity);
        if let Some(found) = self.kept.values.recall(&key(quantity)) {
            return Ok(Some(found));
        }
        let mut wanted = self.formulas.quantities(group, quantity.height());
        if !wanted.contains(&quantity) {
            wanted.push(quantity);
        }
        let mut found = None;
        for (other, values) in wanted.iter().zip(self.derive(ground, group, &wanted, &lines)?) {
            let bytes = size_of_val(values.as_slice());
            let values = self.kept.values.keep(key(*other), values, bytes);
            if *other == quantity {
                found = Some(values);
            }
        }
        Ok(found)
    }

    fn key(&self, ground: &Ground<'_>, lines: &Range<usize>, quantity: Quantity) -> Key {
        let part = (&ground.swath.group, lines.start, lines.end);
        let (group, start, end) = part;
        (
            self.entry,
            format!("{group}/{quantity}?{start}-{end}?{:?}", ground.level),
        )
    }

    /// Several quantities of one height at once, which share most of the work.
    fn derive(
        &self,
        ground: &Ground<'_>,
        group: &GroupMeta,
        wanted: &[Quantity],
        lines: &Range<usize>,
    ) -> Result<Vec<Vec<f64>>, DatasetError> {
        let Some(height) = wanted.first().map(|quantity| quantity.height()) else {
            return Ok(Vec::new());
        };
        let swath = ground.swath;
        let refused = |reason: String| DatasetError::invalid(ground.dataset.label(), &swath.group, reason);
        let method = self.formulas.method();
        let around = around(lines, wanted, self.formulas, swath.num_lines);
        let program = self
            .formulas
            .height_program(group, height)
            .map_err(|error| refused(error.to_string()))?;
        let mut heights = load_program(ground, &program, around.clone())?;
        if has_clipped_nadir(ground.dataset.root(), swath, self.product) {
            drop_nadir(&mut heights, ground, &around)?;
        }
        let metric = self.metric(ground, &around)?;
        let mut all =
            compute_all(wanted, method, &heights, &metric).map_err(|error| refused(error.to_string()))?;
        let width = swath.num_pixels;
        for values in &mut all {
            values.truncate((lines.end - around.start) * width);
            values.drain(..(lines.start - around.start) * width);
        }
        Ok(all)
    }

    fn metric(&self, ground: &Ground<'_>, lines: &Range<usize>) -> Result<Arc<Metric>, DatasetError> {
        let swath = ground.swath;
        let (place, part) = &self.place;
        let key = (
            *place,
            format!("{part}{}?{}-{}", swath.group, lines.start, lines.end),
        );
        if let Some(found) = self.kept.metrics.recall(&key) {
            return Ok(found);
        }
        let (longitude, latitude) = swath.positions(ground.dataset, lines.clone())?;
        let extent = Extent::new(lines.len(), swath.num_pixels);
        let metric = Metric::new(&latitude, &longitude, extent).map_err(|error| {
            DatasetError::invalid(ground.dataset.label(), &swath.latitude, error.to_string())
        })?;
        Ok(self.kept.metrics.keep(key, metric, extent.len() * METRIC_BYTES))
    }
}

/// The lines that quantities on `lines` reach.
fn around(lines: &Range<usize>, wanted: &[Quantity], formulas: &Formulas, num_lines: usize) -> Range<usize> {
    let mut reaches = wanted.iter().map(|quantity| quantity.reach(formulas.method()));
    match reaches.try_fold(0, |most: usize, reach| Some(most.max(reach?))) {
        // A metric is that of the whole pass but on its outermost lines.
        Some(reach) => lines.start.saturating_sub(reach + 1)..num_lines.min(lines.end + reach + 1),
        None => 0..num_lines,
    }
}

/// The altimeter's values in the middle of the swath are no part of the height field around them.
fn drop_nadir(heights: &mut [f64], ground: &Ground<'_>, lines: &Range<usize>) -> Result<(), DatasetError> {
    let swath: &Swath = ground.swath;
    for (line, pixel) in nadir_pixels(ground.dataset, swath)? {
        if lines.contains(&line)
            && let Some(height) = heights.get_mut((line - lines.start) * swath.num_pixels + pixel)
        {
            *height = f64::NAN;
        }
    }
    Ok(())
}
