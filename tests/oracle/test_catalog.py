"""The catalogue: what is on disk, in collections and at providers, and what is missing."""

import os
import shutil
import subprocess

from access_fixtures import BASICS, ask, granules, servers, world  # noqa: F401
from conftest import karin_binary


def test_what_is_missing_and_where_it_is(ask, karin, world, granules, tmp_path):
    mine, collection = tmp_path / "mine", tmp_path / "swot.karin"
    mine.mkdir()
    for path in granules[:4]:  # cycle 475
        shutil.copy(path, mine)
    karin("ingest", *granules[4:7], collection)  # cycle 476, passes 1 to 3
    held = ["--cycles", "475-477", "--passes", "1-4"]
    nothing = ask("catalog", "missing", BASICS, *held)
    assert nothing["wanted"] == 12 and nothing["here"] == 0 and nothing["providers"] == []
    added = ask("catalog", "add", mine, collection)["sources"]
    assert [(source["kind"], source["granules"], source["new"]) for source in added] == [("folder", 4, 4), ("collection", 3, 3)]
    assert ask("catalog", "add-provider", f"aviso:{BASICS}")["sources"][0]["granules"] == 12
    missing = ask("catalog", "missing", BASICS, *held)
    assert (missing["wanted"], missing["here"]) == (12, 7) and missing["providers"] == [f"aviso:{BASICS}"]
    lacking = [(row["cycle_number"], row["pass_number"]) for row in missing["missing"]]
    assert lacking == [(476, 4), (477, 1), (477, 2), (477, 3), (477, 4)]
    assert all(row["at"][0]["place"] == f"aviso:{BASICS}" and row["at"][0]["size"] > 0 for row in missing["missing"])
    assert [row["time_start"] for row in missing["missing"]] == sorted(row["time_start"] for row in missing["missing"])
    # By place and time, as every command.
    assert ask("catalog", "missing", BASICS, "--time", "2023-03-31", "--bbox", "0,-80,360,80")["wanted"] <= 30
    # What a pass was never published for is told apart.
    more = ask("catalog", "missing", BASICS, "--cycles", "475", "--passes", "4-5")
    assert [(row["pass_number"], row["at"]) for row in more["missing"]] == [(5, [])]


def test_a_later_version_and_a_part_are_lacking(ask, karin, world, granules, tmp_path):
    collection = tmp_path / "swot.karin"
    karin("ingest", granules[0], collection)
    newer = granules[0].name[: -len("_01.nc")] + "_02.nc"
    world.files[newer] = granules[0].read_bytes()
    ask("catalog", "add", collection)
    ask("catalog", "add-provider", f"podaac:{BASICS}", "--cycles", "475")
    (row,) = ask("catalog", "missing", BASICS, "--cycles", "475", "--passes", "1")["missing"]
    assert row["here"] == "PGC0_01" and row["at"][0]["version"] == "PGC0_02"
    # A crop is a part; the whole is lacking.
    part = tmp_path / "part.karin"
    karin("extract", granules[1], "--bbox", "-180,-20,180,20", "--crop", "lines", "-o", tmp_path / granules[1].name)
    karin("ingest", tmp_path / granules[1].name, part)
    ask("catalog", "add", part)
    (row,) = ask("catalog", "missing", BASICS, "--cycles", "475", "--passes", "2")["missing"]
    assert row["partial"] and row["at"]


def test_looked_at_again_it_is_up_to_date(ask, granules, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    shutil.copy(granules[0], mine)
    shutil.copy(granules[1], mine)
    ask("catalog", "add", mine)
    (mine / granules[0].name).unlink()
    shutil.copy(granules[2], mine)
    (again,) = ask("catalog", "add", mine)["sources"]
    assert (again["granules"], again["new"], again["gone"]) == (2, 1, 1)
    (row,) = ask("catalog", "list")["sources"]
    assert row["granules"] == 2 and row["products"] == [BASICS] and row["cycles"] == [475, 475]
    ask("catalog", "remove", str(mine))
    assert ask("catalog", "list")["sources"] == []
    assert "no source" in ask("catalog", "remove", str(mine), code=2).stderr


def test_many_at_once_leave_a_whole_index_and_a_damaged_one_is_told(ask, granules, tmp_path):
    folders = []
    for number, path in enumerate(granules[:4]):
        folder = tmp_path / f"mine{number % 2}"
        folder.mkdir(exist_ok=True)
        shutil.copy(path, folder)
        folders.append(folder)
    children = [subprocess.Popen([str(karin_binary()), "--json", "catalog", "add", str(folder)], env=ask.base, stdout=subprocess.DEVNULL) for folder in folders * 4]
    assert all(child.wait(timeout=60) == 0 for child in children)
    assert sorted(row["granules"] for row in ask("catalog", "list")["sources"]) == [2, 2]
    (index, *_) = (ask.home / ".config/karin/catalog").glob("*.json")
    index.write_text(index.read_text()[:40])
    told = ask("catalog", "list", code=2).stderr
    assert "is damaged" in told and str(index) in told
    assert len(os.listdir(ask.home / ".config/karin/catalog")) == 2


def test_a_rehearsal_runs_to_its_end(karin, ask, tmp_path):
    folder = tmp_path / "rehearsal" / "access"
    (tmp_path / "rehearsal").mkdir()
    (tmp_path / "rehearsal" / "mine").write_text("kept")
    done = subprocess.run([str(karin_binary()), "demo", "--access", str(folder.parent)], env=ask.base, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert len(list((folder / "granules").glob("*.nc"))) == 8 and (folder / "collection").is_dir()
    assert "8 there" in done.stdout and "failed" in done.stdout and "0 B" in done.stdout
    for words in ("$ karin find", "$ karin get", "$ karin sync", "net breaks"):
        assert words in done.stderr
    # Run again, it begins at the beginning.
    again = lambda: subprocess.run([str(karin_binary()), "demo", "--access", str(folder.parent)], env=ask.base, capture_output=True, timeout=120).returncode
    assert again() == 0 and (folder.parent / "mine").read_text() == "kept"
    # What is not its own it does not touch.
    (folder / ".karin-rehearsal").unlink()
    assert again() == 2 and len(list((folder / "granules").glob("*.nc"))) == 8
