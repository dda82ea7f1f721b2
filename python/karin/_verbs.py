"""Verbs that need no open collection: with the options of the command of the same name."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

from karin import _karin
from karin._progress import listener_of
from karin._question import PathLike, settings_of
from karin._selection import SelectionSpec, numbers
from karin._table import Table
from karin.errors import InvalidArgumentError


def passes(
    *,
    point: tuple[float, float] | None = None,
    bbox: Any = None,
    polygon: Any = None,
    time: Any = None,
    phase: str | None = None,
    half_width: float = 60.0,
) -> Table:
    """Tell which passes see a place, past and future, by the orbit alone.

    Parameters
    ----------
    point
        Longitude and latitude in degrees.
    bbox, polygon
        Instead of a point, as in :meth:`karin.Collection.sel`.
    time
        As in :meth:`karin.Collection.sel`; one cycle from now if not given.
    phase
        ``"calval"`` or ``"science"``; both if not given.
    half_width
        How far from nadir a place counts as seen, in kilometres; KaRIn measures from 10 to 60.

    Returns
    -------
    Table
        Columns phase, cycle_number, pass_number, time (UTC), direction, distance_km, side; ``.to_dataframe()``.
    """
    if sum(place is not None for place in (point, bbox, polygon)) != 1:
        raise InvalidArgumentError("give one of point, bbox and polygon")
    if not 0.1 <= half_width <= 200:
        raise InvalidArgumentError(f"half_width={half_width}: expected kilometres from 0.1 to 200")
    if point is not None:
        longitude, latitude = (float(value) for value in point)
        if abs(longitude) > 720 or not abs(latitude) <= 90:
            raise InvalidArgumentError(f"point={point!r}: expected longitude and latitude in degrees")
        point = longitude, latitude
    words = dict(SelectionSpec().refined({"bbox": bbox, "polygon": polygon, "time": time, "phase": phase}, {}).words)
    rows = json.loads(_karin.passes(words, point, half_width))
    names = ("phase", "cycle_number", "pass_number", "time", "direction", "distance_km", "side")
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in names}
    import numpy as np

    columns["time"] = np.array([text.rstrip("Z") for text in columns["time"]], dtype="datetime64[ns]")
    return Table(columns)


def simulate(
    folder: PathLike,
    *,
    cycle_number: Any,
    pass_number: Any = None,
    product: str = "L2_LR_SSH_Basic",
    phase: str | None = None,
    seed: int = 0,
    variables: Iterable[str] | None = None,
    version: str | None = None,
    jobs: int | None = None,
    memory: int | None = None,
    progress: bool | None = None,
) -> list[str]:
    """Write granules with the structure, geometry and times of real ones, of an imagined sea.

    Parameters
    ----------
    folder
        Where they are written.
    cycle_number, pass_number
        Numbers, lists or slices; all passes if not given.
    product, phase, version
        What they are; phase follows from the cycles if not given.
    seed
        Another seed is another sea.
    variables
        Beside time, latitude and longitude; all if not given.
    jobs, memory, progress
        As in :meth:`karin.Collection.using`.

    Returns
    -------
    list of str
        Paths of the granules.
    """
    with listener_of(progress) as listener:
        answer = _karin.simulate(
            os.fspath(folder),
            product,
            numbers("cycle_number", cycle_number),
            None if pass_number is None else numbers("pass_number", pass_number),
            phase=phase,
            seed=seed,
            variables=None if variables is None else list(variables),
            version=version,
            jobs=jobs,
            memory=memory,
            listener=listener,
        )
    return [os.path.join(os.fspath(folder), name) for name in json.loads(answer)["files"]]


def _from_anywhere(source: str) -> str:
    """The same source for processes that run elsewhere: paths from the root on, addresses as they are."""
    if "://" in source:
        return source
    return "@" + os.path.abspath(source[1:]) if source.startswith("@") else os.path.abspath(source)


def ingest(
    paths: PathLike | Iterable[PathLike],
    collection: PathLike,
    *,
    profile: str = "portable",
    replace: bool = False,
    virtual: bool = False,
    dry_run: bool = False,
    endpoint: str | None = None,
    region: str | None = None,
    locks_work: bool = False,
    settings: Mapping[str, Any] | None = None,
    credentials: PathLike | None = None,
    jobs: int | None = None,
    memory: int | None = None,
    progress: bool | None = None,
    client: Any = None,
) -> Table:
    """Put granules into a collection, which is made if there is none; those that are there already are skipped.

    Parameters
    ----------
    paths
        Granules, folders of them, and addresses of granules (``https://…``, ``sftp://…``, ``s3://….nc``).
    collection
        Folder or ``s3://bucket/prefix``.
    profile
        Codecs of a new collection: ``"portable"`` or ``"compact"``.
    replace
        Let a granule take the place of one of the same version but other content.
    virtual
        Leave the values in the files and refer to their chunks: nothing is copied, and the files have to stay as they are.
    dry_run
        Check everything, write nothing.
    endpoint, region, locks_work
        How to reach the collection, as the options of the command.
    settings, credentials
        How to reach granules at servers, as in :func:`karin.find`.
    jobs, memory, progress
        As in :meth:`karin.Collection.using`.
    client
        A :class:`distributed.Client`: workers of its cluster check and encode granules and put them on stable storage,
        this process commits them (see :doc:`guide/dask`).

    Returns
    -------
    Table
        What became of every file: file, half_orbit, outcome, reason, kind. Bad granules are no error: they are
        ``"refused"`` with a reason.
    """
    names = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    files, target = [_from_anywhere(os.fspath(path)) for path in names], os.fspath(collection)
    options: dict[str, Any] = {
        "profile": profile,
        "replace": replace,
        "virtual": virtual,
        "endpoint": endpoint,
        "region": region,
        "locks_work": locks_work,
        "settings": list(settings_of(settings)),
        "credentials": None if credentials is None else os.fspath(credentials),
        "jobs": jobs,
        "memory": memory,
    }
    with listener_of(progress) as listener:
        if client is not None and not dry_run:
            from karin import _dask

            rows = _dask.ingest(files, target, client, options, listener.note)["granules"]
        else:
            answer = _karin.ingest(files, target, dry_run=dry_run, listener=listener, **options)
            rows = json.loads(answer)["granules"]
    columns = ("file", "half_orbit", "outcome", "reason", "kind")
    return Table({name: [row.get(name) for row in rows] for name in columns})
