//! Where a gradient is larger than on either side of it.

use crate::sphere::Position;
use crate::{Extent, Metric};

/// A pixel of the ridge.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    /// Where the ridge runs there: degrees east and north.
    pub place: (f64, f64),
    /// Steepness of the pixel.
    pub steepness: f64,
    /// Direction in which the field rises: east, north; of length 1.
    pub rise: (f64, f64),
}

/// The ridge of a gradient.
pub(super) struct Ridge {
    pub extent: Extent,
    /// One per pixel, where it lies on the ridge.
    pub points: Vec<Option<Point>>,
    /// Pixels that have a gradient.
    known: Vec<bool>,
}

impl Ridge {
    pub(super) fn new(gradient: (&[f64], &[f64]), steepness: &[f64], metric: &Metric, weak: f64) -> Self {
        let extent = metric.extent();
        let point = |index: usize| {
            let own = steepness[index];
            if own.is_nan() || own < weak || own <= 0.0 {
                return None;
            }
            let rise = (gradient.0[index] / own, gradient.1[index] / own);
            on_ridge(steepness, metric, index, rise)
        };
        Self {
            extent,
            points: (0..extent.len()).map(point).collect(),
            known: steepness.iter().map(|value| value.is_finite()).collect(),
        }
    }

    /// The up to eight pixels around one.
    pub(super) fn around(&self, index: usize) -> impl Iterator<Item = usize> + use<> {
        let extent = self.extent;
        let (line, pixel) = (index / extent.num_pixels, index % extent.num_pixels);
        let near = |place: usize, count: usize| place.saturating_sub(1)..(place + 2).min(count);
        near(line, extent.num_lines)
            .flat_map(move |line| near(pixel, extent.num_pixels).map(move |pixel| extent.index(line, pixel)))
            .filter(move |other| *other != index)
    }

    /// Ridge pixels around one that continue it: gradients less than 60 degrees apart.
    pub(super) fn linked(&self, index: usize) -> impl Iterator<Item = usize> + '_ {
        let own = self.points[index].map(|point| point.rise);
        self.around(index)
            .filter(move |other| match (own, self.points[*other]) {
                (Some(own), Some(other)) => own.0 * other.rise.0 + own.1 * other.rise.1 > 0.5,
                _ => false,
            })
    }

    /// True beside an edge or a gap of the gradient: two pixels on, as the pixel before never has both neighbours of the ridge.
    pub(super) fn is_at_end(&self, index: usize) -> bool {
        let (line, pixel) = (index / self.extent.num_pixels, index % self.extent.num_pixels);
        let near = |place: usize, count: usize| place >= 2 && place + 2 < count;
        if !near(line, self.extent.num_lines) || !near(pixel, self.extent.num_pixels) {
            return true;
        }
        (line - 2..=line + 2)
            .any(|line| (pixel - 2..=pixel + 2).any(|pixel| !self.known[self.extent.index(line, pixel)]))
    }
}

/// The point of the ridge in a pixel, if there is one: steeper than one pixel on, and not less steep than one pixel back.
fn on_ridge(steepness: &[f64], metric: &Metric, index: usize, rise: (f64, f64)) -> Option<Point> {
    let extent = metric.extent();
    let (along, across) = (metric.per_along[index], metric.per_across[index]);
    let (cosine, sine) = (metric.cosine[index], metric.sine[index]);
    // A pixel is as long as the shorter of both spacings, so that a step leads at most to a neighbour.
    let length = (1.0 / along).min(1.0 / across.abs());
    let lines = length * along * (rise.0 * cosine + rise.1 * sine);
    let pixels = length * across * (rise.0 * sine - rise.1 * cosine);
    let place = (
        (index / extent.num_pixels) as f64,
        (index % extent.num_pixels) as f64,
    );
    let sample = |sign: f64| {
        interpolated(
            steepness,
            extent,
            (place.0 + sign * lines, place.1 + sign * pixels),
        )
    };
    let (before, here, after) = (sample(-1.0)?, steepness[index], sample(1.0)?);
    if here <= after || here < before {
        return None;
    }
    let bend = before - 2.0 * here + after;
    let part = if bend < 0.0 {
        (0.5 * (before - after) / bend).clamp(-0.5, 0.5)
    } else {
        0.0
    };
    let centre = Position::new(metric.latitude()[index], metric.longitude()[index]);
    Some(Point {
        place: centre.displaced(part * length * rise.0, part * length * rise.1),
        steepness: here,
        rise,
    })
}

/// Between four pixels; `None` outside, and where one that counts has no value.
fn interpolated(field: &[f64], extent: Extent, (line, pixel): (f64, f64)) -> Option<f64> {
    let cell = |place: f64, count: usize| {
        let first = place.floor();
        let is_inside = first >= 0.0 && place <= (count - 1) as f64;
        is_inside.then_some((first as usize, place - first))
    };
    let (line, down) = cell(line, extent.num_lines)?;
    let (pixel, right) = cell(pixel, extent.num_pixels)?;
    let mut sum = 0.0;
    for (line, by_line) in [(line, 1.0 - down), (line + 1, down)] {
        for (pixel, by_pixel) in [(pixel, 1.0 - right), (pixel + 1, right)] {
            let weight = by_line * by_pixel;
            if weight > 1e-9 {
                sum += weight * field.get(extent.index(line, pixel))?;
            }
        }
    }
    (!sum.is_nan()).then_some(sum)
}
