"""The data of the gallery: granules of an imagined sea, simulated once for all notebooks."""

import os
import tempfile
from pathlib import Path

import netCDF4
import numpy as np

import karin

ROOT = Path(os.environ.get("KARIN_GALLERY_DATA", Path(tempfile.gettempdir()) / f"karin-gallery-{os.getuid()}"))


def _made(name, make):
    """What `make` makes under a name, made by whichever notebook needs it first."""
    folder, done = ROOT / name, ROOT / f"{name}.done"
    if not done.exists():
        ROOT.mkdir(parents=True, exist_ok=True)
        make(folder)
        done.touch()
    return folder


def _simulated(**options):
    return lambda folder: karin.simulate(folder, progress=False, **options)


def basic():
    """Four cycles of three passes of the 1-day orbit, L2 Basic."""
    names = ["ssha_karin_2", "ssha_karin_2_qual", "height_cor_xover", "height_cor_xover_qual",
             "ancillary_surface_classification_flag"]
    return _made("basic", _simulated(cycle_number=slice(475, 478), pass_number=[1, 3, 16], variables=names))


def collection():
    """The same, ingested."""
    return _made("swot.karin", lambda folder: karin.ingest(basic(), folder, progress=False))


def level3():
    """Two passes of L3 Expert."""
    names = ["ssha_filtered", "ssha_unedited", "ssha_unfiltered", "mdt", "quality_flag", "i_num_line", "i_num_pixel"]
    return _made("level3", _simulated(cycle_number=475, pass_number=[3, 16], product="L3_LR_SSH_Expert", variables=names))


def versions():
    """One pass in two processings: PIC0 and the later PGD0."""
    def both(folder):
        for version in ("PIC0_01", "PGD0_01"):
            _simulated(cycle_number=475, pass_number=3, version=version, variables=["ssha_karin_2"])(folder)

    return _made("versions", both)


def unsmoothed():
    """A granule of L2 Unsmoothed, some pixels of which have lost their places, as real ones do."""
    def with_holes(folder):
        simulate = _simulated(cycle_number=475, pass_number=16, product="L2_LR_SSH_Unsmoothed", variables=["ssh_karin_2"])
        simulate(folder)
        (file,) = folder.glob("*.nc")
        with netCDF4.Dataset(file, "a") as dataset:
            for side in ("left", "right"):
                for name in ("latitude", "longitude"):
                    dataset[side][name][40_100:40_300, 30:200:3] = np.ma.masked

    (file,) = _made("unsmoothed", with_holes).glob("*.nc")
    return file
