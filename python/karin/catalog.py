"""What is on disk, in collections and at providers, in one index: which passes are lacking, and where they are.

>>> karin.catalog.add("granules/", "swot.karin")
>>> karin.catalog.add_provider("L3_LR_SSH_Basic", cycle_number=slice(475, 578))
>>> karin.catalog.missing("L3_LR_SSH_Basic", cycle_number=slice(475, 578)).to_dataframe()

The index lies in the folder of karin's settings and is the one of the command ``karin catalog``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from karin import _karin
from karin._progress import listener_of
from karin._question import PathLike, question, settings_of, table
from karin._table import Table
from karin.errors import NotFoundError

__all__ = ["MissingTable", "add", "add_provider", "list", "missing", "remove"]

_ADDED = ("place", "kind", "granules", "new", "gone")
_SOURCES = ("place", "kind", "products", "granules", "cycles", "bytes", "looked_at")


def add(
    *places: PathLike,
    endpoint: str | None = None,
    region: str | None = None,
    settings: Mapping[str, Any] | None = None,
    progress: bool | None = None,
) -> Table:
    """Look at folders of granules and at collections, and keep what they have.

    Parameters
    ----------
    *places
        Folders, with everything below them, and collections. Added again, they are looked at again.
    endpoint, region
        Address and region of an S3 service other than AWS.
    settings
        As in :func:`karin.find`.
    progress
        As in :meth:`karin.Collection.using`.

    Returns
    -------
    Table
        place, kind, and how many granules there are, are new, and are gone.
    """
    with listener_of(progress) as listener:
        text = _karin.catalog_add(
            [os.fspath(place) for place in places],
            settings_of(settings),
            endpoint=endpoint,
            region=region,
            listener=listener,
        )
    return table(json.loads(text), _ADDED)


def add_provider(
    product: str,
    *,
    from_: PathLike | None = None,
    phase: str | None = None,
    cycle_number: Any = None,
    pass_number: Any = None,
    time: Any = None,
    bbox: Any = None,
    polygon: Any = None,
    version: str | None = None,
    settings: Mapping[str, Any] | None = None,
    credentials: PathLike | None = None,
    progress: bool | None = None,
) -> Table:
    """Ask a provider what it has of a product, and keep that. Options are those of :func:`karin.find`.

    Returns
    -------
    Table
        As that of :func:`add`.
    """
    asked = question(
        product,
        from_,
        settings,
        credentials,
        phase=phase,
        cycle_number=cycle_number,
        pass_number=pass_number,
        time=time,
        bbox=bbox,
        polygon=polygon,
        version=version,
    )
    with listener_of(progress) as listener:
        text = _karin.catalog_add_provider(asked.asked(), listener=listener)
    return table(json.loads(text), _ADDED)


def list(*, settings: Mapping[str, Any] | None = None) -> Table:  # noqa: A001 - the word of the command
    """Tell of every source that is kept.

    Returns
    -------
    Table
        place, kind (``"folder"``, ``"collection"`` or ``"provider"``), products, granules, cycles (first and last), bytes as
        far as they are known, and when it was looked at (UTC).
    """
    return table(json.loads(_karin.catalog_list(settings_of(settings))), _SOURCES)


class MissingTable(Table):
    """Passes that are lacking: cycle_number, pass_number, time_start (UTC, by the orbit), here, partial, version, size, places.

    ``here`` is the version that is here although a provider has a later one, or of which a collection has some lines only
    (``partial``). ``version``, ``size`` (bytes) and ``places`` are those of what providers have; without places nobody that the
    catalogue knows of has the pass.
    """

    def __init__(self, columns: Mapping[str, Sequence[Any]], told: Mapping[str, Any]) -> None:
        super().__init__(columns)
        #: Passes that were asked for, and those of them that are here whole and in the newest version.
        self.wanted: int = told["wanted"]
        self.here: int = told["here"]
        #: Bytes of what is lacking, as far as they are known.
        self.bytes: int = told["bytes"]
        #: Providers of the product that the catalogue knows of.
        self.providers: Sequence[str] = told["providers"]

    def __reduce__(self) -> tuple[type[MissingTable], tuple[Any, ...]]:
        told = {"wanted": self.wanted, "here": self.here, "bytes": self.bytes, "providers": self.providers}
        return MissingTable, ({name: self[name] for name in self}, told)


def missing(
    product: str,
    *,
    phase: str | None = None,
    cycle_number: Any = None,
    pass_number: Any = None,
    time: Any = None,
    bbox: Any = None,
    polygon: Any = None,
    version: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> MissingTable:
    """Tell which passes of a product are not here whole and in the newest version, and where they are.

    Nothing is asked over the net: :func:`add` and :func:`add_provider` look.

    Parameters
    ----------
    product, phase, cycle_number, pass_number, time, bbox, polygon, version, settings
        As in :func:`karin.find`.

    Returns
    -------
    MissingTable
        A row per pass, in the order of time.

    Examples
    --------
    >>> lacking = karin.catalog.missing("L3_LR_SSH_Basic", cycle_number=12, bbox=(-10, 35, 5, 45))
    >>> karin.get("L3_LR_SSH_Basic", "granules/", cycle_number=12, pass_number=lacking["pass_number"])
    """
    asked = question(
        product,
        None,
        settings,
        None,
        phase=phase,
        cycle_number=cycle_number,
        pass_number=pass_number,
        time=time,
        bbox=bbox,
        polygon=polygon,
        version=version,
    )
    told = json.loads(_karin.catalog_missing(asked.asked()))
    rows = [_row(row) for row in told["missing"]]
    names = ("cycle_number", "pass_number", "time_start", "here", "partial", "version", "size", "places")
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in names}
    columns["time_start"] = np.array([text.rstrip("Z") for text in columns["time_start"]], dtype="datetime64[ns]")
    return MissingTable(columns, told)


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    best = row["at"][0] if row["at"] else {}
    return {
        "cycle_number": row["cycle_number"],
        "pass_number": row["pass_number"],
        "time_start": row["time_start"],
        "here": row.get("here"),
        "partial": row.get("partial", False),
        "version": best.get("version"),
        "size": best.get("size") or None,
        "places": ", ".join(offer["place"] for offer in row["at"]),
    }


def remove(place: PathLike, *, settings: Mapping[str, Any] | None = None) -> None:
    """Forget a source; its files are untouched.

    Parameters
    ----------
    place
        The source, as :func:`list` names it.

    Raises
    ------
    karin.errors.NotFoundError
        If the catalogue has no such source.
    """
    if not _karin.catalog_remove(os.fspath(place), settings_of(settings)):
        raise NotFoundError(f"the catalogue has no source {os.fspath(place)!r}: karin.catalog.list() names them")
