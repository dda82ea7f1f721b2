"""What datashader does for a tile: the seconds of one `quadmesh` of one pass, after the first, which compiles."""

import json
import statistics
import sys
import time

import datashader
import netCDF4
import numpy as np
import xarray as xr


def tile(path):
    """One 256 x 256 picture of a part of a pass."""
    with netCDF4.Dataset(path) as granule:
        longitude, latitude, values = (np.ma.filled(granule[name][:].astype(float), np.nan)
                                       for name in ("longitude", "latitude", "ssha_karin_2"))
    longitude = np.unwrap(longitude, period=360, axis=0)
    data = xr.DataArray(values, dims=("y", "x"), coords={"lon": (("y", "x"), longitude), "lat": (("y", "x"), latitude)},
                        name="ssha")
    middle = len(values) // 2
    lon, lat = longitude[middle, 34], latitude[middle, 34]
    canvas = datashader.Canvas(256, 256, x_range=(lon - 2.8, lon + 2.8), y_range=(lat - 2.8, lat + 2.8))
    seconds = []
    for _ in range(6):
        start = time.perf_counter()
        canvas.quadmesh(data, x="lon", y="lat", agg=datashader.mean("ssha"))
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:])


if __name__ == "__main__":
    print(globals()[sys.argv[1]](**json.loads(sys.argv[2])))
