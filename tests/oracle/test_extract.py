"""`karin extract`: whole granules, crops, lines, cubes, from granules and from a collection, against the granules themselves."""

import json
import subprocess

import netCDF4
import numpy as np
import pytest
import xarray

from netcdf_files import describe, open_raw
from test_writer import as_netcdf4, ncdump

L3 = "swot_l3/SWOT_L3_LR_SSH_Expert_026_165_20241229T165806_20241229T174933_v2.0.1.nc"
EXCERPT = "swot_l3/SWOT_L3_LR_SSH_Expert_001_155_20230726T173637_20230726T182803_v1.0.2_fcs.nc"
BOX = (20.0, 30.0, 34.0, 42.0)  # west, south, east, north


@pytest.fixture(scope="module")
def granules(karin, tmp_path_factory):
    """Two cycles of two passes, simulated; by (cycle, pass)."""
    folder = tmp_path_factory.mktemp("granules")
    selection = ["--product", "L2_LR_SSH_Basic", "--phase", "calval", "--cycles", "475-476", "--passes", "1,3"]
    karin("simulate", *selection, folder)
    found = sorted(folder.rglob("SWOT_L2_LR_SSH_Basic_*.nc"))
    assert len(found) == 4
    return {(int(path.name[21:24]), int(path.name[25:28])): path for path in found}


def raw(path):
    with open_raw(path) as file:
        return {name: np.asarray(variable[...]) for name, variable in file.variables.items()}


def inside(arrays, box):
    longitude = arrays["longitude"].astype("f8") * 1e-6
    latitude = arrays["latitude"].astype("f8") * 1e-6
    west, south, east, north = box
    return ((longitude - west) % 360 <= (east - west) % 360) & (latitude >= south) & (latitude <= north)


def region(box):
    return ["--bbox", ",".join(map(str, box))]


def box_of(path):
    """A box that a pass crosses: around its middle."""
    arrays = raw(path)
    line = arrays["latitude"].shape[0] // 2
    longitude, latitude = arrays["longitude"][line, 34] * 1e-6, arrays["latitude"][line, 34] * 1e-6
    return (round(longitude - 2, 3), round(latitude - 2, 3), round(longitude + 0.3, 3), round(latitude + 2, 3))


def without_history(lines):
    """ncdump's text without the history attribute, which runs over several lines."""
    out, skipping = [], False
    for line in lines:
        if line.lstrip().startswith(b":history") or b" :history" in line:
            skipping = True
        if not skipping:
            out.append(line)
        if skipping and line.rstrip().endswith(b";"):
            skipping = False
    return out


@pytest.mark.parametrize("name", [L3, EXCERPT, "duacs_l4/swot_l4_northeast_pacific_20240601.nc"])
def test_a_whole_granule_is_the_original_but_for_its_history(karin, reference_data, tmp_path, name):
    source = reference_data(name)
    target = tmp_path / source.name
    karin("extract", source, "-o", target)
    (tree, values), (our_tree, our_values) = describe(source), describe(target)
    assert our_values == values
    for side in (tree, our_tree):
        side["attributes"] = [pair for pair in side["attributes"] if pair[0] != "history"]
    assert our_tree == tree
    assert without_history(ncdump(target)) == without_history(ncdump(source))
    with netCDF4.Dataset(target) as file:
        assert "karin extract" in file.history.splitlines()[-1]


JASON = "nadir/JA1_GPN_2PeP001_002_20020115_060706_20020115_070316.nc"
MAPS = ["duacs_l4/dt_global_allsat_phy_l4_20190101_20190515.nc", "duacs_l4/nrt_global_allsat_phy_l4_20190223_20190226.nc",
        "duacs_l4/dt_med_allsat_phy_l4_2005T2.nc", "duacs_l4/swot_l4_northeast_pacific_20240601.nc"]


@pytest.mark.parametrize("name", [JASON, *MAPS, "swot_l3/SWOT_L3_LR_SSH_Expert_003_v2.0.1-med.nc",
                                  "swot_l2_subset/ssh_unsmoothed_group.nc", "swot_l2_subset/SWOT_AGULHAS.nc"])
def test_other_files_read_whole_through_info_and_extract(karin, reference_data, tmp_path, name):
    """Nadir passes (netCDF-3), maps, re-saved subsets: every array bit for bit, every attribute but history."""
    source = reference_data(name)
    told = json.loads(karin("info", "--json", source).stdout)
    karin("extract", source, "-o", tmp_path / "x.nc")
    (tree, values), (our_tree, our_values) = describe(source), describe(tmp_path / "x.nc")
    assert our_values == values and {variable["path"] for variable in told["variables"]} == set(values)
    if name == JASON:
        tree, our_tree = as_netcdf4(tree), as_netcdf4(our_tree)
    for side in (tree, our_tree):
        side["attributes"] = [pair for pair in side["attributes"] if pair[0] != "history"]
    assert our_tree == tree
    # Some of it: a variable by name, with what it needs.
    wanted = next(path for path in ("adt", "ssha_filtered", "alt", "sig0_karin_2", "sigma_0") if path in values)
    karin("extract", source, "--vars", wanted, "-o", tmp_path / "some.nc")
    some = describe(tmp_path / "some.nc")[1]
    assert some[wanted] == values[wanted] and set(some) <= set(values)


@pytest.mark.parametrize("product, selection", [
    ("L2_LR_SSH_Basic", ["--phase", "calval", "--cycles", 475, "--passes", 3]),
    ("L2_LR_SSH_Expert", ["--phase", "calval", "--cycles", 475, "--passes", 3]),
    ("L3_LR_SSH_Expert", ["--phase", "calval", "--cycles", 475, "--passes", 3]),
    # Two of its 18 variables, on both sides: 250 m granules take their time.
    ("L2_LR_SSH_Unsmoothed", ["--phase", "science", "--cycles", 1, "--passes", 13, "--vars",
                              "ssh_karin_2,polarization_karin"]),
])
def test_a_whole_granule_comes_back_from_a_collection(karin, tmp_path, product, selection):
    karin("simulate", "--product", product, *selection, tmp_path / "granules")
    (source,) = (tmp_path / "granules").rglob("*.nc")
    karin("ingest", source, tmp_path / "mission.karin")
    karin("extract", tmp_path / "mission.karin", *selection[2:6], "-o", tmp_path / "x.nc")
    assert without_history(ncdump(tmp_path / "x.nc", "-h")) == without_history(ncdump(source, "-h"))
    if product in ("L2_LR_SSH_Basic", "L3_LR_SSH_Expert"):  # Of the others it is gigabytes; the bytes below say the same.
        assert without_history(ncdump(tmp_path / "x.nc")) == without_history(ncdump(source))
    with netCDF4.Dataset(source) as theirs, netCDF4.Dataset(tmp_path / "x.nc") as ours:
        assert "karin extract" in ours.history.splitlines()[-1]
        count = 0
        for group in (None, *theirs.groups):
            wanted, found = ((file[group] if group else file).variables for file in (theirs, ours))
            assert list(found) == list(wanted)
            for name, variable in wanted.items():
                mine = found[name]
                for side in (variable, mine):
                    side.set_auto_maskandscale(False)
                assert mine.dtype == variable.dtype and mine.ncattrs() == variable.ncattrs()
                assert np.asarray(mine[...]).tobytes() == np.asarray(variable[...]).tobytes(), name
                count += 1
        assert count >= 8


def test_a_crop_keeps_the_pixels_inside_and_the_lines_that_have_some(karin, granules, tmp_path):
    source = granules[475, 3]
    box = box_of(source)
    karin("extract", source, *region(box), "-o", tmp_path / "crop.nc")
    whole, crop = raw(source), raw(tmp_path / "crop.nc")
    mask = inside(whole, box)
    lines = np.flatnonzero(mask.any(axis=1))
    assert 0 < len(lines) < mask.shape[0] and not mask[lines].all()
    np.testing.assert_array_equal(crop["num_lines"], lines)
    np.testing.assert_array_equal(crop["num_pixels"], np.arange(69))
    assert set(crop) == set(whole) | {"num_lines", "num_pixels"}
    with netCDF4.Dataset(source) as file:
        for name, array in whole.items():
            expected = array[lines]
            if array.shape == mask.shape and name not in ("latitude", "longitude"):
                expected = np.where(mask[lines], expected, file[name]._FillValue)
            np.testing.assert_array_equal(crop[name], expected, err_msg=name)
            assert crop[name].dtype == array.dtype
    with netCDF4.Dataset(tmp_path / "crop.nc") as file:
        assert file.source_granules == source.name
        assert file.cycle_number == 475 and file.source_product == "L2_LR_SSH_Basic"
    karin("extract", source, *region(box), "--crop", "lines", "-o", tmp_path / "lines.nc")
    np.testing.assert_array_equal(raw(tmp_path / "lines.nc")["ssha_karin_2"], whole["ssha_karin_2"][lines])


def test_a_crop_can_be_ingested_onto_its_lines(karin, granules, tmp_path):
    source = granules[475, 3]
    (tmp_path / "crop").mkdir()
    karin("extract", source, *region(box_of(source)), "-o", tmp_path / "crop" / source.name)
    karin("ingest", tmp_path / "crop" / source.name, tmp_path / "mission.karin")
    karin("extract", tmp_path / "mission.karin", *region(box_of(source)), "--vars", "ssha_karin_2", "-o", tmp_path / "x.nc")
    crop, again = raw(tmp_path / "crop" / source.name), raw(tmp_path / "x.nc")
    np.testing.assert_array_equal(again["ssha_karin_2"], crop["ssha_karin_2"])
    np.testing.assert_array_equal(again["num_lines"], crop["num_lines"])


def test_named_variables_come_with_their_coordinates(karin, granules, tmp_path):
    karin("extract", granules[475, 1], "--vars", "ssha_karin_2,ssha", "-o", tmp_path / "x.nc")
    whole, some = raw(granules[475, 1]), raw(tmp_path / "x.nc")
    assert set(some) - {"num_lines", "num_pixels"} == {"time", "latitude", "longitude", "ssha_karin_2", "ssha"}
    np.testing.assert_array_equal(some["ssha_karin_2"], whole["ssha_karin_2"])
    with xarray.open_dataset(granules[475, 1]) as theirs, xarray.open_dataset(tmp_path / "x.nc") as ours:
        expected = theirs.ssha_karin_2 + theirs.height_cor_xover
        np.testing.assert_allclose(ours.ssha.values, expected.values, rtol=0, atol=1e-9)


def test_quality_drops_values_and_keeps_coordinates(karin, granules, tmp_path):
    karin("extract", granules[475, 1], "--vars", "ssha_karin_2", "--quality", "good", "-o", tmp_path / "x.nc")
    whole, gated = raw(granules[475, 1]), raw(tmp_path / "x.nc")
    lines = gated["num_lines"]
    expected = np.where(whole["ssha_karin_2_qual"] == 0, whole["ssha_karin_2"], 2147483647)[lines]
    np.testing.assert_array_equal(gated["ssha_karin_2"], expected)
    np.testing.assert_array_equal(gated["latitude"], whole["latitude"][lines])


def test_a_folder_gets_one_file_per_granule(karin, granules, tmp_path):
    karin("extract", *granules.values(), "-o", tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(p.name for p in granules.values())
    for path in granules.values():
        assert describe(tmp_path / "out" / path.name)[1] == describe(path)[1]


def test_many_granules_line_up_one_behind_the_other(karin, granules, tmp_path):
    box = box_of(granules[475, 3])
    karin("extract", *granules.values(), *region(box), "--vars", "ssha_karin_2", "-o", tmp_path / "x.nc")
    ours = raw(tmp_path / "x.nc")
    at = 0
    for (cycle, number), path in sorted(granules.items()):
        whole = raw(path)
        mask = inside(whole, box)
        lines = np.flatnonzero(mask.any(axis=1))
        part = slice(at, at + len(lines))
        assert (ours["cycle_number"][part] == cycle).all() and (ours["pass_number"][part] == number).all()
        np.testing.assert_array_equal(ours["line_number"][part], lines)
        np.testing.assert_array_equal(ours["time"][part], whole["time"][lines])
        np.testing.assert_array_equal(ours["latitude"][part], whole["latitude"][lines])
        expected = np.where(mask, whole["ssha_karin_2"], 2147483647)[lines]
        np.testing.assert_array_equal(ours["ssha_karin_2"][part], expected)
        at += len(lines)
    assert at == len(ours["time"]) > 0


def test_a_cube_has_axes_of_cycle_pass_line_and_pixel(karin, granules, tmp_path):
    box = box_of(granules[475, 3])
    command = ["extract", *granules.values(), *region(box), "--vars", "ssha_karin_2", "--layout", "cube"]
    karin(*command, "-o", tmp_path / "x.nc")
    with xarray.open_dataset(tmp_path / "x.nc", mask_and_scale=False, decode_times=False) as cube:
        assert cube.ssha_karin_2.dims == ("cycle_number", "pass_number", "num_lines", "num_pixels")
        assert cube.latitude.dims == ("pass_number", "num_lines", "num_pixels")
        assert cube.cycle_number.values.tolist() == [475, 476]
        for (cycle, number), path in granules.items():
            whole = raw(path)
            mask = inside(whole, box)
            lines = np.flatnonzero(mask.any(axis=1))
            if number not in cube.pass_number or not len(lines):
                continue
            part = cube.sel(cycle_number=cycle, pass_number=number)
            expected = np.where(mask, whole["ssha_karin_2"], 2147483647)[cube.num_lines.values]
            np.testing.assert_array_equal(part.ssha_karin_2.values, expected)
            np.testing.assert_array_equal(part.latitude.sel(num_lines=lines).values, whole["latitude"][lines])
            np.testing.assert_array_equal(part.time.sel(num_lines=lines).values, whole["time"][lines])


@pytest.mark.parametrize("extension", ["zarr", "parquet", "csv"])
def test_other_formats_hold_the_same_values(karin, granules, tmp_path, extension):
    pandas = pytest.importorskip("pandas")
    box = box_of(granules[475, 3])
    source = granules[475, 3]
    karin("extract", source, *region(box), "--vars", "ssha_karin_2", "-o", tmp_path / f"x.{extension}")
    whole = raw(source)
    mask = inside(whole, box) & (whole["ssha_karin_2"] != 2147483647)
    if extension == "zarr":
        pytest.importorskip("zarr", minversion="3")
        ours = xarray.open_zarr(tmp_path / "x.zarr").ssha_karin_2.values
        np.testing.assert_allclose(ours[np.isfinite(ours)], whole["ssha_karin_2"][mask] * 1e-4, atol=1e-9)
        return
    read = pandas.read_parquet if extension == "parquet" else pandas.read_csv
    table = read(tmp_path / f"x.{extension}")
    np.testing.assert_allclose(table.ssha_karin_2, whole["ssha_karin_2"][mask] * 1e-4, atol=1e-9)
    np.testing.assert_array_equal(table.num_lines, np.nonzero(mask)[0])
    np.testing.assert_array_equal(table.num_pixels, np.nonzero(mask)[1])
    assert (table.cycle_number == 475).all() and (table.pass_number == 3).all()


def test_nothing_selected_writes_nothing(karin, granules, tmp_path):
    selection = ["--bbox", "0,80,1,81"]
    done = subprocess.run(
        [str(karin_path()), "extract", str(granules[475, 1]), *selection, "-o", str(tmp_path / "x.nc")],
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0 and "nothing is selected" in done.stderr
    assert list(tmp_path.iterdir()) == []


def karin_path():
    from conftest import karin_binary

    return karin_binary()


@pytest.mark.parametrize("arguments", [["--layout", "lines"], ["--layout", "cube"], []])
def test_a_map_of_an_extract_is_that_of_plot(karin, granules, tmp_path, arguments):
    from test_plot import png

    box = box_of(granules[475, 3])
    selection = [*granules.values(), *region(box), "--vars", "ssha_karin_2"]
    karin("extract", *selection, *arguments, "-o", tmp_path / "extract.png")
    karin("plot", *selection, "-o", tmp_path / "plot.png")
    (ours, texts), (theirs, _) = png(tmp_path / "extract.png"), png(tmp_path / "plot.png")
    np.testing.assert_array_equal(ours, theirs)
    assert "karin extract" in texts["Command"] and texts["Granules"].count("\n") >= 1


def test_a_polygon_is_drawn_inside_its_edges(karin, granules, tmp_path):
    """The map of a triangle holds the same colours as the map of its box, inside; outside there is none."""
    from test_plot import png

    west, south, east, north = box_of(granules[475, 3])
    corners = [[west, south], [east, south], [west, north], [west, south]]
    (tmp_path / "triangle.geojson").write_text(json.dumps({"type": "Polygon", "coordinates": [corners]}))
    look = ["--vars", "ssha_karin_2", "--cmap", "thermal", "--vmin", -6, "--vmax", -5, "--size", "800x900"]
    source = granules[475, 3]
    karin("plot", source, "--polygon", tmp_path / "triangle.geojson", *look, "-o", tmp_path / "triangle.png")
    karin("extract", source, "--polygon", tmp_path / "triangle.geojson", "--vars", "ssha_karin_2", "-o", tmp_path / "x.nc")
    with xarray.open_dataset(tmp_path / "x.nc") as crop:
        longitude, latitude = (crop[name].values[crop.ssha_karin_2.notnull().values] for name in ("longitude", "latitude"))
        assert ((longitude - west) / (east - west) + (latitude - south) / (north - south) <= 1 + 1e-9).all()
    picture, _ = png(tmp_path / "triangle.png")
    # Everything lies above the scale, and so has its last colour, as nothing else left of the colour bar.
    rows, columns = np.nonzero((picture[:, :660] == (232, 250, 91)).all(axis=2))
    assert len(rows) > 5000
    x, y = (columns - columns.min()) / np.ptp(columns), (rows.max() - rows) / np.ptp(rows)
    x, y = longitude.min() + x * np.ptp(longitude), latitude.min() + y * np.ptp(latitude)
    beyond = (x - west) / (east - west) + (y - south) / (north - south)
    # By a cell, of 2 km, and no more.
    assert 0.99 < beyond.max() < 1.03


def test_a_crop_knows_its_nadir_pixels(karin, tmp_path):
    """`i_num_line` and `i_num_pixel` count in the whole granule; a crop has its own first line."""
    words = ["--product", "L3_LR_SSH_Expert", "--phase", "calval", "--cycles", "475", "--passes", "3"]
    karin("simulate", *words, tmp_path / "granules")
    whole = next((tmp_path / "granules").rglob("*.nc"))
    region_ = region(box_of(whole))
    karin("extract", whole, *region_, "--crop", "lines", "-o", tmp_path / "crop.nc")
    arrays, crop = raw(whole), raw(tmp_path / "crop.nc")
    wanted = np.isin(arrays["i_num_line"], crop["num_lines"])
    lines, pixels = arrays["i_num_line"][wanted], arrays["i_num_pixel"][wanted]
    assert 0 < lines.size < arrays["i_num_line"].size
    values = arrays["ssha_unfiltered"][lines.astype(int), pixels.astype(int)]
    expected = np.count_nonzero(values != netCDF4.default_fillvals["i4"])
    assert expected > 0
    words = ["--vars", "ssha_unfiltered", "--over", "all", "--nadir", "only", "--stats", "count", "--json"]
    done = karin("stat", tmp_path / "crop.nc", *words)
    assert json.loads(done.stdout)["rows"][0] == ["ssha_unfiltered", expected]


@pytest.mark.parametrize("layout", ["granules", "lines"])
def test_the_level_of_deflate_is_the_users(karin, granules, tmp_path, layout):
    """Other filters, the same values: of one granule and of lines of several, all read by netCDF-C."""
    sources = [granules[475, 1]] if layout == "granules" else [granules[475, 1], granules[476, 1]]
    asked = ["extract", *sources, "--layout", layout, "--vars", "ssha_karin_2,ssha_karin_2_qual"]
    karin(*asked, "-o", tmp_path / "usual.nc")
    sizes = {}
    for level in (0, 1, 9):
        out = tmp_path / f"{level}.nc"
        karin(*asked, "--deflate", level, "-o", out)
        sizes[level] = out.stat().st_size
        with netCDF4.Dataset(out) as file, netCDF4.Dataset(tmp_path / "usual.nc") as usual:
            for name, variable in file.variables.items():
                variable.set_auto_maskandscale(False), usual[name].set_auto_maskandscale(False)
                np.testing.assert_array_equal(variable[:], usual[name][:], err_msg=name)
            assert file["ssha_karin_2"].filters()["complevel"] == level
    assert sizes[9] < sizes[1] < sizes[0] / 2
    assert "only netCDF" in karin(*asked, "--deflate", 1, "-o", tmp_path / "x.zarr", code=2).stderr
    assert "0..=9" in karin(*asked, "--deflate", 10, "-o", tmp_path / "x.nc", code=2).stderr
