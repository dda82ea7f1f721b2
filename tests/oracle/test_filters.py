"""Chunk filters: those that karin undoes read as libhdf5 reads them; the others are refused by name, file and variable."""

import json

import h5py
import netCDF4
import numpy as np
import pytest

VALUES = np.arange(200 * 69, dtype="i4").reshape(200, 69) % 977


def by_h5py(path, **options):
    """A file of one variable with dimension scales, as h5py writes it."""
    with h5py.File(path, "w") as file:
        for name, size in [("num_lines", 200), ("num_pixels", 69)]:
            file.create_dataset(name, data=np.arange(size, dtype="i4")).make_scale(name)
        variable = file.create_dataset("ssha_karin_2", data=VALUES, chunks=(50, 69), **options)
        for axis, name in enumerate(["num_lines", "num_pixels"]):
            variable.dims[axis].attach_scale(file[name])


def by_netcdf(path, compression, **options):
    """A file of one variable, as netCDF4-python writes it."""
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("num_lines", 200)
        file.createDimension("num_pixels", 69)
        dimensions = ("num_lines", "num_pixels")
        variable = file.createVariable("ssha_karin_2", "i4", dimensions, compression=compression,
                                       chunksizes=(50, 69), **options)
        variable[:] = VALUES


READ = {
    "szip": lambda path: by_h5py(path, compression="szip", compression_opts=("nn", 16)),
    "szip of netCDF": lambda path: by_netcdf(path, "szip", szip_pixels_per_block=16),
    "scale-offset": lambda path: by_h5py(path, scaleoffset=0),
}

REFUSED = {
    "lzf": lambda path: by_h5py(path, compression="lzf"),
    "zstd": lambda path: by_netcdf(path, "zstd"),
    "bzip2": lambda path: by_netcdf(path, "bzip2"),
    "blosc": lambda path: by_netcdf(path, "blosc_lz4"),
}


def written(write, path):
    """Skips where the reference library was built without the filter."""
    try:
        write(path)
    except (ValueError, RuntimeError, OSError) as error:
        pytest.skip(f"the reference library does not write it: {error}")
    return path


@pytest.mark.parametrize("name", READ)
def test_filters_that_are_undone(karin, tmp_path, name):
    file = written(READ[name], tmp_path / "granule.nc")
    karin("extract", file, "--vars", "ssha_karin_2", "-o", tmp_path / "out.nc")
    with netCDF4.Dataset(tmp_path / "out.nc") as out:
        out.set_auto_maskandscale(False)
        np.testing.assert_array_equal(out["ssha_karin_2"][:], VALUES)


@pytest.mark.parametrize("name", REFUSED)
def test_filters_that_are_not_undone_are_named(karin, tmp_path, name):
    file = written(REFUSED[name], tmp_path / "granule.nc")
    # The structure is read all the same.
    assert "ssha_karin_2" in karin("info", file).stdout
    for arguments in (["extract", file, "-o", tmp_path / "out.nc"], ["stat", file, "--over", "all", "--stats", "mean"]):
        refused = karin(*arguments, code=1)
        for word in (name, "granule.nc", "ssha_karin_2", "unsupported"):
            assert word in refused.stderr, (word, refused.stderr)
    assert not (tmp_path / "out.nc").exists()


def test_ingest_names_the_filter_and_takes_the_others(karin, tmp_path):
    folder = tmp_path / "granules"
    karin("simulate", "--cycles", "475", "--passes", "1-2", "--vars", "ssha_karin_2,ssha_karin_2_qual", folder)
    good, bad = sorted(folder.rglob("*.nc"))
    with h5py.File(bad, "r+") as file:
        old = file["ssha_karin_2"]
        values, fill = old[:], old.attrs["_FillValue"]
        scales = [old.dims[axis][0] for axis in range(2)]
        del file["ssha_karin_2"]
        new = file.create_dataset("ssha_karin_2", data=values, chunks=values.shape, compression="lzf")
        new.attrs["_FillValue"] = fill
        for axis, scale in enumerate(scales):
            new.dims[axis].attach_scale(scale)
    report = json.loads(karin("--json", "ingest", good, bad, tmp_path / "c", code=3).stdout)
    outcomes = {row["file"].rsplit("/", 1)[-1]: row for row in report["granules"]}
    assert outcomes[good.name]["outcome"] == "added"
    refused = outcomes[bad.name]
    assert refused["outcome"] == "refused" and refused["kind"] == "unsupported", refused
    assert "lzf" in refused["reason"] and "ssha_karin_2" in refused["reason"], refused
