//! Where to look, and what is wanted of it: the flags of every command that reads what a selection keeps of sources.

use std::path::PathBuf;

use clap::Args;
use karin::engine::Plan;
use karin_core::Selection;

use crate::context::Context;
use crate::selection::SelectionFlags;
use crate::store::SourceFlags;

/// Sources, a selection of them, and how to reach them.
#[derive(Debug, Args)]
pub struct WantedFlags {
    /// Granules, folders of granules, collections
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<PathBuf>,
    #[command(flatten)]
    selection: SelectionFlags,
    #[command(flatten)]
    store: SourceFlags,
}

impl WantedFlags {
    /// The selection that the flags describe.
    ///
    /// # Errors
    /// As [`SelectionFlags::selection`].
    pub fn selection(&self) -> anyhow::Result<Selection> {
        self.selection.selection()
    }

    /// The selection for a command that writes no granules.
    ///
    /// # Errors
    /// As [`SelectionFlags::without_layout`].
    pub fn without_layout(&self) -> anyhow::Result<Selection> {
        self.selection.without_layout()
    }

    /// What a selection means for the sources: a plan, or with `--version all` one per schema.
    ///
    /// # Errors
    /// As [`SourceFlags::plans`].
    pub fn plans(&self, selection: &Selection, context: &Context) -> anyhow::Result<Vec<Plan>> {
        self.store.plans(&self.sources, selection, context)
    }
}
