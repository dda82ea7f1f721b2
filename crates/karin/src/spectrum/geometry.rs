//! How far apart the samples of a swath are.

use karin_core::{Dataset, DatasetError};
use karin_engine::swath::Swath;
use karin_engine::{Engine, Piece, Plan};
use karin_science::sphere::distance;

use crate::Error;

/// The swaths that spectra are taken of: the same in every granule of a plan.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Geometry {
    /// Distance between lines in kilometres, rounded to metres.
    pub(super) along_km: f64,
    /// Distance between pixels in kilometres, rounded to metres; NaN for tracks.
    pub(super) across_km: f64,
    /// Group and number of pixels of each swath.
    pub(super) swaths: Vec<(String, usize)>,
    /// Distance of each pixel from the nadir in metres, where the product says so.
    pub(super) cross_track: Vec<f64>,
}

impl Geometry {
    /// Of the first granule of a plan that can be read and has positions.
    pub(super) fn of(engine: &Engine<'_>, plan: &Plan, groups: &[String]) -> Result<Self, Error> {
        let mut failure = None;
        for piece in plan.pieces() {
            match Self::of_granule(engine, piece, groups) {
                Ok(Some(geometry)) => return Ok(geometry),
                Ok(None) => {}
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        Err(failure.map_or_else(
            || Error::option("spectrum", "no granule has positions from which distances follow"),
            Error::from,
        ))
    }

    fn of_granule(
        engine: &Engine<'_>,
        piece: &Piece,
        groups: &[String],
    ) -> Result<Option<Self>, DatasetError> {
        let mut own = Self {
            along_km: f64::NAN,
            across_km: f64::NAN,
            swaths: Vec::new(),
            cross_track: Vec::new(),
        };
        for group in groups {
            let (dataset, swath) = engine.swath_of(piece, group)?;
            // Some thousand lines tell as much as a pass.
            let some = 0..swath.num_lines.min(4096);
            let (longitude, latitude) = swath.positions(dataset.as_ref(), some)?;
            let width = swath.num_pixels.max(1);
            let place = |at: usize| Some((*longitude.get(at)?, *latitude.get(at)?));
            let lines = longitude.len() / width;
            let between = |from: usize, to: usize| Some(distance(place(from)?, place(to)?) / 1000.0);
            let along = (1..lines).filter_map(|line| {
                let at = line * width + width / 2;
                between(at - width, at)
            });
            let across = (1..width).filter_map(|pixel| {
                let at = lines / 2 * width + pixel;
                between(at - 1, at)
            });
            if own.swaths.is_empty() {
                own.along_km = median_km(along);
                own.across_km = median_km(across);
            }
            own.cross_track.extend(cross_track(dataset.as_ref(), &swath)?);
            own.swaths.push((group.clone(), swath.num_pixels));
        }
        let pixels: usize = own.swaths.iter().map(|(_, pixels)| pixels).sum();
        if own.cross_track.len() != pixels {
            own.cross_track.clear();
        }
        Ok((own.along_km > 0.0).then_some(own))
    }
}

/// Distances from the nadir on a line in the middle, in metres (L3 has them in kilometres).
fn cross_track(dataset: &dyn Dataset, swath: &Swath) -> Result<Vec<f64>, DatasetError> {
    let path = swath.path("cross_track_distance");
    let root = dataset.root();
    let (Some(meta), Some(shape)) = (root.variable(&path), root.shape(&path)) else {
        return Ok(Vec::new());
    };
    let Some(packing) = karin_core::Packing::of(meta) else {
        return Ok(Vec::new());
    };
    let slab = match shape.as_slice() {
        [pixels] if *pixels == swath.num_pixels => karin_core::Slab::all(&shape),
        [lines, pixels] if *pixels == swath.num_pixels && *lines > 0 => {
            karin_core::Slab::rows(&shape, lines / 2..lines / 2 + 1)
        }
        _ => return Ok(Vec::new()),
    };
    let values = dataset.read_slab(&path, &slab)?.values;
    let scale = if meta.attributes.text("units") == Some("km") {
        1000.0
    } else {
        1.0
    };
    let decoded = packing.decode(&values).unwrap_or_default();
    Ok(decoded.into_iter().map(|metres| metres * scale).collect())
}

/// The median of what is finite, the upper one of two; `None` of nothing.
fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    let middle = values.len() / 2;
    (middle < values.len()).then(|| *values.select_nth_unstable_by(middle, f64::total_cmp).1)
}

/// The median of kilometres, rounded to metres; NaN of nothing.
fn median_km(kilometres: impl Iterator<Item = f64>) -> f64 {
    median(kilometres).map_or(f64::NAN, |median| (median * 1000.0).round() / 1000.0)
}

/// Where lines are missing: index of the line behind, and how many.
///
/// Lines follow one another in equal times: a step of more than one and a half medians skips lines. The medians of
/// unknown times are NaN, and nothing is missing.
pub(super) fn missing_lines(times: &[f64]) -> Vec<(usize, usize)> {
    let steps = || times.windows(2).map(|pair| pair[1] - pair[0]);
    let Some(median) = median(steps().filter(|step| *step > 0.0)) else {
        return Vec::new();
    };
    let missing = steps().enumerate().filter(|(_, step)| *step > 1.5 * median);
    missing
        .map(|(index, step)| (index + 1, (step / median).round().min(1e9) as usize - 1))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_lines_are_counted_by_their_times() {
        assert_eq!(missing_lines(&[0.0, 1.0, 2.0, 5.0, 6.0, 7.0]), [(3, 2)]);
        assert_eq!(missing_lines(&[f64::NAN; 4]), []);
        assert_eq!(missing_lines(&[0.0, 1.0, f64::NAN, 3.0]), []);
    }
}
