"""Results of the parts of spread work, brought together: gathered here, or left with the workers as lazy arrays."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import xarray as xr


def gathered(client: Any, futures: Sequence[Any], budget: int) -> list[Any]:
    """Give the results of futures in their order: here if all fit into `budget` bytes, else lazy, with their workers."""
    # Each right behind its part, before the worker begins the next.
    outlines = client.gather(client.map(_outline, futures, pure=False, priority=1))
    if sum(outline.nbytes for outline in outlines) <= budget:
        return list(client.gather(futures, direct=_is_here(client) or None))
    return [_left_there(client, future, outline) for future, outline in zip(futures, outlines, strict=True)]


def _is_here(client: Any) -> bool:
    """Whether all workers are processes of this machine: what they hold need not come by way of the scheduler."""
    addresses = [address.partition("://") for address in client.nthreads()] if client.cluster is not None else []
    return bool(addresses) and all(
        protocol == "inproc" or place.startswith("127.0.0.1:") for protocol, _, place in addresses
    )


def _outline(found: Any) -> Any:
    """A result without its values: dimensions, types, attributes and coordinates of axes."""
    if isinstance(found, xr.DataTree):
        return _Tree({path: _outline(node.to_dataset(inherit=False)) for path, node in found.subtree_with_keys})
    return _Outline(found)


class _Outline:
    """The shape of a dataset that stays with a worker."""

    def __init__(self, dataset: xr.Dataset) -> None:
        self.nbytes = dataset.nbytes
        self.variables = {
            name: (array.dims, array.shape, array.dtype, array.attrs, array.encoding)
            for name, array in dataset.variables.items()
        }
        self.axes = {name: dataset[name].values for name in dataset.dims if name in dataset.variables}
        self.coordinates = list(dataset.coords)
        self.attributes = dataset.attrs


class _Tree:
    """The shapes of a tree that stays with a worker."""

    def __init__(self, nodes: dict[str, _Outline]) -> None:
        self.nbytes = sum(node.nbytes for node in nodes.values())
        self.nodes = nodes


def _left_there(client: Any, future: Any, outline: Any) -> Any:
    """A dataset whose values are fetched from their worker when they are needed."""
    if isinstance(outline, _Tree):
        nodes = {path: _lazy(client, future, node, path) for path, node in outline.nodes.items()}
        return xr.DataTree.from_dict(nodes)
    return _lazy(client, future, outline, None)


def _lazy(client: Any, future: Any, outline: _Outline, path: str | None) -> xr.Dataset:
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


def _values(found: Any, path: str | None, name: str) -> Any:
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
