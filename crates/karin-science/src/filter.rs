//! Filters of swath fields with gaps.
//!
//! All of them take a field of an [`Extent`] with NaN where there is no value, and give a new one. What they do at gaps and
//! edges is said of each; [`Gaps`] says whether pixels without a value stay without one. [`Filter`] is the catalogue of names
//! by which expressions know them, in kilometres.

mod band;
mod butterworth;
mod convolution;
mod cosines;
mod diffusion;
mod kernel;
mod median;
mod nadir_gap;
mod named;
mod savitzky_golay;
mod variational;

pub use band::Band;
pub use butterworth::{Butterworth, butterworth};
pub use convolution::{Separable, filter};
pub use diffusion::{DiffusionOptions, diffuse};
pub use kernel::{boxcar, gaussian, lanczos};
pub use median::median;
pub(crate) use median::middle;
pub use nadir_gap::fill_nadir_gap;
pub use named::{Filter, Spacing};
pub use savitzky_golay::savitzky_golay;
pub use variational::{VariationalOptions, variational};

use crate::Extent;

/// What becomes of pixels without a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Gaps {
    /// They stay without one.
    #[default]
    Kept,
    /// They get what the filter makes of their neighbours, where it reaches any.
    Filled,
}

impl Gaps {
    /// Takes values away from where the original has none, if gaps are kept.
    fn apply(self, original: &[f64], filtered: &mut [f64]) {
        if self == Self::Kept {
            for (value, original) in filtered.iter_mut().zip(original) {
                if original.is_nan() {
                    *value = f64::NAN;
                }
            }
        }
    }
}

/// Fails early where a field has another length than its extent says: an error of the program, not of its input.
fn check(field: &[f64], extent: Extent) {
    assert_eq!(
        field.len(),
        extent.len(),
        "a field of another length than its extent"
    );
}

#[cfg(test)]
mod tests;
