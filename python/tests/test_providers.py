"""find, get and sync from Python, against servers on loopback that speak the real protocols."""

import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from providing import home, lean, world  # noqa: F401

import karin
from access_server import PASSWORD, TOKEN, USER

BASIC = "L2_LR_SSH_Basic"


@pytest.mark.parametrize("place", ["aviso", "podaac", "list", "folder"])
def test_a_table_of_what_is_there_fetches_itself(world, lean, tmp_path, place):
    where = {"list": f"{world.urls['site']}/list/", "folder": lean[0].parents[0]}.get(place, place)
    found = karin.find(BASIC, from_=where, cycle_number=475, pass_number=slice(2, 3))
    assert list(zip(found["cycle_number"], found["pass_number"])) == [(475, 2), (475, 3)]
    assert found["time_start"].dtype.kind == "M" and found.left_out == [] and found["location"][0].endswith(".nc")
    assert list(found.to_dataframe()["product"]) == [BASIC] * 2 and "<table>" in found._repr_html_()
    got = found.get(tmp_path / "here")
    assert list(got["outcome"]) == ["fetched"] * 2
    for name in got["file"]:
        assert (tmp_path / "here" / name).read_bytes() == world.files[name]
    assert len(karin.granules(tmp_path / "here").granules()) == 2
    again = karin.get(BASIC, tmp_path / "here", from_=where, cycle_number=475, pass_number=[2, 3])
    assert list(again["outcome"]) == ["there"] * 2


def test_what_providers_publish_is_a_table(world):
    """As ``karin find PROVIDER`` lists it, of catalogues in the form of the real ones."""
    found = karin.products("aviso:*l3*ssh*")
    assert list(found["name"]) == ["SWOT_L3_LR_SSH_Basic", "SWOT_L3_LR_SSH_Expert"]
    assert all(text.startswith("https://doi.org/10.24400/") for text in found["doi"]) and "<table>" in found._repr_html_()
    assert all(place.endswith("/catalog.xml") for place in found["location"]) and list(found.to_dataframe().columns)[0] == "name"
    assert len(karin.products("aviso")) > 100 and "SWOT_L2_NALT_GDR_2.0" in karin.products("podaac")["name"]
    assert len(karin.products("aviso:nothing*")) == 0
    with pytest.raises(ValueError, match="expected aviso, podaac or cmems"):
        karin.products("avisso")
    with pytest.raises(karin.KarinError, match="products|404"):
        karin.products("aviso", settings={"aviso.products": world.urls["site"] + "/nothing", "catalog.fresh": 0})


def test_what_was_found_is_what_is_fetched(world, tmp_path):
    """Rows, not the question again: a granule that appears in between is not fetched."""
    late = next(name for name in sorted(world.files) if "_475_003_" in name)
    content = world.files.pop(late)
    fresh = {"catalog.fresh": 0}
    found = karin.find(f"aviso:{BASIC}", cycle_number=475, settings=fresh)
    assert len(found) == 2
    world.files[late] = content
    assert len(karin.find(f"aviso:{BASIC}", cycle_number=475, settings=fresh)) == 3
    assert len(found.get(tmp_path, dry_run=True)) == 2 and not list(tmp_path.glob("*.nc"))


def test_secrets_stay_where_they_are(world, tmp_path):
    accounts = tmp_path / "accounts"
    accounts.write_text(f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")
    accounts.chmod(0o600)
    found = karin.find(BASIC, from_="aviso", credentials=accounts, settings={"transfers.connections": 3})
    pickled = pickle.dumps(found)
    for text in (repr(found), found._repr_html_(), repr(found._asked), str(vars(found)), pickled.decode("latin-1")):
        for secret in (PASSWORD, TOKEN, str(accounts), "transfers.connections"):
            assert secret not in text
    copy = pickle.loads(pickled)
    assert copy["location"] == found["location"] and list(copy.get(tmp_path / "a")["outcome"]) == ["fetched"] * 6


def test_a_collection_is_kept_up_and_what_is_lost_is_told(world, lean, tmp_path):
    store = tmp_path / "swot.karin"
    planned = karin.sync(BASIC, store, from_="podaac", cycle_number=475, dry_run=True)
    assert len(planned.missing) == 3 and planned.stored == 0 and not store.exists() and "3 to fetch" in str(planned)
    first = karin.sync(BASIC, store, from_="podaac", cycle_number=475)
    assert (first.found, first.there, first.fetched, first.stored) == (3, 0, 3, 3) and not first.is_partial
    assert len(first.snapshots) == 1 and first.collection == str(store) and not Path(f"{store}.incoming").exists()
    world.faults = {lean[4].name: ["404"] * 9}
    with pytest.warns(karin.KarinWarning, match="1 of 6 granules could not be fetched|answers 404"):
        second = karin.sync(BASIC, store, from_="podaac", keep=tmp_path / "kept")
    assert (second.there, second.stored, second.is_partial) == (3, 2, True)
    assert list(second.failed["file"]) == [lean[4].name] and second.failed["kind"][0] == "not_found"
    assert lean[4].name in second._repr_html_() and len(list((tmp_path / "kept").glob("*.nc"))) == 2
    assert len(karin.open(store).granules()) == 5
    world.faults = {}
    assert karin.sync(BASIC, store, from_="podaac", settings={"catalog.fresh": 0}).stored == 1


def test_errors_are_typed(world, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="product"):
        karin.find("")
    with pytest.raises(ValueError, match="L2_LR_SSH_Basic"):
        karin.find("L2_LR_SSH_Basik")
    with pytest.raises(ValueError, match="already where to look"):
        karin.find(f"aviso:{BASIC}", from_="podaac")
    with pytest.raises(ValueError, match="transfers.connections"):
        karin.find(BASIC, settings={"transfers.conections": 4})
    with pytest.raises(ValueError, match="rate"):
        karin.get(BASIC, tmp_path, rate=0)
    with pytest.raises(ValueError, match="fetched whole"):
        karin.get(BASIC, tmp_path, variables="ssha_karin_2")
    with pytest.raises(ValueError, match="profile"):
        karin.sync(BASIC, tmp_path / "x", profile="tiny")
    with pytest.raises(ValueError, match="neither a provider"):
        karin.find(BASIC, from_=tmp_path / "nothing")
    world.broken = {"dataset-l2-swot-karin-lr-ssh-validated"}
    with pytest.raises(karin.errors.ReadWriteError, match="500"):
        karin.find(BASIC, from_="aviso", settings={"catalog.fresh": 0})
    monkeypatch.setenv("AVISO_PASSWORD", "wrong")
    world.broken = set()
    with pytest.raises(PermissionError, match="AVISO_USERNAME") as refused:
        karin.get(BASIC, tmp_path, from_="aviso", cycle_number=475, pass_number=1)
    assert PASSWORD not in str(refused.value) and not list(tmp_path.glob("*.nc"))


INTERRUPTED = """
import os, signal, sys, threading, time, karin
threading.Timer(0.6, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
begun = time.monotonic()
try:
    karin.get(sys.argv[1], sys.argv[2], from_="aviso", rate=100_000, progress=True)
except KeyboardInterrupt:
    print("stopped", time.monotonic() - begun - 0.6)
"""


def test_ctrl_c_stops_transfers_which_go_on_later(world, tmp_path):
    arguments = [sys.executable, "-c", INTERRUPTED, BASIC, str(tmp_path / "here")]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("stopped"), done.stderr
    assert float(done.stdout.split()[1]) < 3.0
    assert all(path.read_bytes() == world.files[path.name] for path in (tmp_path / "here").glob("*.nc"))
    got = karin.get(BASIC, tmp_path / "here", from_="aviso")
    assert set(got["outcome"]) <= {"fetched", "there"} and len(list((tmp_path / "here").glob("*.nc"))) == 6


def test_granules_are_read_where_they_lie(world, lean, tmp_path):
    addresses = [f"{world.urls['site']}/list/x/{path.name}" for path in lean]
    there = karin.granules(addresses)
    assert list(there.granules()["cycle_number"]) == list(karin.granules(lean).granules()["cycle_number"])
    size = sum(path.stat().st_size for path in lean)
    assert 0 < world.sent < size / 2
    answer = karin.ingest(addresses, tmp_path / "store", progress=False)
    assert list(answer["file"]) == addresses and list(answer["outcome"]) == ["added"] * len(lean)
    with pytest.raises(ValueError, match="transfers.connections"):
        karin.ingest(addresses, tmp_path / "other", settings={"transfers.conections": 4})
    assert list(karin.ingest(lean, tmp_path / "store")["outcome"]) == ["already there"] * len(lean)
