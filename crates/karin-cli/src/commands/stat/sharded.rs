//! `karin stat … --shard I/N -o STATE`

use std::path::Path;
use std::time::Instant;

use karin::engine::Plan;
use karin::engine::reduction::Reduction;
use karin::shard::{Shard, ShardOptions, reduce_to_state};
use serde::Serialize;

use super::Arguments;
use crate::context::{Context, Report};
use crate::exit::Outcome;

/// Leaves the state of one shard.
pub(super) fn run(
    arguments: &Arguments,
    (plan, reduction): (&Plan, &Reduction),
    shard: Shard,
    context: &Context,
    path: &Path,
) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    let options = ShardOptions {
        shard,
        origin: arguments.store.origin(&arguments.sources)?,
        history: context.history(),
        resources: context.resources,
    };
    let done = reduce_to_state(plan, reduction, &options, context.progress.as_ref(), path)?;
    context.answer(&Answer {
        plan: plan.to_string(),
        shard: shard.to_string(),
        granules: done.granules,
        left_out: done.failures.len(),
        output: path.display().to_string(),
        seconds: started.elapsed().as_secs_f64(),
    })?;
    Ok(Outcome::of_left_out(done.failures.len()))
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Answer {
    plan: String,
    shard: String,
    granules: usize,
    left_out: usize,
    output: String,
    seconds: f64,
}

impl Report for Answer {
    fn write_text(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        writeln!(out, "{}", self.plan)?;
        write!(out, "shard {}: {} granules", self.shard, self.granules)?;
        if self.left_out > 0 {
            write!(out, ", {} left out", self.left_out)?;
        }
        writeln!(out, " in {:.2} s, state written to {}", self.seconds, self.output)
    }
}
