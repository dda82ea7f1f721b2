"""Zarr, Parquet and CSV as karin writes them, read by zarr-python, tensorstore, xarray, pandas and pyarrow."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import xarray

from conftest import built_example
from netcdf_files import describe, dtype_name, open_raw, variables

L3 = "swot_l3/SWOT_L3_LR_SSH_Expert_026_165_20241229T165806_20241229T174933_v2.0.1.nc"
EXCERPT = "swot_l3/SWOT_L3_LR_SSH_Expert_001_155_20230726T173637_20230726T182803_v1.0.2_fcs.nc"
UNSMOOTHED = "swot_l2_subset/ssh_unsmoothed_group.nc"
MAP = "duacs_l4/swot_l4_northeast_pacific_20240601.nc"
FILES = [L3, EXCERPT, UNSMOOTHED, MAP]


def convert(source, target, code=0):
    done = subprocess.run([str(built_example("convert")), str(source), str(target)], capture_output=True, text=True, timeout=300)
    assert done.returncode == code, done.stderr
    return target


def stored(path):
    """Every array as the file stores it, by name; characters as bytes."""
    file = open_raw(path)
    found = {}
    for name, variable in variables(file):
        array = np.asarray(variable[...])
        found[name] = array.view("u1") if array.dtype.kind == "S" else array.astype(array.dtype.newbyteorder("="))
    file.close()
    return found


@pytest.mark.parametrize("name", FILES)
def test_zarr_python_reads_every_array(reference_data, tmp_path, name):
    zarr = pytest.importorskip("zarr", minversion="3")
    source = reference_data(name)
    root = zarr.open_group(convert(source, tmp_path / "x.zarr"), mode="r")
    tree, _ = describe(source)
    assert set(root.array_keys()) == {variable["name"] for variable in tree["variables"]}
    for key, array in stored(source).items():
        ours = root[key]
        assert ours.dtype == array.dtype and ours.shape == array.shape
        assert np.asarray(ours[...]).tobytes() == array.tobytes(), key
    for variable in tree["variables"]:
        ours = root[variable["name"]]
        assert list(ours.metadata.dimension_names) == variable["dimensions"]
        assert sorted(ours.attrs) == sorted(key for key, _ in variable["attributes"])
    assert list(root.attrs) == [key for key, _ in tree["attributes"]]


@pytest.mark.parametrize("name", FILES)
def test_tensorstore_reads_every_array(reference_data, tmp_path, name):
    tensorstore = pytest.importorskip("tensorstore")
    source = reference_data(name)
    folder = convert(source, tmp_path / "x.zarr")
    for key, array in stored(source).items():
        if array.dtype == object:
            continue
        spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": f"{folder}/{key}"}}
        ours = tensorstore.open(spec, open=True, read=True).result()
        assert ours.dtype.numpy_dtype == array.dtype
        assert np.asarray(ours.read().result()).tobytes() == array.tobytes(), key


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("consolidated", [True, False])
def test_xarray_sees_the_same_dataset_in_zarr(reference_data, tmp_path, name, consolidated):
    pytest.importorskip("zarr", minversion="3")
    source = reference_data(name)
    folder = convert(source, tmp_path / "x.zarr")
    with xarray.open_dataset(source) as theirs:
        ours = xarray.open_zarr(folder, consolidated=consolidated)
        assert set(ours.variables) == set(theirs.variables)
        assert set(ours.coords) == set(theirs.coords)
        for key, variable in theirs.variables.items():
            if variable.dtype.kind in "SO":
                continue  # characters are stored as uint8
            mine = ours[key]
            assert mine.dims == variable.dims
            assert mine.dtype == variable.dtype, key
            np.testing.assert_array_equal(mine.values, variable.values, err_msg=key)
            assert list(mine.attrs) == list(variable.attrs)
            for name_, value in variable.attrs.items():
                assert np.array_equal(mine.attrs[name_], value), (key, name_)
            if "_FillValue" in variable.encoding and not np.isnan(variable.encoding["_FillValue"]):
                assert mine.encoding["_FillValue"] == variable.encoding["_FillValue"]
        assert list(ours.attrs) == list(theirs.attrs)


def test_groups_scalars_and_strings_come_out_of_zarr(tmp_path):
    zarr = pytest.importorskip("zarr", minversion="3")
    import netCDF4

    with netCDF4.Dataset(tmp_path / "x.nc", "w") as file:
        file.createDimension("x", 3)
        file.createVariable("scalar", "f8", ())[...] = 2.5
        names = file.createVariable("names", str, ("x",))
        names[:] = np.array(["a", "", "zwölf"], object)
        file.createDimension("none", None)
        file.createVariable("empty", "f4", ("none",))
        side = file.createGroup("left")
        side.description = "left swath"
        side.createDimension("x", 5000)
        side.createVariable("x", "i8", ("x",), chunksizes=(999,), zlib=True)[:] = np.arange(5000)
    root = zarr.open_group(convert(tmp_path / "x.nc", tmp_path / "x.zarr"), mode="r")
    assert root["scalar"][...] == 2.5
    assert root["names"][...].tolist() == ["a", "", "zwölf"]
    assert root["empty"].shape == (0,)
    assert root["left"].attrs["description"] == "left swath"
    assert root["left/x"].chunks == (999,)
    np.testing.assert_array_equal(root["left/x"][...], np.arange(5000))
    assert xarray.open_zarr(tmp_path / "x.zarr", group="left").x.size == 5000


def test_a_zarr_is_replaced_and_another_folder_is_not(reference_data, tmp_path):
    convert(reference_data(MAP), tmp_path / "x.zarr")
    convert(reference_data(EXCERPT), tmp_path / "x.zarr")
    assert (tmp_path / "x.zarr/i_num_line/zarr.json").exists()
    assert not (tmp_path / "x.zarr/sla").exists()
    (tmp_path / "mine.zarr").mkdir()
    (tmp_path / "mine.zarr/notes.txt").write_text("mine")
    convert(reference_data(MAP), tmp_path / "mine.zarr", code=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.zarr", "x.zarr"]


def expected_rows(path, dims):
    """xarray's own table: decoded, one row per cell where a variable that is neither flag nor coordinate has a value."""
    with xarray.open_dataset(path) as dataset:
        keep = [key for key, variable in dataset.variables.items() if set(variable.dims) <= set(dims)]
        frame = dataset[keep].reset_coords().to_dataframe(dim_order=dims).reset_index()
        data = [
            key
            for key, variable in dataset.data_vars.items()
            if set(variable.dims) == set(dims) and not {"flag_values", "flag_masks"} & set(variable.attrs)
        ]
    return frame[frame[data].notna().any(axis=1)].reset_index(drop=True)


TABLES = [(EXCERPT, ["num_lines", "num_pixels"]), (UNSMOOTHED, ["num_lines", "num_pixels"]), (MAP, ["time", "latitude", "longitude"])]


@pytest.mark.parametrize("extension", ["parquet", "csv"])
@pytest.mark.parametrize(("name", "dims"), TABLES)
def test_pandas_reads_the_rows_that_xarray_makes(reference_data, tmp_path, name, dims, extension):
    pandas = pytest.importorskip("pandas")
    source = reference_data(name)
    target = convert(source, tmp_path / f"x.{extension}")
    theirs = expected_rows(source, dims)
    times = [column for column in theirs.columns if theirs[column].dtype.kind == "M"]
    ours = pandas.read_parquet(target) if extension == "parquet" else pandas.read_csv(target)
    for column in times if extension == "csv" else []:
        ours[column] = pandas.to_datetime(ours[column], format="ISO8601").dt.tz_localize(None)
    shared = [column for column in theirs.columns if theirs[column].dtype != object]
    assert set(ours.columns) == set(theirs.columns), "every column that fits, and no other"
    assert len(ours) == len(theirs) > 100
    for column in shared:
        mine, reference = ours[column], theirs[column]
        if column in times:
            apart = (mine - reference).abs()
            assert apart.isna().equals(reference.isna()) and not (apart > pandas.Timedelta("1us")).any()
            continue
        decoded = mine.to_numpy("f8", na_value=np.nan)
        filled = reference.to_numpy("f8", na_value=np.nan)
        packed_without_fill = np.isnan(decoded) & ~np.isnan(filled)
        # xarray leaves netCDF's default fill where a file has no _FillValue; karin says that there is no value.
        assert not packed_without_fill.any() or "_FillValue" not in xarray.open_dataset(source)[column].encoding
        np.testing.assert_allclose(decoded[~packed_without_fill], filled[~packed_without_fill], rtol=1e-6, atol=1e-9)


def test_tables_say_where_they_come_from(reference_data, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    source = reference_data(EXCERPT)
    schema = parquet.read_schema(convert(source, tmp_path / "x.parquet"))
    with xarray.open_dataset(source) as theirs:
        assert schema.metadata[b"title"].decode() == theirs.attrs["title"]
        assert schema.field("ssha").metadata[b"units"] == b"m"
        convert(source, tmp_path / "x.csv")
        described = json.loads((tmp_path / "x.csv-metadata.json").read_text())
        assert described["notes"][0]["title"] == theirs.attrs["title"]
        header = (tmp_path / "x.csv").read_text().split("\n", 1)[0].split(",")
        assert [column["name"] for column in described["tableSchema"]["columns"]] == header


def test_unknown_extensions_are_refused(reference_data, tmp_path):
    convert(reference_data(MAP), tmp_path / "x.tif", code=1)
    assert list(tmp_path.iterdir()) == []
