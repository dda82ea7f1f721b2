"""What the tests of the package share: real files, simulated granules and a collection of them."""

import os

import pytest
from shared_fixtures import SHARED, pytest_runtest_logreport, reference_data  # noqa: F401

karin = pytest.importorskip("karin", reason="the package is not installed: run `cargo xtask setup`")

VARIABLES = ["ssha_karin_2", "ssha_karin_2_qual", "height_cor_xover", "height_cor_xover_qual", "ssh_karin_2"]


def real_files() -> list[str]:
    """Every whole netCDF file of the reference data."""
    found = sorted(SHARED.rglob("*.nc")) if SHARED.is_dir() else []
    return [str(path.relative_to(SHARED)) for path in found if "damaged" not in str(path)]


@pytest.fixture(scope="session")
def granule_files(tmp_path_factory):
    """Three cycles of four passes of L2 Basic granules, one of which is not there."""
    folder = tmp_path_factory.mktemp("granules")
    files = karin.simulate(folder, cycle_number=slice(475, 477), pass_number=slice(1, 4), variables=VARIABLES)
    missing = next(file for file in files if "_476_003_" in file)
    os.remove(missing)
    return [file for file in files if file != missing]


@pytest.fixture(scope="session")
def collection_path(granule_files, tmp_path_factory):
    """The same granules in a collection."""
    path = tmp_path_factory.mktemp("store") / "swot.karin"
    table = karin.ingest(granule_files, path)
    assert list(table["outcome"]) == ["added"] * len(granule_files)
    return path


@pytest.fixture(scope="session", params=["granules", "collection"])
def swot(request, granule_files, collection_path):
    """The same data from files and from a collection."""
    return karin.granules(granule_files) if request.param == "granules" else karin.open(collection_path)


@pytest.fixture(scope="session")
def unsmoothed_file(tmp_path_factory):
    """A 250 m granule, with a group for each side."""
    folder = tmp_path_factory.mktemp("unsmoothed")
    names = ["ssh_karin_2", "ssh_karin_2_qual"]
    (file,) = karin.simulate(folder, product="L2_LR_SSH_Unsmoothed", cycle_number=475, pass_number=5, variables=names)
    return file
