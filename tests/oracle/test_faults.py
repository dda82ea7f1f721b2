"""Full and failing disks, folders that may only be read, readers during writes: a typed error that names the file, and
nothing that was there before is harmed."""

import json
import os
import re
import shutil
import signal
import subprocess
import time

import netCDF4
import numpy as np
import pytest

from conftest import karin_binary

LONG = "KARIN_LONG" in os.environ
LEAN = "ssha_karin_2,ssha_karin_2_qual"
WORDS = {"ENOSPC": "No space left on device", "EIO": "Input/output error", "EROFS": "Read-only file system"}


@pytest.fixture(scope="module")
def granules(karin, tmp_path_factory):
    """Four lean granules: cycles 475 and 476, passes 1 and 2."""
    folder = tmp_path_factory.mktemp("granules")
    karin("simulate", "--cycles", "475-476", "--passes", "1-2", "--vars", LEAN, folder)
    files = sorted(folder.rglob("*.nc"))
    assert len(files) == 4
    return files


@pytest.fixture(scope="module")
def collection(karin, granules, tmp_path_factory):
    collection = tmp_path_factory.mktemp("collection") / "c"
    karin("ingest", *granules, collection)
    return collection


def crop(collection, target):
    """An extract of a few hundred lines."""
    return ["extract", collection, "--bbox", "-180,0,180,5", "--vars", "ssha_karin_2", "-o", target]


# What each command writes, and where.
COMMANDS = {
    "ingest": lambda granules, collection, folder: ["ingest", *granules, folder / "target"],
    "simulate": lambda granules, collection, folder: [
        "simulate", "--cycles", "475", "--passes", "3", "--vars", LEAN, folder / "target"],
    "stat": lambda granules, collection, folder: [
        "stat", collection, "--over", "cycle", "--vars", "ssha_karin_2", "-o", folder / "target.nc"],
    "extract.nc": lambda granules, collection, folder: crop(collection, folder / "target.nc"),
    "extract.zarr": lambda granules, collection, folder: crop(collection, folder / "target.zarr"),
    "extract.csv": lambda granules, collection, folder: crop(collection, folder / "target.csv"),
    "extract.parquet": lambda granules, collection, folder: crop(collection, folder / "target.parquet"),
}


def command(name, granules, collection, folder):
    return ["--quiet", "--jobs", "1", *map(str, COMMANDS[name](granules, collection, folder))]


def golden_values(collection, granules, karin, folder):
    """Every granule is in the collection bit for bit."""
    for file in granules:
        cycle, number = file.name.split("_")[5:7]
        out = folder / f"golden_{cycle}_{number}.nc"
        karin("extract", collection, "--cycles", cycle, "--passes", number, "-o", out)
        with netCDF4.Dataset(out) as found, netCDF4.Dataset(file) as wanted:
            for variable in ("ssha_karin_2", "ssha_karin_2_qual", "latitude"):
                for part in (found, wanted):
                    part[variable].set_auto_maskandscale(False)
                np.testing.assert_array_equal(found[variable][:], wanted[variable][:])
        out.unlink()


def assert_unharmed(name, karin, folder):
    """A collection is sound or not there; a file is whole or not there, and nothing unfinished lies about."""
    if name == "ingest":
        if (folder / "target" / "repo").exists():
            assert json.loads(karin("--json", "verify", folder / "target").stdout)["clean"]
    elif name == "simulate":
        for file in (folder / "target").rglob("*"):
            assert file.is_dir() or file.suffix == ".nc", file
            if file.is_file():
                with netCDF4.Dataset(file) as whole:
                    whole["ssha_karin_2"][:]
    else:
        # Where the last step fails, making the name durable, the whole file is there.
        for path in folder.iterdir():
            assert path.name.startswith("target."), f"{path} is unfinished"
            assert_whole(path)


def assert_whole(path):
    if path.suffix == ".nc":
        with netCDF4.Dataset(path) as file:
            for variable in file.variables.values():
                variable[:]
    elif path.suffix == ".zarr":
        zarr = pytest.importorskip("zarr")
        for _, array in zarr.open_group(path, mode="r").arrays():
            array[...]
    elif path.suffix == ".parquet":
        assert pytest.importorskip("pyarrow.parquet").read_table(path).num_rows > 0
    elif path.suffix == ".json":
        json.loads(path.read_text())
    else:
        assert path.read_text().endswith("\n")


def remove(folder):
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def assert_completes(name, karin, granules, collection, folder):
    """Once the fault is over, the same command does the rest."""
    karin(*command(name, granules, collection, folder))
    if name == "ingest":
        assert_unharmed(name, karin, folder)
        golden_values(folder / "target", granules, karin, folder)
    remove(folder)


class Strace:
    """Runs karin with a fault injected into the n-th call of each of its threads."""

    def __init__(self, log):
        self.log = log

    def run(self, arguments, call, inject=None, folder=None):
        """The finished process. One that hangs is killed: after a while, or at once where the fault met something else than a
        file of `folder`, as a thread that was never woken."""
        traced = ["strace", "-f", "-y", "-qq", "-o", str(self.log), "-e", f"trace={call}"]
        if inject:
            traced += ["-e", f"inject={call}:{inject}"]
        # A session of its own, so that karin is killed with strace.
        process = subprocess.Popen([*traced, str(karin_binary()), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, start_new_session=True)
        hangs_at = time.monotonic() + 40
        while True:
            try:
                output, errors = process.communicate(timeout=0.5)
                return subprocess.CompletedProcess(process.args, process.returncode, output, errors)
            except subprocess.TimeoutExpired:
                is_astray = folder is not None and bool(self.hits()) and not on_disk(self.hits(), folder)
                if is_astray or time.monotonic() > hangs_at:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.communicate()
                    raise

    def numbers(self, folder):
        """The numbers n for which the n-th call of every thread that makes so many is about a file of `folder`: threads
        wake each other by writing, too, and to fail that is no fault of a disk."""
        made = {}
        for line in self.log.read_text(errors="replace").splitlines():
            # A call that another thread interrupts has a second line, "resumed".
            if "resumed>" not in line and "+++" not in line and "---" not in line:
                made.setdefault(line.split()[0], []).append(str(folder) in line)
        longest = max(map(len, made.values()), default=0)
        nth = [[calls[number] for calls in made.values() if len(calls) > number] for number in range(longest)]
        return [number + 1 for number, hits in enumerate(nth) if all(hits)]

    def hits(self):
        """The files that met a fault; something else, as a pipe between threads, counts as an empty name."""
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if "(INJECTED)" in line]
        named = [re.search(r'[<"](/[^>"]*)[>"]', line) for line in lines]
        return [match[1] if match else "" for match in named]


@pytest.fixture(scope="module")
def strace(tmp_path_factory):
    probe = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=unlink:error=EIO:when=1", "true"]
    if shutil.which("strace") is None or subprocess.run(probe, capture_output=True).returncode != 0:
        pytest.skip("strace cannot trace here")
    return Strace(tmp_path_factory.mktemp("strace") / "log")


# Where no such call can be hit, the test has lost its object. The few writes of a small CSV file come among as many by which
# threads wake each other: a full disk (below) is what they are tested with.
ALWAYS_MADE = [("ingest", "write"), ("ingest", "fsync"), ("ingest", "rename"), ("simulate", "pwrite64"),
               ("extract.nc", "pwrite64"), ("extract.nc", "fsync"), ("extract.zarr", "write"), ("extract.parquet", "write"),
               ("stat", "pwrite64")]


def failing_calls(strace, karin, arguments, folder, fault, numbers):
    """Lets some of these calls fail, one in each run; how many met a file of the folder, and ended as they should."""
    name, call, errno = fault
    if not LONG:
        numbers = sorted({numbers[len(numbers) * part // 4] for part in range(4)} | {numbers[-1]}) if numbers else []
    judged = 0
    for when in numbers[:100]:
        try:
            done = strace.run(arguments, call, f"error={errno}:when={when}", folder)
        except subprocess.TimeoutExpired:
            assert not on_disk(strace.hits(), folder), f"{call} {errno} number {when}: hangs"
            done = None
        if done is not None and on_disk(strace.hits(), folder):
            context = f"{call} {errno} number {when} of {strace.hits()}: exit {done.returncode}\n{done.stderr}"
            assert done.returncode == 1, context
            assert WORDS[errno] in done.stderr and str(folder) in done.stderr, context
            assert "panicked" not in done.stderr, context
            judged += 1
            assert_unharmed(name, karin, folder)
        if name != "ingest":
            remove(folder)
    return judged


@pytest.mark.parametrize("call, errno", [("write", "ENOSPC"), ("write", "EIO"), ("pwrite64", "ENOSPC"), ("fsync", "EIO"),
                                         ("rename", "EIO")])
@pytest.mark.parametrize("name", COMMANDS)
def test_failing_calls(strace, karin, granules, collection, tmp_path, tried, name, call, errno):
    folder = tmp_path / "out"
    folder.mkdir()
    arguments = command(name, granules, collection, folder)
    judged = 0
    # Threads wake each other by the same calls, at other numbers in every run: what was missed is tried again.
    for _ in range(3 if (name, call) in ALWAYS_MADE else 1):
        assert strace.run(arguments, call).returncode == 0
        numbers = strace.numbers(folder)
        remove(folder)
        if not numbers and (name, call) not in ALWAYS_MADE:
            return
        judged += failing_calls(strace, karin, arguments, folder, (name, call, errno), numbers)
        if judged:
            break
    tried(f"{judged} faults, each a typed error and nothing harmed")
    assert judged > 0 or (name, call) not in ALWAYS_MADE
    assert_completes(name, karin, granules, collection, folder)


def on_disk(hits, folder):
    return bool(hits) and all(hit.startswith(str(folder)) for hit in hits)


class Disk:
    """A file system of its own in memory."""

    def __init__(self, folder, size):
        self.folder = folder
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "karin-test", str(folder)],
                                 capture_output=True)
        if mounted.returncode != 0:
            pytest.skip("no file system can be mounted here")

    def remount(self, options):
        subprocess.run(["mount", "-o", f"remount,{options}", str(self.folder)], check=True)

    def unmount(self):
        subprocess.run(["umount", "-l", str(self.folder)], check=True)


@pytest.fixture
def disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    disk = Disk(folder, "64m")
    yield disk
    disk.unmount()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_full_disk(karin, granules, collection, disk, name):
    karin(*command(name, granules, collection, disk.folder))
    needed = shutil.disk_usage(disk.folder).used
    remove(disk.folder)
    failed = 0
    for share in (0.02, 0.2, 0.4, 0.6, 0.8, 0.95) if LONG else (0.02, 0.4, 0.8):
        disk.remount(f"size={max(int(needed * share) // 4096 * 4096, 8192)}")
        done = karin(*command(name, granules, collection, disk.folder), code=None)
        if done.returncode != 0:
            failed += 1
            assert done.returncode == 1, done.stderr
            assert WORDS["ENOSPC"] in done.stderr and str(disk.folder) in done.stderr, done.stderr
        disk.remount("size=64m")
        if done.returncode != 0:
            assert_unharmed(name, karin, disk.folder)
        remove(disk.folder)
    assert failed >= 2, "the disk was not full"
    # Full once more, then given room: the rerun does the rest on top of what the failed run left.
    disk.remount(f"size={int(needed * 0.7) // 4096 * 4096}")
    karin(*command(name, granules, collection, disk.folder), code=1)
    disk.remount("size=64m")
    assert_completes(name, karin, granules, collection, disk.folder)


def test_a_folder_that_may_only_be_read(karin, granules, collection, disk):
    there = disk.folder / "c"
    karin("ingest", *granules[:2], there)
    before = json.loads(karin("--json", "ls", there).stdout)
    disk.remount("ro")
    try:
        assert json.loads(karin("--json", "ls", there).stdout) == before
        assert json.loads(karin("--json", "verify", there).stdout)["clean"]
        karin("stat", there, "--over", "all", "--vars", "ssha_karin_2")
        for name in COMMANDS:
            refused = karin(*command(name, granules, collection, disk.folder), code=1)
            assert str(disk.folder) in refused.stderr, refused.stderr
            assert re.search("[Rr]ead-only", refused.stderr), refused.stderr
        for arguments in (["ingest", *granules, there], ["gc", there]):
            refused = karin(*arguments, code=1)
            assert str(there) in refused.stderr and re.search("[Rr]ead-only", refused.stderr), refused.stderr
    finally:
        disk.remount("rw")
    karin("ingest", *granules, there)
    golden_values(there, granules, karin, disk.folder)


def counted(karin, *source):
    """How many values there are: a number that tells which granules a reader saw."""
    ask = ["--over", "all", "--vars", "ssha_karin_2", "--stats", "count,sum"]
    return json.loads(karin("--json", "stat", *source, *ask).stdout)["rows"]


def test_readers_during_writes_see_one_snapshot(karin, granules, tmp_path, tried):
    # What a reader may see: the first granule, the first two, and so on.
    allowed = [counted(karin, *granules[: number + 1]) for number in range(len(granules))]
    assert all(allowed.count(one) == 1 for one in allowed)
    target = tmp_path / "c"
    karin("ingest", granules[0], target)
    first = json.loads(karin("--json", "history", target).stdout)["snapshots"][0]["id"]
    script = f'for file in "$@"; do "{karin_binary()}" --quiet ingest "$file" "{target}" || exit 1; done'
    writer = subprocess.Popen(["sh", "-c", script, "writer", *map(str, granules[1:])])
    seen, looks = 0, 0
    try:
        while seen < len(granules) - 1:
            ended = writer.poll()
            assert ended in (None, 0)
            now = counted(karin, target)
            assert now in allowed, "a reader saw a part of a commit"
            assert allowed.index(now) >= seen, "a reader saw the past"
            seen, looks = allowed.index(now), looks + 1
            assert counted(karin, target, "--snapshot", first) == allowed[0], "a snapshot has changed"
            assert ended is None or seen == len(granules) - 1, "the writer is done, and a reader does not see it"
    finally:
        writer.wait()
    tried(f"{looks} looks during the writes")
