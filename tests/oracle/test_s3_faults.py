"""The faults of test_access.py before a bucket (moto): `get`, and granules read where they lie, end in the right bytes or in a typed
error. With KARIN_LONG=1 in 20 orders each.

Of the faults there, two make no sense here: a redirect that goes round (no answer of S3 is followed as one of the web is), and flipped bytes
in a body of the right length: S3 tells no checksum of its objects (an ETag is one only for some of them)."""

import os
import random
import time

import pytest

from access_fixtures import BASICS, ask, assert_right, granules, outcomes, s3, servers, world  # noqa: F401
from s3_server import FaultyS3, bucket  # noqa: F401
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


@pytest.mark.parametrize("seed", range(20 if LONG else 4))
def test_ranges_that_fail_end_in_the_right_values_or_in_an_error(ask, karin, s3, faulty, world, granules, tmp_path, seed):  # noqa: F811
    path, draw = granules[seed % len(granules)], random.Random(seed)
    address, flags = f"s3://bucket/{key_of(path.name)}", ["--vars", "ssha_karin_2_qual", "-o"]
    karin("extract", path, *flags, tmp_path / "local.nc")
    for order in range(3):
        faulty.faults[path.name] = [TRANSIENT[(seed + 5 * order) % len(TRANSIENT)], *draw.choices([*TRANSIENT, None], k=3)]
        done = ask("extract", address, *flags, tmp_path / "remote.nc", code=None, env={"XDG_CACHE_HOME": str(tmp_path / f"cache{order}")})
        assert len(faulty.faults.pop(path.name)) < 4, "no fault was met"
        if (tmp_path / "remote.nc").exists():
            assert_same(tmp_path / "remote.nc", tmp_path / "local.nc")
            (tmp_path / "remote.nc").unlink()
        else:
            assert done.returncode in (1, 3, 4) and "panicked" not in done.stderr and path.name in done.stderr
        restore(s3, world, contents(s3, world))
        # Nothing wrong was kept.
        ask("extract", address, *flags, tmp_path / "again.nc", env={"XDG_CACHE_HOME": str(tmp_path / f"cache{order}")})
        assert_same(tmp_path / "again.nc", tmp_path / "local.nc")
