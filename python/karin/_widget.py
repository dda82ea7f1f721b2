"""The widget behind :func:`karin.view`. The only module that imports anywidget."""

from __future__ import annotations

import functools
import gzip
import json
import pathlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import anywidget
import traitlets

from karin import _karin
from karin._collection import Collection
from karin._first_view import PLACES, first_view, is_box, region_of, shape_of
from karin._progress import listener_of
from karin._selection import SelectionSpec
from karin.errors import KarinError, error_of

#: Traits that are keys of the view under the same name.
_PLAIN = ("group", "variable", "cycle", "quality", "where")


class Viewer(anywidget.AnyWidget):
    """Swaths in a notebook. Its traits say what is shown; setting them moves it.

    What is asked is answered in this process, on threads of karin's own: cells that run do not hold up the map, except that
    the kernel hears of new questions only between them.
    """

    _esm = pathlib.Path(__file__).parent / "_assets" / "widget.js"
    _wanted = traitlets.Dict().tag(sync=True)
    _shown = traitlets.Dict().tag(sync=True)

    #: Height in pixels.
    height = traitlets.Int(600, min=200, max=4000).tag(sync=True)
    #: Product, schema and phase, such as ``"L2_LR_SSH_Basic.C.science"``.
    group = traitlets.Unicode()
    #: Name of the variable.
    variable = traitlets.Unicode()
    #: Cycle number.
    cycle = traitlets.Int()
    #: Least quality: ``"good"``, ``"suspect"``, ``"degraded"`` or ``"any"``.
    quality = traitlets.Enum(["good", "suspect", "degraded", "any"], "any")
    #: Condition that values shown meet.
    where = traitlets.Unicode()
    #: West, south, east and north of what the map shows, in degrees; `None` before it is shown.
    bounds = traitlets.Any(None, allow_none=True)
    #: What is drawn on the map: a box (west, south, east, north), or the corners of a polygon; `None` if nothing is.
    region = traitlets.Any(None, allow_none=True)

    def __init__(self, what: Collection, *, height: int = 600) -> None:
        spec, options = what._spec, what._options
        self._what = what
        self._lock = threading.Lock()
        self._under_way: dict[str, _karin.Asked | None] = {}
        self._is_following = False
        self._serial = 0
        self._pending: dict[str, Any] = {}
        with listener_of(options.progress) as listener:
            self._viewer: _karin.Viewer | None = _karin.Viewer(
                list(spec.paths),
                snapshot=what.snapshot if what.snapshot is not None else spec.snapshot,
                reach=spec.reach,
                jobs=options.jobs,
                memory=options.memory,
                listener=listener,
            )
        self._contents = self.ask("collections")
        first = first_view(self._contents, what)
        with self._following():
            super().__init__(height=height, **{name: first[name] for name in _PLAIN if name in first})
            self.region = region_of(first.get("region", []))
        self.on_msg(self._hear)
        bounds = {"bounds": list(self.region)} if is_box(self.region) else {}
        self._wanted = {"serial": 0, "view": first} | bounds

    # What the map is told and tells.

    @contextmanager
    def _following(self) -> Iterator[None]:
        before, self._is_following = self._is_following, True
        try:
            yield
        finally:
            self._is_following = before

    @traitlets.validate("group", "variable", "cycle")
    def _known(self, proposal: Mapping[str, Any]) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        if self._is_following:
            return value
        if name == "group":
            there: Sequence[Any] = [group["id"] for group in self._contents["groups"]]
        else:
            there = self._group["cycles"] if name == "cycle" else [one["name"] for one in self._group["variables"]] + self._let_names
        if value not in there:
            close = _karin.nearest_word(value, list(there)) if isinstance(value, str) else None
            hint = f": did you mean {close!r}?" if close else f": there are {', '.join(map(str, there[:12]))}"
            raise traitlets.TraitError(f"{name}={value!r}: there is no such {name}{hint}")
        return value

    @traitlets.validate("bounds", "region")
    def _in_degrees(self, proposal: Mapping[str, Any]) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        if value is None or self._is_following:
            return value
        shape = shape_of(value)
        if len(shape) == 2 or (name == "region" and len(shape) > 2):
            return region_of(shape)
        expected = "west, south, east, north" + (", or at least three corners (longitude, latitude)" if name == "region" else "")
        raise traitlets.TraitError(f"{name}={value!r}: expected {expected}, in degrees")

    @traitlets.observe(*_PLAIN, "region", "bounds")
    def _want(self, change: Mapping[str, Any]) -> None:
        if self._is_following:
            return
        name, value = change["name"], change["new"]
        if name == "bounds":
            if value is None:
                return
            self._pending["bounds"] = list(value)
        else:
            view = self._pending.setdefault("view", {})
            view[name] = shape_of(value) if name == "region" else value
        self._serial += 1
        self._wanted = {"serial": self._serial, **json.loads(json.dumps(self._pending))}

    @traitlets.observe("_shown")
    def _follow(self, change: Mapping[str, Any]) -> None:
        shown = change["new"]
        if not shown or shown.get("serial", 0) < self._serial:
            # Said before it heard of what is wanted now.
            return
        self._pending = {}
        view = shown["view"]
        with self._following():
            for name in _PLAIN:
                if name in view:
                    setattr(self, name, view[name])
            self.region = region_of(view.get("region", []))
            bounds = shown.get("bounds")
            self.bounds = None if bounds is None else tuple(round(edge, PLACES) for edge in bounds)

    @property
    def _group(self) -> Mapping[str, Any]:
        groups: list[dict[str, Any]] = self._contents["groups"]
        return next((group for group in groups if group["id"] == self.group), groups[0])

    @property
    def _lets(self) -> list[str]:
        view = self._shown.get("view") or self._wanted.get("view") or {}
        return list(view.get("lets", []))

    @property
    def _let_names(self) -> list[str]:
        return [definition.split("=", 1)[0] for definition in self._lets]

    @property
    def selected(self) -> Collection:
        """What is looked at: product, cycle, variable, quality, condition, and the region if one is drawn."""
        group, region = self._group, self.region
        options: dict[str, Any] = {
            "product": group["product"] if group["product"] != "files" else None,
            "phase": group["phase"],
            "version": group["schema"] or None,
            "cycle_number": self.cycle,
            "variables": self.variable,
            "quality": self.quality if self.quality != "any" else None,
            "where": self.where or None,
        }
        if is_box(region):
            options["bbox"] = region
        elif region is not None:
            options["polygon"] = {"type": "Polygon", "coordinates": [[*map(list, region), list(region[0])]]}
        lets = dict(definition.split("=", 1) for definition in self._lets if definition.split("=", 1)[0] == self.variable)
        whole = Collection(self._what._spec, SelectionSpec(), self._what._options)
        return whole.sel(**options, **lets)

    # Questions of the page.

    def ask(self, path: str, **query: Any) -> Any:
        """Ask as the page does: a path of the HTTP interface below ``/api/v1/``, and its parameters.

        Returns
        -------
        dict or bytes
            JSON, or the bytes of arrays and pictures.

        Raises
        ------
        karin.KarinError
            If it cannot be answered.
        """
        import queue
        from urllib.parse import urlencode

        answers: queue.SimpleQueue[tuple[int, str, bytes]] = queue.SimpleQueue()
        target = f"/api/v1/{path}?{urlencode(query, doseq=True)}"
        asked = self._open_viewer().ask(target, lambda *answer: answers.put(answer))
        try:
            status, kind, body = answers.get()
        except BaseException:
            if asked is not None:
                asked.cancel()
            raise
        if status >= 400:
            raise _error(status, body)
        return json.loads(body) if kind.startswith("application/json") else body

    def _open_viewer(self) -> _karin.Viewer:
        if self._viewer is None:
            raise error_of("invalid_argument", "this view is closed: call karin.view again")
        return self._viewer

    def _hear(self, _widget: Any, message: Mapping[str, Any], _buffers: Any) -> None:
        if "page" in message:
            names, contents = _page()
            self.send({"page": names}, buffers=contents)
        elif "cancel" in message:
            with self._lock:
                asked = self._under_way.pop(message["cancel"], None)
            if asked is not None:
                asked.cancel()
        elif "ask" in message and str(message.get("target", "")).startswith("/api/v1/"):
            self._begin(str(message["ask"]), message["target"])

    def _begin(self, name: str, target: str) -> None:
        with self._lock:
            self._under_way[name] = None
        try:
            asked = self._open_viewer().ask(target, functools.partial(self._answer, name))
        except KarinError as error:
            problem = {"kind": error.kind, "detail": str(error)}
            self._answer(name, 410, "application/problem+json", json.dumps(problem).encode())
            return
        with self._lock:
            # It may have been answered already.
            if name in self._under_way:
                self._under_way[name] = asked

    def _answer(self, name: str, status: int, _kind: str, body: bytes) -> None:
        with self._lock:
            is_wanted = name in self._under_way
            self._under_way.pop(name, None)
        if is_wanted:
            self.send({"answer": name, "status": status}, buffers=[body])

    def close(self) -> None:
        """End it: what is asked is given up, and what is held is let go."""
        with self._lock:
            asked, self._under_way = list(self._under_way.values()), {}
        for one in asked:
            if one is not None:
                one.cancel()
        self._viewer = None
        super().close()


@functools.cache
def _page() -> tuple[list[str], list[bytes]]:
    """The files of the page, compressed as the widget expects them."""
    files = _karin.Viewer.page()
    return list(files), [gzip.compress(content, 6, mtime=0) for content in files.values()]


def _error(status: int, body: bytes) -> KarinError:
    try:
        problem = json.loads(body)
    except ValueError:
        problem = {}
    kind = {400: "invalid_argument", 404: "not_found", 413: "memory", 422: "corrupt"}.get(status, "internal")
    said = [problem.get("detail") or f"karin answered {status}", problem.get("hint")]
    return error_of(kind, "; ".join(filter(None, said)))
