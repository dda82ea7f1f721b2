//! The transform of a segment.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use super::{SegmentOptions, Sums};
use crate::Refused;

/// What segments of one length have in common: window, scale, transform. Shared by threads.
///
/// Density of a segment `x` of `n` samples a distance `d` apart, window `w`:
/// `P(k) = 2 d |F(w·x)|² / Σw²` (once instead of twice at wavenumber 0 and, for even `n`, at the last).
/// Cross-density of two: `conj(F(w·x)) F(w·y)` in the same scale. Cost: one real transform, `O(n log n)`, per series.
#[derive(Clone)]
pub struct Welch {
    pub(super) options: SegmentOptions,
    window: Vec<f64>,
    /// Factor of every wavenumber.
    scale: Vec<f64>,
    transform: Arc<dyn RealToComplex<f64>>,
}

impl std::fmt::Debug for Welch {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Welch({:?})", self.options)
    }
}

impl Welch {
    /// For segments of these options.
    ///
    /// # Errors
    /// If an option makes no sense.
    pub fn new(options: SegmentOptions) -> Result<Self, Refused> {
        options.check()?;
        let n = options.samples;
        let window = options.window.weights(n);
        let power: f64 = window.iter().map(|weight| weight * weight).sum();
        if power <= 0.0 {
            return Err(Refused::new("window", "it leaves nothing of so short a segment"));
        }
        let scale = (0..=n / 2).map(|index| {
            let sides = if index == 0 || 2 * index == n { 1.0 } else { 2.0 };
            sides * options.spacing / power
        });
        Ok(Self {
            options,
            window,
            scale: scale.collect(),
            transform: RealFftPlanner::new().plan_fft_forward(n),
        })
    }

    /// The options.
    pub fn options(&self) -> &SegmentOptions {
        &self.options
    }

    /// Wavenumbers of the densities.
    pub fn wavenumbers(&self) -> Vec<f64> {
        self.options.wavenumbers()
    }

    /// The weights of the samples.
    pub fn window(&self) -> &[f64] {
        &self.window
    }
}

/// Room for the transforms of one thread.
pub(super) struct Workspace<'w> {
    pub(super) welch: &'w Welch,
    series: Vec<f64>,
    scratch: Vec<Complex<f64>>,
    spectra: [Vec<Complex<f64>>; 2],
}

impl<'w> Workspace<'w> {
    pub(super) fn new(welch: &'w Welch) -> Self {
        let transform = welch.transform.as_ref();
        Self {
            welch,
            series: transform.make_input_vec(),
            scratch: transform.make_scratch_vec(),
            spectra: [transform.make_output_vec(), transform.make_output_vec()],
        }
    }

    fn transform(&mut self, segment: &[f64], at: usize) {
        self.welch
            .options
            .detrend
            .taper(segment, &self.welch.window, &mut self.series);
        let spectrum = &mut self.spectra[at];
        let done = self
            .welch
            .transform
            .process_with_scratch(&mut self.series, spectrum, &mut self.scratch);
        debug_assert!(done.is_ok(), "the buffers were made for this transform");
    }

    /// Adds the densities of a segment (or of two segments of the same places) to those of a column.
    pub(super) fn add(&mut self, segments: [&[f64]; 2], sums: &mut Sums, column: usize) {
        self.transform(segments[0], 0);
        if sums.is_cross() {
            self.transform(segments[1], 1);
        }
        let [x, y] = &self.spectra;
        let scale = &self.welch.scale;
        let at = sums.columns_at(column);
        sums.segments[column] += 1;
        for ((sum, x), scale) in sums.xx[at.clone()].iter_mut().zip(x).zip(scale) {
            *sum += scale * x.norm_sqr();
        }
        if !sums.is_cross() {
            return;
        }
        for ((sum, y), scale) in sums.yy[at.clone()].iter_mut().zip(y).zip(scale) {
            *sum += scale * y.norm_sqr();
        }
        let real = sums.xy_real[at.clone()].iter_mut();
        let cross = real.zip(&mut sums.xy_imaginary[at]);
        for ((x, y), (scale, (real, imaginary))) in x.iter().zip(y).zip(scale.iter().zip(cross)) {
            let product = x.conj() * y * scale;
            *real += product.re;
            *imaginary += product.im;
        }
    }
}
