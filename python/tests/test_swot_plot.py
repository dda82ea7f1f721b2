"""Maps of `.swot.plot`: what colour is where, read back from the picture."""

import numpy as np
import pytest
import simulated
import xarray as xr

import karin  # noqa: F401 - registers the accessor

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("agg")
import matplotlib.pyplot as plt  # noqa: E402

SEA = (233, 238, 243)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def swath(west, south, *, lines=200, pixels=69, step=0.018, tilt=0.3):
    """A swath whose values tell left (1) from right (2), with a gap of 20 km between them."""
    line, pixel = np.meshgrid(np.arange(lines), np.arange(pixels), indexing="ij")
    latitude = south + step * line
    longitude = (west + step * pixel / np.cos(np.radians(south)) + tilt * step * line) % 360
    side = np.where(pixel < 29, 1.0, np.where(pixel > 39, 2.0, np.nan))
    dims = ("num_lines", "num_pixels")
    return xr.Dataset(
        {"ssha": (dims, side, {"units": "m"})}, {"longitude": (dims, longitude), "latitude": (dims, latitude)}
    )


def colors_at(ax, places):
    """Red, green and blue of the picture at longitudes (as the axes have them) and latitudes."""
    figure = ax.figure
    if not hasattr(ax, "projection"):
        ax.grid(False)
    figure.canvas.draw()
    picture = np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(int)
    x, y = ax.transData.transform(places).T
    return picture[(picture.shape[0] - 1 - np.round(y).astype(int)), np.round(x).astype(int)]


def is_sea(colors):
    return (np.abs(colors - SEA) < 12).all(axis=-1)


def places_of(dataset, lines, pixels):
    at = dataset.isel(num_lines=xr.DataArray(lines, dims="k"), num_pixels=xr.DataArray(pixels, dims="k"))
    return np.column_stack([at.longitude, at.latitude])


def test_every_value_has_its_place_and_the_gap_stays_empty():
    dataset = swath(-150.0, 10.0)
    dataset.ssha[50:80, :29] = np.nan
    ax = dataset.swot.plot("ssha", vmin=1, vmax=2, cmap="gray", colorbar=False)
    shift = (-360, 0)
    lines = np.array([5, 100, 195, 100, 100, 65, 65])
    pixels = np.array([5, 15, 25, 45, 34, 15, 50])
    found = colors_at(ax, places_of(dataset, lines, pixels) + shift)
    assert (found[:3].max(axis=1) < 60).all(), "the left side is dark"
    assert (found[3] > 200).all() and (found[6] > 200).all(), "the right side is light"
    assert is_sea(found[[4, 5]]).all(), "the gap at nadir and missing values are empty"
    assert is_sea(colors_at(ax, np.array([[ax.get_xlim()[0] + 0.05, ax.get_ylim()[1] - 0.05]]))).all()


@pytest.mark.parametrize("region", [None, (179, 9, -177, 15), (175, 9, 190, 15), (-180, -90, 180, 90)])
def test_swaths_across_the_antimeridian_are_not_smeared(region):
    dataset = swath(179.2, 10.0)
    assert dataset.longitude.max() > 180 > dataset.longitude.min()
    ax = dataset.swot.plot("ssha", vmin=1, vmax=2, cmap="gray", colorbar=False, region=region)
    west, east = ax.get_xlim()
    lines, pixels = np.array([20, 180, 100, 20, 180]), np.array([10, 20, 60, 65, 64])
    places = places_of(dataset, lines, pixels)
    places[:, 0] = west + (places[:, 0] - west) % 360
    seen = places[:, 0] < east
    assert seen.all()
    if region != (-180, -90, 180, 90):
        assert not is_sea(colors_at(ax, places)).any()
    else:
        # A side of the swath is hardly wider than a pixel of the whole globe.
        assert not is_sea(colors_at(ax, places)).all()
    if region == (-180, -90, 180, 90):
        # Nothing between the two edges of the map: one row of the Pacific-centred swath, seen from the Atlantic.
        across = np.column_stack([np.linspace(-140, 140, 200), np.full(200, 12.0)])
        blank = dataset.isel(num_lines=slice(0, 1)).swot.plot("ssha", colorbar=False, region=region)
        assert (colors_at(ax, across) == colors_at(blank, across)).all(axis=1).mean() > 0.98


def test_passes_of_a_long_swath_are_not_joined():
    first, second = swath(-150.0, 10.0), swath(-145.0, 20.0)
    long = xr.concat([first, second], "num_lines")
    ax = long.swot.plot("ssha", vmin=1, vmax=2, cmap="gray", colorbar=False)
    assert not is_sea(colors_at(ax, places_of(first, [100, 190], [10, 60]) - (360, 0))).any()
    assert not is_sea(colors_at(ax, places_of(second, [5, 100], [10, 60]) - (360, 0))).any()
    between = np.column_stack([np.linspace(-148.0, -145.2, 30), np.linspace(14.5, 19.0, 30)])
    assert is_sea(colors_at(ax, between)).all()


def test_missing_coordinates_hold_no_values():
    dataset = swath(-150.0, 10.0)
    dataset.longitude[60:70, 10:20] = np.nan
    dataset.latitude[120:125] = np.nan
    ax = dataset.swot.plot("ssha", vmin=1, vmax=2, cmap="gray", colorbar=False)
    full = swath(-150.0, 10.0)
    found = colors_at(ax, places_of(full, [65, 65, 65, 100], [15, 5, 25, 50]) - (360, 0))
    assert is_sea(found[:1]).all() and not is_sea(found[1:]).any()


def test_cubes_grids_and_packed_granules():
    one, two = swath(-150.0, 10.0), swath(-140.0, 10.0)
    cube = xr.concat([one, two], "pass_number")
    ax = cube.swot.plot("ssha", colorbar=False)
    assert "2 swaths" in ax.get_title()
    assert not is_sea(colors_at(ax, np.vstack([places_of(part, [100], [10]) for part in (one, two)]) - (360, 0))).any()
    grid = xr.Dataset(
        {"sla": (("latitude", "longitude"), np.arange(12.0).reshape(3, 4))},
        {"latitude": [10.0, 11, 12], "longitude": [200.0, 201, 202, 203]},
    )
    ax = grid.swot.plot("sla", cmap="gray", vmin=0, vmax=11, colorbar=False)
    found = colors_at(ax, np.array([[-160.0, 10.0], [-157.0, 10.0], [-160.0, 12.0]]))[:, 0]
    np.testing.assert_allclose(found, [0, 3 / 11 * 255, 8 / 11 * 255], atol=3)
    path = simulated.granules(simulated.BASIC, "475", "13")[0]
    limits = [
        xr.open_dataset(path, mask_and_scale=way)[["ssha_karin_2"]].swot.plot("ssha_karin_2").collections[0].get_clim()
        for way in (True, False)
    ]
    assert limits[0] == limits[1] and limits[0][0] == -limits[0][1]


def test_quality_and_errors():
    path = simulated.granules(simulated.BASIC, "475", "13")[0]
    dataset = xr.open_dataset(path)
    names = ["ssha_karin_2", "ssha_karin_2_qual", "height_cor_xover", "height_cor_xover_qual"]
    good = dataset[names].swot.plot(quality="good")
    assert good.get_title() == "sea surface height anomaly"
    with pytest.raises(KeyError, match="did you mean"):
        dataset.swot.plot("ssha_karin2")
    with pytest.raises(ValueError, match="a map needs"):
        dataset.swot.plot("time")
    with pytest.raises(ValueError, match="nothing"):
        dataset[names].where(False).swot.plot("ssha_karin_2")
    with pytest.raises(ValueError, match="colour map"):
        dataset[names].swot.plot("ssha_karin_2", cmap="blances")
    array = dataset.ssha_karin_2.isel(num_lines=slice(4000, 6000))
    assert (
        array.swot.plot(colorbar=False).get_xlim()
        == dataset.isel(num_lines=slice(4000, 6000)).swot.plot("ssha_karin_2", colorbar=False).get_xlim()
    )


def test_cartopy_axes_keep_their_projection():
    crs = pytest.importorskip("cartopy.crs")
    dataset = swath(179.2, 10.0)
    _, ax = plt.subplots(subplot_kw={"projection": crs.Mercator(central_longitude=180)})
    dataset.swot.plot("ssha", ax=ax, vmin=1, vmax=2, cmap="gray", colorbar=False, coastline=False)
    places = places_of(dataset, [20, 180, 100, 100], [10, 20, 60, 34])
    projected = ax.projection.transform_points(crs.PlateCarree(), places[:, 0], places[:, 1])[:, :2]
    found = colors_at(ax, projected)
    assert (found[:2] < 60).all() and (found[2] > 200).all()
    assert (found[3] > 250).all(), "the gap at nadir shows the white of the axes"


def test_without_matplotlib_it_says_what_to_install(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match="maps need matplotlib: pip install matplotlib"):
        swath(10, 30).swot.plot("ssha")


def test_how_much_values_differ_is_not_coloured_as_if_it_could_be_negative():
    dataset = swath(-150.0, 10.0)

    def least():
        ax = dataset.swot.plot("ssha")
        return next(part.norm.vmin for part in ax.get_children() if getattr(part, "norm", None) and part.norm.scaled())

    assert least() == -2.0
    dataset.ssha.attrs["cell_methods"] = "cycle_number: standard_deviation"
    assert least() == 1.0
