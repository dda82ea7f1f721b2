//! How far apart the samples of a swath are.

use karin_core::{Dataset, DatasetError, Packing, Slab};
use karin_science::filter::Spacing;
use karin_science::sphere::distance;

use crate::swath::Swath;

/// Lines that tell as much as a pass.
const SOME_LINES: usize = 4096;

impl Swath {
    /// The median distances of neighbouring lines and pixels in a granule, rounded to metres (NaN without positions), and the
    /// distance of each pixel from the nadir, where the product says so.
    ///
    /// # Errors
    /// If positions cannot be read.
    pub fn spacing(&self, dataset: &dyn Dataset) -> Result<Spacing, DatasetError> {
        let (longitude, latitude) = self.positions(dataset, 0..self.num_lines.min(SOME_LINES))?;
        let width = self.num_pixels.max(1);
        let lines = longitude.len() / width;
        let place = |at: usize| Some((*longitude.get(at)?, *latitude.get(at)?));
        let between = |from: usize, to: usize| Some(distance(place(from)?, place(to)?) / 1000.0);
        let along = (1..lines).filter_map(|line| {
            let at = line * width + width / 2;
            between(at - width, at)
        });
        let across = (1..width).filter_map(|pixel| {
            let at = lines / 2 * width + pixel;
            between(at - 1, at)
        });
        Ok(Spacing {
            along_km: median_km(along),
            across_km: median_km(across),
            cross_track: self.cross_track(dataset)?,
        })
    }

    /// Distances from the nadir on a line in the middle, in metres (L3 has them in kilometres).
    fn cross_track(&self, dataset: &dyn Dataset) -> Result<Vec<f64>, DatasetError> {
        let path = self.path("cross_track_distance");
        let root = dataset.root();
        let (Some(meta), Some(shape)) = (root.variable(&path), root.shape(&path)) else {
            return Ok(Vec::new());
        };
        let Some(packing) = Packing::of(meta) else {
            return Ok(Vec::new());
        };
        let slab = match shape.as_slice() {
            [pixels] if *pixels == self.num_pixels => Slab::all(&shape),
            [lines, pixels] if *pixels == self.num_pixels && *lines > 0 => {
                Slab::rows(&shape, lines / 2..lines / 2 + 1)
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
}

/// The median of what is finite, the upper one of two; `None` of nothing.
pub fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    let middle = values.len() / 2;
    (middle < values.len()).then(|| *values.select_nth_unstable_by(middle, f64::total_cmp).1)
}

/// The median of kilometres, rounded to metres; NaN of nothing.
fn median_km(kilometres: impl Iterator<Item = f64>) -> f64 {
    median(kilometres).map_or(f64::NAN, |median| (median * 1000.0).round() / 1000.0)
}
