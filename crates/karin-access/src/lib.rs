//! Granules where they are published: found by product, cycle, pass, time and place, fetched whole or not at all.
//!
//! Scope: providers and how they are asked, accounts, transfers, what is on disk already. Not here: what is inside a
//! granule (whoever calls brings an [`Inspect`]), collections, tables.
//!
//! ```text
//!   Selection ─> Wanted (cycles and passes, by the orbit alone)
//!                  │
//!   Place ─────────┴─> Access::find ─> RemoteGranule ─> Access::get ─> files, and a ledger of them
//!                        │                                │
//!                      catalogues (cached)              http: redirects, accounts, one cap per server
//! ```

#![forbid(unsafe_code)]

mod access;
mod allowed;
mod catalog;
mod choose;
mod copernicus;
pub mod credentials;
mod error;
mod files;
mod granule;
mod http;
mod login;
mod places;
mod products;
mod remote;
mod retry;
mod seats;
mod secret;
mod settings;
mod transfer;
mod wanted;

pub use access::{Access, Found, LeftOut};
pub use allowed::{Allowed, word_to_allow};
pub use copernicus::{
    CopernicusCoordinate, CopernicusDataset, CopernicusDescription, CopernicusService, CopernicusVariable,
    CopernicusVersion, KnownVersion,
};
pub use credentials::{Account, Credentials, Service};
pub use error::AccessError;
pub use granule::{Algorithm, Checksum, Location, RemoteGranule, Size};
pub use login::Checked;
pub use places::Place;
pub use products::Published;
pub use remote::RemoteFile;
pub use secret::Secret;
pub use settings::{KEYS, Settings};
pub use transfer::{Download, GetOptions, GetReport, GetResult, Inspect, Limit};
pub use wanted::{Wanted, now};
