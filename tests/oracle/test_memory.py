"""What commands take of memory on 250 m granules: the peak of the process, as the system counts it, against `--memory`."""

import subprocess
import sys

import netCDF4
import numpy as np
import pytest

from conftest import karin_binary

BUDGET = 512
# The program and its libraries, stacks, and what the allocator keeps of freed memory.
BESIDE = 128
VARIABLES = ["ssh_karin_2", "ssh_karin_2_qual", "mean_sea_surface_cnescls", "sig0_karin_2"]


@pytest.fixture(scope="module")
def granules(karin, tmp_path_factory):
    """Two cycles of a pass: 2 x 40 million pixels, 160 MB for each variable and coordinate as stored."""
    folder = tmp_path_factory.mktemp("unsmoothed")
    karin("simulate", "--product", "L2_LR_SSH_Unsmoothed", "--phase", "science", "--cycles", "1-2", "--passes", 13,
          "--vars", ",".join(VARIABLES), folder)
    found = sorted(folder.rglob("*.nc"))
    assert len(found) == 2
    return found


# A process counts as its own the memory of the one that starts it, as large as that is at the time: so a small one starts karin.
STARTER = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)
"""


def peak(*arguments):
    """Runs karin with 512 MiB and two threads; its largest resident size in MiB."""
    command = [str(karin_binary()), "--memory", f"{BUDGET}MiB", "--jobs", "2", "--quiet", *map(str, arguments)]
    done = subprocess.run([sys.executable, "-I", "-c", STARTER, *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return int(done.stdout) / 1024


COMMANDS = [
    ["stat", "--over", "cycle"],
    ["stat", "--by", "pass", "--stats", "mean,median"],
    ["stat", "--grid", "1", "--vars", "ssh_karin_2"],
    ["extract", "--bbox=-180,-40,180,40"],
    ["extract", "--where", "sig0_karin_2 > 0 and ssh_karin_2 < 50"],
    ["extract", "--layout", "cube", "--vars", "ssh_karin_2"],
    ["plot", "--vars", "ssh_karin_2"],
    ["plot", "--vars", "ssha", "--bbox=-180,-40,180,40", "--quality", "good"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_commands_stay_within_their_budget(granules, tmp_path, command):
    output = tmp_path / ("x.png" if command[0] == "plot" else "x.nc")
    used = peak(command[0], *granules, *command[1:], "-o", output)
    assert output.stat().st_size > 10_000 or "--by" in command
    assert used < BUDGET + BESIDE, f"{used:.0f} MiB"


def test_one_granule_is_cropped_within_its_budget(granules, tmp_path):
    west, south, east, north = -180, -40, 180, 40
    used = peak("extract", granules[0], f"--bbox={west},{south},{east},{north}", "-o", tmp_path / "x.nc")
    assert used < BUDGET + BESIDE, f"{used:.0f} MiB"
    with netCDF4.Dataset(granules[0]) as whole, netCDF4.Dataset(tmp_path / "x.nc") as crop:
        for side in ("left", "right"):
            theirs, ours = whole[side], crop[side]
            latitude = theirs["latitude"][:, 120].filled(np.nan)
            lines = ours["num_lines"][:]
            near = np.flatnonzero((latitude >= south + 1) & (latitude <= north - 1))
            assert np.isin(near, lines).all()
            for name in VARIABLES:
                for group in (theirs, ours):
                    group[name].set_auto_maskandscale(False)
                part = slice(len(lines) // 2, len(lines) // 2 + 300)
                expected = theirs[name][lines[part].min() : lines[part].max() + 1]
                np.testing.assert_array_equal(ours[name][part], expected, err_msg=f"{side}/{name}")


def test_ingest_stays_within_its_budget_and_loses_nothing(karin, granules, tmp_path):
    store = tmp_path / "collection"
    used = peak("ingest", *granules, store)
    assert used < BUDGET + BESIDE, f"{used:.0f} MiB"
    karin("extract", store, "--cycles", "2", "-o", tmp_path / "x.nc")
    with netCDF4.Dataset(granules[1]) as theirs, netCDF4.Dataset(tmp_path / "x.nc") as ours:
        for side in ("left", "right"):
            for name, variable in theirs[side].variables.items():
                stored = ours[side][name]
                variable.set_auto_maskandscale(False)
                stored.set_auto_maskandscale(False)
                np.testing.assert_array_equal(stored[...], variable[...], err_msg=f"{side}/{name}")
    # Means from the granules, from the collection, and by numpy.
    for source in ([store], granules):
        karin("--memory", f"{BUDGET}MiB", "stat", *source, "--over", "cycle", "--vars", "ssh_karin_2,sig0_karin_2", "-o",
              tmp_path / "mean.nc")
        check_mean(granules, tmp_path / "mean.nc")


def check_mean(granules, result):
    """The mean of two cycles on lines at the seams of chunks, and between."""
    lines = np.r_[4090:4102, 16580:16600, 33170:33180, 78000:78010]
    with netCDF4.Dataset(granules[0]) as first, netCDF4.Dataset(granules[1]) as second, netCDF4.Dataset(result) as mean:
        for side in ("left", "right"):
            for name in ("ssh_karin_2", "sig0_karin_2"):
                both = np.ma.stack([granule[side][name][...][lines].astype("f8") for granule in (first, second)])
                ours = mean[side][name][0][lines]
                np.testing.assert_allclose(ours.filled(np.nan), both.mean(axis=0).filled(np.nan), rtol=1e-12,
                                           err_msg=f"{side}/{name}")
