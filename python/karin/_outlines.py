"""What results that stay with workers look like: told while other parts are computed, so that nobody waits for it."""

from __future__ import annotations

import contextlib
import hashlib
import pickle
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import xarray as xr

if TYPE_CHECKING:
    from karin._parts import Part

#: Under which workers tell: one name for all, for schedulers remember names for ever.
_TOPIC = "karin"


class Outline:
    """The shape of a dataset that stays with a worker: dimensions, types, attributes and coordinates of axes."""

    def __init__(self, dataset: xr.Dataset) -> None:
        self.nbytes = dataset.nbytes
        self.variables = {
            name: (array.dims, array.shape, array.dtype, array.attrs, array.encoding)
            for name, array in dataset.variables.items()
        }
        self.axes = {name: dataset[name].values for name in dataset.dims if name in dataset.variables}
        self.coordinates = list(dataset.coords)
        self.attributes = dataset.attrs


class OutlineTree:
    """The shapes of a tree that stays with a worker."""

    def __init__(self, nodes: dict[str, Outline]) -> None:
        self.nbytes = sum(node.nbytes for node in nodes.values())
        self.nodes = nodes


def outline_of(part: Part) -> Outline | OutlineTree:
    """Give a result without its values."""
    found = part.described()
    if isinstance(found, xr.DataTree):
        return OutlineTree({path: Outline(node.to_dataset(inherit=False)) for path, node in found.subtree_with_keys})
    return Outline(found)


class Word(NamedTuple):
    """What a worker tells of a part: its bytes, its values of the axis, the digest of its outline; of one part all of it."""

    nbytes: int
    values: Any
    digest: str | None
    outline: Outline | OutlineTree | None


class Place(NamedTuple):
    """Of which reduction a part is, along which axis, its number, and whether it tells its whole outline."""

    name: str
    axis: str
    number: int
    is_outlined: bool


class Heard:
    """What workers have told of the parts of one reduction."""

    def __init__(self, axis: str) -> None:
        self.axis = axis
        self._name = uuid.uuid4().hex
        self._words: dict[int, Word] = {}

    def places(self, count: int, outlined: int) -> list[Place]:
        """For each of so many parts, what :func:`tell` takes; one of them tells its whole outline."""
        return [Place(self._name, self.axis, number, number == outlined) for number in range(count)]

    def hear(self, event: tuple[Any, Any]) -> None:
        """Take in what a worker tells, if it is of this reduction."""
        name, number, word = event[1]
        if name == self._name:
            self._words[number] = Word(*pickle.loads(word))

    def words(self, count: int) -> list[Word] | None:
        """Give what was told of so many parts; None if something was not heard, as of work that others had begun."""
        return [self._words[number] for number in range(count)] if len(self._words) == count else None


@contextlib.contextmanager
def listening(client: Any, axis: str, *, lasting: bool) -> Iterator[tuple[Heard, Callable[[], None]]]:
    """Listen to what workers tell of parts; with what is to be called once they are submitted.

    Messages to a scheduler that follow one another wait some 10 ms: if the parts are `lasting` longer than that, they go
    first, and listening begins when they are submitted.
    """
    heard = Heard(axis)

    def begin() -> None:
        client.subscribe_topic(_TOPIC, heard.hear)

    if not lasting:
        begin()
    try:
        yield heard, begin if lasting else lambda: None
    finally:
        # Of two that listen at once, one has ended it for both; what was not heard is asked for.
        with contextlib.suppress(ValueError):
            client.unsubscribe_topic(_TOPIC)


def tell(place: Place, part: Part) -> None:
    """Tell whoever listens, from the worker, what a part looks like."""
    from distributed import get_worker

    digest, values = _digest(part, place.axis)
    word = Word(part.nbytes, values, digest, outline_of(part) if place.is_outlined else None)
    get_worker().log_event(_TOPIC, (place.name, place.number, pickle.dumps(tuple(word))))


def _digest(part: Part, axis: str) -> tuple[str | None, Any]:
    """Name what parts have in common that need only be put one behind the other, and give the values that they differ in.

    None if it takes more than that. It is made of what the engine tells of its result: xarray's objects of every part
    would take longer than all else that is told.
    """
    structure = part.structure
    if structure is None or structure["groups"]:
        return None, None
    sizes, variables = structure["dimensions"], structure["variables"]
    axes = [name for name in variables if name in sizes]
    # Lines with numbers, as those of regions, are lines of the part alone. Numbers of axes are not packed.
    if axis not in axes or "num_lines" in axes or any("_FillValue" in variables[name]["attributes"] for name in axes):
        return None, None
    placing = {"latitude", "longitude", *axes}
    if any(axis not in variable["dimensions"] for name, variable in variables.items() if name not in placing):
        return None, None
    of_variables = [
        (name, variable["dtype"], [(dim, sizes[dim]) for dim in variable["dimensions"] if dim != axis], variable["attributes"])
        for name, variable in variables.items()
    ]
    of_axes = [(name, part.numbers(name).tobytes()) for name in axes if name != axis]
    return hashlib.sha256(repr((of_variables, of_axes)).encode()).hexdigest(), part.numbers(axis)


def end_to_end(words: Sequence[Word]) -> bool:
    """Whether the parts have only to be put one behind the other."""
    return words[0].digest is not None and len({word.digest for word in words}) == 1
