"""Granules at providers: found, fetched into folders, and collections kept up with them."""

from __future__ import annotations

import dataclasses
import html
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from karin import _karin
from karin._progress import listener_of
from karin._selection import SelectionSpec
from karin._table import Table
from karin.errors import InvalidArgumentError

PathLike = str | os.PathLike[str]

_GOT = ("file", "half_orbit", "outcome", "bytes", "reason", "kind", "from")
_LOST = ("file", "reason", "kind")


class Question(NamedTuple):
    """Whom to ask for what. Settings and the file of accounts belong to this process: they are neither shown nor pickled."""

    words: tuple[tuple[str, str], ...]
    place: str | None
    settings: tuple[str, ...] = ()
    credentials: str | None = None

    def asked(self) -> dict[str, Any]:
        """The question as the extension module takes it."""
        return {
            "words": dict(self.words),
            "place": self.place,
            "settings": list(self.settings),
            "credentials": self.credentials,
        }

    def __repr__(self) -> str:
        return f"Question(words={self.words!r}, place={self.place!r})"

    def __reduce__(self) -> tuple[type[Question], tuple[Any, ...]]:
        return Question, (self.words, self.place)


def question(
    product: str,
    place: PathLike | None,
    settings: Mapping[str, Any] | None,
    credentials: PathLike | None,
    options: Mapping[str, Any],
) -> Question:
    """Make a question of Python values."""
    if not isinstance(product, str) or not product:
        raise InvalidArgumentError(f"product={product!r}: expected the name of a product, as L2_LR_SSH_Expert")
    words = dict(SelectionSpec().refined(options, {}).words) | {"product": product}
    return Question(
        tuple(sorted(words.items())),
        None if place is None else os.fspath(place),
        tuple(f"{key}={_text(value)}" for key, value in (settings or {}).items()),
        None if credentials is None else os.fspath(credentials),
    )


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class FoundTable(Table):
    """Granules that a provider has: product, phase, cycle_number, pass_number, times (UTC), version, size, location.

    Sizes are bytes; where a provider rounds them or does not tell, ``size_is_exact`` is False.
    """

    def __init__(self, columns: Mapping[str, Sequence[Any]], asked: Question, told: Mapping[str, Any]) -> None:
        super().__init__(columns)
        self._asked = asked
        #: The place that was asked.
        self.place: str = told["from"]
        #: Parts of the place that could not be asked, and why: left out of the table.
        self.left_out: list[dict[str, str]] = list(told["left_out"])

    @property
    def size(self) -> int:
        """Bytes of all granules, as far as the provider tells."""
        return sum(size or 0 for size in self["size"])

    def get(
        self, folder: PathLike, *, dry_run: bool = False, rate: int | None = None, progress: bool | None = None
    ) -> Table:
        """Fetch these granules into a folder: see :func:`karin.get`.

        A table that comes from a pickle asks with the accounts and settings of its new process.
        """
        return _get(self._asked, folder, set(self["location"]), dry_run, rate, progress)

    def __reduce__(self) -> tuple[type[FoundTable], tuple[Any, ...]]:
        told = {"from": self.place, "left_out": self.left_out}
        return FoundTable, ({name: self[name] for name in self}, self._asked, told)


def find(
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
) -> FoundTable:
    """Ask a provider which granules it has.

    Parameters
    ----------
    product
        Product such as ``"L2_LR_SSH_Expert"``, or with the provider: ``"aviso:L3_LR_SSH_Basic"``.
    from_
        Whom to ask: ``"aviso"``, ``"podaac"``, a folder, or the address of a server or bucket; where the product
        usually is, if not given.
    phase, cycle_number, pass_number, version
        As in :meth:`karin.Collection.sel`.
    time
        Passes that fly then, as in :meth:`karin.Collection.sel`.
    bbox, polygon
        Passes that see the region, as in :meth:`karin.Collection.sel`.
    settings
        Settings such as ``{"transfers.connections": 4}``, before those of the environment and ``access.toml``.
    credentials
        A file in the form of a ``.netrc``, before all other sources of accounts.
    progress
        As in :meth:`karin.Collection.using`.

    Returns
    -------
    FoundTable
        A row per granule, in the order of time; ``.get(folder)`` fetches them, ``.to_dataframe()`` makes a
        :class:`pandas.DataFrame`. What could not be asked is warned of and in ``.left_out``.

    Raises
    ------
    karin.errors.PermissionDeniedError
        If the provider refuses the account.
    karin.errors.ReadWriteError
        If it cannot be reached.

    Examples
    --------
    >>> found = karin.find("L3_LR_SSH_Basic", time=("2024-03-01", "2024-03-08"), bbox=(-10, 35, 5, 45))
    >>> found.get("granules/")
    """
    options = _options(phase, cycle_number, pass_number, time, bbox, polygon, version)
    asked = question(product, from_, settings, credentials, options)
    with listener_of(progress) as listener:
        told = json.loads(_karin.find(asked.asked(), listener=listener))
        _warn_left_out(listener.warn, told.setdefault("left_out", []))
    names = ("product", "phase", "cycle_number", "pass_number", "time_start", "time_end", "version", "size", "size_is_exact", "location")
    columns: dict[str, Any] = {name: [row.get(name) for row in told["granules"]] for name in names}
    for name in ("time_start", "time_end"):
        columns[name] = np.array([text.rstrip("Z") for text in columns[name]], dtype="datetime64[ns]")
    return FoundTable(columns, asked, told)


def get(
    product: str,
    folder: PathLike,
    *,
    from_: PathLike | None = None,
    phase: str | None = None,
    cycle_number: Any = None,
    pass_number: Any = None,
    time: Any = None,
    bbox: Any = None,
    polygon: Any = None,
    version: str | None = None,
    dry_run: bool = False,
    rate: int | None = None,
    settings: Mapping[str, Any] | None = None,
    credentials: PathLike | None = None,
    progress: bool | None = None,
) -> Table:
    """Fetch granules of a provider into a folder. What is there already, whole and unchanged, is left alone.

    A transfer that was interrupted, by Ctrl-C too, goes on where it stopped.

    Parameters
    ----------
    product, from_, phase, cycle_number, pass_number, time, bbox, polygon, version, settings, credentials, progress
        As in :func:`karin.find`.
    folder
        Where the files go; made if there is none.
    dry_run
        Say what would be fetched, fetch nothing.
    rate
        Bytes per second for all transfers together; as fast as it goes if not given.

    Returns
    -------
    Table
        What became of every granule: file, half_orbit, outcome (``"fetched"``, ``"there"``, ``"failed"``; in a dry run
        ``"missing"``), bytes, reason, kind (that of the exception it would be) and from. Granules that fail are warned
        of; the others are fetched.
    """
    options = _options(phase, cycle_number, pass_number, time, bbox, polygon, version)
    return _get(question(product, from_, settings, credentials, options), folder, None, dry_run, rate, progress)


def _get(
    asked: Question, folder: PathLike, only: set[str] | None, dry_run: bool, rate: int | None, progress: bool | None
) -> Table:
    with listener_of(progress) as listener:
        text = _karin.get(
            asked.asked(), os.fspath(folder), only=only, dry_run=dry_run, rate=_rate(rate), listener=listener
        )
        told = json.loads(text)
        _warn_left_out(listener.warn, told["left_out"])
        failed = [row for row in told["granules"] if row["outcome"] == "failed"]
        _warn_lost(listener.warn, failed, len(told["granules"]), "could not be fetched")
    return _table(told["granules"], _GOT)


@dataclasses.dataclass(frozen=True)
class Synced:
    """What :func:`karin.sync` did."""

    #: The collection.
    collection: str
    #: The place that was asked.
    place: str
    #: Granules that the place has of what is wanted, and those among them that the collection had already.
    found: int
    there: int
    #: Granules that were fetched, bytes that came over the net (in a dry run: that are expected), granules stored.
    fetched: int
    bytes: int
    stored: int
    #: Commits that were made.
    snapshots: list[str]
    #: Granules that could not be fetched, that the collection refused (file, reason, kind), and places not asked.
    failed: Table
    refused: Table
    left_out: list[dict[str, str]]
    #: In a dry run, the names of what is missing.
    missing: list[str]
    #: Seconds that it took.
    seconds: float

    @property
    def is_partial(self) -> bool:
        """True if something that was wanted is not in the collection."""
        return bool(len(self.failed) or len(self.refused) or self.left_out)

    def __str__(self) -> str:
        done = f"{len(self.missing)} to fetch" if self.missing else f"{self.fetched} fetched, {self.stored} stored"
        counts = ((len(self.failed), "failed"), (len(self.refused), "refused"), (len(self.left_out), "places left out"))
        lost = "".join(f", {count} {what}" for count, what in counts if count)
        return (
            f"{self.collection}: {self.found} granules at {self.place}, {self.there} there, {done}{lost};"
            f" {self.bytes / 1e6:.1f} MB in {self.seconds:.1f} s"
        )

    def _repr_html_(self) -> str:
        lost = "".join(table._repr_html_() for table in (self.failed, self.refused) if len(table))
        return f"<p>{html.escape(str(self))}</p>{lost}"


def sync(
    product: str,
    collection: PathLike,
    *,
    from_: PathLike | None = None,
    phase: str | None = None,
    cycle_number: Any = None,
    pass_number: Any = None,
    time: Any = None,
    bbox: Any = None,
    polygon: Any = None,
    version: str | None = None,
    keep: PathLike | None = None,
    crop: bool = False,
    dry_run: bool = False,
    replace: bool = False,
    rate: int | None = None,
    profile: str = "portable",
    endpoint: str | None = None,
    region: str | None = None,
    locks_work: bool = False,
    settings: Mapping[str, Any] | None = None,
    credentials: PathLike | None = None,
    jobs: int | None = None,
    memory: int | None = None,
    progress: bool | None = None,
) -> Synced:
    """Bring a collection up with a provider: fetch what is missing or newer, ingest it, and drop the files.

    Stopped anywhere, by Ctrl-C too, the next call goes on.

    Parameters
    ----------
    product, from_, phase, cycle_number, pass_number, time, bbox, polygon, version, settings, credentials
        As in :func:`karin.find`.
    collection
        Folder or ``s3://bucket/prefix``; made if there is none.
    keep
        Folder in which the netCDF files stay; without it they go once the collection has them.
    crop
        Keep only the lines that touch the box or polygon: granules become partial, whole ones stay whole.
    dry_run
        Say what is missing, fetch nothing.
    replace
        Fetch again, and let take its place, what has the same version but another size at the provider.
    rate
        Bytes per second for all transfers together.
    profile, endpoint, region, locks_work
        As in :func:`karin.ingest`.
    jobs, memory, progress
        As in :meth:`karin.Collection.using`.

    Returns
    -------
    Synced
        What was done. Granules that failed or were refused are warned of, and in its tables.
    """
    options = _options(phase, cycle_number, pass_number, time, bbox, polygon, version)
    asked = question(product, from_, settings, credentials, options)
    with listener_of(progress) as listener:
        text = _karin.sync(
            asked.asked(),
            os.fspath(collection),
            keep=None if keep is None else os.fspath(keep),
            crop=crop,
            dry_run=dry_run,
            replace=replace,
            rate=_rate(rate),
            profile=profile,
            endpoint=endpoint,
            region=region,
            locks_work=locks_work,
            jobs=jobs,
            memory=memory,
            listener=listener,
        )
        told = json.loads(text)
        _warn_left_out(listener.warn, told["left_out"])
        _warn_lost(listener.warn, told["failed"], told["found"], "could not be fetched")
        _warn_lost(listener.warn, told["refused"], told["found"], "were refused by the collection")
    told["place"] = told.pop("from")
    told["missing"] = told.get("missing", [])
    told["failed"], told["refused"] = _table(told["failed"], _LOST), _table(told["refused"], _LOST)
    return Synced(**{field.name: told[field.name] for field in dataclasses.fields(Synced)})


def _options(
    phase: str | None, cycle_number: Any, pass_number: Any, time: Any, bbox: Any, polygon: Any, version: str | None
) -> dict[str, Any]:
    return {
        "phase": phase,
        "cycle_number": cycle_number,
        "pass_number": pass_number,
        "time": time,
        "bbox": bbox,
        "polygon": polygon,
        "version": version,
    }


def _rate(rate: int | None) -> int | None:
    if rate is not None and (isinstance(rate, bool) or not isinstance(rate, (int, float)) or rate < 1):
        raise InvalidArgumentError(f"rate={rate!r}: expected bytes per second, at least 1")
    return None if rate is None else int(rate)


def _table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Table:
    return Table({name: [row.get(name) for row in rows] for name in columns})


def _warn_left_out(warn: Any, left_out: Sequence[Mapping[str, str]]) -> None:
    for part in left_out:
        warn(f"{part['place']} is left out: {part['reason']}")


def _warn_lost(warn: Any, lost: Sequence[Mapping[str, Any]], of: int, what: str) -> None:
    if lost:
        first = lost[0]
        warn(f"{len(lost)} of {of} granules {what}; the first, {os.path.basename(first['file'])}: {first.get('reason')}")
