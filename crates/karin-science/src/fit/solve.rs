//! The normal equations of one window: what noise of the pixels does to its coefficients.

use std::cmp::Ordering;

use super::TERMS;
use super::kernel::Kernel;
use super::moments::{MASK, MaskMoments, moment};

/// Powers of the places along and left of the terms of a surface.
const POWERS: [(usize, usize); TERMS] = [(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2)];
/// Terms of a plane.
const PLANE: usize = 3;
/// A pivot that has lost more than this to the terms before leaves the surface undetermined.
pub(super) const LEAST_PIVOT: f64 = 1e-10;

/// The normal equations of a window, factored, or undetermined.
pub(crate) struct Normal {
    terms: usize,
    lower: Option<Lower>,
}

/// A lower triangle; its diagonal holds reciprocals.
type Lower = [[f64; TERMS]; TERMS];

impl Normal {
    /// Factors the normal matrix that the moments of the valid pixels make.
    pub(crate) fn new(moments: &MaskMoments, kernel: &Kernel) -> Self {
        let enough = moments[0] >= kernel.least;
        let lower = enough.then(|| normal_matrix(moments)).and_then(|matrix| {
            if kernel.terms == TERMS {
                factor::<TERMS>(&matrix)
            } else {
                factor::<PLANE>(&matrix)
            }
        });
        Self {
            terms: kernel.terms,
            lower,
        }
    }

    /// The coefficients of the surface; NaN if they are not determined, and those beyond its degree.
    fn solve(&self, moments: [f64; TERMS]) -> [f64; TERMS] {
        match &self.lower {
            Some(lower) if self.terms == TERMS => substitute::<TERMS>(lower, moments),
            Some(lower) => substitute::<PLANE>(lower, moments),
            None => [f64::NAN; TERMS],
        }
    }

    /// Covariances of the coefficients for noise of variance 1 at every pixel, given the moments with squared weights:
    /// `N^-1 V N^-1`.
    pub(crate) fn covariances(&self, squared: &MaskMoments) -> Option<[[f64; TERMS]; TERMS]> {
        self.lower.as_ref()?;
        let spread = normal_matrix(squared);
        let once: [[f64; TERMS]; TERMS] = std::array::from_fn(|row| self.solve(spread[row]));
        Some(std::array::from_fn(|row| {
            self.solve(std::array::from_fn(|column| once[column][row]))
        }))
    }
}

/// Which moment is an entry of the normal matrix.
pub(super) const fn moment_of(row: usize, column: usize) -> usize {
    moment(POWERS[row].0 + POWERS[column].0, POWERS[row].1 + POWERS[column].1)
}

fn normal_matrix(moments: &[f64; MASK]) -> [[f64; TERMS]; TERMS] {
    std::array::from_fn(|row| std::array::from_fn(|column| moments[moment_of(row, column)]))
}

/// The Cholesky factor of the leading part of a symmetric positive matrix; `None` if it is near singular.
fn factor<const N: usize>(matrix: &[[f64; TERMS]; TERMS]) -> Option<Lower> {
    let mut lower = [[0.0; TERMS]; TERMS];
    for row in 0..N {
        for column in 0..row {
            let mut rest = matrix[row][column];
            for (own, other) in lower[row].iter().zip(&lower[column]).take(column) {
                rest -= own * other;
            }
            lower[row][column] = rest * lower[column][column];
        }
        let mut rest = matrix[row][row];
        for own in lower[row].iter().take(row) {
            rest -= own * own;
        }
        if rest.partial_cmp(&(LEAST_PIVOT * matrix[row][row])) != Some(Ordering::Greater) {
            return None;
        }
        lower[row][row] = 1.0 / rest.sqrt();
    }
    Some(lower)
}

/// The solution with a factored matrix; NaN beyond its size.
fn substitute<const N: usize>(lower: &Lower, right: [f64; TERMS]) -> [f64; TERMS] {
    let mut solution = [f64::NAN; TERMS];
    for row in 0..N {
        let mut rest = right[row];
        for k in 0..row {
            rest -= lower[row][k] * solution[k];
        }
        solution[row] = rest * lower[row][row];
    }
    for row in (0..N).rev() {
        let mut rest = solution[row];
        for k in row + 1..N {
            rest -= lower[k][row] * solution[k];
        }
        solution[row] = rest * lower[row][row];
    }
    solution
}
