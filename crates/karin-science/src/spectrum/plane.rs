//! Spectra in two dimensions: along and across the flight.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};
use rustfft::{Fft, FftPlanner};

use super::SegmentOptions;
use crate::Refused;

/// Rectangles of a swath, their window and their transform. Shared by threads.
///
/// Density of a rectangle `z` of `m` lines `d` apart by `n` pixels `e` apart, window `w = w_m ⊗ w_n`:
/// `P(k, l) = 2 d e |F(w·z)|² / Σw²` for wavenumbers `k ≥ 0` along (once at 0 and, for even `m`, at the last) and `l` of
/// both signs across. The sum of density times both wavenumber steps is the mean square of the windowed rectangle.
/// The plane of least squares (or the mean) is taken off first. Cost: `O(mn log mn)` per rectangle.
#[derive(Clone)]
pub struct Plane {
    along: SegmentOptions,
    across: SegmentOptions,
    windows: [Vec<f64>; 2],
    scale: Vec<f64>,
    lines: Arc<dyn RealToComplex<f64>>,
    pixels: Arc<dyn Fft<f64>>,
}

impl std::fmt::Debug for Plane {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Plane({:?} x {:?})", self.along, self.across)
    }
}

/// Densities added up over rectangles: wavenumbers along x wavenumbers across. They merge by addition.
#[derive(Clone, Debug, PartialEq)]
pub struct PlaneSums {
    /// Rectangles.
    pub rectangles: u64,
    /// Densities, `along.samples / 2 + 1` rows of `across.samples`, wavenumbers across ascending from the most negative.
    pub density: Vec<f64>,
}

impl PlaneSums {
    /// Adds the sums of other rectangles.
    pub fn merge(&mut self, other: &Self) {
        self.rectangles += other.rectangles;
        for (own, other) in self.density.iter_mut().zip(&other.density) {
            *own += other;
        }
    }

    /// The mean density; NaN without rectangles.
    pub fn mean(&self) -> Vec<f64> {
        let scale = if self.rectangles == 0 {
            f64::NAN
        } else {
            1.0 / self.rectangles as f64
        };
        self.density.iter().map(|sum| sum * scale).collect()
    }
}

impl Plane {
    /// Rectangles of these segments along and across. Overlap, detrending and rules for holes are those of `along`; the
    /// window of each direction is its own.
    ///
    /// # Errors
    /// If an option makes no sense.
    pub fn new(along: SegmentOptions, across: SegmentOptions) -> Result<Self, Refused> {
        along.check()?;
        across.check()?;
        let windows = [&along, &across].map(|options| options.window.weights(options.samples));
        let power: f64 = windows
            .iter()
            .map(|window| window.iter().map(|w| w * w).sum::<f64>())
            .product();
        if power <= 0.0 {
            return Err(Refused::new("window", "it leaves nothing of so short a segment"));
        }
        let m = along.samples;
        let scale = (0..=m / 2).map(|index| {
            let sides = if index == 0 || 2 * index == m { 1.0 } else { 2.0 };
            sides * along.spacing * across.spacing / power
        });
        Ok(Self {
            along,
            across,
            windows,
            scale: scale.collect(),
            lines: RealFftPlanner::new().plan_fft_forward(m),
            pixels: FftPlanner::new().plan_fft_forward(across.samples),
        })
    }

    /// The segments along.
    pub fn along(&self) -> &SegmentOptions {
        &self.along
    }

    /// The segments across.
    pub fn across(&self) -> &SegmentOptions {
        &self.across
    }

    /// Nothing yet.
    pub fn sums(&self) -> PlaneSums {
        PlaneSums {
            rectangles: 0,
            density: vec![0.0; self.scale.len() * self.across.samples],
        }
    }

    /// Wavenumbers along, from 0.
    pub fn wavenumbers_along(&self) -> Vec<f64> {
        self.along.wavenumbers()
    }

    /// Wavenumbers across, ascending, of both signs: positive toward higher pixel numbers.
    pub fn wavenumbers_across(&self) -> Vec<f64> {
        let n = self.across.samples;
        let length = n as f64 * self.across.spacing;
        (0..n)
            .map(|index| (index as f64 - (n / 2) as f64) / length)
            .collect()
    }

    /// Fills the short holes of a rectangle along its columns; else the number of lines to pass over.
    fn fill(&self, rectangle: &mut [f64]) -> Result<(), usize> {
        let (n, longest) = (self.across.samples, self.along.hole_samples());
        let mut behind: Option<usize> = None;
        let mut values = 0;
        for column in 0..n {
            let mut hole = 0;
            for line in 0..self.along.samples {
                if rectangle[line * n + column].is_finite() {
                    hole = 0;
                    values += 1;
                } else {
                    hole += 1;
                    // A hole at either end has nothing to be filled from.
                    let is_edge = hole > line || line + 1 == self.along.samples;
                    if hole > longest || is_edge {
                        behind = behind.max(Some(line + 1));
                    }
                }
            }
        }
        if let Some(behind) = behind {
            return Err(behind.min(self.along.samples));
        }
        let least = (rectangle.len() as f64 * self.along.minimum_valid - 1e-9).ceil() as usize;
        if values < least {
            return Err(self.along.step());
        }
        for column in 0..n {
            fill_column(rectangle, n, column);
        }
        Ok(())
    }

    /// Adds the densities of a rectangle without holes.
    fn add(&self, rectangle: &mut [f64], sums: &mut PlaneSums) {
        let (m, n) = (self.along.samples, self.across.samples);
        self.along.detrend.apply_plane(rectangle, m, n);
        let half = m / 2 + 1;
        let mut transformed = vec![Complex::default(); half * n];
        let mut column = self.lines.make_input_vec();
        let mut spectrum = self.lines.make_output_vec();
        for pixel in 0..n {
            for (line, value) in column.iter_mut().enumerate() {
                *value = rectangle[line * n + pixel] * self.windows[0][line] * self.windows[1][pixel];
            }
            let done = self.lines.process(&mut column, &mut spectrum);
            debug_assert!(done.is_ok(), "the buffers were made for this transform");
            for (wavenumber, value) in spectrum.iter().enumerate() {
                transformed[wavenumber * n + pixel] = *value;
            }
        }
        // Every row of n values is transformed by itself.
        self.pixels.process(&mut transformed);
        for ((row, sums), scale) in transformed
            .chunks(n)
            .zip(sums.density.chunks_mut(n))
            .zip(&self.scale)
        {
            for (index, value) in row.iter().enumerate() {
                let at = (index + n / 2) % n;
                sums[at] += scale * value.norm_sqr();
            }
        }
        sums.rectangles += 1;
    }
}

/// Takes the lines of one side of a swath one after the other; sums the densities of its rectangles, `step` lines apart.
///
/// A rectangle with a hole longer than the rule allows along one of its columns, a hole at its ends, or too few values is
/// passed over: the next begins behind the last such hole. Memory: two rectangles.
pub struct Rectangles<'p> {
    plane: &'p Plane,
    held: Vec<f64>,
    filled: Vec<f64>,
    sums: PlaneSums,
}

impl<'p> Rectangles<'p> {
    /// For lines of as many pixels as a rectangle has.
    pub fn new(plane: &'p Plane) -> Self {
        Self {
            plane,
            held: Vec::new(),
            filled: Vec::new(),
            sums: plane.sums(),
        }
    }

    /// Adds the next line; lines of another width are no part of any rectangle.
    pub fn push_line(&mut self, values: &[f64]) {
        let (m, n) = (self.plane.along.samples, self.plane.across.samples);
        if values.len() != n {
            self.held.clear();
            return;
        }
        self.held.extend_from_slice(values);
        if self.held.len() < m * n {
            return;
        }
        self.filled.clone_from(&self.held);
        let pass_over = match self.plane.fill(&mut self.filled) {
            Ok(()) => {
                self.plane.add(&mut self.filled, &mut self.sums);
                self.plane.along.step()
            }
            Err(lines) => lines,
        };
        self.held.drain(..pass_over.clamp(1, m) * n);
    }

    /// Says that so many lines are missing here.
    pub fn skip_lines(&mut self, count: usize) {
        let missing = vec![f64::NAN; self.plane.across.samples];
        for _ in 0..count.min(self.plane.along.samples) {
            self.push_line(&missing);
        }
    }

    /// The sums. What is left of a rectangle is dropped.
    pub fn finish(self) -> PlaneSums {
        self.sums
    }
}

/// Fills the holes of a column, none of which reaches its ends, by straight lines.
fn fill_column(rectangle: &mut [f64], n: usize, column: usize) {
    let lines = rectangle.len() / n;
    let mut last = 0;
    for line in 1..lines {
        let value = rectangle[line * n + column];
        if !value.is_finite() {
            continue;
        }
        let before = rectangle[last * n + column];
        for inside in last + 1..line {
            let part = (inside - last) as f64 / (line - last) as f64;
            rectangle[inside * n + column] = before + part * (value - before);
        }
        last = line;
    }
}
