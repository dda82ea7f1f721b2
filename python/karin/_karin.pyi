"""The extension module beneath the package: translation of Python objects into calls of the Rust library."""

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from karin._source import Reach

__all__ = [
    "main",
    "Dataset",
    "can_decode",
    "one_file",
    "open_file",
    "color_map",
    "nearest_word",
    "region_contains",
    "Plan",
    "canonical_names",
    "decode_flags",
    "identify",
    "land",
    "quality_gate",
    "quality_keeps",
    "common_time",
    "Source",
    "contents",
    "history",
    "commit_prepared",
    "ingest_batches",
    "merge_parts",
    "prepare",
    "reduce_part",
    "catalog_add",
    "catalog_add_provider",
    "catalog_list",
    "catalog_missing",
    "catalog_remove",
    "describe",
    "find",
    "find_files",
    "find_products",
    "get",
    "get_files",
    "get_part",
    "ingest",
    "passes",
    "read_beside",
    "simulate",
    "sync",
    "Asked",
    "Viewer",
]

#: Statistics, what they are over, the second field of pairs, and the condition that results must meet.
_Reduction: TypeAlias = tuple[str, str, str | None, str | None]

def main(argv: Sequence[str | bytes | PathLike[str]]) -> int:
    """Run the ``karin`` command with these arguments (the program's name first) and give its exit code."""

def open_file(path: str | PathLike[str], *, reach: Reach | None = None, listener: Any = None) -> Dataset:
    """Open a netCDF file of any kind: at a path, or where it lies, at a server or in a bucket."""

def one_file(path: str | PathLike[str]) -> str | None:
    """The one file that an input names, as a path or an address; None for folders and collections."""

def can_decode(dtype: str, double: bool) -> bool:
    """True if numbers of that type can be decoded to ``float64`` (``double``) or ``float32`` exactly as xarray does it."""

#: Path of a variable, and its decoding (see :meth:`Dataset.read`).
_Wanted: TypeAlias = tuple[str, tuple[Sequence[float], float | None, float | None, bool] | None]

@final
class Dataset:
    """A netCDF-shaped tree whose arrays can be read, from many threads at once."""

    @property
    def label(self) -> str:
        """What to call it: the file or object that it comes from."""

    @property
    def is_classic(self) -> bool:
        """Whether it is a file of netCDF-3."""

    def structure(self) -> dict[str, Any]:
        """Its structure: dimensions, unlimited, attributes, variables and groups, nested."""

    def read(
        self,
        variable: str,
        indices: Sequence[tuple[int, int, int] | NDArray[np.int64]],
        decoding: tuple[Sequence[float], float | None, float | None, bool] | None = None,
    ) -> NDArray[Any]:
        """Read indices along every dimension: each ``(start, count, step)``, or an array of integers.

        With a decoding (fills, scale, offset, to float64) true values come back, else what is stored.
        """

    def read_whole(self, wanted: _Wanted, next: Sequence[_Wanted]) -> NDArray[Any]:
        """Read all of a variable of a file while other threads begin those of ``next``, which will probably be asked for."""

    def failures(self) -> list[tuple[str, str]]:
        """Granules that could not be read since this was asked last, and why; they read as fill."""

    def cells(self, group: str = "") -> list[tuple[int, int, int, int]]:
        """Of a cube: positions of cycle and pass that have granules, with first and last position of their lines."""

@final
class Plan:
    """Granules of one product (and, with ``version="all"``, of one schema), with the variables asked for."""

    @property
    def text(self) -> str:
        """In words: granules, product, variables, bytes, selection."""

    @property
    def product(self) -> str | None:
        """The product, if there is one."""

    @property
    def schemas(self) -> list[str]:
        """The schemas that occur, oldest first."""

    @property
    def stored_bytes(self) -> int:
        """Bytes of all its granules as stored."""

    @property
    def bytes_to_read(self) -> int:
        """Bytes that have to be read of them, about."""

    def __len__(self) -> int: ...
    def entries(self) -> list[int]:
        """The granules: positions in the source's entries."""

    def variables(self) -> list[str]:
        """Paths of the variables."""

    def reduce(
        self,
        reduction: _Reduction,
        *,
        jobs: int | None = None,
        memory: int | None = None,
        path: str | PathLike[str] | None = None,
        history: str = "",
        listener: Any = None,
    ) -> tuple[Any, dict[str, Any], dict[str, NDArray[Any]]]:
        """Reduce into memory (a Dataset), or into the netCDF file at ``path`` (None); with a report, and the arrays of the
        statistics, which the dataset does not hold any more."""

    def target_with_bins(self, reduction: _Reduction, *, jobs: int | None = None, memory: int | None = None) -> str:
        """What a reduction is over, in words, with every automatic bin found from a sample of the values."""

    def spectrum(
        self,
        *,
        axis: str = "along",
        segment: float | None = None,
        segment_across: float = 50.0,
        overlap: float = 0.5,
        window: str = "hann",
        detrend: str = "linear",
        longest_hole: float = 0.01,
        minimum_valid: float = 0.9,
        confidence: float = 0.95,
        with_: str | None = None,
        with_cycle: str | None = None,
        jobs: int | None = None,
        memory: int | None = None,
        listener: Any = None,
    ) -> Dataset:
        """Power spectra of the variables, as the command ``karin spectrum`` estimates them; lengths in kilometres."""

    def cube(self, *, jobs: int | None = None, memory: int | None = None, listener: Any = None) -> Dataset:
        """The granules on axes of cycle, pass, line and pixel, as a lazy dataset."""

    def lines(self, *, jobs: int | None = None, memory: int | None = None, listener: Any = None) -> Dataset:
        """The kept lines of all granules one behind the other, as a lazy dataset."""

    def features(
        self,
        feature: str,
        options: str,
        *,
        path: str | PathLike[str] | None = None,
        command: str = "",
        jobs: int | None = None,
        memory: int | None = None,
        listener: Any = None,
    ) -> tuple[str, list[bytes]]:
        """Find eddies or fronts: columns and rows as JSON, geometries as well-known binary; or write them to ``path``."""

    def extract(
        self,
        path: str | PathLike[str],
        *,
        command: str = "",
        jobs: int | None = None,
        memory: int | None = None,
        listener: Any = None,
    ) -> str:
        """Write what is selected, as the command ``karin extract`` does; an answer as JSON."""

@final
class Source:
    """A set of granules: files, folders of files, and collections, as one."""

    def __new__(
        cls,
        paths: Sequence[str | PathLike[str]],
        *,
        snapshot: str | None = None,
        reach: Reach | None = None,
        listener: Any = None,
    ) -> Source: ...
    @property
    def snapshot(self) -> str | None:
        """The snapshot that a collection is read at."""

    def plan(self, words: Mapping[str, str], lets: Sequence[str], *, listener: Any = None) -> list[Plan]:
        """Plan a selection: the words of the command line, and definitions as ``name=expression``."""

    def entries(self) -> dict[str, list[Any]]:
        """What is known of every granule without opening it: a list per column."""

def contents(
    location: str, *, snapshot: str | None = None, endpoint: str | None = None, region: str | None = None
) -> str:
    """What is in a collection, as JSON."""

def history(location: str, *, endpoint: str | None = None, region: str | None = None) -> str:
    """The snapshots of a collection that can be read, the newest first, as JSON."""

def passes(words: Mapping[str, str], point: tuple[float, float] | None, half_width: float) -> str:
    """The passes that see a place, as JSON; the half width in kilometres."""

def simulate(
    folder: str | PathLike[str],
    product: str,
    cycles: str,
    passes: str | None = None,
    *,
    phase: str | None = None,
    seed: int = 0,
    variables: Sequence[str] | None = None,
    version: str | None = None,
    jobs: int | None = None,
    memory: int | None = None,
    listener: Any = None,
) -> str:
    """Write imagined granules, and tell of them as JSON."""

def ingest(
    paths: Sequence[str | PathLike[str]],
    collection: str,
    *,
    dry_run: bool = False,
    listener: Any = None,
    **options: Any,
) -> str:
    """Put granules into a collection, and tell what became of each as JSON."""

#: Whom to ask for what: ``words`` of a selection, ``place``, ``settings`` (``KEY=VALUE``) and ``credentials`` (a file).
_Asked: TypeAlias = Mapping[str, Any]

def find(asked: _Asked, *, listener: Any = None) -> str:
    """Ask a provider for granules, and tell of them as JSON."""

def get(
    asked: _Asked,
    folder: str | PathLike[str],
    *,
    only: set[str] | None = None,
    dry_run: bool = False,
    rate: int | None = None,
    listener: Any = None,
) -> str:
    """Put the granules that a provider has into a folder (``only`` those that lie at these places), and tell of each as JSON."""

def find_products(
    provider: str, settings: Sequence[str], credentials: str | PathLike[str] | None, *, listener: Any = None
) -> str:
    """Ask a provider what it publishes (``aviso``, ``cmems:cmems_obs-sl*``), and tell of it as JSON."""

def describe(
    dataset: str,
    version: str | None,
    settings: Sequence[str],
    credentials: str | PathLike[str] | None,
    *,
    listener: Any = None,
) -> str:
    """Ask Copernicus Marine what a dataset holds (of a version, of the newest, or of ``all``), and tell of it as JSON."""

def find_files(asked: _Asked, *, listener: Any = None) -> str:
    """Ask Copernicus Marine for the files of a dataset, and tell of them as JSON."""

def get_files(
    asked: _Asked,
    folder: str | PathLike[str],
    *,
    only: set[str] | None = None,
    dry_run: bool = False,
    rate: int | None = None,
    listener: Any = None,
) -> str:
    """Put the files of a dataset of Copernicus Marine into a folder (``only`` those that lie at these places), and tell of each."""

def get_part(
    asked: _Asked,
    path: str | PathLike[str],
    *,
    command: str = "",
    dry_run: bool = False,
    rate: int | None = None,
    deflate: int | None = None,
    jobs: int | None = None,
    memory: int | None = None,
    listener: Any = None,
) -> str:
    """Write a part of a grid of Copernicus Marine to a file, and tell of it as JSON."""

def catalog_add(
    places: Sequence[str | PathLike[str]],
    settings: Sequence[str],
    *,
    endpoint: str | None = None,
    region: str | None = None,
    listener: Any = None,
) -> str:
    """Look at folders and collections and keep what they have, and tell of each as JSON."""

def catalog_add_provider(asked: _Asked, *, listener: Any = None) -> str:
    """Ask a provider what it has, keep that, and tell of it as JSON."""

def catalog_list(settings: Sequence[str]) -> str:
    """Every source that is kept, as JSON."""

def catalog_missing(asked: _Asked) -> str:
    """Which passes of what is asked for are not here whole and in the newest version, and where they are, as JSON."""

def catalog_remove(place: str, settings: Sequence[str]) -> bool:
    """Forget a source; False if it was not known."""

def sync(
    asked: _Asked,
    collection: str,
    *,
    keep: str | PathLike[str] | None = None,
    crop: bool = False,
    dry_run: bool = False,
    replace: bool = False,
    rate: int | None = None,
    profile: str = "portable",
    endpoint: str | None = None,
    region: str | None = None,
    locks_work: bool = False,
    jobs: int | None = None,
    memory: int | None = None,
    listener: Any = None,
) -> str:
    """Bring a collection up with a provider, and tell what was done as JSON."""

def quality_gate(name: str, variables: Mapping[str, tuple[str, Mapping[str, Any]]]) -> tuple[str, str] | None:
    """What gates a variable of ``{name: (dtype, attributes)}``: the flag variable and the rule; None without a gate."""

def quality_keeps(rule: str, level: str, raw: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where a gate keeps values, for the stored numbers of its flag variable (one-dimensional)."""

def decode_flags(dtype: str, attributes: Mapping[str, Any]) -> dict[str, Any] | None:
    """``{"kind", "names", "masks", "values"}`` of a flag variable: a name holds where ``raw & mask == value``."""

def canonical_names(variables: Sequence[str]) -> list[tuple[str, str]]:
    """The derived quantities that a set of variables allows, each with the expression that makes it."""

def identify(file_name: str, attributes: Mapping[str, Any]) -> str:
    """What granule a file is by its name (may be empty) and its global attributes, as JSON with ``warnings``."""

def land(fine: bool) -> list[NDArray[np.float64]]:
    """The outlines of the land: longitude and latitude alternating, one flat array per ring."""

def region_contains(
    longitude: NDArray[np.float64],
    latitude: NDArray[np.float64],
    *,
    bbox: tuple[float, float, float, float] | None = None,
    polygon: str | None = None,
) -> NDArray[np.bool_]:
    """Where positions lie in a box or in polygons (GeoJSON text); never for NaN."""

def common_time(first: str, second: str) -> str | None:
    """What two ranges of times have in common, as ``A..B``; None if that is nothing."""

def color_map(name: str | None, variable: str, attributes: dict[str, str]) -> tuple[str, bool, NDArray[np.uint8]]:
    """A colour map by its name, or the one that suits a variable: name, whether its middle means zero, 256 x 3 colours."""

def nearest_word(word: str, candidates: Sequence[str]) -> str | None:
    """The candidate that was probably meant."""

def read_beside(reduction: _Reduction) -> list[str]:
    """The variables that a reduction reads beside those that it reduces."""

def reduce_part(
    plan: Plan, reduction: _Reduction, *, jobs: int | None = None, memory: int | None = None
) -> tuple[bytes, list[tuple[str, str]]]:
    """Reduce to a state that merges with those of other granules, as bytes; with what was left out."""

def merge_parts(
    plan: Plan, reduction: _Reduction, parts: Sequence[bytes], *, memory: int | None = None
) -> tuple[Dataset, list[str]]:
    """Merge states in the order of cycle and pass; the plan is that of all their granules. With notes on the result."""

def ingest_batches(paths: Sequence[str | PathLike[str]], collection: str, count: int, **options: Any) -> str:
    """Files in batches of about the same size, as JSON; the collection is made if there is none."""

def prepare(paths: Sequence[str | PathLike[str]], collection: str, **options: Any) -> tuple[str, bytes | None]:
    """Put the chunks of files on stable storage: a report as JSON, and what the commit needs."""

def commit_prepared(prepared: Sequence[bytes], collection: str, **options: Any) -> str:
    """Commit what others have prepared; what became of each granule, as JSON."""

@final
class Asked:
    """A question under way."""

    def cancel(self) -> None:
        """Give the question up: the work for it stops."""

@final
class Viewer:
    """A viewer that only this process can ask; it listens nowhere."""

    def __new__(
        cls,
        paths: Sequence[str | PathLike[str]],
        *,
        snapshot: str | None = None,
        reach: Reach | None = None,
        jobs: int | None = None,
        memory: int | None = None,
        listener: Any = None,
    ) -> Viewer:
        """Open paths: any mix of collections, granules and folders of granules."""

    def ask(self, target: str, answered: Callable[[int, str, bytes], object]) -> Asked | None:
        """Ask for a path of the API and come back at once; ``answered`` is told status, media type and body on another thread."""

    @staticmethod
    def page() -> dict[str, bytes]:
        """Every file of the page that shows it, by path."""
