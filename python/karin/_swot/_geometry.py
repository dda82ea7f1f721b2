"""Where the values of a dataset lie: its longitudes and latitudes, and which dimensions are lines and pixels."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import xarray as xr

from karin.errors import InvalidArgumentError

_LATITUDES = ("latitude", "lat", "nav_lat")
_LONGITUDES = ("longitude", "lon", "nav_lon")


@dataclasses.dataclass(frozen=True)
class Geometry:
    """Names of the coordinates and dimensions of a swath (or of a grid, whose lines are rows).

    Attributes
    ----------
    latitude, longitude : str
        Names of the coordinates.
    lines, pixels : str
        Names of the dimensions along and across the track.
    is_grid : bool
        True if latitude and longitude have one dimension each.
    """

    latitude: str
    longitude: str
    lines: str
    pixels: str
    is_grid: bool

    @property
    def dims(self) -> tuple[str, str]:
        """Lines, then pixels."""
        return self.lines, self.pixels

    def holds(self, array: Any) -> bool:
        """True if an array has a value per pixel."""
        return self.lines in array.dims and self.pixels in array.dims

    @classmethod
    def of(cls, dataset: xr.Dataset) -> Geometry:
        """The geometry of a dataset.

        Raises
        ------
        InvalidArgumentError
            If it has no latitudes and longitudes.
        """
        latitude = _find(dataset, _LATITUDES, "latitude", "degrees_north")
        longitude = _find(dataset, _LONGITUDES, "longitude", "degrees_east")
        if latitude is None or longitude is None:
            raise InvalidArgumentError(
                "this dataset has no latitudes and longitudes: .swot needs both, named latitude and longitude "
                "or known by their standard_name"
            )
        latitudes, longitudes = dataset[latitude], dataset[longitude]
        if latitudes.ndim == longitudes.ndim == 1 and latitudes.dims != longitudes.dims:
            return cls(latitude, longitude, str(latitudes.dims[0]), str(longitudes.dims[0]), True)
        if latitudes.ndim < 2:
            raise InvalidArgumentError(
                f"{latitude} has the dimensions {latitudes.dims}: .swot needs lines and pixels (or a grid)"
            )
        lines, pixels = _lines_and_pixels(latitudes)
        return cls(latitude, longitude, lines, pixels, False)


def _find(dataset: xr.Dataset, names: tuple[str, ...], standard_name: str, units: str) -> str | None:
    for name in names:
        if name in dataset.variables:
            return name
    for key, value in (("standard_name", standard_name), ("units", units)):
        for other, variable in dataset.variables.items():
            if variable.attrs.get(key) == value:
                return str(other)
    return None


def _lines_and_pixels(latitudes: xr.DataArray) -> tuple[str, str]:
    """The last two dimensions by their names; without these, the longer is along the track (files saved by users)."""
    dims = [str(dim) for dim in latitudes.dims]
    if "num_lines" in dims and len(dims) >= 2:
        rest = [name for name in dims if name != "num_lines"]
        return "num_lines", "num_pixels" if "num_pixels" in rest else rest[-1]
    first, second = dims[-2:]
    return (first, second) if latitudes.sizes[first] >= latitudes.sizes[second] else (second, first)


def fill_of(array: Any) -> Any:
    """The number that stands for no value in an integer array that was not decoded, or None."""
    for holder in (array.attrs, array.encoding):
        for key in ("_FillValue", "missing_value"):
            if holder.get(key) is not None:
                return np.asarray(holder[key]).reshape(-1)[0]
    return None


def keep_where(array: xr.DataArray, keep: xr.DataArray) -> xr.DataArray:
    """The array with its fill (NaN, NaT, `_FillValue`) where `keep` is false; integers without a fill stay whole."""
    if array.dtype.kind in "fcmM":
        return array.where(keep).transpose(*array.dims)
    fill = fill_of(array)
    if fill is None or array.dtype.kind not in "iu":
        return array
    return array.where(keep, array.dtype.type(fill)).transpose(*array.dims)


def with_arrays(dataset: xr.Dataset, arrays: dict[Any, xr.DataArray]) -> xr.Dataset:
    """The dataset with these arrays in the place of those of the same names; attributes and encodings stay."""
    result = dataset.copy()
    for name, array in arrays.items():
        array.attrs, array.encoding = dict(dataset[name].attrs), dict(dataset[name].encoding)
        result[name] = array.variable
    return result


def decoded(dataset: xr.Dataset, name: str) -> xr.DataArray:
    """A variable as true values, whether or not its dataset was opened with `mask_and_scale`. Lazy where it is."""
    array = dataset[name]
    if not {"scale_factor", "add_offset", "_FillValue", "missing_value"} & set(array.attrs):
        return array
    alone = xr.Dataset({name: array.variable})
    opened = xr.decode_cf(alone, decode_times=False, decode_coords=False, decode_timedelta=False)[name]
    return dataset.assign({name: opened.variable})[name]


def positions(dataset: xr.Dataset, geometry: Geometry) -> tuple[xr.DataArray, xr.DataArray]:
    """Longitudes and latitudes in degrees; NaN where there are none."""
    latitude, longitude = (decoded(dataset, name) for name in (geometry.latitude, geometry.longitude))
    # Level 3 has no _FillValue for its coordinates: the default fill decodes to a number that is no place.
    is_place = (abs(latitude) <= 90) & (abs(longitude) <= 720)
    return longitude.where(is_place), latitude.where(is_place)
