"""The accessor `.swot`: quality, flags, canonical heights, nadir, regions, lines and maps of any SWOT dataset.

Importing it registers the accessor with xarray. What flags and names mean is decided in Rust (`_seam`).
"""

from karin._swot._accessor import SwotAccessor, SwotArrayAccessor
from karin._swot._tree import SwotTreeAccessor

__all__ = ["SwotAccessor", "SwotArrayAccessor", "SwotTreeAccessor"]
