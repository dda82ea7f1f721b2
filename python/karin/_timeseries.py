"""A place through time: a value per pass that sees it in every cycle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from karin._reduce import run
from karin._reduction import Reduction, by

if TYPE_CHECKING:
    from karin._collection import Collection

#: Kilometres of a degree of latitude.
_KILOMETRES = 111.2


def around(point: tuple[float, float], radius: float) -> tuple[float, float, float, float]:
    """Give the box around a point, so many kilometres in each direction."""
    longitude, latitude = (float(value) for value in point)
    high = radius / _KILOMETRES
    wide = min(high / max(float(np.cos(np.radians(latitude))), 1e-3), 179.0)
    return longitude - wide, max(latitude - high, -90.0), longitude + wide, min(latitude + high, 90.0)


def follow(chosen: Collection, statistics: str, client: Any) -> xr.Dataset:
    """Reduce every pass of what is chosen by cycle, and put all on one axis: the mean time of the lines."""
    names = [name for name in chosen.variables if name not in ("time", "latitude", "longitude")]
    cube = chosen.sel(variables=names).handle().dataset()
    passes = cube.read("pass_number", [(0, cube.structure()["dimensions"]["pass_number"], 1)])
    parts = []
    for number in passes[sorted({at for _, at, _, _ in cube.cells()})]:
        part = _by_cycle(chosen.sel(pass_number=int(number), variables=[*names, "time"]), statistics, client)
        part = part.swap_dims(cycle_number="time").reset_coords("cycle_number")
        parts.append(part.assign(pass_number=("time", np.full(part.sizes["time"], number))))
    series = xr.concat(parts, "time", data_vars="all", combine_attrs="drop_conflicts").sortby("time")
    series["time"].attrs.update(long_name="mean time of the lines inside", standard_name="time")
    series["pass_number"].attrs["long_name"] = "pass number"
    placed: xr.Dataset = series.set_coords(["cycle_number", "pass_number"])
    return placed


def _by_cycle(chosen: Collection, statistics: str, client: Any) -> xr.Dataset:
    """Statistics by cycle with the mean time beside them, read once."""
    asked = [word.strip().lower() for word in statistics.split(",")]
    words = statistics if "mean" in asked else f"mean,{statistics}"
    found = run(chosen, Reduction(words, by("cycle")), client)
    of_time = [name for name in found.data_vars if name == "time" or str(name).startswith("time_")]
    is_alone = words.count(",") == 0
    when = found["time" if is_alone else "time_mean"].values.astype("datetime64[ns]")
    found = found.drop_vars(of_time)
    if "mean" not in asked:
        # Nobody asked for means of anything but time.
        found = found.drop_vars([name for name in found.data_vars if str(name).endswith("_mean")])
        found.attrs["title"] = found.attrs["title"].removeprefix("mean, ")
        if len(asked) == 1:
            end = next(str(name).removeprefix("time") for name in of_time if name != "time_mean")
            found = found.rename({name: str(name).removesuffix(end) for name in found.data_vars})
    timed: xr.Dataset = found.assign_coords(time=("cycle_number", when))
    return timed
