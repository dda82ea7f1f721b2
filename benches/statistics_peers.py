"""What people run for statistics by cells, from granules: one function per tool, as in `peers.py`."""

import json
import sys
import time

import netCDF4
import numpy as np


def read(path, name):
    with netCDF4.Dataset(path) as granule:
        return [np.ma.filled(granule[own][:], np.nan).ravel() for own in ("longitude", "latitude", name)]


def binned_statistic(paths, name, stats):
    """scipy.stats.binned_statistic_2d of all values at once."""
    from scipy.stats import binned_statistic_2d

    start = time.perf_counter()
    longitude, latitude, values = (np.concatenate(own) for own in zip(*(read(path, name) for path in paths), strict=True))
    known = np.isfinite(values)
    place = latitude[known], longitude[known] % 360
    edges = np.arange(-90, 91), np.arange(0, 361)
    for stat in stats:
        binned_statistic_2d(*place, values[known], stat, bins=edges)
    return time.perf_counter() - start


def groupby(paths, name, stats):
    """pandas: a frame of cells and values, grouped."""
    import pandas

    start = time.perf_counter()
    frames = []
    for path in paths:
        longitude, latitude, values = read(path, name)
        known = np.isfinite(values)
        cell = np.floor(latitude[known]) * 1000 + np.floor(longitude[known] % 360)
        frames.append(pandas.DataFrame({"cell": cell, "value": values[known]}))
    pandas.concat(frames).groupby("cell").value.agg(stats)
    return time.perf_counter() - start


if __name__ == "__main__":
    print(globals()[sys.argv[1]](**json.loads(sys.argv[2])))
