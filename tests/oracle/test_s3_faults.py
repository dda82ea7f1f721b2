"""The faults of test_access.py before a bucket (moto): `get`, and granules read where they lie, end in the right bytes or in a typed
error. With KARIN_LONG=1 in 20 orders each.

Of the faults there, two make no sense here: a redirect that goes round (no answer of S3 is followed as one of the web is), and flipped bytes
in a body of the right length: S3 tells no checksum of its objects (an ETag is one only for some of them)."""

import os
import random
import time

import pytest

from access_fixtures import BASICS, ask, assert_right, extracts_of, granules, outcomes, read_through, s3, servers, world  # noqa: F401
from s3_server import FaultyS3, bucket  # noqa: F401
from scattered import stored, variable_by_variable
from stored_values import assert_same

LONG = "KARIN_LONG" in os.environ
TRANSIENT = ["closed", "reset", "truncated", "stall", "short length", "long length", "429", "503", "500", "changed", "no ranges", "wrong range",
             "empty", "text", "html"]
LISTS = ["closed", "reset", "truncated", "stall", "429", "503", "500", "html", "empty"]
FINAL = ["401", "403", "404"]


@pytest.fixture
def faulty(ask, s3):  # noqa: F811
    """The service of S3 through what breaks its answers."""
    before = FaultyS3(ask.base["KARIN_S3_ENDPOINT"])
    ask.base["KARIN_S3_ENDPOINT"] = before.url
    yield before
    before.close()


@pytest.mark.parametrize("seed", range(20 if LONG else 4))
def test_faults_end_in_the_right_file_or_in_an_error(ask, s3, faulty, world, tmp_path, seed):  # noqa: F811
    """Every granule meets up to three faults in a row, the first of another kind than its neighbour's."""
    draw = random.Random(seed)
    for index, name in enumerate(sorted(world.files)):
        kinds = [TRANSIENT[(4 * seed + index) % len(TRANSIENT)]] + draw.choices([*TRANSIENT, *FINAL], k=draw.randint(0, 2))
        faulty.faults[name] = kinds
    faulty.list_faults = draw.choices([*LISTS, None], k=2)
    ordered = {name: len(kinds) for name, kinds in faulty.faults.items()}
    out, start = tmp_path / "out", time.monotonic()
    first = ask("get", BASICS, "--from", "s3://bucket/swot", "-o", out, code=None)
    assert time.monotonic() - start < 60
    if isinstance(first, dict):
        assert set(outcomes(first)) <= {"fetched", "failed"}
        assert all(row["kind"] for row in first["granules"] if row["outcome"] == "failed")
        asked = [row["file"] for row in first["granules"]]
        assert all(len(faulty.faults[name]) < ordered[name] for name in asked), "a fault was not met"
    else:
        assert first.returncode == 1 and "panicked" not in first.stderr and "s3://bucket" in first.stderr
    now = contents(s3, world)
    for path in out.glob("*.nc"):
        assert path.read_bytes() in (now[path.name], world.files[path.name]), path.name
    faulty.faults, faulty.list_faults = {}, []
    restore(s3, world, now)
    ask("get", BASICS, "--from", "s3://bucket/swot", "-o", out)
    assert_right(out, world, 12)
    assert not list(out.glob(".*.part*"))


def key_of(name):
    return f"swot/Basic/cycle_{name.split('_')[5]}/{name}"


def contents(client, world):  # noqa: F811
    return {name: client.get_object(Bucket="bucket", Key=key_of(name))["Body"].read() for name in world.files}


def restore(client, world, now):  # noqa: F811
    for name, content in world.files.items():
        if now[name] != content:
            client.put_object(Bucket="bucket", Key=key_of(name), Body=content)


@pytest.mark.parametrize("fault, kind", [("403", "permission"), ("401", "permission"), ("404", "not_found"), ("short length", "corrupt"), ("503", "io"), ("html", "corrupt")])
def test_faults_that_stay_are_told_and_leave_no_file(ask, faulty, world, tmp_path, fault, kind):  # noqa: F811
    out, (name, *_) = tmp_path / "out", sorted(world.files)
    faulty.faults[name] = [fault] * 50
    done = ask("get", BASICS, "--from", "s3://bucket/swot", "-o", out, "--cycles", "475", code=None)
    assert not (out / name).exists()
    if kind == "permission" and not isinstance(done, dict):
        # Keys that are refused before anything came end the run.
        assert done.returncode == 1 and "does not let karin in" in done.stderr and name in done.stderr
        return
    (row,) = [row for row in done["granules"] if row["outcome"] == "failed"]
    assert row["file"] == name and row["kind"] == kind and row["reason"], row
    assert outcomes(done).count("fetched") == 3


@pytest.fixture(scope="module")
def extracts(karin, granules, tmp_path_factory):  # noqa: F811
    return extracts_of(karin, granules, tmp_path_factory.mktemp("extracts"))


@pytest.mark.parametrize("seed", range(20 if LONG else 3))
def test_ranges_that_fail_end_in_the_right_values_or_in_an_error(ask, s3, faulty, world, granules, extracts, tmp_path, tried, seed):  # noqa: F811
    """15 faults in 20 orders: reading each of twelve granules meets up to four, the first another one than its neighbours'. What has
    changed is another granule, which may be read as it is now: its bytes end otherwise, and its values are the same."""
    draw, addresses = random.Random(seed), [f"s3://bucket/{key_of(path.name)}" for path in granules]
    for index, path in enumerate(granules):
        first = TRANSIENT[(4 * seed + index) % len(TRANSIENT)]
        faulty.faults[path.name] = [None] * draw.randint(0, 2) + [first] + draw.choices([*TRANSIENT, None], k=3)
    ordered = sum(map(len, faulty.faults.values()))
    made = read_through(ask, addresses, tmp_path / "out", extracts)
    tried(f"{ordered - sum(map(len, faulty.faults.values()))} answers as ordered, {made} of 12 granules read")
    faulty.faults = {}
    restore(s3, world, contents(s3, world))
    # Nothing wrong was kept.
    assert read_through(ask, addresses, tmp_path / "again", extracts) == 12


def test_headers_that_lie_all_over_a_granule_in_a_bucket(ask, karin, s3, faulty, tmp_path):  # noqa: F811
    """S3 gives one range at a time: only the headers that are needed are fetched."""
    karin("simulate", "--product", "L3_LR_SSH_Expert", "--cycles", "10", "--passes", "13", tmp_path / "whole")
    (whole,) = (tmp_path / "whole").rglob("*.nc")
    path = variable_by_variable(whole, tmp_path / whole.name, complevel=4)
    s3.upload_file(path, "bucket", path.name)
    needed = stored(path, ["time", "latitude", "longitude", "ssha_filtered"])
    flags = ["--vars", "ssha_filtered", "--bbox", "-180,-20,180,20", "-o"]
    ask("extract", f"s3://bucket/{path.name}", *flags, tmp_path / "remote.nc")
    karin("extract", path, *flags, tmp_path / "local.nc")
    assert_same(tmp_path / "remote.nc", tmp_path / "local.nc")
    requests, sent, size = len(faulty.requests), faulty.sent, path.stat().st_size
    print(f"first contact with a bucket: {requests} requests, {sent} bytes for {needed} of {size}")
    assert requests <= 12 and sent <= needed + size / 16
