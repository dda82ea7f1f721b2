"""The heights that every surface of karin names alike: `ssha`, `ssha_filtered`, `adt`. Which variables make them is
decided in Rust; here they are added up, lazily where the dataset is lazy."""

from __future__ import annotations

import ast

import xarray as xr

from karin._swot import _seam
from karin._swot._geometry import decoded
from karin.errors import NotFoundError

# Said of heights that are no anomalies corrected for tides: the same words as in results of the engine.
_UNCORRECTED = "height above the mean sea surface only: this product has no corrections for tides and cross-over"


_LONG_NAMES = {
    "ssha": "sea surface height anomaly",
    "ssha_filtered": "sea surface height anomaly, filtered",
    "adt": "absolute dynamic topography",
}


def height(dataset: xr.Dataset, name: str) -> xr.DataArray:
    """A derived quantity of a dataset, or the variable of that name.

    Raises
    ------
    NotFoundError
        If the dataset lacks what it is made of.
    """
    if name in dataset.variables:
        return decoded(dataset, name)
    formulas = _seam.derived_of(dataset)
    if name not in formulas:
        raise NotFoundError(
            f"no {name} in this dataset, and nothing that it could be made of{_what_for(dataset, name)}"
        )
    formula = formulas[name]
    array = _value(ast.parse(formula, mode="eval").body, dataset, formulas)
    return _described(array, dataset, name, formula)


def _value(node: ast.expr, dataset: xr.Dataset, formulas: dict[str, str]) -> xr.DataArray:
    match node:
        case ast.Name(id=name) if name in dataset.variables:
            return decoded(dataset, name)
        case ast.Name(id=name):
            return _value(ast.parse(formulas[name], mode="eval").body, dataset, formulas)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _value(left, dataset, formulas) + _value(right, dataset, formulas)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return _value(left, dataset, formulas) - _value(right, dataset, formulas)
    raise NotImplementedError(f"a formula with {ast.dump(node)}")


def _described(array: xr.DataArray, dataset: xr.Dataset, name: str, formula: str) -> xr.DataArray:
    first = next(word.id for word in ast.walk(ast.parse(formula)) if isinstance(word, ast.Name))
    array = array.copy(deep=False)
    array.name = name
    array.encoding = {}
    array.attrs = {"long_name": _LONG_NAMES.get(name, name), "comment": f"{name} = {formula}"}
    source = dataset[first] if first in dataset.variables else height(dataset, first)
    if units := source.attrs.get("units"):
        array.attrs["units"] = units
    if name == "ssha" and "mean_sea_surface_cnescls" in formula:
        array.attrs["comment"] += f"; {_UNCORRECTED}"
    return array


def _what_for(dataset: xr.Dataset, name: str) -> str:
    needs = {
        "ssha": "ssha_karin_2 and height_cor_xover (level 2), ssha_unfiltered (level 3), or ssh_karin_2 and "
        "mean_sea_surface_cnescls (level 2 Unsmoothed of version C)",
        "ssha_filtered": "ssha_noiseless",
        "adt": "mdt and what ssha is made of",
    }
    if name in needs:
        return f": it needs {needs[name]}"
    return _seam.nearest(name, [*dataset.variables, *_seam.derived_of(dataset)])


def inputs_of(dataset: xr.Dataset, name: str) -> list[str]:
    """The variables that a derived quantity is made of.

    Raises
    ------
    NotFoundError
        As `height`.
    """
    formulas = _seam.derived_of(dataset)
    if name not in formulas:
        height(dataset, name)
    names = [word.id for word in ast.walk(ast.parse(formulas[name])) if isinstance(word, ast.Name)]
    return [leaf for word in names for leaf in ([word] if word in dataset.variables else inputs_of(dataset, word))]
