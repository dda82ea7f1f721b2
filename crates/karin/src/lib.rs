//! karin's public library: find, simulate, ingest, open, select, reduce, extract, plot.
//!
//! Scope: the verbs of karin, each in a module of its own, made from the crates below. Edges (command line, Python,
//! viewer) translate into these calls and back. Not here: file formats, storage layout, numerics.
//!
//! ```text
//!   provider ─> find, get ─> granules; sync ─> collection
//!   simulate ─> granules ─> ingest ─> collection ┐
//!                  └───────────────> sources ────┴─> select, reduce, extract ─> output (.nc .zarr .parquet .csv .png)
//!                                                └─> view (lazy cubes and lines, indexed any way)
//! ```

#![forbid(unsafe_code)]

pub mod extract;
pub mod output;

pub mod catalog;
pub mod copernicus;
pub mod edit;
mod error;
pub mod features;
pub mod find;
pub mod info;
pub mod ingest;
pub mod inventory;
mod joined;
pub mod passes;
pub mod plot;
pub mod provider;
pub mod shard;
pub mod simulate;
pub mod sources;
pub mod spectrum;
pub mod stat;
pub mod sync;
pub mod view;

pub use karin_access as access;
pub use karin_engine as engine;
pub use karin_netcdf as netcdf;
pub use karin_store as store;

pub use error::{Error, kind_of};
