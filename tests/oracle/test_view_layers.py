"""Layers of the viewer: tiles of maps and tracks beside what netCDF4 reads at the same places."""

import json
import urllib.error

import netCDF4
import numpy
import pytest
from test_view import Viewer

SIDE = 256


def tile_of(lon, lat, zoom):
    """Column and row of the tile and of its pixel that a place falls on (Web Mercator)."""
    tiles = 2**zoom
    x = ((lon / 360 + 0.5) % 1.0) * tiles
    y = (0.5 - numpy.arcsinh(numpy.tan(numpy.radians(lat))) / (2 * numpy.pi)) * tiles
    return int(x), int(y), int(x % 1 * SIDE), int(y % 1 * SIDE)


def value_of(viewer, layer, variable, steps, place, zoom):
    """What the tile at a place says of it."""
    x, y, column, row = tile_of(*place, zoom)
    header, arrays = viewer.arrays(f"/api/v1/layers/{layer}/{zoom}/{x}/{y}?var={variable}&steps={steps}")
    if header["cells"] == 0:
        return numpy.nan
    raw = arrays["values"][row, column]
    return numpy.nan if raw == header["nodata"] else raw * header["scale"] + header["offset"]


@pytest.fixture(scope="module")
def granules(karin, tmp_path_factory):
    folder = tmp_path_factory.mktemp("layers")
    karin("simulate", "--phase", "calval", "--cycles", "475", "--passes", "13", "--vars", "ssha_karin_2", folder / "granules")
    return folder / "granules"


def write_map(path, longitudes, latitudes, values, time=0.0, order=("time", "latitude", "longitude"), name="sla"):
    """A map as its makers write it."""
    with netCDF4.Dataset(path, "w") as file:
        for axis_name, axis, units in (("latitude", latitudes, "degrees_north"), ("longitude", longitudes, "degrees_east"),
                                  ("time", [time], "days since 2023-04-01")):
            file.createDimension(axis_name, len(axis))
            variable = file.createVariable(axis_name, "f8", (axis_name,))
            variable.units = units
            variable[:] = axis
        sla = file.createVariable(name, "i4", order, fill_value=-2147483647)
        sla.scale_factor, sla.units = 1e-4, "m"
        cube = numpy.ma.masked_array(numpy.nan_to_num(values), numpy.isnan(values))[numpy.newaxis]
        sla[:] = numpy.ma.transpose(cube, [("time", "latitude", "longitude").index(one) for one in order])
    return path


@pytest.fixture(scope="module")
def maps(tmp_path_factory):
    """One map in four forms: from 0, from -180, from north to south, and by longitude; two moments of the first."""
    folder = tmp_path_factory.mktemp("maps")
    latitudes = numpy.arange(-89.5, 90, 1.0)
    longitudes = numpy.arange(0.5, 360, 1.0)
    random = numpy.random.default_rng(3)
    values = numpy.round(random.normal(0, 0.3, (len(latitudes), len(longitudes))), 4)
    values[random.random(values.shape) < 0.2] = numpy.nan
    turned = numpy.roll(values, 180, axis=1)
    write_map(folder / "a_zero_20230401.nc", longitudes, latitudes, values)
    write_map(folder / "a_zero_20230411.nc", longitudes, latitudes, -values, time=10.0)
    write_map(folder / "b_west.nc", longitudes - 180, latitudes, turned)
    write_map(folder / "c_south.nc", longitudes, latitudes[::-1], values[::-1])
    write_map(folder / "d_columns.nc", longitudes, latitudes, values, order=("longitude", "latitude", "time"), name="ssha")
    # A part of it that lies across the antimeridian.
    part = (longitudes > 170) & (longitudes < 190)
    write_map(folder / "e_part.nc", longitudes[part], latitudes, values[:, part])
    return folder, longitudes, latitudes, values


@pytest.fixture(scope="module")
def viewer(granules, maps):
    viewer = Viewer(granules, "--layer", maps[0])
    yield viewer
    viewer.process.terminate()
    viewer.process.wait(timeout=10)


def test_files_of_the_same_places_are_one_layer_with_the_moments_of_all(viewer):
    layers = viewer.json("/api/v1/collections")["layers"]
    told = {layer["id"]: [time[0] for time in layer["times"]] for layer in layers}
    first, second = "2023-04-01T00:00:00Z", "2023-04-11T00:00:00Z"
    assert told == {"a_zero": [first, second], "b_west": [first], "c_south": [first], "d_columns": [first], "e_part": [first]}
    assert {layer["kind"] for layer in layers} == {"map"}


def test_every_form_of_a_map_gives_the_value_of_its_cell_at_any_place(viewer, maps):
    _, longitudes, latitudes, values = maps
    random = numpy.random.default_rng(7)
    places = [(lon, lat) for lon in (-179.999, -179.2, 179.2, 179.999, -0.3, 0.3) for lat in (0.2, -63.7)]
    places += list(zip(random.uniform(-180, 180, 20), random.uniform(-80, 80, 20)))
    for lon, lat in places:
        # Beside an edge of a cell either side may be meant.
        if min(abs(lon - round(lon)), abs(lat - round(lat))) < 0.02 and abs(lon) < 179.9:
            continue
        expected = values[int(numpy.argmin(abs(latitudes - lat))), int(numpy.argmin(abs((longitudes - lon + 180) % 360 - 180)))]
        for layer in ("a_zero", "b_west", "c_south", "d_columns"):
            found = value_of(viewer, layer, "ssha" if layer == "d_columns" else "sla", 0, (lon, lat), 7)
            assert found == pytest.approx(expected, abs=1e-9, nan_ok=True), (layer, lon, lat)
        within = abs(lon) > 170.1
        found = value_of(viewer, "e_part", "sla", 0, (lon, lat), 7)
        assert found == pytest.approx(expected if within else numpy.nan, abs=1e-9, nan_ok=True), (lon, lat)
        assert value_of(viewer, "a_zero", "sla", 1, (lon, lat), 7) == pytest.approx(-expected, abs=1e-9, nan_ok=True)


def test_from_afar_a_pixel_is_the_mean_of_its_cells(viewer, maps):
    _, longitudes, latitudes, values = maps
    header, arrays = viewer.arrays("/api/v1/layers/a_zero/0/0/0?var=sla&steps=0")
    pixels = numpy.array([tile_of(lon, 0, 0)[2] for lon in longitudes])
    rows = numpy.array([tile_of(0, lat, 0)[3] if abs(lat) < 85.05 else -1 for lat in latitudes])
    for column, row in [(3, 128), (128, 40), (255, 200), (0, 128)]:
        cells = values[numpy.ix_(rows == row, pixels == column)]
        if cells.size == 0 or numpy.isnan(cells).all():
            continue
        assert arrays["values"][row, column] * header["scale"] + header["offset"] == pytest.approx(numpy.nanmean(cells), abs=6e-5)


def test_what_makes_no_sense_is_refused_by_name(viewer):
    for path, status, said in [
        ("nothing/1/0/0?var=sla&steps=0", 404, "no layer 'nothing'"),
        ("a_zero/1/0/0?var=slaa&steps=0", 404, "did you mean 'sla'"),
        ("a_zero/1/0/0?var=sla&steps=7", 404, "steps 0 to 1"),
        ("a_zero/1/0/0?var=sla&steps=0-1", 400, "one moment"),
        ("a_zero/30/0/0?var=sla&steps=0", 400, "zoom"),
        ("a_zero/range?var=sla", 400, "steps is missing"),
        ("..%2f..%2fetc/range?var=sla&steps=0", 404, "no layer"),
    ]:
        with pytest.raises(urllib.error.HTTPError) as problem:
            viewer.get(f"/api/v1/layers/{path}")
        assert problem.value.code == status, path
        assert said in json.load(problem.value)["detail"], path


def test_files_that_are_no_layers_are_named(granules, karin, tmp_path):
    with netCDF4.Dataset(tmp_path / "curved.nc", "w") as file:
        file.createDimension("y", 3)
        file.createDimension("x", 3)
        for name in ("latitude", "longitude", "sla"):
            file.createVariable(name, "f8", ("y", "x"))[:] = 1.0
    done = karin("view", granules, "--layer", tmp_path / "curved.nc", "--no-browser", code=2)
    assert "curved.nc" in done.stderr and "curvilinear" in done.stderr
    done = karin("view", granules, "--layer", tmp_path / "absent.nc", "--no-browser", code=None)
    assert done.returncode != 0 and "absent.nc" in done.stderr


def test_real_maps_and_tracks_are_what_their_files_say(granules, reference_data):
    duacs = reference_data("duacs_l4/dt_global_allsat_phy_l4_20190101_20190515.nc")
    miost = reference_data("duacs_l4/swot_l4_northeast_pacific_20240601.nc")
    neurost = reference_data("duacs_l4/NeurOST_SSH-SST_20230403_20240722_sub_lat-30-40.nc")
    jason = reference_data("nadir/JA1_GPN_2PeP001_002_20020115_060706_20020115_070316.nc")
    # Files among the sources are layers too, if they are no granules.
    viewer = Viewer(granules, jason, "--layer", duacs, "--layer", miost, "--layer", neurost)
    try:
        kinds = {layer["id"]: layer["kind"] for layer in viewer.json("/api/v1/collections")["layers"]}
        assert sorted(kinds.values()) == ["map", "map", "map", "track"]
        random = numpy.random.default_rng(11)
        for path, name in ((duacs, "adt"), (miost, "sla"), (neurost, "zeta")):
            with netCDF4.Dataset(path) as file:
                lon, lat = file["longitude"][:].astype(float), file["latitude"][:].astype(float)
                values = numpy.ma.filled(numpy.squeeze(file[name][:].astype(float)), numpy.nan)
            seen = 0
            for row, column in zip(random.integers(0, len(lat), 30), random.integers(0, len(lon), 30)):
                if abs(lat[row]) > 84:
                    continue
                found = value_of(viewer, path.stem.replace(".", "_"), name, 0, (lon[column], lat[row]), 9)
                assert found == pytest.approx(values[row, column], abs=1e-9, rel=1e-4, nan_ok=True), (path.name, row, column)
                seen += numpy.isfinite(found)
            assert seen > 3, path.name
        with netCDF4.Dataset(jason) as file:
            lon, lat, swh = (numpy.ma.filled(file[name][:].astype(float), numpy.nan) for name in ("lon", "lat", "swh_ku"))
        for at in numpy.flatnonzero(numpy.isfinite(swh))[::97]:
            found = value_of(viewer, jason.stem, "swh_ku", 0, (lon[at], lat[at]), 9)
            assert found == pytest.approx(swh[at], abs=1e-9), at
    finally:
        viewer.process.terminate()
        viewer.process.wait(timeout=10)
