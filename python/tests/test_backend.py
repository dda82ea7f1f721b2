"""`engine="karin"` against `engine="netcdf4"`: every real file, every group, every variable, every attribute."""

import pickle
import threading

import numpy as np
import pytest
import xarray as xr

from conftest import real_files

OPTIONS = [
    {},
    {"mask_and_scale": False},
    {"decode_times": False},
    {"decode_cf": False},
    {"decode_coords": "all"},
]


def same_attributes(ours, theirs, where):
    assert list(ours) == list(theirs), where
    for name, value in theirs.items():
        own = ours[name]
        assert type(own) is type(value), (where, name, own, value)
        if isinstance(value, np.ndarray):
            assert own.dtype == value.dtype, (where, name)
        np.testing.assert_array_equal(own, value, err_msg=f"{where} {name}")


def same_encoding(ours, theirs, where):
    assert set(ours) == set(theirs), where
    for name, value in theirs.items():
        if isinstance(value, (float, np.floating)) and np.isnan(value):
            assert np.isnan(ours[name]), (where, name)
        else:
            assert ours[name] == value, (where, name)


def same(ours, theirs):
    assert list(ours.variables) == list(theirs.variables)
    assert set(ours.coords) == set(theirs.coords)
    assert dict(ours.sizes) == dict(theirs.sizes)
    same_attributes(ours.attrs, theirs.attrs, "global")
    assert ours.encoding.get("unlimited_dims") == theirs.encoding.get("unlimited_dims")
    for name, theirs_variable in theirs.variables.items():
        own = ours.variables[name]
        assert own.dims == theirs_variable.dims, name
        assert own.dtype == theirs_variable.dtype, name
        same_attributes(own.attrs, theirs_variable.attrs, name)
        same_encoding(own.encoding, theirs_variable.encoding, name)
        values, expected = own.values, theirs_variable.values
        if expected.dtype.kind == "f":
            # To the bit, -0.0 included, but for which of the NaNs a NaN is.
            np.testing.assert_array_equal(values, expected, err_msg=name)
            known = ~np.isnan(expected)
            np.testing.assert_array_equal(np.signbit(values[known]), np.signbit(expected[known]), err_msg=name)
        else:
            np.testing.assert_array_equal(values, expected, err_msg=name)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(options) or "decoded")
@pytest.mark.parametrize("name", real_files() or ["absent.nc"])
def test_real_files_are_the_same(reference_data, name, options):
    path = reference_data(name)
    try:
        theirs = xr.open_dataset(path, engine="netcdf4", **options)
    except Exception as error:
        with pytest.raises(type(error)):
            xr.open_dataset(path, engine="karin", **options)
        return
    with theirs, xr.open_dataset(path, engine="karin", **options) as ours:
        same(ours, theirs)


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(options) or "decoded")
def test_groups_are_the_same(unsmoothed_file, options):
    for group in (None, "left", "right", "/left"):
        ours = xr.open_dataset(unsmoothed_file, engine="karin", group=group, **options)
        theirs = xr.open_dataset(unsmoothed_file, engine="netcdf4", group=group, **options)
        same(ours, theirs)


def test_trees_are_the_same(unsmoothed_file):
    ours = xr.open_datatree(unsmoothed_file, engine="karin")
    theirs = xr.open_datatree(unsmoothed_file, engine="netcdf4")
    assert ours.groups == theirs.groups
    for group in theirs.groups:
        same(ours[group].to_dataset(inherit=False), theirs[group].to_dataset(inherit=False))
    assert set(xr.open_groups(unsmoothed_file, engine="karin")) == set(theirs.groups)


def test_a_group_that_is_not_there(unsmoothed_file):
    with pytest.raises(OSError, match="middle"):
        xr.open_dataset(unsmoothed_file, engine="karin", group="middle")


def test_damage_is_an_error_that_names_the_file(reference_data):
    name = "SWOT_L3_LR_SSH_Unsmoothed_001_155_20230726T173637_20230726T182804_v2.0.1.nc"
    with pytest.raises(OSError, match="SWOT_L3"):
        xr.open_dataset(reference_data(f"swot_damaged/{name}"), engine="karin")
    with pytest.raises(FileNotFoundError):
        xr.open_dataset("/nowhere/granule.nc", engine="karin")


def test_many_files_at_once(granule_files):
    options = {"combine": "nested", "concat_dim": "num_lines", "parallel": False}
    ours = xr.open_mfdataset(granule_files[:3], engine="karin", **options)
    theirs = xr.open_mfdataset(granule_files[:3], engine="netcdf4", **options)
    xr.testing.assert_identical(ours.load(), theirs.load())


def test_indexing_is_that_of_numpy(granule_files):
    ours = xr.open_dataset(granule_files[0], engine="karin")["ssha_karin_2"]
    values = xr.open_dataset(granule_files[0], engine="netcdf4")["ssha_karin_2"].load()
    keys = [
        (5000, 10),
        (-1, slice(None)),
        (slice(5000, 5100, 7), slice(None, None, -3)),
        (slice(None, None, -1), 3),
        (slice(9000, 100, -333), slice(60, 5, -1)),
        ([5000, 4000, 4000, 9865, -1], slice(10, 20)),
        (np.array([3, 1, 2]), np.array([68, 0, 7, 7])),
        (slice(0, 0), slice(None)),
        ([], [1, 2]),
        (slice(4000, 6000), [5]),
    ]
    for key in keys:
        np.testing.assert_array_equal(ours[key].values, values[key].values, err_msg=str(key))
    lines, pixels = xr.DataArray([5000, 5001, 4000], dims="p"), xr.DataArray([3, -1, 60], dims="p")
    np.testing.assert_array_equal(ours[lines, pixels].values, values[lines, pixels].values)
    square = xr.DataArray([[1, 2], [9000, 4]], dims=("a", "b"))
    np.testing.assert_array_equal(ours[square].values, values[square].values)
    chained = ours[1000:9000:2][::-3, 5:60][[7, 3, 11]]
    np.testing.assert_array_equal(chained.values, values[1000:9000:2][::-3, 5:60][[7, 3, 11]].values)
    with pytest.raises(IndexError):
        ours[9866].values
    assert ours[0:10].transpose("num_pixels", "num_lines").values.shape == (69, 10)


def test_threads_may_read_together(granule_files):
    dataset = xr.open_dataset(granule_files[0], engine="karin")
    expected = xr.open_dataset(granule_files[0], engine="netcdf4").load()
    failures = []

    def read(seed):
        order = np.random.default_rng(seed).permutation(list(expected.data_vars))
        for name in order:
            if not np.array_equal(dataset[name].copy().values, expected[name].values, equal_nan=True):
                failures.append(name)

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


@pytest.fixture
def guesses(monkeypatch):
    """How many variables were guessed to be next, whenever a whole one was asked for."""
    from karin._ahead import Neighbours

    found, guess = [], Neighbours.after

    def after(self, array):
        ahead = guess(self, array)
        found.append(None if ahead is None else len(ahead))
        return ahead

    monkeypatch.setattr(Neighbours, "after", after)
    return found


@pytest.mark.parametrize("options", [{}, {"mask_and_scale": False, "decode_times": False}], ids=["decoded", "stored"])
def test_loading_reads_ahead_what_is_left_to_load(granule_files, guesses, options):
    with xr.open_dataset(granule_files[0], engine="netcdf4", **options) as theirs:
        expected = theirs.load()
    ours = xr.open_dataset(granule_files[0], engine="karin", **options)
    guesses.clear()
    same(ours.load(), expected)
    count = len(expected.variables)
    assert guesses == [min(2 ** (at - 1) if at else 0, count - at - 1) for at in range(count)]
    # What is loaded or dropped is not guessed again.
    part = xr.open_dataset(granule_files[0], engine="karin", **options).drop_vars(["ssh_karin_2", "ssha_karin_2"])
    guesses.clear()
    same(part.load(), expected.drop_vars(["ssh_karin_2", "ssha_karin_2"]))
    assert guesses[-3:] == [2, 1, 0]


def test_nothing_is_guessed_of_single_variables_and_in_threads(granule_files, guesses):
    ours = xr.open_dataset(granule_files[0], engine="karin")
    guesses.clear()
    for name in reversed(list(ours.data_vars)):
        assert ours[name].values.size
    assert set(guesses) == {0}
    thread = threading.Thread(target=xr.open_dataset(granule_files[1], engine="karin").load)
    thread.start()
    thread.join()
    assert None in guesses


def test_what_is_read_ahead_may_never_be_asked_for(granule_files, monkeypatch):
    """Files that are closed, dropped or deleted while other threads are at work, and one thread where the process has one."""
    for number in range(20):
        ours = xr.open_dataset(granule_files[number % 3], engine="karin")
        names = list(ours.variables)[: 2 + number % 4]
        for name in names:
            ours[name].load()
        ours.close()
        assert ours[names[-1]].values.size and ours["ssha_karin_2"][5000].values.size == 69
    monkeypatch.setenv("KARIN_JOBS", "1")
    alone = xr.open_dataset(granule_files[0], engine="karin").load()
    with xr.open_dataset(granule_files[0], engine="netcdf4") as theirs:
        same(alone, theirs)


def test_datasets_pickle_as_descriptions(granule_files):
    dataset = xr.open_dataset(granule_files[0], engine="karin")
    pickled = pickle.dumps(dataset)
    assert len(pickled) < 100_000
    again = pickle.loads(pickled)
    xr.testing.assert_identical(again.load(), dataset.load())
    dataset.close()


def test_files_stay_within_the_limit(granule_files, monkeypatch):
    from karin import _arrays

    monkeypatch.setattr(_arrays, "OPEN_FILES", 2)
    opened = [xr.open_dataset(file, engine="karin") for file in granule_files]
    assert sum(handle._dataset is not None for handle in _arrays.FileHandle._recent.values()) <= 2
    assert [int(one["ssha_karin_2"].count()) > 0 for one in opened] == [True] * len(opened)


def test_decoding_is_done_in_one_pass(granule_files):
    from karin._arrays import KarinArray

    variable = xr.open_dataset(granule_files[0], engine="karin")["ssha_karin_2"].variable
    data = variable._data
    while not isinstance(data, KarinArray):
        data = data.array
    assert data.decoding is not None and data.dtype == np.float64
