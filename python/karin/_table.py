"""Small tables: shown well in a terminal and a notebook, turned into a DataFrame where pandas is wanted."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

#: Rows that are shown.
SHOWN = 20
#: Characters beyond which a text is long.
LONG = 40
_TIMES = ("time_start", "time_end", "time")
_EPOCH = np.datetime64("2000-01-01T00:00:00", "ns")


def instants(seconds: Sequence[float | None]) -> np.ndarray[Any, np.dtype[np.datetime64]]:
    """Turn seconds since 2000-01-01 (UTC, no leap seconds) into times; `None` and NaN become NaT."""
    numbers = np.array([np.nan if second is None else second for second in seconds], dtype="float64")
    known = np.isfinite(numbers)
    nanoseconds = np.zeros(numbers.shape, dtype="int64")
    whole = np.floor(numbers[known])
    nanoseconds[known] = whole.astype("int64") * 1_000_000_000 + np.rint((numbers[known] - whole) * 1e9).astype("int64")
    times = _EPOCH + nanoseconds.astype("timedelta64[ns]")
    times[~known] = np.datetime64("NaT", "ns")
    return times


class Table:
    """Named columns of equal length."""

    def __init__(self, columns: Mapping[str, Sequence[Any]]) -> None:
        self._columns = {
            name: instants(values) if name in _TIMES and not isinstance(values, np.ndarray) else values
            for name, values in columns.items()
        }

    def __getitem__(self, name: str) -> Any:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(next(iter(self._columns.values()), ()))

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self._columns)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Each row as a dictionary."""
        for values in zip(*self._columns.values(), strict=True):
            yield dict(zip(self._columns, values, strict=True))

    def to_dataframe(self) -> pd.DataFrame:
        """The table as a :class:`pandas.DataFrame`."""
        import pandas as pd

        return pd.DataFrame({name: list(values) for name, values in self._columns.items()})

    def _shown(self) -> list[list[str]]:
        rows = []
        for number, row in enumerate(zip(*self._columns.values(), strict=True)):
            if number == SHOWN:
                break
            rows.append([_text(value) for value in row])
        return rows

    def __repr__(self) -> str:
        rows = [self.columns, *self._shown()]
        widths = [max(len(row[column]) for row in rows) for column in range(len(self._columns))]
        lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        if len(self) > SHOWN:
            lines.append(f"... {len(self)} rows")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = self._shown()
        # Long names come last, so that what tells rows apart is in sight; paths lose their folders.
        long = {at for row in rows for at, text in enumerate(row) if len(text) > LONG}
        order = sorted(range(len(self._columns)), key=lambda at: at in long)
        names = self.columns
        head = "".join(f"<th{_style(at in long)}>{html.escape(names[at])}</th>" for at in order)
        body = "".join(
            "<tr>" + "".join(_cell(row[at], at in long) for at in order) + "</tr>" for row in rows
        )
        more = f"<p>{len(self)} rows, the first {SHOWN} shown</p>" if len(self) > SHOWN else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _style(is_long: bool) -> str:
    return " style='text-align:left'" if is_long else ""


def _cell(text: str, is_long: bool) -> str:
    if not is_long:
        return f"<td style='white-space:nowrap'>{html.escape(text)}</td>"
    return f"<td{_style(True)} title='{html.escape(text)}'>{html.escape(text.rsplit('/', 1)[-1])}</td>"


class GranuleTable(Table):
    """Granules: name, product, phase, cycle, pass, version, schema, times (UTC) and bytes."""


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, np.datetime64):
        return "" if np.isnat(value) else str(value.astype("datetime64[s]")).replace("T", " ")
    return str(value)
