"""Both sides of 250 m granules as one swath, and `.swot` of trees, against numpy on what netCDF4-python reads."""

import shutil

import netCDF4
import numpy as np
import pytest
import xarray as xr

import karin

LINES = slice(40_000, 40_300)


@pytest.fixture(scope="module")
def torn(unsmoothed_file, tmp_path_factory):
    """The granule with holes in its coordinates: single pixels, edges of lines, a whole line, the antimeridian included."""
    path = tmp_path_factory.mktemp("torn") / unsmoothed_file.split("/")[-1]
    shutil.copy(unsmoothed_file, path)
    random = np.random.default_rng(3)
    with netCDF4.Dataset(path, "a") as dataset:
        for side in ("left", "right"):
            hole = random.random((300, 240)) < 0.2
            hole[7], hole[20:30, :30], hole[50:60, -25:] = True, True, True
            for name in ("latitude", "longitude"):
                variable = dataset[side][name]
                variable.set_auto_maskandscale(False)
                variable[LINES] = np.where(hole, variable._FillValue, variable[LINES])
    return str(path)


def truth(path, name):
    """Left from its far edge to the nadir, then right; NaN for fill."""
    with netCDF4.Dataset(path) as dataset:
        left, right = (np.ma.filled(dataset[side][name][LINES].astype("f8"), np.nan) for side in ("left", "right"))
    return np.concatenate([left[:, ::-1], right], axis=1)


@pytest.fixture(params=["file", "granules", "dask"])
def whole(request, torn):
    """One swath, however it was opened; and what its lines are called by."""
    if request.param == "file":
        return xr.open_datatree(torn, engine="karin").swot.both()
    chunks = {"num_lines": 5000} if request.param == "dask" else None
    cube = karin.granules(torn).sel(side="both").to_xarray(chunks=chunks)
    return cube.isel(cycle_number=0, pass_number=0)


def test_values_are_those_of_left_turned_round_and_right(whole, torn):
    assert whole.sizes["num_pixels"] == 480
    part = whole["ssh_karin_2"].isel(num_lines=LINES)
    assert part.dims == ("num_lines", "num_pixels") and part.attrs["units"] == "m"
    expected = truth(torn, "ssh_karin_2")
    np.testing.assert_array_equal(part, expected)
    for pixels in (slice(5, 300, 7), slice(None, None, -3), [479, 0, 239, 240, 240, 3], 240, slice(3, 3)):
        np.testing.assert_array_equal(part.isel(num_pixels=pixels), expected[:, pixels])
        np.testing.assert_array_equal(part.isel(num_pixels=pixels, num_lines=[5, 2]), expected[[5, 2]][:, pixels])


def test_holes_in_places_lie_on_the_line_through_their_neighbours(whole, torn, unsmoothed_file):
    found = {name: whole[name].isel(num_lines=LINES).values for name in ("latitude", "longitude")}
    holed = {name: truth(torn, name) for name in found}
    expected = {name: truth(unsmoothed_file, name) for name in found}
    known = np.isfinite(holed["latitude"])
    assert 0.1 < (~known).mean() < 0.4
    for name in found:
        np.testing.assert_array_equal(found[name][known], holed[name][known])
    assert np.isnan(found["latitude"][7]).all(), "a line without any place has no neighbours"
    hole = ~known
    hole[7] = False
    north = (found["latitude"] - expected["latitude"])[hole] * 111_200
    east = (found["longitude"] - expected["longitude"])[hole] * 111_200 * np.cos(np.radians(expected["latitude"][hole]))
    assert np.hypot(north, east).max() < 20, "metres; a pixel is 250 m wide"
    some = whole["longitude"].isel(num_lines=[40_011, 40_025], num_pixels=[2, 470])
    np.testing.assert_array_equal(some, found["longitude"][[11, 25]][:, [2, 470]])


@pytest.mark.parametrize("chunks", [None, {}], ids=["lazy", "dask"])
def test_sides_of_a_region_meet_on_the_lines_of_both(unsmoothed_file, chunks):
    """Each side is cut at its own lines: whichever reaches further has the other's pixels as fill there."""
    region = karin.granules(unsmoothed_file).sel(bbox=(-180, 30, 180, 30.5), variables=["ssh_karin_2", "time"])
    sides = region.to_xarray(chunks=chunks)
    whole = region.sel(side="both").to_xarray(chunks=chunks)
    lines = [set(sides[name]["num_lines"].values.tolist()) for name in ("left", "right")]
    assert lines[0] != lines[1], "a region where the sides are not the same lines"
    assert whole["num_lines"].values.tolist() == sorted(lines[0] | lines[1]) and whole.sizes["num_pixels"] == 480
    halves = whole.isel(num_pixels=slice(239, None, -1)), whole.isel(num_pixels=slice(240, None))
    for name, half, own in zip(("left", "right"), halves, lines, strict=True):
        there = half["num_lines"].isin(sorted(own)).values
        for variable in ("ssh_karin_2", "latitude"):
            expected = sides[name][variable].values
            np.testing.assert_array_equal(half[variable].isel(num_lines=there), expected)
            assert np.isnan(half[variable].isel(num_lines=~there)).all()
    assert not np.isnat(whole["time"].values).any() and len(whole["ssh_karin_2"][0, 0, -1]) == 480
    picked = whole["ssh_karin_2"].isel(num_lines=[-1, 0, 5, 5], cycle_number=0)
    np.testing.assert_array_equal(picked, whole["ssh_karin_2"].values[0][:, [-1, 0, 5, 5]])


def test_places_may_stay_as_they_are(torn):
    whole = xr.open_datatree(torn, engine="karin").swot.both(fill=False)
    np.testing.assert_array_equal(whole["latitude"].isel(num_lines=LINES), truth(torn, "latitude"))


def test_places_are_filled_across_the_antimeridian_and_beside_the_pole():
    from karin._swot._sides import filled_places

    latitude = np.array([[10.0, np.nan, 10.0], [89.9, np.nan, 89.9], [np.nan, 5.0, 6.0], [np.nan, np.nan, 1.0]])
    longitude = np.array([[179.5, np.nan, -179.5], [0.0, np.nan, 180.0], [np.nan, 20.0, 21.0], [np.nan, np.nan, 2.0]])
    filled = filled_places(latitude, longitude)
    assert abs(filled[0][0, 1] - 10.0) < 1e-3 and abs(abs(filled[1][0, 1]) - 180.0) < 1e-9
    assert filled[0][1, 1] > 89.999
    np.testing.assert_allclose((filled[0][2, 0], filled[1][2, 0]), (4.0, 19.0), atol=0.01)
    assert np.isnan(filled[0][3, :2]).all()
    east = filled_places(np.array([[1.0, np.nan, 1.0]]), np.array([[359.9, np.nan, 0.2]]))[1][0, 1]
    assert abs(east - 0.05) < 1e-6


def test_it_stays_lazy_and_its_lines_have_times(torn):
    whole = karin.granules(torn).sel(side="both").to_xarray()
    assert not any(isinstance(variable._data, np.ndarray) for variable in (whole.ssh_karin_2.variable, whole.latitude.variable))
    with netCDF4.Dataset(torn) as dataset:
        seconds = np.ma.filled(dataset["left"]["time"][LINES], np.nan)
    stamps = whole["time"].isel(cycle_number=0, pass_number=0, num_lines=LINES).values
    found = (stamps - np.datetime64("2000-01-01", "ns")) / np.timedelta64(1, "s")
    np.testing.assert_allclose(found, seconds, atol=1e-6)
    assert whole["time"].name in whole.coords and list(whole["cycle_number"].values) == [475]


def test_sides_of_different_length_are_no_swath():
    side = xr.Dataset({"latitude": (("num_lines", "num_pixels"), np.zeros((3, 2))),
                       "longitude": (("num_lines", "num_pixels"), np.zeros((3, 2)))})
    with pytest.raises(ValueError, match="left has 3 lines and right 2"):
        xr.DataTree.from_dict({"left": side, "right": side.isel(num_lines=slice(2))}).swot.both()
    with pytest.raises(ValueError, match="no groups left and right"):
        xr.DataTree.from_dict({"/": side}).swot.both()


def test_a_tree_does_what_its_swaths_do(torn):
    import matplotlib

    matplotlib.use("agg")
    tree = xr.open_datatree(torn, engine="karin").map_over_datasets(_some_lines)
    masked = tree.swot.mask(exclude="suspect*")
    for side in ("left", "right"):
        expected = tree[side].to_dataset().swot.mask(exclude="suspect*")
        xr.testing.assert_identical(masked[side].to_dataset(), expected)
    flags = tree.swot.flags()
    assert set(flags.index.get_level_values("group")) == {"/left", "/right"}
    box = (float(tree["left"].longitude.min()), -90, float(tree["left"].longitude.median()), 90)
    found = tree.swot.select(bbox=box)["left"].to_dataset()
    xr.testing.assert_identical(found, tree["left"].to_dataset().swot.select(bbox=box))
    axes = tree.swot.plot("ssh_karin_2", colorbar=False)
    drawn = np.concatenate([np.ma.compressed(mesh.get_array()) for mesh in axes.collections if hasattr(mesh, "_coordinates")])
    values = [tree[side]["ssh_karin_2"].values for side in ("left", "right")]
    assert drawn.size and np.nanmin(values) <= drawn.min() <= drawn.max() <= np.nanmax(values)


def _some_lines(dataset):
    return dataset.isel(num_lines=LINES) if "num_lines" in dataset.dims else dataset
