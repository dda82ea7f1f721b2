"""find, get, sync and login against servers that speak the real protocols on loopback, with faults and attacks."""

import base64
import json
import os
import random
import signal
import stat
import subprocess
import time
from pathlib import Path

import netCDF4
import pytest

from access_fixtures import BASICS, ask, assert_right, granules, outcomes, servers, world  # noqa: F401
from access_server import BASIC, PASSWORD, TOKEN, USER
from conftest import karin_binary

LONG = "KARIN_LONG" in os.environ


# --- find -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["folder", "aviso", "podaac", "list"])
def test_every_place_answers_the_same_question_alike(ask, servers, granules, place):
    where = {"folder": granules[0].parents[0], "list": f"{servers.urls['site']}/list/"}.get(place, place)
    if place == "folder":
        where = os.path.commonpath(granules)
    found = ask("find", BASICS, "--from", where, "--cycles", "475-476", "--passes", "2-3")
    rows = [(row["cycle_number"], row["pass_number"]) for row in found["granules"]]
    assert rows == [(475, 2), (475, 3), (476, 2), (476, 3)]
    names = {path.name for path in granules}
    assert all(row["location"].rsplit("/", 1)[1] in names for row in found["granules"])
    sizes = {path.name: path.stat().st_size for path in granules}
    for row in found["granules"]:
        name = row["location"].rsplit("/", 1)[1]
        if row["size_is_exact"]:
            assert row["size"] == sizes[name]
        elif row["size"] is not None:
            assert abs(row["size"] - sizes[name]) <= sizes[name] / 1000


def test_a_place_and_a_time_are_cycles_and_passes_before_a_server_is_asked(ask, world, granules):
    # The box of a part of one granule: the orbit says which passes of which cycle see it.
    with netCDF4.Dataset(granules[5]) as file:
        latitude, longitude, when = file["latitude"][3000, 20], file["longitude"][3000, 20], file.getncattr("time_coverage_start")
    box = f"{longitude - 0.2},{latitude - 0.2},{longitude + 0.2},{latitude + 0.2}"
    found = ask("find", f"podaac:{BASICS}", "--bbox", box, "--time", when[:10])
    wanted = granules[5].name
    assert wanted in {row["location"].rsplit("/", 1)[1] for row in found["granules"]}
    (question,) = {path for path in world.paths("site") if "cycle%5B%5D=476" in path}
    assert "passes%5B0%5D%5Bpass%5D=" in question and found["requests"] <= 4


def test_time_outside_the_product_finds_nothing_and_says_so(ask):
    found = ask("find", BASICS, "--from", "podaac", "--time", "2016-01-01..2016-02-01")
    assert found["granules"] == [] and found["requests"] == 0


def test_catalogues_are_kept_and_asked_for_on_a_condition(ask, world):
    ask("find", BASICS, "--from", "aviso")
    first = len(world.requests)
    assert first == 6  # the root, PGC0, Basic and three cycles; Expert and Unsmoothed are not looked into
    again = ask("find", BASICS, "--from", "aviso")
    assert len(world.requests) == first and again["requests"] == 0 and len(again["granules"]) == 12
    world.requests.clear()
    stale = ask("find", BASICS, "--from", "aviso", "--set", "catalog.fresh=0")
    assert all("if-none-match" in headers for _, _, headers in world.requests) and len(stale["granules"]) == 12


def test_a_catalogue_that_is_broken_is_left_out_and_told(ask, world):
    world.broken = {"cycle_476"}
    found = ask("find", BASICS, "--from", "aviso", code=3)
    assert len(found["granules"]) == 8 and found["left_out"][0]["place"].endswith("cycle_476/catalog.xml")
    world.broken = {"dataset-l2-swot-karin-lr-ssh-validated"}
    assert "500" in ask("find", BASICS, "--from", "aviso", "--set", "catalog.fresh=0", code=1).stderr


def test_pages_of_the_search_are_followed_to_the_end(ask, world):
    world.page_size = 5
    found = ask("find", BASICS, "--from", "podaac", "--cycles", "475-477")
    assert len(found["granules"]) == 12
    assert [headers.get("cmr-search-after") for _, _, headers in world.requests] == [None, "5", "10", "12"]


def test_a_search_bears_faults_and_tells_errors(ask, world):
    world.cmr_faults = [503, 429]
    assert len(ask("find", BASICS, "--from", "podaac", "--cycles", "475")["granules"]) == 4
    world.cmr_faults = ["html"]
    told = ask("find", BASICS, "--from", "podaac", "--cycles", "475", code=1)
    assert "not an answer of CMR" in told.stderr
    world.cmr_faults = [400]
    assert "400" in ask("find", BASICS, "--from", "podaac", "--cycles", "475", code=1).stderr


def test_the_newest_of_several_processings_unless_all_are_asked_for(ask, world, granules):
    newer = granules[0].name[: -len("_01.nc")] + "_02.nc"
    world.files[newer] = granules[0].read_bytes()
    of = lambda *extra: [row["location"].rsplit("/", 1)[1] for row in ask("find", BASICS, "--from", "podaac", "--cycles", "475", "--passes", "1", *extra)["granules"]]
    assert of() == [newer]
    assert sorted(of("--version", "all")) == sorted([granules[0].name, newer])


def test_wrong_questions_are_answered_with_what_to_do(ask):
    for arguments, words in [
        (["find", "L2_LR_SSH_Bsic"], "did you mean L2_LR_SSH_Basic?"),
        (["find", BASICS, "--from", "avisso"], "did you mean 'aviso'?"),
        (["find", "L3_LR_SSH_Basic", "--from", "podaac"], "aviso"),
        (["find", BASICS, "--set", "aviso.catalogue=x"], "did you mean 'aviso.catalog'?"),
        (["find", f"aviso:{BASICS}", "--from", "podaac"], "already where to look"),
        (["find", BASICS, "--version", "B", "--from", "podaac"], "C and D"),
    ]:
        assert words in ask(*arguments, code=2).stderr


def test_what_providers_publish_is_listed(ask):
    of = lambda *asked: ask("find", *asked)["products"]  # noqa: E731
    aviso = of("aviso")
    assert len(aviso) == 123 and [row["name"] for row in of("aviso:*l3*ssh*")] == ["SWOT_L3_LR_SSH_Basic", "SWOT_L3_LR_SSH_Expert"]
    assert aviso[0]["doi"].startswith("https://doi.org/10.24400/") and aviso[0]["location"].endswith("/catalog.xml") and aviso[0]["title"]
    assert [row["name"] for row in of("podaac:")] == ["SWOT_L2_LR_SSH_BASIC_2.0", "SWOT_L2_LR_SSH_EXPERT_D", "SWOT_L2_NALT_GDR_2.0"]
    assert of("podaac:*nalt*")[0]["doi"] == "https://doi.org/10.5067/SWOT_L2_NALT_GDR_2.0"
    assert of("aviso:nothing*") == []
    broken = ask("find", "aviso", "--set", f"aviso.products={ask.base['KARIN_PODAAC_CMR']}", code=1)
    assert "products" in broken.stderr or "404" in broken.stderr


@pytest.mark.parametrize("version, count", [("C", 12), ("PGC?", 12), ("PIC?", 0), ("latest", 12), ("D", 0)])
def test_a_version_is_pinned_by_baseline_or_pattern(ask, version, count):
    for place in ("aviso", "podaac"):
        assert len(ask("find", BASICS, "--from", place, "--version", version)["granules"]) == count


def test_a_polygon_is_passes_as_a_box_is(ask, world, granules, tmp_path):
    with netCDF4.Dataset(granules[5]) as file:
        latitude, longitude, when = float(file["latitude"][3000, 20]), float(file["longitude"][3000, 20]), file.getncattr("time_coverage_start")
    west, south, east, north = longitude - 0.2, latitude - 0.2, longitude + 0.2, latitude + 0.2
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    (tmp_path / "place.geojson").write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    box = ask("find", BASICS, "--from", "podaac", "--bbox", f"{west},{south},{east},{north}", "--time", when[:10])
    polygon = ask("find", BASICS, "--from", "podaac", "--polygon", tmp_path / "place.geojson", "--time", when[:10])
    assert box["granules"] == polygon["granules"] and len(box["granules"]) >= 1


# --- get ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["aviso", "podaac", "list", "folder"])
def test_a_rerun_moves_nothing(ask, servers, world, granules, tmp_path, place):
    where = {"folder": os.path.commonpath(granules), "list": f"{servers.urls['site']}/list/"}.get(place, place)
    out = tmp_path / "out"
    dry = ask("get", BASICS, "--from", where, "-o", out, "--dry-run")
    assert outcomes(dry) == ["missing"] * 12 and not out.exists()
    first = ask("get", BASICS, "--from", where, "-o", out)
    total = sum(len(content) for content in world.files.values())
    assert outcomes(first) == ["fetched"] * 12 and first["bytes"] == total
    assert_right(out, world, 12)
    assert not list(out.glob(".*.part*"))
    before = len(world.data_requests())
    again = ask("get", BASICS, "--from", where, "-o", out)
    assert outcomes(again) == ["there"] * 12 and again["bytes"] == 0 and len(world.data_requests()) == before
    # Without the ledger the files themselves tell.
    (out / ".karin-ledger.jsonl").unlink()
    assert outcomes(ask("get", BASICS, "--from", where, "-o", out)) == ["there"] * 12


def test_a_file_that_is_cut_or_changed_is_fetched_again(ask, world, tmp_path):
    out = tmp_path / "out"
    ask("get", BASICS, "--from", "podaac", "-o", out)
    first, second, third = sorted(out.glob("*.nc"))[:3]
    first.write_bytes(first.read_bytes()[:-1])
    flipped = bytearray(second.read_bytes())
    flipped[-1] ^= 1
    second.write_bytes(flipped)
    third.unlink()
    again = ask("get", BASICS, "--from", "podaac", "-o", out)
    assert sorted(outcomes(again)) == ["fetched"] * 3 + ["there"] * 9
    assert_right(out, world, 12)
    # The same where only the structure of the file can tell.
    ask("get", BASICS, "--from", "aviso", "-o", out)
    first.write_bytes(first.read_bytes()[:-1])
    assert outcomes(ask("get", BASICS, "--from", "aviso", "-o", out)).count("fetched") == 1
    assert_right(out, world, 12)


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "SHA-512", None])
def test_every_checksum_that_is_told_is_checked(ask, world, granules, tmp_path, algorithm):
    """Flipped bytes of a file of the right length and structure: a checksum tells them, and the file never gets its name."""
    out, name = tmp_path / "out", granules[0].name
    world.algorithm, world.checksums = algorithm, algorithm is not None
    one = ["get", BASICS, "--from", "podaac", "--cycles", "475", "--passes", "1", "-o", out]
    (found,) = ask("find", *one[1:-2])["granules"]
    assert (found.get("checksum") or {}).get("algorithm", "").upper().replace("_", "-") == (algorithm or "")
    world.faults[name] = ["wrong bytes"] * 50
    if algorithm:
        failed = ask(*one, code=3)
        assert failed["granules"][0]["kind"] == "corrupt" and algorithm in failed["granules"][0]["reason"] and not (out / name).exists()
    world.faults.clear()
    ask(*one)
    assert_right(out, world, 1)


def test_an_interrupted_transfer_goes_on_where_it_stopped(ask, world, granules, tmp_path):
    out, name = tmp_path / "out", granules[0].name
    one = ["--cycles", "475", "--passes", "1", "-o", out]
    world.faults[name] = ["truncated"] + ["503"] * 9
    failed = ask("get", BASICS, "--from", "podaac", *one, code=3)
    assert outcomes(failed) == ["failed"] and failed["granules"][0]["kind"] == "io"
    assert not list(out.glob("*.nc"))
    world.faults.clear()
    size = len(world.files[name])
    done = ask("get", BASICS, "--from", "podaac", *one)
    assert done["bytes"] == size - size // 2
    assert_right(out, world, 1)


TRANSIENT = ["reset", "truncated", "stall", "short length", "long length", "429", "503", "500", "401", "changed", "no ranges",
             "wrong range", "wrong bytes", "empty"]


@pytest.mark.parametrize("seed", range(20 if LONG else 3))
@pytest.mark.parametrize("place", ["podaac", "aviso"])
def test_faults_end_in_the_right_file_or_in_an_error(ask, world, tmp_path, tried, place, seed):
    """13 faults in 20 orders: every granule meets up to three in a row, the first another one than its neighbours'."""
    draw = random.Random(seed)
    # Without a checksum nothing tells bytes that are flipped inside a file of the right length; CMR gives one.
    known = [fault for fault in TRANSIENT if place == "podaac" or fault != "wrong bytes"]
    known = [fault for fault in known if place == "aviso" or fault != "changed"]
    for index, name in enumerate(sorted(world.files)):
        ordered = [known[(seed + index) % len(known)]] + draw.choices(known, k=draw.randint(0, 2))
        # A login that is refused twice in a row is refused.
        first = ordered.index("401") if "401" in ordered else -1
        world.faults[name] = [fault for at, fault in enumerate(ordered) if fault != "401" or at == first]
    ordered = sum(map(len, world.faults.values()))
    out = tmp_path / "out"
    start = time.monotonic()
    first = ask("get", BASICS, "--from", place, "-o", out, code=None)
    assert time.monotonic() - start < 30
    assert set(outcomes(first)) <= {"fetched", "failed"}
    assert all(row["kind"] for row in first["granules"] if row["outcome"] == "failed")
    # What changed while it was fetched may be there whole in the version that was asked for.
    assert_right(out, world, outcomes(first).count("fetched"))
    tried(f"{ordered - sum(map(len, world.faults.values()))} faults met")
    world.faults.clear()
    ask("get", BASICS, "--from", place, "-o", out, "--set", "catalog.fresh=0")
    assert_right(out, world, 12)
    assert not list(out.glob(".*.part*"))


@pytest.mark.parametrize("fault, kind", [("404", "not_found"), ("html", None), ("text", "corrupt"), ("loop", "corrupt"),
                                         ("403", None), ("wrong bytes", "corrupt"), ("short length", "corrupt"), ("503", "io")])
def test_faults_that_stay_are_told_and_leave_no_file(ask, world, tmp_path, fault, kind):
    out, names = tmp_path / "out", sorted(world.files)
    arguments = ["get", BASICS, "--from", "podaac", "-o", out, "--set", "transfers.connections=1"]
    ask(*arguments, "--cycles", "475", "--passes", "2-4")
    world.faults[names[0]] = [fault] * 50
    done = ask(*arguments, code=None)
    if kind is None:  # an account that is refused from the beginning ends the run
        assert done.returncode == 1 and "karin login podaac" in done.stderr
    else:
        (row,) = [row for row in done["granules"] if row["outcome"] == "failed"]
        assert row["file"] == names[0] and row["kind"] == kind and row["reason"]
        assert outcomes(done).count("fetched") == 8
    assert not (out / names[0]).exists()
    assert_right(out, world)


def test_a_polite_number_of_requests_at_a_time(ask, world, tmp_path):
    world.delay = 0.05
    ask("get", BASICS, "--from", "aviso", "-o", tmp_path / "out", "--set", "transfers.connections=3")
    assert 2 <= world.open_most <= 3


def test_a_rate_is_kept(ask, world, granules, tmp_path):
    size = len(world.files[granules[0].name])
    start = time.monotonic()
    ask("get", BASICS, "--from", "aviso", "--cycles", "475", "--passes", "1", "-o", tmp_path / "out", "--rate", f"{size}B")
    assert time.monotonic() - start > 0.8


def test_stopped_in_the_middle_a_rerun_moves_only_the_rest(ask, world, tmp_path):
    out = tmp_path / "out"
    total = sum(len(content) for content in world.files.values())
    command = [str(karin_binary()), "get", BASICS, "--from", "aviso", "-o", str(out), "--rate", f"{total // 3}B"]
    for number, code in ((signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)):
        child = subprocess.Popen(command, env=ask.base | ask.accounts, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(0.8)
        child.send_signal(number)
        _, said = child.communicate(timeout=20)
        assert child.returncode == code, said
        assert_right(out, world)
    kept = sum(path.stat().st_size for path in out.iterdir() if path.suffix in (".nc", ".part"))
    done = ask("get", BASICS, "--from", "aviso", "-o", out)
    assert 0 < kept and done["bytes"] == total - kept
    assert_right(out, world, 12)


def test_two_at_once_write_no_wrong_file(ask, world, tmp_path):
    out = tmp_path / "out"
    command = [str(karin_binary()), "--json", "get", BASICS, "--from", "aviso", "-o", str(out)]
    children = [subprocess.Popen(command, env=ask.base | ask.accounts, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                for _ in range(3)]
    for child in children:
        _, said = child.communicate(timeout=60)
        assert child.returncode in (0, 3), said
    assert_right(out, world, 12)


# --- accounts -------------------------------------------------------------------------------------------------------


def test_the_password_of_earthdata_goes_to_its_login_alone(ask, world, tmp_path):
    ask("get", BASICS, "--from", "podaac", "-o", tmp_path / "out", env={"AVISO_USERNAME": "", "AVISO_PASSWORD": ""})
    shown_to = {where for where, _, headers in world.requests if headers.get("authorization") == BASIC}
    assert shown_to == {"login"}


def test_a_token_goes_to_the_archive_alone(ask, world, tmp_path):
    ask("get", BASICS, "--from", "podaac", "-o", tmp_path / "out", account=False, env={"EARTHDATA_TOKEN": TOKEN})
    shown_to = {where for where, _, headers in world.requests if "authorization" in headers}
    assert shown_to == {"archive"} and "login" not in {where for where, _, _ in world.requests}


@pytest.mark.parametrize("place", ["aviso", "podaac"])
def test_without_an_account_or_with_a_wrong_one_the_way_out_is_told(ask, tmp_path, place):
    out = tmp_path / "out"
    told = ask("get", BASICS, "--from", place, "-o", out, account=False, code=1)
    assert f"karin login {place}" in told.stderr and "none is known here" in told.stderr
    wrong = {"AVISO_USERNAME": USER, "AVISO_PASSWORD": "no", "EARTHDATA_USERNAME": USER, "EARTHDATA_PASSWORD": "no"}
    told = ask("get", BASICS, "--from", place, "-o", out, account=False, env=wrong, code=1)
    assert "does not accept the one from environment" in told.stderr
    assert not list(out.glob("*.nc"))


def test_a_login_is_checked_stored_for_its_owner_used_and_removed(ask, world, tmp_path):
    refused = ask("login", "podaac", "--username", USER, input="wrong\n", account=False, code=1)
    assert "does not accept" in refused.stderr
    for service, checked in (("podaac", True), ("cmems", True), ("aviso", False)):
        stored = ask("login", service, "--username", USER, input=f"{PASSWORD}\n", account=False)
        assert stored["checked"] is checked
    keyring = Path(stored["keyring"])
    assert stat.S_IMODE(keyring.stat().st_mode) == 0o600 and PASSWORD in keyring.read_text()
    status = ask("auth", "status", account=False)
    assert [row["account"] for row in status["services"]] == ["password"] * 3 and len(status["order"]) == 4
    for place in ("aviso", "podaac"):
        ask("get", BASICS, "--from", place, "--cycles", "475", "-o", tmp_path / place, account=False)
        assert_right(tmp_path / place, world, 4)
    ask("login", "aviso", "--remove", account=False)
    assert ask("auth", "status", account=False)["services"][0]["account"] is None


def test_a_token_that_has_ended_makes_room_for_the_next_source(ask, world, tmp_path):
    claims = base64.urlsafe_b64encode(json.dumps({"uid": USER, "exp": int(time.time()) - 60}).encode()).decode().rstrip("=")
    ended = {"EARTHDATA_TOKEN": f"eyJhbGciOiJub25lIn0.{claims}.canary"}
    status = ask("auth", "status", env=ended)["services"][1]
    assert status["account"] == "password" and "a token that ended" in status["passed_over"][0]
    ask("get", BASICS, "--from", "podaac", "--cycles", "475", "-o", tmp_path / "out", env=ended)
    assert_right(tmp_path / "out", world, 4)
    told = ask("get", BASICS, "--from", "podaac", "-o", tmp_path / "none", account=False, env=ended, code=1).stderr
    assert "make a new one" in told and "canary" not in told


def test_a_netrc_is_read_if_it_is_private(ask, world, tmp_path):
    netrc = ask.home / ".netrc"
    netrc.write_text(f"machine 127.0.0.1\n  login {USER}\n  password {PASSWORD}\n")
    netrc.chmod(0o644)
    arguments = ["get", BASICS, "--from", "aviso", "--cycles", "475", "-o", tmp_path / "out"]
    assert "chmod 600" in ask(*arguments, account=False, code=1).stderr
    netrc.chmod(0o600)
    ask(*arguments, account=False)
    assert_right(tmp_path / "out", world, 4)
    netrc.rename(tmp_path / "home" / ".netrc-elsewhere")
    moved = tmp_path / "home" / ".netrc-elsewhere"
    status = ask("auth", "status", "--credentials", moved, account=False)
    assert all(row["source"] == str(moved) for row in status["services"])
    moved.rename(netrc)


def status_of(ask, **options):  # noqa: F811
    """What `auth status` says of each service."""
    return {row["service"]: row for row in ask("auth", "status", account=False, **options)["services"]}


def test_every_source_of_accounts_in_the_printed_order(ask, tmp_path):
    """From the last source to the first: each that is added takes the place of those after it, for every service alike."""
    def write(path, mode=0o600):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")
        path.chmod(mode)
        return path

    services = ("aviso", "podaac", "cmems")
    assert all(row["account"] is None and row["source"] is None for row in status_of(ask).values())
    for service in services:
        keyring = ask("login", service, "--username", USER, "--no-check", input=f"{PASSWORD}\n", account=False)["keyring"]
    assert {row["source"] for row in status_of(ask).values()} == {keyring}
    home = ask.home
    write(home / ".altimetry" / ".netrc")  # AVISO's own client keeps it there
    sources = {service: row["source"] for service, row in status_of(ask).items()}
    assert sources == {"aviso": str(home / ".altimetry/.netrc"), "podaac": keyring, "cmems": keyring}
    for path in (home / "_netrc", home / ".netrc"):
        write(path)
        assert {row["source"] for row in status_of(ask).values()} == {str(path)}
    named = {"NETRC": str(write(tmp_path / "elsewhere" / ".netrc"))}
    assert {row["source"] for row in status_of(ask, env=named).values()} == {named["NETRC"]}
    pairs = {"aviso": "AVISO", "podaac": "EARTHDATA", "cmems": "COPERNICUSMARINE_SERVICE"}
    variables = {f"{prefix}_{word}": value for prefix in pairs.values() for word, value in (("USERNAME", USER), ("PASSWORD", PASSWORD))}
    found = status_of(ask, env=named | variables)
    assert {service: row["source"] for service, row in found.items()} == {
        service: f"environment: {prefix}_USERNAME" for service, prefix in pairs.items()}
    found = status_of(ask, env=named | variables | {"EARTHDATA_TOKEN": TOKEN})
    assert found["podaac"]["source"] == "environment: EARTHDATA_TOKEN" and found["podaac"]["account"] == "token"
    flag = write(tmp_path / "flag" / ".netrc")
    told = ask("auth", "status", "--credentials", flag, account=False, env=named | variables | {"EARTHDATA_TOKEN": TOKEN})
    assert {row["source"] for row in told["services"]} == {str(flag)}
    # The order that is printed is the one that was just met.
    assert [word.split()[0] for word in told["order"]] == ["--credentials", "environment", ".netrc", "keyring"]
    text = subprocess.run([str(karin_binary()), "auth", "status"], env=ask.base, capture_output=True, text=True, check=True).stdout
    places = [text.index(word) for word in ("--credentials", "environment", "$NETRC", "keyring (")]
    assert places == sorted(places) and PASSWORD not in text and USER not in text


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o666])
@pytest.mark.parametrize("name", [".netrc", "_netrc", ".altimetry/.netrc", "keyring"])
def test_files_that_others_may_read_are_passed_over(ask, name, mode):
    if name == "keyring":
        path = Path(ask("login", "aviso", "--username", USER, "--no-check", input=f"{PASSWORD}\n", account=False)["keyring"])
    else:
        path = ask.home / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")
    path.chmod(mode)
    row = status_of(ask)["aviso"]
    assert row["account"] is None and str(path) in row["passed_over"][0] and "chmod 600" in row["passed_over"][0]
    path.chmod(0o600)
    assert status_of(ask)["aviso"]["account"] == "password"


def test_half_an_account_a_broken_file_and_no_home_are_told(ask, tmp_path):
    row = status_of(ask, env={"AVISO_USERNAME": USER})["aviso"]
    assert row["account"] is None and "AVISO_USERNAME without AVISO_PASSWORD" in row["passed_over"][0]
    (ask.home / ".netrc").write_text(f"machine 127.0.0.1 login {USER} {PASSWORD}\n")
    (ask.home / ".netrc").chmod(0o600)
    assert "not in the form of a .netrc" in status_of(ask)["podaac"]["passed_over"][0]
    # Without a home there are the flag and the environment; nothing is written anywhere but below the working folder.
    homeless = {name: value for name, value in ask.base.items() if name != "HOME"} | {"AVISO_USERNAME": USER, "AVISO_PASSWORD": PASSWORD}
    done = subprocess.run([str(karin_binary()), "--json", "auth", "status"], env=homeless, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and json.loads(done.stdout)["services"][0]["account"] == "password", done.stderr
    missing = ask("auth", "status", "--credentials", tmp_path / "none", account=False)
    assert all(row["account"] is None for row in missing["services"])


@pytest.mark.parametrize("service", ["aviso", "podaac", "cmems"])
def test_a_login_asks_for_what_it_lacks_and_shows_no_secret(ask, tmp_path, service):
    stored = ask("login", service, "--no-check", input=f"{USER}\n{PASSWORD}\n", account=False)
    assert stored["service"] == service and stored["checked"] is False
    assert ask("login", service, "--username", USER, "--no-check", input="", account=False, code=2)
    if service != "podaac":
        assert "only podaac has tokens" in ask("login", service, "--token", input=f"{TOKEN}\n", account=False, code=2).stderr
    else:
        ask("login", service, "--token", "--no-check", input=f"{TOKEN}\n", account=False)
        assert status_of(ask)["podaac"]["account"] == "token"
    # While a transfer runs, the list of processes holds no secret, and neither does what a collection remembers.
    command = [str(karin_binary()), "sync", f"aviso:{BASICS}", str(tmp_path / "c.karin"), "--rate", "2MB"]
    child = subprocess.Popen(command, env=ask.base | ask.accounts, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.4)
    seen = Path(f"/proc/{child.pid}/cmdline").read_bytes()
    child.kill()
    child.wait()
    assert b"sync" in seen and PASSWORD.encode() not in seen
    told = ask("login", "nasa", input="", account=False, code=2).stderr
    assert "none of aviso, podaac, cmems" in told


# --- attacks --------------------------------------------------------------------------------------------------------


def test_no_server_sends_karin_to_the_house(ask, servers, world, granules, tmp_path):
    trap = servers.urls["trap"]
    port = trap.rsplit(":", 1)[1]
    targets = [f"{trap}/x", f"http://localhost:{port}/x", f"http://2130706433:{port}/x", f"http://0x7f000001:{port}/x",
               f"http://[::ffff:127.0.0.1]:{port}/x", f"http://0177.0.0.1:{port}/x", f"http://user:pw@127.0.0.1:{port}/x",
               "file:///etc/passwd", "ftp://127.0.0.1/x", "http://169.254.169.254/latest/meta-data/", f"//127.0.0.1:{port}/x"]
    names = sorted(world.files)
    for name, target in zip(names, targets):
        world.faults[name] = [f"to {target}"] * 9
    done = ask("get", BASICS, "--from", "aviso", "-o", tmp_path / "out", code=3)
    failed = {row["file"] for row in done["granules"] if row["outcome"] == "failed"}
    assert failed == set(names[: len(targets)])
    assert world.paths("trap") == []
    assert_right(tmp_path / "out", world, 1)


# --- sync -----------------------------------------------------------------------------------------------------------


def test_a_collection_is_kept_up(ask, karin, world, granules, tmp_path):
    collection = tmp_path / "swot.karin"
    held = {name: world.files.pop(name) for name in sorted(world.files)[8:]}
    dry = ask("sync", f"aviso:{BASICS}", collection, "--dry-run")
    assert len(dry["missing"]) == 8 and not collection.exists()
    first = ask("sync", f"aviso:{BASICS}", collection)
    assert (first["found"], first["there"], first["fetched"], first["stored"]) == (8, 0, 8, 8)
    assert not Path(f"{collection}.incoming").exists()
    again = ask("sync", f"aviso:{BASICS}", collection)
    assert (again["there"], again["fetched"], again["stored"], again["bytes"]) == (8, 0, 0, 0)
    world.files |= held
    new = ask("sync", f"aviso:{BASICS}", collection, "--set", "catalog.fresh=0", "--keep", tmp_path / "netcdf")
    assert (new["found"], new["there"], new["fetched"], new["stored"]) == (12, 8, 4, 4)
    assert_right(tmp_path / "netcdf", world, 4)
    ask_all = ["--vars", "ssha_karin_2_qual", "--over", "all", "--stats", "count,mean,min,max"]
    karin("stat", collection, *ask_all, "-o", tmp_path / "a.csv")
    karin("stat", *granules, *ask_all, "-o", tmp_path / "b.csv")
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.csv").read_text()


def test_a_reprocessed_granule_takes_its_place_and_an_older_one_does_not(ask, world, granules, tmp_path):
    collection = tmp_path / "swot.karin"
    one = [f"podaac:{BASICS}", collection, "--cycles", "475", "--passes", "1"]
    ask("sync", *one)
    newer = granules[0].name[: -len("_01.nc")] + "_02.nc"
    world.files[newer] = granules[0].read_bytes()
    done = ask("sync", *one)
    assert (done["there"], done["fetched"], done["stored"]) == (0, 1, 1)
    assert ask("sync", *one)["there"] == 1
    del world.files[newer]
    done = ask("sync", *one)
    assert (done["there"], done["fetched"], done["stored"]) == (1, 0, 0)


def test_from_a_folder_nothing_is_copied(ask, granules, tmp_path):
    collection = tmp_path / "swot.karin"
    done = ask("sync", BASICS, collection, "--from", os.path.commonpath(granules), "--cycles", "475")
    assert (done["found"], done["fetched"], done["stored"], done["bytes"]) == (4, 0, 4, 0)
    assert all(path.exists() for path in granules) and not Path(f"{collection}.incoming").exists()


def test_killed_anywhere_a_rerun_completes(ask, world, tmp_path):
    collection = tmp_path / "swot.karin"
    command = [str(karin_binary()), "sync", f"aviso:{BASICS}", str(collection)]
    for delay in (0.05, 0.15, 0.3, 0.6, 1.0):
        child = subprocess.Popen(command, env=ask.base | ask.accounts, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay)
        child.kill()
        child.wait()
    done = ask("sync", f"aviso:{BASICS}", collection)
    assert done["there"] + done["stored"] == 12 and not done["failed"] and not done["refused"]
    assert ask("sync", f"aviso:{BASICS}", collection)["there"] == 12
    assert ask("verify", collection)["clean"]
    assert not Path(f"{collection}.incoming").exists()


def test_a_line_of_a_cron_job_keeps_a_region_current(ask, karin, world, tmp_path):
    """The command of the guide, as it stands there: killed anywhere, run again, and run when there is something new."""
    flown = ask("passes", "--bbox", "10,-45,30,-30", "--time", "2024-01-10..2024-01-12", "--phase", "science")["passes"]
    seen = [row["pass_number"] for row in flown]
    karin("simulate", "--product", "L3_LR_SSH_Expert", "--phase", "science", "--cycles", "9", "--passes", ",".join(map(str, [1, *seen])),
          "--vars", "ssha_unfiltered", tmp_path / "made")
    made = sorted((tmp_path / "made").rglob("*.nc"))
    world.files = {path.name: path.read_bytes() for path in made[:-1]}
    command = [str(karin_binary()), "sync", "aviso:SWOT_L3_LR_SSH_Expert", "--bbox", "10,-45,30,-30", "--time", "2024-01..", "agulhas.karin"]

    def run():
        done = subprocess.run(command, env=ask.base | ask.accounts | {"KARIN_CATALOG_FRESH": "0"}, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        (line,) = done.stdout.splitlines()
        return line

    for delay in (0.05, 0.2, 0.5):
        child = subprocess.Popen(command, env=ask.base | ask.accounts, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay)
        child.kill()
        child.wait()
    assert run().startswith(f"agulhas.karin: {len(seen) - 1} granules at aviso, ")  # pass 1 does not see it
    assert f"{len(seen) - 1} there, 0 fetched (0 B), 0 stored" in run()
    world.add(made[-1])
    assert f"{len(seen)} granules at aviso, {len(seen) - 1} there, 1 fetched" in run()
    (group,) = ask("ls", tmp_path / "agulhas.karin")["groups"]
    assert [cycle["passes"] for cycle in group["cycles"]] == [",".join(map(str, sorted(seen)))]
    assert ask("verify", tmp_path / "agulhas.karin")["clean"]


def test_what_cannot_be_had_is_told_and_the_rest_goes_on(ask, world, tmp_path):
    collection = tmp_path / "swot.karin"
    name = sorted(world.files)[3]
    world.faults[name] = ["404"] * 9
    done = ask("sync", f"aviso:{BASICS}", collection, code=3)
    assert done["stored"] == 11 and [row["file"] for row in done["failed"]] == [name]
    world.faults.clear()
    assert ask("sync", f"aviso:{BASICS}", collection)["stored"] == 1


def test_only_the_lines_inside_are_kept_if_asked_for(ask, karin, world, granules, tmp_path):
    """`--crop`: partial granules, none without a pixel inside, nothing fetched twice, and a whole one stays whole."""
    collection = tmp_path / "swot.karin"
    with netCDF4.Dataset(granules[5]) as file:
        latitude, longitude = float(file["latitude"][3000, 20]), float(file["longitude"][3000, 20])
    box = f"{longitude - 0.6},{latitude - 0.4},{longitude + 0.6},{latitude + 0.4}"
    asked = ["sync", f"podaac:{BASICS}", collection, "--bbox", box, "--crop"]
    assert "--bbox" in ask("sync", f"podaac:{BASICS}", collection, "--crop", code=2).stderr
    first = ask(*asked)
    assert first["fetched"] == first["found"] > 0 and first["stored"] + first.get("outside", 0) == first["found"]
    assert first["stored"] >= 3  # pass 2 of every cycle
    listed = ask("ls", collection)
    assert all(cycle["partial"] == cycle["passes"] for group in listed["groups"] for cycle in group["cycles"])
    # The values inside are those of the granules.
    selected = ["--bbox", box, "--vars", "ssha_karin_2_qual", "--over", "all", "--stats", "count,mean,min,max"]
    karin("stat", collection, *selected, "-o", tmp_path / "a.csv")
    karin("stat", *granules, *selected, "-o", tmp_path / "b.csv")
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.csv").read_text()
    # Lines outside are not there.
    karin("extract", collection, "--cycles", "476", "--passes", "2", "-o", tmp_path / "kept.nc")
    with netCDF4.Dataset(tmp_path / "kept.nc") as file:
        assert 20 < file["time"][:].count() < 400
    before = len(world.data_requests())
    again = ask(*asked)
    assert (again["there"], again["fetched"], again["stored"]) == (first["found"], 0, 0) and len(world.data_requests()) == before
    assert not Path(f"{collection}.incoming").exists()
    # Whole granules take their place, and a crop leaves them whole.
    whole = ask("sync", f"podaac:{BASICS}", collection, "--bbox", box)
    assert whole["stored"] == whole["found"]
    Path(f"{collection}.crops.jsonl").unlink()
    assert ask(*asked)["there"] == whole["found"]
    assert not any(cycle.get("partial") for group in ask("ls", collection)["groups"] for cycle in group["cycles"])
