"""Results of the parts of spread work, brought together: gathered here, or left with the workers as lazy arrays."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from karin._arrays import Handle, MemoryHandle, dtype_of
from karin._outlines import Heard, Outline, OutlineTree, Word, end_to_end, outline_of

if TYPE_CHECKING:
    import numpy.typing as npt


class Part:
    """The result of a task, with its worker: as the engine left it, until somebody asks for xarray's objects of it.

    A part knows only the processings of its own granules: the whole is told which there were (``schema``).
    """

    def __init__(self, handle: Handle | None, source: str | None = None, found: Any = None) -> None:
        self._handle = handle
        self._found = found
        self._lock = threading.Lock()
        #: What the engine tells of it; None once it has travelled.
        self.structure: dict[str, Any] | None = None
        if handle is None:
            self.nbytes: int = found.nbytes
            return
        self.structure = handle.dataset().structure()
        self.nbytes = _bytes_of(self.structure, {})
        if source is not None:
            # Files are of this process alone.
            self.found()

    def __reduce__(self) -> tuple[type[Part], tuple[Any, ...]]:
        return Part, (None, None, self.found())

    def __sizeof__(self) -> int:
        """What workers count it as."""
        return self.nbytes

    def found(self) -> Any:
        """Give it as a dataset, or as a tree, with its values."""
        with self._lock:
            if self._found is None:
                self._found = self.described().load()
                self._handle = None
            return self._found

    def described(self) -> Any:
        """Give the same, with or without its values."""
        from karin._reduce import described

        if self._handle is None:
            return self._found
        whole = described(self._handle)
        nodes = whole.subtree if isinstance(whole, xr.DataTree) else [whole]
        return whole.drop_vars("schema", errors="ignore") if any("schema" in node.variables for node in nodes) else whole

    def numbers(self, axis: str) -> npt.NDArray[Any]:
        """Give the values along an axis, as the engine has them."""
        handle = self._handle
        if handle is None:
            return np.asarray(self._found[axis].values)
        if isinstance(handle, MemoryHandle) and axis in handle.arrays:
            return np.asarray(handle.arrays[axis])
        dataset = handle.dataset()
        return dataset.read(axis, [(0, dataset.structure()["dimensions"][axis], 1)])


def _bytes_of(structure: dict[str, Any], above: dict[str, int]) -> int:
    """Give the bytes of all values of a group and those in it."""
    sizes = above | structure["dimensions"]
    own = sum(
        dtype_of(variable).itemsize * int(np.prod([sizes[dim] for dim in variable["dimensions"]], dtype="int64"))
        for variable in structure["variables"].values()
    )
    return own + sum(_bytes_of(inner, sizes) for inner in structure["groups"].values())


def gathered(client: Any, futures: Sequence[Any], heard: Heard, budget: int) -> Any:
    """Give the results of futures as one, in their order: here if all fit into `budget` bytes, else lazy, with their workers."""
    from distributed import as_completed

    for future in as_completed(futures):  # type: ignore[no-untyped-call]
        if future.status != "finished":
            # What went wrong is raised at once.
            future.result()
    words = heard.words(len(futures))
    if words is not None and end_to_end(words) and sum(word.nbytes for word in words) > budget:
        return _end_to_end(futures, words, heard.axis)
    known: Sequence[Any] = words or client.gather(client.map(outline_of, futures, pure=False))
    if sum(part.nbytes for part in known) <= budget:
        return joined([part.found() for part in client.gather(futures, direct=_is_here(client) or None)], heard.axis)
    outlines = client.gather(client.map(outline_of, futures, pure=False)) if words else known
    parts = [_left_there(future, outline) for future, outline in zip(futures, outlines, strict=True)]
    return joined(parts, heard.axis)


def _end_to_end(futures: Sequence[Any], words: Sequence[Word], axis: str) -> xr.Dataset:
    """Parts that stay with their workers as one dataset, each a block of it."""
    from dask.array import Array
    from dask.delayed import delayed
    from dask.highlevelgraph import HighLevelGraph

    first = next(word.outline for word in words if word.outline is not None)
    assert isinstance(first, Outline)
    there = [delayed(_there)(future) for future in futures]
    lengths = tuple(len(word.values) for word in words)
    own = f"karin-result-{uuid.uuid4().hex}"
    variables: dict[Any, Any] = {}
    tasks: dict[str, Any] = {}
    lazy: dict[Any, Any] = {}
    for name, (dims, shape, dtype, attributes, encoding) in first.variables.items():
        data: Any = first.axes.get(name)
        if name == axis:
            data = np.concatenate([word.values for word in words])
        elif data is None:
            parts = there if axis in dims else there[:1]
            layer = f"{own}-{name}"
            places = [tuple(number if dim == axis else 0 for dim in dims) for number in range(len(parts))]
            tasks[layer] = {(layer, *at): (_values, part.key, None, name) for at, part in zip(places, parts, strict=True)}
            lazy[name] = layer, tuple(lengths if dim == axis else (size,) for dim, size in zip(dims, shape, strict=True)), dtype
        variables[name] = (dims, data, attributes, dict(encoding))
    # One graph for all: none of them is worth one of its own.
    of_parts = HighLevelGraph.merge(*(part.dask for part in there))
    graph = HighLevelGraph(
        {**of_parts.layers, **tasks},
        {**of_parts.dependencies, **dict.fromkeys(tasks, set(of_parts.layers))},
    )
    for name, (layer, chunks, dtype) in lazy.items():
        dims, _, attributes, encoding = variables[name]
        variables[name] = (dims, Array(graph, layer, chunks, dtype=dtype), attributes, encoding)  # type: ignore[no-untyped-call]
    return xr.Dataset(
        {name: xr.Variable(*words) for name, words in variables.items()}, attrs=first.attributes
    ).set_coords(first.coordinates)


def _there(found: Any) -> Any:
    return found


def _is_here(client: Any) -> bool:
    """Whether all workers are processes of this machine: what they hold need not come by way of the scheduler."""
    addresses = [address.partition("://") for address in client.nthreads()] if client.cluster is not None else []
    return bool(addresses) and all(
        protocol == "inproc" or place.startswith("127.0.0.1:") for protocol, _, place in addresses
    )


def _left_there(future: Any, outline: Outline | OutlineTree) -> Any:
    """A dataset whose values are fetched from their worker when they are needed."""
    if isinstance(outline, OutlineTree):
        nodes = {path: _lazy(future, node, path) for path, node in outline.nodes.items()}
        return xr.DataTree.from_dict(nodes)
    return _lazy(future, outline, None)


def _lazy(future: Any, outline: Outline, path: str | None) -> xr.Dataset:
    import dask.array as da
    from dask.delayed import delayed

    variables = {}
    for name, (dims, shape, dtype, attributes, encoding) in outline.variables.items():
        data: Any = outline.axes.get(name)
        if data is None:
            values = delayed(_values)(future, path, name)
            data = da.from_delayed(values, shape, dtype)  # type: ignore[no-untyped-call]
        variables[name] = xr.Variable(dims, data, attributes, encoding)
    return xr.Dataset(variables, attrs=outline.attributes).set_coords(outline.coordinates)


def _values(part: Part, path: str | None, name: str) -> Any:
    found = part.found()
    return (found if path is None else found[path])[name].values


def joined(parts: Sequence[Any], axis: str) -> Any:
    """Results of parts as one, in the order of the axis along which the work was split."""
    if isinstance(parts[0], xr.DataTree):
        nodes = {}
        for path in dict.fromkeys(path for part in parts for path, _ in part.subtree_with_keys):
            datasets = [part[path].to_dataset() for part in parts if path == "." or path in part]
            if any(dataset.variables for dataset in datasets):
                nodes[path] = _joined(datasets, axis)
        return xr.DataTree.from_dict(nodes)
    return _joined(list(parts), axis)


def _joined(parts: list[xr.Dataset], axis: str) -> xr.Dataset:
    if len(parts) == 1:
        return parts[0]
    parts = _same_cycles(_same_lines(parts), axis)
    whole = xr.concat(
        parts, axis, data_vars="all", coords="minimal", compat="override", join="override", combine_attrs="override"
    )
    for name, array in whole.variables.items():
        array.encoding = dict(parts[0][name].encoding)
    return whole


def _same_lines(parts: list[xr.Dataset]) -> list[xr.Dataset]:
    """Parts of a region reach over lines of their own: all of them get the lines of all."""
    if "num_lines" not in parts[0].dims:
        return parts
    is_numbered = any("num_lines" in part.variables for part in parts)
    if all(part.sizes["num_lines"] == parts[0].sizes["num_lines"] for part in parts) and not is_numbered:
        return parts
    attributes = next((part["num_lines"].attrs for part in parts if "num_lines" in part.variables), {})
    numbers = [part["num_lines"].values for part in parts if part.sizes["num_lines"]]
    lines = np.arange(min(lines[0] for lines in numbers), max(lines[-1] for lines in numbers) + 1, dtype="int32")
    same = [_with_lines(part, lines, attributes) for part in parts]
    # Granules that differ in length have no numbers: only the longest of all was not known to every part.
    return same if is_numbered else [part.drop_vars("num_lines") for part in same]


def _same_cycles(parts: list[xr.Dataset], axis: str) -> list[xr.Dataset]:
    """Parts of passes know the cycles of their own passes: all of them get the cycles of all."""
    if axis == "cycle_number" or "cycle_number" not in parts[0].dims:
        return parts
    cycles = np.unique(np.concatenate([part["cycle_number"].values for part in parts]))
    attributes = parts[0]["cycle_number"].attrs
    same = [part.reindex(cycle_number=cycles, fill_value=_fills(part)) for part in parts]
    for part in same:
        part["cycle_number"].attrs = attributes
    return same


def _fills(part: xr.Dataset) -> dict[Hashable, float]:
    """What stands where a part has nothing."""
    return {name: 0 if array.dtype.kind in "iu" else np.nan for name, array in part.variables.items()}


def _with_lines(part: xr.Dataset, lines: Any, attributes: dict[str, Any]) -> xr.Dataset:
    if "num_lines" not in part.variables:
        part = part.assign_coords(num_lines=np.arange(part.sizes["num_lines"], dtype="int32"))
    part = part.reindex(num_lines=lines, fill_value=_fills(part))
    part["num_lines"].attrs = attributes
    return part
