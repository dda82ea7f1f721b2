"""Files of karin's netCDF-4 writer against the same content written by netCDF-C (netCDF4-python)."""

import os
import shutil
import subprocess
from pathlib import Path

import h5netcdf
import h5py
import netCDF4
import numpy as np
import pytest
import xarray

from conftest import WORKSPACE, built_example
from netcdf_files import HIDDEN, describe, write_description

FOLDER = Path(os.environ.get("KARIN_SHARED_DATA", WORKSPACE.parent / "shared" / "data"))


def run(example, *arguments):
    done = subprocess.run([str(built_example(example)), *map(str, arguments)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def granule(file, rng):
    """Shaped like an L2 granule: packed integers, flags beyond 2^31, groups that redefine dimensions."""
    file.setncatts({"Conventions": "CF-1.7", "title": "Prüfung ‘quoted’", "empty": "", "cycle_number": np.int16(475)})
    file.setncatts({"numbers": np.array([1.5, -2.5]), "one": np.float32(0.1), "long": np.int64(2**40)})
    file.setncattr_string("disclaimer", "of variable length")
    file.setncattr_string("words", ["a", "", "é"])
    file.createDimension("num_lines", 9860)
    file.createDimension("num_pixels", 69)
    file.createDimension("num_sides", 2)
    packed = dict(zlib=True, complevel=4, shuffle=True)
    time = file.createVariable("time", "f8", ("num_lines",), fill_value=9.969209968386869e36, **packed)
    time.units = "seconds since 2000-01-01 00:00:00.0"
    time[:] = np.arange(9860) * 0.3
    for name, chunks in {"latitude": (9860, 69), "ssh": (1000, 69), "slices": (100, 69)}.items():
        variable = file.createVariable(
            name, "i4", ("num_lines", "num_pixels"), fill_value=2147483647, chunksizes=chunks, **packed
        )
        variable.setncatts({"scale_factor": 1e-4, "coordinates": "longitude latitude", "valid_min": np.int32(-5)})
        variable.set_auto_scale(False)
        variable[:] = rng.integers(-10000, 10000, (9860, 69))
    quality = file.createVariable("quality", "u4", ("num_lines", "num_pixels"), **packed)
    quality.flag_masks = np.array([1, 2**31], "u4")
    quality[:] = rng.integers(0, 2**32, (9860, 69), dtype="u4")
    sides = file.createVariable("sides", "i4", ("num_lines", "num_sides"), **packed)
    sides[:] = rng.integers(0, 9, (9860, 2))
    for side, lines in {"left": 500, "right": 777}.items():
        group = file.createGroup(side)
        group.description = f"{side} swath"
        group.createDimension("num_lines", lines)
        group.createDimension("num_pixels", 240)
        variable = group.createVariable("sig0", "f4", ("num_lines", "num_pixels"), fletcher32=True, **packed)
        variable[:] = rng.standard_normal((lines, 240))
        variable = group.createVariable("sides", "u1", ("num_lines", "num_sides"), **packed)
        variable[:] = 3


def every_kind(file, rng):
    """Every type, layout and oddity that netCDF-4 has and SWOT products may."""
    file.createDimension("x", 5)
    file.createDimension("t", None)
    file.createDimension("y", 7)
    file.createDimension("empty", None)
    file.createDimension("string1", 1)
    for dtype in ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"]:
        values = np.frombuffer(rng.bytes(5 * int(dtype[1])), dtype)
        variable = file.createVariable(f"plain_{dtype}", dtype, ("x",))
        variable.set_auto_mask(False)
        variable[:] = values
        variable.setncattr("valid", values[:2])
        variable = file.createVariable(f"big_{dtype}", dtype, ("x",), endian="big", fill_value=7)
        variable.set_auto_mask(False)
        variable[:] = values
        file.createVariable(f"unwritten_{dtype}", dtype, ("x", "y"), zlib=True)
    file.createVariable("x", "f4", ("x",))[:] = np.arange(5)
    file.createVariable("t", "f8", ("t",))[:] = [1, 2, 3]
    file.createVariable("y", "i2", ("x", "y"))[:] = np.arange(35).reshape(5, 7)  # not a coordinate of y
    file.createVariable("string1", "i2", ("string1", "x"))[:] = np.arange(5)  # a coordinate of two dimensions
    cube = rng.standard_normal((5, 7, 5, 3))
    for name, options in {
        "cube": dict(zlib=True, complevel=9, chunksizes=(2, 3, 4, 1)),
        "cube_checked": dict(fletcher32=True, shuffle=False, chunksizes=(5, 7, 5, 2)),
        "cube_big": dict(zlib=True, endian="big", fletcher32=True, chunksizes=(1, 1, 1, 1)),
        "cube_shuffled": dict(zlib=False, chunksizes=(1, 7, 1, 7)),
    }.items():
        file.createVariable(name, "f8", ("x", "y", "x", "t"), **options)[:] = cube
    file.createVariable("grows", "i4", ("empty", "x"))
    file.createVariable("crs", "S1", ()).grid_mapping_name = "latitude_longitude"
    file.createVariable("scalar", "f8", ())[...] = 2.5
    flag = file.createVariable("polarization", "S1", ("x", "string1"), fill_value="*", zlib=True)
    flag[:] = np.array(list("HVHV*"), "S1").reshape(5, 1)
    names = file.createVariable("names", str, ("x",))
    for index, text in enumerate(["first", "", "with é", "x" * 9000, "last"]):
        names[index] = text
    names.long_name = "strings"
    deflated = file.createVariable("more_names", str, ("t",), zlib=True, chunksizes=(2,))
    deflated[0:3] = np.array(["a", "bb", "ccc"], object)
    file.createVariable("filled_names", str, ("x",), fill_value="zz")
    file.createVariable("no_fill", "i4", ("x",), fill_value=False)[:] = 5
    file.createVariable("höhe", "i4", ("x",)).comment = "a name beyond ASCII"
    file.setncattr("nothing", np.zeros(0, "i4"))
    deep = file
    for level in range(6):
        deep = deep.createGroup(f"level_{level}")
        deep.createDimension("x", level + 2)
        deep.createVariable("of_both", "i2", ("x", "y"))[:] = level
        deep.createVariable("x", "i2", ("x",))[:] = np.arange(level + 2)


def many(file, _):
    """More of everything than fits into one node, block or first guess."""
    file.createDimension("x", 40000)
    file.createDimension("y", 2)
    chunked = file.createVariable("chunked", "i2", ("x", "y"), zlib=True, complevel=1, chunksizes=(4, 1))
    chunked[:] = np.arange(80000).reshape(40000, 2) % 1000
    for number in range(600):
        variable = file.createVariable(f"v{599 - number:03}", "i1", ("y",))
        variable[:] = number % 100
        variable.setncatts({f"a{key}": key for key in range(3)})
    chunked.setncatts({f"key{number}": f"value {number}" for number in range(400)})
    file.setncattr("long_text", "x" * 60000)
    file.setncattr_string("many_words", [f"word {number}" for number in range(2000)])


CASES = {"granule": granule, "every_kind": every_kind, "many": many}


@pytest.fixture(scope="module", params=CASES)
def pair(request, tmp_path_factory):
    """The same content written by netCDF4-python and by karin."""
    folder = tmp_path_factory.mktemp(request.param)
    theirs, ours = folder / "theirs.nc", folder / "ours.nc"
    with netCDF4.Dataset(theirs, "w") as file:
        CASES[request.param](file, np.random.default_rng(1))
    run("compose", write_description(theirs, folder / "described"), ours)
    return theirs, ours


def assert_same(theirs, ours):
    (tree, values), (our_tree, our_values) = describe(theirs), describe(ours)
    assert our_tree == tree
    assert list(our_values) == list(values)
    different = [name for name in values if values[name] != our_values[name]]
    assert not different


def ncdump(path, *options):
    if not shutil.which("ncdump"):
        pytest.skip("ncdump is not installed (netcdf-bin)")
    # The name on the first line is the file's.
    done = subprocess.run(["ncdump", "-n", "same", *options, str(path)], capture_output=True, check=True)
    skip = (b"_NCProperties", b"_SuperblockVersion")
    return [line for line in done.stdout.split(b"\n") if not any(word in line for word in skip)]


def test_netcdf_c_sees_no_difference(pair):
    assert_same(*pair)


def test_ncdump_prints_the_same(pair):
    theirs, ours = pair
    assert ncdump(ours, "-s") == ncdump(theirs, "-s")


def test_h5netcdf_sees_no_difference(pair):
    def listing(group):
        yield {name: len(dim) for name, dim in group.dimensions.items()}
        yield {name: repr(value) for name, value in group.attrs.items() if name not in HIDDEN}
        for name, variable in group.variables.items():
            attributes = {key: repr(value) for key, value in variable.attrs.items() if key not in HIDDEN}
            yield name, variable.dimensions, variable.dtype, variable.shape, variable.chunks, attributes
            array = np.asarray(variable[...])
            yield array.tolist() if array.dtype == object else array.tobytes()
        for name, inner in group.groups.items():
            yield name, list(listing(inner))

    theirs, ours = pair
    with h5netcdf.File(theirs) as reference, h5netcdf.File(ours) as file:
        assert list(listing(file)) == list(listing(reference))


def test_libhdf5_sees_the_same_objects(pair):
    def listing(path):
        found, names = {}, {}

        def address(item):  # Asking a dereferenced scale for its name makes libhdf5 search the whole file.
            return h5py.h5o.get_info(item.id).addr

        def visit(name, item):
            names[address(item)] = name
            ids = {key: item.attrs.get_id(key) for key in item.attrs}
            # netCDF-C adds the latter to variables, needlessly
            hidden = ("_NCProperties", "_Netcdf4Dimid")
            found[name] = sorted((key, (str(at.dtype), at.shape)) for key, at in ids.items() if key not in hidden)
            if isinstance(item, h5py.Dataset):
                plist = item.id.get_create_plist()
                filters = [plist.get_filter(n)[:3] for n in range(plist.get_nfilters())]
                layout = (plist.get_layout(), plist.get_fill_time(), plist.get_alloc_time(), plist.fill_value_defined())
                found[name] += [item.shape, item.maxshape, str(item.dtype), item.chunks, filters, layout]
                if item.is_scale:
                    found[name].append(item.attrs["NAME"])
                found[name].append([[address(scale) for scale in dim.values()] for dim in item.dims])

        with h5py.File(path) as file:
            file.visititems(visit)
        for entry in found.values():
            if entry and isinstance(entry[-1], list):
                entry[-1] = [[names[scale] for scale in dim] for dim in entry[-1]]
        return found

    theirs, ours = pair
    reference, found = listing(theirs), listing(ours)
    assert list(found) == list(reference)
    assert {name: (found[name], reference[name]) for name in found if found[name] != reference[name]} == {}


@pytest.mark.parametrize("engine", ["netcdf4", "h5netcdf"])
def test_xarray_finds_them_identical(pair, engine):
    theirs, ours = pair
    with netCDF4.Dataset(theirs) as file:
        groups = [None, *file.groups]
    for group in groups:
        options = dict(group=group, engine=engine, decode_times=False)
        if "more_names" in netCDF4.Dataset(theirs).variables:
            options["drop_variables"] = ["string1", "y"]  # of two dimensions: xarray refuses the reference too
        with xarray.open_dataset(theirs, **options) as reference, xarray.open_dataset(ours, **options) as dataset:
            assert list(dataset.variables) == list(reference.variables)
            xarray.testing.assert_identical(dataset.load(), reference.load())
            for name in reference.variables:
                encodings = [dict(side[name].encoding, source=None) for side in (dataset, reference)]
                assert repr(encodings[0]) == repr(encodings[1])


def test_netcdf_c_can_append(pair, tmp_path):
    theirs, ours = pair
    copies = [shutil.copy(path, tmp_path / path.name) for path in pair]
    for copy in copies:
        with netCDF4.Dataset(copy, "a") as file:
            file.setncattr("added", "later")
            first = next(iter(file.dimensions))
            added = file.createVariable("added", "f4", (first,), zlib=True)
            added[:] = np.arange(len(file.dimensions[first]))
            for name, variable in list(file.variables.items())[:3]:
                variable.setncattr("also_added", np.int16(3))
                if variable.dtype is not str and variable.size:
                    variable.set_auto_mask(False)
                    variable[...] = np.zeros(variable.shape, variable.dtype)
    assert_same(*copies)


def test_threads_do_not_change_a_byte(pair, tmp_path):
    _, ours = pair
    for jobs in (1, 2, 8):
        run("compose", ours.parent / "described", tmp_path / "again.nc", jobs)
        assert (tmp_path / "again.nc").read_bytes() == ours.read_bytes()


def real_files():
    names = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.glob("**/*.nc")) if FOLDER.is_dir() else []
    return [name for name in names if "damaged" not in name] or ["nothing.nc"]


@pytest.mark.parametrize("name", real_files())
@pytest.mark.parametrize("example", ["compose", "copy"])
def test_real_files_are_copied_exactly(reference_data, tmp_path, example, name):
    theirs, ours = reference_data(name), tmp_path / "ours.nc"
    source = theirs if example == "copy" else write_description(theirs, tmp_path / "described")
    run(example, source, ours)
    (tree, values), (our_tree, our_values) = describe(theirs), describe(ours)
    assert our_values == values
    classic = netCDF4.Dataset(theirs).data_model.startswith("NETCDF3")
    if classic:
        tree, our_tree = as_netcdf4(tree), as_netcdf4(our_tree)
    assert our_tree == tree
    if not classic:
        assert ncdump(ours, "-h") == ncdump(theirs, "-h")


def as_netcdf4(group):
    """What must differ: classic files have no chunks, and may have fill values of another type than the variable."""
    for variable in group["variables"]:
        variable["storage"] = None
        for name, value in variable["attributes"]:
            if name == "_FillValue":
                value["type"] = variable["dtype"]
    return group
