//! Which pixels of a granule a selection keeps: time, region, condition, nadir, and quality per variable.

use std::ops::Range;

use karin_core::{
    Crop, Dataset, DatasetError, Gate, Nadir, Packed, Packing, Product, QualityLevel, Selection, Values,
};

use crate::derive::Formulas;
use crate::expression::ExpressionError;
use crate::fields::Fields;
use crate::load::{Ground, decode_range, load_program};
use crate::swath::{self, Shape, Swath};
pub(crate) use reach::{blocks, chunk_lines, lines_in_reach};
use reach::{lines_at, near, rows_with};

mod reach;

/// Pixels to keep, over a range of lines. Lines outside the range are dropped whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Mask {
    /// The range of lines outside which nothing is kept.
    pub lines: Range<usize>,
    /// 1 for lines of the range with something to keep; `None` = all.
    pub line_keep: Option<Vec<u8>>,
    /// 1 for pixels of the range to keep; `None` = all pixels of kept lines.
    pub pixel_keep: Option<Vec<u8>>,
    /// Pixels of one line.
    pub width: usize,
    /// Coordinates of the lines, or of more, where finding a region brought them along.
    pub(crate) positions: Option<Positions>,
}

/// Coordinates of consecutive lines as the granule stores them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Positions {
    /// The lines.
    pub(crate) lines: Range<usize>,
    /// Degrees east.
    pub(crate) longitude: (Packing, Values),
    /// Degrees north.
    pub(crate) latitude: (Packing, Values),
}

impl Mask {
    /// Everything.
    pub fn all(swath: &Swath) -> Self {
        Self::of_lines(swath, 0..swath.num_lines)
    }

    /// All of some lines.
    pub(crate) fn of_lines(swath: &Swath, lines: Range<usize>) -> Self {
        Self {
            lines,
            line_keep: None,
            pixel_keep: None,
            width: swath.num_pixels,
            positions: None,
        }
    }

    /// True if nothing is dropped.
    pub fn is_all(&self, swath: &Swath) -> bool {
        self.lines == (0..swath.num_lines) && self.line_keep.is_none() && self.pixel_keep.is_none()
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        let masks =
            self.line_keep.as_ref().map_or(0, Vec::len) + self.pixel_keep.as_ref().map_or(0, Vec::len);
        let of = |(_, values): &(Packing, Values)| values.as_bytes().len();
        let positions = self.positions.as_ref();
        64 + masks + positions.map_or(0, |known| of(&known.longitude) + of(&known.latitude))
    }

    /// True if the line (an index of the granule) has something to keep.
    pub fn keeps_line(&self, line: usize) -> bool {
        self.lines.contains(&line)
            && self
                .line_keep
                .as_ref()
                .is_none_or(|keep| keep.get(line - self.lines.start) == Some(&1))
    }

    /// True if the pixel is kept.
    pub fn keeps(&self, line: usize, pixel: usize) -> bool {
        let index = || (line - self.lines.start) * self.width + pixel;
        self.keeps_line(line)
            && self
                .pixel_keep
                .as_ref()
                .is_none_or(|keep| keep.get(index()) == Some(&1))
    }

    /// Writes `fill` where the mask drops a value of `lines` x `width` pixels.
    pub fn apply<T: Copy>(&self, lines: Range<usize>, shape: Shape, values: &mut [T], fill: T) {
        let width = match shape {
            Shape::Pixels => self.width,
            Shape::Lines(n) => n,
            Shape::Other(_) => return,
        };
        let rows = values.chunks_mut(width.max(1));
        for (line, row) in lines.zip(rows) {
            if !self.keeps_line(line) {
                row.fill(fill);
                continue;
            }
            let start = (line - self.lines.start) * self.width;
            let keep = self
                .pixel_keep
                .as_ref()
                .and_then(|keep| keep.get(start..start + self.width));
            // Most rows are whole; without an early end the compiler looks at several pixels at once.
            let is_whole = |keep: &[u8]| keep.iter().fold(1, |all, keep| all & keep) == 1;
            if let (Shape::Pixels, Some(keep)) = (shape, keep.filter(|keep| !is_whole(keep))) {
                for (value, &keep) in row.iter_mut().zip(keep) {
                    *value = if keep == 0 { fill } else { *value };
                }
            }
        }
    }

    /// Shrinks the range to lines with something to keep.
    fn shrink(&mut self) {
        let Some(keep) = &self.line_keep else { return };
        let first = keep.iter().position(|keep| *keep == 1).unwrap_or(keep.len());
        let last = keep
            .iter()
            .rposition(|keep| *keep == 1)
            .map_or(first, |last| last + 1);
        self.restrict_to_lines(self.lines.start + first..self.lines.start + last);
    }

    /// Drops the lines outside a part of the range.
    fn restrict_to_lines(&mut self, lines: Range<usize>) {
        let (first, last) = (lines.start - self.lines.start, lines.end - self.lines.start);
        let width = self.width;
        if let Some(pixels) = &mut self.pixel_keep {
            pixels.truncate(last * width);
            pixels.drain(..(first * width).min(pixels.len()));
        }
        if let Some(keep) = &mut self.line_keep {
            keep.truncate(last);
            keep.drain(..first);
        }
        self.lines = lines;
    }

    /// Drops lines, and pixels of lines, in which no pixel is kept.
    fn drop_empty_lines(&mut self) {
        let Some(pixels) = &self.pixel_keep else { return };
        let any = |row: &[u8]| u8::from(row.contains(&1));
        let kept: Vec<u8> = pixels.chunks(self.width.max(1)).map(any).collect();
        self.line_keep = Some(match self.line_keep.take() {
            None => kept,
            Some(before) => before.iter().zip(&kept).map(|(a, b)| a & b).collect(),
        });
        self.shrink();
    }
}

/// Why a mask cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MaskError {
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    #[error(transparent)]
    Expression(#[from] ExpressionError),
}

/// What a mask is made of.
pub(crate) struct Criteria<'a> {
    pub(crate) selection: &'a Selection,
    pub(crate) formulas: &'a Formulas,
    pub(crate) product: Option<Product>,
    /// What conditions may derive from heights.
    pub(crate) fields: &'a Fields<'a>,
    /// Pixels of which coordinates are decoded at a time.
    pub(crate) places_at_once: usize,
    /// Pixels of which inputs of conditions are.
    pub(crate) pixels_at_once: usize,
}

/// The mask of a selection on some lines of a swath of a granule, quality aside.
pub(crate) fn mask_of(
    dataset: &dyn Dataset,
    swath: &Swath,
    lines: Range<usize>,
    criteria: &Criteria<'_>,
) -> Result<Mask, MaskError> {
    let selection = criteria.selection;
    let mut mask = Mask::of_lines(swath, lines);
    if let Some(time) = &selection.time {
        let times = swath.times(dataset, mask.lines.clone())?;
        mask.line_keep = Some(
            times
                .iter()
                .map(|time_| u8::from(time.contains(*time_)))
                .collect(),
        );
        mask.shrink();
    }
    restrict_to_region(&mut mask, dataset, swath, criteria)?;
    if selection.nadir != Nadir::Keep && swath::has_clipped_nadir(dataset.root(), swath, criteria.product) {
        restrict_nadir(&mut mask, dataset, swath, selection.nadir)?;
    }
    let group = dataset.root().group(&swath.group);
    if let Some(group) = group
        && let Some(program) = criteria.formulas.condition_program(group)?
        && !mask.lines.is_empty()
    {
        let mut keep = Vec::with_capacity(mask.lines.len() * swath.num_pixels);
        let ground = Ground {
            dataset,
            swath,
            level: None,
            fields: criteria.fields,
        };
        for lines in blocks(&mask.lines, criteria.pixels_at_once / swath.num_pixels.max(1), 1) {
            let values = load_program(&ground, &program, lines)?;
            let holds = |value: &f64| u8::from(*value != 0.0 && !value.is_nan());
            keep.extend(values.iter().map(holds));
        }
        intersect(&mut mask.pixel_keep, keep.into_iter());
        mask.drop_empty_lines();
    }
    Ok(mask)
}

fn intersect(into: &mut Option<Vec<u8>>, with: impl Iterator<Item = u8>) {
    match into {
        None => *into = Some(with.collect()),
        Some(before) => before.iter_mut().zip(with).for_each(|(a, b)| *a &= b),
    }
}

fn restrict_to_region(
    mask: &mut Mask,
    dataset: &dyn Dataset,
    swath: &Swath,
    criteria: &Criteria<'_>,
) -> Result<(), DatasetError> {
    let selection = criteria.selection;
    let Some(region) = &selection.region else {
        return Ok(());
    };
    let mut ahead = vec![swath.latitude.as_str(), swath.longitude.as_str()];
    ahead.extend(swath.time.as_deref());
    dataset.will_read(&ahead);
    let width = swath.num_pixels.max(1);
    let bounds = region.bounds();
    let near = |latitude: f64| near(&bounds, latitude);
    let lines = lines_at(dataset, swath, &mask.lines, &bounds)?;
    // Pixels of the lines from the first to the last at these latitudes; others are not looked at again.
    let mut inside: Vec<u8> = Vec::new();
    let mut found: Option<Range<usize>> = None;
    let chunk = chunk_lines(dataset, &swath.latitude);
    for lines in blocks(&lines, criteria.places_at_once / width, chunk) {
        let (packing, latitudes) = swath::packed_rows(dataset, &swath.latitude, lines.clone())?;
        let Some(rows) = rows_with(&packing, &latitudes, width, near) else {
            continue;
        };
        let rows_of_granule = lines.start + rows.start..lines.start + rows.end;
        let latitudes = rows_of(&latitudes, rows, width);
        let longitude = swath::packed_rows(dataset, &swath.longitude, rows_of_granule.clone())?;
        let mut degrees = [vec![0.0; latitudes.len()], vec![0.0; longitude.1.len()]];
        decode_range(&packing, &latitudes, 0..latitudes.len(), &mut degrees[0]);
        decode_range(&longitude.0, &longitude.1, 0..longitude.1.len(), &mut degrees[1]);
        let start = found.as_ref().map_or(rows_of_granule.start, |found| found.start);
        inside.resize((rows_of_granule.start - start) * width, 0);
        let places = degrees[1].iter().zip(&degrees[0]);
        inside.extend(places.map(|(lon, lat)| u8::from(near(*lat) && region.contains(*lon, *lat))));
        let is_first = found.is_none();
        found = Some(start..rows_of_granule.end);
        mask.positions = is_first.then_some(Positions {
            lines: rows_of_granule,
            longitude,
            latitude: (packing, latitudes),
        });
    }
    mask.restrict_to_lines(found.unwrap_or(mask.lines.start..mask.lines.start));
    match selection.crop {
        Crop::Exact => intersect(&mut mask.pixel_keep, inside.into_iter()),
        Crop::Lines => {
            let touched = inside.chunks(width).map(|row| u8::from(row.contains(&1)));
            intersect(&mut mask.line_keep, touched);
            mask.shrink();
        }
    }
    mask.drop_empty_lines();
    Ok(())
}

/// Some rows of consecutive ones.
fn rows_of(values: &Values, rows: Range<usize>, width: usize) -> Values {
    let mut picked = Values::zeros(values.dtype(), rows.len() * width);
    let size = values.dtype().size();
    let from = values
        .as_bytes()
        .get(rows.start * width * size..rows.end * width * size);
    if let Some(from) = from.filter(|from| from.len() == picked.as_bytes().len()) {
        picked.as_bytes_mut().copy_from_slice(from);
    }
    picked
}

/// Drops, or keeps only, the pixels that hold values of the nadir altimeter.
fn restrict_nadir(
    mask: &mut Mask,
    dataset: &dyn Dataset,
    swath: &Swath,
    nadir: Nadir,
) -> Result<(), DatasetError> {
    let (outside, at_nadir) = if nadir == Nadir::Only { (0, 1) } else { (1, 0) };
    let mut keep = vec![outside; mask.lines.len() * mask.width];
    for (line, pixel) in nadir_pixels(dataset, swath)? {
        if mask.lines.contains(&line)
            && let Some(keep) = keep.get_mut((line - mask.lines.start) * mask.width + pixel)
        {
            *keep = at_nadir;
        }
    }
    intersect(&mut mask.pixel_keep, keep.into_iter());
    if nadir == Nadir::Only {
        mask.drop_empty_lines();
    }
    Ok(())
}

/// Lines and pixels that hold values of the nadir altimeter (`i_num_line`, `i_num_pixel`), as indices of this dataset.
///
/// The product counts them in the whole granule; crops carry `num_lines` and `num_pixels`, which say where in it
/// their own lines and pixels are.
pub(crate) fn nadir_pixels(
    dataset: &dyn Dataset,
    swath: &Swath,
) -> Result<Vec<(usize, usize)>, DatasetError> {
    let read = |name: &str| -> Result<Option<Vec<f64>>, DatasetError> {
        let path = swath.path(name);
        let length = dataset.root().shape(&path);
        let read = |shape: Vec<usize>| swath::decoded(dataset, &path, 0..shape.first().copied().unwrap_or(0));
        length.map(read).transpose()
    };
    let (Some(lines), Some(pixels)) = (read("i_num_line")?, read("i_num_pixel")?) else {
        return Ok(Vec::new());
    };
    let (own_lines, own_pixels) = (read(&swath.lines_dimension)?, read("num_pixels")?);
    let inside = |(line, pixel): (&f64, &f64)| {
        let line = row_of(*line, own_lines.as_deref(), swath.num_lines)?;
        Some((line, row_of(*pixel, own_pixels.as_deref(), swath.num_pixels)?))
    };
    Ok(lines.iter().zip(&pixels).filter_map(inside).collect())
}

/// Writes fill over some pixels of lines of a swath: those that are given by line and pixel.
pub(crate) fn drop_pixels<T: Copy>(
    pixels: &[(usize, usize)],
    swath: &Swath,
    lines: &Range<usize>,
    (values, fill): (&mut [T], T),
) {
    for (line, pixel) in pixels.iter().filter(|(line, _)| lines.contains(line)) {
        if let Some(value) = values.get_mut((line - lines.start) * swath.num_pixels + pixel) {
            *value = fill;
        }
    }
}

/// Where an index of the whole granule is among the ascending ones that a dataset has, or itself where it has all.
fn row_of(index: f64, own: Option<&[f64]>, len: usize) -> Option<usize> {
    let row = match own {
        Some(own) => own.binary_search_by(|known| known.total_cmp(&index)).ok()?,
        None if index >= 0.0 => index as usize,
        None => return None,
    };
    (row < len).then_some(row)
}

/// 1 where a quality level keeps a value, over rows of the flag variable `path`.
pub(crate) fn gate_keep(
    dataset: &dyn Dataset,
    path: &str,
    gate: &Gate,
    level: QualityLevel,
    lines: Range<usize>,
) -> Result<Vec<u8>, DatasetError> {
    let (packing, values) = swath::packed_rows(dataset, path, lines)?;
    let keep = |fill: bool, raw: u64| u8::from(!fill && gate.keeps(raw, level));
    Ok(match &values {
        Values::UInt32(raw) => raw
            .iter()
            .map(|&raw| keep(packing.is_fill(raw), u64::from(raw)))
            .collect(),
        Values::UInt8(raw) => raw
            .iter()
            .map(|&raw| keep(packing.is_fill(raw), u64::from(raw)))
            .collect(),
        other => {
            let decoded = packing
                .decode(other)
                .map_err(|error| DatasetError::invalid(dataset.label(), path, error.to_string()))?;
            // Negative numbers are masks whose sign bit was wrapped by a server: they are bad.
            decoded
                .iter()
                .map(|&value| {
                    keep(
                        value.is_nan(),
                        if value < 0.0 {
                            u64::MAX
                        } else {
                            value.to_f64() as u64
                        },
                    )
                })
                .collect()
        }
    })
}
