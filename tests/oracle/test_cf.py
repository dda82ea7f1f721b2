"""The CF compliance checker says of karin's files what it says of the same content written by netCDF-C, and of real ones."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import netCDF4
import pytest

from netcdf_files import HIDDEN, describe, open_raw

pytest.importorskip("compliance_checker")

CHECKER = Path(sysconfig.get_path("scripts")) / "compliance-checker"
REAL = "swot_l3/SWOT_L3_LR_SSH_Expert_026_165_20241229T165806_20241229T174933_v2.0.1.nc"
# What differs from one report to the next whatever the file holds.
OCCASION = {"source_name", "report_timestamp"}


def report(path, folder):
    """What the checker says of a file."""
    out = folder / "report.json"
    command = [sys.executable, CHECKER, "--test", "cf:1.7", "--format", "json", "--output", out, path]
    # It lists names in the order of Python's sets: only a fixed seed makes two reports comparable.
    surroundings = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=surroundings)
    # 1: it found faults, as in the real product; anything else, and no report, is the checker's own failure.
    assert done.returncode in (0, 1) and out.exists(), done.stderr
    found = json.loads(out.read_text())["cf:1.7"]
    out.unlink()
    return {key: value for key, value in found.items() if key not in OCCASION}


def copy(source, target):
    """The same content, written by netCDF4-python."""
    with open_raw(source) as file, netCDF4.Dataset(target, "w") as out:
        assert not file.groups
        for name, dimension in file.dimensions.items():
            out.createDimension(name, None if dimension.isunlimited() else dimension.size)
        for name, variable in file.variables.items():
            filters = variable.filters()
            own = out.createVariable(
                name, variable.dtype, variable.dimensions, chunksizes=variable.chunking(), zlib=filters["zlib"],
                complevel=filters["complevel"], shuffle=filters["shuffle"],
                fill_value=getattr(variable, "_FillValue", None))
            own.set_auto_maskandscale(False)
            copy_attributes(variable, own)
            own[...] = variable[...]
        copy_attributes(file, out)


def copy_attributes(source, target):
    for key in source.ncattrs():
        if key != "_FillValue" and key not in HIDDEN:
            target.setncattr(key, source.getncattr(key))


@pytest.fixture(scope="module")
def granule(karin, tmp_path_factory):
    folder = tmp_path_factory.mktemp("granule")
    karin("simulate", "--product", "L3_LR_SSH_Expert", "--cycles", "26", "--passes", "165", folder)
    file, = folder.rglob("*.nc")
    return file


@pytest.fixture(scope="module")
def verdict(granule, tmp_path_factory):
    return report(granule, tmp_path_factory.mktemp("report"))


def test_a_copy_by_netcdf_c_gets_the_same_report(granule, verdict, tmp_path):
    copied = tmp_path / granule.name
    copy(granule, copied)
    assert describe(copied) == describe(granule)
    assert report(copied, tmp_path) == verdict
    # The report is about the content: one attribute against the conventions, and it says so.
    with netCDF4.Dataset(copied, "a") as file:
        file["latitude"].units = "furlongs_of_nothing"
    assert report(copied, tmp_path) != verdict


def test_a_real_granule_gets_the_same_report(verdict, reference_data, tmp_path):
    assert report(reference_data(REAL), tmp_path) == verdict
