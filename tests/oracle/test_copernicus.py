"""Copernicus Marine: native files, and parts of Zarr grids by box, time and variable, against xarray on the same stores."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from conftest import karin_binary
from access_fixtures import ask, servers, world, granules, outcomes  # noqa: F401
from copernicus_server import DATASET, PRODUCT, VERSION, Copernicus

xarray = pytest.importorskip("xarray")
zarr = pytest.importorskip("zarr")
numcodecs = pytest.importorskip("numcodecs")

CODECS = {  # the kinds of containers that writers make
    "lz4": numcodecs.Blosc("lz4", 5, numcodecs.Blosc.SHUFFLE), "zstd": numcodecs.Blosc("zstd", 3, numcodecs.Blosc.BITSHUFFLE),
    "zlib": numcodecs.Blosc("zlib", 4, numcodecs.Blosc.NOSHUFFLE), "lz4hc": numcodecs.Blosc("lz4hc", 5, numcodecs.Blosc.BITSHUFFLE),
    "plain zstd": numcodecs.Zstd(3), "plain zlib": numcodecs.Zlib(4), "none": None,
}


def grid(path: Path, chunks, days=40, west=-180.0, falling=False, codecs=None, version=2):
    """A grid as the service publishes it: packed, consolidated, with a chunk that holds nothing."""
    latitude = np.arange(-89.5, 90, 1.0)[:: -1 if falling else 1].astype("f4")
    longitude = (west + 0.5 + np.arange(360.0)).astype("f4")
    time = (np.datetime64("2024-01-01") + np.arange(days)).astype("datetime64[ns]")
    draw = np.random.default_rng(7)
    field = np.sin(np.radians(longitude))[None, None] * np.cos(np.radians(latitude))[None, :, None] + np.arange(days)[:, None, None] / 50
    field = (field + draw.normal(0, 0.01, field.shape)).astype("f8")
    field[:, 60:70, 30:50] = np.nan
    field[chunks[0] : 2 * chunks[0], : chunks[1], : chunks[2]] = np.nan  # a chunk of fill, which is not written
    dims = ("time", "latitude", "longitude")
    names = ["sla", "ugos", "err_sla"]
    data = {name: (dims, field * (index + 1), {"units": "m", "standard_name": f"name_{index}", "valid_min": -1.5}) for index, name in enumerate(names)}
    dataset = xarray.Dataset(data, {"time": time, "latitude": ("latitude", latitude, {"standard_name": "latitude", "units": "degrees_north"}),
                                    "longitude": ("longitude", longitude, {"standard_name": "longitude", "units": "degrees_east"})},
                             {"title": "a grid", "n": 3})
    packed = {"dtype": "i4", "scale_factor": 1e-4, "add_offset": 0.0, "_FillValue": -2147483647, "chunks": chunks}
    encoding = {name: dict(packed) for name in names[:2]} | {"err_sla": {"dtype": "f4", "chunks": chunks}, "time": {"units": "milliseconds since 1970-01-01", "dtype": "i8"}}
    if version == 2 and codecs:
        for name, codec in zip(names, codecs):
            encoding[name]["compressors"] = [CODECS[codec]] if CODECS[codec] else None
    dataset.to_zarr(path, zarr_format=version, consolidated=True, encoding=encoding, mode="w")
    return dataset


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("copernicus")
    stores = root / f"bucket/arco/{DATASET}_{VERSION}"
    grid(stores / "timeChunked.zarr", (1, 90, 180), codecs=["lz4", "zstd", "zlib"])
    grid(stores / "geoChunked.zarr", (20, 20, 24), codecs=["lz4hc", "plain zstd", "plain zlib"])
    for version in (VERSION, "202112"):
        for day in ("20240101", "20240102", "20240103", "20240204", "20240205"):
            folder = root / f"bucket/native/{PRODUCT}/{DATASET}_{version}/{day[:4]}/{day[4:6]}"
            folder.mkdir(parents=True, exist_ok=True)
            with netCDF4.Dataset(folder / f"dt_global_allsat_phy_l4_{day}_20241017.nc", "w") as file:
                file.createDimension("x", 5000)
                file.createVariable("sla", "f8", ("x",))[:] = np.random.default_rng(int(day)).normal(size=5000)
                file.version = version
    # What begins alike is another version.
    other = root / f"bucket/native/{PRODUCT}/{DATASET}_{VERSION}0/2024/01"
    other.mkdir(parents=True)
    (other / "other_20240101_20241017.nc").write_bytes(b"\x89HDF no")
    return root


@pytest.fixture
def marine(root, ask):
    server = Copernicus(root)
    ask.base["KARIN_CMEMS_CONFIG"] = f"{server.url}/config.json"
    yield server
    server.close()


def test_native_files_are_found_fetched_and_left_alone(ask, marine, root, tmp_path):
    found = ask("find", f"cmems:{DATASET}")
    assert len(found["files"]) == 5 and f"version {VERSION}" in found["from"] and found["product"] == PRODUCT
    assert len(ask("find", f"cmems:{DATASET}", "--time", "2024-01")["files"]) == 3
    assert len(ask("find", f"cmems:{DATASET}", "--time", "2024-02-05")["files"]) == 1
    out = tmp_path / "out"
    first = ask("get", f"cmems:{DATASET}", "-o", out)
    assert outcomes(first) == ["fetched"] * 5
    for path in out.glob("*.nc"):
        assert path.read_bytes() == next((root / f"bucket/native/{PRODUCT}/{DATASET}_{VERSION}").rglob(path.name)).read_bytes()
    again = ask("get", f"cmems:{DATASET}", "-o", out)
    assert outcomes(again) == ["there"] * 5 and again["bytes"] == 0
    old = ask("find", f"cmems:{DATASET}", "--version", "202112")
    assert "202112" in old["from"]
    # The service is told who asks, and never who the user is.
    assert all(query.get("x-cop-client") == "karin" for path, query in marine.requests if path == "/bucket")
    assert not any("x-cop-user" in query for _, query in marine.requests)


@pytest.mark.parametrize("box, count", [("10,-45,30,-30", 20), ("-20,-10,10.2,10", 30), ("170,-45,-170,-30", 20), ("350,-45,370,-30", 20)])
@pytest.mark.parametrize("suffix", ["nc", "zarr"])
def test_a_part_of_a_grid_is_that_of_xarray(ask, marine, root, tmp_path, box, count, suffix):
    out = tmp_path / f"part.{suffix}"
    done = ask("get", f"cmems:{DATASET}", "--bbox", box, "--time", "2024-01-05..2024-01-25", "-o", out)
    assert dict(done["dimensions"]) == {"time": 20, "latitude": len_of(box), "longitude": count}
    west, south, east, north = map(float, box.split(","))
    with xarray.open_zarr(root / f"bucket/arco/{DATASET}_{VERSION}/timeChunked.zarr") as full:
        width = (east - west) % 360
        along = (full.longitude.astype("f8") - west) % 360
        full = full.assign_coords(longitude=("longitude", (west + along).data)).sortby("longitude")
        inside = (full.longitude - west <= width) & (full.longitude >= west)
        part = full.sel(time=slice("2024-01-05", "2024-01-24"), latitude=slice(south, north)).isel(longitude=np.flatnonzero(inside.values)).load()
    got = xarray.open_zarr(out) if suffix == "zarr" else xarray.open_dataset(out)
    for name in ("sla", "ugos", "err_sla"):
        np.testing.assert_array_equal(got[name].values, part[name].values, err_msg=name)
        assert got[name].attrs["units"] == "m" and got[name].dims == ("time", "latitude", "longitude")
    np.testing.assert_array_equal(got.time.values, part.time.values)
    np.testing.assert_allclose(got.longitude.values, part.longitude.values)
    assert np.all(np.diff(got.longitude.values) > 0) and got.attrs["title"] == "a grid" and "karin" in got.attrs["history"]
    assert got.sla.encoding["dtype"] == np.dtype("i4")  # packed as it was
    got.close()


def len_of(box):
    _, south, _, north = map(float, box.split(","))
    return int(north - south)


def test_the_store_that_costs_less_is_read(ask, marine, tmp_path):
    region = ask("get", f"cmems:{DATASET}", "--bbox", "10,-45,12,-44", "--vars", "sla", "-o", tmp_path / "series.nc")
    assert "geoChunked" in region["store"] and region["variables"] == ["sla"]
    day = ask("get", f"cmems:{DATASET}", "--time", "2024-01-05", "--vars", "sla,ugos", "-o", tmp_path / "day.nc")
    assert "timeChunked" in day["store"] and dict(day["dimensions"])["time"] == 1
    # Every chunk of the day was fetched once, and no other.
    fetched = [path for path, _ in marine.requests if "timeChunked.zarr/sla/" in path]
    assert sorted(path.rsplit("/", 1)[1] for path in fetched) == ["4.0.0", "4.0.1", "4.1.0", "4.1.1"]


@pytest.mark.parametrize("version, codecs", [(2, ["none", "plain zstd", "lz4"]), (3, None)])
def test_stores_of_both_formats_and_of_grids_that_fall_or_begin_at_0(ask, tmp_path, version, codecs):
    root = tmp_path / "server"
    store = root / f"bucket/arco/{DATASET}_{VERSION}"
    full = grid(store / "timeChunked.zarr", (4, 60, 100), days=9, west=0.0, falling=True, codecs=codecs, version=version)
    grid(store / "geoChunked.zarr", (9, 180, 360), days=9, west=0.0, falling=True, codecs=codecs, version=version)
    server = Copernicus(root)
    try:
        ask("get", f"cmems:{DATASET}", "--bbox", "-20,-30,20,30", "-o", tmp_path / "part.nc", env={"KARIN_CMEMS_CONFIG": f"{server.url}/config.json"})
    finally:
        server.close()
    with xarray.open_dataset(tmp_path / "part.nc") as part:
        assert part.latitude.values[0] > part.latitude.values[-1] and part.longitude.values[0] == -19.5
        east = full.sel(latitude=slice(30, -30), longitude=slice(0, 20)).err_sla.astype("f4")
        np.testing.assert_array_equal(part.err_sla.sel(longitude=slice(0, 20)).values, east.values)
        np.testing.assert_allclose(part.sla.sel(longitude=slice(0, 20)).values, full.sel(latitude=slice(30, -30), longitude=slice(0, 20)).sla.values, atol=6e-5)


def test_faults_end_in_the_right_part_or_in_an_error(ask, marine, tmp_path):
    asked = ["get", f"cmems:{DATASET}", "--bbox", "10,-45,30,-30", "--time", "2024-01-05..2024-01-25", "--vars", "sla"]
    ask(*asked, "-o", tmp_path / "right.nc")
    for number, fault in enumerate([503, 429, 500, "cut", "flip"]):
        marine.faults = {"4.0.1": [fault], "5.0.1": [fault, fault], "timeChunked.zarr": [fault], "0.2.8": [fault], "0.2.7": [fault] * 2}
        ask(*asked, "-o", tmp_path / f"{number}.nc")
        with netCDF4.Dataset(tmp_path / f"{number}.nc") as file, netCDF4.Dataset(tmp_path / "right.nc") as right:
            np.testing.assert_array_equal(file["sla"][:], right["sla"][:])
    for fault in (503, 401, "flip"):
        marine.faults = {"*": []} | {f"{time}.{row}.{column}": [fault] * 50 for time in range(40) for row in range(9) for column in range(16)}
        told = ask(*asked, "-o", tmp_path / "none.nc", code=1)
        assert "chunk" in told.stderr and not (tmp_path / "none.nc").exists()


def test_a_dataset_is_described(ask, karin, marine, root):
    """Variables, axes, chunks and versions are those of the stores as xarray and zarr have them."""
    told = ask("describe", f"cmems:{DATASET}")
    assert [(one["version"], one["state"], one["is_default"]) for one in told["known"]] == [
        ("202112", "retired", False), (VERSION, "released", True), (VERSION, "released", False), ("209901", "in preparation", False)]
    assert told["product"] == PRODUCT and [one["version"] for one in told["versions"]] == [VERSION, VERSION]
    whole, part = told["versions"]
    assert (whole["part"], part["part"]) == (None, "other")
    store = root / f"bucket/arco/{DATASET}_{VERSION}/timeChunked.zarr"
    with xarray.open_zarr(store) as grid:
        assert {one["name"]: (one["standard_name"], one["units"], one["dimensions"]) for one in whole["variables"]} == {
            name: (variable.attrs["standard_name"], "m", list(variable.dims)) for name, variable in grid.data_vars.items()}
        axes = {one["name"]: one for one in whole["coordinates"]}
        assert list(axes) == ["time", "latitude", "longitude"]
        for name, axis in axes.items():
            assert axis["length"] == grid.sizes[name] and axis["axis"] == {"time": "t", "latitude": "y", "longitude": "x"}[name]
        for end, at in (("first", 0), ("last", -1)):
            assert np.datetime64(axes["time"][end].rstrip("Z")) == grid.time.values[at]
            assert axes["latitude"][end] == grid.latitude.values[at]
        assert axes["time"]["step"] == 86400 and axes["longitude"]["step"] == 1
    services = {one["name"]: one for one in whole["services"]}
    assert [services[name]["format"] for name in ("native", "timeChunked", "geoChunked")] == ["files", "zarr", "zarr"]
    assert services["geoChunked"]["chunks"]["sla"] == {"time": 20, "latitude": 20, "longitude": 24}
    assert services["geoChunked"]["location"].endswith("geoChunked.zarr")
    assert not any(".zarr/" in path for path, _ in marine.requests)  # the catalogue alone
    text = karin("describe", f"cmems:{DATASET}", "--version", "202112", env=ask.base).stdout
    assert "202112" in text and "retired" in text and "taken by default" in text
    assert "known: 202112" in ask("describe", f"cmems:{DATASET}", "--version", "199901", code=2).stderr
    assert len(ask("describe", f"cmems:{DATASET}", "--version", "all")["versions"]) == 4
    assert "karin info" in ask("describe", "L2_LR_SSH_Basic", code=2).stderr


@pytest.mark.parametrize("level", [0, 1, 6])
def test_the_level_of_deflate_is_the_users(ask, marine, tmp_path, level):
    asked = ["get", f"cmems:{DATASET}", "--bbox", "170,-45,-170,-30", "--time", "2024-01-05..2024-01-15"]
    ask(*asked, "-o", tmp_path / "usual.nc")
    ask(*asked, "--deflate", level, "-o", tmp_path / "x.nc")
    with netCDF4.Dataset(tmp_path / "x.nc") as file, netCDF4.Dataset(tmp_path / "usual.nc") as usual:
        for name, variable in file.variables.items():
            np.testing.assert_array_equal(variable[:], usual[name][:])
        filters = file["sla"].filters()
        assert (filters["complevel"], filters["zlib"], filters["shuffle"]) == (level, level > 0, level > 0)
        assert usual["sla"].filters()["complevel"] == 1
    assert "only netCDF" in ask(*asked, "--deflate", level, "-o", tmp_path / "x.zarr", code=2).stderr


def test_a_dry_run_tells_and_writes_nothing(ask, karin, marine, tmp_path):
    asked = ["get", f"cmems:{DATASET}", "--time", "2024-01-05..2024-01-07", "--vars", "sla", "-o", tmp_path / "x.nc"]
    told = ask(*asked, "--dry-run")
    assert told["dry_run"] and told["chunks"] == 8 and dict(told["dimensions"])["time"] == 2
    assert not any("timeChunked.zarr/sla/" in path for path, _ in marine.requests) and not (tmp_path / "x.nc").exists()
    assert "8 chunks to fetch" in karin(*asked, "--dry-run", env=ask.base).stdout
    done = ask(*asked, "--rate", "400kB")
    size = sum((marine.root / path.lstrip("/")).stat().st_size for path, _ in marine.requests if ".zarr/" in path)
    assert done["bytes"] == told["bytes"] and done["seconds"] > 0.5 * size / 400e3  # a rate is kept


@pytest.mark.parametrize("flags, stalled", [([], "4.0.1"), (["--rate", "20kB"], None)])
def test_a_part_ends_at_ctrl_c(ask, marine, tmp_path, flags, stalled):
    """Whatever is waited for: a server that says nothing, or the rate."""
    marine.faults = {stalled: ["stall"]}
    asked = ["get", f"cmems:{DATASET}", "--time", "2024-01-05..2024-01-15", "--vars", "sla", *flags, "-o", str(tmp_path / "x.nc")]
    child = subprocess.Popen([str(karin_binary()), *asked], env=ask.base, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while not any("timeChunked.zarr/sla/" in path for path, _ in marine.requests):
        time.sleep(0.02)
        assert child.poll() is None
    time.sleep(0.3)
    begin = time.perf_counter()
    child.send_signal(signal.SIGINT)
    told = child.communicate(timeout=10)[1]
    assert child.returncode == 130 and time.perf_counter() - begin < 3, told
    assert not list(tmp_path.glob("*x.nc*"))


def test_datasets_are_listed(ask, marine):
    named = [(row["name"], row["title"]) for row in ask("find", "cmems")["products"]]
    assert named == sorted([(DATASET, PRODUCT), ("cmems_mod_glo_phy_my_0.083deg_P1D-m", "GLOBAL_MULTIYEAR_PHY_001_030,OTHER")])
    assert [row["name"] for row in ask("find", "cmems:*PHY-ssh*")["products"]] == [DATASET]
    # The provider may stand after --from, as those of granules do.
    assert [row["name"] for row in ask("find", "*PHY-ssh*", "--from", "cmems")["products"]] == [DATASET]
    assert ask("find", DATASET, "--from", "cmems") == ask("find", f"cmems:{DATASET}")
    assert "cmems:DATASET" in ask("sync", "L2_LR_SSH_Basic", "x", "--from", "cmems", code=2).stderr
    assert "cmems:*phy-ssh*" in ask("find", "L4", code=2).stderr


def test_chunks_are_fetched_together_and_no_more_than_allowed(ask, marine, tmp_path):
    """A part of many chunks of a far store: as many requests at a time as the setting says, whatever the shape of the part."""
    marine.delay = 0.05
    asked = ["get", f"cmems:{DATASET}", "--bbox", "-170,-80,170,80", "--time", "2024-01-05..2024-01-11", "--vars", "sla"]
    for at_a_time in (1, 6):
        marine.requests.clear()
        marine.most = 0
        ask(*asked, "--set", f"cmems.connections={at_a_time}", "-o", tmp_path / f"{at_a_time}.nc")
        assert sum("timeChunked.zarr/sla/" in path for path, _ in marine.requests) == 24 and marine.most == at_a_time
    with netCDF4.Dataset(tmp_path / "1.nc") as one, netCDF4.Dataset(tmp_path / "6.nc") as six:
        np.testing.assert_array_equal(one["sla"][:], six["sla"][:])


def test_wrong_questions_are_answered_with_what_to_do(ask, marine, tmp_path):
    out = tmp_path / "x.nc"
    for arguments, words in [
        (["find", f"cmems:{DATASET[:-1]}"], f"did you mean '{DATASET}'?"),
        (["get", f"cmems:{DATASET}", "--vars", "sal", "-o", out], "did you mean 'sla'?"),
        (["get", f"cmems:{DATASET}", "--time", "1999", "-o", out], "nothing of the grid lies inside along time"),
        (["get", f"cmems:{DATASET}", "--bbox", "0,0,1,1", "-o", tmp_path / "folder"], "name a file .nc or .zarr"),
        (["get", f"cmems:{DATASET}", "--cycles", "1", "-o", out], "no passes"),
        (["find", f"cmems:{DATASET}", "--version", "209912"], "known: 202112, 202411, 209901"),
        (["get", "L2_LR_SSH_Basic", "--vars", "x", "-o", out], "karin extract"),
    ]:
        assert words in ask(*arguments, code=2).stderr
    assert not out.exists()
