"""Filters and calibration by name in expressions, against scipy and numpy on swaths with gaps written by netCDF4-python."""

import json

import netCDF4
import numpy as np
import pytest
import xarray as xr

nd = pytest.importorskip("scipy.ndimage")
signal = pytest.importorskip("scipy.signal")
sparse = pytest.importorskip("scipy.sparse")

LINES, PIXELS, SPACING = 420, 69, 2.0
DEGREES = SPACING / (6371.008771415059 * np.pi / 180)
CROSS_TRACK = (np.arange(PIXELS) - PIXELS // 2) * 1000 * SPACING
SHAPE = (LINES, PIXELS)


def write(path, fields):
    """A granule over the equator whose lines and pixels are two kilometres apart."""
    dimensions = ("num_lines", "num_pixels")
    with netCDF4.Dataset(path, "w") as dataset:
        for name, size in zip(dimensions, SHAPE):
            dataset.createDimension(name, size)
        latitude = (np.arange(LINES)[:, None] - LINES // 2) * DEGREES + 0 * np.arange(PIXELS)
        longitude = 179.6 + np.arange(PIXELS) * DEGREES / np.cos(np.radians(latitude))
        for name, values in {"latitude": latitude, "longitude": longitude}.items():
            variable = dataset.createVariable(name, "f8", dimensions)
            variable.standard_name = name
            variable[:] = values
        variable = dataset.createVariable("time", "f8", dimensions[:1])
        variable.setncatts({"units": "seconds since 2000-01-01", "standard_name": "time"})
        variable[:] = np.arange(LINES) * 0.31
        variable = dataset.createVariable("cross_track_distance", "f8", dimensions[1:])
        variable.units = "m"
        variable[:] = CROSS_TRACK
        for name, values in fields.items():
            variable = dataset.createVariable(name, "f8", dimensions, fill_value=1e20)
            variable.units = "m"
            variable[:] = np.ma.masked_invalid(values)


@pytest.fixture(scope="module")
def granule(tmp_path_factory):
    """Waves and noise with a nadir gap, missing edges, holes and an island."""
    random = np.random.default_rng(11)
    line, pixel = np.mgrid[:LINES, :PIXELS]
    ssha = 0.1 * np.sin(line / 17) * np.cos(pixel / 9) + 0.02 * random.normal(size=SHAPE)
    ssha[:, np.abs(CROSS_TRACK) < 10_000] = np.nan
    ssha[:, np.abs(CROSS_TRACK) > 64_000] = np.nan
    ssha[random.random(SHAPE) < 0.03] = np.nan
    ssha[100:140, 40:55] = np.nan
    path = tmp_path_factory.mktemp("granule") / "swath.nc"
    side = np.where(CROSS_TRACK < 0, 0.04, -0.03)
    tilted = side + CROSS_TRACK * 1e-6 * (1 + line / LINES) + 0 * ssha
    write(path, {"ssha": ssha, "tilted": tilted})
    return path, ssha


@pytest.fixture(scope="module")
def let(karin, granule, tmp_path_factory):
    """What a let gives on the granule, as extract writes it."""
    folder, calls = tmp_path_factory.mktemp("lets"), []

    def run(text, *arguments):
        calls.append(text)
        out = folder / f"{len(calls)}.nc"
        karin("extract", granule[0], "--let", f"found={text}", "--vars", "found", *arguments, "-o", out)
        with xr.open_dataset(out) as dataset:
            return dataset.found.load()

    return run


def ratio(z, smooth, least=0.0):
    """Normalised convolution."""
    known = np.isfinite(z)
    weight = smooth(known.astype(float))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(weight > least, smooth(np.where(known, z, 0.0)) / weight, np.nan)


def lanczos(z, km):
    frequency = SPACING / km
    half = int(np.ceil(1.5 / frequency - 1e-12))
    x = np.arange(-half, half + 1)
    kernel = 2 * frequency * np.sinc(2 * frequency * x) * np.sinc(x / half)
    kernel /= kernel.sum()

    def smooth(field):
        across = nd.correlate1d(field, kernel, axis=1, mode="constant")
        return nd.correlate1d(across, kernel, axis=0, mode="constant")

    return ratio(z, smooth, 0.05)


def gaussian(z, along, across):
    return ratio(z, lambda x: nd.gaussian_filter(x, (along / SPACING, across / SPACING), mode="constant"), 0.05)


def boxcar(z, samples):
    return ratio(z, lambda x: nd.uniform_filter(x, samples, mode="constant"), 0.05)


def nanmedian(z, size):
    return nd.generic_filter(z, np.nanmedian, size=size, mode="constant", cval=np.nan)


def butterworth(z, km, order):
    sections = signal.butter(order, 2 * SPACING / km, output="sos")
    out = np.full(SHAPE, np.nan)
    for pixel in range(PIXELS):
        known = np.flatnonzero(np.isfinite(z[:, pixel]))
        for section in np.split(known, np.flatnonzero(np.diff(known) > 1) + 1):
            padding = 3 * (2 * len(sections) + 1 - (order % 2))
            if len(section) > padding:
                out[section, pixel] = signal.sosfiltfilt(sections, z[section, pixel])
    return out


def diffusion(z, km):
    sigma = km / SPACING
    steps = int(np.ceil(sigma**2 / 0.4))
    z = z.copy()
    for _ in range(steps):
        change = np.zeros(SHAPE)
        for axis in (0, 1):
            flow = np.nan_to_num(np.diff(z, axis=axis))
            pads = [(0, 0), (0, 0)]
            for before in (True, False):
                pads[axis] = (0, 1) if before else (1, 0)
                change += (1 if before else -1) * np.pad(flow, pads)
        z += sigma**2 / (2 * steps) * change
    return z


def variational(z, km, order):
    weight = (km / SPACING / (2 * np.pi)) ** (2 * order)
    ends = [sparse.diags([-1.0, 1.0], [0, 1], shape=(n - 1, n)) for n in SHAPE]
    eyes = [sparse.identity(n) for n in SHAPE]
    differences = sparse.vstack([sparse.kron(ends[0], eyes[1]), sparse.kron(eyes[0], ends[1])])
    laplacian = (differences.T @ differences).tocsc()
    known = np.isfinite(z).ravel()
    matrix = sparse.diags(known.astype(float)).tocsc() + weight * laplacian**order
    solved = sparse.linalg.spsolve(matrix.tocsc(), np.where(known, z.ravel(), 0.0))
    return np.where(known, solved, np.nan).reshape(SHAPE)


def filled_nadir(z):
    z, pixels = z.copy(), np.arange(PIXELS)
    for row in z:
        around = pixels[(np.abs(CROSS_TRACK) < 15_500) & np.isfinite(row)]
        left, right = around[around < PIXELS // 2], around[around > PIXELS // 2]
        if len(left) and len(right):
            gap = np.arange(left[-1] + 1, right[0])
            row[gap] = np.interp(gap, [left[-1], right[0]], row[[left[-1], right[0]]])
    return z


def kept(z, smooth):
    return np.where(np.isfinite(z), smooth, np.nan)


EXPECTED = {
    "gaussian(ssha, 9)": lambda z: kept(z, gaussian(z, 9, 9)),
    "gaussian(ssha, 9, fill)": lambda z: gaussian(z, 9, 9),
    "gaussian(ssha, 9, 4)": lambda z: kept(z, gaussian(z, 9, 4)),
    "boxcar(ssha, 22)": lambda z: kept(z, boxcar(z, 11)),
    "lowpass(ssha, 30)": lambda z: kept(z, lanczos(z, 30)),
    "highpass(ssha, 30)": lambda z: z - lanczos(z, 30),
    "bandpass(ssha, 12, 30)": lambda z: kept(z, lanczos(z, 12) - lanczos(z, 30)),
    "median(ssha, 5)": lambda z: kept(z, nanmedian(z, 5)),
    "median(ssha, 7, 3, fill)": lambda z: nanmedian(z, (7, 3)),
    "butterworth(ssha, 50, 3)": lambda z: butterworth(z, 50, 3),
    "diffusion(ssha, 5)": lambda z: diffusion(z, 5),
    "variational(ssha, 30, 1)": lambda z: variational(z, 30, 1),
    "variational(ssha, 30)": lambda z: variational(z, 30, 2),
    "fill_nadir(ssha)": filled_nadir,
    # Filters are values like others: of expressions, in expressions, of filters.
    "abs(2 * gaussian(ssha + 1, 9) - 2) ** 0.5": lambda z: np.sqrt(np.abs(2 * kept(z, gaussian(z + 1, 9, 9)) - 2)),
    "gaussian(median(ssha, 3), 9)": lambda z: kept(z, gaussian(kept(z, nanmedian(z, 3)), 9, 9)),
}


@pytest.mark.parametrize("text", EXPECTED)
def test_filters_are_those_of_scipy(let, granule, text):
    found, expected = let(text).values, EXPECTED[text](granule[1])
    # A little less or more than a twentieth of the kernel: where the rule lies is a matter of rounding.
    assert (np.isfinite(found) != np.isfinite(expected)).sum() <= 3
    assert np.isfinite(expected).sum() > 10_000
    both = np.isfinite(found) & np.isfinite(expected)
    np.testing.assert_allclose(found[both], expected[both], rtol=0, atol=2e-8)


def test_savitzky_golay_is_that_of_scipy_in_whole_windows(let, granule):
    z = granule[1]
    found = let("savgol(ssha, 11, 2)").values
    whole = nd.minimum_filter1d(np.isfinite(z).astype(int), 11, axis=0, mode="constant", cval=0).astype(bool)
    expected = signal.savgol_filter(np.nan_to_num(z), 11, 2, axis=0)
    assert whole.sum() > 5000
    np.testing.assert_allclose(found[whole], expected[whole], atol=1e-12)
    assert (np.isfinite(found) <= np.isfinite(z)).all()


@pytest.mark.parametrize("text", ["gaussian(ssha, 9)", "savgol(ssha, 21, 2)", "butterworth(ssha, 50)", "calibrate(ssha, 1, 200)",
                                  "variational(ssha, 30)", "diffusion(ssha, 5)", "gaussian(median(ssha, 5), 9)"])
def test_a_crop_has_the_values_of_the_pass(let, text):
    whole = let(text).values
    crop = let(text, "--bbox=170,-1,-170,1")
    lines = crop.num_lines.values
    assert 0 < len(lines) < LINES
    same = whole[lines]
    inside = np.isfinite(crop.values)
    assert inside.sum() > 1000
    np.testing.assert_array_equal(crop.values[inside], same[inside])


def test_calibration_takes_off_bias_and_tilt(let):
    # A window with holes has its centre a little off its middle, where a changing tilt is not quite that of the line.
    inner = slice(50, LINES - 50)
    tilt = let("calibrate(tilted, 1, 200, tilt)").values
    line = np.arange(LINES)[:, None]
    np.testing.assert_allclose(tilt[inner], np.broadcast_to(1e-6 * (1 + line / LINES), SHAPE)[inner], atol=3e-8)
    bias = let("calibrate(tilted, 1, 200, bias)")
    np.testing.assert_allclose(bias.values[:, 3], 0.04, atol=2e-3)
    np.testing.assert_allclose(bias.values[:, -3], -0.03, atol=2e-3)
    assert bias.attrs["units"] == "m"
    left = let("calibrate(tilted, 1, 200)").values
    assert np.nanmax(np.abs(left[inner])) < 2e-3
    assert np.isfinite(left).sum() == np.isfinite(let("tilted").values).sum()
    together = let("tilted - calibrate(tilted, 0, 0, together, error)").values
    np.testing.assert_allclose(np.nanmean(together), 0.0, atol=5e-3)
    exact = let("calibrate(tilted - tilted + 0.3 + 1e-6 * cross_track_distance, 1, 0)").values
    assert np.nanmax(np.abs(exact)) < 1e-12
    named = let("ssha_calibrated").values
    np.testing.assert_array_equal(named, let("calibrate(ssha, 1, 1000)").values)


def test_filters_serve_every_command(karin, granule, let, tmp_path):
    path, z = granule
    smooth = kept(z, gaussian(z, 9, 9))
    flags = ["--let", "smooth=gaussian(ssha, 9)"]
    answer = json.loads(karin("--json", "stat", path, *flags, "--vars", "smooth", "--over", "all", "--stats", "mean,count").stdout)
    assert json.dumps(answer).count("smooth")
    karin("stat", path, *flags, "--vars", "smooth", "--over", "all", "--stats", "mean,count", "-o", tmp_path / "stat.nc")
    with xr.open_dataset(tmp_path / "stat.nc") as stat:
        assert float(stat.smooth_mean) == pytest.approx(np.nanmean(smooth), rel=1e-12)
        assert int(stat.smooth_count) == np.isfinite(smooth).sum()
    karin("plot", path, *flags, "--vars", "smooth", "-o", tmp_path / "smooth.png")
    assert (tmp_path / "smooth.png").read_bytes().startswith(b"\x89PNG")
    # As a condition, and as the height that currents derive from.
    rough = let("ssha", "--where", "abs(highpass(ssha, 30)) < 0.01").values
    np.testing.assert_array_equal(np.isfinite(rough), np.abs(z - lanczos(z, 30)) < 0.01)
    karin("diag", "u_geo", path, *flags, "--from", "smooth", "-o", tmp_path / "u.nc")
    karin("extract", path, *flags, "--vars", "latitude,longitude,smooth", "-o", tmp_path / "smooth.nc")
    karin("diag", "u_geo", tmp_path / "smooth.nc", "--from", "smooth", "-o", tmp_path / "again.nc")
    with xr.open_dataset(tmp_path / "u.nc") as one, xr.open_dataset(tmp_path / "again.nc") as two:
        np.testing.assert_allclose(one.u_geo, two.u_geo, atol=1e-12)
        assert np.isfinite(one.u_geo).sum() > 10_000
        assert "gaussian(ssha, 9)" in one.u_geo.attrs["comment"]


@pytest.mark.parametrize("text, words", [
    ("gauss(ssha, 9)", "no function `gauss`"),
    ("gaussian(ssha)", "gaussian(field, sigma_km"),
    ("gaussian(ssha, 9, fil)", "`fil` is none of its words"),
    ("gaussian(ssha, time)", "none of its words"),
    ("gaussian(shsa, 9)", "shsa"),
    ("median(ssha, 4)", "odd"),
    ("lowpass(ssha, 3)", "longer than two samples"),
    ("bandpass(ssha, 30, 12)", "shorter wavelength first"),
    ("calibrate(ssha, 1, 200, tilt, bias)", "at most one"),
    ("diffusion(ssha, 500)", "use gaussian"),
])
def test_mistakes_are_told(karin, granule, tmp_path, text, words):
    done = karin("extract", granule[0], "--let", f"found={text}", "--vars", "found", "-o", tmp_path / "no.nc", code=None)
    assert done.returncode in (1, 2) and words in done.stderr, done.stderr
    assert not (tmp_path / "no.nc").exists()


def test_circles_are_refused(karin, granule, tmp_path):
    done = karin("diag", "u_geo", granule[0], "--let", "smooth=gaussian(u_geo, 9)", "--from", "smooth", "-o", tmp_path / "no.nc",
                 code=None)
    assert done.returncode in (1, 2) and "u_geo" in done.stderr
    assert not (tmp_path / "no.nc").exists()


def test_little_memory_gives_the_same_or_says_what_it_needs(karin, tmp_path):
    karin("simulate", "--product", "L3_LR_SSH_Expert", "--cycles", "475", "--passes", "1", tmp_path / "granules")
    file = next((tmp_path / "granules").rglob("*.nc"))
    outs = []
    for memory in ("2GB", "128MiB"):
        out = tmp_path / f"{memory}.nc"
        karin("extract", file, "--let", "smooth=lowpass(ssha, 65)", "--let", "flat=ssha_calibrated", "--vars", "smooth,flat",
              "--memory", memory, "-o", out)
        with xr.open_dataset(out) as dataset:
            outs.append(dataset[["smooth", "flat"]].load())
    xr.testing.assert_equal(*outs)
    assert np.isfinite(outs[0].smooth).sum() > 100_000
    refused = karin("extract", file, "--vars", "ssha_calibrated", "--memory", "64MiB", "-o", tmp_path / "no.nc", code=None)
    assert refused.returncode in (1, 2) and "more than half of --memory" in refused.stderr, refused.stderr
    # Values of the nadir altimeter, which L3 has in its middle pixel, are none that a filter takes.
    assert not np.isfinite(outs[0].smooth.values[:, 34]).any()
