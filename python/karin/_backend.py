"""xarray's ``engine="karin"``: SWOT netCDF granules, any other netCDF file, and collections."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import xarray as xr
from xarray.backends import BackendEntrypoint, StoreBackendEntrypoint

from karin import _karin
from karin._arrays import FileHandle, Handle, KarinStore, group_paths, optimize
from karin._question import PathLike
from karin._source import reach_of
from karin.errors import InvalidArgumentError


def _path_of(filename: Any) -> str:
    if not isinstance(filename, (str, os.PathLike)):
        raise TypeError(f"engine='karin' opens paths, not {type(filename).__name__}")
    text = os.fspath(filename)
    if isinstance(text, bytes):
        text = os.fsdecode(text)
    return text if "://" in text else os.path.abspath(os.path.expanduser(text))


def decoded(handle: Handle, group: str = "", *, source: str | None = None, **options: Any) -> xr.Dataset:
    """Give a group of a dataset as xarray decodes it, values unread."""
    dataset = StoreBackendEntrypoint().open_dataset(KarinStore(handle, group, source=source), **options)
    optimize(dataset._variables.values())
    return dataset


class KarinBackendEntrypoint(BackendEntrypoint):
    """Open SWOT granules, other netCDF files, and collections of granules.

    Files give what ``engine="netcdf4"`` gives, faster and from many threads at once. Collections, and folders of
    granules, give the cube of :meth:`karin.Collection.to_xarray`; options of :meth:`karin.Collection.sel` select.
    """

    description = "Open SWOT (KaRIn) granules and collections, and other netCDF files, in Rust"
    url = "https://github.com/karin"
    open_dataset_parameters = (
        "filename_or_obj",
        "drop_variables",
        "mask_and_scale",
        "decode_times",
        "concat_characters",
        "decode_coords",
        "use_cftime",
        "decode_timedelta",
        "group",
        "snapshot",
        "select",
        "stack",
        "endpoint",
        "region",
        "settings",
        "credentials",
    )
    supports_groups = True

    def guess_can_open(self, filename_or_obj: Any) -> bool:
        """Claim nothing but collections: other engines open files as they always did unless asked otherwise."""
        if not isinstance(filename_or_obj, (str, os.PathLike)):
            return False
        return os.path.isdir(os.path.join(os.fspath(filename_or_obj), "snapshots"))

    def open_dataset(
        self,
        filename_or_obj: Any,
        *,
        drop_variables: str | Iterable[str] | None = None,
        mask_and_scale: Any = True,
        decode_times: Any = True,
        concat_characters: Any = True,
        decode_coords: Any = True,
        use_cftime: bool | None = None,
        decode_timedelta: Any = None,
        group: str | None = None,
        snapshot: str | None = None,
        select: dict[str, Any] | None = None,
        stack: str | None = None,
        endpoint: str | None = None,
        region: str | None = None,
        settings: Mapping[str, Any] | None = None,
        credentials: PathLike | None = None,
    ) -> xr.Dataset:
        """Open a file, or a collection as one cube.

        Parameters
        ----------
        filename_or_obj
            Path of a netCDF file, of a collection, or of a folder of granules; address of a granule (``https://…``,
            ``sftp://…``, ``s3://….nc``), of which only what is needed is read, or of a collection (``s3://bucket/prefix``).
        group
            Path of a group, such as ``"left"`` of 250 m granules.
        snapshot, select, stack
            For collections: the state, what :meth:`karin.Collection.sel` takes, and ``"lines"`` for one long swath.
        endpoint, region
            Address and region of an S3 service other than AWS.
        settings, credentials
            For granules at servers, as in :func:`karin.granules`.
        drop_variables, mask_and_scale, decode_times, concat_characters, decode_coords, use_cftime, decode_timedelta
            As in :func:`xarray.open_dataset`.
        """
        path = _path_of(filename_or_obj)
        options = {
            "drop_variables": drop_variables,
            "mask_and_scale": mask_and_scale,
            "decode_times": decode_times,
            "concat_characters": concat_characters,
            "decode_coords": decode_coords,
            "use_cftime": use_cftime,
            "decode_timedelta": decode_timedelta,
        }
        of_collection: dict[str, Any] = {"snapshot": snapshot, "select": select, "stack": stack}
        how: dict[str, Any] = {"endpoint": endpoint, "region": region, "settings": settings, "credentials": credentials}
        handle, source, finish = _opened(path, how, **of_collection)
        return finish(decoded(handle, (group or "").strip("/"), source=source, **options))

    def open_groups_as_dict(self, filename_or_obj: Any, *, group: str | None = None, **options: Any) -> dict[str, xr.Dataset]:
        """Open every group of a file, or of a collection, by its path."""
        of_collection: dict[str, Any] = {name: options.pop(name, None) for name in ("snapshot", "select", "stack")}
        how: dict[str, Any] = {name: options.pop(name, None) for name in ("endpoint", "region", "settings", "credentials")}
        handle, source, finish = _opened(_path_of(filename_or_obj), how, **of_collection)
        root = "/" + (group or "").strip("/")
        paths = [own for own in group_paths(handle.dataset().structure()) if own == root or own.startswith(root.rstrip("/") + "/")]
        return {
            own if root == "/" else own[len(root) :].strip("/") or ".": finish(
                decoded(handle, own.strip("/"), source=source, **options)
            )
            for own in paths
        }

    def open_datatree(self, filename_or_obj: Any, **options: Any) -> xr.DataTree:
        """Open all groups of a file, or of a collection, as a tree."""
        return xr.DataTree.from_dict(self.open_groups_as_dict(filename_or_obj, **options))


def _as_is(dataset: xr.Dataset) -> xr.Dataset:
    return dataset


_Opened = tuple[Handle, str | None, Callable[[xr.Dataset], xr.Dataset]]


def _opened(
    path: str,
    how: dict[str, Any],
    *,
    snapshot: str | None,
    select: dict[str, Any] | None,
    stack: str | None,
) -> _Opened:
    """What lies at a path: its handle, the file that it is, if it is one, and what makes coordinates of its variables."""
    file = _karin.one_file(path)
    if file is None:
        from karin._collection import open as open_collection

        collection = open_collection(path, snapshot=snapshot, **how)
        return collection.sel(**select or {}).handle(stack=stack), None, coordinates_of
    for name, value in (("snapshot", snapshot), ("select", select), ("stack", stack)):
        if value:
            raise InvalidArgumentError(f"{name}: {path} is a file; only collections and folders of granules take it")
    return FileHandle(file, reach_of(**how)), file, _as_is


def indexed(dataset: xr.Dataset) -> xr.Dataset:
    """Give the dataset with indexes along its dimensions, as :func:`xarray.open_dataset` makes them."""
    along = {
        name: coordinate.variable
        for name, coordinate in dataset.coords.items()
        if coordinate.dims == (name,) and name not in dataset.xindexes
    }
    return dataset.assign_coords(xr.Coordinates(along))


def coordinates_of(dataset: xr.Dataset) -> xr.Dataset:
    """Make coordinates of what places a value: time, longitude, latitude, line, schema."""
    names = ("time", "longitude", "latitude", "cycle_number", "pass_number", "line_number", "schema")
    return dataset.set_coords([name for name in names if name in dataset.variables])
