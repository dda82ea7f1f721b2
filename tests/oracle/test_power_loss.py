"""Power cuts: at every step of two ingests and a garbage collection, what a disk may then hold is a sound collection with all that
was acknowledged. The program that runs is the real one; the disk is the model of power_loss.py."""

import json
import os
import random
import re
import shutil
import subprocess
import time

import pytest
from conftest import karin_binary
from power_loss import POWER_CUTS, STRACE, Disk, calls, materialise, nothing_unsafe

LONG = "KARIN_LONG" in os.environ
LEAN = "ssha_karin_2,ssha_karin_2_qual"
# States of the disk that are looked at, of some nine hundred; all of them in the long run.
STATES = 150


@pytest.fixture(scope="module")
def trace(karin, tmp_path_factory):
    """The calls of two ingests, the first of which creates the collection, and of a gc; and the folder they ran in."""
    if shutil.which("strace") is None:
        pytest.skip("strace cannot trace here")
    folder = tmp_path_factory.mktemp("power")
    granules, disk = folder / "granules", folder / "disk"
    karin("simulate", "--cycles", "475-476", "--passes", "1", "--vars", LEAN, granules)
    first, second = sorted(granules.rglob("*.nc"))
    disk.mkdir()
    log, program = folder / "log", karin_binary()
    script = '"$2" ingest -j 1 "$3" "$1" && "$2" ingest -j 1 "$4" "$1" && "$2" gc --keep 0s --grace 0s "$1"'
    done = subprocess.run([*STRACE, "-o", str(log), "sh", "-c", script, "sh", disk / "c", program, first, second], capture_output=True)
    if done.returncode != 0:
        pytest.skip(f"strace cannot trace here: {done.stderr[-200:]}")
    return list(calls(log)), disk


def replay(trace, deaf=None):
    """The disk after every call that changed it, and how many granules had been acknowledged by then."""
    steps, root = trace
    disk, acknowledged = Disk(root, deaf), 0
    for name, arguments in steps:
        if name == "write" and (said := re.match(rb"\W*acknowledged (\d+) granules?", arguments[1])):
            acknowledged += int(said[1])
        elif disk.call(name, arguments):
            yield disk, acknowledged


def faults(karin, files, acknowledged, folder):
    """What is wrong with a disk of these files; nothing if it is sound and holds what was acknowledged."""
    materialise(files, folder)
    collection = folder / "c"
    try:
        if not (collection / "repo").exists():
            return ["the collection is gone"] if acknowledged else []
        checked = karin("--json", "verify", collection, code=None)
        if checked.returncode != 0:
            return [f"verify: {checked.stdout[-500:]} {checked.stderr[-500:]}"]
        listed = karin("--json", "ls", collection, code=None)
        groups = json.loads(listed.stdout)["groups"] if listed.returncode == 0 else []
        there = sum(group["granules"] for group in groups)
        return [f"{there} granules of {acknowledged} acknowledged"] if there < acknowledged else []
    finally:
        shutil.rmtree(folder)


def test_power_cuts_lose_nothing(karin, trace, tmp_path, tried):
    seed = int(os.environ.get("KARIN_SEED", time.time_ns() % 2**32))
    print("KARIN_SEED", seed)
    dice = random.Random(seed)
    steps = sum(1 for _ in replay(trace))
    assert steps > 200, "the trace shows what ingest and gc do to the disk"
    # Which steps are looked at: the last ones of every kind of power cut in any case.
    share = 1.0 if LONG else STATES / (steps * len(POWER_CUTS))
    looked, most = 0, 0
    for step, (disk, acknowledged) in enumerate(replay(trace)):
        most = max(most, acknowledged)
        for power_cut in POWER_CUTS:
            if dice.random() > share and step < steps - 2:
                continue
            files = power_cut(disk, dice)
            found = faults(karin, files, acknowledged, tmp_path / "disk")
            assert not found, f"{power_cut.__name__} after step {step}: {found}"
            looked += 1
    tried(f"{looked} states of the disk after a power cut, {most} granules acknowledged, 0 lost")
    assert most == 2


def test_an_ingest_goes_on_after_a_power_cut(karin, trace, tmp_path):
    dice = random.Random(1)
    granules = sorted((trace[1].parent / "granules").rglob("*.nc"))
    steps = sum(1 for _ in replay(trace))
    chosen = set(range(0, steps, 1 + steps // (100 if LONG else 6)))
    for step, (disk, _) in enumerate(replay(trace)):
        if step in chosen:
            materialise(dice.choice(POWER_CUTS)(disk, dice), tmp_path / "disk")
            karin("ingest", *granules, tmp_path / "disk/c")
            assert json.loads(karin("--json", "verify", tmp_path / "disk/c").stdout)["clean"], step
            (group,) = json.loads(karin("--json", "ls", tmp_path / "disk/c").stdout)["groups"]
            assert group["granules"] == 2, step
            shutil.rmtree(tmp_path / "disk")


@pytest.mark.parametrize("deaf", ["c", "chunks", "manifests", "snapshots"])
def test_the_model_notices_what_was_not_made_durable(karin, trace, tmp_path, deaf):
    """The same on a disk where the fsync of one folder does nothing: the model must see the loss, or it could see none."""
    for disk, acknowledged in replay(trace, deaf):
        files = nothing_unsafe(disk, None)
    assert acknowledged == 2
    assert faults(karin, files, acknowledged, tmp_path / "disk")
