"""How a handle shows itself: as a plan in words, and with the coverage of every cycle in a notebook."""

from __future__ import annotations

import html as escape
from typing import TYPE_CHECKING, Any

from karin._selection import SelectionSpec
from karin.errors import KarinError

if TYPE_CHECKING:
    from karin._collection import Collection

#: Passes of a cycle, by phase.
_PASSES = {"calval": 28, "science": 584}
#: Cycles that are drawn.
_SHOWN = 40


def size(count: float) -> str:
    """Give bytes with a unit."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if count < 1000 or unit == "TB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return ""


def _head(collection: Collection) -> str:
    paths = collection.paths
    where = paths[0] if len(paths) == 1 else f"{len(paths)} paths, {paths[0]} …"
    at = f" at {collection.snapshot}" if collection.snapshot else ""
    return f"karin.Collection {where}{at}"


def _plan_lines(collection: Collection) -> list[str]:
    try:
        plans = collection._plans()
    except KarinError as error:
        return [f"  cannot be read as it is: {error}"]
    lines = []
    for plan in plans:
        variables = plan.variables()
        names = ", ".join(variables[:8]) + (" …" if len(variables) > 8 else "")
        lines.append(f"  {plan.text}")
        lines.append(f"    to read: about {size(plan.bytes_to_read)} of {size(plan.stored_bytes)}; {names}")
    return lines


def text(collection: Collection) -> str:
    """Give the plan in words."""
    lines = [_head(collection)]
    if collection._selection == SelectionSpec() and len(collection.products) > 1:
        lines.append(f"  products: {', '.join(collection.products)}")
    else:
        lines += _plan_lines(collection)
    return "\n".join(lines)


def html(collection: Collection) -> str:
    """Give the plan, and a bar of passes for every cycle of every product."""
    words = f"<pre style='margin:0'>{escape.escape(text(collection))}</pre>"
    try:
        granules = collection.granules().rows()
    except KarinError:
        # The words say why. A fault raised here would be shown as one of karin.
        return words
    rows: dict[tuple[Any, ...], set[int]] = {}
    for row in granules:
        if row["cycle_number"] is not None:
            key = (row["product"] or "netCDF", row["schema"] or "", row["phase"] or "", row["cycle_number"])
            rows.setdefault(key, set()).add(row["pass_number"])
    parts = [words]
    parts.append("<table style='border-spacing:0;font-size:90%'>")
    group: tuple[Any, ...] | None = None
    for number, (key, passes) in enumerate(sorted(rows.items())):
        if number == _SHOWN:
            parts.append(f"<tr><td colspan=3>… {len(rows) - _SHOWN} more cycles</td></tr>")
            break
        if key[:3] != group:
            group = key[:3]
            parts.append(f"<tr><th colspan=3 style='text-align:left'>{escape.escape(' '.join(group))}</th></tr>")
        parts.append(
            f"<tr><td>cycle {key[3]:03d}</td><td>{_bar(passes, key[2])}</td>"
            f"<td>{len(passes)} of {_PASSES.get(key[2], len(passes))} passes</td></tr>"
        )
    return "".join(parts) + "</table>"


def _bar(passes: set[int], phase: str) -> str:
    """Draw which passes are there, as an image of one line."""
    width = _PASSES.get(phase, max(passes))
    marks = []
    ordered = sorted(passes)
    start = previous = ordered[0]
    for number in [*ordered[1:], None]:
        if number is None or number != previous + 1:
            marks.append(f"<rect x='{start - 1}' width='{previous - start + 1}' height='1' fill='#1f77b4'/>")
            start = number or 0
        previous = number or 0
    return (
        f"<svg width='240' height='12' viewBox='0 0 {width} 1' preserveAspectRatio='none'>"
        f"<rect width='{width}' height='1' fill='#8884'/>{''.join(marks)}</svg>"
    )
