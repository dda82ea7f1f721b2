"""`karin spectrum` against scipy.signal on swaths written by netCDF4-python: sections between holes, columns, coherence, formats."""

import json

import netCDF4
import numpy as np
import pytest
import xarray as xr

signal = pytest.importorskip("scipy.signal")

LINES, PIXELS, SPACING = 1600, 9, 2.0
DEGREES = SPACING / (6371.008771415059 * np.pi / 180)
SEGMENT = 200


def write(path, fields, time):
    with netCDF4.Dataset(path, "w") as dataset:
        dataset.createDimension("num_lines", len(time))
        dataset.createDimension("num_pixels", PIXELS)
        line = np.arange(len(time))[:, None]
        latitude = -20 + line * DEGREES + 0 * np.arange(PIXELS)
        longitude = 179.9 + np.arange(PIXELS) * DEGREES / np.cos(np.radians(latitude))
        place = {"latitude": latitude, "longitude": longitude}
        for name, values in place.items():
            variable = dataset.createVariable(name, "f8", ("num_lines", "num_pixels"))
            variable.standard_name = name
            variable[:] = values
        variable = dataset.createVariable("time", "f8", ("num_lines",))
        variable.setncatts({"units": "seconds since 2000-01-01", "standard_name": "time"})
        variable[:] = time
        for name, values in fields.items():
            variable = dataset.createVariable(name, "f8", ("num_lines", "num_pixels"), fill_value=1e20)
            variable.units = "m"
            variable[:] = np.ma.masked_invalid(values)


@pytest.fixture(scope="module")
def swaths(tmp_path_factory):
    """Two swaths of red noise with holes of one to twenty lines, a dead column, and twelve lines that are missing altogether."""
    folder, fields = tmp_path_factory.mktemp("swaths"), []
    random = np.random.default_rng(3)
    for number in range(2):
        ssha = np.cumsum(random.normal(size=(LINES, PIXELS)), axis=0) * 0.01
        other = 0.5 * ssha + np.cumsum(random.normal(size=(LINES, PIXELS)), axis=0) * 0.005
        for length in (1, 2, 3, 20):
            for start, pixel in zip(random.integers(0, LINES, 6), random.integers(0, PIXELS, 6)):
                ssha[start : start + length, pixel] = np.nan
        ssha[:, 4] = np.nan
        time = np.arange(LINES) * 0.31
        if number == 1:
            time[900:] += 12 * 0.31
        write(folder / f"swath_{number}.nc", {"ssha": ssha, "other": other}, time)
        if number == 1:
            missing = np.full((12, PIXELS), np.nan)
            ssha, other = (np.concatenate([field[:900], missing, field[900:]]) for field in (ssha, other))
        fields.append((ssha, other))
    return sorted(folder.glob("*.nc")), fields


def segments(series, hole, least=0.9):
    """The rule of sections, said once more: segments of the series (columns: fields), filled."""
    valid = np.isfinite(series).all(axis=1)
    at = np.flatnonzero(valid)
    if not len(at):
        return
    for section in np.split(at, np.flatnonzero(np.diff(at) > hole + 1) + 1):
        whole = np.arange(section[0], section[-1] + 1)
        filled = np.stack([np.interp(whole, section, field[section]) for field in series.T], axis=1)
        for start in range(0, len(whole) - SEGMENT + 1, SEGMENT // 2):
            part = slice(start, start + SEGMENT)
            if valid[whole[part]].sum() >= least * SEGMENT:
                yield filled[part]


def welch(segment, **options):
    options = {"fs": 1 / SPACING, "window": "hann", "nperseg": SEGMENT, "detrend": "linear"} | options
    return signal.welch(segment, **options)[1]


ALONG = ["--segment", f"{SEGMENT * SPACING:.0f}km"]


def test_densities_are_those_of_scipy_in_every_section(karin, swaths, tmp_path):
    paths, fields = swaths
    karin("spectrum", *paths, "--vars", "ssha", *ALONG, "-o", tmp_path / "x.nc")
    with xr.open_dataset(tmp_path / "x.nc") as found:
        total, count = np.zeros(SEGMENT // 2 + 1), 0
        for pixel in range(PIXELS):
            own = [welch(s[:, 0]) for ssha, _ in fields for s in segments(ssha[:, [pixel]], hole=2)]
            assert found.segments[pixel] == len(own)
            if own:
                np.testing.assert_allclose(found.ssha_psd_by_pixel[pixel], np.mean(own, axis=0), rtol=1e-9)
                total, count = total + np.sum(own, axis=0), count + len(own)
            else:
                assert np.isnan(found.ssha_psd_by_pixel[pixel]).all()
        assert count > 50 and found.number_of_segments == count
        np.testing.assert_allclose(found.ssha_psd, total / count, rtol=1e-9)
        np.testing.assert_allclose(found.wavenumber, np.fft.rfftfreq(SEGMENT, SPACING), rtol=1e-12)
        stats = pytest.importorskip("scipy.stats")
        freedom = found.degrees_of_freedom
        np.testing.assert_allclose(found.ssha_psd_lower, found.ssha_psd * freedom / stats.chi2.ppf(0.975, freedom), rtol=1e-8)
        np.testing.assert_allclose(found.ssha_psd_upper, found.ssha_psd * freedom / stats.chi2.ppf(0.025, freedom), rtol=1e-8)


def test_coherence_is_that_of_scipy(karin, swaths, tmp_path):
    paths, fields = swaths
    karin("spectrum", *paths, "--vars", "ssha", "--with", "other", *ALONG, "-o", tmp_path / "x.nc")
    pairs = [s for ssha, other in fields for p in range(PIXELS) for s in segments(np.stack([ssha[:, p], other[:, p]], 1), hole=2)]
    options = {"fs": 1 / SPACING, "window": "hann", "nperseg": SEGMENT, "detrend": "linear"}
    cross = np.mean([signal.csd(x, y, **options)[1] for x, y in (pair.T for pair in pairs)], axis=0)
    first, second = (np.mean([welch(pair[:, k]) for pair in pairs], axis=0) for k in (0, 1))
    with xr.open_dataset(tmp_path / "x.nc") as found:
        np.testing.assert_allclose(found.ssha_psd, first, rtol=1e-9)
        np.testing.assert_allclose(found.other_psd, second, rtol=1e-9)
        np.testing.assert_allclose(found.coherence_squared, np.abs(cross) ** 2 / first / second, rtol=1e-8)
        np.testing.assert_allclose(found.cross_psd_real + 1j * found.cross_psd_imaginary, cross, rtol=1e-8)
        np.testing.assert_allclose(found.phase, np.degrees(np.angle(cross)), atol=1e-6)


def test_spectra_across_are_those_of_lines(karin, swaths, tmp_path):
    paths, fields = swaths
    karin("spectrum", *paths, "--vars", "other", "--axis", "across", "--segment", "18km", "-o", tmp_path / "x.nc")
    lines = np.concatenate([other[np.isfinite(other).all(axis=1)] for _, other in fields])
    expected = welch(lines, nperseg=PIXELS).mean(axis=0)
    with xr.open_dataset(tmp_path / "x.nc") as found:
        np.testing.assert_allclose(found.other_psd, expected, rtol=1e-9)


def test_power_in_two_dimensions_is_the_mean_square(karin, swaths, tmp_path):
    paths, fields = swaths
    karin("spectrum", paths[0], "--vars", "other", "--axis", "both", *ALONG, "--segment-across", "8km", "--window", "none",
          "--detrend", "none", "-o", tmp_path / "x.nc")
    other, starts = fields[0][1], range(0, LINES - SEGMENT + 1, SEGMENT // 2)
    sides = [other[start : start + SEGMENT, side] for start in starts for side in (slice(0, 4), slice(5, 9))]
    with xr.open_dataset(tmp_path / "x.nc") as found:
        assert found.number_of_segments == len(sides)
        step = 1 / (SEGMENT * SPACING) / (4 * SPACING)
        np.testing.assert_allclose(found.other_psd.sum() * step, np.mean([np.mean(side**2) for side in sides]), rtol=1e-10)


def test_threads_order_and_memory_do_not_matter(karin, swaths, tmp_path):
    paths, _ = swaths
    answers = []
    for index, (order, options) in enumerate([(paths, ["-j", 1]), (paths[::-1], ["-j", 4]), (paths, ["--memory", "64MiB"])]):
        karin("spectrum", *order, "--vars", "ssha,other", *ALONG, *options, "-o", tmp_path / f"{index}.nc")
        with xr.open_dataset(tmp_path / f"{index}.nc") as found:
            answers.append(found.drop_attrs().load())
    assert all(answer.identical(answers[0]) for answer in answers[1:])


def test_every_format_holds_the_same(karin, swaths, tmp_path):
    paths, _ = swaths
    for extension in ("nc", "zarr", "csv", "parquet", "json", "png"):
        karin("spectrum", *paths, "--vars", "ssha", *ALONG, "-o", tmp_path / f"x.{extension}")
    with xr.open_dataset(tmp_path / "x.nc") as truth:
        read = xr.Dataset.from_dict(json.loads((tmp_path / "x.json").read_text()))
        for name in truth.data_vars:
            np.testing.assert_array_equal(read[name].astype("f8"), truth[name])
        columns = np.genfromtxt(tmp_path / "x.csv", delimiter=",", names=True)
        np.testing.assert_array_equal(columns["ssha_psd"], truth.ssha_psd)
        np.testing.assert_array_equal(columns["wavenumber"], truth.wavenumber)
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


def test_what_makes_no_sense_is_refused(karin, swaths):
    path = swaths[0][0]
    for arguments, words in [
        (["--segment", "90000km"], "choose shorter segments"),
        (["--segment", "2km"], "--segment"),
        (["--overlap", "1"], "--overlap"),
        (["--window", "hat"], "hann"),
        (["--with", "nothing"], "nothing"),
        (["--axis", "both", "--segment-across", "50km"], "--segment-across"),
    ]:
        done = karin("spectrum", path, "--vars", "ssha", *arguments, code=None)
        assert done.returncode in (1, 2) and words in done.stderr, (arguments, done.stderr)


@pytest.fixture(scope="module")
def cycles(karin, tmp_path_factory):
    """A collection of three cycles of a pass, and the heights of each as netCDF4-python reads them, without the nadir."""
    folder = tmp_path_factory.mktemp("cycles")
    karin("simulate", "--product", "L3_LR_SSH_Expert", "--cycles", "475-477", "--passes", "3", "--vars", "ssha_unfiltered,mdt", folder / "granules")
    karin("ingest", folder / "granules", folder / "collection")
    heights = {}
    for path in (folder / "granules").rglob("*.nc"):
        with netCDF4.Dataset(path) as granule:
            ssha = np.ma.filled(granule["ssha_unfiltered" if "ssha_unfiltered" in granule.variables else "ssha"][:], np.nan)
            if "i_num_line" in granule.variables:
                ssha[granule["i_num_line"][:], granule["i_num_pixel"][:]] = np.nan
        heights[int(path.name.split("_")[5])] = ssha
    assert sorted(heights) == [475, 476, 477]
    return folder, heights


def cross(pairs, spacing, samples):
    """Mean spectra of both, and their cross-spectrum, over segments of pairs."""
    options = {"fs": 1 / spacing, "window": "hann", "nperseg": samples, "detrend": "linear"}
    x, y = (np.stack([pair[:, side] for pair in pairs]) for side in (0, 1))
    return [signal.csd(a, b, **options)[1].mean(axis=0) for a, b in ((x, x), (y, y), (x, y))]


def of_pairs(first, second, samples, hole):
    """Segments of two fields, column by column."""
    def cut(pair):
        valid = np.isfinite(pair).all(axis=1)
        at = np.flatnonzero(valid)
        for section in np.split(at, np.flatnonzero(np.diff(at) > hole + 1) + 1) if len(at) else []:
            whole = np.arange(section[0], section[-1] + 1)
            filled = np.stack([np.interp(whole, section, field[section]) for field in pair.T], axis=1)
            for start in range(0, len(whole) - samples + 1, samples - samples // 2):
                if valid[whole[start : start + samples]].sum() >= 0.9 * samples:
                    yield filled[start : start + samples]

    return [part for x, y in zip(first.T, second.T) for part in cut(np.stack([x, y], axis=1))]


@pytest.mark.parametrize("source", ["granules", "collection"])
def test_coherence_of_two_cycles_is_that_of_scipy(karin, cycles, tmp_path, source):
    folder, heights = cycles
    karin("spectrum", folder / source, "--vars", "ssha", "--cycles", "475", "--with-cycle", "477", "--segment", "400km",
          "-o", tmp_path / "x.nc")
    with xr.open_dataset(tmp_path / "x.nc") as found:
        samples, spacing = int(found.segment_samples), float(found.spacing_km)
        pairs = of_pairs(heights[475], heights[477], samples, int(found.longest_hole_filled_samples))
        assert found.number_of_segments == len(pairs) > 100 and found.number_of_granules == 1
        xx, yy, xy = cross(pairs, spacing, samples)
        np.testing.assert_allclose(found.ssha_psd, xx.real, rtol=1e-7)
        np.testing.assert_allclose(found.ssha_cycle_477_psd, yy.real, rtol=1e-7)
        np.testing.assert_allclose(found.cross_psd_real + 1j * found.cross_psd_imaginary, xy, rtol=1e-6, atol=1e-9 * xx.real.max())
        np.testing.assert_allclose(found.coherence_squared, np.abs(xy) ** 2 / (xx * yy).real, rtol=1e-5, atol=1e-9)
        assert found.attrs["with_cycle"] == "477"


def test_every_cycle_meets_the_next_one(karin, cycles, tmp_path):
    folder, heights = cycles
    karin("spectrum", folder / "collection", "--vars", "ssha", "--with-cycle", "+1", "--axis", "across", "--segment", "40km",
          "-o", tmp_path / "x.nc")
    with xr.open_dataset(tmp_path / "x.nc") as found:
        samples, spacing = int(found.segment_samples), float(found.spacing_km)
        both = [of_pairs(heights[cycle].T, heights[cycle + 1].T, samples, 0) for cycle in (475, 476)]
        assert found.number_of_segments == sum(map(len, both)) > 1000 and found.number_of_granules == 2
        xx, yy, xy = cross(both[0] + both[1], spacing, samples)
        np.testing.assert_allclose(found.ssha_psd, xx.real, rtol=1e-7)
        np.testing.assert_allclose(found.ssha_lag_1_psd, yy.real, rtol=1e-7)
        np.testing.assert_allclose(found.cross_psd_real, xy.real, rtol=1e-6, atol=1e-9 * xx.real.max())
    # Variables of both cycles, and a picture.
    karin("spectrum", folder / "collection", "--vars", "ssha", "--let", "smooth=lowpass(ssha, 65)", "--with", "smooth",
          "--with-cycle", "+2", "--segment", "400km", "-o", tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("arguments, words", [
    (["--cycles", "475", "--with-cycle", "+1"], "select more cycles"),
    (["--with-cycle", "next"], "+1 for the next"),
    (["--with-cycle", "+1", "--axis", "both"], "not in both directions"),
    (["--with-cycle", "+1", "--vars", "ssha,mdt"], "one variable"),
])
def test_cycles_that_cannot_be_compared_are_refused(karin, cycles, arguments, words):
    done = karin("spectrum", cycles[0] / "granules", *(["--vars", "ssha"] if "--vars" not in arguments else []), *arguments, code=None)
    assert done.returncode in (1, 2) and words in done.stderr, done.stderr
