"""Getting data: transfers beside a sequential client, what a rerun moves, searches, parts of a Copernicus grid. All on loopback, with
20 ms of delay per request and 100 Mbit/s per connection."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from http.server import ThreadingHTTPServer
from pathlib import Path

import numpy as np

from granules import FOLDER
from measure import KARIN, WORKSPACE

sys.path.insert(0, str(WORKSPACE / "tests/oracle"))

from loopback import QuietHandler  # noqa: E402

DELAY, RATE = 0.02, 100e6 / 8  # seconds, bytes per second of a connection
GRANULES, CYCLES = 200, range(475, 484)
SERVER = FOLDER / "access"


class Slow(QuietHandler):
    """A THREDDS server and CMR of a folder of granules, at the speed of a far one."""

    sent, requests = 0, 0

    def reply(self, body, kind, status=200, **headers):
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": len(body), **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        return body

    def do_HEAD(self):
        time.sleep(DELAY)
        self.reply(b"", "application/x-netcdf")

    def do_GET(self):
        time.sleep(DELAY)
        type(self).requests += 1
        path = self.path.split("?")[0]
        if path.endswith("catalog.xml"):
            return self.wfile.write(self.reply(self.catalogue(path), "application/xml"))
        content = (SERVER / "granules" / path.rsplit("/", 1)[1]).read_bytes()
        start = int(self.headers.get("Range", "bytes=0-")[6:].split("-")[0])
        extra = {"Content_Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}
        body = self.reply(content[start:], "application/x-netcdf", 206 if start else 200, ETag=f'"{len(content)}"', **extra)
        begin = time.perf_counter()
        for at in range(0, len(body), 1 << 16):
            self.wfile.write(body[at : at + (1 << 16)])
            type(self).sent += len(body[at : at + (1 << 16)])
            time.sleep(max(0.0, begin + min(at + (1 << 16), len(body)) / RATE - time.perf_counter()))

    def catalogue(self, path):
        words = path.removeprefix("/thredds/catalog/").split("/")[:-1]
        names = sorted(path.name for path in (SERVER / "granules").iterdir())
        cycles = sorted({name.split("_")[5] for name in names})
        if len(words) == 1:
            entries = ['<catalogRef xlink:href="PGC0/catalog.xml" xlink:title="PGC0"/>']
        elif len(words) == 2:
            entries = ['<catalogRef xlink:href="Basic/catalog.xml" xlink:title="Basic"/>']
        elif len(words) == 3:
            entries = [f'<catalogRef xlink:href="cycle_{cycle}/catalog.xml" xlink:title="x"/>' for cycle in cycles]
        else:
            entries = [f'<dataset name="{name}" ID="{name}" urlPath="x/{name}"/>' for name in names if f"cycle_{name.split('_')[5]}" == words[3]]
        return ('<catalog xmlns="http://www.unidata.ucar.edu/namespaces/thredds/InvCatalog/v1.0" xmlns:xlink="http://www.w3.org/1999/xlink">'
                '<service name="http" serviceType="HTTPServer" base="/thredds/fileServer/"/><dataset name="top">' + "".join(entries) + "</dataset></catalog>").encode()


def serve():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}"


def make():
    """Granules for the server: one per pass of each cycle, with names that differ and content that does not."""
    folder = SERVER / "granules"
    if folder.is_dir() and len(list(folder.iterdir())) == GRANULES:
        return
    shutil.rmtree(SERVER, ignore_errors=True)
    folder.mkdir(parents=True)
    run("simulate", "--product", "L2_LR_SSH_Basic", "--phase", "calval", "--cycles", f"{CYCLES[0]}-{CYCLES[-1]}", "--vars", "ssha_karin_2_qual", SERVER / "made")
    for path in sorted((SERVER / "made").rglob("*.nc"))[:GRANULES]:
        path.rename(folder / path.name)
    shutil.rmtree(SERVER / "made")


def run(*arguments, **options):
    surroundings = {"HOME": str(SERVER / "home"), "NO_PROXY": "*", "AVISO_USERNAME": "x", "AVISO_PASSWORD": "y"}
    done = subprocess.run([str(KARIN), "--json", *map(str, arguments)], capture_output=True, text=True, env=os.environ | surroundings, **options)
    if done.returncode not in (0, 3):
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout) if done.stdout.startswith("{") else None


def sequential(url, names, out):
    """What altimetry-downloader-aviso 0.8.0 does, written with requests: one HEAD per file in eight threads, then file after file over a
    new connection, in blocks of 1 MiB, straight into its name."""
    import concurrent.futures

    import requests

    start = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: requests.head(f"{url}/thredds/fileServer/x/{name}", timeout=5), names))
    for name in names:
        with requests.get(f"{url}/thredds/fileServer/x/{name}", stream=True) as answer, open(out / name, "wb") as file:
            for block in answer.iter_content(1 << 20):
                file.write(block)
    return time.perf_counter() - start


def transfers():
    make()
    server, url = serve()
    names = sorted(path.name for path in (SERVER / "granules").iterdir())
    total = sum(path.stat().st_size for path in (SERVER / "granules").iterdir())
    asked = ["get", "aviso:L2_LR_SSH_Basic", "--set", f"aviso.catalog={url}/thredds/catalog/"]
    try:
        for folder in ("one", "two", "three"):
            shutil.rmtree(SERVER / folder, ignore_errors=True)
        (SERVER / "two").mkdir()
        start = time.perf_counter()
        run(*asked, "-o", SERVER / "one")
        ours = time.perf_counter() - start
        theirs = sequential(url, names, SERVER / "two")
        yield f"get of {len(names)} granules, {total / 1e6:.0f} MB", ">= 5x", {"karin": ours, "sequential client": theirs}
        before = Slow.sent
        start = time.perf_counter()
        run(*asked, "-o", SERVER / "one")
        yield "the same again: bytes moved", "0", {"moved bytes": Slow.sent - before}
        child = subprocess.Popen([str(KARIN), "--quiet", *asked, "-o", str(SERVER / "three")],
                                 env=os.environ | {"HOME": str(SERVER / "home"), "NO_PROXY": "*"}, stdout=subprocess.DEVNULL)
        time.sleep(ours / 2)
        child.kill()
        child.wait()
        kept = sum(path.stat().st_size for path in (SERVER / "three").iterdir() if path.suffix in (".nc", ".part"))
        done = run(*asked, "-o", SERVER / "three")
        yield "killed in the middle: bytes there, bytes that the rerun moved, all", "no more than missing", {
            "kept bytes": kept, "moved bytes": done["bytes"], "all bytes": total}
    finally:
        server.shutdown()


def searches():
    from access_server import Servers, World

    make()
    world = World()
    for path in sorted((SERVER / "granules").iterdir())[:20]:
        world.add(path)
    servers = Servers(world)
    try:
        settings = [word for key, value in servers.settings().items() if key.startswith("KARIN_PODAAC") for word in
                    ("--set", f"{key.removeprefix('KARIN_').lower().replace('_', '.', 1)}={value}")]
        asked = ["find", "podaac:L2_LR_SSH_Basic", "--bbox", "10,-45,30,-30", "--time", "2024-01-01..2024-12-20", *settings]
        run(*asked)
        world.requests.clear()
        start = time.perf_counter()
        run(*asked)
        seconds = time.perf_counter() - start
        yield f"find of a region over 17 cycles: {len(world.requests)} requests", "< 1 s, <= 20 requests", {"karin": seconds}
    finally:
        servers.close()


def parts_of_grids():
    """1 GB of a Copernicus-like grid, 0.125 degrees, packed, in chunks of the size that the service uses."""
    import zarr
    from copernicus_server import DATASET, VERSION, Copernicus
    from numcodecs import Blosc

    store = SERVER / f"marine/bucket/arco/{DATASET}_{VERSION}/timeChunked.zarr"
    days = 33
    if not store.is_dir():
        group = zarr.open_group(store, mode="w", zarr_format=2)
        draw = np.random.default_rng(1)
        for name, values in (("time", np.arange(days) * 86_400_000 + 1_704_067_200_000), ("latitude", -89.9375 + 0.125 * np.arange(1440)), ("longitude", -179.9375 + 0.125 * np.arange(2880))):
            array = group.create_array(name, shape=values.shape, chunks=values.shape, dtype="i8" if name == "time" else "f8")
            array[:] = values
            array.attrs["_ARRAY_DIMENSIONS"] = [name]
        for name in ("sla", "adt"):
            array = group.create_array(name, shape=(days, 1440, 2880), chunks=(1, 720, 512), dtype="i4", fill_value=-2147483647,
                                       compressors=[Blosc("lz4", 5, Blosc.SHUFFLE)])
            array.attrs.update({"_ARRAY_DIMENSIONS": ["time", "latitude", "longitude"], "scale_factor": 1e-4})
            smooth = (np.sin(np.arange(1440) / 90)[:, None] * np.cos(np.arange(2880) / 70) * 8000).astype("i4")
            for day in range(days):
                array[day] = smooth + draw.integers(-60, 60, smooth.shape, dtype="i4")
        zarr.consolidate_metadata(store.as_posix(), zarr_format=2)
    server = Copernicus(SERVER / "marine")
    server.delay = DELAY
    out = SERVER / "part.nc"
    try:
        settings = ["--set", f"cmems.config={server.url}/config.json"]
        start = time.perf_counter()
        done = run("get", f"cmems:{DATASET}", "-o", out, *settings)
        seconds = time.perf_counter() - start
        peak = subprocess.run(["/usr/bin/env", "python3", "-c", PEAK, str(KARIN), "get", f"cmems:{DATASET}", "--time", "2024-01-01..2024-02-04", "-o", str(out), *settings],
                              capture_output=True, text=True, check=True, env=os.environ | {"HOME": str(SERVER / "home"), "NO_PROXY": "*"})
        yield f"part of {done['bytes'] / 1e9:.2f} GB of a Copernicus grid", ">= 3x", {"karin": seconds, "xarray from the disk, without a network": on_disk(store)}
        yield "the same: peak memory", "< 256 MiB", {"peak bytes": float(peak.stdout.split()[-1]) * 1024}
    finally:
        server.close()


PEAK = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"


def on_disk(store):
    import xarray

    start = time.perf_counter()
    xarray.open_zarr(store, consolidated=True).to_netcdf(SERVER / "peer.nc", encoding={name: {"zlib": True, "complevel": 1} for name in ("sla", "adt")})
    return time.perf_counter() - start


ACCESS = {"access-transfers": transfers, "access-find": searches, "access-grid": parts_of_grids}
