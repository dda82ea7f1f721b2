//! The collection: Zarr v3 arrays in an Icechunk repository, safe for many writers on plain disks and on S3.

#![forbid(unsafe_code)]

pub mod codec;
pub mod collection;
pub mod error;
pub mod facts;
pub mod foreign_zarr;
pub mod gc;
pub mod history;
pub mod ingest;
pub mod layout;
pub mod location;
pub mod objects;
pub mod origin;
pub mod plain_zarr;
pub mod repository;
pub mod verify;

mod backend;
mod connection;
mod ledger;
mod reach;
mod slab;
mod stored;
mod zarr_metadata;

pub use backend::PosixStorage;
#[doc(hidden)]
pub use backend::Weakness;
pub use codec::Profile;
pub use collection::{Collection, CollectionGroup, OpenOptions};
pub use error::StoreError;
pub use facts::{GranuleFacts, GranuleState};
pub use foreign_zarr::ForeignZarr;
pub use gc::{GcOptions, GcReport, collect_garbage};
pub use history::SnapshotFacts;
pub use ingest::{IncomingGranule, Ingest, IngestCommit, IngestOptions, Outcome};
pub use layout::GroupKey;
pub use location::Location;
pub use objects::{ObjectWriter, WrittenObject};
pub use origin::{Origin, RemoteOrigin, Servers};
pub use plain_zarr::{PlainZarr, write_plain_zarr};
pub use reach::ChunkUse;
pub use repository::{BRANCH, Committed, CreateOptions, Repository, StoreOptions};
pub use verify::{Fault, FaultKind, VerifyReport, verify};
