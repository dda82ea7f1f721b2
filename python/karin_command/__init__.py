"""The ``karin`` command that comes with the Python package.

It stands outside the package, because importing that imports xarray, which a command has no use for: the extension module
is loaded by itself.
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from types import ModuleType


def _extension() -> ModuleType:
    package = find_spec("karin")
    places = package.submodule_search_locations if package is not None else None
    found = PathFinder.find_spec("karin._karin", places)
    if found is None or found.loader is None:
        raise ImportError("karin is not installed: its extension module is not there")
    module = module_from_spec(found)
    found.loader.exec_module(module)
    return module


def main() -> int:
    """Run the command with the arguments of the process."""
    code: int = _extension().main(["karin", *sys.argv[1:]])
    return code
