"""Bins, histograms, pairs, sections and the choice of results, against numpy on values read by netCDF4-python."""

import numpy as np
import pytest
import xarray as xr

import karin
from karin.errors import InvalidArgumentError


@pytest.fixture(scope="module")
def values(granule_files):
    """Decoded values of all granules, one behind the other."""
    out = {}
    for name in ("ssha_karin_2", "height_cor_xover"):
        parts = []
        for file in granule_files:
            with xr.open_dataset(file, engine="netcdf4") as dataset:
                parts.append(np.broadcast_to(dataset[name].values, dataset["ssha_karin_2"].shape).ravel())
        out[name] = np.concatenate(parts)
    return out


def test_bins_and_histograms(swot, values):
    one = swot.sel(variables="ssha_karin_2")
    found = one.bin({"height_cor_xover": (-0.1, 0.1, 0.01)}, ["mean", "std", "count"])
    edges = np.arange(-1000, 1001, 100)
    assert dict(found.sizes) == {"height_cor_xover": 20, "bounds": 2}
    np.testing.assert_array_equal(found["height_cor_xover_bounds"], np.stack([edges[:-1], edges[1:]], 1) / 1e4)
    packed = np.round(values["height_cor_xover"] * 1e4)
    index = np.where(packed == 1000, 19, np.digitize(packed, edges) - 1)
    columns = (found[f"ssha_karin_2_{name}"] for name in ("mean", "std", "count"))
    for bin_, (mean, std, count) in enumerate(zip(*columns, strict=True)):
        kept = values["ssha_karin_2"][(index == bin_) & np.isfinite(values["ssha_karin_2"] + packed)]
        assert kept.size == count
        if kept.size:
            np.testing.assert_allclose([mean, std], [kept.mean(), kept.std()], rtol=1e-9)
    assert found["ssha_karin_2_count"].max() > 1000
    xr.testing.assert_identical(found, one.bin("height_cor_xover:-0.1:0.1:0.01", "mean,std,count"))
    counts = swot.histogram({"ssha_karin_2": np.array([-1.0, 0.0, 0.25, 1.0])}, "count")["ssha_karin_2_count"]
    kept = np.round(values["ssha_karin_2"][np.isfinite(values["ssha_karin_2"])] * 1e4)
    np.testing.assert_array_equal(counts, np.histogram(kept, [-1e4, 0, 2500, 1e4])[0])
    joint = swot.histogram(["height_cor_xover", "ssha_karin_2"])
    assert set(joint.sizes) == {"height_cor_xover", "ssha_karin_2", "bounds"}
    assert int(joint["ssha_karin_2_count"].sum()) > 0.98 * np.isfinite(values["ssha_karin_2"]).sum()


def test_pairs_and_kept_results(swot, values):
    one = swot.sel(variables="ssha_karin_2")
    found = one.reduce(["correlation", "slope", "count"], None, with_="height_cor_xover")
    a, b = values["ssha_karin_2"], values["height_cor_xover"]
    both = np.isfinite(a) & np.isfinite(b)
    assert int(found["ssha_karin_2_count"]) == both.sum()
    correlation = np.corrcoef(a[both], b[both])[0, 1]
    np.testing.assert_allclose(found["ssha_karin_2_correlation"], correlation, rtol=1e-9)
    np.testing.assert_allclose(one.correlation("height_cor_xover", None)["ssha_karin_2"], correlation, rtol=1e-9)
    by_pass = one.groupby("pass_number").reduce("rms_difference", with_="height_cor_xover")
    assert by_pass["ssha_karin_2"].dims == ("pass_number",)
    kept, everything = one.reduce("std", having="count >= 3"), one.reduce(["std", "count"])
    expected = everything["ssha_karin_2_std"].where(everything["ssha_karin_2_count"] >= 3)
    np.testing.assert_array_equal(kept["ssha_karin_2"], expected)


def test_sections(swot, granule_files):
    one = swot.sel(variables="ssha_karin_2")
    along, across = one.mean("num_pixels"), one.mad("num_lines")
    assert along["ssha_karin_2"].dims == ("cycle_number", "pass_number", "num_lines")
    assert across["ssha_karin_2"].dims == ("cycle_number", "pass_number", "num_pixels")
    file = granule_files[0]
    at = dict(zip(("cycle_number", "pass_number"), map(int, file.split("Basic_")[1].split("_")[:2]), strict=True))
    with xr.open_dataset(file, engine="netcdf4") as dataset:
        heights = dataset["ssha_karin_2"].load()
    np.testing.assert_allclose(along["ssha_karin_2"].sel(at), heights.mean("num_pixels"), rtol=1e-9, atol=1e-12)
    mad = np.abs(heights - heights.median("num_lines")).median("num_lines")
    np.testing.assert_allclose(across["ssha_karin_2"].sel(at), mad, rtol=1e-9, atol=1e-12)


def test_what_makes_no_sense_says_so(swot):
    one = swot.sel(variables="ssha_karin_2")
    for call, hint in (
        (lambda: one.reduce("correlation"), "with"),
        (lambda: one.reduce("mean", "num_sides"), "num_pixels"),
        (lambda: one.bin({"height_cor_xover": (0.0, 1.0)}), "from, to, step"),
        (lambda: one.bin("height_cor_xover:0:1:0.3"), "whole number of steps"),
        (lambda: one.reduce("mean", having="mean"), "condition"),
    ):
        with pytest.raises(InvalidArgumentError, match=hint):
            call()
    with pytest.raises(karin.errors.KarinError, match="nothing"):
        one.bin("nothing:0:1:1")
