"""What to compute, in the words that every surface of karin understands."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from karin.errors import InvalidArgumentError

#: Bins of a variable: (from, to, step), edges, or None for bins that fit the values.
BinSpec = tuple[float, float, float] | Sequence[float] | np.ndarray[Any, Any] | None
#: Bins of one variable or two: by name, or as texts such as ``"ssha:-1:1:0.01"``.
Bins = str | Sequence[str] | Mapping[str, BinSpec]

_OVER = {
    "cycle_number": "over cycle",
    "cycle": "over cycle",
    "num_pixels": "over num_pixels",
    "num_lines": "over num_lines",
    "all": "over all",
    None: "over all",
}
_BY = {
    "cycle_number": "by cycle",
    "cycle": "by cycle",
    "pass_number": "by pass",
    "pass": "by pass",
    "hour": "by hour",
    "day": "by day",
    "month": "by month",
    "time.hour": "by hour",
    "time.month": "by month",
    "time.day": "by day",
}


class Reduction(NamedTuple):
    """Statistics, what they are over, the second field of pairs, and the condition that results must meet: plain texts."""

    statistics: str
    target: str
    with_: str | None = None
    having: str | None = None


def statistics_of(statistics: str | Iterable[str]) -> str:
    """Give a list of statistics as a text with commas."""
    return statistics if isinstance(statistics, str) else ",".join(statistics)


def over(key: Any) -> str:
    """Give the words for what is reduced over."""
    return _word(_OVER, "over", key)


def by(key: Any) -> str:
    """Give the words for what results are told apart by."""
    return _word(_BY, "groupby", key)


def _word(words: dict[Any, str], what: str, key: Any) -> str:
    if not isinstance(key, Hashable) or key not in words:
        known = ", ".join(sorted({repr(word) for word in words}))
        raise InvalidArgumentError(f"{what}={key!r}: expected one of {known}")
    return words[key]


def names_of(bins: Bins) -> list[str]:
    """Give the names of the variables that values are binned by."""
    return [text.split(":", 1)[0] for text in _texts(bins)]


def in_bins(bins: Bins) -> str:
    """Give the words for bins."""
    return "bin " + " ".join(_texts(bins))


def _texts(bins: Bins) -> list[str]:
    if isinstance(bins, str):
        return [bins]
    if isinstance(bins, Mapping):
        return [_text(name, one) for name, one in bins.items()]
    return [str(one) for one in bins]


def _text(name: str, bins: BinSpec) -> str:
    if bins is None:
        return name
    numbers = [float(number) for number in bins]
    if isinstance(bins, tuple):
        if len(numbers) != 3:
            raise InvalidArgumentError(f"bins of {name}: expected (from, to, step), or edges as a list or an array")
        return f"{name}:" + ":".join(repr(number) for number in numbers)
    return f"{name}:" + ",".join(repr(number) for number in numbers)
