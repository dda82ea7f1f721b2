"""find, get and sync from buckets (moto): any bucket by layout, and PO.DAAC's with keys that its archive hands out for an hour."""

import json

from access_fixtures import BASICS, ask, assert_right, granules, outcomes, s3, servers, world  # noqa: F401
from access_server import TOKEN
from s3_server import bucket  # noqa: F401


def test_a_bucket_answers_as_every_place(ask, s3, world, tmp_path):
    found = ask("find", BASICS, "--from", "s3://bucket/swot", "--cycles", "475-476", "--passes", "2-3")
    rows = [(row["cycle_number"], row["pass_number"], row["size_is_exact"]) for row in found["granules"]]
    assert rows == [(475, 2, True), (475, 3, True), (476, 2, True), (476, 3, True)]
    out = tmp_path / "out"
    asked = ["get", BASICS, "--from", "s3://bucket/swot", "-o", out]
    assert outcomes(ask(*asked)) == ["fetched"] * 12
    assert_right(out, world, 12)
    again = ask(*asked)
    assert outcomes(again) == ["there"] * 12 and again["bytes"] == 0
    # An object that was replaced is another one.
    name = sorted(world.files)[0]
    world.files[name] = world.files[sorted(world.files)[1]]
    s3.put_object(Bucket="bucket", Key=f"swot/Basic/cycle_475/{name}", Body=world.files[name])
    assert outcomes(ask(*asked)) == ["fetched"] + ["there"] * 11
    assert_right(out, world, 12)
    assert "nowhere" in ask("find", BASICS, "--from", "s3://nowhere/x", code=1).stderr


def test_a_bucket_goes_on_where_it_stopped(ask, s3, world, granules, tmp_path):
    out, name = tmp_path / "out", granules[0].name
    one = ["get", BASICS, "--from", "s3://bucket/swot", "--cycles", "475", "--passes", "1", "-o", out]
    whole = ask(*one)
    size, etag = len(world.files[name]), s3.head_object(Bucket="bucket", Key=f"swot/Basic/cycle_475/{name}")["ETag"]
    (out / name).rename(out / f".{name}.part")
    with open(out / f".{name}.part", "r+b") as file:
        file.truncate(size // 3)
    note = f'{{"etag":{json.dumps(etag)},"last_modified":null,"total":{size}}}'
    (out / f".{name}.part.json").write_text(note)
    done = ask(*one)
    assert whole["bytes"] == size and done["bytes"] == size - size // 3
    assert_right(out, world, 1)


def test_a_collection_is_kept_up_from_a_bucket(ask, s3, tmp_path):
    collection = tmp_path / "swot.karin"
    done = ask("sync", BASICS, collection, "--from", "s3://bucket/swot")
    assert (done["found"], done["fetched"], done["stored"]) == (12, 12, 12)
    assert ask("sync", BASICS, collection, "--from", "s3://bucket/swot")["there"] == 12


PODAAC = ["get", BASICS, "--from", "podaac", "--set", "podaac.s3=true"]


def test_podaac_hands_out_keys_once_for_all(ask, s3, world, tmp_path):
    # The keys of the environment are not those of PO.DAAC.
    done = ask(*PODAAC, "-o", tmp_path / "out", env={"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""})
    assert outcomes(done) == ["fetched"] * 12 and done["granules"][0]["from"].startswith("s3://podaac/")
    assert_right(tmp_path / "out", world, 12)
    asked = [path for path in world.paths("archive") if path == "/s3credentials"]
    assert len(asked) <= 2  # once before the login, and once after it
    # Fetched over either way, it is the same granule.
    assert outcomes(ask("get", BASICS, "--from", "podaac", "-o", tmp_path / "out")) == ["there"] * 12


def test_keys_are_fetched_anew_before_they_end(ask, s3, world, tmp_path):
    world.key_seconds = 120
    done = ask(*PODAAC, "-o", tmp_path / "out", account=False, env={"EARTHDATA_TOKEN": TOKEN})
    assert outcomes(done) == ["fetched"] * 12
    assert len([path for path in world.paths("archive") if path == "/s3credentials"]) >= 12


def test_without_an_account_there_are_no_keys_and_it_is_told(ask, s3, tmp_path):
    told = ask(*PODAAC, "-o", tmp_path / "out", account=False, code=1).stderr
    assert "karin login podaac" in told and "none is known here" in told
    told = ask(*PODAAC, "-o", tmp_path / "out", account=False, env={"EARTHDATA_TOKEN": "wrong"}, code=1).stderr
    assert "does not accept the one from environment: EARTHDATA_TOKEN" in told
    assert not list((tmp_path / "out").glob("*.nc"))
