//! The flags that say how to reach a collection.

use std::path::PathBuf;

use clap::Args;
use karin::engine::Plan;
use karin::provider::ProviderOptions;
use karin::shard::Origin;
use karin::store::{OpenOptions, StoreOptions};
use karin_core::Selection;

use crate::context::Context;
use crate::provider::SettingFlags;

/// How to reach sources: collections, and granules at servers.
#[derive(Clone, Debug, Args)]
pub struct SourceFlags {
    #[command(flatten)]
    store: StoreFlags,
    #[command(flatten)]
    settings: SettingFlags,
}

impl std::ops::Deref for SourceFlags {
    type Target = StoreFlags;

    fn deref(&self) -> &StoreFlags {
        &self.store
    }
}

impl SourceFlags {
    /// Settings and accounts for granules at servers.
    pub fn provider(&self) -> ProviderOptions {
        self.settings.options()
    }

    /// What a selection means for sources that are reached so: a plan, or with `--version all` one per schema.
    ///
    /// # Errors
    /// If a source cannot be opened, or the selection does not fit it.
    pub fn plans(
        &self,
        sources: &[PathBuf],
        selection: &Selection,
        context: &Context,
    ) -> anyhow::Result<Vec<Plan>> {
        let progress = context.progress.as_ref();
        let options = self.reading(selection.snapshot.as_deref());
        let source = karin::sources::open_with(sources, &options, &self.provider(), progress)?;
        Ok(Plan::new(source, selection, progress)?)
    }
}

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
