"""find, get and sync over SFTP (OpenSSH) and FTP (pyftpdlib): keys and accounts, resume, faults, and servers that are not trusted."""

import getpass
import json
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from access_fixtures import BASICS, ask, assert_right, granules, outcomes, servers, world  # noqa: F401
from access_server import PASSWORD, USER
from conftest import karin_binary
from file_servers import SSHD, Ftp, Proxy, Sshd, tree

LONG = "KARIN_LONG" in os.environ
PRODUCTS = "swot_products/l2_karin/l2_lr_ssh"


@pytest.fixture
def root(granules, tmp_path):
    return tree(tmp_path / "server", granules)


@pytest.fixture(scope="module")
def sshd(tmp_path_factory):
    if not Path(SSHD).exists():
        pytest.skip(f"{SSHD} is not there: install openssh-server")
    server = Sshd(tmp_path_factory.mktemp("sshd"))
    yield server
    server.close()


@pytest.fixture
def sftp(sshd, root, ask):
    """The address of the tree through a proxy; karin knows the host and has a key."""
    proxy = Proxy(sshd.port)
    ask.base["KARIN_SFTP_KNOWN_HOSTS"] = str(sshd.known_hosts(ask.home / "known_hosts", proxy.port))
    ask.base["KARIN_SFTP_KEY"] = str(sshd.key)
    proxy.url = f"sftp://{getpass.getuser()}@127.0.0.1:{proxy.port}{root}"
    yield proxy
    proxy.close()


@pytest.fixture
def ftp(root, ask):
    pytest.importorskip("pyftpdlib")
    netrc = ask.home / ".netrc"
    netrc.write_text(f"machine 127.0.0.1\n  login {USER}\n  password {PASSWORD}\n")
    netrc.chmod(0o600)
    server = Ftp(root)
    yield server
    server.close()


@pytest.fixture(params=["sftp", "ftp"])
def server(request):
    return request.getfixturevalue(request.param)


def test_a_rerun_moves_nothing(ask, server, world, tmp_path):
    found = ask("find", BASICS, "--from", server.url, "--cycles", "475-476", "--passes", "2-3")
    rows = [(row["cycle_number"], row["pass_number"], row["size_is_exact"]) for row in found["granules"]]
    assert rows == [(475, 2, True), (475, 3, True), (476, 2, True), (476, 3, True)]
    assert all(row["size"] == len(world.files[row["location"].rsplit("/", 1)[1]]) for row in found["granules"])
    out = tmp_path / "out"
    first = ask("get", BASICS, "--from", server.url, "-o", out)
    assert outcomes(first) == ["fetched"] * 12 and first["bytes"] == sum(map(len, world.files.values()))
    assert_right(out, world, 12)
    moved = server.sent
    again = ask("get", BASICS, "--from", server.url.replace("sftp://", "scp://"), "-o", out)  # another word for the same
    assert outcomes(again) == ["there"] * 12 and again["bytes"] == 0
    assert server.sent - moved < 50_000  # the folders alone
    assert not list(out.glob(".*.part*"))


def test_what_changed_at_the_server_is_fetched_again(ask, server, root, world, tmp_path):
    out = tmp_path / "out"
    ask("get", BASICS, "--from", server.url, "-o", out, "--cycles", "475")
    path = next(root.rglob("*_475_001_*.nc"))
    os.utime(path, (1e9, 1e9))
    again = ask("get", BASICS, "--from", server.url, "-o", out, "--cycles", "475")
    assert outcomes(again) == ["fetched"] + ["there"] * 3
    assert_right(out, world, 4)


def test_an_interrupted_transfer_goes_on_where_it_stopped(ask, server, sftp, world, granules, tmp_path):
    out, name = tmp_path / "out", granules[0].name
    size = len(world.files[name])
    one = ["get", BASICS, "--from", server.url, "--cycles", "475", "--passes", "1", "-o", out]
    if server is sftp:
        # The first connection lists and fetches; those after it are refused.
        server.faults = [("reset", size // 2 + 20_000)] + [("refused", 0)] * 9
    else:
        server.faults[name] = ["reset"] + ["busy"] * 9
    failed = ask(*one, code=3)
    assert outcomes(failed) == ["failed"] and failed["granules"][0]["kind"] == "io"
    kept = (out / f".{name}.part").stat().st_size
    assert 0 < kept < size and not list(out.glob("*.nc"))
    server.faults = type(server.faults)()
    assert ask(*one)["bytes"] == size - kept
    assert_right(out, world, 1)


# What happens to a connection after so many bytes from the server: while it is made, while folders are listed, while a file comes.
SFTP_FAULTS = [("refused", 0), ("reset", 0), ("close", 900), ("flip", 900), ("stall", 900), ("reset", 5000), ("flip", 5000), ("close", 200_000),
               ("flip", 200_000), ("stall", 200_000), ("reset", 1_500_000), ("close", 1_500_000)]
FTP_FAULTS = ["reset", "reset at once", "broken", "stall", "changed", "cut", "cut at once", "busy", "closed", "gone", "no data", "no file"]


@pytest.mark.parametrize("seed", range(20 if LONG else 4))
def test_sftp_faults_end_in_the_right_file_or_in_an_error(ask, sftp, root, world, granules, tmp_path, tried, seed):
    """12 faults in 20 orders, one with each connection; the first may live, and lists the folders."""
    draw = random.Random(seed)
    sftp.faults = [None] * (seed % 3) + draw.sample(SFTP_FAULTS, 12)
    ordered = len(sftp.faults)
    left = get_through(ask, sftp.url, root, world, granules, tmp_path / "out", sftp.faults)
    tried(f"{ordered - left} connections met what was ordered")


@pytest.mark.parametrize("seed", range(20 if LONG else 4))
def test_ftp_faults_end_in_the_right_file_or_in_an_error(ask, ftp, root, world, granules, tmp_path, tried, seed):
    """12 faults in 20 orders: every granule meets up to three in a row, the first another one than its neighbours'."""
    draw = random.Random(seed)
    for index, name in enumerate(sorted(world.files)):
        ftp.faults[name] = [FTP_FAULTS[(seed + index) % 12], *draw.choices(FTP_FAULTS, k=draw.randint(0, 2))]
    ordered = sum(map(len, ftp.faults.values()))
    left = get_through(ask, ftp.url, root, world, granules, tmp_path / "out", *ftp.faults.values())
    tried(f"{ordered - left} faults met")


def get_through(ask, url, root, world, granules, out, *faults):
    """Fetches all granules through lists of faults: right files or typed errors alone; then, without faults, all of them. Gives how many
    were not met."""
    start = time.monotonic()
    first = ask("get", BASICS, "--from", url, "-o", out, code=None)
    assert time.monotonic() - start < 60
    if isinstance(first, dict):
        assert set(outcomes(first)) <= {"fetched", "failed"}
        assert all(row["kind"] for row in first["granules"] if row["outcome"] == "failed")
    else:
        assert first.returncode == 1 and "cannot be reached" in first.stderr
    left = sum(map(len, faults))
    # Files that changed on the way are there as they are now, or not yet.
    now = {path.name: path.read_bytes() for path in root.rglob("*.nc")}
    for path in out.glob("*.nc"):
        assert path.read_bytes() in (now[path.name], world.files[path.name])
    for one in faults:
        one.clear()
    for granule in granules:
        next(root.rglob(granule.name)).write_bytes(world.files[granule.name])
    ask("get", BASICS, "--from", url, "-o", out)
    assert_right(out, world, 12)
    assert not list(out.glob(".*.part*"))
    return left


def test_killed_in_the_middle_a_rerun_moves_only_the_rest(ask, server, world, tmp_path):
    out = tmp_path / "out"
    total = sum(map(len, world.files.values()))
    command = [str(karin_binary()), "get", BASICS, "--from", server.url, "-o", str(out), "--rate", f"{total // 3}B"]
    for number, code in ((signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)):
        child = subprocess.Popen(command, env=ask.base, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(1.2)
        child.send_signal(number)
        _, said = child.communicate(timeout=20)
        assert child.returncode == code, said
        assert_right(out, world)
    kept = sum(path.stat().st_size for path in out.iterdir() if path.suffix in (".nc", ".part"))
    done = ask("get", BASICS, "--from", server.url, "-o", out)
    assert 0 < kept and done["bytes"] == total - kept
    assert_right(out, world, 12)


def test_a_collection_is_kept_up(ask, server, root, tmp_path):
    collection = tmp_path / "swot.karin"
    late = sorted(root.rglob("*.nc"))[8:]
    for path in late:
        path.rename(tmp_path / path.name)
    first = ask("sync", BASICS, collection, "--from", server.url)
    assert (first["found"], first["fetched"], first["stored"]) == (8, 8, 8)
    for path in late:
        (tmp_path / path.name).rename(path)
    new = ask("sync", BASICS, collection, "--from", server.url)
    assert (new["found"], new["there"], new["fetched"], new["stored"]) == (12, 8, 4, 4)
    assert not Path(f"{collection}.incoming").exists()


def test_granules_are_read_where_they_lie(ask, karin, server, root, granules, tmp_path):
    """Addresses of either protocol are sources of every command; the rest of a granule stays where it is."""
    files = sorted(root.rglob("*.nc"))
    addresses = [f"{server.url}/{path.relative_to(root)}" for path in files]
    info = ask("info", addresses[0])
    local = json.loads(karin("--json", "info", granules[0]).stdout)
    assert {key: info[key] for key in info if key != "path"} == {key: local[key] for key in local if key != "path"}
    words = ["--vars", "ssha_karin_2_qual", "--over", "all", "--stats", "count,min,max", "-o"]
    ask("stat", *addresses[:3], *words, tmp_path / "remote.csv")
    karin("stat", *files[:3], *words, tmp_path / "local.csv")
    assert (tmp_path / "remote.csv").read_text() == (tmp_path / "local.csv").read_text()
    moved = server.sent
    ask("stat", *addresses[:3], *words, tmp_path / "again.csv")
    assert server.sent - moved < 20_000  # from the cache: what is asked is whether they are the same
    answer = ask("ingest", *addresses[:2], tmp_path / "c")
    assert [row["outcome"] for row in answer["granules"]] == ["added"] * 2
    os.utime(files[0], (1e9, 1e9))
    files[0].write_bytes(files[1].read_bytes())
    changed = ask("stat", addresses[0], *words, tmp_path / "changed.csv", code=None)
    assert not isinstance(changed, dict) or (tmp_path / "changed.csv").read_text() != (tmp_path / "remote.csv").read_text()
    missing = ask("info", addresses[0].replace("_475_", "_499_"), code=1)
    assert "_499_" in missing.stderr


@pytest.mark.parametrize("protocol", ["sftp", "ftp"])
def test_aviso_is_asked_over_either(ask, sftp, ftp, root, world, tmp_path, protocol):
    server = sftp.url.replace(f"{getpass.getuser()}@", "")  # settings name no user
    roots = {"KARIN_AVISO_SFTP": f"{server}/swot_products", "KARIN_AVISO_FTP": f"{ftp.url}/swot_products",
             "KARIN_AVISO_PROTOCOL": protocol, "AVISO_USERNAME": getpass.getuser() if protocol == "sftp" else USER}
    (ask.home / ".netrc").unlink()  # the account of AVISO is in the environment
    done = ask("get", f"aviso:{BASICS}", "--cycles", "476", "-o", tmp_path / "out", env=roots)
    assert outcomes(done) == ["fetched"] * 4 and PRODUCTS in done["granules"][0]["from"]
    assert_right(tmp_path / "out", world, 4)
    if protocol == "ftp":  # what cannot hold it is not looked into
        assert not any("Expert" in str(argument) for command, argument in ftp.commands if command in ("MLSD", "LIST"))
    refused = ask("find", "aviso:L3_LR_WIND_WAVE", env=roots, code=2)
    assert f"over {protocol}" in refused.stderr


def test_a_server_that_is_not_known_is_not_trusted(ask, sshd, sftp, world, tmp_path):
    asked = ["get", BASICS, "--from", sftp.url, "-o", tmp_path / "out"]
    known = Path(ask.base["KARIN_SFTP_KNOWN_HOSTS"])
    known.write_text("")
    told = ask(*asked, code=1).stderr
    assert "is not trusted" in told and f"ssh-keyscan -p {sftp.port} 127.0.0.1" in told and "SHA256:" in told
    # What it says works.
    scanned = subprocess.run(["ssh-keyscan", "-p", str(sftp.port), "127.0.0.1"], capture_output=True, text=True, check=True).stdout
    known.write_text(scanned)
    assert len(ask("find", BASICS, "--from", sftp.url)["granules"]) == 12
    # Of several kinds of keys the one that is known is asked for; hashed names of hosts are read.
    sshd.known_hosts(known, sftp.port, key="host_rsa")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", known], check=True, capture_output=True)
    assert "127.0.0.1" not in known.read_text()
    assert len(ask("find", BASICS, "--from", sftp.url)["granules"]) == 12
    sshd.known_hosts(known, sftp.port, key="stranger")
    told = ask(*asked, code=1).stderr
    assert "another one than line 1" in told and "in between" in told
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").glob("*.nc"))


def test_keys_come_from_a_file_from_an_agent_and_from_the_home(ask, sshd, sftp):
    find = ["find", BASICS, "--from", sftp.url, "--cycles", "475"]
    found = lambda **env: len(ask(*find, env=env)["granules"])
    assert found(KARIN_SFTP_KEY=str(sshd.folder / "id_rsa")) == 4
    refused = ask(*find, env={"KARIN_SFTP_KEY": str(sshd.folder / "stranger")}, code=1).stderr
    assert "does not let karin in" in refused and "stranger" in refused and "sftp.key" in refused
    locked = ask(*find, env={"KARIN_SFTP_KEY": str(sshd.folder / "locked")}, code=2).stderr
    assert "ssh-agent" in locked
    assert "no key and no password" in ask(*find, env={"KARIN_SFTP_KEY": ""}, code=1).stderr
    (ask.home / ".ssh").mkdir()
    shutil.copy(sshd.key, ask.home / ".ssh/id_ed25519")
    assert found(KARIN_SFTP_KEY="") == 4
    shutil.rmtree(ask.home / ".ssh")
    agent = subprocess.run(["ssh-agent", "-s"], capture_output=True, text=True, check=True).stdout
    socket, pid = (agent.split(f"{name}=")[1].split(";")[0] for name in ("SSH_AUTH_SOCK", "SSH_AGENT_PID"))
    try:
        subprocess.run(["ssh-add", "-q", sshd.folder / "id_rsa"], env=os.environ | {"SSH_AUTH_SOCK": socket}, check=True)
        assert found(KARIN_SFTP_KEY="", SSH_AUTH_SOCK=socket) == 4
    finally:
        os.kill(int(pid), signal.SIGTERM)


def test_links_are_followed_and_loops_end(ask, sftp, root):
    (root / "loop").symlink_to(root)
    (root / "nowhere").symlink_to(root / "gone")
    (root / "swot_products/again").symlink_to(root / "swot_products/l2_karin")
    os.mkfifo(root / "pipe.nc")
    assert len(ask("find", BASICS, "--from", sftp.url)["granules"]) == 12


def test_a_folder_that_is_not_there_or_not_for_us_is_told(ask, server, sftp, root):
    missing = ask("find", BASICS, "--from", f"{server.url}/none", code=1).stderr
    assert "/none" in missing
    if server is sftp and os.geteuid() != 0:
        shut = next(root.rglob("cycle_476"))
        shut.chmod(0)
        found = ask("find", BASICS, "--from", server.url, code=3)
        shut.chmod(0o755)
        assert len(found["granules"]) == 8 and "does not allow" in found["left_out"][0]["reason"]


def test_ftp_takes_guests_accounts_and_old_servers(ask, root, tmp_path):
    pytest.importorskip("pyftpdlib")
    guest, old = Ftp(root, anonymous=True), Ftp(root, anonymous=True, old=True)
    try:
        for server in (guest, old):
            assert len(ask("find", BASICS, "--from", server.url, account=False)["granules"]) == 12
        assert {"MLSD", "LIST"} & {command for command, _ in old.commands} and "LIST" not in {command for command, _ in guest.commands}
        out = tmp_path / "out"
        ask("get", BASICS, "--from", old.url, "--cycles", "475", "-o", out)
        os.utime(next(root.rglob("*_475_001_*.nc")))
        again = ask("get", BASICS, "--from", old.url, "--cycles", "475", "-o", out)
        assert outcomes(again) == ["there"] * 4  # its times say too little to be compared
    finally:
        guest.close()
        old.close()


def test_ftp_accounts_are_refused_told_and_never_sent_in_the_open(ask, ftp):
    netrc = ask.home / ".netrc"
    netrc.write_text(f"machine 127.0.0.1 login {USER} password wrong\nmachine 203.0.113.1 login {USER} password {PASSWORD}\n")
    told = ask("find", BASICS, "--from", ftp.url, code=1).stderr
    assert "does not accept the account from" in told and ".netrc" in told
    told = ask("find", BASICS, "--from", "ftp://203.0.113.1/x", code=1).stderr
    assert "unencrypted" in told and "ftp.plain=true" in told
    netrc.unlink()
    assert "no account is known here" in ask("find", BASICS, "--from", ftp.url, code=1).stderr
