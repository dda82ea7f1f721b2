"""Running commands in turn and comparing them by medians and ratios."""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORKSPACE = HERE.parent
KARIN = Path(os.environ.get("KARIN_BIN", WORKSPACE / "target/release/karin"))
EXAMPLES = WORKSPACE / "target/release/examples"


def karin(*arguments):
    """A function that runs karin once and returns the seconds of the whole process."""

    def run():
        start = time.perf_counter()
        done = subprocess.run([str(KARIN), *map(str, arguments)], capture_output=True, text=True)
        seconds = time.perf_counter() - start
        if done.returncode != 0:
            raise RuntimeError(f"karin {' '.join(map(str, arguments))}: exit {done.returncode}\n{done.stderr}")
        return seconds

    return run


def floor(program, *arguments, column=0):
    """A function that runs one of the floor programs and returns the seconds it prints in that column."""

    def run():
        command = [str(EXAMPLES / program), *map(str, arguments)]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[column])

    return run


def peer(function, script="peers.py", python=sys.executable, **arguments):
    """A function that runs one peer in a process of its own and returns the seconds it measured."""

    def run():
        command = [python, str(HERE / script), function, json.dumps(arguments, default=str)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{function}: {done.stderr[-2000:]}")
        return float(done.stdout.strip().splitlines()[-1])

    return run


def side_by_side(runs, rounds=5):
    """Runs all in turn, `rounds` times after one round that warms the page cache; gives the median seconds of each."""
    seconds = {name: [] for name in runs}
    for turn in range(rounds + 1):
        for name, run in runs.items():
            try:
                value = run()
            except RuntimeError as error:  # a peer that dies now and then counts where it lives
                print(f"{name}: {error}", file=sys.stderr)
                continue
            if turn:
                seconds[name].append(value)
    return {name: statistics.median(values) for name, values in seconds.items() if values}


def drop_caches():
    """Empties the page cache, where we may; false where we may not."""
    os.sync()
    try:
        Path("/proc/sys/vm/drop_caches").write_text("3")
        return True
    except OSError:
        return False


def peak_memory(*arguments):
    """Seconds and peak resident bytes of one run of karin."""
    start = time.perf_counter()
    process = subprocess.Popen([str(KARIN), *map(str, arguments)], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"karin {' '.join(map(str, arguments))}: exit {process.returncode}")
    return time.perf_counter() - start, usage.ru_maxrss * 1024


def folder_size(path):
    return sum(file.stat().st_size for file in Path(path).rglob("*") if file.is_file())


