"""zarrita, the Zarr reader of browsers, reads what `karin extract` writes: every numeric array, byte for byte."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from netcdf_files import dtype_name, open_raw, variables

FOLDER = Path(__file__).with_name("zarrita")
LEAN = "ssha_karin_2,ssha_karin_2_qual"


@pytest.fixture(scope="module")
def zarrita():
    """Reads a store in Node: path -> shape, dtype and hash of the bytes."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not on this machine")
    if not (FOLDER / "node_modules").exists():
        pytest.skip(f"zarrita is not installed: run `npm ci --prefix {FOLDER}`")

    def read(store):
        done = subprocess.run([node, FOLDER / "read.mjs", store], capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return read


def by_netcdf4(path):
    """The same of a granule, as netCDF4-python reads it."""
    found = {}
    with open_raw(path) as file:
        for name, variable in variables(file):
            values = np.asarray(variable[...])
            content = values.astype(values.dtype.newbyteorder("<")).tobytes()
            found[name] = {"shape": list(values.shape), "dtype": dtype_name(values.dtype),
                           "sha256": hashlib.sha256(content).hexdigest()}
    return found


def test_zarrita_reads_the_bytes_of_the_granule(zarrita, karin, tmp_path):
    folder, store = tmp_path / "granules", tmp_path / "x.zarr"
    karin("simulate", "--product", "L2_LR_SSH_Basic", "--phase", "calval", "--cycles", "475", "--passes", "1",
          "--vars", LEAN, folder)
    granule, = folder.rglob("*.nc")
    karin("extract", folder, "-o", store)
    expected = by_netcdf4(granule)
    assert {"time", "latitude", "longitude", *LEAN.split(",")} <= expected.keys()
    assert zarrita(store) == expected
