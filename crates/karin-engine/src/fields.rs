//! Quantities of the swath: what is computed from the values around a pixel, such as currents, vorticity and filtered fields.
//!
//! They are computed for some lines at a time, from as many lines more on either side as they reach, so that a crop has
//! the values that the whole pass has there: regions, times and conditions choose among results, never among the
//! heights that they derive from. Quality does: a height that its gate drops is a gap.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use karin_core::{DatasetError, ErrorKind, GroupMeta, Packing, Product, Resources};
use karin_science::filter::Spacing;
use karin_science::{Extent, Metric, Quantity, compute_all_on};

use crate::derive::Formulas;
use crate::expression::{Filtered, Program};
use crate::load::{Ground, Loaded, decode_range, load_program};
use crate::mask::{drop_pixels, nadir_pixels};
use crate::recent::{Key, Recent, locked};
use crate::reduction::{Lent, Spare};
use crate::swath::{Swath, has_clipped_nadir, lent_rows};

/// Geometries and fields that serve the next variable, inside a memory budget.
pub(crate) struct KeptFields {
    metrics: Recent<Metric>,
    /// Metrics will serve other granules: what is only made once is not worth the memory.
    keeps_metrics: AtomicBool,
    spacings: Recent<Spacing>,
    values: Recent<Vec<f64>>,
    resources: Resources,
    /// Memory between uses.
    spare: Arc<Spare>,
    /// Held while a whole pass is worked on that takes more than a thread's share of the memory.
    large: Mutex<()>,
}

/// Pixels of which quantities are derived at a time (384 lines of 2 km products): their geometry and fields fit into a processor's own
/// memory, and the system need not clear memory for every pass.
const BLOCK_PIXELS: usize = 384 * 69;
/// Share of the memory that geometries may take: one divided by this.
const KEPT_METRICS: u64 = 12;
/// Bytes per pixel of a [`Metric`].
const METRIC_BYTES: usize = 88;

impl KeptFields {
    /// Nothing yet.
    pub(crate) fn new(resources: Resources, spare: Arc<Spare>) -> Self {
        Self {
            spare,
            metrics: Recent::new(resources.memory / KEPT_METRICS),
            keeps_metrics: AtomicBool::new(false),
            spacings: Recent::new(1 << 20),
            values: Recent::new(resources.memory / 8),
            resources,
            large: Mutex::new(()),
        }
    }

    /// True if the geometry of a whole pass of so many pixels is within what is kept, with what its blocks have twice.
    pub(crate) fn holds_metrics_of(&self, pixels: usize) -> bool {
        let needed = pixels * METRIC_BYTES;
        (needed + needed / 10) as u64 <= self.resources.memory / KEPT_METRICS
    }

    fn keeps_metrics(&self) -> bool {
        self.keeps_metrics.load(Ordering::Relaxed)
    }

    /// Keeps geometries from now on: the granules of a pass follow each other.
    pub(crate) fn keep_metrics(&self) {
        self.keeps_metrics.store(true, Ordering::Relaxed);
    }
}

/// Derives the quantities and filtered fields of one granule.
pub(crate) struct Fields<'a> {
    pub(crate) formulas: &'a Formulas,
    pub(crate) product: Option<Product>,
    pub(crate) kept: &'a KeptFields,
    /// The granule.
    pub(crate) entry: usize,
    /// What has these coordinates: the granule, or its pass where the coordinates of all cycles are the same.
    pub(crate) place: Key,
}

/// Values of some lines, maybe among those of more.
pub(crate) struct Lines {
    values: Arc<Vec<f64>>,
    /// Values before the first wanted.
    skip: usize,
}

impl Lines {
    /// Those of `lines` among those of `part`.
    fn new(values: Arc<Vec<f64>>, lines: &Range<usize>, part: &Range<usize>, swath: &Swath) -> Self {
        let skip = (lines.start - part.start) * swath.num_pixels;
        Self { values, skip }
    }

    /// All of so many values, if these are all and nothing else has them.
    pub(crate) fn take(&mut self, count: usize) -> Option<Vec<f64>> {
        let is_all = self.skip == 0 && self.values.len() == count;
        let own = Arc::get_mut(&mut self.values).filter(|_| is_all);
        own.map(std::mem::take)
    }

    /// Some of them, counted from the first wanted; NaN beyond the last.
    pub(crate) fn fill_block(&self, range: Range<usize>, block: &mut [f64]) {
        match self.values.get(self.skip + range.start..self.skip + range.end) {
            Some(values) => block.copy_from_slice(values),
            None => block.fill(f64::NAN),
        }
    }
}

impl Fields<'_> {
    /// Memory between uses.
    pub(crate) fn spare(&self) -> &Arc<Spare> {
        &self.kept.spare
    }

    /// A quantity on some lines of a swath; `None` if the name is none there.
    pub(crate) fn quantity(
        &self,
        ground: &Ground<'_>,
        name: &str,
        lines: Range<usize>,
    ) -> Result<Option<Lines>, DatasetError> {
        let swath = ground.swath;
        let group = ground.dataset.root().group(&swath.group);
        let Some((group, quantity)) =
            group.and_then(|group| Some((group, self.formulas.quantity(group, name)?)))
        else {
            return Ok(None);
        };
        let mut wanted = self.formulas.quantities(group, quantity.height());
        if !wanted.contains(&quantity) {
            wanted.push(quantity);
        }
        let reach = reach(&wanted, self.formulas);
        let part = match reach {
            Some(_) => lines.clone(),
            // What needs the whole pass is computed once for all its lines.
            None => 0..swath.num_lines,
        };
        let key = |quantity: Quantity| self.key(ground, &part, quantity.name());
        if let Some(found) = self.kept.values.recall(&key(quantity)) {
            return Ok(Some(Lines::new(found, &lines, &part, swath)));
        }
        let mut found = None;
        for (other, values) in wanted
            .iter()
            .zip(self.derive(ground, group, &wanted, (&part, reach))?)
        {
            if self.formulas.is_asked_once() && part == lines {
                return Ok(Some(Lines::new(Arc::new(values), &lines, &part, swath)));
            }
            let bytes = size_of_val(values.as_slice());
            let values = self.kept.values.keep(key(*other), values, bytes);
            if *other == quantity {
                found = Some(Lines::new(values, &lines, &part, swath));
            }
        }
        Ok(found)
    }

    /// A filtered field on some lines of a swath, as the whole pass has it there.
    pub(crate) fn filtered(
        &self,
        ground: &Ground<'_>,
        filtered: &Filtered,
        lines: Range<usize>,
    ) -> Result<Lines, DatasetError> {
        let swath = ground.swath;
        let name = filtered.name();
        let refused = |reason: String| DatasetError::invalid(ground.dataset.label(), &name, reason);
        let spacing = self.spacing(ground)?;
        if spacing.along_km.is_nan() || spacing.along_km <= 0.0 {
            return Err(refused(
                "the swath has no positions from which distances follow".to_owned(),
            ));
        }
        let reach = filtered
            .filter
            .reach(&spacing)
            .map_err(|error| refused(error.to_string()))?;
        let part = if reach.is_some() {
            lines.clone()
        } else {
            0..swath.num_lines
        };
        let key = self.key(ground, &part, &name);
        if let Some(found) = self.kept.values.recall(&key) {
            return Ok(Lines::new(found, &lines, &part, swath));
        }
        let program =
            Program::compile(&[], &[&filtered.argument]).map_err(|error| refused(error.to_string()))?;
        let around = around(&part, reach, swath.num_lines);
        let mut field = load_program(ground, &program, around.clone())?;
        let is_raw = |input: &String| program.filter(input).is_none();
        if program.inputs().iter().any(is_raw) {
            drop_pixels(
                &self.nadir_pixels(ground)?,
                swath,
                &around,
                (&mut field, f64::NAN),
            );
        }
        let _turn = self.turn(
            ground,
            &name,
            around.len(),
            16 + filtered.filter.bytes_per_pixel(),
        )?;
        let extent = Extent::new(around.len(), swath.num_pixels);
        let mut values = filtered
            .filter
            .apply(&field, extent, &spacing)
            .map_err(|error| refused(error.to_string()))?;
        trim(&mut values, &part, &around, swath);
        let bytes = size_of_val(values.as_slice());
        let values = self.kept.values.keep(key, values, bytes);
        Ok(Lines::new(values, &lines, &part, swath))
    }

    /// Waits until lines that take so many bytes per pixel may be worked on: beside others where all threads' such work fits into
    /// half of the memory, else alone.
    fn turn(
        &self,
        ground: &Ground<'_>,
        name: &str,
        lines: usize,
        bytes_per_pixel: usize,
    ) -> Result<Option<MutexGuard<'_, ()>>, DatasetError> {
        let needed = (lines * ground.swath.num_pixels * bytes_per_pixel) as u64;
        let Resources { memory, jobs, .. } = self.kept.resources;
        if needed > memory / 2 {
            let reason = format!(
                "it needs {lines} lines at once, which take {} MiB: more than half of --memory",
                needed >> 20
            );
            return Err(DatasetError::new(
                ErrorKind::Memory,
                ground.dataset.label(),
                name,
                reason,
            ));
        }
        let is_large = needed.saturating_mul(jobs.max(1) as u64) > memory / 2;
        Ok(is_large.then(|| locked(&self.kept.large)))
    }

    fn spacing(&self, ground: &Ground<'_>) -> Result<Arc<Spacing>, DatasetError> {
        let (place, part) = &self.place;
        let key = (*place, format!("{part}{}", ground.swath.group));
        if let Some(found) = self.kept.spacings.recall(&key) {
            return Ok(found);
        }
        let mut spacing = ground.swath.spacing(ground.dataset)?;
        if spacing.cross_track.is_empty() && self.product.is_some() {
            spacing.cross_track = distances_of_products(ground.swath, spacing.across_km);
        }
        let bytes = size_of_val(spacing.cross_track.as_slice());
        Ok(self.kept.spacings.keep(key, spacing, bytes))
    }

    fn key(&self, ground: &Ground<'_>, lines: &Range<usize>, what: &str) -> Key {
        let part = (&ground.swath.group, lines.start, lines.end);
        let (group, start, end) = part;
        (
            self.entry,
            format!("{group}/{what}?{start}-{end}?{:?}", ground.level),
        )
    }

    /// Lines and pixels that hold values of the nadir altimeter; none where the product clips none.
    fn nadir_pixels(&self, ground: &Ground<'_>) -> Result<Vec<(usize, usize)>, DatasetError> {
        if has_clipped_nadir(ground.dataset.root(), ground.swath, self.product) {
            nadir_pixels(ground.dataset, ground.swath)
        } else {
            Ok(Vec::new())
        }
    }

    /// Several quantities of one height at once, which share most of the work.
    fn derive(
        &self,
        ground: &Ground<'_>,
        group: &GroupMeta,
        wanted: &[Quantity],
        (lines, reach): (&Range<usize>, Option<usize>),
    ) -> Result<Vec<Vec<f64>>, DatasetError> {
        let Some(height) = wanted.first().map(|quantity| quantity.height()) else {
            return Ok(Vec::new());
        };
        let swath = ground.swath;
        let refused = |reason: String| DatasetError::invalid(ground.dataset.label(), &swath.group, reason);
        let method = self.formulas.method();
        // A metric is that of the whole pass but on its outermost lines.
        let around = around(lines, reach.map(|reach| reach + 1), swath.num_lines);
        let program = self
            .formulas
            .height_program(group, height)
            .map_err(|error| refused(error.to_string()))?;
        let mut loaded = Loaded::read(ground, &program, around.clone())?;
        let nadir = self.nadir_pixels(ground)?;
        // Where the geometry is known, no place is read.
        let mut places = None;
        let mut metric = Arc::<Metric>::default();
        let width = swath.num_pixels;
        let (mut heights, mut spare) = (Vec::new(), Vec::new());
        let emptied = |_: &Quantity| {
            let mut values = self.kept.spare.take_numbers::<f64>(lines.len() * width);
            values.clear();
            values
        };
        let mut all: Vec<Vec<f64>> = wanted.iter().map(emptied).collect();
        for block in blocks(lines, reach, width) {
            let around_of =
                |lines: &Range<usize>| self::around(lines, reach.map(|reach| reach + 1), swath.num_lines);
            let around_block = around_of(&block);
            heights.resize(around_block.len() * width, 0.0);
            loaded.run(around_block.clone(), &mut heights);
            // The altimeter's values in the middle of the swath are no part of the field around them.
            drop_pixels(&nadir, swath, &around_block, (&mut heights, f64::NAN));
            let with_heights = match reach {
                Some(_) => lines_with_values(&heights, &block, &around_block, width),
                None => block.clone(),
            };
            // Geometries that serve other cycles are those of whole blocks.
            let derived = match with_heights.is_empty() || !self.kept.keeps_metrics() {
                true => with_heights,
                false => block.clone(),
            };
            let mut computed = Vec::new();
            let around_derived = around_of(&derived);
            if !derived.is_empty() {
                self.find_metric(ground, (&mut places, &around), &around_derived, &mut metric)?;
                let of_derived = |line: usize| (line - around_block.start) * width;
                let heights = &heights[of_derived(around_derived.start)..of_derived(around_derived.end)];
                let own = derived.start - around_derived.start..derived.end - around_derived.start;
                computed = compute_all_on(own, wanted, method, heights, &metric, &mut spare)
                    .map_err(|error| refused(error.to_string()))?;
            }
            let (first, last) = (
                derived.start - around_derived.start,
                derived.end - around_derived.start,
            );
            for (place, all) in all.iter_mut().enumerate() {
                let missing = |lines: usize| std::iter::repeat_n(f64::NAN, lines * width);
                all.extend(missing(derived.start - block.start));
                if let Some(computed) = computed.get(place) {
                    all.extend_from_slice(&computed[first * width..last * width]);
                }
                all.extend(missing(block.end - derived.end));
            }
            spare.extend(computed);
        }
        Ok(all)
    }

    /// The geometry of some lines among those around them whose places are read at once, in the memory of that of other lines where nobody else has it.
    fn find_metric(
        &self,
        ground: &Ground<'_>,
        (places, around): (&mut Option<Places>, &Range<usize>),
        lines: &Range<usize>,
        metric: &mut Arc<Metric>,
    ) -> Result<(), DatasetError> {
        let swath = ground.swath;
        let (place, part) = &self.place;
        let key = (
            *place,
            format!("{part}{}?{}-{}", swath.group, lines.start, lines.end),
        );
        if let Some(found) = self.kept.metrics.recall(&key) {
            *metric = found;
            return Ok(());
        }
        let places = match places {
            Some(places) => places,
            none => none.insert(Places::read(ground, around)?),
        };
        let extent = Extent::new(lines.len(), swath.num_pixels);
        let fit = |own: &mut Metric| {
            own.refit(extent, |north, east| {
                places.decode(lines, swath.num_pixels, (north, east))
            })
        };
        if self.kept.keeps_metrics() {
            let bytes = extent.len() * METRIC_BYTES;
            *metric = self.kept.metrics.keep_one(key, bytes, || {
                let mut own = Metric::default();
                fit(&mut own);
                own
            });
        } else {
            if Arc::get_mut(metric).is_none() {
                *metric = Arc::default();
            }
            Arc::get_mut(metric).into_iter().for_each(fit);
        }
        Ok(())
    }
}

/// Longitudes and latitudes of some lines.
struct Places {
    /// As they are stored.
    longitude: (Packing, Lent),
    latitude: (Packing, Lent),
    first: usize,
}

impl Places {
    fn read(ground: &Ground<'_>, lines: &Range<usize>) -> Result<Self, DatasetError> {
        let read = |path: &str| lent_rows(ground.dataset, path, lines.clone(), ground.fields.spare());
        Ok(Self {
            longitude: read(&ground.swath.longitude)?,
            latitude: read(&ground.swath.latitude)?,
            first: lines.start,
        })
    }

    /// Degrees north and east on lines of so many pixels.
    fn decode(&self, lines: &Range<usize>, width: usize, (north, east): (&mut [f64], &mut [f64])) {
        let range = (lines.start - self.first) * width..(lines.end - self.first) * width;
        for ((packing, values), degrees) in [(&self.longitude, east), (&self.latitude, north)] {
            decode_range(packing, values, range.clone(), degrees);
        }
    }
}

/// Blocks of lines whose fields a processor's own memory holds; one of all, where quantities need the whole pass.
fn blocks(lines: &Range<usize>, reach: Option<usize>, width: usize) -> impl Iterator<Item = Range<usize>> {
    let (start, end) = (lines.start, lines.end);
    let size = reach.map_or(usize::MAX, |reach| {
        (BLOCK_PIXELS / width.max(1)).max(16 * reach).max(1)
    });
    (0..(end - start).div_ceil(size)).map(move |block| {
        let first = start + block * size;
        first..end.min(first.saturating_add(size))
    })
}

/// Of the lines of a block those from the first to the last with a height: no quantity has a value on the others. Land is a third of
/// a pass.
fn lines_with_values(
    heights: &[f64],
    block: &Range<usize>,
    around: &Range<usize>,
    width: usize,
) -> Range<usize> {
    let own = (block.start - around.start) * width..(block.end - around.start) * width;
    let mut lines = heights[own].chunks_exact(width.max(1));
    // Without an early end within a line several are looked at at once.
    let has_values = |line: &[f64]| line.iter().fold(false, |any, height| any | !height.is_nan());
    let end = lines.clone().rposition(has_values).map_or(0, |last| last + 1);
    let start = lines.position(has_values).unwrap_or(end);
    block.start + start..block.start + end
}

/// Metres from the nadir to each pixel where a granule does not say so (250 m products of baseline C, granules that were made
/// smaller): pixels count from the left, with the nadir in the middle; those of a side from 5 km off the nadir outward.
fn distances_of_products(swath: &Swath, across_km: f64) -> Vec<f64> {
    let metres = |pixels: f64| 1000.0 * across_km * pixels;
    let pixels = (0..swath.num_pixels).map(|pixel| pixel as f64);
    match swath.group.as_str() {
        "left" => pixels.map(|pixel| -5000.0 - metres(pixel)).collect(),
        "right" => pixels.map(|pixel| 5000.0 + metres(pixel)).collect(),
        _ => {
            let middle = 0.5 * (swath.num_pixels as f64 - 1.0);
            pixels.map(|pixel| metres(pixel - middle)).collect()
        }
    }
}

/// The lines that quantities reach before and after those wanted; `None`: all.
fn reach(wanted: &[Quantity], formulas: &Formulas) -> Option<usize> {
    let mut reaches = wanted.iter().map(|quantity| quantity.reach(formulas.method()));
    reaches.try_fold(0, |most: usize, reach| Some(most.max(reach?)))
}

/// Lines and as many before and after as are reached.
fn around(lines: &Range<usize>, reach: Option<usize>, num_lines: usize) -> Range<usize> {
    match reach {
        Some(reach) => lines.start.saturating_sub(reach)..num_lines.min(lines.end + reach),
        None => 0..num_lines,
    }
}

/// Leaves the values of `lines` of those around them.
fn trim(values: &mut Vec<f64>, lines: &Range<usize>, around: &Range<usize>, swath: &Swath) {
    values.truncate((lines.end - around.start) * swath.num_pixels);
    values.drain(..(lines.start - around.start) * swath.num_pixels);
}
