"""The data of the gallery: granules of an imagined sea, simulated once for all notebooks."""

import os
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

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


def maps():
    """Daily maps in files built as those of DUACS: what altimeters resolve of the same sea, 0.25 degrees and smoothed."""
    return sorted(_made("maps", lambda folder: _daily_maps(karin.open(collection()), folder)).glob("*.nc"))


def _daily_maps(swot, folder):
    folder.mkdir(exist_ok=True)
    swot = swot.sel(variables="ssha", quality="good")
    for cycle in (475, 476, 477, 478):
        cells = swot.sel(cycle_number=cycle).grid(0.25)["ssha"]
        (day,) = swot.sel(cycle_number=cycle, variables="time").mean(None).time.values.astype("datetime64[D]").reshape(1)
        _write_map(folder / f"dt_global_allsat_phy_l4_{str(day).replace('-', '')}_20240501.nc", day, cells, _smoothed(cells.values))


def _smoothed(cells, reach=3):
    """The mean of what lies around each cell, weighted by a bell of 2 cells; nothing beyond the swaths."""
    values, weights = np.nan_to_num(cells), (~np.isnan(cells)).astype(float)
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / 2) ** 2)
    for axis in (0, 1):
        values, weights = (sum(w * np.roll(of, k - reach, axis) for k, w in enumerate(bell)) for of in (values, weights))
    return np.where(weights > 0.5, values / np.maximum(weights, 0.5), np.nan)


def _write_map(path, day, cells, sla):
    """Names, types, packing and attributes as in the daily files of the Copernicus Marine Service."""
    with netCDF4.Dataset(path, "w") as dataset:
        dataset.setncatts({"Conventions": "CF-1.6", "title": "an imagined sea in the shape of DT merged all satellites Global "
                           "Ocean Gridded SSALTO/DUACS Sea Surface Height L4 product", "processing_level": "L4"})
        for name, values, axis in (("time", np.array([day - np.datetime64("1950-01-01")]).astype(float), "T"),
                                   ("latitude", cells.latitude.values, "Y"), ("longitude", cells.longitude.values, "X")):
            dataset.createDimension(name, len(values))
            variable = dataset.createVariable(name, "f4", (name,))
            variable.setncatts({"axis": axis, "long_name": name.capitalize(), "standard_name": name})
            variable.units = {"T": "days since 1950-01-01", "Y": "degrees_north", "X": "degrees_east"}[axis]
            variable[:] = values
        dataset["time"].calendar = "gregorian"
        variable = dataset.createVariable("sla", "i4", ("time", "latitude", "longitude"), zlib=True, fill_value=-2147483647)
        variable.setncatts({"scale_factor": 1e-4, "units": "m", "long_name": "Sea level anomaly", "coordinates": "longitude latitude",
                            "standard_name": "sea_surface_height_above_sea_level", "grid_mapping": "crs"})
        variable[0] = np.ma.masked_array(np.nan_to_num(sla), np.isnan(sla))
        dataset.createVariable("crs", "i4").grid_mapping_name = "latitude_longitude"


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


def aviso():
    """A server on loopback that speaks as AVISO's and has the granules of `basic`, and karin asking it instead."""
    sys.path.append(str(Path(__file__).parents[2] / "tests/oracle"))
    import access_server

    world = access_server.World()
    for file in basic().glob("*.nc"):
        world.add(file)
    servers = access_server.Servers(world)
    os.environ |= servers.settings() | {"AVISO_USERNAME": access_server.USER, "AVISO_PASSWORD": access_server.PASSWORD}
    os.environ |= {"NO_PROXY": "127.0.0.1", "XDG_CACHE_HOME": tempfile.mkdtemp(), "XDG_CONFIG_HOME": tempfile.mkdtemp()}
    return SimpleNamespace(address=f"{servers.urls['site']}/thredds", authorization=access_server.BASIC,
                           basic=f"{access_server.ROOT}/PGC0/Basic")
