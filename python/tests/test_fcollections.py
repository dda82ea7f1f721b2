"""The same queries by the tools of CNES/CLS (altimetry-io on fcollections) and by karin, on the same granules."""

import warnings

import numpy as np
import pytest
import xarray as xr

import karin

io = pytest.importorskip("altimetry.io")
collections = pytest.importorskip("fcollections.implementations")
pytestmark = pytest.mark.filterwarnings("ignore")

PRODUCTS = {
    "L3_LR_SSH_Expert": ["ssha_filtered", "ssha_unedited", "quality_flag", "i_num_line", "i_num_pixel"],
    "L2_LR_SSH_Basic": ["ssha_karin_2", "ssha_karin_2_qual"],
}
HEIGHTS = {"L3_LR_SSH_Expert": "ssha_filtered", "L2_LR_SSH_Basic": "ssha_karin_2"}


@pytest.fixture(scope="module", params=PRODUCTS)
def product(request):
    return request.param


@pytest.fixture(scope="module")
def folder(product, tmp_path_factory):
    folder = tmp_path_factory.mktemp(product)
    karin.simulate(folder, product=product, cycle_number=[475, 476], pass_number=[2, 3], variables=PRODUCTS[product])
    return folder


def theirs(folder, product, **options):
    kind = "SWOT_" + product.rpartition("_")[0]
    data = io.AltimetryData(io.FileCollectionSource(path=folder, ftype=kind, subset=product.rpartition("_")[2]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return data.query_orbit(variables=["time", "latitude", "longitude", HEIGHTS[product]], **options).load()


@pytest.mark.parametrize("cycles, passes", [([475, 476], [2, 3]), (476, 3), ([475, 476], 2), (475, [3])])
def test_half_orbits_one_behind_the_other(folder, product, cycles, passes):
    expected = theirs(folder, product, cycle_number=cycles, pass_number=passes)
    # They drop the nadir that L3 clips into the swath if not told otherwise.
    swot = karin.granules(folder).sel(cycle_number=cycles, pass_number=passes, nadir="drop" if "L3" in product else None)
    found = swot.sel(variables=[HEIGHTS[product], "time"]).to_xarray(stack="lines")
    for name in ("time", "latitude", "longitude", "cycle_number", "pass_number", HEIGHTS[product]):
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


def test_cycles_and_passes_stacked(folder, product):
    kind = collections.NetcdfFilesDatabaseSwotLRL3 if "L3" in product else collections.NetcdfFilesDatabaseSwotLRL2
    subset, height = product.rpartition("_")[2], HEIGHTS[product]
    names = ["time", "latitude", "longitude", height]
    expected = kind(str(folder)).query(subset=subset, stack="CYCLES_PASSES", selected_variables=names)
    swot = karin.granules(folder).sel(variables=[height], nadir="drop" if "L3" in product else None)
    found = swot.to_xarray().transpose("cycle_number", "pass_number", "num_lines", "num_pixels")
    expected = expected.transpose("cycle_number", "pass_number", "num_lines", "num_pixels")
    np.testing.assert_array_equal(found[height], expected[height])


@pytest.mark.parametrize("product", ["L3_LR_SSH_Expert"], indirect=True)
def test_nadir_that_is_clipped_into_the_swath(folder):
    database = collections.NetcdfFilesDatabaseSwotLRL3(str(folder))
    swot = karin.granules(folder).sel(variables=["ssha_unedited"])
    for nadir in (True, False):
        expected = database.query(subset="Expert", selected_variables=["time", "ssha_unedited"], nadir=nadir)
        found = swot.sel(nadir="keep" if nadir else "drop").to_xarray(stack="lines")
        np.testing.assert_array_equal(found.ssha_unedited, expected.ssha_unedited)
    assert int(swot.sel(nadir="only").to_xarray().ssha_unedited.notnull().sum()) > 0


@pytest.mark.parametrize("box", [(-15.0, 20.0, 36.0, 54.0), (170.0, -40.0, -160.0, 40.0)])
def test_lines_of_a_box(folder, product, box):
    """Their queries download footprints first; what then crops lines is asked by itself."""
    selector = pytest.importorskip("fcollections.implementations.optional").SwathAreaSelector()
    cropped = [selector.apply(xr.open_dataset(file), box) for file in sorted(folder.glob("*.nc"))]
    found = karin.granules(folder).sel(bbox=box, crop="lines", variables=[HEIGHTS[product], "time"]).to_xarray(stack="lines")
    assert found.sizes["num_lines"] > 1000
    for name in ("time", HEIGHTS[product]):
        expected = np.concatenate([dataset[name].values for dataset in cropped])
        np.testing.assert_array_equal(found[name], expected)
