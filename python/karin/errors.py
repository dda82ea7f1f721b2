"""What can go wrong, by what a caller would do about it.

Every exception of karin is a :class:`KarinError` with a stable ``kind``, and also the built-in exception that fits, so
that ``except FileNotFoundError`` does what one expects.
"""

from __future__ import annotations

import re
import warnings

__all__ = [
    "AlreadyExistsError",
    "CancelledError",
    "ConflictError",
    "CorruptError",
    "GeometryMismatchError",
    "InternalError",
    "InvalidArgumentError",
    "InvalidNameError",
    "KarinError",
    "KarinWarning",
    "MemoryBudgetError",
    "NoSpaceError",
    "NotFoundError",
    "PermissionDeniedError",
    "ReadWriteError",
    "SchemaMismatchError",
    "TruncatedError",
    "UnsupportedError",
]


class KarinWarning(UserWarning):
    """Something the user should know that does not stop the work: a granule left out, an unusual name."""


class KarinError(Exception):
    """Any error of karin. ``kind`` is its stable code, the same as in Rust and in the command's JSON."""

    kind: str = "internal"

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class InvalidArgumentError(KarinError, ValueError):
    """The call, option or expression makes no sense."""

    kind = "invalid_argument"


class NotFoundError(KarinError, FileNotFoundError, KeyError):
    """No such file, collection, variable, granule or snapshot."""

    kind = "not_found"


class AlreadyExistsError(KarinError, FileExistsError):
    """It is there already."""

    kind = "already_exists"


class InvalidNameError(KarinError, ValueError):
    """The name is not one of a granule."""

    kind = "invalid_name"


class TruncatedError(KarinError, OSError):
    """Shorter than it says itself."""

    kind = "truncated"


class CorruptError(KarinError, OSError):
    """Bytes that break the format, or a checksum that does not match."""

    kind = "corrupt"


class UnsupportedError(KarinError, NotImplementedError):
    """A valid thing that karin does not do."""

    kind = "unsupported"


class SchemaMismatchError(KarinError, ValueError):
    """Variables, types or packing that do not fit."""

    kind = "schema_mismatch"


class GeometryMismatchError(KarinError, ValueError):
    """A granule that lies elsewhere than its pass."""

    kind = "geometry_mismatch"


class ConflictError(KarinError, RuntimeError):
    """Somebody else changed the same thing."""

    kind = "conflict"


class ReadWriteError(KarinError, OSError):
    """Reading or writing failed."""

    kind = "io"


class NoSpaceError(KarinError, OSError):
    """The disk or quota is full."""

    kind = "no_space"


class PermissionDeniedError(KarinError, PermissionError):
    """Not allowed."""

    kind = "permission"


class MemoryBudgetError(MemoryError, KarinError):
    """It does not fit into the memory budget."""

    # MemoryError comes first because Python makes its instances in a way of its own, which what pickles errors looks for.

    kind = "memory"


class CancelledError(KarinError, RuntimeError):
    """Stopped on request."""

    kind = "cancelled"


class InternalError(KarinError, RuntimeError):
    """A defect of karin: please report it."""

    kind = "internal"


_BY_KIND: dict[str, type[KarinError]] = {error.kind: error for error in reversed(KarinError.__subclasses__())}


#: A setting, as the command takes it.
_SETTING = re.compile(r"--set ([a-z_.]+)=(\S+)")


def in_python(message: str) -> str:
    """Say what to do about it in Python: settings that the command takes as flags are keywords here."""
    return _SETTING.sub(lambda found: f'settings={{"{found[1]}": "{found[2]}"}}', message)


def error_of(kind: str, message: str) -> KarinError:
    """Make the exception of a kind (the extension module calls this)."""
    return _BY_KIND.get(kind, InternalError)(in_python(message))


def warn_of_left_out(granule: str, reason: str, stacklevel: int) -> None:
    """Warn of a granule that could not be read."""
    warnings.warn(in_python(f"left out {granule}: {reason}"), KarinWarning, stacklevel=stacklevel + 1)
