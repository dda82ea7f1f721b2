"""Granules read where they lie, on servers that count requests and bytes: right, few, and never of two versions."""

import json
import os
import random
import signal
import subprocess
import time

import pytest

from access_fixtures import ask, extracts_of, granules, read_through, servers, world  # noqa: F401
from access_server import PASSWORD, USER
from conftest import karin_binary
from scattered import stored, variable_by_variable
from stored_values import assert_same

LONG = "KARIN_LONG" in os.environ
EXPERT = "L2_LR_SSH_Expert"
REAL = "swot_l3/SWOT_L3_LR_SSH_Expert_026_165_20241229T165806_20241229T174933_v2.0.1.nc"
BOX = ["--bbox", "-180,-20,180,20"]


@pytest.fixture(scope="module")
def expert(karin, tmp_path_factory):
    """A whole Expert granule of level 2, 98 variables, 24 MB."""
    folder = tmp_path_factory.mktemp("expert")
    karin("simulate", "--product", EXPERT, "--cycles", "10", "--passes", "13", folder)
    (path,) = folder.rglob("*.nc")
    return path


@pytest.fixture
def serve(servers, world):  # noqa: F811
    """Puts a file on the server; gives its address."""

    def put(path):
        world.add(path)
        return f"{servers.urls['site']}/list/x/{path.name}"

    return put


@pytest.fixture
def traffic(world):  # noqa: F811
    """Requests and bytes since it was asked last."""
    last = [0, 0]

    def since():
        now = [len(world.requests), world.sent]
        requests, sent = now[0] - last[0], now[1] - last[1]
        last[:] = now
        return requests, sent

    return since


def extract_both(ask, karin, address, path, tmp_path, *flags):  # noqa: F811
    ask("extract", address, *flags, "-o", tmp_path / "remote.nc")
    karin("extract", path, *flags, "-o", tmp_path / "local.nc")
    assert_same(tmp_path / "remote.nc", tmp_path / "local.nc")


def test_a_region_of_one_variable_moves_little(ask, karin, serve, traffic, expert, tmp_path):  # noqa: F811
    address, size = serve(expert), expert.stat().st_size
    extract_both(ask, karin, address, expert, tmp_path, "--vars", "ssha_karin_2", *BOX)
    requests, sent = traffic()
    print(f"first contact: {requests} requests, {sent} of {size} bytes")
    assert requests <= 12 and sent <= size / 4
    # Another variable, with the index known: coordinates lie in the cache.
    extract_both(ask, karin, address, expert, tmp_path, "--vars", "swh_karin", *BOX)
    requests, sent = traffic()
    needed = stored(expert, ["swh_karin", "swh_karin_qual"])
    print(f"index known: {requests} requests, {sent} bytes for {needed}")
    assert requests <= 3 and sent <= 1.2 * needed
    # Values are forgotten, the index is not.
    for part in (ask.home / ".cache/karin/granules").rglob("*-*"):
        if part.is_file():
            part.unlink()
    extract_both(ask, karin, address, expert, tmp_path, "--vars", "ssh_karin", *BOX)
    requests, sent = traffic()
    needed = stored(expert, ["time", "latitude", "longitude", "ssh_karin", "ssh_karin_qual"])
    print(f"index alone known: {requests} requests, {sent} bytes for {needed}")
    assert requests <= 3 and sent <= 1.2 * needed
    # All known: only whether the file is still the same is asked.
    extract_both(ask, karin, address, expert, tmp_path, "--vars", "ssh_karin", *BOX)
    requests, sent = traffic()
    assert requests == 1 and sent < 100


def test_a_real_granule(ask, karin, serve, traffic, reference_data, tmp_path):  # noqa: F811
    path = reference_data(REAL)
    address = serve(path)
    flags = ["--vars", "ssha_filtered", *BOX]
    extract_both(ask, karin, address, path, tmp_path, *flags)
    requests, sent = traffic()
    needed = stored(path, ["time", "latitude", "longitude", "ssha_filtered", "quality_flag"])
    print(f"first contact: {requests} requests, {sent} bytes for {needed} of {path.stat().st_size}")
    # KaRIn was off: coordinates are most of this file, and have to come.
    assert requests <= 12 and sent - needed <= path.stat().st_size / 4
    extract_both(ask, karin, address, path, tmp_path, "--vars", "mss", *BOX)
    requests, sent = traffic()
    print(f"index known: {requests} requests, {sent} bytes")
    assert requests <= 3 and sent <= 1.2 * stored(path, ["mss"]) + 20_000


@pytest.fixture(scope="module")
def scattered(expert, tmp_path_factory):
    """The same granule as the netCDF library writes it variable by variable: headers lie among the values."""
    return variable_by_variable(expert, tmp_path_factory.mktemp("scattered") / expert.name, complevel=1, most=40, flushed=True)


def test_headers_that_lie_all_over_the_file(ask, karin, serve, traffic, scattered, tmp_path):  # noqa: F811
    address, size = serve(scattered), scattered.stat().st_size
    extract_both(ask, karin, address, scattered, tmp_path, "--vars", "ssha_karin_2", *BOX)
    requests, sent = traffic()
    print(f"first contact: {requests} requests, {sent} of {size} bytes")
    assert requests <= 12 and sent <= size / 4
    extract_both(ask, karin, address, scattered, tmp_path, "--vars", "ssha_karin_2", "--bbox", "-180,-10,180,30")
    requests, sent = traffic()
    print(f"index known: {requests} requests, {sent} bytes")
    assert requests <= 3


def test_a_server_that_gives_one_range_at_a_time_is_asked_for_several_once(ask, karin, serve, world, traffic, scattered, tmp_path):  # noqa: F811
    world.several = False
    address, size = serve(scattered), scattered.stat().st_size
    several = lambda: sum("," in headers.get("range", "") for _, _, headers in world.requests)  # noqa: E731
    extract_both(ask, karin, address, scattered, tmp_path, "--vars", "ssha_karin_2", *BOX)
    # Only the headers that it needs are read: with all of them these were 32 requests.
    requests, sent = traffic()
    print(f"first contact, range by range: {requests} requests, {sent} of {size} bytes, one answer broken off included")
    assert several() == 1 and requests <= 12
    # Another granule of that server, which is known by now.
    other = scattered.parent / scattered.name.replace("_013_", "_014_")
    other.write_bytes(scattered.read_bytes())
    extract_both(ask, karin, serve(other), other, tmp_path, "--vars", "ssha_karin_2", *BOX)
    requests, sent = traffic()
    print(f"first contact with another: {requests} requests, {sent} of {size} bytes")
    assert several() == 1 and requests <= 12 and sent <= size / 4


def test_what_was_read_of_a_structure_is_never_taken_for_all_of_it(ask, karin, serve, traffic, scattered, tmp_path):  # noqa: F811
    address = serve(scattered)
    # Made of two variables, gated by their flags; a condition on a third.
    flags = ["--vars", "step,swh_karin", "--let", "step=ssha_karin_2 - ssh_karin", "--where", "distance_to_coast > 100000", "--quality", "good", *BOX]
    extract_both(ask, karin, address, scattered, tmp_path, *flags)
    first, _ = traffic()
    for wrong in ("ssha_karin_3", "sig0_karin_two"):
        refused = ask("extract", address, "--vars", wrong, "-o", tmp_path / "x.nc", code=1)
        local = karin("--json", "extract", scattered, "--vars", wrong, "-o", tmp_path / "x.nc", code=1)
        assert "did you mean" in refused.stderr and refused.stderr == local.stderr
    info, local = ask("info", address), json.loads(karin("--json", "info", scattered).stdout)
    assert {key: info[key] for key in info if key != "path"} == {key: local[key] for key in local if key != "path"}
    extract_both(ask, karin, address, scattered, tmp_path, *BOX)
    # What it knows of the structure has grown by now: only values come.
    traffic()
    extract_both(ask, karin, address, scattered, tmp_path, "--vars", "polarization_karin", "--bbox", "-180,-10,180,30")
    requests, _ = traffic()
    assert requests <= 2 <= first


@pytest.mark.parametrize("fault", ["503", "reset", "404", "401", "html", "changed"])
@pytest.mark.parametrize("request_number", [2, 3, 4, 5])
def test_several_ranges_with_faults_end_in_the_right_values_or_in_an_error(ask, karin, serve, world, scattered, tmp_path, fault, request_number):  # noqa: F811
    address = serve(scattered)
    world.faults[scattered.name] = [None] * (request_number - 1) + [fault]
    out, local = tmp_path / "remote.nc", tmp_path / "local.nc"
    ask("extract", address, "--vars", "ssha_karin_2", *BOX, "-o", out, code=None)
    karin("extract", scattered, "--vars", "ssha_karin_2", *BOX, "-o", local)
    if out.exists():
        assert_same(out, local)
    assert "panicked" not in ask.heard[-1]


@pytest.mark.parametrize("request_number", [2, 3, 4])
def test_a_file_that_changes_between_two_ranges_is_never_mixed(ask, karin, serve, world, expert, tmp_path, request_number):  # noqa: F811
    address = serve(expert)
    world.faults[expert.name] = [None] * (request_number - 1) + ["changed"]
    out, local = tmp_path / "out.nc", tmp_path / "local.nc"
    ask("extract", address, "--vars", "ssha_karin_2", *BOX, "-o", out, code=None)
    karin("extract", expert, "--vars", "ssha_karin_2", *BOX, "-o", local)
    if request_number >= 3:  # in the middle of the values
        assert "changed while it was fetched" in ask.heard[-1] and not out.exists()
    if out.exists():  # before anything was made of it: begun anew
        assert_same(out, local)
    # The next run meets the new version alone.
    world.files[expert.name] = expert.read_bytes()
    ask("extract", address, "--vars", "ssha_karin_2", *BOX, "-o", out)
    assert_same(out, local)


READ_FAULTS = ["reset", "truncated", "stall", "short length", "long length", "429", "503", "500", "html", "text", "empty", "401", "wrong range",
               "no ranges"]


@pytest.fixture(scope="module")
def extracts(karin, granules, tmp_path_factory):  # noqa: F811
    return extracts_of(karin, granules, tmp_path_factory.mktemp("extracts"))


@pytest.mark.parametrize("seed", range(20 if LONG else 3))
def test_faults_end_in_the_right_values_or_in_an_error(ask, serve, world, granules, extracts, tmp_path, tried, seed):  # noqa: F811
    """14 faults in 20 orders: reading each of twelve granules meets up to four, the first another one than its neighbours'."""
    draw, addresses = random.Random(seed), [serve(path) for path in granules]
    for index, path in enumerate(granules):
        first = READ_FAULTS[(seed + index) % len(READ_FAULTS)]
        world.faults[path.name] = [None] * draw.randint(0, 2) + [first] + draw.choices([*READ_FAULTS, None], k=3)
    ordered = sum(len(faults) for faults in world.faults.values())
    made = read_through(ask, addresses, tmp_path / "out", extracts, account=False)
    tried(f"{ordered - sum(map(len, world.faults.values()))} answers as ordered, {made} of 12 granules read")
    world.faults.clear()
    # Nothing wrong was kept.
    assert read_through(ask, addresses, tmp_path / "again", extracts) == 12


@pytest.mark.parametrize("lacks", ["ranges", "versions"])
def test_a_server_without_parts_sends_the_whole_once_and_it_is_said(ask, karin, serve, world, traffic, granules, tmp_path, lacks):  # noqa: F811
    path = granules[0]
    address = serve(path)
    setattr(world, lacks, False)
    extract_both(ask, karin, address, path, tmp_path, "--vars", "ssha_karin_2_qual")
    assert "fetched whole" in ask.heard[0]
    _, sent = traffic()
    assert sent >= path.stat().st_size
    refused = ask("info", address, "--set", "cache.size=0.001", code=1, env={"XDG_CACHE_HOME": str(tmp_path / "small")})
    assert "larger than the cache may be" in refused.stderr and "cache.size" in refused.stderr


def test_the_cache_stays_small_and_damage_in_it_is_mended(ask, karin, serve, traffic, granules, tmp_path):  # noqa: F811
    cache = ask.home / ".cache/karin/granules"
    for path in granules:
        extract_both(ask, karin, serve(path), path, tmp_path, "--vars", "ssha_karin_2_qual", "--set", "cache.size=6")
    assert sum(file.stat().st_size for file in cache.rglob("*") if file.is_file()) <= 9e6
    # A newcomer without room left still reads.
    for file in cache.rglob("*"):
        if file.is_file():
            content = bytearray(file.read_bytes())
            content[len(content) // 2] ^= 1
            file.write_bytes(content)
    extract_both(ask, karin, serve(granules[-1]), granules[-1], tmp_path, "--vars", "ssha_karin_2_qual")


def test_every_command_takes_addresses_and_lists_of_them(ask, karin, servers, serve, world, granules, tmp_path):  # noqa: F811
    addresses = [serve(path) for path in granules]
    info = ask("info", addresses[0])
    local = json.loads(karin("--json", "info", granules[0]).stdout)
    assert info["path"] == addresses[0]
    assert {key: info[key] for key in info if key != "path"} == {key: local[key] for key in local if key != "path"}
    statistic = ["--vars", "ssha_karin_2_qual", "--over", "all", "--stats", "count,min,max", "-o"]
    (tmp_path / "list").write_text("# all\n" + "\n".join(addresses))
    ask("stat", f"@{tmp_path / 'list'}", *statistic, tmp_path / "remote.csv")
    karin("stat", *granules, *statistic, tmp_path / "local.csv")
    assert (tmp_path / "remote.csv").read_text() == (tmp_path / "local.csv").read_text()
    # What find answers is a list too; its granules ask for an account.
    found = ask("find", "L2_LR_SSH_Basic", "--from", f"{servers.urls['site']}/list/")
    (tmp_path / "found.json").write_text(json.dumps(found))
    ask("stat", f"@{tmp_path / 'found.json'}", *statistic, tmp_path / "found.csv")
    assert (tmp_path / "found.csv").read_text() == (tmp_path / "local.csv").read_text()
    ask("plot", addresses[0], "--vars", "ssha_karin_2_qual", "-o", tmp_path / "map.png")
    collections = [tmp_path / "remote.karin", tmp_path / "local.karin"]
    answer = ask("ingest", *addresses[:4], collections[0])
    assert [row["outcome"] for row in answer["granules"]] == ["added"] * 4
    again = ask("ingest", *granules[:4], collections[0])
    assert [row["outcome"] for row in again["granules"]] == ["already there"] * 4
    missing = ask("info", addresses[0].replace("475", "599"), code=1)
    assert "404" in missing.stderr


@pytest.mark.parametrize("command", [["info"], ["stat", "--over", "all", "--vars", "ssha_karin_2_qual"], ["extract", "--vars", "ssha_karin_2_qual", "-o"],
                                     ["plot", "--vars", "ssha_karin_2_qual", "-o"], ["ingest"]], ids=lambda command: command[0])
@pytest.mark.parametrize("request_number", [1, 2])
def test_a_stalled_range_ends_at_ctrl_c(ask, serve, world, granules, tmp_path, command, request_number):  # noqa: F811
    """Servers may say nothing for a minute; whoever wants to stop does not wait for that."""
    address = serve(granules[0])
    world.stall = 20
    world.faults[granules[0].name] = [None] * (request_number - 1) + ["stall"] * 9
    out = {"extract": [tmp_path / "x.nc"], "plot": [tmp_path / "x.png"], "ingest": [tmp_path / "c"]}.get(command[0], [])
    child = subprocess.Popen([str(karin_binary()), command[0], address, *command[1:], *out, "--set", "transfers.stall=60"], env=ask.base,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 20
    while world.faults[granules[0].name].count("stall") == 9 and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)
    start = time.monotonic()
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=20)
    assert time.monotonic() - start < 1.5 and child.returncode == 130, said
    assert "left out" not in said and not any(path.is_file() for path in out), said


def test_a_granule_that_cannot_be_had_is_asked_for_once(ask, serve, world, granules, tmp_path):  # noqa: F811
    addresses = [serve(path) for path in granules[:3]]
    world.faults[granules[0].name] = ["404"] * 9
    ask("stat", *addresses, "--vars", "ssha_karin_2_qual", "--over", "all", "-o", tmp_path / "x.csv", code=3)
    assert "404" in ask.heard[-1]
    assert len([path for path in world.data_requests() if path.endswith(granules[0].name)]) == 1


def test_credentials_go_to_their_own_server(ask, world, servers, granules):  # noqa: F811
    name = granules[0].name
    ask("info", f"{servers.urls['archive']}/x/{name}")
    refused = ask("info", f"{servers.urls['archive']}/y/{name}", account=False, env={"XDG_CACHE_HOME": "/nonexistent"}, code=1)
    assert "account" in refused.stderr
    unknown = ask("info", f"gopher://example.org/{name}", code=2)
    assert "gopher" in unknown.stderr


def test_a_merge_reaches_granules_as_it_is_told(ask, servers, granules, tmp_path):  # noqa: F811
    """The states of most reductions need their sources to merge: accounts and settings for them are those of the merge."""
    sources = [f"{servers.urls['archive']}/x/{path.name}" for path in granules[:2]]
    statistic = ["--vars", "ssha_karin_2_qual", "--over", "all", "--stats", "count,max"]
    states = [tmp_path / f"{number}.state" for number in (1, 2)]
    for number, state in enumerate(states, 1):
        ask("stat", *sources, *statistic, "--shard", f"{number}/2", "-o", state)
    merge = ["merge", *states, "-o", tmp_path / "merged.csv"]
    alone = {"account": False, "env": {"XDG_CACHE_HOME": str(tmp_path / "cache")}}
    refused = ask(*merge, code=1, **alone)
    assert "account" in refused.stderr and not (tmp_path / "merged.csv").exists()
    assert "transfers.connections" in ask(*merge, "--set", "transfers.conections=3", code=2).stderr
    accounts = tmp_path / ".netrc"
    accounts.write_text(f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")
    accounts.chmod(0o600)
    ask(*merge, "--credentials", accounts, "--set", "transfers.connections=2", **alone)
    ask("stat", *sources, *statistic, "-o", tmp_path / "whole.csv")
    assert (tmp_path / "merged.csv").read_text() == (tmp_path / "whole.csv").read_text()
