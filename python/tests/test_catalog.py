"""karin.catalog: the same index as that of the command, and what it tells."""

import json
import pickle
import shutil
import subprocess
import sys

import pytest
from providing import home, lean, world  # noqa: F401

import karin

BASIC = "L2_LR_SSH_Basic"


def told(*words):
    """What the command answers."""
    command = [sys.executable, "-m", "karin_command", "--json", "catalog", *words]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


@pytest.fixture
def here(lean, tmp_path):  # noqa: F811
    """A folder with two passes of cycle 475, and a collection with one of cycle 476."""
    folder, collection = tmp_path / "mine", tmp_path / "swot.karin"
    folder.mkdir()
    for path in lean[:2]:
        shutil.copy(path, folder)
    karin.ingest(lean[3], collection)
    return folder, collection


def test_what_is_lacking_and_where_it_is(world, lean, here, tmp_path):  # noqa: F811
    nothing = karin.catalog.missing(BASIC, cycle_number=[475, 476], pass_number=slice(1, 3))
    assert len(nothing) == nothing.wanted == 6 and nothing.here == 0 and list(nothing.providers) == []
    added = karin.catalog.add(*here)
    assert list(zip(added["kind"], added["granules"], added["new"])) == [("folder", 2, 2), ("collection", 1, 1)]
    asked = karin.catalog.add_provider(f"aviso:{BASIC}")
    assert list(asked["place"]) == [f"aviso:{BASIC}"] and list(asked["granules"]) == [6]
    lacking = karin.catalog.missing(BASIC, cycle_number=[475, 476], pass_number=slice(1, 4))
    assert list(zip(lacking["cycle_number"], lacking["pass_number"])) == [(475, 3), (475, 4), (476, 2), (476, 3), (476, 4)]
    # Pass 4 was never published.
    assert list(lacking["places"]) == [f"aviso:{BASIC}", "", f"aviso:{BASIC}", f"aviso:{BASIC}", ""]
    assert (lacking.wanted, lacking.here, list(lacking.providers)) == (8, 3, [f"aviso:{BASIC}"])
    assert lacking["time_start"].dtype.kind == "M" and "<table>" in lacking._repr_html_()
    # The command has the same index, and the same words.
    theirs = told("missing", BASIC, "--cycles", "475,476", "--passes", "1-4")
    assert [row["pass_number"] for row in theirs["missing"]] == list(lacking["pass_number"])
    assert theirs["bytes"] == lacking.bytes == sum(size or 0 for size in lacking["size"]) > 0
    copy = pickle.loads(pickle.dumps(lacking))
    assert copy.wanted == 8 and list(copy["places"]) == list(lacking["places"])
    # What is lacking is what is fetched next.
    got = karin.get(BASIC, here[0], from_="aviso", cycle_number=475, pass_number=3)
    assert list(got["outcome"]) == ["fetched"]
    again = karin.catalog.add(here[0])
    assert (again["new"][0], again["gone"][0]) == (1, 0)
    assert karin.catalog.missing(BASIC, cycle_number=475, pass_number=slice(1, 3)).here == 3


def test_sources_are_listed_and_forgotten(world, here):  # noqa: F811
    karin.catalog.add(*here)
    karin.catalog.add_provider(BASIC, from_="podaac", cycle_number=475)
    sources = karin.catalog.list()
    assert sorted(sources["kind"]) == ["collection", "folder", "provider"]
    by_kind = {row["kind"]: row for row in sources.rows()}
    assert by_kind["folder"]["cycles"] == [475, 475] and by_kind["provider"]["granules"] == 3
    assert [row["place"] for row in told("list")["sources"]] == list(sources["place"])
    for place in sources["place"]:
        karin.catalog.remove(place)
    assert len(karin.catalog.list()) == 0 and here[0].is_dir()
    with pytest.raises(karin.errors.NotFoundError, match="no source 'nowhere'"):
        karin.catalog.remove("nowhere")


def test_errors_are_typed(home, tmp_path):  # noqa: F811
    with pytest.raises(ValueError, match="L2_LR_SSH_Basic"):
        karin.catalog.missing("L2_LR_SSH_Basik")
    with pytest.raises(ValueError, match="name the product alone"):
        karin.catalog.missing(f"aviso:{BASIC}")
    with pytest.raises(FileNotFoundError):
        karin.catalog.add(tmp_path / "nothing")
    with pytest.raises(ValueError, match="catalog.fresh"):
        karin.catalog.list(settings={"catalog.fresch": 1})
