"""What work tells while it runs: progress by tqdm where it is installed, else as text; warnings as warnings."""

from __future__ import annotations

import contextlib
import sys
import time
import warnings
from collections.abc import Iterator
from typing import Any

from karin.errors import KarinWarning, in_python

#: Work shorter than this many seconds shows no progress.
PATIENCE = 0.7


class Listener:
    """Told by the extension module, from the thread that waits for the work."""

    def __init__(self, *, show: bool) -> None:
        self._show = show
        self._started = time.monotonic()
        self._stage = ""
        self._total = 0
        self._done = 0
        self._bar: Any = None
        self._wrote = False
        self._warned: list[str] = []

    def start(self, stage: str, granules: int, size: int) -> None:
        """A stage of the work begins, with so many granules and bytes to handle (0 = unknown)."""
        self._close_bar()
        self._stage, self._total, self._done = stage, granules, 0

    def advance(self, granules: int, size: int) -> None:
        """So many granules and bytes of the stage are done."""
        if not self._show or time.monotonic() - self._started < PATIENCE or not self._stage:
            return
        if self._bar is None:
            self._bar = _tqdm(self._stage, self._total)
        if self._bar is not None:
            self._bar.update(granules - self._done)
        elif granules != self._done and sys.stderr is not None:
            of = f"/{self._total}" if self._total else ""
            print(f"\r{self._stage}: {granules}{of} granules", end="", file=sys.stderr, flush=True)
            self._wrote = True
        self._done = granules

    def warn(self, text: str) -> None:
        """Something that the user should know."""
        self._warned.append(text)

    def note(self, text: str) -> None:
        """Something that the user will be glad to know."""
        # Notebooks show what goes to stderr in red, as if it were a fault.
        stream = sys.stdout if _in_notebook() else sys.stderr
        if self._show and stream is not None:
            print(text, file=stream)

    def _close_bar(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        if self._wrote:
            print(file=sys.stderr)
            self._wrote = False

    def close(self) -> None:
        """End the display and hand on what was warned of."""
        self._close_bar()
        for text in self._warned:
            warnings.warn(in_python(text), KarinWarning, stacklevel=5)
        self._warned.clear()


def _tqdm(stage: str, total: int) -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return None
    return tqdm(total=total or None, desc=stage, unit="granule", leave=False)


@contextlib.contextmanager
def listener_of(progress: bool | None) -> Iterator[Listener]:
    """Give a listener: it shows progress if asked to, or (`None`) where somebody looks: a terminal or a notebook."""
    listener = Listener(show=_somebody_looks() if progress is None else progress)
    try:
        yield listener
    finally:
        listener.close()


def _in_notebook() -> bool:
    return "ipykernel" in sys.modules


def _somebody_looks() -> bool:
    if _in_notebook():
        return True
    return sys.stderr is not None and sys.stderr.isatty()
