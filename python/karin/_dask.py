"""Work spread over a Dask cluster: independent tasks that workers run without the interpreter's lock, and their merge.

A task is a handle (which pickles as its description) with fewer cycles or passes, and a reduction or an ingest of it;
it depends on no other task and on nothing that lives in a process, so that a lost worker costs its tasks and nothing
else. Nothing here schedules: that is what Dask is for.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from karin import _karin
from karin._outlines import Place, listening, tell
from karin._parts import Part, gathered
from karin._reduction import Reduction
from karin.errors import MemoryBudgetError, warn_of_left_out

if TYPE_CHECKING:
    from karin._collection import Collection

#: Tasks per thread of the cluster, where there is enough to do: enough that a slow one does not hold up the rest.
_TASKS_PER_THREAD = 4
#: Bytes of granules that are worth a task: smaller ones would cost more than they even out.
_WORTH_A_TASK = 32 << 20
#: Seconds after which what workers have prepared is committed.
_COMMIT_EVERY = 60.0
#: Seconds in which tasks are handed out to workers.
_HANDED_OUT = 0.005
#: Bytes of a result that are brought together in this process; larger ones stay with the workers.
_GATHERED = 1 << 28


#: Statistics that need every value in its order.
_OF_ORDER = re.compile(r"\b(median|quantile|mad|q0|q1|q\.)")


def reduce(collection: Collection, reduction: Reduction, client: Any) -> Any:
    """Reduce on a cluster. The result is that of one process, to the bit, where `karin.Collection.reduce` says so."""
    target = reduction.target
    if target in ("over cycle", "over num_pixels", "over num_lines"):
        return _along(collection, reduction, client, "pass_number")
    axis = {"by cycle": "cycle_number", "by pass": "pass_number"}.get(target)
    if axis is not None and len(collection._plan().schemas) < 2:
        return _along(collection, reduction, client, axis)
    is_of_order = _OF_ORDER.search(f"{reduction.statistics} {reduction.having or ''}") is not None
    if is_of_order and not target.startswith(("grid ", "bin ")):
        return _in_one_task(collection, reduction, client)
    if target.startswith("bin "):
        # All tasks need the same bins.
        jobs, memory, _ = collection._options
        target = collection._plan().target_with_bins(reduction, jobs=jobs, memory=memory)
    try:
        return _by_states(collection, reduction._replace(target=target), client)
    except MemoryBudgetError:
        # The states of ranks hold all values; one task that gathers those of some cells at a time takes any number.
        if not is_of_order:
            raise
        return _in_one_task(collection, reduction._replace(target=target), client)


def _in_one_task(collection: Collection, reduction: Reduction, client: Any) -> Any:
    """Reduce on one worker: ranks of single numbers need all values at once."""
    return client.submit(_reduced, collection, reduction, pure=False).result()


def threads_of(client: Any) -> int:
    """Threads of all workers of a cluster (1 as long as there is none)."""
    threads: int = sum(client.nthreads().values())
    return max(1, threads)


def _tasks(client: Any, sizes: Iterable[int | None]) -> int:
    """Give how many tasks work on granules of these sizes is cut into: as many for every thread."""
    threads = threads_of(client)
    each = sum(size or 0 for size in sizes) // (threads * _WORTH_A_TASK)
    return threads * min(max(each, 1), _TASKS_PER_THREAD)


def shares(numbers: Sequence[int], weights: Sequence[int], count: int) -> list[list[int]]:
    """Cut ascending numbers into at most `count` runs of about the same weight."""
    total = max(sum(weights), 1)
    runs: list[list[int]] = []
    done, last = 0, -1
    for number, weight in zip(numbers, weights, strict=True):
        at = min(done * count // total, count - 1)
        if at != last:
            runs.append([])
            last = at
        runs[-1].append(number)
        done += weight
    return runs


def _along(collection: Collection, reduction: Reduction, client: Any, axis: str) -> Any:
    """Split along an axis that the result keeps: every value of it is made by one task."""
    table = collection.granules()
    counts: dict[int, int] = {}
    for number, size in zip(table[axis], table["bytes"], strict=True):
        counts[number] = counts.get(number, 0) + size
    numbers = sorted(counts)
    runs = shares(numbers, [counts[number] for number in numbers], _tasks(client, counts.values()))
    words: list[dict[str, Any]] = [{axis: run} for run in runs]
    parts = [collection.sel(**word) for word in words]
    # The largest first, so that workers end together; the smallest has time to tell most.
    order = sorted(range(len(runs)), key=lambda at: -sum(counts[number] for number in runs[at]))
    lasting = sum(counts.values()) >= _WORTH_A_TASK * len(runs)
    with listening(client, axis, lasting=lasting) as (heard, submitted):
        name = f"karin-{reduction.target.replace(' ', '-')}"
        places = heard.places(len(parts), order[-1] if order else 0)
        begun = _mapped(client, _told, [parts[at] for at in order], name, reduction, each=[places[at] for at in order])
        submitted()
        futures = [future for _, future in sorted(zip(order, begun, strict=True), key=lambda pair: pair[0])]
        # While they work. The scheduler may share this interpreter: it hands the tasks out first.
        time.sleep(_HANDED_OUT)
        plan = collection._plan()
        about, schemas = _about(plan), plan.schemas
        whole = gathered(client, futures, heard, collection._options.memory or _GATHERED)
    for node in whole.subtree if isinstance(whole, xr.DataTree) else [whole]:
        _complete(node, collection, about)
        if len(schemas) > 1 and node.data_vars:
            _tell_schemas(node, collection, schemas, about)
    return whole


def _tell_schemas(whole: Any, collection: Collection, schemas: list[str], about: Any) -> None:
    """Give the coordinate that says which processings went into each pass, as one process writes it."""
    table = collection.granules()
    bits = {schema: 1 << at for at, schema in enumerate(schemas)}
    seen: dict[int, int] = {}
    for number, schema in zip(table["pass_number"], table["schema"], strict=True):
        seen[number] = seen.get(number, 0) | bits[schema]
    values = np.array([seen.get(int(number), 0) for number in whole["pass_number"].values], "uint8")
    nodes = about.subtree if isinstance(about, xr.DataTree) else [about]
    attributes = next(node["schema"].attrs for node in nodes if "schema" in node.variables)
    whole.coords["schema"] = ("pass_number", values, attributes)


def _about(plan: _karin.Plan) -> Any:
    """What a result of the whole plan says of itself, without values."""
    from karin._arrays import MemoryHandle
    from karin._reduce import finished

    nothing, _ = _karin.merge_parts(plan, Reduction("count", "over all"), [])
    return finished(MemoryHandle(nothing))


def _complete(whole: Any, collection: Collection, about: Any) -> None:
    """Say of the whole what parts say of themselves, and give lines that only other parts reached their places."""
    own = ("title", "reduction")
    whole.attrs.update({name: value for name, value in about.attrs.items() if name in whole.attrs and name not in own})
    if "num_lines" not in whole.variables or "latitude" not in whole.variables or "cycle_number" in whole.dims:
        return
    everywhere = _places(collection).to_xarray().sel(pass_number=whole.pass_number, num_lines=whole.num_lines)
    for name in ("latitude", "longitude"):
        whole[name] = whole[name].copy(data=everywhere[name].transpose(*whole[name].dims).values)


def _places(collection: Collection) -> Any:
    """The same passes, wherever they are."""
    from karin._collection import Collection as Handle

    words = tuple(pair for pair in collection._selection.words if pair[0] not in ("bbox", "polygon"))
    return Handle(collection._spec, collection._selection._replace(words=words), collection._options)


def _mapped(
    client: Any,
    task: Callable[..., Any],
    parts: Sequence[Collection],
    name: str,
    *arguments: Any,
    each: Sequence[Any] | None = None,
) -> list[Any]:
    """Submit a task per part under a name that says what it computes: the same work has the same name anywhere.

    What is given for `each` part changes nothing of its result.
    """
    keys = []
    for part in parts:
        what = json.dumps([part._token(), *arguments])
        keys.append(f"{name}-{hashlib.sha256(what.encode()).hexdigest()[:32]}")
    others = [[argument] * len(parts) for argument in arguments] + ([] if each is None else [list(each)])
    return list(client.map(task, parts, *others, key=keys, retries=2))


def _on_this_worker(part: Collection) -> Collection:
    """The same with as many threads as a task may use: a worker runs one task on each of its threads."""
    jobs, memory, _ = part._options
    return part.using(jobs=jobs or 1, memory=memory, progress=False)


def _reduced(part: Collection, reduction: Reduction) -> Any:
    from karin._reduce import run

    found = run(_on_this_worker(part), reduction)
    return found.load()


def _told(part: Collection, reduction: Reduction, place: Place) -> Part:
    """A part of a larger result, on a worker, which tells what it looks like."""
    from karin._reduce import executed

    found = Part(*executed(_on_this_worker(part), reduction))
    tell(place, found)
    return found


def _by_states(collection: Collection, reduction: Reduction, client: Any) -> Any:
    """Split where results meet in the same values: tasks give states, which merge in the order of the granules."""
    from karin._arrays import MemoryHandle
    from karin._reduce import finished

    parts = _in_order(collection, client)
    states = client.gather(_mapped(client, _state, parts, "karin-state", reduction))
    for granule, reason in (row for _, left_out in states for row in left_out):
        warn_of_left_out(granule, reason, stacklevel=4)
    found = [state for state, _ in states]
    plan, memory = collection._plan(), collection._options.memory
    merged, notes = _karin.merge_parts(plan, reduction, found, memory=memory)
    result = finished(MemoryHandle(merged))
    if notes:
        result.attrs["comment"] = "; ".join(notes)
    return result


def _state(part: Collection, reduction: Reduction) -> tuple[bytes, list[tuple[str, str]]]:
    part = _on_this_worker(part)
    jobs, memory, _ = part._options
    state, left_out = _karin.reduce_part(part._plan(), reduction, jobs=jobs, memory=memory)
    return state, left_out


def _in_order(collection: Collection, client: Any) -> list[Collection]:
    """Parts that follow one another in the order of cycle and pass."""
    table = collection.granules()
    count = _tasks(client, table["bytes"])
    weights: dict[int, int] = {}
    for cycle, size in zip(table["cycle_number"], table["bytes"], strict=True):
        weights[cycle] = weights.get(cycle, 0) + size
    cycles = sorted(weights)
    runs = shares(cycles, [weights[cycle] for cycle in cycles], count)
    if len(cycles) >= count or None in weights:
        return [collection.sel(cycle_number=run) for run in runs]
    parts = []
    for cycle in cycles:
        passes = sorted(
            {number for at, number in zip(table["cycle_number"], table["pass_number"], strict=True) if at == cycle}
        )
        for run in shares(passes, [1] * len(passes), -(-count // len(cycles))):
            parts.append(collection.sel(cycle_number=cycle, pass_number=run))
    return parts


def ingest(
    paths: Sequence[str], collection: str, client: Any, options: dict[str, Any], note: Callable[[str], None]
) -> Any:
    """Ingest on a cluster: workers put chunks on stable storage, this process commits what they have prepared.

    Returns
    -------
    dict
        As the ingest of one process: granules, snapshots, bytes, seconds.
    """
    from distributed import as_completed

    started = time.monotonic()
    batches = json.loads(
        _karin.ingest_batches(list(paths), collection, _TASKS_PER_THREAD * threads_of(client), **options)
    )
    futures = client.map(
        _prepared, batches, [collection] * len(batches), [options] * len(batches), pure=False, retries=2
    )
    report: dict[str, Any] = {"granules": [], "snapshots": [], "bytes": 0}
    waiting: list[tuple[dict[str, Any], bytes | None]] = []
    last = started
    for future in as_completed(futures):  # type: ignore[no-untyped-call]
        waiting.append(future.result())
        future.release()
        if time.monotonic() - last >= _COMMIT_EVERY:
            _commit(collection, waiting, options, report, note)
            last = time.monotonic()
    _commit(collection, waiting, options, report, note)
    report["seconds"] = time.monotonic() - started
    return report


def _prepared(batch: list[str], collection: str, options: dict[str, Any]) -> tuple[dict[str, Any], bytes | None]:
    text, prepared = _karin.prepare(batch, collection, **{"jobs": 1, **options})
    return json.loads(text), prepared


def _commit(
    collection: str,
    waiting: list[tuple[dict[str, Any], bytes | None]],
    options: dict[str, Any],
    report: dict[str, Any],
    note: Callable[[str], None],
) -> None:
    """Commit what is waiting; the commit has the last word on what became of every granule."""
    prepared = [part for _, part in waiting if part is not None]
    done = json.loads(_karin.commit_prepared(prepared, collection, **options)) if prepared else None
    outcomes = iter(done["granules"] if done else ())
    for found, part in waiting:
        for granule in found["granules"]:
            if part is not None and granule["outcome"] in ("added", "replaced", "merged"):
                granule.update(next(outcomes))
            report["granules"].append(granule)
        report["bytes"] += found["bytes"]
    if done:
        report["snapshots"].append(done["snapshot"])
        note(f"acknowledged {len(done['granules'])} granules in {done['snapshot']}")
    waiting.clear()
