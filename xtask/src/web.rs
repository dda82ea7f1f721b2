//! The front end of the viewer: its packages, lints, unit tests and bundle, and the tests that drive it in a browser.

use std::path::Path;
use std::process::Command;

use crate::steps::{Lane, exists, workspace};

/// Checks the front end, its unit tests and that the committed bundle is the one that its sources give. Where there is
/// no npm nothing is checked: the committed bundle is used as it is.
///
/// # Errors
/// At the first step that fails.
pub fn check(lane: &Lane) -> anyhow::Result<()> {
    if !exists("npm") {
        eprintln!("warning: there is no npm: the front end of the viewer is not checked");
        return Ok(());
    }
    lane.step("npm ci (web)", npm("ci --silent --no-audit --no-fund"))?;
    lane.step("types and lints of web", npm("run --silent check"))?;
    lane.step("tests of web", npm("test --silent"))
}

/// Drives the built program in a browser; where there is none, the tests are skipped and counted in `skips`.
///
/// # Errors
/// If a test fails.
pub fn drive(lane: &Lane, skips: &Path) -> anyhow::Result<()> {
    if !exists("npm") {
        return Ok(());
    }
    let mut browser = npm("run --silent browser");
    browser
        .env("KARIN_SKIP_LOG", skips)
        .env("KARIN_BIN", workspace().join("target/release/karin"));
    lane.step("browser tests", browser)
}

/// `npm` in the folder of the front end.
fn npm(words: &str) -> Command {
    let mut command = Command::new("npm");
    command
        .arg("--prefix")
        .arg(workspace().join("web"))
        .args(words.split_whitespace());
    command
}
