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


def test_history_names_every_group_of_a_commit(karin, granule, tmp_path):
    karin("simulate", "--product", "L3_LR_SSH_Basic", "--cycles", "475", "--passes", "1", tmp_path / "l3")
    karin("ingest", granule, tmp_path / "l3", tmp_path / "c")
    rows = karin("history", tmp_path / "c").stdout.splitlines()
    (at,) = [number for number, row in enumerate(rows) if "1 granule of /L2_LR_SSH_Basic/C/calval" in row]
    assert rows[at + 1].strip() == "1 granule of /L3_LR_SSH_Basic/v2/calval", rows


def test_a_collection_in_memory_is_said_to_be_gone(karin, granule):
    told = karin("ingest", granule, "memory://cube")
    assert "1 added" in told.stdout and "memory://cube lived in the memory of this command" in told.stderr
