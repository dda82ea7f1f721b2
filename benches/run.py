"""`cargo xtask bench [NAME...]`: karin beside its peers and its floor, medians and ratios in one table."""

import sys

from access import ACCESS
from granules import FOLDER
from patterns import BENCHMARKS, report
from python_bars import PYTHON
from science import SCIENCE
from viewer import VIEWER

BENCHMARKS = {**BENCHMARKS, **PYTHON, **SCIENCE, **VIEWER, **ACCESS}


def line(what, bar, measured):
    """One row of the table: what karin took, and how many times that the others took."""
    ours = measured.get("karin")
    cells = []
    for name, value in measured.items():
        if name.endswith("processor"):
            cells.append(f"{name} {value:.2f} s")
        elif ours is None or name.endswith("bytes"):
            cells.append(f"{name} {value / 1e6:.1f} MB")
        elif name == "karin":
            cells.append(f"karin {value:.4g} s")
        elif name == "errors":
            cells.append(f"{value:.0f} errors")
        else:
            cells.append(f"{name} {value:.3f} s ({value / ours:.2f}x)")
    return f"| {what} | {bar} | {'; '.join(cells)} |"


def main(names):
    several = {"python": PYTHON, "viewer": VIEWER, "access": ACCESS}
    names = [one for name in names for one in several.get(name, [name])]
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    rows = []
    print("| what | bar | measured (others as multiples of karin) |\n|---|---|---|")
    for name in names or BENCHMARKS:
        for row in BENCHMARKS[name]():
            rows.append(row)
            print(line(*row), flush=True)
    (FOLDER / "results.json").write_text(report(rows))


if __name__ == "__main__":
    main(sys.argv[1:])
