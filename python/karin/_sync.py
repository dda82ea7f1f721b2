"""Collections kept up with a provider."""

from __future__ import annotations

import dataclasses
import html
import json
import os
from collections.abc import Mapping
from typing import Any

from karin import _karin
from karin._progress import listener_of
from karin._question import PathLike, question, rate_of, table, warn_left_out, warn_lost
from karin._table import Table

_LOST = ("file", "reason", "kind")


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
        lost = "".join(one._repr_html_() for one in (self.failed, self.refused) if len(one))
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
        text = _karin.sync(
            asked.asked(),
            os.fspath(collection),
            keep=None if keep is None else os.fspath(keep),
            crop=crop,
            dry_run=dry_run,
            replace=replace,
            rate=rate_of(rate),
            profile=profile,
            endpoint=endpoint,
            region=region,
            locks_work=locks_work,
            jobs=jobs,
            memory=memory,
            listener=listener,
        )
        told = json.loads(text)
        warn_left_out(listener.warn, told["left_out"])
        warn_lost(listener.warn, told["failed"], told["found"], "granules could not be fetched")
        warn_lost(listener.warn, told["refused"], told["found"], "granules were refused by the collection")
    told["place"] = told.pop("from")
    told["missing"] = told.get("missing", [])
    told["failed"], told["refused"] = table(told["failed"], _LOST), table(told["refused"], _LOST)
    return Synced(**{field.name: told[field.name] for field in dataclasses.fields(Synced)})
