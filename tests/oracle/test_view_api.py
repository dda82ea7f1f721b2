"""The viewer's API under schemathesis, which makes requests of its own from /openapi.json."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from test_view import Viewer

LONG = os.environ.get("KARIN_LONG") == "1"
# What is checked of every answer; the authorization of each endpoint is tested by tests/attacks.rs of the viewer.
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,negative_data_rejection"


@pytest.fixture(scope="module")
def viewer(karin, tmp_path_factory):
    folder = tmp_path_factory.mktemp("api")
    karin("simulate", "--phase", "calval", "--cycles", "475-476", "--passes", "13",
          "--vars", "ssha_karin_2,ssha_karin_2_qual,height_cor_xover", folder / "granules")
    karin("stat", folder / "granules", "--vars", "ssha_karin_2", "--grid", "2", "--stats", "mean", "-o", folder / "means.nc")
    viewer = Viewer(folder / "granules", "--layer", folder / "means.nc")
    yield viewer
    viewer.process.terminate()
    viewer.process.wait(timeout=10)


def test_no_request_that_schemathesis_makes_finds_a_defect(viewer, tmp_path):
    program = Path(sys.executable).with_name("schemathesis")
    # The same requests in every run: hundreds, and with --long tens of thousands.
    how_many = ["--max-examples", "150", "--max-time", "600"] if LONG else ["--max-examples", "2"]
    command = [str(program), "run", f"{viewer.origin}/openapi.json", "--header", f"Authorization: Bearer {viewer.token}",
               "--phases", "examples,coverage,fuzzing", "--checks", CHECKS, "--generation-deterministic", "--seed", "1",
               "--request-timeout", "60", "--continue-on-failure", "--no-color", "--warnings", "off", *how_many]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1200, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert viewer.process.poll() is None, "the viewer still runs"
