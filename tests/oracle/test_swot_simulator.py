"""Granules of swot_simulator (PyPI, 1.2.1): named like L2 Expert ones, on an orbit and a grid of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from netcdf_files import describe

PIXELS, ERROR_FILL = 52, 2147483647


def written_like_it(folder):
    """Three passes with the structure of its files: dimensions, types, packing, names."""
    rng = np.random.default_rng(3)
    for number, (lines, start, end) in enumerate([(9868, "000000", "005105"), (9867, "005105", "014211"),
                                                  (9867, "014211", "023317")], 1):
        stamps = f"20230401T{start}_20230401T{end}"
        with netCDF4.Dataset(folder / f"SWOT_L2_LR_SSH_Expert_001_{number:03}_{stamps}_DG10_01.nc", "w") as file:
            file.setncatts({"Conventions": "CF-1.7", "cycle_number": np.int16(1), "pass_number": np.int16(number)})
            file.createDimension("num_lines", lines)
            file.createDimension("num_pixels", PIXELS)
            swath, packed = ("num_lines", "num_pixels"), dict(zlib=True, complevel=4, shuffle=True)

            def write(name, dtype, dimensions, fill, values, **attributes):
                variable = file.createVariable(name, dtype, dimensions, fill_value=fill, **packed)
                variable.setncatts(attributes)
                variable[:] = values

            seconds = 733622400.0 + 3065.6 * (number - 1) + 3065.6 / lines * np.arange(lines)
            write("time", "f8", ("num_lines",), 9.969209968386869e36, seconds, units="seconds since 2000-01-01 00:00:00.0")
            along = np.linspace(-np.pi / 2, np.pi / 2, lines)[:, None] * (1 if number % 2 else -1)
            across = np.r_[np.linspace(-60e3, -10e3, 26), np.linspace(10e3, 60e3, 26)][None, :]
            latitude = np.degrees(np.arcsin(0.9786 * np.sin(along))) + across / 4e5
            longitude = (77.0 - 12.8 * (number - 1) + 83.5 * np.sin(along) ** 3 + across / 2e5) % 360
            for name, values in (("latitude", latitude), ("longitude", longitude)):
                write(name, "i4", swath, ERROR_FILL, values, scale_factor=1e-6, units="degrees", standard_name=name)
            write("cross_track_distance", "f4", swath, 9.96921e36, np.broadcast_to(across, (lines, PIXELS)), units="m")
            write("simulated_error_karin", "i4", swath, ERROR_FILL, rng.normal(0, 0.02, (lines, PIXELS)), scale_factor=1e-4,
                  units="m", coordinates="longitude latitude")


def written_by_it(folder):
    python = os.environ.get("KARIN_SWOT_SIMULATOR_PYTHON", sys.executable)
    probe = "import numba, pyinterp, lxml, importlib.util, sys; sys.exit(importlib.util.find_spec('swot_simulator') is None)"
    if subprocess.run([python, "-c", probe], capture_output=True).returncode:
        pytest.skip("swot_simulator is not installed (cargo xtask setup installs it where it can)")
    script = Path(__file__).with_name("swot_simulator_granules.py")
    done = subprocess.run([python, str(script), str(folder)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.fixture(scope="module", params=[written_by_it, written_like_it])
def granules(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulator")
    request.param(folder)
    found = sorted(folder.rglob("SWOT_L2_LR_SSH_Expert_*.nc"))
    assert len(found) == 3
    return found


def errors(path):
    with netCDF4.Dataset(path) as file:
        return {name: np.ma.filled(file[name][:].astype("f8"), np.nan)
                for name in ("simulated_error_karin", "latitude", "longitude", "time")}


def test_info_tells_what_they_are(karin, granules):
    for path in granules:
        told = json.loads(karin("info", "--json", path).stdout)
        assert told["identity"]["product"] == "L2_LR_SSH_Expert" and told["identity"]["version"] == "DG10_01"
        assert told["area"]["north"] == pytest.approx(np.nanmax(errors(path)["latitude"]), abs=1e-6)
        with netCDF4.Dataset(path) as file:
            assert [variable["path"] for variable in told["variables"]] == list(file.variables)


def test_stat_reduces_them(karin, granules, tmp_path):
    folder, truth = granules[0].parent, [errors(path)["simulated_error_karin"] for path in granules]
    karin("stat", folder, "--over", "cycle", "--vars", "simulated_error_karin", "-o", tmp_path / "mean.nc")
    with netCDF4.Dataset(tmp_path / "mean.nc") as result:
        assert result["pass_number"][:].tolist() == [1, 2, 3]
        for found, expected in zip(result["simulated_error_karin"][:].filled(np.nan), truth):
            np.testing.assert_allclose(found[: len(expected)], expected, rtol=0, atol=1e-12)
            assert np.isnan(found[len(expected) :]).all()
    karin("stat", folder, "--by", "pass", "--stats", "count,std", "--vars", "simulated_error_karin", "-o", tmp_path / "pass.nc")
    with netCDF4.Dataset(tmp_path / "pass.nc") as result:
        for found, expected in zip(result["simulated_error_karin_std"][:], truth):
            assert found == pytest.approx(np.nanstd(expected), rel=1e-9)
    karin("plot", folder, "-o", tmp_path / "map.png")
    assert (tmp_path / "map.png").stat().st_size > 10_000


def test_extract_copies_and_crops_them(karin, granules, tmp_path):
    karin("extract", granules[0], "-o", tmp_path / "whole.nc")
    assert describe(tmp_path / "whole.nc")[1] == describe(granules[0])[1]
    whole = errors(granules[0])
    inside = (abs(whole["latitude"]) <= 10) & np.isfinite(whole["simulated_error_karin"])
    karin("extract", granules[0], "--bbox=-180,-10,180,10", "--vars", "simulated_error_karin", "-o", tmp_path / "crop.nc")
    crop = errors(tmp_path / "crop.nc")["simulated_error_karin"]
    assert 0 < inside.sum() < inside.size
    np.testing.assert_array_equal(crop[np.isfinite(crop)], whole["simulated_error_karin"][inside])


def test_ingest_refuses_them_with_the_reason(karin, granules, tmp_path):
    done = karin("ingest", *granules, tmp_path / "mission.karin", code=3)
    told = done.stdout + done.stderr
    assert told.count("version DG10_01 of L2_LR_SSH_Expert is not stored in collections") == 3
    # Under the name of a released version it is the grid that gives them away.
    renamed = tmp_path / granules[0].name.replace("DG10_01", "PIC0_01")
    renamed.write_bytes(granules[0].read_bytes())
    done = karin("ingest", renamed, tmp_path / "mission.karin", code=3)
    assert "9868 lines where the product has" in done.stdout + done.stderr


def test_a_granule_on_another_orbit_is_refused_with_the_distance(karin, tmp_path):
    """The grid of the product, but 3 degrees east of where the satellite flies."""
    karin("simulate", "--product", "L2_LR_SSH_Basic", "--phase", "calval", "--cycles", 475, "--passes", 3,
          "--vars", "ssha_karin_2", tmp_path / "granules")
    (path,) = (tmp_path / "granules").rglob("*.nc")
    with netCDF4.Dataset(path, "a") as file:
        longitude = file["longitude"]
        longitude[:] = (longitude[:] + 3.0) % 360
    done = karin("ingest", path, tmp_path / "mission.karin", code=3)
    assert "km" in done.stdout + done.stderr and "orbit" in done.stdout + done.stderr
