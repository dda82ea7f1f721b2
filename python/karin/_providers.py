"""Granules at providers, and files of Copernicus Marine: found, and fetched into folders."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from karin import _karin
from karin._progress import listener_of
from karin._question import PathLike, Question, question, rate_of, settings_of, table, warn_left_out, warn_lost
from karin._table import Table
from karin.errors import InvalidArgumentError

_FOUND = (
    "product",
    "phase",
    "cycle_number",
    "pass_number",
    "time_start",
    "time_end",
    "version",
    "size",
    "size_is_exact",
    "location",
)
_FOUND_FILES = ("file", "size", "modified", "location")
_PUBLISHED = ("name", "title", "doi", "location")
_GOT = ("file", "half_orbit", "outcome", "bytes", "reason", "kind", "from")


class FoundTable(Table):
    """Granules that a provider has: product, phase, cycle_number, pass_number, times (UTC), version, size, location.

    Sizes are bytes; where a provider rounds them or does not tell, ``size_is_exact`` is False. Files of a dataset of
    Copernicus Marine: file, size, modified (UTC), location.
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
        Product such as ``"L2_LR_SSH_Expert"``, or with the provider: ``"aviso:L3_LR_SSH_Basic"``. Or a dataset of Copernicus
        Marine, ``"cmems:DATASET"``: its files, by ``time`` and ``version`` alone.
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
    ask = _karin.find_files if asked.is_copernicus else _karin.find
    with listener_of(progress) as listener:
        told = json.loads(ask(asked.asked(), listener=listener))
        warn_left_out(listener.warn, told.setdefault("left_out", []))
    return FoundTable(_columns(told), asked, told)


def products(
    provider: str,
    *,
    settings: Mapping[str, Any] | None = None,
    credentials: PathLike | None = None,
    progress: bool | None = None,
) -> Table:
    """Ask a provider what it publishes.

    Parameters
    ----------
    provider
        ``"aviso"``, ``"podaac"`` or ``"cmems"``, alone or with a pattern of names: ``"cmems:*phy-ssh*"``.
    settings, credentials, progress
        As in :func:`karin.find`.

    Returns
    -------
    Table
        A row per product, by name: name, title, doi and location; of Copernicus Marine, name and product of every dataset.

    Raises
    ------
    karin.errors.ReadWriteError
        If it cannot be reached.

    Examples
    --------
    >>> karin.products("cmems:*phy-ssh_my*")
    """
    with listener_of(progress) as listener:
        file = None if credentials is None else os.fspath(credentials)
        told = json.loads(_karin.find_products(provider, settings_of(settings), file, listener=listener))
    return _rows(told["products"], _PUBLISHED)


class Description:
    """What a dataset of Copernicus Marine holds: tables of its variables, axes, services and versions.

    Attributes
    ----------
    dataset, product, title, version
        Names of the dataset, of the product that it belongs to, and of the version that is described.
    variables
        A row per variable: name, standard_name, units, dimensions.
    coordinates
        A row per axis of the stores: name, axis, units, length, first, last, step (seconds for times; None where places are not
        evenly spaced) and values (where they are not). Times are ISO 8601.
    services
        A row per way to have it: name (``native``: files; ``timeChunked``: whole maps in a chunk; ``geoChunked``: long series in a
        chunk), format, location, chunks (by variable and axis).
    versions
        A row per version and part that the catalogue has: version, part, state, is_default, released, retired.
    """

    def __init__(self, told: Mapping[str, Any]) -> None:
        whole = told["versions"][0]
        self.dataset: str = told["dataset"]
        self.product: str = told["product"]
        self.title: str | None = told["title"]
        self.version: str = whole["version"]
        self.variables = _rows(whole["variables"], ("name", "standard_name", "units", "dimensions"))
        self.coordinates = _rows(
            whole["coordinates"], ("name", "axis", "units", "length", "first", "last", "step", "values")
        )
        self.services = _rows(whole["services"], ("name", "format", "location", "chunks"))
        self.versions = _rows(told["known"], ("version", "part", "state", "is_default", "released", "retired"))

    def __repr__(self) -> str:
        tables = "\n\n".join(map(repr, (self.variables, self.coordinates, self.services, self.versions)))
        return f"{self.dataset}\n{self.product}, version {self.version}\n\n{tables}"


def _rows(rows: Sequence[Mapping[str, Any]], names: Iterable[str]) -> Table:
    return Table({name: [row.get(name) for row in rows] for name in names})


def describe(
    dataset: str,
    *,
    version: str | None = None,
    settings: Mapping[str, Any] | None = None,
    credentials: PathLike | None = None,
    progress: bool | None = None,
) -> Description:
    """Ask Copernicus Marine what a dataset holds. Its catalogue is asked, none of its data.

    Parameters
    ----------
    dataset
        ``"cmems:DATASET"``.
    version
        Such as ``"202411"``; the newest that is released, if not given.
    settings, credentials, progress
        As in :func:`karin.find`.

    Returns
    -------
    Description
        Tables of its variables, axes, services and versions.

    Raises
    ------
    karin.errors.InvalidArgumentError
        If there is no such dataset or version.
    karin.errors.ReadWriteError
        If the service cannot be reached.

    Examples
    --------
    >>> karin.describe("cmems:cmems_obs-sl_glo_phy-ssh_my_allsat-l4-duacs-0.125deg_P1D").coordinates
    """
    if version == "all":
        raise InvalidArgumentError("version: one is described; .versions lists all")
    with listener_of(progress) as listener:
        file = None if credentials is None else os.fspath(credentials)
        told = _karin.describe(dataset, version, settings_of(settings), file, listener=listener)
    return Description(json.loads(told))


def _columns(told: Mapping[str, Any]) -> dict[str, Any]:
    rows, names = (told["granules"], _FOUND) if "granules" in told else (told["files"], _FOUND_FILES)
    columns: dict[str, Any] = {name: [row.get(name) for row in rows] for name in names}
    for name in {"time_start", "time_end", "modified"}.intersection(columns):
        columns[name] = np.array([(text or "NaT").rstrip("Z") for text in columns[name]], dtype="datetime64[ns]")
    return columns


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
    variables: str | Iterable[str] | None = None,
    dry_run: bool = False,
    rate: int | None = None,
    deflate: int | None = None,
    settings: Mapping[str, Any] | None = None,
    credentials: PathLike | None = None,
    jobs: int | None = None,
    memory: int | None = None,
    progress: bool | None = None,
) -> Table:
    """Fetch granules of a provider into a folder. What is there already, whole and unchanged, is left alone.

    A transfer that was interrupted, by Ctrl-C too, goes on where it stopped. Of a dataset of Copernicus Marine,
    ``"cmems:DATASET"``, files are fetched into a folder, or a part of its grid into a file.

    Parameters
    ----------
    product, from_, phase, cycle_number, pass_number, time, bbox, polygon, version, settings, credentials, progress
        As in :func:`karin.find`.
    folder
        Where the files go; made if there is none. Or, for a part of a grid of Copernicus Marine by ``bbox``, ``time`` and
        ``variables``, the file that it becomes (``.nc`` or ``.zarr``).
    variables
        Variables of a grid of Copernicus Marine; all if not given. Granules are fetched whole: what
        :func:`karin.granules` opens at a provider reads no more than is selected.
    dry_run
        Say what would be fetched, fetch nothing.
    rate
        Bytes per second for all transfers together; as fast as it goes if not given.
    deflate
        Level, 1 to 9, at which a part of a grid is deflated in its netCDF file; 0 keeps values as they are. Level 1 if not given.
    jobs, memory
        As in :meth:`karin.Collection.using`, for a part of a grid.

    Returns
    -------
    Table
        What became of every granule: file, half_orbit, outcome (``"fetched"``, ``"there"``, ``"failed"``; in a dry run
        ``"missing"``; of a part of a grid ``"written"``), bytes, reason, kind (that of the exception it would be) and from.
        Granules that fail are warned of; the others are fetched.

    Examples
    --------
    >>> karin.get("L3_LR_SSH_Basic", "granules/", time="2024-03", bbox=(-10, 35, 5, 45))
    >>> karin.get("cmems:DATASET", "agulhas.nc", time="2024-03", bbox=(10, -45, 30, -30), variables="sla")
    """
    asked = question(
        product,
        from_,
        settings,
        credentials,
        variables=variables,
        phase=phase,
        cycle_number=cycle_number,
        pass_number=pass_number,
        time=time,
        bbox=bbox,
        polygon=polygon,
        version=version,
    )
    if not asked.is_copernicus:
        if variables is not None:
            text = "variables: granules are fetched whole; karin.granules(found['location']) reads variables where they lie"
            raise InvalidArgumentError(text)
    elif os.path.splitext(folder)[1]:
        return _get_part(asked, folder, dry_run, rate, deflate, jobs, memory, progress)
    if deflate is not None:
        raise InvalidArgumentError("deflate: files stay as they are published; parts of grids of cmems:DATASET are deflated")
    return _get(asked, folder, None, dry_run, rate, progress)


def _get(
    asked: Question, folder: PathLike, only: set[str] | None, dry_run: bool, rate: int | None, progress: bool | None
) -> Table:
    fetch = _karin.get_files if asked.is_copernicus else _karin.get
    options: dict[str, Any] = {"only": only, "dry_run": dry_run, "rate": rate_of(rate)}
    with listener_of(progress) as listener:
        told = json.loads(fetch(asked.asked(), os.fspath(folder), **options, listener=listener))
        warn_left_out(listener.warn, told["left_out"])
        failed = [row for row in told["granules"] if row["outcome"] == "failed"]
        what = "files" if asked.is_copernicus else "granules"
        warn_lost(listener.warn, failed, len(told["granules"]), f"{what} could not be fetched")
    return table(told["granules"], _GOT)


def _get_part(
    asked: Question,
    path: PathLike,
    dry_run: bool,
    rate: int | None,
    deflate: int | None,
    jobs: int | None,
    memory: int | None,
    progress: bool | None,
) -> Table:
    """Write a part of a grid of Copernicus Marine."""
    if deflate is not None and not 0 <= deflate <= 9:
        raise InvalidArgumentError(f"deflate: expected a level from 0 to 9, not {deflate}")
    options: dict[str, Any] = {"dry_run": dry_run, "rate": rate_of(rate), "deflate": deflate, "jobs": jobs, "memory": memory}
    command = f"karin.get({dict(asked.words)['product']!r})"
    with listener_of(progress) as listener:
        text = _karin.get_part(asked.asked(), os.fspath(path), command=command, **options, listener=listener)
    told = json.loads(text)
    return table([{"outcome": "missing" if dry_run else "written", **told}], _GOT)
