"""`karin edit` against numpy and scipy on granules written by netCDF4-python: which rule rejected a pixel first, and what is kept."""

import json
import warnings

import netCDF4
import numpy as np
import pytest
import xarray as xr

import engine_granules

ndimage = pytest.importorskip("scipy.ndimage")
warnings.filterwarnings("ignore", "All-NaN")
NO_VALUE = 255


@pytest.fixture(scope="module")
def granules(tmp_path_factory):
    folder = tmp_path_factory.mktemp("granules")
    engine_granules.write_all(folder)
    return sorted(folder.glob("*.nc"))


def decoded(path, *names):
    with netCDF4.Dataset(path) as dataset:
        return [np.ma.filled(dataset[name][...].astype("f8"), np.nan) for name in names]


CONDITIONS = {"rain": "reject = 'rain_flag == 2'", "bad": "keep = 'abs(ssha_karin_2) < 0.15'", "tide": "keep = 'internal_tide_hret > -0.09'"}


def rules(path, *entries):
    text = "variable = 'ssha_karin_2'\n"
    for name, test in entries:
        text += f"\n[[rule]]\nname = '{name}'\n{test}\n"
    path.write_text(text)
    return path


def test_marks_name_the_first_rule(karin, granules, tmp_path):
    file = rules(tmp_path / "rules.toml", *CONDITIONS.items(), ("far", "mean_std = { n = 2.0, iterations = 4 }"),
                 ("spikes", "median = { lines = 3, pixels = 5, n = 3.0 }"))
    karin("edit", file, granules[0], "-o", tmp_path / "x.nc")
    field, rain, tide = decoded(granules[0], "ssha_karin_2", "rain_flag", "internal_tide_hret")
    marks = np.where(np.isnan(field), NO_VALUE, 0)

    def reject(number, rejected):
        marks[(marks == 0) & rejected] = number

    reject(1, rain == 2)
    reject(2, ~(np.abs(field) < 0.15))
    reject(3, ~(tide > -0.09))
    for _ in range(4):
        left = field[marks == 0]
        reject(4, np.abs(field - left.mean()) > 2.0 * left.std())
    left = np.where(marks == 0, field, np.nan)
    distance = np.abs(left - ndimage.generic_filter(left, np.nanmedian, size=(3, 5), mode="constant", cval=np.nan))
    reject(5, distance > 3.0 * 1.4826 * np.nanmedian(distance))
    with xr.open_dataset(tmp_path / "x.nc", mask_and_scale=False) as found:
        np.testing.assert_array_equal(found.ssha_karin_2_editing, marks)
        np.testing.assert_array_equal(found.ssha_karin_2, np.where(marks == 0, field, np.nan))
        assert found.ssha_karin_2_editing.flag_meanings == "kept rain bad tide far spikes"
    answer = json.loads(karin("--json", "edit", file, granules[0]).stdout)
    assert [row["pixels"] for row in answer["rules"]] == [(marks == number).sum() for number in range(6)]
    assert all((marks == number).any() for number in range(6))


def test_what_conditions_keep_does_not_depend_on_their_order(karin, granules, tmp_path):
    kept = []
    for index, order in enumerate([list(CONDITIONS.items()), list(CONDITIONS.items())[::-1]]):
        karin("edit", rules(tmp_path / f"{index}.toml", *order), *granules, "-o", tmp_path / f"{index}.nc")
        with xr.open_dataset(tmp_path / f"{index}.nc") as found:
            kept.append(found[["ssha_karin_2", "line_number", "cycle_number", "pass_number"]].load())
    assert kept[0].drop_attrs().identical(kept[1].drop_attrs())
    first = kept[0].isel(num_lines=(kept[0].cycle_number == 1) & (kept[0].pass_number == 13))
    field, rain, tide = decoded(granules[0], "ssha_karin_2", "rain_flag", "internal_tide_hret")
    expected = np.where((rain != 2) & (np.abs(field) < 0.15) & (tide > -0.09), field, np.nan)[first.line_number.astype(int)]
    np.testing.assert_array_equal(first.ssha_karin_2, expected)


def test_mistakes_are_told_with_their_line(karin, granules, tmp_path):
    for text, words in [
        ("variable = 'ssha_karin_2'\n[[rule]]\nname = 'a'\nkep = 'x'", "line 4"),
        ("variable = 'ssha_karin_2'\n[[rule]]\nname = 'a'\nkeep = 'no_such_name > 0'", "no_such_name"),
        ("variable = 'ssha_karin_2'\n\n\n[[rule]]\nname = 'a'", "exactly one"),
    ]:
        file = tmp_path / "wrong.toml"
        file.write_text(text)
        done = karin("edit", file, granules[0], code=None)
        assert done.returncode in (1, 2) and words in done.stderr, (text, done.stderr)


def test_every_format_is_written(karin, granules, tmp_path):
    file = rules(tmp_path / "rules.toml", *CONDITIONS.items())
    for extension in ("nc", "zarr", "csv", "parquet", "json", "png"):
        karin("edit", file, granules[0], "-o", tmp_path / f"x.{extension}")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
