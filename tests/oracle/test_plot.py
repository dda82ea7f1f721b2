"""Maps: what is at a place of the picture is what the data say for that place."""

import netCDF4
import numpy
import pytest
from PIL import Image

# Colour of the line around a map.
FRAME = (52, 62, 74)


def png(path):
    """Pixels and texts of a PNG of 8-bit RGB, as Pillow reads it, which checks its checksums."""
    with Image.open(path) as image:
        assert (image.format, image.mode) == ("PNG", "RGB")
        return numpy.array(image), dict(image.text)


def colors(picture):
    """How many colours there are."""
    return len(numpy.unique(picture.astype(int) @ (65536, 256, 1)))


def inside_of_frame(picture):
    """Left, top, right and bottom of the map: the longest lines of the frame's colour."""
    is_frame = (numpy.abs(picture.astype(int) - FRAME).sum(axis=2)) < 200
    rows, columns = is_frame.sum(axis=1), is_frame.sum(axis=0)
    long_rows = numpy.flatnonzero(rows > 0.6 * rows.max())
    long_columns = numpy.flatnonzero(columns > 0.6 * columns.max())
    return long_columns[0], long_rows[0], long_columns[-1], long_rows[-1]


@pytest.fixture
def checkerboard(tmp_path):
    """A grid of 12 x 8 cells of 2 degrees across the antimeridian, each of another value."""
    values = numpy.random.default_rng(1).permutation(96).reshape(8, 12).astype("f8")
    path = tmp_path / "board.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("lat", 8)
        file.createDimension("lon", 12)
        file.createVariable("lat", "f8", ("lat",))[:] = -11 + 2 * numpy.arange(8)
        file.createVariable("lon", "f8", ("lon",))[:] = (169 + 2 * numpy.arange(12) + 180) % 360 - 180
        board = file.createVariable("board", "i2", ("lat", "lon"), fill_value=-32767)
        board.scale_factor = 0.5
        board.units = "m"
        board[:] = values
    return path, values


def test_every_cell_of_a_grid_is_drawn_where_it_lies(karin, checkerboard, tmp_path):
    path, values = checkerboard
    out = tmp_path / "board.png"
    karin("plot", path, "-o", out, "--vars", "board", "--bbox", "168,-12,-168,4", "--cmap", "gray",
          "--vmin", -20, "--vmax", 95, "--size", "900x700")
    picture, texts = png(out)
    assert picture.shape == (700, 900, 3)
    assert " plot " in texts["Command"]
    left, top, right, bottom = inside_of_frame(picture)
    assert right - left > 400 and bottom - top > 300
    brightness = numpy.empty((8, 12))
    for row in range(8):
        for column in range(12):
            x = left + (right - left) * (column + 0.5) / 12
            y = bottom - (bottom - top) * (row + 0.5) / 8
            # The median: shores of atolls are drawn over the data.
            patch = picture[int(y) - 12 : int(y) + 13, int(x) - 12 : int(x) + 13]
            brightness[row, column] = numpy.median(patch.astype(float).sum(axis=2))
    order = numpy.argsort(values, axis=None)
    ranked = brightness.ravel()[order]
    assert (numpy.diff(ranked) > 0).all(), "brighter where the value is higher, cell by cell"


def test_the_picture_does_not_depend_on_threads(karin, tmp_path):
    folder = tmp_path / "granules"
    karin("simulate", "--product", "L2_LR_SSH_Basic", "--phase", "calval", "--cycles", "475", "--passes", "1-3",
          "--vars", "ssha_karin_2", folder)
    pictures = []
    for jobs in (1, 2, 5):
        out = tmp_path / f"{jobs}.png"
        karin("--jobs", jobs, "plot", folder, "-o", out, "--vars", "ssha_karin_2", "--size", "640x400")
        pictures.append(png(out)[0])
    assert all((picture == pictures[0]).all() for picture in pictures)
    _, texts = png(out)
    assert texts["Granules"].count("\n") == 2


def test_several_variables_are_panels_of_one_picture(karin, tmp_path):
    folder = tmp_path / "granules"
    karin("simulate", "--product", "L2_LR_SSH_Basic", "--phase", "calval", "--cycles", "475", "--passes", "1",
          "--vars", "ssha_karin_2,height_cor_xover", folder)
    out, drawn, one = (tmp_path / f"{name}.png" for name in ("diag", "plot", "one"))
    names = "u_geo,v_geo,vorticity_over_f,strain"
    karin("diag", names, folder, "-o", out, "--bbox", "-180,-40,180,-30")
    karin("plot", folder, "--vars", names, "-o", drawn, "--bbox", "-180,-40,180,-30")
    assert (png(out)[0] == png(drawn)[0]).all()
    karin("plot", folder, "--vars", "u_geo", "-o", one, "--bbox", "-180,-40,180,-30")
    (panels, texts), (single, _) = png(out), png(one)
    assert panels.shape[0] * panels.shape[1] >= 4 * single.shape[0] * single.shape[1]
    assert "diag u_geo" in texts["Command"]
    ten = ",".join([names, "speed,eke,divergence,normal_strain,shear_strain,okubo_weiss"])
    assert "at most 9" in karin("plot", folder, "--vars", ten, "-o", out, code=2).stderr


def test_real_grids_tracks_and_subsets_are_drawn(karin, reference_data, tmp_path):
    for name, variable in [
        ("duacs_l4/dt_global_allsat_phy_l4_20190101_20190515.nc", "adt"),
        ("duacs_l4/dt_med_allsat_phy_l4_20160515_20190101.nc", "sla"),
        ("swot_l3/SWOT_L3_LR_SSH_Expert_003_v2.0.1-med.nc", "ssha_filtered"),
        ("nadir/JA1_GPN_2PeP001_002_20020115_060706_20020115_070316.nc", None),
    ]:
        out = tmp_path / "map.png"
        karin("plot", reference_data(name), "-o", out, *(["--vars", variable] if variable else []))
        picture, _ = png(out)
        assert colors(picture) > 500, name


def test_what_cannot_be_drawn_says_why(karin, checkerboard, tmp_path):
    path, _ = checkerboard
    out = tmp_path / "map.png"
    assert "did you mean 'board'" in karin("plot", path, "-o", out, "--vars", "bord", code=1).stderr
    assert "there is no value" in karin("plot", path, "-o", out, "--bbox", "0,0,1,1", code=1).stderr
    assert "PNG" in karin("plot", path, "-o", tmp_path / "map.jpg", code=2).stderr
    assert "'thermal'" in karin("plot", path, "-o", out, "--cmap", "thermel", code=2).stderr
    assert not out.exists()


def test_a_map_of_a_result_is_that_of_its_file(karin, tmp_path):
    folder = tmp_path / "granules"
    karin("simulate", "--product", "L2_LR_SSH_Basic", "--phase", "calval", "--cycles", "475-476", "--passes", "1,2",
          "--vars", "ssha_karin_2,height_cor_xover", folder)
    for reduction in (["--over", "cycle"], ["--grid", "2"]):
        words = (folder, *reduction, "--stats", "std,mean", "--vars", "ssha_karin_2")
        karin("stat", *words, "-o", tmp_path / "std.png")
        karin("stat", *words, "-o", tmp_path / "result.nc")
        # Every statistic has a panel.
        karin("plot", tmp_path / "result.nc", "--vars", "ssha_karin_2_std,ssha_karin_2_mean", "-o", tmp_path / "plot.png")
        (ours, texts), (theirs, _) = png(tmp_path / "std.png"), png(tmp_path / "plot.png")
        assert (ours == theirs).all()
        assert "stat" in texts["History"] and texts["Source"].count("SWOT_L2_LR_SSH_Basic") == 4
    # Without --vars: what one would like to see, which is derived here.
    karin("stat", folder, "--over", "cycle", "-o", tmp_path / "mean.png")
    assert colors(png(tmp_path / "mean.png")[0]) > 500
    answer = karin("stat", folder, "--by", "pass", "-o", tmp_path / "pass.png", code=2).stderr
    assert "no place on a map" in answer and not (tmp_path / "pass.png").exists()


def test_both_sides_of_a_result_are_drawn(karin, tmp_path):
    path = tmp_path / "sides.nc"
    with netCDF4.Dataset(path, "w") as file:
        for side, west in (("left", 0.0), ("right", 6.0)):
            group = file.createGroup(side)
            group.createDimension("num_lines", 40)
            group.createDimension("num_pixels", 40)
            latitude, longitude = numpy.mgrid[0:4:40j, west : west + 4 : 40j]
            for name, values in (("latitude", latitude), ("longitude", longitude), ("height", longitude - 5.0)):
                group.createVariable(name, "f8", ("num_lines", "num_pixels"))[:] = values
    karin("plot", path, "--vars", "height", "-o", tmp_path / "both.png", "--cmap", "balance", "--size", "900x600")
    picture, _ = png(tmp_path / "both.png")
    left, top, right, bottom = inside_of_frame(picture)
    # Blue in the west, red in the east, nothing in the gap.
    row = picture[(top + bottom) // 2, left:right].astype(int)
    colours = row[:, 0] - row[:, 2]
    assert (colours[: len(row) // 3] < -30).sum() > 50 and (colours[-len(row) // 3 :] > 30).sum() > 50


def test_a_bare_extension_decides_the_format(karin, checkerboard, tmp_path):
    path, _ = checkerboard
    karin("extract", path, "-o", tmp_path / "board.png")
    karin("plot", path, "-o", tmp_path / "plot.png")
    assert (png(tmp_path / "board.png")[0] == png(tmp_path / "plot.png")[0]).all()
    answer = karin("extract", path, "-o", tmp_path / "board.gif", code=2).stderr
    assert ".csv or .png" in answer
