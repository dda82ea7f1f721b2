"""Options of a selection, from Python values to the words that every surface of karin understands."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from karin import _karin
from karin.errors import InvalidArgumentError

#: The largest number that a cycle or a pass can have.
_LARGEST = 999

_WORDS = ("product", "phase", "version", "crop", "quality", "nadir", "side", "method")


class SelectionSpec(NamedTuple):
    """What is wanted, as sorted words: plain data, so that it pickles, compares and hashes."""

    words: tuple[tuple[str, str], ...] = ()
    lets: tuple[str, ...] = ()

    def refined(self, options: Mapping[str, Any], lets: Mapping[str, str]) -> SelectionSpec:
        """Give the selection narrowed by further options."""
        words = dict(self.words)
        for name, value in options.items():
            if value is not None:
                _narrow(words, name, value)
        added = tuple(f"{name}={expression}" for name, expression in lets.items())
        kept = tuple(own for own in self.lets if own.split("=", 1)[0] not in lets)
        return SelectionSpec(tuple(sorted(words.items())), kept + added)


def _narrow(words: dict[str, str], name: str, value: Any) -> None:
    if name in _WORDS:
        words[name] = _word(name, value)
    elif name in ("cycle_number", "pass_number"):
        key = "cycles" if name == "cycle_number" else "passes"
        words[key] = _intersection(name, words.get(key), numbers(name, value))
    elif name == "from_":
        words["from"] = _word(name, value)
    elif name == "variables":
        words[name] = ",".join([value] if isinstance(value, str) else [str(one) for one in value])
    elif name == "where":
        words[name] = f"({words[name]}) and ({value})" if name in words else str(value)
    elif name == "time":
        words[name] = _common_time(words.get(name), time_range(value))
    elif name == "bbox" and "bbox" in words:
        words |= _common_box(words.pop("bbox"), box(value))
    elif name in ("bbox", "polygon"):
        if {"bbox", "polygon"} & set(words):
            # What polygons have in common is the business of geometry libraries, which say how they cut.
            raise InvalidArgumentError(
                f"{name}: a region is selected already, and one of both is a polygon; intersect them (shapely does) and select once"
            )
        words[name] = {"bbox": box, "polygon": polygon}[name](value)
    else:
        raise InvalidArgumentError(f"{name!r} is nothing that can be selected by")


def _word(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidArgumentError(f"{name}: expected a word, found {value!r}")
    return value


def numbers(name: str, value: Any) -> str:
    """Give whole numbers, lists of them and label slices (both ends included) as ``1-10,12``."""
    if isinstance(value, str):
        return value
    if isinstance(value, slice):
        if value.step not in (None, 1):
            chosen = range(value.start or 1, (value.stop or _LARGEST) + 1, value.step)
            return ",".join(str(number) for number in chosen)
        start, stop = (1 if value.start is None else value.start), (_LARGEST if value.stop is None else value.stop)
        return f"{_whole(name, start)}-{_whole(name, stop)}"
    if np.ndim(value) == 0:
        return str(_whole(name, value))
    return ",".join(str(_whole(name, one)) for one in value)


def _whole(name: str, value: Any) -> int:
    number = value.item() if hasattr(value, "item") else value
    if isinstance(number, bool) or not isinstance(number, (int, float)) or int(number) != number:
        raise InvalidArgumentError(f"{name}: expected whole numbers, found {value!r}")
    return int(number)


def _intersection(name: str, before: str | None, wanted: str) -> str:
    if not wanted:
        raise InvalidArgumentError(f"{name}: no number is left")
    if before is None:
        return wanted
    both = sorted(parsed(before) & parsed(wanted))
    if not both:
        raise InvalidArgumentError(f"{name}: {wanted} and {before}, selected before, have nothing in common")
    return ",".join(str(number) for number in both)


def parsed(text: str) -> set[int]:
    """Give the numbers of ``1-10,12``."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def time_range(value: Any) -> str:
    """Give a slice, a pair, a day or a text as ``A..B``; a bare date is that whole day."""
    if isinstance(value, slice):
        return f"{_instant(value.start)}..{_instant(value.stop)}"
    if isinstance(value, (tuple, list)) and len(value) == 2:
        return f"{_instant(value[0])}..{_instant(value[1])}"
    return _instant(value)


def _instant(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, np.datetime64):
        return str(value)
    if isinstance(value, datetime.datetime):
        if value.tzinfo is not None:
            value = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        return str(value.isoformat())
    if isinstance(value, datetime.date):
        return value.isoformat()
    return str(value)


def _common_time(before: str | None, wanted: str) -> str:
    common = wanted if before is None else _karin.common_time(before, wanted)
    if common is None:
        raise InvalidArgumentError(f"time: {wanted} and {before}, selected before, have nothing in common")
    return common


#: Degrees of longitude that are no width: a tenth of a millimetre.
_EDGE = 1e-9


def _common_box(before: str, wanted: str) -> dict[str, str]:
    """What two boxes have in common: a box, or two (they may meet on both sides of the globe), which make a polygon."""
    a, b = ([float(edge) for edge in text.split(",")] for text in (before, wanted))
    south, north = max(a[1], b[1]), min(a[3], b[3])
    common = _common_longitudes(a[0], a[2], b[0], b[2])
    if len(common) > 1:
        # Pieces that are only an edge, but for the rounding of a turn, hold nothing that a polygon could.
        common = [(west, east) for west, east in common if east - west > _EDGE and south != north]
    if not common or south > north:
        raise InvalidArgumentError(f"bbox: {wanted} and {before}, selected before, have nothing in common")
    if len(common) == 1:
        ((west, east),) = common
        return {"bbox": box((west, south, east if east <= 360.0 else east - 360.0, north))}
    # Edges of polygons go the short way round: no piece may be wide.
    narrow = [(w + at * (e - w) / 4, w + (at + 1) * (e - w) / 4) for w, e in common for at in range(4)]
    rings = [[[[w, south], [e, south], [e, north], [w, north], [w, south]]] for w, e in narrow]
    return {"polygon": json.dumps({"type": "MultiPolygon", "coordinates": rings})}


def _common_longitudes(west: float, east: float, other_west: float, other_east: float) -> list[tuple[float, float]]:
    """Intervals that two intervals of longitude share, from west to east; east < west crosses the antimeridian."""
    width, other_width = (end - start if end >= start else end - start + 360.0 for start, end in ((west, east), (other_west, other_east)))
    if width >= 360.0 or other_width >= 360.0:
        return [(other_west, other_east) if width >= 360.0 else (west, east)]
    found = []
    for turn in (-720.0, -360.0, 0.0, 360.0, 720.0):
        first, last = max(west, other_west + turn), min(west + width, other_west + turn + other_width)
        if first <= last:
            found.append((first, last) if first < 360.0 else (first - 360.0, last - 360.0))
    return found


def box(value: Any) -> str:
    """Give four edges as ``W,S,E,N``."""
    if isinstance(value, str):
        return value
    edges = [float(edge) for edge in value]
    if len(edges) != 4:
        raise InvalidArgumentError(f"bbox: expected west, south, east, north, found {len(edges)} numbers")
    return ",".join(f"{edge:.12g}" for edge in edges)


def polygon(value: Any) -> str:
    """Give a shapely geometry, a GeoDataFrame, GeoJSON (as a dictionary, a text, or the path of a file) as GeoJSON text."""
    crs = getattr(value, "crs", None)
    if crs is not None and hasattr(value, "to_crs"):
        value = value.to_crs(4326)
    if hasattr(value, "__geo_interface__"):
        value = value.__geo_interface__
    if isinstance(value, Mapping):
        return json.dumps(value, default=_plain)
    text = os.fspath(value)
    if text.lstrip().startswith("{"):
        return str(text)
    with open(text, encoding="utf-8") as file:
        return file.read()


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Iterable):
        return list(value)
    return str(value)
