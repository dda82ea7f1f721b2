"""The command line on S3 (moto): ingest, ls, stat, extract, verify; four writers of overlapping sets."""

import json
import os
import subprocess

import netCDF4
import numpy as np
import pytest

from conftest import karin_binary
from s3_server import bucket  # noqa: F401

LEAN = "ssha_karin_2,ssha_karin_2_qual"


@pytest.fixture(scope="module")
def s3(karin, bucket):
    """Runs `karin` with credentials and without the endpoint, which is an option."""
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    surroundings |= {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
    flags = ["--endpoint", bucket[0], "--region", "us-east-1"]

    def run(command, *arguments, **options):
        return karin("--json", command, *flags, *arguments, env=surroundings, **options)

    run.start = lambda *arguments: subprocess.Popen(
        [str(karin_binary()), "--json", *map(str, arguments), *flags],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=surroundings)
    return run


@pytest.fixture(scope="module")
def granules(karin, tmp_path_factory):
    """Nine lean granules: cycles 475 to 477, passes 1 to 3."""
    folder = tmp_path_factory.mktemp("granules")
    karin("simulate", "--cycles", "475-477", "--passes", "1-3", "--vars", LEAN, folder)
    return sorted(folder.rglob("*.nc"))


def raw(path, name):
    with netCDF4.Dataset(path) as file:
        file.set_auto_maskandscale(False)
        return file[name][:]


def test_every_command_on_a_bucket(s3, karin, granules, tmp_path):
    collection = "s3://bucket/one/collection"
    first = json.loads(s3("ingest", *granules[:4], collection).stdout)
    assert [row["outcome"] for row in first["granules"]] == ["added"] * 4
    again = json.loads(s3("ingest", *granules, collection).stdout)
    assert sorted(row["outcome"] for row in again["granules"]) == ["added"] * 5 + ["already there"] * 4
    listed = s3("ls", collection).stdout
    assert "L2_LR_SSH_Basic" in listed
    # The same numbers as from the files themselves.
    ask = ["--vars", "ssha_karin_2", "--over", "all", "--stats", "count,mean,min,max"]
    s3("stat", collection, *ask, "-o", tmp_path / "bucket.csv")
    karin("stat", *granules, *ask, "-o", tmp_path / "files.csv")
    assert (tmp_path / "bucket.csv").read_text() == (tmp_path / "files.csv").read_text()
    s3("extract", collection, "--cycles", "476", "--passes", "2", "-o", tmp_path / "one.nc")
    (original,) = [file for file in granules if "_476_002_" in file.name]
    for name in ("ssha_karin_2", "ssha_karin_2_qual", "latitude", "time"):
        np.testing.assert_array_equal(raw(tmp_path / "one.nc", name), raw(original, name))
    assert json.loads(s3("verify", collection).stdout)["clean"]
    assert len(json.loads(s3("history", collection).stdout)["snapshots"]) >= 3


def test_granules_in_a_bucket_are_read_where_they_lie(s3, bucket, karin, granules, tmp_path):
    _, client = bucket
    key = f"archive/{granules[0].name}"
    client.upload_file(str(granules[0]), "bucket", key)
    s3("extract", f"s3://bucket/{key}", "--vars", "ssha_karin_2", "-o", tmp_path / "remote.nc")
    karin("extract", granules[0], "--vars", "ssha_karin_2", "-o", tmp_path / "local.nc")
    for name in ("ssha_karin_2", "latitude", "time"):
        np.testing.assert_array_equal(raw(tmp_path / "remote.nc", name), raw(tmp_path / "local.nc", name))
    missing = s3("info", "s3://bucket/archive/nothing.nc", code=1)
    assert "s3://bucket/archive/nothing.nc" in missing.stderr


def test_a_flipped_bit_in_a_bucket_is_found(s3, bucket, granules):
    collection = "s3://bucket/flipped"
    s3("ingest", *granules[:2], collection)
    _, client = bucket
    found = client.list_objects_v2(Bucket="bucket", Prefix="flipped/chunks/")["Contents"]
    key = max(found, key=lambda entry: entry["Size"])["Key"]
    data = bytearray(client.get_object(Bucket="bucket", Key=key)["Body"].read())
    data[len(data) // 2] ^= 4
    client.put_object(Bucket="bucket", Key=key, Body=bytes(data))
    report = json.loads(s3("verify", collection, code=4).stdout)
    (fault,) = report["faults"]
    assert key.endswith(fault["object"]) and fault["kind"] == "damaged"


def test_a_collection_that_is_not_there_is_named(s3):
    refused = s3("ls", "s3://bucket/nowhere", code=1)
    assert "s3://bucket/nowhere" in refused.stderr


def test_four_writers_of_overlapping_sets(s3, granules):
    collection = "s3://bucket/four"
    sets = [granules[first : first + 5] for first in (0, 1, 3, 4)]
    children = [s3.start("ingest", *files, collection) for files in sets]
    reports = []
    for child in children:
        out, err = child.communicate(timeout=300)
        assert child.returncode == 0, err
        reports.append(json.loads(out))
    # Each granule of the union was added once; the other writers found it there.
    outcomes = [(row["file"], row["outcome"]) for report in reports for row in report["granules"]]
    added = sorted(file for file, outcome in outcomes if outcome == "added")
    assert added == sorted(map(str, granules)), outcomes
    assert {outcome for _, outcome in outcomes} <= {"added", "already there"}
    assert json.loads(s3("verify", collection).stdout)["clean"]
    again = json.loads(s3("ingest", *granules, collection).stdout)
    assert {row["outcome"] for row in again["granules"]} == {"already there"}


def test_stock_python_reads_the_bucket(s3, bucket, granules):
    icechunk = pytest.importorskip("icechunk")
    zarr = pytest.importorskip("zarr")
    collection = "s3://bucket/stock"
    s3("ingest", *granules[:3], collection)
    storage = icechunk.s3_storage(bucket="bucket", prefix="stock", endpoint_url=bucket[0], allow_http=True,
                                  region="us-east-1", access_key_id="key", secret_access_key="secret",
                                  force_path_style=True)
    repository = icechunk.Repository.open(storage)
    root = zarr.open_group(repository.readonly_session("main").store, mode="r")
    (path,) = [path for path, member in root.members(max_depth=None)
               if path.endswith("/ssha_karin_2") and isinstance(member, zarr.Array)]
    for file in granules[:3]:
        cycle, number = map(int, file.name.split("_")[5:7])
        np.testing.assert_array_equal(root[path][cycle - 402, number - 1], raw(file, "ssha_karin_2"))
