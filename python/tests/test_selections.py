"""Random selections of random files, against numpy on what netCDF4-python reads."""

import netCDF4
import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from karin import _karin
from karin._selection import SelectionSpec
from karin.errors import InvalidArgumentError

DTYPES = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"]


@pytest.fixture(scope="session")
def shapes_file(tmp_path_factory):
    """Variables of every type, from none to four dimensions, contiguous and in chunks that do not fit evenly."""
    path = tmp_path_factory.mktemp("shapes") / "shapes.nc"
    random = np.random.default_rng(5)
    with netCDF4.Dataset(path, "w") as file:
        for name, size in {"a": 13, "b": 7, "c": 29, "d": 3}.items():
            file.createDimension(name, size)
        dimensions = [(), ("c",), ("a", "c"), ("b", "c", "a"), ("d", "b", "c", "a")]
        for number, dtype in enumerate(DTYPES):
            for dims in dimensions:
                options = {}
                if dims and number % 3:
                    options = {"zlib": True, "shuffle": number % 2 == 0, "chunksizes": [4] * len(dims[:-1]) + [5]}
                    options["chunksizes"] = [min(c, len(file.dimensions[d])) for c, d in zip(options["chunksizes"], dims)]
                fill = np.dtype(dtype).type(7) if number % 2 else None
                variable = file.createVariable(f"{dtype}_{len(dims)}", dtype, dims, fill_value=fill, **options)
                variable.set_auto_maskandscale(False)
                if number % 4 == 1:
                    variable.scale_factor, variable.add_offset = 0.25, 100.0
                values = random.integers(0, 100, [len(file.dimensions[d]) for d in dims])
                variable[...] = values.astype(dtype)
    return path


def key_of(size):
    slices = st.slices(size)
    integers = st.integers(-size, size - 1)
    lists = st.lists(integers, max_size=6).map(lambda numbers: np.array(numbers, dtype="int64"))
    return st.one_of(slices, integers, lists)


@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_random_selections(shapes_file, data):
    raw = data.draw(st.booleans(), label="as stored")
    name = f"{data.draw(st.sampled_from(DTYPES))}_{data.draw(st.integers(0, 4))}"
    with netCDF4.Dataset(shapes_file) as file:
        variable = file.variables[name]
        variable.set_auto_maskandscale(False)
        expected = variable[...]
        if not raw:
            expected = decoded(variable, expected)
    dataset = xr.open_dataset(shapes_file, engine="karin", mask_and_scale=not raw)
    array = dataset[name]
    for step in range(data.draw(st.integers(1, 2), label="steps")):
        key = tuple(data.draw(key_of(size), label=f"key {step}") if size else slice(None) for size in array.shape)
        array = array[key]
        expected = outer(expected, key)
    found = array.values
    assert found.shape == expected.shape
    assert raw is False or found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


def outer(values, key):
    """numpy, one dimension at a time."""
    for axis, part in reversed(list(enumerate(key))):
        values = values[(slice(None),) * axis + (part,)]
    return values


def decoded(variable, values):
    """The definition of netCDF's packing."""
    attributes = variable.ncattrs()
    fill = variable._FillValue if "_FillValue" in attributes else None
    if fill is None and "scale_factor" not in attributes:
        return values
    out = values.astype("f8") if "scale_factor" in attributes else values.astype(promoted(values.dtype))
    if "scale_factor" in attributes:
        out = out * variable.scale_factor + variable.add_offset
    if fill is not None:
        out = np.where(values == fill, np.nan, out)
    return np.asarray(out)


def promoted(dtype):
    small = dtype.itemsize <= 2 or dtype == np.float32
    return "f4" if small else "f8"


edges = st.tuples(st.floats(-200, 400), st.floats(-90, 90), st.floats(-200, 400), st.floats(-90, 90)).map(
    lambda box: (round(box[0], 3), round(min(box[1], box[3]), 3), round(box[2], 3), round(max(box[1], box[3]), 3))
).filter(lambda box: abs(box[2] - box[0]) <= 360)


@given(edges, edges)
# They meet in a range and, a turn away, at an edge that rounding makes a range.
@example((58.993, 0.0, 385.332, 1.0), (-64.776, 0.0, 58.993, 1.0))
@settings(max_examples=200, deadline=None)
def test_two_boxes_select_what_lies_in_both(first, second):
    longitude, latitude = (part.ravel() for part in np.meshgrid(np.arange(-179.77, 180, 7.3), np.arange(-89.3, 90, 6.1)))

    def inside(words):
        box = tuple(float(edge) for edge in words["bbox"].split(",")) if "bbox" in words else None
        return _karin.region_contains(longitude, latitude, bbox=box, polygon=words.get("polygon"))

    one = SelectionSpec().refined({"bbox": first}, {})
    in_both = inside(dict(one.words)) & inside(dict(SelectionSpec().refined({"bbox": second}, {}).words))
    try:
        both = one.refined({"bbox": second}, {})
    except InvalidArgumentError:
        assert not in_both.any()
        return
    np.testing.assert_array_equal(inside(dict(both.words)), in_both)


def test_two_times_select_what_lies_in_both():
    def refined(*times):
        spec = SelectionSpec()
        for time in times:
            spec = spec.refined({"time": time}, {})
        return dict(spec.words)["time"]

    assert refined("2023-04", slice("2023-04-10", None)) == refined("2023-04-10..2023-05-01", "2023")
    assert refined(slice(None, "2023-04-10T06:00:00.25"), "2023-04-10").endswith("..2023-04-10T06:00:00.25Z")
    with pytest.raises(InvalidArgumentError, match="nothing in common"):
        refined("2023-04", "2023-05")
    with pytest.raises(ValueError):
        refined("2023-04", "soon")
