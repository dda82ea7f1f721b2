"""What is selected into files and tables, streamed by Rust."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from karin._progress import listener_of
from karin.errors import InvalidArgumentError

if TYPE_CHECKING:
    import pandas as pd

PathLike = str | os.PathLike[str]


def _extract(collection: Any, path: PathLike, layout: str | None) -> list[Path]:
    jobs, memory, progress = collection._options
    plans = collection._plans(layout=layout)
    if len(plans) > 1:
        raise InvalidArgumentError('version="all" makes a file for each schema: use .versions()')
    with listener_of(progress) as listener:
        answer = plans[0].extract(
            os.fspath(path), command=_command(), jobs=jobs, memory=memory, listener=listener
        )
    return [Path(file) for file in json.loads(answer)["files"]]


def _command() -> str:
    return "karin (Python " + ".".join(str(part) for part in sys.version_info[:3]) + ")"


def _named(path: PathLike, extension: str) -> PathLike:
    if not os.fspath(path).lower().rstrip("/").endswith(extension):
        raise InvalidArgumentError(f"{os.fspath(path)}: expected a name that ends with {extension}")
    return path


class Writable:
    """What can be written."""

    __slots__ = ()

    def to_netcdf(self, path: PathLike, *, layout: str | None = None) -> list[Path]:
        """Write netCDF: one file, or a folder with a file per granule.

        Parameters
        ----------
        path
            A name that ends with ``.nc``, or a folder.
        layout
            ``"granules"``, ``"lines"`` or ``"cube"``; if not given, a granule stays a granule, and several become lines one
            behind the other, or a file each in a folder.

        Returns
        -------
        list of Path
            The files.
        """
        return _extract(self, path, layout)

    def to_zarr(self, path: PathLike, *, layout: str | None = None) -> list[Path]:
        """Write a plain Zarr v3 folder (``.zarr``), readable without karin."""
        return _extract(self, _named(path, ".zarr"), layout)

    def to_parquet(self, path: PathLike) -> list[Path]:
        """Write a table (``.parquet``): a row per pixel that has a value, decoded."""
        return _extract(self, _named(path, ".parquet"), None)

    def to_csv(self, path: PathLike) -> list[Path]:
        """Write a table as text (``.csv``), with its metadata beside it."""
        return _extract(self, _named(path, ".csv"), None)

    def to_dataframe(self: Any) -> pd.DataFrame:
        """Give a row per pixel that has a value of any selected variable, with cycle, pass, line, time and place."""
        dataset = self.to_xarray(stack="lines")
        if not hasattr(dataset, "data_vars"):
            raise InvalidArgumentError('there are two sides: choose one with .sel(side="left")')
        dataset = dataset.load()
        names = list(dataset.data_vars)
        frame = dataset.to_dataframe().reset_index()
        return frame.dropna(subset=names, how="all").reset_index(drop=True) if names else frame
