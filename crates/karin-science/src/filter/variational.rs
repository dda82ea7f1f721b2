//! Denoising by minimising a functional.

use std::ops::Range;

use super::cosines::Cosines;
use super::{Gaps, check};
use crate::{Extent, Refused};

/// Weights of the penalties, in pixels: a penalty of weight `λ` on the derivative of order `n` halves the amplitude of waves with
/// `λ (2π/wavelength)^(2n) = 1`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct VariationalOptions {
    /// Weight of the squared gradient.
    pub gradient: f64,
    /// Weight of the squared Laplacian.
    pub laplacian: f64,
    /// Weight of the squared gradient of the Laplacian.
    pub laplacian_gradient: f64,
    /// Largest residual relative to the field at which the iteration stops; 0 is 1e-10.
    pub tolerance: f64,
    /// Most iterations; 0 is 2,000.
    pub iterations: usize,
}

impl VariationalOptions {
    /// With the three weights.
    pub fn new(gradient: f64, laplacian: f64, laplacian_gradient: f64) -> Self {
        Self {
            gradient,
            laplacian,
            laplacian_gradient,
            ..Self::default()
        }
    }
}

/// The field `h` that minimises `Σ (h − h₀)² + λ₁ Σ |∇h|² + λ₂ Σ (Δh)² + λ₃ Σ |∇Δh|²`, the first sum over pixels with a value
/// (Gómez-Navarro et al. 2020, Remote Sens. 12, 734).
///
/// With `K = DᵀD` of the differences `D` of neighbouring pixels (none over the edges) that is
/// `(M + λ₁ K + λ₂ K² + λ₃ K³) h = M h₀`; `M` is 1 on values, 0 in gaps, which are filled smoothly on the way and emptied again where
/// [`Gaps::Kept`]. Solved by conjugate gradients, preconditioned by what the operator would be without gaps: that is a
/// product with cosine transforms. Answers `None` if it does not converge. A field without values comes back as it is.
///
/// Where more lines than two wavelengths of half amplitude follow one another without any value, what is before and behind is
/// solved by itself, and filled for one wavelength.
///
/// Cost: four cosine transforms and some thirty operations per pixel and iteration; one iteration without gaps, some tens
/// with those of a swath, more beside wide ones.
///
/// # Errors
/// If a weight is negative or not finite.
pub fn variational(
    field: &[f64],
    extent: Extent,
    options: &VariationalOptions,
    gaps: Gaps,
) -> Result<Option<Vec<f64>>, Refused> {
    check(field, extent);
    let weights = [options.gradient, options.laplacian, options.laplacian_gradient];
    if weights
        .iter()
        .any(|weight| !(weight.is_finite() && *weight >= 0.0))
    {
        return Err(Refused::new(
            "weight",
            format!("expected numbers from 0, found {weights:?}"),
        ));
    }
    let width = extent.num_pixels;
    let mut out = vec![f64::NAN; field.len()];
    for lines in sections(field, extent, wavelength(weights)) {
        let part = lines.start * width..lines.end * width;
        let own = Extent::new(lines.len(), width);
        let Some(solved) =
            Operator::new(&field[part.clone()], own, weights).solve(&field[part.clone()], options)
        else {
            return Ok(None);
        };
        out[part].copy_from_slice(&solved);
    }
    gaps.apply(field, &mut out);
    Ok(Some(out))
}

/// The longest wavelength, in lines, of which a penalty halves the amplitude.
fn wavelength(weights: [f64; 3]) -> usize {
    let lengths = weights
        .into_iter()
        .zip([0.5, 0.25, 1.0 / 6.0])
        .map(|(weight, root)| weight.powf(root));
    (std::f64::consts::TAU * lengths.fold(0.0, f64::max))
        .min(1e9)
        .ceil() as usize
        + 1
}

/// Lines that are solved together: values and what is at most `reach` lines from them.
fn sections(field: &[f64], extent: Extent, reach: usize) -> Vec<Range<usize>> {
    let mut sections: Vec<Range<usize>> = Vec::new();
    for (line, row) in field.chunks(extent.num_pixels.max(1)).enumerate() {
        if row.iter().all(|value| value.is_nan()) {
            continue;
        }
        let around = line.saturating_sub(reach)..extent.num_lines.min(line.saturating_add(reach + 1));
        match sections.last_mut() {
            Some(last) if around.start <= last.end => last.end = around.end,
            _ => sections.push(around),
        }
    }
    sections
}

struct Operator {
    extent: Extent,
    is_value: Vec<bool>,
    weights: [f64; 3],
}

impl Operator {
    fn new(field: &[f64], extent: Extent, weights: [f64; 3]) -> Self {
        Self {
            extent,
            is_value: field.iter().map(|value| !value.is_nan()).collect(),
            weights,
        }
    }

    /// `K x`: differences to the neighbours, added up.
    fn laplacian(&self, x: &[f64], out: &mut [f64]) {
        let (lines, width) = (self.extent.num_lines, self.extent.num_pixels);
        out.fill(0.0);
        for line in 0..lines {
            let row = line * width;
            for at in row..(row + width).saturating_sub(1) {
                let difference = x[at] - x[at + 1];
                out[at] += difference;
                out[at + 1] -= difference;
            }
            if line + 1 < lines {
                for at in row..row + width {
                    let difference = x[at] - x[at + width];
                    out[at] += difference;
                    out[at + width] -= difference;
                }
            }
        }
    }

    /// `(M + λ₁ K + λ₂ K² + λ₃ K³) x`.
    fn apply(&self, x: &[f64], out: &mut [f64], powers: &mut [Vec<f64>; 2]) {
        for ((out, x), is_value) in out.iter_mut().zip(x).zip(&self.is_value) {
            *out = if *is_value { *x } else { 0.0 };
        }
        let [now, next] = powers;
        now.copy_from_slice(x);
        let last = self.weights.iter().rposition(|weight| *weight > 0.0);
        for weight in self.weights.iter().take(last.map_or(0, |last| last + 1)) {
            self.laplacian(now, next);
            out.iter_mut()
                .zip(next.iter())
                .for_each(|(out, power)| *out += weight * power);
            std::mem::swap(now, next);
        }
    }

    fn solve(&self, field: &[f64], options: &VariationalOptions) -> Option<Vec<f64>> {
        let n = field.len();
        let right: Vec<f64> = field
            .iter()
            .map(|value| if value.is_nan() { 0.0 } else { *value })
            .collect();
        let tolerance = if options.tolerance > 0.0 {
            options.tolerance
        } else {
            1e-10
        };
        let most = if options.iterations > 0 {
            options.iterations
        } else {
            2_000
        };
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let mut powers = [vec![0.0; n], vec![0.0; n]];
        let mut solution = right.clone();
        let mut image = vec![0.0; n];
        self.apply(&solution, &mut image, &mut powers);
        let mut residual: Vec<f64> = right
            .iter()
            .zip(&image)
            .map(|(right, image)| right - image)
            .collect();
        let mut cosines = Cosines::new(self.extent, self.weights);
        let mut mended = vec![0.0; n];
        cosines.invert(&residual, &mut mended);
        let mut direction = mended.clone();
        let mut size = dot(&residual, &mended);
        let small = tolerance * tolerance * dot(&right, &right);
        for _ in 0..most {
            if dot(&residual, &residual) <= small {
                return Some(solution);
            }
            self.apply(&direction, &mut image, &mut powers);
            let step = size / dot(&direction, &image);
            if !step.is_finite() {
                return None;
            }
            for at in 0..n {
                solution[at] += step * direction[at];
                residual[at] -= step * image[at];
            }
            cosines.invert(&residual, &mut mended);
            let before = std::mem::replace(&mut size, dot(&residual, &mended));
            let share = size / before;
            for (direction, mended) in direction.iter_mut().zip(&mended) {
                *direction = mended + share * *direction;
            }
        }
        (dot(&residual, &residual) <= small).then_some(solution)
    }
}
