"""An S3 service on loopback (moto) with a bucket."""

import socket
import subprocess
import sys
import time

import pytest


@pytest.fixture(scope="module")
def bucket():
    """The endpoint of a server with a bucket."""
    pytest.importorskip("moto")
    boto3 = pytest.importorskip("boto3")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    server = subprocess.Popen([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1",
                              aws_access_key_id="key", aws_secret_access_key="secret")
        for _ in range(100):
            try:
                client.create_bucket(Bucket="bucket")
                break
            except Exception:
                time.sleep(0.1)
        yield endpoint, client
    finally:
        server.kill()
        server.wait()
