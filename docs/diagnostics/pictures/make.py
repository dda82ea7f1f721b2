"""Makes the pictures of the pages beside: `python docs/diagnostics/pictures/make.py [NAME...]`.

Every picture is what a command of karin draws, of a real granule of the reference data (the environment variable KARIN_SHARED_DATA says
where that is) or of simulated ones. It is then brought to the width of a page and to a palette, which needs Pillow.
The command is KARIN_BIN, else the one of a release build.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

HERE = Path(__file__).resolve().parent
WORKSPACE = HERE.parents[2]
KARIN = os.environ.get("KARIN_BIN", str(WORKSPACE / "target/release/karin"))
SHARED = Path(os.environ.get("KARIN_SHARED_DATA", WORKSPACE.parent / "shared" / "data"))
GRANULE = "SWOT_L3_LR_SSH_Expert_001_155_20230726T173637_20230726T182803_v1.0.2_fcs.nc"

#: Simulated granules, by folder.
SIMULATED = {
    "l3": "karin simulate l3 --product L3_LR_SSH_Expert --cycles 12 --passes 7,20,33 --vars ssha_filtered,ssha_unfiltered",
    "l2": "karin simulate l2 --product L2_LR_SSH_Expert --cycles 12 --passes 7",
}

RULES = """variable = "ssha"

[[rule]]
name = "not over the ocean"
keep = "ancillary_surface_classification_flag == 0"

[[rule]]
name = "rain"
reject = "rain_flag != 0"

[[rule]]
name = "far from the mean"
mean_std = { n = 3.0, iterations = 10 }
"""

#: Commands, by picture; the pages show them.
COMMANDS = {
    "currents": f"karin plot {GRANULE} --vars speed -o currents.png",
    "deformation": f"karin plot {GRANULE} --vars vorticity_over_f --method fit:9 --vmin -0.5 --vmax 0.5 -o deformation.png",
    "cyclogeostrophy": f"karin plot {GRANULE} --let 'smooth=gaussian(ssha_filtered, 6)' --from smooth"
    " --method fit:9 --let difference=speed_cyclo-speed --vars difference --cmap balance --title 'Cyclogeostrophic less geostrophic speed (m/s)' -o cyclogeostrophy.png",
    "uncertainties": f"karin plot {GRANULE} --vars u_geo_uncertainty --method l3,noise=0.002 -o uncertainties.png",
    "spectra": "karin spectrum l3 --vars ssha_unfiltered,ssha_filtered --segment 500km -o spectra.png",
    "editing": "karin edit rules.toml l2 --bbox=-180,15,180,30 -o editing.png",
    "filters": "karin spectrum l3 --let 'smooth=lowpass(ssha_unfiltered, 65)' --vars ssha_unfiltered,smooth --segment 500km -o filters.png",
    "calibration": "karin plot l2 --let 'error=calibrate(ssha_karin_2, 1, 1000, error)' --vars error --bbox=-77,15,-70,30"
    " --cmap balance --title 'Bias and tilt of each side' -o calibration.png",
    "eddies": f"karin eddies {GRANULE} --fill-nadir -o eddies.png",
    "fronts": f"karin fronts {GRANULE} -o fronts.png",
}
#: Width in pixels, colours, and bytes at most.
WIDTH, COLORS, LIMIT = 720, 256, 80_000


def run(command: str, folder: Path) -> None:
    """Run a command of karin in a folder."""
    words = shlex.split(command)
    subprocess.run([KARIN, *words[1:]], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def shrink(source: Path, target: Path) -> None:
    """Write a picture that is as wide as a page, or narrower until it is small enough, with a palette that has all its colours."""
    with Image.open(source) as picture:
        whole = picture.convert("RGB")
    for width in range(min(WIDTH, whole.width), 400, -40):
        size = width, round(whole.height * width / whole.width)
        narrow = whole.resize(size, Image.Resampling.LANCZOS)
        palette = narrow.quantize(COLORS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        palette.save(target, optimize=True)
        if target.stat().st_size <= LIMIT:
            return


def main(names: list[str]) -> int:
    """Make these pictures, or all."""
    unknown = set(names) - set(COMMANDS)
    if unknown:
        print(f"no picture {', '.join(sorted(unknown))}; there are {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "rules.toml").write_text(RULES)
        real = SHARED / "swot_l3" / GRANULE
        if real.exists():
            (folder / GRANULE).symlink_to(real)
        for picture in names or COMMANDS:
            command = COMMANDS[picture]
            words = command.split()
            if GRANULE in words and not real.exists():
                print(f"{picture}: skipped, {real} is not there", file=sys.stderr)
                continue
            for made, how in SIMULATED.items():
                if made in words and not (folder / made).exists():
                    run(how, folder)
            run(command, folder)
            shrink(folder / f"{picture}.png", HERE / f"{picture}.png")
            print(f"{picture}.png: {(HERE / f'{picture}.png').stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
