//! `cargo xtask fuzz`: the fuzz targets, each for some time.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::python;
use crate::steps::{Lane, cargo, exists, workspace};
use crate::surroundings::Surroundings;

/// How the tool is installed that the targets need.
pub const INSTALL: &str = "cargo install cargo-fuzz --locked";

/// Every target, and the feature that it needs.
const TARGETS: [(&str, Option<&str>); 4] = [
    ("netcdf_open_read", None),
    ("granule_name", None),
    ("selection", None),
    ("expression", Some("engine")),
];

/// A small file of every kind that the reader knows, as the oracle tests make them.
const SEEDS: &str = "
import pathlib, shutil, sys
sys.path.insert(0, sys.argv[1])
import netcdf_matrix as matrix
corpus = pathlib.Path(sys.argv[2])
work = corpus / 'work'
work.mkdir(parents=True, exist_ok=True)
for make in matrix.CASES.values():
    made = pathlib.Path(make(work)[0])
    if made.stat().st_size < 1 << 18:
        shutil.move(made, corpus / made.name)
shutil.rmtree(work)
";

/// Runs the targets named (all without any) for so many seconds each, one after the other. Inputs that led somewhere new
/// stay in `fuzz/corpus`, those that broke something in `fuzz/artifacts`.
///
/// # Errors
/// If cargo-fuzz is missing, a target does not build, or an input breaks one.
pub fn run(seconds: &str, names: &[&str]) -> anyhow::Result<()> {
    let seconds: u32 = seconds
        .parse()
        .with_context(|| format!("'{seconds}' is no number of seconds for each target"))?;
    if let Some(unknown) = names
        .iter()
        .find(|name| TARGETS.iter().all(|(known, _)| known != *name))
    {
        let known: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
        bail!(
            "there is no fuzz target '{unknown}': there are {}",
            known.join(", ")
        );
    }
    if !exists("cargo-fuzz") {
        bail!("cargo-fuzz is not installed: run `{INSTALL}`");
    }
    let surroundings = Surroundings::standard().long();
    let result = targets(&Lane::in_front(), &surroundings, seconds, names);
    surroundings.report();
    result
}

/// Runs the targets named (all without any) for so many seconds each, and counts their inputs.
///
/// # Errors
/// If a target does not build, or an input breaks one.
pub fn targets(lane: &Lane, surroundings: &Surroundings, seconds: u32, names: &[&str]) -> anyhow::Result<()> {
    seed_netcdf(lane, &workspace().join("fuzz/corpus/netcdf_open_read"))?;
    let wanted = |name: &&str| names.is_empty() || names.contains(name);
    for (name, feature) in TARGETS.iter().filter(|(name, _)| wanted(name)) {
        let mut fuzz = cargo(&format!("fuzz run {name} --target-dir target/fuzz"));
        fuzz.args(feature.iter().flat_map(|feature| ["--features", feature]));
        fuzz.args(["--", "-rss_limit_mb=2048", "-timeout=20", "-print_final_stats=1"]);
        fuzz.arg(format!("-max_total_time={seconds}"));
        // The sanitizer of the compiler that the workspace is pinned to.
        fuzz.env("RUSTC_BOOTSTRAP", "1");
        let mut inputs = "an unknown number of".to_owned();
        lane.step_heard(&format!("fuzz target {name}, {seconds} s"), fuzz, |line| {
            if let Some(units) = line.strip_prefix("stat::number_of_executed_units:") {
                units.trim().clone_into(&mut inputs);
            }
        })?;
        surroundings.count(&format!(
            "fuzz target {name}: {inputs} inputs in {seconds} s, 0 broke anything"
        ));
    }
    Ok(())
}

/// Makes the corpus of the netCDF reader to start with, once, where there is a Python environment.
fn seed_netcdf(lane: &Lane, corpus: &Path) -> anyhow::Result<()> {
    if corpus.exists() {
        return Ok(());
    }
    let environment = python::environment(lane)?;
    let mut seeds = Command::new(&environment.python);
    seeds
        .args(["-W", "ignore", "-c", SEEDS])
        .arg(workspace().join("tests/oracle"))
        .arg(corpus);
    lane.step("seeds of the netCDF reader", seeds)
}
