//! The Python environment of the oracle tests.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::steps::{Lane, workspace};

/// The first CPython with which stock `icechunk` and `zarr` can be installed.
const STOCK_READERS: (u32, u32) = (3, 12);
/// The oldest CPython that serves the other oracle tests.
const OLDEST: (u32, u32) = (3, 11);

/// An interpreter with the oracle packages.
pub struct Environment {
    /// The interpreter inside `.venv`.
    pub python: PathBuf,
    /// True if stock `icechunk` and `zarr` are there.
    pub has_stock_readers: bool,
}

/// Finds or makes `.venv`, and brings its packages up to the pinned versions.
///
/// # Errors
/// If there is no CPython of at least 3.11, or the packages cannot be installed.
pub fn environment(lane: &Lane) -> anyhow::Result<Environment> {
    let python = workspace().join(".venv/bin/python");
    if version(&python).is_none() {
        let (base, found) = best_python()?;
        eprintln!(
            "==> .venv with {} (CPython {}.{})",
            base.display(),
            found.0,
            found.1
        );
        lane.step(
            "python -m venv .venv",
            Command::new(&base).args(["-m", "venv", "--clear", ".venv"]),
        )?;
    }
    let found =
        version(&python).context("the interpreter of .venv does not start: remove .venv and try again")?;
    let has_stock_readers = found >= STOCK_READERS;
    let requirements = if has_stock_readers {
        "requirements.txt"
    } else {
        "requirements-3.11.txt"
    };
    install(lane, &python, &Path::new("tests/oracle").join(requirements))?;
    if has_stock_readers {
        install_simulator(lane, &python);
    }
    if !has_stock_readers {
        eprintln!(
            "warning: no CPython >= 3.12 on this machine: the tests with stock icechunk and zarr will be skipped \
             (install one, or name it in KARIN_BASE_PYTHON, remove .venv and try again)"
        );
    }
    Ok(Environment {
        python,
        has_stock_readers,
    })
}

/// Installs the requirements unless this very file was installed before.
fn install(lane: &Lane, python: &Path, requirements: &Path) -> anyhow::Result<()> {
    let wanted = std::fs::read(workspace().join(requirements))?;
    let stamp = workspace().join(".venv/installed-requirements.txt");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    pip(lane, python, &format!("-r {}", requirements.display()))?;
    std::fs::write(stamp, wanted)?;
    Ok(())
}

/// Installs what the arguments, parted by white space, name. Modules are not compiled before they are imported: most never are.
fn pip(lane: &Lane, python: &Path, arguments: &str) -> anyhow::Result<()> {
    let mut pip = Command::new(python);
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-compile",
        "--disable-pip-version-check",
    ])
    .args(arguments.split_whitespace());
    lane.step("pip install", &mut pip)
}

/// The simulator whose granules one oracle test reads: old, kept alive by nobody, and so no reason to fail.
const SIMULATOR: &str = "swot_simulator==1.2.1";

/// Installs the simulator once; the test that needs it is skipped where that fails.
fn install_simulator(lane: &Lane, python: &Path) {
    let stamp = workspace().join(".venv/installed-simulator.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|tried| tried == SIMULATOR) {
        return;
    }
    let installed = pip(lane, python, "-r tests/oracle/requirements-simulator.txt").and_then(|()| {
        pip(
            lane,
            python,
            &format!("--no-deps --no-build-isolation {SIMULATOR}"),
        )
    });
    match installed {
        Ok(()) => {
            // A lost stamp costs a minute at the next setup, nothing else.
            drop(std::fs::write(stamp, SIMULATOR));
        }
        Err(error) => {
            eprintln!("warning: {SIMULATOR} cannot be installed, its test will be skipped: {error:#}")
        }
    }
}

/// Puts the package into `.venv`: the extension module that `cargo build` has made, beside the Python sources (changes
/// to those show at once), and its metadata, so that `engine="karin"` and the `karin` command are known.
///
/// # Errors
/// If the module was not built, or maturin cannot say what the package is.
pub fn install_package(lane: &Lane, environment: &Environment) -> anyhow::Result<()> {
    let built = ["lib_karin.so", "lib_karin.dylib"]
        .map(|name| workspace().join("target/release").join(name))
        .into_iter()
        .find(|path| path.exists())
        .context("target/release has no extension module: cargo build --release -p karin-py")?;
    // Under a new name first: a process may have the old one mapped.
    let module = workspace().join("python/karin/_karin.abi3.so");
    let fresh = module.with_extension("new");
    std::fs::copy(&built, &fresh)?;
    std::fs::rename(&fresh, &module)?;
    let places = Command::new(&environment.python)
        .args(["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"])
        .output()?;
    let site = PathBuf::from(String::from_utf8(places.stdout)?.trim());
    let mut describe = Command::new(&environment.python);
    describe
        .args(["-m", "maturin", "pep517", "write-dist-info", "--interpreter"])
        .arg(&environment.python)
        .arg("--metadata-directory")
        .arg(&site);
    lane.step("metadata of the package", &mut describe)?;
    let sources = std::fs::canonicalize(workspace().join("python"))?;
    std::fs::write(site.join("karin_sources.pth"), format!("{}\n", sources.display()))?;
    Ok(())
}

/// The newest CPython up to 3.14 that can be found; `KARIN_BASE_PYTHON` overrides.
fn best_python() -> anyhow::Result<(PathBuf, (u32, u32))> {
    if let Some(named) = std::env::var_os("KARIN_BASE_PYTHON") {
        let path = PathBuf::from(named);
        let found = version(&path).with_context(|| format!("{} does not start", path.display()))?;
        return Ok((path, found));
    }
    let names = [
        "python3.13",
        "python3.14",
        "python3.12",
        "python3.11",
        "python3",
        "python",
    ];
    let mut candidates: Vec<PathBuf> = names.iter().map(PathBuf::from).collect();
    candidates.extend(managed_pythons());
    let usable = candidates
        .into_iter()
        .filter_map(|path| version(&path).map(|found| (path, found)));
    let best = usable
        .filter(|(_, found)| *found >= OLDEST)
        .max_by_key(|(_, found)| preference(*found));
    match best {
        Some(best) => Ok(best),
        None => {
            bail!("no CPython >= 3.11 found: install python3 with its venv module (3.12 or later is best)")
        }
    }
}

/// 3.13 and 3.12 have wheels of all packages; later versions come next, 3.11 last.
fn preference(found: (u32, u32)) -> u32 {
    match found {
        (3, 13) => 3,
        (3, 12) => 2,
        (3, 11) => 0,
        _ => 1,
    }
}

/// Interpreters of pyenv and uv, which need not be on the PATH.
fn managed_pythons() -> Vec<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let pyenv = std::env::var_os("PYENV_ROOT").map_or_else(|| home.join(".pyenv"), PathBuf::from);
    [pyenv.join("versions"), home.join(".local/share/uv/python")]
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin/python3")))
        .collect()
}

/// Major and minor version of an interpreter that starts and has the venv module.
fn version(python: &Path) -> Option<(u32, u32)> {
    let probe = "import sys, venv, ensurepip; print(sys.version_info[0], sys.version_info[1])";
    let output = Command::new(python)
        .args(["-c", probe])
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().split_once(' ')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
