"""An S3 service on loopback (moto) with a bucket, and faults on order before it."""

import http.client
import socket
import subprocess
import sys
import threading
import time
from http.server import ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import pytest
from loopback import QuietHandler


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


class FaultyS3:
    """Stands before an S3 service and passes requests on. An answer with a file meets the next fault that waits for it in `faults`
    (by the file's name), a list of a folder the next of `list_faults`."""

    def __init__(self, endpoint):
        self.faults, self.list_faults, self.sent, self.requests = {}, [], 0, []
        handler = type("Faulty", (PassingOn,), {"outer": self, "target": endpoint.removeprefix("http://")})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def next_fault(self, path):
        place = urlsplit(path)
        waiting = self.list_faults if "list-type" in place.query else self.faults.get(unquote(place.path).rsplit("/", 1)[-1])
        return waiting.pop(0) if waiting else None

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class PassingOn(QuietHandler):
    """One connection through [`FaultyS3`]."""

    outer: FaultyS3
    target: str

    def do_GET(self):
        self.outer.requests.append((self.path, dict(self.headers)))
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = self.outer.next_fault(self.path) if self.command == "GET" else None
        if fault == "closed":
            return self.hang_up()
        if fault in REFUSALS:
            status, code = REFUSALS[fault]
            words = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>on order</Message></Error>".encode()
            return self.answer(status, {"Content-Type": "application/xml"}, words)
        if fault in PAGES:
            return self.answer(200, {"Content-Type": "text/html", "ETag": '"page"', "Last-Modified": DATE}, PAGES[fault])
        if fault == "changed":  # another object from now on
            self.replace_object()
        headers = dict(self.headers)
        if fault == "no ranges":
            headers = {name: value for name, value in headers.items() if name.lower() != "range"}
        status, known, content = self.ask(headers, body)
        if fault == "wrong range" and "Content-Range" in known:
            first, rest = known["Content-Range"].removeprefix("bytes ").split("-", 1)
            known["Content-Range"] = f"bytes {int(first) + 7}-{rest}"
        self.answer(status, known, content, fault)

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET

    def ask(self, headers, body, method=None):
        there = http.client.HTTPConnection(self.target, timeout=20)
        try:
            there.request(method or self.command, self.path, body or None, headers)
            reply = there.getresponse()
            kept = {name: value for name, value in reply.getheaders() if name.lower() not in ("content-length", "connection", "transfer-encoding")}
            length = reply.getheader("Content-Length") if self.command == "HEAD" else None
            return reply.status, kept | ({"Content-Length": length} if length else {}), reply.read()
        finally:
            there.close()

    def replace_object(self):
        signed = {name: value for name, value in self.headers.items() if name.lower() in ("host", "authorization", "x-amz-date")}
        _, _, content = self.ask(signed, b"", "GET")
        self.ask(signed, content + b"more", "PUT")

    def answer(self, status, headers, body, fault=None):
        self.send_response_only(status)
        if self.command == "HEAD":
            self.send_header("Content-Length", headers.pop("Content-Length", "0"))
        for name, value in headers.items():
            self.send_header(name, value)
        if self.command == "HEAD":
            return self.end_headers()
        self.outer.sent += self.send_body(body, fault)


DATE = "Sat, 01 Jun 2024 12:00:00 GMT"
REFUSALS = {"429": (429, "TooManyRequests"), "503": (503, "SlowDown"), "500": (500, "InternalError"), "401": (401, "Unauthorized"),
            "403": (403, "AccessDenied"), "404": (404, "NoSuchKey")}
PAGES = {"html": b"<html><body><h1>Sign in to the network</h1></body></html>", "empty": b"", "text": b"error: come back later"}
