//! `karin edit RULES.toml SOURCE... [-o FILE]`

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use karin::edit::{Count, Rules};
use karin_core::counted;
use serde::Serialize;

use crate::context::{Context, Report};
use crate::exit::Outcome;
use crate::table::Table;
use crate::wanted::WantedFlags;

/// Arguments of `karin edit`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The rules: a TOML file with a variable and named rules
    #[arg(required = true, value_name = "RULES.toml")]
    rules: PathBuf,
    /// Where the edited variable and the rule that rejected each pixel go: .nc, .zarr, .parquet, .csv, .json or .png (a map)
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    wanted: WantedFlags,
}

/// Edits a selection.
pub fn run(arguments: &Arguments, context: &Context) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    let name = arguments.rules.display().to_string();
    let text =
        std::fs::read_to_string(&arguments.rules).with_context(|| format!("{name}: cannot be read"))?;
    let rules = Rules::parse(&text, &name)?;
    let selection = rules.selection(&arguments.wanted.selection()?);
    let progress = context.progress.as_ref();
    let plans = arguments.wanted.plans(&selection, context)?;
    let mut outcome = Outcome::Done;
    for plan in &plans {
        let keep = arguments.output.is_some();
        let edited = karin::edit::edit(plan, &rules, keep, context.resources, progress)?;
        let mut output = None;
        if let Some(path) = &arguments.output {
            let path = super::stat::numbered(path, plan, plans.len());
            edited.write(&path, &context.command, context.resources, progress)?;
            output = Some(path.display().to_string());
        }
        outcome = outcome.max(Outcome::of_left_out(edited.failures.len()));
        context.answer(&Answer {
            variable: rules.variable.clone(),
            granules: edited.granules,
            left_out: edited.failures.len(),
            output,
            rules: edited.counts,
            seconds: started.elapsed().as_secs_f64(),
        })?;
    }
    Ok(outcome)
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Answer {
    variable: String,
    granules: usize,
    left_out: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    rules: Vec<Count>,
    seconds: f64,
}

impl Report for Answer {
    fn write_text(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        let mut table = Table::new(["number", "rule", "pixels", "%"]);
        for row in &self.rules {
            let percent = format!("{:.3}", row.percent);
            table.row([
                row.number.to_string(),
                row.name.clone(),
                row.pixels.to_string(),
                percent,
            ]);
        }
        table.write(out)?;
        let left_out = match self.left_out {
            0 => String::new(),
            count => format!(", {count} left out"),
        };
        let to = self
            .output
            .as_ref()
            .map(|output| format!(" to {output}"))
            .unwrap_or_default();
        let (variable, seconds) = (&self.variable, self.seconds);
        let granules = counted(self.granules, "granule");
        writeln!(out, "{variable} of {granules}{left_out}{to} in {seconds:.2} s")
    }
}
