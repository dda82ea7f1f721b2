//! `cargo xtask test`: everything that must hold before a change lands.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{self, Receiver, Sender};

use anyhow::{anyhow, bail};

use crate::layers;
use crate::matrix;
use crate::python;
use crate::steps::{Done, Lane, cargo, exists, workspace};
use crate::surroundings::{Surroundings, runner};
use crate::web;

/// Runs all steps; `long` adds the full fault and fuzz matrix once they have passed.
///
/// Two lanes share the machine: Cargo's, and beside it the Python environment while Cargo builds, then whatever tests
/// what was built.
///
/// # Errors
/// If a step fails; on CI also where the stock-reader tests had to be skipped.
pub fn run(long: bool) -> anyhow::Result<()> {
    let (front, beside) = (Lane::in_front(), Lane::beside());
    front.step("cargo fmt", cargo("fmt --all --check"))?;
    layers::check()?;
    let surroundings = Surroundings::standard();
    let (tell_built, built) = mpsc::channel();
    let (tell_ready, ready) = mpsc::channel();
    let (of_cargo, of_python) = std::thread::scope(|scope| {
        let python = {
            let (lane, surroundings) = (&beside, &surroundings);
            scope.spawn(move || python_steps(lane, surroundings, &built, &tell_ready))
        };
        let of_cargo = cargo_steps(&front, &surroundings, tell_built, &ready);
        let panicked = |_| Err(anyhow!("the steps beside Cargo's panicked"));
        (of_cargo, python.join().unwrap_or_else(panicked))
    });
    let mut result = match (of_cargo, of_python) {
        (Err(error), Err(other)) => Err(anyhow!("{error:#}; {other:#}")),
        (Ok(()), result) | (result, Ok(())) => result,
    };
    let surroundings = if long { surroundings.long() } else { surroundings };
    if long && result.is_ok() {
        let python = workspace().join(".venv/bin/python");
        result = matrix::parts(&front, &surroundings, &python, &[]);
    }
    table(front.done().iter().chain(beside.done().iter()));
    surroundings.report();
    result
}

/// Builds, tests and lints all crates. Says when the programs and the extension module are there.
fn cargo_steps(
    lane: &Lane,
    surroundings: &Surroundings,
    tell_built: Sender<()>,
    ready: &Receiver<PathBuf>,
) -> anyhow::Result<()> {
    lane.step(
        "cargo build",
        cargo("build --release --workspace --lib --bins --examples"),
    )?;
    // Nobody listens if the other lane has failed: then that one says why.
    let _ = tell_built.send(());
    let clippy = "clippy --release --workspace --all-targets -- -D warnings";
    lane.step("cargo clippy", cargo(clippy))?;
    let mut doc = cargo("doc --release --workspace --no-deps");
    lane.step("cargo doc", doc.env("RUSTDOCFLAGS", "-D warnings"))?;
    let tests = format!("{} --release --workspace", runner());
    lane.step("build of the Rust tests", cargo(&format!("{tests} --no-run")))?;
    let Ok(python) = ready.recv() else {
        return Ok(());
    };
    let tests = format!("{tests} --no-fail-fast");
    lane.step("Rust tests", surroundings.tell(&mut cargo(&tests), &python))?;
    let mut doctests = cargo("test --release --workspace --doc --quiet");
    lane.step("documentation tests", surroundings.tell(&mut doctests, &python))
}

/// Sets up the Python environment, says when it is there, and tests what Cargo has built.
fn python_steps(
    lane: &Lane,
    surroundings: &Surroundings,
    built: &Receiver<()>,
    tell_ready: &Sender<PathBuf>,
) -> anyhow::Result<()> {
    debian_tools();
    node_packages(lane);
    let environment = python::environment(lane)?;
    let _ = tell_ready.send(environment.python.clone());
    web::check(lane)?;
    if built.recv().is_err() {
        return Ok(());
    }
    python::install_package(lane, &environment)?;
    let module = |words: &str| {
        let mut command = Command::new(&environment.python);
        command.arg("-m").args(words.split_whitespace());
        surroundings.tell(&mut command, &environment.python);
        command
    };
    lane.step("mypy", module("mypy"))?;
    lane.step("stubtest", module("mypy.stubtest karin._karin"))?;
    // Tests of one module share what they were set up with, and so one process.
    let pytest = "pytest -q -rs --durations=8 -n 2 --dist loadscope";
    lane.step("oracle tests", module(&format!("{pytest} tests/oracle")))?;
    lane.step("package tests", module(&format!("{pytest} python/tests")))?;
    web::drive(lane, &surroundings.skips)?;
    // Runs the notebooks of the gallery; a warning or a cell that fails fails it.
    let mut site = module("sphinx -W --keep-going -q -b html docs/python target/docs-python");
    site.env("KARIN_GALLERY_DATA", workspace().join("target/gallery-data"));
    lane.step("documentation of the package", &mut site)?;
    if !environment.has_stock_readers && std::env::var_os("CI").is_some() {
        bail!("the stock-reader tests were skipped: CI needs a CPython >= 3.12");
    }
    Ok(())
}

/// Prints how long each step took and which failed.
fn table<'d>(steps: impl Iterator<Item = &'d Done>) {
    eprintln!("==> steps");
    for Done {
        name,
        seconds,
        passed,
    } in steps
    {
        let outcome = if *passed { "passed" } else { "FAILED" };
        eprintln!("    {outcome} {seconds:6.0} s  {name}");
    }
}

/// Installs ncdump, strace, Chromium and OpenSSH's server where this is a Debian machine and we may; tests that need them skip otherwise.
fn debian_tools() {
    let tools = [
        ("ncdump", "netcdf-bin"),
        ("strace", "strace"),
        ("chromium", "chromium"),
    ];
    // A machine that runs services would start the server at once.
    let runs_services = Path::new("/run/systemd/system").exists();
    let sshd = (!runs_services).then_some(("sshd", "openssh-server"));
    let missing: Vec<&str> = tools
        .into_iter()
        .chain(sshd)
        .filter(|(program, _)| !is_installed(program))
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

/// True if `program` lies in a folder of programs: not all of them can be asked for their version alone.
fn is_installed(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join(program).exists())
}

/// Installs the JavaScript Zarr reader of the interoperability tests; without it they skip.
fn node_packages(lane: &Lane) {
    let folder = workspace().join("tests/oracle/zarrita");
    if !exists("npm") || folder.join("node_modules").exists() {
        return;
    }
    let mut install = Command::new("npm");
    install
        .args(["ci", "--silent", "--no-audit", "--no-fund", "--prefix"])
        .arg(&folder);
    if let Err(error) = lane.step("npm ci", install) {
        eprintln!("warning: {error:#}: the tests with zarrita will be skipped");
    }
}
