"""What tests of providers share: a few granules, servers that have them, and `karin` in a home of its own that never tells a secret."""

import json
import os
from pathlib import Path

import pytest
from stored_values import assert_same

from access_server import BASIC, BUCKET_SECRET, BUCKET_TOKEN, PASSWORD, TOKEN, USER, Servers, World, parts

LEAN = "ssha_karin_2_qual"
BASICS = "L2_LR_SSH_Basic"
CANARIES = [PASSWORD, TOKEN, BASIC.split()[1], BUCKET_SECRET, BUCKET_TOKEN]


@pytest.fixture(scope="session")
def granules(karin, tmp_path_factory):
    """Twelve lean granules: cycles 475 to 477, passes 1 to 4."""
    folder = tmp_path_factory.mktemp("granules")
    karin("simulate", "--cycles", "475-477", "--passes", "1-4", "--vars", LEAN, folder)
    return sorted(folder.rglob("*.nc"))


@pytest.fixture
def world(granules):
    world = World()
    for path in granules:
        world.add(path)
    return world


@pytest.fixture
def servers(world):
    servers = Servers(world)
    yield servers
    servers.close()


@pytest.fixture
def ask(karin, servers, tmp_path):
    """Runs `karin --json` in a home of its own with accounts in the environment; gives the answer."""
    home = tmp_path / "home"
    home.mkdir()
    clean = {name: value for name, value in os.environ.items()
             if "proxy" not in name.lower() and not name.startswith(("KARIN_", "EARTHDATA", "AWS_", "XDG_", "SSH_"))}
    base = clean | servers.settings() | {"HOME": str(home), "NO_PROXY": "*", "RUST_LOG": "trace"}
    accounts = {"AVISO_USERNAME": USER, "AVISO_PASSWORD": PASSWORD, "EARTHDATA_USERNAME": USER, "EARTHDATA_PASSWORD": PASSWORD}

    def run(*arguments, code=0, account=True, env=None, **options):
        surroundings = base | (accounts if account else {}) | (env or {})
        done = karin("--json", *arguments, code=code, env=surroundings, **options)
        run.heard.append(done.stdout + done.stderr)
        return json.loads(done.stdout) if done.stdout.startswith("{") else done

    run.base, run.accounts, run.home, run.heard = base, accounts, home, []
    yield run
    # Whatever a test does, no secret leaves: not in words, not in a file (collections and netCDF among them), not in an address.
    secret_files = (".netrc", "_netrc", "credentials.json")
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.name not in secret_files]
    for canary in CANARIES:
        assert not any(canary in text for text in run.heard), "a secret was printed"
        assert not any(canary.encode() in content for content in written), "a secret was written"
        assert not any(canary in path for _, path, _ in servers.world.requests), "a secret was put into an address"


@pytest.fixture
def s3(bucket, ask, granules):
    """The client of boto3, with the granules in two buckets: by cycle, and as PO.DAAC has them."""
    endpoint, client = bucket
    client.create_bucket(Bucket="podaac")
    for path in granules:
        client.upload_file(path, "bucket", f"swot/Basic/cycle_{parts(path.name)[1]:03}/{path.name}")
        client.upload_file(path, "podaac", path.name)
    client.put_object(Bucket="bucket", Key="swot/Expert/cycle_475/readme.txt", Body=b"x")
    ask.base |= {"KARIN_S3_ENDPOINT": endpoint, "KARIN_S3_REGION": "us-east-1", "KARIN_PODAAC_BUCKET": "podaac",
                 "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": BUCKET_SECRET, "AWS_SESSION_TOKEN": BUCKET_TOKEN}
    return client


def extracts_of(karin, granules, folder):
    """What `read_through` should give."""
    karin("extract", *granules, "--vars", LEAN, "-o", f"{folder}/")
    return folder


def read_through(ask, addresses, out, right, **options):
    """Extracts granules at servers, all in one command: every file that it makes is the one in `right`, and of the others it says what is
    wrong. The number of files."""
    done = ask("extract", *addresses, "--vars", LEAN, "-o", f"{out}/", code=None, **options)
    made = sorted(path.name for path in out.glob("*.nc")) if out.exists() else []
    for name in made:
        assert_same(out / name, right / name)
    heard = ask.heard[-1]
    assert "panicked" not in heard and not list(out.glob(".*"))
    if len(made) < len(addresses):
        assert isinstance(done, dict) or done.returncode in (1, 3, 4), heard
        missing = [address for address in addresses if address.rsplit("/", 1)[1] not in made]
        assert all(address.rsplit("/", 1)[1] in heard for address in missing), heard
    return len(made)


def outcomes(answer):
    return [row["outcome"] for row in answer["granules"]]


def assert_right(folder, world, count=None):
    """Every granule of the folder is that of the provider, byte by byte; nothing else is there under such a name."""
    there = sorted(path.name for path in Path(folder).glob("*.nc"))
    assert count is None or len(there) == count
    for name in there:
        assert (Path(folder) / name).read_bytes() == world.files[name], name
