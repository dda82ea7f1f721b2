"""`karin stat` against numpy on granules written by netCDF4-python: statistics, gates, crops, keys, grids, threads, order."""

import json
import shutil
import warnings

import netCDF4
import numpy as np
import pytest

import engine_granules
from engine_granules import CYCLES, DAY, LINES, PASSES, PIXELS, positions, same

NAMES = ["time", "ssha_karin_2", "internal_tide_hret", "num_pt_avg", "rain_flag", "sig0_karin_2", "rad_surface_type_flag"]
STATISTICS = "count,sum,mean,min,max,var,std,first,last,median,quantile(0.9),trend"
warnings.filterwarnings("ignore", "(Mean of empty|All-NaN|Degrees of freedom)")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("granules")
    engine_granules.write_all(folder)
    return folder


@pytest.fixture(scope="module")
def truth(folder):
    """Decoded values: name -> [cycle, pass, line, pixel], NaN for fill."""
    return engine_granules.read_all(folder)


@pytest.fixture
def stat(karin, folder, tmp_path):
    def run(*arguments, source=folder, name="out.nc"):
        return engine_granules.statistics(karin, source, tmp_path / name, *arguments)

    return run


def years(time):
    return (time - 8766 * DAY) / (365.25 * DAY)


def slope(time, values, axis):
    both = np.isfinite(time) & np.isfinite(values)
    x, y = np.where(both, time, np.nan), np.where(both, values, np.nan)
    x, y = x - np.nanmean(x, axis, keepdims=True), y - np.nanmean(y, axis, keepdims=True)
    with np.errstate(all="ignore"):
        result = np.nansum(x * y, axis) / np.nansum(x * x, axis)
    return np.where(both.sum(axis) > 1, result, np.nan)


def ends(values):
    first = last = np.full(values.shape[1:], np.nan)
    for layer in values:
        first = np.where(np.isnan(first), layer, first)
        last = np.where(np.isnan(layer), last, layer)
    return first, last


@pytest.mark.parametrize("name", NAMES)
def test_every_statistic_over_cycles(stat, truth, name):
    found = stat("--over", "cycle", "--stats", STATISTICS, "--vars", name)
    values = truth[name]
    count = np.isfinite(values).sum(0)
    same(found[f"{name}_count"], count)
    same(found[f"{name}_sum"], np.where(count > 0, np.nansum(values, 0), np.nan))
    for word, function in (("mean", np.nanmean), ("min", np.nanmin), ("max", np.nanmax), ("median", np.nanmedian)):
        same(found[f"{name}_{word}"], function(values, axis=0))
    spread = 1e-8 if name == "time" else 1e-9
    same(found[f"{name}_var"], np.nanvar(values, axis=0), spread)
    same(found[f"{name}_std"], np.nanstd(values, axis=0), spread)
    same(found[f"{name}_quantile_0.9"], np.nanquantile(values, 0.9, axis=0))
    first, last = ends(values)
    same(found[f"{name}_first"], first)
    same(found[f"{name}_last"], last)
    time = truth["time"] if values.ndim == 3 else np.broadcast_to(truth["time"][..., None], values.shape)
    # Five cycles lie 0.01 years apart: slopes of what does not change are rounding errors of the values over that.
    same(found[f"{name}_trend"], slope(years(time), values, 0), 1e-6, around_zero=1e-8)


def test_one_statistic_keeps_the_name_and_the_coordinates_stay_packed(stat, truth, folder, tmp_path):
    found = stat("--over", "cycle", "--stats", "mean")
    same(found["ssha_karin_2"], np.nanmean(truth["ssha_karin_2"], axis=0))
    same(found["pass_number"], PASSES)
    with netCDF4.Dataset(tmp_path / "out.nc") as dataset:
        assert dataset["ssha_karin_2"].cell_methods == "cycle_number: mean"
        assert dataset["ssha_karin_2"].units == "m"
        assert "karin" in dataset.history and dataset.product == "L2_LR_SSH_Basic" and "PIC0_01" in dataset.product_versions
        dataset["longitude"].set_auto_maskandscale(False)
        with netCDF4.Dataset(next(folder.glob("*_001_014_*.nc"))) as granule:
            granule["longitude"].set_auto_maskandscale(False)
            assert (dataset["longitude"][1] == granule["longitude"][:]).all()


@pytest.mark.parametrize("level,limit", [("good", 1), ("suspect", 1 << 30), ("degraded", 1 << 31)])
def test_quality_gates_a_variable_by_its_flag(stat, truth, level, limit):
    found = stat("--over", "cycle", "--stats", "mean", "--quality", level)
    quality = truth["ssha_karin_2_qual"]
    kept = np.where(quality < limit, truth["ssha_karin_2"], np.nan)
    same(found["ssha_karin_2"], np.nanmean(kept, axis=0))
    same(found["num_pt_avg"], np.nanmean(truth["num_pt_avg"], axis=0))
    xover = truth["height_cor_xover_qual"] <= (0 if level == "good" else 1)
    same(found["height_cor_xover"], np.nanmean(np.where(xover, truth["height_cor_xover"], np.nan), axis=0))


def test_derived_quantities_are_gated_by_all_their_inputs(stat, truth):
    found = stat("--over", "cycle", "--vars", "ssha,twice", "--let", "twice=2*ssha", "--quality", "good")
    good = (truth["ssha_karin_2_qual"] == 0) & (truth["height_cor_xover_qual"] == 0)
    expected = np.where(good, truth["ssha_karin_2"] + truth["height_cor_xover"], np.nan)
    same(found["ssha"], np.nanmean(expected, axis=0))
    same(found["twice"], 2 * np.nanmean(expected, axis=0))


def test_where_keeps_what_is_true(stat, truth):
    condition = "rain_flag == 0 and abs(ssha_karin_2) < 0.2 and (ssha_karin_2_qual & 64) == 0"
    found = stat("--over", "cycle", "--stats", "count,mean", "--where", condition, "--vars", "ssha_karin_2,num_pt_avg")
    with np.errstate(invalid="ignore"):
        quality = np.nan_to_num(truth["ssha_karin_2_qual"], nan=64).astype("i8")
        keep = (truth["rain_flag"] == 0) & (np.abs(truth["ssha_karin_2"]) < 0.2) & (quality & 64 == 0)
    for name in ("ssha_karin_2", "num_pt_avg"):
        kept = np.where(keep, truth[name], np.nan)
        same(found[f"{name}_mean"], np.nanmean(kept, axis=0))
        same(found[f"{name}_count"], np.isfinite(kept).sum(0))


def inside(box):
    west, south, east, north = box
    keep = np.empty((len(PASSES), LINES, PIXELS), bool)
    for index, pass_number in enumerate(PASSES):
        longitude, latitude = (np.round(values * 1e6) * 1e-6 for values in positions(pass_number))
        eastward = (longitude - west) % 360 <= (east - west) % 360
        keep[index] = eastward & (latitude >= south) & (latitude <= north)
    return keep


@pytest.mark.parametrize("box", [(-20, -10, 15, 20), (345, -30, 5, 30), (340, 10, 20, 11)])
def test_a_box_keeps_the_pixels_inside(stat, truth, box):
    found = stat("--over", "cycle", "--bbox", ",".join(map(str, box)), "--vars", "ssha_karin_2,time")
    keep = inside(box)
    touched = [index for index in range(len(PASSES)) if keep[index].any()]
    lines = np.flatnonzero(keep.any(axis=(0, 2)))
    rows = slice(lines[0], lines[-1] + 1)
    same(found["pass_number"], np.array(PASSES)[touched])
    same(found["num_lines"], np.arange(rows.start, rows.stop))
    same(found["ssha_karin_2"], np.nanmean(np.where(keep, truth["ssha_karin_2"], np.nan), axis=0)[touched, rows])
    kept_lines = np.where(keep.any(axis=2), truth["time"], np.nan)
    same(found["time"], np.nanmean(kept_lines, axis=0)[touched, rows])
    whole = stat("--over", "cycle", "--bbox", ",".join(map(str, box)), "--crop", "lines", "--vars", "ssha_karin_2")
    kept = np.where(keep.any(axis=2)[..., None], truth["ssha_karin_2"], np.nan)
    same(whole["ssha_karin_2"], np.nanmean(kept, axis=0)[touched, rows])


def test_time_keeps_lines_by_their_own_time(stat, truth):
    found = stat("--over", "cycle", "--time", "2024-01-28..2024-01-30", "--vars", "ssha_karin_2", "--stats", "count")
    start = (8766 + 27) * DAY
    keep = (truth["time"] >= start) & (truth["time"] < start + 2 * DAY)
    same(found["ssha_karin_2"], (keep[..., None] & np.isfinite(truth["ssha_karin_2"])).sum(0))


def test_everything_to_one_number(stat, truth):
    found = stat("--over", "all", "--stats", STATISTICS)
    for name in NAMES:
        values = truth[name][np.isfinite(truth[name])]
        same(found[f"{name}_count"], values.size)
        same(found[f"{name}_sum"], np.sum(values.astype(np.longdouble)).astype("f8"))
        for word, function in (("mean", np.mean), ("min", np.min), ("max", np.max), ("median", np.median), ("var", np.var)):
            same(found[f"{name}_{word}"], function(values), 1e-9 if word == "var" else 1e-12)
        same(found[f"{name}_quantile_0.9"], np.quantile(values, 0.9))
    values = truth["ssha_karin_2"]
    time = np.broadcast_to(truth["time"][..., None], values.shape)
    expected = slope(years(time).ravel()[:, None], values.ravel()[:, None], 0)[0]
    same(found["ssha_karin_2_trend"], expected, 1e-8)


@pytest.mark.parametrize("key", ["cycle", "pass", "day", "month"])
def test_keys(stat, truth, key):
    found = stat("--by", key, "--stats", "count,mean,median", "--vars", "ssha_karin_2,sig0_karin_2")
    time = truth["time"]
    groups = {
        "cycle": np.broadcast_to(np.array(CYCLES)[:, None, None], time.shape),
        "pass": np.broadcast_to(np.array(PASSES)[None, :, None], time.shape),
        "day": np.floor(time / DAY) * DAY,
        "month": np.where(time < (8766 + 31) * DAY, 8766 * DAY, (8766 + 31) * DAY),
    }[key]
    if key in ("day", "month"):
        groups = np.where(np.isfinite(time), groups, np.nan)
    labels = np.unique(groups[np.isfinite(groups)])
    same(found[{"cycle": "cycle_number", "pass": "pass_number"}.get(key, "time")], labels)
    for name in ("ssha_karin_2", "sig0_karin_2"):
        for index, label in enumerate(labels):
            values = truth[name][groups == label]
            same(found[f"{name}_count"][index], np.isfinite(values).sum())
            same(found[f"{name}_mean"][index], np.nanmean(values))
            same(found[f"{name}_median"][index], np.nanmedian(values))


@pytest.mark.parametrize("step", [0.5, 3.7])
def test_grid(stat, truth, step):
    found = stat("--grid", step, "--stats", "count,mean,var,max,median", "--vars", "ssha_karin_2,sig0_karin_2")
    rows, columns = int(np.ceil(180 / step - 1e-9)), int(np.ceil(360 / step - 1e-9))
    assert found["ssha_karin_2_mean"].shape == (rows, columns)
    places = [positions(pass_number) for pass_number in PASSES]
    longitude, latitude = (np.array([np.round(place[k] * 1e6) * 1e-6 for place in places]) for k in (0, 1))
    row = np.minimum(((latitude + 90) / step).astype(int), rows - 1)
    column = np.minimum((((longitude + 180) % 360) / step).astype(int), columns - 1)
    cell = np.broadcast_to(row * columns + column, truth["ssha_karin_2"].shape)
    for name in ("ssha_karin_2", "sig0_karin_2"):
        values = truth[name]
        keep = np.isfinite(values)
        count = np.bincount(cell[keep], minlength=rows * columns)
        same(found[f"{name}_count"].ravel(), count)
        with np.errstate(all="ignore"):
            mean = np.bincount(cell[keep], values[keep], rows * columns) / count
            same(found[f"{name}_mean"].ravel(), mean, 1e-11)
            squares = np.bincount(cell[keep], (values[keep] - mean[cell[keep]]) ** 2, rows * columns) / count
            same(found[f"{name}_var"].ravel(), squares, 1e-8)
        for chosen in np.unique(cell[keep])[::97]:
            inside = values[keep & (cell == chosen)]
            same(found[f"{name}_max"].ravel()[chosen], inside.max())
            same(found[f"{name}_median"].ravel()[chosen], np.median(inside))


@pytest.mark.parametrize("target", [("--over", "cycle"), ("--over", "all"), ("--by", "day"), ("--grid", "2")])
def test_threads_and_order_of_files_change_no_bit(karin, folder, tmp_path, target):
    statistics = "count,sum,mean,var,first,last,median,trend"
    files = sorted(folder.glob("*.nc"))
    for name, jobs, inputs in (("a", 1, [folder]), ("b", 4, files[::-1]), ("c", 2, files[7:] + files[:7])):
        karin("stat", *inputs, *target, "--stats", statistics, "--jobs", jobs, "-o", tmp_path / f"{name}.nc")
    read = [netCDF4.Dataset(tmp_path / f"{name}.nc") for name in "abc"]
    for name in read[0].variables:
        one, *others = (dataset[name][...] for dataset in read)
        for other in others:
            assert np.ma.filled(one, np.nan).tobytes() == np.ma.filled(other, np.nan).tobytes(), name


def test_a_broken_granule_is_named_and_the_rest_goes_on(karin, folder, tmp_path):
    mixed = tmp_path / "mixed"
    shutil.copytree(folder, mixed)
    victim = sorted(mixed.glob("*.nc"))[4]
    victim.write_bytes(victim.read_bytes()[: victim.stat().st_size // 2])
    done = karin("stat", mixed, "--over", "all", "--json", code=3)
    assert victim.name in done.stderr
    answer = json.loads(done.stdout)
    assert answer["granules"] == 15 and answer["left_out"] == 1


def test_newer_versions_replace_older_ones(karin, folder, tmp_path, truth):
    mixed = tmp_path / "mixed"
    shutil.copytree(folder, mixed)
    for path in sorted(mixed.glob("*_001_013_*.nc")):
        newer = path.with_name(path.name.replace("PIC0_01", "PIC0_02"))
        shutil.copy(path, newer)
        with netCDF4.Dataset(newer, "r+") as dataset:
            dataset["rain_flag"][...] = 7
    answer = json.loads(karin("stat", mixed, "--over", "all", "--vars", "rain_flag", "--stats", "max", "--json").stdout)
    assert answer["granules"] == 15
    assert answer["rows"][0] == ["rain_flag", 7.0]
    pinned = karin("stat", mixed, "--over", "all", "--vars", "rain_flag", "--stats", "max", "--version", "PIC0_01", "--json")
    assert json.loads(pinned.stdout)["rows"][0] == ["rain_flag", 2.0]


@pytest.mark.parametrize("arguments,words", [
    (["--vars", "ssha_karin2"], "did you mean 'ssha_karin_2'"),
    (["--stats", "meen"], "did you mean 'mean'"),
    (["--where", "rain_flag = 0"], "=="),
    (["--where", "rain_flg == 0"], "rain_flag"),
    (["--cycles", "300"], "none of 15 granules"),
])
def test_mistakes_are_explained(karin, folder, arguments, words):
    from conftest import karin_binary
    import subprocess

    command = [karin_binary(), "stat", folder, "--over", "all", *arguments]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode in (1, 2), done
    assert words in done.stderr, done.stderr
