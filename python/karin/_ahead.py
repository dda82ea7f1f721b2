"""Which variables of a file will be asked for next, so that other threads read them meanwhile."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from karin._arrays import KarinArray

#: Variables that are guessed at most.
_MOST = 64


class Neighbours:
    """The variables of one group of a file, in the order of the dataset that they are in.

    ``Dataset.load`` asks for whole variables one after the other, and a variable of a granule is one chunk, which one
    thread reads. As the page cache does with files, the neighbours of a variable that follows the one before are taken
    to be next: one at first, then twice as many each time, so that a wrong guess costs no more than what was right. Only
    the main thread guesses: who reads in threads of their own, as Dask does, has decided how many there are.
    """

    __slots__ = ("_last", "_places", "_variables", "_window")

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        #: Those that somebody may still ask for: what is loaded or dropped goes.
        self._variables: dict[int, weakref.ref[KarinArray]] = {}
        self._last = -1
        self._window = 0

    def __reduce__(self) -> tuple[type[Neighbours], tuple[()]]:
        # Whoever gets a dataset in another process reads one variable at a time.
        return Neighbours, ()

    def join(self, array: KarinArray) -> None:
        """Take in the variable that comes next."""
        self._variables[self._places.setdefault(array.path, len(self._places))] = weakref.ref(array)

    def after(self, array: KarinArray) -> list[KarinArray] | None:
        """Give what will probably be asked for after this variable; None where nothing is guessed."""
        place = self._places.get(array.path)
        if place is None or threading.current_thread() is not threading.main_thread():
            return None
        living = [(at, one) for at, ref in sorted(self._variables.items()) if (one := ref()) is not None]
        follows = self._last < place and not any(self._last < at < place for at, _ in living)
        self._window = min(max(2 * self._window, 1), _MOST) if follows and self._last >= 0 else 0
        self._last = place
        return [one for at, one in living if at > place][: self._window]
