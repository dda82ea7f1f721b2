"""The thin seam between the accessor and Rust, where the meaning of flags, levels, names and regions is decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from karin import _karin

# The attributes that the rules look at. Others may hold what Rust cannot take: h5netcdf gives text that is no text.
_LOOKED_AT = ("flag_meanings", "flag_masks", "flag_values", "quality_flag", "standard_name", "units", "_FillValue")


def attributes_of(array: xr.DataArray) -> dict[str, Any]:
    """The attributes that decide, of a variable that is decoded or not (xarray moves some to the encoding)."""
    both = {**array.encoding, **array.attrs}
    return {name: both[name] for name in _LOOKED_AT if both.get(name) is not None}


def flag_table(
    dtype: np.dtype[Any], attributes: dict[str, Any]
) -> tuple[str, tuple[str, ...], tuple[int, ...], tuple[int, ...]] | None:
    """Kind, names, masks and values of a flag variable, or None."""
    if "flag_meanings" not in attributes:
        return None
    found = _karin.decode_flags(dtype.name, attributes)
    if found is None:
        return None
    return found["kind"], tuple(found["names"]), tuple(found["masks"]), tuple(found["values"])


def gate_of(dataset: xr.Dataset, name: str) -> tuple[str, str] | None:
    """The flag variable that decides over a variable, and the rule by which it does."""
    # Only what the rules look at: the variable, the flag that it names, and the one flag of level 3.
    beside = {name, str(dataset[name].attrs.get("quality_flag", "")).strip(), "quality_flag"}
    about = {
        other: (stored_dtype(dataset[other]).name, attributes_of(dataset[other]))
        for other in beside
        if other in dataset.variables
    }
    gate = _karin.quality_gate(name, about)
    return gate if gate is not None and gate[0] in dataset.variables else None


def keeps(rule: str, level: str, bits: NDArray[Any], there: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where a level keeps values beside which a flag variable holds these bits; nothing where there is no number."""
    raw = np.where(there, bits.astype(np.float64), np.nan)
    kept: NDArray[np.bool_] = _karin.quality_keeps(rule, level, raw.reshape(-1)).reshape(bits.shape)
    return kept


def derived_of(dataset: xr.Dataset) -> dict[str, str]:
    """The derived quantities that a dataset allows and does not have, and the expression that makes each."""
    return dict(_karin.canonical_names([str(name) for name in dataset.variables]))


def nearest(word: str, candidates: Iterable[Any]) -> str:
    """`; did you mean 'x'?` or nothing."""
    found = _karin.nearest_word(word, [str(name) for name in candidates])
    return f"; did you mean {found!r}?" if found else ""


def inside(region: dict[str, Any], longitude: NDArray[Any], latitude: NDArray[Any]) -> NDArray[np.bool_]:
    """Where positions lie in a region: `{"bbox": (W, S, E, N)}` or `{"polygon": GeoJSON text}`."""
    flat = (np.ascontiguousarray(part, np.float64).reshape(-1) for part in (longitude, latitude))
    found: NDArray[np.bool_] = _karin.region_contains(*flat, **region).reshape(longitude.shape)
    return found


def land(fine: bool) -> list[NDArray[np.float64]]:
    """Outlines of the land: rings of (longitude, latitude)."""
    return [ring.reshape(-1, 2) for ring in _karin.land(fine)]


def colors_of(name: str | None, variable: str, attributes: Mapping[Any, Any]) -> tuple[str, bool, NDArray[np.uint8]]:
    """A colour map of cmocean (the one that suits the variable if None): its name, whether its middle means zero, and
    its 256 colours of red, green and blue."""
    texts = {str(key): value for key, value in attributes.items() if isinstance(value, str)}
    name, diverges, table = _karin.color_map(name, variable, texts)
    return name, diverges, table.reshape(256, 3)


def stored_dtype(array: xr.DataArray) -> np.dtype[Any]:
    """The dtype that an array has in its file. A decoded flag whose encoding is lost has that of its attributes."""
    dtype = np.dtype(array.encoding.get("dtype") or array.dtype)
    if dtype.kind in "iu":
        return dtype
    for key in ("flag_masks", "flag_values"):
        numbers = array.attrs.get(key)
        if isinstance(numbers, (np.ndarray, np.generic)) and numbers.dtype.kind in "iu":
            return numbers.dtype
    return dtype
