//! Series into segments, piece by piece, so that a pass of any length takes the memory of one segment.

use std::ops::Range;

use multiversion::multiversion;

use super::SegmentOptions;

/// Samples that there is room for from the start; longer segments take it once they are filled.
const ROOM: usize = 1 << 12;

/// Samples whose validity is told by the bits of a word.
const WORD: usize = 64;

/// A bit for each of [`WORD`] values or fewer: 1 where it is a number and finite.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn values_of(values: &[f64]) -> u64 {
    const EXPONENT: u64 = 0x7ff << 52;
    let bit = |(place, value): (u32, &f64)| u64::from(value.to_bits() & EXPONENT != EXPONENT) << place;
    (0..).zip(values).map(bit).fold(0, |all, bit| all | bit)
}

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
    /// The series since the start of the current segment, filled; the second stays empty where there is one.
    held: [Vec<f64>; 2],
    /// Places among them that were filled, ascending.
    filled: Vec<usize>,
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
            held: [Vec::with_capacity(options.samples.min(ROOM)), Vec::new()],
            filled: Vec::new(),
            last: None,
            pending: 0,
        }
    }

    /// Ends the section.
    pub(super) fn end(&mut self) {
        self.held.iter_mut().for_each(Vec::clear);
        self.filled.clear();
        self.last = None;
        self.pending = 0;
    }

    /// Adds samples of one series (the second is empty) or two; `emit` gets every segment that becomes whole.
    pub(super) fn extend(&mut self, series: [&[f64]; 2], emit: &mut impl FnMut([&[f64]; 2])) {
        let count = series[0].len();
        for start in (0..count).step_by(WORD) {
            let end = count.min(start + WORD);
            let [first, second] = series.map(|own| own.get(start..end));
            let mut values = first.map_or(0, values_of) & second.map_or(u64::MAX, values_of);
            let mut at = start;
            while at < end {
                let run = (values.trailing_ones() as usize).min(end - at);
                self.add_values(series, at..at + run, emit);
                values = values.checked_shr(run as u32).unwrap_or(0);
                at += run;
                let missing = (values.trailing_zeros() as usize).min(end - at);
                self.skip(missing);
                values = values.checked_shr(missing as u32).unwrap_or(0);
                at += missing;
            }
        }
    }

    /// Says that so many samples have no value.
    pub(super) fn skip(&mut self, count: usize) {
        if self.last.is_some() {
            self.pending = self.pending.saturating_add(count);
            if self.pending > self.longest_hole {
                self.end();
            }
        }
    }

    /// Adds a run of values.
    fn add_values(&mut self, series: [&[f64]; 2], mut run: Range<usize>, emit: &mut impl FnMut([&[f64]; 2])) {
        let sample = |at: usize| [series[0][at], series[1].get(at).copied().unwrap_or(0.0)];
        if run.is_empty() {
            return;
        }
        if let Some(last) = self.last.replace(sample(run.end - 1))
            && self.pending > 0
        {
            self.fill(last, sample(run.start), !series[1].is_empty(), emit);
        }
        while !run.is_empty() {
            let part = run.start..run.end.min(run.start + self.samples - self.held[0].len());
            run.start = part.end;
            for (held, series) in self.held.iter_mut().zip(series) {
                held.extend_from_slice(series.get(part.clone()).unwrap_or_default());
            }
            self.emit_whole(emit);
        }
    }

    /// Fills the hole between two values.
    fn fill(&mut self, last: [f64; 2], next: [f64; 2], is_pair: bool, emit: &mut impl FnMut([&[f64]; 2])) {
        let count = std::mem::take(&mut self.pending);
        for index in 1..=count {
            let part = index as f64 / (count + 1) as f64;
            self.filled.push(self.held[0].len());
            for (series, held) in self.held.iter_mut().enumerate().take(if is_pair { 2 } else { 1 }) {
                held.push(last[series] + part * (next[series] - last[series]));
            }
            self.emit_whole(emit);
        }
    }

    /// Gives away the segment, if it is whole, and goes on to the next.
    fn emit_whole(&mut self, emit: &mut impl FnMut([&[f64]; 2])) {
        if self.held[0].len() < self.samples {
            return;
        }
        if self.samples - self.filled.len() >= self.least_values {
            emit([&self.held[0], &self.held[1]]);
        }
        for held in &mut self.held {
            held.drain(..self.step.min(held.len()));
        }
        let step = self.step;
        self.filled.retain(|at| *at >= step);
        self.filled.iter_mut().for_each(|at| *at -= step);
    }
}
