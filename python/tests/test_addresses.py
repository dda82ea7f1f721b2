"""engine="karin" on addresses: granules where they lie, and collections in buckets."""

import pickle
import re
import signal
import subprocess
import sys
import time

import netCDF4
import numpy as np
import pytest
import xarray as xr
from providing import home, lean, world  # noqa: F401

import karin
from access_server import PASSWORD, USER
from file_servers import Ftp
from s3_server import bucket  # noqa: F401


@pytest.fixture
def service(bucket, home, monkeypatch):  # noqa: F811
    """The bucket, with its account in the environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    return bucket


def test_a_granule_at_a_server_is_that_of_the_file(world, lean):  # noqa: F811
    address = f"{world.urls['site']}/list/x/{lean[0].name}"
    there = xr.open_dataset(address, engine="karin")
    assert 0 < world.sent < lean[0].stat().st_size / 2
    here = xr.open_dataset(lean[0], engine="karin")
    xr.testing.assert_identical(there.load(), here.load())
    assert there.encoding["source"] == there.latitude.encoding["source"] == address
    tree = xr.open_datatree(address, engine="karin")
    xr.testing.assert_identical(tree.to_dataset().load(), here)
    many = xr.open_mfdataset([f"{world.urls['site']}/list/x/{path.name}" for path in lean[:2]], engine="karin",
                             combine="nested", concat_dim="num_lines", data_vars="all")
    np.testing.assert_array_equal(many.latitude[: here.sizes["num_lines"]], here.latitude)


def test_classic_files_and_strangers_at_servers(world, home, tmp_path):  # noqa: F811
    path = tmp_path / "classic.nc"
    with netCDF4.Dataset(path, "w", format="NETCDF3_CLASSIC") as file:
        file.createDimension("x", 7)
        file.createVariable("height", "f8", ("x",))[:] = np.arange(7.0)
    world.add(path)
    found = xr.open_dataset(f"{world.urls['site']}/list/x/classic.nc", engine="karin").load()
    xr.testing.assert_identical(found, xr.open_dataset(path, engine="netcdf4").load())
    assert found.height.encoding["dtype"] == xr.open_dataset(path, engine="netcdf4").height.encoding["dtype"]
    with pytest.raises(FileNotFoundError):
        xr.open_dataset(f"{world.urls['site']}/list/x/nothing.nc", engine="karin")
    with pytest.raises(ValueError, match="password"):
        xr.open_dataset("https://me:secret@127.0.0.1/a.nc", engine="karin")
    with pytest.raises(ValueError, match="select: .* is a file"):
        xr.open_dataset(path, engine="karin", select={"cycle_number": 475})


def test_collections_refer_to_granules_at_servers(world, lean, tmp_path, monkeypatch):  # noqa: F811
    place, collection = world.urls["mirror"], tmp_path / "c.karin"
    for path in lean[:2]:
        world.add(path)
    table = karin.ingest([f"{place}/x/{path.name}" for path in lean[:2]], collection, virtual=True)
    assert list(table["outcome"]) == ["added"] * 2
    cycle, number = map(int, lean[0].name.split("_")[5:7])
    monkeypatch.setenv("KARIN_VIRTUAL_ALLOWED", place)
    select = {"cycle_number": cycle, "pass_number": number}
    found, expected = xr.open_dataset(collection, engine="karin", select=select).load(), xr.open_dataset(lean[0], engine="netcdf4")
    for name in expected.data_vars:
        np.testing.assert_array_equal(found[name].values.squeeze(), expected[name].values)


def test_what_is_not_read_of_a_server_says_what_to_write(world, lean, tmp_path):  # noqa: F811
    """Until the reader names the server that a collection refers to: in the words of Python, whichever way it is read."""
    place, collection = world.urls["mirror"], tmp_path / "c.karin"
    for path in lean[:2]:
        world.add(path)
    karin.ingest([f"{place}/x/{path.name}" for path in lean[:2]], collection, virtual=True)
    settings, unread = {"virtual.allowed": place}, karin.open(collection)
    told = re.escape(f'settings={{"virtual.allowed": "{place}"}}')
    for read in (unread.load, lambda: unread.load(stack="lines"), xr.open_dataset(collection, engine="karin").load):
        with pytest.warns(karin.KarinWarning, match=told):
            assert np.isnan(read()["ssha_karin_2_qual"]).all()
    for read in (unread.mean, lambda: unread.reduce("mean", None), lambda: unread.to_netcdf(tmp_path / "x.nc")):
        with pytest.raises(karin.KarinError, match=told), pytest.warns(karin.KarinWarning, match=told):
            read()
    assert int(karin.open(collection, settings=settings).count()["ssha_karin_2_qual"].max()) == 1


def test_files_by_their_addresses(lean, tmp_path):  # noqa: F811
    here = xr.open_dataset(lean[0], engine="karin").load()
    spaced = tmp_path / "my granules"
    spaced.mkdir()
    (spaced / lean[0].name).write_bytes(lean[0].read_bytes())
    address = (spaced / lean[0].name).as_uri()
    assert "%20" in address
    xr.testing.assert_identical(xr.open_dataset(address, engine="karin").load(), here)
    cube = xr.open_dataset(spaced.as_uri(), engine="karin")
    np.testing.assert_array_equal(cube.latitude.squeeze(), here.latitude)
    assert len(karin.granules(address).granules()) == 1


def test_granules_at_file_servers(lean, home):  # noqa: F811
    pytest.importorskip("pyftpdlib")
    netrc = home / ".netrc"
    netrc.write_text(f"machine 127.0.0.1\n  login {USER}\n  password {PASSWORD}\n")
    netrc.chmod(0o600)
    server = Ftp(lean[0].parent)
    try:
        there = xr.open_dataset(f"{server.url}/{lean[0].name}", engine="karin").load()
    finally:
        server.close()
    xr.testing.assert_identical(there, xr.open_dataset(lean[0], engine="karin").load())


def test_granules_and_collections_in_buckets(service, lean):  # noqa: F811
    endpoint, client = service
    client.upload_file(str(lean[0]), "bucket", f"raw/{lean[0].name}")
    where = {"endpoint": endpoint, "region": "us-east-1"}
    there = xr.open_dataset(f"s3://bucket/raw/{lean[0].name}", engine="karin", **where)
    here = xr.open_dataset(lean[0], engine="karin")
    xr.testing.assert_identical(there.load(), here.load())
    karin.ingest(lean[:2], "s3://bucket/swot.karin", **where)
    cube = xr.open_dataset("s3://bucket/swot.karin", engine="karin", select={"pass_number": 1}, **where)
    np.testing.assert_array_equal(cube.latitude.squeeze(), here.latitude)
    assert karin.open("s3://bucket/swot.karin", **where).products == ["L2_LR_SSH_Basic"]


def test_settings_and_accounts_reach_granules_at_servers(world, lean, home, monkeypatch):  # noqa: F811
    address = f"{world.urls['archive']}/x/{lean[0].name}"
    for name in ("USERNAME", "PASSWORD"):
        monkeypatch.delenv(f"EARTHDATA_{name}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "nothing kept"))
    accounts = home / "accounts"
    accounts.write_text(f"machine 127.0.0.1\n  login {USER}\n  password {PASSWORD}\n")
    accounts.chmod(0o600)
    with pytest.raises(OSError, match="account"):
        xr.open_dataset(address, engine="karin")
    expected = karin.granules(lean[0]).reduce("mean", None)
    there = karin.granules(address, credentials=accounts, settings={"transfers.connections": 2})
    xr.testing.assert_equal(there.reduce("mean", None), expected)
    xr.testing.assert_equal(karin.open(address, credentials=accounts).reduce("mean", None), expected)
    # A handle takes the name of the file along, never what is in it.
    words = pickle.dumps(there)
    assert pickle.loads(words) == there and PASSWORD.encode() not in words
    how = {"engine": "karin", "credentials": accounts, "settings": {"transfers.connections": 2}}
    xr.testing.assert_equal(xr.open_dataset(address, **how).load(), xr.open_dataset(lean[0], engine="karin").load())
    xr.testing.assert_equal(xr.open_datatree(address, **how).load().to_dataset(), xr.open_dataset(lean[0], engine="karin").load())
    for opened in (karin.granules, karin.open, lambda path, **how: xr.open_dataset(path, engine="karin", **how)):
        with pytest.raises(ValueError, match="did you mean 'transfers.connections'"):
            opened(address, settings={"transfers.conections": 2})


# What is read is large enough not to have come along with the structure: coordinates.
INTERRUPTED = """
import signal, sys, xarray as xr, karin
# Shells start what runs in the background with Ctrl-C ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
what, address = sys.argv[1:]
settings = {"transfers.stall": 60}
if what == "open":
    read = lambda: karin.granules(address, settings=settings)
elif what == "file":
    read = lambda: xr.open_dataset(address, engine="karin", settings=settings).load()
elif what == "reduce":
    swot = karin.granules(address, settings=settings).sel(bbox=(-180, -20, 180, 20))
    read = lambda: swot.reduce("count", None)
elif what == "cube":
    cube = karin.granules(address, settings=settings).to_xarray()
    read = lambda: cube.longitude.values
print("ready", flush=True)
sys.stdin.readline()
try:
    read()
except KeyboardInterrupt:
    print("stopped", flush=True)
sys.stdin.readline()
read()
print("read", flush=True)
"""


@pytest.mark.parametrize("what", ["open", "file", "reduce", "cube"])
def test_ctrl_c_ends_a_stalled_range_within_a_second_and_the_next_call_reads(world, lean, what, tmp_path, monkeypatch):  # noqa: F811
    """Servers may say nothing for a minute; whoever wants to stop does not wait for that."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    address = f"{world.urls['site']}/list/x/{lean[0].name}"
    child = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, what, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout.readline() == "ready\n"
    world.stall, world.faults[lean[0].name] = 20, ["stall"] * 9
    child.stdin.write("\n")
    child.stdin.flush()
    deadline = time.monotonic() + 20
    while world.faults[lean[0].name].count("stall") == 9 and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)
    begun = time.monotonic()
    child.send_signal(signal.SIGINT)
    said = child.stdout.readline()
    assert said == "stopped\n" and time.monotonic() - begun < 1.0, child.communicate(timeout=20)
    world.faults.clear()
    said, why = child.communicate("\n", timeout=20)
    assert said == "read\n", why
