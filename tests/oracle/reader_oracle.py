"""Compares what karin reads from a netCDF file with what netCDF4-python and xarray read."""

import json
import subprocess
import warnings
from pathlib import Path

import netCDF4
import numpy as np
import xarray as xr

class Dump:
    """One file as karin reads it."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.report = json.loads((folder / "structure.json").read_text())
        self.error = self.report.get("error")

    def raw(self, path: str, dtype: str):
        entry = self.report["arrays"][path]
        assert "error" not in entry, f"{path}: {entry['error']}"
        file = self.folder / entry["file"]
        if entry["text"]:
            return np.array(json.loads(file.read_text()), dtype=object).reshape(entry["shape"])
        return np.fromfile(file, dtype={"char": "S1"}.get(dtype, dtype)).reshape(entry["shape"])

    def decoded(self, path: str):
        entry = self.report["arrays"][path]
        file = self.folder / entry["file"].replace(".raw", ".f64")
        return np.fromfile(file, "f8").reshape(entry["shape"]) if file.exists() else None


def dump_all(binary: Path, files: list[Path], folder: Path, timeout: float = 300) -> list[Dump]:
    """Dumps many files with one process."""
    folders = [folder / f"{number:04}" for number in range(len(files))]
    pairs = "".join(f"{file}\t{out}\n" for file, out in zip(files, folders, strict=True))
    subprocess.run([binary, "--list"], input=pairs, text=True, check=True, timeout=timeout)
    return [Dump(out) for out in folders]


def assert_same(file: Path, dump: Dump, skipped: set[str] = frozenset()):
    """Structure, attributes and every raw value are those of netCDF4-python; decoded values those of xarray."""
    assert dump.error is None, dump.error
    left_out = {path for path, _ in dump.report["skipped"]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with netCDF4.Dataset(file) as dataset:
            dataset.set_auto_maskandscale(False)
            same_group(dataset, dump.report["root"], "", dump, left_out)
        same_decoded(file, dump.report["root"], "", dump)
    assert left_out == set(skipped)


def same_group(group, meta, prefix, dump, left_out):
    dims = {dim["name"]: (dim["size"], dim["unlimited"]) for dim in meta["dimensions"]}
    want = {name: (len(dim), dim.isunlimited()) for name, dim in group.dimensions.items()}
    assert list(dims.items()) == list(want.items()), f"dimensions of {prefix!r}"
    same_attributes(group, meta["attributes"], prefix)
    names = [variable["name"] for variable in meta["variables"]]
    assert names == [name for name in group.variables if prefix + name not in left_out]
    for variable in meta["variables"]:
        same_variable(group.variables[variable["name"]], variable, prefix, dump)
    assert [inner["name"] for inner in meta["groups"]] == list(group.groups)
    for inner in meta["groups"]:
        same_group(group.groups[inner["name"]], inner, f"{prefix}{inner['name']}/", dump, left_out)


def same_variable(variable, meta, prefix, dump):
    path = prefix + meta["name"]
    assert tuple(meta["dimensions"]) == variable.dimensions, path
    same_attributes(variable, meta["attributes"], path)
    want = np.asarray(variable[...])
    got = dump.raw(path, meta["dtype"])
    assert got.shape == want.shape, path
    if meta["dtype"] == "string":
        assert got.tolist() == want.tolist(), path
        return
    native = want.astype(want.dtype.newbyteorder("="))
    assert got.dtype == native.dtype, path
    assert got.tobytes() == native.tobytes(), f"values of {path}"
    same_storage(variable, meta, path)


def same_storage(variable, meta, path):
    storage = meta["storage"]
    filters = variable.filters()
    if filters is not None:
        assert storage["shuffle"] == filters["shuffle"], path
        assert storage["fletcher32"] == filters["fletcher32"], path
        assert storage["deflate"] == (filters["complevel"] if filters["zlib"] else None), path
        chunking = variable.chunking()
        assert storage["chunks"] == (None if chunking == "contiguous" else chunking), path
        if variable.dtype.itemsize > 1:
            assert storage["big_endian"] == (variable.endian() == "big"), path


def same_attributes(owner, attributes, path):
    assert [name for name, _ in attributes] == list(owner.ncattrs()), f"attributes of {path!r}"
    for name, value in attributes:
        want = owner.getncattr(name)
        texts, dtype = value["value"], value["type"]
        if dtype == "char":
            want = want.decode() if isinstance(want, bytes) else want
            assert texts[0].replace("\0", "") == want.replace("\0", ""), f"{path}@{name}"
        elif dtype == "string":
            assert texts == ([want] if isinstance(want, str) else list(want)), f"{path}@{name}"
        else:
            want = np.atleast_1d(np.asarray(want))
            assert dtype == want.dtype.name, f"{path}@{name}"
            got = np.array([float(t) if dtype.startswith("f") else int(t) for t in texts], dtype)
            assert got.tobytes() == want.astype(want.dtype.newbyteorder("=")).tobytes(), f"{path}@{name}"


def same_decoded(file, meta, prefix, dump):
    options = dict(decode_times=False, decode_coords=False, mask_and_scale=True, engine="netcdf4")
    with xr.open_dataset(file, group=prefix.strip("/") or None, **options) as dataset:
        for variable in meta["variables"]:
            path = prefix + variable["name"]
            got = dump.decoded(path) if variable["dtype"] not in ("char", "string") else None
            if got is None or variable["name"] not in dataset:
                continue
            want = dataset[variable["name"]].values
            if want.dtype.kind not in "fiu":
                continue
            tolerance = 1e-6 if want.dtype == np.float32 else 1e-12
            # Without a _FillValue, xarray keeps the default fill of the type as a number; karin knows it as missing.
            missing = np.isnan(got)
            raw = dump.raw(path, variable["dtype"])
            default = netCDF4.default_fillvals.get(raw.dtype.str[1:])
            kept = missing & ~np.isnan(want.astype("f8")) & (raw == raw.dtype.type(default))
            missing &= ~kept
            assert (np.isnan(want.astype("f8")) == missing).all(), f"missing values of {path}"
            valid = ~np.isnan(got)
            np.testing.assert_allclose(got[valid], want[valid].astype("f8"), rtol=tolerance, atol=0, err_msg=path)
    for inner in meta["groups"]:
        same_decoded(file, inner, f"{prefix}{inner['name']}/", dump)
