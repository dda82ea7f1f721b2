"""Copernicus Marine on loopback: client configuration, STAC, native files listed and handed out as S3 does unsigned, Zarr stores of a grid."""

import functools
import hashlib
import json
import threading
import time
from http.server import ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

from loopback import QuietHandler

DATASET, PRODUCT, VERSION = "cmems_obs-sl_glo_phy-ssh_my_allsat-l4-duacs-0.125deg_P1D", "SEALEVEL_GLO_PHY_L4_MY_008_047", "202411"


@functools.lru_cache(maxsize=10_000)
def etag_of(file: Path, changed: int) -> str:
    """The MD5 of an object, as S3 has it; computed once, for a file that was last changed then."""
    return '"' + hashlib.md5(file.read_bytes()).hexdigest() + '"'


class Copernicus:
    """Serves a folder: `bucket/…` are objects; everything else is made."""

    def __init__(self, root: Path):
        self.root, self.requests, self.faults, self.page, self.delay, self.sent, self.rate = root, [], {}, 3, 0.0, 0, None
        self.now, self.most, self.lock = 0, 0, threading.Lock()  # requests to stores at a time
        outer = self

        class Handler(QuietHandler):
            def do_GET(self):
                if ".zarr/" not in self.path:
                    return outer.serve(self)
                with outer.lock:
                    outer.now += 1
                    outer.most = max(outer.most, outer.now)
                try:
                    outer.serve(self)
                finally:
                    with outer.lock:
                        outer.now -= 1

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def catalogue(self, path):
        versions = {"202112": {"admp_released_date": "2021-12-01T00:00:00Z", "admp_retired_date": "2024-12-01T00:00:00Z"},
                    VERSION: {"admp_released_date": "2024-11-26T00:00:00.000Z", "admp_retired_date": None},
                    "209901": {"admp_released_date": "2099-01-01T00:00:00.000Z"}}
        if path == "/config.json":
            dead = {"stacRoot": f"{self.url}/dead", "idMapping": f"{self.url}/dead/mapping.json"}
            return {"clientVersions": {"mds": ">=1.2.2"}, "catalogues": [dead, {"stacRoot": f"{self.url}/stac", "idMapping": f"{self.url}/stac/mapping.json"}]}
        if path == "/stac/mapping.json":
            return {DATASET: PRODUCT, "cmems_mod_glo_phy_my_0.083deg_P1D-m": "GLOBAL_MULTIYEAR_PHY_001_030,OTHER"}
        if path == f"/stac/{PRODUCT}/product.stac.json":
            items = [{"rel": "item", "href": f"{DATASET}_{version}/dataset.stac.json"} for version in versions]
            parts = [{"rel": "item", "href": f"{DATASET}_{VERSION}--ext--other/dataset.stac.json"}, {"rel": "parent", "href": "../catalog.json"},
                     {"rel": "item", "href": "another_202411/dataset.stac.json"}]
            return {"id": PRODUCT, "links": items + parts}
        for version, properties in versions.items():
            if path == f"/stac/{PRODUCT}/{DATASET}_{version}/dataset.stac.json":
                assets = {"native": {"href": f"{self.url}/bucket/native/{PRODUCT}/{DATASET}_{version}"},
                          "timeChunked": {"href": f"{self.url}/bucket/arco/{DATASET}_{version}/timeChunked.zarr", "viewDims": {}},
                          "geoChunked": {"href": f"{self.url}/bucket/arco/{DATASET}_{version}/geoChunked.zarr", "viewDims": {}}}
                for name in ("timeChunked", "geoChunked"):
                    properties = properties | self.describe(assets[name], self.root / f"bucket/arco/{DATASET}_{version}/{name}.zarr")
                return {"id": f"{DATASET}_{version}", "properties": properties, "assets": assets}
        if path == f"/stac/{PRODUCT}/{DATASET}_{VERSION}--ext--other/dataset.stac.json":
            return {"id": f"{DATASET}_{VERSION}--ext--other", "properties": {}, "assets": {}}
        return None

    def describe(self, asset, store):
        """Puts into an asset what the service tells of the axes of its store, and returns what it tells of variables."""
        if not (store / ".zmetadata").is_file():
            return {}
        import numpy as np
        import zarr

        group = zarr.open_group(store, mode="r")
        arrays = dict(group.arrays())
        dims = {name: array.attrs["_ARRAY_DIMENSIONS"] for name, array in arrays.items()}
        grids = {name: array for name, array in arrays.items() if dims[name] != [name]}
        asset["type"], kinds = "application/vnd+zarr", {"time": "temporal"}
        for axis in next(iter(dims[name] for name in grids)):
            values = np.asarray(arrays[axis][:])
            steps = np.unique(np.diff(values))
            whole = {"type": "minMaxStep", "min": values.min().item(), "max": values.max().item(), "step": steps[0].item(), "len": values.size}
            asset["viewDims"][axis] = {"len": values.size, "units": arrays[axis].attrs.get("units", ""),
                                       "coords": whole if steps.size == 1 else {"type": "explicit", "values": values.tolist()},
                                       "chunkLen": {name: grid.chunks[dims[name].index(axis)] for name, grid in grids.items()}}
        return {"cube:variables": {name: {"id": name, "standardName": grid.attrs.get("standard_name"), "unit": grid.attrs.get("units"), "dimensions": dims[name]}
                                   for name, grid in grids.items()},
                "cube:dimensions": {axis: {"type": kinds.get(axis, "spatial"), "axis": axis[0] if axis == "time" else {"latitude": "y", "longitude": "x"}[axis]}
                                    for axis in asset["viewDims"]}, "admp_updated": "2025-01-02T00:00:00Z"}

    def listing(self, query):
        objects = sorted(path.relative_to(self.root / "bucket").as_posix() for path in (self.root / "bucket").rglob("*") if path.is_file())
        objects = [key for key in objects if key.startswith(query["prefix"])]
        start = int(query.get("continuation-token", 0))
        page, more = objects[start : start + self.page], start + self.page < len(objects)
        entries = "".join(f"<Contents><Key>{escape(key)}</Key><LastModified>2024-05-06T07:08:09.000Z</LastModified>"
                          f"<Size>{(self.root / 'bucket' / key).stat().st_size}</Size></Contents>" for key in page)
        token = f"<NextContinuationToken>{start + self.page}</NextContinuationToken>" if more else ""
        return (f'<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
                f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{entries}</ListBucketResult>").encode()

    def serve(self, handler):
        url = urlsplit(handler.path)
        query, path = dict(parse_qsl(url.query)), unquote(url.path)
        self.requests.append((path, query))
        time.sleep(self.delay)
        reply = lambda status, body=b"", **headers: self.reply(handler, status, body, headers)
        waiting = self.faults.get(path.rsplit("/", 1)[-1]) or self.faults.get("*")
        fault = waiting.pop(0) if waiting else None
        if fault == "stall":
            time.sleep(15)
        if isinstance(fault, int):
            return reply(fault, Retry_After="0")
        if path.startswith("/dead"):
            return reply(503, Retry_After="0")
        if path == "/bucket" and query.get("list-type") == "2":
            return reply(200, self.listing(query))
        if path.startswith("/bucket/"):
            file = self.root / path.lstrip("/")
            if not file.is_file():
                return reply(403, b"<Error><Code>AccessDenied</Code></Error>")
            content = file.read_bytes()
            start = int(handler.headers.get("Range", "bytes=0-")[6:].split("-")[0])
            body = content[start:]
            if fault == "cut":
                return self.reply(handler, 200, body[: len(body) // 2], {}, announced=len(body))
            if fault == "flip":
                body = body[:-1] + bytes([body[-1] ^ 255])
            etag = etag_of(file, file.stat().st_mtime_ns)
            extra = {"Content_Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}
            return reply(206 if start else 200, body, ETag=etag, **extra)
        answer = self.catalogue(path)
        if answer is None:
            return reply(404)
        body = json.dumps(answer).encode()
        etag = '"' + hashlib.sha1(body).hexdigest() + '"'
        if handler.headers.get("If-None-Match") == etag:
            return reply(304, ETag=etag)
        reply(200, body, ETag=etag)

    def reply(self, handler, status, body, headers, announced=None):
        handler.send_response(status)
        handler.send_header("Content-Length", str(announced or len(body)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        begin = time.perf_counter()
        for at in range(0, len(body), 1 << 16):
            handler.wfile.write(body[at : at + (1 << 16)])
            if self.rate:  # bytes per second of a connection
                time.sleep(max(0.0, begin + min(at + (1 << 16), len(body)) / self.rate - time.perf_counter()))
        self.sent += len(body)
        if announced:
            handler.close_connection = True
            handler.connection.close()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
