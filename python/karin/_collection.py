"""The handle of a collection or of granule files."""

from __future__ import annotations

import builtins
import json
import os
from collections.abc import Iterable
from typing import Any

from karin import _karin
from karin._source import SourceSpec, source_of
from karin._table import GranuleTable

PathLike = str | os.PathLike[str]


def open(  # noqa: A001 - the word that users look for
    path: PathLike,
    *,
    snapshot: str | None = None,
    endpoint: str | None = None,
    region: str | None = None,
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

    Returns
    -------
    Collection
        A lazy handle.
    """
    spec = SourceSpec((os.fspath(path),), snapshot, endpoint, region)
    source_of(spec, fresh=True)
    return Collection(spec)


def granules(paths: PathLike | Iterable[PathLike]) -> Collection:
    """Handle netCDF granules as if they were a collection.

    Parameters
    ----------
    paths
        Granule files and folders of them, one or many.

    Returns
    -------
    Collection
        A lazy handle; the files stay as they are.
    """
    one = isinstance(paths, (str, os.PathLike))
    names = [paths] if one else list(paths)  # type: ignore[list-item,arg-type]
    spec = SourceSpec(tuple(os.fspath(path) for path in names))
    source_of(spec, fresh=True)
    return Collection(spec)


class Collection:
    """A collection, or granules that are handled as one: a lazy, chainable handle that pickles as its description.

    Made by :func:`karin.open` and :func:`karin.granules`.
    """

    __slots__ = ("_spec",)

    def __init__(self, spec: SourceSpec) -> None:
        self._spec = spec

    @property
    def _source(self) -> _karin.Source:
        return source_of(self._spec)

    @property
    def paths(self) -> list[str]:
        """What was opened."""
        return list(self._spec.paths)

    @property
    def snapshot(self) -> str | None:
        """The snapshot that a collection is read at; `None` for files."""
        return self._source.snapshot

    @property
    def products(self) -> list[str]:
        """Names of the products that there are."""
        found = {name for name in self._source.entries()["product"] if name is not None}
        return sorted(found)

    def granules(self) -> GranuleTable:
        """What is known of every granule without opening it, as a table."""
        return GranuleTable(self._source.entries())

    def history(self) -> builtins.list[dict[str, Any]]:
        """Snapshots of a collection that can be read, the newest first: id, time, message, parent, properties."""
        (location,) = self._spec.paths
        text = _karin.history(location, endpoint=self._spec.endpoint, region=self._spec.region)
        return list(json.loads(text))

    def at(self, snapshot: str) -> Collection:
        """Give the same collection as it was at a snapshot (see :meth:`history`)."""
        spec = self._spec._replace(snapshot=snapshot)
        source_of(spec)
        return Collection(spec)
