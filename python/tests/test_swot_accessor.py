"""`.swot` heights, nadir, regions and lines against numpy on what netCDF4-python reads."""

import netCDF4
import numpy as np
import pytest
import simulated
import xarray as xr

import karin  # noqa: F401 - registers the accessor


@pytest.fixture(scope="module")
def level3():
    return simulated.granules(simulated.LEVEL3, "475", "13")[0]


def values(path, name):
    """True values, NaN for fill, by netCDF4-python."""
    with netCDF4.Dataset(path) as dataset:
        return np.ma.filled(dataset[name][...].astype("f8"), np.nan)


def test_ssha_has_one_name_in_every_version(level3):
    first = simulated.granules(simulated.LEVEL3, "475", "13", "v1.0.2")[0]
    third = simulated.granules(simulated.LEVEL3, "475", "13", "v3.0")[0]
    for path, sources in (
        (first, ("ssha", "ssha_noiseless")),
        (level3, ("ssha_unfiltered", "ssha_filtered")),
        (third, ("ssha_unfiltered", "ssha_filtered")),
    ):
        dataset = xr.open_dataset(path)
        np.testing.assert_array_equal(dataset.swot.ssha, values(path, sources[0]))
        np.testing.assert_array_equal(dataset.swot.ssha_filtered, values(path, sources[1]))
        np.testing.assert_allclose(dataset.swot.adt, values(path, sources[0]) + values(path, "mdt"), atol=1e-12)
        assert dataset.swot.ssha.attrs["units"] == dataset.swot.adt.attrs["units"] == "m"
        packed = xr.open_dataset(path, mask_and_scale=False)
        np.testing.assert_array_equal(packed.swot.adt, dataset.swot.adt)


def test_level_2_adds_the_crossover_correction_once():
    path = simulated.granules(simulated.BASIC, "475", "13")[0]
    dataset = xr.open_dataset(path)
    expected = values(path, "ssha_karin_2") + values(path, "height_cor_xover")
    np.testing.assert_allclose(dataset.swot.ssha, expected, atol=1e-12)
    assert dataset.swot.ssha.attrs["long_name"] == "sea surface height anomaly"
    assert dataset.swot.ssha.attrs["comment"] == "ssha = ssha_karin_2 + height_cor_xover"
    corrected = dataset.assign(ssha=dataset.swot.ssha)
    np.testing.assert_array_equal(corrected.swot.ssha, dataset.swot.ssha)


def test_unsmoothed_of_version_c_says_what_its_height_is():
    shape = ("num_lines", "num_pixels")
    dataset = xr.Dataset(
        {
            "ssh_karin_2": (shape, np.full((4, 3), 30.5), {"units": "m"}),
            "mean_sea_surface_cnescls": (shape, np.full((4, 3), 30.0)),
        },
        {"latitude": (shape, np.zeros((4, 3))), "longitude": (shape, np.zeros((4, 3)))},
    )
    np.testing.assert_allclose(dataset.swot.ssha, 0.5)
    assert "no corrections" in dataset.swot.ssha.attrs["comment"]


def test_what_a_product_lacks_is_named(level3):
    dataset = xr.open_dataset(level3)
    with pytest.raises(KeyError, match="ssha_karin_2 and height_cor_xover"):
        _ = dataset.drop_vars("ssha_unfiltered").swot.ssha
    with pytest.raises(KeyError, match="did you mean 'ssha_filtered'"):
        dataset.swot.height("ssha_filterd")
    with pytest.raises(ValueError, match="no latitudes"):
        xr.Dataset({"a": ("x", [1.0])}).swot.select(bbox=(0, 0, 1, 1))


def test_nadir_is_dropped_and_extracted(level3):
    lines, pixels = (values(level3, name).astype(int) for name in ("i_num_line", "i_num_pixel"))
    heights = values(level3, "ssha_unfiltered")
    without = heights.copy()
    without[lines, pixels] = np.nan
    for options in ({}, {"chunks": {"num_lines": 3000}}, {"mask_and_scale": False}):
        dataset = xr.open_dataset(level3, **options)
        dropped = dataset.swot.drop_nadir()
        assert "num_nadir" not in dropped.dims and dropped.swot.drop_nadir() is dropped
        np.testing.assert_array_equal(dropped.swot.ssha, without)
        nadir = dataset.swot.nadir()
        np.testing.assert_array_equal(nadir.swot.height("ssha_unfiltered"), heights[lines, pixels])
        assert nadir.sizes == {"num_nadir": lines.size} and {"time", "latitude", "longitude"} <= set(nadir.coords)
    np.testing.assert_array_equal(nadir.latitude * 1e-6, values(level3, "latitude")[lines, pixels])
    assert np.isfinite(without).sum() == np.isfinite(heights).sum() - np.isfinite(heights[lines, pixels]).sum()


def test_nadir_of_crops_and_cubes(level3):
    dataset = xr.open_dataset(level3)[["ssha_unfiltered", "i_num_line", "i_num_pixel"]]
    lines, pixels = (values(level3, name).astype(int) for name in ("i_num_line", "i_num_pixel"))
    crop = dataset.swot.select(bbox=(-180, -40, 180, 10), crop="lines")
    inside = np.isin(lines, crop.num_lines)
    assert 0 < inside.sum() < lines.size
    dropped = crop.swot.drop_nadir()
    assert np.isnan(
        dropped.ssha_unfiltered.sel(num_lines=lines[inside]).values[np.arange(inside.sum()), pixels[inside]]
    ).all()
    assert int(dropped.ssha_unfiltered.count()) == int(crop.ssha_unfiltered.count()) - int(
        np.isfinite(values(level3, "ssha_unfiltered")[lines[inside], pixels[inside]]).sum()
    )
    nadir = crop.swot.nadir()
    np.testing.assert_array_equal(
        nadir.ssha_unfiltered.values[inside], values(level3, "ssha_unfiltered")[lines, pixels][inside]
    )
    assert np.isnan(nadir.ssha_unfiltered.values[~inside]).all()
    # Lines cut out by index alone: nothing says which lines are left, but all nadir values are in one column.
    cut = dataset.isel(num_lines=slice(2000, 4000))
    assert int(cut.swot.drop_nadir().ssha_unfiltered.isel(num_pixels=34).count()) == 0
    with pytest.raises(ValueError, match="lines were cut"):
        cut.swot.nadir()
    cube = xr.concat([dataset, dataset.assign(i_num_line=dataset.i_num_line - 1)], "cycle_number")
    for way in (cube, cube.chunk(cycle_number=1)):
        np.testing.assert_array_equal(
            way.swot.drop_nadir().ssha_unfiltered[0], dataset.swot.drop_nadir().ssha_unfiltered
        )
        np.testing.assert_array_equal(way.swot.nadir().ssha_unfiltered[0], dataset.swot.nadir().ssha_unfiltered)
        assert int(way.swot.drop_nadir().ssha_unfiltered[1].count()) > int(
            way.swot.drop_nadir().ssha_unfiltered[0].count()
        )


@pytest.mark.parametrize("box", [(-15, 34, 36, 54), (345, -20, 20, 20), (170, -60, -170, 70), (-180, -90, 180, 90)])
def test_boxes_against_every_pixel(box):
    path = simulated.granules(simulated.BASIC, "475", "1,2")[0]
    west, south, east, north = box
    longitude, latitude, heights = (values(path, name) for name in ("longitude", "latitude", "ssh_karin_2"))
    width = (east - west) % 360 or 360
    inside = ((longitude - west) % 360 <= width) & (latitude >= south) & (latitude <= north)
    touched = np.flatnonzero(inside.any(axis=1))
    for options in ({}, {"chunks": {"num_lines": 2500}}, {"mask_and_scale": False}):
        dataset = xr.open_dataset(path, **options)[["ssh_karin_2", "ssh_karin_2_qual"]]
        exact = dataset.swot.select(bbox=box)
        np.testing.assert_array_equal(exact.num_lines, touched)
        np.testing.assert_array_equal(exact.swot.height("ssh_karin_2"), np.where(inside, heights, np.nan)[touched])
        whole = dataset.swot.select(bbox=box, crop="lines")
        np.testing.assert_array_equal(whole.swot.height("ssh_karin_2"), heights[touched])


def test_polygons_with_holes():
    path = simulated.granules(simulated.BASIC, "475", "1,2")[0]
    dataset = xr.open_dataset(path)[["ssh_karin_2"]]
    middle = dataset.isel(num_lines=6000, num_pixels=34)
    west, south = float(middle.longitude) - 2, float(middle.latitude) - 2
    outer = [[west, south], [west + 4, south], [west + 4, south + 4], [west, south + 4], [west, south]]
    hole = [
        [west + 1.5, south + 1.5],
        [west + 2.5, south + 1.5],
        [west + 2.5, south + 2.5],
        [west + 1.5, south + 2.5],
        [west + 1.5, south + 1.5],
    ]
    polygon = {"type": "Polygon", "coordinates": [outer, hole]}
    found = dataset.swot.select(polygon=polygon).ssh_karin_2
    boxed = dataset.swot.select(bbox=(west, south, west + 4, south + 4)).ssh_karin_2
    x, y = boxed.longitude - west, boxed.latitude - south
    in_hole = (abs(x - 2) < 0.5) & (abs(y - 2) < 0.5)
    assert int(in_hole.sum()) > 100
    np.testing.assert_array_equal(found.reindex_like(boxed), boxed.where(~in_hole))
    shapely = pytest.importorskip("shapely.geometry")
    assert dataset.swot.select(polygon=shapely.shape(polygon)).ssh_karin_2.identical(found)
    with pytest.raises(ValueError, match="one of bbox"):
        dataset.swot.select()


def test_passes_as_one_long_swath():
    paths = simulated.granules(simulated.BASIC, "475", "1,2")
    passes = [xr.open_dataset(path)[["ssha_karin_2", "time"]] for path in paths]
    cube = xr.concat(passes, xr.DataArray([1, 2], dims="pass_number", name="pass_number")).expand_dims(
        cycle_number=[475]
    )
    for way in (cube, cube.chunk(pass_number=1)):
        lines = way.swot.to_lines()
        known = [dataset.time.notnull().values for dataset in passes]
        expected = np.concatenate(
            [dataset.ssha_karin_2.values[there] for dataset, there in zip(passes, known, strict=True)]
        )
        assert lines.ssha_karin_2.dims == ("num_lines", "num_pixels") == lines.latitude.dims
        np.testing.assert_array_equal(lines.ssha_karin_2, expected)
        np.testing.assert_array_equal(lines.pass_number, np.repeat([1, 2], [there.sum() for there in known]))
        np.testing.assert_array_equal(lines.line_number, np.concatenate([np.flatnonzero(there) for there in known]))
        assert set(np.unique(lines.cycle_number)) == {475}
    assert lines.chunks
    assert cube.swot.to_lines(drop=False).sizes["num_lines"] == 2 * passes[0].sizes["num_lines"]


REAL = {
    "swot_l3/SWOT_L3_LR_SSH_Expert_001_155_20230726T173637_20230726T182803_v1.0.2_fcs.nc": None,
    "swot_l2_subset/ssh_unsmoothed_group.nc": None,
    "swot_l2_subset/SWOT_AGULHAS.nc": None,
}


@pytest.mark.parametrize("name", REAL)
def test_real_excerpts(name, reference_data):
    dataset = xr.open_dataset(reference_data(name))
    table = dataset.swot.flags()
    for flag in {variable for variable, _ in table.index}:
        rows = table.loc[flag]
        assert rows["count"].sum() >= dataset[flag].size
    if "ssh_karin_2_qual" in dataset:
        kept = dataset.swot.mask("good").ssh_karin_2
        good = dataset.ssh_karin_2_qual.values == 0
        np.testing.assert_array_equal(kept, dataset.ssh_karin_2.where(good))
        np.testing.assert_allclose(dataset.swot.ssha, dataset.ssh_karin_2 - dataset.mean_sea_surface_cnescls)
        # A stray comma in flag_meanings must not become part of a name.
        assert ("sig0_karin_2_qual", "bad_karin_telem") in table.index
    if "i_num_line" in dataset:
        # In this version they are in pixels 33 to 35, here in 35; the file is a crop that says which lines it has.
        dropped = dataset.swot.drop_nadir()
        lines = dataset.num_lines.isin(dataset.i_num_line)
        assert int(dropped.swot.ssha.isel(num_pixels=35).count()) == 0 < int(lines.sum()) == 82
        assert int(dropped.swot.ssha.count()) == int(dataset.ssha.count()) - 82
