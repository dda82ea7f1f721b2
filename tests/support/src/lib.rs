//! What tests share: where the reference data lies, which Python to ask, and how a skip is said.
//!
//! A test that cannot run says why through [`skip`] and returns; `cargo xtask test` counts these lines and prints them.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The root of the workspace.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The reference file `name` (as `orbit/SWOT_science_ORF.json`), or `None` after a said skip of `test`.
///
/// `KARIN_SHARED_DATA` names the folder; without it, `../shared/data` beside the checkout is tried.
pub fn reference_data(test: &str, name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("KARIN_SHARED_DATA")
        .map_or_else(|| workspace().join("../shared/data"), PathBuf::from);
    let path = folder.join(name);
    if path.exists() {
        return Some(path);
    }
    skip(test, &format!("reference data {name} is not on this machine"));
    None
}

/// The Python interpreter with the oracle packages (`KARIN_PYTHON`, else `.venv` of the workspace), or `None` after
/// a said skip of `test`.
pub fn python(test: &str) -> Option<PathBuf> {
    let path =
        std::env::var_os("KARIN_PYTHON").map_or_else(|| workspace().join(".venv/bin/python"), PathBuf::from);
    if path.exists() {
        return Some(path);
    }
    skip(test, "no Python environment: run `cargo xtask setup`");
    None
}

/// Runs a Python `program` that uses stock Icechunk, with `arguments`; what it printed.
///
/// It leaves by `os._exit`. Icechunk's own threads outlive its last call by a moment, and where the interpreter is already
/// being torn down they drop Python objects without its lock (CPython ends a thread that asks for the lock by unwinding it,
/// up to 3.13): under load that killed a program now and then after it had done all its work.
///
/// # Panics
/// If the program fails, which fails the test.
pub fn run_stock_python(python: &Path, program: &str, arguments: &[&OsStr]) -> String {
    let run = std::process::Command::new(python)
        .args(["-W", "ignore", "-c"])
        .arg(format!(
            "{program}\nimport os, sys\nsys.stdout.flush()\nos._exit(0)\n"
        ))
        .args(arguments)
        .output()
        .expect("python starts");
    let printed = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(
        run.status.success(),
        "stock Python ended with {}: {printed}{}",
        run.status,
        String::from_utf8_lossy(&run.stderr)
    );
    printed
}

/// netCDF and HDF5 files of every kind, made in `folder` by the program that makes those of the oracle tests; `None`
/// after a said skip of `test`.
///
/// # Panics
/// If that program fails, which fails the test.
pub fn netcdf_files(test: &str, folder: &Path) -> Option<Vec<PathBuf>> {
    let python = python(test)?;
    let script = "import sys, pathlib; sys.path.insert(0, sys.argv[1]); import netcdf_matrix as matrix
for make in matrix.CASES.values(): print(make(pathlib.Path(sys.argv[2]))[0])";
    let run = std::process::Command::new(python)
        .args(["-W", "ignore", "-c", script])
        .arg(workspace().join("tests/oracle"))
        .arg(folder)
        .output();
    match run {
        Ok(run) if run.status.success() => Some(
            String::from_utf8_lossy(&run.stdout)
                .lines()
                .map(PathBuf::from)
                .collect(),
        ),
        other => panic!("netcdf_matrix.py failed: {other:?}"),
    }
}

/// Says that `test` did not run and why: on stderr, and in the file that `KARIN_SKIP_LOG` names.
pub fn skip(test: &str, reason: &str) {
    eprintln!("SKIPPED {test}: {reason}");
    append("KARIN_SKIP_LOG", test, reason);
}

/// Says how much `test` tried (as "200 kills, 0 lost"): on stderr, and in the file that `KARIN_COUNT_LOG` names.
pub fn count(test: &str, tried: &str) {
    eprintln!("{test}: {tried}");
    append("KARIN_COUNT_LOG", test, tried);
}

/// True in a long run (`KARIN_LONG`, as `cargo xtask test --long` sets it), which takes the full counts.
pub fn is_long() -> bool {
    std::env::var_os("KARIN_LONG").is_some()
}

/// One write of one line, so that lines of tests that run at the same time stay whole.
fn append(variable: &str, test: &str, text: &str) {
    if let Some(log) = std::env::var_os(variable)
        && let Ok(mut file) = std::fs::OpenOptions::new().append(true).create(true).open(log)
    {
        let _ = file.write_all(format!("{test}: {text}\n").as_bytes());
    }
}
