"""Swaths as meshes of cells: corners from centres, cut where a swath jumps, continuous across the antimeridian."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

# A step of more than this many times the usual one is a gap: another pass, dropped lines, the other side of the swath.
_JUMP = 3.0


@dataclasses.dataclass(frozen=True)
class Mesh:
    """Cells of a piece of swath.

    Attributes
    ----------
    longitude, latitude : (lines + 1, pixels + 1) array
        Corners in degrees; longitudes run on past 180 rather than jump.
    values : (lines, pixels) array
        NaN where there is nothing.
    """

    longitude: NDArray[Any]
    latitude: NDArray[Any]
    values: NDArray[Any]


def meshes(
    longitude: NDArray[Any], latitude: NDArray[Any], values: NDArray[Any], *, is_grid: bool = False, step: float = 0.0
) -> Iterator[Mesh]:
    """The meshes of a swath whose centres are (lines, pixels) arrays; NaN positions hold no value.

    `step`: cells much smaller than this many degrees are averaged.
    """
    there = np.isfinite(longitude) & np.isfinite(latitude)
    values = np.where(there, np.asarray(values, np.float64), np.nan)
    rows = np.flatnonzero(np.isfinite(values).any(axis=1))
    columns = np.flatnonzero(np.isfinite(values).any(axis=0))
    if not rows.size:
        return
    window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    longitude, latitude, values = longitude[window], latitude[window], values[window]
    known = np.flatnonzero(np.isfinite(longitude).any(axis=1))
    longitude, latitude, values = longitude[known], latitude[known], values[known]
    longitude, latitude = _filled(_unwrapped(longitude)), _filled(latitude)
    row_cuts, column_cuts = ([], []) if is_grid else _cuts(longitude, latitude)
    for lines in _ranges(row_cuts, values.shape[0]):
        for pixels in _ranges(column_cuts, values.shape[1]):
            block = values[lines, pixels]
            if np.isfinite(block).any():
                yield _mesh(*_coarsened(longitude[lines, pixels], latitude[lines, pixels], block, step))


def _ranges(cuts: list[int], size: int) -> list[slice]:
    edges = [0, *cuts, size]
    return [slice(first, last) for first, last in zip(edges[:-1], edges[1:], strict=True)]


def _unwrapped(longitude: NDArray[Any]) -> NDArray[Any]:
    """Longitudes without jumps of a turn: along pixels, then along lines."""
    first = np.take_along_axis(longitude, np.isfinite(longitude).argmax(axis=1)[:, None], axis=1)
    longitude = first + (longitude - first + 180.0) % 360.0 - 180.0
    turns: NDArray[Any] = np.unwrap(first[:, 0], period=360.0) - first[:, 0]
    continuous: NDArray[Any] = longitude + turns[:, None]
    return continuous


def _filled(positions: NDArray[Any]) -> NDArray[Any]:
    """Positions where there are none, on the line between their neighbours: a mesh needs every corner."""
    if np.isfinite(positions).all():
        return positions
    filled = positions.copy()
    for axis in (0, 1):
        lines = filled if axis == 0 else filled.T
        index = np.arange(lines.shape[0])
        for column in range(lines.shape[1]):
            known = np.isfinite(lines[:, column])
            if known.any() and not known.all():
                lines[~known, column] = np.interp(index[~known], index[known], lines[known, column])
    return filled


def _cuts(longitude: NDArray[Any], latitude: NDArray[Any]) -> tuple[list[int], list[int]]:
    """Rows and columns at which a new piece begins."""

    def jumps(axis: int) -> list[int]:
        if longitude.shape[axis] < 3:
            return []
        across, up = np.diff(longitude, axis=axis), np.diff(latitude, axis=axis)
        scale = np.cos(np.radians(latitude.mean(axis=1 - axis)[1:]))
        # The middle of all pixels of a step: one strange position does not cut a swath.
        steps = np.hypot(np.median(across, axis=1 - axis) * scale, np.median(up, axis=1 - axis))
        return [int(place) + 1 for place in np.flatnonzero(steps > _JUMP * np.median(steps))]

    return jumps(0), jumps(1)


def _coarsened(
    longitude: NDArray[Any], latitude: NDArray[Any], values: NDArray[Any], step: float
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Means of blocks of cells, so that there are about two cells in `step` degrees."""
    if step <= 0:
        return longitude, latitude, values
    for axis in (0, 1):
        if values.shape[axis] < 4:
            continue
        scale = np.cos(np.radians(np.median(latitude)))
        cell = np.median(np.hypot(np.diff(longitude, axis=axis) * scale, np.diff(latitude, axis=axis)))
        count = int(min(step / 2 / max(cell, 1e-9), values.shape[axis] // 2))
        if count > 1:
            longitude, latitude, values = (_block_means(part, count, axis) for part in (longitude, latitude, values))
    return longitude, latitude, values


def _block_means(array: NDArray[Any], count: int, axis: int) -> NDArray[Any]:
    starts = np.arange(0, array.shape[axis], count)
    there = np.isfinite(array)
    sums = np.add.reduceat(np.where(there, array, 0.0), starts, axis=axis)
    numbers = np.add.reduceat(there.astype(np.int64), starts, axis=axis)
    return np.where(numbers > 0, sums / np.maximum(numbers, 1), np.nan)


def _mesh(longitude: NDArray[Any], latitude: NDArray[Any], values: NDArray[Any]) -> Mesh:
    return Mesh(_corners(longitude, latitude), _corners(latitude, None), values)


def _corners(centres: NDArray[Any], latitude: NDArray[Any] | None) -> NDArray[Any]:
    """Corners half way between centres; beyond the edges, as far as the last centres are apart."""
    if centres.shape[0] == 1:
        # One line alone: cells of 2 km along the track.
        offset = 0.0 if latitude is not None else 0.009
        centres = np.concatenate([centres - offset, centres + offset])
        padded = centres
    else:
        padded = np.concatenate([2 * centres[:1] - centres[1:2], centres, 2 * centres[-1:] - centres[-2:-1]])
        padded = (padded[:-1] + padded[1:]) / 2
    if padded.shape[1] == 1:
        offset = 0.009 if latitude is not None else 0.0
        return np.concatenate([padded - offset, padded + offset], axis=1)
    padded = np.concatenate([2 * padded[:, :1] - padded[:, 1:2], padded, 2 * padded[:, -1:] - padded[:, -2:-1]], axis=1)
    corners: NDArray[Any] = (padded[:, :-1] + padded[:, 1:]) / 2
    return corners
