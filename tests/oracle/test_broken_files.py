"""Broken granules: where both karin and libhdf5 read a variable, they read the same; karin neither crashes nor hangs."""

import os
import random
import selectors
import subprocess
import sys
from pathlib import Path

import netCDF4
import numpy as np
import pytest

import netcdf_matrix
from conftest import built_example
from reader_oracle import dump_all

MUTANTS = 1000 if os.environ.get("KARIN_LONG") else 200
WORKER = Path(__file__).with_name("netcdf4_worker.py")
# Seconds that libhdf5 gets for one file.
PATIENCE = 10


def granule(folder):
    """A small granule, as netCDF4-python writes it."""
    file = folder / "granule.nc"
    with netCDF4.Dataset(file, "w") as out:
        out.createDimension("num_lines", 60)
        out.createDimension("num_pixels", 69)
        out.title = "broken on purpose"
        for number, dtype in enumerate(["i4", "i2", "u4", "f8", "u1"] * 3):
            variable = out.createVariable(f"v{number}", dtype, ("num_lines", "num_pixels"), zlib=True, shuffle=True,
                                          fill_value=netCDF4.default_fillvals[dtype],
                                          chunksizes=(60, 69) if number < 10 else (17, 23))
            variable[:] = netcdf_matrix.field((60, 69), dtype, number)
            variable.units = "1e-6"
            variable.scale_factor = 1e-4
    return file


def mutant(sound: bytes, generator: random.Random) -> bytes:
    kind = generator.randrange(10)
    broken = bytearray(sound)
    if kind == 0:
        return sound[: generator.randrange(len(sound))]
    if kind == 1:
        start, other = generator.randrange(len(sound)), generator.randrange(len(sound))
        broken[start : start + 400] = sound[other : other + 400]
        return bytes(broken[: len(sound)])
    if kind == 2:
        start = generator.randrange(len(sound))
        broken[start : start + 64] = bytes(len(broken[start : start + 64]))
        return bytes(broken)
    for _ in range(generator.randrange(1, 6)):
        broken[generator.randrange(len(sound))] ^= 1 << generator.randrange(8)
    return bytes(broken)


def read_by_libhdf5(files):
    """What netCDF4-python reads of each; nothing where it crashes or hangs."""
    waiting = list(files)
    while waiting:
        with subprocess.Popen([sys.executable, WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True) as worker:
            selector = selectors.DefaultSelector()
            selector.register(worker.stdout, selectors.EVENT_READ)
            while waiting:
                try:
                    worker.stdin.write(f"{waiting[0]}\n")
                    worker.stdin.flush()
                    answered = selector.select(PATIENCE) and worker.stdout.readline()
                except BrokenPipeError:
                    answered = False
                waiting.pop(0)
                if not answered:
                    worker.kill()
                    break


@pytest.mark.parametrize("base", ["granule", "h5py_latest", "h5py_earliest", "netcdf3"])
def test_values_are_those_of_libhdf5_or_refused(base, tmp_path, tried):
    sound = granule(tmp_path) if base == "granule" else netcdf_matrix.CASES[base](tmp_path)[0]
    content = sound.read_bytes()
    files = []
    for number in range(MUTANTS // 4):
        file = tmp_path / f"mutant_{number:04}.nc"
        file.write_bytes(mutant(content, random.Random(number)))
        files.append(file)
    dumps = dump_all(built_example("dump"), files, tmp_path / "dumps")
    read_by_libhdf5(files)
    compared, refused = 0, 0
    for file, dump in zip(files, dumps, strict=True):
        refused += dump.error is not None
        result = file.with_name(file.name + ".npz")
        if dump.error is not None or not result.exists():
            continue
        types = dict(types_of(dump.report["root"], ""))
        with np.load(result) as arrays:
            for name, want in arrays.items():
                path = name.replace("|", "/")
                entry = dump.report["arrays"].get(path, {"error": "no such variable"})
                if "error" in entry or entry["text"]:
                    continue
                got = dump.raw(path, types[path])
                assert got.shape == want.shape, f"{file.name} {path}"
                assert got.tobytes() == want.tobytes(), f"{file.name} {path}"
                compared += 1
    tried(f"{len(files)} mutants: {refused} refused, {compared} arrays equal to libhdf5's")
    assert compared > MUTANTS / 4 and refused > 0, f"{compared} arrays compared, {refused} files refused"


def types_of(group, prefix):
    for variable in group["variables"]:
        yield prefix + variable["name"], variable["dtype"]
    for inner in group["groups"]:
        yield from types_of(inner, f"{prefix}{inner['name']}/")
