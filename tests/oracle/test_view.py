"""The viewer's server, asked by clients that we did not write, and its numbers beside those that netCDF4 reads."""

import io
import json
import re
import struct
import subprocess
import urllib.error
import urllib.parse
import urllib.request
import warnings

import netCDF4
import numpy
import pytest
import xarray
from conftest import karin_binary

GROUP = "L2_LR_SSH_Basic.C.calval"
TYPES = {"int16": "<i2", "int32": "<i4", "uint32": "<u4", "float32": "<f4", "float64": "<f8"}


class Viewer:
    """A running `karin view`."""

    def __init__(self, *words):
        command = [str(karin_binary()), "view", *map(str, words), "--no-browser", "--no-cache"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        self.origin, self.token = re.fullmatch(r"(http://127\.0\.0\.1:\d+)/\?token=(\S+)", self.url).groups()

    def get(self, path, token=True, **headers):
        if token:
            headers["Authorization"] = f"Bearer {self.token}"
        with urllib.request.urlopen(urllib.request.Request(self.origin + path, headers=headers), timeout=60) as answer:
            return answer.read()

    def json(self, path):
        return json.loads(self.get(path))

    def arrays(self, path):
        """Header and arrays of a container, by its description in docs/reference/http-api.md."""
        body = self.get(path)
        assert body[:4] == b"KRN1"
        header = json.loads(body[8 : 8 + struct.unpack("<I", body[4:8])[0]])
        of = lambda a: numpy.frombuffer(body, TYPES[a["dtype"]], int(numpy.prod(a["shape"])), a["offset"]).reshape(a["shape"])
        return header, {a["name"]: of(a) for a in header["arrays"]}


@pytest.fixture(scope="module")
def granules(karin, tmp_path_factory):
    folder = tmp_path_factory.mktemp("granules")
    karin("simulate", "--product", "L2_LR_SSH_Basic", "--phase", "calval", "--cycles", "475-476", "--passes", "13",
          "--vars", "ssha_karin_2,ssha_karin_2_qual,height_cor_xover", folder)
    return folder


@pytest.fixture(scope="module")
def viewer(granules):
    viewer = Viewer(granules)
    yield viewer
    viewer.process.terminate()
    viewer.process.wait(timeout=10)


def test_the_first_line_is_an_address_that_opens_the_page_and_loses_its_token(viewer):
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with opener.open(viewer.url, timeout=30) as page:
        assert page.status == 200 and page.url == viewer.origin + "/" and b"<html" in page.read()
    with opener.open(viewer.origin + "/api/v1/collections", timeout=30) as answer:
        assert json.load(answer)["default_group"] == GROUP
    with pytest.raises(urllib.error.HTTPError, match="401"):
        viewer.get("/api/v1/collections", token=False)


def test_strips_points_and_profiles_are_what_netcdf4_reads(viewer, granules):
    path = next(granules.glob("*_475_013_*.nc"))
    with netCDF4.Dataset(path) as granule:
        granule.set_auto_maskandscale(False)
        raw = granule["ssha_karin_2"][:]
        lon, lat = (granule[name][:] * granule[name].scale_factor for name in ("longitude", "latitude"))
        granule.set_auto_maskandscale(True)
        values = numpy.ma.filled(granule["ssha_karin_2"][:].astype(float), numpy.nan)
        time = granule["time"][:]
    view = f"group={GROUP}&var=ssha_karin_2&cycle=475&pass=13"
    header, arrays = viewer.arrays(f"/api/v1/strips?{view}&lines=1000-1511")
    numpy.testing.assert_array_equal(arrays["values"], raw[1000:1512])
    numpy.testing.assert_allclose(arrays["time"], time[1000:1512], rtol=0, atol=1e-6)
    random = numpy.random.default_rng(5)
    for line, pixel in zip(random.integers(0, len(raw), 40), random.integers(0, 69, 40)):
        point = viewer.json(f"/api/v1/point?group={GROUP}&cycle=475&lon={lon[line, pixel]}&lat={lat[line, pixel]}&var=ssha_karin_2")
        assert (point["pass"], point["line"], point["pixel"]) == (13, line, pixel)
        found = point["values"][0]["value"]
        assert numpy.isnan(values[line, pixel]) if found is None else found == pytest.approx(values[line, pixel], abs=1e-12)
    profile = viewer.json(f"/api/v1/profile?{view}&pixel=20&half=2&lines=0-2999")
    found = numpy.array([numpy.nan if value is None else value for value in profile["values"]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        numpy.testing.assert_allclose(found, numpy.nanmean(values[:3000, 18:23], axis=1), rtol=0, atol=1e-12)


def test_a_mesh_places_corners_between_the_stored_places(viewer, granules):
    path = next(granules.glob("*_475_013_*.nc"))
    with netCDF4.Dataset(path) as granule:
        lat = granule["latitude"][:]
    _, mesh = viewer.arrays(f"/api/v1/mesh?group={GROUP}&pass=13&cycle=475")
    rows, columns = (mesh["line"][1:-1] + 0.5).astype(int), (mesh["pixel"][1:-1] + 0.5).astype(int)
    corners = [lat[numpy.ix_(rows - a, columns - b)] for a in (0, 1) for b in (0, 1)]
    numpy.testing.assert_allclose(mesh["lat"][1:-1, 1:-1], numpy.mean(corners, axis=0), rtol=0, atol=1e-4)


def test_a_plain_client_gets_map_tiles_by_the_key_alone(viewer):
    key = viewer.json("/api/v1/collections")["xyz_key"]
    path = f"/xyz/{GROUP}/ssha/2/{{x}}/{{y}}.png?cycles=475-476&min=-0.3&max=0.3&cmap=balance&key={key}"
    seen = 0
    for x, y in [(x, y) for x in range(4) for y in range(4)]:
        body = viewer.get(path.format(x=x, y=y), token=False, **{"User-Agent": "Mozilla/5.0 QGIS/33400"})
        assert body[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">II", body[16:24]) == (256, 256)
        seen += len(body) > 2500
    assert seen >= 2, "a half orbit crosses several tiles"


def test_an_extract_opens_in_xarray(viewer, granules):
    body = viewer.get(f"/api/v1/extract?group={GROUP}&var=ssha_karin_2&cycles=475&passes=13&format=nc")
    with xarray.open_dataset(io.BytesIO(body), engine="h5netcdf") as extract:
        with xarray.open_dataset(next(granules.glob("*_475_013_*.nc"))) as granule:
            numpy.testing.assert_array_equal(extract["ssha_karin_2"], granule["ssha_karin_2"])


def test_the_command_that_is_told_gives_what_is_told(viewer, granules, karin, tmp_path):
    area = "bbox=-180,-20,180,20"
    stats = viewer.json(f"/api/v1/stats?group={GROUP}&var=ssha_karin_2&cycles=475&passes=13&{area}")
    words = viewer.json(f"/api/v1/command?group={GROUP}&var=ssha_karin_2&cycles=475&passes=13&{area}&verb=extract")["cli"].split()
    assert words[:2] == ["karin", "extract"] and words[2] == str(granules)
    karin(*words[1:-1], tmp_path / "extract.nc")
    with xarray.open_dataset(tmp_path / "extract.nc") as extract:
        values = extract["ssha_karin_2"].values
    assert numpy.isfinite(values).sum() == stats["count"]
    assert numpy.nanmean(values) == pytest.approx(stats["mean"], abs=1e-7)
    assert numpy.nanstd(values) == pytest.approx(stats["std"], abs=1e-7)


def test_every_answer_fits_the_description(viewer):
    """Every endpoint of /openapi.json, with and without its parameters: no defect, and every problem is described."""
    document = viewer.json("/openapi.json")
    known = {"group": GROUP, "var": "ssha_karin_2", "var2": "height_cor_xover", "cycle": "475", "cycles": "475", "pass": "13",
             "lines": "0-99", "line": "5", "pixel": "5", "lon": "10", "lat": "10", "job": "none", "bbox": "0,-10,20,10"}
    texts = ["", "0", "-1", "1e999", "nan", "'", "a" * 300, "\u00e9\u4e16", "0,0;1,1", "{}", "475-470", "%00", "../..", "<b>"]
    asked = 0
    for path, operations in document["paths"].items():
        (operation,) = operations.values()
        target = re.sub(r"\{(\w+)\}", lambda part: known.get(part[1], "1"), path)
        queries = [{}, {p["name"]: known[p["name"]] for p in operation["parameters"] if p["in"] == "query" and p["name"] in known and p.get("required")}]
        names = [p["name"] for p in operation["parameters"] if p["in"] == "query"]
        queries += [{**queries[1], name: texts[(index + len(names)) % len(texts)]} for index, name in enumerate(names)]
        for query in queries:
            address = target + "?" + urllib.parse.urlencode(query)
            try:
                viewer.get(address)
                status = "200"
            except urllib.error.HTTPError as error:
                status = str(error.code)
                assert error.headers["Content-Type"] == "application/problem+json", address
                assert json.load(error)["status"] == error.code, address
            assert status in operation["responses"] and not status.startswith("5"), f"{address}: {status}"
            asked += 1
    assert asked > 200
