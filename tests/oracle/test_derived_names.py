"""Every derived name of every product in every command, from granules and from a collection: heights and sigma0 against numpy,
currents and what follows from them against one another (their values have closed forms elsewhere)."""

import json

import netCDF4
import numpy as np
import pytest
import xarray
from matplotlib import image

BOX = ("--bbox", "-180,-40,180,-39.3")

CURRENTS = ["u_geo", "v_geo", "speed", "eke", "vorticity", "vorticity_over_f", "divergence", "normal_strain", "shear_strain", "strain",
            "strain_over_f", "okubo_weiss", "okubo_weiss_over_f2", "ssh_gradient", "ssh_laplacian", "rossby_number", "u_cyclo",
            "v_cyclo", "speed_cyclo", "cyclo_imbalance", "u_geo_uncertainty", "v_geo_uncertainty", "vorticity_uncertainty"]
ABSOLUTE = ["u_geo_abs", "v_geo_abs", "speed_abs", "ke"]
HEIGHTS = ["ssha", "ssha_filtered", "adt", "ssha_uncalibrated", "ssha_uncorrected", "ssha_calibrated", "sigma0_db"]
ALL = HEIGHTS + CURRENTS + ABSOLUTE


def decibels(sigma0):
    return 10 * np.log10(np.where(sigma0 > 0, sigma0, np.nan))


L2 = {"ssha": lambda v: v["ssha_karin_2"] + v["height_cor_xover"], "ssha_uncalibrated": lambda v: v["ssha_karin_2"]}
EXPERT = {**L2, "sigma0_db": lambda v: decibels(v["sig0_karin_2"]),
          "ssha_uncorrected": lambda v: L2["ssha"](v) + v["dac"] + v["ocean_tide_fes"] + v["internal_tide_hret"]}
V1 = {"ssha": lambda v: v["ssha"], "ssha_filtered": lambda v: v["ssha_noiseless"], "adt": lambda v: v["ssha"] + v["mdt"]}
V1_EXPERT = {**V1, "ssha_uncalibrated": lambda v: v["ssha"] - v["calibration"],
             "ssha_uncorrected": lambda v: v["ssha"] + v["dac"] + v["ocean_tide"], "sigma0_db": lambda v: decibels(v["sigma0"])}
V2 = {"ssha": lambda v: v["ssha_unfiltered"], "ssha_filtered": lambda v: v["ssha_filtered"],
      "adt": lambda v: v["ssha_unfiltered"] + v["mdt"]}
V2_EXPERT = {**V2, "ssha_uncalibrated": lambda v: v["ssha_unfiltered"] - v["calibration"], "sigma0_db": lambda v: decibels(v["sigma0"]),
             "ssha_uncorrected": lambda v: v["ssha_unfiltered"] + v["dac"] + v["ocean_tide"] + v["internal_tide"]}
FINE = {"ssha": lambda v: v["ssh_karin_2"] - v["mean_sea_surface_cnescls"]}

#: Product and version; the stored variables that names are derived from; what numpy makes of them.
PRODUCTS = {
    "L2 Basic C": ("L2_LR_SSH_Basic", "C", "ssha_karin_2,height_cor_xover", L2),
    "L2 Basic D": ("L2_LR_SSH_Basic", "D", "ssha_karin_2,height_cor_xover", L2),
    "L2 Expert D": ("L2_LR_SSH_Expert", "D",
                    "ssha_karin_2,height_cor_xover,sig0_karin_2,dac,ocean_tide_fes,internal_tide_hret,cross_track_distance", EXPERT),
    "L2 Unsmoothed C": ("L2_LR_SSH_Unsmoothed", "C", "ssh_karin_2,mean_sea_surface_cnescls", FINE),
    "L3 Basic v1": ("L3_LR_SSH_Basic", "v1.0.2", "ssha,ssha_noiseless,mdt", V1),
    "L3 Expert v1": ("L3_LR_SSH_Expert", "v1.0.2", "ssha,ssha_noiseless,mdt,dac,ocean_tide,calibration,sigma0", V1_EXPERT),
    "L3 Basic v2": ("L3_LR_SSH_Basic", "v2.0.1", "ssha_unfiltered,ssha_filtered,mdt", V2),
    "L3 Expert v2": ("L3_LR_SSH_Expert", "v2.0.1",
                     "ssha_unfiltered,ssha_filtered,mdt,dac,ocean_tide,internal_tide,calibration,sigma0", V2_EXPERT),
    "L3 Expert v3": ("L3_LR_SSH_Expert", "v3.0",
                     "ssha_unfiltered,ssha_filtered,mdt,dac,ocean_tide,internal_tide,calibration,sigma0", V2_EXPERT),
}


def names_of(formulas):
    """The names that a product with such heights has; calibration of 250 m products takes more memory than commands have by default."""
    calibrated = [] if formulas is FINE else ["ssha_calibrated"]
    return [*formulas, *calibrated, *CURRENTS, *(ABSOLUTE if "adt" in formulas else [])]


@pytest.fixture(scope="module", params=PRODUCTS)
def product(request, karin, tmp_path_factory):
    """A simulated granule of a product, a collection of it, its formulas, and the commands that gives of it what lies in a box."""
    name, version, variables, formulas = PRODUCTS[request.param]
    folder = tmp_path_factory.mktemp("product")
    karin("simulate", folder / "granules", "--product", name, "--cycles", 475, "--passes", 3, "--version", version, "--vars", variables, "-q")
    karin("ingest", folder / "granules", folder / "swot.karin", "-q")
    return folder / "granules", folder / "swot.karin", formulas, variables.split(",")


@pytest.fixture(params=["granules", "collection"])
def source(request, product):
    return product[0] if request.param == "granules" else product[1]


def everything(path):
    """The variables of a file by name, those of one side where there are sides; true values, NaN where there is none."""
    with netCDF4.Dataset(path) as file:
        group = file.groups.get("left", file)
        found = {}
        for name, variable in group.variables.items():
            if variable.ndim == 2:
                found[name] = np.ma.filled(variable[:].astype(float), np.nan)
        return found


def test_a_name_means_the_same_everywhere(karin, tmp_path, product, source):
    _, _, formulas, variables = product
    names = names_of(formulas)
    # What is stored under its own name needs no derivation; it is asked for all the same.
    wanted = ",".join(names)
    karin("diag", wanted, source, *BOX, "-o", tmp_path / "diag.nc", "-q")
    found = everything(tmp_path / "diag.nc")
    assert set(names) <= set(found)

    karin("extract", source, "--vars", ",".join(variables), *BOX, "-o", tmp_path / "stored.nc", "-q")
    stored = everything(tmp_path / "stored.nc")
    for name, formula in formulas.items():
        np.testing.assert_allclose(found[name], formula(stored), rtol=1e-12, atol=1e-12, equal_nan=True, err_msg=name)
    for name in names:
        assert np.isfinite(found[name]).sum() > 500, name
    np.testing.assert_allclose(found["speed"], np.hypot(found["u_geo"], found["v_geo"]), rtol=1e-12)
    np.testing.assert_allclose(found["eke"], 0.5 * found["speed"] ** 2, rtol=1e-12)
    np.testing.assert_allclose(found["strain"], np.hypot(found["normal_strain"], found["shear_strain"]), rtol=1e-9)
    np.testing.assert_allclose(found["okubo_weiss"], found["strain"] ** 2 - found["vorticity"] ** 2, rtol=1e-6, atol=1e-18)
    if "ssha_calibrated" in names:
        assert np.nanmax(np.abs(found["ssha_calibrated"] - found["ssha"])) < 2

    karin("extract", source, "--vars", wanted, *BOX, "-o", tmp_path / "extract.nc", "-q")
    extracted = everything(tmp_path / "extract.nc")
    lets = [word for name in names for word in ("--let", f"twice_{name}=2 * {name}")]
    karin("extract", source, *lets, "--vars", ",".join(f"twice_{name}" for name in names), *BOX, "-o", tmp_path / "lets.nc", "-q")
    doubled = everything(tmp_path / "lets.nc")
    for name in names:
        np.testing.assert_array_equal(extracted[name], found[name], err_msg=name)
        np.testing.assert_array_equal(doubled[f"twice_{name}"], 2 * found[name], err_msg=name)

    sided = "left/" if "ssh_karin_2" in variables else ""
    told = json.loads(karin("--json", "stat", source, "--vars", ",".join(sided + name for name in names), *BOX, "--over", "all",
                            "--stats", "count,mean").stdout)["rows"]
    assert len(told) == len(names)
    for name, (_, count, mean) in zip(names, told):
        assert count == np.isfinite(found[name]).sum(), name
        assert mean == pytest.approx(np.nanmean(found[name]), rel=1e-9, abs=1e-15), name

    condition = " and ".join(f"{name} == {name}" for name in names)
    side = ("--side", "left") if sided else ()
    told = json.loads(karin("--json", "stat", source, "--vars", "speed", "--where", condition, *BOX, *side, "--over", "all",
                            "--stats", "count").stdout)["rows"]
    assert told[0][1] == np.logical_and.reduce([np.isfinite(found[name]) for name in names]).sum()


def test_granules_and_collections_agree(karin, tmp_path, product):
    granules, collection, formulas, _ = product
    fields = []
    for source in (granules, collection):
        karin("diag", ",".join(names_of(formulas)), source, *BOX, "-o", tmp_path / "d.nc", "-q")
        fields.append(everything(tmp_path / "d.nc"))
    for name in names_of(formulas):
        np.testing.assert_array_equal(fields[0][name], fields[1][name], err_msg=name)


def test_names_are_drawn(karin, tmp_path, product):
    granules, _, formulas, _ = product
    names = names_of(formulas)
    # All of one product of each level, a sheet of the others.
    sheets = len(names) if formulas in (L2, V2_EXPERT) else 5
    for start in range(0, sheets, 9):
        some = names[start:min(start + 9, sheets)]
        karin("plot", granules, "--vars", ",".join(some), *BOX, "-o", tmp_path / "map.png", "-q")
        picture = image.imread(tmp_path / "map.png")[..., :3]
        # Colours, not only paper, land and text.
        colored = (picture.max(axis=2) - picture.min(axis=2) > 0.25).mean()
        assert colored > 0.002, some


def test_a_name_without_its_inputs_is_refused(karin, product):
    granules, _, formulas, _ = product
    for name in sorted(set(ALL) - set(names_of(formulas))):
        done = karin("stat", granules, "--vars", name, *BOX, "--over", "all", code=None)
        hint = "more than half of --memory" if (formulas, name) == (FINE, "ssha_calibrated") else f'no variable "{name}"'
        assert done.returncode in (1, 2) and hint in done.stderr, done.stderr


@pytest.mark.parametrize("words,hint", [
    (("--vars", "ssha", "--from", "ssha_karin_2"), "--from ssha_karin_2: nothing that is asked for derives from a height"),
    (("--vars", "ssha", "--method", "fit:9"), "--method fit:9: nothing that is asked for"),
    (("--where", "ssha > 0", "--vars", "ssha_karin_2", "--from", "ssha"), "leave the option away"),
])
def test_options_of_currents_without_a_current_are_refused(karin, tmp_path, words, hint):
    karin("simulate", tmp_path / "in", "--cycles", 475, "--passes", 3, "--vars", "ssha_karin_2,height_cor_xover", "-q")
    for command in (("stat", "--over", "all"), ("extract", "-o", tmp_path / "x.nc"), ("plot", "-o", tmp_path / "x.png"), ("spectrum",)):
        done = karin(command[0], tmp_path / "in", *words, *command[1:], code=None)
        assert done.returncode == 2 and hint in done.stderr, (command, done.stderr)
    assert not list(tmp_path.glob("x.*"))


def test_absolute_currents_derive_from_no_other_height(karin, tmp_path):
    karin("simulate", tmp_path, "--product", "L3_LR_SSH_Basic", "--cycles", 475, "--passes", 3, "--vars", "ssha_unfiltered,mdt", "-q")
    done = karin("stat", tmp_path, "--vars", "u_geo_abs", "--from", "ssha_unfiltered", "--over", "all", code=2)
    assert "derives from adt" in done.stderr
    karin("stat", tmp_path, "--vars", "u_geo_abs", "--where", "speed < 1", "--from", "ssha_unfiltered", *BOX, "--over", "all")


def test_a_fine_product_of_level_3_has_the_names_too(karin, tmp_path):
    """L3 Unsmoothed, written by netCDF4-python: 250 m, one group, a height that rises to the east."""
    path = tmp_path / "SWOT_L3_LR_SSH_Unsmoothed_001_155_20230726T173637_20230726T182804_v2.0.1.nc"
    lines, pixels = 160, 120
    along, across = 0.25 * np.arange(lines)[:, None], 0.25 * np.arange(pixels)[None, :]
    latitude = 40 + along / 111.195 + 0 * across
    longitude = 10 + across / (111.195 * np.cos(np.deg2rad(latitude)))
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("num_lines", lines)
        file.createDimension("num_pixels", pixels)
        swath = ("num_lines", "num_pixels")
        for name, values in (("latitude", latitude), ("longitude", longitude)):
            variable = file.createVariable(name, "f8", swath, fill_value=1e20)
            variable.standard_name = name
            variable[:] = values
        for name in ("ssha_unfiltered", "ssha_filtered", "mdt"):
            variable = file.createVariable(name, "f8", swath, fill_value=1e20)
            variable.units = "m"
            variable[:] = 1e-6 * 1000 * across + 0 * along
    names = "ssha,adt,u_geo,v_geo,u_geo_abs,v_geo_abs,vorticity_over_f,ssh_gradient"
    karin("diag", names, path, "-o", tmp_path / "d.nc", "-q")
    found = xarray.open_dataset(tmp_path / "d.nc")
    f = 2 * 7.2921e-5 * np.sin(np.deg2rad(latitude))
    inside = (slice(6, -6), slice(6, -6))
    np.testing.assert_allclose(found.v_geo.values[inside], (9.81 / f * 1e-6)[inside], rtol=1e-3)
    np.testing.assert_allclose(found.v_geo_abs.values[inside], (2 * 9.81 / f * 1e-6)[inside], rtol=1e-3)
    np.testing.assert_allclose(found.ssh_gradient.values[inside], 1e-6, rtol=1e-3)
    # Lines of equal height follow the pixels, not the meridians, which converge.
    assert np.abs(found.u_geo.values[inside]).max() < 5e-4
