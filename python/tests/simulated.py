"""Granules that the tests read: simulated once per run, cut down to what a test needs where that keeps it fast."""

import atexit
import functools
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

BASIC, EXPERT, LEVEL3 = "L2_LR_SSH_Basic", "L2_LR_SSH_Expert", "L3_LR_SSH_Expert"


@functools.cache
def folder() -> Path:
    """A folder that lives as long as the tests run."""
    path = Path(tempfile.mkdtemp(prefix="karin-tests-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def command(*words: object) -> None:
    """The `karin` command of the wheel, in a process of its own: it takes the signals of its process, which forks inherit."""
    ended = subprocess.run([sys.executable, "-m", "karin_command", "--quiet", *map(str, words)])
    assert ended.returncode == 0, f"karin {words[0]} ended with {ended.returncode}"


@functools.cache
def granules(product: str, cycles: str, passes: str, version: str | None = None) -> list[Path]:
    """Paths of simulated granules, in order of cycle and pass."""
    target = folder() / "-".join(filter(None, (product, cycles, passes, version)))
    versions = ["--version", version] if version else []
    command("simulate", "--product", product, "--cycles", cycles, "--passes", passes, *versions, target)
    return sorted(target.glob("*.nc"))
