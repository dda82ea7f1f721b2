//! The `karin` command inside the wheel.

use std::ffi::OsString;

use pyo3::prelude::*;

/// Run the `karin` command with these arguments (the program's name first) and give its exit code.
#[pyfunction]
pub fn main(py: Python<'_>, argv: Vec<OsString>) -> u8 {
    py.detach(|| karin_cli::main(argv))
}
