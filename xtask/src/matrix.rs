//! `cargo xtask matrix`: the full fault and fuzz matrix. Kills at random and at every step, power cuts after every step, calls
//! that fail and disks that are full, storms of writers on disks and buckets, mutants of granules, fuzz targets.

use std::path::Path;
use std::process::Command;

use anyhow::bail;

use crate::fuzz;
use crate::python;
use crate::steps::{Lane, cargo, exists};
use crate::surroundings::{Surroundings, runner};

/// For how long each fuzz target runs.
const FUZZ_SECONDS: u32 = 600;

/// What a part runs, each with the full counts.
enum Runs {
    /// Test programs of the crates.
    Rust(&'static [&'static str]),
    /// Modules of `tests/oracle`.
    Oracle(&'static str),
    /// The fuzz targets.
    Fuzz,
}

/// Every part, and what it runs.
const PARTS: [(&str, &[Runs]); 8] = [
    ("storage", &[Runs::Rust(&["storm", "integrity"])]),
    (
        "mutants",
        &[
            Runs::Rust(&["mutations", "damaged"]),
            Runs::Oracle("test_broken_files.py"),
        ],
    ),
    ("kills", &[Runs::Oracle("test_durability.py")]),
    ("power", &[Runs::Oracle("test_power_loss.py")]),
    ("faults", &[Runs::Oracle("test_faults.py")]),
    (
        "buckets",
        &[Runs::Oracle("test_s3.py"), Runs::Oracle("test_s3_faults.py")],
    ),
    (
        "servers",
        &[
            Runs::Oracle("test_access.py"),
            Runs::Oracle("test_remote.py"),
            Runs::Oracle("test_file_servers.py"),
        ],
    ),
    ("fuzz", &[Runs::Fuzz]),
];

/// Runs the parts named (all without any), after building what they need; prints what they tried.
///
/// # Errors
/// If there is no such part, something does not build, or a part fails; the others run all the same.
pub fn run(names: &[&str]) -> anyhow::Result<()> {
    if let Some(unknown) = names
        .iter()
        .find(|name| PARTS.iter().all(|(known, _)| known != *name))
    {
        let known: Vec<&str> = PARTS.iter().map(|(name, _)| *name).collect();
        bail!("the matrix has no part '{unknown}': it has {}", known.join(", "));
    }
    let lane = Lane::in_front();
    lane.step(
        "cargo build",
        cargo("build --release --workspace --lib --bins --examples"),
    )?;
    let environment = python::environment(&lane)?;
    let surroundings = Surroundings::standard().long();
    let result = parts(&lane, &surroundings, &environment.python, names);
    surroundings.report();
    result
}

/// Runs the parts named (all without any) one after the other, with what is built.
///
/// # Errors
/// If a part fails; the others run all the same.
pub fn parts(lane: &Lane, surroundings: &Surroundings, python: &Path, names: &[&str]) -> anyhow::Result<()> {
    let wanted = PARTS
        .iter()
        .filter(|(name, _)| names.is_empty() || names.contains(name));
    let failures: Vec<String> = wanted
        .flat_map(|(name, all)| all.iter().map(move |runs| (name, runs)))
        .filter_map(|(name, runs)| part(lane, surroundings, python, name, runs).err())
        .map(|error| format!("{error:#}"))
        .collect();
    if !failures.is_empty() {
        bail!("{}", failures.join("; "));
    }
    Ok(())
}

fn part(
    lane: &Lane,
    surroundings: &Surroundings,
    python: &Path,
    name: &str,
    runs: &Runs,
) -> anyhow::Result<()> {
    match runs {
        Runs::Rust(programs) => {
            // Features as the whole workspace has them, or all would be built again.
            let mut tests = cargo(&format!("{} --release --workspace --no-fail-fast", runner()));
            tests.args(programs.iter().flat_map(|program| ["--test", program]));
            lane.step(&format!("matrix: {name}"), surroundings.tell(&mut tests, python))
        }
        Runs::Oracle(module) => {
            let mut tests = Command::new(python);
            tests
                .args("-m pytest -q -rs --durations=3".split_whitespace())
                .arg(format!("tests/oracle/{module}"));
            let step = format!("matrix: {name}, {module}");
            lane.step(&step, surroundings.tell(&mut tests, python))
        }
        Runs::Fuzz if !exists("cargo-fuzz") => {
            surroundings.skip(&format!(
                "the fuzz targets: cargo-fuzz is not installed ({})",
                fuzz::INSTALL
            ));
            Ok(())
        }
        Runs::Fuzz => fuzz::targets(lane, surroundings, FUZZ_SECONDS, &[]),
    }
}
