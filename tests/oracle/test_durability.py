"""Nothing is lost: `karin ingest` killed at random and at every step, many at once, bits flipped; stock Icechunk looks."""

import json
import os
import random
import re
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from conftest import karin_binary

LONG = "KARIN_LONG" in os.environ
LEAN = "ssha_karin_2,ssha_karin_2_qual"
CALLS = ["rename", "fsync", "write", "flock", "mkdir"]


@pytest.fixture(scope="module")
def granules(karin, tmp_path_factory):
    """Nine lean granules: cycles 475 to 477, passes 1 to 3."""
    folder = tmp_path_factory.mktemp("granules")
    karin("simulate", "--cycles", "475-477", "--passes", "1-3", "--vars", LEAN, folder)
    files = sorted(folder.rglob("*.nc"))
    assert len(files) == 9
    return files


def arrays(collection):
    """Every array of the collection but the facts (which know when they were written), as stock tools read them."""
    icechunk = pytest.importorskip("icechunk")
    zarr = pytest.importorskip("zarr")
    repository = icechunk.Repository.open(icechunk.local_filesystem_storage(str(collection)))
    root = zarr.open_group(repository.readonly_session("main").store, path="L2_LR_SSH_Basic", mode="r")
    members = root.members(max_depth=None)
    found = {path: array for path, array in members if isinstance(array, zarr.Array) and "/granules/" not in path}
    return {path: array[part(array)] for path, array in found.items()}


def part(array):
    """The cycles and passes that have granules: the whole would be gigabytes of fill."""
    parts = {"cycle_number": slice(-3, None), "pass_number": slice(0, 3)}
    return tuple(parts.get(name, slice(None)) for name in array.metadata.dimension_names or ())


@pytest.fixture(scope="module")
def golden(karin, granules, tmp_path_factory):
    """What a collection of all granules holds when nothing disturbs."""
    collection = tmp_path_factory.mktemp("golden") / "c"
    karin("ingest", *granules, collection)
    return arrays(collection)


def assert_golden(collection, golden):
    found = arrays(collection)
    assert found.keys() == golden.keys()
    for path, values in golden.items():
        assert values.tobytes() == np.ascontiguousarray(found[path]).tobytes(), path


def assert_sound(karin, collection):
    """Whatever was committed is whole; a collection that was not yet created is no collection."""
    if (collection / "repo").exists():
        report = json.loads(karin("--json", "verify", collection).stdout)
        assert report["clean"], report


def start(*arguments, prefix=()):
    command = [*prefix, str(karin_binary()), "--quiet", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def test_kills_at_random(karin, granules, golden, tmp_path, tried):
    seed = int(os.environ.get("KARIN_SEED", time.time_ns() % 2**32))
    print("KARIN_SEED", seed)
    dice = random.Random(seed)
    begin = time.monotonic()
    karin("ingest", *granules, tmp_path / "timed")
    whole = time.monotonic() - begin
    kills = 0
    for round in range(200 if LONG else 8):
        collection = tmp_path / f"c{round}"
        # Three granules at a time, each lot killed at some point of its run until one gets through.
        for lot in range(3):
            for _ in range(2):
                child = start("ingest", *granules[lot * 3 : lot * 3 + 3], collection)
                try:
                    child.wait(timeout=dice.uniform(0, whole))
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()
                    kills += 1
                assert_sound(karin, collection)
        karin("ingest", *granules, collection)
        assert_golden(collection, golden)
        shutil.rmtree(collection)
    tried(f"{kills} ingests killed, nothing lost")
    assert kills > 0


def test_kills_at_every_step(karin, granules, golden, tmp_path, tried):
    probe = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=unlink:error=EIO:when=1", "true"]
    if shutil.which("strace") is None or subprocess.run(probe, capture_output=True).returncode != 0:
        pytest.skip("strace cannot trace here")
    kills = 0
    for call in CALLS:
        collection = tmp_path / call
        survived = when = 0
        while survived < 2 and when < (400 if LONG else 15):
            when += 1
            inject = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}"]
            inject += ["-e", f"inject={call}:signal=SIGKILL:when={when}"]
            lot = when % 9
            child = start("--jobs", "1", "ingest", granules[lot], collection, prefix=inject)
            ended = child.wait(timeout=120) == 0
            survived = survived + 1 if ended else 0
            kills += not ended
            assert_sound(karin, collection)
        karin("ingest", *granules, collection)
        assert_golden(collection, golden)
    tried(f"{kills} ingests killed at steps, nothing lost")
    assert kills > 20


def test_every_name_is_durable_before_the_root_moves(granules, tmp_path):
    """What a power failure would need: content before name, names of objects before the root, the root before the answer."""
    if shutil.which("strace") is None:
        pytest.skip("strace cannot trace here")
    log, collection = tmp_path / "log", tmp_path / "c"
    traced = ["strace", "-f", "-y", "-qq", "-e", "trace=fsync,rename,linkat", "-s", "4096", "-o", str(log)]
    child = start("--jobs", "1", "ingest", *granules[:2], collection, prefix=traced)
    if child.wait(timeout=120) != 0:
        pytest.skip("strace cannot trace here")
    durable_files, waiting, roots, objects = set(), {}, 0, 0
    for line in finished_calls(log):
        if match := re.search(r"fsync\(\d+<([^>]*)> *\) += 0", line):
            durable_files.add(match[1])
            waiting = {name: folder for name, folder in waiting.items() if folder != match[1]}
        elif match := re.search(r'rename\("([^"]*)", "([^"]*)"\) += 0', line):
            hidden, name = match.groups()
            assert str(Path(hidden).absolute()) in durable_files, f"{name} has a name before its content is durable"
            if Path(name).name == "repo":
                # Its own name is made durable next; those of all objects must be already.
                assert not waiting, f"the root moves before the names of {sorted(waiting)} are durable"
                roots += 1
            else:
                objects += 1
            waiting[name] = str(Path(name).absolute().parent)
    assert not waiting, f"the names of {sorted(waiting)} were never made durable"
    assert roots >= 2 and objects > 20, (roots, objects)


def finished_calls(log):
    """The calls in the order in which they ended, each in one line."""
    begun = {}
    for line in log.read_text(errors="replace").splitlines():
        thread, call = line.split(maxsplit=1)
        if call.endswith("<unfinished ...>"):
            begun[thread] = call.removesuffix("<unfinished ...>")
        elif "resumed>" in call:
            yield begun.pop(thread, "") + call.split("resumed>", 1)[1]
        else:
            yield call


def test_four_processes_of_overlapping_sets(karin, granules, golden, tmp_path):
    collection = tmp_path / "c"
    children = [start("ingest", *granules[first : first + 5], collection) for first in (0, 1, 3, 4)]
    assert [child.wait(timeout=300) for child in children] == [0, 0, 0, 0]
    assert_sound(karin, collection)
    assert_golden(collection, golden)
    again = json.loads(karin("--json", "ingest", *granules, collection).stdout)
    assert {granule["outcome"] for granule in again["granules"]} == {"already there"}


def test_a_flipped_bit_is_found_and_its_granule_named(karin, granules, tmp_path):
    collection = tmp_path / "c"
    karin("ingest", *granules, collection)
    chunk_object = max((collection / "chunks").iterdir(), key=lambda file: file.stat().st_size)
    data = bytearray(chunk_object.read_bytes())
    data[len(data) // 2] ^= 16
    chunk_object.write_bytes(data)
    report = json.loads(karin("--json", "verify", collection, code=4).stdout)
    (fault,) = report["faults"]
    assert fault["object"] == f"chunks/{chunk_object.name}" and fault["kind"] == "damaged"
    hit = {chunk["array"] for chunk in fault["chunks"]}
    assert any(array.endswith("/ssha_karin_2") for array in hit), hit
    text = karin("verify", collection, code=4).stdout
    assert ", pass " in text and "1 damaged or missing" in text


def test_history_and_garbage(karin, granules, tmp_path):
    collection = tmp_path / "c"
    for granule in granules[:3]:
        karin("ingest", granule, collection)
    history = json.loads(karin("--json", "history", collection).stdout)["snapshots"]
    assert len(history) >= 4 and history == sorted(history, key=lambda row: row["time"], reverse=True)
    planned = json.loads(karin("--json", "gc", "--dry-run", "--keep", "0s", "--grace", "0s", collection).stdout)
    done = json.loads(karin("--json", "gc", "--keep", "0s", "--grace", "0s", collection).stdout)
    assert planned["expired"] == done["expired"] and len(done["expired"]) == len(history) - 2
    assert planned["objects"] == done["objects"]
    assert_sound(karin, collection)
    assert len(json.loads(karin("--json", "history", collection).stdout)["snapshots"]) == 2
