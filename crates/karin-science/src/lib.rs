//! What the numbers of a swath mean: derivatives, currents, filters, spectra, calibration, editing, eddies.
//!
//! Scope: pure numerics on slices. A field is `&[f64]` of [`Extent`] lines x pixels, row-major, along the flight first,
//! NaN where there is no value; heights in metres, angles in degrees at the interface, speeds in m/s, lengths in metres.
//! Not here: files, selections, memory budgets, threads (the callers run one granule per thread), drawing.
//!
//! ```text
//!   latitude, longitude ──> Metric (spacings, headings, f: once per pass)
//!   height + Metric ──> slopes (stencil | fit | curvilinear) ──> Current ──> Deformation, Cyclogeostrophy, Noise
//!   Quantity (the catalogue of names) + Method ──> compute_all: all of these by name, sharing work
//! ```
#![forbid(unsafe_code)]

pub mod calibration;
pub mod currents;
pub mod curvilinear;
pub mod cyclogeostrophy;
mod deformation;
pub mod eddy;
pub mod editing;
pub mod equator;
mod error;
mod extent;
pub mod filter;
pub mod fit;
pub mod front;
mod linear;
mod method;
mod metric;
pub mod noise;
mod quantity;
mod refused;
pub mod spectrum;
pub mod sphere;
pub mod stencil;

pub use currents::{Current, laplacian};
pub use cyclogeostrophy::Cyclogeostrophy;
pub use deformation::Deformation;
pub use error::ScienceError;
pub use extent::Extent;
pub use fit::{Degree, Fit, Shape, Weights};
pub use method::{Derivative, Method};
pub use metric::Metric;
pub use noise::Noise;
pub use quantity::{Height, Quantity, compute_all, compute_all_on};
pub use refused::Refused;
