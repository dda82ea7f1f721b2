"""The viewer in a notebook: :func:`view`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from karin._collection import Collection, open
from karin.errors import InvalidArgumentError

if TYPE_CHECKING:
    from karin._widget import Viewer


def view(what: Collection | str | os.PathLike[str], *, height: int = 600) -> Viewer:
    """Show swaths in a notebook: the viewer of ``karin view``, through the notebook's own channel, without another port.

    Needs `anywidget <https://anywidget.dev>`_ (``pip install anywidget``), which works in JupyterLab, Notebook 7, VS Code and
    Colab.

    Parameters
    ----------
    what
        A collection or granules, as :func:`karin.open` and :func:`karin.granules` give them, or a path. What is selected
        of them is what is shown first: product, cycle (the last one selected), variable, quality, condition, derived
        variables, and the box or polygon as the region. All of the collection stays within reach.
    height
        Height in pixels.

    Returns
    -------
    karin._widget.Viewer
        A widget. What it shows can be read and set: ``w.cycle``, ``w.variable``, ``w.bounds``, ``w.region`` and more;
        ``w.selected`` is a :class:`Collection` of what is looked at.

    Raises
    ------
    ImportError
        If anywidget is not installed.

    Examples
    --------
    >>> w = karin.view(swot.sel(cycle_number=476, variables="ssha", bbox=(-15, 34, 36, 54)))
    >>> w                                      # at the end of a cell: the map
    >>> w.cycle = 477
    >>> w.selected.mean("cycle_number")        # the region that was drawn on the map
    """
    if isinstance(height, bool) or not isinstance(height, int) or not 200 <= height <= 4000:
        raise InvalidArgumentError(f"height={height!r}: expected pixels from 200 to 4000")
    try:
        from karin._widget import Viewer
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("anywidget", "traitlets", "ipywidgets", "psygnal"):
            raise
        raise ImportError("karin.view needs anywidget: pip install anywidget", name=error.name) from error
    return Viewer(what if isinstance(what, Collection) else open(what), height=height)
