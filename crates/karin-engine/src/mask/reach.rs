//! Which lines lie at the latitudes and times of a selection, found before anything else is looked at.

use std::ops::Range;

use karin_core::{Dataset, DatasetError, LonLatBox, Packing, Selection, Values};
use rayon::prelude::*;

use crate::load::decode_range;
use crate::swath::{self, Swath};

/// Lines in blocks of so many, so that 250 m products are not decoded whole; of whole chunks of lines where these are shorter, so
/// that none is decoded twice.
pub(crate) fn blocks(
    lines: &Range<usize>,
    rows: usize,
    chunk: usize,
) -> impl ExactSizeIterator<Item = Range<usize>> + use<> {
    let lines = lines.clone();
    let rows = if rows > chunk {
        rows / chunk * chunk
    } else {
        rows.max(1)
    };
    // Blocks begin where chunks do, but for the first.
    let (first, last) = (lines.start / rows, lines.end.div_ceil(rows));
    (first..last.max(first))
        .map(move |block| lines.start.max(block * rows)..lines.end.min((block + 1) * rows))
}

/// Lines of a chunk of a variable; 1 where it has no chunks.
pub(crate) fn chunk_lines(dataset: &dyn Dataset, path: &str) -> usize {
    let chunks = dataset
        .root()
        .variable(path)
        .and_then(|variable| variable.storage.chunks.as_ref());
    chunks
        .and_then(|chunks| chunks.first().copied())
        .unwrap_or(1)
        .max(1)
}

/// The lines from the first to the last at latitudes of the selection's region and at its times, found without a look at anything
/// else, so that only these are cut into parts; latitudes of so many pixels are decoded at a time, on all threads.
pub(crate) fn lines_in_reach(
    dataset: &dyn Dataset,
    swath: &Swath,
    selection: &Selection,
    pixels_at_once: usize,
) -> Result<Range<usize>, DatasetError> {
    let mut lines = 0..swath.num_lines;
    if let Some(time) = &selection.time {
        let times = swath.times(dataset, lines.clone())?;
        let is_inside = |seconds: &f64| time.contains(*seconds);
        let first = times.iter().position(is_inside).unwrap_or(lines.end);
        lines = first..times.iter().rposition(is_inside).map_or(first, |last| last + 1);
    }
    let Some(region) = &selection.region else {
        return Ok(lines);
    };
    let bounds = region.bounds();
    if dataset.row_bounds(&swath.latitude)?.is_some() {
        return lines_at(dataset, swath, &lines, &bounds);
    }
    let width = swath.num_pixels.max(1);
    let found = |lines: Range<usize>| -> Result<Option<Range<usize>>, DatasetError> {
        let (packing, latitudes) = swath::packed_rows(dataset, &swath.latitude, lines.clone())?;
        let rows = rows_with(&packing, &latitudes, width, |latitude| near(&bounds, latitude));
        Ok(rows.map(|rows| lines.start + rows.start..lines.start + rows.end))
    };
    // A chunk at a time, so that all threads have some.
    let chunk = chunk_lines(dataset, &swath.latitude);
    let rows = (pixels_at_once / width).min(chunk.max(4096));
    let found: Vec<Option<Range<usize>>> = blocks(&lines, rows, chunk)
        .collect::<Vec<_>>()
        .into_par_iter()
        .map(found)
        .collect::<Result<_, _>>()?;
    let all = found
        .into_iter()
        .flatten()
        .reduce(|all, one| all.start.min(one.start)..all.end.max(one.end));
    Ok(all.unwrap_or(lines.start..lines.start))
}

/// True for latitudes between the south and the north of one of these boxes.
pub(super) fn near(bounds: &[LonLatBox], latitude: f64) -> bool {
    let in_band = |b: &LonLatBox| latitude >= b.south() - 1e-8 && latitude <= b.north() + 1e-8;
    bounds.iter().any(in_band)
}

/// The lines of a range outside which none lies at the latitudes of these boxes, as far as that is known without reading.
pub(super) fn lines_at(
    dataset: &dyn Dataset,
    swath: &Swath,
    lines: &Range<usize>,
    boxes: &[LonLatBox],
) -> Result<Range<usize>, DatasetError> {
    let Some(known) = dataset.row_bounds(&swath.latitude)? else {
        return Ok(lines.clone());
    };
    let may_hold = |south: f64, north: f64| {
        let meets = |b: &LonLatBox| north >= b.south() - 1e-8 && south <= b.north() + 1e-8;
        boxes.iter().any(meets)
    };
    let near = known.rows_of(may_hold);
    let start = near.start.clamp(lines.start, lines.end);
    Ok(start..near.end.clamp(start, lines.end))
}

/// The rows from the first to the last that have a value for which `holds`; decoded row by row, for there are many.
pub(super) fn rows_with(
    packing: &Packing,
    values: &Values,
    width: usize,
    holds: impl Fn(f64) -> bool,
) -> Option<Range<usize>> {
    let mut row = vec![0.0; width];
    let mut touches = |number: &usize| {
        row.fill(f64::NAN);
        let range = number * width..(number + 1) * width;
        decode_range(
            packing,
            values,
            range.start..range.end.min(values.len()),
            &mut row,
        );
        // Without an early end, which would keep the compiler from doing several at a time.
        row.iter().fold(false, |any, value| any | holds(*value))
    };
    let rows = values.len().div_ceil(width);
    let first = (0..rows).find(&mut touches)?;
    let last = (first..rows).rfind(&mut touches)?;
    Some(first..last + 1)
}

#[cfg(test)]
mod tests {
    use super::blocks;

    #[test]
    fn blocks_are_all_lines_once_and_end_where_chunks_do() {
        for (lines, rows, chunk) in [
            (0..10, 3, 1),
            (7..100, 25, 10),
            (7..100, 5, 10),
            (3..3, 4, 2),
            (5..6, 100, 50),
            (0..9, 0, 4),
        ] {
            let found: Vec<_> = blocks(&lines, rows, chunk).collect();
            let all: Vec<usize> = found.iter().cloned().flatten().collect();
            assert_eq!(all, lines.clone().collect::<Vec<_>>());
            let step = if rows > chunk {
                rows / chunk * chunk
            } else {
                rows.max(1)
            };
            assert!(
                found
                    .iter()
                    .all(|block| block.end % step == 0 || block.end == lines.end)
            );
        }
    }
}
