"""What tests of virtual granules share: six lean granules."""

import json

import pytest

GROUP = "virtual/L2_LR_SSH_Basic/C/calval"
LEAN = "ssha_karin_2,ssha_karin_2_qual"


@pytest.fixture(scope="session")
def made(karin, tmp_path_factory):
    """Six lean granules, cycles 475 to 477 of passes 1 and 2, in two folders."""
    folder = tmp_path_factory.mktemp("made")
    karin("simulate", "--cycles", "475-477", "--passes", "1-2", "--vars", LEAN, folder / "L2")
    assert len(list(folder.rglob("*.nc"))) == 6
    return folder


def files_of(folder):
    return sorted(folder.rglob("*.nc"))


def answer(done):
    return json.loads(done.stdout)
