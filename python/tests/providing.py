"""Servers on loopback that speak the real protocols of providers, and granules that they have."""

import os
import sys
from pathlib import Path

import pytest
from simulated import command

sys.path.append(str(Path(__file__).parents[2] / "tests/oracle"))
from access_server import PASSWORD, USER, Servers, World  # noqa: E402


@pytest.fixture(scope="module")
def lean(tmp_path_factory):
    """Two cycles of three passes with one variable."""
    folder = tmp_path_factory.mktemp("lean")
    command("simulate", "--cycles", "475-476", "--passes", "1-3", "--vars", "ssha_karin_2_qual", folder)
    return sorted(folder.rglob("*.nc"))


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home of its own, no setting, account or proxy of whoever runs the tests, and no long waits where something fails."""
    for name in [name for name in os.environ if "proxy" in name.lower() or name.startswith(("KARIN_", "AWS_", "XDG_"))]:
        monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    own = {"HOME": str(home), "NO_PROXY": "*", "KARIN_TRANSFERS_FIRST_WAIT": "0.01", "KARIN_TRANSFERS_LONGEST_WAIT": "0.1",
           "KARIN_TRANSFERS_STALL": "0.3"}
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    return home


@pytest.fixture
def world(lean, home, monkeypatch):
    """The servers' world, with accounts and addresses in the environment."""
    world = World()
    for path in lean:
        world.add(path)
    servers = Servers(world)
    surroundings = servers.settings() | {"AVISO_USERNAME": USER, "AVISO_PASSWORD": PASSWORD}
    surroundings |= {"EARTHDATA_USERNAME": USER, "EARTHDATA_PASSWORD": PASSWORD}
    for name, value in surroundings.items():
        monkeypatch.setenv(name, value)
    world.urls = servers.urls
    yield world
    servers.close()
