"""Quality masks: which values a level, or names of flags, keep."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import xarray as xr
from numpy.typing import NDArray

from karin._swot import _flags, _seam
from karin._swot._geometry import Geometry, fill_of, keep_where, with_arrays
from karin.errors import InvalidArgumentError, NotFoundError


def kept_by_gate(dataset: xr.Dataset, flag_variable: str, rule: str, level: str) -> xr.DataArray:
    """Where a level keeps values: a boolean array."""
    array = dataset[flag_variable]
    width = (1 << (8 * _seam.stored_dtype(array).itemsize)) - 1

    def keep(block: NDArray[Any], width: int, fill: Any) -> NDArray[Any]:
        return _seam.keeps(rule, level, *_flags.bits_of(block, width, fill))

    return _elementwise(keep, array, width)


def kept_by_names(
    dataset: xr.Dataset, table: _flags.FlagTable, exclude: list[str] | None, include: list[str] | None
) -> xr.DataArray:
    """Where none of the excluded flags holds."""
    if exclude is None:
        exclude = ["*"]
    accepted = set(table.matching(include or []))
    excluded = [index for index in table.matching(exclude) if index not in accepted]

    def keep(block: NDArray[Any], width: int, fill: Any) -> NDArray[Any]:
        bits, there = _flags.bits_of(block, width, fill)
        kept = there & ~table.any_holds(excluded, bits)
        if accepted and table.kind == "values":
            # A number without a name is none of the flags that are accepted.
            kept &= table.any_holds(range(len(table.names)), bits)
        return kept

    return _elementwise(keep, dataset[table.variable], table.width)


def _elementwise(function: Callable[..., NDArray[Any]], array: xr.DataArray, width: int) -> xr.DataArray:
    options = {"width": width, "fill": fill_of(array)}
    made: xr.DataArray = xr.apply_ufunc(function, array, kwargs=options, dask="parallelized", output_dtypes=[bool])
    return made


def words(patterns: str | Iterable[str] | None) -> list[str] | None:
    """One pattern or several, as a list."""
    if patterns is None:
        return None
    return [patterns] if isinstance(patterns, str) else list(patterns)


def gated_variables(
    dataset: xr.Dataset, variables: Iterable[str] | None, by: str | Iterable[str] | None
) -> dict[str, list[str]]:
    """For every flag variable that names are looked up in, the variables over which it decides."""
    geometry = Geometry.of(dataset)
    wanted = _wanted(dataset, variables)
    if by is not None:
        flags = words(by) or []
        for name in flags:
            _expect(dataset, name)
            if _flags.table_of(dataset, name) is None:
                raise InvalidArgumentError(f"{name} is no flag variable: it has no flag_meanings")
        return {flag: [name for name in wanted if _is_measured(dataset, name, flag, geometry)] for flag in flags}
    gated: dict[str, list[str]] = {}
    for name in wanted:
        gate = _seam.gate_of(dataset, name)
        flag = gate[0] if gate else None
        if (
            flag is None
            and "quality_flag" in dataset.variables
            and _is_measured(dataset, name, "quality_flag", geometry)
        ):
            # Level 3 is edited already, so no level gates these; who names flags means them too.
            flag = "quality_flag"
        if flag is not None:
            gated.setdefault(flag, []).append(name)
    return gated


def _wanted(dataset: xr.Dataset, variables: Iterable[str] | None) -> list[str]:
    wanted = [str(name) for name in (dataset.data_vars if variables is None else variables)]
    for name in wanted:
        _expect(dataset, name)
    return wanted


def _expect(dataset: xr.Dataset, name: str) -> None:
    if name not in dataset.variables:
        raise NotFoundError(f"no variable {name!r}{_seam.nearest(name, dataset.variables)}")


def _is_measured(dataset: xr.Dataset, name: str, flag: str, geometry: Geometry) -> bool:
    """True for what is measured per pixel of the flag: no coordinates, no flags."""
    array = dataset[name]
    is_coordinate = name in (geometry.latitude, geometry.longitude) or str(name).startswith(("latitude", "longitude"))
    is_measured = not is_coordinate and array.dtype.kind in "fiu" and "flag_meanings" not in array.attrs
    return is_measured and geometry.holds(array) and set(dataset[flag].dims) <= set(array.dims)


def by_names(
    dataset: xr.Dataset,
    exclude: str | Iterable[str] | None,
    include: str | Iterable[str] | None,
    variables: Iterable[str] | None,
    by: str | Iterable[str] | None,
) -> dict[str, xr.DataArray]:
    """For every variable concerned, where the names of flags keep it."""
    gated = gated_variables(dataset, variables, by)
    if not gated:
        raise InvalidArgumentError("no flag decides over these variables: name a flag variable with by=...")
    found = {flag: _flags.table_of(dataset, flag) for flag in gated}
    tables = {flag: table for flag, table in found.items() if table is not None}
    missing = [flag for flag in gated if flag not in tables]
    if missing:
        raise InvalidArgumentError(f"{missing[0]} has lost its flag_meanings: its flags cannot be named, use a level")
    names = list(dict.fromkeys(name for table in tables.values() for name in table.names))
    excluded, included = words(exclude), words(include)
    for pattern in (excluded or []) + (included or []):
        if not any(table.matching([pattern]) for table in tables.values()):
            raise InvalidArgumentError(
                f"no flag is named {pattern!r}{_seam.nearest(pattern.strip('*'), names)} "
                f"(flags of {', '.join(tables)}: {', '.join(names)})"
            )
    kept: dict[str, xr.DataArray] = {}
    for flag, table in tables.items():
        keep = kept_by_names(dataset, table, excluded, included)
        for name in gated[flag]:
            kept[name] = kept[name] & keep if name in kept else keep
    return kept


def by_level(dataset: xr.Dataset, level: str, variables: Iterable[str] | None) -> dict[str, xr.DataArray]:
    """For every variable that something gates, where the level keeps it."""
    kept: dict[str, xr.DataArray] = {}
    shared: dict[tuple[str, str], xr.DataArray] = {}
    for name in _wanted(dataset, variables):
        gate = _seam.gate_of(dataset, name)
        if gate is not None and level != "any":
            if gate not in shared:
                shared[gate] = kept_by_gate(dataset, *gate, level)
            kept[name] = shared[gate]
    return kept


def masked(dataset: xr.Dataset, kept: dict[str, xr.DataArray]) -> xr.Dataset:
    """The dataset with its fill where values are not kept."""
    return with_arrays(dataset, {name: keep_where(dataset[name], keep) for name, keep in kept.items()})


def check_level(level: str) -> str:
    """The level, or an error that names the levels."""
    levels = ("good", "suspect", "degraded", "any")
    if level not in levels:
        raise InvalidArgumentError(
            f"{level!r} is no quality level (good, suspect, degraded or any){_seam.nearest(str(level), levels)}"
        )
    return level
