"""What both Python test suites share: the reference data, and how skips are counted."""

import os
from pathlib import Path

import pytest

WORKSPACE = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("KARIN_SHARED_DATA", WORKSPACE.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def reference_data():
    """The path of a reference file; skips the test where it is absent."""

    def path(name: str) -> Path:
        file = SHARED / name
        if not file.exists():
            pytest.skip(f"reference data {name} is not on this machine")
        return file

    return path


@pytest.fixture
def tried(request):
    """Says how much a test tried (as "200 kills, 0 lost"): in its output, and in the list that `cargo xtask test --long` prints."""

    def say(text: str) -> None:
        print(text)
        if log := os.environ.get("KARIN_COUNT_LOG"):
            with open(log, "a") as file:
                file.write(f"{request.node.nodeid}: {text}\n")

    return say


def pytest_runtest_logreport(report):
    """Adds every skipped test to the list that `cargo xtask test` prints."""
    # Of several processes, only the one that gathers all reports writes.
    log = None if "PYTEST_XDIST_WORKER" in os.environ else os.environ.get("KARIN_SKIP_LOG")
    if report.skipped and log and report.when in ("setup", "call"):
        reason = report.longrepr[2] if isinstance(report.longrepr, (tuple, list)) else str(report.longrepr)
        with open(log, "a") as file:
            file.write(f"{report.nodeid}: {reason}\n")
