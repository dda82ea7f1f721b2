"""Datasets of Copernicus Marine from Python: files, and parts of grids against xarray on the same store."""

import pickle

import netCDF4
import numpy as np
import pytest
import xarray as xr
from providing import home  # noqa: F401

import karin
from copernicus_server import DATASET, PRODUCT, VERSION, Copernicus

pytest.importorskip("zarr")
MAPS = f"cmems:{DATASET}"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """What the service has: a grid of four days, and a file of each."""
    root = tmp_path_factory.mktemp("copernicus")
    days = np.datetime64("2024-01-01") + np.arange(4)
    latitude, longitude = np.arange(-44.5, 45, 1.0).astype("f4"), np.arange(-179.5, 180, 1.0).astype("f4")
    field = np.random.default_rng(3).normal(size=(4, latitude.size, longitude.size))
    variables = {name: (("time", "latitude", "longitude"), field * scale, {"units": "m"}) for name, scale in (("sla", 1.0), ("adt", 2.0))}
    whole = xr.Dataset(variables, {"time": days.astype("datetime64[ns]"), "latitude": latitude, "longitude": longitude})
    packed = {"dtype": "i4", "scale_factor": 1e-4, "_FillValue": -2147483647, "chunks": (1, 45, 90)}
    store = root / f"bucket/arco/{DATASET}_{VERSION}"
    for name in ("timeChunked", "geoChunked"):
        times = {"time": {"units": "milliseconds since 1970-01-01", "dtype": "i8"}}
        whole.to_zarr(store / f"{name}.zarr", zarr_format=2, consolidated=True, encoding={name: packed for name in variables} | times)
    for at, day in enumerate(days):
        text = str(day).replace("-", "")
        folder = root / f"bucket/native/{PRODUCT}/{DATASET}_{VERSION}/{text[:4]}/{text[4:6]}"
        folder.mkdir(parents=True, exist_ok=True)
        with netCDF4.Dataset(folder / f"dt_global_allsat_phy_l4_{text}_20241017.nc", "w") as file:
            file.createDimension("x", 500)
            file.createVariable("sla", "f8", ("x",))[:] = field[at].ravel()[:500]
    return root


@pytest.fixture
def marine(root, home, monkeypatch):  # noqa: F811
    server = Copernicus(root)
    monkeypatch.setenv("KARIN_CMEMS_CONFIG", f"{server.url}/config.json")
    yield server
    server.close()


def test_files_are_found_and_fetched(marine, root, tmp_path):
    found = karin.find(MAPS, time=("2024-01-02", "2024-01-04"))
    assert [name[-20:-12] for name in found["file"]] == ["20240102", "20240103"] and VERSION in found.place
    assert list(karin.find(DATASET, from_="cmems", time=("2024-01-02", "2024-01-04"))["file"]) == list(found["file"])
    assert found["modified"].dtype.kind == "M" and found.size == sum(found["size"]) > 0
    got = pickle.loads(pickle.dumps(found)).get(tmp_path / "maps")
    assert list(got["outcome"]) == ["fetched"] * 2
    for name in got["file"]:
        (theirs,) = (root / "bucket/native").rglob(name)
        assert (tmp_path / "maps" / name).read_bytes() == theirs.read_bytes()
    all_of_them = karin.get(MAPS, tmp_path / "maps")
    assert sorted(all_of_them["outcome"]) == ["fetched", "fetched", "there", "there"]


@pytest.mark.parametrize("suffix", ["nc", "zarr"])
def test_a_part_of_a_grid_is_that_of_xarray(marine, root, tmp_path, suffix):
    out = tmp_path / f"part.{suffix}"
    told = karin.get(MAPS, out, bbox=(170, -20, -170, 10), time=slice("2024-01-02", "2024-01-04"), variables="sla")
    assert list(told["outcome"]) == ["written"] and list(told["file"]) == [str(out)] and told["from"][0].startswith(MAPS)
    part = xr.open_zarr(out) if suffix == "zarr" else xr.open_dataset(out)
    whole = xr.open_zarr(root / f"bucket/arco/{DATASET}_{VERSION}/timeChunked.zarr")
    assert set(part.data_vars) == {"sla"} and part.sizes == {"time": 2, "latitude": 30, "longitude": 20}
    theirs = whole.sla.sel(time=part.time, latitude=part.latitude).sel(longitude=(part.longitude.values + 180) % 360 - 180)
    np.testing.assert_array_equal(part.sla.values, theirs.values)
    part.close()


def test_a_part_is_rehearsed_and_written_as_it_is_wanted(marine, tmp_path):
    asked = {"bbox": (170, -20, -170, 10), "variables": "sla"}
    assert list(karin.get(MAPS, tmp_path / "x.nc", dry_run=True, **asked)["outcome"]) == ["missing"] and not (tmp_path / "x.nc").exists()
    karin.get(MAPS, tmp_path / "x.nc", deflate=0, rate=50_000_000, **asked)
    with netCDF4.Dataset(tmp_path / "x.nc") as file:
        assert not file["sla"].filters()["zlib"] and file["sla"].shape == (4, 30, 20)


def test_a_dataset_is_described(marine):
    told = karin.describe(MAPS)
    assert (told.product, told.version) == (PRODUCT, VERSION) and list(told.variables["name"]) == ["adt", "sla"]
    axes = {name: told.coordinates[name] for name in ("name", "length", "step", "first")}
    assert list(axes["name"]) == ["time", "latitude", "longitude"] and list(axes["length"]) == [4, 90, 360]
    assert list(axes["step"]) == [86400, 1, 1] and axes["first"][0] == "2024-01-01T00:00:00Z"
    chunks = dict(zip(told.services["name"], told.services["chunks"]))
    assert chunks["timeChunked"]["sla"] == {"time": 1, "latitude": 45, "longitude": 90}
    assert "taken" not in repr(told) and "timeChunked" in repr(told) and list(told.versions["is_default"]).count(True) == 1
    assert karin.describe(MAPS, version="202112").version == "202112"
    with pytest.raises(ValueError, match="known: 202112"):
        karin.describe(MAPS, version="199901")
    with pytest.raises(ValueError, match="expected cmems:DATASET"):
        karin.describe("L2_LR_SSH_Basic")


def test_what_makes_no_sense_is_refused(marine, tmp_path):
    with pytest.raises(ValueError, match="cycle_number: a dataset of Copernicus Marine has no passes"):
        karin.find(MAPS, cycle_number=475)
    with pytest.raises(ValueError, match="already where to look"):
        karin.find(MAPS, from_="aviso")
    with pytest.raises(ValueError, match="name a file .nc or .zarr"):
        karin.get(MAPS, tmp_path / "maps", bbox=(0, 0, 10, 10))
    with pytest.raises(ValueError, match="deflate: expected a level from 0 to 9"):
        karin.get(MAPS, tmp_path / "part.nc", deflate=11)
    with pytest.raises(ValueError, match="files stay as they are published"):
        karin.get(MAPS, tmp_path / "maps", deflate=1)
    with pytest.raises(ValueError, match="find and get take it"):
        karin.sync(MAPS, tmp_path / "store")
    with pytest.raises(ValueError, match="no dataset 'cmems_obs-nothing'"):
        karin.find("cmems:cmems_obs-nothing")
    assert not list(tmp_path.glob("*.nc"))
