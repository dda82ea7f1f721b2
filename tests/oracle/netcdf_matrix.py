"""Files of every kind that the reader must read, written by netCDF4-python, h5netcdf and h5py.

Each maker takes a folder and gives the file and the paths of what karin has no type for."""

import h5netcdf
import h5py
import netCDF4
import numpy as np

NUMBERS = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"]


def field(shape, dtype, seed=0):
    """Smooth numbers with some noise, as a sea level has."""
    generator = np.random.default_rng(seed)
    ramp = np.add.outer(*(np.arange(n) for n in shape)) if len(shape) == 2 else np.arange(np.prod(shape)).reshape(shape)
    values = ramp * 3 + generator.integers(0, 50, shape)
    return (values % 120).astype(dtype) if np.dtype(dtype).kind in "iu" else (values / 7).astype(dtype)


def numbers(folder, name, form="NETCDF4", types=NUMBERS, **options):
    file = folder / f"{name}.nc"
    with netCDF4.Dataset(file, "w", format=form) as out:
        out.createDimension("y", 101)
        out.createDimension("x", 37)
        for dtype in types:
            variable = out.createVariable(f"v_{dtype}", dtype, ("y", "x"), **options)
            variable[:] = field((101, 37), dtype)
            variable.setncattr("valid", np.array([1, 2, 3], dtype))
    return file, set()


def layouts(folder):
    file = folder / "layouts.nc"
    with netCDF4.Dataset(file, "w") as out:
        out.createDimension("y", 100)
        out.createDimension("x", 70)
        for number, options in enumerate([
            dict(contiguous=True),
            dict(chunksizes=(33, 70)), dict(chunksizes=(7, 11)), dict(chunksizes=(100, 70)), dict(chunksizes=(1, 1)),
            dict(zlib=True, complevel=1, shuffle=False, chunksizes=(33, 32)),
            dict(zlib=True, complevel=9, shuffle=True, chunksizes=(33, 32)),
            dict(zlib=True, complevel=4, shuffle=False, chunksizes=(10, 70)),
            dict(zlib=True, shuffle=True, fletcher32=True, chunksizes=(50, 70)),
            dict(fletcher32=True, chunksizes=(50, 69)),
            dict(shuffle=True, chunksizes=(20, 70), zlib=True, endian="big"),
            dict(endian="big"),
        ]):
            for dtype in ("i2", "f8", "u1"):
                variable = out.createVariable(f"v{number}_{dtype}", dtype, ("y", "x"), **options)
                variable[:] = field((100, 70), dtype, number)
    return file, set()


def unlimited(folder):
    file = folder / "unlimited.nc"
    with netCDF4.Dataset(file, "w") as out:
        out.createDimension("time", None)
        out.createDimension("cell", None)
        out.createDimension("x", 5)
        out.createVariable("time", "f8", ("time",))[:] = np.arange(700.0)
        out.createVariable("long", "i4", ("time", "x"), zlib=True, chunksizes=(1, 5))[:] = field((700, 5), "i4")
        out.createVariable("short", "i2", ("time", "x"), fill_value=-7)[:3] = field((3, 5), "i2")
        out.createVariable("shortest", "f4", ("time",))[:1] = [3.5]
        out.createVariable("default", "u4", ("time", "x"))[:2] = field((2, 5), "u4")
        # netCDF-C does not fill beyond the extent where two dimensions are unlimited: all of it is written.
        out.createVariable("both", "i2", ("time", "cell"), chunksizes=(90, 4))[:700, :30] = field((700, 30), "i2")
        out.createVariable("never", "f4", ("time", "cell"))
        out.createVariable("words", str, ("cell",))[:2] = np.array(["a", "b"], object)
    return file, set()


def absent(folder):
    file = folder / "absent.nc"
    with netCDF4.Dataset(file, "w") as out:
        out.createDimension("y", 60)
        out.createDimension("x", 60)
        out.createVariable("never", "f4", ("y", "x"), zlib=True)
        out.createVariable("filled", "i2", ("y", "x"), fill_value=-999, chunksizes=(20, 20), zlib=True)[:10, :10] = 5
        # What lies between values without fill is undefined: all of it is written.
        out.createVariable("unfilled", "i2", ("y", "x"), fill_value=False, chunksizes=(20, 20))[:] = 5
        out.createVariable("contiguous", "f8", ("y", "x"), contiguous=True)
        out.createVariable("scalar", "i4", ())[...] = 7
        out.createVariable("unset", "i8", ())
        out.createVariable("swapped", "i4", ("y", "x"), endian="big", chunksizes=(20, 60), fill_value=77)[:5] = 1
    return file, set()


def text(folder):
    file = folder / "text.nc"
    with netCDF4.Dataset(file, "w") as out:
        out.createDimension("n", 4)
        out.createDimension("len", 12)
        words = out.createVariable("words", str, ("n",))
        words[:] = np.array(["a", "", "sea level è ñ 海面", "x" * 5000], object)
        zipped = out.createVariable("zipped", str, ("n",), zlib=True, chunksizes=(2,))
        zipped[:] = np.array(["1", "22", "", "4444"], object)
        out.createVariable("unset", str, ("n",))
        out.createVariable("word", str, ())[...] = "alone"
        letters = out.createVariable("letters", "S1", ("n", "len"))
        letters[:] = netCDF4.stringtochar(np.array(["alpha", "b", "", "delta"], "S12"))
        words.note = "text"
        words.setncattr_string("kind", "NC_STRING")
    return file, set()


def attributes(folder):
    file = folder / "attributes.nc"
    with netCDF4.Dataset(file, "w") as out:
        out.createDimension("x", 3)
        few = out.createVariable("few", "i2", ("x",), fill_value=-1)
        many = out.createVariable("many", "i2", ("x",))
        for owner, count in ((few, 3), (many, 60), (out, 40)):
            for number in range(count):
                name = f"a{(number * 37) % count:03}"
                owner.setncattr(name, [f"text {number}", np.int16(number), np.arange(number, dtype="f4") * 0.5,
                                       "", np.float64(number), np.uint8(7)][number % 6] if number else "first")
        few.flag_masks = np.array([1, 2, 4], "u4")
        few.wide = np.array([2**63], "u8")
        few.setncattr_string("one", "string")
        few.setncattr("list", ["alpha", "", "gämma"])
        few.unicode = "hauteur de mer: è µ°"
        few.long = "x" * 30000
        few.a000 = "now longer than it was at first, so that it moves elsewhere in the header " * 3
        few.newline = "line 1\nline 2\ttab"
        many.delncattr("a007")
        many.a003 = "changed"
        out.Conventions = "CF-1.7"
    return file, set()


def groups(folder):
    file = folder / "groups.nc"
    with netCDF4.Dataset(file, "w") as out:
        out.createDimension("num_lines", 20)
        out.title = "root"
        for side, pixels in (("left", 7), ("right", 9)):
            group = out.createGroup(side)
            group.createDimension("num_pixels", pixels)
            group.createDimension("num_lines", 11)
            group.createVariable("ssh", "i4", ("num_lines", "num_pixels"), zlib=True)[:] = field((11, pixels), "i4")
            group.createVariable("num_pixels", "i2", ("num_pixels",))[:] = np.arange(pixels)
            group.side = side
            inner = group.createGroup("inner")
            inner.createVariable("deep", "f4", ("num_lines", "num_pixels"))[:] = field((11, pixels), "f4")
            inner.createGroup("empty").note = "nothing inside"
        out.createVariable("top", "i2", ("num_lines",))[:] = np.arange(20)
    return file, set()


def dimensions(folder):
    file = folder / "dimensions.nc"
    with netCDF4.Dataset(file, "w") as out:
        for name, size in (("z", 3), ("a", 4), ("station", 4), ("len", 6), ("bare", 5), ("empty", None)):
            out.createDimension(name, size)
        out.createVariable("late", "f4", ("a", "z"))[:] = 1
        out.createVariable("z", "f8", ("z",))[:] = [1, 2, 3]
        out.createVariable("station", "S1", ("station", "len"))[:] = b"q"
        out.createVariable("bare", "i4", ("z", "a"))[:] = 5
        out.createVariable("square", "i2", ("a", "station"))[:] = 3
        out.createVariable("twice", "i2", ("a", "a"))[:] = np.arange(16).reshape(4, 4)
        out.createVariable("none", "i2", ("empty", "a"))
    return file, set()


def many_variables(folder):
    file = folder / "many.nc"
    with netCDF4.Dataset(file, "w") as out:
        out.createDimension("x", 4)
        for number in range(150):
            variable = out.createVariable(f"v{(number * 71) % 150:03}", "i2", ("x",))
            variable[:] = np.arange(4) + number
            variable.long_name = f"variable {number}"
    return file, set()


def many_chunks(folder):
    file = folder / "chunks.nc"
    with netCDF4.Dataset(file, "w") as out:
        out.createDimension("y", 900)
        out.createDimension("x", 90)
        out.createVariable("v", "i2", ("y", "x"), chunksizes=(7, 7), zlib=True)[:] = field((900, 90), "i2")
        out.createVariable("cube", "f4", ("y", "x", "x"), chunksizes=(100, 13, 90))[:50] = 1.5
    return file, set()


def user_types(folder):
    file = folder / "types.nc"
    with netCDF4.Dataset(file, "w") as out:
        out.createDimension("x", 3)
        flags = out.createEnumType("u1", "flag_t", {"good": 0, "bad": 1})
        out.createVariable("flag", flags, ("x",), fill_value=1)[:] = [0, 1, 0]
        pair = out.createCompoundType(np.dtype([("a", "i4"), ("b", "f8")]), "pair_t")
        out.createVariable("pair", pair, ("x",))
        ragged = out.createVLType("i4", "ragged_t")
        out.createVariable("ragged", ragged, ("x",))
        out.createVariable("after", "i4", ("x",))[:] = [1, 2, 3]
    return file, {"pair", "ragged"}


def hdf5(version):
    """Plain HDF5 without dimension scales; every chunk index of the format."""

    def make(folder):
        file = folder / f"h5py_{version}.h5"
        with h5py.File(file, "w", libver=(version, version) if version != "earliest" else "earliest") as out:
            data = field((95, 41), "i4")
            zipped = dict(compression="gzip", shuffle=True)
            out.create_dataset("contiguous", data=data)
            out.create_dataset("fixed_array", data=data, chunks=(10, 41), **zipped)
            out.create_dataset("fixed_paged", data=field((3000, 2), "i2"), chunks=(1, 2), **zipped)
            out.create_dataset("fixed_plain", data=data, chunks=(10, 7))
            out.create_dataset("extensible", data=data, chunks=(10, 41), maxshape=(None, 41), **zipped)
            out.create_dataset("extensible_long", data=field((5000, 2), "u2"), chunks=(3, 2), maxshape=(None, 2))
            out.create_dataset("extensible_second", data=data, chunks=(10, 11), maxshape=(95, None), **zipped)
            out.create_dataset("tree", data=data, chunks=(9, 7), maxshape=(None, None), **zipped)
            out.create_dataset("tree_long", data=field((900, 41), "f8"), chunks=(5, 7), maxshape=(None, None))
            out.create_dataset("single", data=data, chunks=data.shape, **zipped)
            out.create_dataset("single_plain", data=data, chunks=data.shape)
            early = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            early.set_chunk((10, 11))
            early.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
            space = h5py.h5s.create_simple((95, 41))
            h5py.h5d.create(out.id, b"implicit", h5py.h5t.NATIVE_INT32, space, early).write(
                h5py.h5s.ALL, h5py.h5s.ALL, np.ascontiguousarray(data))
            compact = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            compact.set_layout(h5py.h5d.COMPACT)
            space = h5py.h5s.create_simple((5, 6))
            h5py.h5d.create(out.id, b"compact", h5py.h5t.NATIVE_INT32, space, compact).write(
                h5py.h5s.ALL, h5py.h5s.ALL, field((5, 6), "i4"))
            out.create_dataset("checksum", data=data, chunks=(10, 41), fletcher32=True, **zipped)
            out.create_dataset("big", data=field((95, 41), ">i2"), chunks=(30, 41), **zipped)
            out.create_dataset("scaled", data=data, chunks=(10, 41), scaleoffset=0)
            out.create_dataset("square", data=field((8, 8), "f4"))
            out.create_dataset("number", data=3.25)
            partly = out.create_dataset("partly", (95, 41), "i4", chunks=(10, 41), fillvalue=42, **zipped)
            partly[20:30] = data[20:30]
            shrunk = out.create_dataset("shrunk", data=data, chunks=(10, 10), maxshape=(None, None), **zipped)
            shrunk.resize((33, 25))
            masked = out.create_dataset("masked", (20, 41), "i4", chunks=(10, 41), **zipped)
            masked[:10] = data[:10]
            masked.id.write_direct_chunk((10, 0), np.ascontiguousarray(data[10:20]).tobytes(), filter_mask=3)
            out.create_dataset("text", data=np.array(["one", "two", ""], object), dtype=h5py.string_dtype())
            out.create_dataset("fixed_text", data=np.array([b"one", b"three", b""], "S8"))
            out.create_group("inner/most").create_dataset("deep", data=np.arange(5))
            out.attrs["text"] = "scalar"
            out.attrs["bytes"] = np.bytes_("fixed")
            out.attrs["numbers"] = np.arange(5, dtype="i2")
        return file, set()

    return make


def user_block(folder):
    file = folder / "userblock.h5"
    with h5py.File(file, "w", userblock_size=1024, libver="latest") as out:
        out.create_dataset("zipped", data=field((95, 41), "i4"), chunks=(10, 41), compression="gzip")
        out.create_dataset("plain", data=field((95, 41), "i4"))
        out.create_dataset("text", data=np.array(["one", "two"], object), dtype=h5py.string_dtype())
    with open(file, "r+b") as raw:
        raw.write(b"# a comment in front of the file")
    return file, set()


def by_h5netcdf(folder):
    file = folder / "h5netcdf.nc"
    with h5netcdf.File(file, "w") as out:
        out.dimensions = {"y": 50, "x": 20, "t": None}
        out.resize_dimension("t", 6)
        variable = out.create_variable("v", ("y", "x"), "i2", chunks=(20, 20), compression="gzip", shuffle=True,
                                       fillvalue=-5)
        variable[...] = field((50, 20), "i2")
        variable.attrs["units"] = "m"
        out.create_variable("x", ("x",), "f4")[...] = np.arange(20)
        out.create_variable("t", ("t",), "f8")[...] = np.arange(6)
        group = out.create_group("inner")
        group.create_variable("w", ("t", "y"), "f8")[...] = field((6, 50), "f8")
        out.attrs["title"] = "h5netcdf"
    return file, set()


def classic(form, types):
    def make(folder):
        file = folder / f"{form}.nc"
        with netCDF4.Dataset(file, "w", format=form) as out:
            out.createDimension("time", None)
            out.createDimension("x", 5)
            out.createDimension("len", 7)
            out.title = "classic"
            out.empty = ""
            for dtype in types:
                out.createVariable(f"r_{dtype}", dtype, ("time", "x"))[:] = field((9, 5), dtype)
                out.createVariable(f"odd_{dtype}", dtype, ("time",))[:] = np.arange(9)
                fixed = out.createVariable(f"f_{dtype}", dtype, ("x", "len"))
                fixed[:] = field((5, 7), dtype)
                fixed.range = np.array([1, 2, 3], dtype)
            out.createVariable("never", "f4", ("time", "x"))
            out.createVariable("scalar", "i4", ())[...] = 5
            out.createVariable("letters", "S1", ("x", "len"))[:] = b"z"
        return file, set()

    return make


def classic_single_record(folder):
    file = folder / "single_record.nc"
    with netCDF4.Dataset(file, "w", format="NETCDF3_CLASSIC") as out:
        out.createDimension("time", None)
        out.createVariable("bytes", "i1", ("time",))[:] = np.arange(11)
    return file, set()


CASES = {
    "numbers": lambda folder: numbers(folder, "numbers"),
    "numbers_zipped": lambda folder: numbers(folder, "zipped", zlib=True, complevel=4),
    "numbers_big_endian": lambda folder: numbers(folder, "big", endian="big", zlib=True),
    "classic_model": lambda folder: numbers(folder, "model", "NETCDF4_CLASSIC", ["i1", "i2", "i4", "f4", "f8"]),
    "layouts": layouts,
    "unlimited": unlimited,
    "absent": absent,
    "text": text,
    "attributes": attributes,
    "groups": groups,
    "dimensions": dimensions,
    "many_variables": many_variables,
    "many_chunks": many_chunks,
    "user_types": user_types,
    "h5py_earliest": hdf5("earliest"),
    "h5py_v108": hdf5("v108"),
    "h5py_v110": hdf5("v110"),
    "h5py_latest": hdf5("latest"),
    "user_block": user_block,
    "h5netcdf": by_h5netcdf,
    "netcdf3": classic("NETCDF3_CLASSIC", ["i1", "i2", "i4", "f4", "f8"]),
    "netcdf3_64bit": classic("NETCDF3_64BIT_OFFSET", ["i1", "i2", "i4", "f4", "f8"]),
    "netcdf3_64bit_data": classic("NETCDF3_64BIT_DATA", NUMBERS),
    "netcdf3_single_record": classic_single_record,
}


def foreign_filters(folder):
    """A file with filters that karin does not undo, and the name of the filter of each variable."""
    file = folder / "filters.nc"
    expected = {}
    with netCDF4.Dataset(file, "w") as out:
        out.createDimension("y", 200)
        out.createDimension("x", 50)
        out.createVariable("plain", "i2", ("y", "x"))[:] = field((200, 50), "i2")
        for name in ("zstd", "bzip2", "blosc_lz4"):
            try:
                variable = out.createVariable(name, "i2", ("y", "x"), compression=name, chunksizes=(100, 50))
                variable[:] = field((200, 50), "i2")
                expected[name] = name.split("_")[0]
            except (RuntimeError, ValueError, AttributeError):
                continue
    return file, expected


def text_kinds(folder):
    """A file with attributes of every kind, and the type of each."""
    file = folder / "kinds.nc"
    with netCDF4.Dataset(file, "w") as out:
        out.chars = "text"
        out.setncattr_string("string", "text")
        out.strings = ["a", "b"]
        out.empty = ""
        out.short = np.int16(1)
        out.bytes = np.array([1, 2], "u1")
        out.wide = np.uint64(2**63)
    return file, {"chars": "char", "string": "string", "strings": "string", "empty": "char", "short": "int16",
                  "bytes": "uint8", "wide": "uint64"}
