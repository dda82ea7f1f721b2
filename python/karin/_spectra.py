"""Spectra and cross-spectra of what is selected, estimated in Rust."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import xarray as xr

from karin._arrays import MemoryHandle
from karin._progress import listener_of
from karin._reduce import finished


class Spectral:
    """What spectra can be estimated of."""

    __slots__ = ()

    def spectrum(
        self: Any,
        *,
        axis: Literal["along", "across", "both"] = "along",
        segment: float | None = None,
        segment_across: float = 50.0,
        overlap: float = 0.5,
        window: str = "hann",
        detrend: Literal["none", "constant", "linear"] = "linear",
        longest_hole: float = 0.01,
        minimum_valid: float = 0.9,
        confidence: float = 0.95,
        with_: str | None = None,
        with_cycle: int | str | None = None,
    ) -> xr.Dataset:
        """Estimate power spectra of the selected variables (``ssha`` if none is): those of ``karin spectrum``.

        Parameters
        ----------
        axis
            ``"along"`` the flight (a spectrum per pixel column, and their mean), ``"across"`` it, or ``"both"`` (two-dimensional).
        segment, segment_across
            Kilometres of a segment (1000 along, 50 across if not given); width of the rectangles of ``axis="both"``.
        overlap
            Share of a segment that the next one repeats.
        window
            Taper: ``"hann"``, ``"tukey(0.2)"`` or ``"none"``.
        detrend
            What is taken off each segment.
        longest_hole, minimum_valid
            Longest hole that is filled, and least part that must be values; shares of a segment.
        confidence
            Level of the intervals.
        with_
            Another variable: cross-spectrum, coherence and phase of both.
        with_cycle
            Another cycle of the same passes, ``20``, or ``"+1"`` for the next one of each: cross-spectrum of both cycles.

        Returns
        -------
        xarray.Dataset
            Densities by ``wavenumber`` in cycles per kilometre, with intervals of confidence; with two sides also
            ``coherence_squared`` and ``phase``.

        Examples
        --------
        >>> swot.sel(cycle_number=12, variables="ssha").spectrum(with_cycle=20).coherence_squared.plot(xscale="log")
        """
        collection = _prepared(self, with_, with_cycle)
        jobs, memory, progress = collection._options
        with listener_of(progress) as listener:
            result = collection._plan().spectrum(
                axis=axis, segment=segment, segment_across=segment_across, overlap=overlap, window=window, detrend=detrend,
                longest_hole=longest_hole, minimum_valid=minimum_valid, confidence=confidence, with_=with_,
                with_cycle=None if with_cycle is None else str(with_cycle), jobs=jobs, memory=memory, listener=listener,
            )  # fmt: skip
        dataset: xr.Dataset = finished(MemoryHandle(result))
        return dataset


def _prepared(collection: Any, with_: str | None, with_cycle: int | str | None) -> Any:
    """Select the variables and the cycle that are needed, and drop values of the nadir altimeter."""
    words = dict(collection._selection.words)
    names: Iterable[str] = words.get("variables", "ssha").split(",")
    words["variables"] = ",".join(dict.fromkeys([*names, *([with_] if with_ else [])]))
    if with_cycle is not None and "cycles" in words and not str(with_cycle).startswith("+"):
        words["cycles"] = f"{words['cycles']},{with_cycle}"
    if words.get("nadir", "keep") == "keep":
        words["nadir"] = "drop"
    selection = collection._selection._replace(words=tuple(sorted(words.items())))
    return type(collection)(collection._spec, selection, collection._options)
