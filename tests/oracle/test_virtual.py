"""Virtual granules: `karin ingest --virtual` refers to chunks in the netCDF files. Values against netCDF4-python, the collection against
stock Icechunk and xarray; files that move, change or are gone; what cannot be virtual; kills and two writers."""

import json
import os
import shutil
import signal
import subprocess
import time

import netCDF4
import numpy as np
import pytest

from conftest import karin_binary
from stored_values import assert_same, raw
from virtual_fixtures import GROUP, answer, files_of, made  # noqa: F401


@pytest.fixture
def home(made, tmp_path):  # noqa: F811
    """A folder that holds the granules, for one test alone; times of modification are kept."""
    shutil.copytree(made, tmp_path / "home")
    return tmp_path / "home"


def repacked(source, target, **options):
    """A copy of a granule by netCDF4-python, its variables made with other options."""
    with netCDF4.Dataset(source) as old, netCDF4.Dataset(target, "w", format=options.pop("format", "NETCDF4")) as new:
        old.set_auto_maskandscale(False)
        new.setncatts({name: old.getncattr(name) for name in old.ncattrs()})
        for name, dimension in old.dimensions.items():
            new.createDimension(name, len(dimension))
        for name, variable in old.variables.items():
            fill = getattr(variable, "_FillValue", None)
            made = new.createVariable(name, variable.dtype, variable.dimensions, fill_value=fill, **options)
            made.set_auto_maskandscale(False)
            made.setncatts({key: variable.getncattr(key) for key in variable.ncattrs() if key != "_FillValue"})
            made[:] = variable[:]


def test_nothing_is_copied_and_every_value_is_that_of_the_file(karin, home, tmp_path):
    collection = home / "c.karin"
    report = answer(karin("--json", "ingest", "--virtual", home / "L2", collection))
    assert [granule["outcome"] for granule in report["granules"]] == ["added"] * 6
    stored = sum(path.stat().st_size for path in collection.rglob("*") if path.is_file())
    pass_grid = sum(path.stat().st_size for path in files_of(home)) / 3  # coordinates of both passes are copied, once
    assert stored < pass_grid
    for path in files_of(home):
        cycle, number = path.name.split("_")[5:7]
        out = tmp_path / path.name
        karin("extract", collection, "--cycles", cycle, "--passes", number, "-o", out)
        assert_same(out, path)
    # A region, and a reduction over cycles: as from the files themselves.
    for words in (["stat", "--over", "cycle", "--vars", "ssha_karin_2", "--stats", "mean,count", "--quality", "good"],
                  ["extract", "--vars", "ssha_karin_2,time", "--bbox", "-180,-20,180,10", "--layout", "cube"]):
        pair = [tmp_path / f"{words[0]}-{name}.nc" for name in ("virtual", "files")]
        for source, out in zip((collection, home / "L2"), pair, strict=True):
            karin(words[0], source, *words[1:], "-o", out)
        assert_same(*pair)


def test_stock_icechunk_and_xarray_read_it_where_they_are_allowed_to(karin, home):
    icechunk = pytest.importorskip("icechunk")
    xarray = pytest.importorskip("xarray")
    collection = home / "c.karin"
    karin("ingest", "--virtual", home / "L2", collection)

    def opened(place, prefix, decode_cf=False, **options):
        access = {prefix: icechunk.Credentials.LocalFileSystemAccess()} if prefix else None
        repository = icechunk.Repository.open(icechunk.local_filesystem_storage(str(place)), authorize_virtual_chunk_access=access, **options)
        return xarray.open_zarr(repository.readonly_session("main").store, group=GROUP, decode_cf=decode_cf)

    prefix = f"file://{home.resolve()}/"
    dataset = opened(collection, prefix)
    for path in files_of(home):
        cycle, number = map(int, path.name.split("_")[5:7])
        one, expected = dataset.sel(cycle_number=cycle, pass_number=number), raw(path)
        for name in ("ssha_karin_2", "ssha_karin_2_qual", "latitude", "time"):
            np.testing.assert_array_equal(one[name].values, expected[name], err_msg=name)
    first = files_of(home)[0]
    decoded = opened(collection, prefix, decode_cf=True).sel(cycle_number=475, pass_number=1)
    with xarray.open_dataset(first) as expected:
        for name in ("ssha_karin_2", "time", "latitude"):
            np.testing.assert_array_equal(decoded[name].values, expected[name].values, err_msg=name)
    # Without the word of whoever reads, Icechunk opens no file that a collection names; coordinates are in the collection.
    closed = opened(collection, None).sel(cycle_number=475, pass_number=1)
    assert (closed["latitude"].values == raw(first)["latitude"]).all()
    with pytest.raises(Exception, match="authorize"):
        closed["ssha_karin_2"].load()
    # Collection and files moved together: the container is told anew.
    moved = home.rename(home.with_name("moved"))
    config = icechunk.RepositoryConfig.default()
    prefix = f"file://{moved.resolve()}/"
    config.set_virtual_chunk_container(icechunk.VirtualChunkContainer(prefix, icechunk.local_filesystem_store(str(moved)), name="up1"))
    one = opened(moved / "c.karin", prefix, config=config).sel(cycle_number=475, pass_number=1)
    np.testing.assert_array_equal(one["ssha_karin_2"].values, raw(files_of(moved)[0])["ssha_karin_2"])


def test_collection_and_files_move_together(karin, home, tmp_path):
    karin("ingest", "--virtual", home / "L2", home / "c.karin")
    moved = home.rename(tmp_path / "else where #1")
    karin("verify", "--deep", moved / "c.karin")
    out = tmp_path / "one.nc"
    karin("extract", moved / "c.karin", "--cycles", "476", "--passes", "2", "-o", out)
    path = next(path for path in files_of(moved) if "_476_002_" in path.name)
    np.testing.assert_array_equal(raw(out)["ssha_karin_2"], raw(path)["ssha_karin_2"])


def test_files_that_changed_or_are_gone_are_named(karin, home, tmp_path):
    collection = home / "c.karin"
    karin("ingest", "--virtual", home / "L2", collection)
    touched, shorter, gone, flipped = files_of(home)[:4]
    for path in (touched, shorter, gone, flipped):
        karin("--json", "verify", "--deep", collection)
        kept = tmp_path / path.name
        shutil.copy2(path, kept)
        cycle, number = path.name.split("_")[5:7]
        if path == gone:
            path.unlink()
        elif path == shorter:
            path.write_bytes(path.read_bytes()[:-1])
        elif path == touched:
            os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
        else:
            # Damage that size and date do not tell: the checksum of the chunk does.
            content = bytearray(path.read_bytes())
            stamp = path.stat().st_mtime_ns
            for at in range(len(content) // 4, len(content) - 64, len(content) // 25):
                content[at : at + 64] = bytes(64)
            path.write_bytes(content)
            os.utime(path, ns=(stamp, stamp))
            assert karin("verify", collection).returncode == 0
        done = karin("--json", "verify", "--deep", collection, code=None)
        kinds = {touched: "changed", shorter: "changed", gone: "missing", flipped: "damaged"}
        faults = answer(done)["faults"]
        assert done.returncode != 0 and [(fault["object"], fault["kind"]) for fault in faults] == [(str(path.resolve()), kinds[path])]
        done = karin("--json", "extract", collection, "--cycles", cycle, "--passes", number, "-o", tmp_path / "x.nc", code=None)
        assert done.returncode != 0 and path.name in done.stderr + done.stdout, done
        assert not (tmp_path / "x.nc").exists()
        # Every other granule is read all the same.
        others = ",".join(str(other) for other in range(475, 478) if str(other) != cycle)
        karin("extract", collection, "--cycles", others, "--vars", "ssha_karin_2", "-o", tmp_path / "others.nc")
        shutil.copy2(kept, path)


def test_a_granule_is_registered_again_where_it_lies_now(karin, home):
    collection = home / "c.karin"
    karin("ingest", "--virtual", home / "L2", collection)
    outcomes = lambda *words: {granule["outcome"] for granule in answer(karin("--json", "ingest", *words, collection))["granules"]}  # noqa: E731
    assert outcomes("--virtual", home / "L2") == {"already there"}
    (home / "L2").rename(home / "elsewhere")
    assert karin("verify", collection, code=None).returncode != 0
    assert outcomes("--virtual", home / "elsewhere") == {"replaced"}
    karin("verify", "--deep", collection)
    # Reprocessed: a later version takes the place, an older one does not come back.
    old = files_of(home)[0]
    new = old.with_name(old.name.replace("PGC0_01", "PGC0_02"))
    shutil.copy2(old, new)
    assert outcomes("--virtual", new) == {"replaced"}
    assert outcomes("--virtual", old) == {"older"}
    # Copied: the copy takes the place of the reference, and stays.
    assert outcomes(new) == {"replaced"} and outcomes(new) == {"already there"}
    assert outcomes("--virtual", new) == {"already there"}
    groups = {group["path"]: group["granules"] for group in answer(karin("--json", "ls", collection))["groups"]}
    assert groups == {"/" + GROUP: 5, "/L2_LR_SSH_Basic/C/calval": 1}
    karin("gc", "--keep", "0s", "--grace", "0s", collection)
    assert len(files_of(home)) == 7


def test_what_cannot_be_virtual_is_refused_and_the_rest_goes_on(karin, home, tmp_path):
    good, *others = files_of(home)
    odd = tmp_path / "odd"
    odd.mkdir()
    kinds = {
        "without chunks": {"contiguous": True},
        "not compressed": {"chunksizes": None, "zlib": False, "fletcher32": False, "shuffle": False, "contiguous": False, "endian": "native"},
        "fletcher32": {"zlib": True, "fletcher32": True},
        "big-endian": {"zlib": True, "endian": "big"},
        "shuffle": {"zlib": True, "shuffle": False},
    }
    for path, (word, options) in zip(others, kinds.items(), strict=True):
        options = {key: value for key, value in options.items() if value is not None}
        repacked(path, odd / path.name, **options)
    done = karin("--json", "ingest", "--virtual", good, odd, home / "c.karin", code=None)
    report = answer(done)
    assert done.returncode == 3, done
    reasons = {os.path.basename(granule["file"]): granule.get("reason") for granule in report["granules"]}
    assert reasons[good.name] is None
    for path, word in zip(others, kinds, strict=True):
        if word == "not compressed":
            continue
        assert word in reasons[path.name] and "without --virtual" in reasons[path.name], reasons[path.name]
    # The group takes chunks and filters from its first granule: without shuffle, alone, that one is as good as any other.
    karin("ingest", "--virtual", odd / others[-1].name, home / "other.karin")
    karin("extract", home / "other.karin", "-o", tmp_path / "x.nc")
    np.testing.assert_array_equal(raw(tmp_path / "x.nc")["ssha_karin_2"], raw(others[-1])["ssha_karin_2"])


def test_products_whose_granules_differ_in_shape_are_refused(karin, home):
    path = files_of(home)[0]
    fine = path.rename(path.with_name(path.name.replace("Basic", "Unsmoothed")))
    done = karin("--json", "ingest", "--virtual", fine, home / "c.karin", code=None)
    (granule,) = answer(done)["granules"]
    assert done.returncode == 3 and granule["kind"] == "unsupported" and "differ in lines and chunks" in granule["reason"]


@pytest.mark.parametrize("product", ["L2_LR_SSH_Expert", "L3_LR_SSH_Expert"])
def test_whole_products(karin, tmp_path, product):
    karin("simulate", "--product", product, "--phase", "science", "--cycles", "3", "--passes", "5", tmp_path / "made")
    (path,) = files_of(tmp_path / "made")
    karin("ingest", "--virtual", path, tmp_path / "c.karin")
    karin("extract", tmp_path / "c.karin", "-o", tmp_path / "x.nc")
    assert_same(tmp_path / "x.nc", path)


def test_the_real_whole_granule(karin, reference_data, tmp_path):
    path = reference_data("swot_l3/SWOT_L3_LR_SSH_Expert_026_165_20241229T165806_20241229T174933_v2.0.1.nc")
    karin("ingest", "--virtual", path, tmp_path / "c.karin")
    karin("extract", tmp_path / "c.karin", "-o", tmp_path / "x.nc")
    assert_same(tmp_path / "x.nc", path)
    karin("verify", "--deep", tmp_path / "c.karin")


def test_only_files_are_opened(karin, home):
    """A pipe in the place of a granule would be waited for without end."""
    collection, (path, *_) = home / "c.karin", files_of(home)
    karin("ingest", "--virtual", home / "L2", collection)
    path.unlink()
    os.mkfifo(path)
    cycle, number = path.name.split("_")[5:7]
    done = karin("extract", collection, "--cycles", cycle, "--passes", number, "-o", home / "x.nc", code=None)
    assert done.returncode != 0 and path.name in done.stderr and "no file" in done.stderr
    (fault,) = answer(karin("--json", "verify", collection, code=4))["faults"]
    assert fault["object"] == str(path.resolve())


def test_killed_or_together_it_leaves_nothing_half_done(karin, home):
    collection = home / "c.karin"
    command = [str(karin_binary()), "--quiet", "ingest", "--virtual", str(home / "L2"), str(collection)]
    for delay in (0.0, 0.01, 0.02, 0.03, 0.05, 0.08):
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay)
        child.send_signal(signal.SIGKILL)
        child.wait()
        if collection.joinpath("repo").exists():
            karin("verify", "--deep", collection)
    karin(*command[1:])
    (group,) = answer(karin("--json", "ls", collection))["groups"]
    assert group["granules"] == 6
    # Two at once, of overlapping sets.
    both, files = home / "both.karin", files_of(home)
    parts = [files[:4], files[2:]]
    writers = [subprocess.Popen([*command[:4], *map(str, part), str(both)], stdout=subprocess.PIPE, text=True) for part in parts]
    assert [writer.wait() for writer in writers] == [0, 0]
    (group,) = answer(karin("--json", "ls", both))["groups"]
    assert group["granules"] == 6
    karin("verify", "--deep", both)
