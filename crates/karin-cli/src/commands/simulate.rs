//! `karin simulate --product P --cycles LIST --passes LIST DIR`

use std::path::PathBuf;
use std::time::Instant;

use anyhow::bail;
use clap::Args;
use karin::simulate::{Simulation, SimulationSummary, write};
use karin_core::{CycleNumber, NumberList, Phase, Selection, counted};
use serde::Serialize;

use crate::context::{Context, Report};
use crate::exit::Outcome;

/// Arguments of `karin simulate`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Product: L2_LR_SSH_Basic, _Expert, _WindWave or _Unsmoothed, L3_LR_SSH_Basic, _Expert ...
    #[arg(long, value_name = "NAME", default_value = "L2_LR_SSH_Basic")]
    product: String,
    /// Orbit phase: calval or science [default: the one that the cycles belong to]
    #[arg(long, value_name = "NAME")]
    phase: Option<String>,
    /// Cycle numbers, as 475-477,480
    #[arg(long, value_name = "LIST")]
    cycles: NumberList,
    /// Pass numbers, as 1-10,12 [default: all]
    #[arg(long, value_name = "LIST")]
    passes: Option<NumberList>,
    /// Another seed is another sea
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Variables beside time, latitude and longitude, as ssha_karin_2,ssha_karin_2_qual [default: all]
    #[arg(long, value_name = "LIST", value_delimiter = ',', alias = "variables")]
    vars: Vec<String>,
    /// Version or baseline that the granules bear, as C, D, PIC0_01, v2, v3.0 [default: C or v2.0.1]
    #[arg(long = "version", value_name = "VERSION")]
    version: Option<String>,
    /// Folder that they are written to
    folder: PathBuf,
}

#[derive(Serialize)]
struct Answer {
    folder: PathBuf,
    seconds: f64,
    #[serde(flatten)]
    summary: SimulationSummary,
}

/// Simulates granules.
pub fn run(arguments: &Arguments, context: &Context) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    let simulation = arguments.simulation()?;
    let summary = write(
        &simulation,
        &arguments.folder,
        &context.resources,
        &*context.progress,
    )?;
    let seconds = started.elapsed().as_secs_f64();
    context.answer(&Answer {
        folder: arguments.folder.clone(),
        seconds,
        summary,
    })?;
    Ok(Outcome::Done)
}

impl Arguments {
    fn simulation(&self) -> anyhow::Result<Simulation> {
        let mut builder = Selection::builder().product(&self.product)?;
        if let Some(phase) = &self.phase {
            builder = builder.phase(phase)?;
        }
        let selection = builder.build()?;
        let (Some(product), Some(first)) = (selection.product, self.cycles.iter().next()) else {
            bail!("--product and --cycles are needed");
        };
        let of_cycle = Phase::of_cycle(CycleNumber(first)).unwrap_or(Phase::Science);
        let phase = selection.phase.unwrap_or(of_cycle);
        let all = || NumberList::from_ranges([1..=phase.pass_count()]);
        let passes = self.passes.clone().unwrap_or_else(all);
        let mut simulation = Simulation::new(product, phase, &self.cycles, &passes)?.with_seed(self.seed);
        if let Some(version) = &self.version {
            simulation = simulation.with_version(version)?;
        }
        if !self.vars.is_empty() {
            simulation = simulation.with_variables(&self.vars)?;
        }
        Ok(simulation)
    }
}

impl Report for Answer {
    fn write_text(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        let SimulationSummary {
            granules,
            bytes,
            raw_bytes,
            ..
        } = &self.summary;
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        writeln!(
            out,
            "{}, {:.1} MB ({:.1} MB of values), in {} in {:.1} s",
            counted(*granules, "granule"),
            megabytes(*bytes),
            megabytes(*raw_bytes),
            self.folder.display(),
            self.seconds,
        )
    }
}
