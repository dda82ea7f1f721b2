//! Power spectra along the flight, across it and in both directions; cross-spectra and coherence of two fields.
//!
//! ```text
//!   lines ──> Segmenter (one per pixel column: sections between holes, segments of them) ──> Welch (detrend, window,
//!   transform) ──> Sums (per column; they add up over granules) ──> Spectrum (means, confidence, coherence)
//! ```
//!
//! Estimator: Welch (1967), IEEE Trans. Audio Electroacoust. 15, 70–73. Wavenumbers are in cycles per unit of the spacing
//! (cycles per kilometre for kilometres), densities in squared units of the field per cycle per unit of length:
//! one-sided, so that the sum of density times wavenumber step is the mean square of the windowed segment.
//! The sums are plain additions in the order of the calls: the same calls give the same bits.

mod across;
mod along;
mod confidence;
mod cross;
mod detrend;
mod options;
mod plane;
mod requirement;
mod segment;
mod sums;
mod tile;
mod welch;
mod window;

pub use across::AcrossTrack;
pub use along::AlongTrack;
pub use confidence::{chi_squared_quantile, coherence_significance, confidence_factors, degrees_of_freedom};
pub use cross::{coherence_squared, phase_degrees};
pub use detrend::Detrend;
pub use options::SegmentOptions;
pub use plane::{Plane, PlaneSums, Rectangles};
pub use requirement::{REQUIREMENT_WAVELENGTHS_KM, requirement_cm2_per_cpkm};
pub use sums::Sums;
pub use welch::Welch;
pub use window::Window;

#[cfg(test)]
mod tests;
