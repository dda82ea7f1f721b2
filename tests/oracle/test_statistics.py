"""Statistics by bins, of pairs, along sections, and the choice of results, against numpy and scipy on granules written by
netCDF4-python."""

import json
import warnings

import netCDF4
import numpy as np
import pandas
import pytest
import scipy.stats
from matplotlib import image

import engine_granules
from engine_granules import CYCLES, DAY, PASSES, filled, same

warnings.filterwarnings("ignore", "(Mean of empty|All-NaN|Degrees of freedom|invalid value)")
PAIRS = "count,correlation,covariance,slope,intercept,rms_difference,mean_difference"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("granules")
    engine_granules.write_all(folder)
    # A granule that is not there.
    next(folder.glob("*_003_014_*.nc")).unlink()
    return folder


@pytest.fixture(scope="module")
def truth(folder):
    return engine_granules.read_all(folder)


@pytest.fixture
def stat(karin, folder, tmp_path):
    def run(*arguments):
        return engine_granules.statistics(karin, folder, tmp_path / "out.nc", *arguments)

    return run


def mad(values, axis=None):
    return np.nanmedian(np.abs(values - np.nanmedian(values, axis=axis, keepdims=True)), axis=axis)


@pytest.mark.parametrize("name", ["ssha_karin_2", "sig0_karin_2", "num_pt_avg", "rain_flag"])
def test_the_median_absolute_deviation_wherever_medians_work(stat, truth, name):
    values = truth[name]
    same(stat("--over", "cycle", "--stats", "mad", "--vars", name)[name], mad(values, axis=0))
    for target, one in (("--over=all", values), ("--by=pass", values[:, 1]), ("--by=cycle", values[2])):
        found = stat(target, "--stats", "mad,median", "--vars", name)
        kept = one[np.isfinite(one)]
        at = {"--over=all": 0, "--by=pass": 1, "--by=cycle": 2}[target]
        same(np.ravel(found[f"{name}_mad"])[at], scipy.stats.median_abs_deviation(kept))
        same(np.ravel(found[f"{name}_median"])[at], np.median(kept))
    found = stat("--grid", "20", "--stats", "mad,count", "--vars", name)
    longitude, latitude = truth["longitude"], truth["latitude"]
    row = np.argmax(found["latitude"] == 0)
    column = np.argmax(found["longitude"] == 30)
    here = (latitude >= -10) & (latitude < 10) & (longitude >= 20) & (longitude < 40)
    kept = values[here & np.isfinite(values)]
    assert found[f"{name}_count"][row, column] == kept.size > 100
    same(found[f"{name}_mad"][row, column], scipy.stats.median_abs_deviation(kept))


def test_by_hour(stat, truth):
    found = stat("--by", "hour", "--stats", "count,mean", "--vars", "ssha_karin_2")
    hours = np.floor(truth["time"] / 3600)
    expected = np.unique(hours[np.isfinite(hours)])
    same(found["time"], expected * 3600)
    for index, hour in enumerate(expected):
        kept = truth["ssha_karin_2"][hours == hour]
        assert found["ssha_karin_2_count"][index] == np.isfinite(kept).sum()
        same(found["ssha_karin_2_mean"][index], np.nanmean(kept))


FUNCTIONS = {"mean": np.mean, "std": np.std, "var": np.var, "min": np.min, "max": np.max, "sum": np.sum,
             "median": np.median, "quantile_0.9": lambda values: np.quantile(values, 0.9),
             "mad": scipy.stats.median_abs_deviation}


def check_bins(found, name, values, index, bins, statistics, shape=None):
    """Compares every bin with a function of the values that are in it; `index` is that of each value's bin, -1 for none."""
    shape = shape or (bins,)
    for statistic, function in statistics.items():
        expected = np.full(bins, np.nan)
        for one in range(bins):
            kept = values[(index == one) & np.isfinite(values)]
            if kept.size:
                expected[one] = function(kept)
        spread = statistic in ("std", "var")
        same(found[f"{name}_{statistic}"], expected.reshape(shape), 1e-9 if spread else 1e-11)
    expected = np.bincount(index[(index >= 0) & np.isfinite(values)], minlength=bins)
    same(found[f"{name}_count"], expected.reshape(shape))


def test_bins_of_a_packed_variable_have_exact_edges(stat, truth, folder):
    # -0.01 .. 0.012 in steps of 0.0005: edges are stored numbers, 5 apart.
    names = ",".join(FUNCTIONS).replace("quantile_0.9", "quantile(0.9)")
    found = stat("--bin", "internal_tide_hret:-0.01:0.012:0.0005", "--vars", "ssha_karin_2", "--stats", names)
    packed = np.round(truth["internal_tide_hret"] * 1e4)
    known = np.isfinite(packed)
    packed = np.where(known, packed, 0).astype(int)
    inside = known & (packed >= -100) & (packed <= 120)
    index = np.where(inside, np.minimum((packed + 100) // 5, 43), -1)
    check_bins(found, "ssha_karin_2", truth["ssha_karin_2"], index, 44, FUNCTIONS)
    outside = known & ~inside & np.isfinite(truth["ssha_karin_2"])
    assert found["ssha_karin_2_outside"] == outside.sum() > 1000
    same(found["internal_tide_hret"], np.arange(44) * 0.0005 - 0.01 + 0.00025, around_zero=1e-12)
    same(found["internal_tide_hret_bounds"][:, 0], np.round(np.arange(44) * 0.0005 - 0.01, 4))
    # The fringes are not clamped into the bins at the edges, and the last bin holds its upper edge.
    assert (packed[inside] == 120).any() and (packed[inside] == -100).any()


@pytest.mark.parametrize("bins", ["sig0_karin_2:9:11.5:0.25", "sig0_karin_2:9,9.1,9.7,10,11.5", "double:18:23:0.5"])
def test_bins_of_floating_and_derived_variables_are_those_of_numpy(stat, truth, bins):
    found = stat("--bin", bins, "--let", "double=2*sig0_karin_2", "--vars", "ssha_karin_2,num_pt_avg", "--stats", "mean,std,mad")
    name = bins.split(":")[0]
    by = truth["sig0_karin_2"] * (2 if name == "double" else 1)
    edges = np.append(found[f"{name}_bounds"][:, 0], found[f"{name}_bounds"][-1, 1])
    index = np.searchsorted(edges, by, side="right") - 1
    index[by == edges[-1]] = len(edges) - 2
    index[(by > edges[-1]) | np.isnan(by)] = -1
    for variable in ("ssha_karin_2", "num_pt_avg"):
        functions = {name: FUNCTIONS[name] for name in ("mean", "std", "mad")}
        check_bins(found, variable, truth[variable], index, len(edges) - 1, functions)
        kept = np.isfinite(truth[variable]) & np.isfinite(by)
        assert found[f"{variable}_outside"] == (kept & (index < 0)).sum()


def test_bins_of_two_variables_and_of_what_lies_per_line(stat, truth):
    found = stat("--bin", "longitude:-60:60:15", "--bin", "latitude:-60:60:10", "--vars", "ssha_karin_2", "--stats", "mean,max")
    longitude = (truth["longitude"] + 180) % 360 - 180
    kept = np.isfinite(truth["ssha_karin_2"]) & np.isfinite(longitude)
    place = longitude[kept], truth["latitude"][kept]
    edges = [np.arange(-60, 61, 15), np.arange(-60, 61, 10)]
    for statistic in ("mean", "max"):
        expected = scipy.stats.binned_statistic_2d(*place, truth["ssha_karin_2"][kept], statistic, bins=edges).statistic
        same(found[f"ssha_karin_2_{statistic}"], expected, 1e-11)
    start = (8766 + 27) * DAY
    found = stat("--bin", f"time:{start:.0f}:{start + 3 * DAY:.0f}:43200", "--vars", "ssha_karin_2", "--stats", "mean")
    time = np.broadcast_to(truth["time"][..., None], truth["ssha_karin_2"].shape)
    kept = np.isfinite(truth["ssha_karin_2"]) & np.isfinite(time)
    edges = start + np.arange(7) * 43200
    expected = scipy.stats.binned_statistic(time[kept], truth["ssha_karin_2"][kept], "mean", bins=edges).statistic
    same(found["ssha_karin_2"], expected, 1e-11)


def test_histograms_are_those_of_numpy(stat, truth):
    values = truth["sig0_karin_2"][np.isfinite(truth["sig0_karin_2"])]
    found = stat("--hist", "sig0_karin_2:8:12:0.125")
    edges = np.arange(8, 12.01, 0.125)
    same(found["sig0_karin_2_count"], np.histogram(values, edges)[0])
    same(found["sig0_karin_2_density"], np.histogram(values, edges, density=True)[0])
    assert found["sig0_karin_2_outside"] == ((values < 8) | (values > 12)).sum()
    # Bins that fit the values: all but the tails are inside, and every bin is a number of stored steps wide.
    found = stat("--hist", "ssha_karin_2")
    values = truth["ssha_karin_2"][np.isfinite(truth["ssha_karin_2"])]
    widths = np.diff(found["ssha_karin_2_bounds"])[:, 0]
    assert 20 < len(widths) <= 402 and found["ssha_karin_2_outside"] <= 0.003 * values.size
    assert np.allclose(widths, widths[0]) and np.isclose(widths[0] * 1e4 % 1, 0, atol=1e-6)
    same(np.sum(found["ssha_karin_2_density"] * widths), 1)
    edges = np.append(found["ssha_karin_2_bounds"][:, 0], found["ssha_karin_2_bounds"][-1, 1])
    packed, packed_edges = np.round(values * 1e4), np.round(edges * 1e4)
    same(found["ssha_karin_2_count"], np.histogram(packed, packed_edges)[0])


def test_joint_histograms_carry_the_line_of_least_squares(stat, truth, tmp_path, karin, folder):
    found = stat("--hist", "ssha_karin_2:-0.5:0.5:0.02", "--hist", "sig0_karin_2:6:14:0.25")
    x, y = truth["ssha_karin_2"], truth["sig0_karin_2"]
    kept = np.isfinite(x) & np.isfinite(y)
    x, y = x[kept], y[kept]
    edges = np.round(np.arange(-0.5, 0.501, 0.02), 2), np.arange(6, 14.1, 0.25)
    packed = np.round(x * 1e4), y
    expected = np.histogram2d(*packed, bins=(np.round(edges[0] * 1e4), edges[1]))[0]
    same(found["sig0_karin_2_count"], expected)
    line = scipy.stats.linregress(x, y)
    with netCDF4.Dataset(tmp_path / "out.nc") as dataset:
        same(dataset.regression_slope, line.slope, 1e-9)
        same(dataset.regression_intercept, line.intercept, 1e-9)
        same(dataset.regression_correlation, line.rvalue, 1e-9)
        assert dataset.regression_pairs == x.size and dataset.regression == "sig0_karin_2 on ssha_karin_2"
    told = json.loads(karin("--json", "stat", folder, "--hist", "ssha_karin_2:-0.5:0.5:0.02", "--hist", "sig0_karin_2").stdout)
    same(told["regression"]["slope"], line.slope, 1e-9)


def of_pairs(a, b, axis=None):
    both = np.isfinite(a) & np.isfinite(b)
    a, b = np.where(both, a, np.nan), np.where(both, b, np.nan)
    mean = {"axis": axis, "keepdims": True}
    first, second = np.nanmean(a, **mean), np.nanmean(b, **mean)
    covariance = np.nanmean((a - first) * (b - second), axis=axis)
    slope = covariance / np.nanvar(b, axis=axis)
    return {
        "count": both.sum(axis=axis),
        "covariance": covariance,
        "correlation": covariance / np.nanstd(a, axis=axis) / np.nanstd(b, axis=axis),
        "slope": slope,
        "intercept": np.squeeze(first, axis=axis) - slope * np.squeeze(second, axis=axis),
        "rms_difference": np.sqrt(np.nanmean((a - b) ** 2, axis=axis)),
        "mean_difference": np.nanmean(a - b, axis=axis),
    }


def check_pairs(found, expected, at=...):
    enough = expected["count"] > 2
    for name, values in expected.items():
        one = found[f"ssha_karin_2_{name}"][at]
        # Of two pairs the correlation is 1 or -1, of one nothing: rounding decides what a variance of nothing is.
        wanted = enough if name in ("correlation", "slope", "intercept") else np.ones_like(enough)
        np.testing.assert_allclose(one[wanted], np.asarray(values)[wanted], rtol=1e-7, atol=1e-9)


def test_pairs_over_cycles_keys_grids_and_everything(stat, truth):
    a, b = truth["ssha_karin_2"], truth["height_cor_xover"] + truth["internal_tide_hret"]
    words = ("--vars", "ssha_karin_2", "--with", "b", "--let", "b=height_cor_xover+internal_tide_hret", "--stats", PAIRS)
    check_pairs(stat("--over", "cycle", *words), of_pairs(a, b, axis=0))
    found = stat("--over", "all", *words)
    line = scipy.stats.linregress(b[np.isfinite(a + b)], a[np.isfinite(a + b)])
    same(found["ssha_karin_2_slope"], line.slope, 1e-9)
    same(found["ssha_karin_2_correlation"], line.rvalue, 1e-9)
    by_pass = stat("--by", "pass", *words)
    for index in range(len(PASSES)):
        check_pairs(by_pass, of_pairs(a[:, index].ravel(), b[:, index].ravel()), index)
    grid = stat("--grid", "30", *words)
    here = (truth["latitude"] >= 0) & (truth["latitude"] < 30) & (truth["longitude"] >= 0) & (truth["longitude"] < 30)
    at = np.argmax(grid["latitude"] == 15), np.argmax(grid["longitude"] == 15)
    check_pairs(grid, of_pairs(a[here], b[here]), at)


def test_results_are_kept_by_their_statistics(stat, truth):
    everything = stat("--over", "cycle", "--vars", "ssha_karin_2", "--stats", "mean,count,std")
    kept = stat("--over", "cycle", "--vars", "ssha_karin_2", "--stats", "mean,count", "--having", "count >= 4 and std < 0.06")
    good = (everything["ssha_karin_2_count"] >= 4) & (everything["ssha_karin_2_std"] < 0.06)
    assert 0.1 < good.mean() < 0.6
    same(kept["ssha_karin_2_mean"], np.where(good, everything["ssha_karin_2_mean"], np.nan))
    same(kept["ssha_karin_2_count"], everything["ssha_karin_2_count"])
    for target in (("--grid", "5"), ("--by", "hour"), ("--bin", "sig0_karin_2:8:12:0.1"), ("--over", "num_lines")):
        everything = stat(*target, "--vars", "ssha_karin_2", "--stats", "median,count")
        least = f"{np.nanmedian(everything['ssha_karin_2_median']):.4f}"
        condition = f"median > {least} and count > 20"
        kept = stat(*target, "--vars", "ssha_karin_2", "--having", condition, "--stats", "median,count")
        good = (everything["ssha_karin_2_median"] > float(least)) & (everything["ssha_karin_2_count"] > 20)
        assert good.any() and not good.all()
        same(kept["ssha_karin_2_median"], np.where(good, everything["ssha_karin_2_median"], np.nan))


def test_results_are_kept_by_quantiles_that_are_listed_or_not(stat):
    by_pixel = ("--over", "cycle", "--vars", "ssha_karin_2")
    everything = stat(*by_pixel, "--stats", "quantile(0.9),quantile(0.1)")
    kept = stat(*by_pixel, "--stats", "mean", "--having", "quantile(0.9) - quantile(0.1) < 0.1")
    spread = everything["ssha_karin_2_quantile_0.9"] - everything["ssha_karin_2_quantile_0.1"]
    good = spread < 0.1
    assert 0.05 < good.mean() < 0.95
    np.testing.assert_array_equal(np.isfinite(kept["ssha_karin_2"]), good)


@pytest.mark.parametrize("name", ["ssha_karin_2", "sig0_karin_2"])
def test_sections_along_and_across(stat, truth, name):
    values = truth[name]
    for word, axis in (("num_pixels", 3), ("num_lines", 2)):
        found = stat("--over", word, "--vars", name, "--stats", "mean,std,median,mad,count,min")
        same(found["cycle_number"], list(CYCLES))
        same(found["pass_number"], list(PASSES))
        same(found[f"{name}_mean"], np.nanmean(values, axis=axis), 1e-11)
        same(found[f"{name}_std"], np.nanstd(values, axis=axis), 1e-8, 1e-9)
        same(found[f"{name}_median"], np.nanmedian(values, axis=axis))
        same(found[f"{name}_mad"], mad(values, axis=axis).squeeze())
        same(found[f"{name}_min"], np.nanmin(values, axis=axis))
        same(found[f"{name}_count"], np.isfinite(values).sum(axis=axis))


def test_sections_do_not_depend_on_memory_threads_or_what_else_is_read(stat, truth):
    wide = stat("--over", "num_lines", "--vars", "ssha_karin_2,latitude", "--stats", "median")
    small = stat("--over", "num_lines", "--vars", "latitude,ssha_karin_2", "--stats", "median", "--memory", "64MiB", "--jobs", "3")
    for name in ("ssha_karin_2", "latitude"):
        np.testing.assert_array_equal(wide[name], small[name])
    same(wide["latitude"], np.nanmedian(truth["latitude"], axis=2), 1e-9)


SHARDED = {
    "bins": ("--bin", "sig0_karin_2:8:12:0.1", "--stats", "count,mean,std,density", "--vars", "ssha_karin_2"),
    "two bins": ("--bin", "sig0_karin_2:8:12:0.5", "--bin", "latitude:-60:60:10", "--vars", "num_pt_avg", "--having", "count > 9"),
    "sections": ("--over", "num_pixels", "--stats", "mean,mad,count", "--vars", "ssha_karin_2"),
    "pairs": ("--over", "all", "--vars", "ssha_karin_2", "--with", "height_cor_xover"),
    "pairs over cycles": ("--over", "cycle", "--vars", "ssha_karin_2", "--with", "height_cor_xover", "--stats", "correlation"),
    "mad by pass": ("--by", "pass", "--stats", "mad,median", "--vars", "ssha_karin_2"),
}


@pytest.mark.parametrize("what", SHARDED)
def test_shards_make_what_one_process_makes(karin, folder, tmp_path, what):
    words = SHARDED[what]
    karin("stat", folder, *words, "-o", tmp_path / "one.nc", "-q")
    states = [tmp_path / f"{index}.state" for index in (2, 1, 3)]
    for state in states:
        karin("stat", folder, *words, "--shard", f"{state.stem}/3", "-o", state, "-q", "--jobs", state.stem)
    karin("merge", *states, "-o", tmp_path / "merged.nc", "-q")
    with netCDF4.Dataset(tmp_path / "one.nc") as one, netCDF4.Dataset(tmp_path / "merged.nc") as merged:
        assert list(one.variables) == list(merged.variables)
        for name, variable in one.variables.items():
            np.testing.assert_array_equal(filled(merged[name]), filled(variable), err_msg=name)


def test_every_form_of_output(karin, folder, tmp_path, truth):
    words = (folder, "--vars", "ssha_karin_2", "--bin", "sig0_karin_2:8:12:0.25", "--stats", "count,mean,std", "-q")
    for name in ("b.csv", "b.parquet", "b.json", "b.png"):
        karin("stat", *words, "-o", tmp_path / name)
    table = pandas.read_csv(tmp_path / "b.csv")
    assert len(table) == 16 and {"sig0_karin_2", "ssha_karin_2_mean", "ssha_karin_2_outside"} <= set(table)
    pandas.testing.assert_frame_equal(pandas.read_parquet(tmp_path / "b.parquet")[list(table)], table, check_dtype=False)
    told = json.loads(karin("--json", "stat", *words).stdout)
    assert told["columns"] == ["variable", "sig0_karin_2", "count", "mean", "std"] and len(told["rows"]) == 16
    assert told["rows"][0][:2] == ["ssha_karin_2", "8..8.25"]
    assert [row[2] for row in told["rows"]] == list(table["ssha_karin_2_count"])
    karin("stat", folder, "--hist", "ssha_karin_2:-0.5:0.5:0.02", "--hist", "sig0_karin_2", "-o", tmp_path / "j.png", "-q")
    for name in ("b.png", "j.png"):
        picture = image.imread(tmp_path / name)[..., :3]
        assert 0.02 < (picture < 0.9).any(axis=2).mean() < 0.9


def drawn(path):
    """Share of a picture that is not paper."""
    return (image.imread(path)[..., :3] < 0.9).any(axis=2).mean()


def test_sections_are_drawn_as_curves_or_as_a_field(karin, folder, tmp_path):
    """A curve per granule; of many a field over cycles, and a refusal where there is no order of them."""
    along = ("--over", "num_pixels", "--vars", "ssha_karin_2", "--stats", "mean,std")
    karin("stat", folder, *along, "--cycles", "1", "--passes", "13", "-o", tmp_path / "one.png", "-q")
    karin("stat", folder, *along, "--cycles", "1-2", "--passes", "13", "-o", tmp_path / "two.png", "-q")
    karin("stat", folder, "--over", "num_lines", "--vars", "ssha_karin_2,latitude", "--cycles", "1", "--passes", "13",
          "-o", tmp_path / "across.png", "-q")
    assert all(0.005 < drawn(tmp_path / name) < 0.9 for name in ("one.png", "two.png", "across.png"))
    one, two = (image.imread(tmp_path / name)[..., :3] for name in ("one.png", "two.png"))
    orange = (np.abs(two - np.array([204, 85, 0]) / 255) < 0.05).all(axis=2)
    assert orange.any() and not (np.abs(one - np.array([204, 85, 0]) / 255) < 0.05).all(axis=2).any()


def test_sections_of_many_granules_are_drawn_as_a_field(karin, folder, tmp_path):
    """Seven cycles of one pass, as many passes of one cycle: colours of a map, where few granules are lines on paper."""
    wanted = ("--product", "L2_LR_SSH_Basic", "--vars", "ssha_karin_2", "-q")
    karin("simulate", tmp_path / "cycles", *wanted, "--cycles", "475-481", "--passes", "3")
    karin("simulate", tmp_path / "passes", *wanted, "--cycles", "475", "--passes", "1-7")
    for name, title in (("cycles", "cycle"), ("passes", "pass")):
        for over in ("num_lines", "num_pixels"):
            picture = tmp_path / f"{name}-{over}.png"
            karin("stat", tmp_path / name, "--over", over, "--vars", "ssha_karin_2", "--stats", "mean", "-o", picture, "-q")
            image_of = image.imread(picture)[..., :3]
            colored = (image_of.max(axis=2) - image_of.min(axis=2) > 0.2).mean()
            assert colored > 0.2, (title, over, colored)
    karin("simulate", tmp_path / "both", *wanted, "--cycles", "475-476", "--passes", "1-4")
    done = karin("stat", tmp_path / "both", "--over", "num_pixels", "--vars", "ssha_karin_2", "-o", tmp_path / "no.png", code=None)
    assert done.returncode in (1, 2) and "cycle" in done.stderr, done.stderr
    assert not (tmp_path / "no.png").exists()


def test_shards_of_bins_and_sections_are_drawn_as_one_process_draws_them(karin, folder, tmp_path):
    for words in (SHARDED["bins"], (*SHARDED["sections"], "--cycles", "1", "--passes", "13")):
        karin("stat", folder, *words, "-o", tmp_path / "one.png", "-q")
        states = [tmp_path / "1.state", tmp_path / "2.state"]
        for state in states:
            karin("stat", folder, *words, "--shard", f"{state.stem}/2", "-o", state, "-q")
        karin("merge", *states, "-o", tmp_path / "merged.png", "-q")
        np.testing.assert_array_equal(image.imread(tmp_path / "merged.png"), image.imread(tmp_path / "one.png"))


@pytest.mark.parametrize("words,hint", [
    (("--bin", "nothing:0:1:1"), "nothing"),
    (("--bin", "sig0_karin_2:0:1:0.3"), "whole number of steps"),
    (("--bin", "sig0_karin_2:0:1"), "NAME:FROM:TO:STEP"),
    (("--bin", "sig0_karin_2:0:1:1", "--by", "pass"), "cannot be used with"),
    (("--over", "all", "--stats", "correlation"), "--with"),
    (("--over", "all", "--stats", "mean", "--with", "sig0_karin_2"), "without --with"),
    (("--over", "all", "--with", "sig0"), "did you mean 'sig0_karin_2'"),
    (("--over", "all", "--having", "mean +"), "expression"),
    (("--over", "all", "--having", "quantile(2) > 0"), "between 0 and 1"),
    (("--hist", "ssha_karin_2", "--vars", "time"), "cannot be used with"),
    (("--hist", "ssha_karin_2", "--shard", "1/2"), "same bins"),
    (("--over", "num_lines", "--vars", "time"), "no value per pixel"),
])
def test_what_makes_no_sense_is_refused_with_what_to_do(karin, folder, tmp_path, words, hint):
    done = karin("stat", folder, *words, "-o", tmp_path / "out.nc", code=None)
    assert done.returncode in (1, 2) and hint in done.stderr, done.stderr
    assert not list(tmp_path.iterdir())
