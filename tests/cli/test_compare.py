"""`provenance compare`: what a pipeline did to a labelled picture."""

import json
import shutil
import subprocess

import jsonschema
import pytest
from PIL import Image

import provenance as pv
from provenance.model.comparison import Comparison

OPTIONS = [
    "--captured-at", "2026-05-01", "--place", "四川省成都市", "--fiction", "staged",
    "--ai-generated", "--producer", "001191510100MA0EXAMP0D10001", "--produce-id", "img-1",
]  # fmt: skip
NOTICES = {"ai-generated", "fiction"}


@pytest.fixture
def labelled(run, media, tmp_path):
    out = tmp_path / "labelled.jpg"
    assert run("attach", media / "camera.jpg", "-o", out, "--on-conflict", "keep", *OPTIONS).code == 0
    return out


@pytest.fixture
def compared(run, labelled, tmp_path):
    def compare(after, before=labelled):
        result = run("compare", before, after, "--json")
        assert Comparison.model_validate(result.json).as_json() == result.json
        assert set(result.json) == {"schema", "before", "after", "survived", "changes"}
        assert (result.json["before"], result.json["after"]) == (str(before), str(after))
        for change in result.json["changes"]:
            assert set(change) == {"what", "kind", "carrier", "change", "before", "after"}
            assert (change["before"] is None) <= (change["change"] == "added")
            assert (change["after"] is None) <= (change["change"] == "lost")
        lossless = all(each["change"] == "added" for each in result.json["changes"])
        assert (result.code, result.json["survived"]) == (int(not lossless), lossless)
        return result.json["changes"]

    return compare


def lost(changes):
    assert {each["change"] for each in changes} <= {"lost"}
    return {(each["what"], each["kind"], each["carrier"]) for each in changes}


METADATA = {
    ("label", "capture", "exif"), ("label", "capture", "xmp"), ("label", "capture", "manifest"),
    ("label", "fiction", "xmp"), ("label", "fiction", "manifest"),
    ("label", "ai-generated", "xmp"), ("label", "ai-generated", "manifest"),
    ("aigc", "ai-generated", "aigc"), ("manifest", None, "manifest"),
}  # fmt: skip


def test_a_copy_says_the_same(compared, labelled, tmp_path):
    assert compared(shutil.copyfile(labelled, tmp_path / "copy.jpg")) == []
    assert compared(labelled) == []


@pytest.mark.parametrize("quality", [80, 95])
def test_saving_again_loses_all_metadata_and_keeps_the_notices(compared, labelled, tmp_path, quality):
    Image.open(labelled).save(tmp_path / "saved.jpg", quality=quality)
    assert lost(compared(tmp_path / "saved.jpg")) == METADATA


def test_another_container_is_compared_as_well(compared, labelled, tmp_path):
    Image.open(labelled).save(tmp_path / "saved.png", exif=b"", icc_profile=None)
    assert lost(compared(tmp_path / "saved.png")) == METADATA


def test_a_resized_picture_keeps_its_notices(compared, labelled, tmp_path):
    Image.open(labelled).resize((960, 720)).save(tmp_path / "resized.jpg", quality=90)
    assert lost(compared(tmp_path / "resized.jpg")) == METADATA


def test_cropping_the_notices_away_loses_them(compared, labelled, tmp_path):
    Image.open(labelled).crop((0, 200, 640, 480)).save(tmp_path / "cropped.jpg", quality=90)
    assert lost(compared(tmp_path / "cropped.jpg")) == METADATA | {("notice", kind, "notice") for kind in NOTICES}


def test_painting_over_a_notice_alone_loses_it_and_breaks_the_manifest(compared, labelled, run, tmp_path):
    picture = Image.open(labelled)
    picture.paste((20, 20, 20), (0, 0, 640, 200))
    picture.save(tmp_path / "painted.jpg", quality=95, exif=picture.info["exif"], xmp=picture.info["xmp"])
    changes = lost(compared(tmp_path / "painted.jpg"))
    assert {each for each in changes if each[0] == "notice"} == {("notice", kind, "notice") for kind in NOTICES}
    assert ("manifest", None, "manifest") in changes
    assert not {("label", "capture", "xmp"), ("label", "capture", "exif"), ("aigc", "ai-generated", "aigc")} & changes


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="not run: exiftool is not installed")
def test_exiftool_deletes_all_metadata(compared, labelled, tmp_path):
    out = tmp_path / "stripped.jpg"
    subprocess.run(["exiftool", "-q", "-all=", "-o", out, labelled], check=True)
    assert lost(compared(out)) == METADATA


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="not run: exiftool is not installed")
def test_a_changed_time_alters_the_label_and_the_manifest(compared, labelled, tmp_path):
    out = tmp_path / "changed.jpg"
    subprocess.run(["exiftool", "-q", "-DateTimeOriginal=2020:01:01 00:00:00", "-o", out, labelled], check=True)
    found = {(each["what"], each["carrier"]): each for each in compared(out)}
    assert {key: each["change"] for key, each in found.items()} == {
        ("label", "exif"): "altered", ("manifest", "manifest"): "altered",
    }  # fmt: skip
    assert found["manifest", "manifest"]["before"]["state"] == "valid"
    assert found["manifest", "manifest"]["after"]["state"] == "invalid"


@pytest.mark.skipif(shutil.which("jpegtran") is None, reason="not run: jpegtran is not installed")
@pytest.mark.parametrize(("copy", "expected"), [("all", set()), ("none", METADATA)])
def test_jpegtran(compared, labelled, tmp_path, copy, expected):
    out = tmp_path / "transcoded.jpg"
    out.write_bytes(subprocess.run(["jpegtran", "-copy", copy, labelled], capture_output=True, check=True).stdout)
    changes = compared(out)
    # Its JPEG may differ in bytes: then the manifest no longer holds, though every label is there.
    assert {(each["what"], each["kind"], each["carrier"]) for each in changes if each["what"] != "manifest"} == {
        each for each in expected if each[0] != "manifest"
    }


def test_labelling_only_adds(compared, labelled, media):
    changes = compared(labelled, media / "camera.jpg")
    assert {each["change"] for each in changes} == {"added"}
    assert {each["what"] for each in changes} == {"label", "aigc", "manifest", "notice"}


def test_signing_again_keeps_the_old_manifest_as_parent(compared, labelled, run, tmp_path):
    again = tmp_path / "again.jpg"
    assert run("attach", labelled, "-o", again, "--source", "新华社").code == 0
    (change,) = [each for each in compared(again) if each["what"] == "manifest"]
    assert change["change"] == "added"
    assert {each["change"] for each in compared(again)} == {"added"}


def test_a_second_element_is_an_alteration(compared, media):
    (change,) = [
        each for each in compared(media / "two-aigc-elements.jpg", media / "one-aigc-element.jpg")
        if each["what"] == "aigc"
    ]  # fmt: skip
    assert (change["change"], change["before"], change["after"]) == ("altered", {"count": 1}, {"count": 2})


@pytest.mark.parametrize(("before", "after", "code"), [
    ("camera.jpg", "nowhere.jpg", 2), ("nowhere.jpg", "camera.jpg", 2),
    ("camera.jpg", "text-named.jpg", 3), ("scan-cut.jpg", "camera.jpg", 3), ("empty.jpg", "camera.jpg", 3),
])  # fmt: skip
def test_a_file_that_cannot_be_read_is_an_error_that_names_it(run, media, before, after, code):
    result = run("compare", media / before, media / after, "--json")
    assert (result.code, result.out) == (code, "")
    assert (before if before != "camera.jpg" else after) in result.err


@pytest.mark.parametrize(
    ("lang", "words"), [("en", ("lost", "AIGC element", "NOT", "survived")), ("zh-CN", ("丢失", "AIGC 标识", "未能"))]
)
def test_a_person_reads_what_was_lost(run, labelled, tmp_path, lang, words):
    Image.open(labelled).save(tmp_path / "saved.jpg")
    result = run("compare", labelled, tmp_path / "saved.jpg", "--lang", lang)
    assert result.code == 1
    assert all(word.lower() in result.out.lower() for word in words)
    assert "2026-05-01" in result.out
    assert run("compare", labelled, labelled, "--lang", lang).out.count("\n") == 1


def test_the_sdk_answers_the_same(run, labelled, media):
    found = pv.Provenance(signer=None).compare(str(media / "camera.jpg"), labelled)
    assert isinstance(found, pv.Comparison)
    assert found.as_json() == run("compare", media / "camera.jpg", labelled, "--json").json
    jsonschema.validate(json.loads(json.dumps(found.as_json())), Comparison.model_json_schema(mode="serialization"))
