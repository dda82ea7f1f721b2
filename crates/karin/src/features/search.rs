//! One granule, block of lines by block of lines.

use std::ops::Range;

use karin_core::{DatasetError, Resources};
use karin_engine::swath::Swath;
use karin_engine::{Column, Engine, EngineError, Piece};
use karin_science::filter::fill_nadir_gap;
use karin_science::sphere::distance;
use karin_science::{Extent, Metric};

use super::field::Field;
use super::{Search, eddies, fronts, schema};
use crate::Error;
use crate::output::geo::GeoRow;

/// Lines of a block: always the same, so that what is found does not depend on memory, threads or the region.
const LINES: usize = 4096;
/// Bytes of a pixel while a block is searched: positions, geometry, field and its mask, derivatives, marks.
const PIXEL_BYTES: u64 = 400;
/// Metres on either side of the nadir without values of KaRIn.
const NADIR_GAP: f64 = 10e3;

/// What is searched, and how.
pub(super) struct Work<'a> {
    field: &'a Field,
    search: &'a Search,
    whole: &'a Engine<'a>,
    masked: &'a Engine<'a>,
    resources: Resources,
}

/// A block of lines of a swath, with lines around it.
pub(super) struct Block {
    /// Lines of the granule that were read.
    pub(super) around: Range<usize>,
    /// Those of them whose features belong to the block.
    own: Range<usize>,
    pub(super) metric: Metric,
    /// Values of the whole pass, the nadir gap filled where that is asked for.
    pub(super) values: Vec<f64>,
    /// Pixels that the selection keeps; none if it keeps all.
    kept: Option<Vec<bool>>,
    times: Vec<f64>,
}

impl Block {
    /// True if features with this pixel belong to the block.
    pub(super) fn owns(&self, index: usize) -> bool {
        self.own.contains(&self.line(index))
    }

    /// True if the selection keeps a pixel.
    pub(super) fn keeps(&self, index: usize) -> bool {
        self.kept
            .as_ref()
            .is_none_or(|kept| kept.get(index).copied().unwrap_or(false))
    }

    pub(super) fn line(&self, index: usize) -> usize {
        self.around.start + index / self.metric.extent().num_pixels.max(1)
    }

    pub(super) fn pixel(&self, index: usize) -> usize {
        index % self.metric.extent().num_pixels.max(1)
    }

    pub(super) fn time(&self, index: usize) -> f64 {
        self.times
            .get(index / self.metric.extent().num_pixels.max(1))
            .copied()
            .unwrap_or(f64::NAN)
    }
}

impl<'a> Work<'a> {
    pub(super) fn new(
        field: &'a Field,
        search: &'a Search,
        (whole, masked): (&'a Engine<'a>, &'a Engine<'a>),
        resources: Resources,
    ) -> Result<Self, Error> {
        let checked = match search {
            Search::Eddies(search) => search.bounds.check(),
            Search::Fronts(search) => search.bounds.check(),
        };
        checked
            .map_err(|error| Error::option(&format!("--{}", error.option.replace(' ', "-")), error.reason))?;
        Ok(Self {
            field,
            search,
            whole,
            masked,
            resources,
        })
    }

    /// The rows of a granule, in the order of its swaths and lines.
    pub(super) fn granule(&self, piece: &Piece) -> Result<Vec<GeoRow>, DatasetError> {
        let mut rows = Vec::new();
        for column in self.field.columns() {
            let (dataset, swath) = self.whole.swath_of(piece, &column.group)?;
            let spacing = self.spacing(&swath, dataset.as_ref())?;
            let margin = (self.reach() / spacing).ceil().clamp(16.0, 1e6) as usize;
            let origin = schema::Origin::new(&self.field.whole, piece, &column.group);
            for start in (0..swath.num_lines).step_by(LINES) {
                let own = start..swath.num_lines.min(start + LINES);
                let around = own.start.saturating_sub(margin)..swath.num_lines.min(own.end + margin);
                self.check_memory(&around, &swath, dataset.label())?;
                let Some(block) = self.block(piece, column, &swath, (own, around))? else {
                    continue;
                };
                let method = self.field.whole.formulas().method();
                let found = match self.search {
                    Search::Eddies(search) => eddies::rows(search, &block, method, &origin),
                    Search::Fronts(search) => fronts::rows(search, &block, &method.derivative, &origin),
                };
                rows.extend(found.map_err(|error| {
                    DatasetError::invalid(dataset.label(), &column.path(), error.to_string())
                })?);
            }
        }
        Ok(rows)
    }

    /// Metres that a feature, or what it is found by, reaches along the flight.
    fn reach(&self) -> f64 {
        match self.search {
            Search::Eddies(search) => search.reach(),
            Search::Fronts(_) => fronts::REACH,
        }
    }

    /// Metres between two lines in the middle; those of the 2 km grid where they have no place.
    fn spacing(&self, swath: &Swath, dataset: &dyn karin_core::Dataset) -> Result<f64, DatasetError> {
        let middle = swath.num_lines / 2;
        let lines = middle.saturating_sub(1)..swath.num_lines.min(middle + 1);
        let (longitude, latitude) = swath.positions(dataset, lines)?;
        let width = swath.num_pixels.max(1);
        let pairs = (0..width).filter_map(|pixel| {
            let place = |at: usize| Some((*longitude.get(at)?, *latitude.get(at)?));
            Some(distance(place(pixel)?, place(pixel + width)?))
        });
        Ok(pairs.into_iter().find(|spacing| *spacing > 1.0).unwrap_or(2000.0))
    }

    fn check_memory(&self, lines: &Range<usize>, swath: &Swath, label: &str) -> Result<(), DatasetError> {
        let needed =
            (lines.len() * swath.num_pixels) as u64 * PIXEL_BYTES * self.resources.jobs.max(1) as u64;
        let budget = self.resources.memory;
        if needed <= budget {
            return Ok(());
        }
        let error = EngineError::Memory { needed, budget };
        Err(DatasetError::new(error.kind(), label, "", error.to_string()))
    }

    /// Reads a block; `None` if the selection keeps nothing of its own lines.
    fn block(
        &self,
        piece: &Piece,
        column: &Column,
        swath: &Swath,
        (own, around): (Range<usize>, Range<usize>),
    ) -> Result<Option<Block>, DatasetError> {
        let dataset = self.whole.open(piece)?;
        let mut kept = match self.field.masked(column).filter(|_| self.field.is_cropped) {
            None => None,
            Some(masked) => {
                let kept: Vec<bool> = (self.masked.field(piece, masked, around.clone())?.iter())
                    .map(|value| !value.is_nan())
                    .collect();
                let width = swath.num_pixels;
                let inner = (own.start - around.start) * width..(own.end - around.start) * width;
                if !kept.get(inner).unwrap_or_default().contains(&true) {
                    return Ok(None);
                }
                Some(kept)
            }
        };
        let (longitude, latitude) = swath.positions(dataset.as_ref(), around.clone())?;
        let extent = Extent::new(around.len(), swath.num_pixels);
        let metric = Metric::new(&latitude, &longitude, extent)
            .map_err(|error| DatasetError::invalid(dataset.label(), &swath.latitude, error.to_string()))?;
        let mut values = self.whole.field(piece, column, around.clone())?;
        if matches!(self.search, Search::Eddies(search) if search.fill_nadir) && column.group.is_empty() {
            let filled = with_filled_gap(&values, &metric);
            if let Some(kept) = &mut kept {
                keep_filled(kept, (&values, &filled), extent);
            }
            values = filled;
        }
        Ok(Some(Block {
            times: swath.times(dataset.as_ref(), around.clone())?,
            around,
            own,
            metric,
            values,
            kept,
        }))
    }
}

/// Keeps filled pixels where a pixel of their line is kept.
fn keep_filled(kept: &mut [bool], (values, filled): (&[f64], &[f64]), extent: Extent) {
    let width = extent.num_pixels.max(1);
    let lines = kept
        .chunks_mut(width)
        .zip(values.chunks(width).zip(filled.chunks(width)));
    for (kept, (values, filled)) in lines.filter(|(kept, _)| kept.contains(&true)) {
        for (kept, (value, filled)) in kept.iter_mut().zip(values.iter().zip(filled)) {
            *kept |= value.is_nan() && !filled.is_nan();
        }
    }
}

/// The field with straight lines across the nadir gap.
fn with_filled_gap(values: &[f64], metric: &Metric) -> Vec<f64> {
    let extent = metric.extent();
    let middle = extent.num_pixels / 2;
    let across = (0..extent.num_lines).map(|line| metric.spacing(extent.index(line, middle)).1);
    let spacing = across
        .into_iter()
        .find(|spacing| *spacing > 0.0)
        .unwrap_or(2000.0);
    let half = (NADIR_GAP / spacing).round() as usize;
    let gap = middle.saturating_sub(half)..(middle + half + 1).min(extent.num_pixels);
    // Beside the gap some pixels are dropped by most quality gates.
    fill_nadir_gap(values, extent, gap, half / 2 + 1)
}
