"""What providers are asked, and how what they could not give is told."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from karin._selection import SelectionSpec
from karin._table import Table
from karin.errors import InvalidArgumentError

PathLike = str | os.PathLike[str]

#: Before the names of datasets of Copernicus Marine.
_COPERNICUS = "cmems:"


class Question(NamedTuple):
    """Whom to ask for what. Settings and the file of accounts belong to this process: they are neither shown nor pickled."""

    words: tuple[tuple[str, str], ...]
    place: str | None
    settings: tuple[str, ...] = ()
    credentials: str | None = None

    def asked(self) -> dict[str, Any]:
        """The question as the extension module takes it."""
        return {
            "words": dict(self.words),
            "place": self.place,
            "settings": list(self.settings),
            "credentials": self.credentials,
        }

    @property
    def is_copernicus(self) -> bool:
        """Whether it is for a dataset of Copernicus Marine."""
        return dict(self.words)["product"].startswith(_COPERNICUS)

    def __repr__(self) -> str:
        return f"Question(words={self.words!r}, place={self.place!r})"

    def __reduce__(self) -> tuple[type[Question], tuple[Any, ...]]:
        return Question, (self.words, self.place)


def question(
    product: str,
    place: PathLike | None,
    settings: Mapping[str, Any] | None,
    credentials: PathLike | None,
    **options: Any,
) -> Question:
    """Make a question of Python values; the options are those of a selection."""
    if not isinstance(product, str) or not product:
        raise InvalidArgumentError(f"product={product!r}: expected the name of a product, as L2_LR_SSH_Expert")
    if place is not None and os.fspath(place).lower() == "cmems" and not product.startswith(_COPERNICUS):
        product, place = _COPERNICUS + product, None
    words = dict(SelectionSpec().refined(options, {}).words) | {"product": product}
    return Question(
        tuple(sorted(words.items())),
        None if place is None else os.fspath(place),
        settings_of(settings),
        None if credentials is None else os.fspath(credentials),
    )


def settings_of(settings: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Settings as the command line has them, ``KEY=VALUE``."""
    return tuple(f"{key}={_text(value)}" for key, value in (settings or {}).items())


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def rate_of(rate: int | None) -> int | None:
    """Check bytes per second."""
    if rate is not None and (isinstance(rate, bool) or not isinstance(rate, (int, float)) or rate < 1):
        raise InvalidArgumentError(f"rate={rate!r}: expected bytes per second, at least 1")
    return None if rate is None else int(rate)


def table(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Table:
    """Rows of an answer as a table with these columns."""
    return Table({name: [row.get(name) for row in rows] for name in names})


def warn_left_out(warn: Any, left_out: Sequence[Mapping[str, str]]) -> None:
    """Warn of every place that could not be asked."""
    for part in left_out:
        warn(f"{part['place']} is left out: {part['reason']}")


def warn_lost(warn: Any, lost: Sequence[Mapping[str, Any]], of: int, what: str) -> None:
    """Warn of what was lost, naming the first."""
    if lost:
        first = lost[0]
        warn(f"{len(lost)} of {of} {what}; the first, {os.path.basename(first['file'])}: {first.get('reason')}")
