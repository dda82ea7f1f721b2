//! karin's public library: simulate, ingest, open, select, reduce, extract, plot.
//!
//! Scope: the verbs of karin, each in a module of its own, made from the crates below. Edges (command line, Python,
//! viewer) translate into these calls and back. Not here: file formats, storage layout, numerics.
//!
//! ```text
//!   simulate ─> granules ─> ingest ─> collection ┐
//!                  └───────────────> sources ────┴─> select, reduce, extract ─> output (.nc .zarr .parquet .csv .png)
//!                                                └─> view (lazy cubes and lines, indexed any way)
//! ```

#![forbid(unsafe_code)]

pub mod extract;
pub mod output;

pub mod edit;
mod error;
pub mod features;
pub mod info;
pub mod ingest;
pub mod inventory;
mod joined;
pub mod passes;
pub mod plot;
pub mod shard;
pub mod simulate;
pub mod sources;
pub mod spectrum;
pub mod stat;
pub mod view;

pub use karin_engine as engine;
pub use karin_netcdf as netcdf;
pub use karin_store as store;

pub use error::{Error, kind_of};
