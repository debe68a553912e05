"""`provenance attach`: what it writes, what it refuses, and that nothing is ever lost."""

import hashlib
import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

CODE = "001191510100MA0EXAMP0D10001"


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def attach(run, source, out, *options):
    before = digest(source) if source.is_file() else None
    result = run("attach", source, "-o", out, *options)
    if before:
        assert digest(source) == before
    if result.code:
        assert not out.exists()
    assert not list(out.parent.glob(".provenance-*"))
    return result


def test_a_finished_post_has_the_layout_of_the_contract(run, write_post, post_data, tmp_path):
    out = tmp_path / "out"
    result = attach(run, write_post(post_data), out)
    assert result.code == 0, result.err
    assert sorted(each.relative_to(out).as_posix() for each in out.rglob("*") if each.is_file()) == [
        "media/1-camera.jpg",
        "media/2-poster.png",
        "notices.html",
        "notices.json",
        "notices.md",
        "post.json",
        "post.json.c2pa",
    ]
    finished = json.loads((out / "post.json").read_text(encoding="utf-8"))
    first, second = finished["assets"]
    assert (first["path"], first["media_change"], first["notices"]) == ("media/1-camera.jpg", "none", [])
    assert first["sha256"] == digest(out / first["path"])
    assert second["media_change"] == "blocks"
    (notice,) = second["notices"]
    assert set(notice) == {"kind", "text", "box", "seconds"}
    assert (notice["kind"], notice["text"], notice["seconds"]) == ("ai-generated", "AI生成", None)
    assert finished["edition"]
    assert [(each["kind"], each["surface"], each["text"]) for each in finished["notices"]] == [
        ("mcn", "account", "所属MCN机构:星河文化传媒(成都)有限公司"),
        ("capture", "post", "拍摄于 2026-05-01 08:30 四川省成都市"),
        ("source", "post", "信息来源:新华社 2026-05-01"),
    ]


def test_a_finished_post_is_valid_input_and_attaching_twice_equals_once(run, write_post, post_data, tmp_path):
    once, twice = tmp_path / "once", tmp_path / "twice"
    assert attach(run, write_post(post_data), once).code == 0
    assert attach(run, once / "post.json", twice).code == 0
    for name in ("media/1-camera.jpg", "media/2-poster.png", "notices.html", "notices.json", "notices.md"):
        assert digest(once / name) == digest(twice / name)
    first, second = (json.loads((each / "post.json").read_text(encoding="utf-8")) for each in (once, twice))
    for asset in second["assets"]:
        assert asset.pop("media_change") == "none"
    for asset in first["assets"]:
        asset.pop("media_change")
    assert first == second


@pytest.mark.parametrize(
    ("name", "options", "code", "words"),
    [
        ("none.jpg", ["--source", "x"], 2, "no such file"),
        ("scan-cut.jpg", ["--source", "x"], 3, "byte"),
        ("bad-crc.png", ["--source", "x"], 3, "checksum"),
        ("text-named.jpg", ["--source", "x"], 3, "text"),
        ("empty.jpg", ["--source", "x"], 3, "empty"),
        ("clip.mp4", ["--source", "x"], 3, "index"),
        ("small.png", ["--ai-generated"], 3, '"draw": []'),
        ("two-aigc-elements.jpg", ["--source", "x"], 2, "2 AIGC elements"),
        ("camera.jpg", ["--captured-at", "2999-01-01"], 2, "--captured-at: 2999-01-01 lies in the future"),
        ("camera.jpg", ["--captured-at", "2026-05-02T08:30:00"], 2, "2026-05-01T08:30:00+08:00"),
        ("plain.jpg", ["--place", "x", "--latitude", "30", "--longitude", "104"], 2, "datum"),
        ("plain.jpg", ["--ai-generated", "--producer", "某公司", "--produce-id", "1"], 2, "--producer"),
        ("plain.jpg", ["--ai-generated", "--producer", "a b", "--produce-id", "1"], 2, "U+0020"),
        ("plain.jpg", ["--ai-generated", "--producer", CODE[:-1] + "Q" * 2, "--produce-id", "1"], 0, ""),
        ("plain.jpg", ["--ai-generated", "--producer", CODE.replace("MA0", "MB0"), "--produce-id", "1"], 2, "--producer"),
        ("one-aigc-element.jpg", ["--ai-generated", "--producer", CODE, "--produce-id", "img-9"], 2, "img-1"),
        ("foreign-xmp.jpg", ["--source", "AFP"], 2, "Reuters"),
        ("plain.jpg", ["--source", "AFP", "--draw", "nonsense"], 2, "nonsense whose notice could be drawn"),
        ("plain.jpg", ["--fiction", "invented"], 2, "--fiction"),
        ("plain.jpg", ["--origin", "found", "--source", "x"], 2, ": --origin: found"),
        ("plain.jpg", [], 2, "--labels"),
        ("plain.jpg", ["--source", "x", "--on-conflict", "win"], 2, "--on-conflict"),
        ("plain.jpg", ["--source", "x", "--cert", "nowhere.pem", "--key", "nowhere.pem"], 2, "nowhere.pem"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_with_what_to_do_and_nothing_is_left(run, media, tmp_path, name, options, code, words):
    result = attach(run, media / name, tmp_path / "out.jpg", *options)
    assert result.code == code, result.err
    assert words in result.err
    assert result.out == "" or code == 0


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--latitude", "30"], ["--place", "--longitude", "--datum"]),
        (["--place", "x", "--latitude", "300", "--longitude", "1", "--datum", "wgs84"], ["--latitude"]),
        (["--grade", "x", "--place", "y", "--country-code", "X1"], ["--grade", "--country-code"]),
        (["--source-url", "x"], ["--source", "--source-url"]),
        (["--source", "x", "--origin", "found"], ["--origin"]),
        (["--source", "x", "--draw", "nonsense"], ["--draw"]),
    ],
)  # fmt: skip
def test_every_problem_of_a_line_names_the_option(run, media, tmp_path, options, named):
    result = attach(run, media / "plain.jpg", tmp_path / "out.jpg", *options)
    assert result.code == 2
    text = result.err.partition("): ")[2]
    assert [line.partition(":")[0] for line in text.splitlines()] == named
    assert not re.search(r"/(assets|labels|origin|draw)", text)


def test_draw_says_what_to_type_to_draw_nothing(run, media, tmp_path):
    result = attach(run, media / "plain.jpg", tmp_path / "out.jpg", "--source", "x", "--draw", "nonsense")
    assert "Use none to draw nothing" in result.err
    assert "empty list" not in result.err


def test_a_picture_that_takes_no_notice_names_the_option_that_goes_on_without(run, tmp_path):
    small = tmp_path / "small.png"
    Image.new("RGB", (100, 100)).save(small)
    done = run("attach", small, "-o", tmp_path / "out.png", "--ai-generated")
    assert done.code == 3
    assert '"draw": [] (--draw none)' in done.err


def test_free_text_is_drawn_where_it_is_asked_for_and_found_again(run, media, tmp_path):
    out = tmp_path / "out.jpg"
    options = ["--source", "泸州日报 · 𠮷林站", "--published-at", "2026-05-01", "--draw", "source"]
    assert (
        attach(run, media / "plain.jpg", out, *options, "--json").json["notices"][0]["text"].startswith("信息来源:泸州")
    )
    (notice,) = run("verify", out, "--json").json["files"][0]["notices"]
    assert notice["found"] is True
    again = attach(run, out, tmp_path / "again.jpg", *options, "--json")
    assert len(again.json["notices"]) == 1


def test_a_position_in_conflict_is_told_as_people_write_it(run, media, tmp_path):
    once = tmp_path / "once.jpg"
    rest = ["--place", "x", "--longitude", "104", "--datum", "wgs84", "--latitude"]
    assert attach(run, media / "plain.jpg", once, *rest, "30").code == 0
    result = attach(run, once, tmp_path / "out.jpg", *rest, "31")
    assert "is 31.0, 104.0 (wgs84), but" in result.err
    assert "says 30.0, 104.0 (wgs84)." in result.err
    assert "--latitude" in result.err
    assert "{" not in result.err


@pytest.mark.parametrize("output", [[], ["--json"]], ids=str)
def test_a_warning_about_one_file_names_the_option_and_claims_nothing_more(run, media, tmp_path, output):
    options = ["--ai-generated", "--no-manifest", "--draw", "none", *output]
    result = attach(run, media / "plain.jpg", tmp_path / "out.jpg", *options)
    for text in [result.err, *(each["message"] for each in (result.json["warnings"] if output else ()))]:
        assert "--ai-generated: no AIGC element was written" in text
        assert "recorded without it" in text
        assert "/assets/0" not in text


def test_a_labels_file_keeps_its_pointers(run, media, tmp_path):
    labels = tmp_path / "labels.json"
    labels.write_text('[{"kind": "source"}]', encoding="utf-8")
    result = attach(run, media / "plain.jpg", tmp_path / "out.jpg", "--labels", labels, "--captured-at", "x")
    assert "/labels/0/publisher: this key" in result.err
    assert "--captured-at: x is not a time" in result.err


@pytest.mark.parametrize("lang", ["en", "zh-CN"])
@pytest.mark.parametrize("name", ["none.jpg", "scan-cut.jpg", "two-aigc-elements.jpg"])
def test_every_refusal_has_a_stable_code_and_both_languages(run, media, tmp_path, name, lang):
    result = attach(run, media / name, tmp_path / "out.jpg", "--source", "x", "--lang", lang)
    assert ("错误" in result.err) is (lang == "zh-CN")
    assert (
        "(asset-not-found)" in result.err or "(jpeg-truncated)" in result.err or "(aigc-repeated-in-file)" in result.err
    )


def test_a_folder_is_no_medium(run, tmp_path):
    assert attach(run, tmp_path, tmp_path / "out").code == 2


def test_an_existing_output_is_never_overwritten_nor_the_input_truncated(run, media, tmp_path, write_post, post_data):
    picture = tmp_path / "own.jpg"
    picture.write_bytes((media / "plain.jpg").read_bytes())
    before = digest(picture)
    assert run("attach", picture, "-o", picture, "--source", "x").code == 2
    assert digest(picture) == before
    post = write_post(post_data)
    assert run("attach", post, "-o", post.parent).code == 2
    assert digest(post.parent / "camera.jpg") == digest(media / "camera.jpg")


def test_a_missing_asset_is_named_by_its_pointer(run, write_post, post_data, tmp_path):
    post_data["assets"][1]["path"] = "gone.png"
    result = attach(run, write_post(post_data), tmp_path / "out")
    assert (result.code, "/assets/1/path" in result.err) == (2, True)


def test_an_unknown_key_and_an_unknown_kind_are_refused_with_their_pointer(run, write_post, post_data, tmp_path):
    post_data["labels"].append({"kind": "hearsay", "by": "x"})
    result = attach(run, write_post(post_data), tmp_path / "out")
    assert (result.code, "/labels/1" in result.err) == (2, True)
    post_data["labels"][1] = {"kind": "source", "publisher": "x", "colour": "red"}
    result = attach(run, write_post(post_data, "other.json"), tmp_path / "out")
    assert (result.code, "/labels/1/colour" in result.err) == (2, True)


@pytest.mark.skipif(os.geteuid() == 0, reason="not run: root may write everywhere")
def test_an_output_folder_without_permission_is_reported(run, media, tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    assert attach(run, media / "plain.jpg", locked / "out.jpg", "--source", "x").code == 4


def test_a_folder_that_cannot_be_written_is_reported(run, media):
    result = run("attach", media / "plain.jpg", "-o", Path("/proc/provenance.jpg"), "--source", "x")
    assert (result.code, "could not be written" in result.err) == (4, True)


@pytest.mark.parametrize("limit", [1000, 40_000])
def test_a_full_disk_leaves_nothing_half_written(media, tmp_path, identity, limit):
    """The file-size limit of the process stands in for a disk that is full after so many bytes."""
    out = tmp_path / "out" / "x.jpg"
    out.parent.mkdir()
    command = [sys.executable, "-m", "provenance", "attach", media / "camera.jpg", "-o", out, "--source", "x"]
    done = subprocess.run(
        [*map(str, command), "--cert", str(identity.certificate), "--key", str(identity.key)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, list(out.parent.iterdir())) == (4, []), done.stderr
    assert "Traceback" not in done.stderr


def test_damaged_exif_stays_as_it_is_and_the_label_goes_to_xmp(run, media, tmp_path, exiftool):
    out = tmp_path / "out.jpg"
    result = attach(run, media / "damaged-exif.jpg", out, "--captured-at", "2026-05-01T08:30:00")
    assert (result.code, "exif-damaged" in result.err) == (0, True)
    assert exiftool(out)["XMP-photoshop:DateCreated"] == "2026:05:01 08:30:00"
    source = (media / "damaged-exif.jpg").read_bytes()
    at = source.index(b"Exif\0\0")
    assert source[at : at + 30] in out.read_bytes()


def test_labels_land_in_the_fields_that_other_readers_show(run, media, tmp_path, exiftool):
    out = tmp_path / "out.jpg"
    options = [
        "--captured-at", "2026-05-01T08:30:00+08:00", "--place", "四川省成都市", "--country-code", "CHN", "--province", "四川省",
        "--city", "成都市", "--county", "成华区", "--latitude", "30.7339", "--longitude", "104.1467", "--datum", "wgs84",
        "--source", "新华社", "--author", "张三", "--copyright-owner", "新华社图片", "--origin", "self-shot",
    ]  # fmt: skip
    assert attach(run, media / "plain.jpg", out, *options).code == 0
    tags = exiftool(out)
    location = tags["XMP-iptcExt:LocationCreated"][0]
    assert tags["ExifIFD:DateTimeOriginal"] == "2026:05:01 08:30:00"
    assert tags["ExifIFD:OffsetTimeOriginal"] == "+08:00"
    assert tags["XMP-photoshop:DateCreated"] == "2026:05:01 08:30:00+08:00"
    assert (location["LocationName"], location["CountryCode"], location["ProvinceState"]) == (
        "四川省成都市",
        "CHN",
        "四川省",
    )
    assert (location["City"], location["Sublocation"]) == ("成都市", "成华区")
    assert tags["GPS:GPSMapDatum"] == "WGS-84"
    assert tags["XMP-photoshop:Source"] == tags["XMP-photoshop:Credit"] == "新华社"
    assert tags["XMP-dc:Creator"] == ["张三"]
    assert tags["XMP-plus:CopyrightOwner"][0]["CopyrightOwnerName"] == "新华社图片"
    assert tags["XMP-iptcExt:DigitalSourceType"].endswith("digitalCapture")
    assert '"kind":"capture"' in tags["XMP-pvl:Labels"]


def test_an_offset_is_never_invented_and_a_short_time_never_padded(run, media, tmp_path, exiftool):
    out = tmp_path / "a.jpg"
    attach(run, media / "plain.jpg", out, "--captured-at", "2026-05-01T08:30:00")
    assert "ExifIFD:OffsetTimeOriginal" not in exiftool(out)
    out = tmp_path / "b.jpg"
    attach(run, media / "plain.jpg", out, "--captured-at", "2026-05")
    tags = exiftool(out)
    assert "ExifIFD:DateTimeOriginal" not in tags
    assert tags["XMP-photoshop:DateCreated"] == "2026:05"


def test_the_aigc_element_is_written_bare_and_once(run, media, tmp_path, exiftool):
    out = tmp_path / "out.png"
    options = ["--ai-generated", "--producer", CODE, "--produce-id", "img-7", "--origin", "ai-generated"]
    assert attach(run, media / "poster.png", out, *options).code == 0
    tags = exiftool(out)
    (text,) = [value for name, value in tags.items() if name.lower().endswith(":aigc")]
    assert (list(json.loads(text).values()) if isinstance(text, str) else list(text.values())) == [
        "1", CODE, "img-7", "", CODE, "img-7", "",
    ]  # fmt: skip
    assert tags["XMP-iptcExt:DigitalSourceType"].endswith("trainedAlgorithmicMedia")
    verified = run("verify", out, "--json").json["files"][0]
    assert verified["aigc"]["count"] == 1
    assert verified["aigc"]["conformant"] is True


def test_without_producer_and_number_no_element_is_written_but_the_label_is_kept(run, media, tmp_path):
    out = tmp_path / "out.png"
    result = attach(run, media / "poster.png", out, "--ai-generated")
    assert "aigc-not-written" in result.err
    verified = run("verify", out, "--json").json["files"][0]
    assert verified["aigc"] == {"count": 0, "conformant": None, "elements": []}
    assert {each["carrier"] for each in verified["labels"]} == {"xmp", "manifest"}


def test_a_later_hop_changes_the_propagation_fields_only(run, media, tmp_path):
    out = tmp_path / "out.jpg"
    options = [
        "--ai-generated",
        "--producer",
        CODE,
        "--produce-id",
        "img-1",
        "--propagator",
        CODE,
        "--propagate-id",
        "p-9",
    ]
    assert attach(run, media / "one-aigc-element.jpg", out, *options).code == 0
    element = run("verify", out, "--json").json["files"][0]["aigc"]["elements"][0]
    assert element["value"]["ProduceID"] == "img-1"
    assert element["value"]["PropagateID"] == "p-9"


def test_an_element_in_another_slot_is_never_doubled(run, media, tmp_path):
    out = tmp_path / "out.png"
    options = ["--ai-generated", "--producer", CODE, "--produce-id", "img-1"]
    assert attach(run, media / "aigc-element-in-text-chunk.png", out, *options).code == 0
    assert run("verify", out, "--json").json["files"][0]["aigc"]["count"] == 1


def test_keep_leaves_the_files_value_and_records_ours_beside_it(run, media, tmp_path, exiftool):
    out = tmp_path / "out.jpg"
    options = ["--captured-at", "2026-05-02T10:00:00+08:00", "--on-conflict", "keep"]
    assert attach(run, media / "camera.jpg", out, *options).code == 0
    assert exiftool(out)["ExifIFD:DateTimeOriginal"] == "2026:05:01 08:30:00"
    verified = run("verify", out, "--json")
    (conflict,) = verified.json["files"][0]["conflicts"]
    assert (verified.code, conflict["kind"], conflict["field"]) == (1, "capture", "time")
    assert {each["carrier"] for each in conflict["values"]} == {"exif", "xmp", "manifest"}


def test_foreign_xmp_survives_byte_for_byte(run, media, tmp_path):
    out = tmp_path / "out.jpg"
    assert attach(run, media / "foreign-xmp.jpg", out, "--source", "Reuters").code == 0
    assert b"<acme:Job>77</acme:Job><photoshop:Source>Reuters</photoshop:Source>" in out.read_bytes()


def test_a_signed_input_keeps_its_manifest_as_parent(run, media, tmp_path):
    once, twice = tmp_path / "once.jpg", tmp_path / "twice.jpg"
    attach(run, media / "camera.jpg", once, "--captured-at", "2026-05-01T08:30:00+08:00")
    assert attach(run, once, twice, "--fiction", "staged").code == 0
    manifest = run("verify", twice, "--json").json["files"][0]["manifest"]
    assert manifest["state"] == "valid"
    assert manifest["ingredients"][0]["relationship"] == "parentOf"
    assert "made from" not in run("verify", twice).out
    assert manifest["ingredients"][0]["state"] == "valid"
    refused = attach(run, once, tmp_path / "no.jpg", "--fiction", "staged", "--no-manifest")
    assert (refused.code, "manifest-needs-signer" in refused.err) == (3, True)


@pytest.mark.parametrize(("lang", "words"), [("en", "whose own manifest is invalid"), ("zh-CN", "状态为 invalid")])
def test_people_are_told_that_what_a_file_was_made_from_did_not_hold(run, media, tmp_path, lang, words):
    once, twice = tmp_path / "once.jpg", tmp_path / "twice.jpg"
    attach(run, media / "camera.jpg", once, "--captured-at", "2026-05-01T08:30:00+08:00")
    content = bytearray(once.read_bytes())
    content[-2000] ^= 1
    once.write_bytes(content)
    assert attach(run, once, twice, "--fiction", "staged").code == 0
    verified = run("verify", twice, "--lang", lang)
    assert (verified.code, words in verified.out, "once.jpg" in verified.out) == (0, True, True)


def test_no_manifest_signs_nothing(run, media, tmp_path):
    out = tmp_path / "out.jpg"
    assert attach(run, media / "plain.jpg", out, "--source", "x", "--no-manifest").code == 0
    assert run("verify", out, "--json").json["files"][0]["manifest"]["state"] == "absent"
    again = tmp_path / "again.jpg"
    assert attach(run, out, again, "--source", "x", "--no-manifest").code == 0
    assert digest(out) == digest(again)


def test_a_file_of_several_pages_speaks_of_a_manifest_beside_it_only_where_one_is_signed(run, tmp_path):
    pages = [Image.new("RGB", (400, 400), colour) for colour in ("red", "navy")]
    pages[0].save(tmp_path / "in.tiff", save_all=True, append_images=pages[1:])
    for name, options, told in (("signed.tiff", (), True), ("unsigned.tiff", ("--no-manifest",), False)):
        done = run("attach", tmp_path / "in.tiff", "-o", tmp_path / name, "--ai-generated", *options)
        assert done.code == 0, done.err
        assert ("tiff-page-would-be-added" in done.err) is told
        assert (tmp_path / f"{name}.c2pa").exists() is told


def test_a_notice_stands_upright_on_a_picture_that_a_viewer_turns(run, media, tmp_path):
    out = tmp_path / "out.jpg"
    assert attach(run, media / "camera-turned-90.jpg", out, "--fiction", "staged").code == 0
    found = run("verify", out, "--json").json["files"][0]["notices"][0]
    assert found["found"] is True
    assert found["height_ratio"] >= 0.05
    assert found["contrast"] >= 4.5


def test_a_notice_that_is_there_is_not_drawn_again_and_a_second_one_goes_below(run, media, tmp_path):
    once, twice = tmp_path / "once.png", tmp_path / "twice.png"
    attach(run, media / "poster.png", once, "--ai-generated")
    assert attach(run, once, twice, "--ai-generated", "--fiction", "staged", "--json").json["media_change"] == "blocks"
    notices = run("verify", twice, "--json").json["files"][0]["notices"]
    assert [(each["text"], each["found"]) for each in notices] == [("AI生成", True), ("摆拍演绎", True)]


def test_draw_none_leaves_the_picture_alone(run, media, tmp_path):
    out = tmp_path / "out.png"
    result = attach(run, media / "small.png", out, "--ai-generated", "--draw", "none", "--json")
    assert (result.code, result.json["media_change"], result.json["notices"]) == (0, "none", [])
    with Image.open(out) as ours, Image.open(media / "small.png") as theirs:
        assert ours.tobytes() == theirs.tobytes()


def test_check_afterwards_decides_the_exit_code(run, write_post, post_data, tmp_path):
    assert attach(run, write_post(post_data), tmp_path / "good", "--check").code == 0
    del post_data["assets"][0]["labels"]
    result = run("attach", write_post(post_data, "gap.json"), "-o", tmp_path / "gap", "--check", "--json")
    assert result.code == 1
    assert result.json["report"]["publishable"] is False
    assert (tmp_path / "gap" / "post.json").exists()


def test_labels_may_come_from_a_file(run, media, tmp_path):
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps([{"kind": "source", "publisher": "新华社"}]), encoding="utf-8")
    assert attach(run, media / "plain.jpg", tmp_path / "out.jpg", "--labels", labels).code == 0
    labels.write_text("{}", encoding="utf-8")
    assert "labels-not-json" in attach(run, media / "plain.jpg", tmp_path / "no.jpg", "--labels", labels).err
    labels.write_text('[{"kind": "source"}]', encoding="utf-8")
    assert "/labels/0/publisher" in attach(run, media / "plain.jpg", tmp_path / "no.jpg", "--labels", labels).err


def test_label_options_belong_to_a_single_file(run, write_post, post_data, tmp_path):
    result = attach(run, write_post(post_data), tmp_path / "out", "--source", "x")
    assert (result.code, "--source" in result.err) == (2, True)


def test_a_development_identity_is_made_once_and_announced(run, media, tmp_path, monkeypatch):
    monkeypatch.delenv("PROVENANCE_CERT")
    result = attach(run, media / "plain.jpg", tmp_path / "no.jpg", "--source", "x")
    assert (result.code, "--key" in result.err) == (2, True)
    monkeypatch.delenv("PROVENANCE_KEY")
    assert "development identity" in attach(run, media / "plain.jpg", tmp_path / "a.jpg", "--source", "x").err
    assert attach(run, media / "plain.jpg", tmp_path / "b.jpg", "--source", "x").err == ""
    assert oct((tmp_path / "config/provenance/identity/key.pem").stat().st_mode)[-3:] == "600"


def test_two_assets_that_would_get_one_name_are_refused(run, write_post, post_data, media, tmp_path):
    path = write_post(post_data)
    for name in ("b-c.jpg", "c.jpg"):
        (path.parent / name).write_bytes((media / "plain.jpg").read_bytes())
    post_data["assets"] = [{"id": "a", "path": "b-c.jpg"}, {"id": "a-b", "path": "c.jpg"}]
    result = attach(run, write_post(post_data), tmp_path / "out")
    assert (result.code, "/assets/1" in result.err) == (2, True)


def test_what_misleads_about_the_output_is_said_and_where_it_cannot_go(run, media, tmp_path):
    renamed = attach(run, media / "plain.jpg", tmp_path / "out.png", "--source", "x", "--no-manifest")
    assert (renamed.code, "output-name-misleads" in renamed.err) == (0, True)
    nowhere = attach(run, media / "plain.jpg", tmp_path / "none" / "out.jpg", "--source", "x", "--no-manifest")
    assert (nowhere.code, str(tmp_path / "none") in nowhere.err) == (2, True)
    folder = attach(run, media, tmp_path / "out.jpg", "--source", "x", "--no-manifest")
    assert (folder.code, "post.json" in folder.err) == (2, True)


def test_a_warning_about_a_file_of_a_post_names_no_folder_that_is_gone_afterwards(run, write_post, post_data, tmp_path):
    post = write_post(post_data)
    asset = post_data["assets"][0]
    renamed = Path(asset["path"]).with_suffix(".mpo")
    (post.parent / asset["path"]).rename(post.parent / renamed)
    asset["path"] = str(renamed)
    write_post(post_data)
    done = run("attach", post, "-o", tmp_path / "out")
    assert done.code == 0, done.err
    (told,) = (line for line in done.err.splitlines() if "output-name-misleads" in line)
    assert f": {asset['id']}-{renamed.name} ends with" in told


def test_an_element_whose_label_is_no_number_is_its_producers_to_mend(run, media, tmp_path):
    from provenance.formats import registry
    from provenance.metadata import iptc, xmp

    broken = tmp_path / "broken.jpg"
    element = '{"Label":"AIGC","ContentProducer":"doubao","ProduceID":"1"}'
    with broken.open("wb") as file:
        registry.write(media / "plain.jpg", file, xmp=xmp.merge(None, {iptc.AIGC: element}))
    hop = ("--ai-generated", "--propagator", CODE, "--propagate-id", "p-1", "--draw", "none", "--no-manifest")
    result = attach(run, broken, tmp_path / "out.jpg", *hop)
    assert result.code == 2
    assert str(broken) in result.err
    assert "Label AIGC" in result.err


def test_every_kind_of_label_can_be_given_by_options(run, media, tmp_path):
    done = run(
        *("attach", media / "poster.png", "-o", tmp_path / "out.png", "--no-manifest", "--draw", "none"),
        *("--disputed-by", "审核员", "--disputed-at", "2026-05-02", "--disputed-reason", "来源不明"),
        *("--rumor-by", "网信办", "--rumor-at", "2026-05-01", "--rumor-claim", "说法", "--debunk-url", "https://a.cn/"),
        *("--advertiser", "某公司", "--opinion", "--minors-risk", "values"),
    )
    assert done.code == 0
    found = run("verify", tmp_path / "out.png", "--json").json["files"][0]["labels"]
    said = {each["kind"]: each["value"] for each in found if each["carrier"] == "xmp"}
    assert said["rumor"] == {"at": "2026-05-01", "by": "网信办", "claim": "说法", "debunk_url": "https://a.cn/"}
    assert said["disputed"]["reason"] == "来源不明"
    assert (said["marketing"], said["opinion"], said["minors-risk"]) == (
        {"advertiser": "某公司"},
        {},
        {"class": "values"},
    )
