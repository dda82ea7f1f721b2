"""Spectra, cross-spectra and filters from Python are those of the command line."""

import numpy as np
import pytest
import xarray as xr

import karin


def test_spectra_are_datasets(swot):
    one = swot.sel(cycle_number=475, pass_number=3)
    spectrum = one.spectrum(segment=400.0, window="tukey(0.2)")
    assert spectrum.ssha_psd.dims == ("wavenumber",) and spectrum.wavenumber.attrs["units"] == "km-1"
    assert np.isfinite(spectrum.ssha_psd).all() and spectrum.attrs["window"] == "tukey(0.2)"
    # Twice the height has four times the power.
    double = one.sel(variables="double", double="2 * ssha").spectrum(segment=400.0, window="tukey(0.2)")
    np.testing.assert_allclose(double.double_psd, 4 * spectrum.ssha_psd, rtol=1e-9)
    both = one.spectrum(axis="both", segment=200.0, segment_across=40.0)
    assert both.ssha_psd.dims == ("wavenumber", "wavenumber_across")
    with pytest.raises(karin.errors.InvalidArgumentError, match="along, across or both"):
        one.spectrum(axis="down")


def test_two_cycles_are_coherent_where_the_sea_stays(swot):
    one = swot.sel(cycle_number=475, pass_number=3, variables="ssha")
    pair = one.spectrum(segment=400.0, with_cycle=477)
    assert {"ssha_psd", "ssha_cycle_477_psd", "coherence_squared", "phase"} <= set(pair.data_vars)
    assert ((pair.coherence_squared >= 0) & (pair.coherence_squared <= 1 + 1e-12)).all()
    later = swot.sel(pass_number=3, cycle_number=[475, 477], variables="ssha").spectrum(segment=400.0, with_cycle="+2")
    np.testing.assert_array_equal(later.coherence_squared, pair.coherence_squared)
    same = one.sel(variables="ssha", smooth="gaussian(ssha, 10)").spectrum(segment=400.0, with_="smooth")
    assert float(same.coherence_squared[3]) > 0.9
    with pytest.raises(karin.errors.KarinError, match="select more cycles"):
        one.spectrum(with_cycle="+1")


def test_filters_are_words_of_lets(swot):
    one = swot.sel(cycle_number=475, pass_number=1)
    smooth = one.sel(variables=["ssha", "smooth", "rough"], smooth="lowpass(ssha, 65)", rough="ssha - smooth").to_xarray().load()
    assert float(smooth.smooth.std()) < float(smooth.ssha.std())
    xr.testing.assert_allclose(smooth.rough, smooth.ssha - smooth.smooth)
    flat = one.sel(variables=["ssha_calibrated", "tilt"], tilt="calibrate(ssha, 1, 500, tilt)").to_xarray().load()
    assert flat.ssha_calibrated.attrs["units"] == "m" and np.isfinite(flat.ssha_calibrated).sum() > 10_000
    assert np.abs(flat.tilt).max() < 1e-3
    with pytest.raises(karin.errors.InvalidArgumentError, match="did you mean"):
        one.sel(variables="no", no="lowpas(ssha, 65)").to_xarray()
