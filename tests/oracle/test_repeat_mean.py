"""Statistics over cycles of collections in both profiles: bit by bit those of the granules, whatever threads, memory and number of cycles;
what is stored alike in every cycle is decoded once, and what is stored by columns is added up by columns."""

import json
import shutil

import netCDF4
import numpy as np
import pytest

# More cycles than are decoded at once; geoid and distance do not change with time, time has no pixels, the flag has one byte.
CYCLES = "475-508"
NAMES = ["geoid", "distance_to_coast", "ssha_karin_2", "ssha_karin_2_qual", "rain_flag", "time"]


@pytest.fixture(scope="module")
def sources(karin, tmp_path_factory):
    folder = tmp_path_factory.mktemp("repeat")
    granules = folder / "granules"
    karin("simulate", "--product", "L2_LR_SSH_Basic", "--phase", "calval", "--cycles", CYCLES, "--passes", "13",
          "--vars", ",".join(NAMES), granules)
    found = {"granules": granules}
    for profile in ("portable", "compact"):
        found[profile] = folder / f"{profile}.karin"
        karin("ingest", granules, found[profile], "--profile", profile)
    return found


def values(path):
    with netCDF4.Dataset(path) as dataset:
        dataset.set_auto_mask(False)
        return {name: variable[...] for name, variable in dataset.variables.items()}


@pytest.mark.parametrize("cycles", ["475-478", "475-485", CYCLES])
def test_collections_give_the_bits_of_their_granules(karin, sources, tmp_path, cycles):
    stat = ["--cycles", cycles, "--over", "cycle", "--vars", ",".join(NAMES), "--stats", "count,mean,std,min,first"]
    results = {}
    for source, options in [("granules", []), ("portable", ["-j", 1]), ("portable", ["-j", 3, "--memory", "64MiB"]),
                            ("compact", ["-j", 1]), ("compact", ["-j", 2, "--memory", "64MiB"])]:
        out = tmp_path / "out.nc"
        karin("stat", sources[source], *stat, *options, "-o", out)
        results[source, *options] = values(out)
    truth = results["granules",]
    for key, found in results.items():
        assert list(found) == list(truth)
        assert [name for name in truth if truth[name].tobytes() != found[name].tobytes()] == [], key
    paths = sorted(sources["granules"].glob("*.nc"))
    first, last = (int(cycle) - 475 for cycle in cycles.split("-"))
    for name in ("geoid", "ssha_karin_2", "rain_flag"):
        with_fill = [np.ma.filled(netCDF4.Dataset(path)[name][...].astype("f8"), np.nan) for path in paths[first:last + 1]]
        count = np.isfinite(with_fill).sum(0)
        assert (truth[f"{name}_count"][0] == count).all()
        mean = np.where(count > 0, np.nansum(with_fill, axis=0) / np.maximum(count, 1), np.nan)
        expected = np.where(np.isnan(truth[f"{name}_mean"][0]), np.nan, mean)
        np.testing.assert_allclose(np.where(count > 0, truth[f"{name}_mean"][0], np.nan), expected, rtol=1e-12, atol=1e-12)


def test_the_summary_is_that_of_the_result(karin, sources, tmp_path):
    stat = ["--over", "cycle", "--stats", "mean,count"]
    karin("stat", sources["granules"], *stat, "-o", tmp_path / "out.nc")
    with netCDF4.Dataset(tmp_path / "out.nc") as dataset:
        truth = {name: np.ma.filled(variable[...].astype("f8"), np.nan) for name, variable in dataset.variables.items()}
    tables = [json.loads(karin("stat", source, *stat, *options, "--json").stdout)["rows"]
              for source in sources.values() for options in ([], ["-j", 1], ["-j", 3, "--having", "count > 0"])]
    for table in tables:
        for variable, _, cells, kept, least, mean, greatest in table:
            expected = truth[variable][np.isfinite(truth[variable])]
            assert (cells, kept) == (truth[variable].size, expected.size), variable
            if kept:
                assert (least, greatest) == (expected.min(), expected.max()), variable
                assert mean == pytest.approx(expected.mean(), rel=1e-12), variable


def test_a_damaged_chunk_leaves_its_granule_out(karin, sources, tmp_path):
    """The profile by columns: a flipped byte in the middle of the largest object."""
    copy = tmp_path / "copy.karin"
    shutil.copytree(sources["compact"], copy)
    victim = max((copy / "chunks").rglob("*"), key=lambda path: path.stat().st_size if path.is_file() else 0)
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.chmod(0o644)
    victim.write_bytes(content)
    told = karin("stat", copy, "--over", "cycle", "--stats", "count", "--json", code=3)
    assert json.loads(told.stdout)["left_out"] == 1 and "cannot be read from the collection" in told.stderr, told.stderr
