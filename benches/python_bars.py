"""The bars of the Python package: `cargo xtask bench python`."""

import shutil

from granules import FOLDER, granules
from measure import KARIN, karin, peer, side_by_side

ROUNDS = 3
BASIC, EXPERT = "L2_LR_SSH_Basic", "L2_LR_SSH_Expert"


def api(function, **arguments):
    return peer(function, script="python_api.py", **arguments)


def python_load():
    """Open and load every variable of a granule: on one core, and on two."""
    rows = []
    for product in (EXPERT, BASIC):
        paths = granules(product, "science", "1", "13")
        for decoded, bar in ((False, 2.5), (True, 1.8)):
            def on(cores, engine):
                return api("load", paths=paths, engine=engine, cores=cores, decoded=decoded)

            seconds = side_by_side({
                "karin": on(2, "karin"), "karin on 1 core": on(1, "karin"), "xarray netcdf4": on(1, "netcdf4"),
            }, rounds=ROUNDS)
            what = f"{product[-6:].strip('_')}, {'decoded' if decoded else 'mask_and_scale=False'}"
            more = "" if decoded else ", and 1.8x of that on 2"
            rows.append((f"open_dataset(engine=\"karin\").load(), {what}, 2 cores", f"on 1 core >= {bar}x netcdf4{more}", seconds))
    return rows


def python_mean():
    """The repeat mean by the API and by the command."""
    paths = granules(BASIC, "science", "1-24", "13")
    seconds = side_by_side({
        "karin": api("mean", paths=paths),
        "command karin stat": karin("stat", paths[0].parent, "--over", "cycle", "--stats", "mean"),
        "xarray netCDF4, one thread": peer("netcdf_mean_serial", paths=paths),
    }, rounds=ROUNDS)
    return [("granules(24 Basic files).mean(\"cycle_number\")", "the command's speed within 5 %", seconds)]


def many(count, passes):
    """Names of `count` cycles of these passes, each a link to one granule: what opening looks at is the same."""
    (source,) = granules(BASIC, "science", "1", "13")
    folder = FOLDER / f"links-{count}-{passes}"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for cycle in range(1, count + 1):
            for number in range(1, passes + 1):
                (folder / source.name.replace("_001_013_", f"_{cycle:03d}_{number:03d}_")).symlink_to(source)
        (folder / "complete").touch()
    return folder


def python_open():
    """Many files as one lazy dataset."""
    folder = many(250, 2)
    paths = sorted(folder.glob("*.nc"))
    rows = [("500 granules as one lazy dataset", "<= 1/10 of netcdf4", side_by_side({
        "karin": api("open_many", paths=paths),
        "open_mfdataset(engine=\"karin\")": api("mfdataset", paths=paths, engine="karin"),
        "open_mfdataset(engine=\"netcdf4\")": api("mfdataset", paths=paths, engine="netcdf4"),
    }, rounds=1))]
    rows.append(("to_xarray() of 50 cycles x 584 passes", "< 0.2 s", side_by_side({
        "karin": api("open_cube", paths=[many(50, 584)]),
    }, rounds=ROUNDS)))
    rows.append(("import karin after import xarray", "< 0.15 s", {"karin": api("imports")()}))
    rows.append(("first reduction of a process: one granule, one number", "", side_by_side({
        "karin": api("first_call", paths=paths[:1]),
    }, rounds=ROUNDS)))
    rows.append(("karin --version", "", side_by_side({
        "karin": api("command", paths=[], installed=True),
        "the command that cargo builds": api("command", paths=[str(KARIN)], installed=False),
    }, rounds=ROUNDS)))
    return rows


def python_dask():
    """Two single-threaded workers against one process with one thread."""
    rows = []
    for product in (BASIC, EXPERT):
        paths = granules(product, "science", "1-12", "13-16")
        what = f"mean over cycles, 48 {product[-6:].strip('_')} granules of 4 passes, 2 workers"
        rows.append((what, "one process, one thread >= 1.7x", side_by_side({
            "karin": api("reduce_on_cluster", paths=paths),
            "karin, one process, one thread": api("reduce_alone", paths=paths),
        }, rounds=ROUNDS)))
    paths = granules(BASIC, "science", "1-12", "13-16")
    rows.append(("overhead of a task", "< 0.005 s", side_by_side({
        "karin": api("task_overhead", paths=paths),
        "Dask, tasks that do nothing": api("dask_overhead"),
    }, rounds=ROUNDS)))
    return rows


PYTHON = {
    "python-load": python_load, "python-mean": python_mean, "python-open": python_open, "python-dask": python_dask,
}
