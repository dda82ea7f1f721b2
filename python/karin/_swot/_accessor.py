"""The accessor `.swot` of xarray datasets and arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from karin._swot import _flags, _heights, _lines, _nadir, _quality
from karin._swot._geometry import fill_of
from karin.errors import InvalidArgumentError

if TYPE_CHECKING:
    import pandas as pd

Level = Literal["good", "suspect", "degraded", "any"]
Words = str | Iterable[str]


@xr.register_dataset_accessor("swot")  # type: ignore[no-untyped-call]
class SwotAccessor:
    """What karin knows of SWOT datasets, for any of them: opened by karin or not, decoded or not, lazy or not.

    Results are ordinary xarray objects with their attributes, and stay lazy where the dataset is.

    Examples
    --------
    >>> import karin, xarray as xr
    >>> ds = xr.open_dataset("SWOT_L2_LR_SSH_Basic_475_001_....nc", engine="karin")   # doctest: +SKIP
    >>> ds.swot.mask("good").swot.ssha                                                # doctest: +SKIP
    >>> ds.swot.mask(exclude=["bad*", "degraded*", "suspect*"])                       # doctest: +SKIP
    >>> ds.swot.plot("ssha")                                                          # doctest: +SKIP
    """

    def __init__(self, dataset: xr.Dataset) -> None:
        self._dataset = dataset

    def mask(
        self,
        level: Level | None = None,
        *,
        exclude: Words | None = None,
        include: Words | None = None,
        variables: Iterable[str] | None = None,
        by: Words | None = None,
    ) -> xr.Dataset:
        """Drop the values that a quality level, or flags by their names, do not keep.

        Parameters
        ----------
        level : {"good", "suspect", "degraded", "any"}, optional
            Accepts this much doubt; the meaning is that of `quality=` everywhere in karin. Level 2 variables are gated
            by the variable that their `quality_flag` attribute names, `ssha_unedited` and `sigma0` of level 3 by
            `quality_flag` (the other heights of level 3 are edited already). "good" if nothing else is said.
        exclude : str or list of str, optional
            Names of flags (`*` and `?` stand for any text and any character) whose values are dropped.
        include : str or list of str, optional
            Names of flags that are accepted; without `exclude`, every other flag drops its values.
        variables : list of str, optional
            Which variables are masked; all that a flag decides over if not said.
        by : str or list of str, optional
            Flag variables whose names `exclude` and `include` are, such as "ancillary_surface_classification_flag";
            they then decide over every variable. If not said: the flag of each variable, in level 3 `quality_flag`.

        Returns
        -------
        Dataset
            NaN (or the fill value, in datasets that are not decoded) where values are not kept. A value without a flag
            beside it is not kept.

        Raises
        ------
        InvalidArgumentError
            If the level is none, or no flag has such a name.

        Examples
        --------
        >>> ds.swot.mask("good")                                                     # doctest: +SKIP
        >>> ds.swot.mask(exclude=["bad*", "degraded*"])                              # doctest: +SKIP
        >>> ds.swot.mask(include="open_ocean", by="ancillary_surface_classification_flag")   # doctest: +SKIP
        """
        return _quality.masked(self._dataset, self._kept(level, exclude, include, variables, by))

    def quality(
        self,
        variable: str,
        level: Level | None = None,
        *,
        exclude: Words | None = None,
        include: Words | None = None,
        by: Words | None = None,
    ) -> xr.DataArray:
        """Where `mask` with the same arguments keeps the values of a variable.

        A derived quantity (`ssha`) is kept where all that it is made of is kept.

        Returns
        -------
        DataArray of bool
            With the dimensions of the variable; false where the variable itself has no value.
        """
        inputs = [variable] if variable in self._dataset.variables else _heights.inputs_of(self._dataset, variable)
        kept = self._kept(level, exclude, include, inputs, by)
        value = _heights.height(self._dataset, variable)
        quality = value.notnull()
        for keep in (kept[name] for name in inputs if name in kept):
            quality = quality & keep
        quality.name, quality.attrs = f"{variable}_quality", {"long_name": f"values of {variable} that are kept"}
        return quality

    def _kept(
        self,
        level: Level | None,
        exclude: Words | None,
        include: Words | None,
        variables: Iterable[str] | None,
        by: Words | None,
    ) -> dict[str, xr.DataArray]:
        names = exclude is not None or include is not None
        if names and level is not None:
            raise InvalidArgumentError("give a level, or names of flags, not both")
        if by is not None and not names:
            raise InvalidArgumentError("by=... needs exclude=... or include=...")
        if names:
            return _quality.by_names(self._dataset, exclude, include, variables, by)
        checked = _quality.check_level("good" if level is None else level)
        return _quality.by_level(self._dataset, checked, variables)

    def flags(self, variables: Words | None = None) -> pd.DataFrame:
        """How often every flag holds.

        Parameters
        ----------
        variables : str or list of str, optional
            Flag variables; all if not said.

        Returns
        -------
        pandas.DataFrame
            Indexed by variable and flag, with the columns `kind` ("bits", "values" or "fields"), `mask`, `value`,
            `count` and `percent`. After the names of each variable come "(none)", where no named flag holds, and
            "(fill)", where there is no number.
        """
        import pandas as pd

        names = _quality.words(variables)
        tables = _flags.tables_of(self._dataset) if names is None else {name: self._table(name) for name in names}
        rows = []
        for name, counts in _counted(self._dataset, tables).items():
            table, total = tables[name], max(int(counts[-1]), 1)
            flags = [*table.names, "(none)", "(fill)"]
            masks, values = [*table.masks, 0, 0], [*table.values, 0, 0]
            for flag, mask, value, count in zip(flags, masks, values, counts, strict=False):
                rows.append((name, flag, table.kind, mask, value, int(count), 100.0 * int(count) / total))
        columns = ["variable", "flag", "kind", "mask", "value", "count", "percent"]
        return pd.DataFrame(rows, columns=columns).set_index(["variable", "flag"])

    def _table(self, name: str) -> _flags.FlagTable:
        table = _flags.table_of(self._dataset, name) if name in self._dataset.variables else None
        if table is None:
            raise InvalidArgumentError(f"{name} is no flag variable of this dataset")
        return table

    def flag(self, variable: str, names: Words) -> xr.DataArray:
        """Where any flag of a flag variable holds whose name is one of (or matches) `names`.

        Returns
        -------
        DataArray of bool
        """
        table = self._table(variable)
        indices = table.matching(_quality.words(names) or [])
        if not indices:
            raise InvalidArgumentError(f"no flag of {variable} is named {names!r} (there are {', '.join(table.names)})")

        def holds(block: NDArray[Any], fill: Any) -> NDArray[Any]:
            bits, there = _flags.bits_of(block, table.width, fill)
            return there & table.any_holds(indices, bits)

        array = self._dataset[variable]
        options = {"fill": fill_of(array)}
        made: xr.DataArray = xr.apply_ufunc(holds, array, kwargs=options, dask="parallelized", output_dtypes=[bool])
        return made

    def height(self, name: str = "ssha") -> xr.DataArray:
        """A height by the name that it has in every product: "ssha", "ssha_filtered", "adt" (or any variable).

        Raises
        ------
        NotFoundError
            If the dataset lacks what it is made of; the message names that.
        """
        return _heights.height(self._dataset, name)

    @property
    def ssha(self) -> xr.DataArray:
        """Sea surface height anomaly, in metres.

        Level 2: `ssha_karin_2 + height_cor_xover`, added once; level 3: `ssha` (v1) or `ssha_unfiltered` (v2, v3);
        level 2 Unsmoothed of version C: `ssh_karin_2 - mean_sea_surface_cnescls`, said in its attributes. Gated by
        nothing: `ds.swot.mask("good").swot.ssha` is.
        """
        return self.height("ssha")

    @property
    def ssha_filtered(self) -> xr.DataArray:
        """Denoised sea surface height anomaly of level 3, in metres: `ssha_noiseless` (v1) or `ssha_filtered`."""
        return self.height("ssha_filtered")

    @property
    def adt(self) -> xr.DataArray:
        """Absolute dynamic topography, in metres: `ssha + mdt` (level 3)."""
        return self.height("adt")

    def drop_nadir(self) -> xr.Dataset:
        """The dataset without the values of the nadir altimeter that level 3 clips into the swath.

        Their indices are dropped too. Products without nadir values come back as they are.
        """
        return _nadir.without_nadir(self._dataset)

    def nadir(self) -> xr.Dataset:
        """The values of the nadir altimeter as a series along `num_nadir`, with time, latitude and longitude.

        Raises
        ------
        InvalidArgumentError
            If there are none, or lines were cut and nothing says which.
        """
        return _nadir.nadir_series(self._dataset)

    def select(
        self,
        *,
        bbox: Sequence[float] | None = None,
        polygon: Any = None,
        crop: Literal["exact", "lines"] = "exact",
    ) -> xr.Dataset:
        """What lies in a region.

        Parameters
        ----------
        bbox : (west, south, east, north), optional
            In any longitude convention; west > east crosses the antimeridian. Edges are inside.
        polygon : shapely geometry, GeoDataFrame, GeoJSON text or dict, optional
            Edges are straight in longitude and latitude; holes are allowed.
        crop : {"exact", "lines"}
            "exact": pixels whose centre is outside become fill, lines without any pixel inside are dropped. "lines":
            whole lines that touch the region.

        Returns
        -------
        Dataset
            With `num_lines` as the lines of the original.
        """
        return _lines.selected(self._dataset, bbox=bbox, polygon=polygon, crop=crop)

    def to_lines(self, *, drop: bool = True) -> xr.Dataset:
        """Cycles and passes one after another as one long swath.

        Parameters
        ----------
        drop : bool
            Leave out lines without a time (or, without times, without values).

        Returns
        -------
        Dataset
            Along `num_lines`, with `cycle_number`, `pass_number` and `line_number` of every line where known.
        """
        return _lines.as_lines(self._dataset, drop=drop)

    def plot(
        self,
        variable: str | None = None,
        *,
        ax: Any = None,
        region: Sequence[float] | None = None,
        quality: Level | None = None,
        nadir: bool = True,
        cmap: Any = None,
        vmin: float | None = None,
        vmax: float | None = None,
        coastline: bool = True,
        colorbar: bool = True,
        title: str | None = None,
    ) -> Any:
        """Draw a variable on a map. Needs matplotlib; cartopy only if `ax` is one of its axes.

        Parameters
        ----------
        variable : str, optional
            A variable or height; sea surface height anomaly, or what comes nearest to it, if not said. Cycles and
            passes are drawn one over the other.
        ax : matplotlib axes, optional
            Plain axes get a map of longitude and latitude; cartopy axes keep their projection.
        region : (west, south, east, north), optional
            What the map shows; all values if not said. West > east crosses the antimeridian.
        quality : {"good", "suspect", "degraded", "any"}, optional
            Draw only what this level keeps.
        nadir : bool
            Draw the values of the nadir altimeter too (level 3).
        cmap : str or colormap, optional
            A colour map of matplotlib or cmocean ("balance", "thermal_r", ...); one that suits the variable if not said.
        vmin, vmax : float, optional
            Range of the colours; the middle 96 % of what is drawn if not said, around zero for anomalies.
        coastline, colorbar : bool
            Whether to draw them. The coastline is karin's own: nothing is downloaded.
        title : str, optional

        Returns
        -------
        matplotlib axes
        """
        from karin._swot import _map

        dataset = self._dataset
        if quality is not None:
            dataset = SwotAccessor(dataset).mask(quality)
        if not nadir:
            dataset = _nadir.without_nadir(dataset)
        return _map.plot(
            dataset,
            variable,
            ax=ax,
            region=region,
            cmap=cmap,
            vmin=vmin,
            vmax=vmax,
            coastline=coastline,
            colorbar=colorbar,
            title=title,
        )


@xr.register_dataarray_accessor("swot")  # type: ignore[no-untyped-call]
class SwotArrayAccessor:
    """`.swot` of one variable with its coordinates: maps and regions."""

    def __init__(self, array: xr.DataArray) -> None:
        self._array = array

    def _dataset(self) -> tuple[str, xr.Dataset]:
        name = self._array.name if self._array.name is not None else "value"
        return str(name), self._array.to_dataset(name=name)

    def plot(self, **options: Any) -> Any:
        """Draw it on a map: see `Dataset.swot.plot`."""
        name, dataset = self._dataset()
        return SwotAccessor(dataset).plot(name, **options)

    def select(self, **region: Any) -> xr.DataArray:
        """What of it lies in a region: see `Dataset.swot.select`."""
        name, dataset = self._dataset()
        return SwotAccessor(dataset).select(**region)[name]


def _counted(dataset: xr.Dataset, tables: dict[str, _flags.FlagTable]) -> dict[str, NDArray[np.int64]]:
    """Counts of every table, in one go where arrays are lazy."""
    lazy: dict[str, list[Any]] = {}
    for name, table in tables.items():
        array, fill = dataset[name].variable, fill_of(dataset[name])
        if array.chunks is None:
            lazy[name] = [_flags.counts_of(array.values, table, fill)]
        else:
            from dask.delayed import delayed

            blocks = array.data.to_delayed().reshape(-1)
            lazy[name] = [delayed(_flags.counts_of)(block, table, fill) for block in blocks]
    if any(dataset[name].variable.chunks is not None for name in tables):
        from dask.base import compute

        (lazy,) = compute(lazy)  # type: ignore[no-untyped-call]
    return {name: np.sum(parts, axis=0) for name, parts in lazy.items()}
