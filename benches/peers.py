"""What people run today, one function per access pattern. Each returns the seconds of its work, imports and set-up excluded.

Called as `python peers.py FUNCTION JSON-ARGUMENTS` in a process of its own, so that no peer profits from another's caches.
"""

import json
import sys
import time
import warnings

warnings.filterwarnings("ignore")


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def open_granules(paths, variables=None, **options):
    import xarray as xr

    def keep(dataset):
        return dataset[variables] if variables else dataset

    return xr.open_mfdataset(
        paths, combine="nested", concat_dim="cycle_number", coords="minimal", compat="override",
        data_vars="all", preprocess=keep, decode_timedelta=False, **options)


def numeric(dataset):
    return dataset[[name for name, array in dataset.data_vars.items() if array.dtype.kind in "iuf"]]


def load_means(datasets):
    for dataset in datasets:
        numeric(dataset).mean("cycle_number").load()


def netcdf_mean_serial(paths, groups=(None,)):
    """open_mfdataset, netCDF4 engine, one thread: with threads it dies now and then with "NetCDF: Can't open HDF5 attribute"."""
    import dask
    import xarray  # noqa: F401

    def work():
        with dask.config.set(scheduler="synchronous"):
            load_means(open_granules(paths, engine="netcdf4", group=group) for group in groups)

    return timed(work)


def netcdf_mean_h5netcdf(paths, groups=(None,)):
    import dask
    import xarray  # noqa: F401

    def work():
        with dask.config.set(scheduler="threads"):
            load_means(open_granules(paths, engine="h5netcdf", group=group) for group in groups)

    return timed(work)


def netcdf_mean_cluster(paths):
    from dask.distributed import Client, LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        with Client(cluster):
            return timed(lambda: numeric(open_granules(paths, parallel=True)).mean("cycle_number").load())


def zarr_mean_threads(stores):
    import dask
    import xarray as xr

    def work():
        with dask.config.set(scheduler="threads"):
            load_means(xr.open_zarr(store, decode_timedelta=False) for store in stores)

    return timed(work)


def zarr_mean_cluster(store):
    import xarray as xr
    from dask.distributed import Client, LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        with Client(cluster):
            work = lambda: numeric(xr.open_zarr(store, decode_timedelta=False)).mean("cycle_number").load()  # noqa: E731
            return timed(work)


def zarr_region(store, variable, lines, cycles):
    """P2 (one cycle) and P3 (all cycles): the lines of a region, whose indices the user already knows."""
    import xarray as xr

    def work():
        dataset = xr.open_zarr(store, decode_timedelta=False, chunks=None)
        dataset[variable].isel(num_lines=slice(*lines), cycle_number=slice(*cycles)).load()

    return timed(work)


def zarr_point(store, variable, line, pixel):
    """P4: the time series of one pixel."""
    import xarray as xr

    def work():
        dataset = xr.open_zarr(store, decode_timedelta=False, chunks=None)
        dataset[variable].isel(num_lines=line, num_pixels=pixel).load()

    return timed(work)


def zarr_pass(stores):
    """P5: one whole pass, all variables."""
    import xarray as xr

    def work():
        for store in stores:
            xr.open_zarr(store, decode_timedelta=False, chunks=None).isel(cycle_number=0).load()

    return timed(work)


def netcdf_to_zarr(paths, groups=(None,)):
    """P7: what is stored in the granules, packed as it is, into Zarr stores with one chunk per pass."""
    import tempfile

    import xarray  # noqa: F401

    def work():
        for number, group in enumerate(groups):
            granules = open_granules(paths, engine="h5netcdf", group=group, decode_cf=False)
            for variable in granules.variables.values():
                fill = variable.attrs.pop("_FillValue", None)
                variable.encoding = {} if fill is None else {"_FillValue": fill}
            kept = numeric(granules)
            chunks = {name: 1 if name == "cycle_number" else -1 for name in kept.dims}
            kept.chunk(chunks).to_zarr(f"{folder}/{number}", zarr_format=3, consolidated=False)

    with tempfile.TemporaryDirectory() as folder:
        return timed(work)


def karin_region(store, variable, box, cycles=None):
    """P2, P3 and P4 in the same kind of process as the peers; the region is found from its corners."""
    import karin

    def work():
        chosen = {} if cycles is None else {"cycle_number": cycles}
        karin.open(store).sel(variables=[variable], bbox=tuple(box), **chosen).to_xarray().load()

    return timed(work)


def karin_pass(store):
    """P5."""
    import karin

    return timed(lambda: karin.open(store).sel(cycle_number=1).to_xarray().load())


if __name__ == "__main__":
    function, arguments = sys.argv[1], json.loads(sys.argv[2])
    print(json.dumps(globals()[function](**arguments)))
