"""Getting data: transfers beside a sequential client, what a rerun moves, searches, parts of a Copernicus grid. All on loopback, with
20 ms of delay per request and 100 Mbit/s per connection."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from http.server import ThreadingHTTPServer
from pathlib import Path

import numpy as np

import granules
from granules import FOLDER
from measure import HERE, KARIN, WORKSPACE

sys.path.insert(0, str(WORKSPACE / "tests/oracle"))

from copernicus_server import DATASET, VERSION  # noqa: E402
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

    def do_POST(self):
        """AVISO's catalogue of products, as its own downloader asks it."""
        time.sleep(DELAY)
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        link = {"descriptionObject": {"default": "THREDDS"}, "nameObject": {"default": "SWOT L2 LR SSH Basic"}, "urlObject": {"default": "x"}}
        source = {"resourceTitleObject": {"default": "x"}, "resourceAbstractObject": {"default": "x"}, "resourceDate": [{"date": "2024-01-01T00:00:00Z"}],
                  "link": [link, {"protocol": "DOI", "urlObject": {"default": "x"}}]}
        body = json.dumps({"hits": {"hits": [{"_id": "2652e825-9ade-435c-afdd-eb920d01b018", "_source": source}]}}).encode()
        self.wfile.write(self.reply(body, "application/json"))

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
            entries = [f'<catalogRef xlink:href="cycle_{cycle}/catalog.xml" xlink:title="cycle_{cycle}"/>' for cycle in cycles]
        else:
            entries = [f'<dataset name="{name}" ID="{name}" urlPath="x/{name}"/>' for name in names if f"cycle_{name.split('_')[5]}" == words[3]]
        return ('<catalog xmlns="http://www.unidata.ucar.edu/namespaces/thredds/InvCatalog/v1.0" xmlns:xlink="http://www.w3.org/1999/xlink">'
                '<service name="http" serviceType="HTTPServer" base="/thredds/fileServer/"/><dataset name="top"><metadata inherited="true">'
                "<serviceName>http</serviceName></metadata>" + "".join(entries) + "</dataset></catalog>").encode()


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
        python = os.environ.get("KARIN_PEER_PYTHON")
        if python:
            peer, asked_of_it = "altimetry-downloader-aviso", {"url": url, "out": str(SERVER / "two"), "product": "SWOT_L2_LR_SSH_Basic"}
            cycles = {"cycle_number": list(CYCLES)}
            theirs, _ = timed([python, str(HERE / "access_peers.py"), "aviso", json.dumps(asked_of_it | cycles)])
        else:
            peer, theirs = "sequential client", sequential(url, names, SERVER / "two")
        for name in names:
            assert (SERVER / "two" / name).read_bytes() == (SERVER / "one" / name).read_bytes(), name
        yield f"get of {len(names)} granules, {total / 1e6:.0f} MB", ">= 5x", {"karin": ours, peer: theirs}
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


def earthdata():
    """Granules of PO.DAAC beside earthaccess (where KARIN_PEER_PYTHON has it), with a token: the same files; and what a rerun makes of one
    that was cut."""
    from access_server import TOKEN, Servers, World

    python = os.environ.get("KARIN_PEER_PYTHON")
    if not python:
        return
    make()
    world = World()
    for path in sorted((SERVER / "granules").iterdir()):
        world.add(path)
    world.delay = DELAY
    servers = Servers(world)
    ours, theirs = SERVER / "podaac", SERVER / "earthaccess"
    # Tests give a server that stalls a third of a second; this one has two hundred files to make checksums of first.
    surroundings = {"EARTHDATA_TOKEN": TOKEN} | servers.settings() | {"KARIN_TRANSFERS_STALL": "60"}
    asked = [str(KARIN), "--quiet", "get", "podaac:L2_LR_SSH_Basic", "--cycles", f"{CYCLES[0]}-{CYCLES[-1]}", "-o", str(ours)]
    peer = {"cmr": f"{servers.urls['site']}/search/", "out": str(theirs), "short_name": "SWOT_L2_LR_SSH_BASIC_2.0", "names": "SWOT_L2_LR_SSH_Basic_*"}
    peer = [python, str(HERE / "access_peers.py"), "earthdata", json.dumps(peer)]
    try:
        for folder in (ours, theirs):
            shutil.rmtree(folder, ignore_errors=True)
        for what in ("get of PO.DAAC", "again, with one file cut to half"):
            measured = {"karin": timed(asked, [sys.executable, "-c", PEAK], surroundings)[0], "earthaccess": timed(peer, env=surroundings)[0]}
            right = {folder.name: sum((folder / name).read_bytes() == content for name, content in world.files.items()) for folder in (ours, theirs)}
            yield f"{what}: {len(world.files)} granules; right afterwards: {right}", "", measured
            for folder in (ours, theirs):
                path = folder / min(world.files)
                path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    finally:
        servers.close()


GRID = (33, 1440, 2880)  # days, latitudes, longitudes: 1.1 GB of two variables


def make_grid(store):
    """A Copernicus-like grid of 0.125 degrees, packed, in chunks of the size that the service uses."""
    import zarr
    from numcodecs import Blosc

    days, rows, columns = GRID
    group = zarr.open_group(store, mode="w", zarr_format=2)
    draw = np.random.default_rng(1)
    for name, values, units in (("time", np.arange(days) * 86_400_000 + 1_704_067_200_000, "milliseconds since 1970-01-01"),
                                ("latitude", -89.9375 + 0.125 * np.arange(rows), "degrees_north"),
                                ("longitude", -179.9375 + 0.125 * np.arange(columns), "degrees_east")):
        array = group.create_array(name, shape=values.shape, chunks=values.shape, dtype="i8" if name == "time" else "f8")
        array[:] = values
        array.attrs.update({"_ARRAY_DIMENSIONS": [name], "standard_name": name, "units": units})
    for name in ("sla", "adt"):
        array = group.create_array(name, shape=GRID, chunks=(1, 720, 512), dtype="i4", fill_value=-2147483647,
                                   compressors=[Blosc("lz4", 5, Blosc.SHUFFLE)])
        array.attrs.update({"_ARRAY_DIMENSIONS": ["time", "latitude", "longitude"], "scale_factor": 1e-4, "add_offset": 0.0, "units": "m"})
        smooth = (np.sin(np.arange(rows) / 90)[:, None] * np.cos(np.arange(columns) / 70) * 8000).astype("i4")
        for day in range(days):
            array[day] = smooth + draw.integers(-60, 60, smooth.shape, dtype="i4")
    zarr.consolidate_metadata(store.as_posix(), zarr_format=2)


def marine_service():
    """The service on loopback, with all that its own toolbox wants to know of a grid, and at the speed of a far server."""
    from copernicus_server import Copernicus

    coords = {"time": (1_704_067_200_000, 86_400_000), "latitude": (-89.9375, 0.125), "longitude": (-179.9375, 0.125)}
    views = {name: {"len": size, "units": "", "chunkLen": {"sla": chunk, "adt": chunk},
                    "coords": {"type": "minMaxStep", "min": low, "max": low + step * (size - 1), "step": step, "len": size}}
             for (name, (low, step)), size, chunk in zip(coords.items(), GRID, (1, 720, 512))}

    class Marine(Copernicus):
        def catalogue(self, path):
            answer = super().catalogue(path)
            if answer and path == "/config.json":
                answer["clientVersions"] = dict.fromkeys(("mds", "mds/serverlessNative", "mds/serverlessArco", "mds/serverlessArco/meta"), ">=1.2.2")
                answer["catalogues"] = [{"stac": f"{self.url}/stac/catalog.json", **one} for one in answer["catalogues"][1:]]
            elif answer and path.endswith("product.stac.json"):
                extent = {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [["2024-01-01T00:00:00Z", None]]}}
                answer |= {"type": "Collection", "stac_version": "1.0.0", "description": "", "license": "x", "extent": extent}
                answer["links"] = [link for link in answer["links"] if link["href"].startswith(f"{DATASET}_{VERSION}/")]
            elif answer and path.endswith("dataset.stac.json"):
                answer |= {"type": "Feature", "stac_version": "1.0.0", "geometry": None, "bbox": [-180, -90, 180, 90], "links": []}
                dimensions = {name: {"type": "temporal" if name == "time" else "spatial", "axis": axis} for name, axis in zip(coords, "tyx")}
                variables = {name: {"id": name, "standardName": name, "unit": "m", "dimensions": list(coords)} for name in ("sla", "adt")}
                answer["properties"] |= {"datetime": "2024-01-01T00:00:00Z", "cube:dimensions": dimensions, "cube:variables": variables}
                for name in ("timeChunked", "geoChunked"):
                    answer["assets"][name] |= {"type": "application/vnd+zarr", "viewDims": views}
                del answer["assets"]["geoChunked"]
            return answer

    server = Marine(SERVER / "marine")
    server.delay, server.rate = DELAY, RATE
    return server


GRID_STORE = f"marine/bucket/arco/{DATASET}_{VERSION}/timeChunked.zarr"


class Apart:
    """The service in a process of its own, so that what it takes of the processors can be told."""

    def __init__(self):
        self.process = subprocess.Popen([sys.executable, __file__, "marine"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def state(self):
        """Bytes that it has sent, and processor seconds that it took."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return np.array([float(word) for word in self.process.stdout.readline().split()])

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def serve_marine():
    """Serves until the input ends, and tells of itself whenever a line comes."""
    sys.setswitchinterval(0.0005)
    server = marine_service()
    print(server.url, flush=True)
    for _ in sys.stdin:
        times = os.times()
        print(server.sent, times.user + times.system, flush=True)
    server.close()


def parts_of_grids():
    """Parts of 1 GB of a Copernicus grid: the whole, and a region of a month, beside the service's own toolbox (where KARIN_PEER_PYTHON
    has it), from the same server: both with values as they are, and both deflated at level 1."""
    if not (SERVER / GRID_STORE).is_dir():
        make_grid(SERVER / GRID_STORE)
    server = Apart()
    settings = ["--set", f"cmems.config={server.url}/config.json"]
    python, ours, theirs = os.environ.get("KARIN_PEER_PYTHON"), SERVER / "part.nc", SERVER / "theirs.nc"
    whole = {"start_datetime": "2024-01-01", "end_datetime": "2024-02-03"}
    region = {"minimum_longitude": 10, "maximum_longitude": 30, "minimum_latitude": -45, "maximum_latitude": -30}

    def run_of(name, rounds, command, **more):
        """The median of some runs; the costs are of the last."""
        every = []
        for _ in range(rounds):
            os.sync()  # what the run before has left to be written is none of this one's business
            before = server.state()
            seconds, peak = timed(command, **more)
            moved, busy = server.state() - before
            every.append(seconds)
        return statistics.median(every), {f"{name}: peak bytes": peak, f"{name}: moved bytes": moved, f"{name}: server's processor": busy}

    try:
        for what, rounds, flags, selected in (("all", 1, [], whole), ("10 to 30 E, 45 to 30 S", 3, ["--bbox", "10,-45,30,-30"], region)):
            for level in (1, 0):
                asked = ["get", f"cmems:{DATASET}", *flags, *settings, "--deflate", str(level), "-o", str(ours)]
                measured, costs = {}, {}
                measured["karin"], costs = run_of("karin", rounds, [str(KARIN), "--quiet", *asked], prefix=[sys.executable, "-c", PEAK])
                if python:
                    options = {"out": str(theirs), "dataset": DATASET, **selected} | ({"netcdf_compression_level": level} if level else {})
                    peer = [python, str(HERE / "access_peers.py"), "subset", json.dumps(options)]
                    measured["copernicusmarine"], its_costs = run_of("its", rounds, peer, env={"COPERNICUSMARINE_CONFIG_URL": f"{server.url}/config.json"})
                    costs |= its_costs
                    same(ours, theirs)
                how = f"deflated at level {level}" if level else "values as they are"
                yield f"part of a Copernicus grid: {what}, {how}", ">= 3x", measured
                yield "the same: peak memory, bytes moved, the server", "< 256 MiB", costs
    finally:
        server.close()


def timed(command, prefix=(), env=None):
    """Seconds and peak bytes of a command, which it prints itself or `prefix` does for it."""
    surroundings = os.environ | {"HOME": str(SERVER / "home"), "NO_PROXY": "*"} | (env or {})
    done = subprocess.run([*prefix, *command], capture_output=True, text=True, env=surroundings)
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-2000:])
    peak, seconds = done.stdout.split()[-2:]
    return float(seconds), float(peak)


def same(ours, theirs):
    """Stops the benchmark if both did not write the same values."""
    import xarray

    with xarray.open_dataset(ours) as a, xarray.open_dataset(theirs) as b:
        for name in ("sla", "adt"):
            np.testing.assert_allclose(a[name][0].values, b[name][0].values, atol=6e-5)
            assert a[name].shape == b[name].shape, (a[name].shape, b[name].shape)


PEAK = """import resource, subprocess, sys, time
start = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
seconds = time.perf_counter() - start
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024, seconds)"""


def references():
    """Virtual ingest of a thousand granules of L2 Basic (36 cycles of 28 passes, hard links of one cycle) beside copying some of
    them, and a mean over cycles of all variables (P1) from references beside the files."""

    folder, store = SERVER / "virtual", SERVER / "virtual.karin"
    files = granules.granules("L2_LR_SSH_Basic", "calval", "475-477", "1-28")
    first = [path for path in files if "_475_" in path.name]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in first:
        for cycle in range(475, 511):
            os.link(path, folder / path.name.replace("_475_", f"_{cycle}_"))
    some = [path for path in sorted(folder.iterdir()) if 475 <= int(path.name.split("_")[5]) < 477]

    def ingested(*words):
        shutil.rmtree(store, ignore_errors=True)
        start = time.perf_counter()
        run("ingest", *words, store)
        return time.perf_counter() - start

    count = len(list(folder.iterdir()))
    copied = ingested(*some) / len(some)
    referred = min(ingested("--virtual", folder) for _ in range(2)) / count
    yield f"virtual ingest of {count} granules: per granule, and copying", ">= 20x", {"karin": referred, "copying": copied}
    cycles = granules.granules("L2_LR_SSH_Basic", "science", "1-24", "13")
    ingested("--virtual", *cycles)
    out = SERVER / "mean.nc"

    def mean(*sources):
        seconds = []
        for _ in range(4):
            start = time.perf_counter()
            run("stat", *sources, "--over", "cycle", "--stats", "mean", "-o", out)
            seconds.append(time.perf_counter() - start)
        return min(seconds)

    yield "P1 of 24 granules, all variables, from references and from the files", "<= 1.2x", {"karin": mean(store), "the files": mean(*cycles)}
    shutil.rmtree(folder)


ACCESS = {"access-transfers": transfers, "access-find": searches, "access-earthdata": earthdata, "access-grid": parts_of_grids, "access-virtual": references}

if __name__ == "__main__" and sys.argv[1:] == ["marine"]:
    serve_marine()
