"""What netCDF-C and libhdf5 see in a file, as plain values that can be compared and handed to the `compose` example."""

import json

import h5py
import netCDF4
import numpy as np

NAMES = {
    "i1": "int8", "u1": "uint8", "i2": "int16", "u2": "uint16", "i4": "int32", "u4": "uint32",
    "i8": "int64", "u8": "uint64", "f4": "float32", "f8": "float64", "S1": "char",
}
HIDDEN = {"CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST", "_Netcdf4Dimid", "_Netcdf4Coordinates", "_NCProperties"}


def dtype_name(dtype):
    if dtype is str:
        return "string"
    dtype = np.dtype(dtype)
    return NAMES[dtype.kind + str(dtype.itemsize)]


def open_raw(path):
    file = netCDF4.Dataset(path)
    file.set_auto_mask(False)
    file.set_auto_scale(False)
    file.set_auto_chartostring(False)
    return file


def hdf5_object(hdf5, group, name):
    if hdf5 is None:
        return None
    folder = hdf5[group.path]
    if name is None:
        return folder
    return folder.get(f"_nc4_non_coord_{name}", folder.get(name))


def attribute(owner, name, hdf5):
    value = owner.getncattr(name)
    if isinstance(value, bytes):
        value = value.decode()
    values = [value] if isinstance(value, str) else value
    if isinstance(value, (str, list)):
        kind = "char"
        if hdf5 is not None and h5py.check_string_dtype(hdf5.attrs.get_id(name).dtype).length is None:
            kind = "string"
        return {"type": kind, "value": [str(text) for text in values]}
    values = np.atleast_1d(np.asarray(value))
    text = [format(v, "d") if values.dtype.kind in "iu" else repr(v.item()) for v in values]
    return {"type": dtype_name(values.dtype), "value": [t if t != "nan" else "NaN" for t in text]}


def storage(variable, hdf5):
    chunks = variable.chunking() if variable.ndim else "contiguous"
    filters = variable.filters() or {}
    fill = "Fill"
    if hdf5 is not None:
        plist = hdf5.id.get_create_plist()
        never = plist.get_fill_time() == h5py.h5d.FILL_TIME_NEVER
        # netCDF-C calls it unfilled, too, if there is only the default of HDF5 (files of h5netcdf).
        if never or plist.fill_value_defined() != h5py.h5d.FILL_VALUE_USER_DEFINED:
            fill = "NoFill"
    return {
        "chunks": None if chunks in ("contiguous", None) else [int(n) for n in chunks],
        "shuffle": bool(filters.get("shuffle")),
        "deflate": int(filters["complevel"]) if filters.get("zlib") else None,
        "fletcher32": bool(filters.get("fletcher32")),
        "big_endian": variable.dtype is not str and variable.endian() == "big" and variable.dtype.itemsize > 1,
        "fill": fill,
    }


def structure(group, hdf5=None):
    """The `GroupMeta` of karin, as JSON."""
    variables = []
    for name, variable in group.variables.items():
        own = hdf5_object(hdf5, group, name)
        variables.append({
            "name": name,
            "dtype": dtype_name(variable.dtype),
            "dimensions": list(variable.dimensions),
            "attributes": [[key, attribute(variable, key, own)] for key in variable.ncattrs()],
            "storage": storage(variable, own),
        })
    own = hdf5_object(hdf5, group, None)
    return {
        "name": "" if group.path == "/" else group.name,
        "dimensions": [
            {"name": name, "size": len(dim), "unlimited": dim.isunlimited()} for name, dim in group.dimensions.items()
        ],
        "variables": variables,
        "attributes": [[key, attribute(group, key, own)] for key in group.ncattrs()],
        "groups": [structure(inner, hdf5) for inner in group.groups.values()],
    }


def variables(group, prefix=""):
    for name, variable in group.variables.items():
        yield prefix + name, variable
    for name, inner in group.groups.items():
        yield from variables(inner, f"{prefix}{name}/")


def describe(path):
    """Structure, and for every variable its bytes (little-endian) or strings."""
    file = open_raw(path)
    classic = file.data_model.startswith("NETCDF3")
    hdf5 = None if classic else h5py.File(path)
    values = {}
    for name, variable in variables(file):
        array = np.asarray(variable[...])
        if variable.dtype is str:
            values[name] = [str(text) for text in array.ravel()]
        else:
            values[name] = array.astype(array.dtype.newbyteorder("<")).tobytes()
    result = structure(file, hdf5), values
    file.close()
    if hdf5 is not None:
        hdf5.close()
    return result


def write_description(path, folder):
    folder.mkdir(parents=True, exist_ok=True)
    tree, values = describe(path)
    (folder / "structure.json").write_text(json.dumps(tree))
    for number, value in enumerate(values.values()):
        if isinstance(value, bytes):
            (folder / f"{number}.bin").write_bytes(value)
        else:
            (folder / f"{number}.json").write_text(json.dumps(value))
    return folder
