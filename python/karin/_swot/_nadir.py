"""Values of the nadir altimeter that level 3 clips into the swath (`i_num_line`, `i_num_pixel`)."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from karin._swot._geometry import Geometry, decoded, keep_where, with_arrays
from karin.errors import InvalidArgumentError

_LINE, _PIXEL, _DIMENSION = "i_num_line", "i_num_pixel", "num_nadir"


def has_nadir(dataset: xr.Dataset) -> bool:
    """True if nadir values are clipped into the swath."""
    return _LINE in dataset.variables and _PIXEL in dataset.variables


def without_nadir(dataset: xr.Dataset) -> xr.Dataset:
    """The dataset without nadir values, and without the indices that say where they were."""
    if not has_nadir(dataset):
        return dataset
    geometry = Geometry.of(dataset)
    keep = ~nadir_mask(dataset, geometry)
    swath = {name: keep_where(array, keep) for name, array in dataset.data_vars.items() if geometry.holds(array)}
    indices = [name for name, array in dataset.variables.items() if _DIMENSION in array.dims]
    return with_arrays(dataset, swath).drop_vars(indices)


def nadir_mask(dataset: xr.Dataset, geometry: Geometry) -> xr.DataArray:
    """True for the pixels that hold nadir values: (..., lines, pixels)."""
    lines, pixels = _indices(dataset, geometry)
    if lines is None or pixels is None:
        columns = np.unique(_whole(dataset[_PIXEL].values))
        pixel = xr.DataArray(np.arange(dataset.sizes[geometry.pixels]), dims=geometry.pixels)
        line = xr.DataArray(np.ones(dataset.sizes[geometry.lines], bool), dims=geometry.lines)
        return line & pixel.isin(columns)
    sizes = {name: dataset.sizes[name] for name in geometry.dims}
    made: xr.DataArray = xr.apply_ufunc(
        _marked,
        lines,
        pixels,
        kwargs={"shape": tuple(sizes.values())},
        input_core_dims=[[_DIMENSION], [_DIMENSION]],
        output_core_dims=[list(geometry.dims)],
        dask="parallelized",
        output_dtypes=[bool],
        dask_gufunc_kwargs={"output_sizes": sizes, "allow_rechunk": True},
    )
    return made


def nadir_series(dataset: xr.Dataset) -> xr.Dataset:
    """The nadir values as a dataset along `num_nadir`.

    Raises
    ------
    InvalidArgumentError
        If the dataset does not say which lines its nadir values are on.
    """
    if not has_nadir(dataset):
        raise InvalidArgumentError(
            "no nadir values in this dataset: only level 3 products with i_num_line and i_num_pixel have them"
        )
    geometry = Geometry.of(dataset)
    lines, pixels = _indices(dataset, geometry)
    if lines is None or pixels is None:
        raise InvalidArgumentError(
            "lines were cut out of this dataset, and no num_lines coordinate says which: i_num_line counts the lines of "
            "the whole granule"
        )
    arrays = {}
    for name, array in dataset.variables.items():
        if name in (_LINE, _PIXEL, geometry.lines) or geometry.lines not in array.dims:
            continue
        core = [dim for dim in geometry.dims if dim in array.dims]
        alone = dataset[name].reset_coords(drop=True)
        arrays[name] = _picked(alone, lines, pixels, core) if lines.ndim == 1 else _gathered(alone, lines, pixels, core)
    series = xr.Dataset(arrays, attrs=dataset.attrs)
    for name in arrays:
        series[name].encoding = dict(dataset[name].encoding)
    coordinates = [name for name in arrays if name in (geometry.latitude, geometry.longitude, "time")]
    return series.set_coords(coordinates)


def _picked(array: xr.DataArray, lines: xr.DataArray, pixels: xr.DataArray, core: list[str]) -> xr.DataArray:
    """Of one pass: reads only the lines with nadir values (lines without a time may hold what is no date)."""
    lines, pixels = lines.compute(), pixels.compute()
    there = (lines >= 0) & (pixels >= 0)
    places = dict(zip(core, (lines.where(there, 0), pixels.where(there, 0)), strict=False))
    picked = array.isel(places)
    return picked.where(there) if picked.dtype.kind in "fmM" and not bool(there.all()) else picked


def _gathered(array: xr.DataArray, lines: xr.DataArray, pixels: xr.DataArray, core: list[str]) -> xr.DataArray:
    def take(values: NDArray[Any], lines: NDArray[Any], pixels: NDArray[Any]) -> NDArray[Any]:
        flat = values.reshape(*values.shape[: values.ndim - len(core)], -1)
        width = values.shape[-1] if len(core) == 2 else 1
        there = (lines >= 0) & (pixels >= 0)
        places = np.where(there, lines * width + (pixels if len(core) == 2 else 0), 0)
        leading = np.broadcast_shapes(flat.shape[:-1], places.shape[:-1])
        flat = np.broadcast_to(flat, (*leading, flat.shape[-1]))
        places = np.broadcast_to(places, (*leading, places.shape[-1]))
        taken = np.take_along_axis(flat, places, axis=-1)
        if taken.dtype.kind in "fmM":
            nothing = np.array("NaT" if taken.dtype.kind in "mM" else np.nan, taken.dtype)
            taken[~np.broadcast_to(there, taken.shape)] = nothing
        return taken

    made: xr.DataArray = xr.apply_ufunc(
        take,
        array,
        lines,
        pixels,
        input_core_dims=[core, [_DIMENSION], [_DIMENSION]],
        output_core_dims=[[_DIMENSION]],
        dask="parallelized",
        output_dtypes=[array.dtype],
        keep_attrs=True,
        dask_gufunc_kwargs={"allow_rechunk": True},
    )
    return made


def _marked(lines: NDArray[Any], pixels: NDArray[Any], shape: tuple[int, int]) -> NDArray[np.bool_]:
    marked = np.zeros((*lines.shape[:-1], shape[0] * shape[1]), bool)
    there = (lines >= 0) & (lines < shape[0]) & (pixels >= 0) & (pixels < shape[1])
    places = np.where(there, lines * shape[1] + pixels, 0)
    rows = marked.reshape(-1, marked.shape[-1])
    flat = zip(rows, places.reshape(-1, places.shape[-1]), there.reshape(-1, there.shape[-1]), strict=True)
    for row, at, valid in flat:
        row[at[valid]] = True
    return marked.reshape(*lines.shape[:-1], *shape)


def _indices(dataset: xr.Dataset, geometry: Geometry) -> tuple[xr.DataArray, xr.DataArray] | tuple[None, None]:
    """Line and pixel of every nadir value as places in this dataset, -1 for none; (None, None) if they cannot be known."""
    lines = _integers(decoded(dataset, _LINE))
    pixels = _integers(decoded(dataset, _PIXEL))
    size = dataset.sizes[geometry.lines]
    if geometry.lines in dataset.indexes:
        # A crop carries the lines of its granule as a coordinate.
        index = dataset.indexes[geometry.lines]
        if not index.is_unique:
            return None, None

        def places(block: NDArray[Any]) -> NDArray[Any]:
            found: NDArray[Any] = index.get_indexer(block.reshape(-1)).reshape(block.shape)
            return found

        return xr.apply_ufunc(places, lines, dask="parallelized", output_dtypes=[np.int64]), pixels
    if int(lines.max()) >= size:
        return None, None
    return lines, pixels


def _integers(array: xr.DataArray) -> xr.DataArray:
    made: xr.DataArray = xr.apply_ufunc(_whole, array, dask="parallelized", output_dtypes=[np.int64])
    return made


def _whole(block: NDArray[Any]) -> NDArray[np.int64]:
    """Integers; -1 where there is none."""
    numbers = np.asarray(block)
    if numbers.dtype.kind == "f":
        numbers = np.where(np.isfinite(numbers), numbers, -1)
    numbers = numbers.astype(np.int64)
    return np.where(numbers < 0, -1, numbers)
