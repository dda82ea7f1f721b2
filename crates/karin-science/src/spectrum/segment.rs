//! Series into segments, sample by sample, so that a pass of any length takes the memory of one segment.

use super::SegmentOptions;

/// Cuts one or two series (of the same places) into segments.
///
/// A sample is valid where every series has a value. A *section* runs from a valid sample to the last one before a hole
/// longer than the rule allows (or a break); holes inside it are filled by straight lines. Segments follow one another from
/// the start of the section, `step` apart; what remains at its end is dropped, as are segments with too few values.
pub(super) struct Segmenter {
    samples: usize,
    step: usize,
    longest_hole: usize,
    least_values: usize,
    /// The series since the start of the current segment, filled.
    held: [Vec<f64>; 2],
    /// Which of them are values.
    is_value: Vec<bool>,
    /// The last value of the section, also where the next segment begins behind it; none outside of sections.
    last: Option<[f64; 2]>,
    /// Invalid samples since.
    pending: usize,
}

impl Segmenter {
    pub(super) fn new(options: &SegmentOptions) -> Self {
        Self {
            samples: options.samples,
            step: options.step(),
            longest_hole: options.hole_samples(),
            least_values: options.least_values(),
            held: [Vec::new(), Vec::new()],
            is_value: Vec::new(),
            last: None,
            pending: 0,
        }
    }

    /// Ends the section.
    pub(super) fn end(&mut self) {
        self.held.iter_mut().for_each(Vec::clear);
        self.is_value.clear();
        self.last = None;
        self.pending = 0;
    }

    /// Adds a sample; `emit` gets every segment that becomes whole.
    pub(super) fn push(&mut self, sample: [f64; 2], emit: &mut impl FnMut([&[f64]; 2])) {
        if !(sample[0].is_finite() && sample[1].is_finite()) {
            if self.last.is_some() {
                self.pending += 1;
                if self.pending > self.longest_hole {
                    self.end();
                }
            }
            return;
        }
        if let Some(last) = self.last.replace(sample) {
            self.fill(last, sample, emit);
        }
        self.add(sample, true, emit);
    }

    /// Fills the hole between two values.
    fn fill(&mut self, last: [f64; 2], next: [f64; 2], emit: &mut impl FnMut([&[f64]; 2])) {
        let count = std::mem::take(&mut self.pending);
        for index in 1..=count {
            let part = index as f64 / (count + 1) as f64;
            let between = [0, 1].map(|series: usize| last[series] + part * (next[series] - last[series]));
            self.add(between, false, emit);
        }
    }

    fn add(&mut self, sample: [f64; 2], is_value: bool, emit: &mut impl FnMut([&[f64]; 2])) {
        self.held[0].push(sample[0]);
        self.held[1].push(sample[1]);
        self.is_value.push(is_value);
        if self.is_value.len() < self.samples {
            return;
        }
        if self.is_value.iter().filter(|is_value| **is_value).count() >= self.least_values {
            emit([&self.held[0], &self.held[1]]);
        }
        for held in &mut self.held {
            held.drain(..self.step);
        }
        self.is_value.drain(..self.step);
    }
}
