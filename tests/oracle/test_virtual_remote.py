"""Virtual granules at servers and in buckets: values against netCDF4-python and stock Icechunk with xarray; what changed, is gone, or is
named by a collection that nobody vouches for; accounts and keys that go to their own place and into no collection."""

import getpass
import json
from pathlib import Path

import numpy as np
import pytest

from access_fixtures import ask, granules, outcomes, servers, world  # noqa: F401
from access_server import BASIC, BUCKET_SECRET, BUCKET_TOKEN, TOKEN
from s3_server import bucket  # noqa: F401
from stored_values import assert_same, raw
from virtual_fixtures import GROUP, files_of, made  # noqa: F401

DATE = "Sat, 01 Jun 2024 12:00:00 GMT"
LATER = "Sun, 02 Jun 2024 12:00:00 GMT"


def flipped(content):
    """The same bytes but for the last."""
    return content[:-1] + bytes([content[-1] ^ 1])


class Web:
    """The granules at a server that no setting names."""

    def __init__(self, servers, world, files):  # noqa: F811
        for path in files:
            world.add(path)
        self.world, self.place = world, servers.urls["mirror"]
        self.addresses = [f"{self.place}/swot/{path.name}" for path in files]

    def change(self, name):
        self.world.files[name] = flipped(self.world.files[name])

    def remove(self, name):
        del self.world.files[name]


class Bucket:
    """The granules in a bucket; the keys in the environment are canaries."""

    def __init__(self, endpoint, client, files):
        self.client, self.endpoint, self.place = client, endpoint, "s3://bucket"
        self.addresses = [f"s3://bucket/swot/{path.name}" for path in files]
        for path in files:
            client.upload_file(str(path), "bucket", f"swot/{path.name}")

    def change(self, name):
        content = self.client.get_object(Bucket="bucket", Key=f"swot/{name}")["Body"].read()
        self.client.put_object(Bucket="bucket", Key=f"swot/{name}", Body=flipped(content))

    def remove(self, name):
        self.client.delete_object(Bucket="bucket", Key=f"swot/{name}")


@pytest.fixture
def files(made):  # noqa: F811
    return files_of(made)


@pytest.fixture
def web(servers, world, files):  # noqa: F811
    return Web(servers, world, files)


@pytest.fixture
def s3(bucket, ask, files):  # noqa: F811
    endpoint, client = bucket
    ask.base |= {"KARIN_S3_ENDPOINT": endpoint, "KARIN_S3_REGION": "us-east-1", "AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1",
                 "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": BUCKET_SECRET, "AWS_SESSION_TOKEN": BUCKET_TOKEN}
    return Bucket(endpoint, client, files)


@pytest.fixture(params=["web", "s3"])
def there(request):
    return request.getfixturevalue(request.param)


def one(collection, path, out):
    """The command that extracts one granule whole."""
    cycle, number = path.name.split("_")[5:7]
    return ["extract", collection, "--cycles", cycle, "--passes", number, "-o", out]


def allow(place):
    return ["--set", f"virtual.allowed={place}"]


def test_values_stay_there_and_are_those_of_the_files(ask, karin, there, files, tmp_path):  # noqa: F811
    collection = tmp_path / "c.karin"
    assert outcomes(ask("ingest", "--virtual", *there.addresses, collection)) == ["added"] * 6
    assert outcomes(ask("ingest", "--virtual", *there.addresses, collection)) == ["already there"] * 6
    (group,) = ask("ls", collection)["groups"]
    assert (group["path"], group["granules"]) == ("/" + GROUP, 6)
    allowed = allow(there.place)
    for path in files:
        ask(*one(collection, path, tmp_path / path.name), *allowed)
        assert_same(tmp_path / path.name, path)
    words = ["--vars", "ssha_karin_2", "--over", "cycle", "--stats", "mean,count", "--quality", "good", "-o"]
    ask("stat", collection, *words, tmp_path / "a.nc", *allowed)
    karin("stat", *files, *words, tmp_path / "b.nc")
    assert_same(tmp_path / "a.nc", tmp_path / "b.nc")
    report = ask("verify", "--deep", collection, *allowed)
    assert report["clean"]
    ask("gc", "--keep", "0s", "--grace", "0s", collection)
    ask(*one(collection, files[0], tmp_path / "again.nc"), *allowed)


def test_structure_and_coordinates_move_and_values_do_not(ask, karin, servers, world, tmp_path):  # noqa: F811
    karin("simulate", "--product", "L2_LR_SSH_Expert", "--phase", "science", "--cycles", "3", "--passes", "5", tmp_path / "made")
    (path,) = files_of(tmp_path / "made")
    web = Web(servers, world, [path])
    ask("ingest", "--virtual", *web.addresses, tmp_path / "c.karin")
    moved = world.sent
    ask("extract", tmp_path / "c.karin", "--vars", "ssha_karin_2", "-o", tmp_path / "x.nc", *allow(web.place))
    print(f"ingest: {moved}, one variable: {world.sent - moved}, of {path.stat().st_size} bytes, in {len(world.paths('mirror'))} requests")
    assert moved <= path.stat().st_size / 4 and world.sent - moved <= path.stat().st_size / 4
    karin("extract", path, "--vars", "ssha_karin_2", "-o", tmp_path / "y.nc")
    assert_same(tmp_path / "x.nc", tmp_path / "y.nc")


def test_what_changed_or_is_gone_is_named(ask, there, files, tmp_path):  # noqa: F811
    collection, allowed = tmp_path / "c.karin", allow(there.place)
    ask("ingest", "--virtual", *there.addresses, collection)
    changed, gone, *others = files
    out = tmp_path / "x.nc"
    ask(*one(collection, changed, out), *allowed)  # what is kept of the old version is of no use later
    out.unlink()
    there.change(changed.name)
    there.remove(gone.name)
    for path, word in ((changed, "changed since it was ingested"), (gone, "not there any more")):
        told = ask(*one(collection, path, out), *allowed, code=1)
        assert path.name in told.stderr and word in told.stderr and not out.exists(), told
    faults = json.loads(karin_answer(ask("verify", collection, *allowed, code=4)))["faults"]
    addresses = dict(zip(files, there.addresses, strict=True))
    assert {(fault["object"], fault["kind"]) for fault in faults} == {(addresses[changed], "changed"), (addresses[gone], "missing")}
    ask(*one(collection, others[0], out), *allowed)
    assert_same(out, others[0])
    # Registered again as it is now, without --replace; what is gone is told and the rest goes on.
    report = ask("ingest", "--virtual", *there.addresses, collection, code=3)
    assert sorted(outcomes(report)) == ["already there"] * 4 + ["refused", "replaced"]
    ask("verify", collection, *allowed, code=4)


def karin_answer(done):
    return json.dumps(done) if isinstance(done, dict) else done.stdout


def test_stock_icechunk_and_xarray_read_it_where_they_are_allowed_to(ask, there, files, tmp_path):  # noqa: F811
    icechunk, xarray = pytest.importorskip("icechunk"), pytest.importorskip("xarray")
    collection = tmp_path / "c.karin"
    if isinstance(there, Web):
        there.world.modified = DATE
        word = icechunk.Credentials.HttpAccess()
    else:
        word = icechunk.s3_credentials(access_key_id="key", secret_access_key="secret")
        word = icechunk.containers_credentials({f"{there.place}/": word})[f"{there.place}/"]
    ask("ingest", "--virtual", *there.addresses, collection)

    def opened(**access):
        repository = icechunk.Repository.open(icechunk.local_filesystem_storage(str(collection)), **access)
        return xarray.open_zarr(repository.readonly_session("main").store, group=GROUP, decode_cf=False)

    dataset = opened(authorize_virtual_chunk_access={f"{there.place}/": word})
    for path in files:
        cycle, number = map(int, path.name.split("_")[5:7])
        found, expected = dataset.sel(cycle_number=cycle, pass_number=number), raw(path)
        for name in ("ssha_karin_2", "ssha_karin_2_qual", "latitude", "time"):
            np.testing.assert_array_equal(found[name].values, expected[name], err_msg=name)
    first = {"cycle_number": 475, "pass_number": 1}
    with pytest.raises(Exception, match="authorize"):
        opened().sel(first)["ssha_karin_2"].load()
    # A file that is another one by now is refused by them too.
    there.change(files[0].name)
    if isinstance(there, Web):
        there.world.modified = LATER
    with pytest.raises(Exception, match="modified|has changed"):
        opened(authorize_virtual_chunk_access={f"{there.place}/": word}).sel(first)["ssha_karin_2"].load()


def test_nobody_is_asked_whom_the_reader_did_not_name(ask, there, world, files, tmp_path):  # noqa: F811
    """A collection of a stranger: it names servers and buckets, and nothing goes there, not even a question."""
    collection, out = tmp_path / "c.karin", tmp_path / "x.nc"
    ask("ingest", "--virtual", *there.addresses, collection)
    world.requests.clear()
    words = one(collection, files[0], out)
    told = ask(*words, code=1).stderr
    assert f"--set virtual.allowed={there.place}" in told and files[0].name in told and not out.exists()
    for wrong in ("https://example.org", "s3://bucke", "s3://bucket/other", "http://127.0.0.1:1"):
        assert "virtual.allowed" in ask(*words, *allow(wrong), code=1).stderr
    assert "expected https://HOST" in ask(*words, *allow("example.org"), code=2).stderr
    assert ask("stat", collection, "--vars", "ssha_karin_2", "--over", "all", code=None) is not None
    (fault, *_) = json.loads(karin_answer(ask("verify", collection, code=4)))["faults"]
    assert fault["kind"] == "unreadable" and "virtual.allowed" in fault["reason"]
    assert world.requests == []
    # Said in the environment or the file of settings, it holds for every command and for Python.
    ask(*words, env={"KARIN_VIRTUAL_ALLOWED": f"https://example.org,{there.place}"})
    assert_same(out, files[0])


def test_in_the_bucket_of_the_collection_nothing_has_to_be_said(ask, s3, files, tmp_path):  # noqa: F811
    collection = "s3://bucket/c.karin"
    ask("ingest", "--virtual", *s3.addresses, collection)
    ask(*one(collection, files[0], tmp_path / "x.nc"))
    assert_same(tmp_path / "x.nc", files[0])
    stored = s3.client.list_objects_v2(Bucket="bucket", Prefix="c.karin/")["Contents"]
    bodies = [s3.client.get_object(Bucket="bucket", Key=entry["Key"])["Body"].read() for entry in stored]
    assert not any(secret.encode() in body for secret in (BUCKET_SECRET, BUCKET_TOKEN) for body in bodies)


def test_a_collection_elsewhere_reads_files_of_this_machine_only_if_told(ask, s3, files, tmp_path):  # noqa: F811
    collection, out = "s3://bucket/files.karin", tmp_path / "x.nc"
    ask("ingest", "--virtual", *files, collection)
    assert set(outcomes(ask("ingest", "--virtual", *files, collection))) == {"already there"}
    told = ask(*one(collection, files[0], out), code=1).stderr
    folder = files[0].resolve().parent
    assert f"--set virtual.allowed=file://{folder}" in told and not out.exists()
    ask(*one(collection, files[0], out), *allow(f"file://{folder}"))
    assert_same(out, files[0])


def test_an_allowed_server_does_not_send_its_reader_elsewhere(ask, web, servers, world, files, tmp_path):  # noqa: F811
    collection, allowed = tmp_path / "c.karin", allow(web.place)
    ask("ingest", "--virtual", *web.addresses, collection)
    trap = servers.urls["trap"]
    port = trap.rsplit(":", 1)[1]
    targets = [f"{trap}/x.nc", f"http://localhost:{port}/x.nc", f"http://2130706433:{port}/x.nc", f"http://[::ffff:127.0.0.1]:{port}/x.nc",
               "http://169.254.169.254/latest/x.nc", "file:///etc/passwd"]
    for path, target in zip(files, targets, strict=True):
        world.faults[path.name] = [f"to {target}"] * 99
        told = ask(*one(collection, path, tmp_path / "x.nc"), *allowed, code=1)
        assert path.name in told.stderr and not (tmp_path / "x.nc").exists()
    assert world.paths("trap") == []
    # Accounts are known here; this server is nobody's.
    assert not any("authorization" in headers for where, _, headers in world.requests if where == "mirror")


def test_accounts_go_to_their_provider_alone(ask, servers, world, files, tmp_path):  # noqa: F811
    """Granules at PO.DAAC: whoever has an account reads them, with no further word."""
    for path in files:
        world.add(path)
    collection, out = tmp_path / "c.karin", tmp_path / "x.nc"
    addresses = [f"{servers.urls['archive']}/x/{path.name}" for path in files]
    ask("ingest", "--virtual", *addresses, collection)
    ask(*one(collection, files[0], out))
    assert_same(out, files[0])
    assert {where for where, _, headers in world.requests if headers.get("authorization") == BASIC} == {"login"}
    ask(*one(collection, files[1], tmp_path / "y.nc"), account=False, env={"EARTHDATA_TOKEN": TOKEN})
    assert {where for where, _, headers in world.requests if TOKEN in headers.get("authorization", "")} == {"archive"}
    world.sessions.clear()
    told = ask(*one(collection, files[2], tmp_path / "z.nc"), account=False, code=1)
    assert "karin login podaac" in told.stderr and files[2].name in told.stderr


def test_what_find_answers_can_be_virtual(ask, servers, world, granules, tmp_path):  # noqa: F811
    found = ask("find", "L2_LR_SSH_Basic", "--from", "aviso", "--cycles", "475")
    (tmp_path / "found.json").write_text(json.dumps(found))
    report = ask("ingest", "--virtual", f"@{tmp_path / 'found.json'}", tmp_path / "c.karin")
    assert outcomes(report) == ["added"] * 4
    ask(*one(tmp_path / "c.karin", granules[0], tmp_path / "x.nc"))
    assert_same(tmp_path / "x.nc", granules[0])


def test_a_key_in_an_address_stays_out_of_collections(ask, web, tmp_path):  # noqa: F811
    report = ask("ingest", "--virtual", f"{web.addresses[0]}?key={TOKEN}", *web.addresses[1:], tmp_path / "c.karin", code=3)
    refused = [granule for granule in report["granules"] if granule["outcome"] == "refused"]
    assert len(refused) == 1 and "may be a key" in refused[0]["reason"] and len(outcomes(report)) == 6
    web.world.requests.clear()  # the test typed it into an address; karin did not


@pytest.mark.parametrize("said", ["tag", "date", "nothing"])
def test_a_version_is_what_the_server_says_it_is(ask, web, files, tmp_path, said):  # noqa: F811
    collection, allowed = tmp_path / "c.karin", allow(web.place)
    web.world.versions, web.world.modified = said == "tag", DATE if said == "date" else None
    report = ask("ingest", "--virtual", *web.addresses, collection, code=3 if said == "nothing" else 0)
    if said == "nothing":
        assert all("neither a version nor a date" in granule["reason"] for granule in report["granules"])
        return
    ask(*one(collection, files[0], tmp_path / "x.nc"), *allowed)
    web.change(files[0].name)
    web.world.modified = LATER if said == "date" else None
    told = ask(*one(collection, files[0], tmp_path / "y.nc"), *allowed, code=1)
    assert "changed since it was ingested" in told.stderr and not Path(tmp_path / "y.nc").exists()


def test_files_at_sftp_take_a_word_too(ask, tmp_path, made):  # noqa: F811
    from file_servers import SSHD, Sshd

    if not Path(SSHD).exists():
        pytest.skip(f"{SSHD} is not there: install openssh-server")
    server = Sshd(tmp_path / "sshd")
    try:
        ask.base["KARIN_SFTP_KNOWN_HOSTS"] = str(server.known_hosts(ask.home / "known_hosts", server.port))
        ask.base["KARIN_SFTP_KEY"] = str(server.key)
        place, path = f"sftp://{getpass.getuser()}@127.0.0.1:{server.port}", files_of(made)[0]
        ask("ingest", "--virtual", f"{place.replace('sftp', 'scp')}{path.resolve()}", tmp_path / "c.karin")
        told = ask(*one(tmp_path / "c.karin", path, tmp_path / "x.nc"), code=1)
        assert f"--set virtual.allowed=sftp://USER@127.0.0.1:{server.port}" in told.stderr
        # The user is the reader's to say, not the collection's.
        ask(*one(tmp_path / "c.karin", path, tmp_path / "x.nc"), *allow(place))
        assert_same(tmp_path / "x.nc", path)
    finally:
        server.close()
