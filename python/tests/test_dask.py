"""A real cluster of worker processes: the same results as one process, whatever happens to the workers."""

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pytest
import simulated
import xarray as xr

import karin

distributed = pytest.importorskip("distributed")
NAMES = ["ssha_karin_2", "ssha_karin_2_qual", "height_cor_xover", "height_cor_xover_qual"]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("passes")
    return karin.simulate(folder, cycle_number=slice(475, 477), pass_number=[1, 3, 16], variables=NAMES)


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        yield cluster


@pytest.fixture
def client(cluster):
    with distributed.Client(cluster) as client:
        client.wait_for_workers(2, timeout=60)
        yield client


@pytest.fixture(scope="module")
def heights(files):
    return karin.granules(files).sel(variables="ssha", quality="good")


REDUCTIONS = {
    "mean over cycles": lambda swot, **options: swot.mean("cycle_number", **options),
    "several over cycles, of a region": lambda swot, **options: swot.sel(bbox=(-180, 20, 180, 40)).reduce(
        ["mean", "count"], **options
    ),
    "median over cycles": lambda swot, **options: swot.median("cycle_number", **options),
    "by cycle": lambda swot, **options: swot.groupby("cycle_number").mean(**options),
    "by pass": lambda swot, **options: swot.groupby("pass_number").std(**options),
    "by day": lambda swot, **options: swot.groupby("day").reduce(["mean", "min", "trend"], **options),
    "over everything": lambda swot, **options: swot.reduce(["mean", "std", "first", "last", "count"], None, **options),
    "by hour": lambda swot, **options: swot.groupby("hour").mad(**options),
    "sections": lambda swot, **options: swot.reduce(["mean", "median", "count"], "num_lines", **options),
    "pairs": lambda swot, **options: swot.reduce("correlation,slope", None, with_="ssha_karin_2", **options),
    "bins": lambda swot, **options: swot.sel(variables="ssha_karin_2").bin("ssha_karin_2:-3:3:0.1", "mean,var,density", **options),
    "histogram": lambda swot, **options: swot.sel(variables="ssha_karin_2").histogram("ssha_karin_2", **options),
    "median of everything": lambda swot, **options: swot.median(None, **options),
    "median on a grid": lambda swot, **options: swot.grid(2.0, ["median", "quantile(0.9)", "mad"], **options),
    "median in bins": lambda swot, **options: swot.sel(variables="ssha_karin_2").bin("ssha_karin_2:-3:3:0.1", "median", **options),
    "a place through time": lambda swot, **options: swot.timeseries(bbox=(-180, 20, 180, 30), stat="mean,count", **options),
    "median on a grid that memory holds once": lambda swot, **options: swot.using(memory=16 << 20).grid(2.0, "median", **options),
}


@pytest.mark.parametrize("what", REDUCTIONS)
def test_reductions_are_those_of_one_process(heights, client, what):
    alone, together = REDUCTIONS[what](heights), REDUCTIONS[what](heights, client=client)
    xr.testing.assert_identical(together, alone)


@pytest.fixture(scope="module")
def two_baselines(tmp_path_factory):
    """Cycles of two processings, which results join and tell apart; one pass has only the older."""
    folder = tmp_path_factory.mktemp("baselines")
    for version, cycles in (("PIC0_01", [475, 476]), ("PID0_01", [477])):
        karin.simulate(folder, cycle_number=cycles, pass_number=[1, 3, 16], version=version, variables=NAMES[:2])
    next(folder.glob("*_477_003_*PID0*")).unlink()
    return karin.granules(folder).sel(variables="ssha_karin_2")


@pytest.mark.parametrize("what", ["mean over cycles", "several over cycles, of a region", "median over cycles", "by pass"])
def test_joined_processings_are_told_apart_as_in_one_process(two_baselines, client, what):
    alone, together = REDUCTIONS[what](two_baselines), REDUCTIONS[what](two_baselines, client=client)
    assert "schema" in alone.coords or "schema" in alone.variables
    xr.testing.assert_identical(together, alone)


def test_packed_variables_on_grids_are_exact_and_floating_ones_nearly(files, client):
    swot = karin.granules(files).sel(variables=["ssha_karin_2", "ssha"])
    alone, together = (swot.grid(2.0, ["mean", "std", "max"], **options) for options in ({}, {"client": client}))
    xr.testing.assert_allclose(together, alone, rtol=1e-12)
    for name, array in alone.variables.items():
        if "karin" in name or "max" in name:
            np.testing.assert_array_equal(together[name], array)


def test_collections_and_handles_travel(heights, files, client, tmp_path):
    path = tmp_path / "swot.karin"
    karin.ingest(files, path)
    swot = karin.open(path).sel(variables="ssha", quality="good")
    assert pickle.loads(pickle.dumps(swot)) == swot
    np.testing.assert_array_equal(swot.mean(client=client).ssha, heights.mean().ssha)
    lazy = swot.to_xarray(chunks={})
    assert lazy.ssha.chunks[0] == (1, 1, 1)
    np.testing.assert_array_equal(client.compute(lazy.ssha.max("cycle_number")).result(), swot.max().ssha)


def test_names_of_tasks_do_not_change(heights):
    """The same selection has the same names in another process: a scheduler can tell that it has done it."""
    code = "import pickle, sys; swot = pickle.load(sys.stdin.buffer); print(swot.to_xarray(chunks={}).ssha.data.name)"
    command = [sys.executable, "-c", code]
    names = {
        subprocess.run(command, input=pickle.dumps(heights), capture_output=True, check=True).stdout for _ in range(2)
    }
    assert names == {f"{heights.to_xarray(chunks={}).ssha.data.name}\n".encode()}
    assert heights.sel(cycle_number=475).to_xarray(chunks={}).ssha.data.name.encode() not in names


def test_large_results_stay_with_the_workers(heights, client):
    lazy = heights.using(memory=1 << 20).mean(client=client)
    assert lazy.ssha.chunks
    np.testing.assert_array_equal(lazy.ssha, heights.mean().ssha)
    # Whoever asks for the same again hears nothing of how it was made.
    again = heights.using(memory=1 << 20).mean(client=client)
    assert again.ssha.chunks == lazy.ssha.chunks and again.attrs == lazy.attrs
    np.testing.assert_array_equal(again.ssha, lazy.ssha)


def test_a_part_that_cannot_be_made_is_an_error_of_the_whole(heights, client):
    with pytest.raises(karin.KarinError, match="missing_variable"):
        heights.sel(nothing="sqrt(missing_variable)", variables="nothing").mean(client=client)


def _kill_one(client, after):
    time.sleep(after)
    victim = next(iter(client.run(os.getpid).values()))
    os.kill(victim, signal.SIGKILL)
    return victim


def test_a_killed_worker_costs_nothing_but_time(heights, client):
    expected = heights.mean("cycle_number")
    killer = threading.Thread(target=_kill_one, args=(client, 0.05))
    killer.start()
    found = heights.sel(pass_number=[1, 3, 16]).mean("cycle_number", client=client)
    killer.join()
    np.testing.assert_array_equal(found.ssha, expected.ssha)


def test_what_stayed_with_a_worker_that_is_lost_is_made_again(heights, client):
    lazy = heights.using(memory=1 << 20).mean(client=client)
    _kill_one(client, 0)
    np.testing.assert_array_equal(lazy.ssha, heights.mean().ssha)


def test_ingest_on_a_cluster_with_a_killed_worker(files, client, tmp_path):
    alone, together = tmp_path / "alone.karin", tmp_path / "together.karin"
    karin.ingest(files, alone)
    bad = tmp_path / "SWOT_L2_LR_SSH_Basic_475_002_20230329T224348_20230329T233455_PGC0_01.nc"
    bad.write_bytes(b"not a granule")
    killer = threading.Thread(target=_kill_one, args=(client, 0.05))
    killer.start()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = karin.ingest([*files, bad], together, client=client)
    killer.join()
    outcomes = dict(zip(table["file"], table["outcome"], strict=True))
    assert outcomes.pop(str(bad)) == "refused" and set(outcomes.values()) == {"added"} and len(outcomes) == len(files)
    again = karin.ingest(files, together, client=client)
    assert set(again["outcome"]) == {"already there"}
    one, two = karin.open(alone), karin.open(together)
    for name in ("granule", "cycle_number", "pass_number", "version", "bytes", "time_start", "time_end"):
        assert list(one.granules()[name]) == list(two.granules()[name])
    xr.testing.assert_equal(two.to_xarray().load(), one.to_xarray().load())
    simulated.command("verify", together)


def test_virtual_granules_are_read_and_ingested_on_a_cluster(files, heights, client, tmp_path):
    path = tmp_path / "virtual.karin"
    table = karin.ingest(files, path, virtual=True, client=client)
    assert set(table["outcome"]) == {"added"}
    assert set(karin.ingest(files, path, virtual=True)["outcome"]) == {"already there"}
    swot = karin.open(path).sel(variables="ssha", quality="good")
    np.testing.assert_array_equal(swot.mean(client=client).ssha, heights.mean().ssha)
    simulated.command("verify", "--deep", path)


def test_tasks_use_the_threads_of_their_worker(heights, client):
    def threads_at_work(part):
        names, stop = set(), threading.Event()

        def look():
            while not stop.is_set():
                for task in os.listdir("/proc/self/task"):
                    try:
                        with open(f"/proc/self/task/{task}/comm") as file:
                            names.add(file.read().strip())
                    except OSError:
                        continue

        watch = threading.Thread(target=look)
        watch.start()
        from karin._dask import _reduced
        from karin._reduction import Reduction

        _reduced(part, Reduction("mean", "over cycle"))
        stop.set()
        watch.join()
        return {name for name in names if name.startswith("karin-engine")}

    if not os.path.isdir("/proc/self/task"):
        pytest.skip("threads are counted in /proc, which is not here")
    assert client.submit(threads_at_work, heights, pure=False).result() == {"karin-engine-0"}


def _mean_of(swot):
    return float(swot.reduce("mean", None).ssha)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_handles_work_in_children(heights, method):
    expected = _mean_of(heights)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        with multiprocessing.get_context(method).Pool(2) as pool:
            assert pool.map(_mean_of, [heights, heights]) == [expected, expected]


@pytest.mark.parametrize(
    ("kind", "line"), [("SLURMCluster", "#SBATCH --cpus-per-task=4"), ("PBSCluster", "#PBS -l select=1:ncpus=4")]
)
def test_batch_systems_start_workers_with_one_thread_each(kind, line):
    jobqueue = pytest.importorskip("dask_jobqueue")
    with getattr(jobqueue, kind)(
        cores=4,
        processes=4,
        memory="8GiB",
        walltime="01:00:00",
        job_script_prologue=["export KARIN_JOBS=1"],
        scheduler_options={"dashboard_address": None},
    ) as cluster:
        script = cluster.job_script()
    assert subprocess.run(["bash", "-n"], input=script, text=True).returncode == 0
    words = script.split()
    assert line in script and "export KARIN_JOBS=1" in script
    assert words[words.index("--nthreads") + 1] == "1" and words[words.index("--nworkers") + 1] == "4"
