"""Reductions, computed in Rust granule by granule inside a memory budget."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, Any

import xarray as xr

from karin import _karin
from karin._arrays import FileHandle, Handle, MemoryHandle, group_paths
from karin._backend import decoded, indexed
from karin._progress import listener_of
from karin._reduction import Bins, Reduction, in_bins, names_of, statistics_of
from karin._reduction import over as _over
from karin.errors import InvalidArgumentError, MemoryBudgetError

if TYPE_CHECKING:
    from karin._collection import Collection

def run(collection: Collection, reduction: Reduction, client: Any = None) -> Any:
    """Reduce what is selected: in memory, or, where the result is larger than the budget, lazily from a temporary file.

    With a client of a Dask cluster, its workers do it.
    """
    collection = _reading_beside(collection, reduction)
    if client is not None:
        from karin import _dask

        return _dask.reduce(collection, reduction, client)
    return finished(*executed(collection, reduction))


def executed(collection: Collection, reduction: Reduction) -> tuple[Handle, str | None]:
    """Reduce in this process: where the result is, and the temporary file that holds it, if one does."""
    plan = collection._plan()
    jobs, memory, progress = collection._options
    handle: Handle
    with listener_of(progress) as listener:
        options: dict[str, Any] = {"jobs": jobs, "memory": memory, "listener": listener}
        try:
            result, _, arrays = plan.reduce(reduction, **options)
            handle, source = MemoryHandle(result, arrays), None
        except MemoryBudgetError:
            folder = tempfile.mkdtemp(prefix="karin-result-")
            source = os.path.join(folder, "result.nc")
            plan.reduce(reduction, path=source, history=f"karin {reduction.statistics} {reduction.target}", **options)
            handle = FileHandle(source)
            weakref.finalize(handle, _remove, folder, source)
    return handle, source


def _reading_beside(collection: Collection, reduction: Reduction) -> Collection:
    """Select what values are binned by or compared with, too."""
    names = _karin.read_beside(reduction)
    if not names:
        return collection
    selection = collection._selection
    words = tuple(sorted({**dict(selection.words), "also": ",".join(names)}.items()))
    return type(collection)(collection._spec, selection._replace(words=words), collection._options)


def finished(handle: Handle, source: str | None = None) -> Any:
    """A result of the engine as xarray: a dataset, or a tree of both sides; with its values where they are in memory."""
    whole = described(handle, source)
    return whole if source is not None else whole.load()


def described(handle: Handle, source: str | None = None) -> Any:
    """The same with values that are read when they are asked for."""
    names = [path.strip("/") for path in group_paths(handle.dataset().structure())]
    datasets = {name: _described(handle, name, source) for name in names}
    datasets = {name: dataset for name, dataset in datasets.items() if dataset.variables}
    if len(datasets) == 1:
        return next(iter(datasets.values()))
    return xr.DataTree.from_dict({f"/{name}": dataset for name, dataset in datasets.items()})


def _described(handle: Handle, group: str, source: str | None) -> xr.Dataset:
    dataset = decoded(handle, group, source=source)
    places = [name for name in ("longitude", "latitude", "lon", "lat") if name in dataset.variables]
    return indexed(dataset.set_coords(places))


def _remove(folder: str, path: str) -> None:
    for remove, what in ((os.unlink, path), (os.rmdir, folder)):
        try:
            remove(what)
        except OSError:
            pass


class Reducible:
    """What can be reduced. Fill and NaN take no part; ``count`` is 0 without a value, everything else NaN."""

    __slots__ = ()

    def reduce(
        self: Any,
        statistics: str | Iterable[str],
        over: Hashable = "cycle_number",
        *,
        with_: str | None = None,
        having: str | None = None,
        client: Any = None,
    ) -> Any:
        """Compute several statistics in one pass over the data.

        Parameters
        ----------
        statistics
            Of ``count``, ``sum``, ``mean``, ``min``, ``max``, ``var``, ``std``, ``first``, ``last``, ``median``,
            ``quantile(0.9)``, ``mad`` (median absolute deviation), ``trend`` (per year); together with another variable
            ``correlation``, ``covariance``, ``slope``, ``intercept``, ``rms_difference``, ``mean_difference``. A list, or a
            text with commas.
        over
            ``"cycle_number"``: a value per pixel of every pass; ``"num_pixels"``: per line, and ``"num_lines"``: per pixel
            column, of every cycle and pass; ``None`` or ``"all"``: one per variable.
        with_
            Another variable that every one is compared with, pixel by pixel, where both have values.
        having
            Condition over statistics, as ``"count >= 10 and std < 0.5"``: results that fail become NaN (counts stay).
        client
            A :class:`distributed.Client`: workers of its cluster do independent parts, which merge to the same result
            (see :doc:`guide/dask`). All methods that reduce take it.

        Returns
        -------
        xarray.Dataset
            One statistic keeps the names of the variables; several add ``_<statistic>``. With coordinates and
            attributes; lazy where it is larger than the memory budget. Products with two sides give a DataTree.
        """
        target = _over(over)
        return run(self, Reduction(statistics_of(statistics), target, with_, having), client)

    def mean(self, dim: Hashable = "cycle_number", *, client: Any = None) -> Any:
        """Arithmetic mean over ``dim`` (see :meth:`reduce`)."""
        return self.reduce("mean", dim, client=client)

    def std(self, dim: Hashable = "cycle_number", *, client: Any = None) -> Any:
        """Standard deviation (of the population, as numpy's) over ``dim``."""
        return self.reduce("std", dim, client=client)

    def var(self, dim: Hashable = "cycle_number", *, client: Any = None) -> Any:
        """Variance (of the population, as numpy's) over ``dim``."""
        return self.reduce("var", dim, client=client)

    def min(self, dim: Hashable = "cycle_number", *, client: Any = None) -> Any:
        """Smallest value over ``dim``."""
        return self.reduce("min", dim, client=client)

    def max(self, dim: Hashable = "cycle_number", *, client: Any = None) -> Any:
        """Greatest value over ``dim``."""
        return self.reduce("max", dim, client=client)

    def sum(self, dim: Hashable = "cycle_number", *, client: Any = None) -> Any:
        """Sum over ``dim``."""
        return self.reduce("sum", dim, client=client)

    def count(self, dim: Hashable = "cycle_number", *, client: Any = None) -> Any:
        """Count the values over ``dim``."""
        return self.reduce("count", dim, client=client)

    def median(self, dim: Hashable = "cycle_number", *, client: Any = None) -> Any:
        """Median over ``dim``."""
        return self.reduce("median", dim, client=client)

    def mad(self, dim: Hashable = "cycle_number", *, client: Any = None) -> Any:
        """Median absolute deviation over ``dim``: the median of the distances to the median, not scaled."""
        return self.reduce("mad", dim, client=client)

    def correlation(self, other: str, dim: Hashable = "cycle_number", *, client: Any = None) -> Any:
        """Pearson's correlation with another variable over ``dim``, where both have values."""
        return self.reduce("correlation", dim, with_=other, client=client)

    def quantile(self, q: float | Iterable[float], dim: Hashable = "cycle_number", *, client: Any = None) -> Any:
        """Quantiles over ``dim``, interpolated linearly; several lie along a dimension ``quantile``."""
        q = q if isinstance(q, (int, float)) else list(q)
        if isinstance(q, (int, float)):
            return self.reduce(f"quantile({float(q):.12g})", dim, client=client).assign_coords(quantile=float(q))
        found = [self.reduce(f"quantile({float(one):.12g})", dim, client=client) for one in q]
        parts = [part.assign_coords(quantile=float(one)) for part, one in zip(found, q, strict=True)]
        return xr.concat(parts, "quantile", coords="minimal", compat="override", data_vars="all", join="override")

    def grid(
        self: Any,
        step: float,
        stat: str | Iterable[str] = "mean",
        *,
        with_: str | None = None,
        having: str | None = None,
        client: Any = None,
    ) -> Any:
        """Bin onto a grid of longitude and latitude.

        Parameters
        ----------
        step
            Degrees.
        stat, with_, having
            Statistics, as in :meth:`reduce`.
        """
        return run(self, Reduction(statistics_of(stat), f"grid {float(step)!r}", with_, having), client)

    def bin(
        self: Any,
        bins: Bins,
        stat: str | Iterable[str] = "mean",
        *,
        with_: str | None = None,
        having: str | None = None,
        client: Any = None,
    ) -> Any:
        """Statistics by the value of one variable, or of two.

        Parameters
        ----------
        bins
            A mapping of one name or two to ``(from, to, step)``, to edges (a list or an array), or to ``None`` for bins that
            fit the values; or texts such as ``"cross_track_distance:-70:70:2"``. A bin holds its lower edge and not its
            upper one, but for the last, which holds both.
        stat, with_, having
            Statistics, as in :meth:`reduce`, and ``density``.

        Returns
        -------
        xarray.Dataset
            Along the variables of the bins, with their edges in ``<name>_bounds``; ``<variable>_count`` is the number of
            values in every bin, ``<variable>_outside`` of those in none.

        Examples
        --------
        >>> swot.sel(variables="ssha").bin({"cross_track_distance": (-70, 70, 2)}, ["mean", "std"])
        """
        return run(self, Reduction(statistics_of(stat), in_bins(bins), with_, having), client)

    def histogram(
        self: Any, bins: Bins, stat: str | Iterable[str] = ("count", "density"), *, client: Any = None
    ) -> Any:
        """Count how often values fall into bins of themselves; of two variables, at the same places.

        Parameters
        ----------
        bins
            A name, two names, or bins as in :meth:`bin`.
        stat
            Statistics of the (last) variable: its ``count`` and its ``density``, which integrates to 1.
        """
        own = self.sel(variables=names_of(bins)[-1])
        return run(own, Reduction(statistics_of(stat), in_bins(bins)), client)

    def timeseries(
        self: Any,
        variables: str | Iterable[str] | None = None,
        *,
        point: tuple[float, float] | None = None,
        bbox: Any = None,
        radius: float = 5.0,
        stat: str | Iterable[str] = "mean",
        pass_number: Any = None,
        client: Any = None,
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
        from karin._timeseries import around, follow

        if point is not None:
            if bbox is not None:
                raise InvalidArgumentError("point and bbox exclude each other")
            bbox = around(point, radius)
        return follow(self.sel(bbox=bbox, pass_number=pass_number, variables=variables), statistics_of(stat), client)
