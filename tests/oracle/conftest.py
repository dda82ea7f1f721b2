"""What the oracle tests share: the built `karin`, the reference data, and how skips are counted."""

import os
import subprocess
from pathlib import Path

import pytest
from shared_fixtures import WORKSPACE, pytest_runtest_logreport, reference_data, tried  # noqa: F401


def karin_binary() -> Path:
    return Path(os.environ.get("KARIN_BIN", WORKSPACE / "target/release/karin"))


def built_example(name: str) -> Path:
    """An example of the crates as `cargo build --workspace --examples` made it; skips the test without it."""
    binary = Path(os.environ.get("KARIN_EXAMPLES", WORKSPACE / "target/release/examples")) / name
    if not binary.exists():
        pytest.skip(f"{binary} is not built: run `cargo build --release --workspace --examples`")
    return binary


@pytest.fixture(scope="session")
def karin():
    """Runs `karin` with arguments; fails the test on another exit code than `code` (None: any); gives the finished process."""
    binary = karin_binary()
    if not binary.exists():
        pytest.skip(f"{binary} is not built: run `cargo build --release --workspace --bins`")

    def run(*arguments, code=0, **options):
        command = [str(binary), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, **options)
        assert code is None or done.returncode == code, f"{command}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run
