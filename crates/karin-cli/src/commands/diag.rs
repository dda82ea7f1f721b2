//! `karin diag LIST SOURCE... [--from HEIGHT] [--method WORDS] [-o FILE]`

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use karin::extract::ExtractOptions;
use karin_core::Selection;

use crate::context::Context;
use crate::exit::Outcome;
use crate::wanted::WantedFlags;

/// Arguments of `karin diag`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Diagnostics, as u_geo,v_geo,vorticity_over_f,strain; --vars adds variables to them
    #[arg(value_name = "LIST")]
    diagnostics: String,
    /// A file, named .nc, .zarr, .parquet, .csv or .png (a map); or a folder, for one file per granule; without it statistics
    /// of the diagnostics are printed
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    wanted: WantedFlags,
}

/// Writes diagnostics, or prints what they come to.
pub fn run(arguments: &Arguments, context: &Context) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    let mut selection = arguments.wanted.selection()?;
    let named = Selection::parse_variables(&arguments.diagnostics)?;
    let added = selection.variables.iter().filter(|name| !named.contains(name));
    selection.variables = named.iter().chain(added).cloned().collect();
    let plans = arguments.wanted.plans(&selection, context)?;
    match &arguments.output {
        Some(path) => super::extract::write(&plans, path, ExtractOptions::default(), context, started),
        None => super::stat::tell(&plans, "count,min,mean,max,std", context, started),
    }
}
