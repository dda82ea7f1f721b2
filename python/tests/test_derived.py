"""Currents and what follows from them, by name."""

import numpy as np
import pytest
import xarray as xr

import karin


def slope_north(dataset, height):
    """Northward slope of a height by differences of the neighbouring lines and pixels, on the sphere."""
    radius = 6371008.771415059
    lat, lon = np.deg2rad(dataset.latitude.values), np.deg2rad(dataset.longitude.values)
    steps = []
    for axis in (0, 1):
        north = radius * np.gradient(lat, axis=axis)
        east = radius * np.cos(lat) * np.gradient(np.unwrap(lon, axis=axis), axis=axis)
        steps.append((east, north, np.gradient(height, axis=axis)))
    (a, b, along), (c, d, across) = steps
    return (a * across - c * along) / (a * d - b * c)


def test_currents_follow_the_slope_of_the_height(swot):
    one = swot.sel(cycle_number=475, pass_number=3, variables=["ssha", "u_geo"])
    dataset = one.to_xarray().squeeze(drop=True).load()
    assert dataset.u_geo.attrs["units"] == "m s-1"
    f = 2 * 7.2921e-5 * np.sin(np.deg2rad(dataset.latitude.values))
    wanted = -9.81 / f * slope_north(dataset, dataset.ssha.values)
    both = np.isfinite(wanted) & np.isfinite(dataset.u_geo.values) & (np.abs(dataset.latitude.values) > 10)
    # Two points feel the noise of a pixel more than nine do: what agrees is the pattern.
    assert both.sum() > 10_000
    assert np.corrcoef(wanted[both], dataset.u_geo.values[both])[0, 1] > 0.85


def test_from_and_method_are_those_of_the_command_line(swot):
    names = ["u_geo", "v_geo"]
    one = swot.sel(cycle_number=475, pass_number=1)
    rough = one.sel(variables=names, from_="ssha_karin_2", method="curvilinear").to_xarray().load()
    same = one.sel(variables=names, raw="ssha_karin_2", from_="raw", method="curvilinear").to_xarray().load()
    xr.testing.assert_equal(rough, same)
    assert "ssha_karin_2" in rough.u_geo.attrs["comment"] and "curvilinear" in rough.u_geo.attrs["comment"]
    assert not rough.u_geo.equals(one.sel(variables=names).to_xarray().load().u_geo)
    with pytest.raises(karin.errors.InvalidArgumentError, match="did you mean"):
        one.sel(variables=names, method="curvilnear").to_xarray()


def test_statistics_of_derived_quantities(swot):
    one = swot.sel(cycle_number=475, variables="speed")
    mean = float(one.mean("all").speed)
    values = one.to_xarray().speed.values
    assert mean == pytest.approx(np.nanmean(values), rel=1e-12)


#: What a product of level 3 has beside what it stores.
NAMES = ["ssha", "adt", "ssha_uncalibrated", "ssha_uncorrected", "ssha_calibrated", "sigma0_db", "u_geo", "v_geo", "u_geo_abs",
         "v_geo_abs", "speed", "speed_abs", "ke", "eke", "vorticity", "vorticity_over_f", "divergence", "normal_strain", "shear_strain",
         "strain", "strain_over_f", "okubo_weiss", "okubo_weiss_over_f2", "ssh_gradient", "ssh_laplacian", "rossby_number", "u_cyclo",
         "v_cyclo", "speed_cyclo", "cyclo_imbalance", "u_geo_uncertainty", "v_geo_uncertainty", "vorticity_uncertainty"]


def test_every_name_is_a_variable(tmp_path):
    stored = ["ssha_unfiltered", "ssha_filtered", "mdt", "dac", "ocean_tide", "internal_tide", "calibration", "sigma0"]
    files = karin.simulate(tmp_path / "in", product="L3_LR_SSH_Expert", cycle_number=475, pass_number=3, variables=stored)
    karin.ingest(files, tmp_path / "swot.karin")
    found = []
    for swot in (karin.granules(files), karin.open(tmp_path / "swot.karin")):
        some = swot.sel(bbox=(-180, -40, 180, -37))
        dataset = some.sel(variables=NAMES).to_xarray().squeeze(drop=True).load()
        means = some.sel(variables=NAMES).mean("all")
        for name in NAMES:
            assert np.isfinite(dataset[name]).sum() > 500, name
            assert float(means[name]) == pytest.approx(float(dataset[name].mean()), rel=1e-9, abs=1e-15), name
        twice = some.sel(variables="twice", twice="2 * vorticity_over_f", where="speed > 0.1").mean("all").twice
        wanted = 2 * dataset.vorticity_over_f.where(dataset.speed > 0.1).mean()
        assert float(twice) == pytest.approx(float(wanted), rel=1e-9)
        found.append(dataset)
    xr.testing.assert_equal(found[0][NAMES], found[1][NAMES])


def test_options_of_currents_without_a_current_are_refused(swot):
    one = swot.sel(cycle_number=475, pass_number=1, variables="ssha_karin_2")
    for options in ({"from_": "ssha"}, {"method": "fit:9"}):
        with pytest.raises(karin.errors.InvalidArgumentError, match="nothing that is asked for derives from a height"):
            one.sel(**options).mean("all")
