"""The data of the benchmarks, made once under target/bench/: simulated granules, written again by netCDF4-python (so that the
files are what people have), and the Zarr store that people would make of them."""

import multiprocessing
import shutil
import subprocess
import warnings
from datetime import datetime, timedelta
from pathlib import Path

import netCDF4
import xarray as xr

from measure import KARIN, WORKSPACE

FOLDER = WORKSPACE / "target/bench"
# A cycle of the science orbit.
CYCLE_SECONDS = 20.86455 * 86400
warnings.filterwarnings("ignore")


def granules(product, phase, cycles, passes, variables=None, rewrite=True):
    """The paths of simulated granules, in order of cycle and pass."""
    name = f"{product}-{phase}-{cycles}-{passes}" + ("-lean" if variables else "")
    folder = FOLDER / name
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        command = [str(KARIN), "--quiet", "simulate", "--product", product, "--phase", phase, "--cycles", cycles,
                   "--passes", passes, "--seed", "1"]
        if variables:
            command += ["--vars", ",".join(variables)]
        subprocess.run([*command, str(folder)], check=True)
        if rewrite:
            for path in sorted(folder.glob("*.nc")):
                rewrite_by_netcdf4(path)
        (folder / "complete").touch()
    return sorted(folder.glob("*.nc"))


def mission(product, cycles, passes, variables):
    """Granules of science cycles 1 to `cycles`: the first simulated, the others copies of it with cycle and times moved on.

    What is timed on ten thousand of them (opening, reading, merging) does not depend on the values.
    """
    folder = FOLDER / f"{product}-mission-{cycles}-{passes}"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        first = granules(product, "science", "1", passes, variables, rewrite=False)
        with multiprocessing.get_context("spawn").Pool() as pool:
            pool.starmap(move_on, [(path, folder, cycle) for cycle in range(1, cycles + 1) for path in first])
        (folder / "complete").touch()
    return sorted(folder.glob("*.nc"))


def move_on(path, folder, cycle):
    """A granule of cycle 1 as one of another cycle."""
    seconds = CYCLE_SECONDS * (cycle - 1)
    parts = path.stem.split("_")
    parts[5] = f"{cycle:03d}"
    for at in (7, 8):
        moved = datetime.strptime(parts[at], "%Y%m%dT%H%M%S") + timedelta(seconds=seconds)
        parts[at] = moved.strftime("%Y%m%dT%H%M%S")
    copy = folder / ("_".join(parts) + ".nc")
    shutil.copyfile(path, copy)
    with netCDF4.Dataset(copy, "a") as granule:
        granule.cycle_number = type(granule.cycle_number)(cycle)
        for name in ("equator_time", "time_coverage_start", "time_coverage_end"):
            text = granule.getncattr(name)
            moved = datetime.fromisoformat(text.rstrip("Z")) + timedelta(seconds=seconds)
            granule.setncattr(name, moved.isoformat() + ("Z" if text.endswith("Z") else ""))
        granule["time"].set_auto_maskandscale(False)
        granule["time"][:] = granule["time"][:] + seconds


def rewrite_by_netcdf4(path):
    """Writes the same content again through netCDF4-python: its bytes, not ours."""
    copy = path.with_suffix(".tmp")
    with netCDF4.Dataset(path) as source, netCDF4.Dataset(copy, "w") as target:
        copy_group(source, target)
    copy.replace(path)


def copy_group(source, target):
    target.setncatts({name: source.getncattr(name) for name in source.ncattrs()})
    for name, dimension in source.dimensions.items():
        target.createDimension(name, None if dimension.isunlimited() else len(dimension))
    for name, variable in source.variables.items():
        copy_variable(name, variable, target)
    for name, group in source.groups.items():
        copy_group(group, target.createGroup(name))


def copy_variable(name, variable, target):
    filters, chunks = variable.filters(), variable.chunking()
    copy = target.createVariable(
        name, variable.datatype, variable.dimensions, zlib=filters["zlib"], complevel=filters["complevel"],
        shuffle=filters["shuffle"], fletcher32=filters["fletcher32"],
        chunksizes=None if chunks == "contiguous" else chunks,
        fill_value=getattr(variable, "_FillValue", None))
    copy.setncatts({key: variable.getncattr(key) for key in variable.ncattrs() if key != "_FillValue"})
    variable.set_auto_maskandscale(False)
    copy.set_auto_maskandscale(False)
    copy[...] = variable[...]


def zarr_store(paths, name, group=None):
    """The peers' store: Zarr v3, one chunk per pass, xarray's default codec (zstd), packed as in the granules (or one group of them)."""
    store = FOLDER / f"{name}.zarr"
    if not (FOLDER / f"{name}.zarr-complete").exists():
        shutil.rmtree(store, ignore_errors=True)
        granules = [xr.open_dataset(path, decode_cf=False, group=group).load() for path in paths]
        mission = xr.concat(granules, dim="cycle_number", data_vars="all", coords="all", join="override",
                            compat="override", combine_attrs="override")
        for variable in mission.variables.values():
            if variable.dtype.kind == "S":
                # Characters as numbers: xarray does not open again what it writes of them (their fill value).
                variable.data = variable.values.view("u1")
                variable.attrs.pop("_FillValue", None)
            fill = variable.attrs.pop("_FillValue", None)
            chunks = (1, *variable.shape[1:])
            variable.encoding = {"chunks": chunks} if fill is None else {"chunks": chunks, "_FillValue": fill}
        mission.to_zarr(store, zarr_format=3, consolidated=False)
        (FOLDER / f"{name}.zarr-complete").touch()
    return store
