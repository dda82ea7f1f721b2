"""What the command says: causes told once, options by their names, one granule as one, words of other tools understood."""

import json

import pytest


@pytest.fixture(scope="module")
def granule(karin, tmp_path_factory):
    folder = tmp_path_factory.mktemp("a folder")
    karin("simulate", "--cycles", "475", "--passes", "1", "--vars", "ssha_karin_2", folder)
    (file,) = folder.iterdir()
    return file


def test_one_granule_is_singular(karin, granule, tmp_path):
    told = karin("extract", granule, "-o", tmp_path / "x.nc").stdout
    assert "1 granule of L2_LR_SSH_Basic" in told and "1 granule into" in told
    assert "1 granule in " in karin("stat", granule, "--over", "all").stdout


def test_latest_means_best(karin, granule):
    ask = ["--json", "stat", granule, "--over", "all", "--vars", "ssha_karin_2"]
    best, latest = (json.loads(karin(*ask, *more).stdout)["rows"] for more in ([], ["--version", "latest"]))
    assert best == latest


def test_a_faulty_expression_is_told_once(karin, granule):
    told = karin("stat", granule, "--over", "all", "--where", "ssha_karin_2 <", code=2).stderr
    assert told.count("expected a value, found the end") == 1, told


def test_a_damaged_chunk_is_named_with_what_tells_it(karin, granule, tmp_path):
    store = tmp_path / "collection"
    karin("ingest", granule, store)
    (chunks,) = (store / "chunks").iterdir()
    damaged = bytearray(chunks.read_bytes())
    # Whichever variable lies where: every one of them is hit.
    for part in range(1, 32):
        damaged[len(damaged) * part // 32] ^= 4
    chunks.write_bytes(damaged)
    told = karin("stat", store, "--over", "all", code=None).stderr
    assert "left out" in told and f"chunks/{chunks.name}" in told and "the checksum does not match" in told, told


def test_a_truncated_granule_is_named_once(karin, granule, tmp_path):
    cut = tmp_path / granule.name
    cut.write_bytes(granule.read_bytes()[:100_000])
    told = karin("extract", cut, "-o", tmp_path / "x.nc", code=1).stderr
    assert told.count(str(cut)) == 1 and "truncated" in told and "100000 present" in told, told
    assert ": :" not in told, told


@pytest.mark.parametrize("option, value", [("--bbox", "5,42,8"), ("--polygon", "absent.geojson"), ("--time", "yesterday")])
def test_a_faulty_option_is_named(karin, granule, option, value):
    told = karin("stat", granule, "--over", "all", option, value, code=None)
    assert told.returncode in (1, 2) and told.stderr.startswith(f"error: {option}"), told.stderr
    assert value in told.stderr


@pytest.mark.parametrize("command", ["stat", "extract", "plot"])
def test_options_that_cannot_apply_are_told(karin, granule, tmp_path, command):
    out = ["-o", tmp_path / ("x.png" if command == "plot" else "x.nc")] + (["--over", "all"] if command == "stat" else [])
    for option, words in [
        (["--side", "left"], ["--side left: L2_LR_SSH_Basic has no group per side", "cross_track_distance < 0"]),
        (["--nadir", "only"], ["--nadir only: L2_LR_SSH_Basic holds no values of the nadir altimeter"]),
        (["--crop", "lines"], ["--crop lines: there is neither --bbox nor --polygon"]),
        (["--layout", "cube"], ["--layout: only karin extract"]),
    ]:
        if command == "extract" and "--layout" in option:
            continue
        told = karin(command, granule, "--vars", "ssha_karin_2", *option, *out, code=2).stderr
        assert all(word in told for word in words), told
        assert not out[1].exists()
    # What changes nothing because there is nothing to drop is no mistake.
    karin(command, granule, "--vars", "ssha_karin_2", "--nadir", "drop", *out)


def test_places_and_times_that_cannot_be_are_told(karin):
    for point, words in [("43.5,95", "95 is no latitude"), ("10,95", "did you mean 95,10?"),
                         ("800,5", "800 is no longitude"), ("here", "expected longitude,latitude")]:
        assert words in karin("passes", "--point", point, code=2).stderr
    told = karin("passes", "--point", "10,10", "--time", "2010").stderr
    assert "SWOT does not see it between 2010-01-01T00:00:00Z" in told and "its first cycle begins 202" in told, told
    assert "first cycle" not in karin("passes", "--point", "10,89", "--time", "2024-01").stderr


def test_history_names_every_group_of_a_commit(karin, granule, tmp_path):
    karin("simulate", "--product", "L3_LR_SSH_Basic", "--cycles", "475", "--passes", "1", tmp_path / "l3")
    karin("ingest", granule, tmp_path / "l3", tmp_path / "c")
    rows = karin("history", tmp_path / "c").stdout.splitlines()
    (at,) = [number for number, row in enumerate(rows) if "1 granule of /L2_LR_SSH_Basic/C/calval" in row]
    assert rows[at + 1].strip() == "1 granule of /L3_LR_SSH_Basic/v2/calval", rows


def test_a_collection_in_memory_is_said_to_be_gone(karin, granule):
    told = karin("ingest", granule, "memory://cube")
    assert "1 added" in told.stdout and "memory://cube lived in the memory of this command" in told.stderr


def test_what_was_meant_is_asked(karin, granule, tmp_path):
    told = karin("stat", granule, "--over", "all", "--vars", "shsa_karin_2", code=1).stderr
    assert "did you mean 'ssha_karin_2'" in told, told
    (tmp_path / granule.name).write_bytes(granule.read_bytes())
    told = karin("info", tmp_path / granule.name.replace("_01.nc", "_02.nc"), code=1).stderr
    assert "No such file" in told
    told = karin("stat", tmp_path / granule.name.replace("_01.nc", "_10.nc"), "--over", "all", code=1).stderr
    assert f"No such file or directory (os error 2); did you mean '{granule.name}'?" in told, told
