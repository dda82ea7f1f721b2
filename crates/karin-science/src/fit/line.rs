//! The normal equations of all pixels of a line at once, pixel beside pixel so that the loops vectorise.

use multiversion::multiversion;

use super::TERMS;
use super::kernel::Kernel;
use super::moments::MASK;
use super::solve::{LEAST_PIVOT, moment_of};

/// Entries of the lower triangle of a normal matrix.
const TRIANGLE: usize = TERMS * (TERMS + 1) / 2;

/// Where an entry of the lower triangle is.
const fn entry(row: usize, column: usize) -> usize {
    row * (row + 1) / 2 + column
}

/// Cholesky factors of a line of pixels. The diagonals hold reciprocals, NaN where the surface is undetermined.
pub(super) struct Factors {
    width: usize,
    terms: usize,
    least: f64,
    lower: Vec<f64>,
    rest: Vec<f64>,
}

impl Factors {
    pub(super) fn new(width: usize, kernel: &Kernel) -> Self {
        Self {
            width,
            terms: kernel.terms,
            least: kernel.least,
            lower: vec![0.0; TRIANGLE * width],
            rest: vec![0.0; width],
        }
    }

    /// Factors the normal matrices that the moments of the valid pixels make.
    pub(super) fn factor(&mut self, moments: &[f64]) {
        let width = self.width;
        debug_assert_eq!(moments.len(), MASK * width);
        for row in 0..self.terms {
            for column in 0..=row {
                let moment = moment_of(row, column);
                self.rest.copy_from_slice(&moments[moment * width..][..width]);
                for k in 0..column {
                    let one = &self.lower[entry(row, k) * width..][..width];
                    let other = &self.lower[entry(column, k) * width..][..width];
                    subtract_products(&mut self.rest, one, other);
                }
                let (before, own) = self.lower.split_at_mut(entry(row, column) * width);
                let own = &mut own[..width];
                if row == column {
                    let least = if row == 0 { self.least } else { 0.0 };
                    invert_roots(own, &self.rest, &moments[moment * width..][..width], least);
                } else {
                    multiply(own, &self.rest, &before[entry(column, column) * width..][..width]);
                }
            }
        }
    }

    /// Replaces the right-hand sides by the solutions.
    pub(super) fn solve(&self, sides: &mut [f64]) {
        let width = self.width;
        let lower = |row: usize, column: usize| &self.lower[entry(row, column) * width..][..width];
        for row in 0..self.terms {
            let (before, own) = sides.split_at_mut(row * width);
            for k in 0..row {
                subtract_products(&mut own[..width], lower(row, k), &before[k * width..][..width]);
            }
            scale(&mut own[..width], lower(row, row));
        }
        for row in (0..self.terms).rev() {
            let (before, after) = sides.split_at_mut((row + 1) * width);
            let own = &mut before[row * width..];
            for k in row + 1..self.terms {
                subtract_products(own, lower(k, row), &after[(k - row - 1) * width..][..width]);
            }
            scale(own, lower(row, row));
        }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn subtract_products(out: &mut [f64], one: &[f64], other: &[f64]) {
    for ((out, one), other) in out.iter_mut().zip(one).zip(other) {
        *out -= one * other;
    }
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn multiply(out: &mut [f64], one: &[f64], other: &[f64]) {
    for ((out, one), other) in out.iter_mut().zip(one).zip(other) {
        *out = one * other;
    }
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn scale(out: &mut [f64], factor: &[f64]) {
    for (out, factor) in out.iter_mut().zip(factor) {
        *out *= factor;
    }
}

/// Reciprocal roots of pivots; NaN where too little is left of one, or the matrix's own entry is below `least`.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn invert_roots(out: &mut [f64], pivots: &[f64], entries: &[f64], least: f64) {
    for ((out, pivot), entry) in out.iter_mut().zip(pivots).zip(entries) {
        let is_enough = *pivot > LEAST_PIVOT * entry && *entry >= least;
        *out = if is_enough { 1.0 / pivot.sqrt() } else { f64::NAN };
    }
}
