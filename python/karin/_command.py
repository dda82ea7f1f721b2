"""The ``karin`` command that comes with the package."""

from __future__ import annotations

import sys

from karin._karin import main as run


def main() -> int:
    """Run the command with the arguments of the process."""
    return run(["karin", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
