"""karin's Python API and what people use today, one function per bar. Each returns the seconds of its work, imports excluded.

Called as `python python_api.py FUNCTION JSON-ARGUMENTS` in a process of its own.
"""

import json
import os
import statistics
import subprocess
import sys
import time
import warnings

warnings.filterwarnings("ignore")


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def load(paths, engine, cores, decoded):
    """Every variable of granules, opened and loaded, on that many cores; the median of seven times, after one that is not counted."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    import xarray as xr

    import karin  # noqa: F401

    options = {"engine": engine} if decoded else {"engine": engine, "mask_and_scale": False, "decode_times": False}

    def work():
        for path in paths:
            xr.open_dataset(path, decode_timedelta=False, **options).load()

    work()
    return statistics.median(timed(work) for _ in range(7))


def mean(paths):
    """The repeat mean by the API. xarray imports Dask, where it is installed, when it first makes a dataset."""
    import xarray

    import karin

    xarray.Dataset({"x": ("y", [0.0])})

    return timed(lambda: karin.granules(paths).mean("cycle_number"))


def open_many(paths):
    """Many files as one lazy dataset."""
    import xarray  # noqa: F401

    import karin

    return timed(lambda: karin.granules(paths).to_xarray())


def open_cube(paths):
    """A lazy dataset of a handle that is open already."""
    import karin

    swot = karin.granules(paths)
    swot.granules()
    return timed(swot.to_xarray)


def mfdataset(paths, engine):
    """Many files by open_mfdataset."""
    import xarray as xr

    import karin  # noqa: F401

    options = {"combine": "nested", "concat_dim": "cycle_number", "coords": "minimal", "compat": "override",
               "data_vars": "all", "decode_timedelta": False}
    return timed(lambda: xr.open_mfdataset(paths, engine=engine, **options))


def imports():
    """What `import karin` adds to `import xarray`."""
    def seconds(code):
        lines = [f"import time; import xarray; start = time.perf_counter(); {code}; print(time.perf_counter() - start)"]
        return min(float(subprocess.check_output([sys.executable, "-c", *lines])) for _ in range(3))

    return seconds("import karin")


def reduce_alone(paths):
    """The repeat mean in one process with one thread. The result, which workers share, has to fit into its memory."""
    import xarray

    import karin

    xarray.Dataset({"x": ("y", [0.0])})
    swot = karin.granules(paths).using(jobs=1, memory=8 << 30)
    return timed(lambda: swot.mean("cycle_number"))


def reduce_on_cluster(paths):
    """The same on two workers with one thread each."""
    import dask.array  # noqa: F401
    from distributed import Client, LocalCluster

    import karin

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        client.run(__import__, "karin._dask")
        client.run(__import__, "karin._reduce")
        swot = karin.granules(paths)
        return timed(lambda: swot.mean("cycle_number", client=client))


def task_overhead(paths, tasks=200):
    """Seconds per task of reductions of next to nothing, beyond what the same reductions take without a cluster."""
    from distributed import Client, LocalCluster

    import karin
    from karin._dask import _mapped, _reduced
    from karin._reduction import Reduction

    count = Reduction("count", "over all")
    swot = karin.granules(paths[:1]).sel(variables="time")
    parts = [swot.sel(where=f"time > {number}") for number in range(tasks)]
    _reduced(parts[0], count)
    alone = timed(lambda: [_reduced(part, count) for part in parts])
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        client.submit(_reduced, parts[0], count).result()
        together = timed(lambda: client.gather(_mapped(client, _reduced, parts, "bench", count)))
    return max(together - alone, 0.0) / tasks


def dask_overhead(tasks=200):
    """Seconds per task of tasks that do nothing: what Dask itself takes."""
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        client.submit(_nothing, -1).result()
        return timed(lambda: client.gather(client.map(_nothing, range(tasks)))) / tasks


def _nothing(number):
    return number


def first_call(paths):
    """The first reduction of a fresh process, open included, after `import karin`."""
    import karin

    return timed(lambda: karin.granules(paths).sel(variables="ssha").reduce("mean", None))


def command(paths, installed):
    """The command of the wheel, or the one that cargo builds, telling its version."""
    program = [sys.executable, "-m", "karin_command"] if installed else paths
    return min(timed(lambda: subprocess.run([*program, "--version"], check=True, capture_output=True)) for _ in range(5))


if __name__ == "__main__":
    function, arguments = sys.argv[1], json.loads(sys.argv[2])
    print(json.dumps(globals()[function](**arguments)))
