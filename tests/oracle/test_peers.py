"""What other tools for swaths are known to do wrong, each with a test that karin does it right.

Mixed derivatives that are not rotated (SwotDiag) are tested by `fits_of_quadratics_are_exact_and_every_second_derivative_is_rotated` and by
`scalars_do_not_depend_on_the_heading` of karin-science, axes of spectra in two dimensions that have each other's length (ocean_tools) by
`rectangles_are_those_of_numpy`. The rest is here, on the program.
"""

import json

import netCDF4
import numpy as np
import pytest

import engine_granules
from engine_granules import filled

RADIUS = 6371.0088  # km
FILL = 2147483647


def kilometres(from_, to):
    """The great circle between two places (longitude, latitude), by the dot product of their directions."""
    directions = []
    for longitude, latitude in (from_, to):
        longitude, latitude = np.radians(longitude), np.radians(latitude)
        directions.append([np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)])
    chords = sum((one - other) ** 2 for one, other in zip(*directions)) ** 0.5
    return 2 * RADIUS * np.arcsin(0.5 * chords)


@pytest.mark.parametrize("product, side, along, across", [("L2_LR_SSH_Basic", None, 2.0, 2.0),
                                                          ("L2_LR_SSH_Unsmoothed", "left", 0.237, 0.25)])
def test_lines_and_pixels_of_a_simulated_swath_have_their_own_spacing(karin, tmp_path, product, side, along, across):
    """pyinterp lays pixels out by the spacing of lines, which at 250 m is another."""
    names = "time,latitude,longitude"
    karin("simulate", "--product", product, "--phase", "calval", "--cycles", "475", "--passes", "3", "--vars", names, tmp_path, "-q")
    with netCDF4.Dataset(next(tmp_path.rglob("*.nc"))) as dataset:
        group = dataset[side] if side else dataset
        longitude, latitude = (filled(group[name])[2000:2400] for name in ("longitude", "latitude"))
    between = {axis: kilometres(*((longitude[at], latitude[at]) for at in slices)) for axis, slices in {
        "lines": ((slice(None, -1), slice(20, 50)), (slice(1, None), slice(20, 50))),
        "pixels": ((slice(None), slice(20, 49)), (slice(None), slice(21, 50)))}.items()}
    assert np.median(between["lines"]) == pytest.approx(along, rel=0.01)
    assert np.median(between["pixels"]) == pytest.approx(across, rel=0.005)


@pytest.fixture(scope="module")
def granule(tmp_path_factory):
    """One granule with gaps, of 2 km, far from the equator so that a degree of longitude is no degree of latitude."""
    folder = tmp_path_factory.mktemp("granule")
    rng = np.random.default_rng(5)
    shape = np.cumsum(np.cumsum(rng.normal(size=(engine_granules.LINES, engine_granules.PIXELS)), axis=0), axis=1)
    engine_granules.write_granule(folder, 1, 13, shape / np.abs(shape).max(), rng)
    path = next(folder.glob("*.nc"))
    with netCDF4.Dataset(path, "a") as dataset:
        line, pixel = np.mgrid[:engine_granules.LINES, :engine_granules.PIXELS]
        latitude = 52 + 0.018 * line
        dataset["latitude"][:] = latitude
        dataset["longitude"][:] = 10 + 0.018 * (pixel - 34) / np.cos(np.radians(latitude))
    return path


def derived(karin, granule, tmp_path, expression, *options):
    out = tmp_path / "f.nc"
    karin("extract", granule, "--let", f"f={expression}", "--vars", "f,ssha_karin_2", "-o", out, "-q", *options)
    with netCDF4.Dataset(out) as dataset:
        return filled(dataset["f"]), filled(dataset["ssha_karin_2"])


def changed(granule, tmp_path, at, metres):
    """A copy with other heights there."""
    copy = tmp_path / granule.name
    copy.write_bytes(granule.read_bytes())
    with netCDF4.Dataset(copy, "a") as dataset:
        variable = dataset["ssha_karin_2"]
        variable.set_auto_maskandscale(False)
        values = variable[:]
        values[at] = FILL if np.isnan(metres) else round(metres * 1e4)
        variable[:] = values
    return copy


FILTERS = ["gaussian(ssha_karin_2, 4, fill)", "boxcar(ssha_karin_2, 10, fill)", "median(ssha_karin_2, 5)", "lowpass(ssha_karin_2, 12)",
           "savgol(ssha_karin_2, 9, 2)", "diffusion(ssha_karin_2, 6)", "variational(ssha_karin_2, 12)", "fill_nadir(ssha_karin_2)"]


@pytest.mark.parametrize("expression", FILTERS)
def test_the_edges_of_a_swath_are_no_neighbours(karin, granule, tmp_path, expression):
    """pyinterp's relaxation takes any field for periodic. A height at the right edge says nothing about the left, nor the last line about
    the first."""
    before, _ = derived(karin, granule, tmp_path, expression)
    for at, far in (((slice(None), 64), (slice(None), slice(0, 12))), ((slice(-3, None), slice(None)), (slice(0, 40), slice(None)))):
        other = changed(granule, tmp_path, at, 50.0)
        after, _ = derived(karin, other, tmp_path, expression)
        same_gaps = np.isnan(before[far]) == np.isnan(after[far])
        assert same_gaps.all()
        assert np.nanmax(np.abs(after - before)) > 1
        # What is solved for the whole pass fades with distance; everything else reaches so far and no farther.
        limit = 1e-6 if expression.startswith("variational") else 0
        assert np.nanmax(np.abs(after[far] - before[far])) <= limit


@pytest.mark.parametrize("expression", FILTERS)
def test_a_missing_value_poisons_no_neighbour(karin, granule, tmp_path, expression):
    """A NaN in pyinterp's tree makes NaN of whatever is near. Here what had neighbours still has a value, and the gap stays one."""
    before, heights = derived(karin, granule, tmp_path, expression)
    lines = np.arange(20, 380, 24)
    lines = lines[np.isfinite(heights[lines - 1, 20]) & np.isfinite(heights[lines, 20])]
    assert len(lines) > 3
    after, _ = derived(karin, changed(granule, tmp_path, (lines, 20), np.nan), tmp_path, expression)
    lost = np.isfinite(before) & ~np.isfinite(after)
    lost[lines, 20] = False
    # A section along the track that became too short for a polynomial is the only loss, and then along that column.
    assert not lost[:, :20].any() and not lost[:, 21:].any()
    if not expression.startswith("savgol"):
        assert not lost.any()
    if "fill" not in expression:
        assert np.isnan(after[lines, 20]).all()


def test_a_value_beside_a_gap_is_itself(karin, granule, tmp_path):
    """pyinterp's bilinear gives NaN at a node that has a value where another corner has none. What exists is kept to the bit."""
    found, heights = derived(karin, granule, tmp_path, "fill_nadir(ssha_karin_2)")
    there = np.isfinite(heights)
    assert (found[there] == heights[there]).all()
    gap = ~there[:, 30:39] & np.isfinite(heights[:, 29:30]) & np.isfinite(heights[:, 39:40])
    assert np.isfinite(found[:, 30:39][gap]).all() and gap.sum() > 1000
    # Beyond the swath there is nothing to draw a line to.
    assert np.isnan(found[:, :4]).all() and np.isnan(found[:, 65:]).all()


def test_values_beyond_the_bins_are_in_none(karin, granule, tmp_path):
    """pyinterp counts what lies outside of the axis in its first and last bin."""
    with netCDF4.Dataset(granule) as dataset:
        heights, sigma = filled(dataset["ssha_karin_2"]), filled(dataset["sig0_karin_2"])
    both = np.isfinite(heights) & np.isfinite(sigma)
    edges = np.arange(9.5, 10.51, 0.25)
    expected = np.histogram(sigma[both], edges)[0]
    assert 0 < expected.sum() < 0.8 * both.sum()
    out = tmp_path / "bins.nc"
    karin("stat", granule, "--bin", "sig0_karin_2:9.5:10.5:0.25", "--vars", "ssha_karin_2", "--stats", "count", "-o", out, "-q")
    with netCDF4.Dataset(out) as dataset:
        np.testing.assert_array_equal(filled(dataset["ssha_karin_2"]), expected)
    # Cells of a grid in a box hold what lies in the box.
    karin("stat", granule, "--bbox=9.2,53,10.4,57.5", "--vars", "ssha_karin_2", "--grid", "0.5", "--stats", "count", "-o", out, "-q")
    with netCDF4.Dataset(granule) as dataset:
        longitude, latitude = filled(dataset["longitude"]), filled(dataset["latitude"])
    inside = (longitude >= 9.2) & (longitude <= 10.4) & (latitude >= 53) & (latitude <= 57.5) & np.isfinite(heights)
    with netCDF4.Dataset(out) as dataset:
        assert np.nansum(filled(dataset["ssha_karin_2"])) == inside.sum() > 1000


@pytest.mark.parametrize("latitude", [0.0, 45.0, 75.0])
def test_lengths_are_kilometres_at_every_latitude(karin, tmp_path, latitude):
    """A radius of 50e3 is 50,000 degrees to pyinterp's tree without a spheroid."""
    where = ("--phase", "calval", "--cycles", "475", "--passes", "3")
    karin("simulate", "--product", "L2_LR_SSH_Basic", *where, "--vars", "time,latitude,longitude", tmp_path, "-q")
    with netCDF4.Dataset(next(tmp_path.rglob("*.nc"))) as dataset:
        longitudes, latitudes = filled(dataset["longitude"]), filled(dataset["latitude"])
    line = np.nanargmin(np.abs(latitudes[:, 34] - latitude))
    pixel = 34 + 15
    middle = kilometres((longitudes[:, 34], latitudes[:, 34]), (longitudes[line, pixel], latitudes[line, pixel])).min()
    assert middle == pytest.approx(30, abs=0.5)

    def sees(half_width):
        point = f"--point={longitudes[line, pixel]:.6f},{latitudes[line, pixel]:.6f}"
        period = ("--phase", "calval", "--time", "2023-06-01..2023-06-02")
        found = json.loads(karin("passes", point, *period, "--half-width", half_width, "--json").stdout)
        return 3 in {one["pass_number"] for one in found["passes"]}

    assert sees(middle + 0.5) and not sees(middle - 0.5)
