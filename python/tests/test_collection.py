"""Handles: what they list, how they select, and what they give, against netCDF4-python on the granules themselves."""

import json
import os
import pickle

import netCDF4
import numpy as np
import pytest
import xarray as xr

import karin
from karin.errors import InvalidArgumentError, NotFoundError


def of_granule(files, cycle, number, name):
    """A variable of a granule as netCDF4-python decodes it: masked values as NaN."""
    (file,) = [file for file in files if f"_{cycle:03d}_{number:03d}_" in file]
    with netCDF4.Dataset(file) as dataset:
        return np.ma.filled(dataset[name][...].astype("f8"), np.nan)


def test_what_there_is(swot, granule_files):
    assert swot.products == ["L2_LR_SSH_Basic"]
    table = swot.granules()
    assert len(table) == 11 and set(table["cycle_number"]) == {475, 476, 477}
    frame = table.to_dataframe()
    assert list(frame.columns) == table.columns and frame["time_start"].dtype.kind == "M"
    assert len(swot.sel(pass_number=3).granules()) == 2
    assert "475" in swot._repr_html_() and "11 granules" in repr(swot)


def test_a_plan_tells_bytes_to_read(swot):
    few, all_ = repr(swot.sel(variables="ssha_karin_2")), repr(swot)
    assert "to read: about" in few and few != all_
    (plan,) = swot.sel(variables="ssha_karin_2")._plans()
    (whole,) = swot._plans()
    assert 0 < plan.bytes_to_read < whole.bytes_to_read <= whole.stored_bytes


def test_the_cube_holds_every_granule(swot, granule_files):
    cube = swot.to_xarray()
    assert dict(cube.sizes) == {"cycle_number": 3, "pass_number": 4, "num_lines": 9866, "num_pixels": 69}
    assert {"time", "latitude", "longitude", "cycle_number", "pass_number"} <= set(cube.coords)
    for cycle, number in [(475, 1), (476, 4), (477, 3)]:
        one = cube.sel(cycle_number=cycle, pass_number=number)
        for name in ("ssha_karin_2", "ssha_karin_2_qual", "latitude", "longitude"):
            np.testing.assert_array_equal(one[name], of_granule(granule_files, cycle, number, name), err_msg=name)
        theirs = xr.open_dataset([f for f in granule_files if f"_{cycle}_{number:03d}_" in f][0], engine="netcdf4")
        np.testing.assert_array_equal(one["time"], theirs["time"])
        assert one["ssha_karin_2"].attrs == theirs["ssha_karin_2"].attrs
    missing = cube.sel(cycle_number=476, pass_number=3)
    assert int(missing["ssha_karin_2"].count()) == 0 and bool(missing["time"].isnull().all())
    assert cube.sel(pass_number=3)["latitude"].notnull().any()


def test_the_cube_is_indexed_as_numpy_would(swot):
    lazy = swot.to_xarray()["ssha_karin_2"]
    values = swot.sel(variables="ssha_karin_2").load()["ssha_karin_2"]
    for key in [
        (0, 1, slice(5000, 5100), slice(None)),
        (slice(None), slice(None, None, -1), slice(0, 9866, 1000), 3),
        ([2, 0, 0], [3], slice(9000, 4000, -500), [1, 60]),
        (1, 2),
        (slice(None), -1, -1, -1),
    ]:
        np.testing.assert_array_equal(lazy[key].values, values[key].values, err_msg=str(key))


def test_lines_are_the_granules_one_behind_the_other(swot, granule_files):
    lines = swot.sel(pass_number=[1, 3]).to_xarray(stack="lines")
    assert lines.sizes["num_lines"] == 5 * 9866
    orbits = [(475, 1), (475, 3), (476, 1), (477, 1), (477, 3)]
    expected = np.concatenate([of_granule(granule_files, *orbit, "ssha_karin_2") for orbit in orbits])
    np.testing.assert_array_equal(lines["ssha_karin_2"], expected)
    np.testing.assert_array_equal(lines["cycle_number"], np.repeat([cycle for cycle, _ in orbits], 9866))
    np.testing.assert_array_equal(lines["line_number"][9866:9870], [0, 1, 2, 3])
    around = lines["ssha_karin_2"][9800:9900:3].values
    np.testing.assert_array_equal(around, expected[9800:9900:3])


def test_a_box_keeps_the_pixels_inside(swot, granule_files):
    box = (0.0, 30.0, 40.0, 46.0)
    found = swot.sel(bbox=box, variables="ssha_karin_2").to_xarray()
    for cycle, number in [(475, 1), (477, 3)]:
        ssha = of_granule(granule_files, cycle, number, "ssha_karin_2")
        lat, lon = (of_granule(granule_files, cycle, number, name) for name in ("latitude", "longitude"))
        inside = (lat >= box[1]) & (lat <= box[3]) & (lon >= box[0]) & (lon <= box[2])
        if not inside.any():
            assert number not in found["pass_number"]
            continue
        rows = np.flatnonzero(inside.any(axis=1))
        one = found["ssha_karin_2"].sel(cycle_number=cycle, pass_number=number)
        np.testing.assert_array_equal(one.sel(num_lines=rows), np.where(inside, ssha, np.nan)[rows])
        assert int(one.count()) == int(np.isfinite(ssha[inside]).sum())


def test_regions_of_every_kind_are_the_same(swot, tmp_path):
    shapely = pytest.importorskip("shapely")
    box = (5.0, 32.0, 30.0, 44.0)
    geometry = shapely.box(*box)
    text = shapely.to_geojson(geometry)
    file = tmp_path / "region.geojson"
    file.write_text(text)
    expected = swot.sel(bbox=box, variables="ssha_karin_2").load()
    regions = [geometry, text, json.loads(text), file, str(file)]
    geopandas = pytest.importorskip("geopandas")
    halves = [shapely.box(5, 32, 17, 44), shapely.box(17, 32, 30, 44)]
    frame = geopandas.GeoDataFrame(geometry=[geometry], crs="EPSG:4326")
    regions += [frame, frame.to_crs("EPSG:3857"), geopandas.GeoSeries(halves, crs="EPSG:4326")]
    for region in regions:
        xr.testing.assert_equal(swot.sel(polygon=region, variables="ssha_karin_2").load(), expected)


def test_selections_narrow(swot):
    assert set(swot.sel(cycle_number=slice(476, None)).granules()["cycle_number"]) == {476, 477}
    narrowed = swot.sel(pass_number=[1, 2, 3]).sel(pass_number=slice(2, 9)).sel(cycle_number=477)
    assert list(narrowed.granules()["pass_number"]) == [2, 3]
    with pytest.raises(InvalidArgumentError):
        swot.sel(pass_number=1).sel(pass_number=2)
    for region in ({"bbox": (0, 0, 1, 1)}, {"polygon": '{"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}'}):
        with pytest.raises(InvalidArgumentError, match="intersect them"):
            swot.sel(polygon='{"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}').sel(**region)
    start = swot.granules()["time_start"][0]
    lines = swot.sel(time=slice(start, start + np.timedelta64(600, "s"))).to_xarray(stack="lines")
    # Seconds in float64 are good to a tenth of a microsecond, and everybody rounds them in a way of their own.
    first, last = lines["time"].values.min(), lines["time"].values.max()
    assert first >= start - np.timedelta64(1, "us") and last < start + np.timedelta64(600_000_001, "us")
    day = swot.sel(time="2023-03-29").to_xarray(stack="lines")["time"]
    assert bool((day.values.astype("datetime64[D]") == np.datetime64("2023-03-29")).all())


def test_quality_and_conditions(swot, granule_files):
    ssha, flag = (of_granule(granule_files, 475, 2, name) for name in ("ssha_karin_2", "ssha_karin_2_qual"))
    one = swot.sel(cycle_number=475, pass_number=2, variables="ssha_karin_2")
    good = one.sel(quality="good").load()["ssha_karin_2"].squeeze()
    np.testing.assert_array_equal(good, np.where(flag == 0, ssha, np.nan))
    high = one.sel(where="ssha_karin_2 > 0").sel(where="ssha_karin_2 < 0.05").load()["ssha_karin_2"].squeeze()
    np.testing.assert_array_equal(high, np.where((ssha > 0) & (ssha < 0.05), ssha, np.nan))
    double = one.sel(variables="twice", twice="2 * ssha_karin_2").load()["twice"].squeeze()
    np.testing.assert_array_equal(double, 2 * ssha)
    calibrated = one.sel(variables="ssha").load()["ssha"].squeeze()
    np.testing.assert_array_equal(calibrated, ssha + of_granule(granule_files, 475, 2, "height_cor_xover"))


def test_passes_one_by_one(swot, granule_files):
    passes = swot.to_xarray(layout="passes")
    assert sorted(passes) == [(c, p) for c in (475, 476, 477) for p in (1, 2, 3, 4) if (c, p) != (476, 3)]
    np.testing.assert_array_equal(passes[476, 2]["ssha_karin_2"], of_granule(granule_files, 476, 2, "ssha_karin_2"))
    tree = swot.to_xarray(layout="tree")
    assert "/477/004" in tree.groups
    cropped = swot.sel(bbox=(0, 30, 40, 46)).to_xarray(layout="passes")
    assert all(0 < one.sizes["num_lines"] < 2000 for one in cropped.values())


def test_dask_names_are_deterministic(swot):
    pytest.importorskip("dask")
    first, second = (swot.to_xarray(chunks={})["ssha_karin_2"] for _ in range(2))
    assert first.data.name == second.data.name
    assert first.data.name != swot.sel(quality="good").to_xarray(chunks={})["ssha_karin_2"].data.name
    assert first.data.chunksize == (1, 1, 9866, 69)
    expected = swot.sel(variables="ssha_karin_2").load()["ssha_karin_2"]
    np.testing.assert_array_equal(first.values, expected.values)
    assert len(pickle.dumps(first)) < 100_000
    lines = swot.sel(variables="ssha_karin_2").to_dask(stack="lines")["ssha_karin_2"]
    assert lines.chunks is not None
    np.testing.assert_array_equal(lines, swot.sel(variables="ssha_karin_2").load(stack="lines")["ssha_karin_2"])


def test_handles_pickle_as_specs(swot):
    again = pickle.loads(pickle.dumps(swot.sel(cycle_number=475, quality="good")))
    assert again == swot.sel(cycle_number=475, quality="good") and hash(again)
    xr.testing.assert_identical(again.load(), swot.sel(cycle_number=475, quality="good").load())


def test_states_of_a_collection(collection_path, granule_files):
    swot = karin.open(collection_path)
    newest, *older = swot.history()
    assert newest["id"] == swot.snapshot and "11 granules" in newest["message"]
    assert len(swot.at(older[-1]["id"]).granules()) == 0
    with pytest.raises(NotFoundError):
        swot.at("NOSUCHSNAPSHOT000000")
    with pytest.raises(InvalidArgumentError):
        karin.granules(granule_files).history()


def test_files_and_tables(swot, tmp_path, granule_files):
    one = swot.sel(bbox=(0, 30, 40, 46), variables="ssha_karin_2")
    (file,) = one.to_netcdf(tmp_path / "region.nc")
    lines = one.to_xarray(stack="lines").load()
    with xr.open_dataset(file, engine="netcdf4") as written:
        np.testing.assert_array_equal(written["ssha_karin_2"], lines["ssha_karin_2"])
    files = one.to_netcdf(tmp_path / "folder")
    assert len(files) == len(one.to_xarray(layout="passes"))
    (cube_file,) = one.to_netcdf(tmp_path / "cube.nc", layout="cube")
    with xr.open_dataset(cube_file, engine="netcdf4") as written:
        np.testing.assert_array_equal(written["ssha_karin_2"], one.load()["ssha_karin_2"])
        np.testing.assert_array_equal(written["latitude"], one.load()["latitude"])
        np.testing.assert_array_equal(written["num_lines"], one.load()["num_lines"])
    (store,) = one.to_zarr(tmp_path / "region.zarr")
    assert (store / "zarr.json").exists()
    frame = one.to_dataframe()
    assert len(frame) == int(lines["ssha_karin_2"].count()) and {"time", "latitude", "ssha_karin_2"} <= set(frame)
    (table,) = one.to_parquet(tmp_path / "region.parquet")
    parquet = pytest.importorskip("pyarrow.parquet").read_table(table)
    assert parquet.num_rows == len(frame)
    (text, *_) = one.to_csv(tmp_path / "region.csv")
    rows = pytest.importorskip("pandas").read_csv(text, comment="#")
    assert len(rows) == len(frame)
    np.testing.assert_allclose(np.sort(rows["ssha_karin_2"]), np.sort(frame["ssha_karin_2"]), rtol=1e-12)
    with pytest.raises(InvalidArgumentError):
        one.to_zarr(tmp_path / "region.nc")


def test_stock_zarr_reads_what_is_written(swot, tmp_path):
    zarr = pytest.importorskip("zarr", reason="stock zarr needs CPython 3.12")
    one = swot.sel(bbox=(0, 30, 40, 46), variables=["ssha_karin_2", "ssha_karin_2_qual"])
    for layout, stack in (("lines", "lines"), ("cube", None)):
        (path,) = one.to_zarr(tmp_path / f"{layout}.zarr", layout=layout)
        expected = one.to_xarray(stack=stack, decode=False).load()
        group = zarr.open_group(path, mode="r", zarr_format=3)
        np.testing.assert_array_equal(group["ssha_karin_2"][:], expected["ssha_karin_2"])
        with xr.open_zarr(path, consolidated=False) as written:
            assert written.sizes == expected.sizes and written["ssha_karin_2"].attrs["units"] == "m"
            np.testing.assert_array_equal(written["ssha_karin_2"], one.to_xarray(stack=stack)["ssha_karin_2"])
            np.testing.assert_array_equal(written["time"], one.to_xarray(stack=stack)["time"])


def test_engine_karin_opens_collections(collection_path):
    cube = xr.open_dataset(collection_path, engine="karin")
    xr.testing.assert_identical(cube.load(), karin.open(collection_path).load())
    assert xr.open_dataset(collection_path).sizes == cube.sizes
    select = {"cycle_number": 475, "bbox": (0, 30, 40, 46)}
    part = xr.open_dataset(collection_path, engine="karin", select=select, stack="lines")
    assert part.sizes["num_lines"] == karin.open(collection_path).sel(**select).to_xarray(stack="lines").sizes["num_lines"]


def test_two_sides(unsmoothed_file):
    swot = karin.granules(unsmoothed_file)
    tree = swot.to_xarray()
    assert set(tree.children) == {"left", "right"}
    with netCDF4.Dataset(unsmoothed_file) as file:
        expected = np.ma.filled(file["left/ssh_karin_2"][1000:1100].astype("f8"), np.nan)
    np.testing.assert_array_equal(tree["left/ssh_karin_2"][0, 0, 1000:1100], expected)
    left = swot.sel(side="left").to_xarray()
    assert isinstance(left, xr.Dataset) and left.sizes["num_lines"] == tree["left"].sizes["num_lines"]
    assert isinstance(swot.to_xarray(group="right"), xr.Dataset)


def test_what_cannot_be_read_says_why_where_it_is_shown(swot):
    shown = swot.sel(variables="sshaa")._repr_html_()
    assert "did you mean" in shown and "table" not in shown and "did you mean" in repr(swot.sel(variables="sshaa"))
    assert "3 of 28 passes" in swot._repr_html_() and "4 of 28 passes" in swot._repr_html_()


def test_words_that_make_no_sense(swot):
    with pytest.raises(ValueError, match="did you mean"):
        swot.sel(product="L2_LR_SSH_Basik").granules()
    with pytest.raises(KeyError, match="ssha_karin_2"):
        swot.sel(variables="ssha_karim_2").to_xarray()
    with pytest.raises(ValueError, match="cycle_number"):
        swot.sel(cycles=475)
    with pytest.raises(ValueError):
        swot.sel(cycle_number=475.5)
    with pytest.raises(ValueError):
        swot.sel(quality="perfect").granules()
    with pytest.raises(ValueError):
        swot.sel(bbox=(1, 2, 3))
    with pytest.raises(ValueError):
        swot.to_xarray(layout="spiral")
    with pytest.raises(FileNotFoundError):
        karin.open("/nowhere/swot.karin")


def test_a_bad_granule_is_left_out_and_named(granule_files, tmp_path):
    for file in granule_files[:3]:
        os.symlink(file, tmp_path / os.path.basename(file))
    bad = tmp_path / os.path.basename(granule_files[3])
    bad.write_bytes(open(granule_files[3], "rb").read()[:200_000])
    swot = karin.granules(tmp_path)
    with pytest.warns(karin.KarinWarning, match="left out"):
        mean = swot.sel(variables="ssha_karin_2").mean()
    assert mean["ssha_karin_2"].notnull().any()
    cube = swot.to_xarray()["ssha_karin_2"]
    with pytest.warns(karin.KarinWarning, match="left out"):
        assert int(cube.count()) > 0


def test_what_was_meant_is_asked(swot, collection_path):
    with pytest.raises(KeyError, match="did you mean 'ssha'"):
        swot.sel(variables="shsa").to_xarray()
    with pytest.raises(FileNotFoundError, match="did you mean 'swot.karin'"):
        karin.open(collection_path.with_name("swot.karim"))
    with pytest.raises(ValueError, match="this is called cycle_number here"):
        swot.sel(cycle=475)
