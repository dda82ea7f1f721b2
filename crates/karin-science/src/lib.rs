//! What the numbers of a swath mean: derivatives, currents, filters, spectra, calibration, editing, eddies.
//!
//! Scope: pure numerics on slices. A field is `&[f64]` of [`Extent`] lines x pixels, row-major, along the flight first,
//! NaN where there is no value; heights in metres, angles in degrees at the interface, speeds in m/s, lengths in metres.
//! Not here: files, selections, memory budgets, threads (the callers run one granule per thread), drawing.
#![forbid(unsafe_code)]

mod extent;
mod refused;
pub mod spectrum;

pub use extent::Extent;
pub use refused::Refused;
