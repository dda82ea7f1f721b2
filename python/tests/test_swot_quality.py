"""`.swot` masks and flag counts against numpy on what netCDF4-python reads, with the rules of the product handbooks."""

import netCDF4
import numpy as np
import pytest
import simulated
import xarray as xr

import karin  # noqa: F401 - registers the accessor

# The summary bits of level 2, and some of the others, as the handbook numbers them.
BITS = {
    "suspect_large_ssh_delta": 0,
    "suspect_beam_used": 3,
    "suspect_num_pt_avg": 8,
    "degraded_large_attitude": 18,
    "bad_outside_of_range": 29,
    "degraded": 30,
    "bad_not_usable": 31,
}
LEVEL3 = {"good": {0, 3}, "suspect": {0, 3, 5, 10, 18, 30}, "degraded": {0, 3, 5, 10, 18, 30, 19, 20, 25, 50, 70}}


@pytest.fixture(scope="module")
def basic():
    return simulated.granules(simulated.BASIC, "475", "13")[0]


@pytest.fixture(scope="module")
def level3():
    return simulated.granules(simulated.LEVEL3, "475", "13")[0]


def raw(path, name):
    """Numbers as stored."""
    with netCDF4.Dataset(path) as dataset:
        dataset.set_auto_maskandscale(False)
        return dataset[name][...]


def values(path, name):
    """True values, NaN for fill, by netCDF4-python."""
    with netCDF4.Dataset(path) as dataset:
        return np.ma.filled(dataset[name][...].astype("f8"), np.nan)


HEIGHTS = ["ssha_karin_2", "ssha_karin_2_qual", "height_cor_xover", "height_cor_xover_qual", "latitude", "longitude"]


def opened(path, names=HEIGHTS):
    """The same granule in every way that people open it."""
    ways = {
        "netcdf4": xr.open_dataset(path),
        "h5netcdf": xr.open_dataset(path, engine="h5netcdf"),
        "dask": xr.open_dataset(path, chunks={"num_lines": 3000}),
        "packed": xr.open_dataset(path, mask_and_scale=False),
        "packed dask": xr.open_dataset(path, mask_and_scale=False, chunks={"num_lines": 4000}),
        "loaded": xr.open_dataset(path)[names].load(),
    }
    return {how: dataset[names] for how, dataset in ways.items()}


def decoded(array):
    """True values of an array of a dataset that may not be decoded."""
    if "scale_factor" in array.attrs:
        return np.where(array.values == array.attrs["_FillValue"], np.nan, array.values * array.attrs["scale_factor"])
    return array.values


@pytest.mark.parametrize("level", ["good", "suspect", "degraded"])
def test_levels_keep_what_the_handbook_says(basic, level):
    flags, heights = raw(basic, "ssha_karin_2_qual"), values(basic, "ssha_karin_2")
    limit = {"good": 1, "suspect": 2**30, "degraded": 2**31}[level]
    expected = np.where((flags != 4294967295) & (flags < limit), heights, np.nan)
    crossover = np.where(
        raw(basic, "height_cor_xover_qual") <= (0 if level == "good" else 1), values(basic, "height_cor_xover"), np.nan
    )
    assert 0 < np.isfinite(expected).sum() < np.isfinite(heights).sum()
    for how, dataset in opened(basic).items():
        kept = dataset.swot.mask(level)
        np.testing.assert_allclose(decoded(kept.ssha_karin_2), expected, atol=1e-12, err_msg=how)
        np.testing.assert_allclose(kept.swot.ssha.values, expected + crossover, atol=1e-12, err_msg=how)
        np.testing.assert_array_equal(kept.ssha_karin_2_qual, dataset.ssha_karin_2_qual, err_msg=how)
        np.testing.assert_array_equal(kept.latitude, dataset.latitude, err_msg=how)
        assert kept.ssha_karin_2.attrs == dataset.ssha_karin_2.attrs
        quality = dataset.swot.quality("ssha", level)
        np.testing.assert_array_equal(quality, np.isfinite(expected + crossover), err_msg=how)


def test_any_keeps_everything(basic):
    dataset = xr.open_dataset(basic)[HEIGHTS]
    assert dataset.swot.mask("any").identical(dataset)


@pytest.mark.parametrize("level", ["good", "suspect", "degraded"])
def test_levels_gate_unedited_values_of_level_3_only(level3, level):
    flags = raw(level3, "quality_flag")
    for how, dataset in opened(level3, ["ssha_unedited", "sigma0", "ssha_filtered", "quality_flag"]).items():
        kept = dataset.swot.mask(level)
        for name in ("ssha_unedited", "sigma0"):
            expected = np.where(np.isin(flags, list(LEVEL3[level])), decoded(dataset[name]), np.nan)
            np.testing.assert_array_equal(decoded(kept[name]), expected, err_msg=how)
        np.testing.assert_array_equal(kept.ssha_filtered, dataset.ssha_filtered, err_msg=how)


@pytest.mark.parametrize(
    ("exclude", "include", "bits"),
    [
        (["bad*", "degraded*", "suspect*"], None, range(32)),
        ("bad_not_usable", None, [31]),
        (["*delta", "degraded"], None, [0, 30]),
        (["*"], ["suspect_*"], [15, 16, 17, 18, 19, *range(24, 32)]),
        (None, "suspect_*", [15, 16, 17, 18, 19, *range(24, 32)]),
    ],
)
def test_flags_by_name(basic, exclude, include, bits):
    flags, heights = raw(basic, "ssha_karin_2_qual").astype("u8"), values(basic, "ssha_karin_2")
    unwanted = np.uint64(sum(1 << bit for bit in bits))
    expected = np.where((flags != 4294967295) & (flags & unwanted == 0), heights, np.nan)
    for how, dataset in opened(basic).items():
        kept = dataset.swot.mask(exclude=exclude, include=include)
        np.testing.assert_allclose(decoded(kept.ssha_karin_2), expected, atol=1e-12, err_msg=how)


def test_enumerations_by_name(basic, level3):
    dataset = xr.open_dataset(basic)
    surface = raw(basic, "ancillary_surface_classification_flag")
    at_sea = dataset.swot.mask(include="open_ocean", by="ancillary_surface_classification_flag")
    np.testing.assert_array_equal(at_sea.ssh_karin, np.where(surface == 0, values(basic, "ssh_karin"), np.nan))
    no_land = dataset.swot.mask(exclude="land", by="ancillary_surface_classification_flag", variables=["geoid"])
    np.testing.assert_array_equal(
        no_land.geoid, np.where((surface != 1) & (surface != 255), values(basic, "geoid"), np.nan)
    )
    np.testing.assert_array_equal(no_land.ssh_karin, dataset.ssh_karin)
    third = xr.open_dataset(level3)
    flags = raw(level3, "quality_flag")
    no_ice = third.swot.mask(exclude=["ice", "soft_outliers"])
    expected = np.where(np.isin(flags, [20, 30, 255]), np.nan, values(level3, "ssha_unedited"))
    np.testing.assert_array_equal(no_ice.ssha_unedited, expected)


def test_what_no_flag_is_named_is_an_error_with_a_suggestion(basic, level3):
    dataset = xr.open_dataset(basic)
    with pytest.raises(ValueError, match="degarded"):
        dataset.swot.mask(exclude=["bad*", "degarded"])
    with pytest.raises(ValueError, match="no flag is named 'suspect"):
        xr.open_dataset(level3).swot.mask(exclude="suspect*")
    with pytest.raises(ValueError, match="good"):
        dataset.swot.mask("goood")
    with pytest.raises(ValueError, match="not both"):
        dataset.swot.mask("good", exclude="bad*")
    with pytest.raises(KeyError, match="did you mean"):
        dataset.swot.mask("good", variables=["ssha_karin2"])
    with pytest.raises(ValueError, match="no flag variable"):
        dataset.swot.mask(exclude="bad*", by="geoid")


def test_the_table_counts_every_flag(basic, level3):
    flags = raw(basic, "ssha_karin_2_qual").astype("u8")
    there = flags != 4294967295
    for how, dataset in opened(basic, ["ssha_karin_2_qual", "ancillary_surface_classification_flag"]).items():
        table = dataset.swot.flags()
        for name, bit in BITS.items():
            row = table.loc["ssha_karin_2_qual", name]
            assert row["count"] == np.count_nonzero((flags[there] >> np.uint64(bit)) & np.uint64(1)), (how, name)
            assert row["mask"] == 1 << bit and row["kind"] == "bits"
        assert table.loc["ssha_karin_2_qual", "(fill)"]["count"] == np.count_nonzero(~there), how
        assert table.loc["ssha_karin_2_qual", "(none)"]["count"] == np.count_nonzero(flags == 0), how
        surface = raw(basic, "ancillary_surface_classification_flag")
        assert table.loc["ancillary_surface_classification_flag", "land"]["count"] == np.count_nonzero(surface == 1), (
            how
        )
        assert table.loc["ssha_karin_2_qual", "degraded"]["percent"] == pytest.approx(
            100 * np.count_nonzero(flags[there] >> np.uint64(30) & np.uint64(1)) / flags.size
        )
    numbers = raw(level3, "quality_flag")
    table = xr.open_dataset(level3).swot.flags("quality_flag")
    for name, value in {"good": 0, "ice": 20, "no_data": 102}.items():
        assert table.loc["quality_flag", name]["count"] == np.count_nonzero(numbers == value)


def test_one_flag_as_a_mask(basic):
    flags = raw(basic, "ssha_karin_2_qual")
    found = xr.open_dataset(basic).swot.flag("ssha_karin_2_qual", "bad_*")
    np.testing.assert_array_equal(found, (flags != 4294967295) & (flags >> 24 & 0b10111111 != 0))


def test_wrapped_and_resaved_flags_are_read(basic, tmp_path):
    dataset = xr.load_dataset(basic)[["ssha_karin_2", "ssha_karin_2_qual", "latitude", "longitude"]]
    expected = dataset.swot.mask("good").ssha_karin_2
    # Servers wrap the highest bit to a negative number, and people save flags as they were decoded.
    wrapped = raw(basic, "ssha_karin_2_qual").astype("i8")
    wrapped = np.where(wrapped > 2**31 - 1, wrapped - 2**32, wrapped).astype("f8")
    served = dataset.copy()
    attributes = dict(
        dataset.ssha_karin_2_qual.attrs, flag_masks=dataset.ssha_karin_2_qual.attrs["flag_masks"].astype("i4")
    )
    served["ssha_karin_2_qual"] = (("num_lines", "num_pixels"), np.where(wrapped == -1, np.nan, wrapped), attributes)
    np.testing.assert_array_equal(served.swot.mask("good").ssha_karin_2, expected)
    bad = served.swot.mask(exclude="bad_not_usable").ssha_karin_2
    np.testing.assert_array_equal(bad, dataset.swot.mask(exclude="bad_not_usable").ssha_karin_2)
    for variable in dataset.variables.values():
        variable.encoding = {}
    dataset.to_netcdf(tmp_path / "saved.nc")
    np.testing.assert_array_equal(xr.open_dataset(tmp_path / "saved.nc").swot.mask("good").ssha_karin_2, expected)


def test_lazy_datasets_stay_lazy(basic):
    dask = pytest.importorskip("dask")
    dataset = xr.open_dataset(basic, chunks={"num_lines": 2000})

    def refuse(*_, **__):
        raise AssertionError("something was computed")

    with dask.config.set(scheduler=refuse):
        kept = dataset.swot.mask("good")
        ssha = kept.swot.ssha
        quality = dataset.swot.quality("ssha", exclude="bad*")
        assert ssha.chunks and quality.chunks and kept.ssha_karin_2.chunks
        with pytest.raises(AssertionError):
            ssha.compute()
    assert int(ssha.count()) == int(xr.load_dataset(basic).swot.mask("good").swot.ssha.count())
