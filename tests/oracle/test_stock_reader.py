"""Stock icechunk and xarray.open_zarr, with default arguments, see what `karin ingest` stored."""

import warnings
from pathlib import Path

import netCDF4
import numpy
import pytest

icechunk = pytest.importorskip("icechunk")
xarray = pytest.importorskip("xarray")

REAL = [
    "swot_l3/SWOT_L3_LR_SSH_Expert_026_165_20241229T165806_20241229T174933_v2.0.1.nc",
    "swot_l3/SWOT_L3_LR_SSH_Expert_001_155_20230726T173637_20230726T182803_v1.0.2_fcs.nc",
]
MEDITERRANEAN = "swot_l3/SWOT_L3_LR_SSH_Expert_003_v2.0.1-med.nc"

# product, phase, cycles, passes; cycle 476 and pass 2 of cal/val stay away on purpose
SIMULATED = [
    ("L2_LR_SSH_Basic", "calval", "475,477", "1,3"),
    ("L2_LR_SSH_Expert", "science", "2", "10"),
    ("L2_LR_SSH_Unsmoothed", "science", "1", "7"),
    ("L3_LR_SSH_Expert", "science", "3", "584"),
]


def open_group(collection, group):
    repository = icechunk.Repository.open(icechunk.local_filesystem_storage(str(collection)))
    store = repository.readonly_session("main").store
    return xarray.open_zarr(store, group=group)


def groups_of(path):
    """The groups of a granule that hold variables."""
    with xarray.open_datatree(path, engine="netcdf4", decode_cf=False) as tree:
        return [node.path.strip("/") for node in tree.subtree if node.data_vars or node.coords]


def stored_group(name):
    """Where the collection keeps a granule of that name."""
    words = name.removeprefix("SWOT_").split("_")
    product, cycle, number = "_".join(words[:4]), int(words[4]), int(words[5])
    version = words[8]
    schema = version[2] if version.startswith("P") else version.split(".")[0]
    return f"{product}/{schema}/{'calval' if cycle > 400 else 'science'}", cycle, number


def characters(granule, group, name):
    """A char variable as it lies in the file: xarray would join its last dimension into strings."""
    with netCDF4.Dataset(granule) as file:
        variable = (file[group] if group else file)[name]
        variable.set_auto_chartostring(False)
        variable.set_auto_mask(False)
        return xarray.Variable(variable.dimensions, variable[...])


def assert_same(path, wanted, found, fill_beyond):
    values, expected = found.values, wanted.values
    if expected.dtype.kind == "S":
        expected = numpy.frombuffer(expected.tobytes(), "u1").reshape(expected.shape).astype(float)
        expected[expected == ord("*")] = numpy.nan
    part = tuple(slice(0, length) for length in expected.shape)
    beyond = numpy.ones(values.shape, bool)
    beyond[part] = False
    missing = numpy.isnat if values.dtype.kind == "M" else numpy.isnan
    if fill_beyond:
        assert missing(values[beyond]).all(), path
    if values.dtype.kind == "M":
        # A netCDF file and Zarr decode times by other routes; 200 ns is their rounding.
        both = ~missing(expected)
        assert (missing(values[part]) == missing(expected)).all(), path
        apart = numpy.abs(values[part][both] - expected[both].astype("M8[ns]"))
        assert not (apart > numpy.timedelta64(200, "ns")).any(), path
        return
    if not numpy.issubdtype(expected.dtype, numpy.floating):
        # A granule without _FillValue attribute decodes to integers; the collection always has one.
        default = {"u1": 255, "i1": -127, "i2": -32767, "i4": -2147483647}[expected.dtype.str[1:]]
        expected = numpy.where(expected == default, numpy.nan, expected.astype(float))
    elif "_FillValue" not in wanted.encoding:
        # Neither do netCDF's default fills; unpacked, they are out of any range.
        lowest = -2147483647 * wanted.encoding.get("scale_factor", 1.0)
        expected = numpy.where((expected == lowest) | (expected > 9e36), numpy.nan, expected)
    numpy.testing.assert_allclose(values[part], expected, rtol=1e-6, atol=0, equal_nan=True, err_msg=path)


def windows(name, source):
    """What is compared of a variable: all of it, and of all but three of a 250 m granule its ends and its middle."""
    length = source.sizes["num_lines"]
    if length < 50_000 or name in WHOLE_AT_250_M:
        return [slice(None)]
    return [slice(0, 1_000), slice(length // 2 - 500, length // 2 + 500), slice(length - 1_000, length)]


def compare(granule, collection, lines=slice(None)):
    group, cycle, number = stored_group(Path(granule).name)
    compared = 0
    for inner in groups_of(granule):
        dataset = open_group(collection, f"{group}/{inner}".rstrip("/"))
        assert dataset.cycle_number.values[-1] >= cycle and number in dataset.pass_number.values
        with xarray.open_dataset(granule, engine="netcdf4", group=inner or None) as source:
            for name in source.variables:
                if name in ("num_lines", "num_pixels"):
                    continue
                found, wanted = dataset[name], source[name]
                if wanted.dtype.kind in "SUO":
                    wanted = characters(granule, inner, name)
                for axis, label in (("cycle_number", cycle), ("pass_number", number)):
                    if axis in found.dims:
                        found = found.sel({axis: label})
                assert found.dims == wanted.dims, name
                cropped = lines != slice(None) and "num_lines" in found.dims
                found = found.isel(num_lines=lines) if cropped else found
                what = f"{Path(granule).name} {inner} {name}"
                for window in windows(name, source) if "num_lines" in wanted.dims else [slice(None)]:
                    axes = {} if window == slice(None) else {"num_lines": window}
                    assert_same(what, wanted.isel(axes), found.isel(axes), not (cropped or axes))
                for attribute in ("units", "long_name", "standard_name", "comment", "flag_meanings"):
                    if attribute in wanted.attrs:
                        assert found.attrs.get(attribute) == wanted.attrs[attribute], (name, attribute)
                compared += 1
        if inner in ("", "left"):
            assert {"latitude", "longitude"} <= set(dataset.coords)
            empty = dataset.time.isel(pass_number=10 if number != 11 else 9, cycle_number=-1)
            assert numpy.isnat(empty.values).all()
    assert compared > 10


# A 250 m granule has 20 million pixels a side.
WHOLE_AT_250_M = ("time", "ssh_karin_2", "ssh_karin_2_qual")
# Of one, the second profile gets a variable of every kind.
OF_EVERY_KIND = ["ssh_karin_2", "ssh_karin_2_qual", "latitude_uncert", "polarization_karin", "sig0_karin_2", "total_coherence",
                 "ancillary_surface_classification_flag"]


@pytest.mark.parametrize("profile", ["portable", "compact"])
@pytest.mark.parametrize("product,phase,cycles,passes", SIMULATED)
def test_simulated_granules(karin, tmp_path, profile, product, phase, cycles, passes):
    granules, collection = tmp_path / "granules", tmp_path / "collection"
    selection = ["--product", product, "--phase", phase, "--cycles", cycles, "--passes", passes]
    some = ["--vars", ",".join(OF_EVERY_KIND)] if (product, profile) == ("L2_LR_SSH_Unsmoothed", "compact") else []
    karin("simulate", *selection, *some, "--seed", "5", granules)
    karin("ingest", granules, collection, "--profile", profile)
    # One commit packs the chunks of all variables of all granules: clusters have quotas of files.
    assert len(list((collection / "chunks").iterdir())) <= 2
    files = sorted(granules.rglob("*.nc"))
    assert files
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for file in files:
            compare(file, collection)


@pytest.mark.parametrize("profile", ["portable", "compact"])
def test_real_granules(karin, reference_data, tmp_path, profile):
    whole, excerpt = (reference_data(name) for name in REAL)
    collection = tmp_path / "collection"
    karin("ingest", whole, excerpt, collection, "--profile", profile)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compare(whole, collection)
        compare(excerpt, collection, slice(1652, 1943))
        lines = open_group(collection, "L3_LR_SSH_Expert/v1/science").ssha.sel(cycle_number=1, pass_number=155)
        outside = numpy.r_[lines.values[:1652], lines.values[1943:]]
        assert numpy.isnan(outside).all()


def test_the_resaved_excerpt_is_refused(karin, reference_data, tmp_path):
    source = reference_data(MEDITERRANEAN)
    renamed = tmp_path / "SWOT_L3_LR_SSH_Expert_500_003_20230422T000000_20230422T005106_v2.0.1.nc"
    renamed.write_bytes(source.read_bytes())
    collection = tmp_path / "collection"
    done = karin("ingest", renamed, collection, code=None)
    assert done.returncode != 0
    assert "386 lines where the product has 9860" in done.stdout + done.stderr
    assert "without original indices" in done.stdout + done.stderr
