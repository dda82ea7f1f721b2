"""The kernels of derivatives beside numpy, whole commands on a collection, and statistics by cells beside scipy and pandas:
`cargo xtask bench science statistics science-cycle`.

Seconds are those of one thread on a processor, the best of some rounds; the numpy program checks that both derive the same
currents.
"""

import json
import shutil
import subprocess
import sys
import tempfile

from granules import FOLDER, granules
from measure import EXAMPLES, HERE, KARIN, karin, peak_memory, peer, side_by_side

#: Passes of the measurements on a collection.
PASSES = 40
#: Passes of a cycle of the science orbit.
CYCLE = 584


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def passes():
    """L3 passes with heights only."""
    return granules("L3_LR_SSH_Expert", "science", "1", f"1-{PASSES}", ["ssha_unfiltered", "ssha_filtered"], rewrite=False)


def collection():
    """A collection of these."""
    store = FOLDER / f"science-{PASSES}.collection"
    if not store.exists():
        subprocess.run([str(KARIN), "--quiet", "ingest", *map(str, passes()), str(store)], check=True)
    return store


def cycle_collection():
    """A collection of all 584 passes of a science cycle, with heights only: simulated and ingested some at a time, made once."""
    store, done = FOLDER / "science-cycle.collection", FOLDER / "science-cycle.complete"
    if not done.exists():
        shutil.rmtree(store, ignore_errors=True)
        for first in range(1, CYCLE + 1, PASSES):
            with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
                passes = f"{first}-{min(first + PASSES - 1, CYCLE)}"
                subprocess.run([str(KARIN), "--quiet", "simulate", "--product", "L3_LR_SSH_Expert", "--phase", "science", "--cycles", "1",
                                "--passes", passes, "--seed", "1", "--vars", "ssha_unfiltered,ssha_filtered", folder], check=True)
                subprocess.run([str(KARIN), "--quiet", "ingest", folder, str(store)], check=True)
        done.touch()
    return store


def cycle():
    """A whole cycle of the science orbit on two threads within 1 GB: wall seconds, one run each after one that warms the page cache."""
    store, output = cycle_collection(), FOLDER / "science-cycle.nc"
    budget = ("--quiet", "-j", 2, "--memory", "1GB")
    height = ("stat", store, "--vars", "ssha_unfiltered", "--over", "all", "--stats", "mean")
    karin(*budget, *height)()
    read, _ = peak_memory(*budget, *height)
    commands = [
        ("vorticity_over_f, std on a grid of 1 degree", "< 30 s, memory within --memory",
         ("stat", store, "--vars", "vorticity_over_f", "--stats", "std", "--grid", "1", "-o", output)),
        ("u_geo (stat --over all)", "", ("stat", store, "--vars", "u_geo", "--over", "all", "--stats", "mean")),
        ("spectrum of one variable", "read-bound", ("spectrum", store, "--vars", "ssha_unfiltered", "-o", output)),
    ]
    rows = []
    for what, bar, command in commands:
        seconds, peak = peak_memory(*budget, *command)
        rows.append((f"{what}, {CYCLE} L3 passes from a collection", bar,
                     {"karin": seconds, "karin stat of the height": read, "peak bytes": peak}))
    return rows


def statistics():
    """Statistics by cells from granules, and eddies and fronts, on two threads: wall seconds, medians."""
    files, name = passes()[:10], "ssha_unfiltered"
    output = FOLDER / "statistics.nc"
    work = {"paths": list(map(str, files)), "name": name, "stats": ["mean", "std", "count"]}
    of_order = {**work, "stats": ["median"]}

    def stat(stats):
        return karin("--quiet", "-j", 2, "stat", *files, "--vars", name, "--grid", "1", "--stats", stats, "-o", output)

    def peers(arguments):
        script = "statistics_peers.py"
        return {"scipy binned_statistic_2d": peer("binned_statistic", script, **arguments),
                "pandas groupby": peer("groupby", script, **arguments)}

    features = {verb: karin("--quiet", "-j", 2, verb, *files, "-o", FOLDER / f"{verb}.parquet") for verb in ("eddies", "fronts")}
    return [
        (f"mean, std, count on a grid of 1 degree, {len(files)} L3 passes", "",
         side_by_side({"karin": stat("mean,std,count"), **peers(work)}, rounds=3)),
        ("the median of the same", "", side_by_side({"karin": stat("median"), **peers(of_order)}, rounds=1)),
        (f"eddies of {len(files)} L3 passes", "", side_by_side({"karin": features["eddies"]}, rounds=1)),
        (f"fronts of {len(files)} L3 passes", "", side_by_side({"karin": features["fronts"]}, rounds=1)),
    ]


def on_a_collection():
    """Whole commands on two threads: wall seconds, the best of three."""
    store, output = collection(), FOLDER / "science.nc"

    def seconds(*arguments):
        run = karin("--quiet", "-j", 2, *arguments)
        return min(run() for _ in range(3))

    read = seconds("stat", store, "--vars", "ssha_unfiltered", "--over", "all", "--stats", "mean")
    scale = CYCLE / PASSES
    return [
        (f"spectrum of one variable, {PASSES} L3 passes", "read-bound: stat --over all of the same",
         {"karin": seconds("spectrum", store, "--vars", "ssha_unfiltered"), "karin stat": read}),
        (f"u_geo of {PASSES} L3 passes (stat --over all)", "",
         {"karin": seconds("stat", store, "--vars", "u_geo", "--over", "all", "--stats", "mean"), "karin stat of the height": read}),
        (f"vorticity_over_f on a grid of 1 degree, from {PASSES} passes to the {CYCLE} of a cycle", "< 30 s",
         {"karin": scale * seconds("stat", store, "--vars", "vorticity_over_f", "--stats", "std", "--grid", "1", "-o", output)}),
        (f"lowpass(ssha, 65), variational(ssha, 60), {PASSES} passes", "",
         {"karin": seconds("stat", store, "--let", "f=lowpass(ssha, 65)", "--vars", "f", "--over", "all", "--stats", "std"),
          "variational": seconds("stat", store, "--passes", "1-4", "--let", "f=variational(ssha, 60)", "--vars", "f", "--over", "all",
                                 "--stats", "std") * PASSES / 4}),
    ]


def science():
    folder = FOLDER / "science"
    folder.mkdir(parents=True, exist_ok=True)
    ours = run(EXAMPLES / "science_kernels", folder)
    theirs = run(sys.executable, HERE / "science_peers.py", folder)
    valid = ours["valid_pixels"]
    lstsq = theirs["fit_pixel"] * valid
    return [
        ("metric of a pass of 9860 x 69", "", {"karin": ours["metric"], "numpy": theirs["metric"]}),
        ("u_geo, v_geo by l3 of as many pixels poleward of 8 degrees, metric there", ">= 20x numpy",
         {"karin": ours["currents_l3_high_latitudes"], "numpy": theirs["currents"]}),
        ("u_geo, v_geo by l3 of such a pass, with the beta plane (not in numpy)", "",
         {"karin": ours["currents_l3"], "numpy": theirs["currents"]}),
        ("the same per pass, on 2 threads, wall", "< 0.0167 s (60 passes/s)", {"karin": ours["seconds_per_pass_two_threads"]}),
        ("u_geo, v_geo, vorticity, strain by l3", "", {"karin": ours["deformation_l3"]}),
        ("u_geo, v_geo by fit:9", ">= 500x lstsq per pixel", {"karin": ours["currents_fit9"], "numpy lstsq per pixel": lstsq}),
        ("u_geo, v_geo, vorticity, strain by fit:9", ">= 500x lstsq per pixel", {"karin": ours["deformation_fit9"], "numpy lstsq per pixel": lstsq}),
        ("u_geo, v_geo by fit:25", "", {"karin": ours["currents_fit25"]}),
        ("u_geo, v_geo by curvilinear", "", {"karin": ours["currents_curvilinear"]}),
        ("u_cyclo, v_cyclo by the gradient wind, fixed point, variational", "",
         {"karin": ours["cyclo_gradient_wind"], "fixed point": ours["cyclo_fixed_point"], "variational": ours["cyclo_variational"]}),
        ("u_geo_uncertainty, v_geo_uncertainty by l3", "", {"karin": ours["uncertainty_l3"]}),
        *on_a_collection(),
    ]


SCIENCE = {"science": science, "statistics": statistics, "science-cycle": cycle}
