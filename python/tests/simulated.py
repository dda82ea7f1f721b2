"""Granules that the tests read: simulated once per run, cut down to what a test needs where that keeps it fast."""

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from karin import _karin

BASIC, EXPERT, LEVEL3 = "L2_LR_SSH_Basic", "L2_LR_SSH_Expert", "L3_LR_SSH_Expert"


@functools.cache
def folder() -> Path:
    """A folder that lives as long as the tests run."""
    path = Path(tempfile.mkdtemp(prefix="karin-tests-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


@functools.cache
def granules(product: str, cycles: str, passes: str, version: str | None = None) -> list[Path]:
    """Paths of simulated granules, in order of cycle and pass."""
    target = folder() / "-".join(filter(None, (product, cycles, passes, version)))
    command = ["karin", "--quiet", "simulate", "--product", product, "--cycles", cycles, "--passes", passes]
    code = _karin.main([*command, *(["--version", version] if version else []), str(target)])
    assert code == 0, f"karin simulate ended with {code}"
    return sorted(target.glob("*.nc"))
