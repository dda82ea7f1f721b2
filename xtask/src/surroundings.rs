//! What tests are told about where things are, and what they tell back: skips and counts.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::steps::{exists, workspace};

/// Two lists that tests add lines to, and how far they shall go.
pub struct Surroundings {
    /// Where skipped tests are listed.
    pub skips: PathBuf,
    /// Where tests say how much they tried.
    pub counts: PathBuf,
    /// Whether the full counts of the fault and fuzz matrix are wanted.
    pub long: bool,
}

impl Surroundings {
    /// Of a run of the tests that everybody waits for; both lists are begun anew.
    pub fn standard() -> Self {
        let list = |name: &str| {
            let path = workspace().join("target").join(name);
            let _ = std::fs::remove_file(&path);
            path
        };
        Self {
            skips: list("skipped-tests.txt"),
            counts: list("counts.txt"),
            long: false,
        }
    }

    /// The same with the full counts.
    pub fn long(self) -> Self {
        Self { long: true, ..self }
    }

    /// Tells `command`, which runs tests, by environment variables.
    pub fn tell<'c>(&self, command: &'c mut Command, python: &Path) -> &'c mut Command {
        command
            .env("KARIN_PYTHON", python)
            .env("KARIN_SKIP_LOG", &self.skips)
            .env("KARIN_COUNT_LOG", &self.counts)
            .env("KARIN_BIN", workspace().join("target/release/karin"));
        if self.long {
            command.env("KARIN_LONG", "1");
        }
        command
    }

    /// Adds a line to the skipped tests.
    pub fn skip(&self, line: &str) {
        append(&self.skips, line);
    }

    /// Adds a line to the counts.
    pub fn count(&self, line: &str) {
        append(&self.counts, line);
    }

    /// Prints how much was tried, in a long run, and what was skipped.
    pub fn report(&self) {
        if self.long {
            let counts = std::fs::read_to_string(&self.counts).unwrap_or_default();
            eprintln!("==> what the matrix tried (also in {})", self.counts.display());
            for line in counts.lines() {
                eprintln!("    {line}");
            }
        }
        let skipped = std::fs::read_to_string(&self.skips).unwrap_or_default();
        eprintln!("==> {} tests were skipped", skipped.lines().count());
        for line in skipped.lines() {
            eprintln!("    {line}");
        }
    }
}

/// A list that cannot be written is said, and stops no test.
fn append(path: &Path, line: &str) {
    use std::io::Write as _;
    let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
    if let Err(error) = file.and_then(|mut file| writeln!(file, "{line}")) {
        eprintln!("warning: cannot write to {}: {error}", path.display());
    }
}

/// The program that runs Rust tests, as words behind `cargo`.
pub fn runner() -> &'static str {
    if exists("cargo-nextest") {
        "nextest run"
    } else {
        "test"
    }
}
