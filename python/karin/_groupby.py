"""Reductions with a value for every group: ``swot.groupby("month").mean()``."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, Any

from karin._reduce import run
from karin._reduction import Reduction, by, statistics_of

if TYPE_CHECKING:
    from karin._collection import Collection


class GroupBy:
    """What is selected, to be reduced by month, day, hour, cycle or pass."""

    def __init__(self, collection: Collection, key: Hashable) -> None:
        self._collection = collection
        self._target = by(key)
        self._key = key

    def reduce(
        self,
        statistics: str | Iterable[str],
        *,
        with_: str | None = None,
        having: str | None = None,
        client: Any = None,
    ) -> Any:
        """Compute statistics (see :meth:`karin.Collection.reduce`), a value for every group."""
        return run(self._collection, Reduction(statistics_of(statistics), self._target, with_, having), client)

    def mean(self, *, client: Any = None) -> Any:
        """Arithmetic mean."""
        return self.reduce("mean", client=client)

    def std(self, *, client: Any = None) -> Any:
        """Standard deviation."""
        return self.reduce("std", client=client)

    def var(self, *, client: Any = None) -> Any:
        """Variance."""
        return self.reduce("var", client=client)

    def min(self, *, client: Any = None) -> Any:
        """Smallest value."""
        return self.reduce("min", client=client)

    def max(self, *, client: Any = None) -> Any:
        """Greatest value."""
        return self.reduce("max", client=client)

    def sum(self, *, client: Any = None) -> Any:
        """Sum."""
        return self.reduce("sum", client=client)

    def count(self, *, client: Any = None) -> Any:
        """Number of values."""
        return self.reduce("count", client=client)

    def median(self, *, client: Any = None) -> Any:
        """Median."""
        return self.reduce("median", client=client)

    def mad(self, *, client: Any = None) -> Any:
        """Median absolute deviation."""
        return self.reduce("mad", client=client)

    def quantile(self, q: float, *, client: Any = None) -> Any:
        """Quantile, interpolated linearly."""
        return self.reduce(f"quantile({float(q):.12g})", client=client)

    def __repr__(self) -> str:
        return f"{self._collection!r}\n  grouped by {json.dumps(self._key)}"
