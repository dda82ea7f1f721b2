"""The accessor `.swot` of trees: 250 m products with their two sides, and passes side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import xarray as xr

from karin._swot import _sides
from karin._swot._accessor import SwotAccessor
from karin._swot._geometry import Geometry
from karin.errors import InvalidArgumentError

if TYPE_CHECKING:
    import pandas as pd


@xr.register_datatree_accessor("swot")  # type: ignore[no-untyped-call]
class SwotTreeAccessor:
    """What `Dataset.swot` does, for every swath of a tree; groups without positions stay as they are.

    Examples
    --------
    >>> tree = xr.open_datatree("SWOT_L2_LR_SSH_Unsmoothed_....nc", engine="karin")   # doctest: +SKIP
    >>> tree.swot.both()                                          # one swath of 480 pixels   # doctest: +SKIP
    >>> tree.swot.mask("good").swot.plot("ssha")                                      # doctest: +SKIP
    """

    def __init__(self, tree: xr.DataTree) -> None:
        self._tree = tree

    def both(self, *, fill: bool = True) -> Any:
        """Left and right side as one swath.

        Parameters
        ----------
        fill : bool
            Give pixels without a place one: on the line through their neighbours in the same line.

        Returns
        -------
        Dataset, or DataTree
            The left side from its far edge to the nadir, then the right side. Times are those of the left side, or of the
            right where it has none. Values per line that differ have a dimension `num_sides`. It stays lazy. In a
            tree of passes, a node per pass.
        """
        pairs = {node.path: node for node in self._tree.subtree if {"left", "right"} <= set(node.children)}
        if not pairs:
            raise InvalidArgumentError("this tree has no groups left and right")
        joined = {path: _joined(node, fill) for path, node in pairs.items()}
        if list(joined) == [self._tree.path]:
            return joined[self._tree.path]
        return xr.DataTree.from_dict(joined)

    def mask(self, *level: Any, **options: Any) -> xr.DataTree:
        """Drop the values that a quality level, or flags by their names, do not keep: see `Dataset.swot.mask`."""
        return self._each(lambda swot: swot.mask(*level, **options))

    def select(self, **region: Any) -> xr.DataTree:
        """What lies in a region: see `Dataset.swot.select`."""
        return self._each(lambda swot: swot.select(**region))

    def drop_nadir(self) -> xr.DataTree:
        """Without the values of the nadir altimeter: see `Dataset.swot.drop_nadir`."""
        return self._each(lambda swot: swot.drop_nadir())

    def flags(self, variables: Any = None) -> pd.DataFrame:
        """How often every flag holds, with the path of its group: see `Dataset.swot.flags`."""
        import pandas as pd

        tables = {path: SwotAccessor(dataset).flags(variables) for path, dataset in self._swaths().items()}
        if not tables:
            raise InvalidArgumentError("this tree has no swaths")
        return pd.concat(tables, names=["group"])

    def plot(self, variable: str | None = None, **options: Any) -> Any:
        """Draw a variable of all swaths on one map: see `Dataset.swot.plot`."""
        swaths = list(self._swaths().values())
        if not swaths:
            raise InvalidArgumentError("this tree has no swaths")
        quality, nadir = options.pop("quality", None), options.pop("nadir", True)
        for index, dataset in enumerate(swaths):
            dataset = SwotAccessor(dataset).mask(quality) if quality is not None else dataset
            swaths[index] = dataset if nadir else SwotAccessor(dataset).drop_nadir()
        from karin._swot import _map

        return _map.plot_all(swaths, variable, **options)

    def _swaths(self) -> dict[str, xr.Dataset]:
        found = {node.path: node.to_dataset() for node in self._tree.subtree if node.has_data}
        return {path: dataset for path, dataset in found.items() if _has_geometry(dataset)}

    def _each(self, of: Callable[[SwotAccessor], xr.Dataset]) -> xr.DataTree:
        swaths = self._swaths()
        return xr.DataTree.from_dict(
            {
                node.path: of(SwotAccessor(swaths[node.path])) if node.path in swaths else node.to_dataset(inherit=False)
                for node in self._tree.subtree
            },
            name=self._tree.name,
        )


def _joined(node: xr.DataTree, fill: bool) -> xr.Dataset:
    whole = _sides.both(node["left"].to_dataset(), node["right"].to_dataset(), fill=fill)
    whole.attrs = {**node.attrs, **whole.attrs}
    return whole


def _has_geometry(dataset: xr.Dataset) -> bool:
    try:
        Geometry.of(dataset)
    except InvalidArgumentError:
        return False
    return True
