"""Small L2 Basic-like granules written by netCDF4-python: five cycles of three passes, with missing lines, land, quality bits and
a nadir gap. Geometry is no real orbit, which `karin stat` does not ask for."""

from datetime import datetime, timedelta

import netCDF4
import numpy as np

LINES, PIXELS = 400, 69
CYCLES, PASSES = range(1, 6), (13, 14, 15)
FLOAT_FILL = 9.969209968386869e36
DAY = 86400.0


def write_all(folder):
    random = np.random.default_rng(7)
    for pass_number in PASSES:
        shape = np.cumsum(np.cumsum(random.normal(size=(LINES, PIXELS)), axis=0), axis=1)
        shape /= np.abs(shape).max()
        for cycle in CYCLES:
            write_granule(folder, cycle, pass_number, shape, random)


def positions(pass_number):
    along = np.linspace(-1, 1, LINES)[:, None]
    across = np.linspace(-0.6, 0.6, PIXELS)[None, :]
    latitude = 60 * along + 0.2 * across
    longitude = (pass_number * 25.0 + 40 * along + across) % 360  # pass 14 crosses Greenwich
    return longitude, latitude


def write_granule(folder, cycle, pass_number, shape, random):
    start = (8766 + 26 + cycle) * DAY + 86300 - 60 * pass_number + pass_number  # passes cross midnight
    stamps = "_".join(
        f"{datetime(2000, 1, 1) + timedelta(seconds=seconds):%Y%m%dT%H%M%S}" for seconds in (start, start + 7 * LINES))
    name = f"SWOT_L2_LR_SSH_Basic_{cycle:03d}_{pass_number:03d}_{stamps}_PIC0_01.nc"
    with netCDF4.Dataset(folder / name, "w") as dataset:
        for dimension, size in (("num_lines", LINES), ("num_pixels", PIXELS), ("num_sides", 2)):
            dataset.createDimension(dimension, size)
        swath = ("num_lines", "num_pixels")

        def write(name, dtype, dimensions, fill, values, **attributes):
            variable = dataset.createVariable(name, dtype, dimensions, zlib=True, complevel=4, shuffle=True, fill_value=fill)
            variable.set_auto_maskandscale(False)
            variable.setncatts(attributes)
            variable[:] = values

        missing = random.random(LINES) < 0.05
        time = np.where(missing, FLOAT_FILL, start + np.arange(LINES) * 7.0)
        write("time", "f8", ("num_lines",), FLOAT_FILL, time, units="seconds since 2000-01-01 00:00:00.0", standard_name="time")
        longitude, latitude = positions(pass_number)
        for name, values in (("latitude", latitude), ("longitude", longitude)):
            write(name, "i4", swath, 2147483647, np.round(values * 1e6), scale_factor=1e-6, standard_name=name)
        gap = np.zeros((LINES, PIXELS), bool)
        gap[:, :4] = gap[:, 30:39] = gap[:, 65:] = True
        land = shape > 0.6
        chance = random.random((LINES, PIXELS))
        quality = np.where(land, 2684354560, 0).astype("u4")
        quality[chance < 0.2] |= 64
        quality[(chance > 0.2) & (chance < 0.3)] |= 1 << 30
        quality[gap] = 4294967295

        def packed(values, fill):
            return np.where(gap | land | missing[:, None], fill, values)

        height = 0.3 * shape + random.normal(size=shape.shape) * 0.05
        write("ssha_karin_2", "i4", swath, 2147483647, packed(np.round(height * 1e4), 2147483647), scale_factor=1e-4, units="m",
              quality_flag="ssha_karin_2_qual", long_name="sea surface height anomaly")
        write("ssha_karin_2_qual", "u4", swath, 4294967295, quality, flag_masks=np.array([64, 1 << 30, 1 << 31], "u4"),
              flag_meanings="suspect_ssb_out_of_range degraded bad_not_usable", standard_name="status_flag")
        tide = np.where(gap, 32767, np.round(1000 * np.sin(shape * 9 + cycle)))
        write("internal_tide_hret", "i2", swath, 32767, tide, scale_factor=1e-4, units="m")
        write("num_pt_avg", "u2", swath, 65535, np.where(gap, 65535, random.integers(0, 289, shape.shape)))
        write("rain_flag", "u1", swath, 255, (chance > 0.9) * 2)
        write("sig0_karin_2", "f4", swath, FLOAT_FILL, packed(10 + height * 7, FLOAT_FILL), units="1")
        write("rad_surface_type_flag", "u1", ("num_lines", "num_sides"), 255, land[:, [10, 50]])
        write("height_cor_xover", "i4", swath, 2147483647, np.round((1 + shape) * 1e4), scale_factor=1e-4, units="m",
              quality_flag="height_cor_xover_qual")
        write("height_cor_xover_qual", "u1", swath, 255, np.where(chance < 0.1, 1, np.where(chance > 0.95, 2, 0)),
              flag_values=np.array([0, 1, 2], "u1"), flag_meanings="good suspect bad", standard_name="status_flag")


def read_all(folder):
    """Decoded values: name -> [cycle, pass, line, pixel], NaN for fill and where there is no granule."""
    values = {}
    for path in sorted(folder.glob("*.nc")):
        cycle, pass_number = (int(word) for word in path.name.split("_")[5:7])
        with netCDF4.Dataset(path) as dataset:
            for name, variable in dataset.variables.items():
                decoded = np.ma.filled(variable[...].astype("f8"), np.nan)
                full = values.setdefault(name, np.full((len(CYCLES), len(PASSES), *decoded.shape), np.nan))
                full[cycle - CYCLES[0], PASSES.index(pass_number)] = decoded
    return values


def filled(variable):
    values = variable[...]
    return np.ma.filled(values.astype("f8"), np.nan)


def same(found, expected, tolerance=1e-12, around_zero=1e-12):
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=around_zero, equal_nan=True)


def statistics(karin, source, path, *arguments):
    """The variables that `karin stat` writes, NaN for fill."""
    karin("stat", source, "--quiet", "-o", path, *arguments)
    with netCDF4.Dataset(path) as dataset:
        return {key: filled(variable) for key, variable in dataset.variables.items()}
