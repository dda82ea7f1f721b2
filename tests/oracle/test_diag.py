"""Quantities of the swath by name (`u_geo`, `vorticity_over_f`, ...) in every command, against AVISO's own currents and numpy."""

import json

import netCDF4
import numpy as np
import pytest
import xarray

GOLDEN = "swot_l3/SWOT_L3_LR_SSH_Expert_001_155_20230726T173637_20230726T182803_v1.0.2_fcs.nc"
ROTATION, GRAVITY = 7.2921e-5, 9.81


@pytest.fixture(scope="module")
def granules(karin, tmp_path_factory):
    """Two cycles of one pass of L3, simulated."""
    folder = tmp_path_factory.mktemp("granules")
    selection = ["--product", "L3_LR_SSH_Expert", "--phase", "calval", "--cycles", "475-476", "--passes", "3"]
    names = "time,latitude,longitude,ssha_filtered,ssha_unfiltered,mdt,quality_flag,i_num_line,i_num_pixel"
    karin("simulate", *selection, "--vars", names, folder)
    return sorted(folder.rglob("*.nc"))


def diag(karin, folder, names, *sources, options=()):
    out = folder / "diag.nc"
    karin("diag", names, *sources, *options, "-o", out)
    return xarray.open_dataset(out).load()


def same(found, expected, tolerance=1e-12):
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=1e-15, equal_nan=True)


def test_currents_are_those_of_aviso_to_the_packing_step(karin, tmp_path, reference_data):
    """Rows at the cut ends aside, where AVISO saw the lines that the excerpt lacks."""
    granule = reference_data(GOLDEN)
    found = diag(karin, tmp_path, "u_geo,v_geo", granule, options=["--from", "ssha_noiseless"])
    golden = xarray.open_dataset(granule)
    for name, theirs in (("u_geo", "ugosa"), ("v_geo", "vgosa")):
        ours, wanted = found[name].values[4:-4], golden[theirs].values[4:-4]
        both = ~np.isnan(ours) & ~np.isnan(wanted)
        assert both.sum() > 14_000
        assert np.mean(np.isnan(ours) == np.isnan(wanted)) > 0.999
        assert np.mean(np.abs(ours - wanted)[both] <= 1.0e-4) >= 0.999
        assert found[name].attrs["units"] == "m s-1"
        assert "ssha_noiseless" in found[name].attrs["comment"]


def test_golden_scalars(karin, tmp_path, reference_data):
    """Mean eddy energy, speed and the like of the open parts of the swath, as published with the recipe."""
    names = "u_geo,v_geo,eke,vorticity_over_f,strain_over_f,okubo_weiss_over_f2"
    found = diag(karin, tmp_path, names, reference_data(GOLDEN), options=["--from", "ssha_noiseless"])
    part = found.isel(num_lines=slice(10, -10)).isel(num_pixels=[*range(10, 25), *range(45, 58)])
    expected = {"eke": (0.101888, 1e-5), "u_geo": (0.056743, 1e-5), "v_geo": (0.059094, 1e-5),
                "strain_over_f": (0.31720, 2e-4), "okubo_weiss_over_f2": (0.004037, 2e-4)}
    for name, (wanted, tolerance) in expected.items():
        assert float(part[name].mean()) == pytest.approx(wanted, abs=tolerance), name
    turning = part.vorticity_over_f.values
    assert np.sqrt(np.nanmean(turning**2)) == pytest.approx(0.37108, abs=3e-4)


def test_a_crop_has_the_values_of_the_whole_pass(karin, tmp_path, granules):
    names = "u_geo,vorticity_over_f"
    whole = diag(karin, tmp_path, names, granules[0])
    line = whole.sizes["num_lines"] // 2
    longitude, latitude = float(whole.longitude[line, 30]), float(whole.latitude[line, 30])
    box = f"{longitude - 3:.3f},{latitude - 1:.3f},{longitude + 3:.3f},{latitude + 1:.3f}"
    crop = diag(karin, tmp_path, names, granules[0], options=["--bbox", box, "--crop", "lines"])
    there = whole.sel(num_lines=crop.num_lines)
    assert 20 < crop.sizes["num_lines"] < whole.sizes["num_lines"] / 4
    for name in names.split(","):
        assert np.isfinite(crop[name]).sum() > 500
        same(crop[name].values, there[name].values)


def test_a_collection_gives_what_the_granules_give(karin, tmp_path, granules):
    karin("ingest", *granules, tmp_path / "swot.karin")
    names = "u_geo,v_geo,speed,strain"
    from_files = diag(karin, tmp_path, names, granules[1])
    from_cube = diag(karin, tmp_path, names, tmp_path / "swot.karin", options=["--cycles", "476"])
    for name in names.split(","):
        np.testing.assert_array_equal(from_cube[name].values, from_files[name].values)
    same(from_files.speed.values, np.hypot(from_files.u_geo, from_files.v_geo).values)


def test_nadir_values_are_no_part_of_the_heights(karin, tmp_path, granules):
    """Changing what the altimeter measured in the middle of the swath changes no current."""
    other = tmp_path / granules[0].name
    other.write_bytes(granules[0].read_bytes())
    with netCDF4.Dataset(other, "r+") as file:
        lines, pixels = file["i_num_line"][:].astype(int), file["i_num_pixel"][:].astype(int)
        assert lines.size > 100
        heights = file["ssha_filtered"][:]
        heights[lines, pixels] = 9.0
        file["ssha_filtered"][:] = heights
    before = diag(karin, tmp_path, "u_geo", granules[0]).u_geo.values
    after = diag(karin, tmp_path, "u_geo", other).u_geo.values
    np.testing.assert_array_equal(after, before)


def test_names_work_in_statistics_conditions_and_definitions(karin, tmp_path, granules):
    whole = diag(karin, tmp_path, "speed,vorticity_over_f", granules[0])
    words = ["--over", "all", "--stats", "count,mean", "--json"]
    rows = json.loads(karin("stat", granules[0], "--vars", "speed", "--where", "abs(vorticity_over_f) < 1", *words).stdout)["rows"]
    keep = np.abs(whole.vorticity_over_f) < 1
    wanted = whole.speed.where(keep)
    assert rows[0][1] == int(wanted.count())
    assert rows[0][2] == pytest.approx(float(wanted.mean()), rel=1e-12)
    rows = json.loads(karin("stat", granules[0], "--vars", "twice", "--let", "twice=2*speed", *words).stdout)["rows"]
    assert rows[0][2] == pytest.approx(2 * float(whole.speed.mean()), rel=1e-12)


@pytest.mark.parametrize("threads", [1, 2])
def test_statistics_on_a_grid_and_over_cycles(karin, tmp_path, granules, threads):
    fields = [diag(karin, tmp_path, "vorticity_over_f", granule).vorticity_over_f for granule in granules]
    options = ["--vars", "vorticity_over_f", "--jobs", threads]
    karin("stat", *granules, *options, "--over", "cycle", "--stats", "mean", "-o", tmp_path / "mean.nc")
    mean = xarray.open_dataset(tmp_path / "mean.nc").vorticity_over_f.squeeze().values
    same(mean, np.nanmean([field.values for field in fields], axis=0))
    karin("stat", *granules, *options, "--grid", "5", "--stats", "count", "-o", tmp_path / "grid.nc")
    counts = xarray.open_dataset(tmp_path / "grid.nc").vorticity_over_f
    assert int(counts.sum()) == sum(int(field.count()) for field in fields)


def test_geostrophy_of_a_plane(karin, tmp_path, granules):
    """A height that rises by 1 m per degree of longitude drives a known northward current; of latitude, an eastward one."""
    fields = diag(karin, tmp_path, "latitude,u_geo,v_geo", granules[0],
                  options=["--let", "tilted=latitude + 0*ssha_filtered", "--from", "tilted"])
    latitude = np.deg2rad(fields.latitude.values)
    slope = 1 / np.deg2rad(6371008.771415059)
    away = np.isfinite(fields.u_geo.values) & (np.abs(latitude) > np.deg2rad(10)) & (np.abs(latitude) < np.deg2rad(60))
    wanted = -GRAVITY / (2 * ROTATION * np.sin(latitude)) * slope
    assert away.sum() > 1000
    np.testing.assert_allclose(fields.u_geo.values[away], wanted[away], rtol=2e-3)
    assert np.abs(fields.v_geo.values[away] / wanted[away]).max() < 2e-2


@pytest.mark.parametrize("arguments,words", [
    (["vortcity"], "did you mean 'vorticity'"),
    (["u_geo", "--from", "ssha_smooth"], "ssha_smooth"),
    (["u_geo", "--method", "l4"], "did you mean 'l3'"),
])
def test_mistakes_are_explained(karin, granules, arguments, words):
    done = karin("diag", arguments[0], granules[0], *arguments[1:], code=None)
    assert done.returncode in (1, 2) and words in done.stderr, done.stderr


def test_a_product_without_the_inputs_says_which(karin, tmp_path):
    karin("simulate", "--product", "L2_LR_SSH_Basic", "--cycles", "475", "--passes", "3", "--vars", "ssha_karin_2", tmp_path)
    done = karin("diag", "u_geo_abs", tmp_path, code=None)
    assert done.returncode == 1 and "ssha and mdt" in done.stderr, done.stderr
