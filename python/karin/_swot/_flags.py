"""Flags by their names: which hold where, and how often. What the names mean is decided in Rust (`karin._karin`)."""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Iterable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from karin._swot import _seam


@dataclasses.dataclass(frozen=True)
class FlagTable:
    """The names of a flag variable; flag `i` holds where `bits & masks[i] == values[i]`.

    Attributes
    ----------
    variable : str
        The flag variable.
    kind : str
        `bits` (several can be set at once), `values` (one holds at a time) or `fields` (both).
    names : tuple of str
        The words of `flag_meanings`, faults repaired.
    masks, values : tuple of int
    width : int
        The bits that a stored number has.
    """

    variable: str
    kind: str
    names: tuple[str, ...]
    masks: tuple[int, ...]
    values: tuple[int, ...]
    width: int

    def matching(self, patterns: Iterable[str]) -> list[int]:
        """Indices of the flags whose names match one of the patterns (`*` and `?` as in file names; case counts)."""
        return [
            index
            for index, name in enumerate(self.names)
            if any(fnmatch.fnmatchcase(name, pattern.replace("[", "[[]")) for pattern in patterns)
        ]

    def any_holds(self, indices: Iterable[int], bits: NDArray[Any]) -> NDArray[np.bool_]:
        """Where one of these flags holds."""
        found = np.zeros(bits.shape, bool)
        single_bits = np.uint64(0)
        enumeration: dict[int, list[int]] = {}
        for index in indices:
            mask, value = self.masks[index], self.values[index]
            if mask == value and mask & (mask - 1) == 0:
                single_bits |= np.uint64(mask)
            else:
                enumeration.setdefault(mask, []).append(value)
        if single_bits:
            found |= (bits & single_bits) != 0
        for mask, values in enumeration.items():
            found |= np.isin(bits & np.uint64(mask), np.array(values, np.uint64))
        return found


def table_of(dataset: xr.Dataset, name: str) -> FlagTable | None:
    """The flag table of a variable, decoded or not; None if it has none."""
    array = dataset[name]
    dtype = _seam.stored_dtype(array)
    found = _seam.flag_table(dtype, _seam.attributes_of(array))
    if found is None:
        return None
    kind, names, masks, values = found
    size = dtype.itemsize if dtype.kind in "iu" else 8
    return FlagTable(name, kind, names, masks, values, (1 << (8 * size)) - 1)


def tables_of(dataset: xr.Dataset) -> dict[str, FlagTable]:
    """Every flag table of a dataset, by the variable that has it."""
    found = {str(name): table_of(dataset, str(name)) for name in dataset.variables}
    return {name: table for name, table in found.items() if table is not None}


def bits_of(block: NDArray[Any], width: int, fill: Any = None) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Numbers of a flag variable as unsigned bits, and where there are any.

    Decoded flags are floats with NaN for fill; servers wrap 2147483648 to a negative number: both come back to the
    bits that were stored.
    """
    if block.dtype.kind == "f":
        there = np.isfinite(block) & (np.abs(block) < 2.0**63)
        whole = np.where(there, block, 0)
        there &= whole == np.trunc(whole)
        bits = whole.astype(np.int64)
    else:
        there = np.ones(block.shape, bool) if fill is None else block != block.dtype.type(fill)
        bits = block.astype(np.int64 if block.dtype.kind == "i" else np.uint64)
    return bits.view(np.uint64) & np.uint64(width), there


def counts_of(block: Any, table: FlagTable, fill: Any = None) -> NDArray[np.int64]:
    """How often each flag holds in a block; then how often none does, how often there is no number, and all."""
    bits, there = bits_of(np.asarray(block), table.width, fill)
    values, numbers = np.unique(bits[there], return_counts=True)
    masks, wanted = np.array(table.masks, np.uint64)[:, None], np.array(table.values, np.uint64)[:, None]
    holds = (values[None, :] & masks) == wanted
    counts = (holds * numbers).sum(axis=1)
    none = numbers[~holds.any(axis=0)].sum()
    return np.array([*counts, none, there.size - np.count_nonzero(there), there.size], np.int64)
