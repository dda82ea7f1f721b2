//! How what lies elsewhere is reached.

use std::path::PathBuf;

use karin::provider::ProviderOptions;
use karin::store::{OpenOptions, StoreOptions};
use pyo3::prelude::*;

/// An S3 service other than AWS, and settings and accounts for granules at servers; by attributes of these names.
#[derive(Default, FromPyObject)]
pub struct Reach {
    endpoint: Option<String>,
    region: Option<String>,
    /// `KEY=VALUE`.
    settings: Vec<String>,
    credentials: Option<PathBuf>,
}

impl Reach {
    /// For collections, at a snapshot or the newest.
    pub fn open(&self, snapshot: Option<String>) -> OpenOptions {
        open_options(snapshot, self.endpoint.clone(), self.region.clone())
    }

    /// For granules at servers.
    pub fn provider(self) -> ProviderOptions {
        ProviderOptions {
            set: self.settings,
            credentials: self.credentials,
        }
    }
}

/// How to reach a collection that is read.
pub fn open_options(
    snapshot: Option<String>,
    endpoint: Option<String>,
    region: Option<String>,
) -> OpenOptions {
    OpenOptions {
        store: StoreOptions {
            read_only: true,
            endpoint,
            region,
            ..StoreOptions::default()
        },
        snapshot,
    }
}
