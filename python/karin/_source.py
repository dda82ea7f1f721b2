"""Open sources, shared by the handles that name them and never by two processes."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Mapping
from typing import Any, NamedTuple

from karin import _karin
from karin._progress import listener_of
from karin._question import PathLike, settings_of


class Reach(NamedTuple):
    """How what lies elsewhere is reached: an S3 service other than AWS; settings and the file of accounts for servers."""

    endpoint: str | None = None
    region: str | None = None
    settings: tuple[str, ...] = ()
    credentials: str | None = None


def reach_of(
    endpoint: str | None, region: str | None, settings: Mapping[str, Any] | None, credentials: PathLike | None
) -> Reach:
    """Make it of Python values. Workers of clusters may run in other folders: the file of accounts is named from the root on."""
    accounts = None if credentials is None else os.path.abspath(credentials)
    return Reach(endpoint, region, settings_of(settings), accounts)


class SourceSpec(NamedTuple):
    """What to open: plain data, so that it pickles and compares. Of accounts it holds the file's path at most."""

    paths: tuple[str, ...]
    snapshot: str | None = None
    reach: Reach = Reach()


_LOCK = threading.Lock()
_OPEN: dict[tuple[int, SourceSpec], _karin.Source] = {}
_NAMES: dict[SourceSpec, tuple[_karin.Source, str]] = {}
_KEPT = 16


def source_of(spec: SourceSpec, *, progress: bool | None = None, fresh: bool = False) -> _karin.Source:
    """Give the source of a spec, opened now or before by this process (a fork opens its own)."""
    key = (os.getpid(), spec)
    with _LOCK:
        found = None if fresh else _OPEN.get(key)
    if found is not None:
        return found
    with listener_of(progress) as listener:
        source = _karin.Source(list(spec.paths), snapshot=spec.snapshot, reach=spec.reach, listener=listener)
    with _LOCK:
        for old in list(_OPEN)[: max(0, len(_OPEN) - _KEPT)]:
            _OPEN.pop(old, None)
        _OPEN[key] = source
    return source


def name_of(spec: SourceSpec, *, progress: bool | None = None) -> str:
    """Name exactly the granules of a source: the same for the same, in every process."""
    source = source_of(spec, progress=progress)
    known = _NAMES.get(spec)
    if known is not None and known[0] is source:
        return known[1]
    entries = source.entries()
    # Files have no snapshot that names them: where they are is all there is beside what they say of themselves.
    place = None if source.snapshot is not None else [spec.paths, spec.reach.endpoint, spec.reach.region]
    what = [source.snapshot, place, entries["granule"], entries["bytes"], entries["version"]]
    name = hashlib.sha256(json.dumps(what).encode()).hexdigest()
    with _LOCK:
        for old in list(_NAMES)[: max(0, len(_NAMES) - _KEPT)]:
            _NAMES.pop(old, None)
        _NAMES[spec] = (source, name)
    return name


def _after_fork() -> None:
    """Give a fork a lock that no thread of its parent holds, and sources of its own.

    Those of the parent wait for threads that the fork does not have: they are never closed here, not even at its end.
    """
    import ctypes

    global _LOCK
    _LOCK = threading.Lock()
    for source in [*_OPEN.values(), *(source for source, _ in _NAMES.values())]:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(source))
    _OPEN.clear()
    _NAMES.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
