//! The estimators of the three kinds of spectra behind one door.

use std::ops::Range;

use karin_engine::StoredField;
use karin_science::spectrum::{
    AcrossTrack, AlongTrack, Plane, PlaneSums, Rectangles, SegmentOptions, Sums, Welch,
};

use super::geometry::Geometry;
use super::{Axis, SpectrumOptions};
use crate::Error;

/// Lines whose true values are made at a time: few enough that they stay in a processor's own memory.
const LINES: usize = 256;

/// What all granules share.
#[derive(Debug)]
pub(super) enum Estimator {
    Along(Welch),
    Across(Welch),
    Both(Plane),
}

/// Sums of one variable (or pair) over one swath.
#[derive(Clone, Debug)]
pub(super) enum Sum {
    Lines(Sums),
    Plane(PlaneSums),
}

/// An estimate under way: one variable (or pair), one swath of one granule.
pub(super) enum Estimate<'e> {
    Along(AlongTrack<'e>),
    Across(AcrossTrack<'e>),
    Both(Vec<(Range<usize>, Rectangles<'e>)>),
}

impl Estimator {
    pub(super) fn new(options: &SpectrumOptions, geometry: &Geometry) -> Result<Self, Error> {
        let refused = |error: karin_science::Refused| {
            Error::option(&format!("--{}", error.option.replace(' ', "-")), error.reason)
        };
        let segment = |length: f64, spacing: f64| {
            let samples = (length / spacing).round();
            let samples = if samples.is_finite() {
                samples.clamp(0.0, 1e9) as usize
            } else {
                0
            };
            let mut own = SegmentOptions::new(samples, spacing)
                .with_overlap(options.overlap)
                .with_window(options.window)
                .with_detrend(options.detrend);
            own.longest_hole = options.longest_hole;
            own.minimum_valid = options.minimum_valid;
            own
        };
        let along = |length: f64| segment(length, geometry.along_km);
        let across = |length: f64| segment(length, geometry.across_km);
        Ok(match options.axis {
            Axis::Along => {
                Self::Along(Welch::new(along(options.segment_km.unwrap_or(1000.0))).map_err(refused)?)
            }
            Axis::Across => {
                Self::Across(Welch::new(across(options.segment_km.unwrap_or(50.0))).map_err(refused)?)
            }
            Axis::Both => {
                let (along, across) = (
                    along(options.segment_km.unwrap_or(1000.0)),
                    across(options.segment_across_km),
                );
                let plane = Plane::new(along, across).map_err(refused)?;
                let narrowest = geometry
                    .swaths
                    .iter()
                    .map(|(group, pixels)| sides(group, *pixels, 0).1)
                    .min();
                if across.samples > narrowest.unwrap_or(0) {
                    let reason = format!(
                        "expected at most a side of the swath, {:.0} km, found {:.0} km",
                        narrowest.unwrap_or(0) as f64 * geometry.across_km,
                        options.segment_across_km
                    );
                    return Err(Error::option("--segment-across", reason));
                }
                Self::Both(plane)
            }
        })
    }

    /// Along (for two dimensions) or across.
    pub(super) fn segments(&self) -> &SegmentOptions {
        match self {
            Self::Along(welch) | Self::Across(welch) => welch.options(),
            Self::Both(plane) => plane.along(),
        }
    }

    pub(super) fn segment_km(&self) -> f64 {
        self.segments().samples as f64 * self.segments().spacing
    }

    pub(super) fn begin(&self, group: &str, pixels: usize, is_cross: bool) -> Estimate<'_> {
        match self {
            Self::Along(welch) => Estimate::Along(AlongTrack::new(welch, pixels, is_cross)),
            Self::Across(welch) => Estimate::Across(AcrossTrack::new(welch, is_cross)),
            Self::Both(plane) => {
                let (ranges, _) = sides(group, pixels, plane.across().samples);
                let rectangles = ranges.into_iter().map(|range| (range, Rectangles::new(plane)));
                Estimate::Both(rectangles.collect())
            }
        }
    }
}

/// The pixels of the rectangles of a swath: in the middle of each of its sides; and the pixels of a side.
fn sides(group: &str, pixels: usize, width: usize) -> (Vec<Range<usize>>, usize) {
    // Groups hold one side each (250 m products); else the nadir is in the middle.
    let (sides, side) = if group.is_empty() && pixels > 1 {
        (2, pixels / 2)
    } else {
        (1, pixels)
    };
    let start = |index: usize| {
        let middle = side.saturating_sub(width) / 2;
        if index == 0 {
            middle
        } else {
            pixels - middle - width
        }
    };
    let ranges = (0..sides)
        .filter(|_| width <= side)
        .map(|index| start(index)..start(index) + width);
    (ranges.collect(), side)
}

impl Estimate<'_> {
    /// Adds lines of one field, or of two: a range of their values.
    pub(super) fn push(&mut self, width: usize, fields: &[&StoredField], range: Range<usize>) {
        if let Self::Along(along) = self {
            let stored: Vec<_> = fields
                .iter()
                .map(|field| (&field.packing, &field.values))
                .collect();
            return along.push_stored(&stored, range);
        }
        let width = width.max(1);
        let mut both = [Vec::new(), Vec::new()];
        for start in range.clone().step_by(LINES * width) {
            let some = start..range.end.min(start + LINES * width);
            for (field, values) in fields.iter().zip(&mut both) {
                field.decode(some.clone(), values);
            }
            let [first, second] = &both;
            self.push_lines(width, first, (fields.len() > 1).then_some(second));
        }
    }

    /// Adds true values line by line.
    fn push_lines(&mut self, width: usize, first: &[f64], second: Option<&Vec<f64>>) {
        match (self, second) {
            (Self::Along(_), _) => {}
            (Self::Across(across), None) => first.chunks(width).for_each(|line| across.push_line(line)),
            (Self::Across(across), Some(second)) => {
                let lines = first.chunks(width).zip(second.chunks(width));
                lines.for_each(|(first, second)| across.push_pair(first, second));
            }
            (Self::Both(sides), _) => {
                for (range, rectangles) in sides {
                    let lines = first.chunks(width);
                    lines.for_each(|line| rectangles.push_line(line.get(range.clone()).unwrap_or_default()));
                }
            }
        }
    }

    pub(super) fn skip(&mut self, lines: usize) {
        match self {
            Self::Along(along) => along.skip_lines(lines),
            Self::Across(_) => {}
            Self::Both(sides) => sides
                .iter_mut()
                .for_each(|(_, rectangles)| rectangles.skip_lines(lines)),
        }
    }

    pub(super) fn finish(self) -> Option<Sum> {
        match self {
            Self::Along(along) => Some(Sum::Lines(along.finish())),
            Self::Across(across) => Some(Sum::Lines(across.finish())),
            Self::Both(sides) => {
                let sums = sides.into_iter().map(|(_, rectangles)| rectangles.finish());
                let total = sums.reduce(|mut total, side| {
                    total.merge(&side);
                    total
                });
                total.map(Sum::Plane)
            }
        }
    }
}

impl Sum {
    pub(super) fn merge(&mut self, other: &Self) {
        match (self, other) {
            (Self::Lines(own), Self::Lines(other)) => own.merge(other),
            (Self::Plane(own), Self::Plane(other)) => own.merge(other),
            // One estimator makes sums of one kind.
            (Self::Lines(_), Self::Plane(_)) | (Self::Plane(_), Self::Lines(_)) => {}
        }
    }

    pub(super) fn count(&self) -> u64 {
        match self {
            Self::Lines(sums) => sums.count(),
            Self::Plane(sums) => sums.rectangles,
        }
    }

    fn bytes(&self) -> usize {
        8 * match self {
            Self::Lines(sums) => sums.xx.len() + sums.yy.len() + 2 * sums.xy_real.len(),
            Self::Plane(sums) => sums.density.len(),
        }
    }

    /// Bytes of several.
    pub(super) fn bytes_of(sums: &[Self]) -> usize {
        sums.iter().map(Self::bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::sides;

    #[test]
    fn rectangles_lie_in_the_middle_of_each_side() {
        assert_eq!(sides("", 69, 25), (vec![4..29, 40..65], 34));
        let (rectangles, half) = sides("left", 240, 200);
        assert_eq!(
            (rectangles.as_slice(), half),
            (std::slice::from_ref(&(20..220)), 240)
        );
        assert_eq!(sides("", 69, 40), (vec![], 34));
    }
}
