"""The widget of notebooks, from the kernel's side: what it answers, says and obeys. web/browser drives it in JupyterLab."""

import json
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import karin

pytest.importorskip("anywidget", reason="anywidget is not installed: run `cargo xtask setup`")
import traitlets  # noqa: E402

GROUP = "L2_LR_SSH_Basic.C.calval"


@pytest.fixture
def shown(swot):
    widget = karin.view(swot)
    yield widget
    widget.close()


class Page:
    """Stands for the page: asks as it does, and keeps what it is told."""

    def __init__(self, widget, monkeypatch):
        self.widget, self.told, self.heard = widget, {}, threading.Event()
        monkeypatch.setattr(widget, "send", self.hear)

    def hear(self, content, buffers=None):
        if "answer" in content:
            self.told[content["answer"]] = (content["status"], bytes(buffers[0]))
            self.heard.set()
        else:
            self.page = dict(zip(content["page"], buffers))

    def ask(self, name, target):
        self.widget._hear(self.widget, {"ask": name, "target": target}, [])

    def answer(self, name, target):
        self.ask(name, target)
        deadline = time.monotonic() + 30
        while name not in self.told:
            assert time.monotonic() < deadline, "no answer"
            time.sleep(0.01)
        return self.told.pop(name)

    def show(self, serial=0, bounds=(-10.00001, 20.0, 30.0, 40.0), **view):
        before = self.widget._shown.get("view") or self.widget._wanted["view"]
        self.widget._shown = {"serial": serial, "view": {**before, **view}, "bounds": list(bounds)}


def test_what_is_selected_is_what_is_shown_first(swot):
    chosen = swot.sel(cycle_number=[475, 477], pass_number=2, variables="twice", quality="suspect", bbox=(-170, -70, 170, 70), where="twice < 3", twice="2*ssha_karin_2")
    w = chosen.view(height=300)
    assert (w.group, w.cycle, w.variable, w.quality, w.where, w.height) == (GROUP, 477, "twice", "suspect", "twice < 3", 300)
    assert w.region == (-170, -70, 170, 70) and w._wanted["view"]["lets"] == ["twice=2*ssha_karin_2"]
    assert w._wanted["bounds"] == [-170, -70, 170, 70]
    expected = swot.sel(product="L2_LR_SSH_Basic", phase="calval", version="C", cycle_number=477, variables="twice", quality="suspect",
                        bbox=(-170, -70, 170, 70), where="twice < 3", twice="2*ssha_karin_2")
    assert w.selected == expected and w.selected.mean("cycle_number")["twice"].size
    whole = karin.view(swot)
    assert (whole.cycle, whole.region, whole.variable) == (477, None, whole._group["default_variable"])
    corners = [(0, 0), (20, 0), (10, 30)]
    ring = {"type": "Polygon", "coordinates": [[*map(list, corners), list(corners[0])]]}
    assert karin.view(swot.sel(polygon=ring)).region == tuple(corners)


def test_the_page_is_told_what_python_wants_until_it_follows(shown, monkeypatch):
    page = Page(shown, monkeypatch)
    shown.cycle = 475
    shown.variable = "height_cor_xover"
    assert shown._wanted == {"serial": 2, "view": {"cycle": 475, "variable": "height_cor_xover"}}
    page.show(serial=1, cycle=475)  # said before it heard of the variable
    assert shown.variable == "height_cor_xover"
    page.show(serial=2, cycle=475, variable="height_cor_xover")
    shown.bounds = (170, -10, -170, 10)
    assert shown._wanted == {"serial": 3, "bounds": [170, -10, -170, 10]}
    shown.region = [(0, 0), (20, 0), (10, 30)]
    assert shown._wanted["view"]["region"] == [[0, 0], [20, 0], [10, 30]]
    shown.region = None
    assert shown._wanted["view"]["region"] == []


def test_python_hears_what_the_hand_does(shown, monkeypatch):
    page = Page(shown, monkeypatch)
    seen = []
    shown.observe(lambda change: seen.append(change["new"]), "cycle")
    page.show(cycle=476, region=[[-5, 1], [5, 9]], quality="good")
    assert seen == [476] and shown.region == (-5, 1, 5, 9) and shown.bounds == (-10.0, 20.0, 30.0, 40.0)
    assert dict(shown.selected._selection.words)["bbox"] == "-5,1,5,9"
    page.show(region=[[0, 0], [20, 0], [10, 30]])
    polygon = json.loads(dict(shown.selected._selection.words)["polygon"])
    assert polygon["coordinates"] == [[[0, 0], [20, 0], [10, 30], [0, 0]]]
    assert shown._wanted["serial"] == 0  # what comes from the page does not go back to it


@pytest.mark.parametrize(
    "name, value",
    [("cycle", 478), ("variable", "ssha_karin_3"), ("group", "L9"), ("quality", "best"), ("height", 5), ("region", (1, 2)),
     ("region", (0, 50, 10, 40)), ("bounds", "here"), ("bounds", [(0, 0), (1, 1), (2, 0)]), ("region", [(0, 95), (1, 1), (2, 2)])],
)
def test_what_cannot_be_shown_is_refused(shown, name, value):
    before = getattr(shown, name)
    with pytest.raises(traitlets.TraitError):
        setattr(shown, name, value)
    assert getattr(shown, name) == before


def test_answers_are_those_of_the_engine(shown, swot, monkeypatch):
    page = Page(shown, monkeypatch)
    field = swot.sel(cycle_number=475, variables="ssha_karin_2").to_xarray()["ssha_karin_2"].sel(cycle_number=475, pass_number=2).values
    rng = np.random.default_rng(3)
    there = np.argwhere(np.isfinite(field))
    for line, pixel in there[rng.choice(len(there), 20, replace=False)]:
        target = f"/api/v1/point?group={GROUP}&cycle=475&pass=2&line={line}&pixel={pixel}&var=ssha_karin_2"
        status, body = page.answer(f"1:{line}", target)
        assert status == 200
        assert json.loads(body)["values"][0]["value"] == pytest.approx(field[line, pixel], rel=1e-12)
    status, body = page.answer("1:0", "/api/v1/point?group=x")
    assert status in (400, 404) and json.loads(body)["detail"]
    point = shown.ask("point", group=GROUP, cycle=475, **{"pass": 2}, line=int(line), pixel=int(pixel), var="ssha_karin_2")
    assert point["values"][0]["value"] == pytest.approx(field[line, pixel], rel=1e-12)
    with pytest.raises(karin.errors.NotFoundError, match="L9"):
        shown.ask("coverage", group="L9")
    with pytest.raises(ValueError, match="cycl"):
        shown.ask("coverage", group=GROUP, cycl=1)


def test_questions_are_given_up(shown, monkeypatch):
    page = Page(shown, monkeypatch)
    target = f"/api/v1/stats?group={GROUP}&var=ssha_karin_2&bbox=-180,-80,180,80"
    page.ask("1:1", target)
    shown._hear(shown, {"cancel": "1:1"}, [])
    assert page.answer("1:2", f"/api/v1/coverage?group={GROUP}")[0] == 200
    page.ask("1:3", "/openapi.json")  # nothing but the interface is asked for
    time.sleep(0.2)
    assert "1:1" not in page.told and "1:3" not in page.told and shown._under_way == {}


def test_the_page_comes_from_the_kernel(shown, monkeypatch):
    import gzip

    page = Page(shown, monkeypatch)
    shown._hear(shown, {"page": True}, [])
    assert b"<script" in gzip.decompress(page.page["index.html"])
    assert sum(map(len, page.page.values())) < 1_000_000
    # What a saved notebook carries of it is small.
    assert len(json.dumps(shown.get_state(), default=str)) < 30_000


def test_a_closed_view_says_so(swot, monkeypatch):
    widget = karin.view(swot)
    page = Page(widget, monkeypatch)
    widget.close()
    with pytest.raises(ValueError, match="closed"):
        widget.ask("collections")
    status, body = page.answer("1:1", "/api/v1/collections")
    assert status == 410 and "closed" in json.loads(body)["detail"]


def test_paths_errors_and_what_is_missing(collection_path, tmp_path):
    assert karin.view(str(collection_path)).group == GROUP
    with pytest.raises(FileNotFoundError):
        karin.view(tmp_path / "nothing")
    with pytest.raises(ValueError, match="height"):
        karin.view(collection_path, height=1)
    code = "import sys; sys.modules['anywidget'] = None\nimport karin\ntry:\n    karin.view(sys.argv[1])\nexcept ImportError as error:\n    print(error)"
    done = subprocess.run([sys.executable, "-c", code, str(collection_path)], capture_output=True, text=True)
    assert done.stdout.strip() == "karin.view needs anywidget: pip install anywidget", done.stderr
