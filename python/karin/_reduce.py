"""Reductions, computed in Rust granule by granule inside a memory budget."""

from __future__ import annotations

import json
import os
import tempfile
import weakref
from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from karin._arrays import FileHandle, Handle, MemoryHandle, group_paths
from karin._backend import decoded, indexed
from karin._progress import listener_of
from karin.errors import InvalidArgumentError, MemoryBudgetError

if TYPE_CHECKING:
    from karin._collection import Collection

_OVER = {
    "cycle_number": "cycle",
    "cycle": "cycle",
    "all": "all",
    None: "all",
}
_BY = {
    "cycle_number": "by_cycle",
    "cycle": "by_cycle",
    "pass_number": "by_pass",
    "pass": "by_pass",
    "day": "by_day",
    "month": "by_month",
    "time.month": "by_month",
    "time.day": "by_day",
}
#: Kilometres of a degree of latitude.
_KILOMETRES = 111.2


def _target(words: dict[Any, str], what: str, key: Any) -> str:
    if not isinstance(key, Hashable) or key not in words:
        known = ", ".join(sorted({repr(word) for word in words}))
        raise InvalidArgumentError(f"{what}={key!r}: expected one of {known}")
    return words[key]


def _statistics(statistics: str | Iterable[str]) -> str:
    return statistics if isinstance(statistics, str) else ",".join(statistics)


def run(collection: Collection, statistics: str, target: str) -> Any:
    """Reduce what is selected: in memory, or, where the result is larger than the budget, lazily from a temporary file."""
    plan = collection._plan()
    jobs, memory, progress = collection._options
    handle: Handle
    with listener_of(progress) as listener:
        options: dict[str, Any] = {"jobs": jobs, "memory": memory, "listener": listener}
        try:
            result, _ = plan.reduce(statistics, target, **options)
            handle, source = MemoryHandle(result), None
        except MemoryBudgetError:
            folder = tempfile.mkdtemp(prefix="karin-result-")
            source = os.path.join(folder, "result.nc")
            plan.reduce(statistics, target, path=source, history=f"karin {statistics} by {target}", **options)
            handle = FileHandle(source)
            weakref.finalize(handle, _remove, folder, source)
    names = [path.strip("/") for path in group_paths(handle.dataset().structure())]
    datasets = {name: _finished(handle, name, source) for name in names}
    datasets = {name: dataset for name, dataset in datasets.items() if dataset.variables}
    if len(datasets) == 1:
        return next(iter(datasets.values()))
    return xr.DataTree.from_dict({f"/{name}": dataset for name, dataset in datasets.items()})


def _finished(handle: Handle, group: str, source: str | None) -> xr.Dataset:
    dataset = decoded(handle, group, source=source)
    places = [name for name in ("longitude", "latitude", "lon", "lat") if name in dataset.variables]
    dataset = indexed(dataset.set_coords(places))
    return dataset if source is not None else dataset.load()


def _remove(folder: str, path: str) -> None:
    for remove, what in ((os.unlink, path), (os.rmdir, folder)):
        try:
            remove(what)
        except OSError:
            pass


class Reducible:
    """What can be reduced. Fill and NaN take no part; ``count`` is 0 without a value, everything else NaN."""

    __slots__ = ()

    def reduce(self: Any, statistics: str | Iterable[str], over: Hashable = "cycle_number") -> Any:
        """Compute several statistics in one pass over the data.

        Parameters
        ----------
        statistics
            Of ``count``, ``sum``, ``mean``, ``min``, ``max``, ``var``, ``std``, ``first``, ``last``, ``median``,
            ``quantile(0.9)``, ``trend`` (per year); a list, or a text with commas.
        over
            ``"cycle_number"``: a value per pixel of every pass; ``None`` or ``"all"``: one per variable.

        Returns
        -------
        xarray.Dataset
            One statistic keeps the names of the variables; several add ``_<statistic>``. With coordinates and
            attributes; lazy where it is larger than the memory budget. Products with two sides give a DataTree.
        """
        return run(self, _statistics(statistics), _target(_OVER, "over", over))

    def mean(self, dim: Hashable = "cycle_number") -> Any:
        """Arithmetic mean over ``dim`` (see :meth:`reduce`)."""
        return self.reduce("mean", dim)

    def std(self, dim: Hashable = "cycle_number") -> Any:
        """Standard deviation (of the population, as numpy's) over ``dim``."""
        return self.reduce("std", dim)

    def var(self, dim: Hashable = "cycle_number") -> Any:
        """Variance (of the population, as numpy's) over ``dim``."""
        return self.reduce("var", dim)

    def min(self, dim: Hashable = "cycle_number") -> Any:
        """Smallest value over ``dim``."""
        return self.reduce("min", dim)

    def max(self, dim: Hashable = "cycle_number") -> Any:
        """Greatest value over ``dim``."""
        return self.reduce("max", dim)

    def sum(self, dim: Hashable = "cycle_number") -> Any:
        """Sum over ``dim``."""
        return self.reduce("sum", dim)

    def count(self, dim: Hashable = "cycle_number") -> Any:
        """Count the values over ``dim``."""
        return self.reduce("count", dim)

    def median(self, dim: Hashable = "cycle_number") -> Any:
        """Median over ``dim``."""
        return self.reduce("median", dim)

    def quantile(self, q: float | Iterable[float], dim: Hashable = "cycle_number") -> Any:
        """Quantiles over ``dim``, interpolated linearly; several lie along a dimension ``quantile``."""
        if isinstance(q, (int, float)):
            return self.reduce(f"quantile({float(q):.12g})", dim).assign_coords(quantile=float(q))
        parts = [self.reduce(f"quantile({float(one):.12g})", dim).assign_coords(quantile=float(one)) for one in q]
        return xr.concat(parts, "quantile", coords="minimal", compat="override", data_vars="all", join="override")

    def grid(self: Any, step: float, stat: str | Iterable[str] = "mean") -> Any:
        """Bin onto a grid of longitude and latitude.

        Parameters
        ----------
        step
            Degrees.
        stat
            Statistics, as in :meth:`reduce`.
        """
        return run(self, _statistics(stat), repr(float(step)))

    def timeseries(
        self: Any,
        variables: str | Iterable[str] | None = None,
        *,
        point: tuple[float, float] | None = None,
        bbox: Any = None,
        radius: float = 5.0,
        stat: str | Iterable[str] = "mean",
        pass_number: Any = None,
    ) -> xr.Dataset:
        """Follow a place through time: a value per pass that sees it in every cycle.

        Parameters
        ----------
        variables
            Names; what is selected if not given.
        point
            Longitude and latitude; ``radius`` is half the side of the box around it, in kilometres.
        bbox
            West, south, east, north, instead of a point.
        stat
            Statistics of the pixels inside, as in :meth:`reduce`.
        pass_number
            Only these passes.

        Returns
        -------
        xarray.Dataset
            Along ``time`` (mean time of the lines inside), ascending, with cycle_number and pass_number of each.
        """
        if point is not None:
            if bbox is not None:
                raise InvalidArgumentError("point and bbox exclude each other")
            bbox = _around(point, radius)
        chosen = self.sel(bbox=bbox, pass_number=pass_number, variables=variables)
        names = [name for name in chosen.variables if name not in ("time", "latitude", "longitude")]
        cube = chosen.sel(variables=names).handle().dataset()
        passes = cube.read("pass_number", [(0, cube.structure()["dimensions"]["pass_number"], 1)])
        parts = []
        for number in passes[sorted({at for _, at, _, _ in cube.cells()})]:
            one = run(chosen.sel(pass_number=int(number), variables=names), _statistics(stat), "by_cycle")
            when = run(chosen.sel(pass_number=int(number), variables=["time"]), "mean", "by_cycle")
            one = one.assign_coords(time=("cycle_number", when["time"].values.astype("datetime64[ns]")))
            one = one.swap_dims(cycle_number="time").reset_coords("cycle_number")
            parts.append(one.assign(pass_number=("time", np.full(one.sizes["time"], number))))
        series = xr.concat(parts, "time", data_vars="all", combine_attrs="drop_conflicts").sortby("time")
        placed: xr.Dataset = series.set_coords(["cycle_number", "pass_number"])
        return placed


def _around(point: tuple[float, float], radius: float) -> tuple[float, float, float, float]:
    longitude, latitude = (float(value) for value in point)
    high = radius / _KILOMETRES
    wide = min(high / max(float(np.cos(np.radians(latitude))), 1e-3), 179.0)
    return longitude - wide, max(latitude - high, -90.0), longitude + wide, min(latitude + high, 90.0)


class GroupBy:
    """What is selected, to be reduced by month, day, cycle or pass."""

    def __init__(self, collection: Collection, key: Hashable) -> None:
        self._collection = collection
        self._target = _target(_BY, "groupby", key)
        self._key = key

    def reduce(self, statistics: str | Iterable[str]) -> Any:
        """Compute statistics (see :meth:`karin.Collection.reduce`), a value for every group."""
        return run(self._collection, _statistics(statistics), self._target)

    def mean(self) -> Any:
        """Arithmetic mean."""
        return self.reduce("mean")

    def std(self) -> Any:
        """Standard deviation."""
        return self.reduce("std")

    def var(self) -> Any:
        """Variance."""
        return self.reduce("var")

    def min(self) -> Any:
        """Smallest value."""
        return self.reduce("min")

    def max(self) -> Any:
        """Greatest value."""
        return self.reduce("max")

    def sum(self) -> Any:
        """Sum."""
        return self.reduce("sum")

    def count(self) -> Any:
        """Number of values."""
        return self.reduce("count")

    def median(self) -> Any:
        """Median."""
        return self.reduce("median")

    def quantile(self, q: float) -> Any:
        """Quantile, interpolated linearly."""
        return self.reduce(f"quantile({float(q):.12g})")

    def __repr__(self) -> str:
        return f"{self._collection!r}\n  grouped by {json.dumps(self._key)}"
