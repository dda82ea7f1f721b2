//! The flags that say how to reach a collection.

use std::path::PathBuf;

use clap::Args;
use karin::shard::Origin;
use karin::store::{OpenOptions, StoreOptions};

/// How to reach a collection.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Collection")]
pub struct StoreFlags {
    /// Address of an S3 service other than AWS, as http://localhost:9000
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// S3 region
    #[arg(long, value_name = "NAME")]
    region: Option<String>,
    /// The locks of this file system reach across hosts: let writers of other hosts in
    #[arg(long)]
    locks_work: bool,
}

impl StoreFlags {
    /// The same granules for whoever merges what was made of them.
    ///
    /// # Errors
    /// If relative paths have no beginning.
    pub fn origin(&self, inputs: &[PathBuf]) -> anyhow::Result<Origin> {
        Ok(Origin::new(inputs, self.endpoint.clone(), self.region.clone())?)
    }

    /// For writing.
    pub fn options(&self) -> StoreOptions {
        StoreOptions {
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            locks_work: self.locks_work,
            ..StoreOptions::default()
        }
    }

    /// For reading, at a snapshot or the newest.
    pub fn reading(&self, snapshot: Option<&str>) -> OpenOptions {
        OpenOptions {
            store: StoreOptions {
                read_only: true,
                ..self.options()
            },
            snapshot: snapshot.map(ToOwned::to_owned),
        }
    }
}
