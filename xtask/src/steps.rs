//! Running other programs, each with its name and time.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, bail};

/// The root of the workspace.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs `command` in the workspace, its output passed through.
///
/// # Errors
/// If it cannot be started or fails.
pub fn step(name: &str, command: impl std::borrow::BorrowMut<Command>) -> anyhow::Result<()> {
    let mut command = command;
    let command = command.borrow_mut();
    eprintln!("==> {name}");
    let start = Instant::now();
    let status = command
        .current_dir(workspace())
        .status()
        .with_context(|| format!("cannot start {name}"))?;
    if !status.success() {
        bail!("{name} failed ({status})");
    }
    eprintln!("    {name}: {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// `cargo` with these arguments.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

/// True if `program` can be started.
pub fn exists(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
}
