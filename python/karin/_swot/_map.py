"""Maps of swaths: on plain matplotlib axes with karin's own coastline, or on cartopy axes if given some."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from karin._swot import _heights, _seam
from karin._swot._geometry import Geometry, decoded, positions
from karin._swot._mesh import Mesh, meshes
from karin.errors import InvalidArgumentError

_Piece = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
_Window = tuple[float, float, float, float]

# What one would like to see first.
_FAVOURITES = ("ssha", "ssha_filtered", "ssha_unfiltered", "ssha_karin_2", "ssha_karin", "adt", "sla", "ssh_karin_2")
_LAND, _SHORE, _SEA = "#d9d5cd", "#6f6a60", "#e9eef3"
# A window narrower than this many degrees gets the fine coastline.
_FINE_BELOW = 90.0


def plot(dataset: xr.Dataset, variable: str | None = None, **options: Any) -> Any:
    """Draws a variable; see `SwotAccessor.plot`."""
    return plot_all([dataset], variable, **options)


def plot_all(
    datasets: Sequence[xr.Dataset],
    variable: str | None = None,
    *,
    ax: Any = None,
    region: Sequence[float] | None = None,
    cmap: Any = None,
    vmin: float | None = None,
    vmax: float | None = None,
    coastline: bool = True,
    colorbar: bool = True,
    title: str | None = None,
) -> Any:
    """Draws a variable of several datasets on one map, with one scale of colours."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "matplotlib":
            raise
        raise ImportError("maps need matplotlib: pip install matplotlib", name=error.name) from error

    pieces: list[_Piece] = []
    for dataset in datasets:
        geometry = Geometry.of(dataset)
        array = _heights.height(dataset, variable) if variable else favourite(dataset)
        if not geometry.holds(array):
            raise InvalidArgumentError(f"{array.name} has the dimensions {array.dims}: a map needs {geometry.dims}")
        pieces += _pieces(dataset, array, geometry)
    window = _window(pieces, region)
    if region is not None:
        pieces = [(lon, lat, _within(window, lon, lat, values)) for lon, lat, values in pieces]
    if ax is None:
        _, ax = plt.subplots(figsize=_size(window), layout="constrained")
        ax.set_facecolor(_SEA)
    is_projected = hasattr(ax, "projection")
    step = 360.0 / 2000 if is_projected else (window[2] - window[0]) / _width_in_pixels(ax)
    drawn = [mesh for piece in pieces for mesh in meshes(*piece, is_grid=geometry.is_grid, step=step)]
    if not drawn:
        raise InvalidArgumentError(f"{array.name} has no value to be drawn here")
    wanted = cmap if isinstance(cmap, str) and not _is_matplotlibs(cmap) else None
    name, diverges, table = _seam.colors_of(wanted, str(array.name), array.attrs)
    colors = _colormap(cmap, name, table)
    low, high = _limits(drawn, vmin, vmax, diverges and cmap is None)
    draw = _draw_projected if is_projected else _draw_plain
    artist = draw(ax, drawn, window, cmap=colors, vmin=low, vmax=high)
    if coastline:
        _draw_land(ax, window, is_projected)
    if not is_projected:
        _frame(ax, window)
    else:
        _frame_projected(ax, window)
    if colorbar:
        _color_scale(ax, artist, array, drawn, low, high)
    ax.set_title(title if title is not None else _title(array, pieces), fontsize="medium", wrap=True)
    return ax


def favourite(dataset: xr.Dataset) -> xr.DataArray:
    """The variable that one would like to see."""
    geometry = Geometry.of(dataset)
    derived = _seam.derived_of(dataset)
    for name in _FAVOURITES:
        if name in dataset.variables or name in derived:
            return _heights.height(dataset, name)
    skipped = (geometry.latitude, geometry.longitude)
    for other, array in dataset.data_vars.items():
        if other not in skipped and geometry.holds(array) and array.dtype.kind in "fiu":
            return decoded(dataset, str(other))
    raise InvalidArgumentError("no variable of this dataset can be drawn on a map: name one")


def _pieces(dataset: xr.Dataset, array: xr.DataArray, geometry: Geometry) -> Iterator[_Piece]:
    """Longitudes, latitudes and values, one (lines, pixels) triple after another."""
    longitude, latitude = positions(dataset, geometry)
    if geometry.is_grid:
        one = array.isel({dim: 0 for dim in array.dims if dim not in geometry.dims}, drop=True)
        longitude, latitude = longitude.broadcast_like(one), latitude.broadcast_like(one)
    leading = [dim for dim in array.dims if dim not in geometry.dims]
    for place in itertools.product(*(range(array.sizes[dim]) for dim in leading)):
        at = dict(zip(leading, place, strict=True))
        piece = array.isel(at).transpose(*geometry.dims).values
        if not np.isfinite(piece).any():
            continue
        lon, lat = (
            part.isel({dim: index for dim, index in at.items() if dim in part.dims}).transpose(*geometry.dims).values
            for part in (longitude, latitude)
        )
        yield lon, lat, piece


def _window(pieces: list[_Piece], region: Sequence[float] | None) -> _Window:
    """West, south, east, north of the map; west < east, which may lie beyond 180."""
    if region is not None:
        west, south, east, north = (float(number) for number in region)
        return west, south, east + 360.0 * (east <= west), north
    longitudes, latitudes = [], []
    for longitude, latitude, values in pieces:
        there = np.isfinite(values) & np.isfinite(longitude) & np.isfinite(latitude)
        longitudes.append(np.unique(np.round(longitude[there] % 360.0, 1)))
        latitudes.append(latitude[there])
    if not any(part.size for part in latitudes):
        raise InvalidArgumentError("nothing to be drawn: every value is missing, or has no position")
    around = np.unique(np.concatenate(longitudes))
    south, north = (float(edge(np.concatenate(latitudes))) for edge in (np.min, np.max))
    gaps = np.diff(np.append(around, around[0] + 360.0))
    widest = int(np.argmax(gaps))
    if gaps[widest] < 40.0:
        west, east = -180.0, 180.0
    else:
        west = float(around[(widest + 1) % around.size])
        east = west + 360.0 - float(gaps[widest])
        margin = max(0.04 * max(east - west, north - south), 0.05)
        west, east = west - margin, east + margin
        if west >= 180.0:
            west, east = west - 360.0, east - 360.0
    margin = max(0.04 * (north - south), 0.05)
    return west, max(south - margin, -90.0), east, min(north + margin, 90.0)


def _within(window: _Window, longitude: NDArray[Any], latitude: NDArray[Any], values: NDArray[Any]) -> NDArray[Any]:
    """The values that can be seen; half a degree around the window, for cells that reach into it."""
    west, south, east, north = window
    in_columns = (longitude - west + 0.5) % 360.0 <= east - west + 1.0
    in_rows = (latitude >= south - 0.5) & (latitude <= north + 0.5)
    return np.where(in_columns & in_rows, values, np.nan)


def _size(window: _Window) -> tuple[float, float]:
    """Inches that suit the shape of the map, with room for the scale of colours."""
    west, south, east, north = window
    shape = (east - west) * np.cos(np.radians(min(abs((south + north) / 2), 70.0))) / (north - south)
    height = float(np.clip(9.0 / shape, 3.0, 6.0))
    return float(np.clip(height * shape, 3.0, 10.0)) + 1.5, height


def _width_in_pixels(ax: Any) -> float:
    return max(float(ax.get_window_extent().width), 100.0)


def _is_matplotlibs(name: str) -> bool:
    import matplotlib

    return name in matplotlib.colormaps


def _colormap(cmap: Any, name: str, table: NDArray[Any]) -> Any:
    import matplotlib
    from matplotlib.colors import ListedColormap

    if cmap is None or (isinstance(cmap, str) and not _is_matplotlibs(cmap)):
        return ListedColormap(table / 255.0, name)
    return matplotlib.colormaps[cmap] if isinstance(cmap, str) else cmap


def _limits(drawn: list[Mesh], vmin: float | None, vmax: float | None, is_symmetric: bool) -> tuple[float, float]:
    values = np.concatenate([mesh.values[np.isfinite(mesh.values)] for mesh in drawn])
    low, high = (float(edge) for edge in np.quantile(values, [0.02, 0.98]))
    if is_symmetric:
        high = max(abs(low), abs(high))
        low = -high
    if low == high:
        low, high = low - 0.5, high + 0.5
    return (low if vmin is None else vmin), (high if vmax is None else vmax)


def _draw_plain(ax: Any, drawn: list[Mesh], window: _Window, **colors: Any) -> Any:
    artist = None
    for mesh in drawn:
        west, east = mesh.longitude.min(), mesh.longitude.max()
        first = int(np.ceil((window[0] - east) / 360.0))
        last = int(np.floor((window[2] - west) / 360.0))
        # A mesh that crosses the edge of the map is drawn once on either side; the axes clip it.
        for turn in range(first, last + 1):
            values = np.ma.masked_invalid(mesh.values)
            artist = ax.pcolormesh(mesh.longitude + 360.0 * turn, mesh.latitude, values, rasterized=True, **colors)
    if artist is None:
        raise InvalidArgumentError("nothing of this variable lies in the region")
    return artist


def _draw_projected(ax: Any, drawn: list[Mesh], _window: _Window, **colors: Any) -> Any:
    import cartopy.crs as ccrs

    for mesh in drawn:
        longitude = mesh.longitude - 360.0 * np.round(mesh.longitude.mean() / 360.0)
        values = np.ma.masked_invalid(mesh.values)
        artist = ax.pcolormesh(
            longitude, mesh.latitude, values, transform=ccrs.PlateCarree(), rasterized=True, **colors
        )
    return artist


def _draw_land(ax: Any, window: _Window, is_projected: bool) -> None:
    from matplotlib.collections import LineCollection, PolyCollection

    west, south, east, north = window
    turns = (0.0,) if is_projected else (-720.0, -360.0, 0.0, 360.0, 720.0)
    options: dict[str, Any] = {}
    if is_projected:
        import cartopy.crs as ccrs

        options["transform"] = ccrs.PlateCarree()._as_mpl_transform(ax)
        west, south, east, north = -540.0, -90.0, 540.0, 90.0
    rings = []
    for ring, turn in itertools.product(_seam.land(not is_projected and east - west < _FINE_BELOW), turns):
        (left, bottom), (right, top) = ring.min(axis=0), ring.max(axis=0)
        if left + turn <= east and right + turn >= west and bottom <= north and top >= south:
            rings.append(ring + (turn, 0.0))
    if not is_projected:
        ax.add_collection(PolyCollection(rings, facecolors=_LAND, edgecolors="none", zorder=0.5), autolim=False)
    shores = [shore for ring in rings for shore in _shores(ring)]
    lines = LineCollection(shores, colors=_SHORE, linewidths=0.6, zorder=2.5, **options)
    ax.add_collection(lines, autolim=False)


def _shores(ring: NDArray[Any]) -> list[NDArray[Any]]:
    """A ring without the edge that closes Antarctica along the pole."""
    closed = np.concatenate([ring, ring[:1]])
    at_pole = closed[:, 1] < -89.9
    if not at_pole.any():
        return [closed]
    pieces = np.split(closed, np.flatnonzero(np.diff(at_pole)) + 1)
    return [piece for piece in pieces if piece[0, 1] >= -89.9 and len(piece) > 1]


def _frame(ax: Any, window: _Window) -> None:
    from matplotlib.ticker import MaxNLocator

    west, south, east, north = window
    ax.set_xlim(west, east)
    ax.set_ylim(south, north)
    middle = min(abs((south + north) / 2), 70.0)
    ax.set_aspect(1.0 / np.cos(np.radians(middle)))
    labels = max(2, int(_width_in_pixels(ax) / ax.figure.dpi / 0.75))
    ax.xaxis.set_major_locator(MaxNLocator(labels, steps=[1, 2, 3, 5, 10]))
    ax.xaxis.set_major_formatter(lambda value, _: _degrees((value + 180.0) % 360.0 - 180.0, "E", "W", 180.0))
    ax.yaxis.set_major_formatter(lambda value, _: _degrees(value, "N", "S", np.inf))
    ax.grid(True, linewidth=0.3, color="black", alpha=0.25)
    ax.set_axisbelow(False)


def _frame_projected(ax: Any, window: _Window) -> None:
    """Shows what was drawn, unless the user has said what to show."""
    if not ax.get_autoscalex_on():
        return
    west, south, east, north = window
    if east - west > 180.0:
        ax.set_global()
        return
    import cartopy.crs as ccrs

    ax.set_extent([west, east, south, north], crs=ccrs.PlateCarree())


def _degrees(value: float, positive: str, negative: str, neither: float) -> str:
    side = "" if value == 0 or abs(value) == neither else positive if value > 0 else negative
    return f"{abs(round(value, 6)):g}°{side}"


def _color_scale(ax: Any, artist: Any, array: xr.DataArray, drawn: list[Mesh], low: float, high: float) -> None:
    beyond_low = any(np.nanmin(mesh.values) < low for mesh in drawn)
    beyond_high = any(np.nanmax(mesh.values) > high for mesh in drawn)
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max"}
    units = array.attrs.get("units", "")
    label = f"{array.name} [{units}]" if units and units != "1" else str(array.name)
    ax.figure.colorbar(artist, ax=ax, label=label, extend=extend.get((beyond_low, beyond_high), "both"), shrink=0.85)


def _title(array: xr.DataArray, pieces: list[_Piece]) -> str:
    title = str(array.attrs.get("long_name", array.name))
    return title if len(pieces) == 1 else f"{title} ({len(pieces)} swaths)"
