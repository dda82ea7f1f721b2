//! `cargo xtask bench`: karin and its peers in one run.

use std::process::Command;

use crate::python;
use crate::steps::{Lane, cargo, workspace};

/// Runs `benches/run.py` with the names of the benchmarks wanted (all without any).
///
/// # Errors
/// If the build or a benchmark fails.
pub fn run(names: &[&str]) -> anyhow::Result<()> {
    let lane = Lane::in_front();
    let environment = python::environment(&lane)?;
    lane.step(
        "cargo build",
        cargo("build --release --workspace --bins --examples"),
    )?;
    let mut script = Command::new(&environment.python);
    script
        .arg("benches/run.py")
        .args(names)
        .env("KARIN_BIN", workspace().join("target/release/karin"));
    lane.step("benchmarks", &mut script)
}
