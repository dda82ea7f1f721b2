//! The collection: Zarr v3 arrays in an Icechunk repository, safe for many writers on plain disks and on S3.

pub mod codec;
