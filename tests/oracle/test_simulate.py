"""Simulated granules: structure like the real ones, values that hang together, the same for any number of threads."""

import hashlib

import netCDF4
import numpy as np
import pytest

REAL = "swot_l3/SWOT_L3_LR_SSH_Expert_026_165_20241229T165806_20241229T174933_v2.0.1.nc"
# Attributes that say when and from what a granule was made, and for L3 where it lies.
VARYING = {"time_coverage_start", "time_coverage_end", "date_modified", "history", "date_created", "date_issued",
           "geospatial_lat_min", "geospatial_lat_max", "geospatial_lon_min", "geospatial_lon_max"}


@pytest.fixture(scope="module")
def simulate(karin, tmp_path_factory):
    """Simulates and gives the files, in order."""

    def run(product, cycles, passes, *options):
        folder = tmp_path_factory.mktemp(product)
        karin("simulate", "--product", product, "--cycles", cycles, "--passes", passes, *options, folder)
        return sorted(folder.glob("*.nc"))

    return run


@pytest.fixture(scope="module")
def basic(simulate):
    return simulate("L2_LR_SSH_Basic", "475-476", "1-4,16")


def netcdf_type(value):
    if isinstance(value, str):
        return "text"
    return (np.asarray(value).dtype.str, np.size(value))


def structure(file):
    """All that a file says but its values: dimensions, then variables with types, layout and attributes, in order."""
    with netCDF4.Dataset(file) as granule:
        granule.set_auto_maskandscale(False)
        dimensions = [(name, dim.size if name != "num_nadir" else None, dim.isunlimited())
                      for name, dim in granule.dimensions.items()]
        variables = []
        for name, variable in granule.variables.items():
            attributes = [(key, netcdf_type(variable.getncattr(key)), np.asarray(variable.getncattr(key)).tolist())
                          for key in variable.ncattrs()]
            chunks = variable.chunking() if "num_nadir" not in variable.dimensions else None
            variables.append((name, variable.dtype.str, variable.dimensions, chunks, variable.filters(), attributes))
        own = [(key, netcdf_type(granule.getncattr(key)),
                None if key in VARYING else np.asarray(granule.getncattr(key)).tolist()) for key in granule.ncattrs()]
        return dimensions, variables, own, granule.data_model


def test_an_l3_expert_granule_has_the_structure_of_a_real_one(simulate, reference_data):
    ours, = simulate("L3_LR_SSH_Expert", "26", "165")
    real = reference_data(REAL)
    for ours_part, real_part in zip(structure(ours), structure(real), strict=True):
        assert ours_part == real_part
    assert ours.name[:40] == real.name[:40]


def test_an_l3_expert_granule_lies_where_and_when_the_real_one_does(simulate, reference_data):
    ours, = simulate("L3_LR_SSH_Expert", "26", "165", "--vars", "ssha_filtered")
    with netCDF4.Dataset(ours) as simulated, netCDF4.Dataset(reference_data(REAL)) as real:
        east = (simulated["longitude"][:] - real["longitude"][:] + 180) % 360 - 180
        north = simulated["latitude"][:] - real["latitude"][:]
        metres = np.hypot(east * np.cos(np.radians(real["latitude"][:])), north) * 111_195
        assert metres.max() < 30
        assert abs(simulated["time"][:] - real["time"][:]).max() < 5


def test_heights_are_the_sum_of_their_parts(simulate):
    file, = simulate("L2_LR_SSH_Expert", "475", "2")
    with netCDF4.Dataset(file) as granule:
        assert len(granule.variables) == 102
        v = {name: np.ma.filled(granule[name][:].astype(float), np.nan) for name in granule.variables
             if granule[name].dimensions == ("num_lines", "num_pixels")}
    parts = ("mean_sea_surface_cnescls", "solid_earth_tide", "ocean_tide_fes", "internal_tide_hret", "pole_tide", "dac")
    rest = v["ssh_karin_2"] - v["ssha_karin_2"] - sum(v[part] for part in parts)
    assert np.isfinite(rest).sum() > 200_000 and np.nanmax(abs(rest)) < 5e-4
    across = v["cross_track_distance"]
    measured = np.isfinite(v["ssha_karin_2"])
    assert (abs(across[measured]) >= 10e3).all() and (abs(across[measured]) <= 60e3).all()


def test_the_cross_over_correction_takes_the_tilt_away(basic):
    before, after = [], []
    for file in basic:
        with netCDF4.Dataset(file) as granule:
            good = granule["ssha_karin_2_qual"][:].filled(1) == 0
            ssha = granule["ssha_karin_2"][:].filled(np.nan)
            before.append(np.nanstd(ssha[good]))
            after.append(np.nanstd((ssha + granule["height_cor_xover"][:].filled(np.nan))[good]))
    assert np.mean(before) > 0.3 and 0.03 < np.mean(after) < 0.3


def test_flags_have_the_usual_fractions(simulate):
    strict, ocean = [], []
    for file in simulate("L2_LR_SSH_Basic", "475", "1-28", "--vars", "ssha_karin_2_qual,ancillary_surface_classification_flag"):
        with netCDF4.Dataset(file) as granule:
            strict.append((granule["ssha_karin_2_qual"][:].filled(1) == 0).mean())
            ocean.append((granule["ancillary_surface_classification_flag"][:] == 0).mean())
    assert 0.33 < np.mean(strict) < 0.45
    assert 0.6 < np.mean(ocean) < 0.75


def test_passes_see_the_same_sea_where_they_cross(simulate):
    ascending, descending = simulate("L3_LR_SSH_Expert", "475", "3,18", "--vars", "ssha_filtered")
    points = []
    for file in (ascending, descending):
        with netCDF4.Dataset(file) as granule:
            values = granule["ssha_filtered"][:].filled(np.nan)
            values[:, 34] = np.nan
            keep = np.isfinite(values)
            points.append((granule["longitude"][:].data[keep], granule["latitude"][:].data[keep], values[keep]))
    cells = [dict(zip(zip(np.round(lon * 50).astype(int).tolist(), np.round(lat * 50).astype(int).tolist()), ssha))
             for lon, lat, ssha in points]
    shared = cells[0].keys() & cells[1].keys()
    if len(shared) < 200:
        pytest.skip("the two passes share too little good sea")
    first, second = (np.array([cell[key] for key in shared]) for cell in cells)
    assert np.corrcoef(first, second)[0, 1] > 0.97


def test_bytes_do_not_depend_on_threads_and_do_on_the_seed(simulate):
    options = [("--jobs", "1"), ("--jobs", "4"), ("--jobs", "1", "--seed", "1")]
    digests = [[hashlib.sha256(file.read_bytes()).hexdigest() for file in simulate("L2_LR_SSH_Basic", "9", "5-6", *option)]
               for option in options]
    assert digests[0] == digests[1] != digests[2]


def test_names_bear_the_times_of_the_data(basic):
    for file in basic:
        with netCDF4.Dataset(file) as granule:
            time = granule["time"][:].compressed()
            start = netCDF4.num2date(time[0], granule["time"].units).strftime("%Y%m%dT%H%M%S")
            assert file.name.split("_")[7] == start
            assert f"{granule.cycle_number:03}_{granule.pass_number:03}" in file.name


def test_an_unsmoothed_granule_has_two_sides(simulate):
    file, = simulate("L2_LR_SSH_Unsmoothed", "475", "1", "--vars", "ssh_karin_2,mean_sea_surface_cnescls")
    with netCDF4.Dataset(file) as granule:
        assert list(granule.groups) == ["left", "right"]
        for side in granule.groups.values():
            assert side["ssh_karin_2"].shape == (side.dimensions["num_lines"].size, 240)
            height = side["ssh_karin_2"][:] - side["mean_sea_surface_cnescls"][:]
            assert 0.05 < height.std() < 3
        # Pixel 0 of both is the nearest to nadir.
        middle = granule["left"].dimensions["num_lines"].size // 2
        inner = [side["longitude"][middle, 0] for side in granule.groups.values()]
        outer = [side["longitude"][middle, -1] for side in granule.groups.values()]
        assert abs(inner[1] - inner[0]) < 0.15 and 1.0 < abs(outer[1] - outer[0]) < 1.4
