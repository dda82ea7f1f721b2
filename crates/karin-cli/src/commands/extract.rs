//! `karin extract SOURCE... -o FILE`

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use karin::engine::Plan;
use karin::extract::{ExtractOptions, Extracted, extract};
use karin::output::WriteOptions;
use karin_core::counted;
use serde::Serialize;

use crate::context::{Context, Report};
use crate::exit::Outcome;
use crate::wanted::WantedFlags;

/// Arguments of `karin extract`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// A file, named .nc, .zarr, .parquet, .csv or .png (a map); or a folder, for one file per granule
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Level, 1 to 9, at which netCDF is deflated; 0 keeps values as they are [default: as the granules are]
    #[arg(long, value_name = "LEVEL", value_parser = clap::value_parser!(u8).range(0..=9))]
    deflate: Option<u8>,
    #[command(flatten)]
    wanted: WantedFlags,
}

/// Writes what is selected.
pub fn run(arguments: &Arguments, context: &Context) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    let selection = arguments.wanted.selection()?;
    let plans = arguments.wanted.plans(&selection, context)?;
    let options =
        ExtractOptions::default().with_output(WriteOptions::default().with_deflate(arguments.deflate));
    write(&plans, &arguments.output, options, context, started)
}

/// Writes what plans select: into one file, or one per schema.
pub(super) fn write(
    plans: &[Plan],
    output: &Path,
    options: ExtractOptions,
    context: &Context,
    started: Instant,
) -> anyhow::Result<Outcome> {
    let progress = context.progress.as_ref();
    let writing = options.output.with_resources(context.resources);
    let options = options.with_command(&context.command).with_output(writing);
    let mut outcome = Outcome::Done;
    for plan in plans {
        let path = match plan.schemas().first() {
            Some(schema) if plans.len() > 1 && output.extension().is_none() => {
                output.join(schema.to_string())
            }
            _ => super::stat::numbered(output, plan, plans.len()),
        };
        let extracted = extract(plan, &path, &options, progress)?;
        outcome = outcome.max(Outcome::of_left_out(extracted.left_out.len()));
        let seconds = started.elapsed().as_secs_f64();
        context.answer(&Answer {
            plan: plan.to_string(),
            extracted,
            seconds,
        })?;
    }
    Ok(outcome)
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Answer {
    plan: String,
    #[serde(flatten)]
    extracted: Extracted,
    seconds: f64,
}

impl Report for Answer {
    fn write_text(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        writeln!(out, "{}", self.plan)?;
        let Extracted {
            files,
            granules,
            empty,
            left_out,
            ..
        } = &self.extracted;
        let granules = counted(*granules, "granule");
        match files.as_slice() {
            [file] => write!(out, "{granules} into {}", file.display())?,
            [first, ..] => {
                let folder = first.parent().unwrap_or(first);
                write!(
                    out,
                    "{granules} into {} files in {}",
                    files.len(),
                    folder.display()
                )?;
            }
            [] => write!(out, "nothing written")?,
        }
        if *empty > 0 {
            write!(out, "; {empty} have nothing inside the selection")?;
        }
        if !left_out.is_empty() {
            write!(out, "; {} left out", left_out.len())?;
        }
        writeln!(out, "; {:.2} s", self.seconds)
    }
}
