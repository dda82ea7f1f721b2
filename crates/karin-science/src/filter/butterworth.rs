//! Butterworth filters along the flight, forward and backward.

use std::f64::consts::PI;

use super::{Band, check};
use crate::{Extent, Refused};

/// Sections of second order of a digital Butterworth filter.
#[derive(Clone, Debug, PartialEq)]
pub struct Butterworth {
    sections: Vec<Section>,
    /// Samples that are added at each end, mirrored at the end.
    padding: usize,
}

/// `(b0 + b1 z⁻¹ + b2 z⁻²) / (1 + a1 z⁻¹ + a2 z⁻²)`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Section {
    b: [f64; 3],
    a: [f64; 2],
}

impl Butterworth {
    /// Of that order for a band of wavelengths at a spacing in the same unit. Bands between two wavelengths are a high-pass
    /// followed by a low-pass, each of that order. Half the power of waves of the cut-off passes each run, a quarter both.
    ///
    /// # Errors
    /// If the order is not 1 to 12, or the band makes no sense at this spacing.
    pub fn new(order: usize, band: Band, spacing: f64) -> Result<Self, Refused> {
        if !(1..=12).contains(&order) {
            return Err(Refused::new("order", format!("expected 1 to 12, found {order}")));
        }
        let frequencies = band.frequencies(spacing)?;
        let sections = match (band, frequencies.as_slice()) {
            (Band::Low(_), [frequency]) => sections(order, *frequency, false),
            (Band::High(_), [frequency]) => sections(order, *frequency, true),
            (_, [low, high]) => {
                let mut both = sections(order, *low, true);
                both.extend(sections(order, *high, false));
                both
            }
            _ => Vec::new(),
        };
        // As long as scipy.signal.sosfiltfilt pads.
        let short = sections.iter().filter(|section| section.b[2] == 0.0).count();
        let padding = 3 * (2 * sections.len() + 1 - short);
        Ok(Self { sections, padding })
    }

    /// Filters a series without holes, both ways: no wave is shifted. Mirrored through its ends (odd) before. `None` if it is
    /// not longer than the padding.
    pub fn both_ways(&self, series: &[f64]) -> Option<Vec<f64>> {
        let (n, padding) = (series.len(), self.padding);
        let (first, last) = (*series.first()?, *series.last()?);
        if n <= padding {
            return None;
        }
        let mut extended = Vec::with_capacity(n + 2 * padding);
        extended.extend((1..=padding).rev().map(|index| 2.0 * first - series[index]));
        extended.extend_from_slice(series);
        extended.extend((1..=padding).map(|index| 2.0 * last - series[n - 1 - index]));
        self.run(&mut extended);
        extended.reverse();
        self.run(&mut extended);
        extended.reverse();
        Some(extended[padding..padding + n].to_vec())
    }

    /// One way, starting as if the first value had lasted for ever.
    fn run(&self, series: &mut [f64]) {
        let mut start = series.first().copied().unwrap_or(0.0);
        for section in &self.sections {
            let gain = section.b.iter().sum::<f64>() / (1.0 + section.a[0] + section.a[1]);
            let second = section.b[2] - section.a[1] * gain;
            let first = section.b[1] - section.a[0] * gain + second;
            let mut state = [first * start, second * start];
            start *= gain;
            for value in series.iter_mut() {
                let input = *value;
                let output = section.b[0] * input + state[0];
                state[0] = section.b[1] * input - section.a[0] * output + state[1];
                state[1] = section.b[2] * input - section.a[1] * output;
                *value = output;
            }
        }
    }
}

/// Sections of a low- or high-pass by the bilinear transform of the analogue poles.
fn sections(order: usize, frequency: f64, is_high: bool) -> Vec<Section> {
    let warped = (PI * frequency).tan();
    let sign = if is_high { -1.0 } else { 1.0 };
    let mut sections = Vec::new();
    if order % 2 == 1 {
        let scale = 1.0 / (1.0 + warped);
        let b = if is_high { scale } else { warped * scale };
        sections.push(Section {
            b: [b, sign * b, 0.0],
            a: [(warped - 1.0) * scale, 0.0],
        });
    }
    for pair in 0..order / 2 {
        // Poles at an angle from the negative axis: the damping of a pair of them.
        let angle = PI * (2 * pair + 1) as f64 / (2 * order) as f64;
        let damping = 2.0 * angle.sin();
        let square = warped * warped;
        let scale = 1.0 / (1.0 + damping * warped + square);
        let b = if is_high { scale } else { square * scale };
        sections.push(Section {
            b: [b, sign * 2.0 * b, b],
            a: [
                2.0 * (square - 1.0) * scale,
                (1.0 - damping * warped + square) * scale,
            ],
        });
    }
    sections
}

/// Filters every pixel column along the flight. Gaps cut a column into sections that are filtered each by itself; sections
/// not longer than the padding (three times the number of coefficients) give NaN. Gaps are kept. Cost: some ten operations
/// per section of second order and pixel.
pub fn butterworth(field: &[f64], extent: Extent, design: &Butterworth) -> Vec<f64> {
    check(field, extent);
    let mut out = vec![f64::NAN; field.len()];
    for pixel in 0..extent.num_pixels {
        let column: Vec<f64> = (0..extent.num_lines)
            .map(|line| field[extent.index(line, pixel)])
            .collect();
        let mut line = 0;
        for section in column.split(|value| value.is_nan()) {
            if let Some(filtered) = design.both_ways(section) {
                for (index, value) in filtered.into_iter().enumerate() {
                    out[extent.index(line + index, pixel)] = value;
                }
            }
            line += section.len() + 1;
        }
    }
    out
}
