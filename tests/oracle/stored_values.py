"""Values of netCDF files as they are stored, by netCDF4-python."""

import netCDF4
import numpy as np


def raw(path):
    """Every variable of a file as it is stored."""
    with netCDF4.Dataset(path) as dataset:
        dataset.set_auto_maskandscale(False)
        return {name: np.asarray(variable[:]) for name, variable in dataset.variables.items()}


def assert_same(found, expected):
    """Two files hold the same stored values."""
    found, expected = raw(found), raw(expected)
    assert found.keys() == expected.keys() and found
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)
