"""Granules whose headers lie among their values, and how much of a file is values."""

import h5py
import netCDF4


def variable_by_variable(whole, path, complevel, most=None, flushed=False):
    """The same granule (its first variables) as the netCDF library writes it when each variable is made and written after the other; when
    flushed, in chunks of a thousand lines, and put on disk after each."""
    with netCDF4.Dataset(whole) as old, netCDF4.Dataset(path, "w") as new:
        old.set_auto_maskandscale(False)
        new.setncatts({name: old.getncattr(name) for name in old.ncattrs()})
        for name, dimension in old.dimensions.items():
            new.createDimension(name, len(dimension))
        for name, variable in list(old.variables.items())[:most]:
            attributes = {key: variable.getncattr(key) for key in variable.ncattrs()}
            chunks = [min(1000, length) if axis == 0 else length for axis, length in enumerate(variable.shape)] if flushed else None
            copy = new.createVariable(name, variable.dtype, variable.dimensions, zlib=True, complevel=complevel, chunksizes=chunks,
                                      fill_value=attributes.pop("_FillValue", None))
            copy.set_auto_maskandscale(False)
            copy.setncatts(attributes)
            copy[:] = variable[:]
            if flushed:
                new.sync()
    return path


def stored(path, names):
    """Bytes that the chunks of variables take in a file."""
    with h5py.File(path) as file:
        chunks = [file[name].id.get_chunk_info(i).size for name in names for i in range(file[name].id.get_num_chunks())]
    return sum(chunks)
