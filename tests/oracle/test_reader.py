"""karin's netCDF reader against netCDF4-python, xarray and h5py: all real files, and one file of every kind."""

import os
from pathlib import Path

import pytest

import netcdf_matrix
from conftest import WORKSPACE, built_example
from reader_oracle import assert_same, dump_all

SHARED = Path(os.environ.get("KARIN_SHARED_DATA", WORKSPACE.parent / "shared" / "data"))
REAL = sorted(SHARED.glob("*/*.nc"))
DAMAGED = [file for file in REAL if file.parent.name == "swot_damaged"]
WHOLE = [file for file in REAL if file not in DAMAGED]


@pytest.fixture(scope="module")
def dump():
    return built_example("dump")


@pytest.fixture(scope="module")
def real(dump, tmp_path_factory):
    return dict(zip(REAL, dump_all(dump, REAL, tmp_path_factory.mktemp("real")), strict=True))


@pytest.mark.skipif(not REAL, reason="no reference data on this machine")
@pytest.mark.parametrize("file", WHOLE, ids=lambda file: file.name[:48])
def test_real_file(file, real):
    assert_same(file, real[file])


@pytest.mark.skipif(not DAMAGED, reason="no reference data on this machine")
def test_truncated_download_is_named(real):
    report = real[DAMAGED[0]].report
    assert report["kind"] == "truncated"
    assert "710918010" in report["error"] and "2097152" in report["error"]


@pytest.fixture(scope="module")
def made(dump, tmp_path_factory):
    folder = tmp_path_factory.mktemp("matrix")
    cases = {name: make(folder) for name, make in netcdf_matrix.CASES.items()}
    files = [file for file, _ in cases.values()]
    dumps = dump_all(dump, files, folder / "dumps")
    return {name: (*case, dump) for (name, case), dump in zip(cases.items(), dumps, strict=True)}


@pytest.mark.parametrize("name", netcdf_matrix.CASES)
def test_made_file(name, made):
    file, skipped, dump = made[name]
    assert_same(file, dump, skipped)


def test_filters_that_are_not_read_are_named(dump, tmp_path):
    file, expected = netcdf_matrix.foreign_filters(tmp_path)
    (read,) = dump_all(dump, [file], tmp_path / "dump")
    assert expected, "this netCDF library has no such filters"
    for variable, name in expected.items():
        entry = read.report["arrays"][variable]
        assert entry["kind"] == "unsupported", entry
        assert name in entry["error"] and variable in entry["error"]
    assert "error" not in read.report["arrays"]["plain"]


def test_text_kinds_are_kept(dump, tmp_path):
    file, expected = netcdf_matrix.text_kinds(tmp_path)
    (read,) = dump_all(dump, [file], tmp_path / "dump")
    kinds = {name: value["type"] for name, value in read.report["root"]["attributes"]}
    assert kinds == expected


def test_what_is_no_netcdf_is_named(dump, tmp_path):
    cases = {
        "login.nc": (b"<!DOCTYPE html><html><body>Earthdata Login</body></html>", "HTML"),
        "empty.nc": (b"", "empty"),
        "zeros.nc": (bytes(4096), "zeros"),
        "text.nc": (b"hello, this is a note", "not netCDF"),
        "list.json": (b'{"message": "Forbidden"}', "JSON"),
    }
    files = []
    for name, (content, _) in cases.items():
        (tmp_path / name).write_bytes(content)
        files.append(tmp_path / name)
    for (_, word), read in zip(cases.values(), dump_all(dump, files, tmp_path / "dump"), strict=True):
        assert read.report["kind"] == "corrupt"
        assert word in read.error and "not netCDF" in read.error
