"""Both sides of a 250 m product as one swath: left turned round, then right, with places where the product has none."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from karin._swot._geometry import Geometry
from karin.errors import InvalidArgumentError

#: What of an encoding stays true of both sides together.
_PACKING = ("dtype", "_FillValue", "scale_factor", "add_offset", "units", "calendar")


def both(left: xr.Dataset, right: xr.Dataset, *, fill: bool = True) -> xr.Dataset:
    """Join two sides along the pixels; see `SwotTreeAccessor.both`."""
    geometry = Geometry.of(left)
    lines, pixels = geometry.dims
    left, right = _on_same_lines(left, right, lines)
    if left.sizes[lines] != right.sizes[lines]:
        raise InvalidArgumentError(
            f"left has {left.sizes[lines]} lines and right {right.sizes[lines]}: they are not one swath as they are"
        )
    if fill and not geometry.is_grid and left[geometry.latitude].dtype.kind == "f":
        # Each side by itself: between them lie twenty kilometres without pixels.
        left, right = _placed(left, geometry), _placed(right, geometry)
    # Pixel 0 of either side is the one nearest to the nadir.
    left = left.isel({pixels: slice(None, None, -1)})
    joined: dict[Any, xr.Variable] = {}
    for name in (name for name in left.variables if name in right.variables):
        mine, other = left.variables[name], right.variables[name]
        if pixels in mine.dims:
            joined[name] = _side_by_side([mine, other], pixels)
        elif name in left.dims:
            joined[name] = left[name].variable
        else:
            joined[name] = _per_line(mine, other, lines)
    whole = xr.Dataset(joined, attrs=left.attrs)
    whole.attrs.pop("description", None)
    return whole.set_coords([name for name in left.coords if name in joined])


def _on_same_lines(left: xr.Dataset, right: xr.Dataset, lines: str) -> tuple[xr.Dataset, xr.Dataset]:
    """Sides of a region reach over lines of their own, by their numbers: both get the lines of both."""
    if lines not in left.variables or lines not in right.variables:
        return left, right
    numbers = np.union1d(left[lines].values, right[lines].values)
    return tuple(  # type: ignore[return-value]
        side if np.array_equal(side[lines].values, numbers) else _on_lines(side, lines, numbers) for side in (left, right)
    )


def _on_lines(side: xr.Dataset, lines: str, numbers: NDArray[Any]) -> xr.Dataset:
    if any(variable.chunks is not None for variable in side.variables.values()):
        fills = {name: _nothing(variable.dtype) for name, variable in side.variables.items()}
        spread = side.reindex({lines: numbers}, fill_value=fills)
    else:
        places = np.full(len(numbers), -1)
        places[np.searchsorted(numbers, side[lines].values)] = np.arange(side.sizes[lines])
        kept = side.drop_vars([name for name, variable in side.variables.items() if lines in variable.dims])
        spread = kept.assign_coords({lines: (lines, numbers)})
        for name, variable in side.variables.items():
            if lines in variable.dims and name != lines:
                data = indexing.LazilyIndexedArray(_Spread(variable, variable.dims.index(lines), places))
                spread[name] = xr.Variable(variable.dims, data, variable.attrs, variable.encoding)
        spread = spread.set_coords([name for name in side.coords if name in spread.variables])[list(side.variables)]
    spread[lines].attrs = side[lines].attrs
    return spread


def _nothing(dtype: np.dtype[Any]) -> Any:
    """What stands on a line that a side does not have."""
    if dtype.kind == "f":
        return np.nan
    return np.array("NaT", dtype) if dtype.kind in "mM" else np.zeros((), dtype)[()]


def _per_line(left: Any, right: Any, lines: str) -> xr.Variable:
    """A value per line: times of the left, or of the right where it has none; the rest of both where they differ."""
    found: xr.Variable
    if left.dims != right.dims or lines not in left.dims:
        found = left
    elif left.dtype.kind in "mM":
        found = left.where(left.notnull(), right)
        found.attrs, found.encoding = left.attrs, left.encoding
    elif left.equals(right):
        found = left
    else:
        concat: Any = xr.Variable.concat
        found = concat([left, right], "num_sides").transpose(*left.dims, "num_sides")
        found.attrs = {**left.attrs, "comment": f"{left.attrs.get('comment', '')} (of the left and the right side)".strip()}
    return found


def _side_by_side(parts: list[xr.Variable], dim: str) -> xr.Variable:
    if any(part.chunks is not None for part in parts) or all(isinstance(part._data, np.ndarray) for part in parts):
        concat: Any = xr.Variable.concat
        joined: xr.Variable = concat(parts, dim)
    else:
        lazy = indexing.LazilyIndexedArray(_Joined(parts, parts[0].dims.index(dim)))
        joined = xr.Variable(parts[0].dims, lazy)
    joined.attrs = parts[0].attrs
    joined.encoding = {name: value for name, value in parts[0].encoding.items() if name in _PACKING}
    return joined


class _Joined(BackendArray):
    """Arrays one behind the other along an axis, of which only what is asked for is read."""

    def __init__(self, parts: list[xr.Variable], axis: int) -> None:
        self._parts = parts
        self._axis = axis
        self.dtype = np.result_type(*(part.dtype for part in parts))
        shape = list(parts[0].shape)
        shape[axis] = sum(part.shape[axis] for part in parts)
        self.shape = tuple(shape)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._read)

    def _read(self, key: tuple[Any, ...]) -> NDArray[Any]:
        wanted = key[self._axis]
        along = np.atleast_1d(np.arange(self.shape[self._axis])[wanted])
        blocks = []
        first = 0
        for part in self._parts:
            size = part.shape[self._axis]
            here = along[(along >= first) & (along < first + size)] - first
            own = (*key[: self._axis], here, *key[self._axis + 1 :])
            blocks.append(np.asarray(part[own].values if here.size else _empty(part, own)))
            first += size
        kept = sum(1 for item in key[: self._axis] if not isinstance(item, (int, np.integer)))
        joined = np.concatenate(blocks, axis=kept)
        # Parts come in their order; what is asked for may go to and fro.
        order = np.argsort(np.argsort(along, kind="stable"), kind="stable")
        joined = np.take(joined, order, axis=kept)
        return joined.take(0, axis=kept) if isinstance(wanted, (int, np.integer)) else joined


class _Spread(BackendArray):
    """An array on more lines than it has, of which only what is asked for is read: fill on those that it lacks."""

    def __init__(self, part: xr.Variable, axis: int, places: NDArray[Any]) -> None:
        self._part = part
        self._axis = axis
        #: Of every line the index in the part; -1 where it has none.
        self._places = places
        self.dtype = part.dtype
        self.shape = (*part.shape[:axis], len(places), *part.shape[axis + 1 :])

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._read)

    def _read(self, key: tuple[Any, ...]) -> NDArray[Any]:
        wanted = self._places[key[self._axis]]
        places = np.atleast_1d(wanted)
        is_there = places >= 0
        own = (*key[: self._axis], places[is_there], *key[self._axis + 1 :])
        here = np.asarray(self._part[own].values if is_there.any() else _empty(self._part, own))
        axis = sum(1 for item in key[: self._axis] if not isinstance(item, (int, np.integer)))
        shape = (*here.shape[:axis], len(places), *here.shape[axis + 1 :])
        spread = np.full(shape, _nothing(self.dtype), self.dtype)
        spread[(slice(None),) * axis + (is_there,)] = here
        found: NDArray[Any] = spread.take(0, axis=axis) if np.ndim(wanted) == 0 else spread
        return found


def _empty(part: xr.Variable, key: tuple[Any, ...]) -> NDArray[Any]:
    shape = [
        len(np.arange(size)[item]) for size, item in zip(part.shape, key, strict=True) if not isinstance(item, (int, np.integer))
    ]
    return np.empty(shape, part.dtype)


def _placed(dataset: xr.Dataset, geometry: Geometry) -> xr.Dataset:
    """Give every pixel of a line a place that has two known ones or more."""
    latitude, longitude = (dataset[name].variable for name in (geometry.latitude, geometry.longitude))
    if latitude.chunks is not None:
        places = xr.apply_ufunc(
            filled_places,
            dataset[geometry.latitude],
            dataset[geometry.longitude],
            input_core_dims=[[geometry.pixels]] * 2,
            output_core_dims=[[geometry.pixels]] * 2,
            dask="parallelized",
            dask_gufunc_kwargs={"allow_rechunk": True},
            output_dtypes=[latitude.dtype, longitude.dtype],
        )
        found = [place.transpose(*latitude.dims).variable for place in places]
    else:
        axis = latitude.dims.index(geometry.pixels)
        found = []
        for which, variable in enumerate((latitude, longitude)):
            lazy = _Placed(latitude, longitude, which, axis)
            found.append(xr.Variable(variable.dims, indexing.LazilyIndexedArray(lazy)))
    for place, variable in zip(found, (latitude, longitude), strict=True):
        place.attrs, place.encoding = variable.attrs, variable.encoding
    named = dict(zip((geometry.latitude, geometry.longitude), found, strict=True))
    return dataset.assign({name: (place.dims, place._data, place.attrs, place.encoding) for name, place in named.items()})


class _Placed(BackendArray):
    """Latitudes or longitudes without holes: whole lines are read, so that neighbours tell where a pixel is."""

    def __init__(self, latitude: xr.Variable, longitude: xr.Variable, which: int, axis: int) -> None:
        self._places = latitude, longitude
        self._which = which
        self._axis = axis
        self.shape = latitude.shape
        self.dtype = self._places[which].dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._read)

    def _read(self, key: tuple[Any, ...]) -> NDArray[Any]:
        lines = (*key[: self._axis], slice(None), *key[self._axis + 1 :])
        wanted = np.asarray(self._places[self._which][lines].values)
        axis = sum(1 for item in key[: self._axis] if not isinstance(item, (int, np.integer)))
        wanted = np.moveaxis(wanted, axis, -1)
        if np.isnan(wanted).any():
            latitude, longitude = (np.moveaxis(np.asarray(place[lines].values), axis, -1) for place in self._places)
            wanted = filled_places(latitude, longitude)[self._which]
        found: NDArray[Any] = np.moveaxis(wanted, -1, axis)[(slice(None),) * axis + (key[self._axis],)]
        return found


def filled_places(latitude: NDArray[Any], longitude: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Latitudes and longitudes whose holes along the last axis lie on the straight line through their neighbours.

    The line is one in space, so that neither the poles nor the antimeridian bend it; over a swath it is a few
    centimetres from the arc. Lines with fewer than two places stay as they are.
    """
    shape = latitude.shape
    lat, lon = (np.array(part, float).reshape(-1, shape[-1]) for part in (latitude, longitude))
    known = np.isfinite(lat) & np.isfinite(lon)
    pixels = np.arange(shape[-1])
    for line in np.flatnonzero((known.sum(axis=1) >= 2) & ~known.all(axis=1)):
        there = np.flatnonzero(known[line])
        hole = np.flatnonzero(~known[line])
        # The known pixels on either side, or the two nearest where there is only one side.
        after = np.clip(np.searchsorted(there, hole), 1, there.size - 1)
        first, second = there[after - 1], there[after]
        weight = ((pixels[hole] - first) / (second - first))[:, None]
        points = _in_space(lat[line], lon[line])
        x, y, z = (points[first] * (1 - weight) + points[second] * weight).T
        lat[line, hole] = np.degrees(np.arctan2(z, np.hypot(x, y)))
        around = np.degrees(np.arctan2(y, x))
        # In the convention of the neighbours.
        lon[line, hole] = around + 360.0 * np.round((lon[line, first] - around) / 360.0)
        if np.nanmin(lon[line, there]) >= 0.0:
            lon[line, hole] %= 360.0
    return tuple(part.reshape(shape).astype(latitude.dtype, copy=False) for part in (lat, lon))  # type: ignore[return-value]


def _in_space(latitude: NDArray[Any], longitude: NDArray[Any]) -> NDArray[Any]:
    phi, theta = np.radians(latitude), np.radians(longitude)
    return np.stack([np.cos(phi) * np.cos(theta), np.cos(phi) * np.sin(theta), np.sin(phi)], axis=-1)
