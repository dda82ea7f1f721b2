//! The collection: Zarr v3 arrays in an Icechunk repository, safe for many writers on plain disks and on S3.

pub mod codec;
pub mod error;
pub mod location;
pub mod objects;
pub mod repository;

mod backend;

pub use backend::PosixStorage;
#[doc(hidden)]
pub use backend::Weakness;
pub use error::StoreError;
pub use location::Location;
pub use objects::{ObjectWriter, WrittenObject};
pub use repository::{BRANCH, Committed, CreateOptions, Repository, StoreOptions};
