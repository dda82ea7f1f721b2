"""Reductions against numpy on the loaded cube, and against the command."""

import numpy as np
import pytest
import simulated
import xarray as xr

import karin


@pytest.fixture(scope="module")
def cube(granule_files):
    """Everything in memory, read by netCDF4-python."""
    cycles, passes = (475, 476, 477), (1, 2, 3, 4)
    out = {}
    for name in ("ssha_karin_2", "latitude", "longitude"):
        out[name] = np.full((3, 4, 9866, 69), np.nan)
    for file in granule_files:
        orbit = [int(part) for part in file.split("Basic_")[1].split("_")[:2]]
        with xr.open_dataset(file, engine="netcdf4") as dataset:
            for name, values in out.items():
                values[cycles.index(orbit[0]), passes.index(orbit[1])] = dataset[name].values
    return out


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", ["mean", "std", "var", "min", "max", "sum", "count", "median"])
def test_over_cycles(swot, cube, name):
    found = getattr(swot.sel(variables="ssha_karin_2"), name)("cycle_number")["ssha_karin_2"]
    values = cube["ssha_karin_2"]
    if name == "count":
        expected = np.isfinite(values).sum(axis=0)
    else:
        expected = getattr(np, f"nan{name}")(values, axis=0)
    assert found.dims == ("pass_number", "num_lines", "num_pixels")
    assert {"latitude", "longitude", "pass_number"} <= set(found.coords)
    if name == "sum":
        found, expected = found.where(found.notnull(), 0.0), np.nan_to_num(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    # CF has no cell method for a number of values.
    assert "long_name" in found.attrs and (name == "count" or "cycle" in found.attrs["cell_methods"])


def test_several_at_once_and_quantiles(swot, cube):
    one = swot.sel(variables="ssha_karin_2")
    several = one.reduce(["mean", "count"])
    xr.testing.assert_equal(several["ssha_karin_2_mean"].drop_attrs(), one.mean()["ssha_karin_2"].drop_attrs().rename("x"))
    quantiles = one.quantile([0.1, 0.9])["ssha_karin_2"]
    with np.testing.suppress_warnings() as quiet:
        quiet.filter(RuntimeWarning)
        # numpy does this pixel by pixel: a few lines are enough.
        expected = np.nanquantile(cube["ssha_karin_2"][:, :, 5000:5040], [0.1, 0.9], axis=0)
    np.testing.assert_allclose(quantiles[:, :, 5000:5040], expected, rtol=1e-9, atol=1e-12)
    assert np.isfinite(expected).any()
    assert list(quantiles["quantile"]) == [0.1, 0.9] and one.quantile(0.5)["quantile"] == 0.5


def test_by_key(swot, cube):
    one = swot.sel(variables="ssha_karin_2")
    by_cycle = one.groupby("cycle_number").mean()["ssha_karin_2"]
    assert list(by_cycle["cycle_number"]) == [475, 476, 477]
    np.testing.assert_allclose(by_cycle, np.nanmean(cube["ssha_karin_2"], axis=(1, 2, 3)), rtol=1e-9)
    by_pass = one.groupby("pass_number").count()["ssha_karin_2"]
    np.testing.assert_array_equal(by_pass, np.isfinite(cube["ssha_karin_2"]).sum(axis=(0, 2, 3)))
    for key in ("day", "month"):
        grouped = one.groupby(key).count()["ssha_karin_2"]
        assert int(grouped.sum()) == int(np.isfinite(cube["ssha_karin_2"]).sum())
    everything = one.reduce("max", None)["ssha_karin_2"]
    assert float(everything) == np.nanmax(cube["ssha_karin_2"])
    with pytest.raises(ValueError):
        one.groupby("weekday")
    with pytest.raises(ValueError):
        one.mean("num_sides")


def test_on_a_grid(swot, cube):
    grid = swot.sel(variables="ssha_karin_2").grid(10, ["mean", "count"])
    ssha = cube["ssha_karin_2"]
    valid = np.isfinite(ssha)
    row = np.floor((cube["latitude"][valid] + 90) / 10).astype(int)
    column = np.floor(((cube["longitude"][valid] + 180) % 360) / 10).astype(int)
    count = np.zeros((18, 36), dtype=int)
    np.add.at(count, (row, column), 1)
    total = np.zeros((18, 36))
    np.add.at(total, (row, column), ssha[valid])
    np.testing.assert_array_equal(grid["ssha_karin_2_count"], count)
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(grid["ssha_karin_2_mean"], total / count, rtol=1e-9, atol=1e-12)
    assert list(grid["latitude"].values[:2]) == [-85, -75]


def test_the_same_numbers_as_the_command(collection_path, tmp_path):
    target = tmp_path / "mean.nc"
    words = ["--vars", "ssha", "--over", "cycle", "--quality", "good", "-o", target]
    simulated.command("stat", collection_path, *words)
    ours = karin.open(collection_path).sel(variables="ssha", quality="good").mean()
    with xr.open_dataset(target, engine="netcdf4") as theirs:
        np.testing.assert_array_equal(ours["ssha"], theirs["ssha"])


def test_results_do_not_depend_on_threads(swot):
    one = swot.sel(variables="ssha")
    xr.testing.assert_identical(one.using(jobs=1).mean(), one.using(jobs=3).mean())


def test_what_is_larger_than_the_budget_stays_on_disk(swot):
    small = swot.using(memory=64 << 20).sel(variables=["ssha_karin_2", "ssh_karin_2"])
    lazy = small.reduce(["mean", "std"])
    data = lazy["ssha_karin_2_mean"].variable._data
    assert not isinstance(data, np.ndarray)
    expected = swot.sel(variables=["ssha_karin_2", "ssh_karin_2"]).reduce(["mean", "std"])
    np.testing.assert_array_equal(lazy["ssha_karin_2_mean"], expected["ssha_karin_2_mean"])


def test_a_place_through_time(swot, granule_files):
    box = (0.0, 30.0, 40.0, 46.0)
    series = swot.timeseries("ssha_karin_2", bbox=box)
    assert series["ssha_karin_2"].dims == ("time",) and bool((np.diff(series["time"].values) > np.timedelta64(0)).all())
    for cycle, number, value, time in zip(
        series["cycle_number"].values, series["pass_number"].values, series["ssha_karin_2"].values, series["time"].values
    ):
        (file,) = [file for file in granule_files if f"_{cycle:03d}_{number:03d}_" in file]
        with xr.open_dataset(file, engine="netcdf4") as dataset:
            lat, lon = dataset["latitude"], dataset["longitude"]
            inside = (lat >= box[1]) & (lat <= box[3]) & (lon >= box[0]) & (lon <= box[2])
            np.testing.assert_allclose(value, float(dataset["ssha_karin_2"].where(inside).mean()), rtol=1e-9)
            times = dataset["time"].values[inside.any("num_pixels").values]
            assert times.min() <= time <= times.max()
    at = (float(lon[4000, 20]), float(lat[4000, 20]))
    point = swot.timeseries("ssha_karin_2", point=at, radius=10)
    assert point.sizes["time"] >= 2


@pytest.mark.parametrize("stat", ["std", "count", "quantile(0.9)", ["max", "mean"], ["median", "count"]])
def test_a_place_through_time_has_any_statistics(swot, stat):
    chosen = swot.sel(pass_number=1, bbox=(-180, 10, 180, 20))
    series = chosen.timeseries(["ssha_karin_2", "ssh_karin_2"], stat=stat)
    expected = chosen.sel(variables=["ssha_karin_2", "ssh_karin_2"]).groupby("cycle_number").reduce(stat)
    assert set(series.data_vars) == set(expected.data_vars) and series.attrs["title"] == expected.attrs["title"]
    for name, values in expected.data_vars.items():
        np.testing.assert_array_equal(series[name], values)
        assert series[name].attrs == values.attrs and series[name].dtype == values.dtype
    when = chosen.sel(variables="time").groupby("cycle_number").mean()["time"]
    np.testing.assert_array_equal(series["time"], when.values.astype("datetime64[ns]"))


def test_labels_of_pictures(swot):
    """What xarray writes beside axes and colour bars."""
    from xarray.plot.utils import label_from_attrs

    def label(array):
        return label_from_attrs(array).replace("\n", " ")

    chosen = swot.sel(variables=["ssha", "twice", "time"], pass_number=1, bbox=(-180, 0, 180, 5), twice="2 * ssha")
    assert label(chosen.to_xarray()["ssha"]) == "sea surface height anomaly [m]"
    assert label(chosen.to_xarray()["twice"]) == "twice"
    assert label(chosen.mean()["ssha"]) == "mean sea surface height anomaly [m]"
    assert label(chosen.std()["twice"]) == "standard deviation of twice"
    assert chosen.mean()["ssha"].attrs["comment"] == "ssha = ssha_karin_2 + height_cor_xover"
    series = chosen.timeseries("ssha", bbox=(-180, 0, 180, 5))
    assert label(series["pass_number"]) == "pass number" and label(series["time"])
    # How much times differ is no time.
    times = chosen.sel(variables="time").reduce(["mean", "std", "trend"])
    assert times["time_mean"].dtype.kind == "M" and times["time_std"].dtype.kind == "f"
    assert times["time_std"].attrs["units"] == "s" and times["time_trend"].attrs["units"] == "s year-1"
