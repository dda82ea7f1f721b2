"""The viewer's server beside datashader: tiles from warm cells, Hovmoller diagrams, series, and twenty clients who pan."""

import http.client
import json
import math
import re
import os
import statistics
import subprocess
import sys
import threading
import time

from granules import FOLDER, granules, mission
from measure import HERE, KARIN, WORKSPACE, peer

VARIABLES = ["ssha_karin_2", "ssha_karin_2_qual", "height_cor_xover", "height_cor_xover_qual"]
PRODUCT = "L2_LR_SSH_Basic"
GROUP = f"{PRODUCT}.C.science"
# The Python of the peers, where it is another one (datashader may want an older numpy than karin's tests).
PEER = os.environ.get("KARIN_PEER_PYTHON", sys.executable)
# Ten degrees of the Gulf Stream.
BOX = (-70.0, 33.0, -60.0, 43.0)


def collection(name, paths):
    """A collection of these granules, made once."""
    folder = FOLDER / name
    if not (folder / "complete").exists():
        subprocess.run([str(KARIN), "--quiet", "ingest", *map(str, paths), str(folder)], check=True, capture_output=True)
        (folder / "complete").touch()
    return folder


def passes_over(box):
    """Numbers of the passes that see a box."""
    edges = ",".join(map(str, box))
    command = [str(KARIN), "--json", "passes", "--bbox", edges, "--phase", "science", "--time", "2024-01-25..2024-02-15"]
    rows = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["passes"]
    return sorted({row["pass_number"] for row in rows})


class Viewer:
    """A server that runs as long as the block does."""

    def __init__(self, source):
        self.source = source

    def __enter__(self):
        command = [str(KARIN), "view", str(self.source), "--no-browser", "--no-cache"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        url = self.process.stdout.readline().strip()
        self.port, self.token = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/\?token=(\S+)", url).groups()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def client(self):
        """A function that asks for a path over one connection and returns seconds and status."""
        connection = http.client.HTTPConnection("127.0.0.1", int(self.port))
        headers = {"Authorization": f"Bearer {self.token}", "Accept-Encoding": "identity"}

        def ask(path):
            start = time.perf_counter()
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            return time.perf_counter() - start, answer.status

        return ask

    def resident(self):
        """Resident bytes."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS"))


def tiles_over(box, zoom):
    """Columns and rows of the tiles that a box touches."""
    count = 2**zoom
    column = lambda lon: int((lon / 360 + 0.5) * count)
    row = lambda lat: int((0.5 - math.asinh(math.tan(math.radians(lat))) / (2 * math.pi)) * count)
    west, south, east, north = box
    return [(x, y) for x in range(column(west), column(east) + 1) for y in range(row(north), row(south) + 1)]


def asked(ask, path):
    """Seconds that an answer took, which must be one."""
    seconds, status = ask(path)
    if status != 200:
        raise RuntimeError(f"{path}: {status}")
    return seconds


def tiles():
    """Tiles of a region from warm cells: another statistic than the one that warmed them, so that no tile is known."""
    paths = granules(PRODUCT, "science", "10", ",".join(map(str, passes_over(BOX))), VARIABLES, rewrite=False)
    with Viewer(collection("viewer-region.karin", paths)) as viewer:
        ask = viewer.client()
        rows = []
        for zoom in (4, 5, 6, 7):
            address = lambda x, y, stat: f"/api/v1/tiles/{zoom}/{x}/{y}?group={GROUP}&var=ssha_karin_2&cycles=10&stat={stat}"
            places = tiles_over(BOX, zoom)
            cold = [asked(ask, address(x, y, "mean")) for x, y in places]
            warm = sorted(asked(ask, address(x, y, stat)) for stat in ("last", "first", "count") for x, y in places)
            p95 = warm[int(0.95 * (len(warm) - 1))]
            measured = {"karin": statistics.median(warm), "p95": p95, "cold": statistics.median(cold)}
            if zoom == 6 and has_datashader():
                measured["datashader, one pass"] = peer("tile", "viewer_peers.py", PEER, path=paths[0])()
            rows.append((f"tile at zoom {zoom}, {len(paths)} passes near it", "p50 <= 3 ms, p95 <= 15 ms", measured))
        return rows


def has_datashader():
    """Whether the Python of the peers has datashader."""
    return subprocess.run([PEER, "-c", "import datashader"], capture_output=True).returncode == 0


def browser():
    """The page in headless Chromium (GL in software, as its renderer says): fifty cycles over the Gulf Stream."""
    passes = ",".join(map(str, passes_over(BOX)[:12]))
    with Viewer(collection("viewer-fifty.karin", mission(PRODUCT, 50, passes, VARIABLES))) as viewer:
        link = f"http://127.0.0.1:{viewer.port}/?token={viewer.token}"
        command = ["node", str(HERE / "viewer_browser.mjs"), link]
        done = subprocess.run(command, capture_output=True, text=True, cwd=WORKSPACE / "web")
        if done.returncode != 0:
            print(f"no browser: {done.stderr[-500:]}", file=sys.stderr)
            return []
        found = json.loads(done.stdout)
        return [
            ("first picture of 50 cycles, globe, cold", "< 2.5 s in software GL", {"karin": found["first"], "work of the page alone": found["first_work"]}),
            ("the same again, warm", "", {"karin": found["again"]}),
            ("next cycle at regional zoom, loaded ahead", "<= 0.1 s without software GL",
             {"karin": found["cycle"], "until it is issued": found["cycle_issued"], "work of the page alone": found["cycle_work"],
              "at most": found["cycle_work_most"], "a frame of GL": found["frame"]}),
            ("change of range", "no request, one frame",
             {"karin": found["range"], "a frame of GL": found["frame"], "errors": float(found["range_requests"])}),
        ]


def cycles():
    """One pass in sixty cycles: line by cycle, and the series of a point."""
    paths = mission(PRODUCT, 60, "13,290", VARIABLES)
    with Viewer(collection("viewer-cycles.karin", paths)) as viewer:
        ask = viewer.client()
        place = json.loads(get(viewer, f"/api/v1/point?group={GROUP}&cycle=1&pass=13&line=5200&pixel=20&var=ssha_karin_2"))
        hovmoller = f"/api/v1/hovmoller?group={GROUP}&var=ssha_karin_2&pass=13"
        series = f"/api/v1/series?group={GROUP}&var=ssha_karin_2&lon={place['lon']}&lat={place['lat']}"
        first = {name: asked(ask, path) for name, path in (("hovmoller", hovmoller), ("series", series))}
        again = lambda path: statistics.median(asked(ask, path) for _ in range(5))
        return [
            ("Hovmoller of one pass, 60 cycles", "< 300 ms", {"karin": again(hovmoller), "first time": first["hovmoller"]}),
            ("series of a point, 60 cycles", "< 100 ms", {"karin": again(series), "first time": first["series"]}),
        ]


def get(viewer, path):
    """The body of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", int(viewer.port))
    connection.request("GET", path, headers={"Authorization": f"Bearer {viewer.token}"})
    return connection.getresponse().read()


def clients(seconds=60):
    """Twenty clients who pan and zoom over a region."""
    paths = granules(PRODUCT, "science", "10", ",".join(map(str, passes_over(BOX))), VARIABLES, rewrite=False)
    with Viewer(collection("viewer-region.karin", paths)) as viewer:
        taken, failed = [], []

        def pan(number):
            ask = viewer.client()
            end, step = time.perf_counter() + seconds, number
            while time.perf_counter() < end:
                zoom = 3 + step % 6
                places = tiles_over(BOX, zoom)
                x, y = places[(7 * step) % len(places)]
                stat = ("mean", "last", "std", "max")[step % 4]
                took, status = ask(f"/api/v1/tiles/{zoom}/{x}/{y}?group={GROUP}&var=ssha_karin_2&cycles=10&stat={stat}")
                taken.append(took)
                failed.extend([status] if status != 200 else [])
                step += 1

        warm = threading.Thread(target=pan, args=(0,))
        warm.start()
        time.sleep(seconds / 6)
        before = viewer.resident()
        others = [threading.Thread(target=pan, args=(number,)) for number in range(1, 20)]
        for thread in others:
            thread.start()
        for thread in [warm, *others]:
            thread.join()
        taken.sort()
        measured = {
            "karin": taken[len(taken) // 2],
            "p99": taken[int(0.99 * (len(taken) - 1))],
            "errors": float(len(failed)),
            "resident before, bytes": before,
            "resident after, bytes": viewer.resident(),
        }
        return [(f"20 clients, {len(taken)} tiles", "0 errors, memory flat", measured)]


VIEWER = {"viewer-tiles": tiles, "viewer-cycles": cycles, "viewer-clients": clients, "viewer-browser": browser}
