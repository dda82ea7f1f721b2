//! `karin stat SOURCE... --over cycle|all|num_pixels|num_lines | --by cycle|pass|hour|day|month | --grid STEP | --bin BINS |
//! --hist BINS [--stats LIST] [--with OTHER] [--having CONDITION] [-o FILE]`

use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, ValueEnum};
use karin::engine::Plan;
use karin::shard::Shard;
use karin::stat::{Bins, Having, Reduction, Statistic, Target};
use karin_core::Selection;

use crate::context::Context;
use crate::exit::Outcome;
use crate::selection::SelectionFlags;
use crate::store::SourceFlags;

mod answer;
mod sharded;

use answer::Answer;

/// Arguments of `karin stat`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("target").required(true))]
pub struct Arguments {
    /// Granules, folders of granules, collections
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<PathBuf>,
    /// Reduce over cycles (a number per pixel of each pass), over everything (a number per variable), over the pixels of every
    /// line, or over the lines of every pixel column (both per cycle and pass)
    #[arg(long, group = "target", value_name = "WHAT")]
    over: Option<Over>,
    /// A number per cycle, pass, hour, day or month
    #[arg(long, group = "target", value_name = "KEY")]
    by: Option<By>,
    /// A number per cell of a longitude-latitude grid of that many degrees
    #[arg(long, group = "target", value_name = "STEP")]
    grid: Option<f64>,
    /// A number per bin of a variable: NAME:FROM:TO:STEP, NAME:EDGE,EDGE,..., or NAME alone, for bins that fit its values; given
    /// twice: per pair of bins of two variables
    #[arg(long, group = "target", value_name = "BINS", conflicts_with = "hist")]
    bin: Vec<String>,
    /// Histogram of a variable: how often values fall into bins of itself (written as for --bin); given twice: of two
    /// variables at the same places, with the line of least squares of the second on the first
    #[arg(long, group = "target", value_name = "BINS", conflicts_with_all = ["vars", "with"])]
    hist: Vec<String>,
    /// count, sum, mean, min, max, var, std, first, last, median, quantile(q), mad, trend; with --bin or --hist: density; with
    /// --with: correlation, covariance, slope, intercept, rms_difference, mean_difference [default: mean; of histograms
    /// count,density; with --with all of its own]
    #[arg(long, value_name = "LIST")]
    stats: Option<String>,
    /// Another variable: statistics of every variable together with it, at places where both have values
    #[arg(long, value_name = "OTHER")]
    with: Option<String>,
    /// Keep results where this is true of their statistics, as 'count >= 10 and std < 0.5'; others become fill
    #[arg(long, value_name = "CONDITION", allow_hyphen_values = true)]
    having: Option<String>,
    /// Where the result goes: a file named .nc, .zarr, .parquet, .csv, .json or .png (maps; of bins and sections charts); without it a summary is printed.
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
    store: SourceFlags,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Over {
    Cycle,
    All,
    #[value(name = "num_pixels", alias = "pixels")]
    Pixels,
    #[value(name = "num_lines", alias = "lines")]
    Lines,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum By {
    Cycle,
    Pass,
    Hour,
    Day,
    Month,
}

/// Computes statistics.
pub fn run(arguments: &Arguments, context: &Context) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    let reduction = arguments.reduction()?;
    let selection = arguments.selection(&reduction)?;
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
            None => summary(plan, reduction.clone(), context)?,
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
    let reduction = Reduction::new(Statistic::parse_list(statistics)?, Target::All);
    let mut outcome = Outcome::Done;
    for plan in plans {
        outcome = outcome.max(summary(plan, reduction.clone(), context)?.tell(context, started)?);
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
    fn target(&self) -> anyhow::Result<Target> {
        let bins = if self.hist.is_empty() {
            &self.bin
        } else {
            &self.hist
        };
        if !bins.is_empty() {
            let bins: Result<Vec<Bins>, _> = bins.iter().map(|text| text.parse()).collect();
            return Ok(Target::Bins(bins?));
        }
        Ok(match (self.over, self.by, self.grid) {
            (Some(Over::Cycle), ..) => Target::Cycle,
            (Some(Over::Pixels), ..) => Target::Pixels,
            (Some(Over::Lines), ..) => Target::Lines,
            (_, Some(By::Cycle), _) => Target::ByCycle,
            (_, Some(By::Pass), _) => Target::ByPass,
            (_, Some(By::Hour), _) => Target::ByHour,
            (_, Some(By::Day), _) => Target::ByDay,
            (_, Some(By::Month), _) => Target::ByMonth,
            (_, _, Some(step)) => Target::Grid(step),
            (Some(Over::All), ..) | (None, None, None) => Target::All,
        })
    }

    fn reduction(&self) -> anyhow::Result<Reduction> {
        let default = match (&self.with, self.hist.is_empty()) {
            (Some(_), _) => "count,correlation,covariance,slope,intercept,rms_difference,mean_difference",
            (None, false) => "count,density",
            (None, true) => "mean",
        };
        let statistics = Statistic::parse_list(self.stats.as_deref().unwrap_or(default))?;
        let mut reduction = Reduction::new(statistics, self.target()?);
        reduction.with.clone_from(&self.with);
        reduction.having = self.having.as_deref().map(Having::parse).transpose()?;
        reduction.check()?;
        Ok(reduction)
    }

    /// What is selected: with what values are binned by and compared with, and of histograms the variable itself.
    fn selection(&self, reduction: &Reduction) -> anyhow::Result<Selection> {
        let mut selection = self.selection.without_layout()?;
        selection.also = reduction.also();
        if let (Target::Bins(bins), false) = (&reduction.target, self.hist.is_empty()) {
            selection.variables = bins.last().map(|own| own.variable.clone()).into_iter().collect();
        }
        Ok(selection)
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
fn summary(plan: &Plan, mut reduction: Reduction, context: &Context) -> anyhow::Result<Answer> {
    let progress = context.progress.as_ref();
    reduction = karin::stat::with_bins(plan, &reduction, context.resources, progress)?;
    let axes = match &reduction.target {
        Target::Cycle | Target::Pixels | Target::Lines | Target::Grid(_) => 2,
        Target::Bins(bins) => bins.len(),
        _ => 1,
    };
    let mut answer = if axes > 1 {
        let (summary, done) = karin::stat::summarise(plan, &reduction, context.resources, progress)?;
        Answer::of_summary(plan, &done, &summary)
    } else {
        let (result, done) = karin::stat::reduce_to_memory(plan, &reduction, context.resources, progress)?;
        let mut answer = Answer::new(plan, &done);
        answer.add_values(&reduction, &result);
        answer
    };
    answer.regression = karin::stat::regression(plan, &reduction, context.resources, progress)?;
    Ok(answer)
}
