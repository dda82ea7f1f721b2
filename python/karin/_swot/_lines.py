"""Regions, and many passes as one long swath."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from karin._swot import _seam
from karin._swot._geometry import Geometry, decoded, keep_where, positions, with_arrays
from karin.errors import InvalidArgumentError


def selected(dataset: xr.Dataset, *, bbox: Any = None, polygon: Any = None, crop: str = "exact") -> xr.Dataset:
    """What of a dataset lies in a region: lines that touch it, and of these (`crop="exact"`) the pixels inside."""
    if crop not in ("exact", "lines"):
        raise InvalidArgumentError(f"crop={crop!r}: expected 'exact' or 'lines'")
    geometry = Geometry.of(dataset)
    region = region_of(bbox, polygon)
    longitude, latitude = positions(dataset, geometry)
    inside = xr.apply_ufunc(
        lambda lon, lat: _seam.inside(region, lon, lat),
        *xr.broadcast(longitude, latitude),
        dask="parallelized",
        output_dtypes=[bool],
    ).reset_coords(drop=True)
    touched = inside.any([dim for dim in inside.dims if dim != geometry.lines]).values
    lines = np.flatnonzero(touched)
    if geometry.lines not in dataset.coords:
        # Which lines of the granule these are, as in karin's own crops.
        dataset = dataset.assign_coords({geometry.lines: np.arange(dataset.sizes[geometry.lines])})
    part = dataset.isel({geometry.lines: lines})
    if geometry.is_grid:
        part = part.isel({geometry.pixels: np.flatnonzero(inside.any(geometry.lines).values)})
    if crop == "lines":
        return part
    keep = inside.isel({geometry.lines: lines})
    arrays = {name: keep_where(array, keep) for name, array in part.data_vars.items() if geometry.holds(array)}
    return with_arrays(part, arrays)


def region_of(bbox: Any, polygon: Any) -> dict[str, Any]:
    """What the seam takes: a box, or a polygon as GeoJSON (from text, a dictionary, shapely or geopandas)."""
    if (bbox is None) == (polygon is None):
        raise InvalidArgumentError("give one of bbox=(west, south, east, north) and polygon=...")
    if bbox is not None:
        west, south, east, north = (float(number) for number in bbox)
        return {"bbox": (west, south, east, north)}
    if hasattr(polygon, "union_all"):
        polygon = polygon.union_all()
    if hasattr(polygon, "__geo_interface__"):
        polygon = polygon.__geo_interface__
    if not isinstance(polygon, str):
        polygon = json.dumps(polygon)
    return {"polygon": polygon}


def as_lines(dataset: xr.Dataset, *, drop: bool = True) -> xr.Dataset:
    """Cycles and passes one after another along the lines, with the cycle, pass and line of every line."""
    geometry = Geometry.of(dataset)
    if geometry.is_grid:
        raise InvalidArgumentError("a grid has no lines")
    leading = [dim for dim in ("cycle_number", "pass_number") if dim in dataset.dims]
    line = geometry.lines
    numbers = dataset[line] if line in dataset.coords else np.arange(dataset.sizes[line])
    dataset = dataset.assign_coords(line_number=(line, np.asarray(numbers)))
    for name in ("cycle_number", "pass_number"):
        if name in dataset.variables and dataset[name].ndim == 0:
            dataset = dataset.assign_coords({name: dataset[name].expand_dims({line: dataset.sizes[line]})})
    if line in dataset.coords:
        dataset = dataset.drop_vars(line)
    if leading:
        stacked = dataset.stack({"_stacked": [*leading, line]}, create_index=False)
        stacked = stacked.rename_dims({"_stacked": line})
        order = {
            name: tuple(sorted(array.dims, key=lambda dim: dim != line)) for name, array in stacked.variables.items()
        }
        dataset = stacked.assign({name: array.transpose(*order[name]) for name, array in stacked.variables.items()})
        dataset = dataset.set_coords([*leading, "line_number"])
    if not drop:
        return dataset
    return dataset.isel({line: np.flatnonzero(_with_something(dataset, geometry))})


def _with_something(dataset: xr.Dataset, geometry: Geometry) -> NDArray[np.bool_]:
    """Lines that have a time or, without times, a value."""
    line = geometry.lines
    if "time" in dataset.variables and dataset["time"].dims == (line,):
        time = decoded(dataset, "time")
        if time.dtype.kind == "f":
            # Fill that no attribute names: netCDF's default.
            seconds = time.values
            return np.isfinite(seconds) & (np.abs(seconds) < 9e36)
        known: NDArray[np.bool_] = time.notnull().values
        return known
    found = np.zeros(dataset.sizes[line], bool)
    for array in dataset.data_vars.values():
        if geometry.holds(array) and array.dtype.kind == "f":
            found |= array.notnull().any([dim for dim in array.dims if dim != line]).values
    return found
