//! How series are cut into segments.

use super::{Detrend, Window};
use crate::Refused;

/// How a series is cut, and what is done to each segment before its transform.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct SegmentOptions {
    /// Samples of a segment.
    pub samples: usize,
    /// Distance between samples; wavenumbers are in cycles per unit of it.
    pub spacing: f64,
    /// Share of a segment that the next one repeats, from 0 to less than 1.
    pub overlap: f64,
    /// Taper.
    pub window: Window,
    /// What is taken off.
    pub detrend: Detrend,
    /// Longest hole that is filled by linear interpolation, as a share of the segment; longer holes end a section.
    pub longest_hole: f64,
    /// Least share of a segment's samples that must be values and not filled.
    pub minimum_valid: f64,
}

impl SegmentOptions {
    /// Segments of so many samples so far apart: Hann, half overlapping, detrended by a line, holes up to 1 % of the segment
    /// filled (the rule of the casys toolbox), at least 90 % values.
    pub fn new(samples: usize, spacing: f64) -> Self {
        Self {
            samples,
            spacing,
            overlap: 0.5,
            window: Window::Hann,
            detrend: Detrend::Linear,
            longest_hole: 0.01,
            minimum_valid: 0.9,
        }
    }

    /// The same with another overlap.
    pub fn with_overlap(mut self, overlap: f64) -> Self {
        self.overlap = overlap;
        self
    }

    /// The same with another taper.
    pub fn with_window(mut self, window: Window) -> Self {
        self.window = window;
        self
    }

    /// The same with another trend taken off.
    pub fn with_detrend(mut self, detrend: Detrend) -> Self {
        self.detrend = detrend;
        self
    }

    /// The same with other rules for holes: the longest that is filled, and the least share of values.
    pub fn with_holes(mut self, longest_hole: f64, minimum_valid: f64) -> Self {
        self.longest_hole = longest_hole;
        self.minimum_valid = minimum_valid;
        self
    }

    /// Samples from the start of a segment to the start of the next: at least 1.
    pub fn step(&self) -> usize {
        let shared = (self.samples as f64 * self.overlap) as usize;
        (self.samples - shared.min(self.samples)).max(1)
    }

    /// Longest hole that is filled, in samples.
    pub fn hole_samples(&self) -> usize {
        (self.samples as f64 * self.longest_hole + 1e-9) as usize
    }

    /// Least number of values in a segment.
    pub fn least_values(&self) -> usize {
        (self.samples as f64 * self.minimum_valid - 1e-9).ceil() as usize
    }

    /// Wavenumbers of the densities: `0, 1/(nd), …`, up to half the sampling wavenumber.
    pub fn wavenumbers(&self) -> Vec<f64> {
        let length = self.samples as f64 * self.spacing;
        (0..=self.samples / 2)
            .map(|index| index as f64 / length)
            .collect()
    }

    pub(super) fn check(&self) -> Result<(), Refused> {
        if !(4..=1 << 24).contains(&self.samples) {
            let reason = format!(
                "expected 4 to 16,777,216 samples, found {}: choose a segment that is several times the spacing",
                self.samples
            );
            return Err(Refused::new("segment", reason));
        }
        if !(self.spacing > 0.0 && self.spacing.is_finite()) {
            return Err(Refused::new(
                "spacing",
                format!("expected more than 0, found {}", self.spacing),
            ));
        }
        if !(0.0..1.0).contains(&self.overlap) {
            let reason = format!("expected from 0 to less than 1, found {}", self.overlap);
            return Err(Refused::new("overlap", reason));
        }
        for (option, share) in [
            ("longest hole", self.longest_hole),
            ("minimum valid", self.minimum_valid),
        ] {
            if !(0.0..=1.0).contains(&share) {
                return Err(Refused::new(
                    option,
                    format!("expected a share from 0 to 1, found {share}"),
                ));
            }
        }
        Ok(())
    }
}
