"""Swaths beside a real gridded map (MIOST, 1/8 degree): the lines of the gallery, against scipy on netCDF4's arrays."""

import netCDF4
import numpy as np
import pytest
import xarray as xr

import karin

interpolate = pytest.importorskip("scipy.interpolate")


@pytest.fixture(scope="module")
def swath(tmp_path_factory):
    """A pass over the north-east Pacific."""
    names = ["ssha_karin_2", "height_cor_xover"]
    table = karin.passes(point=(-130.0, 40.0), time="2024-06-01..2024-06-22")
    cycle, number = (int(table[name][0]) for name in ("cycle_number", "pass_number"))
    karin.simulate(folder := tmp_path_factory.mktemp("pacific"), cycle_number=cycle, pass_number=number, variables=names)
    return karin.granules(folder).sel(variables=["ssha", "time"])


def test_a_map_is_read_at_the_pixels_of_a_swath(swath, reference_data):
    path = reference_data("duacs_l4/swot_l4_northeast_pacific_20240601.nc")
    with netCDF4.Dataset(path) as file:
        axes = [file[name][:].filled().astype(float) for name in ("latitude", "longitude")]
        cells = file["sla"][0].filled(np.nan)
    found = swath.to_xarray().isel(cycle_number=0, pass_number=0).load()
    longitude = (found.longitude + 180) % 360 - 180
    sla = xr.open_dataset(path)["sla"].isel(time=0).interp(longitude=longitude, latitude=found.latitude)
    at = np.stack([found.latitude.values, longitude.values], axis=-1)
    expected = interpolate.RegularGridInterpolator(axes, cells, bounds_error=False, fill_value=np.nan)(at)
    assert np.isfinite(expected).sum() > 50_000
    np.testing.assert_allclose(sla, expected, rtol=0, atol=1e-9, equal_nan=True)
    assert sla.dims == found.ssha.dims and (found.ssha - sla).notnull().sum() > 10_000


def test_a_swath_lies_on_the_cells_of_a_map(swath, reference_data):
    sla = xr.open_dataset(reference_data("duacs_l4/swot_l4_northeast_pacific_20240601.nc"))["sla"].isel(time=0)
    west, south = float(sla.longitude[0]) - 0.0625, float(sla.latitude[0]) - 0.0625
    east, north = float(sla.longitude[-1]) + 0.0625, float(sla.latitude[-1]) + 0.0625
    cells = swath.sel(variables="ssha", bbox=(west, south, east, north)).grid(0.125)["ssha"]
    both = cells.sel(longitude=sla.longitude, latitude=sla.latitude)
    gap = both - sla
    assert gap.shape == sla.shape and int(gap.notnull().sum()) > 300
    found = swath.to_xarray().isel(cycle_number=0, pass_number=0).load()
    longitude = (found.longitude.values + 180) % 360 - 180
    row = np.floor((found.latitude.values + 90) / 0.125)
    column = np.floor((longitude + 180) / 0.125)
    place = np.argwhere(gap.notnull().values)[100]
    y, x = float(gap.latitude[place[0]]), float(gap.longitude[place[1]])
    inside = (row == np.floor((y + 90) / 0.125)) & (column == np.floor((x + 180) / 0.125))
    np.testing.assert_allclose(both.values[tuple(place)], np.nanmean(found.ssha.values[inside]), rtol=1e-12)
