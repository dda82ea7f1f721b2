//! Files to read in tests.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Files of every layout, made by the same program as those of the oracle tests.
pub fn made_files(test: &str, folder: &Path) -> Option<Vec<PathBuf>> {
    let python = test_support::python(test)?;
    let script = "import sys, pathlib; sys.path.insert(0, sys.argv[1]); import netcdf_matrix as matrix
for make in matrix.CASES.values(): print(make(pathlib.Path(sys.argv[2]))[0])";
    let run = Command::new(python)
        .args(["-W", "ignore", "-c", script])
        .arg(test_support::workspace().join("tests/oracle"))
        .arg(folder)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    Some(
        String::from_utf8(run.stdout)
            .unwrap()
            .lines()
            .map(PathBuf::from)
            .collect(),
    )
}
