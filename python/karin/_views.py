"""What is selected as lazy xarray objects."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import xarray as xr

from karin import _karin
from karin._arrays import group_paths
from karin._backend import coordinates_of, decoded, indexed
from karin._progress import listener_of
from karin.errors import InvalidArgumentError

if TYPE_CHECKING:
    from karin._collection import Collection

_LAYOUTS = ("passes", "tree")


class ViewHandle:
    """A cube or lines of what is selected, by its description: made again wherever it is unpickled."""

    __slots__ = ("_collection", "_dataset", "_pid", "_shape", "_token")

    def __init__(self, collection: Collection, shape: str, token: str | None = None) -> None:
        self._collection = collection
        self._shape = shape
        self._token = token
        self._dataset: _karin.Dataset | None = None
        self._pid = 0

    def dataset(self) -> _karin.Dataset:
        """Give the lazy dataset, made now or before by this process."""
        if self._dataset is None or self._pid != os.getpid():
            collection = self._collection
            jobs, memory, progress = collection._options
            plan = collection._plan()
            with listener_of(progress) as listener:
                make = plan.cube if self._shape == "cube" else plan.lines
                self._dataset = make(jobs=jobs, memory=memory, listener=listener)
            self._pid = os.getpid()
        return self._dataset

    @property
    def token(self) -> str:
        """Names the dataset: the same for the same granules and selection."""
        if self._token is None:
            self._token = f"{self._shape}-{self._collection._token()}"
        return self._token

    def __reduce__(self) -> tuple[type[ViewHandle], tuple[Any, ...]]:
        return ViewHandle, (self._collection, self._shape, self._token)

    def __dask_tokenize__(self) -> tuple[str, str]:
        return "karin view", self.token


def to_xarray(
    collection: Collection,
    *,
    stack: str | None,
    layout: str | None,
    group: str | None,
    chunks: Any,
    decode: bool,
) -> Any:
    """Give what is selected as a cube, as lines, or pass by pass (see :meth:`karin.Collection.to_xarray`)."""
    if layout not in (None, *_LAYOUTS):
        raise InvalidArgumentError(f'layout={layout!r}: expected None, "passes" or "tree"')
    if layout is not None and stack is not None:
        raise InvalidArgumentError("stack and layout exclude each other")
    handle = collection.handle(stack=stack)
    options: dict[str, Any] = {} if decode else {"mask_and_scale": False, "decode_times": False}
    structure = handle.dataset().structure()
    groups = [path.strip("/") for path in group_paths(structure) if _has_lines(structure, path)]
    if group is not None:
        if group.strip("/") not in groups:
            raise InvalidArgumentError(f"group={group!r}: there are {', '.join(groups) or 'none'}")
        groups = [group.strip("/")]
    datasets: dict[str, xr.Dataset] = {}
    for name in groups:
        dataset = indexed(coordinates_of(decoded(handle, name, **options)))
        if chunks is not None:
            dataset = _chunked(dataset, chunks, f"{handle.token}-{name}-{decode}")
        datasets[name] = dataset
    if layout is not None:
        return _passes(handle, datasets, layout)
    if set(datasets) == {"left", "right"} and dict(collection._selection.words).get("side") == "both":
        from karin._swot import _sides

        return indexed(_sides.both(datasets["left"], datasets["right"]))
    if len(datasets) == 1:
        return next(iter(datasets.values()))
    return xr.DataTree.from_dict({f"/{name}": dataset for name, dataset in datasets.items()})


def _has_lines(structure: Any, path: str) -> bool:
    for part in path.strip("/").split("/"):
        structure = structure["groups"][part] if part else structure
    return bool(structure["variables"])


def _chunked(dataset: xr.Dataset, chunks: Any, token: str) -> xr.Dataset:
    """Cut into Dask chunks whose names say what they hold."""
    if chunks == {}:
        chunks = {
            dimension: size
            for variable in dataset.variables.values()
            for dimension, size in variable.encoding.get("preferred_chunks", {}).items()
        }
    return dataset.chunk(chunks, name_prefix="karin-", token=token)


def _passes(handle: ViewHandle, datasets: dict[str, xr.Dataset], layout: str) -> Any:
    found: dict[tuple[int, int], dict[str, xr.Dataset]] = {}
    for group, dataset in datasets.items():
        lines = next(name for name in dataset["time"].dims if name not in ("cycle_number", "pass_number"))
        cycles, passes = dataset["cycle_number"].values, dataset["pass_number"].values
        for cycle, number, first, last in handle.dataset().cells(group):
            one = dataset.isel({"cycle_number": cycle, "pass_number": number, lines: slice(first, last)})
            found.setdefault((int(cycles[cycle]), int(passes[number])), {})[group] = one
    if layout == "tree":
        return xr.DataTree.from_dict(
            {
                f"/{cycle:03d}/{number:03d}/{group}".rstrip("/"): dataset
                for (cycle, number), groups in found.items()
                for group, dataset in groups.items()
            }
        )
    return {
        orbit: next(iter(groups.values())) if len(groups) == 1 else xr.DataTree.from_dict(
            {f"/{group}": dataset for group, dataset in groups.items()}
        )
        for orbit, groups in found.items()
    }
