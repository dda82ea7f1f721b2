//! Developer tasks: `cargo xtask setup | test [--long] | matrix | bench | fuzz | layers`.
//!
//! `test` is what CI runs: it sets up all it needs (the Python environment of the oracle tests included), then runs
//! format, lints, layers, documentation, Rust tests and oracle tests, and counts what was skipped.

mod bench;
mod fuzz;
mod layers;
mod matrix;
mod python;
mod steps;
mod surroundings;
mod test;
mod web;

use std::process::ExitCode;

use steps::{Lane, cargo};

const USAGE: &str = "\
usage: cargo xtask TASK

  setup          create .venv with the oracle packages (CPython 3.12 or later where there is one) and karin itself
  test           everything: format, lints, layers, documentation, Rust tests, oracle tests
  test --long    the same, and then the full fault and fuzz matrix (hours); prints what it tried
  matrix [PART]  the matrix or parts of it alone: storage mutants kills power faults buckets servers fuzz
  bench [NAME]   the benchmarks of benches/, karin and its peers in one run
  fuzz SECONDS [TARGET]   the fuzz targets of fuzz/, each for so long
  layers         check that the crates depend downwards only";

/// The Python environment, and the package in it.
fn setup() -> anyhow::Result<()> {
    let lane = Lane::in_front();
    let environment = python::environment(&lane)?;
    lane.step("cargo build", cargo("build --release --workspace --bins --lib"))?;
    python::install_package(&lane, &environment)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["setup"] => setup(),
        ["test"] => test::run(false),
        ["test", "--long"] => test::run(true),
        ["matrix", names @ ..] => matrix::run(names),
        ["bench", names @ ..] => bench::run(names),
        ["fuzz", seconds, names @ ..] => fuzz::run(seconds, names),
        ["layers"] => layers::check(),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
