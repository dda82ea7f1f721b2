//! `karin stat SOURCE... --over cycle|all | --by cycle|pass|day|month | --grid STEP --stats LIST [-o FILE]`

use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, ValueEnum};
use karin::engine::reduction::Reduction;
use karin::engine::{MemoryDataset, Plan, Report as Done};
use karin::shard::Shard;
use karin::stat::{Statistic, Summary, Target};
use karin_core::time::format_instant;
use karin_core::{Array, Dataset as _};
use serde::Serialize;

use crate::context::{Context, Report};
use crate::exit::Outcome;
use crate::selection::SelectionFlags;
use crate::store::StoreFlags;
use crate::table::Table;

mod sharded;

/// Arguments of `karin stat`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("target").required(true))]
pub struct Arguments {
    /// Granules, folders of granules, collections
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<PathBuf>,
    /// Reduce over cycles (a number per pixel of each pass) or over everything (a number per variable)
    #[arg(long, group = "target", value_name = "WHAT")]
    over: Option<Over>,
    /// A number per cycle, pass, day or month
    #[arg(long, group = "target", value_name = "KEY")]
    by: Option<By>,
    /// A number per cell of a longitude-latitude grid of that many degrees
    #[arg(long, group = "target", value_name = "STEP")]
    grid: Option<f64>,
    /// count, sum, mean, min, max, var, std, first, last, median, quantile(q), trend
    #[arg(long, value_name = "LIST", default_value = "mean")]
    stats: String,
    /// Where the result goes: a file named .nc, .zarr, .parquet, .csv or .png (a map); without it a summary is printed.
    /// With --shard: the state for karin merge, of any name
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Do only the I-th of N parts of the work, the first being 1, as 3/8: for job arrays, which need no scheduler but
    /// their own. karin merge makes the result of the states of all parts
    #[arg(long, value_name = "I/N", requires = "output")]
    shard: Option<Shard>,
    #[command(flatten)]
    selection: SelectionFlags,
    #[command(flatten)]
    store: StoreFlags,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Over {
    Cycle,
    All,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum By {
    Cycle,
    Pass,
    Day,
    Month,
}

/// Computes statistics.
pub fn run(arguments: &Arguments, context: &Context) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    let selection = arguments.selection.selection()?;
    let reduction = Reduction {
        statistics: Statistic::parse_list(&arguments.stats)?,
        target: arguments.target(),
    };
    let plans = arguments.store.plans(&arguments.sources, &selection, context)?;
    let mut outcome = Outcome::Done;
    for plan in &plans {
        if let (Some(shard), Some(path)) = (arguments.shard, &arguments.output) {
            let path = numbered(path, plan, plans.len());
            outcome = sharded::run(arguments, (plan, &reduction), shard, context, &path)?.max(outcome);
            continue;
        }
        let answer = match &arguments.output {
            Some(path) => arguments.to_file(plan, &reduction, context, &numbered(path, plan, plans.len()))?,
            None => summary(plan, &reduction, context)?,
        };
        outcome = outcome.max(answer.tell(context, started)?);
    }
    Ok(outcome)
}

/// Prints statistics of everything that plans select.
pub(super) fn tell(
    plans: &[Plan],
    statistics: &str,
    context: &Context,
    started: Instant,
) -> anyhow::Result<Outcome> {
    let reduction = Reduction {
        statistics: Statistic::parse_list(statistics)?,
        target: Target::All,
    };
    let mut outcome = Outcome::Done;
    for plan in plans {
        outcome = outcome.max(summary(plan, &reduction, context)?.tell(context, started)?);
    }
    Ok(outcome)
}

/// One file per schema, if there are several: `mean.nc` becomes `mean_v2.nc`.
pub(super) fn numbered(path: &std::path::Path, plan: &Plan, plans: usize) -> PathBuf {
    let schemas = plan.schemas();
    let (Some(schema), true) = (schemas.first(), plans > 1) else {
        return path.to_owned();
    };
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}_{schema}.{extension}"))
}

impl Arguments {
    fn target(&self) -> Target {
        match (self.over, self.by, self.grid) {
            (Some(Over::Cycle), ..) => Target::Cycle,
            (_, Some(By::Cycle), _) => Target::ByCycle,
            (_, Some(By::Pass), _) => Target::ByPass,
            (_, Some(By::Day), _) => Target::ByDay,
            (_, Some(By::Month), _) => Target::ByMonth,
            (_, _, Some(step)) => Target::Grid(step),
            (Some(Over::All), ..) | (None, None, None) => Target::All,
        }
    }

    fn to_file(
        &self,
        plan: &Plan,
        reduction: &Reduction,
        context: &Context,
        path: &std::path::Path,
    ) -> anyhow::Result<Answer> {
        let progress = context.progress.as_ref();
        let history = context.history();
        let done = karin::stat::reduce_to_file(plan, reduction, context.resources, progress, path, &history)?;
        let mut answer = Answer::new(plan, &done);
        answer.output = Some(path.display().to_string());
        Ok(answer)
    }
}

/// Runs without an output file.
fn summary(plan: &Plan, reduction: &Reduction, context: &Context) -> anyhow::Result<Answer> {
    let progress = context.progress.as_ref();
    if matches!(reduction.target, Target::Cycle | Target::Grid(_)) {
        let (summary, done) = karin::stat::summarise(plan, reduction, context.resources, progress)?;
        return Ok(Answer::of_summary(plan, &done, &summary));
    }
    let (result, done) = karin::stat::reduce_to_memory(plan, reduction, context.resources, progress)?;
    let mut answer = Answer::new(plan, &done);
    answer.add_values(reduction, &result);
    Ok(answer)
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Answer {
    plan: String,
    granules: usize,
    left_out: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
    seconds: f64,
}

/// A cell of the table. NaN is `null` in JSON.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Cell {
    Text(String),
    Count(u64),
    Number(f64),
}

impl Cell {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Count(count) => count.to_string(),
            Self::Number(number) if number.is_nan() => "-".to_owned(),
            Self::Number(number) => significant(*number),
        }
    }
}

/// Six digits that mean something.
fn significant(number: f64) -> String {
    let magnitude = number.abs();
    if magnitude == 0.0 || (1e-4..1e15).contains(&magnitude) {
        let before = if magnitude < 1.0 {
            0
        } else {
            magnitude.log10().floor() as usize + 1
        };
        format!("{number:.*}", 6usize.saturating_sub(before))
    } else {
        format!("{number:.5e}")
    }
}

impl Answer {
    fn new(plan: &Plan, done: &Done) -> Self {
        Self {
            plan: plan.to_string(),
            granules: done.granules,
            left_out: done.failures.len(),
            output: None,
            columns: Vec::new(),
            rows: Vec::new(),
            seconds: 0.0,
        }
    }

    /// Prints it, with the time since `started`.
    fn tell(mut self, context: &Context, started: Instant) -> anyhow::Result<Outcome> {
        if self.left_out > 0 && self.left_out == self.granules {
            anyhow::bail!("none of {} granules could be read", self.granules);
        }
        self.seconds = started.elapsed().as_secs_f64();
        context.answer(&self)?;
        Ok(Outcome::of_left_out(self.left_out))
    }

    fn of_summary(plan: &Plan, done: &Done, summary: &Summary) -> Self {
        let mut answer = Self::new(plan, done);
        answer.columns = ["variable", "units", "cells", "values", "min", "mean", "max"]
            .map(str::to_owned)
            .to_vec();
        for row in summary.rows() {
            let or_none = |value: f64| Cell::Number(if row.values == 0 { f64::NAN } else { value });
            answer.rows.push(vec![
                Cell::Text(row.variable.clone()),
                Cell::Text(row.units.clone()),
                Cell::Count(row.cells),
                Cell::Count(row.values),
                or_none(row.min),
                or_none(row.mean),
                or_none(row.max),
            ]);
        }
        answer
    }

    /// One row per variable and key, one column per statistic.
    fn add_values(&mut self, reduction: &Reduction, result: &MemoryDataset) {
        let axis = result
            .root()
            .variables
            .first()
            .filter(|meta| meta.dimensions == [meta.name.as_str()]);
        self.columns = vec!["variable".to_owned()];
        self.columns.extend(axis.map(|meta| meta.name.clone()));
        self.columns
            .extend(reduction.statistics.iter().map(|statistic| statistic.name()));
        let keys = axis
            .and_then(|meta| result.array(&meta.name))
            .map(|array| keys(reduction.target, array));
        let paths: Vec<String> = result
            .root()
            .variable_paths()
            .into_iter()
            .skip(usize::from(axis.is_some()))
            .filter(|path| path.rsplit('/').next() != Some("schema"))
            .collect();
        for paths in paths.chunks(reduction.statistics.len()) {
            let Some(first) = paths.first() else { continue };
            let values: Vec<Vec<f64>> = paths
                .iter()
                .map(|path| karin::stat::values_of(result, path))
                .collect();
            let name = reduction
                .statistics
                .first()
                .map_or(String::new(), |s| format!("_{}", s.name()));
            let name = if paths.len() > 1 {
                first.strip_suffix(&name).unwrap_or(first)
            } else {
                first
            };
            for index in 0..values.first().map_or(0, Vec::len) {
                let mut row = vec![Cell::Text(name.to_owned())];
                row.extend(
                    keys.as_ref()
                        .and_then(|keys| keys.get(index))
                        .map(|key| Cell::Text(key.clone())),
                );
                for (statistic, values) in reduction.statistics.iter().zip(&values) {
                    let value = values.get(index).copied().unwrap_or(f64::NAN);
                    let is_count = *statistic == Statistic::Count;
                    row.push(if is_count {
                        Cell::Count(value as u64)
                    } else {
                        Cell::Number(value)
                    });
                }
                self.rows.push(row);
            }
        }
    }
}

/// Keys as people write them.
fn keys(target: Target, array: &Array) -> Vec<String> {
    let numbers = array.values.to_f64().unwrap_or_default();
    let text = |number: f64| match target {
        Target::ByDay => format_instant(number).chars().take(10).collect(),
        Target::ByMonth => format_instant(number).chars().take(7).collect(),
        _ => number.to_string(),
    };
    numbers.into_iter().map(text).collect()
}

impl Report for Answer {
    fn write_text(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        writeln!(out, "{}", self.plan)?;
        if !self.rows.is_empty() {
            let mut table = Table::new(self.columns.clone());
            for row in &self.rows {
                table.row(row.iter().map(Cell::text));
            }
            table.write(out)?;
        }
        let output = self
            .output
            .as_ref()
            .map_or(String::new(), |path| format!(", written to {path}"));
        let left_out = if self.left_out > 0 {
            format!(", {} left out", self.left_out)
        } else {
            String::new()
        };
        writeln!(
            out,
            "{} granules{left_out} in {:.2} s{output}",
            self.granules, self.seconds
        )
    }
}
