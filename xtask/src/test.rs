//! `cargo xtask test`: everything that must hold before a change lands.

use std::path::PathBuf;
use std::process::Command;

use anyhow::bail;

use crate::layers;
use crate::python::{self, Environment};
use crate::steps::{cargo, exists, step, workspace};

/// Runs all steps; `long` adds the full fault and fuzz matrix.
///
/// # Errors
/// At the first step that fails; on CI also where the stock-reader tests had to be skipped.
pub fn run(long: bool) -> anyhow::Result<()> {
    step("cargo fmt", cargo(&["fmt", "--all", "--check"]))?;
    layers::check()?;
    let environment = python::environment()?;
    debian_tools();
    node_packages();
    step(
        "cargo clippy",
        cargo(&[
            "clippy",
            "--release",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]),
    )?;
    step(
        "cargo build",
        cargo(&[
            "build",
            "--release",
            "--workspace",
            "--lib",
            "--bins",
            "--examples",
        ]),
    )?;
    step(
        "cargo doc",
        cargo(&["doc", "--release", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    python::install_package(&environment)?;
    let skips = workspace().join("target/skipped-tests.txt");
    let _ = std::fs::remove_file(&skips);
    rust_tests(&environment, &skips, long)?;
    oracle_tests(&environment, &skips, long)?;
    package_tests(&environment, &skips, long)?;
    report(&environment, &skips)
}

fn rust_tests(environment: &Environment, skips: &PathBuf, long: bool) -> anyhow::Result<()> {
    let mut tests = if exists("cargo-nextest") {
        cargo(&["nextest", "run", "--release", "--workspace", "--no-fail-fast"])
    } else {
        cargo(&["test", "--release", "--workspace", "--no-fail-fast"])
    };
    step(
        "Rust tests",
        with_surroundings(&mut tests, environment, skips, long),
    )?;
    let mut doctests = cargo(&["test", "--release", "--workspace", "--doc", "--quiet"]);
    step(
        "documentation tests",
        with_surroundings(&mut doctests, environment, skips, long),
    )
}

fn oracle_tests(environment: &Environment, skips: &PathBuf, long: bool) -> anyhow::Result<()> {
    let mut pytest = Command::new(&environment.python);
    pytest.args(["-m", "pytest", "-q", "-rs", "--durations=8", "tests/oracle"]);
    step(
        "oracle tests",
        with_surroundings(&mut pytest, environment, skips, long),
    )
}

/// The Python package: its types, and its tests.
fn package_tests(environment: &Environment, skips: &PathBuf, long: bool) -> anyhow::Result<()> {
    step("mypy", Command::new(&environment.python).args(["-m", "mypy"]))?;
    step(
        "stubtest",
        Command::new(&environment.python).args(["-m", "mypy.stubtest", "karin._karin"]),
    )?;
    let mut pytest = Command::new(&environment.python);
    pytest.args(["-m", "pytest", "-q", "-rs", "--durations=8", "python/tests"]);
    step(
        "package tests",
        with_surroundings(&mut pytest, environment, skips, long),
    )?;
    // Runs the notebooks of the gallery; a warning or a cell that fails fails it.
    let mut site = Command::new(&environment.python);
    site.args([
        "-m",
        "sphinx",
        "-W",
        "--keep-going",
        "-q",
        "-b",
        "html",
        "docs/python",
        "target/docs-python",
    ]);
    site.env("KARIN_GALLERY_DATA", workspace().join("target/gallery-data"));
    step("documentation of the package", &mut site)
}

/// What the tests are told about where things are.
fn with_surroundings<'c>(
    command: &'c mut Command,
    environment: &Environment,
    skips: &PathBuf,
    long: bool,
) -> &'c mut Command {
    command
        .env("KARIN_PYTHON", &environment.python)
        .env("KARIN_SKIP_LOG", skips);
    command.env("KARIN_BIN", workspace().join("target/release/karin"));
    if long {
        command.env("KARIN_LONG", "1");
    }
    command
}

/// Counts and prints what was skipped; on CI the stock-reader tests must have run.
fn report(environment: &Environment, skips: &PathBuf) -> anyhow::Result<()> {
    let skipped = std::fs::read_to_string(skips).unwrap_or_default();
    eprintln!("==> {} tests were skipped", skipped.lines().count());
    for line in skipped.lines() {
        eprintln!("    {line}");
    }
    if !environment.has_stock_readers && std::env::var_os("CI").is_some() {
        bail!("the stock-reader tests were skipped: CI needs a CPython >= 3.12");
    }
    Ok(())
}

/// Installs ncdump and strace where this is a Debian machine and we may; tests that need them skip otherwise.
fn debian_tools() {
    let missing: Vec<&str> = [("ncdump", "netcdf-bin"), ("strace", "strace")]
        .into_iter()
        .filter(|(program, _)| Command::new(program).arg("-V").output().is_err())
        .map(|(_, package)| package)
        .collect();
    let is_root = std::env::var_os("HOME").is_some_and(|home| home == "/root");
    if missing.is_empty() || !is_root || !exists("apt-get") {
        return;
    }
    let update = Command::new("apt-get").args(["update", "-qq"]).status();
    let install = Command::new("apt-get")
        .args(["install", "-y", "-qq", "--no-install-recommends"])
        .args(&missing)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdout(std::process::Stdio::null())
        .status();
    if !update.and(install).is_ok_and(|status| status.success()) {
        eprintln!(
            "warning: could not install {}: the tests that need them will be skipped",
            missing.join(", ")
        );
    }
}

/// Installs the JavaScript Zarr reader of the interoperability tests; without it they skip.
fn node_packages() {
    let folder = workspace().join("tests/oracle/zarrita");
    if !exists("npm") || folder.join("node_modules").exists() {
        return;
    }
    let mut install = Command::new("npm");
    install
        .args(["ci", "--silent", "--no-audit", "--no-fund", "--prefix"])
        .arg(&folder);
    if let Err(error) = step("npm ci", install) {
        eprintln!("warning: {error:#}: the tests with zarrita will be skipped");
    }
}
