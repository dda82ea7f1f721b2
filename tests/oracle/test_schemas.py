"""Queries that join several processings of a product: the best one per (cycle, pass), and a coordinate that says which."""

import netCDF4
import numpy as np
import pytest
import xarray

BASIC = ["--product", "L2_LR_SSH_Basic", "--phase", "calval", "--vars",
         "ssha_karin_2,ssha_karin_2_qual,height_cor_xover,height_cor_xover_qual"]
EXPERT = ["--product", "L3_LR_SSH_Expert", "--phase", "calval"]
# (cycle, pass) -> processings that the collection holds; the newest is what a query takes.
HELD = {(475, 1): "C", (476, 1): "D", (475, 3): "CD", (476, 3): "CD", (477, 3): "C"}


@pytest.fixture(scope="module")
def folder(karin, tmp_path_factory):
    folder = tmp_path_factory.mktemp("schemas")
    for (cycle, number), schemas in HELD.items():
        for seed, schema in enumerate(schemas):
            karin("simulate", *BASIC, "--cycles", cycle, "--passes", number, "--version", schema, "--seed", seed, folder / schema)
    return folder


@pytest.fixture(scope="module")
def collection(karin, folder):
    karin("ingest", folder / "C", folder / "D", folder / "mission.karin")
    return folder / "mission.karin"


@pytest.fixture(scope="module")
def best(folder):
    """What a query without --version takes, opened by xarray: (cycle, pass) -> (processing, dataset)."""
    taken = {}
    for (cycle, number), schemas in HELD.items():
        (path,) = (folder / schemas[-1]).rglob(f"*_{cycle}_{number:03}_*.nc")
        taken[cycle, number] = schemas[-1], xarray.open_dataset(path, decode_times=False)
    return taken


def words(variable):
    """The processings that each element of a coordinate stands for, by its flags."""
    meanings = variable.attrs["flag_meanings"].split()
    if "flag_masks" in variable.attrs:
        masks = variable.attrs["flag_masks"]
        word = lambda value: "".join(m for m, mask in zip(meanings, masks) if int(value) & int(mask))
    else:
        names = dict(zip(variable.attrs["flag_values"].tolist(), meanings))
        word = lambda value: "" if np.isnan(value) else names[int(value)]
    return np.vectorize(word, otypes=[str])(variable.values)


@pytest.fixture(params=["granules", "collection"])
def source(request, folder, collection):
    return [folder / "C", folder / "D"] if request.param == "granules" else [collection]


def test_statistics_over_cycles_say_what_each_pass_was_made_of(karin, source, best, tmp_path):
    karin("stat", *source, "--over", "cycle", "--vars", "ssha_karin_2", "-o", tmp_path / "x.nc")
    with xarray.open_dataset(tmp_path / "x.nc") as result:
        assert {"schema", "latitude", "longitude"} <= set(result.coords) and list(result.data_vars) == ["ssha_karin_2"]
        assert result.schema.dims == ("pass_number",)
        assert words(result.schema).tolist() == ["CD", "CD"]
        assert set(result.attrs["product_schema"].split(", ")) == {"C", "D"}
        for number in (1, 3):
            members = [data.ssha_karin_2 for (_, n), (_, data) in sorted(best.items()) if n == number]
            expected = xarray.concat(members, "cycle").mean("cycle")
            np.testing.assert_allclose(result.ssha_karin_2.sel(pass_number=number), expected, rtol=0, atol=1e-9)
    karin("stat", *source, "--over", "cycle", "--cycles", "475", "--vars", "ssha_karin_2", "-o", tmp_path / "y.nc")
    with xarray.open_dataset(tmp_path / "y.nc") as result:
        assert words(result.schema).tolist() == ["C", "D"]


@pytest.mark.parametrize("key, expected", [
    ("--by=cycle", ["CD", "D", "C"]),
    ("--by=pass", ["CD", "CD"]),
    ("--by=month", None),
    ("--over=all", "CD"),
    ("--grid=5", "CD"),
])
def test_other_statistics_carry_it_along_their_axis(karin, source, best, tmp_path, key, expected):
    karin("stat", *source, key, "--stats", "count,mean", "--vars", "ssha_karin_2", "-o", tmp_path / "x.nc")
    with xarray.open_dataset(tmp_path / "x.nc") as result:
        assert "schema" in result.coords
        found = words(result.schema)
        if expected is None:
            joined = {}
            for schema, data in best.values():
                seconds = data.time.values[np.isfinite(data.time.values)].astype("m8[s]")
                for month in np.unique((np.datetime64("2000-01-01") + seconds).astype("M8[M]")):
                    joined.setdefault(month, set()).add(schema)
            expected = ["".join(sorted(joined[month])) for month in sorted(joined)]
        assert found.tolist() == expected
        count = sum(int(data.ssha_karin_2.count()) for _, data in best.values())
        assert int(result.ssha_karin_2_count.sum()) == count


def test_lines_carry_the_processing_they_are_of(karin, source, best, tmp_path):
    karin("extract", *source, "--vars", "ssha_karin_2", "-o", tmp_path / "x.nc")
    with xarray.open_dataset(tmp_path / "x.nc", decode_times=False) as lines:
        assert {"cycle_number", "pass_number", "line_number", "schema"} <= set(lines.coords)
        assert list(lines.data_vars) == ["ssha_karin_2"]
        found = words(lines.schema)
        for (cycle, number), (schema, data) in best.items():
            own = (lines.cycle_number == cycle) & (lines.pass_number == number)
            assert set(found[own.values]) == {schema}
            part = lines.ssha_karin_2[own.values]
            np.testing.assert_array_equal(part, data.ssha_karin_2)
            np.testing.assert_array_equal(lines.line_number[own.values], np.arange(data.sizes["num_lines"]))


def test_a_cube_carries_it_per_cycle_and_pass(karin, source, best, tmp_path):
    karin("extract", *source, "--vars", "ssha_karin_2", "--layout", "cube", "-o", tmp_path / "x.nc")
    with xarray.open_dataset(tmp_path / "x.nc", decode_times=False) as cube:
        assert cube.schema.dims == ("cycle_number", "pass_number")
        assert {"schema", "latitude", "longitude"} <= set(cube.coords)
        expected = [[best[c, p][0] if (c, p) in best else "" for p in (1, 3)] for c in (475, 476, 477)]
        assert words(cube.schema).tolist() == expected
        for (cycle, number), (_, data) in best.items():
            part = cube.ssha_karin_2.sel(cycle_number=cycle, pass_number=number)
            np.testing.assert_array_equal(part, data.ssha_karin_2)


def test_a_pinned_version_and_single_schemas_need_no_coordinate(karin, source, tmp_path):
    karin("stat", *source, "--version", "C", "--by", "pass", "--vars", "ssha_karin_2", "-o", tmp_path / "x.nc")
    with netCDF4.Dataset(tmp_path / "x.nc") as result:
        assert "schema" not in result.variables and result.product_schema == "C"


def test_all_versions_give_one_extract_per_schema(karin, source, folder, tmp_path):
    karin("extract", *source, "--version", "all", "--vars", "ssha_karin_2", "-o", tmp_path / "x.nc")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x_C.nc", "x_D.nc"]
    for schema in "CD":
        paths = {key: next((folder / schema).rglob(f"*_{key[0]}_{key[1]:03}_*.nc"))
                 for key, held in sorted(HELD.items()) if schema in held}
        with xarray.open_dataset(tmp_path / f"x_{schema}.nc", decode_times=False) as lines:
            assert "schema" not in lines.variables
            originals = [xarray.open_dataset(path, decode_times=False).ssha_karin_2 for path in paths.values()]
            np.testing.assert_array_equal(lines.ssha_karin_2, np.concatenate(originals))
            counts = [part.sizes["num_lines"] for part in originals]
            np.testing.assert_array_equal(lines.cycle_number, np.repeat([cycle for cycle, _ in paths], counts))
    karin("extract", *source, "--version", "all", "-o", tmp_path / "granules")
    for schema in "CD":
        expected = sorted(path.name for path in (folder / schema).rglob("*.nc"))
        found = sorted(path.name for path in (tmp_path / "granules" / schema).iterdir())
        if len(source) == 2:
            assert found == expected
        assert len(found) == len(expected)


def test_level_3_versions_join_through_their_common_names(karin, tmp_path):
    """v1 calls the height ssha, v2 ssha_unfiltered: the contract's `ssha` is of both, and the result says of which."""
    granules = {}
    for cycle, version in ((475, "v1.0.2"), (476, "v2.0.1")):
        karin("simulate", *EXPERT, "--cycles", cycle, "--passes", 5, "--version", version, tmp_path / version)
        (granules[version],) = (tmp_path / version).rglob("*.nc")
    karin("ingest", tmp_path / "v1.0.2", tmp_path / "v2.0.1", tmp_path / "mission.karin")
    karin("extract", tmp_path / "mission.karin", "--vars", "ssha", "-o", tmp_path / "x.nc")
    with xarray.open_dataset(tmp_path / "x.nc", decode_times=False) as lines:
        found = words(lines.schema)
        for version, name in (("v1.0.2", "ssha"), ("v2.0.1", "ssha_unfiltered")):
            with xarray.open_dataset(granules[version], decode_times=False) as data:
                own = found == version[:2]
                np.testing.assert_allclose(lines.ssha[own], data[name], rtol=0, atol=1e-9)
