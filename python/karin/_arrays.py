"""Lazily indexed arrays over whatever the extension module can read, and the xarray store made of them."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import numpy as np
import xarray as xr
from xarray.backends import AbstractDataStore, BackendArray
from xarray.core import indexing

from karin import _karin
from karin._ahead import Neighbours
from karin._source import Reach
from karin.errors import warn_of_left_out

#: Files that a process keeps open; one that is needed again is opened again.
OPEN_FILES = 256

Decoding = tuple[list[float], float | None, float | None, bool]


class Handle(Protocol):
    """Names a dataset and opens it where it is needed: in this process, after a fork, on another machine."""

    def dataset(self) -> _karin.Dataset:
        """Give the dataset, opened now or before."""
        ...


class FileHandle:
    """A file, by its path or address. Opened again after a fork, after unpickling, and when too many files are open."""

    __slots__ = ("__weakref__", "_dataset", "_pid", "path", "reach")

    _lock = threading.Lock()
    _recent: OrderedDict[int, FileHandle] = OrderedDict()

    def __init__(self, path: str, reach: Reach = Reach()) -> None:
        self.path = path
        #: How it is reached if it lies elsewhere.
        self.reach = reach
        self._dataset: _karin.Dataset | None = None
        self._pid = 0

    def dataset(self) -> _karin.Dataset:
        """Give the open file."""
        dataset = self._dataset
        if dataset is None or self._pid != os.getpid():
            dataset = _karin.open_file(self.path, reach=self.reach)
            self._dataset, self._pid = dataset, os.getpid()
            with FileHandle._lock:
                FileHandle._recent[id(self)] = self
                while len(FileHandle._recent) > OPEN_FILES:
                    _, oldest = FileHandle._recent.popitem(last=False)
                    oldest._dataset = None
        return dataset

    def close(self) -> None:
        """Close the file; it is opened again if it is needed."""
        with FileHandle._lock:
            FileHandle._recent.pop(id(self), None)
        self._dataset = None

    def __reduce__(self) -> tuple[type[FileHandle], tuple[str, Reach]]:
        return FileHandle, (self.path, self.reach)

    def __dask_tokenize__(self) -> tuple[str, str, int, int]:
        if "://" in self.path:
            # As long as this process knows it: whether it is still the same is told by nothing but a request.
            return "karin file", self.path, os.getpid(), id(self)
        found = os.stat(self.path)
        return "karin file", self.path, found.st_size, found.st_mtime_ns


def _after_fork() -> None:
    FileHandle._lock = threading.Lock()
    FileHandle._recent = OrderedDict()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class MemoryHandle:
    """A dataset that exists only here: the result of a reduction, on its way to arrays."""

    __slots__ = ("_dataset", "arrays")

    def __init__(self, dataset: _karin.Dataset, arrays: Mapping[str, Any] | None = None) -> None:
        self._dataset = dataset
        #: Values that the dataset has given away, by their paths: they need not be copied.
        self.arrays = arrays or {}

    def dataset(self) -> _karin.Dataset:
        """Give the dataset."""
        return self._dataset


class KarinArray(BackendArray):
    """A variable that is read when it is indexed, in parallel and without the interpreter's lock.

    With a decoding, true values come straight from Rust: the same that xarray's coders would make, in one pass.
    """

    __slots__ = ("__weakref__", "decoding", "dtype", "handle", "neighbours", "path", "shape")

    def __init__(
        self,
        handle: Handle,
        path: str,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        decoding: Decoding | None = None,
        neighbours: Neighbours | None = None,
    ) -> None:
        self.handle = handle
        self.path = path
        self.shape = shape
        self.dtype = dtype
        self.decoding = decoding
        #: The variables beside it, where they are read ahead.
        self.neighbours = neighbours

    def __reduce__(self) -> tuple[type[KarinArray], tuple[Any, ...]]:
        # It travels alone.
        return KarinArray, (self.handle, self.path, self.shape, self.dtype, self.decoding)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        if isinstance(key, (indexing.BasicIndexer, indexing.OuterIndexer)):
            # Read as they are: any order, any step. xarray's own way with empty slices that run backwards fails.
            return self._read(key.tuple)
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._read)

    def _read(self, key: tuple[Any, ...]) -> Any:
        if isinstance(self.handle, MemoryHandle) and self.path in self.handle.arrays:
            return _outer(self.handle.arrays[self.path], key)
        if self.neighbours is not None and all(isinstance(part, slice) and part == slice(None) for part in key):
            after = self.neighbours.after(self)
            if after is not None:
                next_ = [(one.path, one.decoding) for one in after]
                return self._as_typed(self.handle.dataset().read_whole((self.path, self.decoding), next_))
        wanted: list[Any] = []
        turned: list[Any] = []
        for item, size in zip(key, self.shape, strict=True):
            if isinstance(item, slice):
                steps = range(*item.indices(size))
                if len(steps) and steps.step < 0:
                    wanted.append((steps[-1], len(steps), -steps.step))
                    turned.append(slice(None, None, -1))
                else:
                    wanted.append((steps.start if len(steps) else 0, len(steps), steps.step if len(steps) else 1))
                    turned.append(slice(None))
            elif isinstance(item, np.ndarray) and item.ndim:
                if item.size and not (-size <= item.min() and item.max() < size):
                    raise IndexError(f"{self.path}: an index lies outside a dimension of {size}")
                wanted.append(np.where(item < 0, item + size, item).astype("int64", copy=False))
                turned.append(slice(None))
            else:
                index = int(item)
                if not -size <= index < size:
                    raise IndexError(f"{self.path}: index {index} lies outside a dimension of {size}")
                wanted.append((index + size if index < 0 else index, 1, 1))
                turned.append(0)
        dataset = self.handle.dataset()
        array = dataset.read(self.path, wanted, self.decoding)
        for granule, reason in dataset.failures():
            warn_of_left_out(granule, reason, stacklevel=2)
        if any(part != slice(None) for part in turned):
            array = array[tuple(turned)]
        return self._as_typed(array)

    def _as_typed(self, array: Any) -> Any:
        if self.dtype.kind == "O" or self.decoding is not None:
            return array
        # Big-endian files keep their byte order until xarray decodes it.
        return array.astype(self.dtype, copy=False)


def _outer(array: Any, key: tuple[Any, ...]) -> Any:
    """Index dimension by dimension, the last first, so that those before it keep their places."""
    for axis in reversed(range(len(key))):
        array = array[(slice(None),) * axis + (key[axis],)]
    return array


_DTYPES = {"char": np.dtype("S1"), "string": np.dtype("O", metadata={"element_type": str})}


def dtype_of(variable: Mapping[str, Any]) -> np.dtype[Any]:
    """Give the numpy type of a variable as stored."""
    name = variable["dtype"]
    dtype = _DTYPES.get(name) or np.dtype(name)
    return dtype.newbyteorder(">") if variable["big_endian"] and dtype.kind in "iuf" else dtype


class KarinStore(AbstractDataStore):
    """One group of a dataset, as xarray's decoders take it."""

    def __init__(self, handle: Handle, group: str = "", *, source: str | None = None) -> None:
        self._handle = handle
        self._group = group
        self._source = source
        dataset = handle.dataset()
        self._is_classic = dataset.is_classic
        # Files at servers are waited for by those who ask; cubes and results read variables with several threads.
        self._neighbours = Neighbours() if isinstance(handle, FileHandle) and "://" not in handle.path else None
        self._levels = levels_of(dataset.structure(), group)

    def get_dimensions(self) -> Any:
        """Lengths of the dimensions of this group."""
        return dict(self._levels[-1]["dimensions"])

    def get_parent_dimensions(self) -> Any:
        """Lengths of the dimensions of the groups above."""
        found: dict[str, int] = {}
        for level in self._levels[:-1]:
            found.update(level["dimensions"])
        return found

    def get_attrs(self) -> Any:
        """Attributes of the group."""
        return dict(self._levels[-1]["attributes"])

    def get_encoding(self) -> Any:
        """Names of dimensions that may grow."""
        return {"unlimited_dims": set(self._levels[-1]["unlimited"])}

    def get_variables(self) -> Any:
        """Variables of the group, values unread."""
        sizes: dict[str, int] = {}
        for level in self._levels:
            sizes.update(level["dimensions"])
        variables = self._levels[-1]["variables"]
        return {name: self._variable(name, variable, sizes) for name, variable in variables.items()}

    def _variable(self, name: str, variable: Mapping[str, Any], sizes: Mapping[str, int]) -> xr.Variable:
        dimensions = tuple(variable["dimensions"])
        shape = tuple(sizes[dimension] for dimension in dimensions)
        dtype = dtype_of(variable)
        if self._is_classic:
            # netCDF4-python gives the big-endian numbers of netCDF-3 in native order.
            dtype = dtype.newbyteorder("=")
        path = f"{self._group}/{name}" if self._group else name
        data = indexing.LazilyIndexedArray(KarinArray(self._handle, path, shape, dtype, neighbours=self._neighbours))
        attributes = dict(variable["attributes"])
        if dtype.kind == "S" and "_FillValue" in attributes:
            fill = attributes["_FillValue"]
            attributes["_FillValue"] = np.bytes_(fill.encode() if isinstance(fill, str) else fill)
        encoding: dict[str, Any] = {"dtype": str if dtype.kind == "O" else dtype}
        chunks = variable["chunks"]
        if self._source is None:
            if chunks is not None:
                encoding["preferred_chunks"] = dict(zip(dimensions, chunks, strict=True))
        else:
            if not self._is_classic:
                encoding |= _filters(variable)
                encoding |= {"contiguous": chunks is None, "chunksizes": None if chunks is None else tuple(chunks)}
                if chunks is not None:
                    encoding["preferred_chunks"] = dict(zip(dimensions, chunks, strict=True))
            if "least_significant_digit" in attributes:
                encoding["least_significant_digit"] = attributes.pop("least_significant_digit")
            encoding["source"] = self._source
            encoding["original_shape"] = shape
        return xr.Variable(dimensions, data, attributes, encoding)

    def close(self) -> None:
        """Close the file."""
        if isinstance(self._handle, FileHandle):
            self._handle.close()


def _filters(variable: Mapping[str, Any]) -> dict[str, Any]:
    deflate = variable["deflate"]
    return {
        "zlib": deflate is not None,
        "szip": False,
        "zstd": False,
        "bzip2": False,
        "blosc": False,
        "shuffle": variable["shuffle"],
        "complevel": deflate or 0,
        "fletcher32": variable["fletcher32"],
    }


def levels_of(structure: Mapping[str, Any], group: str) -> list[Mapping[str, Any]]:
    """Give the root, the groups on the way, and the group itself."""
    levels = [structure]
    for part in group.split("/"):
        if not part:
            continue
        inner = levels[-1]["groups"].get(part)
        if inner is None:
            known = ", ".join(levels[-1]["groups"]) or "none"
            raise OSError(f"group not found: {part} (groups there: {known})")
        levels.append(inner)
    return levels


def group_paths(structure: Mapping[str, Any], parent: str = "/") -> list[str]:
    """Give the paths of a group and all groups inside, parents first."""
    paths = [parent]
    for name, inner in structure["groups"].items():
        paths += group_paths(inner, f"{parent.rstrip('/')}/{name}")
    return paths


#: A decoding that changes nothing.
_AS_STORED: Decoding = ([], None, None, False)


def optimize(variables: Iterable[xr.Variable]) -> None:
    """Read variables faster than xarray's steps would: decoded in one pass, and those that follow one another ahead."""
    for variable in variables:
        fuse(variable)
        data: Any = variable._data
        while not isinstance(data, KarinArray) and hasattr(data, "array"):
            data = data.array
        if isinstance(data, KarinArray) and data.neighbours is not None:
            data.neighbours.join(data)


def fuse(variable: xr.Variable) -> None:
    """Replace xarray's lazy steps of masking and scaling by one pass in Rust, where that gives the same bits.

    The parameters are read off the steps themselves, so that whatever this version of xarray has decided holds. Steps
    that are not recognised stay as they are.
    """
    holder: Any = None
    steps: list[Any] = []
    data: Any = variable._data
    while type(data).__name__ == "_ElementwiseFunctionArray":
        steps.append((holder, data))
        holder, data = data, data.array
    if not isinstance(data, indexing.LazilyIndexedArray):
        return
    array = data.array
    if not isinstance(array, KarinArray) or array.decoding is not None or not isinstance(data.key, indexing.BasicIndexer):
        return
    if any(part != slice(None) for part in data.key.tuple):
        return
    decoding, used = _decoding_of([step for _, step in reversed(steps)], array.dtype)
    if decoding is None:
        return
    above, last = steps[len(steps) - used]
    real = None if decoding == _AS_STORED else decoding
    fused = KarinArray(array.handle, array.path, array.shape, np.dtype(last.dtype), real, array.neighbours)
    lazy = indexing.LazilyIndexedArray(fused)
    if above is None:
        setattr(variable, "_data", lazy)  # noqa: B010 - the public setter would read the values
    else:
        above.array = lazy


def _decoding_of(steps: list[Any], stored: np.dtype[Any]) -> tuple[Decoding | None, int]:
    """Give the decoding that the first steps amount to, and how many they are."""
    fills: list[float] = []
    scale = offset = None
    used = 0
    dtype = stored
    for step in steps[:2]:
        function = getattr(step.func, "func", None)
        words = getattr(step.func, "keywords", {})
        name = getattr(function, "__name__", "")
        if name == "_apply_mask" and used == 0 and _is_nan(words.get("decoded_fill_value")):
            # NaN stands for nothing by itself.
            fills = [float(fill) for fill in words["encoded_fill_values"] if not np.isnan(fill)]
        elif name == "_scale_offset_decoding" and scale is None and offset is None:
            scale, offset = words["scale_factor"], words["add_offset"]
        else:
            break
        dtype = np.dtype(step.dtype)
        used += 1
    if not used or dtype.kind != "f" or not stored.isnative:
        return None, 0
    double = dtype.itemsize == 8
    if not double and not all(part is None or isinstance(part, np.float32) for part in (scale, offset)):
        return None, 0
    if not fills and scale is None and offset is None and dtype == stored:
        return _AS_STORED, used
    if stored.kind not in "iuf" or not _karin.can_decode(stored.name, double):
        return None, 0
    return (fills, None if scale is None else float(scale), None if offset is None else float(offset), double), used


def _is_nan(value: Any) -> bool:
    return isinstance(value, (float, np.floating)) and bool(np.isnan(value))
