"""What the oracle tests share: the built `karin`, the reference data, and how skips are counted."""

import os
import subprocess
from pathlib import Path

import pytest

WORKSPACE = Path(__file__).resolve().parents[2]


def karin_binary() -> Path:
    return Path(os.environ.get("KARIN_BIN", WORKSPACE / "target/release/karin"))


@pytest.fixture(scope="session")
def karin():
    """Runs `karin` with arguments; fails the test on another exit code than `code` (None: any); gives the finished process."""
    binary = karin_binary()
    if not binary.exists():
        pytest.skip(f"{binary} is not built: run `cargo build --release -p karin-cli`")

    def run(*arguments, code=0, **options):
        command = [str(binary), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, **options)
        assert code is None or done.returncode == code, f"{command}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture(scope="session")
def reference_data():
    """The path of a reference file; skips the test where it is absent."""
    folder = Path(os.environ.get("KARIN_SHARED_DATA", WORKSPACE.parent / "shared" / "data"))

    def path(name: str) -> Path:
        file = folder / name
        if not file.exists():
            pytest.skip(f"reference data {name} is not on this machine")
        return file

    return path


def pytest_runtest_logreport(report):
    """Adds every skipped test to the list that `cargo xtask test` prints."""
    log = os.environ.get("KARIN_SKIP_LOG")
    if report.skipped and log and report.when in ("setup", "call"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        with open(log, "a") as file:
            file.write(f"{report.nodeid}: {reason}\n")
