"""karin: fast access to SWOT (KaRIn) satellite data, and fast work on it.

>>> import karin
>>> swot = karin.open("swot.karin")                                   # a collection
>>> swot = karin.granules("granules/")                                # or granule files: the same methods
>>> swot.sel(cycle_number=475, bbox=(-15, 34, 36, 54)).to_xarray()    # lazy, CF-decoded
>>> swot.sel(variables="ssha", quality="good").mean("cycle_number")   # computed in Rust, an xarray.Dataset
"""

from __future__ import annotations

from karin import _swot, catalog, errors  # noqa: F401 - importing _swot registers the accessor
from karin._collection import Collection, granules, open
from karin._providers import describe, find, get, products
from karin._sync import sync
from karin._verbs import ingest, passes, simulate
from karin._viewer import view
from karin.errors import KarinError, KarinWarning

__version__ = "0.1.0"

__all__ = [
    "Collection",
    "KarinError",
    "KarinWarning",
    "__version__",
    "catalog",
    "describe",
    "errors",
    "find",
    "get",
    "granules",
    "ingest",
    "open",
    "passes",
    "products",
    "simulate",
    "sync",
    "view",
]
