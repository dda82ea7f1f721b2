"""The handle of a collection or of granule files."""

from __future__ import annotations

import builtins
import hashlib
import json
import os
from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import xarray as xr

from karin import _karin, _show
from karin._features import Featured
from karin._groupby import GroupBy
from karin._progress import listener_of
from karin._reduce import Reducible
from karin._selection import SelectionSpec
from karin._source import SourceSpec, name_of, reach_of, source_of
from karin._spectra import Spectral
from karin._table import GranuleTable
from karin._write import Writable
from karin.errors import InvalidArgumentError

if TYPE_CHECKING:
    from karin._views import ViewHandle
    from karin._widget import Viewer

PathLike = str | os.PathLike[str]


def open(  # noqa: A001 - the word that users look for
    path: PathLike,
    *,
    snapshot: str | None = None,
    endpoint: str | None = None,
    region: str | None = None,
    settings: Mapping[str, Any] | None = None,
    credentials: PathLike | None = None,
) -> Collection:
    """Open a collection, or a folder of granules.

    Parameters
    ----------
    path
        Folder of a collection, ``s3://bucket/prefix``, or whatever :func:`granules` takes.
    snapshot
        State to read, by its identifier; the newest if not given.
    endpoint, region
        Address and region of an S3 service other than AWS.
    settings, credentials
        For granules at servers, as in :func:`granules`.

    Returns
    -------
    Collection
        A lazy handle.
    """
    spec = SourceSpec((os.fspath(path),), snapshot, reach_of(endpoint, region, settings, credentials))
    source_of(spec, fresh=True)
    return Collection(spec)


def granules(
    paths: PathLike | Iterable[PathLike],
    *,
    endpoint: str | None = None,
    region: str | None = None,
    settings: Mapping[str, Any] | None = None,
    credentials: PathLike | None = None,
) -> Collection:
    """Handle netCDF granules as if they were a collection.

    Parameters
    ----------
    paths
        Granule files, folders of them, addresses of granules (``https://…``, ``sftp://…``, ``s3://….nc``, of which only what
        is needed is read), and ``@FILE`` for what a file lists: one or many.
    endpoint, region
        Address and region of an S3 service other than AWS.
    settings
        Settings for granules at servers, such as ``{"transfers.connections": 4}``, before those of the environment and
        ``access.toml`` (see :func:`karin.find`).
    credentials
        A file in the form of a ``.netrc``, before all other sources of accounts. The handle and its pickles hold its path,
        never what is in it.

    Returns
    -------
    Collection
        A lazy handle; the files stay as they are.
    """
    names = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    reach = reach_of(endpoint, region, settings, credentials)
    spec = SourceSpec(tuple(os.fspath(path) for path in names), None, reach)
    source_of(spec, fresh=True)
    return Collection(spec)


#: Words of the command line and of other tools, and how they are called here.
_MEANT = {
    "cycle": "cycle_number",
    "cycles": "cycle_number",
    "pass_": "pass_number",
    "passes": "pass_number",
    "vars": "variables",
    "variable": "variables",
    "box": "bbox",
}


class Options(NamedTuple):
    """How work is done: threads, bytes of memory, and whether progress is shown (`None`: where somebody looks)."""

    jobs: int | None = None
    memory: int | None = None
    progress: bool | None = None


class Collection(Featured, Reducible, Spectral, Writable):
    """A collection, or granules that are handled as one: a lazy, chainable handle that pickles as its description.

    Made by :func:`karin.open` and :func:`karin.granules`, narrowed by :meth:`sel`. Nothing is read until values are
    asked for.
    """

    __slots__ = ("_options", "_selection", "_spec")

    def __init__(self, spec: SourceSpec, selection: SelectionSpec | None = None, options: Options | None = None) -> None:
        self._spec = spec
        self._selection = selection or SelectionSpec()
        self._options = options or Options()

    def __reduce__(self) -> tuple[type[Collection], tuple[SourceSpec, SelectionSpec, Options]]:
        return Collection, (self._spec, self._selection, self._options)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Collection) and self.__reduce__() == other.__reduce__()

    def __hash__(self) -> int:
        return hash((self._spec, self._selection, self._options))

    def __dask_tokenize__(self) -> tuple[str, str]:
        return "karin.Collection", self._token()

    def _token(self) -> str:
        """Name what is selected of exactly which granules: the same for the same, in every process."""
        what = [name_of(self._spec, progress=self._options.progress), self._selection]
        return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:32]

    @property
    def _source(self) -> _karin.Source:
        return source_of(self._spec, progress=self._options.progress)

    def _plans(self, *, layout: str | None = None) -> list[_karin.Plan]:
        words = dict(self._selection.words)
        if layout is not None:
            words["layout"] = layout
        with listener_of(self._options.progress) as listener:
            return self._source.plan(words, list(self._selection.lets), listener=listener)

    def _plan(self) -> _karin.Plan:
        plans = self._plans()
        if len(plans) > 1:
            schemas = ", ".join("/".join(plan.schemas) for plan in plans)
            raise InvalidArgumentError(f'version="all" gives one result for each of {schemas}: use .versions()')
        return plans[0]

    def versions(self) -> dict[str, Collection]:
        """Give what is selected of every schema (``C``, ``D``, ``v2`` …) by itself."""
        plans = self.sel(version="all")._plans()
        return {schema: self.sel(version=schema) for plan in plans for schema in plan.schemas}

    @property
    def paths(self) -> builtins.list[str]:
        """What was opened."""
        return list(self._spec.paths)

    @property
    def snapshot(self) -> str | None:
        """The snapshot that a collection is read at; `None` for files."""
        return self._source.snapshot

    @property
    def products(self) -> builtins.list[str]:
        """Names of the products that there are."""
        return sorted({name for name in self._source.entries()["product"] if name is not None})

    @property
    def variables(self) -> builtins.list[str]:
        """Names of the variables that are selected."""
        return [name for plan in self._plans() for name in plan.variables()]

    def granules(self) -> GranuleTable:
        """What is known of every granule that is selected, without opening it, as a table.

        Returns
        -------
        GranuleTable
            Columns granule, product, phase, cycle_number, pass_number, version, schema, time_start, time_end (UTC) and
            bytes; ``.to_dataframe()`` makes a :class:`pandas.DataFrame` of it.
        """
        columns = self._source.entries()
        if self._selection != SelectionSpec():
            chosen = [entry for plan in self._plans() for entry in plan.entries()]
            columns = {name: [values[entry] for entry in chosen] for name, values in columns.items()}
        return GranuleTable(columns)

    def history(self) -> builtins.list[dict[str, Any]]:
        """Snapshots of a collection that can be read, the newest first: id, time, message, parent, properties."""
        if len(self._spec.paths) != 1 or self.snapshot is None:
            raise InvalidArgumentError("only a collection has a history")
        reach = self._spec.reach
        text = _karin.history(self._spec.paths[0], endpoint=reach.endpoint, region=reach.region)
        return list(json.loads(text)["snapshots"] if text.startswith("{") else json.loads(text))

    def at(self, snapshot: str) -> Collection:
        """Give the same collection as it was at a snapshot (see :meth:`history`)."""
        spec = self._spec._replace(snapshot=snapshot)
        source_of(spec)
        return Collection(spec, self._selection, self._options)

    def using(self, *, jobs: int | None = None, memory: int | None = None, progress: bool | None = None) -> Collection:
        """Say how work is done.

        Parameters
        ----------
        jobs
            Threads; all cores if not given.
        memory
            Bytes of buffers and results that may be held at a time; 1 GiB if not given.
        progress
            Whether progress is shown; if not given, in notebooks and terminals.
        """
        return Collection(self._spec, self._selection, Options(jobs, memory, progress))

    def sel(
        self,
        *,
        product: str | None = None,
        phase: str | None = None,
        version: str | None = None,
        cycle_number: Any = None,
        pass_number: Any = None,
        time: Any = None,
        bbox: Any = None,
        polygon: Any = None,
        variables: str | Iterable[str] | None = None,
        quality: str | None = None,
        where: str | None = None,
        crop: str | None = None,
        nadir: str | None = None,
        side: str | None = None,
        from_: str | None = None,
        method: str | None = None,
        **lets: str,
    ) -> Collection:
        """Narrow what is selected. Nothing is read.

        Parameters
        ----------
        product
            Name such as ``"L2_LR_SSH_Basic"``; needed where there are several.
        phase
            ``"calval"`` or ``"science"``.
        version
            Baseline or version: ``"C"``, ``"PIC?"``, ``"v2"``; ``"best"`` (default; ``"latest"`` is
            the same) or ``"all"``.
        cycle_number, pass_number
            A number, several, or a slice of labels, both ends included.
        time
            Lines by their time (UTC): ``slice(a, b)``, ``"A..B"``, or a day. From a up to but not including b; a bare
            date is that whole day.
        bbox
            West, south, east, north in degrees, edges included; west > east crosses the antimeridian.
        polygon
            shapely geometry, GeoDataFrame, GeoJSON (dictionary or text), or the path of a GeoJSON file.
        variables
            Names of stored variables, of ``lets`` or of derived quantities such as ``"ssha"``, ``"u_geo"`` or
            ``"vorticity_over_f"``.
        quality
            Least quality of values that are kept: ``"good"``, ``"suspect"``, ``"degraded"`` or ``"any"`` (default).
        where
            Expression that is true for values that are kept; several are joined by *and*.
        crop
            ``"exact"`` (default: pixels outside become fill) or ``"lines"`` (whole lines that touch the region).
        nadir
            Nadir values that L3 clips into the swath: ``"keep"`` (default), ``"drop"`` or ``"only"``.
        side
            Side of 250 m products: ``"left"``, ``"right"``, or ``"both"``, which :meth:`to_xarray` gives as one swath with
            places for all its pixels. If not said, both come side by side, as the product has them.
        from_
            Height that currents, vorticity and the like derive from (``--from`` of the command line); ``"ssha_filtered"``
            where there is one, else ``"ssha"``.
        method
            How they are derived: ``"l3"`` (default: as AVISO's L3 products), ``"fit:9"``, ``"curvilinear"``, ...
        **lets
            Derived variables, ``name="expression"``; select them by ``variables``.

        Returns
        -------
        Collection
            A new handle. Its ``repr`` is the plan, with bytes to read.

        Examples
        --------
        >>> swot.sel(cycle_number=slice(475, 480), bbox=(-15, 34, 36, 54), variables="ssha", quality="good")
        """
        options = {
            "product": product,
            "phase": phase,
            "version": version,
            "cycle_number": cycle_number,
            "pass_number": pass_number,
            "time": time,
            "bbox": bbox,
            "polygon": polygon,
            "variables": variables,
            "quality": quality,
            "where": where,
            "crop": crop,
            "nadir": nadir,
            "side": side,
            "from_": from_,
            "method": method,
        }
        for name, expression in lets.items():
            if name in _MEANT:
                raise InvalidArgumentError(f"{name}: this is called {_MEANT[name]} here")
            if not isinstance(expression, str):
                known = ", ".join(options)
                raise InvalidArgumentError(
                    f"{name}={expression!r}: expected an expression as text, or one of the options {known}"
                )
        return Collection(self._spec, self._selection.refined(options, lets), self._options)

    def handle(self, *, stack: str | None = None) -> ViewHandle:
        """Name the lazy dataset of what is selected (for backends of xarray)."""
        from karin._views import ViewHandle

        if stack not in (None, "lines"):
            raise InvalidArgumentError(f'stack={stack!r}: expected None (a cube) or "lines"')
        spec = self._spec._replace(snapshot=self._source.snapshot)
        pinned = Collection(spec, self._selection, self._options)
        return ViewHandle(pinned, "cube" if stack is None else "lines")

    def to_xarray(
        self,
        *,
        stack: str | None = None,
        layout: str | None = None,
        group: str | None = None,
        chunks: Any = None,
        decode: bool = True,
    ) -> Any:
        """Give what is selected as lazy, CF-decoded xarray objects.

        Parameters
        ----------
        stack
            ``None``: a cube with dimensions cycle_number, pass_number, num_lines, num_pixels. ``"lines"``: one long
            swath with cycle_number, pass_number and line_number per line.
        layout
            ``"passes"``: a dictionary of one Dataset per ``(cycle_number, pass_number)`` instead, cropped to the lines
            that it has; ``"tree"``: a DataTree of them.
        group
            Side of 250 m products, ``"left"`` or ``"right"``; both come as a DataTree if not given.
        chunks
            Read through Dask, as in :func:`xarray.open_dataset`: ``"auto"``, ``{}`` (a chunk per granule) or sizes. Names
            of tasks are deterministic.
        decode
            False: numbers as stored.

        Returns
        -------
        xarray.Dataset, xarray.DataTree or dict
            Places without a granule or a line are NaN. Values are read when they are needed, in parallel.
        """
        from karin._views import to_xarray

        return to_xarray(self, stack=stack, layout=layout, group=group, chunks=chunks, decode=decode)

    def to_dask(self, chunks: Any = "auto", **options: Any) -> Any:
        """Give what is selected through Dask: :meth:`to_xarray` with chunks."""
        return self.to_xarray(chunks=chunks, **options)

    def load(self, **options: Any) -> Any:
        """Give what is selected with all values in memory: :meth:`to_xarray`, read."""
        found = self.to_xarray(**options)
        if isinstance(found, Mapping) and not isinstance(found, (xr.Dataset, xr.DataTree)):
            return {name: dataset.load() for name, dataset in found.items()}
        return found.load()

    def view(self, *, height: int = 600) -> Viewer:
        """Show what is selected in a notebook: see :func:`karin.view`."""
        from karin._viewer import view

        return view(self, height=height)

    def groupby(self, key: Hashable) -> GroupBy:
        """Reduce by ``"month"``, ``"day"``, ``"hour"``, ``"cycle_number"`` or ``"pass_number"``: ``.groupby("month").mean()``."""
        return GroupBy(self, key)

    def __repr__(self) -> str:
        return _show.text(self)

    def _repr_html_(self) -> str:
        return _show.html(self)
