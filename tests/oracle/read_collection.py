"""Reads a collection with stock icechunk and xarray and compares it with the raw values of its granules.

Usage: read_collection.py COLLECTION EXPECTED
EXPECTED holds one folder per granule (`GROUP/CYCLE_PASS`, slashes of GROUP as they are) with `granule.json`
({"variables": {path: {"dtype", "shape", "dimensions", "scale", "offset", "fill", "attributes"}}}) and one file of raw
little-endian values per variable.
"""

import json
import pathlib
import sys

import icechunk
import numpy
import xarray


def open_group(collection, group):
    repository = icechunk.Repository.open(icechunk.local_filesystem_storage(collection))
    session = repository.readonly_session("main")
    return xarray.open_zarr(session.store, group=group)


def decoded(raw, facts):
    """What CF decoding makes of raw values, computed with numpy alone."""
    if facts["fill"] is None:
        return raw
    fill = numpy.array(facts["fill"]).astype(raw.dtype)
    values = raw.astype("f8") * facts["scale"] + facts["offset"]
    values[raw == fill] = numpy.nan
    return values


def expected_times(raw, fill):
    start = numpy.datetime64("2000-01-01T00:00:00", "ns")
    missing = raw == fill
    nanoseconds = numpy.round(numpy.where(missing, 0.0, raw) * 1e9).astype("i8")
    times = start + nanoseconds.astype("timedelta64[ns]")
    times[missing] = numpy.datetime64("NaT")
    return times


def compare(path, found, facts, raw):
    assert found.dims == tuple(facts["dimensions"]), (path, found.dims, facts["dimensions"])
    values = found.values
    part = tuple(slice(0, length) for length in raw.shape)
    padding = numpy.ones(values.shape, bool)
    padding[part] = False
    for name, value in facts["attributes"].items():
        where = {**found.attrs, **found.encoding}
        assert where.get(name) == value, (path, name, where.get(name), value)
    if numpy.issubdtype(values.dtype, numpy.datetime64):
        assert numpy.isnat(values[padding]).all(), path
        wanted = expected_times(raw, facts["fill"])
        distance = numpy.abs(values[part] - wanted)
        assert (numpy.isnat(values[part]) == numpy.isnat(wanted)).all(), path
        assert not (distance > numpy.timedelta64(200, "ns")).any(), (path, distance.max())
        return
    wanted = decoded(raw, facts)
    assert numpy.issubdtype(values.dtype, numpy.floating), (path, values.dtype)
    assert numpy.isnan(values[padding]).all(), path
    numpy.testing.assert_allclose(values[part], wanted, rtol=1e-6 if values.dtype == "f4" else 1e-14, err_msg=path)


def main():
    collection, expected = sys.argv[1], pathlib.Path(sys.argv[2])
    compared = 0
    by_group = {}
    for document in sorted(expected.rglob("granule.json")):
        by_group.setdefault(str(document.parent.parent.relative_to(expected)), []).append(document)
    for group, documents in by_group.items():
        opened = {}
        there = set()
        for document in documents:
            cycle, number = (int(part) for part in document.parent.name.split("_"))
            there.add((cycle, number))
            for path, facts in json.loads(document.read_text())["variables"].items():
                inner, _, name = path.rpartition("/")
                place = f"{group}/{inner}".rstrip("/")
                if place not in opened:
                    opened[place] = open_group(collection, place)
                dataset = opened[place]
                assert dataset.cycle_number.values[0] in (1, 402), dataset.cycle_number
                raw = numpy.fromfile(document.parent / path.replace("/", "."), facts["dtype"]).reshape(facts["shape"])
                found = dataset[name]
                for axis, label in (("cycle_number", cycle), ("pass_number", number)):
                    if axis in found.dims:
                        found = found.sel({axis: label})
                compare(f"{document.parent}:{path}", found, facts, raw)
                compared += 1
                coordinates = facts["attributes"].get("coordinates", "").split()
                dims = set(dataset[name].dims)
                if all(one in dataset and set(dataset[one].dims) <= dims for one in coordinates):
                    assert set(coordinates) <= set(found.coords), (path, list(found.coords))
        for place, dataset in opened.items():
            cycles = dataset.cycle_number.values
            for cycle in cycles[[0, -1]]:
                if (cycle, 3) not in there:
                    assert numpy.isnat(dataset.time.sel(cycle_number=cycle, pass_number=3).values).all(), place
    print(f"compared {compared} variables")


if __name__ == "__main__":
    main()
