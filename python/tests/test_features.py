"""Eddies and fronts as tables."""

import json
import math
import sys

import numpy as np
import pytest

import karin
from karin.errors import InvalidArgumentError


@pytest.fixture(scope="module")
def l3(tmp_path_factory):
    """A lean L3 pass."""
    folder = tmp_path_factory.mktemp("l3")
    files = karin.simulate(folder, product="L3_LR_SSH_Expert", cycle_number=12, pass_number=7, seed=3, variables=["ssha_filtered"])
    return karin.granules(files).sel(bbox=(-180, -60, 180, 30))


def test_eddies_are_a_table_with_outlines(l3):
    shapely = pytest.importorskip("shapely")
    eddies = l3.eddies(min_amplitude=0.005)
    assert len(eddies) > 3 and set(eddies["sense"]) <= {"cyclonic", "anticyclonic"}
    assert eddies["time"].dtype == "datetime64[ns]" and not np.isnat(eddies["time"]).any()
    assert (eddies["amplitude"] > 0.0049).all() and eddies.units["effective_radius"] == "km"
    assert all(isinstance(partial, bool) for partial in eddies["partial"])
    assert shapely.is_valid(eddies.geometry).all()
    frame = eddies.to_dataframe()
    assert list(frame.columns) == eddies.columns and len(frame) == len(eddies)
    assert len(l3.eddies(min_amplitude=0.1)) < len(eddies)
    cores = l3.eddies(by="okubo-weiss", min_amplitude=0.002)
    assert len(cores) > 0 and np.isnan(cores["speed_radius"]).all()
    assert "extremum" in eddies.long_names["amplitude"] and "sense" in repr(eddies)


def test_fronts_are_those_of_a_variable(l3):
    fronts = l3.fronts(min_length=40)
    assert len(fronts) > 3 and (fronts["length"] >= 40).all() and fronts.units["mean_gradient"] == "m km-1"
    fast = l3.sel(variables="speed").fronts(strong=0.02, weak=0.01)
    assert (fast["maximum_gradient"] >= 0.02).all() and fast.units["mean_gradient"] == "m s-1 km-1"


def test_eddies_are_written_as_by_the_command(l3, tmp_path):
    assert l3.eddies(tmp_path / "x.geojson", edge_fraction=0.4) is None
    written = json.loads((tmp_path / "x.geojson").read_text())
    table = l3.eddies(edge_fraction=0.4)
    assert len(written["features"]) == len(table) > 0
    for feature, amplitude in zip(written["features"], table["amplitude"], strict=True):
        assert math.isclose(feature["properties"]["amplitude"], amplitude)
    assert f"Python {sys.version_info[0]}" in written["metadata"]["history"]


def test_geodataframes_where_geopandas_is(l3):
    pytest.importorskip("geopandas")
    frame = l3.eddies().to_geodataframe()
    assert frame.crs == "OGC:CRS84" and set(frame.geom_type) <= {"Polygon", "MultiPolygon"}


def test_what_makes_no_sense_is_refused(l3):
    with pytest.raises(InvalidArgumentError, match="okubo-weiss"):
        l3.eddies(by="magic")
    with pytest.raises(InvalidArgumentError, match="min-radius"):
        l3.eddies(min_radius=300)
    with pytest.raises(InvalidArgumentError, match="90%"):
        l3.fronts(strong="steep")
