"""Servers that speak as AVISO's THREDDS, NASA's CMR, PO.DAAC's archive and Earthdata Login do, on loopback, with faults on order."""

import base64
import hashlib
import json
import random
import threading
import time
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from fnmatch import fnmatch
from http.server import ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

from loopback import QuietHandler

USER, PASSWORD, TOKEN = "karl", "canary-pass-word", "canary-token-value"
BUCKET_SECRET, BUCKET_TOKEN = "canary-bucket-secret", "canary-bucket-token"
BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
LOGIN_PAGE = b"<html><body><h1>Earthdata Login</h1><form>Password <input type=\"password\"></form></body></html>"
ROOT = "dataset-l2-swot-karin-lr-ssh-validated"
THREDDS = """<?xml version="1.0" encoding="UTF-8"?>
<catalog xmlns="http://www.unidata.ucar.edu/namespaces/thredds/InvCatalog/v1.0" xmlns:xlink="http://www.w3.org/1999/xlink">
<service serviceType="Compound" name="all" base=""><service name="odap" serviceType="OPeNDAP" base="/thredds/dodsC/"/>
<service name="http" serviceType="HTTPServer" base="/thredds/fileServer/"/></service>
<dataset name="top"><metadata inherited="true"><serviceName>all</serviceName></metadata>
{entries}
</dataset></catalog>"""


class World:
    """What all servers share: the granules, the faults that are ordered, and every request that came."""

    def __init__(self):
        self.files = {}  # name -> bytes
        self.checksums = True
        self.algorithm = None  # of checksums; any, if none is named
        self.ranges = True  # whether parts of files are given
        self.several = True  # whether several of them are given in one answer
        self.versions = True  # whether files have an ETag
        self.modified = None  # when they were modified, as a date of HTTP, if it is said
        self.faults = {}  # name -> list of faults, one per request
        self.requests = []  # (server, path, headers)
        self.sent = 0
        self.sessions = set()
        self.page_size = 2000
        self.key_seconds = 3600
        self.cmr_faults = []
        self.broken = set()  # folders of catalogues that answer 500
        self.open_now = 0
        self.open_most = 0
        self.lock = threading.Lock()
        self.delay = 0.0
        self.stall = 0.8  # seconds

    def add(self, path: Path):
        self.files[path.name] = path.read_bytes()

    def etag(self, name):
        return '"' + hashlib.sha1(self.files[name]).hexdigest() + '"'

    def paths(self, server):
        return [path for where, path, _ in self.requests if where == server]

    def data_requests(self):
        return [path for _, path, _ in self.requests if path.endswith(".nc")]


EMPTY = (f"{ROOT}/Expert", f"{ROOT}/PGC0/Unsmoothed")  # folders of products that nobody asks for


def home(name):
    """The folder that AVISO keeps a granule in."""
    words = name.removesuffix(".nc").split("_")
    if words[1] == "L3":
        return f"dataset-l3-swot-karin-nadir-validated/l3_lr_ssh/{words[9].replace('.', '_')}/{words[4]}/cycle_{words[5]}"
    return f"{ROOT}/PGC0/Basic/cycle_{words[5]}"


def parts(name):
    """Baseline, cycle and pass of a granule of level 2."""
    words = name.split("_")
    return words[9][2], int(words[5]), int(words[6])


class Handler(QuietHandler):
    world: World
    role: str
    urls: dict

    def reply(self, status, body=b"", kind="text/plain", **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length).decode()
        self.record()
        if self.path == "/geonetwork/srv/api/search/records/_search":
            return self.products(json.loads(body))
        if self.path == "/api/users/find_or_create_token":
            if self.headers.get("Authorization") != BASIC:
                return self.reply(401, b'{"error":"invalid_credentials"}', "application/json")
            answer = {"access_token": TOKEN, "token_type": "Bearer", "expiration_date": "01/01/2099"}
            return self.reply(200, json.dumps(answer).encode(), "application/json")
        if self.path == "/realms/MIS/protocol/openid-connect/token":
            form = dict(parse_qsl(body))
            right = form.get("username") == USER and form.get("password") == PASSWORD and form["client_id"] == "toolbox"
            answer = {"access_token": "x"} if right else {"error": "invalid_grant"}
            return self.reply(200 if right else 401, json.dumps(answer).encode(), "application/json")
        self.reply(404)

    def products(self, question):
        """AVISO's catalogue of products: records of which some lie in several THREDDS catalogues."""
        rules = {key: value for rule in question["query"]["bool"]["must"] for key, value in rule["term"].items()}
        assert rules == {"th_odatis_centre_donnees.default": "CDS-AVISO", "platforms": "SWOT"} and self.headers["Accept"] == "application/json"
        link = lambda protocol, description, name, url: {"protocol": protocol, "descriptionObject": {"default": description},
                                                         "nameObject": {"default": name}, "urlObject": {"default": url}}
        records = []
        for number, kinds in enumerate([["L3 LR SSH Basic", "L3 LR SSH Expert"], ["L2 LR SSH Basic"], []] + [["L4 number %d" % i] for i in range(120)]):
            links = [link("WWW:LINK", "THREDDS", f"SWOT {kind}", f"https://tds/{number}/catalog.xml") for kind in kinds]
            links.append(link("DOI", "DOI of the product", "x", f"https://doi.org/10.24400/{number}"))
            records.append({"_id": str(number), "_source": {"resourceTitleObject": {"default": f"Title {number}"}, "link": links}})
        hits = records[question["from"] : question["from"] + question["size"]]
        self.reply(200, json.dumps({"hits": {"hits": hits}}).encode(), "application/json")

    def record(self):
        self.world.requests.append((self.role, self.path, {name.lower(): value for name, value in self.headers.items()}))

    def do_GET(self):
        self.record()
        getattr(self, self.role)(urlsplit(self.path))

    def trap(self, _):
        self.reply(200, b"\x89HDF secrets of the house")

    # A server that no setting names.
    def mirror(self, url):
        self.data(url.path.rsplit("/", 1)[1])

    # AVISO and CMR, and a plain list of files.
    def site(self, url):
        path = url.path
        if path.startswith("/thredds/catalog/"):
            return self.catalog(path.removeprefix("/thredds/catalog/"))
        if path.startswith("/thredds/fileServer/"):
            if self.headers.get("Authorization") != BASIC:
                return self.reply(401, LOGIN_PAGE, "text/html", WWW_Authenticate='Basic realm="x"')
            return self.data(path.rsplit("/", 1)[1])
        if path.startswith("/search/granules.umm_json"):
            return self.cmr(parse_qsl(url.query))
        if path.startswith("/search/collections.umm_json"):
            return self.collections(dict(parse_qsl(url.query)))
        if path.startswith("/list/"):
            return self.data(path.rsplit("/", 1)[1]) if path.endswith(".nc") else self.index(path.removeprefix("/list/"))
        self.reply(404, b"<html>no such page</html>", "text/html")

    def catalog(self, path):
        folder = path.removesuffix("/catalog.xml")
        if folder.rsplit("/", 1)[-1] in self.world.broken:
            return self.reply(500)
        homes = {name: home(name) for name in sorted(self.world.files)}
        below = [place.removeprefix(folder + "/").split("/")[0] for place in [*homes.values(), *EMPTY] if place.startswith(folder + "/")]
        entries = [self.reference(f"{word}/catalog.xml") for word in sorted(set(below))]
        entries += [self.dataset(name, folder) for name, place in homes.items() if place == folder]
        if not entries:
            return self.reply(404, b"<html>no such catalogue</html>", "text/html")
        body = THREDDS.format(entries="\n".join(entries)).encode()
        etag = '"' + hashlib.sha1(body).hexdigest() + '"'
        if self.headers.get("If-None-Match") == etag:
            return self.reply(304, ETag=etag)
        self.reply(200, body, "application/xml", ETag=etag)

    def reference(self, target):
        return f'<catalogRef xlink:href="{target}" xlink:title="{target.split("/")[0]}" name=""/>'

    def dataset(self, name, folder):
        megabytes = f"{len(self.world.files[name]) / 1e6:.4g}"
        return (f'<dataset name="{name}" ID="{name}" urlPath="{folder}/{name}"><dataSize units="Mbytes">{megabytes}</dataSize>'
                f'<date type="modified">{self.world.etag(name)[1:9]}</date></dataset>')

    def index(self, path):
        folders = path.strip("/")
        files = sorted(self.world.files)
        if not folders:
            names = sorted({f"cycle_{parts(name)[1]:03}/" for name in files}) + ["../", "/etc/", "http://127.0.0.1:1/x/"]
        else:
            names = [name for name in files if f"cycle_{parts(name)[1]:03}" == folders]
        links = "".join(f'<a href="{quote(name, safe="/:")}">{name}</a>\n' for name in names)
        self.reply(200, f"<html><body>{links}</body></html>".encode(), "text/html")

    def cmr(self, query):
        """Search with the rules of the service; see its documentation of cycle and passes."""
        fault = self.world.cmr_faults.pop(0) if self.world.cmr_faults else None
        if isinstance(fault, int):
            return self.reply(fault, b"{}", "application/json", Retry_After="0")
        if fault == "html":
            return self.reply(200, LOGIN_PAGE, "text/html")
        keys = {"provider", "page_size", "short_name", "short_name[]", "cycle[]", "temporal[]", "bounding_box[]", "readable_granule_name",
                "options[readable_granule_name][pattern]"}
        passes = {int(value) for key, value in query if key.startswith("passes[")}
        cycles = {int(value) for key, value in query if key == "cycle[]"}
        names = {value.upper() for key, value in query if key.startswith("short_name")}
        patterns = [value for key, value in query if key == "readable_granule_name"]
        unknown = [key for key, _ in query if key not in keys and not key.startswith("passes[")]
        if unknown or (passes and len(cycles) != 1):
            return self.reply(400, json.dumps({"errors": ["There must be exactly one cycle"]}).encode(), "application/json")
        found = []
        for name in sorted(self.world.files):
            baseline, cycle, number = parts(name)
            collection = "SWOT_L2_LR_SSH_BASIC_" + {"C": "2.0", "D": "D"}[baseline]
            if collection in names and (not cycles or cycle in cycles) and (not passes or number in passes) and (
                    not patterns or any(fnmatch(name, pattern) for pattern in patterns)):
                found.append(name)
        start = int(self.headers.get("CMR-Search-After", 0))
        page = found[start : start + self.world.page_size]
        more = {"CMR_Search_After": str(start + len(page))} if page else {}
        items = [self.item(name) for name in page]
        body = json.dumps({"hits": len(found), "took": 1, "items": items}).encode()
        self.reply(200, body, "application/vnd.nasa.cmr.umm_results+json", CMR_Hits=str(len(found)), **more)

    def collections(self, query):
        assert query["short_name"] == "SWOT_*" and query["options[short_name][pattern]"] == "true" and query["provider"] == "POCLOUD"
        names = ["SWOT_L2_LR_SSH_BASIC_2.0", "SWOT_L2_LR_SSH_EXPERT_D", "SWOT_L2_NALT_GDR_2.0"]
        items = [{"umm": {"ShortName": name, "EntryTitle": f"Title of {name}", "DOI": {"DOI": f"10.5067/{name}"}}} for name in names]
        self.reply(200, json.dumps({"hits": len(items), "took": 1, "items": items}).encode(), "application/vnd.nasa.cmr.umm_results+json")

    def item(self, name):
        content = self.world.files[name]
        facts = {"Name": name, "SizeInBytes": len(content), "Size": len(content) / 1e6, "SizeUnit": "MB"}
        if self.world.checksums:
            kind = self.world.algorithm or random.Random(name).choice(["MD5", "SHA-256", "SHA-512"])
            digest = hashlib.new(kind.replace("-", "").lower(), content).hexdigest()
            facts["Checksum"] = {"Value": digest, "Algorithm": kind}
        links = [(f"s3://podaac/{name}", "GET DATA VIA DIRECT ACCESS"), (f"{self.urls['archive']}/x/{name}", "GET DATA"),
                 (f"{self.urls['archive']}/s3credentials", "VIEW RELATED INFORMATION")]
        return {"meta": {"concept-type": "granule", "provider-id": "POCLOUD", "native-id": name, "revision-date": self.world.etag(name)[1:9]},
                "umm": {"GranuleUR": name, "RelatedUrls": [{"URL": url, "Type": kind} for url, kind in links],
                        "DataGranule": {"ArchiveAndDistributionInformation": [facts]}}}

    # PO.DAAC: a token, or a session that Earthdata Login has opened.
    def archive(self, url):
        session = dict(parse_qsl(self.headers.get("Cookie", "").replace("; ", "&"))).get("session")
        if url.path == "/redirect":
            code = dict(parse_qsl(url.query))
            if code.get("code") != "granted":
                return self.reply(401)
            self.world.sessions.add("open-sesame")
            return self.reply(302, Location=code["state"], Set_Cookie="session=open-sesame; Path=/; HttpOnly")
        is_in = self.headers.get("Authorization") == f"Bearer {TOKEN}" or session in self.world.sessions
        if url.path == "/s3credentials" and is_in:
            end = datetime.now(timezone.utc) + timedelta(seconds=self.world.key_seconds)
            keys = {"accessKeyId": "key", "secretAccessKey": BUCKET_SECRET, "sessionToken": BUCKET_TOKEN, "expiration": f"{end:%Y-%m-%d %H:%M:%S}+00:00"}
            return self.reply(200, json.dumps(keys).encode(), "application/json")
        if is_in:
            return self.data(url.path.rsplit("/", 1)[1])
        if "Authorization" in self.headers:
            return self.reply(401, b'{"error":"invalid_token"}', "application/json")
        target = f"{self.urls['login']}/oauth/authorize?client_id=x&state={quote(url.path)}"
        self.reply(302, Location=target)

    def login(self, url):
        if url.path != "/oauth/authorize":
            return self.reply(404)
        if self.headers.get("Authorization") != BASIC:
            return self.reply(200, LOGIN_PAGE, "text/html")
        state = dict(parse_qsl(url.query))["state"]
        self.reply(302, Location=f"{self.urls['archive']}/redirect?code=granted&state={quote(state)}")

    # The bytes of a granule, as the server would send them or as a fault has it.
    def data(self, name):
        world = self.world
        with world.lock:
            fault = world.faults[name].pop(0) if world.faults.get(name) else None
            world.open_now += 1
            world.open_most = max(world.open_most, world.open_now)
        try:
            time.sleep(world.delay)
            self.send_data(name, fault)
        finally:
            with world.lock:
                world.open_now -= 1

    def is_another(self, etag):
        """True if the client knows another version, by tag (with its quotes, RFC 9110) or by date."""
        tag, date = self.headers.get("If-Match", etag), self.headers.get("If-Unmodified-Since")
        later = date and self.world.modified and parsedate_to_datetime(self.world.modified) > parsedate_to_datetime(date)
        return tag not in (etag, "*") or bool(later)

    def send_data(self, name, fault):
        world = self.world
        if name not in world.files:
            return self.reply(404)
        if fault == "changed":  # another file from now on
            world.files[name] = world.files[name] + b"more"
        content, etag = world.files[name], world.etag(name)
        simple = {"401": (401, LOGIN_PAGE, "text/html"), "403": (403, b"<html>EULA</html>", "text/html"),
                  "404": (404, b"", "text/plain"), "html": (200, LOGIN_PAGE, "text/html"), "500": (500, b"", "text/plain"),
                  "empty": (200, b"", "application/x-netcdf"), "text": (200, b"error: come back later", "application/x-netcdf")}
        if fault in simple:
            return self.reply(*simple[fault])
        if fault in ("429", "503"):
            return self.reply(int(fault), b"busy", Retry_After="0")
        if fault == "loop":
            return self.reply(302, Location=self.path)
        if fault and fault.startswith("to "):
            return self.reply(302, Location=fault[3:])
        if self.is_another(etag):
            return self.reply(412)
        start, stop = 0, len(content)
        wanted = self.headers.get("Range", "")
        valid = self.headers.get("If-Range", etag) in (etag, world.modified)
        is_part = wanted.startswith("bytes=") and valid and fault != "no ranges" and world.ranges
        if "," in wanted:
            if is_part and world.several and not fault:
                return self.send_several(content, etag, wanted[6:].split(","))
            is_part = False  # as S3 does: the whole
        if is_part:
            begin, last = wanted[6:].split("-")
            start = int(begin)
            if start >= len(content):
                return self.reply(416, Content_Range=f"bytes */{len(content)}")
            stop = min(stop, int(last) + 1) if last else stop
        body = content[start:stop]
        if fault == "wrong bytes":
            body = body[:-500] + bytes(byte ^ 255 for byte in body[-500:])
        self.send_response(206 if is_part else 200)
        first = start + 7 if fault == "wrong range" and start else start
        if is_part:
            self.send_header("Content-Range", f"bytes {first}-{stop - 1}/{len(content)}")
        self.send_header("Content-Type", "application/x-netcdf")
        if world.versions:
            self.send_header("ETag", etag)
        if world.modified:
            self.send_header("Last-Modified", world.modified)
        world.sent += self.send_body(body, fault, world.stall)


    def send_several(self, content, etag, ranges):
        """Several ranges as one answer, as RFC 9110 has it."""
        boundary, body = "a-boundary-of-parts", b""
        for begin, last in (one.split("-") for one in ranges):
            stop = min(int(last) + 1, len(content))
            body += f"\r\n--{boundary}\r\nContent-Type: application/x-netcdf\r\nContent-Range: bytes {begin}-{stop - 1}/{len(content)}\r\n\r\n".encode()
            body += content[int(begin) : stop]
        body += f"\r\n--{boundary}--\r\n".encode()
        self.reply(206, body, f"multipart/byteranges; boundary={boundary}", ETag=etag)
        self.world.sent += len(body)


class Servers:
    """The servers, running."""

    def __init__(self, world):
        self.world = world
        self.urls = {}
        self.running = []
        for role in ("site", "archive", "login", "trap", "mirror"):
            handler = type(role, (Handler,), {"world": world, "role": role, "urls": self.urls})
            server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
            server.daemon_threads = True
            self.urls[role] = f"http://127.0.0.1:{server.server_port}"
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
            self.running.append(server)

    def settings(self):
        """What makes karin ask these servers, and be quick about faults."""
        return {
            "KARIN_AVISO_CATALOG": f"{self.urls['site']}/thredds/catalog/",
            "KARIN_AVISO_PRODUCTS": f"{self.urls['site']}/geonetwork/srv/api/",
            "KARIN_PODAAC_CMR": f"{self.urls['site']}/search/",
            "KARIN_PODAAC_ARCHIVE": self.urls["archive"],
            "KARIN_PODAAC_LOGIN": self.urls["login"],
            "KARIN_CMEMS_LOGIN": self.urls["login"],
            "KARIN_TRANSFERS_FIRST_WAIT": "0.01",
            "KARIN_TRANSFERS_LONGEST_WAIT": "0.1",
            "KARIN_TRANSFERS_STALL": "0.3",
        }

    def close(self):
        for server in self.running:
            server.shutdown()
            server.server_close()
