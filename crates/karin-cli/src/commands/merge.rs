//! `karin merge STATE... -o FILE`

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use karin::shard::{MergeOptions, Merged, merge_states};
use karin_core::Progress as _;
use serde::Serialize;

use crate::context::{Context, Report};
use crate::exit::Outcome;
use crate::provider::SettingFlags;

/// Arguments of `karin merge`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The states of all shards, in any order
    #[arg(required = true, value_name = "STATE")]
    states: Vec<PathBuf>,
    /// Where the result goes: a file named .nc, .zarr, .parquet, .csv, .json or .png (maps; of bins and sections charts)
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    settings: SettingFlags,
}

/// Joins states.
pub fn run(arguments: &Arguments, context: &Context) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    let options = MergeOptions {
        history: context.history(),
        resources: context.resources,
        provider: arguments.settings.options(),
    };
    let progress = context.progress.as_ref();
    let merged = merge_states(&arguments.states, &arguments.output, &options, progress)?;
    for (granule, reason) in &merged.left_out {
        progress.warn(&format!("left out {granule}: {reason}"));
    }
    merged.notes.iter().for_each(|note| context.note(note));
    let outcome = Outcome::of_left_out(merged.left_out.len());
    context.answer(&Answer {
        output: arguments.output.display().to_string(),
        merged,
        seconds: started.elapsed().as_secs_f64(),
    })?;
    Ok(outcome)
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Answer {
    #[serde(flatten)]
    merged: Merged,
    output: String,
    seconds: f64,
}

impl Report for Answer {
    fn write_text(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        let Merged {
            plan,
            shards,
            granules,
            left_out,
            ..
        } = &self.merged;
        writeln!(out, "{plan}")?;
        write!(out, "{granules} granules of {shards} shards")?;
        if !left_out.is_empty() {
            write!(out, ", {} left out", left_out.len())?;
        }
        writeln!(out, " in {:.2} s, written to {}", self.seconds, self.output)
    }
}
