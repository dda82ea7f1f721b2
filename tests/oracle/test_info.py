"""`karin info` against netCDF4-python: the same file, described by both."""

import json

import netCDF4
import numpy as np
import pytest

from netcdf_files import dtype_name, open_raw, variables

WHOLE = "swot_l3/SWOT_L3_LR_SSH_Expert_026_165_20241229T165806_20241229T174933_v2.0.1.nc"
FILES = [
    WHOLE,
    "swot_l3/SWOT_L3_LR_SSH_Expert_001_155_20230726T173637_20230726T182803_v1.0.2_fcs.nc",
    "swot_l3/SWOT_L3_LR_SSH_Expert_003_v2.0.1-med.nc",
    "swot_l2_subset/ssh_unsmoothed_group.nc",
    "swot_l2_subset/SWOT_AGULHAS.nc",
    "nadir/JA1_GPN_2PeP001_002_20020115_060706_20020115_070316.nc",
    "duacs_l4/nrt_global_allsat_phy_l4_20190223_20190226.nc",
    "duacs_l4/swot_l4_northeast_pacific_20240601.nc",
]


def info(karin, path, code=0):
    return json.loads(karin("info", "--json", path, code=code).stdout)


@pytest.mark.parametrize("name", FILES)
def test_structure_is_what_netcdf4_sees(karin, reference_data, name):
    path = reference_data(name)
    ours = {variable["path"]: variable for variable in info(karin, path)["variables"]}
    with open_raw(path) as file:
        theirs = dict(variables(file))
        assert list(ours) == list(theirs)
        for key, variable in theirs.items():
            mine = ours[key]
            assert mine["type"] == dtype_name(variable.dtype), key
            assert mine["shape"] == list(variable.shape), key
            assert mine["dimensions"] == list(variable.dimensions), key
            assert mine["scale_factor"] == getattr(variable, "scale_factor", 1.0), key
            chunks = variable.chunking()
            assert mine["chunks"] == (chunks if isinstance(chunks, list) else None), key
            filters = variable.filters() or {}
            assert ("shuffle" in mine["filters"]) == bool(filters.get("shuffle")), key
            assert (f"deflate {filters.get('complevel')}" in mine["filters"]) == bool(filters.get("zlib")), key


@pytest.mark.parametrize("name", FILES)
def test_times_and_area_are_those_of_the_coordinates(karin, reference_data, name):
    path = reference_data(name)
    ours = info(karin, path)
    with netCDF4.Dataset(path) as file:
        latitude = next(file[key] for key in ("latitude", "lat") if key in file.variables)
        values = np.ma.masked_invalid(latitude[:]).compressed()
        assert ours["area"]["south"] == pytest.approx(values.min(), abs=1e-6)
        assert ours["area"]["north"] == pytest.approx(values.max(), abs=1e-6)
        if "time" in file.variables:
            time = np.ma.masked_invalid(file["time"][:])
            start = netCDF4.num2date(time.compressed().min(), file["time"].units)
            assert ours["time"]["start"].startswith(start.strftime("%Y-%m-%dT%H:%M:%S"))
            assert (ours["time"]["valid"], ours["time"]["missing"]) == (time.count(), time.size - time.count())
        else:
            assert ours["time"] is None


def test_the_whole_granule_has_nothing_to_remark(karin, reference_data):
    ours = info(karin, reference_data(WHOLE))
    assert (ours["kind"], ours["damage"], ours["warnings"]) == ("file", None, [])
    identity = ours["identity"]
    assert (identity["product"], identity["version"], identity["schema"]) == ("L3_LR_SSH_Expert", "v2.0.1", "v2")
    assert (identity["cycle_number"], identity["pass_number"], identity["phase"]) == (26, 165, "science")
    assert not any(ours["difference"].values())


def test_a_truncated_download_is_named_with_its_bytes(karin, reference_data):
    path = reference_data(
        "swot_damaged/SWOT_L3_LR_SSH_Unsmoothed_001_155_20230726T173637_20230726T182804_v2.0.1.nc")
    damage = info(karin, path, code=4)["damage"]
    assert damage["kind"] == "truncated"
    assert (damage["expected_bytes"], damage["present_bytes"]) == (710_918_010, 2_097_152)
    text = karin("info", path, code=4).stdout
    assert "710918010 bytes expected, 2097152 present" in text


def test_other_things_are_refused_with_the_reason(karin, tmp_path):
    page = tmp_path / "login.nc"
    page.write_text("<html>Please log in</html>")
    assert "not netCDF" in karin("info", page, code=1).stderr
    assert "No such file" in karin("info", tmp_path / "absent.nc", code=1).stderr


def test_folders_and_collections_are_told_by_what_they_hold(karin, tmp_path):
    granules, collection = tmp_path / "granules", tmp_path / "collection"
    karin("simulate", "--product", "L2_LR_SSH_Basic", "--phase", "calval", "--cycles", "475", "--passes", "1,3",
          "--vars", "ssha_karin_2,ssha_karin_2_qual", granules)
    folder = info(karin, granules)
    assert (folder["kind"], folder["files"], folder["others"]) == ("folder", 2, [])
    (basic,) = folder["granules"]
    assert (basic["product"], basic["phase"], basic["granules"]) == ("L2_LR_SSH_Basic", "calval", 2)
    assert (basic["cycles"], basic["passes"]) == ([475], [1, 3])
    karin("ingest", granules, collection)
    held = info(karin, collection)
    assert held["kind"] == "collection"
    assert [(group["product"], group["granules"]) for group in held["groups"]] == [("L2_LR_SSH_Basic", 2)]
    variables = {variable["path"]: variable for variable in held["structures"][0]["variables"]}
    assert variables["ssha_karin_2"]["type"] == "int32"
    assert variables["ssha_karin_2"]["scale_factor"] == 1e-4
