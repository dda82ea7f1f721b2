"""Views in the words of the page that shows them: the first view of what is selected, and regions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from karin._collection import Collection
from karin._selection import SelectionSpec, parsed

#: Decimal places of degrees that are told.
PLACES = 4


def shape_of(region: Any) -> list[list[float]]:
    """Corners, as the page has them: two of a box, three or more of a polygon, none of nothing."""
    try:
        if region is None:
            return []
        if len(region) == 4 and all(not isinstance(edge, (Sequence, Mapping)) for edge in region):
            west, south, east, north = (float(edge) for edge in region)
            return [[west, south], [east, north]] if south < north and abs(south) <= 90 and abs(north) <= 90 else [[]]
        corners = [[float(longitude), float(latitude)] for longitude, latitude in region]
        return corners if len(corners) > 2 and all(abs(latitude) <= 90 for _, latitude in corners) else [[]]
    except (TypeError, ValueError):
        return [[]]


def region_of(corners: Sequence[Sequence[float]]) -> Any:
    """The trait of corners."""
    if len(corners) < 2:
        return None
    rounded = tuple((round(longitude, PLACES), round(latitude, PLACES)) for longitude, latitude in corners)
    return rounded[0] + rounded[1] if len(rounded) == 2 else rounded


def is_box(region: Any) -> bool:
    """Whether the trait is four edges, not corners."""
    return region is not None and len(region) == 4 and not isinstance(region[0], Sequence)


def first_view(contents: Mapping[str, Any], what: Collection) -> dict[str, Any]:
    """The view that shows what is selected."""
    words, lets = dict(what._selection.words), list(what._selection.lets)
    group = _group_of(contents, what)
    cycles = group["cycles"]
    chosen = [cycle for cycle in cycles if cycle in parsed(words["cycles"])] if "cycles" in words else cycles
    names = {one["name"] for one in group["variables"]} | {definition.split("=", 1)[0] for definition in lets}
    wanted = [name for name in words.get("variables", "").split(",") if name in names]
    first: dict[str, Any] = {
        "group": group["id"],
        "cycle": (chosen or cycles)[-1],
        "variable": wanted[0] if wanted else group["default_variable"],
        "quality": words.get("quality", "any"),
        "where": words.get("where", ""),
        "nadir": words.get("nadir", "keep"),
        "lets": lets,
        "region": _selected_region(words),
    }
    if words.get("side") in ("left", "right"):
        first["side"] = words["side"]
    return first


def _group_of(contents: Mapping[str, Any], what: Collection) -> Mapping[str, Any]:
    groups: list[Mapping[str, Any]] = contents["groups"]
    usual = next((group for group in groups if group["id"] == contents["default_group"]), groups[0])
    # Places do not tell groups apart.
    telling = tuple((name, word) for name, word in what._selection.words if name in ("product", "phase", "version", "cycles"))
    if not telling:
        return usual
    table = Collection(what._spec, SelectionSpec(telling), what._options).granules()
    kinds = set(zip(table["product"], table["schema"], table["phase"], strict=True))
    fitting = [group for group in groups if (group["product"], group["schema"], group["phase"]) in kinds]
    return usual if not fitting or usual in fitting else fitting[-1]


def _selected_region(words: Mapping[str, str]) -> list[list[float]]:
    if "bbox" in words:
        west, south, east, north = (float(edge) for edge in words["bbox"].split(","))
        return [[west, south], [east, north]]
    if "polygon" in words:
        shape = json.loads(words["polygon"])
        shape = shape.get("geometry", shape)
        # The page draws one ring; what is more than that is selected, but not drawn.
        if shape.get("type") == "Polygon" and len(shape["coordinates"]) == 1:
            return [[float(corner[0]), float(corner[1])] for corner in shape["coordinates"][0][:-1]]
    return []
