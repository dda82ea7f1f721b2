"""The benchmarks: each makes its data, runs karin, peers and floor side by side, and returns rows of a table.

A row: what, the bar of it as text, and seconds (or bytes) by name; "karin" is ours, "floor" the same bytes merely decoded, the
rest are peers, of which the best one counts.
"""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from granules import FOLDER, granules, mission, zarr_store
from measure import KARIN, drop_caches, floor, folder_size, karin, peak_memory, peer, side_by_side

# Rounds of benchmarks whose peers take many seconds.
ROUNDS = 3
BASIC, EXPERT, UNSMOOTHED = "L2_LR_SSH_Basic", "L2_LR_SSH_Expert", "L2_LR_SSH_Unsmoothed"
LEAN = ["time", "latitude", "longitude", "ssha_karin_2", "ssha_karin_2_qual"]
# Where commands may write without waiting for a disk, as peers do who only load.
MEMORY = Path("/dev/shm")


def collection(paths, name, profile="portable"):
    """A collection of these granules, made once."""
    store = FOLDER / f"{name}-{profile}.karin"
    if not (FOLDER / f"{name}-{profile}.complete").exists():
        shutil.rmtree(store, ignore_errors=True)
        folder = Path(paths[0]).parent
        subprocess.run([str(KARIN), "--quiet", "ingest", str(folder), str(store), "--profile", profile], check=True)
        (FOLDER / f"{name}-{profile}.complete").touch()
    return store


def repeat_basic():
    """24 L2 Basic granules of one pass, as netCDF4-python writes them."""
    return granules(BASIC, "science", "1-24", "13")


def mean_over_cycles(source):
    return karin("stat", source, "--over", "cycle", "--stats", "mean")


def p1_netcdf():
    """P1: mean over cycles of all variables, raw netCDF."""
    paths = repeat_basic()
    seconds = side_by_side({
        "karin": mean_over_cycles(paths[0].parent),
        "floor": floor("decode_floor", *paths),
        "xarray netCDF4, one thread": peer("netcdf_mean_serial", paths=paths),
        "xarray h5netcdf, threads": peer("netcdf_mean_h5netcdf", paths=paths),
        "xarray, Dask cluster of 2": peer("netcdf_mean_cluster", paths=paths),
        "xarray Zarr, threads": peer("zarr_mean_threads", stores=[zarr_store(paths, "basic")]),
    }, rounds=ROUNDS)
    return [("P1 raw netCDF, 24 Basic granules", ">= 12x xarray netCDF, >= 5x xarray Zarr, <= 1.4x floor", seconds)]


def p1_collection():
    """P1 on the collection."""
    paths = repeat_basic()
    rows = []
    for profile in ("portable", "compact"):
        store = collection(paths, "basic", profile)
        seconds = side_by_side({
            "karin": mean_over_cycles(store),
            "floor": floor("codec_floor", profile, *paths),
            "xarray Zarr, threads": peer("zarr_mean_threads", stores=[zarr_store(paths, "basic")]),
            "xarray Zarr, Dask cluster of 2": peer("zarr_mean_cluster", store=zarr_store(paths, "basic")),
        }, rounds=ROUNDS)
        rows.append((f"P1 collection ({profile})", ">= 10x xarray Zarr, <= 1.5x floor", seconds))
    return rows


def region_lines(store):
    """The lines of pass 13 inside the box of P2 and P3, as the user of a Zarr store would have to know them."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "region.nc"
        subprocess.run([str(KARIN), "--quiet", "extract", str(store), "--cycles", "1", "--bbox", BOX, "--vars", "ssha_karin_2",
                        "-o", str(out)], check=True)
        import netCDF4

        with netCDF4.Dataset(out) as dataset:
            lines = dataset["num_lines"][:]
            return [int(lines.min()), int(lines.max()) + 1]


# Where pass 13 (science) crosses the tropical Pacific.
BOX = "-155,10,-145,20"


def p2_to_p5():
    """P2 region and one cycle, P3 region and all cycles, P4 point, P5 whole pass, on the collection; open."""
    paths = repeat_basic()
    store, zarr = collection(paths, "basic"), zarr_store(paths, "basic")
    variable = "ssha_karin_2"
    rows = []
    memory = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory(dir=memory) as memory:
        out, memory = Path(folder), Path(memory)
        region = ["--bbox", BOX, "--vars", variable]
        lines = region_lines(store)
        box, point = numbers(BOX), numbers(point_box(paths[0]))
        place = ["--vars", variable, "--bbox", point_box(paths[0])]
        rows.append(("P2 one variable, 10 x 10 degrees, one cycle", ">= 10x xarray Zarr", side_by_side({
            "karin": peer("karin_region", store=store, variable=variable, box=box, cycles=3),
            "command, durable file": karin("extract", store, *region, "--cycles", "3", "-o", out / "p2.nc"),
            "command, file in memory": karin("extract", store, *region, "--cycles", "3", "-o", memory / "p2.nc"),
            "xarray Zarr": peer("zarr_region", store=zarr, variable=variable, lines=lines, cycles=[2, 3]),
        })))
        rows.append(("P3 the same, all 24 cycles", ">= 10x xarray Zarr", side_by_side({
            "karin": peer("karin_region", store=store, variable=variable, box=box),
            "command, durable file": karin("extract", store, *region, "--layout", "cube", "-o", out / "p3.nc"),
            "command, file in memory": karin("extract", store, *region, "--layout", "cube", "-o", memory / "p3.nc"),
            "xarray Zarr": peer("zarr_region", store=zarr, variable=variable, lines=lines, cycles=[0, 24]),
        })))
        rows.append(("P4 one point, all 24 cycles", ">= 10x xarray Zarr", side_by_side({
            "karin": peer("karin_region", store=store, variable=variable, box=point),
            "command, durable file": karin("extract", store, *place, "-o", out / "p4.csv"),
            "command, file in memory": karin("extract", store, *place, "-o", memory / "p4.csv"),
            "xarray Zarr": peer("zarr_point", store=zarr, variable=variable, line=4500, pixel=20),
        })))
        rows.append(("P5 one whole pass, 26 variables", ">= 10x xarray Zarr", side_by_side({
            "karin": peer("karin_pass", store=store),
            "command": karin("stat", store, "--cycles", "3", "--over", "all", "--stats", "count"),
            "xarray Zarr": peer("zarr_pass", stores=[zarr]),
        })))
        rows.append(("open and list", "< 50 ms", side_by_side({"karin": karin("ls", store)})))
    return rows


def numbers(box):
    return [float(number) for number in box.split(",")]


def point_box(path):
    """A box around one pixel, so that exactly this one is inside."""
    import netCDF4

    with netCDF4.Dataset(path) as dataset:
        longitude, latitude = float(dataset["longitude"][4500, 20]), float(dataset["latitude"][4500, 20])
    return f"{longitude - 0.004},{latitude - 0.004},{longitude + 0.004},{latitude + 0.004}"


def p4_hundred_cycles():
    """P4 over 100 cycles of lean granules."""
    paths = granules(BASIC, "calval", "475-574", "13", LEAN, rewrite=False)
    store = collection(paths, "hundred")
    with tempfile.TemporaryDirectory() as folder:
        box = point_box(paths[0])
        run = karin("extract", store, "--vars", "ssha_karin_2", "--bbox", box, "-o", Path(folder) / "p4.csv")
        return [("P4 one point, 100 cycles", "< 100 ms", side_by_side({"karin": run}))]


def ingest_floor(profile, paths):
    """Decoding the netCDF chunks and encoding them again, both alone."""
    decode, encode = floor("decode_floor", *paths), floor("codec_floor", profile, *paths, column=1)
    return lambda: decode() + encode()


def ingest_into_new(paths, *options):
    """Ingests granules into a collection of their own."""

    def run():
        with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
            return karin("ingest", *paths, Path(folder) / "c", *options)()

    return run


def ingest():
    """P6 one day into a collection, P7 one cycle: against decode floor + encode floor."""
    rows = []
    paths = granules(BASIC, "calval", "475-477", "1-28")
    first = [path for path in paths if "_475_" in path.name]
    for profile in ("portable", "compact"):
        runs = {"karin": ingest_into_new(first, "--profile", profile), "floor": ingest_floor(profile, first)}
        seconds = side_by_side(runs, rounds=ROUNDS)
        rows.append((f"P7 ingest of a cycle (28 Basic, {profile})", ">= 0.8x (decode + encode)", seconds))
    return rows + day_into_growing_collection(paths)


def day_into_growing_collection(paths):
    """P6: what adding one day costs when the collection holds nothing, and when it holds two years."""
    years = granules(BASIC, "science", "1-35", "1-28", LEAN, rewrite=False)
    rows = []
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        empty, full = Path(folder) / "empty", Path(folder) / "full"
        karin("ingest", years[0].parent, full)()
        day = granules(BASIC, "science", "36", "1-28", LEAN, rewrite=False)
        seconds = {"karin": karin("ingest", day[0].parent, full)(), "into an empty one": karin("ingest", day[0].parent, empty)()}
        rows.append(("P6 one day (28 lean) into 980 granules", "no growth with the collection", seconds))
    return rows


def sizes():
    """Stored bytes of netCDF and of both profiles."""
    rows = []
    for product, phase, cycles, passes, name in [
        (BASIC, "science", "1-24", "13", "basic"),
        (EXPERT, "science", "1-4", "13", "expert"),
        (UNSMOOTHED, "science", "1", "13", "unsmoothed"),
    ]:
        paths = granules(product, phase, cycles, passes, rewrite=product != UNSMOOTHED)
        size = {"netCDF": sum(path.stat().st_size for path in paths)}
        for profile in ("portable", "compact"):
            size[profile] = folder_size(collection(paths, name, profile))
        rows.append((f"stored size, {product}", "portable <= netCDF, compact <= 0.65x", size))
    return rows


def expert():
    """P1, P5 and P7 for L2 Expert (102 variables)."""
    paths = granules(EXPERT, "science", "1-4", "13")
    store, zarr = collection(paths, "expert"), zarr_store(paths, "expert")
    return [
        ("P1 raw netCDF, 4 Expert granules", ">= 12x xarray netCDF, <= 1.4x floor", side_by_side({
            "karin": mean_over_cycles(paths[0].parent),
            "floor": floor("decode_floor", *paths),
            "xarray netCDF4, one thread": peer("netcdf_mean_serial", paths=paths),
            "xarray Zarr, threads": peer("zarr_mean_threads", stores=[zarr]),
        }, rounds=ROUNDS)),
        ("P1 collection, Expert", ">= 10x xarray Zarr, <= 1.5x floor", side_by_side({
            "karin": mean_over_cycles(store),
            "floor": floor("codec_floor", "portable", *paths),
            "xarray Zarr, threads": peer("zarr_mean_threads", stores=[zarr]),
        }, rounds=ROUNDS)),
        ("P5 one whole pass, 102 variables", ">= 10x xarray Zarr", side_by_side({
            "karin": karin("stat", store, "--cycles", "3", "--over", "all", "--stats", "count"),
            "xarray Zarr": peer("zarr_pass", stores=[zarr]),
        })),
        ("P7 ingest of 4 Expert granules", ">= 0.8x (decode + encode)", side_by_side({
            "karin": ingest_into_new(paths),
            "floor": ingest_floor("portable", paths),
            "xarray netCDF to Zarr": peer("netcdf_to_zarr", paths=paths),
        }, rounds=ROUNDS)),
    ]


def unsmoothed():
    """P1, P5 and P7 for one L2 Unsmoothed pass (2 GB raw) inside 512 MiB."""
    paths = granules(UNSMOOTHED, "science", "1", "13", rewrite=False)
    sides = ["left", "right"]
    zarr = [zarr_store(paths, f"unsmoothed-{side}", side) for side in sides]
    store, budget = collection(paths, "unsmoothed"), ["--memory", "512MiB"]
    decode, codec = floor("decode_floor", *paths), floor("codec_floor", "portable", *paths)
    everything = {"P1": ["--over", "cycle", "--stats", "mean"], "P5": ["--over", "all", "--stats", "count"]}
    rows = [
        ("P7 ingest of one Unsmoothed pass", ">= 0.8x (decode + encode)", side_by_side({
            "karin": ingest_into_new(paths, *budget),
            "floor": ingest_floor("portable", paths),
            "xarray netCDF to Zarr": peer("netcdf_to_zarr", paths=paths, groups=sides),
        }, rounds=2)),
        ("P1 raw netCDF, Unsmoothed", ">= 12x xarray netCDF, >= 5x xarray Zarr, <= 1.4x floor", side_by_side({
            "karin": karin("stat", *paths, *everything["P1"], *budget),
            "floor": decode,
            "xarray netCDF4, one thread": peer("netcdf_mean_serial", paths=paths, groups=sides),
            "xarray h5netcdf, threads": peer("netcdf_mean_h5netcdf", paths=paths, groups=sides),
            "xarray Zarr, threads": peer("zarr_mean_threads", stores=zarr),
        }, rounds=2)),
        ("P1 collection, Unsmoothed", ">= 10x xarray Zarr, <= 1.5x floor", side_by_side({
            "karin": karin("stat", store, *everything["P1"], *budget),
            "floor": codec,
            "xarray Zarr, threads": peer("zarr_mean_threads", stores=zarr),
        }, rounds=2)),
        ("P5 one whole Unsmoothed pass, 36 variables", ">= 10x xarray Zarr", side_by_side({
            "karin": karin("stat", store, *everything["P5"], *budget),
            "floor": codec,
            "xarray Zarr": peer("zarr_pass", stores=zarr),
        }, rounds=2)),
    ]
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        peaks = {"P7": peak_memory("ingest", *paths, Path(folder) / "c", *budget)}
        peaks["P1 into a file"] = peak_memory("stat", *paths, *everything["P1"], "-o", Path(folder) / "x.nc", *budget)
    for pattern, options in everything.items():
        peaks[f"{pattern} raw netCDF"] = peak_memory("stat", *paths, *options, *budget)
        peaks[f"{pattern} collection"] = peak_memory("stat", store, *options, *budget)
    peak_bytes = {f"{what} bytes": peak for what, (_, peak) in peaks.items()}
    return [*rows, ("peak memory, Unsmoothed", "<= 512 MiB", peak_bytes)]


def ten_thousand():
    """10,000 lean granules: ingest and P1, linear, inside 512 MiB."""
    rows = []
    for cycles, passes in ((18, "1-28"), (18, "1-556")):
        paths = mission(BASIC, cycles, passes, LEAN)
        with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
            store = Path(folder) / "c"
            seconds, peak = peak_memory("ingest", paths[0].parent, store, "--memory", "512MiB")
            rows.append((f"ingest of {len(paths)} lean granules", "peak memory <= 512 MiB, linear",
                         {"karin": seconds, "per granule": seconds / len(paths), "peak bytes": peak}))
            out = Path(folder) / "mean.nc"
            seconds, peak = peak_memory("stat", store, "--over", "cycle", "--vars", "ssha_karin_2", "--stats", "mean",
                                        "-o", out, "--memory", "512MiB")
            rows.append((f"P1 of {len(paths)} lean granules", "peak memory <= 512 MiB, linear",
                         {"karin": seconds, "per granule": seconds / len(paths), "peak bytes": peak}))
    return rows


def cold():
    """P1 with an empty page cache, where we may empty it."""
    paths = repeat_basic()
    store = collection(paths, "basic")
    if not drop_caches():
        return []
    zarr = zarr_store(paths, "basic")
    rows = []
    for name, source, others in (
        ("raw netCDF", paths[0].parent, {"xarray netCDF4, one thread": peer("netcdf_mean_serial", paths=paths)}),
        ("collection", store, {"xarray Zarr, threads": peer("zarr_mean_threads", stores=[zarr])}),
    ):
        seconds = {}
        for who, run in {"karin": mean_over_cycles(source), **others}.items():
            drop_caches()
            seconds[who] = run()
        rows.append((f"P1 {name}, cold cache", "", seconds))
    return rows


BENCHMARKS = {
    "p1": p1_netcdf, "p1-collection": p1_collection, "p2-p5": p2_to_p5, "p4-hundred": p4_hundred_cycles, "ingest": ingest,
    "sizes": sizes, "expert": expert, "unsmoothed": unsmoothed, "ten-thousand": ten_thousand, "cold": cold,
}


def report(rows):
    return json.dumps([{"what": what, "bar": bar, "measured": values} for what, bar, values in rows], indent=1)
