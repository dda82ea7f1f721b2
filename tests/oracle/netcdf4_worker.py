"""Reads the files named on standard input with netCDF4-python and writes what it finds beside each, as `<file>.npz`.

A process of its own, because libhdf5 may crash or hang on broken files."""

import sys
import warnings

import netCDF4
import numpy as np


def arrays_of(group, prefix, found):
    for name, variable in group.variables.items():
        try:
            values = np.asarray(variable[...])
        except Exception:  # noqa: BLE001: whatever the library says about a broken variable
            continue
        if values.dtype != object:
            found[prefix + name] = values.astype(values.dtype.newbyteorder("="), order="C")
    for name, inner in group.groups.items():
        arrays_of(inner, f"{prefix}{name}/", found)


def main():
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        file = line.strip()
        found = {}
        try:
            with netCDF4.Dataset(file) as dataset:
                dataset.set_auto_maskandscale(False)
                arrays_of(dataset, "", found)
        except Exception:  # noqa: BLE001
            pass
        np.savez(file + ".npz", **{name.replace("/", "|"): values for name, values in found.items()})
        print(file, flush=True)


if __name__ == "__main__":
    main()
