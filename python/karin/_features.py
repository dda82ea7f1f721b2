"""Eddies and fronts of what is selected, as tables with geometries."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from karin._progress import listener_of
from karin._table import Table
from karin._write import _command
from karin.errors import InvalidArgumentError

if TYPE_CHECKING:
    import pandas as pd

PathLike = str | os.PathLike[str]


class FeatureTable(Table):
    """Eddies or fronts: a row each, with a geometry."""

    def __init__(
        self,
        columns: Mapping[str, Sequence[Any]],
        geometries: Sequence[bytes],
        units: Mapping[str, str],
        long_names: Mapping[str, str],
    ) -> None:
        super().__init__(columns)
        self._geometries = list(geometries)
        self._units = dict(units)
        self._long_names = dict(long_names)

    @property
    def units(self) -> dict[str, str]:
        """Units of the columns; empty for words and flags."""
        return dict(self._units)

    @property
    def long_names(self) -> dict[str, str]:
        """What the columns are."""
        return dict(self._long_names)

    @property
    def wkb(self) -> list[bytes]:
        """The geometry of every row as well-known binary: polygons of eddies, lines of fronts; degrees east and north."""
        return list(self._geometries)

    @property
    def geometry(self) -> Any:
        """The geometry of every row, as an array of :mod:`shapely` geometries."""
        import shapely

        return shapely.from_wkb(np.array(self._geometries, dtype=object))

    def to_dataframe(self) -> pd.DataFrame:
        """The columns, without geometries, as a :class:`pandas.DataFrame`."""
        return super().to_dataframe()

    def to_geodataframe(self) -> Any:
        """The columns and geometries as a :class:`geopandas.GeoDataFrame` in longitude and latitude (OGC:CRS84)."""
        import geopandas

        return geopandas.GeoDataFrame(self.to_dataframe(), geometry=self.geometry, crs="OGC:CRS84")


def _find(collection: Any, feature: str, options: dict[str, Any], path: PathLike | None) -> FeatureTable | None:
    jobs, memory, progress = collection._options
    plans = collection._plans()
    if len(plans) > 1:
        raise InvalidArgumentError(f'version="all" gives {feature} of each schema: use .versions()')
    with listener_of(progress) as listener:
        answer, geometries = plans[0].features(
            feature, json.dumps(options), path=path, command=_command(), jobs=jobs, memory=memory, listener=listener
        )
    if path is not None:
        return None
    found = json.loads(answer)
    columns: dict[str, Any] = {}
    for column in found["columns"]:
        name = column["name"]
        cells = [row[name] for row in found["rows"]]
        if name == "time":
            texts = ["NaT" if cell is None else cell.rstrip("Z") for cell in cells]
            columns[name] = np.array(texts, dtype="datetime64[ns]")
        elif column["units"] not in ("", "1") or name in ("shape_error", "edge_fraction"):
            columns[name] = np.array([np.nan if cell is None else cell for cell in cells], dtype="float64")
        else:
            columns[name] = cells
    units = {column["name"]: column["units"] for column in found["columns"]}
    long_names = {column["name"]: column["long_name"] for column in found["columns"]}
    return FeatureTable(columns, geometries, units, long_names)


class Featured:
    """What eddies and fronts are found in."""

    __slots__ = ()

    def eddies(
        self,
        path: PathLike | None = None,
        *,
        by: str = "contours",
        step: float = 0.002,
        min_amplitude: float = 0.01,
        min_pixels: int = 8,
        min_radius: float = 5.0,
        max_radius: float = 100.0,
        shape_error: float = 0.55,
        edge_fraction: float = 0.5,
        threshold: float = 0.2,
        fill_nadir: bool = False,
    ) -> FeatureTable | None:
        """Find eddies in the height that ``sel(from_=...)`` names; ``"ssha_filtered"`` where there is one, else ``"ssha"``.

        Parameters
        ----------
        path
            Write them there instead: ``.geojson``, ``.parquet`` (GeoParquet), ``.csv``, ``.nc``, ``.zarr`` or ``.png`` (a map).
        by
            ``"contours"`` (closed contours of height) or ``"okubo-weiss"``.
        step
            Height between contours in metres.
        min_amplitude
            Least amplitude in metres; lower bumps are no peaks of their own.
        min_pixels
            Least number of pixels.
        min_radius, max_radius
            Bounds of the radius in kilometres.
        shape_error
            Largest area between outline and fitted circle, as a share of the circle.
        edge_fraction
            Largest share of the outline along an edge of the swath or a gap; 0: only closed contours.
        threshold
            Okubo-Weiss below minus so many standard deviations.
        fill_nadir
            Join both sides of the swath by straight lines across the nadir gap first.

        Returns
        -------
        FeatureTable
            A row per eddy, with its outline; `None` if they were written. Region, time and conditions choose among the
            eddies of whole passes by their extrema.

        Examples
        --------
        >>> eddies = swot.sel(cycle_number=12, bbox=(-60, 30, -40, 45)).eddies(min_amplitude=0.05)
        >>> eddies.to_geodataframe().plot("amplitude")
        """
        options = {
            "by": by,
            "step": step,
            "min_amplitude": min_amplitude,
            "min_pixels": min_pixels,
            "min_radius": min_radius,
            "max_radius": max_radius,
            "shape_error": shape_error,
            "edge_fraction": edge_fraction,
            "threshold": threshold,
            "fill_nadir": fill_nadir,
        }
        return _find(self, "eddies", options, path)

    def fronts(
        self,
        path: PathLike | None = None,
        *,
        strong: str | float = "90%",
        weak: str | float = "75%",
        min_length: float = 20.0,
    ) -> FeatureTable | None:
        """Find fronts, lines along which a variable changes most: of ``sel(variables=...)``, else of sea level.

        Parameters
        ----------
        path
            As in :meth:`eddies`.
        strong, weak
            Gradient that a front has somewhere, and everywhere: ``"90%"`` (of the pixels are less steep) or units of the
            variable per kilometre.
        min_length
            Least length in kilometres.

        Returns
        -------
        FeatureTable
            A row per front, with its line; `None` if they were written.
        """
        options = {"strong": str(strong), "weak": str(weak), "min_length": min_length}
        return _find(self, "fronts", options, path)
