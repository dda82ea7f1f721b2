//! The front end of the viewer: its packages, lints, unit tests and bundle, and the tests that drive it in a browser.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::steps::{exists, step, workspace};

/// Programs that the browser tests can drive.
const BROWSERS: [&str; 3] = [
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
];

/// True if there is a browser for the tests of the viewer.
pub fn has_browser() -> bool {
    BROWSERS.iter().any(|path| Path::new(path).exists())
}

/// Checks and tests the front end; without a browser its tests are skipped and counted.
///
/// # Errors
/// At the first step that fails. Where there is no npm, nothing is done: the committed bundle is used as it is.
pub fn test(skips: &PathBuf) -> anyhow::Result<()> {
    if !exists("npm") {
        let line = "web: there is no npm\n";
        std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(skips)
            .and_then(|mut file| std::io::Write::write_all(&mut file, line.as_bytes()))?;
        return Ok(());
    }
    step("npm ci (web)", npm(&["ci", "--silent", "--no-audit", "--no-fund"]))?;
    step("web: types and lints", npm(&["run", "--silent", "check"]))?;
    step("web: unit tests and bundle", npm(&["run", "--silent", "test"]))?;
    let mut browser = npm(&["run", "--silent", "browser"]);
    browser
        .env("KARIN_SKIP_LOG", skips)
        .env("KARIN_BIN", workspace().join("target/release/karin"));
    step("web: browser tests", browser)
}

/// `npm` in the folder of the front end.
fn npm(arguments: &[&str]) -> Command {
    let mut command = Command::new("npm");
    command
        .args(arguments)
        .arg("--prefix")
        .arg(workspace().join("web"));
    command
}
