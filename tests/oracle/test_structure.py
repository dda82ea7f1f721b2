"""Simulated granules against real ones: attribute by attribute, type by type, chunk by chunk, as libhdf5 sees them."""

import re

import h5py
import netCDF4
import numpy as np
import pytest

from netcdf_files import HIDDEN, open_raw, structure

REAL = "swot_l3/SWOT_L3_LR_SSH_Expert_026_165_20241229T165806_20241229T174933_v2.0.1.nc"
# What every granule has its own of. Anything else must be equal.
OWN_ATTRIBUTES = {
    "time_coverage_start", "time_coverage_end", "geospatial_lat_min", "geospatial_lat_max", "geospatial_lon_min",
    "geospatial_lon_max", "date_modified", "history", "date_created", "date_issued",
}

# L2 Basic as the product description and public notebooks have it: name, type, scale, fill, number of dimensions.
BASIC = """
time float64 - 9.969209968386869e+36 1
time_tai float64 - 9.969209968386869e+36 1
latitude int32 1e-06 2147483647 2
longitude int32 1e-06 2147483647 2
ssh_karin int32 0.0001 2147483647 2
ssh_karin_qual uint32 - 4294967295 2
ssh_karin_uncert uint16 0.0001 65535 2
ssha_karin int32 0.0001 2147483647 2
ssha_karin_qual uint32 - 4294967295 2
ssh_karin_2 int32 0.0001 2147483647 2
ssh_karin_2_qual uint32 - 4294967295 2
ssha_karin_2 int32 0.0001 2147483647 2
ssha_karin_2_qual uint32 - 4294967295 2
num_pt_avg uint16 - 65535 2
distance_to_coast int16 1000.0 32767 2
heading_to_coast uint16 0.01 65535 2
ancillary_surface_classification_flag uint8 - 255 2
dynamic_ice_flag uint8 - 255 2
rain_flag uint8 - 255 2
rad_surface_type_flag uint8 - 255 2
mean_sea_surface_cnescls int32 0.0001 2147483647 2
mean_sea_surface_cnescls_uncert uint16 0.0001 65535 2
geoid int32 0.0001 2147483647 2
internal_tide_hret int16 0.0001 32767 2
height_cor_xover int32 0.0001 2147483647 2
height_cor_xover_qual uint8 - 255 2
"""


def simulate(karin, folder, product, cycle, pass_number, phase="science"):
    karin("simulate", "--product", product, "--phase", phase, "--cycles", cycle, "--passes", pass_number,
          "--seed", 1, folder)
    files = sorted(folder.rglob("*.nc"))
    assert len(files) == 1, files
    return files[0]


@pytest.fixture(scope="module")
def expert(karin, tmp_path_factory):
    return simulate(karin, tmp_path_factory.mktemp("expert"), "L3_LR_SSH_Expert", 26, 165)


@pytest.fixture(scope="module")
def basic(karin, tmp_path_factory):
    return simulate(karin, tmp_path_factory.mktemp("basic"), "L2_LR_SSH_Basic", 475, 13, "calval")


def described(path):
    with h5py.File(path) as hdf5, open_raw(path) as file:
        return structure(file, hdf5)


def own_sizes_out(description):
    """Without what follows from the number of nadir points of the granule."""
    for dimension in description["dimensions"]:
        if dimension["name"] == "num_nadir":
            nadir, dimension["size"] = dimension["size"], "its own"
    for variable in description["variables"]:
        if variable["dimensions"] == ["num_nadir"]:
            assert variable["storage"]["chunks"] == [nadir], "one chunk, as in the real file"
            variable["storage"]["chunks"] = "whole"
    return description


def test_level_3_expert_is_indistinguishable_from_the_real_granule(expert, reference_data):
    real, ours = own_sizes_out(described(reference_data(REAL))), own_sizes_out(described(expert))
    assert ours["dimensions"] == real["dimensions"]
    assert [name for name, _ in ours["attributes"]] == [name for name, _ in real["attributes"]]
    for (name, mine), (_, theirs) in zip(ours["attributes"], real["attributes"]):
        assert mine["type"] == theirs["type"], name
        if name not in OWN_ATTRIBUTES:
            assert mine == theirs, name
    assert [v["name"] for v in ours["variables"]] == [v["name"] for v in real["variables"]]
    for mine, theirs in zip(ours["variables"], real["variables"]):
        assert mine == theirs, mine["name"]
    assert ours["groups"] == real["groups"] == []


def test_level_3_expert_has_the_hdf5_of_the_real_granule(expert, reference_data):
    """Below netCDF: fill values, filters, character sets and the scales of dimensions."""

    def below(path):
        with h5py.File(path) as file:
            facts = {}
            for name, item in file.items():
                plist = item.id.get_create_plist()
                filters = [plist.get_filter(i)[0] for i in range(plist.get_nfilters())]
                text = item.attrs["NAME"] if "NAME" in item.attrs else b""
                scale = re.sub(rb"\d+$", b"", bytes(text)) if b"netCDF dimension" in bytes(text) else text
                attributes = [key for key in item.attrs if key not in HIDDEN]
                facts[name] = (item.dtype.str, item.fillvalue.item(), filters, scale, attributes, item.is_scale)
            return facts

    real, ours = below(reference_data(REAL)), below(expert)
    # The producer's tool made dimensions and variables in turns, which netCDF does not show.
    assert sorted(ours) == sorted(real)
    for name, fact in real.items():
        np.testing.assert_equal(ours[name], fact, err_msg=name)


def test_the_own_attributes_of_level_3_follow_from_the_data(expert):
    name = re.search(r"_(\d{8}T\d{6})_(\d{8}T\d{6})_v2\.0\.1\.nc$", expert.name)
    with netCDF4.Dataset(expert) as file:
        compact = [re.sub(r"[-:Z]", "", file.getncattr(f"time_coverage_{end}")) for end in ("start", "end")]
        assert compact == [name[1], name[2]]
        time = file["time"][:].compressed()
        first = netCDF4.num2date(time[0], file["time"].units)
        assert first.strftime("%Y%m%dT%H%M%S") == name[1]
        for word, variable in (("lat", "latitude"), ("lon", "longitude")):
            values = file[variable][:].compressed()
            assert file.getncattr(f"geospatial_{word}_min") == pytest.approx(values.min(), abs=1e-9)
            assert file.getncattr(f"geospatial_{word}_max") == pytest.approx(values.max(), abs=1e-9)
        indices = file["i_num_line"][:]
        assert len(indices) > 0 and (np.diff(indices) > 0).all() and (file["i_num_pixel"][:] == 34).all()


def test_level_2_basic_has_the_types_packing_and_storage_of_the_product(basic):
    rows = [line.split() for line in BASIC.split("\n") if line]
    with open_raw(basic) as file:
        assert [(d.name, len(d), d.isunlimited()) for d in file.dimensions.values()] == [
            ("num_lines", 9866, False), ("num_pixels", 69, False), ("num_sides", 2, False)]
        assert list(file.variables) == [row[0] for row in rows]
        for name, dtype, scale, fill, rank in rows:
            variable = file[name]
            assert variable.dtype.name == dtype, name
            assert variable.ndim == int(rank), name
            assert variable.chunking() == list(variable.shape), name
            filters = variable.filters()
            assert filters["zlib"] and filters["shuffle"] and filters["complevel"] == 4, name
            assert variable.ncattrs()[0] == "_FillValue", name
            assert variable.getncattr("_FillValue") == np.dtype(dtype).type(float(fill)), name
            if scale == "-":
                assert "scale_factor" not in variable.ncattrs(), name
            else:
                assert variable.scale_factor == float(scale) and variable.scale_factor.dtype == np.float64, name
            for limit in ("valid_min", "valid_max", "flag_masks", "flag_values"):
                if limit in variable.ncattrs():
                    assert np.asarray(variable.getncattr(limit)).dtype == variable.dtype, (name, limit)
            assert variable.ncattrs()[-1] in ("comment", "tai_utc_difference"), name


def test_level_2_basic_names_itself_as_the_product_does(basic):
    name = re.match(r"SWOT_L2_LR_SSH_Basic_475_013_(\d{8}T\d{6})_(\d{8}T\d{6})_(P[IG][CD]\d)_(\d\d)\.nc$", basic.name)
    assert name, basic.name
    with netCDF4.Dataset(basic) as file:
        assert len(file.ncattrs()) == 62
        assert (file.short_name, file.product_file_id) == ("L2_LR_SSH", "Basic")
        assert (file.cycle_number, file.pass_number) == (475, 13)
        assert file.cycle_number.dtype == file.pass_number.dtype == np.int16
        assert (file.crid, file.product_version) == (name[3], name[4])
        # Microseconds without Z; the time of the equator has one.
        start = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.\d{6}", file.time_coverage_start)
        assert start and "{}{}{}T{}{}{}".format(*start.groups()) == name[1]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", file.equator_time)
        for attribute in ("geospatial_lon_min", "left_first_longitude", "wavelength", "good_ocean_data_percent"):
            assert np.asarray(file.getncattr(attribute)).dtype == np.float64, attribute
        assert isinstance(file.equator_longitude, str)
