"""`karin stat --shard` and `karin merge`: what a job array makes is what one process makes, and what does not belong together is
refused by name."""

import itertools
import shutil
import subprocess

import netCDF4
import numpy as np
import pytest
from matplotlib import image

import engine_granules
from conftest import karin_binary
from shared_fixtures import WORKSPACE

RANKS = "median,quantile(0.9)"
OTHERS = "count,sum,mean,min,max,var,std,first,last,trend"
REGION = ("--bbox", "340,-20,30,35")
FLOATING = {"sig0_karin_2", "ssha", "time"}
NOTE = "floating values were added up in parts: sums agree with those of one process to 1e-12, trends nearly so"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("granules")
    engine_granules.write_all(folder)
    return folder


@pytest.fixture(scope="module")
def two_baselines(karin, tmp_path_factory):
    """Passes of baselines C and D, which results join and tell apart by a coordinate."""
    folder = tmp_path_factory.mktemp("baselines")
    for version, cycles in (("PIC0_01", "475-476"), ("PID0_01", "477")):
        karin("simulate", folder / "in", "--product", "L2_LR_SSH_Basic", "--cycles", cycles, "--passes", "1-4",
              "--version", version, "--vars", "ssha_karin_2,ssha_karin_2_qual")
    karin("ingest", folder / "in", folder / "col")
    return folder / "col"


@pytest.fixture
def shards(karin, tmp_path):
    """Runs every shard, each with other threads and memory, and gives their states in some other order than theirs."""

    def run(*arguments, count):
        states = []
        for index in range(1, count + 1):
            state = tmp_path / f"{index}-of-{count}.state"
            uneven = ("--jobs", 1 + index % 3, "--memory", f"{64 << index % 3}MiB")
            karin("stat", *arguments, "--shard", f"{index}/{count}", "-o", state, "--quiet", *uneven)
            states.append(state)
        return states[::-1]

    return run


def everything(path):
    """Every array as stored, every attribute but the history, every dimension, each under its name."""
    found = {}

    def collect(group, prefix):
        attributes = {name: value for name, value in group.__dict__.items() if name != "history"}
        found[prefix] = (repr((attributes, {name: len(dimension) for name, dimension in group.dimensions.items()})),)
        for name, variable in group.variables.items():
            variable.set_auto_maskandscale(False)
            values = np.ascontiguousarray(variable[...])
            found[prefix + name] = (repr((variable.__dict__, variable.dimensions, values.dtype, values.shape)),)
            found[f"values of {prefix}{name}"] = (values.tobytes(), str(values))
        for name, inner in group.groups.items():
            collect(inner, f"{prefix}{name}/")

    with netCDF4.Dataset(path) as dataset:
        collect(dataset, "/")
    return found


def assert_same(merged, whole):
    """Both files hold the same; the message names what does not, and how it differs."""
    merged, whole = everything(merged), everything(whole)
    differing = [name for name in merged | whole if merged.get(name) != whole.get(name)]
    shown = [f"{name}: {merged.get(name, ('nothing',))[-1]} instead of {whole.get(name, ('nothing',))[-1]}" for name in differing]
    assert not differing, "\n".join(shown)


def history(path):
    with netCDF4.Dataset(path) as dataset:
        return dataset.history


TARGETS = [
    ("--over", "cycle", "--stats", f"{OTHERS},{RANKS}"),
    ("--over", "cycle", "--stats", "mean", *REGION),
    ("--by", "pass", "--stats", f"{OTHERS},{RANKS}"),
    ("--by", "cycle", "--stats", RANKS),
    ("--by", "cycle", "--stats", "count,sum,mean,min,max,var,std,first,last", *REGION),
    ("--by", "day", "--stats", "count,mean,first,last,trend"),
    ("--by", "month", "--stats", "std,trend"),  # of all variables: that of time has the name of the axis
    ("--over", "all", "--stats", OTHERS),
    ("--grid", "2", "--stats", "count,sum,mean,min,max,var,std,first,last", "--vars", "ssha_karin_2,num_pt_avg"),
    ("--grid", "2", "--stats", f"count,mean,mad,{RANKS}", "--vars", "ssha_karin_2,num_pt_avg"),
    ("--grid", "5", "--stats", RANKS, "--having", "quantile(0.2) < 1", "--vars", "sig0_karin_2", *REGION),
    ("--bin", "sig0_karin_2:8:12:0.5", "--stats", RANKS, "--vars", "ssha_karin_2,ssha"),
]


@pytest.mark.parametrize("target", TARGETS, ids=" ".join)
@pytest.mark.parametrize("count", [1, 2, 7])
def test_merged_states_are_what_one_process_gives_to_the_bit(karin, shards, folder, tmp_path, target, count):
    karin("stat", folder, *target, "-o", tmp_path / "whole.nc", "--quiet")
    states = shards(folder, *target, count=count)
    karin("merge", *states, "-o", tmp_path / "merged.nc", "--quiet")
    assert_same(tmp_path / "merged.nc", tmp_path / "whole.nc")


def test_the_same_threads_give_the_same_file_but_for_its_history(karin, folder, tmp_path):
    karin("stat", folder, "--over", "cycle", "-o", tmp_path / "whole.nc", "--quiet")
    for index in (1, 2):
        karin("stat", folder, "--over", "cycle", "--shard", f"{index}/2", "-o", tmp_path / f"{index}.state")
    karin("merge", tmp_path / "1.state", tmp_path / "2.state", "-o", tmp_path / "merged.nc")
    merge, first = history(tmp_path / "merged.nc").splitlines()
    assert "karin merge" in merge and "--shard 1/2" in first and first.endswith("(and so for all 2 shards)")
    chunks = {}
    for name in ("whole", "merged"):
        with netCDF4.Dataset(tmp_path / f"{name}.nc") as dataset:
            chunks[name] = {key: (variable.chunking(), variable.filters()) for key, variable in dataset.variables.items()}
    assert chunks["merged"] == chunks["whole"]


@pytest.mark.parametrize("target", [("--over", "cycle"), ("--by", "pass"), ("--by", "cycle"), ("--grid", "3")], ids=" ".join)
def test_baselines_are_told_apart_as_in_one_process(karin, shards, two_baselines, tmp_path, target):
    wanted = (two_baselines, *target, "--vars", "ssha_karin_2", "--stats", "mean,count")
    karin("stat", *wanted, "-o", tmp_path / "whole.nc", "--quiet")
    karin("merge", *shards(*wanted, count=3), "-o", tmp_path / "merged.nc", "--quiet")
    assert "/schema" in everything(tmp_path / "whole.nc")
    assert_same(tmp_path / "merged.nc", tmp_path / "whole.nc")


def test_floating_sums_on_a_grid_agree_closely_and_the_result_says_so(karin, shards, folder, tmp_path):
    wanted = (folder, "--grid", "2", "--vars", "sig0_karin_2", "--stats", "mean,std,trend")
    karin("stat", *wanted, "-o", tmp_path / "whole.nc", "--quiet")
    karin("merge", *shards(*wanted, count=4), "-o", tmp_path / "merged.nc", "--quiet")
    with netCDF4.Dataset(tmp_path / "whole.nc") as whole, netCDF4.Dataset(tmp_path / "merged.nc") as merged:
        assert merged.comment == NOTE and "comment" not in whole.ncattrs()
        for name in ("sig0_karin_2_mean", "sig0_karin_2_std"):
            np.testing.assert_allclose(merged[name][:], whole[name][:], rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(merged["sig0_karin_2_trend"][:], whole["sig0_karin_2_trend"][:], rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("suffix", ["zarr", "parquet", "csv", "png"])
def test_merged_states_become_files_of_every_format(karin, shards, folder, tmp_path, suffix):
    wanted = (folder, "--over", "cycle", "--vars", "ssha_karin_2")
    merged, whole = tmp_path / f"merged.{suffix}", tmp_path / f"whole.{suffix}"
    karin("merge", *shards(*wanted, count=2), "-o", merged)
    karin("stat", *wanted, "-o", whole)
    if suffix == "csv":
        assert merged.read_bytes() == whole.read_bytes()
    elif suffix == "png":
        np.testing.assert_array_equal(image.imread(merged), image.imread(whole))
    assert merged.exists()


def test_medians_that_need_all_values_have_no_shards(karin, folder, tmp_path):
    for target in (("--over", "all"), ("--by", "month"), ("--by", "day")):
        done = karin("stat", folder, *target, "--stats", "median", "--shard", "1/2", "-o", tmp_path / "a.state", code=2)
        assert "only over cycles, pixels and lines, by cycle and by pass" in done.stderr
    assert not list(tmp_path.iterdir())


def test_values_that_medians_keep_are_bounded_by_the_memory(karin, folder, tmp_path):
    wanted = ("--grid", "2", "--vars", "ssha_karin_2,num_pt_avg", "--stats", "median", "--shard")
    done = karin("stat", folder, *wanted, "1/2", "-o", tmp_path / "a.state", "--memory", "64KiB", code=None)
    assert done.returncode in (1, 2) and "--memory" in done.stderr, done.stderr
    assert not list(tmp_path.iterdir())


def test_a_shard_is_asked_for_by_its_number_and_leaves_a_file(karin, folder, tmp_path):
    for text in ("0/2", "3/2", "2", "a/b"):
        assert "1 <= I <= N" in karin("stat", folder, "--over", "all", "--shard", text, "-o", tmp_path / "a", code=2).stderr
    assert "--output" in karin("stat", folder, "--over", "all", "--shard", "1/2", code=2).stderr


def test_what_does_not_belong_together_is_refused_by_name(karin, folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    for path in sorted(folder.glob("*.nc"))[:-1]:
        shutil.copy(path, other)
    cases = itertools.count()

    def state(*arguments, shard="2/2", source=folder, target=("--over", "cycle")):
        path = tmp_path / f"{next(cases)}.state"
        karin("stat", source, *target, *arguments, "--shard", shard, "-o", path)
        return path

    def refused(*states, code=1):
        done = karin("merge", *states, "-o", tmp_path / "never.nc", code=code)
        assert not (tmp_path / "never.nc").exists()
        return done.stderr

    first = state(shard="1/2")
    assert "of 2 shards, 2 is missing" in refused(first)
    assert "--shard 2/2" in refused(first)
    many = [state(shard=f"{index}/9") for index in (1, 5, 6)]
    assert "of 9 shards, 2-4,7-9 are missing" in refused(*many)
    assert "shard 1/2 is there twice" in refused(first, state(shard="1/2"), code=2)
    assert "another selection" in refused(first, state("--passes", "13-15"))
    assert "another reduction" in refused(first, state("--stats", "max"))
    assert "another reduction" in refused(first, state(target=("--by", "pass")))
    assert "another number of shards" in refused(first, state(shard="2/3"))
    assert "another plan" in refused(first, state(source=other))
    assert "is no state of karin stat --shard" in refused(next(folder.glob("*.nc")))
    whole = first.read_bytes()
    torn = tmp_path / "torn.state"
    torn.write_bytes(whole[: len(whole) // 2])
    assert "ends in the middle" in refused(torn)
    torn.write_bytes(whole[:-200] + bytes([whole[-200] ^ 4]) + whole[-199:])
    assert "run its shard again" in refused(torn, state())
    torn.write_bytes(whole[:8] + b"\x09" + whole[9:])
    assert "a state of format 9" in refused(torn)
    assert "No such file" in refused(tmp_path / "nowhere.state")


def test_states_know_the_snapshot_and_the_granules_that_they_were_made_of(karin, tmp_path):
    def grow(cycles):
        karin("simulate", tmp_path / "in", "--product", "L2_LR_SSH_Basic", "--cycles", cycles, "--passes", "1-2", "--vars",
              "ssha_karin_2")
        karin("ingest", tmp_path / "in", tmp_path / "col")

    def run(index, *arguments, source=tmp_path / "col", code=0):
        return karin("stat", source, "--by", "month", "--shard", f"{index}/2", "-o", tmp_path / f"{index}.state", *arguments,
                     code=code)

    grow("475")
    karin("stat", tmp_path / "col", "--by", "month", "-o", tmp_path / "before.nc")
    run(1)
    with netCDF4.Dataset(tmp_path / "before.nc") as dataset:
        snapshot = dataset.snapshot
    grow("476")
    run(2)
    states = (tmp_path / "1.state", tmp_path / "2.state")
    assert "another snapshot" in karin("merge", *states, "-o", tmp_path / "x.nc", code=1).stderr
    # Shards that name the snapshot agree, whatever is ingested meanwhile.
    run(1, "--snapshot", snapshot)
    run(2, "--snapshot", snapshot)
    karin("merge", *states, "-o", tmp_path / "merged.nc")
    with netCDF4.Dataset(tmp_path / "before.nc") as before, netCDF4.Dataset(tmp_path / "merged.nc") as merged:
        np.testing.assert_array_equal(merged["ssha_karin_2"][:], before["ssha_karin_2"][:])
        assert merged.snapshot == before.snapshot
    # Sources without snapshots are compared granule by granule.
    run(1, source=tmp_path / "in")
    run(2, source=tmp_path / "in")
    next((tmp_path / "in").glob("*_476_001_*")).unlink()
    assert "no longer the granules" in karin("merge", *states, "-o", tmp_path / "x.nc", code=1).stderr


def test_granules_that_cannot_be_read_are_left_out_by_their_shard_and_named_by_the_merge(karin, folder, tmp_path):
    torn = tmp_path / "torn"
    shutil.copytree(folder, torn)
    victim = sorted(torn.glob("*_014_*.nc"))[1]
    victim.write_bytes(victim.read_bytes()[:5000])
    karin("stat", torn, "--over", "cycle", "-o", tmp_path / "whole.nc", code=3)
    codes = []
    for index in (1, 2, 3):
        state = tmp_path / f"{index}.state"
        codes.append(karin("stat", torn, "--over", "cycle", "--shard", f"{index}/3", "-o", state, code=None).returncode)
    assert sorted(codes) == [0, 0, 3]
    done = karin("merge", *tmp_path.glob("*.state"), "-o", tmp_path / "merged.nc", code=3)
    assert victim.name in done.stderr and "1 left out" in done.stdout
    assert_same(tmp_path / "merged.nc", tmp_path / "whole.nc")


@pytest.mark.parametrize("array", ["SLURM", "PBS"])
def test_the_scripts_of_the_guide_run(karin, folder, tmp_path, array):
    guide = (WORKSPACE / "docs/guides/job-arrays.md").read_text()
    script = guide.split(f"## {array}\n")[1].split("```bash\n")[1].split("```")[0]
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/karin").symlink_to(karin_binary().resolve())
    (tmp_path / "states").mkdir()
    for index in range(1, 17):
        job = {"SLURM_ARRAY_TASK_ID": index, "SLURM_ARRAY_TASK_COUNT": 16, "SLURM_CPUS_PER_TASK": 1,
               "PBS_ARRAY_INDEX": index, "PBS_O_WORKDIR": tmp_path, "SWOT": folder}
        surroundings = {name: str(value) for name, value in job.items() if name.startswith((array, "SWOT"))}
        surroundings["PATH"] = f"{tmp_path / 'bin'}:/usr/bin:/bin"
        subprocess.run(["bash", "-c", script], check=True, cwd=tmp_path, env=surroundings, capture_output=True)
    karin("merge", *(tmp_path / "states").iterdir(), "-o", tmp_path / "merged.nc")
    karin("stat", folder, "--over", "cycle", "--vars", "ssha_karin_2", "--quality", "good", "--stats", "mean,std", "-o",
          tmp_path / "whole.nc")
    assert_same(tmp_path / "merged.nc", tmp_path / "whole.nc")
