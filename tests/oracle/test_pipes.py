"""A reader that has seen enough (`karin ... | head -1`) is no error."""

import subprocess

import pytest
from conftest import karin_binary

COMMANDS = [
    ["completions", "bash"],
    ["man"],
    ["passes", "--bbox=-180,-80,180,80"],
    ["--json", "passes", "--bbox=-180,-80,180,80"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_closed_pipe_ends_quietly(karin, command):
    with subprocess.Popen([str(karin_binary()), *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        child.stdout.close()
        said = child.stderr.read()
    assert (child.returncode, said) == (0, b"")
